"""How high is unusual: thresholds for turbulence and absorption, from block bootstraps of a calm window.

Blocks keep the clustering of turbulent days, so that a threshold is not met by chance more often than it says;
Jennrich's and Box's M tests assume independent normal days and reject calm years too.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.risk.correlation.breakdown import BlockPlan, block_bootstrap_threshold
from workbench.risk.correlation.systemic import (
    SHIFT_LONG_DAYS,
    absorption_ratio,
    standardised_shift,
    turbulence,
)
from workbench.risk.volatility import finite_matrix, shrunk_covariance

Floats = NDArray[np.float64]

LEVEL = 0.99
UPPER = 0.95
"""The day's threshold is the upper 95 % bound of the 99 % quantile: unusual even if usual was estimated too low."""
QUANTILE_DRAWS, DAY_DRAWS, SHIFT_DRAWS = 400, 1_000, 200


def turbulence_quantile_threshold(turbulence_of_window: ArrayLike, *, generator: np.random.Generator) -> float:
    """Upper bound of the 99 % quantile of a window's turbulence, however it was measured.

    Parameters
    ----------
    turbulence_of_window : array_like, shape (days,)
        Squared Mahalanobis distances, oldest first.
    generator : numpy.random.Generator
        The only source of randomness.

    Returns
    -------
    float
        Squared distance: 95 % quantile, over block resamples, of their 99 % quantile.
    """
    values = finite_matrix(turbulence_of_window)

    def quantile(rows: Floats) -> float:
        return float(np.quantile(rows, LEVEL))

    plan = BlockPlan(draws=QUANTILE_DRAWS)
    return block_bootstrap_threshold(values, quantile, generator=generator, level=UPPER, plan=plan).threshold


def next_day_turbulence_threshold(window: ArrayLike, *, generator: np.random.Generator) -> float:
    """99 % quantile of a calm day's turbulence against estimates from the days before it.

    Parameters
    ----------
    window : array_like, shape (days, legs)
        Log returns of the normal window, oldest first.
    generator : numpy.random.Generator
        The only source of randomness.

    Returns
    -------
    float
        Squared Mahalanobis distance; it allows for the error of estimating mean and covariance from one window.
    """
    values = finite_matrix(window)

    def distance(rows: Floats) -> float:
        past = rows[:-1]
        return float(turbulence(rows[-1:], mean=past.mean(axis=0), covariance=shrunk_covariance(past)[0])[0])

    plan = BlockPlan(draws=DAY_DRAWS, length_days=len(values) + 1)
    return block_bootstrap_threshold(values, distance, generator=generator, level=LEVEL, plan=plan).threshold


def absorption_shift_threshold(window: ArrayLike, *, generator: np.random.Generator) -> float:
    """99 % quantile of the standardised shift of the absorption ratio while nothing changes.

    Parameters
    ----------
    window : array_like, shape (days, legs)
        Log returns of the normal window, oldest first.
    generator : numpy.random.Generator
        The only source of randomness.

    Returns
    -------
    float
        Deviations; + means tighter than usual.
    """
    values = finite_matrix(window)

    def shift(rows: Floats) -> float:
        return float(standardised_shift(absorption_ratio(rows, warm_up=len(values)))[-1])

    plan = BlockPlan(draws=SHIFT_DRAWS, length_days=len(values) + SHIFT_LONG_DAYS - 1)
    return block_bootstrap_threshold(values, shift, generator=generator, level=LEVEL, plan=plan).threshold
