"""Marks of a scenario: the recorded daily fixes, and between them, on request, synthetic paths and injected gaps.

Only fixes are data. Marks between two fixes are a seeded Brownian bridge of the seven legs, with the covariance known
before the first of the two; a gap is a move of one pair that fixes hide. Both are labelled synthetic wherever they go.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.calendar import fix_times
from workbench.data.rates import DailyRates
from workbench.domain.currencies import LEGS
from workbench.domain.errors import ConfigError, DataError
from workbench.domain.policy import Policy
from workbench.domain.policy.response import PairMove
from workbench.domain.trading.events import Fixing
from workbench.domain.trading.market_hours import MINUTE_NS, market_time_ns
from workbench.risk.volatility import ewma_covariance

Floats = NDArray[np.float64]

HISTORY_DAYS = 500
"""Days behind the covariance of a bridge."""
GAP_TIME = pd.Timedelta(hours=0, minutes=7)
"""Night of the day, UTC: sterling fell at seven minutes past midnight on 2016-10-07 (Bank for International
Settlements, Markets Committee 2017)."""
GAP_LASTS_NS = 10 * MINUTE_NS


@dataclass(frozen=True, slots=True)
class Scenario:
    """A stretch of recorded rates, both days included."""

    id: str
    name: str
    start: date
    end: date


@dataclass(frozen=True, slots=True)
class MarkPlan:
    """What is put between the fixes.

    Attributes
    ----------
    minutes : int
        Minutes between two synthetic marks; 0 gives fixes only.
    seed : int
        Of the bridges.
    gaps : tuple of PairMove
        Injected on their dates.
    """

    minutes: int = 0
    seed: int = 0
    gaps: tuple[PairMove, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a negative number of minutes."""
        if self.minutes < 0:
            raise ConfigError(f"minutes between synthetic marks must be at least 0, got {self.minutes}")

    @property
    def words(self) -> str:
        """What is synthetic, in words; empty when nothing is."""
        parts = [f"a Brownian bridge with a mark every {self.minutes} minutes"] if self.minutes else []
        parts += [f"the gap path {gap.name} ({gap.pair} {gap.move:+.1%} on {gap.start})" for gap in self.gaps]
        return ", ".join(parts).replace("%", " %")


@dataclass(frozen=True, slots=True)
class Mark:
    """One event of the market, and whether it is recorded data."""

    event: Fixing
    synthetic: bool = False


def scenarios_of(policy: Policy) -> tuple[Scenario, ...]:
    """Historical scenarios of the policy, named by their first word and year.

    Parameters
    ----------
    policy : Policy
        Its stress section.

    Returns
    -------
    tuple of Scenario
        ``brexit-2016`` and so on.
    """
    return tuple(
        Scenario(f"{one.name.split()[0].strip(',').lower()}-{one.start.year}", one.name, one.start, one.end)
        for one in policy.stress.historical
    )


def find_scenario(policy: Policy, name: str) -> Scenario:
    """One scenario by its id.

    Parameters
    ----------
    policy : Policy
        Its stress section.
    name : str
        Such as ``brexit-2016``.

    Returns
    -------
    Scenario

    Raises
    ------
    ConfigError
        With the ones there are.
    """
    known = scenarios_of(policy)
    for one in known:
        if one.id == name.lower():
            return one
    raise ConfigError(f"unknown scenario {name!r}: expected one of {', '.join(one.id for one in known)}")


def find_gaps(policy: Policy, names: Sequence[str]) -> tuple[PairMove, ...]:
    """Gap paths of the policy by name.

    Parameters
    ----------
    policy : Policy
        Its stress section.
    names : sequence of str
        Such as ``Sterling gap``; upper and lower case are the same.

    Returns
    -------
    tuple of PairMove

    Raises
    ------
    ConfigError
        With the ones there are.
    """
    known = {gap.name.lower(): gap for gap in policy.stress.gap_paths}
    for name in names:
        if name.lower() not in known:
            expected = ", ".join(gap.name for gap in policy.stress.gap_paths)
            raise ConfigError(f"unknown gap path {name!r}: expected one of {expected}")
    return tuple(known[name.lower()] for name in names)


