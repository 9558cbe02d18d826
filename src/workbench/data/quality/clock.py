"""The clock check: whether an intraday series says the right time.

The ECB prints what the market was at 14:15 Central European Time. If a file's stamps are right, its price at that
moment follows the fix closely; if its clock is an hour off, the price an hour later or earlier does. The check slides
the file against the fixes, one segment of a year at a time, because servers change their clocks with the seasons:
winter, summer, and the weeks in which Europe and the United States disagree about daylight saving.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.calendar import FIX_ZONE, NEW_YORK, fix_times

Season: TypeAlias = Literal["winter", "summer", "switch"]
Floats: TypeAlias = NDArray[np.float64]

SHIFTS = np.arange(-720, 721, 30)
"""Candidate shifts in minutes: twelve hours either way."""

LEAST_FIXES = 15
"""Fixes a segment needs; the weeks of disagreement have about twenty a year."""

DISTINCT = 3.0
"""t statistic from which a better shift counts as better. The best of 49 shifts is rarely exactly 0 by luck alone."""

ZONES = ("UTC", "Europe/London", "Europe/Berlin", "Europe/Helsinki", "Europe/Moscow", "America/New_York",
         "America/Chicago", "Asia/Tokyo", "Asia/Hong_Kong", "Australia/Sydney")  # fmt: skip
"""Zones proposed when their offsets explain every segment's shift."""


@dataclass(frozen=True, slots=True)
class ClockSegment:
    """One season of one year against the fixes.

    Attributes
    ----------
    year : int
        Calendar year.
    season : str
        ``winter``, ``summer`` or ``switch`` (Europe and the United States disagree about daylight saving).
    fixes : int
        Fixes compared.
    best_shift_minutes : int
        Shift with the highest return correlation; + means the stamps run ahead of true time.
    best_correlation, stated_correlation : float
        Correlation of returns from fix to fix at the best shift and as stated.
    difference_bps : float
        Mean absolute difference between price and fix as stated, in basis points.
    is_wrong : bool
        Whether the best shift is not 0 and beats 0 by more than chance.
    """

    year: int
    season: Season
    fixes: int
    best_shift_minutes: int
    best_correlation: float
    stated_correlation: float
    difference_bps: float
    is_wrong: bool


@dataclass(frozen=True, slots=True)
class ClockCheck:
    """All segments of one series.

    Attributes
    ----------
    segments : tuple of ClockSegment
        Oldest first.
    correlation : float
        Return correlation with the fix over all segments, as stated.
    difference_bps : float
        Mean absolute difference over all segments, as stated, in basis points.
    likely_zone : str
        Zone that would explain the shifts; empty when the clock is right or none does.
    """

    segments: tuple[ClockSegment, ...]
    correlation: float
    difference_bps: float
    likely_zone: str

    @property
    def is_right(self) -> bool:
        """Whether no segment has a better shift than 0."""
        return not any(segment.is_wrong for segment in self.segments)

    def to_frame(self) -> pd.DataFrame:
        """One row per segment, oldest first."""
        names = tuple(ClockSegment.__dataclass_fields__)
        return pd.DataFrame([[getattr(row, name) for name in names] for row in self.segments], columns=list(names))

    def sentence(self) -> str:
        """Say in one sentence whether the clock is right, with the figures of the worst segment."""
        wrong = [segment for segment in self.segments if segment.is_wrong]
        if not wrong:
            return (
                f"the clock is right: return correlation {self.correlation:.3f} and mean difference "
                f"{self.difference_bps:.1f} bp against the ECB fix"
            )
        first = wrong[0]
        zone = f"; the stamps fit the timezone {self.likely_zone}" if self.likely_zone else ""
        direction = "ahead of" if first.best_shift_minutes > 0 else "behind"
        shifts = ", ".join(f"{shift:+d}" for shift in sorted({segment.best_shift_minutes for segment in wrong}))
        return (
            f"the clock is wrong in {len(wrong)} of {len(self.segments)} segments (shifts of {shifts} minutes): in the "
            f"{first.season} of {first.year} the stamps run {abs(first.best_shift_minutes)} minutes {direction} true "
            f"time, where the return correlation with the ECB fix is {first.best_correlation:.3f} against "
            f"{first.stated_correlation:.3f} as stated{zone}; state the right timezone and ingest again"
        )


