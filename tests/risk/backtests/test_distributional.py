"""Du–Escanciano and multinomial tests: documented outputs, closed forms, claims of the papers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from workbench.domain.errors import DataError
from workbench.risk.backtests import du_escanciano, kupiec, multinomial_levels, multinomial_test


def with_mean_violation(mean: float, days: int, rate: float) -> np.ndarray:
    """A series of probabilities whose mean cumulative violation is `mean`."""
    u = np.full(days, 0.5)
    count = int(np.ceil(2 * mean * days))
    u[:count] = rate * (1.0 - mean * days / count)
    return u


@pytest.mark.parametrize(
    ("confidence", "mean", "p_value", "spread"),
    [
        # MathWorks, Risk Management Toolbox, esbacktestbyde/unconditionalDE: S&P, t(10), 1,966 days; TestStatistic,
        # PValue and StdLS of its table.
        (0.95, 0.028821, 0.181, 0.0028565),
        (0.975, 0.015998, 0.086278, 0.0020394),
        (0.99, 0.0080997, 0.016871, 0.0012972),
    ],
)
def test_unconditional_test_gives_the_documented_output(
    confidence: float, mean: float, p_value: float, spread: float
) -> None:
    rate = 1 - confidence
    result = du_escanciano(with_mean_violation(mean, 1966, rate), confidence=confidence)
    assert result.mean_violation == pytest.approx(mean, rel=1e-9)
    assert (mean - rate / 2) / result.statistic == pytest.approx(spread, rel=2e-5)
    assert result.p_value == pytest.approx(p_value, rel=1e-3)


def test_conditional_p_value_is_the_documented_chi_square_tail() -> None:
    # MathWorks, esbacktestbyde/conditionalDE: with 2 lags the statistics 39.113, 31.177 and 18.598 have the p-values
    # 3.2121e-09, 1.6979e-07 and 9.1526e-05.
    documented = {39.113: 3.2121e-09, 31.177: 1.6979e-07, 18.598: 9.1526e-05}
    for statistic, p_value in documented.items():
        assert stats.chi2.sf(statistic, 2) == pytest.approx(p_value, rel=1e-3)
    u = np.random.default_rng(1).random(1966)
    result = du_escanciano(u, confidence=0.95, lags=2)
    assert result.conditional_p_value == pytest.approx(stats.chi2.sf(result.conditional_statistic, 2))


def test_conditional_statistic_equals_its_plain_twin() -> None:
    u, rate, lags = np.random.default_rng(2).random(700), 0.05, 3
    h = [(rate - value) / rate if value < rate else 0.0 for value in u]
    n = len(h)

    def covariance(lag: int) -> float:
        return sum((h[t] - rate / 2) * (h[t - lag] - rate / 2) for t in range(lag, n)) / (n - lag)

    expected = n * sum((covariance(lag) / covariance(0)) ** 2 for lag in range(1, lags + 1))
    result = du_escanciano(u, confidence=0.95, lags=lags)
    assert result.conditional_statistic == pytest.approx(expected)
    assert result.statistic == pytest.approx(np.sqrt(n) * (np.mean(h) - rate / 2) / np.sqrt(rate * (1 / 3 - rate / 4)))


def test_du_escanciano_keeps_its_size_and_reaches_its_power() -> None:
    generator = np.random.default_rng(3)
    null = [du_escanciano(generator.random(250), confidence=0.95, seed=1) for _ in range(150)]
    margin = 3 * np.sqrt(0.05 * 0.95 / 150)
    assert np.mean([r.exact_p_value <= 0.05 for r in null]) < 0.05 + margin
    assert np.mean([r.conditional_exact_p_value <= 0.05 for r in null]) < 0.05 + margin
    heavy = [
        du_escanciano(np.where(x < 0.075, x * 0.05 / 0.075, 0.5), confidence=0.95, seed=1)
        for x in generator.random((150, 250))
    ]
    assert np.mean([r.exact_p_value <= 0.05 for r in heavy]) == pytest.approx(null[0].power, abs=0.12)


def test_without_exceedances_nothing_is_correlated() -> None:
    result = du_escanciano(np.full(100, 0.5), confidence=0.975)
    assert result.exceedance_count == 0
    assert result.mean_violation == 0.0
    assert (result.conditional_statistic, result.conditional_p_value, result.conditional_exact_p_value) == (0, 1, 1)
    # Eight per cent of right models have no exceedance in 100 days at 97.5 %: it must not be a rejection.
    assert result.exact_p_value > 0.05


def test_probabilities_outside_the_unit_interval_are_refused() -> None:
    with pytest.raises(DataError, match=r"in \[0, 1\]; got 1\.2"):
        du_escanciano([0.1, 1.2], confidence=0.95)
    with pytest.raises(DataError, match="5 lags for 3 days"):
        du_escanciano([0.1, 0.2, 0.3], confidence=0.95)


def exceedances(u: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    return u[:, None] < 1 - np.array(levels)


def test_levels_are_those_of_kratz_lok_and_mcneil() -> None:
    # Kratz, Lok and McNeil (2018), equation 3: α_j = α + (j − 1)(1 − α)/N.
    assert multinomial_levels(0.975, 1) == (0.975,)
    assert multinomial_levels(0.975, 4) == (0.975, 0.98125, 0.9875, 0.99375)


def test_one_level_is_a_binomial_test() -> None:
    # Kratz, Lok and McNeil (2018), section 2.2: for N = 1 Pearson's test is the two-sided binomial score test.
    hits = np.zeros((250, 1), dtype=bool)
    hits[:7] = True
    result = multinomial_test(hits, confidences=(0.99,))
    score = (7 - 2.5) ** 2 / (250 * 0.01 * 0.99)
    assert result.pearson_statistic == pytest.approx(score)
    assert result.likelihood_ratio == pytest.approx(kupiec(hits[:, 0], confidence=0.99).statistic)
    assert result.cell_counts == (243, 7)


def test_mendels_peas_give_the_published_chi_square() -> None:
    # Mendel (1866): 315, 108, 101 and 32 peas of four kinds expected as 9 : 3 : 3 : 1; Fisher (1936), Has Mendel's Work
    # Been Rediscovered?, and every textbook since: chi-square 0.470 with 3 degrees of freedom, p 0.925.
    kind = np.repeat([0, 1, 2, 3], [315, 108, 101, 32])
    beyond = kind[:, None] > np.array([0, 1, 2])
    result = multinomial_test(beyond, confidences=(9 / 16, 12 / 16, 15 / 16))
    assert result.cell_counts == (315, 108, 101, 32)
    assert result.pearson_statistic == pytest.approx(0.470, abs=5e-4)
    assert result.pearson_p_value == pytest.approx(0.925, abs=1e-3)
    assert result.exact_p_value == pytest.approx(0.925, abs=0.02)


def test_pearson_equals_scipys_chi_square() -> None:
    levels = multinomial_levels(0.95, 4)
    hits = exceedances(np.random.default_rng(4).random(500), levels)
    result = multinomial_test(hits, confidences=levels)
    expected = 500 * np.array([0.95, 0.0125, 0.0125, 0.0125, 0.0125])
    reference = stats.chisquare(result.cell_counts, expected)
    assert result.pearson_statistic == pytest.approx(reference.statistic)
    assert result.pearson_p_value == pytest.approx(reference.pvalue)


def test_nass_matches_the_exact_moments() -> None:
    # Nass (1959): c·S and a chi-square with ν degrees of freedom share mean and variance; mean of S is N exactly.
    levels = multinomial_levels(0.975, 8)
    cells = np.array([0.975] + [0.025 / 8] * 8)
    counts = np.random.default_rng(5).multinomial(250, cells, size=200_000)
    simulated = ((counts - 250 * cells) ** 2 / (250 * cells)).sum(axis=1)
    result = multinomial_test(exceedances(np.random.default_rng(6).random(250), levels), confidences=levels)
    scale, degrees = result.statistic / result.pearson_statistic, result.degrees_of_freedom
    assert simulated.mean() == pytest.approx(8.0, rel=0.01)
    assert scale * simulated.mean() == pytest.approx(degrees, rel=0.01)
    assert scale**2 * simulated.var() == pytest.approx(2 * degrees, rel=0.03)


def test_pearson_is_oversized_and_nass_is_not() -> None:
    # Kratz, Lok and McNeil (2018), section 3.2: at 250 days the size of Nass's test holds for every N, Pearson's grows.
    levels, generator = multinomial_levels(0.975, 16), np.random.default_rng(7)
    results = [multinomial_test(exceedances(generator.random(250), levels), confidences=levels) for _ in range(600)]
    nass, pearson = (
        np.mean([r.p_value <= 0.05 for r in results]),
        np.mean([r.pearson_p_value <= 0.05 for r in results]),
    )
    margin = 3 * np.sqrt(0.05 * 0.95 / 600)
    assert abs(nass - 0.05) < margin
    assert pearson > 0.05 + margin
    assert np.mean([r.exact_p_value <= 0.05 for r in results]) < 0.05 + margin


def test_more_levels_see_a_heavy_tail_that_one_level_misses() -> None:
    # Kratz, Lok and McNeil (2018), abstract and tables: N of 4 or more is much more powerful than N = 1.
    powers = [
        multinomial_test(np.zeros((2000, n), dtype=bool), confidences=multinomial_levels(0.975, n)).power
        for n in (1, 4, 8)
    ]
    assert powers[0] < 0.35
    assert powers[1] > 2 * powers[0]
    assert powers[2] >= powers[1] - 0.05


def test_likelihood_ratio_finds_location_and_scale() -> None:
    levels, generator = multinomial_levels(0.95, 4), np.random.default_rng(8)
    wide = stats.norm.cdf(1.3 * generator.normal(size=2000))
    result = multinomial_test(exceedances(wide, levels), confidences=levels)
    edges = stats.norm.isf(levels)

    def log_likelihood(mu: float, sigma: float) -> float:
        inner = np.concatenate([[1.0], stats.norm.cdf((edges - mu) / sigma), [0.0]])
        return float(np.sum(np.array(result.cell_counts) * np.log(-np.diff(inner))))

    grid = max(log_likelihood(mu, s) for mu in np.linspace(-1, 1, 81) for s in np.linspace(0.6, 2.4, 91))
    assert result.likelihood_ratio == pytest.approx(2 * (grid - log_likelihood(0, 1)), abs=0.05)
    assert result.likelihood_ratio >= 2 * (grid - log_likelihood(0, 1)) - 1e-6
    assert result.likelihood_ratio_p_value < 1e-6


def test_no_exceedance_at_any_level_is_handled() -> None:
    levels = multinomial_levels(0.975, 4)
    result = multinomial_test(np.zeros((250, 4), dtype=bool), confidences=levels)
    # The ratio has no maximum, only a limit: the distortion that makes exceedances impossible.
    assert result.likelihood_ratio == pytest.approx(-2 * 250 * np.log(0.975), rel=1e-3)
    assert result.p_value > 0.05


def test_crossing_levels_and_wrong_shapes_are_refused() -> None:
    with pytest.raises(DataError, match="levels cross"):
        multinomial_test([[False, True], [False, False]], confidences=(0.95, 0.99))
    with pytest.raises(DataError, match="must increase"):
        multinomial_test([[False, True]], confidences=(0.99, 0.95))
    with pytest.raises(DataError, match="shape"):
        multinomial_test([[False], [True]], confidences=(0.95, 0.99))
    with pytest.raises(DataError, match="True or False"):
        multinomial_test([[0.5, 0.0]], confidences=(0.95, 0.99))
    with pytest.raises(DataError, match="positive number of VaR levels"):
        multinomial_levels(0.975, 0)


@given(st.integers(0, 10_000), st.integers(2, 200), st.integers(1, 8))
@settings(max_examples=25, deadline=None)
def test_multinomial_results_are_probabilities_and_ignore_order(seed: int, days: int, count: int) -> None:
    levels = multinomial_levels(0.9, count)
    hits = exceedances(np.random.default_rng(seed).random(days), levels)
    one, other = multinomial_test(hits, confidences=levels), multinomial_test(hits[::-1], confidences=levels)
    assert one == other
    for value in (one.p_value, one.exact_p_value, one.power, one.pearson_p_value, one.likelihood_ratio_p_value):
        assert 0.0 <= value <= 1.0
