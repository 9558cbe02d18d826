"""Dynamic quantile and duration tests: published outputs, plain twins, size and power."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.signal import lfilter

from workbench.domain.errors import DataError
from workbench.risk.backtests import duration_test, dynamic_quantile, markov_hits
from workbench.risk.backtests.dynamics import weibull_ratios

DATA = Path(__file__).parents[2] / "data"


def twin_statistic(hits: np.ndarray, var: np.ndarray, rate: float, lags: int) -> float:
    """Ordinary least squares in the paper's own regressors."""
    hit = hits.astype(float) - rate
    lagged = [hit[lags - lag : hit.size - lag] for lag in range(1, lags + 1)]
    design = np.column_stack([np.ones(hit.size - lags), *lagged, var[lags:]])
    fitted = design @ np.linalg.lstsq(design, hit[lags:], rcond=None)[0]
    return float(fitted @ fitted) / (rate * (1 - rate))


def test_dynamic_quantile_gives_the_published_p_value_on_the_dm_gbp_returns() -> None:
    # ARCHModels.jl (MIT), test suite: GARCH(1,1) on Bollerslev–Ghysels, in-sample VaR at 1 %, one lag; the sum of
    # VaR is 2077.0976454790807, the p-value 2.3891461144184955e-11. Its documentation prints the estimates used here.
    returns = np.loadtxt(DATA / "dm_gbp_bollerslev_ghysels.csv", skiprows=1)
    mu, omega, alpha, beta = -0.00616637, 0.0107606, 0.153411, 0.805875
    shocks, start = returns - mu, returns.var(ddof=1)
    later, _ = lfilter([1.0], [1.0, -beta], omega + alpha * shocks[:-1] ** 2, zi=[beta * start])
    variance = np.append(start, later)
    var = -mu - np.sqrt(variance) * stats.norm.ppf(0.01)
    result = dynamic_quantile(returns < -var, var, confidence=0.99, lags=1)
    assert var.sum() == pytest.approx(2077.0976454790807, rel=1e-6)
    assert result.p_value == pytest.approx(2.3891461144184955e-11, rel=1e-4)
    assert result.degrees_of_freedom == 3


@pytest.mark.parametrize("lags", [0, 1, 4, 8])
def test_dynamic_quantile_equals_its_plain_twin(lags: int) -> None:
    generator = np.random.default_rng(3)
    hits = generator.random(600) < 0.05
    var = 0.01 * np.exp(0.3 * generator.normal(size=600))
    result = dynamic_quantile(hits, var, confidence=0.95, lags=lags)
    assert result.statistic == pytest.approx(twin_statistic(hits, var, 0.05, lags), rel=1e-9)
    assert result.degrees_of_freedom == lags + 2
    assert result.observations == 600 - lags


def test_dynamic_quantile_does_not_depend_on_the_unit_of_var() -> None:
    generator = np.random.default_rng(4)
    hits, var = generator.random(400) < 0.05, generator.uniform(0.5, 2.0, 400)
    one = dynamic_quantile(hits, var, confidence=0.95)
    other = dynamic_quantile(hits, 1e-4 * var, confidence=0.95)
    assert one.statistic == pytest.approx(other.statistic, rel=1e-9)


def test_dynamic_quantile_without_exceedances_tests_the_rate_alone() -> None:
    result = dynamic_quantile(np.zeros(254), np.full(254, 0.01), confidence=0.99)
    # The lagged hits and a constant VaR are collinear with the constant: one regressor is left, T α / (1 − α).
    assert result.degrees_of_freedom == 1
    assert result.statistic == pytest.approx(250 * 0.01 / 0.99)


def test_dynamic_quantile_sees_var_that_is_too_flat() -> None:
    generator = np.random.default_rng(7)
    volatility = np.exp(np.cumsum(0.05 * generator.normal(size=1500)) * 0.5)
    returns = volatility * generator.normal(size=1500)
    right = dynamic_quantile(returns < -1.645 * volatility, 1.645 * volatility, confidence=0.95)
    flat = np.full(1500, np.quantile(-returns, 0.95)) + 1e-3 * volatility
    wrong = dynamic_quantile(returns < -flat, flat, confidence=0.95)
    assert wrong.exact_p_value < 0.01 < right.exact_p_value


def test_monte_carlo_p_values_keep_the_size_and_the_stated_power_is_reached() -> None:
    generator, var = np.random.default_rng(20), np.linspace(0.01, 0.02, 250)
    null = markov_hits(generator, series=100, days=250, rate=0.05, odds_ratio=1.0)
    other = markov_hits(generator, series=100, days=250, rate=0.05, odds_ratio=5.0)
    quantile = [dynamic_quantile(row, var, confidence=0.95, seed=1) for row in other]
    duration = [duration_test(row, seed=1) for row in other]
    margin = 3 * np.sqrt(0.05 * 0.95 / 100)
    assert np.mean([dynamic_quantile(r, var, confidence=0.95).exact_p_value <= 0.05 for r in null]) < 0.05 + margin
    assert np.mean([duration_test(row).exact_p_value <= 0.05 for row in null]) < 0.05 + margin
    assert np.mean([r.exact_p_value <= 0.05 for r in quantile]) == pytest.approx(quantile[0].power, abs=0.15)
    assert np.mean([r.exact_p_value <= 0.05 for r in duration]) == pytest.approx(
        np.mean([r.power for r in duration]), abs=0.15
    )


