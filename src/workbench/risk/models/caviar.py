"""CAViaR, asymmetric slope: the quantile itself is autoregressive.

``q_t = b0 + b1 q_{t−1} + b2 max(r_{t−1}, 0) + b3 max(−r_{t−1}, 0)``, q a positive loss. Expected shortfall is the
quantile times the mean ratio of loss to quantile over the exceedances of the window, never below one.

References
----------
Engle and Manganelli (2004), CAViaR: conditional autoregressive value at risk by regression quantiles, J. of Business
& Economic Statistics 22, eq. 8. Nelder and Mead (1965), Computer Journal 7. Taylor (2019), J. of Business & Economic
Statistics 37, for a shortfall proportional to the quantile.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from workbench.domain.compiled import compiled
from workbench.risk.models.protocol import CONFIDENCES, Estimator, Forecast

Floats = NDArray[np.float64]

START_DAYS = 300  # Engle and Manganelli (2004), section 5: the first quantile is that of the first 300 days
COLD_STARTS = ((0.90, 0.10, 0.15), (0.80, 0.20, 0.30), (0.95, 0.03, 0.08), (0.70, 0.05, 0.50))
STEPS = 400


@compiled
def quantile_path(b: Floats, returns: Floats, first: float) -> Floats:
    """Quantiles, shape (days + 1,): row t uses returns before t."""
    path = np.empty(returns.size + 1)
    q = first
    path[0] = q
    for t in range(returns.size):
        r = returns[t]
        q = b[0] + b[1] * q + (b[2] * r if r > 0 else -b[3] * r)
        path[t + 1] = q
    return path


@compiled
def tick_loss(b: Floats, returns: Floats, first: float, confidence: float) -> float:
    """Mean tick loss; infinite where the recursion explodes or the quantile turns negative."""
    if b[1] < 0.0 or b[1] > 0.999:
        return math.inf
    q, total = first, 0.0
    for t in range(returns.size):
        r = returns[t]
        gap = -r - q
        total += confidence * gap if gap > 0 else (confidence - 1.0) * gap
        q = b[0] + b[1] * q + (b[2] * r if r > 0 else -b[3] * r)
        if q <= 0.0:
            return math.inf
    return total / returns.size


@compiled
def nelder_mead(start: Floats, returns: Floats, first: float, confidence: float) -> tuple[Floats, float]:
    """Downhill simplex on `tick_loss`, standard coefficients; returns (b, loss)."""
    k = start.size
    points, values = np.empty((k + 1, k)), np.empty(k + 1)
    # only b0 carries the unit of the returns; b1 steps down, away from the bound of one
    steps = 0.1 * np.abs(start) + 0.01
    steps[0] = 0.1 * abs(start[0]) + 0.01 * first
    steps[1] = -0.05 * start[1] - 0.01
    for i in range(k + 1):
        points[i] = start
        if i > 0:
            points[i, i - 1] += steps[i - 1]
        values[i] = tick_loss(points[i], returns, first, confidence)
    for _ in range(STEPS):
        order = np.argsort(values)
        points, values = points[order], values[order]
        if values[k] - values[0] < 1e-9 * values[0]:
            break
        centre = points[:k].sum(axis=0) / k
        reflected = 2.0 * centre - points[k]
        value = tick_loss(reflected, returns, first, confidence)
        if value < values[0]:
            expanded = 3.0 * centre - 2.0 * points[k]
            further = tick_loss(expanded, returns, first, confidence)
            if further < value:
                reflected, value = expanded, further
        elif value >= values[k - 1]:
            towards = reflected if value < values[k] else points[k]
            reflected = 0.5 * (centre + towards)
            inside = tick_loss(reflected, returns, first, confidence)
            if inside >= min(value, values[k]):
                for i in range(1, k + 1):
                    points[i] = 0.5 * (points[0] + points[i])
                    values[i] = tick_loss(points[i], returns, first, confidence)
                continue
            value = inside
        points[k] = reflected
        values[k] = value
    best = np.argmin(values)
    return points[best], values[best]


def first_quantiles(window: Floats) -> Floats:
    """Empirical loss quantiles of the first days of the window.

    Parameters
    ----------
    window : ndarray, shape (window,)
        Returns, oldest first.

    Returns
    -------
    ndarray, shape (confidences,)
        Positive, at least a hundredth of the standard deviation.
    """
    first: Floats = np.maximum(np.quantile(-window[:START_DAYS], CONFIDENCES), 0.01 * window.std())
    return first


@dataclass(frozen=True, slots=True)
class CaviarEstimator:
    """Tick-loss minimum per confidence level, warm or from a few cold starts."""

    key: str = "caviar"

    def estimate(self, window: Floats, warm: Floats | None, *, check_cold: bool) -> Floats:
        """Fit the window.

        Parameters
        ----------
        window : ndarray, shape (window,)
            Returns, oldest first.
        warm : ndarray, optional
            Estimate of the window before.
        check_cold : bool
            Also search from the cold starts and keep the smaller loss.

        Returns
        -------
        ndarray, shape (12,)
            Four coefficients per level of `CONFIDENCES`.
        """
        found = []
        for level, (confidence, first) in enumerate(zip(CONFIDENCES, first_quantiles(window), strict=True)):
            starts = [] if warm is None else [warm[4 * level : 4 * level + 4]]
            if warm is None or check_cold:
                cold = [np.array([first * (1 - b1) * 0.3, b1, b2, b3]) for b1, b2, b3 in COLD_STARTS]
                cold.sort(key=lambda b: tick_loss(b, window, first, confidence))
                starts += cold[:2]
            searched = [nelder_mead(start, window, first, confidence) for start in starts]
            found.append(min(searched, key=lambda result: result[1])[0])
        return np.concatenate(found)


@dataclass(frozen=True, slots=True)
class Caviar:
    """Asymmetric-slope CAViaR with shortfall proportional to the quantile."""

    name: str = "caviar"
    title: str = "CAViaR, asymmetric slope (Engle–Manganelli)"
    estimator: Estimator = field(default_factory=CaviarEstimator)

    def tail(self, window: Floats, estimate: Floats) -> Floats:
        """Coefficients, first quantiles and shortfall ratios, five numbers and a ratio per level."""
        rows = []
        for level, first in enumerate(first_quantiles(window)):
            b = estimate[4 * level : 4 * level + 4]
            quantile = quantile_path(b, window, first)[:-1]
            beyond = -window > quantile
            ratio = float(np.mean(-window[beyond] / quantile[beyond])) if np.any(beyond) else 1.0
            rows.append([*b, first, ratio])
        return np.array(rows).ravel()

    def forecast(self, returns: Floats, days: tuple[int, int], window: int, parameters: Floats) -> Forecast:
        """Quantile recursion from one window back; levels are kept in order (rearrangement)."""
        start, stop = days
        history = returns[start - window : stop - 1]
        rows = parameters.reshape(CONFIDENCES.size, 6)
        value_at_risk = np.column_stack([quantile_path(row[:4], history, row[4])[window:] for row in rows])
        value_at_risk = np.sort(value_at_risk, axis=1)
        shortfall = np.maximum.accumulate(value_at_risk * rows[:, 5], axis=1)
        return Forecast(value_at_risk, np.maximum(shortfall, value_at_risk))
