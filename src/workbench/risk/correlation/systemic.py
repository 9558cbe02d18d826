"""How unusual the day is, and how tightly the legs hang together: turbulence and absorption ratio, one-sided."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.domain.errors import DataError, ModelError
from workbench.risk.correlation.paths import covariance_path
from workbench.risk.volatility import finite_matrix

Floats = NDArray[np.float64]

HALF_LIFE_DAYS = 250.0
"""Kritzman et al. (2011): half the 500-day window of their covariances."""
SHIFT_SHORT_DAYS = 15
SHIFT_LONG_DAYS = 250
"""Their standardised shift: fifteen days against one year."""
SINGULAR = 1e-10


def turbulence(
    returns: ArrayLike,
    *,
    mean: ArrayLike | None = None,
    covariance: ArrayLike | None = None,
    warm_up: int = 500,
) -> Floats:
    """Squared Mahalanobis distance of each day's leg returns from what was usual before it.

    Parameters
    ----------
    returns : array_like, shape (days, legs)
        Oldest first, no NaN.
    mean : array_like, shape (legs,), optional
        Frozen mean of the calibration; give both or neither.
    covariance : array_like, shape (legs, legs), optional
        Frozen covariance of the calibration.
    warm_up : int, default 500
        Rows before the first day judged, when the estimates expand.

    Returns
    -------
    ndarray, shape (days,) when frozen, (days - warm_up,) when expanding
        ≥ 0; about the number of legs on an ordinary day. Day t is judged by rows 0…t-1 (expanding), or by the frozen
        estimates alone.

    Raises
    ------
    DataError
        When a return is not finite, shapes disagree, or there are too few rows.
    ModelError
        When a covariance is singular: pass legs, not pairs.

    References
    ----------
    Kritzman, M., Li, Y. (2010), "Skulls, Financial Turbulence, and Risk Management", Financial Analysts Journal 66(5),
    equation 1. Their estimates use the whole sample, which sees the future; these do not.

    Examples
    --------
    >>> import numpy as np
    >>> turbulence([[0.02, 0.0]], mean=[0.0, 0.0], covariance=np.eye(2) * 1e-4).round(6).tolist()
    [4.0]
    """
    values = finite_matrix(returns)
    days, legs = values.shape
    if (mean is None) != (covariance is None):
        raise DataError("expected mean and covariance together (frozen), or neither (expanding)")
    if mean is not None and covariance is not None:
        centre, spread = np.asarray(mean, dtype=np.float64), np.asarray(covariance, dtype=np.float64)
        if centre.shape != (legs,) or spread.shape != (legs, legs):
            raise DataError(f"expected estimates for {legs} legs, got {centre.shape} and {spread.shape}")
        return _distance(values - centre, np.broadcast_to(spread, (days, legs, legs)))
    if not legs + 2 <= warm_up < days:
        raise DataError(f"expected {legs + 2} <= warm_up < {days} rows, got {warm_up}")
    counts = np.arange(1.0, days)[:, np.newaxis]
    means = np.cumsum(values[:-1], axis=0) / counts
    # covariance_path is about zero; n/(n - 1) and the mean's own square turn it into the sample covariance
    outer = means[:, :, np.newaxis] * means[:, np.newaxis, :]
    spreads = covariance_path(values[:-1], decay=1.0) - outer
    last = slice(warm_up - 1, None)
    scale = (counts / np.maximum(counts - 1.0, 1.0))[last, :, np.newaxis]
    return _distance(values[warm_up:] - means[last], spreads[last] * scale)


def absorption_ratio(
    returns: ArrayLike, *, components: int = 1, half_life: float = HALF_LIFE_DAYS, warm_up: int = 500
) -> Floats:
    """Share of the legs' variance that a few common factors explain.

    Parameters
    ----------
    returns : array_like, shape (days, legs)
        Oldest first, no NaN.
    components : int, default 1
        Number of factors; the reference takes a fifth of the assets, which is 1 of seven legs.
    half_life : float, default 250
        Days after which a weight has halved; ``inf`` weighs all rows so far alike (expanding).
    warm_up : int, default 500
        Rows before the first value is given.

    Returns
    -------
    ndarray, shape (days - warm_up + 1,)
        In (0, 1]; high means that the legs move as one. The first value belongs to row ``warm_up - 1``; row t uses
        rows 0…t only.

    Raises
    ------
    DataError
        When a return is not finite, there are too few rows, or there are not 1 ≤ components < legs.

    References
    ----------
    Kritzman, M., Li, Y., Page, S., Rigobon, R. (2011), "Principal Components as a Measure of Systemic Risk", Journal of
    Portfolio Management 37(4), equation 1.
    """
    values = finite_matrix(returns)
    days, legs = values.shape
    if not 1 <= components < legs or not legs <= warm_up <= days or not half_life > 0.0:
        raise DataError(
            f"expected 1 <= components < {legs} legs, {legs} <= warm_up <= {days} rows and a positive half_life, "
            f"got {components}, {warm_up}, {half_life}"
        )
    spreads = covariance_path(values, decay=float(0.5 ** (1.0 / half_life)))[warm_up - 1 :]
    eigenvalues = np.linalg.eigvalsh(spreads)
    total = eigenvalues.sum(axis=1)
    if not np.all(total > 0.0):
        raise DataError("no leg has moved: there is no variance to absorb")
    return np.asarray(eigenvalues[:, legs - components :].sum(axis=1) / total)


def standardised_shift(values: ArrayLike, *, short: int = SHIFT_SHORT_DAYS, long: int = SHIFT_LONG_DAYS) -> Floats:
    """Mean of the last days against the last year, in deviations of that year.

    Parameters
    ----------
    values : array_like, shape (days,)
        Absorption ratio, oldest first.
    short, long : int, default 15 and 250
        Days of the two windows.

    Returns
    -------
    ndarray, shape (days - long + 1,)
        + means tighter than usual. The first value belongs to row ``long - 1``; row t uses rows 0…t only.

    Raises
    ------
    DataError
        When the series is not finite, too short, or flat over a whole long window.

    References
    ----------
    Kritzman et al. (2011), equation 2.
    """
    ratio = finite_matrix(values).ravel()
    if not 1 <= short < long <= ratio.size:
        raise DataError(f"expected 1 <= short < long <= {ratio.size} rows, got {short} and {long}")
    year = np.lib.stride_tricks.sliding_window_view(ratio, long)
    deviation = year.std(axis=1)
    if not np.all(deviation > 0.0):
        raise DataError(f"the ratio is flat over {long} days: it has no deviation to be measured in")
    return np.asarray((year[:, -short:].mean(axis=1) - year.mean(axis=1)) / deviation)


def _distance(moves: Floats, spreads: Floats) -> Floats:
    diagonal = np.diagonal(spreads, axis1=-2, axis2=-1)
    if not np.all(diagonal > 0.0):
        raise ModelError("a leg has no variance in the rows before: its turbulence is not defined")
    deviation = np.sqrt(diagonal)
    scaled = spreads / deviation[:, :, np.newaxis] / deviation[:, np.newaxis, :]
    if float(np.linalg.eigvalsh(scaled)[:, 0].min()) < SINGULAR:
        raise ModelError("the covariance is singular: pass the seven legs, not pairs made of them")
    standard = moves / deviation
    solved = np.linalg.solve(scaled, standard[:, :, np.newaxis])[:, :, 0]
    return np.asarray((standard * solved).sum(axis=1))