def clock_check(prices: pd.Series, fixes: pd.Series, *, longest_gap: pd.Timedelta, timezone: str) -> ClockCheck | None:
    """Slide an intraday series against the ECB fixes.

    Parameters
    ----------
    prices : Series, shape (rows,)
        Mid prices by the time they were known, UTC, oldest first.
    fixes : Series, shape (days,)
        The pair's ECB fixes by calendar day, oldest first.
    longest_gap : Timedelta
        A price is interpolated between neighbours no further apart than this.
    timezone : str
        What the user stated; used to name the zone that would explain the shifts.

    Returns
    -------
    ClockCheck or None
        None when no segment has enough fixes to compare.
    """
    times = pd.DatetimeIndex(prices.index)
    inside = fixes.loc[(fixes.index >= times[0].tz_localize(None)) & (fixes.index <= times[-1].tz_localize(None))]
    if len(inside) < LEAST_FIXES:
        return None
    moments = fix_times(pd.DatetimeIndex(inside.index))
    logs = _shifted_logs(prices, moments, longest_gap)
    target = np.log(inside.to_numpy(dtype=np.float64))
    labels = _segments(moments)
    rows = []
    for year, season in dict.fromkeys(labels):
        chosen = np.array([label == (year, season) for label in labels])
        segment = _compare(logs[:, chosen], target[chosen], year, season)
        if segment is not None:
            rows.append(segment)
    if not rows:
        return None
    stated = logs[int(np.flatnonzero(SHIFTS == 0)[0])]
    correlation = _correlation(np.diff(stated), np.diff(target))
    difference = float(np.nanmean(np.abs(stated - target)) * 1e4)
    return ClockCheck(tuple(rows), correlation, difference, _likely_zone(rows, timezone))


def _shifted_logs(prices: pd.Series, moments: pd.DatetimeIndex, longest_gap: pd.Timedelta) -> Floats:
    """Log price at each fix moment plus each shift, shape (shifts, fixes); NaN where the market was closed."""
    known = pd.DatetimeIndex(prices.index).as_unit("ns").asi8
    logs = np.log(prices.to_numpy(dtype=np.float64))
    at = moments.as_unit("ns").asi8[None, :] + SHIFTS[:, None] * 60 * 10**9
    after = np.searchsorted(known, at, side="left")
    inside = (after < len(known)) & ((after > 0) | (known[np.minimum(after, len(known) - 1)] == at))
    after = np.minimum(after, len(known) - 1)
    before = np.where(known[after] == at, after, np.maximum(after - 1, 0))
    width = known[after] - known[before]
    weight = np.where(width > 0, (at - known[before]) / np.maximum(width, 1), 0.0)
    value = logs[before] + weight * (logs[after] - logs[before])
    return np.where(inside & (width <= longest_gap.value), value, np.nan)


def _segments(moments: pd.DatetimeIndex) -> list[tuple[int, Season]]:
    def on_summer_time(zone: str, winter_hours: int) -> NDArray[np.bool_]:
        wall = moments.tz_convert(zone).tz_localize(None)
        return np.asarray(wall - moments.tz_localize(None) != pd.Timedelta(hours=winter_hours))

    europe, america = on_summer_time(FIX_ZONE, 1), on_summer_time(NEW_YORK, -5)
    seasons: list[Season] = [
        "switch" if here != there else "summer" if here else "winter"
        for here, there in zip(europe, america, strict=True)
    ]
    return list(zip(moments.year.tolist(), seasons, strict=True))


def _compare(logs: Floats, target: Floats, year: int, season: Season) -> ClockSegment | None:
    zero = int(np.flatnonzero(SHIFTS == 0)[0])
    compared = int(np.isfinite(logs[zero]).sum())
    moves, fixed = np.diff(logs, axis=1), np.diff(target)
    usable = np.isfinite(moves).sum(axis=1) >= LEAST_FIXES - 1
    if not usable[zero]:
        return None
    correlations = np.array(
        [_correlation(move, fixed) if good else -1.0 for move, good in zip(moves, usable, strict=True)]
    )
    best = int(np.argmax(correlations))
    # Do the moves at the best shift fit better than at 0, day by day? A paired test: the same fixes, two clocks.
    advantage = np.abs(moves[zero] - fixed) - np.abs(moves[best] - fixed)
    advantage = advantage[np.isfinite(advantage)]
    spread = float(np.std(advantage, ddof=1)) / np.sqrt(len(advantage)) if len(advantage) > 2 else 0.0
    wrong = best != zero and spread > 0.0 and float(np.mean(advantage)) / spread > DISTINCT
    return ClockSegment(
        year=year,
        season=season,
        fixes=compared,
        best_shift_minutes=int(SHIFTS[best]),
        best_correlation=float(correlations[best]),
        stated_correlation=float(correlations[zero]),
        difference_bps=float(np.nanmean(np.abs(logs[zero] - target)) * 1e4),
        is_wrong=bool(wrong),
    )


def _correlation(moves: Floats, fixed: Floats) -> float:
    both = np.isfinite(moves) & np.isfinite(fixed)
    x, y = moves[both] - moves[both].mean(), fixed[both] - fixed[both].mean()
    norm = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / norm if norm > 0.0 else 0.0


def _likely_zone(rows: list[ClockSegment], timezone: str) -> str:
    if not any(row.is_wrong for row in rows):
        return ""
    middle = {"winter": "01-15 12:00", "summer": "07-15 12:00"}
    clear = [row for row in rows if row.season in middle]

    def offset_minutes(zone: str, row: ClockSegment) -> float:
        moment = pd.Timestamp(f"{row.year}-{middle[row.season]}", tz=zone)
        return (moment.tz_localize(None) - moment.tz_convert("UTC").tz_localize(None)).total_seconds() / 60

    for zone in ZONES:
        gaps = [offset_minutes(zone, row) - offset_minutes(timezone, row) - row.best_shift_minutes for row in clear]
        if clear and all(abs(gap) < 30 for gap in gaps):
            return zone
    return ""
