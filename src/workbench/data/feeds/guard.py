"""The guard of one feed: which prices are refused, and which are let through with a mark.

A large move is marked and let through, never held back: a real gap must reach the engine at once, where entries stop
at the first reading and the rule of agreeing readings decides whether the book acts on it. Only what cannot be a price
of the pair at all is refused, and a level half as high again as the last good one is a matter for people, however
often it is repeated. A pair of which nothing else comes any more is lost: its last good price says nothing of it now.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType

from workbench.data.feeds.protocol import RawQuote
from workbench.domain.errors import ConfigError
from workbench.domain.trading.market_hours import SECOND_NS


class Refusal(IntEnum):
    """Why a quote is refused. Codes are stable: new ones are added at the end."""

    NOT_A_NUMBER = 0
    NOT_POSITIVE = 1
    CROSSED = 2
    WRONG_INSTRUMENT = 3
    REORDERED = 4
    FROM_THE_FUTURE = 5
    DUPLICATE = 6
    IMPLAUSIBLE = 7
    OUTDATED = 8
    STALE_REPEAT = 9


class Mark(IntEnum):
    """What a verdict says besides: a spike is let through, a new level is refused for people to look at."""

    NONE = 0
    SPIKE = 1
    NEW_LEVEL = 2


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the guard makes of a quote: accepted when there is no refusal."""

    refusal: Refusal | None = None
    mark: Mark = Mark.NONE


ACCEPTED = Verdict()
SPIKED = Verdict(mark=Mark.SPIKE)
REFUSED = tuple(Verdict(refusal) for refusal in Refusal)
NEW_LEVEL = Verdict(Refusal.IMPLAUSIBLE, Mark.NEW_LEVEL)
"""Verdicts are made once: the guard allocates nothing for a quote."""

LOWEST, HIGHEST = 0.01, 10_000.0
"""No pair of the universe has been near either since 1971: the dollar was at most 360 yen."""
LARGEST_FACTOR = 1.5
AHEAD_NS = 2 * SECOND_NS
BEHIND_NS = 5 * SECOND_NS
"""First rung of the technical ladder: a price older than this is not fresh."""
MOST_REPEATS = 20
LONGEST_REPEAT_NS = 60 * SECOND_NS
AGREEING, AGREEING_NS, AGREEING_WITHIN = 5, 10 * SECOND_NS, 0.01
"""So many implausible prices in a row, so quickly and so close to each other, are a level, and people are told."""
LOST_AFTER_NS = 5 * SECOND_NS
"""First rung of the technical ladder: a pair that gave only what cannot be its price for longer has no fresh one."""
SPIKE_BAND = 8.0 * 1.4826
"""Eight standard deviations of a normal distribution with that median absolute return (Rousseeuw and Croux 1993)."""
SMALLEST_SPIKE = 0.001
MEDIAN_UP = 1.01
MEDIAN_DOWN = 1.0 / MEDIAN_UP
"""Step of the running median, about a hundred moves of memory: up when the new value is above, down when below, so it
rests where both are as likely (Ma, Muthukrishnan and Sandler 2014, Frugal streaming for estimating quantiles, with
steps of one per cent in place of one unit, since returns have no natural unit)."""
NEVER_NS = -(2**63)


class _Last:
    """What is remembered of a pair."""

    __slots__ = (
        "ask", "bid", "event_ns", "mid", "moves", "odd", "odd_mid", "odd_ns", "repeats", "since_ns", "typical",
    )  # fmt: skip

    def __init__(self, known_mid: float) -> None:
        self.event_ns = NEVER_NS
        self.bid = self.ask = 0.0
        self.mid = known_mid
        # running median of the absolute log returns that are not zero; zero until there is one
        self.typical = 0.0
        self.repeats, self.since_ns, self.moves = 0, NEVER_NS, 0
        self.odd, self.odd_mid, self.odd_ns = 0, 0.0, NEVER_NS


