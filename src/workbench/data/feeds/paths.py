"""Synthetic quotes between daily fixes: a Brownian bridge of the seven legs, sampled at the very times of the quotes.

Nothing is interpolated: the walk is drawn at each quote time, with the variance of the market time since the one
before, so a week-end adds none and one day of 24 open hours has the daily covariance (Glasserman 2004, Monte Carlo
Methods in Financial Engineering, section 3.1, for the bridge).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from workbench.data.feeds.replay import QuoteTape
from workbench.domain.compiled import compiled
from workbench.domain.currencies import CURRENCIES, LEGS, PAIRS, Pair
from workbench.domain.errors import ConfigError, DataError
from workbench.domain.trading.market_hours import DAY_NS, SECOND_NS, market_time_ns

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

PIPS = np.array([Pair.parse(name).pip for name in PAIRS])
TENTHS_PER_UNIT = np.round(10.0 / PIPS)
"""Tenths of a pip per quote unit: the finest step prices are quoted in."""
BASES = np.array([CURRENCIES.index(name[:3]) for name in PAIRS])
QUOTES = np.array([CURRENCIES.index(name[3:]) for name in PAIRS])
ALMOST_NOTHING = 1e-18
"""Added to the variances so that a covariance without full rank can be factored; far below any price step."""


@dataclass(frozen=True, slots=True)
class QuotePlan:
    """How the market is quoted.

    Attributes
    ----------
    spreads_pips : mapping of str to float
        Ask less bid of every pair.
    seconds : float
        Between two quotes of one pair.
    """

    spreads_pips: Mapping[str, float]
    seconds: float

    def __post_init__(self) -> None:
        """Refuse a missing or negative spread and a time that is not positive."""
        missing = [name for name in PAIRS if name not in self.spreads_pips]
        if missing:
            raise ConfigError(f"spreads in pips are needed for all pairs, missing {', '.join(missing)}")
        wrong = [name for name in PAIRS if not 0.0 <= self.spreads_pips[name] < np.inf]
        if wrong:
            raise ConfigError(f"spreads must be at least 0 pips, got {self.spreads_pips[wrong[0]]} for {wrong[0]}")
        if not 0.001 <= self.seconds < np.inf:
            raise ConfigError(f"seconds between two quotes of a pair must be at least 0.001, got {self.seconds}")

    @property
    def slot_ns(self) -> int:
        """Time in which every pair is quoted once."""
        return round(self.seconds * SECOND_NS)


@dataclass(frozen=True, slots=True, eq=False)
class Fixes:
    """What the paths pass through.

    Attributes
    ----------
    times_ns : ndarray of int64, shape (days,)
        Oldest first.
    values : ndarray, shape (days, 7)
        US dollars per unit of each leg, in the order of `LEGS`.
    covariances : ndarray, shape (days - 1, 7, 7)
        Of the daily log returns of the legs, one for each interval.
    """

    times_ns: Integers
    values: Floats = field(repr=False)
    covariances: Floats = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse shapes that do not fit, values that are no prices and times that do not rise."""
        days, legs = self.times_ns.size, len(LEGS)
        if days < 2 or self.values.shape != (days, legs) or self.covariances.shape != (days - 1, legs, legs):
            raise DataError(
                f"paths need at least two fixes of {legs} legs and a covariance for each interval, got {days} times, "
                f"values of shape {self.values.shape} and covariances of shape {self.covariances.shape}"
            )
        if not np.all(np.isfinite(self.values) & (self.values > 0.0)):
            raise DataError("paths need fixes that are positive numbers; check the rates of these days")
        if np.any(np.diff(market_times(self.times_ns)) <= 0):
            raise DataError("paths need fixes in the order of time, with open market hours between any two")


@compiled
def market_times(times_ns: Integers) -> Integers:
    """Open market time of many moments."""
    clock = np.empty_like(times_ns)
    for k in range(times_ns.size):
        clock[k] = market_time_ns(times_ns[k])
    return clock


