"""Quantiles and tail means of unit-variance laws: normal, Student t, Hansen's skewed t.

`value_at_risk = −location + scale × quantile_loss`, the same for expected shortfall with `tail_mean_loss`; both are
positive loss multiples of one standard deviation for any confidence above one half.

References
----------
Hansen, B. E. (1994), Autoregressive conditional density estimation, International Economic Review 35, eq. 10-13.
McNeil, Frey and Embrechts (2015), Quantitative Risk Management, examples 2.11, 2.14 and 2.15.
"""

import math

import numpy as np
import scipy
from numpy.typing import NDArray

from workbench.domain.errors import ModelError

Floats = NDArray[np.float64]


def skewed_t_constants(nu: float, skew: float) -> tuple[float, float]:
    """Location `a` and scale `b` that give Hansen's density mean zero and unit variance.

    Parameters
    ----------
    nu : float
        Degrees of freedom, above 2.
    skew : float
        Skewness parameter lambda in (−1, 1); negative leans to losses.

    Returns
    -------
    tuple of float
        `(a, b)` of Hansen (1994), eq. 11-12.
    """
    c = math.exp(scipy.special.gammaln((nu + 1) / 2) - scipy.special.gammaln(nu / 2)) / math.sqrt(math.pi * (nu - 2))
    a = 4 * skew * c * (nu - 2) / (nu - 1)
    return a, math.sqrt(1 + 3 * skew**2 - a**2)


def normal_tail(confidence: Floats) -> tuple[Floats, Floats]:
    """Loss quantile and tail mean of a standard normal.

    Parameters
    ----------
    confidence : ndarray
        Confidence levels in (0, 1).

    Returns
    -------
    tuple of ndarray
        Quantile and mean of the losses beyond it, positive, in standard deviations.

    Examples
    --------
    >>> [round(float(x[0]), 4) for x in normal_tail(np.array([0.99]))]
    [2.3263, 2.6652]
    """
    quantile = scipy.special.ndtri(confidence)
    density = np.exp(-0.5 * quantile**2) / math.sqrt(2 * math.pi)
    return quantile, density / (1 - confidence)


def skewed_t_tail(confidence: Floats, nu: float, skew: float = 0.0) -> tuple[Floats, Floats]:
    """Loss quantile and tail mean of Hansen's skewed t; `skew = 0` is the unit-variance Student t.

    Parameters
    ----------
    confidence : ndarray
        Confidence levels; the loss tail must lie below the joint of the two half densities.
    nu : float
        Degrees of freedom, above 2.
    skew : float
        Hansen's lambda in (−1, 1).

    Returns
    -------
    tuple of ndarray
        Quantile and mean of the losses beyond it, positive, in standard deviations.

    Raises
    ------
    ModelError
        When `nu` is not above 2 or the tail probability reaches into the gain side.
    """
    if not nu > 2:
        raise ModelError(f"a t law needs more than 2 degrees of freedom for a variance, got {nu}")
    p = 1 - np.asarray(confidence, dtype=float)
    if np.any(p >= (1 - skew) / 2):
        raise ModelError(f"tail probability {p.max():.3f} is not inside the loss side (below {(1 - skew) / 2:.3f})")
    a, b = skewed_t_constants(nu, skew)
    unit = math.sqrt((nu - 2) / nu)
    q = scipy.special.stdtrit(nu, p / (1 - skew))
    log_constant = scipy.special.gammaln((nu + 1) / 2) - scipy.special.gammaln(nu / 2) - 0.5 * math.log(math.pi * nu)
    density = np.exp(log_constant - (nu + 1) / 2 * np.log1p(q**2 / nu))
    half_mean = -unit * density * (nu + q**2) / (nu - 1)
    quantile = ((1 - skew) * unit * q - a) / b
    mean = (1 - skew) / b * ((1 - skew) * half_mean - a * p / (1 - skew)) / p
    return np.negative(quantile), np.negative(mean)
