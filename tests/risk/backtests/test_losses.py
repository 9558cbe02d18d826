"""FZ0 and pinball losses: values by hand, and the minimiser of their expectation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, stats

from workbench.domain.errors import DataError
from workbench.risk.backtests import fz0_loss, pinball_loss


def test_fz0_is_patton_ziegel_and_chens_equation_6() -> None:
    # L = −1{Y ≤ v}(v − Y)/(α e) + v/e + ln(−e) − 1 with v = −VaR and e = −ES, both negative.
    def published(y: float, v: float, e: float, alpha: float) -> float:
        return -(v - y) * (y <= v) / (alpha * e) + v / e + np.log(-e) - 1

    returns, var, es = np.array([-0.05, -0.02, 0.03]), np.array([0.02, 0.02, 0.01]), np.array([0.03, 0.025, 0.015])
    expected = [published(y, -v, -e, 0.025) for y, v, e in zip(returns, var, es, strict=True)]
    np.testing.assert_allclose(fz0_loss(returns, var, es, confidence=0.975), expected, rtol=1e-12)


@pytest.mark.parametrize("degrees", [4.0, 30.0])
def test_expected_fz0_is_lowest_at_the_true_var_and_es(degrees: float) -> None:
    rate = 0.05
    var = stats.t.isf(rate, degrees)
    es = stats.t.pdf(var, degrees) * (degrees + var**2) / ((degrees - 1) * rate)

    def expected(point: np.ndarray) -> float:
        v, e = point
        if not 0 < v <= e:
            return 1e9
        tail = integrate.quad(lambda x: (x - v) * stats.t.pdf(x, degrees), v, np.inf)[0]
        return float(tail / (rate * e) + v / e + np.log(e) - 1)

    found = optimize.minimize(
        expected, [1.2 * var, 1.2 * es], method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-12}
    )
    np.testing.assert_allclose(found.x, [var, es], rtol=1e-4)
    # At the truth the expected loss is ln ES (Patton, Ziegel and Chen 2019, section 2).
    assert found.fun == pytest.approx(np.log(es), abs=1e-8)


def test_expected_pinball_is_lowest_at_the_true_quantile() -> None:
    returns = stats.norm.ppf((np.arange(20_001) + 0.5) / 20_001)
    candidates = np.linspace(1.2, 2.2, 201)
    means = [pinball_loss(returns, np.full(returns.size, c), confidence=0.95).mean() for c in candidates]
    assert candidates[int(np.argmin(means))] == pytest.approx(stats.norm.isf(0.05), abs=0.006)


@given(st.integers(0, 10_000), st.floats(1e-3, 1e3))
@settings(max_examples=40, deadline=None)
def test_units_shift_fz0_by_a_constant_and_scale_the_pinball(seed: int, unit: float) -> None:
    generator = np.random.default_rng(seed)
    returns, var = generator.normal(size=30), generator.uniform(0.5, 2.0, 30)
    es = var + generator.uniform(0.0, 1.0, 30)
    shifted = fz0_loss(unit * returns, unit * var, unit * es, confidence=0.975)
    np.testing.assert_allclose(shifted - fz0_loss(returns, var, es, confidence=0.975), np.log(unit), atol=1e-9)
    scaled = pinball_loss(unit * returns, unit * var, confidence=0.95)
    np.testing.assert_allclose(scaled, unit * pinball_loss(returns, var, confidence=0.95), rtol=1e-9)
    assert (scaled >= 0.0).all()


def test_es_below_var_is_refused_with_the_row() -> None:
    with pytest.raises(DataError, match="in row 1"):
        fz0_loss([0.0, 0.0], [0.01, 0.02], [0.02, 0.01], confidence=0.95)
