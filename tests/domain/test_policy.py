"""The shipped policy says what the risk policy says, and nothing wrong gets past the reader."""

import copy
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.data.policy_file import default_policy_text
from workbench.domain.currencies import CURRENCIES, LEGS, PAIRS
from workbench.domain.errors import ConfigError
from workbench.domain.policy import Policy
from workbench.domain.policy.risk import CONDITIONS, SIZING_REGIMES
from workbench.domain.policy.trading import ADAPTED_REGIMES

TABLE: dict[str, Any] = tomllib.loads(default_policy_text())
POLICY = Policy.from_mapping(TABLE)


def steps(path: str) -> list[Any]:
    """Return the keys and places of a dotted path."""
    parts = path.replace("[", ".[").split(".")
    return [int(part[1:-1]) if part.startswith("[") else part for part in parts]


def place(table: Any, path: str) -> tuple[Any, Any]:
    """Return the container and the key a dotted path points at."""
    *keys, last = steps(path)
    for key in keys:
        table = table[key]
    return table, last


def with_value(path: str, value: Any) -> dict[str, Any]:
    table = copy.deepcopy(TABLE)
    section, key = place(table, path)
    section[key] = value
    return table


def without(path: str) -> dict[str, Any]:
    table = copy.deepcopy(TABLE)
    section, key = place(table, path)
    del section[key]
    return table


def leaves(value: Any, path: str = "") -> list[str]:
    if isinstance(value, dict):
        return [leaf for key, below in value.items() for leaf in leaves(below, f"{path}.{key}".removeprefix("."))]
    if isinstance(value, list) and value:
        return [leaf for index, below in enumerate(value) for leaf in leaves(below, f"{path}[{index}]")]
    return [path]


def with_number(value: Any, keys: list[Any], number: float) -> Any:
    """Return the policy with one number replaced, unvalidated: many a number may not move without its neighbours."""
    if not keys:
        return number
    if isinstance(value, tuple):
        changed = with_number(value[keys[0]], keys[1:], number)
        return (*value[: keys[0]], changed, *value[keys[0] + 1 :])
    return value.model_copy(update={keys[0]: with_number(getattr(value, keys[0]), keys[1:], number)})


def test_changing_any_number_changes_the_hash() -> None:
    for path, number in POLICY.numbers().items():
        changed = with_number(POLICY, steps(path), number + 1)
        assert changed.numbers() == {**POLICY.numbers(), path: number + 1}
        assert changed.hash != POLICY.hash


def test_any_missing_key_is_named() -> None:
    for path in leaves(TABLE):
        if path.endswith("]"):  # an entry of a list is not a key; lengths are held by their own rules
            continue
        with pytest.raises(ConfigError) as refused:
            Policy.from_mapping(without(path))
        assert f"{path}: expected a value, got nothing" in str(refused.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "0.5", True, None])
def test_what_is_no_finite_number_is_named_wherever_a_number_belongs(value: object) -> None:
    for path in POLICY.numbers():
        with pytest.raises(ConfigError) as refused:
            Policy.from_mapping(with_value(path, value))
        assert f"{path}: expected" in str(refused.value)


def test_a_negative_number_is_named_wherever_a_limit_belongs() -> None:
    for path in POLICY.numbers():
        with pytest.raises(ConfigError) as refused:
            Policy.from_mapping(with_value(path, -1))
        assert f"{path}: expected" in str(refused.value)
        assert "got -1" in str(refused.value)


SECTIONS = sorted({path.rpartition(".")[0] for path in leaves(TABLE) if not path.endswith("]")})


def test_an_unknown_key_is_named_in_every_section() -> None:
    for section in SECTIONS:
        with pytest.raises(ConfigError) as refused:
            Policy.from_mapping(with_value(f"{section}.surprise", 1))
        assert f"{section}.surprise: unknown key" in str(refused.value)


def test_a_misspelt_key_is_named_with_the_right_one() -> None:
    table = with_value("ladders.drawdown.rung_2.triger", 0.05)
    with pytest.raises(ConfigError, match=r"ladders\.drawdown\.rung_2\.triger: unknown key, did you mean 'trigger'"):
        Policy.from_mapping(table)


