"""What every backtest returns, and the checks every backtest makes on its input."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.domain.errors import DataError

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]

POWER_SIZE = 0.05
"""Size of the test whose power is stated: five per cent everywhere, so that powers can be compared."""

RATE_RATIO = 1.5
"""Stated alternative of coverage tests: the true exceedance rate is this many times the nominal one."""

ODDS_RATIO = 5.0
"""Stated alternative of independence tests: the odds of an exceedance are this many times higher the day after one."""

EXCESS_RATIO = 1.5
"""Stated alternative of ES tests: the mean excess of losses over VaR is this many times the forecast one."""

REPLICATIONS = 2_000
"""Draws behind a simulated p-value: its standard error at p = 0.01 is then 0.002."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestResult:
    """A test statistic and its p-value.

    Parameters
    ----------
    statistic : float
        Value of the test statistic.
    p_value : float
        Probability, under the null hypothesis, of a statistic at least as extreme; in [0, 1].
    observations : int
        Number of days the test used.
    """

    statistic: float
    p_value: float
    observations: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PoweredResult(BacktestResult):
    """A test result that also says what the test could have seen.

    Parameters
    ----------
    statistic, p_value, observations : float or int
        As in `BacktestResult`.
    power : float
        Probability that the test at size 0.05 rejects when the stated alternative is true; in [0, 1].
    alternative : str
        The stated alternative, one sentence.
    """

    power: float
    alternative: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactResult(PoweredResult):
    """A powered result with a p-value that does not lean on a large sample.

    Parameters
    ----------
    statistic, p_value, observations, power, alternative : mixed
        As in `PoweredResult`.
    exact_p_value : float
        Finite-sample p-value: enumerated, or a Monte Carlo p-value where the docstring of the test says so.
    exceedance_count : int
        Number of exceedances seen.
    expected_count : float
        Number of exceedances expected under the null hypothesis; for pure independence tests the number seen.
    """

    exact_p_value: float
    exceedance_count: int
    expected_count: float


def seeded(seed: int) -> np.random.Generator:
    """Return a generator that depends on `seed` alone, so that a simulated p-value is a function of its arguments.

    Parameters
    ----------
    seed : int
        Any non-negative number.

    Returns
    -------
    numpy.random.Generator
        A fresh generator.
    """
    return np.random.Generator(np.random.PCG64(seed))


def clipped(probability: float | np.floating[Any]) -> float:
    """Return a probability freed of rounding outside [0, 1].

    Parameters
    ----------
    probability : float
        A sum of probabilities.

    Returns
    -------
    float
        The same in [0, 1].
    """
    return min(max(float(probability), 0.0), 1.0)


def tail_probability(confidence: float) -> float:
    """Return 1 − `confidence`, the nominal exceedance rate.

    Parameters
    ----------
    confidence : float
        VaR confidence, a fraction such as 0.99.

    Returns
    -------
    float
        Rate in (0, 0.5).

    Raises
    ------
    DataError
        If `confidence` is not in (0.5, 1).
    """
    if not 0.5 < confidence < 1.0:
        raise DataError(f"confidence must be a fraction above 0.5 and below 1, for example 0.99; got {confidence!r}")
    # 1 - 0.99 is 0.010000000000000009; the rounding keeps 250 × 0.01 at 2.5.
    return round(1.0 - float(confidence), 15)


def finite_vector(values: ArrayLike, name: str) -> FloatArray:
    """Return `values` as a non-empty float vector without NaN or infinities.

    Parameters
    ----------
    values : array_like
        Numbers, one per day.
    name : str
        What the message calls them.

    Returns
    -------
    ndarray, shape (days,)
        Floats, none of them NaN or infinite.

    Raises
    ------
    DataError
        If the array is empty, not one-dimensional, not numeric or not finite.
    """
    try:
        vector = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} must be numbers, one per day, oldest first; got {_summary(values)}") from error
    if vector.ndim != 1 or vector.size == 0:
        raise DataError(f"{name} must be one number per day, oldest first; got an array of shape {vector.shape}")
    bad = np.flatnonzero(~np.isfinite(vector))
    if bad.size:
        raise DataError(
            f"{name} must be finite; {bad.size} of {vector.size} are not, the first is {vector[bad[0]]} "
            f"in row {bad[0]}: drop the days without a forecast first"
        )
    return vector


def exceedance_vector(values: ArrayLike, name: str = "exceedances") -> BoolArray:
    """Return `values` as a non-empty boolean vector; 0 and 1 are taken as False and True.

    Parameters
    ----------
    values : array_like
        Flags, one per day.
    name : str
        What the message calls them.

    Returns
    -------
    ndarray of bool, shape (days,)
        True on a day with an exceedance.

    Raises
    ------
    DataError
        If the array is empty, not one-dimensional or holds anything but booleans, 0 and 1.
    """
    given = np.asarray(values)
    if given.dtype == np.bool_ and given.ndim == 1 and given.size:
        return given
    vector = finite_vector(values, name)
    if not np.isin(vector, (0.0, 1.0)).all():
        odd = vector[~np.isin(vector, (0.0, 1.0))][0]
        raise DataError(f"{name} must be True or False per day (returns < -value_at_risk); got the value {odd}")
    return vector.astype(np.bool_)


def aligned(**vectors: ArrayLike) -> tuple[FloatArray, ...]:
    """Return finite vectors of one common length.

    Parameters
    ----------
    **vectors : array_like
        Inputs by the name a message calls them.

    Returns
    -------
    tuple of ndarray
        The vectors in the order given.

    Raises
    ------
    DataError
        If one of them is unfit or their lengths differ.
    """
    checked = {name: finite_vector(values, name) for name, values in vectors.items()}
    sizes = {name: vector.size for name, vector in checked.items()}
    if len(set(sizes.values())) > 1:
        raise DataError(f"one row per day in each input expected; got the lengths {sizes}")
    return tuple(checked.values())


def tail_forecasts(
    returns: ArrayLike, value_at_risk: ArrayLike, expected_shortfall: ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return returns, VaR and ES checked against the house convention 0 < VaR ≤ ES.

    Parameters
    ----------
    returns : array_like, shape (days,)
        Signed fractions, oldest first; NaN is refused.
    value_at_risk, expected_shortfall : array_like, shape (days,)
        Positive loss fractions.

    Returns
    -------
    tuple of ndarray
        Returns, VaR and ES.

    Raises
    ------
    DataError
        If lengths differ, a value is not finite, a VaR is not positive, or an ES is below its VaR.
    """
    signed, var, es = aligned(returns=returns, value_at_risk=value_at_risk, expected_shortfall=expected_shortfall)
    wrong = np.flatnonzero((var <= 0.0) | (es < var))
    if wrong.size:
        row = int(wrong[0])
        raise DataError(
            "VaR and ES must be positive loss fractions with ES at least VaR; "
            f"got VaR {var[row]} and ES {es[row]} in row {row} ({wrong.size} such rows)"
        )
    return signed, var, es


def _summary(values: Any) -> str:
    text = repr(values)
    return text if len(text) <= 60 else text[:57] + "..."
