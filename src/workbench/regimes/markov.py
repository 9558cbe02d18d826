"""Markov switching of mean and variance: parameters, fit, and what the fit says about each day."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from workbench.domain.errors import DataError
from workbench.domain.tables import html_table, number, percent
from workbench.regimes.estimation import (
    COARSE,
    EM_REFINING_STEPS,
    EM_SCREENING_STEPS,
    Candidate,
    em_steps,
    gaussian_log_density,
    quasi_newton,
    starting_points,
)
from workbench.regimes.hamilton import FilterResult, checked_chain, hamilton_filter, stationary_distribution
from workbench.regimes.series import Floats, finite_series

DAYS_PER_STATE = 50
"""Fewest observations a state must have on average; below that a variance per state is noise."""
FINALISTS = 4
FINALIST_DAYS = 16_000
"""A short sample has more local maxima and costs less: it gets as many finalists as fit into this many days."""
ALIKE = 0.05
"""Two starts whose volatilities agree within 5 % after screening are taken for one."""


@dataclass(frozen=True, slots=True, eq=False)
class MarkovParameters:
    """What a calibration keeps of a Markov model; states in order of variance, smallest first.

    Attributes
    ----------
    means : ndarray, shape (states,)
        Mean return of each state, units of the series.
    volatilities : ndarray, shape (states,)
        Standard deviation of each state, units of the series, > 0.
    transition : ndarray, shape (states, states)
        Row = from; rows sum to one.
    initial : ndarray, shape (states,)
        State probabilities on the first day: the stationary distribution when fitted.
    """

    means: Floats
    volatilities: Floats
    transition: Floats
    initial: Floats

    def __post_init__(self) -> None:
        """Refuse shapes that disagree, volatilities that are not positive, and rows that are no probabilities."""
        for name in ("means", "volatilities"):
            values = np.ascontiguousarray(getattr(self, name), dtype=np.float64)
            if values.ndim != 1 or not np.isfinite(values).all():
                raise DataError(f"{name} must be finite, one per state, got {values.tolist()}")
            object.__setattr__(self, name, values)
        if self.means.shape != self.volatilities.shape or not np.all(self.volatilities > 0.0):
            raise DataError(f"expected one positive volatility per mean, got {self.volatilities.tolist()}")
        chain, prior = checked_chain(self.transition, self.initial, len(self.means))
        object.__setattr__(self, "transition", chain)
        object.__setattr__(self, "initial", prior)

    @property
    def states(self) -> int:
        """Number of states."""
        return len(self.means)

    @property
    def stationary(self) -> Floats:
        """Long-run share of time in each state."""
        return stationary_distribution(self.transition)

    @property
    def expected_dwell_days(self) -> Floats:
        """Mean stay in each state once entered, 1 / (1 - p_kk) days."""
        return np.asarray(1.0 / np.maximum(1.0 - np.diag(self.transition), np.finfo(float).tiny))

    def predictive_variance(self, predicted: Floats) -> Floats:
        """Variance of the next observation, the spread between state means included.

        Parameters
        ----------
        predicted : ndarray, shape (..., states)
            State probabilities for the day forecast.

        Returns
        -------
        ndarray, shape (...)
            Squared units of the series.
        """
        second = predicted @ (self.volatilities**2 + self.means**2)
        return np.asarray(second - (predicted @ self.means) ** 2)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists of numbers, ready for JSON; floats survive the round trip to the last bit."""
        return {name: getattr(self, name).tolist() for name in ("means", "volatilities", "transition", "initial")}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "MarkovParameters":
        """Read what `to_dict` wrote.

        Parameters
        ----------
        stored : mapping
            Keys ``means``, ``volatilities``, ``transition``, ``initial`` and no other.

        Returns
        -------
        MarkovParameters

        Raises
        ------
        DataError
            When a key is missing or unknown, or the numbers are no valid model.
        """
        expected = {"means", "volatilities", "transition", "initial"}
        if set(stored) != expected:
            raise DataError(f"expected the keys {sorted(expected)}, got {sorted(stored)}")
        return cls(**{name: np.array(stored[name], dtype=np.float64) for name in expected})


@dataclass(frozen=True, slots=True, eq=False)
class MarkovFit:
    """A fitted Markov model and its filtered history; states in order of variance, smallest first.

    Attributes
    ----------
    parameters : MarkovParameters
        Means, volatilities, transition, initial.
    log_likelihood : float
        Nats, in the units of the series that was passed in.
    filtered_probability : ndarray, shape (days, states)
        Probability of each state given rows 0…t (and parameters fitted on all rows).
    log_density : ndarray, shape (days,)
        One-step-ahead log densities; their sum is the log likelihood.
    converged : bool
        The score vanished in every free direction.
    """

    parameters: MarkovParameters
    log_likelihood: float
    filtered_probability: Floats
    log_density: Floats
    converged: bool

    @property
    def states(self) -> int:
        """Number of states."""
        return self.parameters.states

    @property
    def means(self) -> Floats:
        """Mean of each state, units of the series."""
        return self.parameters.means

    @property
    def volatilities(self) -> Floats:
        """Standard deviation of each state, units of the series, ascending."""
        return self.parameters.volatilities

    @property
    def transition(self) -> Floats:
        """Transition matrix, row = from."""
        return self.parameters.transition

    @property
    def initial(self) -> Floats:
        """Stationary distribution, from which the filter starts."""
        return self.parameters.initial

    def _repr_html_(self) -> str:
        """Table of the states for a notebook."""
        share, dwell = self.parameters.stationary, self.parameters.expected_dwell_days
        rows = [
            [
                k + 1,
                number(self.means[k], "+.6f"),
                number(self.volatilities[k], ".6f"),
                percent(share[k], 1),
                number(dwell[k], ".0f"),
                percent(self.filtered_probability[-1, k], 1),
            ]
            for k in range(self.states)
        ]
        head = ["state", "mean", "volatility", "share of time", "dwell, days", "now"]
        note = "converged" if self.converged else "did not converge"
        return html_table(head, rows, caption=f"Log likelihood {self.log_likelihood:.3f}, {note}")