def test_weibull_gives_the_published_fit_of_the_leukaemia_remissions() -> None:
    # Freireich et al. (1963), 21 remissions under 6-MP in weeks, 12 of them censored; Cox and Oakes (1984), Analysis of
    # Survival Data: exponential log-likelihood −42.17, Weibull −41.66, exponent 1.35.
    weeks = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
    ended = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
    durations, complete = np.array([weeks], dtype=float), np.array([ended], dtype=bool)
    ratio, shape = weibull_ratios(durations, complete)
    exponential = 9 * np.log(9 / 359) - 9
    assert exponential == pytest.approx(-42.17, abs=5e-3)
    assert exponential + ratio[0] / 2 == pytest.approx(-41.66, abs=6e-3)
    assert shape[0] == pytest.approx(1.354, abs=5e-4)
    censored = stats.CensoredData.right_censored(durations[0], ~complete[0])
    assert shape[0] == pytest.approx(stats.weibull_min.fit(censored, floc=0)[0], rel=1e-4)


def test_durations_at_the_edges_are_censored_as_christoffersen_and_pelletier_say() -> None:
    def log_likelihood(shape: float, complete: list[float], cut: list[float]) -> float:
        days, every = np.array(complete), np.array(complete + cut)
        rate = len(complete) / (every**shape).sum()
        return float(np.sum(np.log(rate * shape) + (shape - 1) * np.log(days)) - rate * (every**shape).sum())

    hits = np.zeros(100, dtype=bool)
    hits[[9, 10, 12, 60]] = True  # waits 10 (cut), 1, 2, 48 and 39 days after the last (cut)
    result = duration_test(hits)
    grid = max(log_likelihood(b, [1, 2, 48], [10, 39]) for b in np.exp(np.linspace(-2, 2, 40_001)))
    assert result.statistic == pytest.approx(2 * (grid - log_likelihood(1.0, [1, 2, 48], [10, 39])), abs=1e-6)
    hits[[0, 99]] = True  # hits on both edges: every duration is complete
    grid = max(log_likelihood(b, [9, 1, 2, 48, 39], []) for b in np.exp(np.linspace(-2, 2, 40_001)))
    assert duration_test(hits).statistic == pytest.approx(
        2 * (grid - log_likelihood(1, [9, 1, 2, 48, 39], [])), abs=1e-6
    )


def test_durations_see_clusters_and_regularity() -> None:
    clustered, regular = np.zeros(500, dtype=bool), np.zeros(500, dtype=bool)
    clustered[[50, 51, 53, 54, 57, 300, 301, 304, 305, 306]] = True
    regular[25::50] = True
    assert duration_test(clustered).shape < 0.8
    assert duration_test(clustered).exact_p_value < 0.02
    assert duration_test(regular).shape > 5.0
    assert duration_test(regular).exact_p_value < 0.02


def test_whole_days_mislead_the_asymptotic_duration_test_only() -> None:
    # Haas (2005), Improved duration-based backtesting of value-at-risk: whole days against a continuous law.
    hits = markov_hits(np.random.default_rng(9), series=25, days=4000, rate=0.10, odds_ratio=1.0)
    results = [duration_test(row) for row in hits]
    assert np.mean([r.p_value <= 0.05 for r in results]) > 0.3
    assert np.mean([r.exact_p_value <= 0.05 for r in results]) < 0.15


@pytest.mark.parametrize("hits", [np.zeros(50), np.eye(50)[3], np.zeros(1), np.ones(1)])
def test_fewer_than_two_exceedances_leave_no_duration(hits: np.ndarray) -> None:
    result = duration_test(hits)
    assert (result.statistic, result.p_value, result.exact_p_value, result.power, result.shape) == (0, 1, 1, 0, 1)


def test_a_hit_every_day_is_handled() -> None:
    result = duration_test(np.ones(50))
    assert np.isfinite(result.statistic)
    assert result.exact_p_value == 1.0


def test_too_few_days_for_the_lags_are_refused() -> None:
    with pytest.raises(DataError, match="longer than 2"):
        dynamic_quantile([True] * 12, [0.01] * 12, confidence=0.99)
    with pytest.raises(DataError, match="12 VaR values for 13 flags"):
        dynamic_quantile([True] * 13, [0.01] * 12, confidence=0.99)


@given(st.lists(st.booleans(), min_size=13, max_size=80), st.integers(0, 4))
@settings(max_examples=25, deadline=None)
def test_results_are_probabilities_and_repeatable(hits: list[bool], lags: int) -> None:
    var = np.linspace(0.01, 0.03, len(hits))
    one, other = (dynamic_quantile(hits, var, confidence=0.95, lags=lags) for _ in range(2))
    assert one == other
    for result in (one, duration_test(hits)):
        assert 0.0 <= result.p_value <= 1.0
        assert 0.0 < result.exact_p_value <= 1.0
        assert 0.0 <= result.power <= 1.0
