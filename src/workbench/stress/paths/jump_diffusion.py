"""Jump-diffusion: normal days, and now and then a jump of all legs together."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import chi2

from workbench.domain.errors import ConfigError, DataError
from workbench.stress.paths.protocol import (
    FLOOR,
    LEG_COUNT,
    Floats,
    checked_covariance,
    checked_history,
    checked_size,
    correlate,
    lower_factor,
)

JUMP_LEVEL = 0.999
"""A day is a jump when its Mahalanobis distance lies beyond this quantile of a normal market."""
MOST_JUMPS = 1_000.0
"""Most jumps a day accepted; a jump is a rare event, more is a mistake of units."""


@dataclass(frozen=True, slots=True, eq=False)
class JumpDiffusion:
    """Normal returns plus a Poisson number of normal jumps. Zero mean, jumps included: no drift flatters a book.

    Attributes
    ----------
    covariance : ndarray, shape (7, 7)
        Of the diffusive part, fraction² a day.
    intensity : float
        Mean number of jumps a day, common to all legs, ≥ 0.
    jump_covariance : ndarray, shape (7, 7)
        Of one jump, fraction². The covariance of a day is `covariance` + `intensity` × `jump_covariance`.

    Raises
    ------
    DataError
        When a covariance has another shape, is not finite, not symmetric, or has a negative eigenvalue.
    ConfigError
        When the intensity is negative, not finite or beyond 1000 a day.

    References
    ----------
    Merton (1976), Option Pricing when Underlying Stock Returns are Discontinuous, Journal of Financial Economics 3.
    """

    covariance: Floats
    intensity: float
    jump_covariance: Floats
    factors: tuple[Floats, Floats] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse covariances that are none and an intensity that is no rate."""
        for name in ("covariance", "jump_covariance"):
            object.__setattr__(self, name, checked_covariance(name, getattr(self, name)))
        if not 0.0 <= self.intensity <= MOST_JUMPS:
            raise ConfigError(f"the intensity must be between 0 and {MOST_JUMPS:g} jumps a day, got {self.intensity!r}")
        object.__setattr__(self, "factors", (lower_factor(self.covariance), lower_factor(self.jump_covariance)))

    @property
    def name(self) -> str:
        """Jump-diffusion."""
        return "jump-diffusion"

    def returns(self, generator: np.random.Generator, paths: int, days: int) -> Floats:
        """Draw returns, see `PathModel`."""
        checked_size(paths, days)
        jumps = generator.poisson(self.intensity, paths * days)
        drawn = generator.standard_normal((paths * days, LEG_COUNT))
        correlate(drawn, self.factors[0])
        (hit,) = np.nonzero(jumps)
        # n independent normal jumps add up to one of n times the covariance
        sizes = generator.standard_normal((len(hit), LEG_COUNT))
        correlate(sizes, self.factors[1])
        drawn[hit] += np.sqrt(jumps[hit])[:, np.newaxis] * sizes
        return np.maximum(drawn, FLOOR, out=drawn).reshape(paths, days, LEG_COUNT)


def jump_diffusion_of(history: ArrayLike) -> JumpDiffusion:
    """Split a history into ordinary days and jumps.

    Parameters
    ----------
    history : array_like, shape (days, 7)
        Simple returns, fractions, oldest first; at least 8 days.

    Returns
    -------
    JumpDiffusion
        Jump days lie beyond the 99.9 % quantile of the Mahalanobis distance, were the whole sample normal with zero
        mean. The intensity is their share; the diffusive covariance is that of the other days; the covariance of a
        jump is that of the jump days less the diffusive one, eigenvalues below zero cut off. So the covariance of the
        model is that of the sample, save for what is cut off. Without a jump day, the intensity is 0.

    Raises
    ------
    DataError
        When the history is malformed, or two legs move as one.

    Notes
    -----
    One normal day in a thousand is taken for a jump. All covariances are second moments about zero.
    """
    rows = checked_history(history, least=LEG_COUNT + 1)
    whole = _second_moment(rows)
    deviation = np.sqrt(np.diag(whole))
    if not (deviation > 0.0).all() or np.linalg.cond(whole / np.outer(deviation, deviation)) > 1e12:
        raise DataError("the covariance of the history is singular: a leg does not move, or two legs move as one")
    distance = np.einsum("ij,ij->i", rows, np.linalg.solve(whole, rows.T).T)
    jumped = distance > chi2.ppf(JUMP_LEVEL, LEG_COUNT)
    if not jumped.any():
        return JumpDiffusion(whole, 0.0, np.zeros_like(whole))
    diffusive = _second_moment(rows[~jumped])
    values, vectors = np.linalg.eigh(_second_moment(rows[jumped]) - diffusive)
    beyond = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return JumpDiffusion(diffusive, float(jumped.mean()), beyond)


def _second_moment(rows: Floats) -> Floats:
    """Covariance about zero, fraction²."""
    return np.asarray(rows.T @ rows / len(rows))
