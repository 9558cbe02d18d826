"""Weightings against closed forms and an independent HRP; the comparison at equal exposure."""

import numpy as np
import pandas as pd
import pytest
from scipy.cluster.hierarchy import linkage, to_tree
from scipy.spatial.distance import squareform

from workbench.domain.errors import DataError
from workbench.portfolio import compare_weights
from workbench.portfolio.comparisons import (
    HRP_VARIANT,
    STEP_DAYS,
    TIER_RULE,
    WEIGHTINGS,
    WINDOW_DAYS,
    equal_weight,
    hierarchical_risk_parity,
    inverse_volatility,
    risk_parity,
)


def returns_of(covariance, days=1_500, seed=0):
    """Returns whose sample covariance is exactly the one asked for."""
    generator = np.random.default_rng(seed)
    raw = generator.standard_normal((days, len(covariance)))
    raw -= raw.mean(axis=0)
    white = raw @ np.linalg.inv(np.linalg.cholesky(np.cov(raw.T))).T
    values = white @ np.linalg.cholesky(covariance).T
    return pd.DataFrame(values, pd.bdate_range("2015-01-01", periods=days), [f"s{k}" for k in range(len(covariance))])


def test_equal_weight_and_inverse_volatility_are_what_they_say():
    returns = returns_of(np.diag([1e-4, 4e-4, 16e-4]))
    assert equal_weight(returns) == pytest.approx([1 / 3] * 3)
    assert inverse_volatility(returns) == pytest.approx(np.array([4, 2, 1]) / 7)


def test_risk_parity_of_two_is_inverse_volatility_whatever_their_correlation():
    for correlation in (-0.5, 0.0, 0.8):
        covariance = np.array([[1e-4, correlation * 3e-4], [correlation * 3e-4, 9e-4]])
        assert risk_parity(returns_of(covariance)) == pytest.approx([0.75, 0.25], abs=1e-4)


def test_risk_parity_at_equal_correlation_is_inverse_volatility():
    deviation = np.array([0.01, 0.02, 0.04])
    covariance = np.outer(deviation, deviation) * (0.3 + 0.7 * np.eye(3))
    assert risk_parity(returns_of(covariance)) == pytest.approx(np.array([4, 2, 1]) / 7, abs=1e-4)


