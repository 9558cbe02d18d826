"""A course of the market nobody has recorded: marks of the seven legs, spreads, and what the engine does not see of it.

Every mark is synthetic. A course starts at the values of today and is put together from parts: a ramp within a day,
days of returns, a stretch of silence.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from workbench.domain.currencies import LEGS, PAIRS, Pair
from workbench.domain.trading.events import AnyEvent, Fixing, Heartbeat, OperatorResume, PositionHeld, Quote
from workbench.domain.trading.market_hours import DAY_NS, MINUTE_NS, SECOND_NS
from workbench.domain.trading.modes import Tier
from workbench.domain.trading.strategies import Strategy
from workbench.engine.risk_engine import Start
from workbench.engine.script import Broker, Script, write_script
from workbench.engine.settings import NEVER_NS
from workbench.stress.situation import Situation

Floats = NDArray[np.float64]

RAMP_MINUTES = 30
REVIEWERS = ("daily review (assumed)", "daily review (assumed), second person")
REVIEW_AFTER_NS = 4 * SECOND_NS
"""People are taken to look once a day and to resume what the engine lets them. Nothing happens between two fixes, so it
does not matter when: right after the fix the price is still fresh."""
QUOTES_BEFORE_NS, QUOTES_APART_NS = 10 * SECOND_NS, 2 * SECOND_NS // 5
"""Quotes of a mark begin so long before it, and leave room between them for what they make the engine trade."""
SILENCES = (6, 31, 61, 121)
"""Seconds of silence at which the loop's heart beats in a course; each is just past a rung of the technical ladder."""


@dataclass(frozen=True, slots=True)
class Course:
    """Marks in order of time.

    Attributes
    ----------
    times : ndarray of int, shape (marks,)
        UTC nanoseconds.
    values : ndarray, shape (marks, 7)
        US dollars per unit of each leg.
    closes : ndarray of bool
        Whether the mark is a fix that closes a day.
    seen : ndarray of bool
        Whether the engine gets the price.
    beats : ndarray of bool
        Where it does not: whether its heart beats (the feed is silent), or it is dead (nothing at all).
    spread_times : ndarray
        Spread over the policy's, at least 1; where it is more, prices come as quotes.
    """

    times: NDArray[np.int64]
    values: Floats
    closes: NDArray[np.bool_]
    seen: NDArray[np.bool_]
    beats: NDArray[np.bool_]
    spread_times: Floats

    def then(self, other: "Course") -> "Course":
        """Another course after this one.

        Parameters
        ----------
        other : Course
            Starts after this one ends.

        Returns
        -------
        Course
        """
        names = self.__slots__
        parts = (np.concatenate([getattr(self, name), getattr(other, name)]) for name in names)
        return Course(**dict(zip(names, parts, strict=True)))

    def with_spreads(self, times: float) -> "Course":
        """The same prices at wider spreads.

        Parameters
        ----------
        times : float
            At least 1.

        Returns
        -------
        Course
        """
        return replace(self, spread_times=np.full(len(self.times), float(times)))

    def unseen(self, first: int, last: int, *, beats: bool) -> "Course":
        """The same course with marks the engine does not get.

        Parameters
        ----------
        first, last : int
            Marks, the last excluded.
        beats : bool
            Whether its heart beats meanwhile.

        Returns
        -------
        Course
        """
        seen, beating = self.seen.copy(), self.beats.copy()
        seen[first:last], beating[first:last] = False, beats
        return replace(self, seen=seen, beats=beating)


def plain_course(times: Sequence[int], values: Floats, closes: Sequence[bool]) -> Course:
    """A course whose every mark is seen, at usual spreads.

    Parameters
    ----------
    times : sequence of int
        UTC nanoseconds.
    values : ndarray, shape (marks, 7)
        Of the legs.
    closes : sequence of bool
        Which marks close a day.

    Returns
    -------
    Course
    """
    count = len(times)
    yes = np.ones(count, dtype=bool)
    return Course(
        np.array(times, dtype=np.int64), values, np.array(closes, dtype=bool), yes, yes.copy(), np.ones(count)
    )


