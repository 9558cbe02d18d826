"""GARCH(1,1) and GJR(1,1,1) with constant mean: one fit, cold or warm.

``r_t = mu + e_t``, ``h_t = omega + (alpha + gamma [e_{t−1} < 0]) e²_{t−1} + beta h_{t−1}``.

References
----------
Bollerslev (1986), Journal of Econometrics 31; Glosten, Jagannathan and Runkle (1993); Hansen (1994).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.domain.errors import DataError, ModelError
from workbench.risk.models import garch_kernel as kernel

Floats = NDArray[np.float64]

DISTRIBUTIONS = ("normal", "t", "skewt")
COLD_STARTS = ((0.04, 0.99), (0.08, 0.97), (0.15, 0.90), (0.05, 0.80), (0.25, 0.97), (0.02, 0.995))
"""News coefficient and persistence of the cold starts; the two best are searched from."""
COARSE = 2.0  # gradient at which a second start has shown its basin; it is refined only when that is the better one
PINNED, UNPINNED = math.log(1 / 1e-4), math.log(1 / 2e-3)
"""Logits of persistence 0.9999, beyond which the search space is flat, and 0.998, from where it is tried again."""
SHORTEST = 50
OWN_BACKCAST = -1.0


@dataclass(frozen=True, slots=True)
class GarchFit:
    """A fitted model, in the units of the returns it was given.

    `parameters` holds ``mu, omega, alpha, beta`` and, where the specification has them, ``gamma, nu, lambda``;
    `natural` the same seven in the kernel's order; `conditional_volatility` has one row per day (row t saw returns
    before t); `next_volatility` is the forecast for the day after the last.
    """

    parameters: dict[str, float]
    log_likelihood: float
    conditional_volatility: Floats
    next_volatility: float
    converged: bool
    evaluations: int
    natural: Floats
    unconstrained: Floats

    def residuals(self, returns: ArrayLike) -> Floats:
        """Standardised residuals (r − mu) / volatility, shape (days,), oldest first.

        Parameters
        ----------
        returns : array_like, shape (days,)
            The returns the model was fitted to, oldest first.

        Returns
        -------
        ndarray, shape (days,)
            Mean about 0 and variance about 1.
        """
        residuals: Floats = (np.asarray(returns, dtype=float) - self.natural[kernel.MU]) / self.conditional_volatility
        return residuals


@dataclass(frozen=True, slots=True)
class Specification:
    """Which of the family: symmetric or not, and the law of the innovations."""

    distribution: str
    asymmetric: bool

    def __post_init__(self) -> None:
        """Refuse an unknown distribution."""
        if self.distribution not in DISTRIBUTIONS:
            raise ModelError(f"unknown distribution {self.distribution!r}: expected one of {', '.join(DISTRIBUTIONS)}")

    @property
    def code(self) -> NDArray[np.int64]:
        """(asymmetric, law) as the kernel reads it."""
        return np.array([int(self.asymmetric), DISTRIBUTIONS.index(self.distribution)], dtype=np.int64)

    @property
    def free(self) -> NDArray[np.int64]:
        """Positions of the searched parameters in the kernel's vector."""
        chosen = [0, 1, 2, 3]
        chosen += [4] if self.asymmetric else []
        chosen += {"normal": [], "t": [5], "skewt": [5, 6]}[self.distribution]
        return np.array(chosen, dtype=np.int64)

    @property
    def names(self) -> dict[str, int]:
        """Published parameter names and their place in the natural vector."""
        names = {"mu": kernel.MU, "omega": kernel.OMEGA, "alpha": kernel.ALPHA, "beta": kernel.BETA}
        if self.asymmetric:
            names["gamma"] = kernel.GAMMA
        if self.distribution != "normal":
            names["nu"] = kernel.NU
        if self.distribution == "skewt":
            names["lambda"] = kernel.SKEW
        return names


def cold_start(unit_returns: Floats, specification: Specification) -> list[Floats]:
    """Unconstrained starting points, best two of a small grid first to last.

    Parameters
    ----------
    unit_returns : ndarray, shape (days,)
        Returns divided by their standard deviation.
    specification : Specification
        The member of the family.

    Returns
    -------
    list of ndarray
        Two vectors for the search.
    """
    mean, slope = float(unit_returns.mean()), np.empty(7)
    scored = []
    for news, persistence in COLD_STARTS:
        logit = [math.log(p / (1 - p)) for p in (persistence, news / persistence)]
        x = np.array([mean, math.log(1 - persistence), *logit, 0.0, math.log(6.0), 0.0])
        value = kernel.objective(x, unit_returns, OWN_BACKCAST, specification.code, slope)
        scored.append((value, x))
    scored.sort(key=lambda pair: pair[0])
    return [x for _, x in scored[:2]]


