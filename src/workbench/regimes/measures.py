"""Yardsticks for a regime model, and the EWMA-t benchmark it has to beat. All of them look at out-of-sample rows."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from workbench.domain.errors import DataError
from workbench.regimes.series import Dates, Floats, finite_series

DEGREES_OF_FREEDOM_RANGE = (2.05, 200.0)
"""Variance exists above 2; at 200 the law is normal for every purpose here."""
DETECTION_DAYS = 20
"""A crisis shorter than this may still be noticed this many trading days after it began."""


@dataclass(frozen=True, slots=True)
class Crisis:
    """A named stretch of history, first and last day as ISO dates."""

    name: str
    first: str
    last: str


NAMED_CRISES: tuple[Crisis, ...] = (
    Crisis("Lehman and after", "2008-09-12", "2009-03-09"),
    Crisis("Greek debt", "2010-05-03", "2010-05-25"),
    Crisis("franc floor set", "2011-09-06", "2011-09-06"),
    Crisis("franc floor dropped", "2015-01-15", "2015-01-15"),
    Crisis("Brexit vote", "2016-06-23", "2016-06-24"),
    Crisis("sterling flash crash", "2016-10-06", "2016-10-07"),
    Crisis("yen flash crash", "2019-01-02", "2019-01-03"),
    Crisis("Covid", "2020-03-06", "2020-03-19"),
    Crisis("dollar surge", "2022-03-01", "2022-10-20"),
    Crisis("gilt crisis", "2022-09-21", "2022-09-26"),
    Crisis("yen carry unwind", "2024-07-10", "2024-08-05"),
)
"""Days of the policy's historical scenarios inside the ECB data."""


@dataclass(frozen=True, slots=True)
class CrisisDelay:
    """How long a model took to notice one crisis.

    Attributes
    ----------
    name : str
        Of the crisis.
    detected : bool
        The crisis state was on at some day between the first and the last day (or `DETECTION_DAYS`).
    delay_days : int
        Trading days from the first day to the first detection; the length of the watch when there was none.
    on_before : bool
        The state was already on the day before, so a delay of 0 is no merit.
    """

    name: str
    detected: bool
    delay_days: int
    on_before: bool


def area_under_curve(score: ArrayLike, event: ArrayLike) -> float:
    """Probability that a random event day was scored above a random other day; ties count half.

    Parameters
    ----------
    score : array_like, shape (days,)
        Larger means more dangerous; formed before the event.
    event : array_like of bool, shape (days,)
        What happened.

    Returns
    -------
    float
        In [0, 1]; 0.5 is no skill.

    Raises
    ------
    DataError
        When there is no event, or nothing but events.

    References
    ----------
    Hanley, J. A., McNeil, B. J. (1982), Radiology 143, 29-36 (the Mann-Whitney form).

    Examples
    --------
    >>> area_under_curve([0.1, 0.4, 0.35, 0.8], [False, False, True, True])
    0.75
    """
    values, happened = finite_series(score, name="score"), np.asarray(event, dtype=bool)
    if happened.shape != values.shape:
        raise DataError(f"expected one event flag per score, got {happened.shape} for {values.shape}")
    positive = int(happened.sum())
    if positive in (0, values.size):
        raise DataError(f"AUC needs days with and without an event, got {positive} of {values.size}")
    ranks = float(scipy.stats.rankdata(values)[happened].sum())
    return (ranks - positive * (positive + 1) / 2.0) / (positive * (values.size - positive))


def count_switches(labels: ArrayLike) -> int:
    """Count the days on which the label differs from the day before.

    Parameters
    ----------
    labels : array_like of int, shape (days,)
        Oldest first.

    Returns
    -------
    int
        0 for a constant label.
    """
    codes = np.asarray(labels)
    return int(np.count_nonzero(codes[1:] != codes[:-1]))


