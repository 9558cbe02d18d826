"""The battery: every registered signal looks only back, refuses what is no price, and repeats itself."""

import pickle
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.data.policy_file import read_policy
from workbench.domain.errors import ConfigError, DataError
from workbench.domain.trading.modes import Regime
from workbench.strategies import SIGNALS, find_signal, register
from workbench.strategies.rules import STEPS, MovingAverageCross, Reversion

POLICY = read_policy(None)
CASES = [
    pytest.param(signal, signal.parameters(POLICY, regime), id=f"{name}-{regime.name.lower()}")
    for (name, signal), regime in product(SIGNALS.items(), Regime)
]
"""A signal the policy does not name gives numbers of its own for every regime: those it is tested with."""


def walk_of(seed, bars=900):
    return np.exp(np.cumsum(np.random.default_rng(seed).normal(0.0, 0.01, bars)))


def test_the_four_signals_of_the_policy_are_registered():
    assert list(SIGNALS)[:4] == list(type(POLICY.strategies.signals).model_fields)


def peeks(signal, parameters):
    """Rows whose past reading changes with the future: with garbage in it, or when it is cut off."""
    closes, found = walk_of(1), []
    whole = signal.read(closes, parameters)
    for row in (1, 20, 199, 500, 777):
        garbage = closes.copy()
        garbage[row:] = np.random.default_rng(row).uniform(1e-6, 1e6, len(closes) - row)
        same = np.array_equal(signal.read(garbage, parameters)[:row], whole[:row])
        if not (same and np.array_equal(signal.read(closes[:row], parameters), whole[:row])):
            found.append(row)
    return found


@pytest.mark.parametrize(("signal", "parameters"), CASES)
def test_a_reading_never_changes_when_the_future_does(signal, parameters):
    assert peeks(signal, parameters) == []


class Tomorrow:
    """What a newcomer might write: long when the next close is higher."""

    def read(self, closes, parameters):
        return np.sign(np.append(np.diff(closes), 0.0))


class WholeHistory:
    """A subtler one: against the mean of all history, the future included."""

    def read(self, closes, parameters):
        return np.sign(closes.mean() - closes)


@pytest.mark.parametrize("cheat", [Tomorrow(), WholeHistory()])
def test_a_signal_that_peeks_is_caught(cheat):
    assert peeks(cheat, ()) != []


@pytest.mark.parametrize(("signal", "parameters"), CASES)
def test_readings_lie_between_minus_one_and_one_and_repeat(signal, parameters):
    closes = walk_of(2)
    first, second = signal.read(closes, parameters), signal.read(closes.copy(), parameters)
    assert first.shape == closes.shape
    assert np.isfinite(first).all() and np.abs(first).max() <= 1.0
    assert np.array_equal(first, second)
    assert (first != 0.0).any()
    assert not first[: signal.lookback(parameters) - 1].any()


@pytest.mark.parametrize(("signal", "parameters"), CASES)
@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0, -1.0])
def test_what_is_no_price_is_refused_with_its_place(signal, parameters, bad):
    closes = walk_of(3)
    closes[321] = bad
    with pytest.raises(DataError, match="bar 321 of 900"):
        signal.read(closes, parameters)


@pytest.mark.parametrize(("signal", "parameters"), CASES)
def test_a_price_that_never_moves_gives_no_signal(signal, parameters):
    assert not signal.read(np.full(900, 1.2345678), parameters).any()


@pytest.mark.parametrize(("signal", "parameters"), CASES)
def test_signals_survive_pickling_and_know_their_neighbours(signal, parameters):
    copy = pickle.loads(pickle.dumps(signal))  # noqa: S301 -- our own
    closes = walk_of(4)
    assert np.array_equal(copy.read(closes, parameters), signal.read(closes, parameters))
    neighbours = signal.neighbours(parameters)
    assert len(neighbours) == len(STEPS) and parameters not in neighbours
    for one in neighbours:
        signal.check(one)


def test_crossing_is_the_sign_of_two_rolling_means():
    closes = walk_of(5)
    series = pd.Series(closes)
    expected = np.sign(series.rolling(20).mean() - series.rolling(50).mean()).fillna(0.0).to_numpy()
    assert np.array_equal(MovingAverageCross("moderate").read(closes, (20.0, 50.0)), expected)


def test_reversion_enters_beyond_two_sigmas_and_leaves_at_the_average():
    closes = walk_of(6)
    series = pd.Series(closes)
    distance = ((series - series.rolling(20).mean()) / series.rolling(20).std()).to_numpy()
    held, expected = 0.0, np.zeros(len(closes))
    for t in range(19, len(closes)):
        if held != 0.0 and np.sign(distance[t]) != -held:
            held = 0.0
        if abs(distance[t]) > 2.0:
            held = -np.sign(distance[t])
        expected[t] = held
    assert np.array_equal(Reversion("reversion").read(closes, (20.0, 2.0)), expected)
    assert set(np.unique(expected)) == {-1.0, 0.0, 1.0}


@settings(max_examples=50, deadline=None)
@given(scale=st.floats(1e-3, 1e3), seed=st.integers(0, 1_000))
def test_readings_do_not_depend_on_the_unit_of_the_price(scale, seed):
    closes = walk_of(seed, 120)
    for signal, parameters in ((MovingAverageCross("a"), (10.0, 21.0)), (Reversion("r"), (20.0, 2.0))):
        assert np.array_equal(signal.read(closes, parameters), signal.read(closes * scale, parameters))


@pytest.mark.parametrize("windows", [(20.0, 10.0), (-5.0, 20.0), (0.0, 20.0), (10.5, 20.0), (10.0,), (10.0, np.nan)])
def test_windows_that_are_none_are_refused(windows):
    with pytest.raises(ConfigError, match="two whole numbers of bars"):
        MovingAverageCross("moderate").check(windows)


@pytest.mark.parametrize("numbers", [(2.0, 2.0), (20.0, 0.0), (20.0, -1.0), (20.5, 2.0), (20.0, np.inf), (20.0,)])
def test_distances_that_are_none_are_refused(numbers):
    with pytest.raises(ConfigError, match="at least 3 whole bars"):
        Reversion("reversion").check(numbers)


def test_a_second_signal_of_the_same_name_is_refused():
    with pytest.raises(ConfigError, match="two signals are called 'moderate'"):
        register(MovingAverageCross("moderate"))
    with pytest.raises(ConfigError, match="unknown signal 'tea leaves': expected one of conservative"):
        find_signal("tea leaves")


def test_adapted_windows_are_those_of_the_policy_table():
    crossing = find_signal("conservative")
    assert crossing.parameters(POLICY, Regime.CRISIS) == (150.0, 500.0)
    assert crossing.parameters(POLICY, Regime.NORMAL) == (50.0, 200.0) == crossing.parameters(POLICY, Regime.RANGING)
    assert find_signal("moderate").parameters(POLICY, Regime.HIGH_VOLATILITY) == (15.0, 35.0)
    assert find_signal("aggressive").parameters(POLICY, Regime.CRISIS) == (10.0, 21.0)
