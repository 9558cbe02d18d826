"""Exponentially weighted volatility and covariance, and Ledoit–Wolf shrinkage, in legs.

Weights are normalised, ``w_s ∝ decay^(t−1−s)``, so no start value is needed and the estimate at t sees only rows
before t. Means are taken as zero, as is usual for daily returns.

References
----------
J.P. Morgan/Reuters (1996), RiskMetrics Technical Document, 4th ed., ch. 5 (decay 0.94 for daily data).
Ledoit and Wolf (2004), A well-conditioned estimator for large-dimensional covariance matrices, J. Multivariate
Analysis 88.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.domain.compiled import compiled
from workbench.domain.errors import DataError

Floats = NDArray[np.float64]

DAILY_DECAY = 0.94
NORMAL_WINDOW = 500


@compiled
def ewma_path(squares: Floats, decay: float) -> Floats:
    """Weighted mean of the rows before each row; shape (days + 1, columns), the first row repeats the second."""
    days, columns = squares.shape
    path = np.empty((days + 1, columns))
    weight = 0.0
    total = np.zeros(columns)
    for t in range(days):
        weight = decay * weight + 1.0
        for j in range(columns):
            total[j] = decay * total[j] + squares[t, j]
            path[t + 1, j] = total[j] / weight
    path[0] = path[1]
    return path


def finite_matrix(returns: ArrayLike) -> Floats:
    """Returns as a (days, columns) matrix of finite floats.

    Parameters
    ----------
    returns : array_like, shape (days,) or (days, columns)
        Returns, oldest first.

    Returns
    -------
    ndarray, shape (days, columns)

    Raises
    ------
    DataError
        When empty or not finite.
    """
    values = np.asarray(returns, dtype=float)
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or values.shape[0] == 0:
        raise DataError(f"expected returns of shape (days, columns) with at least one day, got {values.shape}")
    if not np.all(np.isfinite(values)):
        row, column = (int(i) for i in np.argwhere(~np.isfinite(values))[0])
        raise DataError(f"returns must be finite: row {row}, column {column} is {values[row, column]}")
    return np.ascontiguousarray(values)


def ewma_volatility(returns: ArrayLike, *, decay: float = DAILY_DECAY) -> Floats:
    """Daily volatility forecasts of each column.

    Parameters
    ----------
    returns : array_like, shape (days, legs) or (days,)
        Returns, oldest first, finite.
    decay : float
        Weight of yesterday's estimate, in (0, 1).

    Returns
    -------
    ndarray, shape (days + 1, legs) or (days + 1,)
        Row t is the forecast for day t from rows before t; the last row is tomorrow's. The first row has no past and
        repeats the second.

    Raises
    ------
    DataError
        When a return is not finite.

    Examples
    --------
    >>> ewma_volatility([0.01, 0.02], decay=0.5)[-1].round(6)
    0.017321
    """
    path: Floats = np.sqrt(ewma_path(finite_matrix(returns) ** 2, decay))
    return path.ravel() if np.ndim(returns) == 1 else path


def ewma_covariance(returns: ArrayLike, *, decay: float = DAILY_DECAY) -> Floats:
    """Covariance forecast for the day after the last row.

    Parameters
    ----------
    returns : array_like, shape (days, legs)
        Returns, oldest first, finite.
    decay : float
        Weight of yesterday's estimate, in (0, 1).

    Returns
    -------
    ndarray, shape (legs, legs)
        Symmetric, positive semi-definite, squared return units; means are taken as zero.

    Raises
    ------
    DataError
        When a return is not finite.

    Examples
    --------
    >>> ewma_covariance([[0.01, 0.0], [0.02, 0.01]], decay=0.5).round(8).tolist()
    [[0.0003, 0.00013333], [0.00013333, 6.667e-05]]
    """
    values = finite_matrix(returns)
    weights = decay ** np.arange(values.shape[0] - 1, -1, -1, dtype=float)
    covariance: Floats = (values * weights[:, None]).T @ values / weights.sum()
    return covariance


def normal_volatility(volatility: ArrayLike, *, window: int = NORMAL_WINDOW) -> Floats:
    """Normal volatility: the median of the last `window` forecasts of each column.

    Parameters
    ----------
    volatility : array_like, shape (days, legs) or (days,)
        Volatility forecasts, oldest first.
    window : int
        Days looked back on.

    Returns
    -------
    ndarray, shape (legs,) or ()
        Median of each column.
    """
    return np.asarray(np.median(np.asarray(volatility, dtype=float)[-window:], axis=0))


def shrunk_covariance(returns: ArrayLike) -> tuple[Floats, float]:
    """Ledoit–Wolf shrinkage of the covariance towards a multiple of the identity.

    Parameters
    ----------
    returns : array_like, shape (days, legs)
        Returns, oldest first, finite; put them on one scale first when the legs differ much.

    Returns
    -------
    tuple of (ndarray, float)
        Covariance, shape (legs, legs), and the weight of the target in [0, 1].

    Raises
    ------
    DataError
        When a return is not finite.

    Notes
    -----
    Ledoit and Wolf (2004), section 3.2; the mean is removed.
    """
    values = finite_matrix(returns)
    values = values - values.mean(axis=0)
    days, legs = values.shape
    sample = values.T @ values / days
    level = np.trace(sample) / legs
    distance = float(np.sum((sample - level * np.eye(legs)) ** 2)) / legs
    spread = float(np.sum((values**2).T @ values**2) / days - np.sum(sample**2)) / (days * legs)
    weight = 0.0 if distance == 0 else min(spread, distance) / distance
    return (1 - weight) * sample + weight * level * np.eye(legs), weight
