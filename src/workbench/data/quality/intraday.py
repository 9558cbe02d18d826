"""Quality of a user's bars or ticks: capture, gaps, stale runs, spikes, quotes, level and clock."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import floor
from typing import NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.calendar import TIMEFRAMES, market_slots
from workbench.data.quality.clock import ClockCheck, clock_check
from workbench.data.quality.daily import MAD_TO_SIGMA, run_ends
from workbench.data.quality.findings import Finding, QualityLimits, SeriesQuality, Severity
from workbench.data.rates import DailyRates
from workbench.data.sources.protocol import BarsSeries

Floats: TypeAlias = NDArray[np.float64]

STALE_ROWS = {"tick": 1000, "1min": 60, "5min": 24, "15min": 12, "1h": 6, "4h": 4, "1d": 6}
"""Rows without any movement from which a series looks frozen: an hour at one minute, longer for coarser bars."""

SPIKE_SIGMAS, SPIKE_NET = 12.0, 0.3
"""A spike jumps and falls back by at least twelve robust standard deviations and keeps less than 30 % of the jump."""
SPIKE_BLOCK = 480
QUIETEST = 5e-5
"""Floor of the robust scale: half a basis point; quiet minutes have a median move of zero."""

LEVEL_FACTOR = 2.0
"""No pair has left the ECB fix of the day by half or double; 15 January 2015 at its worst was about 0.7."""
LEVEL_TYPICAL = 0.02
LEAST_CORRELATION, DOUBTFUL_CORRELATION = 0.5, 0.9
OUTSIDE_SHARE = 0.001
LISTED = 100
"""Findings of one kind listed one by one; the rest is summed up in one sentence."""


@dataclass(frozen=True)
class Teller:
    """Makes findings about one series."""

    pair: str
    timeframe: str

    def tell(
        self, kind: str, severity: Severity, reason: str, *, at: pd.Timestamp | None = None, detail: str = ""
    ) -> Finding:
        """Phrase one finding; every sentence begins with the series.

        Parameters
        ----------
        kind : str
            Reason code.
        severity : str
            ``note``, ``flag`` or ``refusal``.
        reason : str
            The sentence without the series.
        at : Timestamp, optional
            When; None speaks of the whole series.
        detail : str
            Part of the identity of a finding without a day.

        Returns
        -------
        Finding
        """
        day = None if at is None else at.date()
        sentence = f"{self.pair} {self.timeframe}: {reason}"
        return Finding(self.pair, self.timeframe, kind, severity, day, sentence, detail, (self.pair,))


class Coverage(NamedTuple):
    """How much of the market's time the rows cover."""

    rows: int
    expected: int
    rate: float
    gaps: int
    longest_gap: int


def assess_bars(
    series: BarsSeries, rates: DailyRates, *, limits: QualityLimits | None = None, timezone: str = "UTC"
) -> SeriesQuality:
    """Judge one series against the market calendar and the ECB fixes.

    Parameters
    ----------
    series : BarsSeries
        At least one row.
    rates : DailyRates
        Fixes to compare with; those outside the series are not looked at.
    limits : QualityLimits, optional
        By default those of the policy.
    timezone : str
        What the user stated about the file; used to propose a better one.

    Returns
    -------
    SeriesQuality
    """
    teller = Teller(series.pair, series.timeframe)
    times = pd.DatetimeIndex(series.frame.index)
    slots, is_open = market_slots(times, series.timeframe)
    coverage, fixes = _coverage(slots[is_open]), rates.pair_rates(series.pair)
    clock, clock_findings = _clock(series, fixes, teller, timezone)
    findings = [
        *_mended(series, teller),
        *_capture(coverage, limits or QualityLimits(), teller),
        *_long_gaps(times[is_open], slots[is_open], teller),
        *_hours(is_open, teller),
        *_prices(series, fixes, teller),
        *clock_findings,
    ]
    return SeriesQuality(
        pair=series.pair,
        timeframe=series.timeframe,
        source=series.source,
        first=times[0].isoformat(),
        last=times[-1].isoformat(),
        rows=coverage.rows,
        expected=coverage.expected,
        capture_rate=coverage.rate,
        gaps=coverage.gaps,
        longest_gap=coverage.longest_gap,
        duplicates=series.mended.get("duplicated", 0) + series.mended.get("conflicting", 0),
        unsorted=series.mended.get("unsorted", 0),
        longest_stale=max((length for _, length in run_ends(_unchanged(series))), default=0),
        findings=tuple(sorted(findings, key=lambda finding: str(finding.day or ""))),
        clock=clock,
    )


def _prices(series: BarsSeries, fixes: pd.Series, teller: Teller) -> Iterator[Finding]:
    yield from _stale(series, teller)
    yield from _spikes(series, teller)
    yield from _quotes(series, teller)
    yield from _level(series, fixes, teller)


