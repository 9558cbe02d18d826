"""The technical ladder in the live loop: no broker, no prices, week-ends, prices that are stale or missing."""

import pytest

from workbench.domain.trading import events as happened
from workbench.domain.trading.decisions import ModeChanged, RaiseAlert, TargetPosition
from workbench.domain.trading.modes import Ladder, Mode
from workbench.domain.trading.reasons import Reason
from workbench.engine.risk_engine import RiskEngine, Start

SECOND, MINUTE, HOUR = 10**9, 60 * 10**9, 3_600 * 10**9


def told(said, *kinds):
    return [one for one in said if isinstance(one, kinds)]


def quote(now, feed=0):
    return happened.Quote(now, "EURUSD", 1.0999, 1.1001, feed=feed)


def test_the_last_rung_flattens_every_position_and_waits_for_two_people(policy):
    rung = policy.ladders.technical.rung_3
    assert (rung.trigger_seconds, rung.mode, rung.close_fraction, rung.cap) == (120, "HALTED", 1.0, 0.0)
    assert (rung.close_order, rung.people_to_resume) == ("every_position_alike", 2)


def test_a_broker_gone_for_two_minutes_flattens_though_prices_go_on(book, market):
    engine, state = book({"EURUSD": 50_000.0, "GBPJPY": -20_000.0})
    now, seen = market.MONDAY_NOON, []
    state, _ = engine.step(state, happened.BrokerStatus(now, connected=False))
    for second in range(1, 130):
        # said again and again: the time counts from the first
        lost = happened.BrokerStatus(now + second * SECOND, connected=False)
        state, said = market.run(engine, state, [quote(now + second * SECOND), lost])
        seen += [(second, one.rung) for one in told(said, RaiseAlert)]
        seen += [(second, one.strategy, one.units) for one in told(said, TargetPosition)]
        seen += [(second, one.after) for one in told(said, ModeChanged)]
    assert seen == [(121, 3), (121, "EURUSD", 0.0), (121, "GBPJPY", 0.0), (121, Mode.HALTED)]


def test_a_broker_that_comes_back_in_time_trips_nothing(book, market):
    engine, state = book({"EURUSD": 50_000.0})
    now = market.MONDAY_NOON
    for second in range(1, 400):
        status = happened.BrokerStatus(now + second * SECOND, connected=second % 110 == 0)
        state, said = market.run(engine, state, [quote(now + second * SECOND), status])
        assert not told(said, RaiseAlert, ModeChanged, TargetPosition)


def test_time_without_a_broker_stands_still_over_a_week_end(book, market):
    engine, state = book({"EURUSD": 50_000.0})
    friday, sunday = market.moment("2026-11-06T21:59:00"), market.moment("2026-11-08T22:00:00")
    state, _ = market.run(engine, state, [quote(friday), happened.BrokerStatus(friday, connected=False)])
    for hour in range(1, 48):
        state, said = engine.step(state, happened.Heartbeat(friday + hour * HOUR))
        assert not [one for one in told(said, RaiseAlert) if one.rung == 3]
    halted = []
    for second in range(130):
        state, said = market.run(engine, state, [quote(sunday + second * SECOND)])
        halted += [second for one in told(said, ModeChanged) if one.after is Mode.HALTED]
    # sixty seconds on Friday evening, sixty-one on Sunday
    assert halted == [61]


def test_stale_prices_do_not_keep_positions_from_being_closed(book, market):
    engine, state = book({"EURUSD": 50_000.0, "GBPJPY": -20_000.0})
    state, said = engine.step(state, happened.Heartbeat(market.MONDAY_NOON + 121 * SECOND))
    assert {one.strategy: one.units for one in told(said, TargetPosition)} == {"EURUSD": 0.0, "GBPJPY": 0.0}
    assert [(one.ladder, one.rung) for one in told(said, RaiseAlert)] == [(Ladder.TECHNICAL, k) for k in (1, 2, 3)]


def test_positions_are_closed_though_most_prices_were_never_there(policy, calibration, market):
    # only the pair that is held has ever had a price: risk cannot be computed
    engine = RiskEngine(policy, calibration, market.held("EURUSD"))
    now = market.MONDAY_NOON
    events = [happened.PositionHeld(now, "EURUSD", 50_000.0, 1.1), quote(now), happened.Heartbeat(now)]
    state, said = market.run(engine, engine.init(Start(now, 1e6)), events)
    assert Reason.RISK_NOT_COMPUTABLE in [one.reason for one in told(said, RaiseAlert)]
    state, said = engine.step(state, happened.Heartbeat(now + 121 * SECOND))
    assert [one.units for one in told(said, TargetPosition)] == [0.0]
    assert state.mode == Mode.HALTED


def test_an_entry_still_waiting_is_given_up_too(policy, calibration, market):
    engine = RiskEngine(policy, calibration, market.ten_strategies())
    now = market.MONDAY_NOON
    events = [happened.Fixing(now, market.VALUES), happened.BarClosed(now, "s0", 1.0)]
    state, _ = market.run(engine, engine.init(Start(now, 1e6)), events)
    assert state.target[0] > 0
    state, _ = engine.step(state, happened.Heartbeat(now + 121 * SECOND))
    assert state.target[0] == 0


@pytest.mark.parametrize("back", [True, False])
def test_two_people_resume_only_with_a_broker(back, book, market):
    engine, state = book({"EURUSD": 50_000.0})
    now = market.MONDAY_NOON
    state, _ = engine.step(state, happened.BrokerStatus(now, connected=False))
    for second in range(1, 130):
        state, _ = engine.step(state, quote(now + second * SECOND))
    assert state.mode == Mode.HALTED
    now += 130 * SECOND
    if back:
        state, _ = engine.step(state, happened.BrokerStatus(now, connected=True))
    state, _ = engine.step(state, happened.OperatorResume(now, "one", "two"))
    assert (state.mode == Mode.ACTIVE) == back
