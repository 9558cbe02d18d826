"""Reverse stress of every ladder: the readings are the engine's, the moves trip their rung, nothing smaller does."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.data.policy_file import read_policy
from workbench.domain.currencies import LEGS
from workbench.domain.errors import DataError, ModelError
from workbench.domain.trading.decisions import RaiseAlert
from workbench.domain.trading.events import Fixing, Heartbeat, PositionHeld
from workbench.domain.trading.modes import Ladder
from workbench.engine.risk_engine import RiskEngine, Start
from workbench.stress.reverse import ReverseShock, ReverseTable, drawdown_shocks, reverse_stress
from workbench.stress.reverse_ladders import Search, readings_after
from workbench.stress.situation import Situation

POLICY = read_policy(None)
BOOK = {"EURUSD": 60_000.0, "AUDJPY": 50_000.0, "USDCAD": -30_000.0}
RUNGS = {"drawdown": 4, "volatility": 3, "value_at_risk": 3, "correlation": 2}
PLACES = [(ladder, place) for ladder, count in RUNGS.items() for place in range(1, count + 1)]


@pytest.fixture(scope="module")
def market():
    path = Path(__file__).parents[2] / "engine" / "conftest.py"
    spec = importlib.util.spec_from_file_location("market_of_the_engine", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def uneven(market):
    """Legs that differ in everything: volatility, memory and correlation, now and normally."""
    generator = np.random.default_rng(7)
    correlations = []
    for _ in range(2):
        factors = generator.normal(size=(7, 7)) + 0.8
        covariance = factors @ factors.T
        scale = np.sqrt(np.diag(covariance))
        correlations.append(covariance / np.outer(scale, scale))
    legs = {
        leg: {
            "ewma_lambda": float(generator.uniform(0.9, 0.97)),
            "volatility_daily": float(generator.uniform(0.004, 0.007)),
            "normal_volatility_daily": float(generator.uniform(0.005, 0.007)),
            "garch": {},
        }
        for leg in LEGS
    }
    mixed = 0.8 * correlations[0] + 0.2 * correlations[1]
    return market.small_calibration(legs=legs, normal_correlation=correlations[0], current_correlation=mixed)


def situation_of(market, calibration=None, units=BOOK, equity=1e6):
    return Situation(
        policy=POLICY,
        calibration=calibration or market.small_calibration(),
        units=units,
        equity=equity,
        values=market.VALUES,
        time_ns=market.MONDAY_NOON,
        recent=np.zeros((5, 7)),
    )


@pytest.fixture(scope="module")
def cases(market):
    """Situation and table by calibration, the book small enough for VaR or large enough for drawdown."""
    found = {}
    for name, calibration in (("even", market.small_calibration()), ("uneven", uneven(market))):
        for size, scale in (("small", 1.0), ("large", 10.0)):
            units = {pair: scale * held for pair, held in BOOK.items()}
            situation = situation_of(market, calibration, units)
            found[name, size] = situation, reverse_stress(situation)
    return found


@pytest.fixture(scope="module")
def even(cases):
    return cases["even", "small"][0]


@pytest.fixture(scope="module")
def table(cases):
    return cases["even", "small"][1]


def shock_of(table, ladder, place):
    named = f"{ladder.replace('_', ' ')} rung {place}"
    (found,) = [one for one in table.shocks if one.name == named]
    return found


def moves_of(shock):
    return np.array([shock.moves[leg] for leg in LEGS])


def closed_day(market, situation, moves):
    """State and decisions of an engine that holds the book, at a fix a day later."""
    engine = RiskEngine(POLICY, situation.calibration, market.held(*situation.units))
    now = market.MONDAY_NOON
    held = [PositionHeld(now, pair, units, market.price(pair)) for pair, units in situation.units.items()]
    start = [Fixing(now, market.VALUES, closes_day=False), *held, Heartbeat(now)]
    state, _ = market.run(engine, engine.init(Start(now, situation.equity)), start)
    shocked = {leg: market.VALUES[leg] * (1.0 + move) for leg, move in zip(LEGS, moves, strict=True)}
    return engine.step(state, Fixing(now + market.DAY, shocked, closes_day=True))


def tripped(market, situation, moves, ladder):
    _, decisions = closed_day(market, situation, moves)
    wanted = Ladder[ladder.upper()]
    return {one.rung for one in decisions if isinstance(one, RaiseAlert) and one.ladder == wanted}


@pytest.mark.parametrize("seed", range(12))
def test_the_readings_are_those_of_the_engine(market, seed):
    generator = np.random.default_rng(seed)
    situation = situation_of(market, [None, uneven(market)][seed % 2])
    moves = generator.normal(size=7) * generator.choice([0.0, 0.003, 0.02, 0.1])
    state, _ = closed_day(market, situation, moves)
    read = readings_after(situation, moves)
    close = {"rel": 1e-9, "abs": 1e-14}
    assert read.loss[0] == pytest.approx(1.0 - state.equity / situation.equity, rel=1e-9, abs=1e-12)
    assert read.value_at_risk[0] == pytest.approx(state.value_at_risk, **close)
    assert read.ratio[0] == pytest.approx(state.ratio, **close)
    assert read.mean_correlation[0] == pytest.approx(state.correlation_mean, **close)
    assert read.drift[0] == pytest.approx(state.correlation_drift, **close)
    breakdown = POLICY.ladders.correlation.rung_2
    counted = 1.0 if read.moved[0] >= breakdown.moved_count else read.mean_correlation[0]
    assert state.metric[Ladder.CORRELATION, 1] == pytest.approx(counted, **close)


def test_the_count_of_moved_correlations_is_seen(market):
    situation = situation_of(market)
    moves = np.array([0.0, 0.04, 0.0, 0.0, 0.04, 0.04, 0.0])
    state, _ = closed_day(market, situation, moves)
    read = readings_after(situation, np.stack([np.zeros(7), moves]))
    assert read.moved.tolist() == [0, 3] and read.mean_correlation[1] < 0.7
    assert state.metric[Ladder.CORRELATION, 1] == 1.0


@pytest.mark.parametrize(("ladder", "place"), PLACES)
@pytest.mark.parametrize("calibration", ["even", "uneven"])
def test_a_shock_fed_back_to_the_engine_trips_its_rung(market, cases, calibration, ladder, place):
    situation, found = cases[calibration, "large" if ladder == "drawdown" else "small"]
    shock = shock_of(found, ladder, place)
    assert shock.ladder == ladder
    moves = moves_of(shock)
    assert place in tripped(market, situation, 1.002 * moves, ladder)
    assert place not in tripped(market, situation, 0.998 * moves, ladder)
    if ladder != "correlation":
        assert max(tripped(market, situation, 1.002 * moves, ladder)) == place
    assert shock.loss == pytest.approx(readings_after(situation, moves).loss[0], rel=1e-9, abs=1e-12)


def trips(situation, moves, ladder, place):
    read, ladders = readings_after(situation, moves), POLICY.ladders
    trigger = getattr(ladders, ladder).rungs[place - 1].trigger
    counted = np.where(read.moved >= ladders.correlation.rung_2.moved_count, 1.0, read.mean_correlation)
    metric = {
        "drawdown": read.loss,
        "volatility": read.ratio,
        "value_at_risk": read.value_at_risk,
        "correlation": read.drift if place == 1 else counted,
    }[ladder]
    return metric > trigger


@pytest.mark.parametrize(("ladder", "place"), PLACES)
@pytest.mark.parametrize("calibration", ["even", "uneven"])
def test_nothing_smaller_trips_the_rung(cases, calibration, ladder, place):
    situation, found = cases[calibration, "large" if ladder == "drawdown" else "small"]
    shock = shock_of(found, ladder, place)
    root = np.linalg.cholesky(situation.covariance)
    own = np.linalg.solve(root, moves_of(shock))
    assert np.linalg.norm(own) == pytest.approx(shock.distance, rel=1e-6)
    generator = np.random.default_rng(11)
    anywhere = generator.normal(size=(500, 7))
    nearby = own / np.linalg.norm(own) + 0.2 * generator.normal(size=(500, 7))
    rays = np.concatenate([anywhere, nearby])
    rays *= 0.98 * shock.distance / np.linalg.norm(rays, axis=1, keepdims=True)
    assert not trips(situation, np.maximum(rays @ root.T, -0.9), ladder, place).any()


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 1_000))
def test_twice_the_book_is_half_the_way_to_a_drawdown_and_the_same_to_volatility_and_correlation(market, seed):
    sizes = np.random.default_rng(seed).choice([-1.0, 1.0], size=3) * 400_000.0
    units = dict(zip(BOOK, sizes.tolist(), strict=True))
    one, two = (
        reverse_stress(situation_of(market, uneven(market), {pair: scale * held for pair, held in units.items()}))
        for scale in (1.0, 2.0)
    )
    for ladder, place in PLACES:
        if ladder != "value_at_risk":
            before, after = shock_of(one, ladder, place).distance, shock_of(two, ladder, place).distance
            assert after == pytest.approx(0.5 * before if ladder == "drawdown" else before, rel=1e-3)


def test_the_value_at_risk_of_a_dollar_pair_is_the_closed_form(market):
    situation = situation_of(market, units={"EURUSD": 100_000.0})
    shock = shock_of(reverse_stress(situation), "value_at_risk", 2)
    # q w' √(λ σ² + (1 - λ) r²) = trigger with w' = w (1 + r) / (1 + w r): a rise of the leg makes the position larger
    weight, trigger = 0.11, POLICY.ladders.value_at_risk.rung_2.trigger
    moved = np.linspace(0.0, 0.1, 2_000_001)
    weights = weight * (1.0 + moved) / (1.0 + weight * moved)
    over = 1.6 * weights * np.sqrt(0.94 * 0.005**2 + 0.06 * moved**2) > trigger
    assert abs(shock.moves["EUR"]) == pytest.approx(moved[over.argmax()], rel=1e-4)
    assert shock.distance == pytest.approx(moved[over.argmax()] / 0.005, rel=1e-4)
    assert shock.loss < 0.0


def test_the_table_is_deterministic_nearest_first_and_names_the_silences(even, table):
    again = reverse_stress(even)
    assert [(one.name, one.distance, dict(one.moves)) for one in again.shocks] == [
        (one.name, one.distance, dict(one.moves)) for one in table.shocks
    ]
    assert len(table.shocks) == 13
    assert [one.distance for one in table.shocks] == sorted(one.distance for one in table.shocks)
    assert table.silences == (("technical rung 1", 5.0), ("technical rung 2", 30.0), ("technical rung 3", 120.0))
    assert "Silence trips technical rung 1 after 5 seconds" in table._repr_html_()
    assert [one.name for one in drawdown_shocks(even.weights, even.covariance, POLICY)] == [
        one.name for one in table.shocks if one.ladder in ("", "drawdown")
    ]


def test_a_book_without_risk_has_the_market_to_fear_only(market):
    nothing = reverse_stress(situation_of(market, units={"EURUSD": 0.0}))
    for ladder, place in PLACES:
        shock = shock_of(nothing, ladder, place)
        reachable = ladder in ("volatility", "correlation")
        assert np.isfinite(shock.distance) == reachable
        if not reachable:
            assert shock.moves == {} and shock.words == "no one-day move does it" and shock.years == float("inf")
        elif ladder == "volatility":
            assert shock.loss == 0.0
    assert "no one-day move does it" in nothing._repr_html_()


def test_a_drawdown_that_takes_a_leg_below_a_tenth_of_its_value_is_out_of_reach(table, even):
    last, closed = shock_of(table, "drawdown", 4), drawdown_shocks(even.weights, even.covariance, POLICY)[3]
    assert (last.distance, last.moves, last.loss) == (float("inf"), {}, 0.15)
    assert min(closed.moves.values()) < -0.9 and np.isfinite(closed.distance)


def test_a_rung_that_holds_today_is_no_distance_away(market):
    large = reverse_stress(situation_of(market, units={"EURUSD": 2_000_000.0}))
    for place in (1, 2, 3):
        shock = shock_of(large, "value_at_risk", place)
        assert (shock.distance, shock.moves, shock.loss, shock.words) == (0.0, {}, 0.0, "holds already")
    assert "holds already" in large._repr_html_()
    plain = ReverseTable((ReverseShock("x", float("nan"), float("inf"), {}),))
    assert "Silence" not in plain._repr_html_()


def test_bad_input_is_refused(market, even):
    with pytest.raises(DataError, match="7 legs"):
        readings_after(even, np.zeros(3))
    for wrong in (np.nan, -1.0):
        with pytest.raises(DataError, match="above -1"):
            readings_after(even, np.full(7, wrong))
    for changes in ({"equity": 0.0}, {"units": {"EURUSD": np.nan}}, {"values": dict.fromkeys(LEGS, 0.0)}):
        with pytest.raises(DataError, match="positive equity"):
            reverse_stress(replace(even, **changes))
    for changes in ({"units": {"EURXXX": 1.0}}, {"values": {"EUR": 1.1}}):
        with pytest.raises(DataError, match="not of the seven legs"):
            reverse_stress(replace(even, **changes))
    tails = {"0.975": {"quantile": 2.0, "expected_shortfall": 2.5}}
    with pytest.raises(ModelError, match=r"0\.95"):
        reverse_stress(situation_of(market, market.small_calibration(residual_quantiles=tails)))


def test_drawdown_and_silence_are_not_searched_for(even):
    with pytest.raises(DataError, match="'technical'"):
        Search(even).smallest("technical", 0)