def quote_times(
    start_ns: int, end_ns: int, plan: QuotePlan, generator: np.random.Generator
) -> tuple[Integers, Integers]:
    """When which pair is quoted: in turn, each at a random moment of its own share of a slot, while the market is open.

    Parameters
    ----------
    start_ns, end_ns : int
        Nanoseconds UTC, `end_ns` not included.
    plan : QuotePlan
        Its seconds.
    generator : numpy Generator
        Of the jitter.

    Returns
    -------
    tuple of ndarray
        Times, never falling, and places in `PAIRS`.
    """
    slots = -(-(end_ns - start_ns) // plan.slot_ns)
    places = np.arange(len(PAIRS))
    within = (generator.random((slots, len(PAIRS))) + places) * (plan.slot_ns / len(PAIRS))
    times = start_ns + np.arange(slots)[:, None] * plan.slot_ns + within.astype(np.int64)
    times_ns, pairs = times.ravel(), np.tile(places, slots)
    wanted = (times_ns < end_ns) & (market_times(times_ns + 1) > market_times(times_ns))
    return times_ns[wanted], pairs[wanted]


def leg_walk(clock_ns: Integers, covariance: Floats, generator: np.random.Generator) -> Floats:
    """Random walk of the log leg values over market time, from zero at the first moment.

    Parameters
    ----------
    clock_ns : ndarray of int64, shape (moments,)
        Market time, never falling.
    covariance : ndarray, shape (7, 7)
        Of daily log returns.
    generator : numpy Generator
        Of the shocks.

    Returns
    -------
    ndarray, shape (moments, 7)
    """
    factor = np.linalg.cholesky(covariance + ALMOST_NOTHING * np.eye(len(LEGS)))
    walk = np.zeros((clock_ns.size, len(LEGS)))
    shocks = generator.standard_normal((clock_ns.size - 1, len(LEGS)))
    shocks *= np.sqrt(np.diff(clock_ns) / DAY_NS)[:, None]
    np.cumsum(shocks @ factor.T, axis=0, out=walk[1:])
    return walk


def leg_bridge(clock_ns: Integers, ends: Floats, covariance: Floats, generator: np.random.Generator) -> Floats:
    """Brownian bridge of the log leg values: exactly the fixes at the first and the last moment.

    Parameters
    ----------
    clock_ns : ndarray of int64, shape (moments,)
        Market time, from one fix to the next, both included.
    ends : ndarray, shape (2, 7)
        Leg values at the two fixes, US dollars.
    covariance : ndarray, shape (7, 7)
        Of daily log returns.
    generator : numpy Generator
        Of the shocks.

    Returns
    -------
    ndarray, shape (moments, 7)
        Logarithms.
    """
    share = ((clock_ns - clock_ns[0]) / (clock_ns[-1] - clock_ns[0]))[:, None]
    path = leg_walk(clock_ns, covariance, generator)
    first, last = np.log(ends)
    path -= share * path[-1]
    path += (1.0 - share) * first + share * last
    return path


def quoted(times_ns: Integers, pairs: Integers, logs: Floats, plan: QuotePlan) -> QuoteTape:
    """Bid and ask around the mids of a path, to a tenth of a pip.

    Parameters
    ----------
    times_ns, pairs : ndarray of int64, shape (quotes,)
        From `quote_times`.
    logs : ndarray, shape (quotes, 7)
        Log leg values at these times.
    plan : QuotePlan
        Its spreads.

    Returns
    -------
    QuoteTape
    """
    with_dollar = np.column_stack([np.zeros(len(logs)), logs])
    rows = np.arange(len(logs))
    mids = np.exp(with_dollar[rows, BASES[pairs]] - with_dollar[rows, QUOTES[pairs]])
    halves = np.array([plan.spreads_pips[name] for name in PAIRS]) * PIPS / 2.0
    steps, half = TENTHS_PER_UNIT[pairs], halves[pairs]
    return QuoteTape(times_ns, pairs, np.rint((mids - half) * steps) / steps, np.rint((mids + half) * steps) / steps)


def quotes_between(fixes: Fixes, plan: QuotePlan, generator: np.random.Generator) -> QuoteTape:
    """Synthetic quotes of all pairs from the first fix to the last, while the market is open.

    Parameters
    ----------
    fixes : Fixes
        What the mids pass through.
    plan : QuotePlan
        How they are quoted.
    generator : numpy Generator
        Of jitter and shocks.

    Returns
    -------
    QuoteTape
        Label it as synthetic wherever it goes.
    """
    parts = []
    for k in range(fixes.times_ns.size - 1):
        start, end = int(fixes.times_ns[k]), int(fixes.times_ns[k + 1])
        times_ns, pairs = quote_times(start, end, plan, generator)
        clock = market_times(np.concatenate([[start], times_ns, [end]]))
        path = leg_bridge(clock, fixes.values[k : k + 2], fixes.covariances[k], generator)
        parts.append(quoted(times_ns, pairs, path[1:-1], plan))
    return QuoteTape(
        np.concatenate([part.times_ns for part in parts]),
        np.concatenate([part.pairs for part in parts]),
        np.concatenate([part.bids for part in parts]),
        np.concatenate([part.asks for part in parts]),
    )
