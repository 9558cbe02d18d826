"""The quality report: one verdict per series, one gate for the calibration, one page a person can read."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date
from html import escape
from typing import Any

import pandas as pd

from workbench.data.calendar import FIX
from workbench.data.quality.findings import Finding, QualityLimits, SeriesQuality, Verdict
from workbench.data.quality.triangles import TriangleCheck
from workbench.domain.tables import Number, html_list, html_table, number, percent

GOOD, BAD = "#1a7f37", "#cf222e"


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether the data may carry a calibration.

    Attributes
    ----------
    passed : bool
        True when there is no reason against it.
    reasons : tuple of str
        Plain sentences; empty when passed.
    """

    passed: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QualityReport:
    """Everything known about the quality of the data on an as-of date; it holds no later row.

    Attributes
    ----------
    as_of : date
        Last fix.
    recent_from : date
        First of the recent fixing days, in which nothing may be flagged and unaccepted.
    days : int
        Fixing days seen.
    content_hash : str
        Of the daily rates.
    series : tuple of SeriesQuality
        The seven euro quotes, then what the user has ingested.
    extremes : tuple of Finding
        Real extreme moves, listed so that nobody cleans them away; oldest first.
    triangles : tuple of TriangleCheck
        Crosses against their halves.
    limits : QualityLimits
        What was asked for.
    """

    as_of: date
    recent_from: date
    days: int
    content_hash: str
    series: tuple[SeriesQuality, ...]
    extremes: tuple[Finding, ...]
    triangles: tuple[TriangleCheck, ...]
    limits: QualityLimits

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of any series."""
        verdicts = {one.verdict for one in self.series}
        return "refused" if "refused" in verdicts else "flagged" if "flagged" in verdicts else "accepted"

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Flags, refusals and notes of all series, without the extremes."""
        return tuple(finding for one in self.series for finding in one.findings)

    @property
    def capture_rate(self) -> float:
        """The worst capture rate of any series, in [0, 1]."""
        return min(one.capture_rate for one in self.series)

    @property
    def gate(self) -> Gate:
        """Apply the policy: daily coverage complete, intraday capture, nothing recent that is flagged and unaccepted.

        A flag on a day before the recent ones does not block; it stays visible until it is accepted.
        """
        blocking = [
            finding.reason
            for finding in self.findings
            if finding.is_open
            and (finding.severity == "refusal" or finding.day is None or finding.day >= self.recent_from)
        ]
        crooked = [
            f"{check.timeframe} prices of {', '.join(check.pairs)} differ by {check.median_bps:.1f} bp in the median "
            "where they should multiply out"
            for check in self.triangles
            if not check.holds
        ]
        reasons = tuple(dict.fromkeys((*blocking, *crooked)))
        return Gate(not reasons, reasons)

    def with_acceptances(self, keys: Collection[str]) -> "QualityReport":
        """Mark what people have accepted.

        Parameters
        ----------
        keys : collection of str
            From `AcceptanceLog.keys`.

        Returns
        -------
        QualityReport
        """
        return replace(self, series=tuple(one.with_acceptances(keys) for one in self.series))

    def flagged(self) -> list[dict[str, str | bool]]:
        """List flags and refusals for ``summary.json``, oldest first.

        Returns
        -------
        list of dict
            ``pair``, ``date`` (ISO, empty for the whole series), ``reason``, ``kind``, ``accepted``.
        """
        chosen = sorted((f for f in self.findings if f.severity != "note"), key=lambda f: str(f.day or ""))
        return [
            {
                "pair": finding.pair,
                "date": "" if finding.day is None else finding.day.isoformat(),
                "reason": finding.reason,
                "kind": finding.kind,
                "accepted": finding.accepted,
            }
            for finding in chosen
        ]

    def to_frame(self) -> pd.DataFrame:
        """One row per series.

        Returns
        -------
        DataFrame, shape (series, 12)
        """
        rows = [
            {
                "series": f"{one.pair} {one.timeframe}",
                "verdict": one.verdict,
                "first": one.first[:10],
                "last": one.last[:10],
                "rows": one.rows,
                "expected": one.expected,
                "capture_rate": one.capture_rate,
                "gaps": one.gaps,
                "duplicates": one.duplicates,
                "unsorted": one.unsorted,
                "longest_stale": one.longest_stale,
                "flags": sum(finding.severity != "note" for finding in one.findings),
            }
            for one in self.series
        ]
        return pd.DataFrame(rows)

    def _repr_html_(self) -> str:
        gate = self.gate
        verdict = "The data may carry a calibration." if gate.passed else "The data may not carry a calibration:"
        parts = [
            f"<p><b>Data quality up to {self.as_of}</b> · {self.days} fixing days · "
            f"<b style='color:{GOOD if gate.passed else BAD}'>{verdict}</b></p>",
            html_list(gate.reasons),
            _table(self.to_frame()),
            *self._flag_parts(),
            *self._clock_parts(),
            *self._triangle_parts(),
            *self._extreme_parts(),
        ]
        return "".join(parts)

    def _flag_parts(self) -> list[str]:
        blocking = self.gate.reasons
        flags = [f for f in self.findings if f.severity != "note" and f.reason not in blocking]
        notes = [finding.reason for finding in self.findings if finding.severity == "note" and finding.kind != "clock"]
        lines = [f"{finding.reason}{_affects(finding)} — {_standing(finding)}" for finding in flags]
        title = "<p><b>Flagged, not blocking</b>, kept in the data:</p>" if lines else ""
        quiet = "<p>Nothing is flagged.</p>" if not lines and not blocking else ""
        return [title, quiet, html_list(lines), html_list(notes)]

    def _clock_parts(self) -> list[str]:
        parts = []
        for one in self.series:
            if one.clock is not None:
                parts.append(
                    f"<p><b>Clock of {escape(one.pair)} {escape(one.timeframe)}</b>: {escape(one.clock.sentence())}</p>"
                )
                parts.append(_table(one.clock.to_frame()))
        return parts

    def _triangle_parts(self) -> list[str]:
        parts = []
        for timeframe in dict.fromkeys(check.timeframe for check in self.triangles):
            checks = [check for check in self.triangles if check.timeframe == timeframe]
            worst = max(checks, key=lambda check: check.worst_bps)
            # The fixes hold to the last bit of the arithmetic; saying "0.000000000002 bp" helps nobody.
            size = "to rounding" if worst.worst_bps < 1e-6 else f"within {worst.worst_bps:.2f} bp"
            where = "" if worst.worst_bps < 1e-6 else f" (worst: {', '.join(worst.pairs)} at {worst.worst_at})"
            name = "ECB fixes" if timeframe == FIX else f"{timeframe} series"
            parts.append(f"<p>Triangles of {escape(name)}: {len(checks)}; they multiply out {size}{escape(where)}.</p>")
        return parts

    def _extreme_parts(self) -> list[str]:
        if not self.extremes:
            return []
        lines = [finding.reason for finding in self.extremes]
        summary = f"{len(lines)} extreme moves of traded pairs, real and kept; the last: {lines[-1]}"
        return [f"<details><summary>{escape(summary)}</summary>{html_list(lines)}</details>"]


def _affects(finding: Finding) -> str:
    return f" (in {', '.join(finding.affected)})" if finding.affected and finding.timeframe == FIX else ""


def _standing(finding: Finding) -> str:
    if finding.severity == "refusal":
        return "refused"
    return "accepted on the record" if finding.accepted else "open"


def _table(frame: pd.DataFrame) -> str:
    rows = [
        [_cell(name, value) for name, value in zip(frame.columns, row, strict=True)]
        for row in frame.itertuples(index=False)
    ]
    return html_table([name.replace("_", " ") for name in frame.columns], rows)


def _cell(name: str, value: Any) -> str:
    if name == "capture_rate":
        return percent(value, 3)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return number(value, ".1f" if name.endswith("_bps") else ".3f")
    return Number(str(value)) if isinstance(value, int) else str(value)
