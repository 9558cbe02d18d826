"""The situation a shock meets: the book held, the calibration in force, the market of today."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from workbench.domain.calibration import Calibration
from workbench.domain.currencies import CURRENCIES, LEGS
from workbench.domain.errors import ConfigError, DataError
from workbench.domain.policy import Policy

Floats = NDArray[np.float64]

NOT_HELD = 1e-12
"""Exposure over equity under which a leg is not held."""


@dataclass(frozen=True, slots=True)
class Situation:
    """A book on the evening a shock begins.

    Attributes
    ----------
    policy : Policy
        In force.
    calibration : Calibration
        Adopted.
    units : mapping of str to float
        Pair to units held.
    equity : float
        US dollars.
    values : mapping of str to float
        US dollars per unit of each leg.
    time_ns : int
        The fix, UTC.
    recent : ndarray, shape (days, 7)
        Simple leg returns of the last days, oldest first: what goes on after a shock.
    """

    policy: Policy
    calibration: Calibration
    units: Mapping[str, float]
    equity: float
    values: Mapping[str, float]
    time_ns: int
    recent: Floats = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse a situation nothing can be staged in."""
        if not self.units:
            raise ConfigError("the book holds no position: there is nothing to stress")
        if not (np.isfinite(self.equity) and self.equity > 0.0 and np.isfinite(list(self.units.values())).all()):
            raise DataError("a situation needs a positive equity and finite units")
        if np.ndim(self.recent) != 2 or np.shape(self.recent)[1] != len(LEGS) or not np.isfinite(self.recent).all():
            raise DataError(f"expected finite recent returns of 7 legs, got shape {np.shape(self.recent)}")

    @property
    def weights(self) -> Floats:
        """US dollars in each leg over equity, signed."""
        held = dict.fromkeys(CURRENCIES, 0.0)
        for pair, units in self.units.items():
            worth = units * self.values.get(pair[:3], 1.0)
            held[pair[:3]] += worth
            held[pair[3:]] -= worth
        found = np.array([held[leg] for leg in LEGS]) / self.equity
        # what cancels out but for rounding is not held
        return np.where(np.abs(found) < NOT_HELD, 0.0, found)

    @property
    def volatility(self) -> Floats:
        """Daily volatility of the legs by the calibration."""
        return np.array([self.calibration.legs[leg].volatility_daily for leg in LEGS])

    @property
    def correlation(self) -> Floats:
        """Correlation of the legs by the calibration."""
        return np.array(self.calibration.current_correlation)

    @property
    def covariance(self) -> Floats:
        """Daily covariance of the legs by the calibration."""
        return np.outer(self.volatility, self.volatility) * self.correlation

    @property
    def deviation(self) -> float:
        """Daily volatility of the book, fraction of equity."""
        return float(np.sqrt(max(float(self.weights @ self.covariance @ self.weights), 0.0)))

    def against(self, moves: Floats) -> Floats:
        """The same path of returns, turned so that the book loses over all of it.

        Parameters
        ----------
        moves : ndarray, shape (days, 7)
            Simple returns.

        Returns
        -------
        ndarray
        """
        return -moves if float((moves @ self.weights).sum()) > 0.0 else moves
