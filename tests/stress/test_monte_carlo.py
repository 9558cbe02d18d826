"""Monte Carlo: the same on one core or many, the law it claims, and controls that only ever shrink the book."""

import importlib.util
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.data.policy_file import read_policy
from workbench.domain.errors import ConfigError, DataError
from workbench.domain.trading.events import Fixing, Heartbeat, PositionHeld
from workbench.engine.risk_engine import EngineState, RiskEngine, Start
from workbench.stress.monte_carlo import PathPlan, monte_carlo, simulated_returns


@pytest.fixture(scope="module")
def market() -> Any:
    path = Path(__file__).parents[1] / "engine" / "conftest.py"
    spec = importlib.util.spec_from_file_location("market_of_the_engine", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def state(market) -> EngineState:
    engine = RiskEngine(read_policy(None), market.small_calibration(), market.held("EURUSD", "AUDJPY"))
    now = market.MONDAY_NOON
    events = [
        Fixing(now, market.VALUES, closes_day=False),
        PositionHeld(now, "EURUSD", 100_000.0, 1.1),
        PositionHeld(now, "AUDJPY", 80_000.0, market.price("AUDJPY")),
        Heartbeat(now),
    ]
    return market.run(engine, engine.init(Start(now, 1e6)), events)[0]


def test_one_worker_or_many_give_the_same_bits(state):
    plan = PathPlan(paths=450, days=15, seed=3)
    one, two = monte_carlo(state, plan, workers=1), monte_carlo(state, plan, workers=2)
    with ThreadPoolExecutor(3) as executor:
        given = monte_carlo(state, plan, executor=executor)
    assert one.final.tobytes() == two.final.tobytes() == given.final.tobytes()
    assert one.drawdown.tobytes() == two.drawdown.tobytes()
    assert one.final.shape == (450,)


def test_more_paths_begin_with_the_fewer(state):
    few, many = (monte_carlo(state, PathPlan(paths=paths, days=5)) for paths in (200, 600))
    assert many.final[:200].tobytes() == few.final.tobytes()


def test_without_controls_the_law_is_the_one_that_was_asked_for(state):
    plan = PathPlan(paths=6_000, days=1, seed=1)
    free = monte_carlo(state, plan, controls=False)
    expected = float(state.value_at_risk) / 1.6
    assert np.std(free.final) == pytest.approx(expected, rel=0.06)
    returns = np.concatenate(list(simulated_returns(state.settings, plan))).reshape(-1, 7)
    np.testing.assert_allclose(np.cov(returns.T), state.settings.numbers["covariance"][0], rtol=0.25, atol=2e-6)


def test_controls_make_the_worst_drawdowns_milder(state):
    plan = PathPlan(paths=1_000, days=120, seed=2)
    held, free = monte_carlo(state, plan), monte_carlo(state, plan, controls=False)
    assert np.quantile(held.drawdown, 0.99) < np.quantile(free.drawdown, 0.99)
    assert "SYNTHETIC" in held._repr_html_()


def test_the_state_is_not_changed(state):
    before = state.digest
    monte_carlo(state, PathPlan(paths=10, days=3))
    assert state.digest == before


def test_what_cannot_be_simulated_is_refused(state, market):
    with pytest.raises(ConfigError, match="at least one path of one day"):
        PathPlan(paths=0)
    engine = RiskEngine(read_policy(None), market.small_calibration(), [])
    with pytest.raises(DataError, match="take a fixing in first"):
        monte_carlo(engine.init(Start(0, 1e6)), PathPlan())
