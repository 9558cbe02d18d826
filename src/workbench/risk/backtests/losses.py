"""How good is a forecast? Strictly consistent losses, one value per day."""

import numpy as np
from numpy.typing import ArrayLike

from workbench.risk.backtests.result import FloatArray, aligned, tail_forecasts, tail_probability


def fz0_loss(
    returns: ArrayLike, value_at_risk: ArrayLike, expected_shortfall: ArrayLike, *, confidence: float
) -> FloatArray:
    """Return the FZ0 loss of a joint VaR and ES forecast, one value per day; lower is better.

    Parameters
    ----------
    returns : array_like of float, shape (days,)
        Realised returns, signed fractions, oldest first; NaN is refused.
    value_at_risk, expected_shortfall : array_like of float, shape (days,)
        Forecasts for the same days, positive loss fractions, ES at least VaR.
    confidence : float
        Confidence of both forecasts, for example 0.975.

    Returns
    -------
    ndarray, shape (days,)
        max(loss − VaR, 0) / ((1 − confidence) · ES) + VaR / ES + ln ES − 1. Its expectation is lowest at the true VaR
        and ES; differences between models do not depend on the unit of the returns.

    Raises
    ------
    DataError
        If an input is empty, misshapen or not finite, or VaR and ES break 0 < VaR ≤ ES.

    References
    ----------
    Patton, Ziegel and Chen (2019), Dynamic semiparametric models for expected shortfall (and value-at-risk), Journal of
    Econometrics 211, 388–413, equation 6, with v = −VaR and e = −ES.

    Examples
    --------
    >>> fz0_loss([-0.03], [0.02], [0.025], confidence=0.95).round(4)
    array([4.1111])
    """
    signed, var, es = tail_forecasts(returns, value_at_risk, expected_shortfall)
    beyond = np.maximum(-signed - var, 0.0)
    return np.asarray(beyond / (tail_probability(confidence) * es) + var / es + np.log(es) - 1.0, dtype=np.float64)


def pinball_loss(returns: ArrayLike, value_at_risk: ArrayLike, *, confidence: float) -> FloatArray:
    """Return the quantile loss of a VaR forecast, one value per day; lower is better.

    Parameters
    ----------
    returns : array_like of float, shape (days,)
        Realised returns, signed fractions, oldest first; NaN is refused.
    value_at_risk : array_like of float, shape (days,)
        Forecasts for the same days, loss fractions.
    confidence : float
        VaR confidence, for example 0.99.

    Returns
    -------
    ndarray, shape (days,)
        (α − 1{return < −VaR}) (return + VaR) with α = 1 − confidence; never negative, in units of the returns.

    Raises
    ------
    DataError
        If an input is empty, misshapen or not finite.

    References
    ----------
    Koenker and Bassett (1978), Regression Quantiles, Econometrica 46, 33–50.

    Examples
    --------
    >>> pinball_loss([-0.03, 0.01], [0.02, 0.02], confidence=0.95).round(6)
    array([0.0095, 0.0015])
    """
    signed, var = aligned(returns=returns, value_at_risk=value_at_risk)
    distance = signed + var
    return np.asarray((tail_probability(confidence) - (distance < 0.0)) * distance, dtype=np.float64)