def density_gain(difference: ArrayLike) -> tuple[float, float]:
    """Mean of a loss difference and its t-statistic with Newey-West errors.

    Parameters
    ----------
    difference : array_like, shape (days,)
        Log density of the model minus that of the benchmark, nats a day; + favours the model.

    Returns
    -------
    tuple of float
        Mean and t-statistic, asymptotically standard normal when neither is better.

    Raises
    ------
    DataError
        When the series is not finite, or the two forecasts are the same on every day.

    References
    ----------
    Amisano, G., Giacomini, R. (2007), Journal of Business & Economic Statistics 25, equation 4, unweighted; Newey, W.,
    West, K. (1987), Econometrica 55, with the lag 4 (n/100)^(2/9) of their 1994 paper.
    """
    values = finite_series(difference, least=20, name="density difference")
    mean = float(values.mean())
    centred = values - mean
    lags = int(4.0 * (values.size / 100.0) ** (2.0 / 9.0))
    long_run = float(centred @ centred)
    for lag in range(1, lags + 1):
        long_run += 2.0 * (1.0 - lag / (lags + 1.0)) * float(centred[lag:] @ centred[:-lag])
    error = np.sqrt(long_run) / values.size
    if not error > 0.0:
        raise DataError("the two densities are the same on every day: there is nothing to compare")
    return mean, float(mean / error)


def student_log_density(series: Floats, variance: Floats, degrees_of_freedom: float) -> Floats:
    """Log density of a Student t with mean 0 and a given variance.

    Parameters
    ----------
    series : ndarray, shape (days,)
        Returns.
    variance : ndarray, shape (days,)
        Variance forecast for the same day, > 0, squared units of the returns.
    degrees_of_freedom : float
        > 2.

    Returns
    -------
    ndarray, shape (days,)
        Nats, in the units of the returns.

    References
    ----------
    Bollerslev, T. (1987), Review of Economics and Statistics 69, equation 1.
    """
    nu = degrees_of_freedom
    constant = (
        scipy.special.gammaln((nu + 1.0) / 2.0) - scipy.special.gammaln(nu / 2.0) - 0.5 * np.log(np.pi * (nu - 2.0))
    )
    tail = np.log1p(series * series / ((nu - 2.0) * variance))
    return np.asarray(constant - 0.5 * np.log(variance) - (nu + 1.0) / 2.0 * tail)


def fit_degrees_of_freedom(series: Floats, variance: Floats) -> float:
    """Fit the tail of the benchmark: ν that maximises the likelihood of returns given EWMA forecasts.

    Parameters
    ----------
    series : ndarray, shape (days,)
        In-sample returns.
    variance : ndarray, shape (days,)
        Variance forecast for the same day, from the rows before it, > 0.

    Returns
    -------
    float
        ν within `DEGREES_OF_FREEDOM_RANGE`.

    Raises
    ------
    DataError
        When a variance forecast is zero.
    """
    if not np.all(variance > 0.0):
        raise DataError("a variance forecast is zero: start the series at its first move")

    def cost(log_nu: float) -> float:
        return -float(student_log_density(series, variance, float(np.exp(log_nu))).sum())

    low, high = np.log(DEGREES_OF_FREEDOM_RANGE)
    found = scipy.optimize.minimize_scalar(cost, bounds=(low, high), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))


def crisis_delays(in_crisis: NDArray[np.bool_], dates: Dates, crises: Iterable[Crisis]) -> tuple[CrisisDelay, ...]:
    """Days until a crisis state was on, for each crisis that begins inside the dates.

    Parameters
    ----------
    in_crisis : ndarray of bool, shape (days,)
        Online reading of each day.
    dates : ndarray of datetime64, shape (days,)
        Of the same days, oldest first.
    crises : iterable of Crisis
        Those that begin outside the dates are left out.

    Returns
    -------
    tuple of CrisisDelay
        To be read together with the share of time in the state: a state that is always on has no delay.
    """
    delays = []
    for crisis in crises:
        first, last = np.datetime64(crisis.first), np.datetime64(crisis.last)
        start = int(np.searchsorted(dates, first))
        if first < dates[0] or start >= len(dates):
            continue
        stop = max(int(np.searchsorted(dates, last, side="right")), start + DETECTION_DAYS + 1)
        seen = np.flatnonzero(in_crisis[start:stop])
        watch = len(in_crisis[start:stop])
        before = bool(in_crisis[start - 1]) if start > 0 else False
        delays.append(CrisisDelay(crisis.name, bool(seen.size), int(seen[0]) if seen.size else watch, before))
    return tuple(delays)