def _mended(series: BarsSeries, teller: Teller) -> Iterator[Finding]:
    words = {
        "duplicated": "rows that appear twice: {count}; one of each is kept",
        "conflicting": "rows that repeat a time with other values: {count}; the first one is kept",
        "unsorted": "rows older than the row before: {count}; a sorted copy is kept",
    }
    for kind, sentence in words.items():
        count = series.mended.get(kind, 0)
        if count:
            code = "order" if kind == "unsorted" else "duplicate"
            yield teller.tell(code, "flag", sentence.format(count=count), detail=f"{series.source} {kind} {count}")


def _coverage(slots: NDArray[np.int64]) -> Coverage:
    # Slots rise with time, so equal ones are neighbours.
    filled = slots[np.diff(slots, prepend=slots[:1] - 1) > 0]
    if not len(filled):
        return Coverage(0, 0, 0.0, 0, 0)
    expected = int(filled[-1] - filled[0] + 1)
    holes = np.diff(filled) - 1
    return Coverage(len(filled), expected, len(filled) / expected, int((holes > 0).sum()), int(holes.max(initial=0)))


def _capture(coverage: Coverage, limits: QualityLimits, teller: Teller) -> Iterator[Finding]:
    if coverage.rate < limits.capture_rate:
        yield teller.tell(
            "capture",
            "flag",
            f"{coverage.rows} of {coverage.expected} expected bars are there, a capture rate of {coverage.rate:.3%} "
            f"where at least {limits.capture_rate:.2%} is expected",
            detail=f"at least {floor(coverage.rate * 200) / 2:.1f} %",
        )


def _long_gaps(times: pd.DatetimeIndex, slots: NDArray[np.int64], teller: Teller) -> Iterator[Finding]:
    """List holes of a trading day or more; the smaller ones are counted in the capture rate."""
    per_day = pd.Timedelta(days=1) // TIMEFRAMES[teller.timeframe]
    jumps = np.diff(slots)
    holes = np.flatnonzero(jumps > max(per_day, 1))
    for row in holes[-LISTED:]:
        yield teller.tell(
            "gap",
            "flag",
            f"no price between {times[row]} and {times[row + 1]}, {jumps[row] - 1} bars missing in market hours",
            at=times[row + 1],
        )
    if len(holes) > LISTED:
        yield teller.tell("gap", "flag", f"{len(holes) - LISTED} earlier gaps of a trading day or more", detail="many")


def _hours(is_open: NDArray[np.bool_], teller: Teller) -> Iterator[Finding]:
    outside = int((~is_open).sum())
    if outside > OUTSIDE_SHARE * len(is_open) and teller.timeframe != "1d":
        yield teller.tell(
            "hours",
            "flag",
            f"{outside} of {len(is_open)} rows lie in the closed market (Friday 17:00 to Sunday 17:00 New York, "
            "25 December, 1 January); a wrong timezone looks like this",
            detail=f"{outside / len(is_open):.2f}",
        )


def _unchanged(series: BarsSeries) -> NDArray[np.bool_]:
    still = np.asarray(np.diff(series.mid.to_numpy(), prepend=np.nan) == 0.0)
    if series.timeframe == "tick":
        return still
    return still & (series.frame["high"] == series.frame["low"]).to_numpy(dtype=np.bool_)


def _stale(series: BarsSeries, teller: Teller) -> Iterator[Finding]:
    least = STALE_ROWS[series.timeframe]
    runs = [(end, length) for end, length in run_ends(_unchanged(series)) if length >= least]
    times = series.frame.index
    for end, length in runs[-LISTED:]:
        yield teller.tell(
            "stale", "flag", f"the price did not move for {length} rows up to {times[end]}", at=times[end]
        )
    if len(runs) > LISTED:
        yield teller.tell("stale", "flag", f"{len(runs) - LISTED} earlier runs without movement", detail="many")


def _spikes(series: BarsSeries, teller: Teller) -> Iterator[Finding]:
    """Jumps that fall back in the next row; the scale is the median move of the block of rows before."""
    logs = np.log(series.mid.to_numpy())
    moves = np.diff(logs)
    blocks = len(moves) // SPIKE_BLOCK
    if blocks == 0:
        return
    medians = np.median(np.abs(moves[: blocks * SPIKE_BLOCK]).reshape(blocks, SPIKE_BLOCK), axis=1)
    scale = np.maximum(MAD_TO_SIGMA * medians, QUIETEST).repeat(SPIKE_BLOCK)
    later = moves[SPIKE_BLOCK:]
    scale = np.append(scale, np.full(max(len(later) - len(scale), 0), scale[-1]))[: len(later)]
    jump, back = later[:-1], later[1:]
    smaller, larger = np.minimum(np.abs(jump), np.abs(back)), np.maximum(np.abs(jump), np.abs(back))
    is_spike = (jump * back < 0) & (smaller >= SPIKE_SIGMAS * scale[:-1]) & (np.abs(jump + back) <= SPIKE_NET * larger)
    rows = np.flatnonzero(is_spike) + SPIKE_BLOCK + 1
    times = series.frame.index
    for row in rows[-LISTED:]:
        yield teller.tell(
            "spike",
            "flag",
            f"the price jumped {1e4 * moves[row - 1]:+.0f} bp at {times[row]} and came back in the next row",
            at=times[row],
        )
    if len(rows) > LISTED:
        yield teller.tell("spike", "flag", f"{len(rows) - LISTED} earlier jumps that came back at once", detail="many")


