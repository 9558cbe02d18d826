"""Closed forms against published numbers and numerical integration."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from workbench.domain.errors import ModelError
from workbench.risk.distributions import normal_tail, skewed_t_constants, skewed_t_tail

LEVELS = np.array([0.95, 0.975, 0.99])


def test_normal_var_and_es_equal_the_published_table():
    # McNeil, Frey and Embrechts (2015), table 2.1 and example 2.14: ES of N(0, 1) at 95, 97.5 and 99 %
    quantile, mean = normal_tail(LEVELS)
    assert quantile == pytest.approx([1.6449, 1.9600, 2.3263], abs=5e-5)
    assert mean == pytest.approx([2.0627, 2.3378, 2.6652], abs=5e-5)


@pytest.mark.parametrize("nu", [2.5, 4.0, 12.0])
def test_t_var_and_es_equal_the_closed_form_of_the_textbook(nu):
    # McNeil, Frey and Embrechts (2015), example 2.15: ES = g(q) / (1 − c) × (nu + q²) / (nu − 1), here at unit variance
    quantile, mean = skewed_t_tail(LEVELS, nu)
    unit = math.sqrt((nu - 2) / nu)
    q = stats.t.ppf(LEVELS, nu)
    assert quantile == pytest.approx(unit * q)
    assert mean == pytest.approx(unit * stats.t.pdf(q, nu) / (1 - LEVELS) * (nu + q**2) / (nu - 1))


def test_t_with_many_degrees_of_freedom_is_normal():
    assert skewed_t_tail(LEVELS, 1e6)[1] == pytest.approx(normal_tail(LEVELS)[1], rel=1e-4)


def hansen_density(z: float, nu: float, skew: float) -> float:
    """Density as printed in Hansen (1994), eq. 10: the plain twin."""
    a, b = skewed_t_constants(nu, skew)
    c = math.gamma((nu + 1) / 2) / (math.sqrt(math.pi * (nu - 2)) * math.gamma(nu / 2))
    side = 1 - skew if z < -a / b else 1 + skew
    return b * c * (1 + ((b * z + a) / side) ** 2 / (nu - 2)) ** (-(nu + 1) / 2)


@pytest.mark.parametrize(("nu", "skew"), [(4.0, -0.3), (8.0, 0.2), (3.0, 0.0)])
def test_skewed_t_quantile_and_tail_mean_agree_with_integration(nu, skew):
    quantile, mean = skewed_t_tail(LEVELS, nu, skew)
    for level, q, m in zip(LEVELS, quantile, mean, strict=True):
        below = integrate.quad(hansen_density, -np.inf, -q, args=(nu, skew))[0]
        moment = integrate.quad(lambda z: -z * hansen_density(z, nu, skew), -np.inf, -q)[0]
        assert below == pytest.approx(1 - level, rel=1e-5)
        assert moment / (1 - level) == pytest.approx(m, rel=1e-4)


@given(nu=st.floats(2.1, 200), skew=st.floats(-0.8, 0.8))
def test_es_is_never_below_var_and_both_rise_with_confidence(nu, skew):
    quantile, mean = skewed_t_tail(LEVELS, nu, skew)
    assert np.all(mean >= quantile)
    assert np.all(np.diff(quantile) > 0)
    assert np.all(np.diff(mean) > 0)


def test_a_law_without_variance_is_refused():
    with pytest.raises(ModelError, match="more than 2 degrees of freedom"):
        skewed_t_tail(LEVELS, 2.0)
