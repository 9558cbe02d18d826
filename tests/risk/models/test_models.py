"""The battery over every registered VaR model, and what is particular to some."""

import pickle

import numpy as np
import pytest
from scipy import stats

from workbench.domain.errors import ModelError
from workbench.risk.distributions import normal_tail
from workbench.risk.models import CONFIDENCES, MODELS
from workbench.risk.models.caviar import CaviarEstimator, quantile_path, tick_loss
from workbench.risk.models.empirical import cornish_fisher_tail, empirical_tail, rolling_tail

WINDOW = 1000
EVERY = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


@pytest.fixture(scope="module")
def calm(ecb):
    """A stretch of EURCAD that every model accepts."""
    returns = ecb.pair_simple_returns(("EURCAD",))["EURCAD"].to_numpy()
    return returns[4200:5400]


def forecast(model, returns, start, stop):
    window = returns[start - WINDOW : start]
    estimate = model.estimator.estimate(window, None, check_cold=True)
    return model.forecast(returns, (start, stop), WINDOW, model.tail(window, estimate))


@EVERY
def test_es_is_never_below_var_and_both_are_positive_and_finite(model, calm):
    found = forecast(model, calm, 1100, 1120)
    assert found.value_at_risk.shape == found.expected_shortfall.shape == (20, 3)
    assert np.all(found.value_at_risk > 0)
    assert np.all(found.expected_shortfall >= found.value_at_risk)
    assert np.all(np.isfinite(found.expected_shortfall))


@EVERY
def test_levels_are_in_order(model, calm):
    found = forecast(model, calm, 1100, 1120)
    assert np.all(np.diff(found.value_at_risk, axis=1) >= 0)


@EVERY
def test_forecast_does_not_move_when_later_returns_are_garbage(model, calm):
    garbage = calm.copy()
    garbage[1110:] = 0.5
    clean, dirty = forecast(model, calm, 1100, 1120), forecast(model, garbage, 1100, 1120)
    assert np.array_equal(clean.value_at_risk[:11], dirty.value_at_risk[:11])
    assert np.array_equal(clean.expected_shortfall[:11], dirty.expected_shortfall[:11])


@EVERY
def test_same_input_same_output_and_a_pickled_model_forecasts_the_same(model, calm):
    again = pickle.loads(pickle.dumps(model))  # noqa: S301
    first, second = forecast(model, calm, 1100, 1105), forecast(again, calm, 1100, 1105)
    assert np.array_equal(first.value_at_risk, second.value_at_risk)


@EVERY
def test_var_scales_with_the_returns(model, calm):
    # a power of two changes no digit: what differs then is a unit hidden in the model, not another local optimum
    one, eight = forecast(model, calm, 1100, 1105), forecast(model, 8 * calm, 1100, 1105)
    assert eight.value_at_risk == pytest.approx(8 * one.value_at_risk, rel=1e-9)


@EVERY
def test_share_of_exceedances_on_normal_noise_is_about_the_nominal_one(model):
    noise = 0.01 * np.random.default_rng(5).standard_normal(WINDOW + 1000)
    found = forecast(model, noise, WINDOW, WINDOW + 1000)
    share = np.mean(-noise[WINDOW:, None] > found.value_at_risk, axis=0)
    assert share == pytest.approx(1 - CONFIDENCES, abs=0.017)


def test_rolling_tail_equals_sorting_every_window():
    losses = np.random.default_rng(2).standard_normal(400)
    losses[50:60] = losses[0]
    quantiles, means = rolling_tail(losses, 100, CONFIDENCES)
    assert len(quantiles) == 301
    for row in range(301):
        assert quantiles[row] == pytest.approx(np.quantile(losses[row : row + 100], CONFIDENCES))
        worst = np.sort(losses[row : row + 100])[::-1]
        assert means[row, 0] == pytest.approx(max(worst[:5].mean(), quantiles[row, 0]))


def test_empirical_tail_of_a_large_normal_sample_is_the_closed_form():
    losses = np.random.default_rng(3).standard_normal(400_000)
    for ours, closed in zip(empirical_tail(losses), normal_tail(CONFIDENCES), strict=True):
        assert ours == pytest.approx(closed, rel=0.01)


def test_cornish_fisher_of_a_normal_is_normal():
    for ours, closed in zip(cornish_fisher_tail(CONFIDENCES, 0.0, 0.0), normal_tail(CONFIDENCES), strict=True):
        assert ours == pytest.approx(closed)


def test_cornish_fisher_tail_mean_is_the_integral_of_its_quantiles():
    levels = np.linspace(0.99, 1, 200_001)[:-1]
    quantile, mean = cornish_fisher_tail(np.array([0.99]), -0.3, 1.0)
    z = -stats.norm.ppf(levels)
    expanded = z + (z**2 - 1) * -0.3 / 6 + (z**3 - 3 * z) / 24 - (2 * z**3 - 5 * z) * 0.09 / 36
    assert mean[0] == pytest.approx(-expanded.mean(), rel=1e-3)
    assert quantile[0] == pytest.approx(-expanded[0])


def test_cornish_fisher_is_refused_outside_its_domain(ecb):
    returns = ecb.pair_simple_returns(("EURCHF",))["EURCHF"].to_numpy()
    day = int(np.argmin(returns))
    with pytest.raises(ModelError, match="outside its monotone domain"):
        MODELS["cornish-fisher"].tail(returns[day - 500 : day + 500], np.empty(0))


def test_caviar_search_is_close_to_a_wide_random_search(eurusd):
    window = eurusd[:WINDOW]
    estimate = CaviarEstimator().estimate(window, None, check_cold=True)[:4]
    first = float(np.quantile(-window[:300], 0.95))
    ours = tick_loss(estimate, window, first, 0.95)
    rng = np.random.default_rng(4)
    trials = rng.uniform([-2e-4, 0.5, -0.1, -0.1], [1e-3, 0.999, 0.4, 0.4], (20_000, 4))
    assert ours <= min(tick_loss(trial, window, first, 0.95) for trial in trials) * (1 + 1e-3)


def test_caviar_is_exceeded_as_often_as_it_says_in_sample(eurusd):
    window = eurusd[:WINDOW]
    estimate = CaviarEstimator().estimate(window, None, check_cold=True)
    for level, confidence in enumerate(CONFIDENCES):
        first = float(np.quantile(-window[:300], confidence))
        path = quantile_path(estimate[4 * level : 4 * level + 4], window, first)
        assert np.mean(-window > path[:-1]) == pytest.approx(1 - confidence, abs=0.003)
