"""A recorded scenario as a feed: synthetic quotes between the daily fixes, drawn an hour at a time.

Only the fixes are data. Each interval has its own seed, so that a restart in the middle plays the same prices without
drawing what came before.
"""

from collections.abc import Sequence

import numpy as np

from workbench.data.feeds.paths import Fixes, QuotePlan, leg_bridge, market_times, quotes_between
from workbench.data.feeds.protocol import RawQuote
from workbench.data.feeds.replay import QuoteTape
from workbench.domain.trading.market_hours import HOUR_NS, SECOND_NS

ECHO_NS = SECOND_NS // 5
"""How far the echo is behind: a backup feed with the same prices from another line."""


def hourly(fixes: Fixes, seed: int) -> Fixes:
    """Points of the same bridges every hour, so that quotes need be drawn for an hour at a time only.

    A Brownian bridge through points of a Brownian bridge is one.

    Parameters
    ----------
    fixes : Fixes
        What the prices pass through.
    seed : int
        Of the points.

    Returns
    -------
    Fixes
        The fixes, and a point every hour between them while the market is open.
    """
    times, values, covariances = [fixes.times_ns[:1]], [fixes.values[:1]], []
    for k in range(fixes.times_ns.size - 1):
        start, end = int(fixes.times_ns[k]), int(fixes.times_ns[k + 1])
        moments = np.array([start, *range(start + HOUR_NS, end, HOUR_NS), end])
        clock = market_times(moments)
        # a point in a closed market would have no time of its own
        apart = np.diff(clock, prepend=clock[0] - 1) > 0
        apart[1:-1] &= clock[1:-1] < clock[-1]
        path = leg_bridge(clock[apart], fixes.values[k : k + 2], fixes.covariances[k], np.random.default_rng([seed, k]))
        times.append(moments[apart][1:])
        values.append(np.vstack([np.exp(path[1:-1]), fixes.values[k + 1 : k + 2]]))
        covariances.append(np.repeat(fixes.covariances[k : k + 1], apart.sum() - 1, axis=0))
    return Fixes(np.concatenate(times), np.concatenate(values), np.concatenate(covariances))


class ScenarioFeed:
    """Plays the quotes of a scenario.

    Parameters
    ----------
    name, label : str
        For people.
    fixes : Fixes
        What the prices pass through.
    plan : QuotePlan
        Spreads, and how often each pair is quoted.
    seed : int
        Of the paths.
    start_ns : int
        Quotes before this are skipped.
    echo : bool
        Whether it plays the same prices a fifth of a second later: a backup.
    """

    synthetic = True

    def __init__(
        self, names: tuple[str, str], fixes: Fixes, plan: QuotePlan, *, seed: int, start_ns: int, echo: bool = False
    ) -> None:
        self.name, self.label = names
        self._fixes, self._plan, self._seed = fixes, plan, seed
        self._delay_ns = ECHO_NS if echo else 0
        last = fixes.times_ns.size - 2
        self._interval = int(np.clip(np.searchsorted(fixes.times_ns, start_ns, side="right") - 1, 0, last))
        self._tape = self._draw()
        self._next = int(np.searchsorted(self._tape.times_ns, start_ns, side="left"))
        self._turn_over()

    def connect(self, now_ns: int) -> None:
        """Nothing to open."""

    def close(self) -> None:
        """Nothing to let go of."""

    @property
    def ended(self) -> bool:
        """Whether everything has been handed over."""
        return self._next >= len(self._tape)

    def due_ns(self) -> int | None:
        """Time of the next quote.

        Returns
        -------
        int or None
            None at the end.
        """
        return None if self.ended else int(self._tape.times_ns[self._next])

    def poll(self, now_ns: int) -> Sequence[RawQuote]:
        """Quotes up to a moment that have not been handed over yet.

        Parameters
        ----------
        now_ns : int
            UTC.

        Returns
        -------
        sequence of RawQuote
        """
        handed: list[RawQuote] = []
        while (due := self.due_ns()) is not None and due <= now_ns:
            end = int(np.searchsorted(self._tape.times_ns, now_ns, side="right"))
            handed += self._tape.quotes(self._next, end)
            self._next = end
            self._turn_over()
        return handed

    def _turn_over(self) -> None:
        """Draw the next interval when this one is over."""
        while self.ended and self._interval < self._fixes.times_ns.size - 2:
            self._interval += 1
            self._tape, self._next = self._draw(), 0

    def _draw(self) -> QuoteTape:
        k = self._interval
        part = Fixes(self._fixes.times_ns[k : k + 2], self._fixes.values[k : k + 2], self._fixes.covariances[k : k + 1])
        tape = quotes_between(part, self._plan, np.random.default_rng([self._seed, k]))
        return QuoteTape(tape.times_ns + self._delay_ns, tape.pairs, tape.bids, tape.asks)