def _quotes(series: BarsSeries, teller: Teller) -> Iterator[Finding]:
    if not {"bid", "ask"} <= set(series.frame.columns):
        return
    spread = (series.frame["ask"] - series.frame["bid"]).to_numpy() / series.mid.to_numpy()
    crossed = np.flatnonzero(spread < 0)
    if len(crossed):
        last = series.frame.index[crossed[-1]]
        yield teller.tell(
            "quotes",
            "flag",
            f"rows with the ask below the bid: {len(crossed)}, the last at {last}",
            at=last,
        )
    typical = float(np.nanmedian(spread))
    wide = np.flatnonzero(spread > max(50 * typical, 0.01))
    if len(wide):
        at = series.frame.index[wide[-1]]
        yield teller.tell(
            "quotes",
            "flag",
            f"rows with a spread over 1 % and fifty times the median of {1e4 * typical:.2f} bp: {len(wide)}, "
            f"the last at {at}",
            at=at,
        )


def _level(series: BarsSeries, fixes: pd.Series, teller: Teller) -> Iterator[Finding]:
    """Refuse prices that cannot be this pair: each against the last fix before it."""
    times = pd.DatetimeIndex(series.frame.index).tz_localize(None)
    place = np.searchsorted(fixes.index.to_numpy(), times.normalize().to_numpy(), side="right") - 1
    covered = (place >= 0) & (times <= fixes.index[-1] + pd.Timedelta(days=7))
    if not covered.any():
        yield teller.tell(
            "level", "flag", "no ECB fix lies near any of its days, so neither level nor clock was checked"
        )
        return
    reference = fixes.to_numpy()[np.maximum(place, 0)]
    columns = [name for name in ("open", "high", "low", "close", "bid", "ask") if name in series.frame.columns]
    ratio = series.frame[columns].to_numpy(dtype=np.float64) / reference[:, None]
    absurd = ((ratio > LEVEL_FACTOR) | (ratio < 1 / LEVEL_FACTOR)) & covered[:, None]
    typical = float(np.nanmedian(np.abs(np.log(series.mid.to_numpy()[covered] / reference[covered]))))
    if absurd.any():
        row, column = (int(where[0]) for where in np.nonzero(absurd))
        yield teller.tell(
            "level",
            "refusal",
            f"{columns[column]} is {series.frame[columns[column]].iloc[row]:g} at {series.frame.index[row]} while the "
            f"ECB fix was {reference[row]:g}; rows off by half or double: {int(absurd.any(axis=1).sum())}; "
            "is it another pair, inverted, or damaged?",
        )
    elif typical > LEVEL_TYPICAL:
        yield teller.tell(
            "level",
            "refusal",
            f"prices typically lie {typical:.1%} from the ECB fix of the day, expected under {LEVEL_TYPICAL:.0%}: "
            "is it another pair?",
        )


def _clock(
    series: BarsSeries, fixes: pd.Series, teller: Teller, timezone: str
) -> tuple[ClockCheck | None, list[Finding]]:
    if series.timeframe == "1d":
        return None, [teller.tell("clock", "note", "the clock cannot be checked on daily bars")]
    prices = pd.Series(series.mid.to_numpy(), index=series.known_at)
    gap = max(2 * TIMEFRAMES[series.timeframe], pd.Timedelta(hours=2))
    check = clock_check(prices, fixes, longest_gap=gap, timezone=timezone)
    if check is None:
        return None, [teller.tell("clock", "flag", "too few ECB fixes overlap for the clock check", detail="unchecked")]
    if not check.is_right:
        bar_minutes = TIMEFRAMES[series.timeframe] // pd.Timedelta(minutes=1)
        shifts = {segment.best_shift_minutes for segment in check.segments if segment.is_wrong}
        hint = " (unless the stamps mark the end of the bar: then state that)" if shifts == {bar_minutes} else ""
        return check, [teller.tell("clock", "refusal", check.sentence() + hint)]
    if check.correlation < LEAST_CORRELATION:
        return check, [
            teller.tell(
                "clock",
                "refusal",
                f"returns correlate only {check.correlation:.2f} with the ECB fix at every shift: is it another pair?",
            )
        ]
    severity: Severity = "flag" if check.correlation < DOUBTFUL_CORRELATION else "note"
    return check, [teller.tell("clock", severity, check.sentence(), detail=f"{check.correlation:.1f}")]
