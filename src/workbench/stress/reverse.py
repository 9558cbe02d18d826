"""Reverse stress: the smallest, most plausible one-day move of the legs that trips each rung, or loses a given share.

The profit of a held book is linear in the simple returns of the seven USD legs: a cross is booked at the new value of
its quote currency, so it is a sum of legs. So the worst move at a Mahalanobis distance has a closed form, and so has
the distance that loses an amount. What trips the ladders of volatility, VaR and correlation is searched for with the
engine's own readings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from workbench.domain.currencies import LEGS
from workbench.domain.errors import DataError
from workbench.domain.policy import Policy
from workbench.domain.tables import Number, html_list, html_table, number, percent
from workbench.stress.reverse_ladders import DEEPEST, SEARCHED, Search, triggers_of
from workbench.stress.situation import Situation

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
        Share of equity, positive for a loss, negative where the move that trips the rung earns; NaN without a move.
    distance : float
        Mahalanobis distance, in standard deviations along the worst direction; infinite where no one-day move does it,
        0 where the rung holds already.
    moves : dict of str to float
        Simple return of each leg; empty when there is none.
    ladder : str
        ``drawdown``, ``volatility``, ``value_at_risk`` or ``correlation``; empty for a plain loss.
    """

    name: str
    loss: float
    distance: float
    moves: Mapping[str, float]
    ladder: str = ""

    @property
    def plausibility(self) -> float:
        """Probability of a day at least so far out in any direction, if legs were normal: they are not."""
        return float(chi2.sf(self.distance**2, len(LEGS)))

    @property
    def years(self) -> float:
        """Mean years between two such days under the same assumption."""
        return 1.0 / (self.plausibility * FIXES_A_YEAR) if self.plausibility > 0.0 else float("inf")

    @property
    def words(self) -> str:
        """The moves of the legs, or why there are none."""
        if self.distance == 0.0:
            return "holds already"
        if not np.isfinite(self.distance):
            return "no one-day move does it"
        return ", ".join(f"{leg} {100 * move:+.1f} %" for leg, move in self.moves.items())


@dataclass(frozen=True, slots=True)
class ReverseTable:
    """Shocks, and the silences that trip the technical ladder.

    Attributes
    ----------
    shocks : tuple of ReverseShock
        Nearest first.
    silences : tuple of (str, float)
        Name of the rung, and seconds of silence in market hours that trip it.
    """

    shocks: tuple[ReverseShock, ...]
    silences: tuple[tuple[str, float], ...] = ()

    def _repr_html_(self) -> str:
        rows = [[one.name, *_numbers(one), one.words] for one in self.shocks]
        head = ["trips or loses", "loss", "distance", "years apart, if normal", "moves of the legs"]
        table = html_table(head, rows, caption="Reverse stress: the smallest one-day move of the legs that does it")
        told = ", ".join(f"{name} after {seconds:g} seconds" for name, seconds in self.silences)
        return table + html_list([f"Silence trips {told}"] if told else [])


def _numbers(shock: ReverseShock) -> list[str]:
    nothing = Number("–")
    return [
        percent(shock.loss, 1) if np.isfinite(shock.loss) else nothing,
        number(shock.distance, ".1f") if np.isfinite(shock.distance) else nothing,
        number(shock.years, ",.1f") if 0.0 < shock.distance < float("inf") else nothing,
    ]


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


def reverse_shock(name: str, weights: Floats, covariance: Floats, *, loss: float, ladder: str = "") -> ReverseShock:
    """Smallest move that loses a share of equity.

    Parameters
    ----------
    name : str
        What that loss means.
    weights, covariance : ndarray
        As for `worst_move`.
    loss : float
        Share of equity, > 0.
    ladder : str
        Whose rung it trips; empty for a plain loss.

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
        return ReverseShock(name, loss, float("inf"), {}, ladder)
    distance = loss / deviation
    moves = worst_move(weights, covariance, distance=distance)
    return ReverseShock(name, loss, distance, dict(zip(LEGS, moves.tolist(), strict=True)), ladder)


def drawdown_shocks(weights: Floats, covariance: Floats, policy: Policy) -> tuple[ReverseShock, ...]:
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
    tuple of ReverseShock
        Mildest first. The last one is what a single day loses before any control can act: there is no mark in between.

    Raises
    ------
    DataError
        When the shapes or numbers are wrong.
    """
    found = [
        reverse_shock(f"drawdown rung {place}", weights, covariance, loss=loss, ladder="drawdown")
        for place, loss in enumerate(triggers_of(policy, "drawdown"), 1)
    ]
    found.append(reverse_shock("the loss to be feared", weights, covariance, loss=policy.stress.reverse.loss))
    return tuple(sorted(found, key=lambda one: one.loss))


def reverse_stress(situation: Situation) -> ReverseTable:
    """Smallest one-day move that trips each rung, and the silences that trip the technical ones.

    Parameters
    ----------
    situation : Situation
        The book at its peak. Distances are under the covariance of its calibration.

    Returns
    -------
    ReverseTable
        Nearest first. Drawdown has a closed form; what trips volatility, VaR and correlation is searched for with what
        the engine reads at a fix that closes the day, up to 50 standard deviations. No leg falls by more than 90 %.

    Raises
    ------
    DataError
        When the equity is not positive, a number is not finite, or a pair or value is not of the seven legs.
    ModelError
        When the calibration lacks the 95 % tail.

    References
    ----------
    Hasofer and Lind (1974), Exact and Invariant Second-Moment Code Format: the design point of a limit state.
    """
    policy, search = situation.policy, Search(situation)
    plain = drawdown_shocks(situation.weights, situation.covariance, policy)
    found = [
        replace(one, distance=float("inf"), moves={}) if min(one.moves.values(), default=0.0) < DEEPEST else one
        for one in plain
    ]
    for ladder in SEARCHED:
        found += [_searched(search, ladder, place) for place in range(len(triggers_of(policy, ladder)))]
    silences = tuple(
        (f"technical rung {place}", seconds) for place, seconds in enumerate(triggers_of(policy, "technical"), 1)
    )
    return ReverseTable(tuple(sorted(found, key=lambda one: one.distance)), silences)


def _searched(search: Search, ladder: str, place: int) -> ReverseShock:
    name = f"{ladder.replace('_', ' ')} rung {place + 1}"
    distance, moves = search.smallest(ladder, place)
    if moves is None:
        return ReverseShock(name, 0.0 if distance == 0.0 else float("nan"), distance, {}, ladder)
    loss = float(search.read(moves[None]).loss[0])
    return ReverseShock(name, loss, distance, dict(zip(LEGS, moves.tolist(), strict=True)), ladder)
