"""Contributions add up, and agree with a finite difference and with plain arithmetic."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.currencies import pair_leg_matrix
from workbench.domain.errors import DataError
from workbench.risk.contributions import component_expected_shortfall, component_var
from workbench.risk.volatility import ewma_covariance

SIGMA = np.array([[4.0, 1.0, -0.5], [1.0, 9.0, 2.0], [-0.5, 2.0, 1.0]]) * 1e-5


def test_published_two_position_example():
    # Jorion (2007), section 7.2: $2m CAD at 5 %, $1m EUR at 12 % annual volatility, uncorrelated, 95 %: portfolio VaR
    # $257,738, components $105,630 and $152,108, individual $165,000 and $198,000 (quantile 1.65)
    split = component_var([2.0, 1.0], np.diag([0.05**2, 0.12**2]), confidence=0.95, quantile=1.65)
    assert split.total == pytest.approx(0.257738, abs=1e-6)
    assert split.component == pytest.approx([0.105630, 0.152108], abs=2e-6)
    assert split.incremental == pytest.approx([0.257738 - 0.198, 0.257738 - 0.165], abs=1e-6)


@given(st.lists(st.floats(-3, 3), min_size=3, max_size=3))
def test_components_sum_to_the_portfolio(weights):
    split = component_var(weights, SIGMA, confidence=0.99)
    assert split.component.sum() == pytest.approx(split.total, abs=1e-15)


def test_marginal_is_the_derivative():
    w, step = np.array([1.0, -0.5, 2.0]), 1e-6
    split = component_var(w, SIGMA, confidence=0.99)
    for i in range(3):
        bumped = w + step * np.eye(3)[i]
        slope = (component_var(bumped, SIGMA, confidence=0.99).total - split.total) / step
        assert slope == pytest.approx(split.marginal[i], rel=1e-4)


def test_a_hedge_has_a_negative_component_and_incremental():
    split = component_var([1.0, -0.3], np.array([[1.0, 0.9], [0.9, 1.0]]), confidence=0.95)
    assert split.component[1] < 0
    assert split.incremental[1] < 0


def test_singular_pair_covariance_is_no_obstacle(ecb):
    legs = ewma_covariance(ecb.leg_simple_returns().to_numpy())
    matrix = pair_leg_matrix()
    split = component_var(np.full(16, 0.1), matrix @ legs @ matrix.T, confidence=0.95)
    assert split.component.sum() == pytest.approx(split.total)


def test_flat_book_has_no_risk():
    assert component_var([0.0, 0.0], np.eye(2), confidence=0.95).total == 0.0


def test_shortfall_components_sum_to_the_tail_mean():
    rng = np.random.default_rng(1)
    positions = rng.standard_t(4, (1000, 3)) * 0.01
    parts = component_expected_shortfall(positions, confidence=0.975)
    losses = np.sort(-positions.sum(axis=1))[::-1]
    assert parts.sum() == pytest.approx(losses[:25].mean())


def test_misfit_is_refused():
    with pytest.raises(DataError, match=r"expected a covariance of shape \(2, 2\)"):
        component_var([1.0, 2.0], SIGMA, confidence=0.95)
