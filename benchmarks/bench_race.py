"""The rolling race since 2005: sixteen pairs and the book, window 1,000, refit every 20 days, all models, no store.

No peer runs such a race. What can be set side by side is one model on one pair: GARCH-t refitted by `arch` on the same
windows. It is measured on evenly spread refits and multiplied; only its fits count, not its forecasts, while ours make
both.
"""

import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
from arch import arch_model
from measure import Row, row, run_alone, timed

from workbench.data.rates import DailyRates
from workbench.data.sources.ecb import EcbHistory
from workbench.domain.book import equal_risk_book
from workbench.domain.currencies import LEGS, PAIRS
from workbench.risk.models import MODELS
from workbench.risk.race import run_race
from workbench.risk.rolling import Schedule, rolling_forecasts
from workbench.risk.volatility import ewma_volatility, normal_volatility
from workbench.runtime.daily.forecast_store import ForecastStore, race_schedule, series_forecasts

RECENT_DAYS, MCS_SIZE = 500, 0.10
COMPILING = "2025-06-02"
PEER_REFITS = 20


def book_returns(rates: DailyRates) -> np.ndarray:
    """Returns of the default book: every pair at equal stand-alone volatility."""
    normal = normal_volatility(ewma_volatility(rates.pair_simple_returns().to_numpy()))
    volatility = dict(zip(PAIRS, normal.tolist(), strict=True))
    book = equal_risk_book(volatility, rates.last_values(), equity=1e6, gross=0.5)
    return rates.leg_simple_returns()[list(LEGS)].to_numpy() @ book.leg_weights(rates.last_values())


def silent(what: str, done: int, total: int) -> None:
    """Nobody watches."""


def peer_seconds(returns: np.ndarray, schedule: Schedule, refits: int) -> tuple[float, int]:
    """Seconds `arch` would take for all refits of one series, and on how many that rests."""
    chosen = np.unique(np.linspace(0, refits - 1, min(PEER_REFITS, refits)).round().astype(int))
    starts = [schedule.start_of(int(segment)) for segment in chosen]
    models = [arch_model(100 * returns[start - schedule.window : start], dist="t") for start in starts]

    def refit() -> None:
        for model in models:
            model.fit(disp="off", show_warning=False)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seconds, _ = timed(refit)
    return seconds / len(chosen) * refits, len(chosen)


def bench(*, smoke: bool) -> list[Row]:
    rates = EcbHistory().load()
    pairs = rates.pair_simple_returns()
    series = {"book": book_returns(rates)} | {pair: pairs[pair].to_numpy() for pair in PAIRS[: 1 if smoke else None]}
    start = "2025-01-02" if smoke else "2005-01-03"
    schedule, one = race_schedule(rates, start), pairs["EURUSD"].to_numpy()
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        tiny = series_forecasts(
            {"book": series["book"]}, race_schedule(rates, COMPILING), ForecastStore(top / "0"), silent
        )
        run_race(tiny["book"], recent_days=RECENT_DAYS, mcs_size=MCS_SIZE)
        forecasting, found = timed(lambda: series_forecasts(series, schedule, ForecastStore(top / "1"), silent))
    scoring, race = timed(lambda: run_race(found["book"], recent_days=RECENT_DAYS, mcs_size=MCS_SIZE))
    garch, alone = timed(lambda: rolling_forecasts(one, schedule, models=(MODELS["garch-t"],)))
    refits = len(alone.estimates[MODELS["garch-t"].estimator.key])
    theirs, measured = peer_seconds(one, schedule, refits)
    return [
        row(
            f"rolling race since {start[:4]}, {len(series)} series, all models",
            forecasting + scoring,
            "s",
            target=90,
            note=f"compiled before; {len(race.scores)} models, {found['book'].rows} days; "
            f"forecasts of all series {forecasting:.1f} s, tests of the book {scoring:.1f} s; "
            f"refused: {', '.join(race.refused) or 'none'}",
        ),
        row(
            f"rolling GARCH-t on EURUSD, {refits} refits",
            garch,
            "s",
            peer=f"arch {version('arch')}, extrapolated from {measured} refits",
            peer_value=theirs,
        ),
    ]


if __name__ == "__main__":
    run_alone(bench)
