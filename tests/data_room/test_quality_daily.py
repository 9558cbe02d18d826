from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.data.quality import AcceptanceLog, quality_report
from workbench.data.quality.daily import run_ends, spikes, standardise
from workbench.data.quality.triangles import triangle_checks
from workbench.data.rates import DailyRates
from workbench.domain.errors import DataError

MISPRINT = date(2020, 5, 6)
REAL_EXTREMES = {("EURCHF", date(2015, 1, 15)), ("GBPUSD", date(2016, 6, 24)), ("AUDJPY", date(2008, 10, 24))}


def test_history_is_complete_and_may_carry_a_calibration(rates: DailyRates) -> None:
    report = quality_report(rates.up_to("2026-10-30"))
    assert report.days == 7126
    assert report.capture_rate == 1.0
    assert report.gate.passed
    assert [one.pair for one in report.series] == [
        "EURUSD", "EURJPY", "EURGBP", "EURCHF", "EURAUD", "EURCAD", "EURNZD",
    ]  # fmt: skip


def test_known_misprint_of_6_may_2020_is_flagged_and_named_with_its_pairs(rates: DailyRates) -> None:
    flags = [finding for finding in spikes(rates) if finding.day == MISPRINT]
    assert [flag.pair for flag in flags] == ["EURAUD"]
    assert flags[0].affected == ("AUDUSD", "AUDJPY", "AUDCAD")
    assert "known misprint" in flags[0].reason
    entry = next(one for one in quality_report(rates).flagged() if one["date"] == "2020-05-06")
    assert entry["pair"] == "EURAUD"
    assert rates.leg_values.loc["2020-05-06", "AUD"] == pytest.approx(0.6341, abs=0.01)  # kept raw


def test_flagged_days_are_few_and_no_real_extreme_is_among_them(rates: DailyRates) -> None:
    report = quality_report(rates.up_to("2026-10-30"))
    flagged = {(one["pair"], one["date"]) for one in report.flagged()}
    # Besides the misprint three there-and-back moves of one currency in 27 years; nobody has shown them wrong.
    assert flagged == {
        ("EURAUD", "2020-05-06"), ("EURCHF", "2020-07-27"), ("EURGBP", "2020-12-11"), ("EURCAD", "2021-08-20"),
    }  # fmt: skip
    assert {(finding.pair, finding.day) for finding in report.extremes} >= REAL_EXTREMES
    assert all(finding.severity == "note" for finding in report.extremes)


@pytest.mark.parametrize(
    "as_of", ["2008-10-27", "2015-01-15", "2015-01-16", "2016-06-24", "2016-06-27", "2020-03-09", "2020-03-20"]
)
def test_crisis_mornings_are_not_refused_for_being_a_crisis(rates: DailyRates, as_of: str) -> None:
    assert quality_report(rates.up_to(as_of)).gate.passed


def test_reversal_is_known_only_the_next_day(rates: DailyRates) -> None:
    on_the_day = quality_report(rates.up_to("2020-05-06"))
    assert [(f.kind, f.pair) for f in on_the_day.findings] == [("unconfirmed", "EURAUD")]
    assert on_the_day.gate.passed
    next_day = quality_report(rates.up_to("2020-05-07"))
    assert [(f.kind, f.day) for f in next_day.findings] == [("spike", MISPRINT)]
    assert not next_day.gate.passed


def test_recent_flag_blocks_for_twenty_fixing_days_and_then_only_stays_visible(rates: DailyRates) -> None:
    days = rates.dates[rates.dates >= "2020-05-06"]
    assert not quality_report(rates.up_to(days[19])).gate.passed
    later = quality_report(rates.up_to(days[20]))
    assert later.gate.passed
    assert later.verdict == "flagged"


@pytest.mark.parametrize("currency", ["JPY", "GBP", "CHF", "AUD", "CAD", "NZD"])
@pytest.mark.parametrize("size", [0.025, -0.025])
def test_planted_misprint_in_a_quiet_month_is_found_on_its_own_currency(
    rates: DailyRates, currency: str, size: float
) -> None:
    values = rates.leg_values.copy()
    values.loc["2019-06-12", currency] *= np.exp(size)
    found = [finding for finding in spikes(DailyRates(values, "planted")) if finding.day == date(2019, 6, 12)]
    assert [finding.pair for finding in found] == ["EUR" + currency]


def test_move_that_stays_is_not_flagged(rates: DailyRates) -> None:
    values = rates.leg_values.copy()
    values.loc["2019-06-12":, "AUD"] *= np.exp(-0.025)
    assert not [finding for finding in spikes(DailyRates(values, "planted")) if finding.day == date(2019, 6, 12)]


def test_scores_of_a_day_never_change_when_later_rows_do(rates: DailyRates) -> None:
    spoilt = rates.leg_values.copy()
    spoilt.loc["2016-01-01":] = np.random.default_rng(1).uniform(0.1, 9.0, spoilt.loc["2016-01-01":].shape)
    whole, cut = standardise(DailyRates(spoilt, "garbage")), standardise(rates.up_to("2015-12-31"))
    assert np.array_equal(whole.alone[: len(cut.alone)], cut.alone, equal_nan=True)
    assert np.array_equal(whole.rest[: len(cut.rest)], cut.rest, equal_nan=True)


