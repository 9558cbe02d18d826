"""Bad input: a typed error with a sentence, or a decision that fails closed; never a silent skip."""

import math

import pytest

from workbench.domain.errors import ConfigError, DataError, ModelError
from workbench.domain.policy import Policy
from workbench.domain.trading import events as happened
from workbench.domain.trading.decisions import (
    EntryRefused,
    InputRefused,
    ModeChanged,
    RaiseAlert,
    RiskSnapshot,
    ScopeEnabled,
    ScopeLocked,
    TargetPosition,
)
from workbench.domain.trading.modes import Ladder, Mode, Tier
from workbench.domain.trading.reasons import Reason
from workbench.domain.trading.strategies import Strategy, StrategyRecord
from workbench.engine.risk_engine import RiskEngine, Start

SECOND, DAY = 10**9, 86_400 * 10**9


def told(said, *kinds):
    return [one for one in said if isinstance(one, kinds)]


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        (lambda now: happened.Quote(now, "EURXXX", 1.0, 1.1), "quote of unknown pair 'EURXXX': expected one of EURUSD"),
        (lambda now: happened.Quote(now, "EURUSD", 1.0, 1.1, feed=7), "expected 0 .primary. or 1 .backup."),
        (lambda now: happened.BarClosed(now, "nobody", 1.0), "unknown strategy 'nobody': this engine runs EURUSD"),
        (lambda now: happened.Fill(now, "nobody", 1, 1.0, 1.0), "unknown strategy 'nobody'"),
        (lambda now: happened.Fixing(now, {"EUR": 1.1}), "a fixing gives US dollars for EUR, JPY"),
        (lambda now: happened.PositionHeld(now, "EURUSD", 0.0, 1.1), "expected units other than 0"),
        (lambda now: happened.PositionHeld(now, "EURUSD", 1.0, math.nan), "a positive price"),
        (lambda now: happened.OperatorReduce(now, "one", 1.5), "a fraction above 0 and up to 1, got 1.5"),
        (lambda now: happened.OperatorResume(now, "one", "one"), "two different people, got 'one' and 'one'"),
        (lambda now: happened.OperatorEnable(now, "one", "EURUSD", "one"), "two different people, got 'one' and 'one'"),
        (lambda now: happened.ScheduledRisk(now, 3.0, now), "lies between 0 and 1, got 3.0"),
        (lambda now: object(), "unknown event object"),
    ],
)
def test_what_nobody_knows_is_an_error_and_changes_nothing(event, sentence, book, market):
    engine, state = book({"EURUSD": 50_000.0})
    before = state.digest
    with pytest.raises(DataError, match=sentence):
        engine.step(state, event(market.MONDAY_NOON + SECOND))
    assert state.digest == before


def test_an_event_out_of_time_order_is_an_error(book, market):
    engine, state = book({"EURUSD": 50_000.0})
    with pytest.raises(DataError, match=r"older than the last one .* events must come in order of time"):
        engine.step(state, happened.Heartbeat(market.MONDAY_NOON - 1))


@pytest.mark.parametrize(
    ("bid", "ask", "reason"),
    [
        (1.2, 1.1, Reason.QUOTE_CROSSED),
        (0.0, 1.1, Reason.QUOTE_NOT_POSITIVE),
        (-1.0, 1.1, Reason.QUOTE_NOT_POSITIVE),
        (math.nan, 1.1, Reason.QUOTE_NOT_A_NUMBER),
        (1.1, math.inf, Reason.QUOTE_NOT_A_NUMBER),
    ],
)
def test_a_quote_that_is_none_is_refused_and_is_no_sign_of_life(bid, ask, reason, book, market):
    engine, state = book({"EURUSD": 50_000.0})
    state, said = engine.step(state, happened.Quote(market.MONDAY_NOON + 6 * SECOND, "EURUSD", bid, ask))
    assert [(one.what, one.reason) for one in told(said, InputRefused)] == [("EURUSD", reason)]
    assert [(one.ladder, one.rung) for one in told(said, RaiseAlert)] == [(Ladder.TECHNICAL, 1)]


