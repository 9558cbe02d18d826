"""VaR models on GARCH volatility: parametric, empirical (FHS) and extreme-value (McNeil–Frey) tails.

References
----------
Barone-Adesi, Giannopoulos and Vosper (1999), VaR without correlations for portfolios of derivative securities.
McNeil and Frey (2000), Estimation of tail-related risk measures for heteroscedastic financial time series.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.risk.distributions import normal_tail, skewed_t_tail
from workbench.risk.models import garch_kernel as kernel
from workbench.risk.models.empirical import empirical_tail
from workbench.risk.models.extremes import fit_gpd
from workbench.risk.models.garch import OWN_BACKCAST, Specification, cold_start, in_units, search
from workbench.risk.models.protocol import CONFIDENCES, Estimator, Forecast

Floats = NDArray[np.float64]

TOLERANCE = 1e-3  # gradient in a rolling refit; moves the likelihood by less than 1e-6
EVT_TAIL_SHARE = 0.10  # McNeil and Frey (2000) use the upper tenth of the residuals
WARM, COLD_NO_BETTER, COLD_BETTER = 0.0, 1.0, 2.0
SCALE, CONVERGED, OUTCOME = 7, 8, 9
"""Places behind the seven unconstrained parameters in an estimate."""


@dataclass(frozen=True, slots=True)
class GarchEstimator:
    """Rolling maximum likelihood: warm start, cold fallback, the better likelihood is kept."""

    specification: Specification

    @property
    def key(self) -> str:
        """Family member, e.g. ``gjr-t``."""
        return f"{'gjr' if self.specification.asymmetric else 'garch'}-{self.specification.distribution}"

    def estimate(self, window: Floats, warm: Floats | None, *, check_cold: bool) -> Floats:
        """Fit the window.

        Parameters
        ----------
        window : ndarray, shape (window,)
            Returns, oldest first.
        warm : ndarray, optional
            Estimate of the window before.
        check_cold : bool
            Also search from the cold starts.

        Returns
        -------
        ndarray, shape (10,)
            Seven unconstrained parameters of the returns scaled to unit variance, the scale, converged (0 or 1), and
            which start won: 0 warm alone, 1 cold was no better, 2 cold was better.
        """
        scale = float(window.std())
        unit = window / scale
        problem = (unit, self.specification, OWN_BACKCAST)
        found = search(*problem, [warm[:7]], TOLERANCE) if warm is not None else None
        outcome = WARM
        if found is None or check_cold or not found[2]:
            cold = search(*problem, cold_start(unit, self.specification), TOLERANCE)
            outcome = COLD_NO_BETTER
            if found is None or cold[1] < found[1] - TOLERANCE:
                found, outcome = cold, COLD_BETTER if found is not None else COLD_NO_BETTER
        return np.array([*found[0], scale, float(found[2]), outcome])


@dataclass(frozen=True, slots=True)
class GarchModel:
    """Conditional volatility of the GARCH family × a tail of the standardised residuals.

    `tail_kind` is ``parametric`` (the law of the likelihood), ``empirical`` or ``extreme`` (generalised Pareto).
    """

    name: str
    title: str
    estimator: Estimator
    specification: Specification
    tail_kind: str

    def tail(self, window: Floats, estimate: Floats) -> Floats:
        """Natural parameters, backcast, loss quantiles and tail means of the residuals.

        Parameters
        ----------
        window : ndarray, shape (window,)
            Returns the estimate was made from.
        estimate : ndarray, shape (10,)
            What `GarchEstimator.estimate` found.

        Returns
        -------
        ndarray, shape (14,)

        Raises
        ------
        ModelError
            When the fitted tail has no mean.
        """
        natural = in_units(kernel.to_natural(estimate[:7], self.specification.asymmetric), float(estimate[SCALE]))
        backcast = float(np.mean((window - natural[kernel.MU]) ** 2))
        return np.concatenate([natural, [backcast], *self.residual_tail(window, natural, backcast)])

    def residual_tail(self, window: Floats, natural: Floats, backcast: float) -> tuple[Floats, Floats]:
        """Loss quantile and tail mean in standard deviations.

        Parameters
        ----------
        window : ndarray, shape (window,)
            Returns, oldest first.
        natural : ndarray, shape (7,)
            Parameters in return units.
        backcast : float
            Variance before the first day.

        Returns
        -------
        tuple of ndarray, shape (confidences,)
        """
        if self.tail_kind == "parametric":
            if self.specification.distribution == "normal":
                return normal_tail(CONFIDENCES)
            return skewed_t_tail(CONFIDENCES, float(natural[kernel.NU]), float(natural[kernel.SKEW]))
        volatility = np.sqrt(kernel.variance_path(natural, window, backcast)[:-1])
        losses = (natural[kernel.MU] - window) / volatility
        if self.tail_kind == "empirical":
            return empirical_tail(losses)
        fit = fit_gpd(losses, threshold=float(np.quantile(losses, 1 - EVT_TAIL_SHARE)))
        return fit.quantile(CONFIDENCES), fit.tail_mean(CONFIDENCES)

    def forecast(self, returns: Floats, days: tuple[int, int], window: int, parameters: Floats) -> Forecast:
        """Conditional volatility × tail, minus the mean; the recursion starts one window back."""
        start, stop = days
        path = kernel.variance_path(parameters[:7], returns[start - window : stop - 1], float(parameters[7]))
        scale = np.sqrt(path[window:])[:, None]
        mean = parameters[kernel.MU]
        return Forecast(scale * parameters[8:11] - mean, scale * parameters[11:14] - mean)


def garch_model(distribution: str, *, asymmetric: bool = False, tail_kind: str = "parametric") -> GarchModel:
    """One member of the family with its name and title.

    Parameters
    ----------
    distribution : {"normal", "t", "skewt"}
        Law of the likelihood.
    asymmetric : bool
        GJR term.
    tail_kind : {"parametric", "empirical", "extreme"}
        Where the quantiles come from.

    Returns
    -------
    GarchModel
    """
    specification = Specification(distribution, asymmetric)
    estimator = GarchEstimator(specification)
    family = "GJR" if asymmetric else "GARCH"
    law = {"normal": "normal", "t": "Student t", "skewt": "skewed t"}[distribution]
    if tail_kind == "parametric":
        return GarchModel(estimator.key, f"{family}(1,1), {law}", estimator, specification, tail_kind)
    short, words = {
        "empirical": ("fhs", "filtered historical simulation"),
        "extreme": ("evt", "generalised Pareto tail (McNeil–Frey)"),
    }[tail_kind]
    return GarchModel(f"{family.lower()}-{short}", f"{family}(1,1), {words}", estimator, specification, tail_kind)
