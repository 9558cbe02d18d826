"""The rolling race since 2005: sixteen pairs and the book, all models, nothing stored."""

import tempfile
import time
from pathlib import Path

from workbench.data.sources.ecb import EcbHistory
from workbench.domain.currencies import LEGS, PAIRS
from workbench.runtime.forecast_store import ForecastStore, race_schedule, series_forecasts


def bench(*, smoke: bool) -> list[dict]:
    rates = EcbHistory().load()
    pairs = rates.pair_simple_returns()
    book = rates.leg_simple_returns()[list(LEGS)].to_numpy().mean(axis=1)
    series = {"book": book} | {pair: pairs[pair].to_numpy() for pair in PAIRS[: 1 if smoke else 16]}
    warm_up, race = race_schedule(rates, "2025-06-02"), race_schedule(rates, "2025-01-02" if smoke else "2005-01-03")

    def quiet(what: str, done: int, total: int) -> None:
        del what, done, total

    with tempfile.TemporaryDirectory() as folder:
        series_forecasts({"book": book}, warm_up, ForecastStore(Path(folder) / "warm"), quiet)
        began = time.perf_counter()
        series_forecasts(series, race, ForecastStore(Path(folder) / "race"), quiet)
        seconds = time.perf_counter() - began
    name = f"rolling race, {len(series)} series, 13 models and their combination"
    return [{"name": name, "value": seconds, "unit": "s", "ratio": None, "target": 90, "better": "lower"}]
