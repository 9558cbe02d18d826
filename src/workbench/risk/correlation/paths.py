"""Correlations of the legs through time, how far they are from the calibrated ones, and the nearest valid matrix."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.domain.errors import DataError, ModelError
from workbench.risk.volatility import DAILY_DECAY, NORMAL_WINDOW, ewma_path, finite_matrix

Floats = NDArray[np.float64]

HIGH_CORRELATION = 0.8
MOVED_CORRELATION = 0.3
"""Policy, correlation ladder: a bare |ρ| > 0.8 holds on a third of all days, so a pair must also have moved by 0.3."""
PROJECTIONS = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class CorrelationDrift:
    """Distance of correlations from their calibrated values; the leading axes are those of what was passed in.

    Attributes
    ----------
    mean_absolute_change : ndarray, shape (...)
        Mean over pairs of |ρ - ρ calibrated|, 0 to 2.
    mean_absolute : ndarray, shape (...)
        Mean over pairs of |ρ|, 0 to 1.
    largest_change : ndarray, shape (...)
        Largest |ρ - ρ calibrated|.
    moved_pairs : ndarray of int, shape (...)
        Pairs with |ρ| above `high` that are also more than `moved` away from calibration.
    """

    mean_absolute_change: Floats
    mean_absolute: Floats
    largest_change: Floats
    moved_pairs: NDArray[np.int64]


def correlation_of(covariance: ArrayLike) -> Floats:
    """Correlations of one or many covariance matrices.

    Parameters
    ----------
    covariance : array_like, shape (..., legs, legs)
        Symmetric, with positive diagonals.

    Returns
    -------
    ndarray, shape (..., legs, legs)
        Exactly 1 on the diagonal, within [-1, 1] elsewhere.

    Raises
    ------
    DataError
        When a variance is zero, negative or not finite.

    Examples
    --------
    >>> correlation_of([[4.0, 1.0], [1.0, 1.0]]).tolist()
    [[1.0, 0.5], [0.5, 1.0]]
    """
    values = np.asarray(covariance, dtype=np.float64)
    variances = np.diagonal(values, axis1=-2, axis2=-1)
    if not (np.isfinite(values).all() and np.all(variances > 0.0)):
        raise DataError("a variance is zero, negative or not finite: a leg that does not move has no correlation")
    deviations = np.sqrt(variances)
    ratios = values / deviations[..., :, np.newaxis] / deviations[..., np.newaxis, :]
    correlations = np.clip(ratios, -1.0, 1.0)
    legs = np.arange(values.shape[-1])
    correlations[..., legs, legs] = 1.0
    return np.asarray(correlations)


def covariance_path(returns: ArrayLike, *, decay: float) -> Floats:
    """EWMA covariance after each day, mean zero.

    Parameters
    ----------
    returns : array_like, shape (days, legs)
        Oldest first, no NaN.
    decay : float
        Weight of yesterday, in (0, 1]; 1 weighs all rows so far alike.

    Returns
    -------
    ndarray, shape (days, legs, legs)
        Row t uses rows 0…t only.

    Raises
    ------
    DataError
        When a return is not finite or the decay lies outside (0, 1].
    """
    if not 0.0 < decay <= 1.0:
        raise DataError(f"decay must lie in (0, 1], got {decay}")
    values = finite_matrix(returns)
    days, legs = values.shape
    products = (values[:, :, np.newaxis] * values[:, np.newaxis, :]).reshape(days, legs * legs)
    return np.asarray(ewma_path(products, decay)[1:].reshape(days, legs, legs))


def correlation_path(returns: ArrayLike, *, decay: float = DAILY_DECAY, warm_up: int = 60) -> Floats:
    """EWMA correlation of the legs after each day.

    Parameters
    ----------
    returns : array_like, shape (days, legs)
        Oldest first, no NaN.
    decay : float, default 0.94
        Weight of yesterday.
    warm_up : int, default 60
        Rows averaged before the first matrix is given; fewer rows than legs give a singular one.

    Returns
    -------
    ndarray, shape (days - warm_up + 1, legs, legs)
        The first matrix belongs to row ``warm_up - 1``; row t uses rows 0…t only.

    Raises
    ------
    DataError
        When a return is not finite, there are fewer rows than `warm_up`, or a leg has not moved.
    """
    values = finite_matrix(returns)
    if not 1 <= warm_up <= len(values):
        raise DataError(f"expected at least warm_up = {warm_up} ≥ 1 rows, got {len(values)}")
    return correlation_of(covariance_path(values, decay=decay)[warm_up - 1 :])


def normal_correlation(path: ArrayLike, *, window: int = NORMAL_WINDOW) -> Floats:
    """Calibrated correlations: the median of each entry over the last days, made a valid matrix.

    Parameters
    ----------
    path : array_like, shape (days, legs, legs)
        From `correlation_path`, oldest first.
    window : int, default 500
        Days looked back on.

    Returns
    -------
    ndarray, shape (legs, legs)
        A correlation matrix; medians entry by entry need not be one, so the nearest is taken.

    Raises
    ------
    DataError
        When the path is shorter than the window.
    """
    matrices = np.asarray(path, dtype=np.float64)
    if matrices.ndim != 3 or len(matrices) < window:
        raise DataError(f"expected at least {window} correlation matrices, got shape {matrices.shape}")
    return nearest_correlation(np.median(matrices[-window:], axis=0))


def correlation_drift(
    current: ArrayLike,
    reference: ArrayLike,
    *,
    high: float = HIGH_CORRELATION,
    moved: float = MOVED_CORRELATION,
    held: ArrayLike | None = None,
) -> CorrelationDrift:
    """Compare correlations of the legs with calibrated ones.

    Parameters
    ----------
    current : array_like, shape (..., legs, legs)
        Correlations now, or a path of them.
    reference : array_like, shape (legs, legs) or (..., legs, legs)
        Calibrated correlations.
    high, moved : float, default 0.8 and 0.3
        Cuts of `moved_pairs`, from the policy.
    held : array_like of bool, shape (legs,), optional
        Legs the book holds, for `moved_pairs` only; all by default.

    Returns
    -------
    CorrelationDrift
        Means, largest and count over the pairs of legs.

    Raises
    ------
    DataError
        When shapes disagree, there are fewer than two legs, or an entry is not finite.

    Examples
    --------
    >>> drift = correlation_drift([[1.0, 0.9], [0.9, 1.0]], [[1.0, 0.5], [0.5, 1.0]])
    >>> round(float(drift.mean_absolute_change), 6), int(drift.moved_pairs)
    (0.4, 1)
    """
    now, calibrated = np.asarray(current, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    legs = now.shape[-1]
    square = now.ndim >= 2 and now.shape[-2] == legs and calibrated.shape[-2:] == (legs, legs)
    if not square or legs < 2 or not (np.isfinite(now).all() and np.isfinite(calibrated).all()):
        raise DataError(f"expected finite matrices of two or more legs, got {now.shape} and {calibrated.shape}")
    mask = np.ones(legs, dtype=bool) if held is None else np.asarray(held, dtype=bool)
    if mask.shape != (legs,):
        raise DataError(f"expected one held flag per leg ({legs}), got shape {mask.shape}")
    upper = np.triu_indices(legs, 1)
    level, change = np.abs(now[..., *upper]), np.abs((now - calibrated)[..., *upper])
    both = mask[upper[0]] & mask[upper[1]]
    return CorrelationDrift(
        mean_absolute_change=np.asarray(change.mean(axis=-1)),
        mean_absolute=np.asarray(level.mean(axis=-1)),
        largest_change=np.asarray(change.max(axis=-1)),
        moved_pairs=np.asarray(np.sum((level > high) & (change > moved) & both, axis=-1), dtype=np.int64),
    )


def nearest_correlation(matrix: ArrayLike, *, least_eigenvalue: float = 0.0, tolerance: float = 1e-12) -> Floats:
    """Nearest correlation matrix in the Frobenius norm.

    Parameters
    ----------
    matrix : array_like, shape (legs, legs)
        Symmetric; it may have any diagonal and negative eigenvalues.
    least_eigenvalue : float, default 0
        Smallest eigenvalue allowed, in [0, 1).
    tolerance : float, default 1e-12
        Relative change of the last round.

    Returns
    -------
    ndarray, shape (legs, legs)
        Unit diagonal; eigenvalues at least `least_eigenvalue`, up to rounding.

    Raises
    ------
    DataError
        When the matrix is not square, symmetric and finite.
    ModelError
        When the projections do not settle.

    References
    ----------
    Higham, N. J. (2002), "Computing the nearest correlation matrix: a problem from finance", IMA Journal of Numerical
    Analysis 22, algorithm 3.3 (alternating projections with Dykstra's correction), with equal weights.

    Examples
    --------
    >>> nearest_correlation([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]]).round(4)[0].tolist()
    [1.0, 0.7607, 0.1573]
    """
    given = np.asarray(matrix, dtype=np.float64)
    if given.ndim != 2 or given.shape[0] != given.shape[1] or not np.isfinite(given).all():
        raise DataError(f"expected a finite square matrix, got shape {given.shape}")
    if not np.allclose(given, given.T, rtol=0.0, atol=1e-10) or not 0.0 <= least_eigenvalue < 1.0:
        raise DataError("expected a symmetric matrix and 0 <= least_eigenvalue < 1")
    unit, correction = (given + given.T) / 2.0, np.zeros_like(given)
    for _ in range(PROJECTIONS):
        corrected = unit - correction
        eigenvalues, vectors = np.linalg.eigh(corrected)
        semidefinite = (vectors * np.maximum(eigenvalues, least_eigenvalue)) @ vectors.T
        correction = semidefinite - corrected
        before, unit = unit, (semidefinite + semidefinite.T) / 2.0
        np.fill_diagonal(unit, 1.0)
        gap = max(np.linalg.norm(unit - before), np.linalg.norm(unit - semidefinite))
        if gap <= tolerance * np.linalg.norm(unit):
            return np.asarray(unit)
    raise ModelError(f"no nearest correlation matrix after {PROJECTIONS} projections: gap {gap:.2e}, loosen tolerance")
