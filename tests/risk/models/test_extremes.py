"""Generalised Pareto fit against a published data set, scipy and a closed form."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from workbench.domain.errors import DataError, ModelError
from workbench.risk.models.extremes import GpdFit, fit_gpd

DATA = Path(__file__).parents[2] / "data"


def test_daily_rainfall_equals_the_published_fit():
    # Coles (2001), section 4.4.1: excesses over 30 mm, sigma 7.44, xi 0.184, log-likelihood −485.1
    rain = np.loadtxt(DATA / "daily_rainfall_coles.csv", skiprows=1)
    fit = fit_gpd(rain, threshold=30.0)
    assert fit.exceedances == 152
    assert fit.beta == pytest.approx(7.44, abs=5e-3)
    assert fit.xi == pytest.approx(0.184, abs=1e-3)
    assert fit.log_likelihood == pytest.approx(-485.1, abs=0.05)


def test_wheaton_river_floods_are_fitted_better_than_published():
    # Choulakian and Stephens (2001), Technometrics 43: k = −xi = −0.006, a = beta = 12.14. On the 72 printed values
    # that pair has a log-likelihood of −252.12856; scipy and this fit agree on xi 0.00093, beta 12.193 at −252.12795:
    # the published search stopped early on a flat surface (standard error of xi 0.12).
    floods = np.loadtxt(DATA / "wheaton_river.csv", skiprows=1)
    fit = fit_gpd(floods, threshold=0.0)
    published = stats.genpareto.logpdf(floods, 0.006, scale=12.14).sum()
    assert fit.exceedances == 72
    assert fit.log_likelihood > published
    assert fit.log_likelihood == pytest.approx(published, abs=1e-3)
    assert fit.beta == pytest.approx(12.14, rel=5e-3)


@pytest.mark.parametrize("xi", [-0.2, 0.0, 0.3, 0.7])
def test_likelihood_is_never_below_that_of_scipy(xi):
    losses = stats.genpareto.rvs(xi, scale=2.0, size=400, random_state=3)
    fit = fit_gpd(losses, threshold=0.0)
    shape, _, scale = stats.genpareto.fit(losses, floc=0)
    twin = stats.genpareto.logpdf(losses, shape, scale=scale).sum()
    assert fit.log_likelihood >= twin - 1e-6
    assert stats.genpareto.logpdf(losses, fit.xi, scale=fit.beta).sum() == pytest.approx(fit.log_likelihood)
    assert fit.xi == pytest.approx(xi, abs=0.15)


def test_quantile_and_tail_mean_are_those_of_the_law():
    fit = GpdFit(xi=0.25, beta=0.01, threshold=0.02, exceedances=100, tail_share=0.1, log_likelihood=0.0)
    level = np.array([0.95, 0.99])
    twin = 0.02 + stats.genpareto.ppf(1 - (1 - level) / 0.1, 0.25, scale=0.01)
    assert fit.quantile(level) == pytest.approx(twin)
    beyond = stats.genpareto.expect(
        lambda x: 0.02 + x, args=(0.25,), scale=0.01, lb=twin[1] - 0.02, conditional=True, epsabs=1e-12
    )
    assert fit.tail_mean(level)[1] == pytest.approx(beyond, rel=1e-5)


def test_a_level_inside_the_threshold_and_a_tail_without_mean_are_refused():
    fit = GpdFit(xi=1.2, beta=1.0, threshold=0.0, exceedances=20, tail_share=0.05, log_likelihood=0.0)
    with pytest.raises(ModelError, match=r"confidence must be 0\.950 or more"):
        fit.quantile(np.array([0.9]))
    with pytest.raises(ModelError, match=r"no mean: xi is 1\.20"):
        fit.tail_mean(np.array([0.99]))


def test_few_exceedances_are_refused():
    with pytest.raises(DataError, match="10 or more losses above 5, got 0"):
        fit_gpd(np.ones(100), threshold=5.0)
