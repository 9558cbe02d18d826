"""Who carries the risk: marginal, component and incremental VaR.

References
----------
Jorion (2007), Value at Risk, 3rd ed., ch. 7. Tasche (1999), Risk contributions and performance measurement, for the
Euler allocation of expected shortfall.
"""

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from workbench.domain.errors import DataError
from workbench.risk.models.empirical import empirical_tail
from workbench.risk.models.protocol import CONFIDENCES

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Contributions:
    """VaR of a portfolio split over its positions; fractions of equity, positive is risk, negative a hedge.

    Attributes
    ----------
    total : float
        VaR of the portfolio.
    marginal : ndarray, shape (positions,)
        Change of VaR per unit of weight.
    component : ndarray, shape (positions,)
        Weight × marginal; sums to `total`.
    incremental : ndarray, shape (positions,)
        VaR with the position minus VaR without it.
    """

    total: float
    marginal: Floats
    component: Floats
    incremental: Floats


def component_var(
    weights: ArrayLike, covariance: ArrayLike, *, confidence: float, quantile: float | None = None
) -> Contributions:
    """Split volatility × quantile over positions.

    Parameters
    ----------
    weights : array_like, shape (positions,)
        Signed exposure over equity.
    covariance : array_like, shape (positions, positions)
        Daily covariance of the positions' returns; it may be singular, pairs are.
    confidence : float
        Level of the normal quantile, in (0.5, 1).
    quantile : float, optional
        Loss quantile of the standardised portfolio return to use instead, e.g. the champion's.

    Returns
    -------
    Contributions
        One-day VaR as a fraction of equity.

    Raises
    ------
    DataError
        When shapes do not fit or a number is not finite.

    Notes
    -----
    Exact for any law that depends on the weights through the portfolio volatility alone (elliptical, or filtered by
    one volatility); Jorion (2007), eq. 7.17-7.30.

    Examples
    --------
    >>> component_var([1.0, 1.0], [[0.0001, 0.0], [0.0, 0.0004]], confidence=0.95).component.round(6).tolist()
    [0.007356, 0.029424]
    """
    w, sigma = np.asarray(weights, dtype=float), np.asarray(covariance, dtype=float)
    if w.ndim != 1 or sigma.shape != (w.size, w.size):
        raise DataError(f"expected a covariance of shape {(w.size, w.size)} for weights {w.shape}, got {sigma.shape}")
    if not (np.all(np.isfinite(w)) and np.all(np.isfinite(sigma))):
        raise DataError("weights and covariance must be finite")
    level = float(scipy.special.ndtri(confidence)) if quantile is None else quantile
    variance = max(float(w @ sigma @ w), 0.0)
    total = level * np.sqrt(variance)
    if variance == 0.0:
        nothing = np.zeros(w.size)
        return Contributions(0.0, nothing, nothing, -level * np.abs(w) * np.sqrt(np.diag(sigma)))
    marginal = level * (sigma @ w) / np.sqrt(variance)
    without = variance - 2 * w * (sigma @ w) + w**2 * np.diag(sigma)
    return Contributions(float(total), marginal, w * marginal, total - level * np.sqrt(np.maximum(without, 0.0)))


def component_expected_shortfall(position_returns: ArrayLike, *, confidence: float) -> Floats:
    """Historical expected shortfall split over positions: the mean loss of each on the portfolio's worst days.

    Parameters
    ----------
    position_returns : array_like, shape (days, positions)
        Profit of each position over equity, oldest first.
    confidence : float
        One of `CONFIDENCES`.

    Returns
    -------
    ndarray, shape (positions,)
        Positive is a loss; sums to the portfolio's historical shortfall (Acerbi–Tasche tail mean).

    Raises
    ------
    DataError
        When the level is not one of `CONFIDENCES` or a number is not finite.
    """
    values = np.asarray(position_returns, dtype=float)
    if values.ndim != 2 or not np.all(np.isfinite(values)):
        raise DataError(f"expected finite returns of shape (days, positions), got {values.shape}")
    place = np.flatnonzero(np.isclose(CONFIDENCES, confidence))
    if place.size == 0:
        raise DataError(f"confidence must be one of {CONFIDENCES.tolist()}, got {confidence}")
    losses = -values.sum(axis=1)
    order = np.argsort(losses)[::-1]
    count = (1 - confidence) * losses.size
    weights = np.clip(count - np.arange(losses.size), 0.0, 1.0)
    parts: Floats = -(values[order] * weights[:, None]).sum(axis=0) / count
    tail_mean = float(empirical_tail(losses)[1][place[0]])
    # in tiny samples the tail mean is raised to the interpolated quantile; keep the parts adding up to it
    return parts * (tail_mean / parts.sum()) if parts.sum() > 0 else parts
