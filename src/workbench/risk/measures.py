"""Value at risk and expected shortfall of one return series, for tomorrow."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.domain.errors import ConfigError, ModelError
from workbench.risk.models import BENCHMARK, CONFIDENCES, MODELS
from workbench.risk.models.empirical import BURN_IN
from workbench.risk.models.garch import checked_returns

Floats = NDArray[np.float64]


def next_day(returns: ArrayLike, model: str, horizon_days: int) -> tuple[Floats, Floats]:
    """VaR and ES at every level of `CONFIDENCES` for the days after the last return.

    Parameters
    ----------
    returns : array_like, shape (days,)
        Simple returns, oldest first, finite.
    model : str
        A name of `MODELS`.
    horizon_days : int
        Days held, at least 1.

    Returns
    -------
    tuple of ndarray, shape (confidences,)
        Positive loss fractions.

    Raises
    ------
    ModelError
        When the model is unknown.
    ConfigError
        When the horizon is not a positive whole number of days.
    """
    values = checked_returns(returns)
    if model not in MODELS:
        raise ModelError(f"unknown model {model!r}: expected one of {', '.join(MODELS)}")
    if horizon_days < 1 or horizon_days != int(horizon_days):
        raise ConfigError(f"horizon_days must be a whole number of at least 1, got {horizon_days!r}")
    chosen = MODELS[model]
    window = values.size - BURN_IN if values.size > 3 * BURN_IN else values.size
    sample = values[values.size - window :]
    estimate = chosen.estimator.estimate(sample, None, check_cold=True)
    days = (values.size, values.size + 1)
    forecast = chosen.forecast(values, days, window, chosen.tail(sample, estimate))
    scale = math.sqrt(horizon_days)
    return scale * forecast.value_at_risk[0], scale * forecast.expected_shortfall[0]


def level_of(confidence: float) -> int:
    """Place of a level in `CONFIDENCES`.

    Parameters
    ----------
    confidence : float
        Level asked for.

    Returns
    -------
    int

    Raises
    ------
    ConfigError
        When the level is not forecast.
    """
    place = np.flatnonzero(np.isclose(CONFIDENCES, confidence))
    if place.size == 0:
        raise ConfigError(f"confidence must be one of {CONFIDENCES.tolist()}, got {confidence!r}")
    return int(place[0])


def value_at_risk(returns: ArrayLike, *, confidence: float, horizon_days: int = 1, model: str = BENCHMARK) -> float:
    """Value at risk for the day after the last return, a positive loss fraction.

    Parameters
    ----------
    returns : array_like, shape (days,)
        Simple returns at today's positions, oldest first, finite, at least 50.
    confidence : float
        0.95, 0.975 or 0.99.
    horizon_days : int
        Days held; above 1 by the square root of time, which holds for uncorrelated returns of steady volatility only.
    model : str
        A name of `workbench.risk.MODELS`; filtered historical simulation by default.

    Returns
    -------
    float
        Positive is a loss; the loss is exceeded with probability ``1 − confidence``.

    Raises
    ------
    DataError
        When a return is not finite or the series is too short.
    ConfigError, ModelError
        When level, horizon or model are not available.

    Examples
    --------
    >>> import numpy as np
    >>> round(value_at_risk(np.linspace(-0.01, 0.01, 101), confidence=0.95, model="historical"), 4)
    0.009
    """
    return float(next_day(returns, model, horizon_days)[0][level_of(confidence)])


def expected_shortfall(
    returns: ArrayLike, *, confidence: float, horizon_days: int = 1, model: str = BENCHMARK
) -> float:
    """Expected shortfall for the day after the last return, a positive loss fraction, never below the VaR.

    Parameters
    ----------
    returns : array_like, shape (days,)
        Simple returns at today's positions, oldest first, finite, at least 50.
    confidence : float
        0.95, 0.975 or 0.99.
    horizon_days : int
        Days held; above 1 by the square root of time.
    model : str
        A name of `workbench.risk.MODELS`.

    Returns
    -------
    float
        Mean of the losses beyond the value at risk.

    Raises
    ------
    DataError, ConfigError, ModelError
        As for `value_at_risk`.
    """
    return float(next_day(returns, model, horizon_days)[1][level_of(confidence)])