def next_weekday(time_ns: int, *, after: int = 1) -> int:
    """The same hour some weekdays later.

    Parameters
    ----------
    time_ns : int
        UTC nanoseconds.
    after : int
        How many weekdays.

    Returns
    -------
    int
    """
    day = np.datetime64(time_ns // DAY_NS, "D")
    moved = np.busday_offset(day, after, roll="backward")
    return int((moved - np.datetime64(0, "D")).astype(np.int64)) * DAY_NS + time_ns % DAY_NS


def day_before_open_night(time_ns: int) -> int:
    """The same hour, or that of the next weekday whose morrow is a weekday too: a night without a week-end.

    Parameters
    ----------
    time_ns : int
        UTC nanoseconds, a weekday.

    Returns
    -------
    int
    """
    return time_ns if next_weekday(time_ns) - time_ns == DAY_NS else next_weekday(time_ns)


def on_an_open_night(situation: Situation, shape: Callable[[int, Floats], Course]) -> Course:
    """A course that needs a night in which the market is open; a quiet day first where a week-end is in the way.

    Parameters
    ----------
    situation : Situation
        The book held.
    shape : callable
        Gives the course from the time of a fix and the legs' values then.

    Returns
    -------
    Course
    """
    values = np.array([situation.values[leg] for leg in LEGS])
    eve = day_before_open_night(situation.time_ns)
    shaped = shape(eve, values)
    if eve == situation.time_ns:
        return shaped
    return days(situation.time_ns, values, np.zeros((1, len(LEGS)))).then(shaped)


def and_then(course: Course, returns: Floats) -> Course:
    """A course, and days of returns after its last mark.

    Parameters
    ----------
    course : Course
        Its last mark closes a day.
    returns : ndarray, shape (days, 7)
        Simple returns.

    Returns
    -------
    Course
    """
    return course.then(days(int(course.times[-1]), course.values[-1], returns))


def ramp(start_ns: int, values: Floats, move: Floats, *, minutes: int = RAMP_MINUTES) -> Course:
    """One day on which the legs move evenly, in logarithms; its last mark closes the day.

    Parameters
    ----------
    start_ns : int
        The fix before, a day with an open night.
    values : ndarray, shape (7,)
        At that fix.
    move : ndarray, shape (7,)
        Simple return of each leg over the day, above −1.
    minutes : int
        Between two marks.

    Returns
    -------
    Course
    """
    count = DAY_NS // (minutes * MINUTE_NS)
    share = np.arange(1, count + 1)[:, None] / count
    times = [start_ns + k * minutes * MINUTE_NS for k in range(1, count + 1)]
    return plain_course(times, values * np.exp(share * np.log1p(move)), [k == count - 1 for k in range(count)])


def days(start_ns: int, values: Floats, returns: Floats) -> Course:
    """One fix a weekday.

    Parameters
    ----------
    start_ns : int
        The fix before.
    values : ndarray, shape (7,)
        At that fix.
    returns : ndarray, shape (days, 7)
        Simple returns, floored at −90 %.

    Returns
    -------
    Course
    """
    path = values * np.cumprod(1.0 + np.maximum(returns, -0.9), axis=0)
    return plain_course([next_weekday(start_ns, after=k + 1) for k in range(len(path))], path, [True] * len(path))


def stage_course(situation: Situation, course: Course) -> Script:
    """Write a course down for the engine: the book at the first moment, every mark, and a daily review by people.

    The calibration does not grow old: a simulated day brings no new one.

    Parameters
    ----------
    situation : Situation
        The book before.
    course : Course
        What happens.

    Returns
    -------
    Script
    """
    strategies = [Strategy(pair, pair, Tier.HELD) for pair in situation.units]
    rows = list(_events(situation, course))
    start = Start(situation.time_ns, situation.equity)
    script = write_script(
        situation.policy, situation.calibration, strategies, start, [(event, True) for event, _, _ in rows]
    )
    for one in script.settings:
        one.numbers["stale_after_ns"] = NEVER_NS
    prices = np.full((len(rows), len(PAIRS)), np.nan)
    for place, (_, hidden, _) in enumerate(rows):
        if hidden is not None:
            prices[place] = pair_prices(hidden)
    return replace(script, broker=Broker(np.array([times for _, _, times in rows]), prices))


def pair_prices(values: Floats) -> Floats:
    """Prices of the pairs from the values of the legs.

    Parameters
    ----------
    values : ndarray, shape (7,)
        US dollars per unit of each leg.

    Returns
    -------
    ndarray, shape (16,)
    """
    worth = dict(zip(LEGS, values.tolist(), strict=True)) | {"USD": 1.0}
    return np.array([worth[pair[:3]] / worth[pair[3:]] for pair in PAIRS])


Row = tuple[AnyEvent, Floats | None, float]


def _events(situation: Situation, course: Course) -> Iterator[Row]:
    now, values = situation.time_ns, dict(situation.values)
    yield Fixing(now, values, closes_day=False), None, 1.0
    for pair, units in situation.units.items():
        yield PositionHeld(now, pair, units, values.get(pair[:3], 1.0) / values.get(pair[3:], 1.0)), None, 1.0
    yield Heartbeat(now), None, 1.0
    quoted = bool((course.spread_times > 1.0).any())
    if quoted:  # what is usual must be known before it can widen
        begin = np.array([values[leg] for leg in LEGS])
        yield from _quotes(situation, now + SECOND_NS, begin, 1.0)
    last, seen_last = now, now
    for k, time in enumerate(course.times.tolist()):
        wide = float(course.spread_times[k])
        if course.seen[k]:
            if wide > 1.0:
                yield from _quotes(situation, time - QUOTES_BEFORE_NS, course.values[k], wide)
                yield Heartbeat(time - SECOND_NS // 2), None, wide
            if course.closes[k] or wide == 1.0:
                yield Fixing(time, _named(course.values[k]), closes_day=bool(course.closes[k])), None, wide
            if course.closes[k]:
                yield OperatorResume(time + REVIEW_AFTER_NS, *REVIEWERS), None, wide
            seen_last = time
        elif course.beats[k]:
            for second in SILENCES:
                beat = seen_last + second * SECOND_NS
                if last < beat < time:
                    yield Heartbeat(beat), course.values[k], wide
            yield Heartbeat(time), course.values[k], wide
        last = time


def _named(values: Floats) -> dict[str, float]:
    return dict(zip(LEGS, values.tolist(), strict=True))


def _quotes(situation: Situation, time_ns: int, values: Floats, wide: float) -> Iterator[Row]:
    """A quote of every pair, with so many times the policy's spread around its price."""
    for k, (pair, price) in enumerate(zip(PAIRS, pair_prices(values).tolist(), strict=True)):
        half = wide * situation.policy.costs.of(pair).half_spread_pips * Pair.parse(pair).pip
        yield Quote(time_ns + k * QUOTES_APART_NS, pair, price - half, price + half), None, wide
