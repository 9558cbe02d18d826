"""Models without a search: historical, EWMA normal, filtered historical (Hull–White), Cornish–Fisher.

References
----------
Hull and White (1998), Incorporating volatility updating into the historical simulation method for VaR, J. of Risk 1.
Acerbi and Tasche (2002), On the coherence of expected shortfall, J. of Banking & Finance 26, for the tail mean.
Maillard (2018), A user's guide to the Cornish Fisher expansion, eq. 2.9, for the monotone domain.
Boudt, Peterson and Croux (2008), J. of Risk 11, for its expected shortfall.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from workbench.domain.compiled import compiled
from workbench.domain.errors import ModelError
from workbench.risk.distributions import normal_tail
from workbench.risk.models.protocol import CONFIDENCES, Estimator, Forecast, NothingToFit
from workbench.risk.volatility import DAILY_DECAY, ewma_volatility

Floats = NDArray[np.float64]

BURN_IN = 100  # days until the first squared returns weigh less than 0.3 % in the EWMA at decay 0.94


@compiled
def tail_of_sorted(losses: Floats, confidence: float) -> tuple[float, float]:
    """Interpolated quantile and Acerbi–Tasche tail mean of ascending losses; the mean is never below the quantile."""
    n = losses.size
    place = confidence * (n - 1)
    low = int(place)
    quantile = losses[low]
    if low + 1 < n:
        quantile += (place - low) * (losses[low + 1] - losses[low])
    count = (1.0 - confidence) * n
    whole = int(count)
    total = 0.0
    for i in range(whole):
        total += losses[n - 1 - i]
    if whole < n:
        total += (count - whole) * losses[n - 1 - whole]
    return quantile, max(total / count, quantile)


@compiled
def rolling_tail(losses: Floats, window: int, confidences: Floats) -> tuple[Floats, Floats]:
    """Quantile and tail mean of the `window` losses before each row from row `window` on, to one past the end."""
    rows = losses.size - window + 1
    quantiles, means = np.empty((rows, confidences.size)), np.empty((rows, confidences.size))
    ordered = np.sort(losses[:window])
    for row in range(rows):
        if row > 0:
            leaving, entering = losses[row - 1], losses[row + window - 1]
            i = np.searchsorted(ordered, leaving)
            while i + 1 < window and ordered[i + 1] < entering:
                ordered[i] = ordered[i + 1]
                i += 1
            while i > 0 and ordered[i - 1] > entering:
                ordered[i] = ordered[i - 1]
                i -= 1
            ordered[i] = entering
        for j in range(confidences.size):
            quantiles[row, j], means[row, j] = tail_of_sorted(ordered, confidences[j])
    return quantiles, means


def empirical_tail(losses: Floats) -> tuple[Floats, Floats]:
    """Empirical quantile and tail mean at the levels of `CONFIDENCES`.

    Parameters
    ----------
    losses : ndarray, shape (days,)
        Positive is a loss; any order.

    Returns
    -------
    tuple of ndarray, shape (confidences,)
        Quantiles (linear interpolation) and tail means, positive is a loss.
    """
    quantiles, means = rolling_tail(losses, losses.size, CONFIDENCES)
    return quantiles[0], means[0]


@dataclass(frozen=True, slots=True)
class Historical:
    """Empirical quantile of the last `window` returns, unweighted."""

    name: str = "historical"
    title: str = "Historical simulation, equal weights"
    estimator: Estimator = field(default_factory=NothingToFit)

    def tail(self, window: Floats, estimate: Floats) -> Floats:
        """Nothing to prepare: the window rolls every day."""
        return np.empty(0)

    def forecast(self, returns: Floats, days: tuple[int, int], window: int, parameters: Floats) -> Forecast:
        """Empirical quantiles and tail means of the `window` days before each day."""
        start, stop = days
        return Forecast(*rolling_tail(-returns[start - window : stop - 1], window, CONFIDENCES))


@dataclass(frozen=True, slots=True)
class FilteredHistorical:
    """EWMA volatility × empirical quantile of the last `window` standardised returns (Hull–White)."""

    name: str = "fhs-ewma"
    title: str = "Filtered historical simulation, EWMA volatility (Hull–White)"
    decay: float = DAILY_DECAY
    estimator: Estimator = field(default_factory=NothingToFit)

    def tail(self, window: Floats, estimate: Floats) -> Floats:
        """Nothing to prepare: the residuals roll every day."""
        return np.empty(0)

    def forecast(self, returns: Floats, days: tuple[int, int], window: int, parameters: Floats) -> Forecast:
        """Today's volatility × quantile of standardised losses."""
        start, stop = days
        volatility = ewma_volatility(returns[: stop - 1], decay=self.decay)
        losses = -returns[start - window : stop - 1] / volatility[start - window : stop - 1]
        quantiles, means = rolling_tail(losses, window, CONFIDENCES)
        scale = volatility[start:stop, None]
        return Forecast(scale * quantiles, scale * means)


