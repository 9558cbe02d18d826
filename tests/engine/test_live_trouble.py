"""What the live loop tells the engine: a book that does not agree with the broker's, an entry that is never filled."""

import math
from typing import get_args

import pytest

from workbench.domain.errors import DataError
from workbench.domain.trading import events as happened
from workbench.domain.trading.decisions import (
    CancelAll,
    EntryRefused,
    ModeChanged,
    RaiseAlert,
    ScopeEnabled,
    ScopeLocked,
    TargetPosition,
)
from workbench.domain.trading.modes import Mode, Tier
from workbench.domain.trading.reasons import SENTENCES, Reason
from workbench.domain.trading.strategies import Strategy, StrategyRecord
from workbench.engine.kernel.layout import DecisionKind
from workbench.engine.risk_engine import RiskEngine, Start
from workbench.engine.translation import READERS, WRITERS
from workbench.response.people.authority import Reduction, still_left
from workbench.response.people.persons import Level

SECOND, MINUTE, DAY = 10**9, 60 * 10**9, 86_400 * 10**9
RECORD = StrategyRecord(drawdown=0.10, stress_survival=0.9, walk_forward=0.9, robustness=0.8)


def told(said, *kinds):
    return [one for one in said if isinstance(one, kinds)]


@pytest.fixture
def trader(policy, calibration, market):
    """An engine with one strategy that has just asked for its first position; nothing is filled."""
    engine = RiskEngine(policy, calibration, [Strategy("s0", "EURUSD", Tier.CORE, 0.1, record=RECORD)])
    events = [happened.Fixing(market.MONDAY_NOON, market.VALUES), happened.BarClosed(market.MONDAY_NOON, "s0", 1.0)]
    state, said = market.run(engine, engine.init(Start(market.MONDAY_NOON, 1e6)), events)
    return engine, state, told(said, TargetPosition)[0]


def fill(now, order, units):
    return happened.Fill(now, order.strategy, order.intent, units, 1.1)


def test_every_event_is_translated_and_every_reason_has_its_sentence():
    assert set(WRITERS) == set(get_args(happened.AnyEvent))
    assert set(READERS) == set(DecisionKind)
    assert set(SENTENCES) == set(Reason)


def test_a_book_that_differs_stops_entries_until_it_is_reconciled(book, market):
    engine, state = book({"EURUSD": 50_000.0})
    now = market.MONDAY_NOON + SECOND
    state, said = engine.step(state, happened.BookMismatch(now, "EURUSD", 50_000.0, 40_000.0))
    first = told(said, RaiseAlert)[0]
    assert (first.reason, first.level, first.strategy) == (Reason.BOOK_MISMATCH, 4, "EURUSD")
    assert (first.metric, first.trigger) == (50_000.0, 40_000.0)
    assert told(said, ModeChanged)[0].after is Mode.REDUCING
    assert not told(said, TargetPosition)
    state, _ = engine.step(state, happened.Fixing(now + 20 * MINUTE, market.VALUES, closes_day=False))
    assert state.mode == Mode.REDUCING
    state, _ = engine.step(state, happened.Reconciled(now + 20 * MINUTE))
    for minute in range(20, 36):
        state, said = engine.step(state, happened.Fixing(now + minute * MINUTE, market.VALUES, closes_day=False))
    assert state.mode == Mode.ACTIVE


def test_units_nobody_claims_are_a_mismatch_of_no_strategy(book, market):
    engine, state = book({"EURUSD": 50_000.0})
    _, said = engine.step(state, happened.BookMismatch(market.MONDAY_NOON, "", 0.0, math.nan))
    assert (told(said, RaiseAlert)[0].strategy, told(said, ModeChanged)[0].after) == ("", Mode.REDUCING)


@pytest.mark.parametrize("event", [lambda now: happened.BookMismatch(now, "nobody", 0.0, 1.0),
                                   lambda now: happened.RepeatedIntent(now, "nobody")])  # fmt: skip
def test_a_strategy_nobody_knows_is_an_error(event, book, market):
    engine, state = book({"EURUSD": 50_000.0})
    with pytest.raises(DataError, match="unknown strategy 'nobody'"):
        engine.step(state, event(market.MONDAY_NOON))