class Guard:
    """Judges the quotes of one feed, one after the other.

    Parameters
    ----------
    universe : iterable of str
        Pairs that are expected.
    known_mids : mapping of str to float
        Prices known beforehand, such as the last fixes: the first quote of a pair is compared with them. Without one
        only the absolute checks hold for a first quote, and a wrong first price then keeps the right ones out.
    """

    def __init__(self, universe: Iterable[str], known_mids: Mapping[str, float] = MappingProxyType({})) -> None:
        wrong = [name for name, mid in known_mids.items() if not 0.0 < mid < math.inf]
        if wrong:
            raise ConfigError(f"a known price must be a positive number, got {known_mids[wrong[0]]} for {wrong[0]}")
        self._last = {name: _Last(known_mids.get(name, 0.0)) for name in universe}
        self._refused = [0] * len(Refusal)
        self._moves = 0
        # since when a pair has given nothing but what cannot be its price
        self._denied_ns: dict[str, int] = {}
        self._lost: dict[str, Refusal] = {}
        self.accepted = 0
        self.spikes = 0

    @property
    def refused(self) -> dict[Refusal, int]:
        """How many were refused, by reason."""
        return {refusal: self._refused[refusal] for refusal in Refusal}

    @property
    def lost(self) -> Mapping[str, Refusal]:
        """Pairs without a price: for a while all that came was no possible price; and why the last one was refused."""
        return self._lost

    def judge(self, raw: RawQuote, now_ns: int) -> Verdict:
        """Judge a quote and remember it when it is good.

        Parameters
        ----------
        raw : RawQuote
            As the feed gave it.
        now_ns : int
            When it was received.

        Returns
        -------
        Verdict
            One of a few that are made once.
        """
        last = self._last.get(raw.pair)
        if last is None:
            return self._refuse(Refusal.WRONG_INSTRUMENT)
        bid, ask, event_ns = raw.bid, raw.ask, raw.event_ns
        if not (LOWEST <= bid <= ask <= HIGHEST and ask <= bid * LARGEST_FACTOR):
            return self._deny(raw.pair, self._refuse(_fault(bid, ask)), now_ns)
        if not -AHEAD_NS <= now_ns - event_ns <= BEHIND_NS:
            return self._refuse(Refusal.FROM_THE_FUTURE if event_ns > now_ns else Refusal.OUTDATED)
        if event_ns < last.event_ns:
            return self._refuse(Refusal.REORDERED)
        if bid == last.bid and ask == last.ask:
            return self._repeat(raw.pair, last, event_ns)
        mid, before = 0.5 * (bid + ask), last.mid
        if before > 0.0 and not (mid <= before * LARGEST_FACTOR and before <= mid * LARGEST_FACTOR):
            return self._deny(raw.pair, self._implausible(last, mid, event_ns), now_ns)
        verdict = self._moved(last, mid) if last.event_ns != NEVER_NS else ACCEPTED
        last.event_ns, last.bid, last.ask, last.mid = event_ns, bid, ask, mid
        last.repeats, last.since_ns, last.moves, last.odd = 0, event_ns, self._moves, 0
        if self._denied_ns:
            self._found(raw.pair)
        self.accepted += 1
        return verdict

    def last_mid(self, pair: str) -> float:
        """Last good mid of a pair, or the one known beforehand.

        Parameters
        ----------
        pair : str
            Of the universe.

        Returns
        -------
        float
            Quote units per base unit; 0 when none is known.
        """
        return self._last[pair].mid

    def _refuse(self, refusal: Refusal) -> Verdict:
        self._refused[refusal] += 1
        return REFUSED[refusal]

    def _deny(self, pair: str, verdict: Verdict, now_ns: int) -> Verdict:
        """Notice when a pair has given nothing but what cannot be its price."""
        since = self._denied_ns.setdefault(pair, now_ns)
        if now_ns - since > LOST_AFTER_NS and verdict.refusal is not None:
            self._lost[pair] = verdict.refusal
        return verdict

    def _found(self, pair: str) -> None:
        """A good price has come."""
        self._denied_ns.pop(pair, None)
        self._lost.pop(pair, None)

    def _moved(self, last: _Last, mid: float) -> Verdict:
        """Count the move and move the running median."""
        self._moves += 1
        size = abs(math.log(mid / last.mid))
        if size == 0.0:
            return ACCEPTED
        spike = size > SMALLEST_SPIKE and size > SPIKE_BAND * last.typical > 0.0
        if last.typical == 0.0:
            last.typical = size
        else:
            last.typical *= MEDIAN_UP if size > last.typical else MEDIAN_DOWN
        if not spike:
            return ACCEPTED
        self.spikes += 1
        return SPIKED

    def _repeat(self, pair: str, last: _Last, event_ns: int) -> Verdict:
        """Let a repeat count as fresh for a while, or as long as nothing else moves either."""
        if event_ns == last.event_ns:
            return self._refuse(Refusal.DUPLICATE)
        last.repeats += 1
        long = last.repeats > MOST_REPEATS or event_ns - last.since_ns > LONGEST_REPEAT_NS
        if long and self._moves > last.moves:
            return self._refuse(Refusal.STALE_REPEAT)
        last.event_ns, last.odd = event_ns, 0
        if self._denied_ns:
            self._found(pair)
        self.accepted += 1
        return ACCEPTED

    def _implausible(self, last: _Last, mid: float, event_ns: int) -> Verdict:
        """Refuse, and notice when it is not a slip but a level."""
        near = abs(mid - last.odd_mid) <= AGREEING_WITHIN * last.odd_mid
        # once it is a level it stays one while it lasts, so that people are told once
        soon = last.odd >= AGREEING or event_ns - last.odd_ns <= AGREEING_NS
        if last.odd > 0 and near and soon:
            last.odd += 1
        else:
            last.odd, last.odd_mid, last.odd_ns = 1, mid, event_ns
        self._refused[Refusal.IMPLAUSIBLE] += 1
        return NEW_LEVEL if last.odd == AGREEING else REFUSED[Refusal.IMPLAUSIBLE]


def _fault(bid: float, ask: float) -> Refusal:
    """What is wrong with a bid and an ask by themselves."""
    if not (math.isfinite(bid) and math.isfinite(ask)):
        return Refusal.NOT_A_NUMBER
    if bid <= 0.0 or ask <= 0.0:
        return Refusal.NOT_POSITIVE
    return Refusal.CROSSED if bid > ask else Refusal.IMPLAUSIBLE