def published_hrp(returns):
    """López de Prado (2016), clustering on the distance itself: single linkage, order of the tree, bisection."""
    covariance, correlation = returns.cov().to_numpy(), returns.corr().to_numpy()
    distance = np.sqrt(np.maximum(0.5 * (1.0 - correlation), 0.0))
    np.fill_diagonal(distance, 0.0)
    order = to_tree(linkage(squareform(distance, checks=False), "single")).pre_order()
    weights = np.ones(len(order))

    def variance(items):
        inner = covariance[np.ix_(items, items)]
        inverse = 1.0 / np.diag(inner)
        inverse /= inverse.sum()
        return inverse @ inner @ inverse

    groups = [order]
    while groups:
        halves = [(group[: len(group) // 2], group[len(group) // 2 :]) for group in groups if len(group) > 1]
        for left, right in halves:
            share = 1.0 - variance(left) / (variance(left) + variance(right))
            weights[left] *= share
            weights[right] *= 1.0 - share
        groups = [half for pair in halves for half in pair]
    return weights


@pytest.mark.parametrize("seed", range(5))
def test_hrp_is_recursive_bisection_along_the_tree(seed):
    generator = np.random.default_rng(seed)
    factors = generator.normal(size=(6, 6)) * 0.01
    returns = returns_of(factors @ factors.T + 1e-4 * np.eye(6), seed=seed)
    assert hierarchical_risk_parity(returns) == pytest.approx(published_hrp(returns), abs=1e-6)


@pytest.mark.parametrize("name", list(WEIGHTINGS))
def test_weights_are_positive_add_up_and_leave_out_what_never_moves(name):
    returns = returns_of(np.diag([1e-4, 4e-4, 2e-4, 3e-4]))
    weights = WEIGHTINGS[name](returns)
    assert weights.sum() == pytest.approx(1.0) and (weights >= 0).all()
    returns["s2"] = 0.0
    still = WEIGHTINGS[name](returns)
    assert still.sum() == pytest.approx(1.0)
    if name != "equal weight":
        assert still[2] == 0.0
        returns[["s0", "s1"]] = 0.0
        assert WEIGHTINGS[name](returns) == pytest.approx([0.0, 0.0, 0.0, 1.0])


def compared(returns, weights=None, seed=0):
    even = np.full(returns.shape, 1.0 / returns.shape[1]) if weights is None else weights
    table = pd.DataFrame(even, returns.index, returns.columns)
    return compare_weights(returns, table, generator=np.random.default_rng(seed), bootstraps=200)


def history(days=2_000, seed=1):
    generator = np.random.default_rng(seed)
    values = generator.normal(2e-4, 1.0, (days, 4)) * np.array([0.002, 0.004, 0.008, 0.016])
    return pd.DataFrame(values, pd.bdate_range("2012-01-02", periods=days), list("abcd"))


def test_every_weighting_has_the_exposure_of_the_tier_rule():
    found = compared(history())
    assert list(found.table.index) == [TIER_RULE, *WEIGHTINGS] and HRP_VARIANT in found.table.index
    volatility = found.table["annual_volatility"]
    assert (volatility / volatility[TIER_RULE]).between(0.9, 1.1).all()
    # the rule here holds equal weights: the same weighting is the same line
    assert found.table.loc["equal weight", "difference"] == pytest.approx(0.0, abs=1e-9)
    np.testing.assert_allclose(found.returns["equal weight"], found.returns[TIER_RULE], rtol=0, atol=1e-15)
    assert len(found.returns) == 2_000 - WINDOW_DAYS


def test_figures_against_plain_formulas():
    found = compared(history())
    line = found.returns["inverse volatility"]
    rate = (len(line) - 1) * 365.25 / (line.index[-1] - line.index[0]).days
    row = found.table.loc["inverse volatility"]
    assert row["annual_return"] == pytest.approx(line.mean() * rate)
    assert row["sharpe"] == pytest.approx(line.mean() / line.std() * np.sqrt(rate))
    equity = line.cumsum()
    assert row["drawdown"] == pytest.approx((np.maximum(equity.cummax(), 0) - equity).max())
    assert row["shortfall"] == pytest.approx(-line[line <= line.quantile(0.025)].mean())
    assert row["shortfall"] > 0 and row["turnover"] > 0


def test_later_returns_change_no_earlier_line():
    returns = history()
    clean = compared(returns).returns
    row = WINDOW_DAYS + 2 * STEP_DAYS
    dirty = returns.copy()
    dirty.iloc[row:] = np.random.default_rng(2).normal(0, 0.1, dirty.iloc[row:].shape)
    pd.testing.assert_frame_equal(compared(dirty).returns.iloc[: row - WINDOW_DAYS], clean.iloc[: row - WINDOW_DAYS])


def test_a_clear_difference_is_called_one_and_noise_is_not():
    quiet = ["no weighting differs" in compared(history(seed=seed)).sentence for seed in range(10)]
    assert sum(quiet) >= 6  # four weightings, two standard errors each: more than one in ten is loud by chance
    returns = history(6_000)
    returns["d"] -= 0.006
    assert "differs from the tier rule by more than two standard errors" in compared(returns).sentence


def test_the_standard_error_is_about_that_of_independent_lines():
    days = 5_000
    values = np.random.default_rng(3).normal(0.0, 0.01, (days, 2))
    returns = pd.DataFrame(values, pd.bdate_range("2000-01-03", periods=days), ["a", "b"])
    only_a = np.tile([1.0, 0.0], (days, 1))
    found = compared(returns, only_a).table
    years = (days - WINDOW_DAYS) / 260.9
    # equal weight correlates √½ with the first line: the variance of the difference is (2 − 2 √½) / years
    assert found.loc["equal weight", "error"] == pytest.approx(np.sqrt((2 - 2 * np.sqrt(0.5)) / years), rel=0.25)


def test_too_little_to_compare_is_said():
    alone = compared(history()[["a"]])
    assert alone.table.empty and "fewer than two strategies" in alone.sentence
    with pytest.raises(DataError, match=f"more than {WINDOW_DAYS + STEP_DAYS} days"):
        compared(history(500))
    spoiled = history()
    spoiled.iloc[5, 1] = np.inf
    with pytest.raises(DataError, match="finite returns"):
        compared(spoiled)
