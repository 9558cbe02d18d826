"""The words of the quality report: a finding, the limits, the verdict on a series."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, TypeAlias

from workbench.data.quality.clock import ClockCheck

Severity: TypeAlias = Literal["note", "flag", "refusal"]
Verdict: TypeAlias = Literal["accepted", "flagged", "refused"]


@dataclass(frozen=True, slots=True)
class QualityLimits:
    """Limits of the data gate.

    Attributes
    ----------
    capture_rate : float
        Least share of expected intraday bars that must be there (0.9995 is 99.95 %).
    recent_days : int
        Fixing days before the as-of date in which nothing may be flagged and unaccepted.
    """

    capture_rate: float = 0.9995
    recent_days: int = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing noticed about one series.

    Attributes
    ----------
    pair, timeframe : str
        Which series.
    kind : str
        Stable reason code: ``coverage``, ``capture``, ``gap``, ``duplicate``, ``order``, ``stale``, ``spike``,
        ``unconfirmed``, ``extreme``, ``quotes``, ``hours``, ``level``, ``clock``, ``triangle``.
    severity : str
        ``note`` is only listed; ``flag`` waits for a person to accept it; ``refusal`` cannot be accepted.
    day : date or None
        When; None speaks of the whole series.
    reason : str
        One plain sentence with the figures.
    detail : str
        Part of the identity of a finding without a day: a worse one must be accepted anew.
    affected : tuple of str
        Traded pairs that contain the questionable price.
    accepted : bool
        Whether a person has accepted it on the record.
    """

    pair: str
    timeframe: str
    kind: str
    severity: Severity
    day: date | None
    reason: str
    detail: str = ""
    affected: tuple[str, ...] = ()
    accepted: bool = False

    @property
    def key(self) -> str:
        """Identity under which a finding is accepted."""
        return "|".join((self.pair, self.timeframe, self.kind, str(self.day or "-"), self.detail))

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to do something about it."""
        return self.severity == "refusal" or (self.severity == "flag" and not self.accepted)


@dataclass(frozen=True, slots=True)
class SeriesQuality:
    """What is known about one series up to the as-of date.

    Attributes
    ----------
    pair, timeframe, source : str
        Which series and where it came from.
    first, last : str
        First and last time, ISO 8601.
    rows, expected : int
        Rows inside market hours or fixing days, and how many the calendar expects between first and last.
    capture_rate : float
        Share of the expected rows that are there, in [0, 1].
    gaps, longest_gap : int
        Number of holes and rows missing in the longest.
    duplicates, unsorted : int
        Rows mended in the file this was read from; 0 for what is already stored.
    longest_stale : int
        Longest run of unchanged prices, in rows.
    findings : tuple of Finding
        Oldest first.
    clock : ClockCheck or None
        Only for intraday series that overlap with the ECB fixes.
    """

    pair: str
    timeframe: str
    source: str
    first: str
    last: str
    rows: int
    expected: int
    capture_rate: float
    gaps: int
    longest_gap: int
    duplicates: int
    unsorted: int
    longest_stale: int
    findings: tuple[Finding, ...]
    clock: ClockCheck | None = None

    @property
    def verdict(self) -> Verdict:
        """``refused`` outranks ``flagged`` outranks ``accepted``; accepted flags no longer count."""
        open_ones = {finding.severity for finding in self.findings if finding.is_open}
        return "refused" if "refusal" in open_ones else "flagged" if "flag" in open_ones else "accepted"

    @property
    def reasons(self) -> tuple[str, ...]:
        """Sentences behind a verdict other than ``accepted``."""
        return tuple(finding.reason for finding in self.findings if finding.is_open)

    def with_acceptances(self, keys: Collection[str]) -> "SeriesQuality":
        """Mark what people have accepted.

        Parameters
        ----------
        keys : collection of str
            `Finding.key` of every accepted finding. A refusal stays a refusal.

        Returns
        -------
        SeriesQuality
        """
        return replace(
            self,
            findings=tuple(
                replace(finding, accepted=finding.severity == "flag" and finding.key in keys)
                for finding in self.findings
            ),
        )
