"""What must hold whatever happens: severity, positions while stopped, bad numbers, bad ticks, scale, order, retries."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as draw

from workbench.domain.currencies import LEGS, PAIRS
from workbench.domain.trading import events as happened
from workbench.domain.trading.decisions import CautionChanged, EntryRefused, ModeChanged, RaiseAlert, TargetPosition
from workbench.domain.trading.modes import Ladder, Mode
from workbench.domain.trading.strategies import Strategy
from workbench.engine.risk_engine import RiskEngine, Start

SOME = settings(
    max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
SECOND, MINUTE, DAY = 10**9, 60 * 10**9, 86_400 * 10**9
BAD = (math.nan, math.inf, -math.inf, 0.0, -1.0)


def filled(engine, state, said, market, values):
    """Fill every new target at once, at the price without a spread; all decisions on the way."""
    everything = list(said)
    for decision in [one for one in said if isinstance(one, TargetPosition)]:
        units = decision.units - float(state.units[engine.settings.slots[decision.strategy]])
        if units:
            fill = happened.Fill(
                int(state.time_ns), decision.strategy, decision.intent, units, market.price(decision.pair, values)
            )
            state, more = engine.step(state, fill)
            state, rest = filled(engine, state, more, market, values)
            everything += rest
    return state, everything


daily_moves = draw.lists(draw.lists(draw.floats(-0.04, 0.04), min_size=7, max_size=7), min_size=5, max_size=25)


@SOME
@given(moves=daily_moves, gap=draw.sampled_from([MINUTE, 10 * MINUTE, DAY]))
def test_severity_never_falls_without_dwell_or_people(moves, gap, book, market, policy):
    engine, state = book({"EURUSD": 900_000.0, "AUDJPY": 700_000.0, "USDCHF": -500_000.0}, 1e6)
    values, now = dict(market.VALUES), market.MONDAY_NOON
    dwell = int(policy.ladders.rules.dwell_market_minutes * MINUTE)
    for move in moves:
        now += gap
        values = market.moved(dict(zip(LEGS, move, strict=True)), values)
        before = state
        state, _ = engine.step(state, happened.Fixing(now, values, closes_day=gap == DAY))
        gone = (np.asarray(before.tripped) == 1) & (np.asarray(state.tripped) == 0)
        calm = np.asarray(before.calm_since)
        latched = engine.settings.numbers["people"][0] > 0
        assert not (gone & latched).any()
        assert (int(state.market_ns) - calm[gone] >= dwell).all()
        assert (calm[gone] > 0).all()
        if state.mode < before.mode:
            assert gone.any()
            assert before.mode != Mode.HALTED


@SOME
@given(moves=daily_moves, data=draw.data())
def test_positions_never_grow_or_turn_while_stopped(moves, data, policy, calibration, market):
    strategies = market.ten_strategies()
    engine = RiskEngine(policy, calibration, strategies)
    state = engine.init(Start(market.MONDAY_NOON, 1e6))
    values, now = dict(market.VALUES), market.MONDAY_NOON
    state, _ = engine.step(state, happened.Fixing(now, values))
    for move in moves:
        now += DAY
        values = market.moved(dict(zip(LEGS, move, strict=True)), values)
        events = [happened.Fixing(now, values)]
        events += [
            happened.BarClosed(now + SECOND, one.name, data.draw(draw.sampled_from([-1.0, 0.0, 1.0])))
            for one in strategies
        ]
        for event in events:
            before = state
            state, said = engine.step(state, event)
            if state.mode != Mode.ACTIVE or state.caution:
                _never_larger(before, state)
            for decision in said:
                if isinstance(decision, TargetPosition) and state.mode != Mode.ACTIVE:
                    held = float(before.units[engine.settings.slots[decision.strategy]])
                    assert abs(decision.units) <= abs(held)
                    assert decision.units * held >= 0
            state, _ = filled(engine, state, said, market, values)


def _never_larger(before, after):
    for slot in range(10):
        held, target = float(before.units[slot]), float(after.target[slot])
        assert abs(target) <= max(abs(held), abs(float(before.target[slot])))
        assert target * held >= 0


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("field", ["bid", "ask"])
def test_a_bad_quote_moves_nothing_but_its_refusal(bad, field, book, market):
    engine, state = book({"EURUSD": 300_000.0})
    sides = {"bid": 1.09995, "ask": 1.10005} | {field: bad}
    after, said = engine.step(state, happened.Quote(market.MONDAY_NOON + SECOND, "EURUSD", **sides))
    assert [type(one).__name__ for one in said] == ["InputRefused"]
    for name in ("equity", "peak", "value_at_risk", "good", "recent", "target", "mode"):
        np.testing.assert_array_equal(getattr(after, name), getattr(state, name))


@pytest.mark.parametrize("bad", [*BAD, None])
@pytest.mark.parametrize("what", ["signal", "fixing", "fill units", "fill price", "no calibration"])
def test_nothing_missing_or_absurd_ever_makes_exposure_larger(bad, what, policy, calibration, market):
    def exposure(spoil: bool) -> float:
        engine = RiskEngine(
            policy, None if spoil and what == "no calibration" else calibration, market.ten_strategies()
        )
        state = engine.init(Start(market.MONDAY_NOON, 1e6))
        value = bad if bad is not None else math.nan
        state, _ = engine.step(state, happened.Fixing(market.MONDAY_NOON, market.VALUES))
        if spoil and what == "fixing":
            spoiled = market.VALUES | {"EUR": value}
            state, _ = engine.step(state, happened.Fixing(market.MONDAY_NOON + SECOND, spoiled))
        if spoil and what.startswith("fill"):
            units, price = (value, 1.1) if what == "fill units" else (1000.0, value)
            state, _ = engine.step(state, happened.Fill(market.MONDAY_NOON + SECOND, "s0", 1, units, price))
        for place in range(10):
            signal = value if spoil and what == "signal" and place == 0 else 1.0
            if math.isinf(signal) or signal <= 0:
                signal = math.nan
            event = happened.BarClosed(market.MONDAY_NOON + 2 * SECOND, f"s{place}", signal)
            state, _ = engine.step(state, event)
        return float(np.abs(state.target).sum())

    assert exposure(spoil=True) <= exposure(spoil=False)
    assert exposure(spoil=False) > 0


@pytest.mark.parametrize("factor", [10.0, 0.5, 1.2])
def test_one_bad_tick_stops_entries_and_moves_nothing_else(factor, book, market):
    engine, state = book({"EURUSD": 100_000.0, "GBPUSD": 50_000.0})
    for second, mid in enumerate((1.1, 1.1001, 1.0999), start=1):
        quote = happened.Quote(market.MONDAY_NOON + second * SECOND, "EURUSD", mid - 5e-5, mid + 5e-5)
        state, _ = engine.step(state, quote)
    peak = float(state.peak)
    now = market.MONDAY_NOON + 4 * SECOND
    state, said = engine.step(state, happened.Quote(now, "EURUSD", 1.1 * factor - 5e-5, 1.1 * factor + 5e-5))
    assert [one.stopped for one in said if isinstance(one, CautionChanged)] == [True]
    assert not [one for one in said if isinstance(one, TargetPosition | ModeChanged)]
    said = []
    for tenth, mid in enumerate((1.1001, 1.1, 1.1002), start=1):
        quote = happened.Quote(now + tenth * SECOND // 10, "EURUSD", mid - 5e-5, mid + 5e-5)
        state, more = engine.step(state, quote)
        said += more
    assert [one.stopped for one in said if isinstance(one, CautionChanged)] == [False]
    assert not [one for one in said if isinstance(one, TargetPosition | ModeChanged | RaiseAlert)]
    assert state.peak <= peak + 100_000 * 2e-4
    assert list(state.target[:2]) == [100_000, 50_000]


def test_a_fall_that_is_confirmed_by_the_next_reading_acts(book, market):
    engine, state = book({"EURUSD": 100_000.0})
    now = market.MONDAY_NOON + SECOND
    state, first = engine.step(state, happened.Quote(now, "EURUSD", 0.9, 0.9001))
    state, second = engine.step(state, happened.Quote(now + SECOND // 10, "EURUSD", 0.9, 0.9001))
    assert not [one for one in first if isinstance(one, TargetPosition)]
    assert [one.units for one in second if isinstance(one, TargetPosition)][-1] < 100_000
    assert state.mode == Mode.REDUCING


def test_a_fall_that_nobody_contradicts_acts_after_the_deadline(book, market):
    engine, state = book({"EURUSD": 100_000.0})
    now = market.MONDAY_NOON + SECOND
    state, _ = engine.step(state, happened.Quote(now, "EURUSD", 0.9, 0.9001))
    state, early = engine.step(state, happened.Heartbeat(now + 2 * SECOND - 1))
    assert state.mode == Mode.ACTIVE
    assert not [one for one in early if isinstance(one, TargetPosition)]
    state, _ = engine.step(state, happened.Heartbeat(now + 2 * SECOND))
    assert state.mode == Mode.REDUCING


def test_falling_marks_without_orders_trip_every_drawdown_rung(book, market):
    engine, state = book({"EURUSD": 600_000.0})
    tripped = []
    for day in range(1, 60):
        values = market.moved({"EUR": -0.005 * day})
        state, said = engine.step(state, happened.Fixing(market.MONDAY_NOON + day * DAY, values))
        tripped += [one.rung for one in said if isinstance(one, RaiseAlert) and one.ladder is Ladder.DRAWDOWN]
    assert tripped == [1, 2, 3, 4]
    assert state.units[0] == 600_000
    assert state.target[0] <= 300_000


@SOME
@given(scale=draw.sampled_from([2.0, 10.0, 0.5]), side=draw.sampled_from([1.0, -1.0]))
def test_scaling_the_account_scales_the_units(scale, side, policy, calibration, market):
    def targets(equity: float) -> np.ndarray:
        engine = RiskEngine(policy, calibration, market.ten_strategies())
        state = engine.init(Start(market.MONDAY_NOON, equity))
        events = [happened.Fixing(market.MONDAY_NOON, market.VALUES)]
        events += [happened.BarClosed(market.MONDAY_NOON + SECOND, f"s{k}", side) for k in range(10)]
        state, _ = market.run(engine, state, events)
        return np.asarray(state.target)

    np.testing.assert_allclose(targets(scale * 1e6), scale * targets(1e6), atol=1 + scale)


def test_permuting_strategies_permutes_the_results(policy, calibration, market):
    order = np.random.default_rng(4).permutation(10)
    strategies = market.ten_strategies()
    values = market.moved({"EUR": -0.03, "JPY": -0.02, "AUD": -0.04})

    def result(some: list[Strategy]) -> dict[str, tuple[float, float]]:
        engine = RiskEngine(policy, calibration, some)
        state = engine.init(Start(market.MONDAY_NOON, 1e6))
        events: list[happened.AnyEvent] = [happened.Fixing(market.MONDAY_NOON, market.VALUES)]
        sizes = {one.name: 20_000.0 * (1 + int(one.name[1:])) for one in some}
        events += [
            happened.PositionHeld(market.MONDAY_NOON, one.name, sizes[one.name], market.price(one.pair)) for one in some
        ]
        events.append(happened.Fixing(market.MONDAY_NOON + DAY, values))
        state, _ = market.run(engine, state, events)
        return {
            one.name: (float(state.target[slot]), round(float(state.component[slot]), 15))
            for slot, one in enumerate(some)
        }

    assert result(strategies) == result([strategies[k] for k in order])


def test_a_retry_of_a_reduction_does_not_reduce_twice(book, market):
    engine, state = book({"EURUSD": 900_000.0})
    values = market.moved({"EUR": -0.2})
    state, said = engine.step(state, happened.Fixing(market.MONDAY_NOON + DAY, values))
    orders = [one for one in said if isinstance(one, TargetPosition)]
    target = orders[-1].units
    now = market.MONDAY_NOON + DAY
    # half of it is filled, the rest is rejected, the same prices come again and again
    half = (target - 900_000) / 2
    state, _ = engine.step(state, happened.Fill(now + SECOND, "EURUSD", orders[-1].intent, half, 0.88))
    state, _ = engine.step(state, happened.OrderRejected(now + SECOND, "EURUSD", orders[-1].intent))
    for minute in range(1, 40):
        state, said = engine.step(state, happened.Fixing(now + minute * MINUTE, values, closes_day=False))
        assert not [one for one in said if isinstance(one, TargetPosition)]
    assert state.target[0] == target


def test_caps_are_never_multiplied(book, market):
    # drawdown, volatility, VaR and the market condition all cap at once: the smallest cap holds, not the product
    engine, state = book({"EURUSD": 400_000.0})
    values = market.moved({"EUR": -0.14})
    state, _ = engine.step(state, happened.Fixing(market.MONDAY_NOON + DAY, values))
    capped = [
        float(cap)
        for cap, on in zip(engine.settings.numbers["cap"][0].ravel(), np.ravel(state.tripped), strict=True)
        if on
    ]
    condition = float(engine.settings.numbers["condition_cap"][0][int(state.condition)])
    assert len([cap for cap in capped if cap < 1]) >= 3
    assert state.cap == min(*capped, condition)


def test_nothing_enters_while_a_pair_has_an_order_of_unknown_outcome(policy, calibration, market):
    engine = RiskEngine(policy, calibration, market.ten_strategies())
    state = engine.init(Start(market.MONDAY_NOON, 1e6))
    events: list[happened.AnyEvent] = [
        happened.Fixing(market.MONDAY_NOON, market.VALUES),
        happened.OrderUnknown(market.MONDAY_NOON, "s0", 1),
        happened.BarClosed(market.MONDAY_NOON, "s0", 1.0),
    ]
    state, said = market.run(engine, state, events)
    assert [one.reason.name for one in said if isinstance(one, EntryRefused)] == ["PAIR_BLOCKED"]
    state, said = market.run(
        engine, state, [happened.Reconciled(market.MONDAY_NOON), happened.BarClosed(market.MONDAY_NOON, "s0", 1.0)]
    )
    assert [one.pair for one in said if isinstance(one, TargetPosition)] == [PAIRS[0]]