def test_report_of_a_prefix_is_the_report_of_the_cut_garbage(rates: DailyRates) -> None:
    spoilt = rates.leg_values.copy()
    spoilt.loc["2020-06-01":] *= 3.0
    from_garbage = quality_report(DailyRates(spoilt, rates.source).up_to("2020-05-29"))
    assert from_garbage == quality_report(rates.up_to("2020-05-29"))
    assert from_garbage._repr_html_() == quality_report(rates.up_to("2020-05-29"))._repr_html_()


def test_missing_fixing_day_blocks_the_gate(rates: DailyRates) -> None:
    holed = DailyRates(rates.leg_values.drop(pd.to_datetime(["2019-06-12", "2019-06-13"])), "holed")
    report = quality_report(holed)
    assert not report.gate.passed
    assert "2 of 7126 expected fixing days are missing, the last of them 2019-06-13" in report.gate.reasons[0]
    assert (report.series[0].gaps, report.series[0].longest_gap) == (1, 2)
    assert report.capture_rate < 1.0


def test_frozen_quote_is_flagged_and_the_franc_floor_is_not(rates: DailyRates) -> None:
    values = rates.leg_values.copy()
    values.loc["2026-10-19":"2026-10-30", "CHF"] = (values["CHF"] / values["EUR"]).loc["2026-10-19"] * values["EUR"]
    report = quality_report(DailyRates(values, "frozen"))
    assert "EURCHF has not moved for 9 fixes up to 2026-10-30" in report.gate.reasons[0]
    franc = next(one for one in quality_report(rates).series if one.pair == "EURCHF")
    assert franc.longest_stale == 5
    assert all(finding.kind != "stale" for finding in franc.findings)


def test_acceptance_is_recorded_once_and_opens_the_gate(rates: DailyRates, tmp_path: Path) -> None:
    log = AcceptanceLog(tmp_path / "acceptances.jsonl")
    blocked = quality_report(rates.up_to("2020-05-08"), acceptances=log)
    when = datetime(2020, 5, 8, 7, 30, tzinfo=UTC)
    assert log.record(blocked.findings, who="risk desk", when=when) == 1
    first = log.path.read_text()
    assert log.record(blocked.findings, who="risk desk", when=when) == 0
    assert log.path.read_text() == first
    assert '"who": "risk desk"' in first and '"day": "2020-05-06"' in first and "2020-05-08T07:30" in first
    opened = quality_report(rates.up_to("2020-05-08"), acceptances=log)
    assert opened.gate.passed
    assert opened.flagged()[0]["accepted"] is True
    assert opened.verdict == "accepted"


def test_acceptance_record_is_only_appended_to_and_damage_is_named(rates: DailyRates, tmp_path: Path) -> None:
    log = AcceptanceLog(tmp_path / "acceptances.jsonl")
    log.path.write_text('{"key": "old"}\n')
    log.record(quality_report(rates.up_to("2020-05-08")).findings, who="a", when=datetime(2020, 5, 8, tzinfo=UTC))
    assert log.path.read_text().startswith('{"key": "old"}\n{')
    assert len(log.keys()) == 2
    with pytest.raises(DataError, match="needs a name and a time with its timezone"):
        log.record((), who=" ", when=datetime(2020, 5, 8, tzinfo=UTC))
    log.path.write_text('{"key": "old"}\nnonsense\n')
    with pytest.raises(DataError, match="line 2 is not an acceptance"):
        log.keys()


def test_refusal_cannot_be_accepted_away(rates: DailyRates) -> None:
    report = quality_report(rates.up_to("2020-05-08"))
    series = next(one for one in report.series if one.findings)
    refused = replace(series, findings=tuple(replace(finding, severity="refusal") for finding in series.findings))
    assert refused.with_acceptances({finding.key for finding in refused.findings}).verdict == "refused"


def test_crosses_of_the_fixes_multiply_out(rates: DailyRates) -> None:
    checks = quality_report(rates).triangles
    assert len(checks) == 13
    assert max(check.worst_bps for check in checks) < 1e-8


def test_cross_from_another_market_is_caught(rates: DailyRates) -> None:
    prices = {pair: rates.pair_rates(pair) for pair in ("EURUSD", "USDJPY", "EURJPY")}
    prices["EURJPY"] = prices["EURJPY"] * 1.001
    (check,) = triangle_checks(prices, "fix")
    assert check.median_bps == pytest.approx(10.0, abs=0.01)
    assert not check.holds


def test_html_is_a_readable_page_with_every_word_escaped(rates: DailyRates) -> None:
    hostile = DailyRates(rates.leg_values, "<script>alert(1)</script>")
    report = quality_report(hostile)
    spoilt = replace(report, series=(replace(report.series[4], pair="<b>EURAUD"), *report.series[1:]))
    page = spoilt._repr_html_()
    assert "<script" not in page and "<b>EURAUD" not in page and "&lt;b&gt;EURAUD" in page
    assert "The data may carry a calibration." in page
    assert "100.000 %" in page
    assert len(report.to_frame()) == 7


def test_very_short_history_gives_a_report_without_scores(rates: DailyRates) -> None:
    for days in (1, 2, 3, 70):
        report = quality_report(rates.up_to(rates.dates[days - 1]))
        assert report.gate.passed
        assert report.days == days
    assert run_ends(np.array([], dtype=bool)) == []
