"""Generalised Pareto tails: the fit, and quantile and tail mean beyond a threshold.

References
----------
Grimshaw (1993), Computing maximum likelihood estimates for the generalized Pareto distribution, Technometrics 35.
McNeil and Frey (2000), Estimation of tail-related risk measures, J. of Empirical Finance 7, eq. 16-17.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.domain.compiled import compiled
from workbench.domain.errors import DataError, ModelError

Floats = NDArray[np.float64]

FEWEST_EXCEEDANCES = 10
LOWEST_XI = -0.5  # below, the maximum likelihood estimator is not regular (Smith, 1985)
GRID = 60
GOLDEN = (math.sqrt(5) - 1) / 2


@compiled
def profile(shift: float, excesses: Floats, largest: float) -> tuple[float, float, float]:
    """Profile log-likelihood per exceedance at theta = xi / beta = (exp(shift) − 1) / largest; also xi and beta."""
    theta = math.expm1(shift) / largest
    mean = 0.0
    for y in excesses:
        mean += y
    mean /= excesses.size
    if abs(theta) * mean < 1e-9:
        return -math.log(mean) - 1.0, 0.0, mean
    xi = 0.0
    for y in excesses:
        xi += math.log1p(theta * y)
    xi /= excesses.size
    if xi < LOWEST_XI:
        return -math.inf, xi, xi / theta
    return -math.log(xi / theta) - xi - 1.0, xi, xi / theta


@compiled
def maximise_profile(excesses: Floats) -> tuple[float, float, float]:
    """(xi, beta, log-likelihood per exceedance): a grid over theta, then golden section around the best point."""
    largest = np.max(excesses)
    # exp(shift) − 1 reaches 20 × largest/mean: heavier than xi = 3 for any sample of some size
    low, high = -6.0, math.log1p(20.0 * largest / np.mean(excesses))
    best, step = low, (high - low) / GRID
    value = -math.inf
    for i in range(GRID + 1):
        trial = profile(low + i * step, excesses, largest)[0]
        if trial > value:
            best, value = low + i * step, trial
    left, right = max(best - step, low), min(best + step, high)
    for _ in range(60):
        a, b = right - GOLDEN * (right - left), left + GOLDEN * (right - left)
        if profile(a, excesses, largest)[0] < profile(b, excesses, largest)[0]:
            left = a
        else:
            right = b
    value, xi, beta = profile(0.5 * (left + right), excesses, largest)
    return xi, beta, value


@dataclass(frozen=True, slots=True)
class GpdFit:
    """Generalised Pareto law of the excesses over `threshold`, units of the losses.

    `tail_share` is the share of the losses that exceed the threshold.
    """

    xi: float
    beta: float
    threshold: float
    exceedances: int
    tail_share: float
    log_likelihood: float

    def quantile(self, confidence: Floats) -> Floats:
        """Loss not exceeded with the given confidence, for levels beyond the threshold.

        Parameters
        ----------
        confidence : ndarray
            Levels above ``1 − tail_share``.

        Returns
        -------
        ndarray
            McNeil and Frey (2000), eq. 16.

        Raises
        ------
        ModelError
            When a level lies inside the threshold.
        """
        p = (1 - np.asarray(confidence, dtype=float)) / self.tail_share
        if np.any(p > 1 + 1e-12):
            raise ModelError(
                f"confidence must be {1 - self.tail_share:.3f} or more, where the tail begins, got {np.min(confidence)}"
            )
        growth = -np.log(p) if self.xi == 0 else np.expm1(-self.xi * np.log(p)) / self.xi
        return self.threshold + self.beta * growth

    def tail_mean(self, confidence: Floats) -> Floats:
        """Mean loss beyond the quantile.

        Parameters
        ----------
        confidence : ndarray
            Levels above ``1 − tail_share``.

        Returns
        -------
        ndarray
            McNeil and Frey (2000), eq. 17.

        Raises
        ------
        ModelError
            When xi is one or more: the tail has no mean.
        """
        if self.xi >= 1:
            raise ModelError(f"the fitted tail has no mean: xi is {self.xi:.2f}, expected below 1")
        quantile = self.quantile(confidence)
        return (quantile + self.beta - self.xi * self.threshold) / (1 - self.xi)


def fit_gpd(losses: ArrayLike, *, threshold: float) -> GpdFit:
    """Fit a generalised Pareto law to the excesses over a threshold by maximum likelihood.

    Parameters
    ----------
    losses : array_like, shape (days,)
        Positive is a loss; any order, finite.
    threshold : float
        Only losses above it are used, in the units of the losses.

    Returns
    -------
    GpdFit
        Shape `xi` (positive is heavy-tailed) and scale `beta`.

    Raises
    ------
    DataError
        When a loss is not finite or fewer than ten exceed the threshold.

    Notes
    -----
    Grimshaw's reduction to one dimension, xi restricted to −0.5 and above, where the estimator is regular.
    """
    values = np.asarray(losses, dtype=float)
    if values.ndim != 1 or not np.all(np.isfinite(values)):
        raise DataError(f"losses must be one finite series, got shape {values.shape} with NaN or infinity or more axes")
    excesses = values[values > threshold] - threshold
    if excesses.size < FEWEST_EXCEEDANCES:
        raise DataError(
            f"a tail fit needs {FEWEST_EXCEEDANCES} or more losses above {threshold:g}, got {excesses.size}"
        )
    xi, beta, value = maximise_profile(excesses)
    return GpdFit(xi, beta, threshold, excesses.size, excesses.size / values.size, value * excesses.size)
