"""Acerbi–Székely and McNeil–Frey: published critical values and examples, size and power."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from workbench.domain.errors import DataError, ModelError
from workbench.risk.backtests import acerbi_szekely_z1, acerbi_szekely_z2, mcneil_frey
from workbench.risk.backtests.expected_shortfall import bootstrap_mean_test, student_degrees

ALPHA = 0.025


def forecasts(degrees: float, days: int) -> tuple[np.ndarray, np.ndarray]:
    """VaR and ES of Student's t (normal if infinite) at 97.5 %, closed form."""
    if np.isinf(degrees):
        q = stats.norm.isf(ALPHA)
        return np.full(days, q), np.full(days, stats.norm.pdf(q) / ALPHA)
    q = stats.t.isf(ALPHA, degrees)
    es = stats.t.pdf(q, degrees) * (degrees + q * q) / ((degrees - 1) * ALPHA)
    return np.full(days, q), np.full(days, es)


def critical(test: object, degrees: float, days: int, seeds: int) -> float:
    var, es = forecasts(degrees, days)
    returns = np.append(-2 * es[:1], np.zeros(days - 1))
    return float(
        np.mean([test(returns, var, es, confidence=0.975, seed=s).critical_value for s in range(seeds)])  # type: ignore[operator]
    )


@pytest.mark.parametrize(("degrees", "published"), [(3, -0.82), (5, -0.74), (10, -0.71), (100, -0.70), (np.inf, -0.70)])
def test_z2_critical_values_are_acerbi_and_szekelys(degrees: float, published: float) -> None:
    # Acerbi and Székely (2014), table of critical values of Z2: 5 % significance, 250 days, ES at 2.5 %.
    assert critical(acerbi_szekely_z2, degrees, 250, 12) == pytest.approx(published, abs=0.02)


@pytest.mark.parametrize(("degrees", "published"), [(3, -0.43), (5, -0.26), (10, -0.17), (100, -0.12), (np.inf, -0.11)])
def test_z1_critical_values_are_acerbi_and_szekelys(degrees: float, published: float) -> None:
    # Acerbi and Székely (2014), table of critical values of Z1: 5 % significance, 250 days, ES at 2.5 %.
    assert critical(acerbi_szekely_z1, degrees, 250, 12) == pytest.approx(published, abs=0.015)


def test_z2_critical_value_shrinks_with_the_sample() -> None:
    # MathWorks, Risk Management Toolbox, esbacktest/unconditionalT: t(3), 1,966 days, 97.5 %: −0.42986 at 1 % and
    # p-value 0.018566 at −0.38265 (interpolated between tabulated levels there, hence the wider band).
    var, es = forecasts(3, 1966)
    loss_ratio = 1.38265 * 1966 * ALPHA / 50
    returns = np.append(np.full(50, -loss_ratio * es[0]), np.zeros(1916))
    results = [acerbi_szekely_z2(returns, var, es, confidence=0.975, seed=s) for s in range(10)]
    assert results[0].statistic == pytest.approx(-0.38265, abs=1e-9)
    assert np.mean([r.p_value for r in results]) == pytest.approx(0.018566, abs=0.003)
    assert -0.30 < results[0].critical_value < -0.20


def test_statistics_by_hand() -> None:
    var, es = np.full(4, 0.02), np.full(4, 0.025)
    returns = np.array([0.01, -0.03, -0.01, -0.04])
    z1 = acerbi_szekely_z1(returns, var, es, confidence=0.75)
    z2 = acerbi_szekely_z2(returns, var, es, confidence=0.75)
    assert z1.statistic == pytest.approx(1 - (1.2 + 1.6) / 2)
    assert z2.statistic == pytest.approx(1 - (1.2 + 1.6) / (4 * 0.25))
    assert (z2.exceedance_count, z2.expected_count) == (2, 1.0)


@pytest.mark.parametrize("degrees", [3.0, 5.0, 12.0])
def test_law_of_the_null_is_read_from_the_forecasts(degrees: float) -> None:
    var, es = forecasts(degrees, 1)
    assert student_degrees(float(es[0] / var[0]), ALPHA) == pytest.approx(degrees, rel=1e-4)
    result = acerbi_szekely_z2(np.full(250, 0.0), np.full(250, var[0]), np.full(250, es[0]), confidence=0.975)
    assert f"{degrees:.1f} degrees" in result.law


def test_normal_forecasts_give_the_normal_law() -> None:
    var, es = forecasts(np.inf, 250)
    assert acerbi_szekely_z2(np.zeros(250), var, es, confidence=0.975).law.startswith("normal")


def test_residuals_of_the_model_replace_the_parametric_law() -> None:
    generator = np.random.default_rng(1)
    residuals = generator.standard_t(3, size=200_000)
    var, es = forecasts(3, 250)
    drawn = [acerbi_szekely_z2(np.zeros(250), var, es, confidence=0.975, residuals=residuals, seed=s) for s in range(8)]
    assert "resampled" in drawn[0].law
    assert np.mean([r.critical_value for r in drawn]) == pytest.approx(-0.82, abs=0.03)
    with pytest.raises(DataError, match="at least two values beyond"):
        acerbi_szekely_z2(np.zeros(250), var, es, confidence=0.975, residuals=[0.1, -0.2, 0.3])


