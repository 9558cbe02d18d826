"""The rungs worked by hand on the page about the emergency controls, one test a row."""

import numpy as np
import pytest

from workbench.domain.trading import events as happened
from workbench.domain.trading.decisions import RaiseAlert
from workbench.domain.trading.modes import Ladder, Mode
from workbench.engine.risk_engine import RiskEngine, Start

DAY = 86_400 * 10**9


def legs_of(market, now, normal):
    leg = {"ewma_lambda": 0.94, "volatility_daily": now, "normal_volatility_daily": normal, "garch": {}}
    return dict.fromkeys(market.VALUES, leg)


def started(policy, calibration, market, units):
    engine, now = RiskEngine(policy, calibration, market.held(*units)), market.MONDAY_NOON
    events = [happened.Fixing(now, market.VALUES, closes_day=False)]
    events += [happened.PositionHeld(now, pair, size, market.price(pair)) for pair, size in units.items()]
    state, said = market.run(engine, engine.init(Start(now, 1e6)), [*events, happened.Heartbeat(now)])
    return engine, state, said


def highest(said, ladder):
    return max((one.rung for one in said if isinstance(one, RaiseAlert) and one.ladder is ladder), default=0)


@pytest.mark.parametrize(
    ("move", "rung", "equity", "units", "mode"),
    [
        (-0.04, 1, 960_400, 900_000, Mode.ACTIVE),
        (-0.06, 2, 940_600, 675_000, Mode.ACTIVE),
        (-0.11, 3, 891_100, 450_000, Mode.REDUCING),
        (-0.16, 4, 841_600, 450_000, Mode.HALTED),
    ],
)
def test_drawdown(move, rung, equity, units, mode, policy, market):
    tails = {level: {"quantile": 0.01, "expected_shortfall": 0.02} for level in ("0.95", "0.975")}
    calibration = market.small_calibration(legs=legs_of(market, 0.05, 0.05), residual_quantiles=tails)
    engine, state, _ = started(policy, calibration, market, {"EURUSD": 900_000.0})
    state, said = engine.step(state, happened.Fixing(market.MONDAY_NOON + DAY, market.moved({"EUR": move})))
    assert state.equity == pytest.approx(equity)
    assert highest(said, Ladder.DRAWDOWN) == rung
    assert state.target[0] == units
    assert state.mode == mode


@pytest.mark.parametrize(("ratio", "rung", "cap"), [(1.6, 1, 0.85), (2.4, 2, 0.70), (3.2, 3, 0.40)])
def test_volatility(ratio, rung, cap, policy, market):
    calm, wild = (market.small_calibration(legs=legs_of(market, 0.005 * times, 0.005)) for times in (1.0, ratio))
    units = dict.fromkeys(("EURUSD", "GBPUSD", "USDJPY", "AUDUSD"), 1_000.0)
    engine, state, _ = started(policy, calm, market, units)
    state, said = engine.step(state, happened.CalibrationAdopted(market.MONDAY_NOON + 1, wild))
    assert state.ratio == pytest.approx(ratio)
    assert highest(said, Ladder.VOLATILITY) == rung
    assert float(engine.settings.numbers["cap"][0, Ladder.VOLATILITY, rung - 1]) == cap
    # the market condition caps by the same reading: the smaller cap stands
    assert state.cap <= cap
    assert sum(target == 0 for target in state.target[:4]) == (1 if rung == 3 else 0)


@pytest.mark.parametrize(("share", "rung", "kept"), [(0.0025, 1, 1.0), (0.0035, 2, 0.8), (0.0060, 3, 0.7)])
def test_value_at_risk(share, rung, kept, policy, calibration, market):
    # one leg at 0.5 % a day and a quantile of 1.6: VaR is 0.8 % of the position
    units = share / 0.008 * 1e6 / 1.1
    _, state, said = started(policy, calibration, market, {"EURUSD": units})
    assert state.value_at_risk == pytest.approx(share)
    assert highest(said, Ladder.VALUE_AT_RISK) == rung
    assert state.target[0] == pytest.approx(kept * units, abs=1)


@pytest.mark.parametrize(("normal", "now", "rung", "cap"), [(0.05, 0.40, 1, 0.8), (0.75, 0.75, 2, 0.6)])
def test_correlation(normal, now, rung, cap, policy, market):

    matrix = now * np.ones((7, 7)) + (1 - now) * np.eye(7)
    calibration = market.small_calibration(correlation=normal, current_correlation=matrix)
    _, state, said = started(policy, calibration, market, {"EURUSD": 10_000.0})
    assert highest(said, Ladder.CORRELATION) == rung
    # a drift of a third fills the correlation part of the stress score: the market condition caps at 0.8
    assert state.cap == pytest.approx(cap)