@pytest.mark.parametrize(
    ("intent", "units", "price", "reason"),
    [
        (1, 1_000.0, 1.1, Reason.FILL_UNKNOWN),
        (0, 1_000.0, 1.1, Reason.FILL_UNKNOWN),
        (1, math.nan, 1.1, Reason.FILL_NOT_A_NUMBER),
        (1, 1_000.0, 0.0, Reason.FILL_NOT_A_NUMBER),
    ],
)
def test_a_fill_nobody_asked_for_stops_entries_until_it_is_reconciled(intent, units, price, reason, book, market):
    engine, state = book({"EURUSD": 50_000.0})
    state, said = engine.step(state, happened.Fill(market.MONDAY_NOON + SECOND, "EURUSD", intent, units, price))
    assert told(said, InputRefused)[0].reason is reason
    assert told(said, ModeChanged)[0].after is Mode.REDUCING
    assert max(one.level for one in told(said, RaiseAlert)) == 4
    assert state.units[0] == 50_000
    state, _ = engine.step(state, happened.Reconciled(market.MONDAY_NOON + 2 * SECOND))
    assert state.not_computable == 0


def test_without_a_calibration_nothing_enters(policy, market):
    engine = RiskEngine(policy, None, market.ten_strategies())
    events = [happened.Fixing(market.MONDAY_NOON, market.VALUES), happened.BarClosed(market.MONDAY_NOON, "s0", 1.0)]
    state, said = market.run(engine, engine.init(Start(market.MONDAY_NOON, 1e6)), events)
    assert told(said, RaiseAlert)[0].reason is Reason.CALIBRATION_MISSING
    assert state.mode == Mode.REDUCING
    assert told(said, EntryRefused)[0].reason is Reason.ENTRIES_STOPPED
    assert not told(said, TargetPosition)


def test_without_a_calibration_a_fall_from_the_peak_still_cuts_and_halts_the_book(policy, market):
    engine = RiskEngine(policy, None, market.held("EURUSD"))
    now, units = market.MONDAY_NOON, 4_000_000.0
    fallen = {**market.VALUES, "EUR": market.VALUES["EUR"] - 160_000.0 / units}
    events = [
        happened.Fixing(now, market.VALUES),
        happened.PositionHeld(now, "EURUSD", units, market.price("EURUSD")),
        happened.Heartbeat(now),
        happened.Fixing(now + SECOND, fallen, closes_day=False),
        happened.Heartbeat(now + 5 * SECOND),
    ]
    state, said = market.run(engine, engine.init(Start(now, 1e6)), events)
    tripped = {(one.ladder, one.rung) for one in told(said, RaiseAlert)}
    assert {(Ladder.DRAWDOWN, rung) for rung in (1, 2, 3, 4)} <= tripped
    assert state.mode == Mode.HALTED
    assert told(said, TargetPosition)[-1].units == units / 2


def test_an_old_calibration_stops_entries_and_a_new_one_lets_them_go_on_after_the_dwell(policy, market):
    engine = RiskEngine(policy, market.small_calibration("2026-10-30"), market.held("EURUSD"))
    now = market.moment("2026-11-04T23:59")
    state, said = market.run(engine, engine.init(Start(now, 1e6)), [happened.Fixing(now, market.VALUES)])
    assert state.mode == Mode.ACTIVE
    now = market.moment("2026-11-05T00:00:01")
    state, said = engine.step(state, happened.Fixing(now, market.VALUES, closes_day=False))
    assert told(said, RaiseAlert)[0].reason is Reason.CALIBRATION_STALE
    assert state.mode == Mode.REDUCING
    fresh = market.small_calibration("2026-11-04")
    state, _ = engine.step(state, happened.CalibrationAdopted(now + SECOND, fresh))
    assert state.mode == Mode.REDUCING
    state, _ = engine.step(state, happened.Fixing(now + 16 * 60 * SECOND, market.VALUES, closes_day=False))
    assert state.mode == Mode.ACTIVE


def test_a_calibration_without_the_tail_it_needs_is_refused(policy, market):
    tails = {"0.95": {"quantile": 1.6, "expected_shortfall": 2.1}}
    with pytest.raises(ModelError, match=r"no residual tail at 0\.975, it has 0\.95"):
        RiskEngine(policy, market.small_calibration(residual_quantiles=tails), [])


def test_a_policy_with_rungs_out_of_order_is_refused_with_the_key(policy):
    table = policy.model_dump()
    table["ladders"]["drawdown"]["rung_2"]["trigger"] = 0.2
    with pytest.raises(ConfigError, match=r"ladders\.drawdown\.rung_3\.trigger"):
        Policy.from_mapping(table)