def test_z2_keeps_its_size_and_reaches_its_power() -> None:
    generator = np.random.default_rng(2)
    var, es = forecasts(5, 250)
    null = generator.standard_t(5, size=(150, 250))
    sizes = [acerbi_szekely_z2(row, var, es, confidence=0.975).p_value <= 0.05 for row in null]
    assert abs(np.mean(sizes) - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 150)
    # The stated alternative, drawn directly: 1.5 times as many exceedances with 1.5 times the mean excess.
    hit = generator.random((150, 250)) < 1.5 * ALPHA
    tail = -stats.t.isf(ALPHA * generator.random(hit.shape), 5)
    returns = np.where(hit, -(var + 1.5 * (-tail - var)), 0.0)
    results = [acerbi_szekely_z2(row, var, es, confidence=0.975) for row in returns]
    assert np.mean([r.p_value <= 0.05 for r in results]) == pytest.approx(results[0].power, abs=0.12)


def test_normal_forecasts_of_a_heavy_tail_are_rejected_given_the_exceedances() -> None:
    returns = np.random.default_rng(6).standard_t(3, size=3000) / np.sqrt(3)
    var, es = forecasts(np.inf, 3000)
    assert acerbi_szekely_z1(returns, var, es, confidence=0.975).p_value < 0.01
    assert mcneil_frey(returns, var, es).p_value < 0.01
    # At equal variance Student's t has fewer exceedances at 97.5 % than the normal: Z2 adds both up and sees less.
    joint = acerbi_szekely_z2(returns, var, es, confidence=0.975)
    assert joint.exceedance_count < joint.expected_count
    assert joint.p_value > acerbi_szekely_z1(returns, var, es, confidence=0.975).p_value


def test_no_exceedance_is_good_for_z2_and_undefined_for_z1_and_mcneil_frey() -> None:
    var, es = forecasts(5, 250)
    result = acerbi_szekely_z2(np.zeros(250), var, es, confidence=0.975)
    assert (result.statistic, result.p_value, result.exceedance_count) == (1.0, 1.0, 0)
    with pytest.raises(ModelError, match="there is none in 250 days"):
        acerbi_szekely_z1(np.zeros(250), var, es, confidence=0.975)
    with pytest.raises(ModelError, match="at least two"):
        mcneil_frey(np.zeros(250), var, es)


def test_bootstrap_gives_efron_and_tibshiranis_mouse_example() -> None:
    # Efron and Tibshirani (1993), section 16.4, the test McNeil and Frey use: seven survival times, mean 129 under the
    # null hypothesis: t = −1.67, achieved significance level 0.10 (a t(6) gives 0.07).
    mice = np.array([94.0, 197.0, 16.0, 38.0, 99.0, 141.0, 23.0])
    levels = []
    for seed in range(10):
        statistic, null, _ = bootstrap_mean_test(129.0 - mice, seed=seed)
        levels.append(np.mean(null >= statistic))
    assert round(statistic, 2) == 1.67
    assert np.mean(levels) == pytest.approx(0.10, abs=0.01)
    assert stats.t.sf(statistic, 6) == pytest.approx(0.07, abs=5e-3)


def test_mcneil_frey_residuals_use_the_volatility() -> None:
    returns, var, es = np.array([-3.0, -5.0, -2.5, 0.0]), np.full(4, 2.0), np.full(4, 2.5)
    sigma = np.array([1.0, 2.0, 1.0, 1.0])
    residual = np.array([0.5, 1.25, 0.0])
    result = mcneil_frey(returns, var, es, volatility=sigma)
    assert result.statistic == pytest.approx(residual.mean() / (residual.std(ddof=1) / np.sqrt(3)))
    with pytest.raises(DataError, match="positive volatility"):
        mcneil_frey(returns, var, es, volatility=np.array([1.0, 0.0, 1.0, 1.0]))


def test_mcneil_frey_keeps_its_size() -> None:
    generator = np.random.default_rng(3)
    var, es = forecasts(np.inf, 2000)
    rejected = [mcneil_frey(generator.normal(size=2000), var, es).p_value <= 0.05 for _ in range(300)]
    assert np.mean(rejected) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)


@given(st.integers(0, 10_000), st.floats(1e-4, 1e3))
@settings(max_examples=25, deadline=None)
def test_es_tests_do_not_depend_on_the_unit(seed: int, unit: float) -> None:
    returns = np.random.default_rng(seed).standard_t(4, size=120)
    returns[:2] = -9.0, -7.0
    var, es = forecasts(4, 120)
    for test in (acerbi_szekely_z1, acerbi_szekely_z2):
        one = test(returns, var, es, confidence=0.975)
        other = test(unit * returns, unit * var, unit * es, confidence=0.975)
        assert one.statistic == pytest.approx(other.statistic, rel=1e-9)
        assert one.p_value == pytest.approx(other.p_value, abs=0.002)
        assert 0.0 < one.p_value <= 1.0
        assert 0.0 <= one.power <= 1.0