def test_an_entry_that_is_never_filled_is_given_up_and_the_strategy_locked(trader, market):
    engine, state, order = trader
    state, said = engine.step(state, happened.RepeatedIntent(market.MONDAY_NOON + SECOND, "s0"))
    assert [(one.scope, one.reason, one.metric, one.limit) for one in told(said, ScopeLocked)] == [
        ("s0", Reason.REPEATED_INTENTS, order.units, 0.0)
    ]
    assert [(one.level, one.strategy) for one in told(said, RaiseAlert)] == [(3, "s0")]
    assert [one.units for one in told(said, TargetPosition)] == [0.0]
    state, said = engine.step(state, happened.BarClosed(market.MONDAY_NOON + 2 * SECOND, "s0", -1.0))
    assert [one.reason for one in told(said, EntryRefused)] == [Reason.STRATEGY_IS_LOCKED]
    state, said = engine.step(state, happened.RepeatedIntent(market.MONDAY_NOON + 2 * SECOND, "s0"))
    assert said == ()
    state, said = engine.step(state, happened.OperatorEnable(market.MONDAY_NOON + 2 * SECOND, "one", "s0", "two"))
    assert told(said, ScopeEnabled)
    state, said = engine.step(state, happened.BarClosed(market.MONDAY_NOON + 2 * SECOND, "s0", -1.0))
    assert [one.reason for one in told(said, TargetPosition)] == [Reason.ENTRY]


def test_what_is_held_is_kept_and_still_left_when_the_signal_goes(trader, market):
    engine, state, order = trader
    now, part = market.MONDAY_NOON + SECOND, 1_000.0
    state, _ = engine.step(state, fill(now, order, part))
    state, said = engine.step(state, happened.RepeatedIntent(now, "s0"))
    assert [one.units for one in told(said, TargetPosition)] == [part]
    for bar in range(1, 12):
        state, said = engine.step(state, happened.BarClosed(now + bar * SECOND, "s0", 1.0))
        assert not told(said, TargetPosition)
    state, said = engine.step(state, happened.BarClosed(now + MINUTE, "s0", 0.0))
    assert [(one.units, one.reason) for one in told(said, TargetPosition)] == [(0.0, Reason.SIGNAL_GONE)]


def test_what_is_held_keeps_its_stop(trader, market):
    engine, state, order = trader
    now, values, seen = market.MONDAY_NOON + SECOND, dict(market.VALUES), []
    state, _ = market.run(engine, state, [fill(now, order, 1_000.0), happened.RepeatedIntent(now, "s0")])
    for day in range(1, 5):
        values = market.moved({"EUR": -0.0055}, values)
        state, said = engine.step(state, happened.Fixing(now + day * DAY, values))
        seen += [(day, one.units, one.reason) for one in told(said, TargetPosition)]
    assert seen == [(4, 0.0, Reason.STOP_REACHED)]


@pytest.mark.parametrize(("others", "reason"), [((), Reason.TIER_DRAWDOWN), ((0.5, 0.5), Reason.STRATEGY_DRAWDOWN)])
def test_a_lock_for_losses_still_sells_what_was_kept(others, reason, policy, calibration, market):
    thin = StrategyRecord(drawdown=0.0001, stress_survival=0.9, walk_forward=0.9, robustness=0.8)
    team = [Strategy("s0", "EURUSD", Tier.CORE, 0.1, record=thin)]
    team += [Strategy(f"s{k}", "GBPUSD", Tier.CORE, share, record=RECORD) for k, share in enumerate(others, start=1)]
    engine, now = RiskEngine(policy, calibration, team), market.MONDAY_NOON
    events = [happened.Fixing(now, market.VALUES), happened.PositionHeld(now, "s0", 20_000.0, 1.1)]
    state, _ = market.run(engine, engine.init(Start(now, 1e6)), [*events, happened.RepeatedIntent(now, "s0")])
    assert state.target[0] == 20_000
    state, said = engine.step(state, happened.Fixing(now + SECOND, market.moved({"EUR": -0.001}), closes_day=False))
    assert reason in [one.reason for one in told(said, ScopeLocked)]
    assert state.locked[0] == reason
    assert state.target[0] == 0


def test_a_turn_still_leaves_the_old_side(trader, market):
    engine, state, order = trader
    now = market.MONDAY_NOON + SECOND
    state, _ = engine.step(state, fill(now, order, order.units))
    for bar in range(1, 12):
        state, said = engine.step(state, happened.BarClosed(now + bar * SECOND, "s0", -1.0))
    assert state.target[0] < 0 < state.units[0]
    state, said = engine.step(state, happened.RepeatedIntent(now + MINUTE, "s0"))
    assert [one.units for one in told(said, TargetPosition)] == [0.0]


