"""When a move of the correlations is an alarm, and whether the alarm was worth having.

Thresholds come from a block bootstrap of the calibration sample: Jennrich's and Box's tests assume independent normal
rows, and on daily FX they reject calm years too.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.domain.errors import DataError
from workbench.risk.volatility import finite_matrix

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class BlockPlan:
    """How rows are drawn.

    Attributes
    ----------
    block_days : int
        Length of a block, or its mean when `stationary`; about a month keeps volatility clusters whole.
    draws : int
        Resamples.
    length_days : int or None
        Rows of a resample; as many as the sample by default.
    stationary : bool
        Geometric block lengths (Politis and Romano 1994) instead of equal ones on a circle (1992).
    """

    block_days: int = 20
    draws: int = 999
    length_days: int | None = None
    stationary: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class BootstrapThreshold:
    """A quantile of a statistic under resampling.

    Attributes
    ----------
    threshold : float
        Exceeded by a share of 1 - level of the resamples.
    level : float
        In (0, 1).
    statistics : ndarray, shape (draws,)
        Ascending.
    """

    threshold: float
    level: float
    statistics: Floats

    def p_value(self, observed: float) -> float:
        """Share of resamples at least as large, counting the observation itself (Davison and Hinkley 1997, eq. 4.11).

        Parameters
        ----------
        observed : float
            The statistic on the data.

        Returns
        -------
        float
            In (0, 1].
        """
        return float((1 + np.sum(self.statistics >= observed)) / (1 + self.statistics.size))


@dataclass(frozen=True, slots=True)
class AlarmSkill:
    """Whether alarms came before events, how often they cried wolf, and what chance would have done.

    Attributes
    ----------
    events, hits : int
        Events, and those with the alarm on at some day of the horizon before them (the day itself does not count).
    lead_days : tuple of int
        For each hit: days from the first alarm inside the horizon to the event.
    alarms, false_alarms : int
        Times the alarm came on; those followed by no event on the same day or within the horizon.
    false_alarms_per_year : float
        Over all days.
    alarm_share : float
        Fraction of days with the alarm on.
    chance_hit_rate : float
        Share of all days that would count as a hit if an event were put there: what an ignorant alarm of this shape
        reaches.
    """

    events: int
    hits: int
    lead_days: tuple[int, ...]
    alarms: int
    false_alarms: int
    false_alarms_per_year: float
    alarm_share: float
    chance_hit_rate: float

    @property
    def hit_rate(self) -> float:
        """Hits over events."""
        return self.hits / self.events

    @property
    def skill(self) -> float:
        """Hit rate minus that of chance; nothing above 0 is claimed without it."""
        return self.hit_rate - self.chance_hit_rate


def block_bootstrap_threshold(
    sample: ArrayLike,
    statistic: Callable[[Floats], float],
    *,
    generator: np.random.Generator,
    level: float,
    plan: BlockPlan | None = None,
) -> BootstrapThreshold:
    """Quantile of a statistic over resamples of whole rows in blocks.

    Parameters
    ----------
    sample : array_like, shape (days, legs)
        Calibration rows, oldest first, no NaN.
    statistic : callable
        Takes an array of shape (length_days, legs), gives a float; larger means more unusual.
    generator : numpy.random.Generator
        The only source of randomness.
    level : float
        Quantile, in (0, 1): 0.99 gives about 1 % of false alarms when nothing has changed.
    plan : BlockPlan, optional
        Block length and number of draws.

    Returns
    -------
    BootstrapThreshold
        Threshold and the whole distribution.

    Raises
    ------
    DataError
        When the level or the plan cannot be run on the sample, or the statistic is not finite.

    References
    ----------
    Politis, D., Romano, J. (1992), "A circular block-resampling procedure for stationary data"; (1994), "The
    Stationary Bootstrap", Journal of the American Statistical Association 89.
    """
    rows = finite_matrix(sample)
    chosen = plan if plan is not None else BlockPlan()
    length = chosen.length_days if chosen.length_days is not None else len(rows)
    if not (0.0 < level < 1.0 and 1 <= chosen.block_days <= len(rows) and chosen.draws >= 1 and length >= 1):
        raise DataError(f"expected 0 < level < 1 and blocks within {len(rows)} rows, got {level} and {chosen}")
    if (1.0 - level) * chosen.draws < 1.0:
        raise DataError(f"{chosen.draws} draws cannot show a quantile of {level}: draw more")
    found = np.array([statistic(rows[_indices(len(rows), length, chosen, generator)]) for _ in range(chosen.draws)])
    if not np.isfinite(found).all():
        raise DataError("the statistic is not finite on a resample: a leg may not move inside a block")
    return BootstrapThreshold(float(np.quantile(found, level)), level, np.sort(found))


def _indices(days: int, length: int, plan: BlockPlan, generator: np.random.Generator) -> NDArray[np.int64]:
    if plan.stationary:
        fresh = generator.random(length) < 1.0 / plan.block_days
        fresh[0] = True
        starts = generator.integers(0, days, size=length)
        block = np.cumsum(fresh) - 1
        first = np.flatnonzero(fresh)
        steps = np.arange(length) - first[block]
        return np.asarray((starts[first][block] + steps) % days, dtype=np.int64)
    blocks = -(-length // plan.block_days)
    starts = generator.integers(0, days, size=blocks)
    rows = (starts[:, np.newaxis] + np.arange(plan.block_days)) % days
    return np.asarray(rows.ravel()[:length], dtype=np.int64)


def breakdown_alarms(metric: ArrayLike, *, enter: float, leave: float, dwell_days: int) -> Flags:
    """Alarm with hysteresis: on above `enter`, off only after `dwell_days` in a row below `leave`.

    Parameters
    ----------
    metric : array_like, shape (days,)
        Oldest first; larger is worse.
    enter, leave : float
        Thresholds, leave ≤ enter.
    dwell_days : int
        ≥ 1.

    Returns
    -------
    ndarray of bool, shape (days,)
        Row t uses rows 0…t only.

    Raises
    ------
    DataError
        When the metric is not finite (a missing metric is a breach, not a calm day) or the thresholds are crossed.

    Examples
    --------
    >>> breakdown_alarms([0.1, 0.4, 0.25, 0.1, 0.1, 0.1], enter=0.3, leave=0.2, dwell_days=2).tolist()
    [False, True, True, True, False, False]
    """
    values = finite_matrix(metric).ravel()
    if not (leave <= enter and dwell_days >= 1):
        raise DataError(f"expected leave <= enter and dwell_days >= 1, got {leave}, {enter}, {dwell_days}")
    alarms, on, calm = np.zeros(values.size, dtype=bool), False, 0
    for row, value in enumerate(values):
        calm = calm + 1 if value < leave else 0
        on = bool(value > enter) or (on and calm < dwell_days)
        alarms[row] = on
    return alarms


def alarm_skill(alarms: ArrayLike, events: ArrayLike, *, horizon_days: int, days_per_year: float = 256.0) -> AlarmSkill:
    """Lead time and false alarms of an alarm, next to what chance would reach.

    Parameters
    ----------
    alarms, events : array_like of bool, shape (days,)
        Oldest first, out of sample. An event is its first day.
    horizon_days : int
        How long before an event an alarm still counts as a warning of it, ≥ 1.
    days_per_year : float, default 256
        Rows a year (ECB fixes: 7,125 returns in 27.8 years).

    Returns
    -------
    AlarmSkill
        Counts, rates and lead times.

    Raises
    ------
    DataError
        When shapes disagree, there is no event, or the horizon does not fit.
    """
    on, happened = np.asarray(alarms, dtype=bool), np.asarray(events, dtype=bool)
    if on.ndim != 1 or on.shape != happened.shape or not 1 <= horizon_days < on.size:
        raise DataError(
            f"expected flags of one length above the horizon, got {on.shape}, {happened.shape}, {horizon_days}"
        )
    rows = np.flatnonzero(happened)
    if rows.size == 0:
        raise DataError("there is no event: lead time and hit rate are not defined")
    leads = []
    for row in rows:
        window = on[max(0, int(row) - horizon_days) : int(row)]
        if window.any():
            leads.append(window.size - int(np.argmax(window)))
    onsets = np.flatnonzero(on & ~np.concatenate([[False], on[:-1]]))
    false = [row for row in onsets if not happened[row : row + horizon_days + 1].any()]
    before = np.cumsum(np.concatenate([[0], on.astype(np.int64)]))
    start = np.maximum(0, np.arange(on.size) - horizon_days)
    warned = before[np.arange(on.size)] - before[start] > 0
    return AlarmSkill(
        events=int(rows.size),
        hits=len(leads),
        lead_days=tuple(leads),
        alarms=int(onsets.size),
        false_alarms=len(false),
        false_alarms_per_year=len(false) * days_per_year / on.size,
        alarm_share=float(on.mean()),
        chance_hit_rate=float(warned.mean()),
    )