def test_an_unknown_section_is_named() -> None:
    with pytest.raises(ConfigError, match=r"leverage: unknown key"):
        Policy.from_mapping({**TABLE, "leverage": {}})


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("ladders.drawdown.rung_2.trigger", 0.03, "ladders.drawdown.rung_2.trigger: expected more than 0.03"),
        ("ladders.volatility.rung_3.trigger", 1.9, "ladders.volatility.rung_3.trigger: expected more than 2.0"),
        ("ladders.value_at_risk.rung_1.trigger", 0.004, "ladders.value_at_risk.rung_2.trigger: expected more than"),
        ("ladders.technical.rung_2.trigger_seconds", 4, "ladders.technical.rung_2.trigger_seconds: expected more"),
        ("ladders.drawdown.rung_3.cap", 0.8, "ladders.drawdown.rung_3.cap: expected at most 0.75"),
        ("ladders.correlation.rung_1.cap", 0.5, "ladders.correlation.rung_2.cap: expected at most 0.5"),
        ("ladders.drawdown.rung_4.mode", "ACTIVE", "ladders.drawdown.rung_4.mode: expected REDUCING or HALTED"),
        ("ladders.volatility.rung_2.alert_level", 1, "ladders.volatility.rung_2.alert_level: expected at least 2"),
        ("ladders.volatility.rung_2.alert_level", 5, "ladders.volatility.rung_2.alert_level: expected less than"),
        ("ladders.volatility.rung_3.extra_confirmations", 0, "rung_3.extra_confirmations: expected at least 2"),
        ("ladders.drawdown.rung_3.close_fraction", 0.1, "ladders.drawdown.rung_3.close_order: expected 'nothing'"),
        ("ladders.drawdown.rung_4.people_to_resume", 1, "ladders.drawdown.rung_4.people_to_resume: expected 0"),
        ("ladders.rules.fail_closed_technical_rung", 1, "ladders.rules.fail_closed_technical_rung: expected"),
        ("calibration.stale_technical_rung", 4, "calibration.stale_technical_rung: expected a technical rung"),
        ("calibration.traffic_light_days", 501, "calibration.traffic_light_days: expected at most 500"),
        ("calibration.backtest_confidences", [0.99, 0.95], "calibration.backtest_confidences[1]: expected more"),
        ("calibration.backtest_confidences", [0.05], "calibration.backtest_confidences[0]: expected a confidence"),
        ("sizing.multiplier_minimum", 1.3, "sizing.multiplier_maximum: expected more than 1.3"),
        ("sizing.stress.scores[2]", 30, "sizing.stress.scores[2]: expected more than 40.0"),
        ("sizing.stress.factors[3]", 0.7, "sizing.stress.factors[3]: expected less than 0.6"),
        ("sizing.stress.factors", [1.0, 0.5], "sizing.stress.factors: expected 6 factors"),
        ("stress_score.volatility", 31, "stress_score.volatility + correlation"),
        ("market_conditions.high.ratio_below", 1.9, "market_conditions.high.ratio_below: expected more than 2.0"),
        ("market_conditions.high.score_up_to", 39, "market_conditions.high.score_up_to: expected more than 40.0"),
        ("market_conditions.high.exposure_cap", 0.9, "market_conditions.high.exposure_cap: expected less than 0.8"),
        ("market_conditions.crisis.strategies", 3, "market_conditions.crisis.strategies: expected less than 3"),
        ("market_conditions.normal.strategies", 11, "market_conditions.normal.strategies: expected at most 10"),
        ("market_conditions.extreme.score_up_to", 100, "market_conditions.extreme.score_up_to: expected below 100"),
        ("adaptation.moving_averages.moderate.crisis", [150, 50], "moderate.crisis: expected the short window"),
        ("strategies.risk_profiles.moderate.risk_per_trade", 0.005, "moderate.risk_per_trade: expected more than"),
        ("strategies.timeframes", ["daily", "daily"], "strategies.timeframes: expected each timeframe once"),
        ("strategies.timeframes_with_intraday_data", ["4h"], "timeframes_with_intraday_data: expected also daily"),
        ("tiers.core.share", 0.7, "tiers.core.share + growth.share + tactical.share: expected a sum of 1"),
        ("tiers.weights.performance", [1.1, 1.3], "tiers.weights.performance: expected a low and a high"),
        ("pre_trade.collar_window", 0.004, "pre_trade.collar_window: expected at least 0.005"),
        ("pre_trade.gross_notional", 0.4, "pre_trade.gross_notional: expected at least 0.5"),
        ("people.roles.L2.answers_within_minutes", 4, "people.roles.L2.answers_within_minutes: expected more than"),
        ("people.alerts.level_3.channels", ["log"], "people.alerts.level_3.channels: expected also chat, email"),
        ("people.alerts.level_3.acknowledge_within_minutes", 20, "level_3.acknowledge_within_minutes: expected at"),
        ("people.roles.L1.reminded_minutes_before", 15, "L1.reminded_minutes_before: expected less than 15"),
        ("people.acts.at_once_seconds", 2, "people.acts.at_once_seconds: "),
        ("people.sessions.idle_minutes", 1, "people.sessions.idle_minutes: expected more than 60"),
        ("people.sessions.absolute_hours", 1, "people.sessions.absolute_hours: expected more than 3600"),
        ("people.sessions.attempts_per_name", 19, "people.sessions.attempts_per_name: expected at least 20"),
        ("people.paging.quiet_from", "24:00", "people.paging.quiet_from: "),
        ("people.paging.quiet_up_to_level", 4, "people.paging.quiet_up_to_level: "),
        ("people.paging.no_channel_act", "flatten", "people.paging.no_channel_act: "),
        ("people.drills.warn_days", 30, "people.drills.warn_days: expected less than 30 (channel_days)"),
        ("people.drills.highest_level", 4, "people.drills.highest_level: "),
        ("people.drills.page_level", 1, "people.drills.page_level: "),
        ("success.operational.control_drilled_days", 5, "people.drills.warn_days: expected less than the days of a"),
        ("people.procedures.stabilise.within_minutes", 5, "procedures.stabilise.within_minutes: expected more"),
        ("stress.historical[1].end", "2001-01-01", "stress.historical[1].end: expected a day not before"),
        ("stress.gap_paths[0].name", "October 2008", "stress.gap_paths[0].name: expected a name of its own"),
        ("stress.synthetic.spreads_times", 1, "stress.synthetic.spreads_times: expected more than 1"),
        ("stress.synthetic.correlation_to", 1.0, "stress.synthetic.correlation_to: expected less than 1"),
        ("success.financial.worst_week_below", 0.01, "success.financial.worst_week_below: expected more than"),
        ("universe.pairs[3]", "EURUSD", "universe.pairs[3]: expected each pair once"),
        ("universe.pairs[3]", "XAUUSD", "universe.pairs[3]: expected each pair once"),
    ],
)
def test_what_is_out_of_order_is_named(path: str, value: object, named: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Policy.from_mapping(with_value(path, value))
    assert named in str(refused.value)


def test_every_fault_of_a_file_is_named_at_once() -> None:
    table = with_value("sizing.multiplier_minimum", -1)
    table["pre_trade"]["orders_per_day"] = 0.5
    with pytest.raises(ConfigError, match=r"sizing\.multiplier_minimum.*pre_trade\.orders_per_day"):
        Policy.from_mapping(table)


def test_text_that_is_not_toml_is_refused_with_its_line() -> None:
    with pytest.raises(ConfigError, match=r"expected TOML, got .*(line 1|end of document)"):
        Policy.from_toml("calibration = {")


def test_the_hash_does_not_depend_on_formatting() -> None:
    table = copy.deepcopy(TABLE)
    table["ladders"]["volatility"]["rung_2"]["trigger"] = 2  # written as an integer
    table = dict(reversed(table.items()))
    assert Policy.from_mapping(table).hash == POLICY.hash
    lines = [line.split(" #")[0] for line in default_policy_text().splitlines() if not line.startswith("#")]
    assert Policy.from_toml("\n".join(lines)).hash == POLICY.hash
    assert len(POLICY.hash) == 64


def test_the_hash_survives_a_round_trip_through_json() -> None:
    assert Policy.model_validate_json(POLICY.model_dump_json()).hash == POLICY.hash


def test_words_and_days_are_hashed_too() -> None:
    assert Policy.from_mapping(with_value("people.roles.L1.title", "duty officer")).hash != POLICY.hash
    assert Policy.from_mapping(with_value("stress.historical[0].start", "2008-09-11")).hash != POLICY.hash


def test_the_policy_cannot_be_changed_in_place() -> None:
    with pytest.raises(ValueError, match="frozen"):
        POLICY.sizing.multiplier_maximum = 2.0  # type: ignore[misc]


@settings(max_examples=100, deadline=None)
@given(path=st.sampled_from(sorted(POLICY.numbers())), value=st.floats(allow_nan=True) | st.integers() | st.text())
def test_any_value_anywhere_is_accepted_or_refused_with_a_config_error(path: str, value: object) -> None:
    try:
        policy = Policy.from_mapping(with_value(path, value))
    except ConfigError:
        return
    assert policy.numbers()[path] == value


def test_the_tables_are_complete() -> None:
    assert tuple(TABLE["sizing"]["regime"]) == SIZING_REGIMES
    assert tuple(TABLE["adaptation"]["stop_distance"]) == ADAPTED_REGIMES
    assert tuple(TABLE["adaptation"]["minimum_hold_bars"]) == ADAPTED_REGIMES
    assert tuple(TABLE["market_conditions"])[:5] == CONDITIONS


def test_the_universe_is_eight_currencies_sixteen_pairs_seven_legs() -> None:
    assert POLICY.universe.pairs == PAIRS
    assert POLICY.universe.currencies == CURRENCIES
    assert POLICY.universe.legs == LEGS
    smaller = Policy.from_mapping(with_value("universe.pairs", ["EURJPY", "EURUSD"])).universe
    assert smaller.currencies == ("USD", "EUR", "JPY")
    assert smaller.legs == ("EUR", "JPY")


def test_the_grid_has_384_configurations_and_576_with_intraday_data() -> None:
    assert POLICY.configuration_count(with_intraday_data=False) == 384
    assert POLICY.configuration_count(with_intraday_data=True) == 576


def test_costs_of_a_pair_win_over_the_general_ones() -> None:
    assert POLICY.costs.of("EURUSD").half_spread_pips == 0.4
    assert POLICY.costs.of("EURGBP").half_spread_pips == 0.8
    own = [{"pair": "EURCHF", "half_spread_pips": 1.1, "financing_annual": 0.002}]
    costs = Policy.from_mapping(with_value("costs.by_pair", own)).costs
    assert (costs.of("EURCHF").half_spread_pips, costs.of("EURCHF").financing_annual) == (1.1, 0.002)
    assert costs.of("EURGBP").half_spread_pips == 0.8
    with pytest.raises(ConfigError, match=r"costs\.by_pair\[1\]\.pair: expected each pair once"):
        Policy.from_mapping(with_value("costs.by_pair", own * 2))