@pytest.mark.parametrize("enabled", [False, True])
def test_a_position_a_person_put_on_comes_back_only_once_it_is_enabled(enabled, book, market):
    engine, state = book({"EURUSD": 50_000.0})
    now, values = market.MONDAY_NOON + SECOND, market.moved({"EUR": -0.003})
    state, said = engine.step(state, happened.Fixing(now, values, closes_day=False))
    order = told(said, TargetPosition)[-1]
    assert 0 < order.units < 50_000
    sold = happened.Fill(now, "EURUSD", order.intent, order.units - 50_000, market.price("EURUSD", values))
    state, _ = market.run(engine, state, [sold, happened.RepeatedIntent(now, "EURUSD")])
    grown = []
    for minute in range(1, 400):
        if enabled and minute == 200:
            state, said = engine.step(state, happened.OperatorEnable(now + minute * MINUTE, "one", "EURUSD", "two"))
        state, said = engine.step(state, happened.Fixing(now + minute * MINUTE, values, closes_day=False))
        grown += [(minute, one.reason) for one in told(said, TargetPosition)]
    assert bool(grown) == enabled
    assert all(minute >= 200 + 15 and reason is Reason.RESTORED for minute, reason in grown)


def test_what_a_person_cancels_is_not_bought_and_does_not_come_back_on_the_same_signal(trader, market):
    engine, state, _ = trader
    now = market.MONDAY_NOON + SECOND
    state, said = engine.step(state, happened.OperatorCancel(now, "one"))
    assert [(one.units, one.reason) for one in told(said, TargetPosition)] == [(0.0, Reason.OPERATOR_CANCEL)]
    assert [one.reason for one in told(said, CancelAll)] == [Reason.OPERATOR_CANCEL]
    assert [(one.level, one.reason) for one in told(said, RaiseAlert)] == [(3, Reason.OPERATOR_CANCEL)]
    state, said = engine.step(state, happened.BarClosed(now + SECOND, "s0", 1.0))
    assert told(said, TargetPosition) == [] and state.mode == Mode.ACTIVE
    state, said = engine.step(state, happened.BarClosed(now + 2 * SECOND, "s0", -1.0))
    assert [one.reason for one in told(said, TargetPosition)] == [Reason.ENTRY]


def test_cancelling_keeps_what_was_filled_and_lets_a_reduction_go_on(trader, market):
    engine, state, order = trader
    now = market.MONDAY_NOON + SECOND
    half = order.units / 2
    state, _ = engine.step(state, fill(now, order, half))
    state, said = engine.step(state, happened.OperatorCancel(now, "one"))
    assert [one.units for one in told(said, TargetPosition)] == [half]
    state, said = engine.step(state, happened.OperatorReduce(now, "one", 0.5))
    wanted = told(said, TargetPosition)[0].units
    assert wanted == half // 2
    state, said = engine.step(state, happened.OperatorCancel(now, "one"))
    assert told(said, TargetPosition) == [], "an order that closes goes on"


@pytest.mark.parametrize("units", [80_000.0, -80_000.0])
@pytest.mark.parametrize("filled", [0.0, 0.5, 1.0])
def test_a_half_and_then_a_half_leave_a_quarter_however_much_of_the_first_is_filled(book, market, units, filled):
    engine, state = book({"EURUSD": units})
    now, wanted = market.MONDAY_NOON + SECOND, []
    for second in range(2):
        state, said = engine.step(state, happened.OperatorReduce(now + second * SECOND, "one", 0.5))
        [order] = told(said, TargetPosition)
        wanted.append(order.units)
        if filled and not second:
            part = filled * (order.units - units)
            price = market.price("EURUSD", market.moved({}))
            state, _ = engine.step(state, happened.Fill(now, "EURUSD", order.intent, part, price))
    assert wanted == [units / 2, units / 4]
    # the cap of first responders counts the same
    assert wanted[-1] == units * still_left([Reduction("one", Level.L1, 0.5)] * 2)


def test_a_reduction_takes_its_share_of_what_a_rung_leaves_when_that_is_less_than_what_is_held(book, market):
    engine, state = book({"EURUSD": 50_000.0})
    values = market.moved({"EUR": -0.003})
    state, said = engine.step(state, happened.Fixing(market.MONDAY_NOON + SECOND, values, closes_day=False))
    left = told(said, TargetPosition)[-1].units
    assert 0 < left < 50_000
    state, said = engine.step(state, happened.OperatorReduce(market.MONDAY_NOON + 2 * SECOND, "one", 0.5))
    assert [one.units for one in told(said, TargetPosition)] == [left // 2]
