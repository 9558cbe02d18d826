"""Log returns of a few pairs, and a simulated chain whose states are known."""

import numpy as np
import pytest

from workbench.data.rates import DailyRates
from workbench.regimes import MarkovParameters


@pytest.fixture(scope="session")
def pair_returns(ecb: DailyRates):
    """Daily log returns by pair, up to the day the tests were written for."""
    return ecb.up_to("2026-10-30").pair_log_returns()


@pytest.fixture(scope="session")
def eurusd_log(pair_returns) -> np.ndarray:
    return pair_returns["EURUSD"].to_numpy()


@pytest.fixture(scope="session")
def two_states() -> MarkovParameters:
    return MarkovParameters(
        means=np.array([0.0004, -0.001]),
        volatilities=np.array([0.004, 0.012]),
        transition=np.array([[0.98, 0.02], [0.05, 0.95]]),
        initial=np.array([5.0, 2.0]) / 7.0,
    )


@pytest.fixture(scope="session")
def simulated(two_states: MarkovParameters) -> np.ndarray:
    rng = np.random.default_rng(20)
    days = 6000
    state, states = 0, np.empty(days, dtype=int)
    for t in range(days):
        states[t] = state
        state = int(rng.random() > two_states.transition[state, 0])
    return two_states.means[states] + two_states.volatilities[states] * rng.standard_normal(days)
