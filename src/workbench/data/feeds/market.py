"""An endless synthetic market: a seeded random walk of the seven legs, drawn about an hour at a time."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.data.feeds.paths import QuotePlan, leg_walk, market_times, quote_times, quoted
from workbench.data.feeds.protocol import RawQuote
from workbench.data.feeds.replay import QuoteTape
from workbench.domain.currencies import LEGS
from workbench.domain.errors import DataError
from workbench.domain.trading.market_hours import HOUR_NS, market_time_ns

Floats = NDArray[np.float64]


class SimulatedMarket:
    """Quotes of all pairs, a function of the arguments alone: two with the same arguments quote the same prices.

    Parameters
    ----------
    seed : int
        Of everything random.
    start_values : ndarray, shape (7,)
        US dollars per unit of each leg at the start, in the order of `LEGS`.
    covariance : ndarray, shape (7, 7)
        Of daily log returns of the legs; the shocks are normal, the tails of a real market are not.
    plan : QuotePlan
        How it is quoted.
    start_ns : int
        When the walk begins.
    """

    synthetic = True

    def __init__(self, seed: int, start_values: Floats, covariance: Floats, plan: QuotePlan, start_ns: int) -> None:
        if start_values.shape != (len(LEGS),) or not np.all(np.isfinite(start_values) & (start_values > 0.0)):
            raise DataError(f"a simulated market starts from {len(LEGS)} positive leg values, got {start_values}")
        if covariance.shape != (len(LEGS), len(LEGS)):
            raise DataError(f"a simulated market needs a {len(LEGS)} by {len(LEGS)} covariance, got {covariance.shape}")
        self.name = f"simulated market {seed}"
        self.label = f"SYNTHETIC: a random walk with seed {seed}, no real price"
        self._generator = np.random.default_rng(seed)
        self._logs, self._covariance, self._plan = np.log(start_values), covariance, plan
        self._chunk_ns = max(1, HOUR_NS // plan.slot_ns) * plan.slot_ns
        self._drawn_until_ns = start_ns
        self._next = 0
        self._tape = self._draw()
        self._refill()

    def connect(self, now_ns: int) -> None:
        """Nothing to open."""

    def poll(self, now_ns: int) -> Sequence[RawQuote]:
        """Hand over everything up to `now_ns` that has not been handed over yet."""
        handed: list[RawQuote] = []
        while self.due_ns() <= now_ns:
            end = int(np.searchsorted(self._tape.times_ns, now_ns, side="right"))
            handed += self._tape.quotes(self._next, end)
            self._next = end
            self._refill()
        return handed

    def due_ns(self) -> int:
        """Time of the next quote."""
        return int(self._tape.times_ns[self._next])

    def close(self) -> None:
        """Nothing to let go of."""

    def _refill(self) -> None:
        """Draw on until there is a next quote."""
        while self._next == len(self._tape):
            self._tape, self._next = self._draw(), 0

    def _draw(self) -> QuoteTape:
        start, end = self._drawn_until_ns, self._drawn_until_ns + self._chunk_ns
        self._drawn_until_ns = end
        if market_time_ns(end) == market_time_ns(start):
            nothing = np.empty(0, dtype=np.int64)
            return QuoteTape(nothing, nothing, np.empty(0), np.empty(0))
        times_ns, pairs = quote_times(start, end, self._plan, self._generator)
        clock = market_times(np.concatenate([[start], times_ns, [end]]))
        path = self._logs + leg_walk(clock, self._covariance, self._generator)
        self._logs = path[-1]
        return quoted(times_ns, pairs, path[1:-1], self._plan)
