"""What is read off one return series, each value from rows up to its own: checks, EWMA variance, volatility ratio."""

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from workbench.domain.errors import DataError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Dates = NDArray[np.datetime64]

EWMA_DECAY = 0.94
"""Daily decay of the RiskMetrics Technical Document (J.P. Morgan/Reuters, 1996, section 5.3)."""

NORMAL_WINDOW_DAYS = 500
"""Days whose median is called normal; two years, as the policy freezes it in the calibration."""


def finite_series(series: ArrayLike, *, least: int = 2, name: str = "series") -> Floats:
    """Check a return series and give it as a contiguous array of floats.

    Parameters
    ----------
    series : array_like, shape (days,)
        Returns, oldest first.
    least : int, default 2
        Fewest rows accepted.
    name : str, default "series"
        What to call it in a message.

    Returns
    -------
    ndarray, shape (days,)
        The same numbers; never a copy that was cleaned.

    Raises
    ------
    DataError
        When it is not one-dimensional, too short, or holds NaN or infinity.
    """
    values = np.ascontiguousarray(series, dtype=np.float64)
    if values.ndim != 1:
        raise DataError(f"{name} must have one axis (days), got shape {values.shape}: pass one pair or leg")
    if values.size < least:
        raise DataError(f"{name} needs at least {least} rows, got {values.size}: use a longer history")
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise DataError(
            f"{name} must be finite, got {values[bad[0]]} in row {bad[0]} ({bad.size} such rows): "
            "repair the data, nothing is filled in here"
        )
    return values


def rising_dates(dates: ArrayLike, days: int) -> Dates:
    """Check that dates match a series and rise strictly.

    Parameters
    ----------
    dates : array_like, shape (days,)
        Anything numpy reads as dates, oldest first.
    days : int
        Length of the series they belong to.

    Returns
    -------
    ndarray of datetime64[D], shape (days,)
        The dates.

    Raises
    ------
    DataError
        When the length differs or a date does not follow the one before.
    """
    stamps = np.asarray(dates).astype("datetime64[D]")
    if stamps.shape != (days,):
        raise DataError(f"expected {days} dates, one per return, got shape {stamps.shape}")
    wrong = np.flatnonzero(np.diff(stamps) <= np.timedelta64(0, "D"))
    if wrong.size:
        row = int(wrong[0]) + 1
        raise DataError(f"dates must rise, oldest first: {stamps[row]} in row {row} follows {stamps[row - 1]}")
    return stamps


def ewma_variance(series: ArrayLike, *, decay: float = EWMA_DECAY) -> Floats:
    r"""Exponentially weighted variance after each day, mean zero; row t is the forecast for day t + 1.

    Parameters
    ----------
    series : array_like, shape (days,)
        Returns, oldest first, no NaN.
    decay : float, default 0.94
        Weight of yesterday's variance, in (0, 1).

    Returns
    -------
    ndarray, shape (days,)
        Squared units of the input; row t uses rows 0…t only.

    Raises
    ------
    DataError
        When the series is not finite or the decay lies outside (0, 1).

    Notes
    -----
    :math:`v_t = \sum_i \lambda^i r_{t-i}^2 / \sum_i \lambda^i` over the rows that exist. Dividing by the sum of the
    weights needs no starting value, so no later row is used to seed it.

    Examples
    --------
    >>> ewma_variance([1.0, 2.0], decay=0.5).round(6).tolist()
    [1.0, 3.0]
    """
    if not 0.0 < decay < 1.0:
        raise DataError(f"decay must lie between 0 and 1, got {decay}")
    squares = finite_series(series, least=1) ** 2
    sums = scipy.signal.lfilter([1.0], [1.0, -decay], np.stack([squares, np.ones_like(squares)]))
    return np.asarray(sums[0] / sums[1])


def volatility_ratio(series: ArrayLike, *, decay: float = EWMA_DECAY, window: int = NORMAL_WINDOW_DAYS) -> Floats:
    """Current EWMA volatility over its own trailing median: 1 is an ordinary day.

    Parameters
    ----------
    series : array_like, shape (days,)
        Returns, oldest first, no NaN.
    decay : float, default 0.94
        EWMA decay.
    window : int, default 500
        Days in the trailing median, today among them.

    Returns
    -------
    ndarray, shape (days - window + 1,)
        Ratio > 0; the first value belongs to row ``window - 1`` of the series.

    Raises
    ------
    DataError
        When the series is shorter than the window or its normal volatility is zero (a peg without movement).
    """
    volatility = np.sqrt(ewma_variance(finite_series(series, least=window), decay=decay))
    normal = np.median(np.lib.stride_tricks.sliding_window_view(volatility, window), axis=1)
    if not np.all(normal > 0.0):
        row = int(np.flatnonzero(normal <= 0.0)[0]) + window - 1
        raise DataError(f"normal volatility is zero at row {row}: the series did not move for {window // 2} days")
    return np.asarray(volatility[window - 1 :] / normal)