def filter_series(series: ArrayLike, parameters: MarkovParameters) -> FilterResult:
    """Filter a series with given parameters.

    Parameters
    ----------
    series : array_like, shape (days,)
        Returns, oldest first, no NaN, units of the parameters.
    parameters : MarkovParameters
        Usually fitted on earlier rows.

    Returns
    -------
    FilterResult
        Row t uses rows 0…t only.

    Raises
    ------
    DataError
        When the series is empty or not finite.
    """
    values = finite_series(series, least=1)
    density = gaussian_log_density(values, parameters.means, parameters.volatilities)
    return hamilton_filter(density, parameters.transition, parameters.initial)


def fit_markov(series: ArrayLike, *, states: int, near: MarkovParameters | None = None) -> MarkovFit:
    """Fit Gaussian switching of mean and variance by maximum likelihood.

    Parameters
    ----------
    series : array_like, shape (days,)
        Returns, oldest first, any unit, no NaN.
    states : int
        Number of states, ≥ 2.
    near : MarkovParameters, optional
        Yesterday's parameters, tried as one more start beside the fixed ones; it can only raise the likelihood.

    Returns
    -------
    MarkovFit
        States in order of variance, smallest first. Only filtered probabilities are given: smoothed ones see the
        future.

    Raises
    ------
    DataError
        When the series is not finite, does not move, or is shorter than `DAYS_PER_STATE` × states.

    Notes
    -----
    The first state is drawn from the stationary distribution of the chain, as in Hamilton (1989). Several fixed starts
    climb by EM (Hamilton 1990); the best ones finish by BFGS on the exact score. Volatilities are bounded below at
    2 % of the sample deviation, because the likelihood is unbounded otherwise. The fit looks at every row passed in:
    for an out-of-sample statement pass the rows up to then, as `regime_adoption` does.

    References
    ----------
    Hamilton, J. D. (1989), Econometrica 57(2), 357-384; (1990), Journal of Econometrics 45, 39-70.
    """
    if isinstance(states, bool) or not isinstance(states, int) or states < 2:
        raise DataError(f"states must be a whole number of at least 2, got {states!r}")
    if near is not None and near.states != states:
        raise DataError(f"near has {near.states} states, expected {states}: pass a start of the same model")
    values = finite_series(series, least=DAYS_PER_STATE * states)
    centre, scale = float(values.mean()), float(values.std())
    if not scale > np.finfo(float).eps * max(abs(centre), np.finfo(float).tiny):
        raise DataError(f"the series does not move (deviation {scale}): there are no regimes to find")
    best = _climb((values - centre) / scale, states, _scaled(near, centre, scale))
    order = np.argsort(best.volatilities, kind="stable")
    chain = best.transition[np.ix_(order, order)]
    parameters = MarkovParameters(
        means=best.means[order] * scale + centre,
        volatilities=best.volatilities[order] * scale,
        transition=chain,
        initial=stationary_distribution(chain),
    )
    filtered = filter_series(values, parameters)
    return MarkovFit(
        parameters=parameters,
        log_likelihood=filtered.log_likelihood,
        filtered_probability=filtered.filtered_probability,
        log_density=filtered.log_density,
        converged=best.converged,
    )


def _scaled(near: MarkovParameters | None, centre: float, scale: float) -> Candidate | None:
    if near is None:
        return None
    chain = np.maximum(near.transition, 1e-6)
    return Candidate((near.means - centre) / scale, near.volatilities / scale, chain / chain.sum(axis=1, keepdims=True))


def _climb(series: Floats, states: int, near: Candidate | None) -> Candidate:
    """Screen the starts by EM, finish the best ones; a start that arrives where another one is gets left out."""
    starts = starting_points(series, states) + ([near] if near is not None else [])
    screened = [em_steps(series, start, EM_SCREENING_STEPS) for start in starts]
    screened.sort(key=lambda point: -point.log_likelihood)
    finalists: list[Candidate] = []
    for point in screened:
        if not any(_alike(point, other) for other in finalists):
            finalists.append(point)
    ranked = [
        quasi_newton(series, em_steps(series, point, EM_REFINING_STEPS), tolerance=COARSE)
        for point in finalists[: max(FINALISTS, FINALIST_DAYS // len(series))]
    ]
    best = quasi_newton(series, max(ranked, key=lambda point: point.log_likelihood))
    return best if best.converged else quasi_newton(series, best)


def _alike(one: Candidate, other: Candidate) -> bool:
    gap = np.abs(np.log(np.sort(one.volatilities)) - np.log(np.sort(other.volatilities)))
    return bool(np.all(gap < ALIKE))
