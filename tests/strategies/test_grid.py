"""The grid of the policy, and a user's own."""

import numpy as np
import pytest

from workbench.data.policy_file import read_policy
from workbench.domain.errors import ConfigError, DataError
from workbench.domain.trading.modes import Regime
from workbench.strategies import (
    Configuration,
    Marks,
    find_signal,
    grid_from_table,
    regime_codes,
    side_at_marks,
    strategy_grid,
)

POLICY = read_policy(None)


def test_the_policy_has_384_configurations_and_576_with_intraday_data():
    grid = strategy_grid(POLICY)
    assert len(grid) == 384 == len({one.name for one in grid})
    assert len(strategy_grid(POLICY, intraday=True)) == 576
    assert set(grid) < set(strategy_grid(POLICY, intraday=True))


def test_a_users_grid_takes_the_rest_from_the_policy():
    table = {"pairs": ["EURUSD"], "signals": ["reversion", {"name": "moderate", "parameters": [15, 40]}]}
    grid = grid_from_table(table, POLICY)
    assert len(grid) == 1 * 2 * 2 * 3
    assert grid[-1].name == "EURUSD weekly moderate(15, 40) aggressive"
    assert grid[-1].lookback(POLICY) == 40
    assert grid[-1].parameters == (15.0, 40.0) and grid[0].parameters == ()


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"signals": ["tea leaves"]}, "unknown signal 'tea leaves': expected one of conservative"),
        ({"signals": [{"name": "moderate", "parameters": [-5, 20]}]}, "windows must be two whole numbers"),
        ({"signals": [{"name": "moderate", "windows": [5, 20]}]}, r"signals\[0\] must be a name, or a table"),
        ({"signals": [{"name": "moderate", "parameters": "5"}]}, "must be a list of numbers"),
        ({"signals": []}, "signals must be a list with at least one entry"),
        ({"pairs": ["EURSEK"]}, "pairs names 'EURSEK', expected some of EURUSD"),
        ({"timeframes": ["hourly"]}, "timeframes names 'hourly', expected some of 4h, daily, weekly"),
        ({"risk_profiles": ["bold"]}, "risk_profiles names 'bold'"),
        ({"pair": ["EURUSD"]}, "unknown key 'pair', expected one of pairs"),
        ({"pairs": ["EURUSD", "EURUSD"]}, "EURUSD daily conservative conservative is there twice"),
    ],
)
def test_a_grid_that_cannot_be_meant_is_refused(table, sentence):
    with pytest.raises(ConfigError, match=sentence):
        grid_from_table(table, POLICY)


def test_a_reading_uses_the_windows_of_the_regime_at_each_close():
    closes = np.exp(np.cumsum(np.random.default_rng(0).normal(0, 0.01, 400)))
    regimes = np.where(np.arange(400) < 200, int(Regime.NORMAL), int(Regime.CRISIS)).astype(np.int64)
    marks = Marks(np.datetime64("2020-01-01") + np.arange(400), closes, regimes)
    side, starts = side_at_marks(Configuration("EURUSD", "daily", "moderate", "moderate"), POLICY, marks)
    crossing = find_signal("moderate")
    normal, crisis = crossing.read(closes, (20.0, 50.0)), crossing.read(closes, (50.0, 150.0))
    assert np.array_equal(side[1:201], normal[:200])
    assert np.array_equal(side[201:], crisis[200:-1])
    assert starts[1:].all() and not starts[0]


def test_regimes_have_names():
    assert regime_codes(("normal", "high volatility")).tolist() == [int(Regime.NORMAL), int(Regime.HIGH_VOLATILITY)]
    with pytest.raises(DataError, match="unknown regime 'calm'"):
        regime_codes(("calm",))
