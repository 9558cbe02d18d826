"""What a path model is, and what all of them share: the floor, the checks of their numbers, correlated normals."""

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.domain.compiled import compiled
from workbench.domain.currencies import LEGS
from workbench.domain.errors import ConfigError, DataError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

FLOOR = -0.9
"""Lowest simple return of a leg in a day: no currency loses more than everything."""
LEG_COUNT = len(LEGS)
TOLERANCE = 1e-9
"""Largest asymmetry or negative eigenvalue of a matrix, relative to its largest entry, taken for rounding."""


class PathModel(Protocol):
    """Draws daily returns of the seven USD legs, with zero mean: no drift flatters or hurts a book."""

    @property
    def name(self) -> str:
        """What a report calls it."""

    def returns(self, generator: np.random.Generator, paths: int, days: int) -> Floats:
        """Draw returns.

        Parameters
        ----------
        generator : numpy.random.Generator
            The only source of randomness: the same state gives the same paths.
        paths : int
            How many, at least 1. One path takes 56 bytes a day: draw many paths block by block.
        days : int
            Length of each, at least 1.

        Returns
        -------
        ndarray, shape (paths, days, 7)
            Simple returns, fractions, in the order of `LEGS`; positive when the currency gains against the US dollar.
            Floored at `FLOOR`.

        Raises
        ------
        ConfigError
            When there is no path or no day to draw.
        """


def checked_size(paths: int, days: int) -> None:
    """Refuse a drawing without paths or days.

    Parameters
    ----------
    paths, days : int
        How many, and how long.

    Raises
    ------
    ConfigError
        When one of them is below 1.
    """
    if paths < 1 or days < 1:
        raise ConfigError(f"expected at least one path of one day, got {paths} paths of {days} days")


def checked_vector(name: str, values: ArrayLike, *, least: float = 0.0) -> Floats:
    """One number for each leg, checked.

    Parameters
    ----------
    name : str
        What to call it in a message.
    values : array_like, shape (7,)
        In the order of `LEGS`.
    least : float
        Smallest number accepted.

    Returns
    -------
    ndarray, shape (7,)
        A copy.

    Raises
    ------
    DataError
        When the shape is wrong, or a number is not finite or too small.
    """
    vector = np.array(values, dtype=np.float64)
    if vector.shape != (LEG_COUNT,):
        raise DataError(f"{name} must hold one number for each of the {LEG_COUNT} legs, got shape {vector.shape}")
    if not (np.isfinite(vector).all() and vector.min() >= least):
        raise DataError(f"{name} must be finite and at least {least:g} for each leg, got {vector.tolist()}")
    return vector


def checked_history(history: ArrayLike, *, least: int) -> Floats:
    """Daily returns of the legs, checked.

    Parameters
    ----------
    history : array_like, shape (days, 7)
        Simple returns, fractions, oldest first.
    least : int
        Fewest days accepted.

    Returns
    -------
    ndarray, shape (days, 7)
        A copy.

    Raises
    ------
    DataError
        When the shape is wrong, there are too few days, or a number is not finite or is -1 or less.
    """
    rows = np.array(history, dtype=np.float64, order="C")
    if rows.ndim != 2 or rows.shape[1] != LEG_COUNT:
        raise DataError(f"the history must have axes (days, {LEG_COUNT} legs), got shape {rows.shape}")
    if len(rows) < least:
        raise DataError(f"the history needs at least {least} days, got {len(rows)}")
    if not np.isfinite(rows).all():
        bad = int(np.flatnonzero(~np.isfinite(rows).all(axis=1))[0])
        raise DataError(f"the history must be finite, row {bad} is {rows[bad].tolist()}")
    if rows.min() <= -1.0:
        bad = int(np.argmin(rows.min(axis=1)))
        raise DataError(f"the history must hold simple returns above -1, row {bad} is {rows[bad].tolist()}")
    return rows


def checked_covariance(name: str, matrix: ArrayLike) -> Floats:
    """A covariance of the legs, checked.

    Parameters
    ----------
    name : str
        What to call it in a message.
    matrix : array_like, shape (7, 7)
        In the order of `LEGS`.

    Returns
    -------
    ndarray, shape (7, 7)
        A copy, made symmetric to the last bit.

    Raises
    ------
    DataError
        When it has another shape, is not finite, not symmetric, or has a negative eigenvalue.
    """
    values = np.array(matrix, dtype=np.float64)
    if values.shape != (LEG_COUNT, LEG_COUNT):
        raise DataError(f"{name} must be {LEG_COUNT} × {LEG_COUNT}, one axis of legs each, got shape {values.shape}")
    if not np.isfinite(values).all():
        raise DataError(f"{name} must be finite")
    slack = TOLERANCE * float(np.abs(values).max())
    if np.abs(values - values.T).max() > slack:
        raise DataError(f"{name} must be symmetric")
    values = (values + values.T) / 2.0
    smallest = float(np.linalg.eigvalsh(values)[0])
    if smallest < -slack:
        raise DataError(f"{name} must be positive semi-definite, its smallest eigenvalue is {smallest:g}")
    return values


def lower_factor(covariance: Floats) -> Floats:
    """Lower triangular L with L L' = covariance; unlike Cholesky's it exists for a singular matrix too.

    Parameters
    ----------
    covariance : ndarray, shape (7, 7)
        Symmetric, positive semi-definite; eigenvalues below zero are taken as zero.

    Returns
    -------
    ndarray, shape (7, 7)
        Diagonal not negative.
    """
    values, vectors = np.linalg.eigh(covariance)
    upper = np.linalg.qr((vectors * np.sqrt(np.maximum(values, 0.0))).T, mode="r")
    signs = np.where(np.diag(upper) < 0.0, -1.0, 1.0)
    return np.ascontiguousarray(np.tril((signs[:, np.newaxis] * upper).T))


@compiled
def correlate(normals: Floats, factor: Floats) -> None:
    """Multiply each row of normals, shape (rows, 7), by a lower triangular factor, in place."""
    rows, legs = normals.shape
    for row in range(rows):
        # from the last leg to the first: entry i needs only entries up to i
        for i in range(legs - 1, -1, -1):
            total = 0.0
            for j in range(i + 1):
                total += factor[i, j] * normals[row, j]
            normals[row, i] = total
