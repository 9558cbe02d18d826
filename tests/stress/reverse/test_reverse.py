"""Reverse stress: the closed form against a numerical search, and each shock fed back to the engine trips its rung."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from workbench.data.policy_file import read_policy
from workbench.domain.currencies import LEGS
from workbench.domain.errors import DataError
from workbench.domain.trading.decisions import RaiseAlert
from workbench.domain.trading.events import Fixing, Heartbeat, PositionHeld
from workbench.domain.trading.modes import Ladder
from workbench.engine.risk_engine import RiskEngine, Start
from workbench.stress.reverse import ReverseTable, drawdown_shocks, reverse_shock, worst_move

POLICY = read_policy(None)


def covariance_of(seed):
    factors = np.random.default_rng(seed).normal(size=(7, 7)) * 0.003
    return factors @ factors.T + 1e-6 * np.eye(7)


@pytest.mark.parametrize("seed", range(5))
def test_no_search_finds_a_worse_move_at_the_distance(seed):
    covariance, weights = covariance_of(seed), np.random.default_rng(seed + 50).normal(size=7)
    closed = worst_move(weights, covariance, distance=3.0)
    precision = np.linalg.inv(covariance)
    assert closed @ precision @ closed == pytest.approx(9.0)
    assert weights @ closed == pytest.approx(-3.0 * np.sqrt(weights @ covariance @ weights))
    factor = np.linalg.cholesky(covariance)
    searched = minimize(lambda z: weights @ factor @ z, np.full(7, 0.1), method="SLSQP",
                        constraints={"type": "ineq", "fun": lambda z: 9.0 - z @ z})  # fmt: skip
    assert searched.fun == pytest.approx(weights @ closed, rel=1e-4)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 1_000), st.floats(0.01, 0.5), st.floats(0.1, 10.0))
def test_a_larger_book_needs_a_smaller_shock_in_proportion(seed, loss, scale):
    covariance, weights = covariance_of(seed), np.random.default_rng(seed).normal(size=7)
    one = reverse_shock("x", weights, covariance, loss=loss)
    larger = reverse_shock("x", scale * weights, covariance, loss=loss)
    assert larger.distance == pytest.approx(one.distance / scale)
    moves = np.array([one.moves[leg] for leg in LEGS])
    assert weights @ moves == pytest.approx(-loss)


def test_five_times_the_volatility_is_a_fifth_of_the_distance():
    covariance, weights = covariance_of(1), np.ones(7)
    calm, wild = (reverse_shock("x", weights, factor * covariance, loss=0.1) for factor in (1.0, 25.0))
    assert calm.distance == pytest.approx(5.0 * wild.distance)


def test_the_table_has_every_rung_and_the_loss_to_be_feared_mildest_first():
    table = ReverseTable(drawdown_shocks(np.ones(7), covariance_of(2), POLICY))
    assert [one.loss for one in table.shocks] == [0.03, 0.05, 0.10, 0.15, 0.20]
    assert [one.distance for one in table.shocks] == sorted(one.distance for one in table.shocks)
    assert all(a.years < b.years for a, b in zip(table.shocks[:-1], table.shocks[1:], strict=True) if b.years < 1e12)
    assert "drawdown rung 4" in table._repr_html_()


def test_a_book_without_risk_is_infinitely_far_and_bad_input_is_refused():
    nothing = reverse_shock("x", np.zeros(7), covariance_of(3), loss=0.1)
    assert nothing.distance == float("inf") and nothing.moves == {} and nothing.years == float("inf")
    with pytest.raises(DataError, match="no risk"):
        worst_move(np.zeros(7), covariance_of(3), distance=1.0)
    with pytest.raises(DataError, match="positive share"):
        reverse_shock("x", np.ones(7), covariance_of(3), loss=0.0)
    with pytest.raises(DataError, match="7 weights"):
        reverse_shock("x", np.ones(3), covariance_of(3), loss=0.1)
    with pytest.raises(DataError, match="finite"):
        reverse_shock("x", np.full(7, np.nan), covariance_of(3), loss=0.1)
    with pytest.raises(DataError, match="negative variance"):
        reverse_shock("x", np.ones(7), -covariance_of(3), loss=0.1)


@pytest.fixture(scope="module")
def market():
    path = Path(__file__).parents[2] / "engine" / "conftest.py"
    spec = importlib.util.spec_from_file_location("market_of_the_engine", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rungs_tripped(market, moves, share):
    """Highest drawdown rung an engine with a held book reports after one fixing with a share of the moves."""
    engine = RiskEngine(POLICY, market.small_calibration(), market.held("EURUSD", "AUDJPY"))
    now = market.MONDAY_NOON
    start = [
        Fixing(now, market.VALUES, closes_day=False),
        PositionHeld(now, "EURUSD", 400_000.0, market.price("EURUSD")),
        PositionHeld(now, "AUDJPY", 300_000.0, market.price("AUDJPY")),
        Heartbeat(now),
    ]
    state, _ = market.run(engine, engine.init(Start(now, 1e6)), start)
    shocked = {leg: market.VALUES[leg] * (1.0 + share * moves[leg]) for leg in LEGS}
    _, decisions = engine.step(state, Fixing(now + 10**9, shocked, closes_day=False))
    spoken = [one.rung for one in decisions if isinstance(one, RaiseAlert) and one.ladder == Ladder.DRAWDOWN]
    return max(spoken, default=0)


@pytest.mark.parametrize("place", range(4))
def test_a_shock_fed_back_to_the_engine_trips_exactly_its_rung(market, place):
    values = market.VALUES
    exposure = dict.fromkeys(LEGS, 0.0)
    exposure["EUR"] += 400_000.0 * values["EUR"] / 1e6
    exposure["AUD"] += 300_000.0 * values["AUD"] / 1e6
    exposure["JPY"] -= 300_000.0 * values["AUD"] / 1e6
    weights = np.array([exposure[leg] for leg in LEGS])
    shock = drawdown_shocks(weights, covariance_of(4), POLICY)[place]
    # the engine books a cross at the new value of its quote currency: profit is linear in the legs
    low, high = 0.5, 2.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if rungs_tripped(market, shock.moves, middle) > place else (middle, high)
    assert rungs_tripped(market, shock.moves, high) == place + 1
    assert rungs_tripped(market, shock.moves, low) == place
    assert high == pytest.approx(1.0, abs=1e-6)
