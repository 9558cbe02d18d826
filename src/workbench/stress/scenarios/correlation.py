"""Correlations go where they hurt the book held."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.domain.errors import DataError
from workbench.risk.correlation import nearest_correlation
from workbench.stress.course import Course
from workbench.stress.scenarios.protocol import register
from workbench.stress.scenarios.volatility import and_then_as_before
from workbench.stress.situation import Situation

Floats = NDArray[np.float64]

LEAST_EIGENVALUE = 1e-6
"""Smallest eigenvalue of a matrix that can be worked with."""


@dataclass(frozen=True, slots=True)
class Projected:
    """A correlation matrix made valid.

    Attributes
    ----------
    matrix : ndarray, shape (n, n)
        Symmetric, ones on the diagonal, positive definite.
    moved : float
        Largest change of an entry; 0 when it was valid.
    """

    matrix: Floats
    moved: float


def projected(matrix: Floats) -> Projected:
    """The nearest valid correlation matrix, and how far it is.

    Parameters
    ----------
    matrix : ndarray, shape (n, n)
        Symmetric, ones on the diagonal, entries in [−1, 1]; its eigenvalues may be negative.

    Returns
    -------
    Projected

    Raises
    ------
    DataError
        When it is not symmetric, its diagonal is not one, or an entry is out of range.
    """
    given = np.asarray(matrix, dtype=np.float64)
    if np.abs(given - given.T).max() > 1e-12 or np.abs(np.diag(given) - 1.0).max() > 1e-12:
        raise DataError("a correlation matrix is symmetric with ones on its diagonal")
    if np.abs(given).max() > 1.0 + 1e-12:
        raise DataError("correlations lie between -1 and 1")
    if np.linalg.eigvalsh(given)[0] >= LEAST_EIGENVALUE:
        return Projected(given, 0.0)
    found = nearest_correlation(given, least_eigenvalue=2.0 * LEAST_EIGENVALUE, tolerance=1e-10)
    return Projected(found, float(np.abs(found - given).max()))


def adverse_correlation(correlation: Floats, weights: Floats, to: float) -> Projected:
    """Correlations of the legs held, moved towards ±1 with the sign that hurts, until each is at least `to`.

    All of them move by the same share of their way: a mixture of two valid matrices is valid, so nothing has to be
    projected, and no correlation that hurts is lowered.

    Parameters
    ----------
    correlation : ndarray, shape (7, 7)
        Of now.
    weights : ndarray, shape (7,)
        US dollars in each leg over equity, signed; correlations with legs not held shrink by the same share.
    to : float
        Size, in (0, 1); where every correlation hurts so much already, all stay.

    Returns
    -------
    Projected
        Risk of the book is never lower than before; `moved` is what made the matrix of now valid.
    """
    now, signs = projected(correlation), np.sign(weights)
    hurting, held = np.outer(signs, signs), signs != 0.0
    both = np.outer(held, held)
    pairs = both & ~np.eye(len(signs), dtype=bool)
    least = float((hurting * now.matrix)[pairs].min()) if pairs.any() else 1.0
    if least >= to:
        return now
    share = (to - least) / (1.0 - least)
    far = np.where(both, hurting, np.where(np.outer(~held, ~held), now.matrix, 0.0))
    return Projected((1.0 - share) * now.matrix + share * far, now.moved)


def recoloured(returns: Floats, before: Floats, after: Floats, volatility: Floats) -> Floats:
    """The same surprises under another correlation.

    Parameters
    ----------
    returns : ndarray, shape (days, 7)
        Simple returns.
    before, after : ndarray, shape (7, 7)
        Correlations they have, and shall have.
    volatility : ndarray, shape (7,)
        Daily, of both.

    Returns
    -------
    ndarray, shape (days, 7)
    """
    now = np.linalg.cholesky(projected(before).matrix)
    surprises = np.linalg.solve(now, (returns / volatility).T)
    return np.asarray((np.linalg.cholesky(after) @ surprises).T * volatility, dtype=np.float64)


@register(
    "correlation",
    title="Correlations to {correlation:g} against the book",
    sentence="The surprises of the last month under correlations of at least {correlation:g} with the sign that hurts "
    "the book; then the last month as it was.",
)
def correlation_breakdown(situation: Situation) -> Course:
    """Nothing offsets anything any more.

    Parameters
    ----------
    situation : Situation
        The book held.

    Returns
    -------
    Course
    """
    to = situation.policy.stress.synthetic.correlation_to
    after = adverse_correlation(situation.correlation, situation.weights, to).matrix
    moved = recoloured(situation.recent, situation.correlation, after, situation.volatility)
    return and_then_as_before(situation, situation.against(moved))
