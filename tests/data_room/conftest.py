"""Synthetic intraday prices that pass exactly through the real ECB fixes, and the real history to hold them against."""

import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.data.calendar import TIMEFRAMES, fix_times, market_slots
from workbench.data.rates import DailyRates
from workbench.data.sources import EcbHistory

Synthetic = Callable[..., pd.DataFrame]
FullDisk = Callable[[int], AbstractContextManager[None]]


@contextmanager
def _full_disk(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture(scope="session")
def full_disk() -> FullDisk:
    """Within its block no file may grow beyond a size; no longer, because what tells of the test may be a file too."""
    return _full_disk


@pytest.fixture(scope="session")
def rates() -> DailyRates:
    return EcbHistory().load()


def _synthetic_bars(rates: DailyRates, pair: str, start: str, end: str, timeframe: str, seed: int = 7) -> pd.DataFrame:
    """SYNTHETIC: a random walk of 1.6 bp a minute, tied to the ECB fix at 14:15 CET of every fixing day."""
    generator = np.random.default_rng(seed)
    fixes = rates.pair_rates(pair).loc[start:end]
    moments = fix_times(pd.DatetimeIndex(fixes.index))
    edges = pd.date_range(moments[0].floor("1h"), moments[-1].ceil("1h") + pd.Timedelta(hours=4), freq="1min")
    walk = generator.normal(0.0, 1.6e-4, len(edges))
    walk[~market_slots(edges, "1min")[1]] = 0.0
    walk = np.cumsum(walk)
    at = np.searchsorted(edges.asi8, moments.asi8)
    gap = np.log(fixes.to_numpy()) - walk[at]
    path = np.exp(walk + np.interp(edges.asi8, moments.asi8, gap))
    per_bar = TIMEFRAMES[timeframe] // pd.Timedelta(minutes=1)
    count = (len(edges) - 1) // per_bar
    starts = edges[: count * per_bar : per_bar]
    # A bar covers its first minute edge up to and including the next bar's first edge, so close = next open.
    inside = np.lib.stride_tricks.sliding_window_view(path, per_bar + 1)[::per_bar][:count]
    frame = pd.DataFrame(
        {"open": inside[:, 0], "high": inside.max(axis=1), "low": inside.min(axis=1), "close": inside[:, -1]},
        index=starts.rename("time"),
    )
    return frame.loc[market_slots(starts, timeframe)[1]]


@pytest.fixture(scope="session")
def synthetic_bars(rates: DailyRates) -> Synthetic:
    made: dict[tuple[object, ...], pd.DataFrame] = {}

    def make(
        pair: str = "EURUSD", start: str = "2018-01-01", end: str = "2019-12-31", timeframe: str = "1h"
    ) -> pd.DataFrame:
        key = (pair, start, end, timeframe)
        if key not in made:
            made[key] = _synthetic_bars(rates, pair, start, end, timeframe)
        return made[key].copy()

    return make


@pytest.fixture
def write_csv(tmp_path: Path) -> Callable[..., Path]:
    def write(frame: pd.DataFrame, name: str = "bars.csv", stamps: pd.DatetimeIndex | None = None) -> Path:
        path = tmp_path / name
        table = frame.copy()
        index = pd.DatetimeIndex(frame.index) if stamps is None else stamps
        table.insert(0, "time", index.strftime("%Y-%m-%d %H:%M:%S"))
        table.to_csv(path, index=False)
        return path

    return write
