"""Every gate: at its limit, beyond it, and when the number could not be computed."""

from datetime import date

import pytest

from workbench.data.policy_file import read_policy
from workbench.domain.errors import DataError
from workbench.runtime.calibrations.gates import (
    GateResult,
    age_gate,
    business_days_between,
    confidence_set_gate,
    convergence_gate,
    coverage_gate,
    daily_coverage_gate,
    dynamic_quantile_warning,
    flagged_gate,
    independence_warning,
    intraday_capture_gate,
    shortfall_gate,
    stress_gate,
    traffic_light_gate,
    value_at_risk_move_gate,
)

GATES = read_policy().calibration
NAN = float("nan")
AS_OF = date(2026, 10, 30)


@pytest.mark.parametrize(
    ("result", "passed", "consequence"),
    [
        (daily_coverage_gate(1.0, GATES), True, "refuse"),
        (daily_coverage_gate(0.9999, GATES), False, "refuse"),
        (daily_coverage_gate(NAN, GATES), False, "refuse"),
        (intraday_capture_gate({}, GATES), True, "refuse"),
        (intraday_capture_gate({"EURUSD 1h": 0.9995}, GATES), True, "refuse"),
        (intraday_capture_gate({"EURUSD 1h": 1.0, "USDJPY 1h": 0.9994}, GATES), False, "refuse"),
        (intraday_capture_gate({"EURUSD 1h": 1.0, "USDJPY 1h": NAN}, GATES), False, "refuse"),
        (coverage_gate(confidence=0.99, p_value=0.01, days=500, gates=GATES), True, "refuse"),
        (coverage_gate(confidence=0.99, p_value=0.0099, days=500, gates=GATES), False, "refuse"),
        (coverage_gate(confidence=0.99, p_value=0.5, days=499, gates=GATES), False, "refuse"),
        (coverage_gate(confidence=0.99, p_value=NAN, days=500, gates=GATES), False, "refuse"),
        (traffic_light_gate("green", GATES), True, "refuse"),
        (traffic_light_gate("yellow", GATES), True, "refuse"),
        (traffic_light_gate("red", GATES), False, "refuse"),
        (confidence_set_gate("fhs", ["fhs", "garch"], GATES), True, "refuse"),
        (confidence_set_gate("fhs", [], GATES), False, "refuse"),
        (shortfall_gate(0.01, GATES), True, "refuse"),
        (shortfall_gate(0.0, GATES), False, "refuse"),
        (shortfall_gate(NAN, GATES), False, "refuse"),
        (convergence_gate([]), True, "refuse"),
        (convergence_gate(["garch EUR"]), False, "refuse"),
        (stress_gate("pass", "23 of 23"), True, "refuse"),
        (stress_gate("fail", "3 of 23"), False, "refuse"),
        (independence_warning(confidence=0.99, p_value=0.02, gates=GATES), True, "warn"),
        (independence_warning(confidence=0.99, p_value=0.001, gates=GATES), False, "warn"),
        (dynamic_quantile_warning(confidence=0.95, p_value=NAN, gates=GATES), False, "warn"),
        (value_at_risk_move_gate(0.0150, 0.0100, GATES), True, "confirm"),
        (value_at_risk_move_gate(0.0151, 0.0100, GATES), False, "confirm"),
        (value_at_risk_move_gate(0.0049, 0.0100, GATES), False, "confirm"),
        (value_at_risk_move_gate(0.0100, 0.0, GATES), False, "confirm"),
        (value_at_risk_move_gate(NAN, 0.0100, GATES), False, "confirm"),
        (value_at_risk_move_gate(0.0100, None, GATES), True, "confirm"),
        (age_gate(AS_OF, date(2026, 11, 4), GATES), True, "warn"),
        (age_gate(AS_OF, date(2026, 11, 5), GATES), False, "warn"),
    ],
)  # fmt: skip
def test_a_gate_passes_up_to_its_limit_and_not_beyond(result: GateResult, passed: bool, consequence: str) -> None:
    assert (result.passed, result.consequence) == (passed, consequence)
    assert result.sentence


def test_a_number_that_could_not_be_computed_is_said_in_words() -> None:
    assert shortfall_gate(NAN, GATES).value == "not computed (nan)"


def test_the_missing_stress_verdict_has_words_of_its_own() -> None:
    assert stress_gate("fail", "3 of 23").sentence == "the stress validation is a fail: 3 of 23"


def test_a_failed_warning_spells_out_what_it_means() -> None:
    assert "clusters" in independence_warning(confidence=0.99, p_value=0.0, gates=GATES).sentence
    assert "reacts too slowly" in dynamic_quantile_warning(confidence=0.99, p_value=0.0, gates=GATES).sentence


@pytest.mark.parametrize(
    ("day", "passed"), [(date(2026, 10, 30), False), (date(2026, 10, 5), False), (date(2026, 10, 2), True)]
)
def test_only_recent_flags_count(day: date, passed: bool) -> None:
    result = flagged_gate([("EURAUD", day, "outlier")], AS_OF, GATES)
    assert result.passed == passed
    assert ("EURAUD" in result.sentence) == (not passed)


def test_many_flags_are_counted_not_all_listed() -> None:
    result = flagged_gate([("EURAUD", AS_OF, "outlier")] * 9, AS_OF, GATES)
    assert result.value == 9.0
    assert "and 4 more" in result.sentence


def test_business_days_leave_out_week_ends_and_holidays() -> None:
    assert business_days_between(date(2026, 10, 30), date(2026, 11, 1)) == 0
    assert business_days_between(date(2026, 10, 30), date(2026, 11, 2)) == 1
    assert business_days_between(date(2026, 4, 2), date(2026, 4, 7)) == 1  # Good Friday and Easter Monday between
    assert business_days_between(date(2026, 10, 31), date(2026, 11, 2)) == 1  # from a Saturday
    with pytest.raises(DataError, match="not to lie after"):
        business_days_between(date(2026, 11, 2), date(2026, 10, 30))
