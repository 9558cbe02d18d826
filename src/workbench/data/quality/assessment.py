"""From rates and the store to a report: reads everything up to the as-of date and nothing after it."""

import pandas as pd

from workbench.data.calendar import FIX
from workbench.data.quality.acceptance import AcceptanceLog
from workbench.data.quality.daily import assess_rates, extremes
from workbench.data.quality.findings import QualityLimits, SeriesQuality
from workbench.data.quality.intraday import assess_bars
from workbench.data.quality.report import QualityReport
from workbench.data.quality.triangles import TriangleCheck, triangle_checks
from workbench.data.rates import DailyRates
from workbench.data.store import Store


def quality_report(
    rates: DailyRates,
    *,
    store: Store | None = None,
    acceptances: AcceptanceLog | None = None,
    limits: QualityLimits | None = None,
) -> QualityReport:
    """Judge the daily rates and everything the user has ingested.

    Parameters
    ----------
    rates : DailyRates
        Already cut at the as-of date; its last day is the as-of date of the report.
    store : Store, optional
        Ingested series; rows after the as-of date are dropped before they are looked at.
    acceptances : AcceptanceLog, optional
        What people have accepted.
    limits : QualityLimits, optional
        By default those of the policy.

    Returns
    -------
    QualityReport
        Identical, figure by figure, whatever rows may exist after the as-of date.
    """
    limits = limits or QualityLimits()
    series = list(assess_rates(rates))
    table = rates.pairs_table()
    triangles = list(triangle_checks({pair: table[pair] for pair in table.columns}, FIX))
    if store is not None:
        ingested, checked = _assess_store(store, rates, limits)
        series += ingested
        triangles += checked
    recent = rates.dates[-min(limits.recent_days, len(rates))]
    report = QualityReport(
        as_of=rates.as_of,
        recent_from=recent.date(),
        days=len(rates),
        content_hash=rates.content_hash,
        series=tuple(series),
        extremes=extremes(rates),
        triangles=tuple(triangles),
        limits=limits,
    )
    return report if acceptances is None else report.with_acceptances(acceptances.keys())


def _assess_store(
    store: Store, rates: DailyRates, limits: QualityLimits
) -> tuple[list[SeriesQuality], list[TriangleCheck]]:
    assessed: list[SeriesQuality] = []
    mids: dict[str, dict[str, pd.Series]] = {}
    for entry in store.catalogue():
        if entry.timeframe == FIX or entry.first.date() > rates.as_of:
            continue
        series = store.read(entry.pair, entry.timeframe, as_of=rates.as_of)
        if series.frame.empty:
            continue
        assessed.append(assess_bars(series, rates, limits=limits))
        if entry.timeframe != "tick":
            mids.setdefault(entry.timeframe, {})[entry.pair] = series.mid
    checks = [check for timeframe, prices in mids.items() for check in triangle_checks(prices, timeframe)]
    return assessed, checks
