"""The script player is the plain player bit for bit; switches switch off what they say, and nothing else."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from workbench.domain.currencies import PAIRS, Pair
from workbench.domain.errors import ConfigError, DataError
from workbench.domain.trading.decisions import RiskSnapshot, TargetPosition
from workbench.domain.trading.events import Fixing, Heartbeat, OperatorResume, PolicyChanged, PositionHeld
from workbench.engine import script as module
from workbench.engine.player import play
from workbench.engine.risk_engine import RiskEngine, Start
from workbench.engine.script import play_script, write_script
from workbench.engine.settings import ALL, CONTROLS, FACTORS, build_settings, renewed, switched_off
from workbench.runtime.crises.staging import DAYS_AFTER, DAYS_BEFORE, History, _events
from workbench.runtime.replay.market import MarkPlan, find_gaps, find_scenario, marks_between
from workbench.runtime.replay.scenario import held_strategies, reference_book

SECOND = 10**9
FIELDS = {
    "drawdown ladder": {"trigger"},
    "volatility ladder": {"trigger"},
    "value at risk ladder": {"trigger"},
    "correlation ladder": {"trigger"},
    "technical ladder": {"trigger"},
    "market conditions": {"condition_cap", "condition_ratio", "condition_score", "active"},
    "locks": {"drawdown_limit", "tier_limit", "repeated_stops"},
    "volatility factor": {"volatility_full"},
    "correlation factor": {"correlation_at_one"},
    "regime factor": {"regime_factor"},
    "stress factor": {"stress_factors"},
}


@pytest.fixture(scope="module")
def recorded(ecb, policy):
    """Calibration, strategies, start and typed events of a recorded scenario, reviews by people among them."""

    def of(name, *gaps, volatility=0.3):
        scenario, plan = find_scenario(policy, name), MarkPlan(gaps=find_gaps(policy, gaps))
        first = np.datetime64(scenario.start) - DAYS_BEFORE
        last = np.datetime64(scenario.end) + DAYS_AFTER
        marks = marks_between(ecb, first.item(), last.item(), plan)
        eve = ecb.up_to(ecb.dates[ecb.dates.searchsorted(first)])
        book = reference_book(eve, policy, equity=1e6, volatility=volatility)
        history = History(ecb, policy, book)
        row = len(eve) - 1
        events = list(_events(history, book, [(one.event, one.synthetic) for one in marks]))
        start = Start(marks[0].event.time_ns, book.equity)
        return history.calibration(row, book), held_strategies(book), start, events

    return of


@pytest.fixture(scope="module")
def brexit(recorded):
    return recorded("brexit-2016")


def read(run):
    return [one for one in run.decisions if not isinstance(one, RiskSnapshot)]


def words(decisions):
    """All of them, the calibration they were made under included. Not a number equals itself."""
    return [repr(one) for one in decisions]


def assert_same(run, played):
    for name in ("path", "units", "profits"):
        mine, plain = getattr(run, name), getattr(played, name)
        assert list(mine.columns) == list(plain.columns) and mine.index.equals(plain.index), name
        for column in mine:
            if mine[column].dtype == float:
                assert mine[column].to_numpy().tobytes() == plain[column].to_numpy().astype(float).tobytes(), column
            else:
                assert mine[column].tolist() == plain[column].tolist(), column
    assert words(read(run)) == words(played.decisions)


@pytest.mark.parametrize("controls", [True, False])
@pytest.mark.parametrize("name", [("brexit-2016",), ("swiss-2015",), ("swiss-2015", "Franc gap")])
def test_a_script_is_the_plain_player_bit_for_bit(recorded, policy, name, controls):
    calibration, strategies, start, events = recorded(*name)
    assert any(isinstance(event, OperatorResume) for event, _ in events)
    script = write_script(policy, calibration, strategies, start, events)
    played = play(RiskEngine(policy, calibration, strategies, controls=controls), start, events)
    run = play_script(script, without=() if controls else (ALL,))
    assert_same(run, played)
    assert run.largest_drawdown == played.largest_drawdown
    assert bool(run.rungs) == controls and len(script.settings) > 20


def test_slower_fills_are_the_plain_player_too(brexit, policy):
    calibration, strategies, start, events = brexit
    played = play(RiskEngine(policy, calibration, strategies), start, events, fill_after_ns=SECOND // 4)
    run = play_script(write_script(policy, calibration, strategies, start, events), fill_after_ns=SECOND // 4)
    assert_same(run, played)


@pytest.fixture(scope="module")
def random_market(market):
    """The script of random events, loaded as a module: it imports the small market by its plain name."""
    spec = importlib.util.spec_from_file_location("random_market", Path(__file__).with_name("random_market.py"))
    loaded = importlib.util.module_from_spec(spec)
    before = sys.modules.get("conftest")
    sys.modules["conftest"] = market
    try:
        spec.loader.exec_module(loaded)
    finally:
        del sys.modules["conftest"]
        if before is not None:
            sys.modules["conftest"] = before
    return loaded


@pytest.mark.parametrize("controls", [True, False])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_script_of_a_random_market_is_the_plain_player(random_market, market, policy, calibration, seed, controls):
    strategies = [*market.ten_strategies(), *market.held("EURUSD", "GBPJPY")]
    drawn = random_market.random_events(3_000, seed, [one.name for one in strategies])
    kept = [one for one in drawn if one is not None]
    # room for the fills between two events
    events = [(replace(one, time_ns=one.time_ns + place * SECOND), False) for place, one in enumerate(kept)]
    start = Start(market.MONDAY_NOON, 1e6)
    played = play(RiskEngine(policy, calibration, strategies, controls=controls), start, events)
    run = play_script(write_script(policy, calibration, strategies, start, events), without=() if controls else (ALL,))
    assert_same(run, played)
    assert len(run.log) > 300 and any(isinstance(one, TargetPosition) for one in read(run))


def test_a_log_that_is_too_short_grows_and_changes_nothing(brexit, policy, monkeypatch):
    script = write_script(policy, *brexit)
    whole = play_script(script)
    monkeypatch.setattr(module, "ROOM", 2)
    assert len(whole.log) > 2
    again = play_script(script)
    assert again.log.tobytes() == whole.log.tobytes() and again.path.equals(whole.path)


def test_playing_changes_no_script(brexit, policy):
    script = write_script(policy, *brexit)
    before = script.events.tobytes(), [one.numbers.tobytes() for one in script.settings]
    play_script(script, without=(ALL, *FACTORS))
    assert (script.events.tobytes(), [one.numbers.tobytes() for one in script.settings]) == before


def test_events_out_of_order_and_a_new_policy_are_refused(market, policy, calibration):
    start, now = Start(market.MONDAY_NOON, 1e6), market.MONDAY_NOON
    events = [(Fixing(now + SECOND, market.VALUES), False), (Heartbeat(now), False)]
    with pytest.raises(DataError, match="not in order of time"):
        play_script(write_script(policy, calibration, [], start, events))
    with pytest.raises(DataError, match="cannot change on the way"):
        write_script(policy, calibration, [], start, [(PolicyChanged(now, policy), False)])


@pytest.mark.parametrize("controls", [True, False])
def test_settings_renewed_are_settings_built(brexit, market, policy, calibration, controls):
    other, strategies, *_ = brexit
    team = [*market.ten_strategies(), *market.held("EURUSD")]
    for names in (strategies, team):
        first = build_settings(policy, calibration, names, controls=controls)
        for changed in (other, market.small_calibration(correlation=0.7, as_of="2026-10-29")):
            found, built = renewed(first, changed), build_settings(policy, changed, names, controls=controls)
            assert found.numbers.tobytes() == built.numbers.tobytes()
            assert (found.calibration, found.controls) == (changed, controls)
    bare = build_settings(policy, None, team, controls=controls)
    assert (
        renewed(bare, other).numbers.tobytes()
        == build_settings(policy, other, team, controls=controls).numbers.tobytes()
    )


def changed_fields(before, after):
    return {name for name in before.dtype.names if before[name].tobytes() != after[name].tobytes()}


def test_every_control_and_factor_changes_its_own_numbers_only(market, policy, calibration):
    numbers = build_settings(policy, calibration, [*market.ten_strategies(), *market.held("EURUSD")]).numbers
    kept = numbers.tobytes()
    for name in [*CONTROLS, *FACTORS]:
        assert changed_fields(numbers, switched_off(numbers, (name,))) == FIELDS[name], name
    assert numbers.tobytes() == kept
    for place, name in enumerate(list(CONTROLS)[:5]):
        trigger = switched_off(numbers, (name,))["trigger"][0]
        assert np.isinf(trigger[place]).all()
        others = np.delete(np.arange(len(trigger)), place)
        assert trigger[others].tobytes() == numbers["trigger"][0][others].tobytes()
    assert switched_off(numbers, ()).tobytes() == kept


def test_all_controls_together_are_no_controls(market, policy, calibration):
    team = [*market.ten_strategies(), *market.held("EURUSD")]
    numbers = build_settings(policy, calibration, team).numbers
    free = build_settings(policy, calibration, team, controls=False).numbers.tobytes()
    assert switched_off(numbers, tuple(CONTROLS)).tobytes() == switched_off(numbers, (ALL,)).tobytes() == free
    both = switched_off(numbers, (ALL, "stress factor"))
    assert both.tobytes() == switched_off(numbers, (*CONTROLS, "stress factor")).tobytes() != free


def test_an_unknown_control_is_refused_by_name(brexit, policy):
    script = write_script(policy, *brexit)
    for names in (("seat belt",), (ALL, "seat belt")):
        with pytest.raises(ConfigError, match="unknown control 'seat belt': expected one of drawdown ladder"):
            play_script(script, without=names)


def test_a_script_is_sized_in_whole_units(brexit, policy):
    script = write_script(policy, *brexit)
    assert {name: 2 * units for name, units in script.held.items()} == script.sized(2.0).held
    third = script.sized(1 / 3).held
    assert all(third[name] == round(units / 3) for name, units in script.held.items())
    assert set(script.sized(0.0).held.values()) == {0.0}
    flat = play_script(script.sized(0.0)).path
    assert (flat["equity"] == script.start.equity).all() and (flat["gross"] == 0.0).all()
    for bad in (float("nan"), float("inf"), -1.0):
        with pytest.raises(DataError, match="at least 0"):
            script.sized(bad)


UNITS = 200_000.0


def one_cut(market, policy, calibration):
    """A book in EURUSD that a fall of 10 % makes the engine cut; it stands when it is put on."""
    now, held = market.MONDAY_NOON, market.held("EURUSD")
    events = [
        (Fixing(now, market.VALUES, closes_day=False), True),
        (PositionHeld(now, "EURUSD", UNITS, 1.1), True),
        (Heartbeat(now), True),
        (Fixing(now + 600 * SECOND, market.moved({"EUR": -0.1}), closes_day=False), True),
        (Fixing(now + 1_200 * SECOND, market.moved({"EUR": -0.1}), closes_day=False), True),
    ]
    script = write_script(policy, calibration, held, Start(now, 1e6), events)
    run = play_script(script)
    assert float(run.units["EURUSD"].iloc[0]) == UNITS and sold(run) > UNITS / 10
    return script, run


def sold(run):
    return UNITS - float(run.units["EURUSD"].iloc[-1])


def test_fills_cost_so_many_times_the_half_spread(market, policy, calibration):
    script, plain = one_cut(market, policy, calibration)
    half = policy.costs.of("EURUSD").half_spread_pips * Pair.parse("EURUSD").pip
    fair, dear = (
        play_script(replace(script, broker=replace(script.broker, spread_times=np.full(len(script.events), times))))
        for times in (0.0, 10.0)
    )
    assert sold(fair) == sold(plain) == sold(dear)
    cost, ten = (float(fair.path["equity"].iloc[-1] - one.path["equity"].iloc[-1]) for one in (plain, dear))
    assert cost == pytest.approx(half * sold(plain), rel=1e-6)
    assert ten == pytest.approx(10.0 * cost, rel=1e-6)


def test_where_the_market_is_hidden_fills_are_made_at_the_hidden_price(market, policy, calibration):
    script, plain = one_cut(market, policy, calibration)
    prices = script.broker.prices.copy()
    prices[3:, PAIRS.index("EURUSD")] = 0.9
    hidden = play_script(replace(script, broker=replace(script.broker, prices=prices)))
    assert sold(hidden) > UNITS / 10
    half = policy.costs.of("EURUSD").half_spread_pips * Pair.parse("EURUSD").pip
    for run, price in ((hidden, 0.9), (plain, 0.99)):
        expected = sold(run) * (price - half - 1.1) + (UNITS - sold(run)) * (0.99 - 1.1)
        assert float(run.profits["EURUSD"].iloc[-1]) == pytest.approx(expected, abs=0.01)
        assert float(run.path["equity"].iloc[-1]) == pytest.approx(1e6 + expected, abs=0.01)


def test_one_row_a_moment_and_the_synthetic_marks_are_kept(market, policy, calibration):
    _, run = one_cut(market, policy, calibration)
    assert len(run.path) == 3 and run.path.index.is_unique and run.path["synthetic"].all()
    assert run.path.index.equals(run.units.index) and list(run.profits) == ["EURUSD"]
