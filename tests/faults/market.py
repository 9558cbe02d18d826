"""The market of a simulated world: true prices on ticks of a second, and feeds that tell them badly."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from workbench.data.feeds.paths import BASES, QUOTES
from workbench.data.feeds.protocol import FeedDownError, RawQuote
from workbench.domain.currencies import LEGS, PAIRS
from workbench.domain.trading.market_hours import SECOND_NS

HALF_SPREAD = 5e-5
"""Of every pair, a fraction of its price."""
SECOND_VOLATILITY = 2e-5
"""Of every leg: six per mille a day."""
LEAP_NS = 16 * 60 * SECOND_NS
"""A pause longer than the dwell time of the ladders: the machine slept, the market went on."""
QUOTED_SHARE = 0.45
"""Of the pairs, in each second."""
BAD = ("dropped", "twice", "nan", "zero", "negative", "crossed", "tenfold", "repeated", "late", "unknown", "future")


@dataclass(slots=True)
class Crash:
    """A real move: log returns of the legs, spread evenly over some ticks."""

    tick: int
    ticks: int
    moves: np.ndarray


class Market:
    """True prices of all pairs.

    Parameters
    ----------
    generator : numpy Generator
        Of the walk.
    start_ns : int
        Of tick 0.
    values : ndarray
        US dollars per unit of each leg at tick 0.
    leaps : set of int
        Ticks that are followed by a long pause.
    crashes : sequence of Crash
        Real moves.
    ticks : int
        How many.
    """

    def __init__(
        self,
        generator: np.random.Generator,
        start_ns: int,
        values: np.ndarray,
        leaps: set[int],
        crashes: Sequence[Crash],
        ticks: int,
    ) -> None:
        gaps = np.full(ticks - 1, SECOND_NS)
        gaps[sorted(leaps)] = LEAP_NS
        self.times_ns: list[int] = [start_ns, *(start_ns + np.cumsum(gaps)).tolist()]
        steps = generator.standard_normal((ticks, len(LEGS))) * SECOND_VOLATILITY
        steps[1:] *= np.sqrt(gaps / SECOND_NS)[:, None]
        steps[0] = 0.0
        for crash in crashes:
            steps[crash.tick : crash.tick + crash.ticks] += crash.moves / crash.ticks
        logs = np.column_stack([np.zeros(ticks), np.log(values) + np.cumsum(steps, axis=0)])
        self.mids = np.exp(logs[:, BASES] - logs[:, QUOTES])
        self.values = np.exp(logs[:, 1:])
        self.moved = {tick for crash in crashes for tick in range(crash.tick, crash.tick + crash.ticks + 3)}

    def tick(self, now_ns: int) -> int:
        """The last tick up to now."""
        return max(bisect_right(self.times_ns, now_ns) - 1, 0)

    def next_ns(self, now_ns: int) -> int:
        """Time of the first tick after now; a second later when there is none."""
        place = bisect_right(self.times_ns, now_ns)
        return self.times_ns[place] if place < len(self.times_ns) else now_ns + SECOND_NS


@dataclass(slots=True)
class FeedPlan:
    """What is wrong with a feed: shares of its quotes by kind of fault, and ticks in which it is silent or down."""

    shares: dict[str, float] = field(default_factory=dict)
    silent: list[tuple[int, int]] = field(default_factory=list)
    down: list[tuple[int, int]] = field(default_factory=list)
    bursts: set[int] = field(default_factory=set)

    def heal(self) -> None:
        """Nothing is wrong from now on."""
        self.shares, self.silent, self.down, self.bursts = {}, [], [], set()


def _within(spans: Sequence[tuple[int, int]], tick: int) -> bool:
    return any(first <= tick < end for first, end in spans)


class FaultyFeed:
    """Quotes the pairs of the world, badly.

    Parameters
    ----------
    name : str
        For people.
    market : Market
        The truth.
    pairs : sequence of int
        Places in `PAIRS` of what it quotes.
    plan : FeedPlan
        What is wrong with it now.
    chance : tuple of (numpy Generator, Counter)
        Which quotes are bad, and how many were by kind.
    """

    label, synthetic = "made-up prices of a simulated world", True

    def __init__(
        self,
        name: str,
        market: Market,
        pairs: Sequence[int],
        plan: FeedPlan,
        chance: "tuple[np.random.Generator, Counter[str]]",
    ) -> None:
        self.name, self._market, self._pairs, self._plan = name, market, tuple(pairs), plan
        self._generator, self._counts = chance
        self._next: int | None = None
        self._last: dict[int, tuple[float, float]] = {}

    def connect(self, now_ns: int) -> None:
        """Open the stream, or fail."""
        if _within(self._plan.down, self._market.tick(now_ns)):
            raise FeedDownError("nobody answers")
        self._next = self._market.tick(now_ns)

    def poll(self, now_ns: int) -> Sequence[RawQuote]:
        """What was quoted since the last time."""
        tick = self._market.tick(now_ns)
        if _within(self._plan.down, tick):
            self._counts["feed disconnected"] += 1
            raise FeedDownError("the line is broken")
        quotes: list[RawQuote] = []
        for place in range(self._next or 0, tick + 1):
            if not _within(self._plan.silent, place):
                self._quote(place, quotes)
        self._next = tick + 1
        return quotes

    def due_ns(self) -> int | None:
        """Time of the next tick."""
        times = self._market.times_ns
        place = self._next or 0
        return times[place] if place < len(times) else times[-1] + SECOND_NS * (place - len(times) + 1)

    def close(self) -> None:
        """Nothing to let go of."""

    def _quote(self, tick: int, quotes: list[RawQuote]) -> None:
        random, time_ns = self._generator.random, self._market.times_ns[tick]
        mids = self._market.mids[tick].tolist()
        every = tick in self._market.moved or tick in self._plan.bursts
        for place in self._pairs:
            if not every and random() > QUOTED_SHARE:
                continue
            bid, ask = mids[place] * (1.0 - HALF_SPREAD), mids[place] * (1.0 + HALF_SPREAD)
            kind = self._kind_of_fault()
            if kind:
                self._counts[f"quote {kind}"] += 1
                quotes += self._bad(kind, place, tick, (bid, ask))
            else:
                self._last[place] = (bid, ask)
                quotes.append(RawQuote(time_ns, PAIRS[place], bid, ask))
        if tick in self._plan.bursts:
            self._counts["quotes in a burst"] += 5 * len(quotes)
            quotes += [RawQuote(one.event_ns + k, one.pair, one.bid, one.ask) for k in range(5) for one in quotes]

    def _kind_of_fault(self) -> str:
        if not self._plan.shares:
            return ""
        drawn = self._generator.random()
        for kind, share in self._plan.shares.items():
            drawn -= share
            if drawn < 0.0:
                return kind
        return ""

    def _bad(self, kind: str, place: int, tick: int, price: tuple[float, float]) -> list[RawQuote]:
        (bid, ask), pair, time_ns = price, PAIRS[place], self._market.times_ns[tick]
        if kind == "dropped":
            return []
        if kind == "twice":
            return [RawQuote(time_ns, pair, bid, ask)] * 2
        if kind == "repeated":
            return [RawQuote(time_ns, pair, *self._last.get(place, price))]
        if kind == "late":
            late_ns = int(self._generator.integers(1, 12)) * SECOND_NS
            return [RawQuote(time_ns, pair, bid, ask), RawQuote(time_ns - late_ns, pair, bid * 1.3, ask * 1.3)]
        if kind == "future":
            return [RawQuote(time_ns + 3_600 * SECOND_NS, pair, bid * 1.3, ask * 1.3)]
        if kind == "unknown":
            return [RawQuote(time_ns, "XAUUSD", bid, ask)]
        bad = {
            "nan": (float("nan"), ask),
            "zero": (0.0, 0.0),
            "negative": (-bid, ask),
            "crossed": (ask * 1.01, bid),
            "tenfold": (bid * 10.0, ask * 10.0),
        }[kind]
        return [RawQuote(time_ns, pair, *bad)]
