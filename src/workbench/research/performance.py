"""Performance of many return series at once. Returns are net P&L over constant capital, so they add up over time."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.research.overfitting.panel import sharpe_ratios

Floats = NDArray[np.float64]

LEAST_PERIODS = 120


def largest_drawdowns(returns: Floats) -> Floats:
    """Largest fall of equity from its peak, as a fraction of constant capital.

    Parameters
    ----------
    returns : ndarray, shape (periods, series)
        Fractions of capital, oldest first.

    Returns
    -------
    ndarray, shape (series,)
        ≥ 0; profits are taken out and losses paid in, so it may exceed 1.
    """
    if not len(returns):
        return np.zeros(returns.shape[1])
    equity = np.cumsum(returns, axis=0)
    return np.asarray((np.maximum(np.maximum.accumulate(equity, axis=0), 0.0) - equity).max(axis=0))


def by_decade(returns: pd.DataFrame) -> pd.DataFrame:
    """Annualised Sharpe ratio of each series in each decade.

    Parameters
    ----------
    returns : DataFrame, shape (periods, series)
        Indexed by time.

    Returns
    -------
    DataFrame, shape (series, decades)
        Columns such as ``2010s``; a decade with less than a year of data is left out.
    """
    years = pd.DatetimeIndex(returns.index).year.to_numpy()
    rate = len(returns) / max(years[-1] - years[0] + 1, 1)
    columns = {}
    for decade in sorted(set(years // 10 * 10)):
        chosen = returns.to_numpy()[years // 10 * 10 == decade]
        if len(chosen) >= rate:
            columns[f"{decade}s"] = sharpe_ratios(chosen) * np.sqrt(rate)
    return pd.DataFrame(columns, index=returns.columns)


def by_label(returns: pd.DataFrame, labels: NDArray[np.str_], periods_per_year: float) -> pd.DataFrame:
    """Annualised Sharpe ratio of each series on the days of each label.

    Parameters
    ----------
    returns : DataFrame, shape (periods, series)
        Fractions of capital.
    labels : ndarray of str, shape (periods,)
        Such as the regime known the evening before.
    periods_per_year : float
        Periods in a year.

    Returns
    -------
    DataFrame, shape (series, labels)
        Labels with fewer than 120 periods, half a year, are left out: their ratio is noise.
    """
    values, columns = returns.to_numpy(), {}
    for label in sorted(set(labels.tolist())):
        chosen = values[labels == label]
        if len(chosen) >= LEAST_PERIODS:
            columns[label] = sharpe_ratios(chosen) * np.sqrt(periods_per_year)
    return pd.DataFrame(columns, index=returns.columns)
