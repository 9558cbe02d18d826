"""The regime read off the volatility ratio: what carries the regime when no model earns its place.

Current EWMA volatility over its trailing 500-day median, cut at fixed bands; nothing is fitted, nothing looks ahead.
"""

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike

from workbench.domain.errors import DataError
from workbench.regimes.series import EWMA_DECAY, NORMAL_WINDOW_DAYS, Floats, Integers, finite_series, volatility_ratio

REGIMES: tuple[str, ...] = ("normal", "trending", "ranging", "high volatility", "crisis", "recovery")
"""Names of the policy's sizing table; a code is a position in this tuple."""


@dataclass(frozen=True, slots=True)
class VolatilityBands:
    """Where one regime ends and the next begins.

    Attributes
    ----------
    high : float
        Ratio from which volatility is high: first rung of the policy's volatility ladder.
    crisis : float
        Ratio from which it is a crisis: the policy's conditions "extreme" and "crisis" together. (Above 3 the mean leg
        has not been once since 2000, so a crisis that began there would never be declared.)
    recovery_peak : float
        A calm day is recovery while the ratio of the last `memory_days` has been at least this: second rung.
    memory_days : int
        Days looked back for the peak and for the trend; about a quarter.
    trending, ranging : float
        Bounds on |sum of returns| / root of the sum of squares over `memory_days`. A random walk gives a standard
        normal there: it is above 1.645 on 10 % and below 0.253 on 20 % of days, so these two names are descriptions
        of the past quarter, not forecasts.
    """

    high: float = 1.5
    crisis: float = 2.5
    recovery_peak: float = 2.0
    memory_days: int = 60
    trending: float = 1.645
    ranging: float = 0.253

    def __post_init__(self) -> None:
        """Refuse bands in the wrong order."""
        ordered = 0.0 < self.high < self.crisis and self.high <= self.recovery_peak
        if not (ordered and 0.0 <= self.ranging < self.trending and self.memory_days >= 1):
            raise DataError(f"expected 0 < high < crisis, high <= recovery_peak, ranging < trending, got {self}")


@dataclass(frozen=True, slots=True)
class RegimeReading:
    """A regime and how surely the ratio lies in its band.

    Attributes
    ----------
    name : str
        One of `REGIMES`.
    probability : float
        Pseudo-probability in (0, 1): see `volatility_regime`.
    """

    name: str
    probability: float


@dataclass(frozen=True, slots=True, eq=False)
class RegimePath:
    """Regimes of a history, row t from rows 0…t.

    Attributes
    ----------
    first_row : int
        Row of the series that the first reading belongs to.
    ratio : ndarray, shape (readings,)
        Volatility ratio.
    code : ndarray of int, shape (readings,)
        Position in `REGIMES`.
    probability : ndarray, shape (readings,)
        Pseudo-probability of the volatility band.
    """

    first_row: int
    ratio: Floats
    code: Integers
    probability: Floats

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each reading."""
        return tuple(REGIMES[code] for code in self.code)

    @property
    def now(self) -> RegimeReading:
        """The last reading."""
        return RegimeReading(REGIMES[self.code[-1]], float(self.probability[-1]))


DEFAULT_BANDS = VolatilityBands()


def volatility_regime(
    ratio: float, *, recent_peak: float = 0.0, trend_strength: float = 1.0, bands: VolatilityBands = DEFAULT_BANDS
) -> RegimeReading:
    """Regime of one day from its volatility ratio.

    Parameters
    ----------
    ratio : float
        Current volatility over normal volatility, > 0.
    recent_peak : float, default 0
        Largest ratio of the last `bands.memory_days`.
    trend_strength : float, default 1
        |sum of returns| / root of the sum of squares over `bands.memory_days`; the default is neither trend nor range.
    bands : VolatilityBands, optional
        Cuts.

    Returns
    -------
    RegimeReading
        Name and pseudo-probability.

    Raises
    ------
    DataError
        When an input is not finite, or the ratio is not positive.

    Notes
    -----
    An EWMA with decay λ averages (1 + λ)/(1 - λ) independent squares, 32 at 0.94, so for normal returns the log of the
    volatility has a standard error of √((1 - λ)/(2 (1 + λ))) = 0.124. The pseudo-probability is the normal mass, at
    that error, of the log ratio inside the band [0, high), [high, crisis) or [crisis, ∞). It says how far the ratio is
    from the cuts; it is no forecast.

    Examples
    --------
    >>> volatility_regime(1.5).name, round(volatility_regime(1.0).probability, 4)
    ('high volatility', 0.9994)
    """
    inputs = (ratio, recent_peak, trend_strength)
    if not all(np.isfinite(inputs)) or ratio <= 0.0:
        raise DataError(f"expected a positive ratio and finite peak and trend strength, got {inputs}")
    code, probability = _classify(np.array([ratio]), np.array([recent_peak]), np.array([trend_strength]), bands)
    return RegimeReading(REGIMES[code[0]], float(probability[0]))


def volatility_regime_path(
    series: ArrayLike,
    *,
    bands: VolatilityBands = DEFAULT_BANDS,
    decay: float = EWMA_DECAY,
    window: int = NORMAL_WINDOW_DAYS,
) -> RegimePath:
    """Regime of every day of a return series that has a normal to be compared with.

    Parameters
    ----------
    series : array_like, shape (days,)
        Returns, oldest first, no NaN.
    bands : VolatilityBands, optional
        Cuts; `memory_days` may not exceed the window.
    decay : float, default 0.94
        EWMA decay of the ratio.
    window : int, default 500
        Days in the trailing median.

    Returns
    -------
    RegimePath
        Row t uses rows 0…t only.

    Raises
    ------
    DataError
        When the series is too short or does not move.
    """
    if bands.memory_days > window:
        raise DataError(f"memory_days {bands.memory_days} must not exceed the window of {window} days")
    values = finite_series(series, least=window)
    ratio = volatility_ratio(values, decay=decay, window=window)
    rows = np.lib.stride_tricks.sliding_window_view(values[window - bands.memory_days :], bands.memory_days)
    rows = rows[: len(ratio)]
    size = np.sqrt((rows * rows).sum(axis=1))
    strength = np.abs(rows.sum(axis=1)) / np.where(size > 0.0, size, 1.0)
    padded = np.concatenate([np.zeros(bands.memory_days - 1), ratio])
    peak = np.lib.stride_tricks.sliding_window_view(padded, bands.memory_days).max(axis=1)
    code, probability = _classify(ratio, peak, strength, bands)
    return RegimePath(window - 1, ratio, code, probability)


def _classify(ratio: Floats, peak: Floats, strength: Floats, bands: VolatilityBands) -> tuple[Integers, Floats]:
    names = np.select(
        [
            ratio >= bands.crisis,
            ratio >= bands.high,
            peak >= bands.recovery_peak,
            strength >= bands.trending,
            strength <= bands.ranging,
        ],
        [REGIMES.index(name) for name in ("crisis", "high volatility", "recovery", "trending", "ranging")],
        default=REGIMES.index("normal"),
    )
    error = np.sqrt((1.0 - EWMA_DECAY) / (2.0 * (1.0 + EWMA_DECAY)))
    below_high = scipy.special.ndtr((np.log(bands.high) - np.log(ratio)) / error)
    below_crisis = scipy.special.ndtr((np.log(bands.crisis) - np.log(ratio)) / error)
    band = np.where(
        ratio >= bands.crisis,
        1.0 - below_crisis,
        np.where(ratio >= bands.high, below_crisis - below_high, below_high),
    )
    return names.astype(np.int64), np.asarray(band)
