"""What every VaR model is: an estimator that may be costly, a cheap tail, and a forecast that only looks back."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CONFIDENCES = np.array([0.95, 0.975, 0.99])
"""Levels every model forecasts: the limits of the policy at 95 and 99 %, expected shortfall at 97.5 %."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """VaR and ES as positive loss fractions, shape (days, confidences), levels in the order of `CONFIDENCES`."""

    value_at_risk: Floats
    expected_shortfall: Floats


class Estimator(Protocol):
    """The costly part of a model, shared by all models that name the same `key`."""

    @property
    def key(self) -> str:
        """Name under which estimates are kept."""
        ...

    def estimate(self, window: Floats, warm: Floats | None, *, check_cold: bool) -> Floats:
        """Fit to a window of returns.

        Parameters
        ----------
        window : ndarray, shape (window,)
            Returns before the first forecast day, oldest first.
        warm : ndarray, optional
            The estimate of the window before.
        check_cold : bool
            Also search from cold starts and keep the better likelihood.

        Returns
        -------
        ndarray
            Estimate, always of the same length; empty when there is nothing to fit.
        """
        ...


@runtime_checkable
class VarModel(Protocol):
    """A model of tomorrow's loss at today's positions."""

    @property
    def name(self) -> str:
        """Short name in tables and on the command line."""
        ...

    @property
    def title(self) -> str:
        """What it is, for a reader."""
        ...

    @property
    def estimator(self) -> Estimator:
        """The part that is fitted every few days."""
        ...

    def tail(self, window: Floats, estimate: Floats) -> Floats:
        """Parameters of the forecast from the window and its estimate; cheap and deterministic.

        Parameters
        ----------
        window : ndarray, shape (window,)
            The returns the estimate was made from.
        estimate : ndarray
            What the estimator found.

        Returns
        -------
        ndarray
            Parameters for `forecast`.

        Raises
        ------
        ModelError
            When the model must not be used on this window.
        """
        ...

    def forecast(self, returns: Floats, days: tuple[int, int], window: int, parameters: Floats) -> Forecast:
        """Forecasts for days `start … stop − 1`; row t uses ``returns[:t]`` only.

        Parameters
        ----------
        returns : ndarray
            Returns from the first day on; at least `stop − 1` of them.
        days : tuple of int
            `(start, stop)`, indices into `returns`; `stop − 1` may be the day after the last return.
        window : int
            Length of the look-back.
        parameters : ndarray
            What `tail` gave for the window that ends before `start`.

        Returns
        -------
        Forecast
            `stop − start` rows.
        """
        ...


@dataclass(frozen=True, slots=True)
class NothingToFit:
    """Estimator of the models that have no parameters to search for."""

    key: str = "none"

    def estimate(self, window: Floats, warm: Floats | None, *, check_cold: bool) -> Floats:
        """Return an empty estimate.

        Parameters
        ----------
        window, warm, check_cold
            As in `Estimator`; not looked at.

        Returns
        -------
        ndarray, shape (0,)
        """
        return np.empty(0)
