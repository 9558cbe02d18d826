"""Monte Carlo: the same on one core or many, the law it was given, and people who look once a day."""

import importlib.util
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.domain.currencies import LEGS
from workbench.domain.errors import ConfigError, DataError
from workbench.domain.trading.events import Fixing, Heartbeat, PositionHeld
from workbench.domain.trading.market_hours import DAY_NS
from workbench.domain.trading.modes import Mode
from workbench.engine.kernel.desk import Desk
from workbench.engine.kernel.layout import DECISION, EVENT, MOST_DECISIONS, WORK, records, same_records
from workbench.engine.kernel.simulation import walk_path
from workbench.engine.risk_engine import EngineState, RiskEngine, Start
from workbench.engine.settings import NEVER_NS
from workbench.stress.course import REVIEW_AFTER_NS
from workbench.stress.monte_carlo import BLOCK, FAN_BLOCKS, FAN_LEVELS, Block, PathPlan, monte_carlo, walk_block
from workbench.stress.paths import BlockBootstrap, GarchT

UNITS = {"EURUSD": 100_000.0, "AUDJPY": 80_000.0}


@pytest.fixture(scope="module")
def market() -> Any:
    path = Path(__file__).parents[1] / "engine" / "conftest.py"
    spec = importlib.util.spec_from_file_location("market_of_the_engine", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def started(market, policy, units, **changes) -> EngineState:
    engine = RiskEngine(policy, market.small_calibration(**changes), market.held(*units))
    now = market.MONDAY_NOON
    held = [PositionHeld(now, pair, size, market.price(pair)) for pair, size in units.items()]
    events = [Fixing(now, market.VALUES, closes_day=False), *held, Heartbeat(now)]
    return market.run(engine, engine.init(Start(now, 1e6)), events)[0]


@pytest.fixture(scope="module")
def state(market, policy) -> EngineState:
    return started(market, policy, UNITS)


@pytest.fixture(scope="module")
def model(ecb) -> BlockBootstrap:
    return BlockBootstrap(ecb.leg_simple_returns()[list(LEGS)].to_numpy()[-2_000:])


@pytest.fixture(scope="module")
def garch() -> GarchT:
    correlation = 0.4 * np.ones((7, 7)) + 0.6 * np.eye(7)
    some = np.full(7, 0.005**2)
    return GarchT(0.05 * some, np.full(7, 0.05), np.full(7, 0.9), 6.0, some, correlation)


@pytest.fixture(scope="module")
def weights(market):
    """US dollars in each leg over equity."""
    worth = {"EUR": 100_000 * market.VALUES["EUR"], "AUD": 80_000 * market.VALUES["AUD"]}
    worth["JPY"] = -worth["AUD"]
    return np.array([worth.get(leg, 0.0) for leg in LEGS]) / 1e6


def test_one_worker_or_many_give_the_same_bits(state, model, garch):
    plan = PathPlan(paths=450, days=15, seed=3)
    for law in (model, garch):
        one, two = monte_carlo(state, law, plan, workers=1), monte_carlo(state, law, plan, workers=2)
        with ThreadPoolExecutor(3) as executor:
            given = monte_carlo(state, law, plan, executor=executor)
        for name in ("final", "drawdown", "fan"):
            assert getattr(one, name).tobytes() == getattr(two, name).tobytes() == getattr(given, name).tobytes()
        assert one.final.shape == (450,) and one.model == law.name


def test_more_paths_begin_with_the_fewer_and_another_seed_is_another_draw(state, model):
    few, many = (monte_carlo(state, model, PathPlan(paths=paths, days=5)) for paths in (200, 600))
    assert many.final[:200].tobytes() == few.final.tobytes()
    assert len(np.unique(many.final)) > 500
    assert monte_carlo(state, model, PathPlan(paths=200, days=5, seed=1)).final.tobytes() != few.final.tobytes()


def test_without_controls_a_day_has_the_law_of_the_model(state, model, garch, weights):
    plan = PathPlan(paths=6_000, days=1, seed=1)
    own = model.history @ weights
    free = monte_carlo(state, model, plan, controls=False)
    assert np.std(free.final) == pytest.approx(np.std(own), rel=0.05)
    # every day drawn is a day that was
    assert np.isin((free.final - 1.0).round(10), own.round(10)).all()
    spread = np.sqrt(weights @ (0.005**2 * garch.correlation) @ weights)
    drawn = monte_carlo(state, garch, plan, controls=False).final
    assert np.std(drawn) == pytest.approx(spread, rel=0.05) and abs(drawn.mean() - 1.0) < 4 * spread / np.sqrt(6_000)


def test_without_controls_the_end_is_the_product_of_the_days(state, model, weights):
    plan = PathPlan(paths=BLOCK + 50, days=12, seed=5)
    free = monte_carlo(state, model, plan, controls=False)
    returns = np.concatenate([Block(state.settings.numbers, state.record, model, plan, k).returns() for k in (0, 1)])
    assert returns.shape == (BLOCK + 50, 12, 7)
    path = 1.0 + (np.cumprod(1.0 + returns, axis=1) - 1.0) @ weights
    np.testing.assert_allclose(free.final, path[:, -1], atol=1e-10)
    peak = np.maximum(np.maximum.accumulate(path, axis=1), 1.0)
    np.testing.assert_allclose(free.drawdown, (1.0 - path / peak).max(axis=1), atol=1e-10)
    np.testing.assert_allclose(free.fan[1:], np.quantile(1.0 - path / peak, FAN_LEVELS, axis=0).T, atol=1e-10)
    assert (free.fan[0] == 0.0).all()


def test_controls_make_the_worst_drawdowns_milder(state, model):
    plan = PathPlan(paths=1_000, days=120, seed=2)
    held, free = monte_carlo(state, model, plan), monte_carlo(state, model, plan, controls=False)
    assert held.drawdown_not_above(0.99) < free.drawdown_not_above(0.99)
    assert "SYNTHETIC: 1,000 paths of 120 days, block bootstrap" in held._repr_html_()


def test_the_state_is_not_changed(state, model):
    before = state.digest, state.settings.numbers.tobytes()
    monte_carlo(state, model, PathPlan(paths=10, days=3))
    assert (state.digest, state.settings.numbers.tobytes()) == before


def peak_of(state, model, paths):
    tracemalloc.start()
    monte_carlo(state, model, PathPlan(paths=paths, days=20), workers=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_is_that_of_a_few_blocks_not_of_all_paths(state, model):
    few, many = peak_of(state, model, 2_000), peak_of(state, model, 20_000)
    # two numbers a path, twice while they are put together, and the job of each block
    assert many - few < 18_000 * 8 * 8 < 18_000 * 20 * 7 * 8 / 10
    job = Block(state.settings.numbers, state.record, model, PathPlan(20_000, 20), FAN_BLOCKS)
    final, drawdown, shown = walk_block(job)
    assert final.shape == drawdown.shape == (BLOCK,) and shown.shape == (0, 20) and final.base is None


def walked(state, returns, review_ns):
    numbers = state.settings.numbers.copy()
    numbers["stale_after_ns"] = NEVER_NS
    record, equity = same_records(state.record), np.empty(len(returns))
    desk = Desk(numbers[0], record[0], records(1, WORK)[0], records(MOST_DECISIONS, DECISION))
    walk_path(desk, records(1, EVENT)[0], returns, (DAY_NS, review_ns), equity)
    return record, equity, ((record["tripped"][0] == 1) & (numbers["people"][0] > 0)).any()


def test_people_resume_what_is_latched_and_without_them_it_stays(market, policy):
    state = started(market, policy, {"EURUSD": 200_000.0})
    returns = np.zeros((90, 7))
    returns[0] = -0.08, 0.08, -0.08, 0.08, -0.08, -0.08, -0.08
    with_people, equity, latched = walked(state, returns, REVIEW_AFTER_NS)
    alone, same, stuck = walked(state, returns, 0)
    assert stuck and int(alone["mode"][0]) != Mode.ACTIVE
    assert not latched and int(with_people["mode"][0]) == Mode.ACTIVE
    # a review takes no time of the path: the next mark is a day after the one before
    assert int(with_people["time_ns"][0]) == int(alone["time_ns"][0]) == state.time_ns + 90 * DAY_NS
    assert equity[0] == same[0] and np.isfinite(equity).all()


def test_simulated_paths_have_people_who_look_once_a_day(market, policy):
    state = started(market, policy, {"EURUSD": 200_000.0})
    wild = BlockBootstrap(np.random.default_rng(4).standard_t(3, (400, 7)) * 0.012)
    plan = PathPlan(paths=40, days=60)
    returns = Block(state.settings.numbers, state.record, wild, plan, 0).returns()
    found = monte_carlo(state, wild, plan).final
    ends = {review: [walked(state, path, review)[1][-1] / 1e6 for path in returns] for review in (0, REVIEW_AFTER_NS)}
    assert found.tolist() == ends[REVIEW_AFTER_NS]
    assert found.tolist() != ends[0]


def test_what_cannot_be_simulated_is_refused(state, model, market, policy):
    for paths, days in ((0, 20), (10, 0)):
        with pytest.raises(ConfigError, match="at least one path of one day"):
            PathPlan(paths=paths, days=days)
    engine = RiskEngine(policy, market.small_calibration(), [])
    with pytest.raises(DataError, match="take a fixing in first"):
        monte_carlo(engine.init(Start(0, 1e6)), model, PathPlan())
    bare = RiskEngine(policy, None, [])
    priced = market.run(bare, bare.init(Start(market.MONDAY_NOON, 1e6)), [Fixing(market.MONDAY_NOON, market.VALUES)])[0]
    with pytest.raises(DataError, match="prices and a calibration"):
        monte_carlo(priced, model, PathPlan())
