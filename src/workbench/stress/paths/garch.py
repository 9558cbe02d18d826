"""GARCH-t: each leg's volatility clusters, innovations are a Student t common to the legs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from workbench.domain.calibration import Calibration, LegState
from workbench.domain.compiled import compiled
from workbench.domain.currencies import LEGS
from workbench.domain.errors import ConfigError, DataError
from workbench.risk.correlation import nearest_correlation
from workbench.stress.paths.protocol import (
    FLOOR,
    LEG_COUNT,
    TOLERANCE,
    Floats,
    checked_covariance,
    checked_size,
    checked_vector,
    lower_factor,
)

FEWEST_DEGREES = 2.5
"""Degrees of freedom are kept at least this high: at 2 a Student t has no variance."""
MOST_PERSISTENCE = 0.999
EWMA_DEGREES = 5.0
"""Degrees of freedom of a leg without a fitted GARCH."""


@dataclass(frozen=True, slots=True, eq=False)
class GarchT:
    """GARCH(1,1) by leg with constant conditional correlation. Zero mean: no drift flatters a book.

    r_t = √h_t z_t and h_{t+1} = omega + alpha r_t² + beta h_t for each leg; z is a multivariate Student t of unit
    variance, so that all legs have their wild days together. The recursion sees the floored return.

    Attributes
    ----------
    omega : ndarray, shape (7,)
        Fraction², ≥ 0.
    alpha, beta : ndarray, shape (7,)
        Weight of the last squared return and of the last variance, ≥ 0; together at most 1.
    degrees : float
        Of freedom, > 2.
    variance : ndarray, shape (7,)
        Of the first day drawn, fraction², > 0.
    correlation : ndarray, shape (7, 7)
        Of the innovations.

    Raises
    ------
    DataError
        When a shape is wrong, a number not finite or out of range, or the correlation is none.
    ConfigError
        When the degrees of freedom are not finite or not above 2.

    References
    ----------
    Bollerslev (1986), Journal of Econometrics 31; Bollerslev (1990), Review of Economics and Statistics 72, for the
    constant conditional correlation.
    """

    omega: Floats
    alpha: Floats
    beta: Floats
    degrees: float
    variance: Floats
    correlation: Floats
    factor: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse what explodes or is no model."""
        for name in ("omega", "alpha", "beta", "variance"):
            object.__setattr__(self, name, checked_vector(name, getattr(self, name)))
        if self.variance.min() == 0.0:
            raise DataError(f"the variance must be positive for each leg, got {self.variance.tolist()}")
        persistence = self.alpha + self.beta
        if persistence.max() > 1.0 + TOLERANCE:
            worst = int(np.argmax(persistence))
            raise DataError(f"alpha + beta must not exceed 1 or it explodes, {LEGS[worst]} has {persistence[worst]:g}")
        if not (np.isfinite(self.degrees) and self.degrees > 2.0):
            raise ConfigError(f"degrees of freedom must be finite and above 2, got {self.degrees!r}")
        matrix = checked_covariance("correlation", self.correlation)
        if np.abs(np.diag(matrix) - 1.0).max() > TOLERANCE:
            raise DataError("correlation must have ones on its diagonal")
        object.__setattr__(self, "correlation", matrix)
        object.__setattr__(self, "factor", lower_factor(matrix))

    @property
    def name(self) -> str:
        """GARCH-t."""
        return "GARCH-t"

    def returns(self, generator: np.random.Generator, paths: int, days: int) -> Floats:
        """Draw returns, see `PathModel`."""
        checked_size(paths, days)
        drawn = generator.standard_normal((paths, days, LEG_COUNT))
        widths = np.sqrt((self.degrees - 2.0) / generator.chisquare(self.degrees, (paths, days)))
        news = np.stack([self.omega, self.alpha, self.beta])
        garch_paths(drawn, widths, self.factor, news, self.variance)
        return drawn


@compiled
def garch_paths(drawn: Floats, widths: Floats, factor: Floats, news: Floats, start: Floats) -> None:
    """Turn normals, shape (paths, days, legs), into returns in place; `news` has rows omega, alpha, beta."""
    paths, days, legs = drawn.shape
    variance = np.empty(legs)
    for path in range(paths):
        for leg in range(legs):
            variance[leg] = start[leg]
        for day in range(days):
            # from the last leg to the first: entry i of a lower triangular product needs only entries up to i
            for i in range(legs - 1, -1, -1):
                total = 0.0
                for j in range(i + 1):
                    total += factor[i, j] * drawn[path, day, j]
                move = max(np.sqrt(variance[i]) * widths[path, day] * total, FLOOR)
                drawn[path, day, i] = move
                variance[i] = news[0, i] + news[1, i] * move * move + news[2, i] * variance[i]


def garch_of(calibration: Calibration) -> GarchT:
    """The model a calibration describes, from its current volatility on.

    Parameters
    ----------
    calibration : Calibration
        Its GARCH(1,1) parameters are those of daily simple returns, as fractions. A leg without any follows its EWMA,
        which is an integrated GARCH: omega 0, alpha 1 - lambda, beta lambda, with 5 degrees of freedom.

    Returns
    -------
    GarchT
        Degrees of freedom are the median over the legs, at least 2.5, because one t serves all. Starts from the
        calibration's current volatility and correlation. The fitted mean is left out.

    Raises
    ------
    DataError
        When a leg's parameters are incomplete, asymmetric (gamma), or no valid model.

    Notes
    -----
    A fit with a persistence above 0.999 (a half-life of almost three years) is at its bound: its long-run variance is
    that of the normal volatility.
    J.P. Morgan/Reuters (1996), RiskMetrics Technical Document, for EWMA as an integrated GARCH.
    """
    legs = [_leg_numbers(leg, calibration.legs[leg]) for leg in LEGS]
    omega, alpha, beta, degrees = np.array(legs).T
    # a fit at its bound has no long-run variance of its own: what is normal takes its place
    bound = (omega > 0.0) & (alpha + beta > MOST_PERSISTENCE) & (alpha + beta <= 1.0)
    normal = np.array([calibration.legs[leg].normal_volatility_daily for leg in LEGS])
    omega = np.where(bound, (1.0 - alpha - beta) * normal**2, omega)
    volatility = np.array([calibration.legs[leg].volatility_daily for leg in LEGS])
    return GarchT(
        omega=omega,
        alpha=alpha,
        beta=beta,
        degrees=max(float(np.median(degrees)), FEWEST_DEGREES),
        variance=volatility**2,
        correlation=nearest_correlation(np.array(calibration.current_correlation)),
    )


def _leg_numbers(leg: str, state: LegState) -> tuple[float, float, float, float]:
    """Omega, alpha, beta and degrees of freedom of one leg."""
    fitted: Mapping[str, float] = state.garch
    if not fitted:
        return 0.0, 1.0 - state.ewma_lambda, state.ewma_lambda, EWMA_DEGREES
    missing = [name for name in ("omega", "alpha", "beta", "nu") if name not in fitted]
    if missing:
        raise DataError(f"the calibration's GARCH of {leg} lacks {', '.join(missing)}")
    if fitted.get("gamma", 0.0) != 0.0:
        raise DataError(f"the calibration's GARCH of {leg} is asymmetric (gamma {fitted['gamma']:g}), expected none")
    return fitted["omega"], fitted["alpha"], fitted["beta"], fitted["nu"]