def ewma_scaled(returns: Floats, days: tuple[int, int], decay: float, parameters: Floats) -> Forecast:
    """EWMA volatility × fixed quantiles and tail means (`parameters` holds both, three each).

    Parameters
    ----------
    returns : ndarray
        Returns, oldest first.
    days : tuple of int
        `(start, stop)` as in `VarModel.forecast`.
    decay : float
        Weight of yesterday's variance.
    parameters : ndarray, shape (6,)
        Loss quantiles, then tail means, in standard deviations.

    Returns
    -------
    Forecast
    """
    start, stop = days
    scale = ewma_volatility(returns[: stop - 1], decay=decay)[start:stop, None]
    return Forecast(scale * parameters[:3], scale * parameters[3:])


@dataclass(frozen=True, slots=True)
class EwmaNormal:
    """EWMA volatility × normal quantile (RiskMetrics)."""

    name: str = "ewma-normal"
    title: str = "EWMA volatility, normal tail (RiskMetrics)"
    decay: float = DAILY_DECAY
    estimator: Estimator = field(default_factory=NothingToFit)

    def tail(self, window: Floats, estimate: Floats) -> Floats:
        """Normal quantiles and tail means."""
        return np.concatenate(normal_tail(CONFIDENCES))

    def forecast(self, returns: Floats, days: tuple[int, int], window: int, parameters: Floats) -> Forecast:
        """Today's volatility × normal quantile."""
        return ewma_scaled(returns, days, self.decay, parameters)


@dataclass(frozen=True, slots=True)
class CornishFisher:
    """EWMA volatility × Cornish–Fisher quantile; refused where the expansion is not monotone."""

    name: str = "cornish-fisher"
    title: str = "EWMA volatility, Cornish–Fisher quantile"
    decay: float = DAILY_DECAY
    estimator: Estimator = field(default_factory=NothingToFit)

    def tail(self, window: Floats, estimate: Floats) -> Floats:
        """Expanded quantiles from the skewness and excess kurtosis of the standardised window.

        Raises
        ------
        ModelError
            When skewness and kurtosis lie outside the domain in which the expansion is increasing, or the window is
            too short to tell.
        """
        if window.size < 2 * BURN_IN:
            raise ModelError(f"Cornish–Fisher needs {2 * BURN_IN} returns for a fourth moment, got {window.size}")
        residuals = window[BURN_IN:] / ewma_volatility(window, decay=self.decay)[BURN_IN:-1]
        centred = residuals - residuals.mean()
        spread = centred.std()
        skewness = float(np.mean(centred**3) / spread**3)
        excess = float(np.mean(centred**4) / spread**4 - 3)
        return np.concatenate(cornish_fisher_tail(CONFIDENCES, skewness, excess))

    def forecast(self, returns: Floats, days: tuple[int, int], window: int, parameters: Floats) -> Forecast:
        """Today's volatility × expanded quantile."""
        return ewma_scaled(returns, days, self.decay, parameters)


def cornish_fisher_tail(confidence: Floats, skewness: float, excess: float) -> tuple[Floats, Floats]:
    """Loss quantile and tail mean of the third-order Cornish–Fisher expansion.

    Parameters
    ----------
    confidence : ndarray
        Levels in (0.5, 1).
    skewness, excess : float
        Expansion parameters: skewness and excess kurtosis.

    Returns
    -------
    tuple of ndarray
        Quantile and tail mean in standard deviations, positive losses.

    Raises
    ------
    ModelError
        When the expansion is not increasing everywhere: a "quantile" that falls as confidence rises is no quantile.
    """
    s, k = skewness, excess
    # derivative a z² + b z + c of the expansion in z must have no real root
    a, b, c = k / 8 - s**2 / 6, s / 3, 1 - k / 8 + 5 * s**2 / 36
    if (a <= 0 and not (a == 0 and b == 0)) or b * b - 4 * a * c > 0:
        raise ModelError(
            f"Cornish–Fisher is refused: skewness {s:.2f} and excess kurtosis {k:.2f} lie outside its monotone domain"
        )
    z = -np.asarray(normal_tail(confidence)[0])
    p = 1 - confidence
    density = np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi) / p
    first, second, third = -density, 1 - z * density, -(z**2 + 2) * density

    def expand(m1: Floats, m2: Floats, m3: Floats) -> Floats:
        return m1 + (m2 - 1) * s / 6 + (m3 - 3 * m1) * k / 24 - (2 * m3 - 5 * m1) * s**2 / 36

    return -expand(z, z**2, z**3), -expand(first, second, third)
