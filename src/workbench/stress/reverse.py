"""Reverse stress: the smallest, most plausible one-day move of the legs that loses a given share of equity.

The profit of a held book is, to first order, linear in the simple returns of the seven USD legs: crosses are sums of
legs. So the worst move at a Mahalanobis distance has a closed form, and so has the distance that loses an amount.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from workbench.domain.currencies import LEGS
from workbench.domain.errors import DataError
from workbench.domain.policy import Policy
from workbench.domain.tables import html_table, number, percent

Floats = NDArray[np.float64]

FIXES_A_YEAR = 256


@dataclass(frozen=True, slots=True)
class ReverseShock:
    """One move.

    Attributes
    ----------
    name : str
        What it trips or loses.
    loss : float
        Share of equity, positive.
    distance : float
        Mahalanobis distance, in standard deviations along the worst direction; infinite for a book without risk.
    moves : dict of str to float
        Simple return of each leg; empty when there is none.
    """

    name: str
    loss: float
    distance: float
    moves: Mapping[str, float]

    @property
    def plausibility(self) -> float:
        """Probability of a day at least so far out in any direction, if legs were normal: they are not."""
        return float(chi2.sf(self.distance**2, len(LEGS)))

    @property
    def years(self) -> float:
        """Mean years between two such days under the same assumption."""
        return 1.0 / (self.plausibility * FIXES_A_YEAR) if self.plausibility > 0.0 else float("inf")


@dataclass(frozen=True, slots=True)
class ReverseTable:
    """Shocks, mildest first."""

    shocks: tuple[ReverseShock, ...]

    def _repr_html_(self) -> str:
        rows = [
            [one.name, percent(one.loss, 1), number(one.distance, ".1f"), number(one.years, ",.1f"),
             ", ".join(f"{leg} {100 * move:+.1f} %" for leg, move in one.moves.items())]
            for one in self.shocks
        ]  # fmt: skip
        head = ["trips or loses", "loss", "distance", "years apart, if normal", "moves of the legs"]
        return html_table(head, rows, caption="Reverse stress: the smallest one-day move of the legs that does it")


def worst_move(weights: Floats, covariance: Floats, *, distance: float) -> Floats:
    """The move within a Mahalanobis distance that loses most.

    Parameters
    ----------
    weights : ndarray, shape (7,)
        US dollars in each leg over equity, signed.
    covariance : ndarray, shape (7, 7)
        Of daily simple leg returns, symmetric, not negative.
    distance : float
        ≥ 0.

    Returns
    -------
    ndarray, shape (7,)
        Simple returns: -k Σ w / √(w' Σ w). Its loss is k √(w' Σ w).

    Raises
    ------
    DataError
        When shapes or numbers are wrong, or the book has no risk.

    References
    ----------
    Studer (1997), Maximum Loss for Measurement of Market Risk: a linear portfolio over an ellipsoid.
    """
    deviation = _deviation(weights, covariance)
    if deviation == 0.0:
        raise DataError("the book has no risk: no move of the legs can make it lose")
    return np.asarray(-distance * (covariance @ weights) / deviation)


def _deviation(weights: Floats, covariance: Floats) -> float:
    """Daily volatility of the book, fraction of equity."""
    shape = (len(LEGS), len(LEGS))
    if np.shape(weights) != shape[:1] or np.shape(covariance) != shape:
        raise DataError(
            f"expected 7 weights and a 7 × 7 covariance, got {np.shape(weights)} and {np.shape(covariance)}"
        )
    if not (np.isfinite(weights).all() and np.isfinite(covariance).all()):
        raise DataError("weights and covariance must be finite")
    variance = float(weights @ covariance @ weights)
    if variance < -1e-15:
        raise DataError("the covariance is not valid: the book would have a negative variance")
    return float(np.sqrt(max(variance, 0.0)))


def reverse_shock(name: str, weights: Floats, covariance: Floats, *, loss: float) -> ReverseShock:
    """Smallest move that loses a share of equity.

    Parameters
    ----------
    name : str
        What that loss means.
    weights, covariance : ndarray
        As for `worst_move`.
    loss : float
        Share of equity, > 0.

    Returns
    -------
    ReverseShock
        At an infinite distance, without moves, for a book that has no risk.

    Raises
    ------
    DataError
        When the loss is not positive, or the shapes and numbers are wrong.
    """
    if not (np.isfinite(loss) and loss > 0.0):
        raise DataError(f"the loss must be a positive share of equity, got {loss!r}")
    deviation = _deviation(weights, covariance)
    if deviation == 0.0:
        return ReverseShock(name, loss, float("inf"), {})
    distance = loss / deviation
    moves = worst_move(weights, covariance, distance=distance)
    return ReverseShock(name, loss, distance, dict(zip(LEGS, moves.tolist(), strict=True)))


def reverse_stress(weights: Floats, covariance: Floats, policy: Policy) -> ReverseTable:
    """Smallest one-day moves that trip each drawdown rung, and the one that loses the policy's limit.

    Parameters
    ----------
    weights : ndarray, shape (7,)
        US dollars in each leg over equity, signed; the account at its peak.
    covariance : ndarray, shape (7, 7)
        Of daily simple leg returns.
    policy : Policy
        Its drawdown ladder, and the loss of the reverse stress.

    Returns
    -------
    ReverseTable
        Mildest first. The last one is what a single day loses before any control can act: there is no mark in between.
    """
    rungs = policy.ladders.drawdown
    losses = {
        f"drawdown rung {place}": rung.trigger
        for place, rung in enumerate((rungs.rung_1, rungs.rung_2, rungs.rung_3, rungs.rung_4), 1)
    }
    losses["the loss to be feared"] = policy.stress.reverse.loss
    found = [reverse_shock(name, weights, covariance, loss=loss) for name, loss in losses.items()]
    return ReverseTable(tuple(sorted(found, key=lambda one: one.loss)))
