"""From a user's file to the store: read, judge, refuse or accept on the record, write whole or not at all."""

from dataclasses import dataclass, replace
from pathlib import Path

from workbench.data.quality.acceptance import Acceptor
from workbench.data.quality.findings import Finding, QualityLimits, SeriesQuality
from workbench.data.quality.intraday import assess_bars
from workbench.data.rates import DailyRates
from workbench.data.sources.bars import BarsFile, SeriesSpec
from workbench.data.store import Store, StoredSeries
from workbench.domain.errors import DataError


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What became of a file.

    Attributes
    ----------
    stored : StoredSeries
        The series as it now lies in the store.
    quality : SeriesQuality
        What was found in the file.
    accepted : int
        Flags accepted on the record with this file.
    """

    stored: StoredSeries
    quality: SeriesQuality
    accepted: int


def ingest(
    path: Path,
    spec: SeriesSpec,
    *,
    store: Store,
    rates: DailyRates,
    acceptor: Acceptor | None = None,
    limits: QualityLimits | None = None,
) -> IngestResult:
    """Take a user's bars or ticks into the store.

    Parameters
    ----------
    path : Path
        CSV or Parquet.
    spec : SeriesSpec
        What the user states about it.
    store : Store
        Where it goes; rows already there must agree, new ones are added.
    rates : DailyRates
        ECB fixes, for level and clock.
    acceptor : Acceptor, optional
        Who accepts the flags of this file (``--accept-flagged``); without one a flagged file is not stored.
    limits : QualityLimits, optional
        By default those of the policy.

    Returns
    -------
    IngestResult

    Raises
    ------
    DataError
        When the file cannot be read, or is refused, or is flagged and nobody accepts that. The store is untouched.
    ExecutionError
        When the store or the record cannot be written. The store is untouched.
    """
    series = BarsFile(path, spec).load()
    quality = assess_bars(series, rates, limits=limits, timezone=spec.timezone)
    if acceptor is not None:
        quality = quality.with_acceptances(acceptor.log.keys())
    flags = _open_flags(quality, path.name, may_accept=acceptor is not None)
    # The series is written before the acceptance: a failed write must not leave an acceptance of nothing.
    stored = store.append(replace(series, mended={}))
    accepted = acceptor.log.record(flags, who=acceptor.who, when=acceptor.when) if acceptor is not None else 0
    keys = acceptor.log.keys() if acceptor is not None else frozenset()
    return IngestResult(stored, quality.with_acceptances(keys), accepted)


def _open_flags(quality: SeriesQuality, name: str, *, may_accept: bool) -> list[Finding]:
    refusals = [finding.reason for finding in quality.findings if finding.severity == "refusal"]
    if refusals:
        raise DataError(f"{name} is refused: {'; '.join(refusals)}")
    flags = [finding for finding in quality.findings if finding.is_open]
    if flags and not may_accept:
        shown = "; ".join(finding.reason for finding in flags[:5])
        more = f"; and {len(flags) - 5} more" if len(flags) > 5 else ""
        raise DataError(
            f"{name} is flagged and was not stored: {shown}{more}. Correct the file, or accept this on the record "
            "with --accept-flagged"
        )
    return flags