def marks_between(rates: DailyRates, first: date, last: date, plan: MarkPlan) -> list[Mark]:
    """Marks from one day to another, both included, oldest first.

    Parameters
    ----------
    rates : DailyRates
        History from long before `first`.
    first, last : date
        Days with a fix, or the days around them.
    plan : MarkPlan
        What is put between the fixes.

    Returns
    -------
    list of Mark

    Raises
    ------
    DataError
        When fewer than two fixes lie in between, or too little history before.
    """
    chosen = (rates.dates >= pd.Timestamp(first)) & (rates.dates <= pd.Timestamp(last))
    rows = np.flatnonzero(chosen)
    if rows.size < 2 or rows[0] < HISTORY_DAYS:
        raise DataError(
            f"a replay needs two fixes and {HISTORY_DAYS} days of history before: have {rows.size} between {first} and "
            f"{last}, and {rows[0] if rows.size else len(rates)} before"
        )
    times = fix_times(rates.dates[chosen]).as_unit("ns").asi8
    values, returns = rates.leg_values[list(LEGS)].to_numpy(), rates.leg_log_returns()[list(LEGS)].to_numpy()
    generator = np.random.default_rng(plan.seed)
    marks: list[Mark] = []
    for place, row in enumerate(rows):
        if place > 0:
            span = (int(times[place - 1]), int(times[place]))
            covariance = ewma_covariance(returns[row - 1 - HISTORY_DAYS : row - 1])
            between = _bridge(values[row - 1 : row + 1], span, covariance, plan.minutes, generator)
            between += _gaps(values[row - 1], span, rates.dates[int(row)].date(), plan.gaps)
            marks += sorted(between, key=lambda mark: mark.event.time_ns)
        marks.append(Mark(Fixing(int(times[place]), _named(values[row]))))
    return marks


def _named(values: Floats) -> dict[str, float]:
    return dict(zip(LEGS, values.tolist(), strict=True))


def _bridge(
    ends: Floats, span: tuple[int, int], covariance: Floats, minutes: int, generator: np.random.Generator
) -> list[Mark]:
    """Synthetic marks strictly between two fixes, while the market is open."""
    if minutes == 0:
        return []
    step = minutes * MINUTE_NS
    times = [
        time for time in range(span[0] + step, span[1], step) if market_time_ns(time) > market_time_ns(time - MINUTE_NS)
    ]
    if not times:
        return []
    factor = np.linalg.cholesky(covariance + 1e-18 * np.eye(len(LEGS)))
    count = len(times) + 1
    walk = np.cumsum(generator.standard_normal((count, len(LEGS))) @ factor.T / np.sqrt(count), axis=0)
    share = np.arange(1, count + 1)[:, None] / count
    logs = np.log(ends[0]) + share * np.log(ends[1] / ends[0]) + walk - share * walk[-1]
    return [
        Mark(Fixing(time, _named(np.exp(logs[k])), closes_day=False), synthetic=True) for k, time in enumerate(times)
    ]


def _gaps(before: Floats, span: tuple[int, int], day: date, gaps: tuple[PairMove, ...]) -> list[Mark]:
    """The gap of a day: the pair jumps, stays there for ten minutes, and is back where the fix before was."""
    marks = []
    for gap in gaps:
        if gap.start != day:
            continue
        moved = _named(before)
        base, quote = gap.pair[:3], gap.pair[3:]
        # the whole move is put on the side that is no US dollar, on the base where both are
        if base in moved:
            moved[base] *= 1 + gap.move
        else:
            moved[quote] /= 1 + gap.move
        time = int((pd.Timestamp(day, tz="UTC") + GAP_TIME).as_unit("ns").value)
        if span[0] < time and time + 2 * GAP_LASTS_NS < span[1]:
            marks += [
                Mark(Fixing(time, moved, closes_day=False), synthetic=True),
                Mark(Fixing(time + GAP_LASTS_NS, moved, closes_day=False), synthetic=True),
                Mark(Fixing(time + 2 * GAP_LASTS_NS, _named(before), closes_day=False), synthetic=True),
            ]
    return marks
