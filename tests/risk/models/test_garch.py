"""GARCH against the published benchmark, the reference implementation and itself without compiler."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from arch import arch_model

from workbench.domain.currencies import PAIRS
from workbench.domain.errors import DataError, ModelError
from workbench.risk.models import garch_kernel as kernel
from workbench.risk.models.garch import Specification, cold_start, fit_garch

DM_GBP = Path(__file__).parents[2] / "data" / "dm_gbp_bollerslev_ghysels.csv"
LAWS = {"normal": "normal", "t": "t", "skewt": "skewt"}


@pytest.fixture(scope="module")
def dm_gbp():
    return np.loadtxt(DM_GBP, skiprows=1)


def test_dm_gbp_benchmark(dm_gbp):
    # Fiorentini, Calzolari and Panattoni (1996), table 1: mu −0.00619041, omega 0.0107613, alpha 0.153134,
    # beta 0.805974; log-likelihood −1106.60788 (Brooks, Burke and Persand, 2001, use the same as benchmark)
    fit = fit_garch(dm_gbp)
    assert fit.parameters["mu"] == pytest.approx(-0.00619041, abs=5e-9)
    assert fit.parameters["omega"] == pytest.approx(0.0107613, abs=1.5e-7)
    assert fit.parameters["alpha"] == pytest.approx(0.153134, abs=5e-7)
    assert fit.parameters["beta"] == pytest.approx(0.805974, abs=5e-7)
    assert fit.log_likelihood == pytest.approx(-1106.60788, abs=5e-5)


def test_dm_gbp_with_the_default_backcast_of_arch(dm_gbp):
    # with arch's exponentially weighted backcast alpha is 0.1455: the backcast, not the search, makes the difference
    weights = 0.94 ** np.arange(75)
    residuals = dm_gbp - dm_gbp.mean()
    backcast = float(np.sum(weights * residuals[:75] ** 2) / weights.sum())
    assert fit_garch(dm_gbp, backcast=backcast).parameters["alpha"] == pytest.approx(0.1455, abs=5e-5)


def reference(returns, law, *, asymmetric, backcast):
    model = arch_model(returns, mean="Constant", vol="GARCH", p=1, o=int(asymmetric), q=1, dist=LAWS[law])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(disp="off", backcast=backcast, show_warning=False)


@pytest.mark.parametrize("pair", PAIRS)
def test_likelihood_is_that_of_arch_or_better_in_three_windows(ecb, pair):
    returns = 100 * ecb.pair_simple_returns((pair,))[pair].to_numpy()
    for start in (0, 2500, 5000):
        window = returns[start : start + 1000]
        backcast = float(window.var())
        for law in ("normal", "t"):
            ours = fit_garch(window, distribution=law, backcast=backcast)
            theirs = reference(window, law, asymmetric=False, backcast=backcast)
            assert ours.log_likelihood >= theirs.loglikelihood - 1e-3, (start, law)


@pytest.mark.parametrize("law", list(LAWS))
@pytest.mark.parametrize("asymmetric", [False, True])
def test_same_likelihood_and_volatility_as_arch_at_the_parameters_of_arch(eurusd, law, asymmetric):
    window = 100 * eurusd[-1000:]
    backcast = float(window.var())
    theirs = reference(window, law, asymmetric=asymmetric, backcast=backcast)
    p = theirs.params
    natural = np.array(
        [
            p["mu"],
            p["omega"],
            p["alpha[1]"],
            p.get("gamma[1]", 0.0),
            p["beta[1]"],
            p.get("nu", p.get("eta", 8.0)),
            p.get("lambda", 0.0),
        ]
    )
    score = np.empty(7)
    objective = kernel.normal_score if law == "normal" else kernel.skewed_t_score
    assert -objective(natural, window, backcast, score) == pytest.approx(theirs.loglikelihood, abs=1e-6)
    path = np.sqrt(kernel.variance_path(natural, window, backcast))
    assert path[:-1] == pytest.approx(np.asarray(theirs.conditional_volatility), rel=1e-9)
    forecast = theirs.forecast(horizon=1).variance.iloc[-1, 0]
    assert path[-1] ** 2 == pytest.approx(forecast, rel=1e-9)


@pytest.mark.parametrize("law", list(LAWS))
@pytest.mark.parametrize("asymmetric", [False, True])
@pytest.mark.parametrize("backcast", [-1.0, 0.9])
def test_analytic_score_is_the_slope_of_the_likelihood(law, asymmetric, backcast):
    returns = 0.7 * np.random.default_rng(0).standard_t(5, 400)
    spec = Specification(law, asymmetric).code
    x = np.array([0.05, -3.0, 3.0, -2.5, 0.3, 1.2, 0.2])
    slope, ignored = np.empty(7), np.empty(7)
    kernel.objective(x, returns, backcast, spec, slope)
    for i in Specification(law, asymmetric).free:
        step = np.zeros(7)
        step[i] = 1e-5
        up = kernel.objective(x + step, returns, backcast, spec, ignored)
        down = kernel.objective(x - step, returns, backcast, spec, ignored)
        assert slope[i] == pytest.approx((up - down) / 2e-5, abs=1e-5)


def test_compiled_equals_plain_python(eurusd):
    returns = eurusd[:300] / eurusd[:300].std()
    x = cold_start(returns, Specification("skewt", asymmetric=True))[0]
    natural = kernel.to_natural.py_func(x, asymmetric=True)
    compiled_score, plain_score = np.empty(7), np.empty(7)
    compiled = kernel.skewed_t_score(natural, returns, -1.0, compiled_score)
    plain = kernel.skewed_t_score.py_func(natural, returns, -1.0, plain_score)
    assert compiled == pytest.approx(plain, rel=1e-12)
    assert compiled_score == pytest.approx(plain_score, rel=1e-9)


def test_answer_does_not_depend_on_the_unit(eurusd):
    window = eurusd[-1000:]
    fractions, percents = fit_garch(window, distribution="t"), fit_garch(100 * window, distribution="t")
    assert percents.parameters["alpha"] == pytest.approx(fractions.parameters["alpha"])
    assert percents.parameters["omega"] == pytest.approx(1e4 * fractions.parameters["omega"])
    assert percents.log_likelihood == pytest.approx(fractions.log_likelihood - 1000 * np.log(100))


def test_fit_recovers_the_parameters_of_a_long_simulation():
    rng = np.random.default_rng(7)
    omega, alpha, beta, nu = 0.02, 0.08, 0.90, 6.0
    h, returns = 1.0, np.empty(40_000)
    for t, z in enumerate(rng.standard_t(nu, returns.size) * np.sqrt((nu - 2) / nu)):
        returns[t] = np.sqrt(h) * z
        h = omega + alpha * returns[t] ** 2 + beta * h
    found = fit_garch(returns, distribution="t").parameters
    assert found["alpha"] == pytest.approx(alpha, abs=0.01)
    assert found["beta"] == pytest.approx(beta, abs=0.015)
    # the standard error of nu is 0.15 here; arch finds 5.597 on the same sample
    assert found["nu"] == pytest.approx(nu, abs=3 * 0.15)


def test_bad_returns_are_refused_with_the_reason():
    with pytest.raises(DataError, match="at least 50 returns"):
        fit_garch(np.ones(10))
    with pytest.raises(DataError, match="row 3 is nan"):
        fit_garch(np.array([0.1, 0.2, 0.3, np.nan] + [0.1] * 60))
    with pytest.raises(DataError, match="do not vary"):
        fit_garch(np.full(100, 0.01))
    with pytest.raises(ModelError, match="unknown distribution 'cauchy'"):
        fit_garch(np.arange(100.0), distribution="cauchy")