def test_strategies_that_cannot_be_run_are_refused(policy, calibration):
    with pytest.raises(ConfigError, match="at most 16 strategies, got 17"):
        RiskEngine(policy, calibration, [Strategy(f"s{k}", "EURUSD") for k in range(17)])
    with pytest.raises(ConfigError, match="two strategies have the name 'a'"):
        RiskEngine(policy, calibration, [Strategy("a", "EURUSD"), Strategy("a", "GBPUSD")])
    with pytest.raises(ConfigError, match="unknown pair 'EURXXX'"):
        Strategy("a", "EURXXX")


@pytest.mark.parametrize("equity", [0.0, -1.0, math.nan])
def test_an_equity_that_is_none_is_refused(equity, policy, calibration):
    with pytest.raises(ConfigError, match="equity at the start must be a positive amount"):
        RiskEngine(policy, calibration, []).init(Start(0, equity))


def test_a_what_if_is_an_event_and_changes_what_follows(book, policy, market):
    engine, state = book({"EURUSD": 100_000.0})
    table = policy.model_dump()
    table["market_conditions"]["normal"]["exposure_cap"] = 0.9
    tighter = Policy.from_mapping(table)
    after, said = engine.step(state, happened.PolicyChanged(market.MONDAY_NOON + SECOND, tighter))
    assert [one.units for one in told(said, TargetPosition)] == [90_000]
    assert {one.policy for one in said} == {tighter.hash[:12]}
    assert state.target[0] == 100_000
    assert after.settings.policy is tighter


def test_a_strategy_that_loses_more_than_its_history_is_locked_alone_until_two_people_enable_it(
    policy, calibration, market
):
    record = StrategyRecord(0.02, 0.9, 0.9, 0.9)
    strategies = [
        Strategy("loser", "EURUSD", Tier.CORE, 0.1, record=record),
        Strategy("other", "GBPUSD", Tier.GROWTH, 0.1, record=record),
    ]
    engine, now = RiskEngine(policy, calibration, strategies), market.MONDAY_NOON
    events = [
        happened.Fixing(now, market.VALUES, closes_day=False),
        happened.PositionHeld(now, "loser", 100_000.0, 1.1),
        happened.PositionHeld(now, "other", 10_000.0, 1.3),
        happened.Fixing(now + SECOND, market.moved({"EUR": -0.0025, "GBP": -0.0001}), closes_day=False),
        happened.Fixing(now + 3600 * SECOND, market.moved({"EUR": -0.0235, "GBP": -0.0001})),
    ]
    state, said = market.run(engine, engine.init(Start(now, 1e6)), events)
    locked = told(said, ScopeLocked)
    assert [(one.scope, one.reason) for one in locked] == [("loser", Reason.TIER_DRAWDOWN)]
    assert locked[0].limit == pytest.approx(1.2 * 0.02)
    assert state.target[0] == 0
    assert state.target[1] > 0
    earlier, said = engine.step(state, happened.OperatorEnable(now + 3601 * SECOND, "one", "loser"))
    assert earlier.locked[0] == 0, "as journals have it from before this took two people"
    state, said = engine.step(state, happened.OperatorEnable(now + 3601 * SECOND, "one", "loser", "two"))
    assert [one.scope for one in told(said, ScopeEnabled)] == ["loser"]
    assert state.locked[0] == 0


def test_a_snapshot_shows_parts_that_add_up(book, market):
    engine, state = book({"EURUSD": 100_000.0, "EURGBP": 50_000.0})
    state, said = engine.step(state, happened.Fixing(market.MONDAY_NOON + DAY, market.moved({"EUR": -0.004})))
    state, said = engine.step(state, happened.Heartbeat(market.MONDAY_NOON + DAY + SECOND))
    shown = told(said, RiskSnapshot)[0]
    assert sum(part for _, part in shown.profit) == pytest.approx(shown.equity - 1e6)
    assert sum(part for _, part in shown.profit_by_pair) == pytest.approx(shown.equity - 1e6)
    assert sum(part for _, part in shown.component_value_at_risk) == pytest.approx(shown.value_at_risk_95)
    assert shown.drawdown == pytest.approx(1 - shown.equity / shown.peak)
    assert all(lost > 0 for _, lost in shown.strategy_drawdown)