def search(
    unit_returns: Floats, specification: Specification, backcast: float, starts: list[Floats], tolerance: float
) -> tuple[Floats, float, bool, int]:
    """Best of several searches: (unconstrained, negative log-likelihood, converged, evaluations).

    Parameters
    ----------
    unit_returns : ndarray, shape (days,)
        Returns of about unit variance, oldest first.
    specification : Specification
        The member of the family.
    backcast : float
        Variance before the first day; negative means mean (r − mu)².
    starts : list of ndarray
        Unconstrained starting points.
    tolerance : float
        Largest component of the gradient accepted as zero.

    Returns
    -------
    tuple
        The best search; evaluations are summed over all.

    Raises
    ------
    ModelError
        When no start gives a finite likelihood.
    """
    problem = (specification.free, unit_returns, backcast, specification.code)
    best = kernel.bfgs(starts[0], *problem, tolerance)
    evaluations = best[3]
    for start in starts[1:]:
        coarse = kernel.bfgs(start, *problem, COARSE)
        evaluations += coarse[3]
        if coarse[1] < best[1] or not math.isfinite(best[1]):
            best = kernel.bfgs(coarse[0], *problem, tolerance)
            evaluations += best[3]
    if best[0][2] > PINNED:
        nudged = best[0].copy()
        nudged[2] = UNPINNED
        again = kernel.bfgs(nudged, *problem, tolerance)
        evaluations += again[3]
        best = again if again[1] < best[1] else best
    if not math.isfinite(best[1]):
        raise ModelError(f"GARCH {specification}: no start has a finite likelihood on {unit_returns.size} returns")
    return best[0], best[1], best[2], evaluations


def fit_garch(
    returns: ArrayLike, *, distribution: str = "normal", asymmetric: bool = False, backcast: float | None = None
) -> GarchFit:
    """Fit GARCH(1,1), or GJR(1,1,1) when `asymmetric`, by maximum likelihood.

    Parameters
    ----------
    returns : array_like, shape (days,)
        Returns in any unit, oldest first, finite.
    distribution : {"normal", "t", "skewt"}
        Law of the innovations, unit variance; "skewt" is Hansen's.
    asymmetric : bool
        Add the GJR term on negative innovations.
    backcast : float, optional
        Variance before the first day, in squared units of the returns. By default the mean of (r − mu)² at the mu
        being tried, the convention of Fiorentini, Calzolari and Panattoni (1996).

    Returns
    -------
    GarchFit
        Parameters and log-likelihood in the units of `returns`.

    Raises
    ------
    DataError
        When there are fewer than 50 returns, one is not finite, or all are equal.
    ModelError
        When the likelihood cannot be evaluated.

    Notes
    -----
    Searched on returns scaled to unit variance, so the answer does not depend on the unit.
    """
    values = checked_returns(returns)
    specification = Specification(distribution, asymmetric)
    scale = float(values.std())
    unit = values / scale
    start_variance = OWN_BACKCAST if backcast is None else float(backcast) / scale**2
    x, value, converged, evaluations = search(
        unit, specification, start_variance, cold_start(unit, specification), tolerance=1e-5
    )
    natural = in_units(kernel.to_natural(x, asymmetric), scale)
    before = start_variance * scale**2 if backcast is not None else float(np.mean((values - natural[kernel.MU]) ** 2))
    volatility = np.sqrt(kernel.variance_path(natural, values, before))
    return GarchFit(
        parameters={name: float(natural[place]) for name, place in specification.names.items()},
        log_likelihood=-value - values.size * math.log(scale),
        conditional_volatility=volatility[:-1],
        next_volatility=float(volatility[-1]),
        converged=converged,
        evaluations=evaluations,
        natural=natural,
        unconstrained=x,
    )


def in_units(natural: Floats, scale: float) -> Floats:
    """Natural parameters of scaled returns, put back in the unit of the returns.

    Parameters
    ----------
    natural : ndarray, shape (7,)
        Parameters fitted to returns divided by `scale`.
    scale : float
        Standard deviation the returns were divided by.

    Returns
    -------
    ndarray, shape (7,)
        Only mu (linear) and omega (squared) carry a unit.
    """
    scaled = natural.copy()
    scaled[kernel.MU] *= scale
    scaled[kernel.OMEGA] *= scale**2
    return scaled


def checked_returns(returns: ArrayLike) -> Floats:
    """Returns as a float vector, refused when a variance model cannot be fitted to them.

    Parameters
    ----------
    returns : array_like, shape (days,)
        Returns in any unit, oldest first.

    Returns
    -------
    ndarray, shape (days,)

    Raises
    ------
    DataError
        When not one-dimensional, shorter than 50, not finite or constant.
    """
    values = np.ascontiguousarray(returns, dtype=float)
    if values.ndim != 1 or values.size < SHORTEST:
        raise DataError(f"a variance model needs one series of at least {SHORTEST} returns, got shape {values.shape}")
    if not np.all(np.isfinite(values)):
        bad = int(np.flatnonzero(~np.isfinite(values))[0])
        raise DataError(f"returns must be finite: row {bad} is {values[bad]}")
    if values.std() <= 1e-12 * max(1.0, float(np.abs(values).max())):
        raise DataError("returns do not vary: a constant series has no volatility to model")
    return values
