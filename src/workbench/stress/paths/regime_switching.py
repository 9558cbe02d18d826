"""Regime switching: a hidden Markov chain chooses each day's covariance."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from workbench.domain.compiled import compiled
from workbench.domain.errors import DataError
from workbench.regimes.hamilton import checked_chain
from workbench.regimes.markov import MarkovParameters, filter_series
from workbench.regimes.series import finite_series
from workbench.stress.paths.protocol import (
    FLOOR,
    LEG_COUNT,
    Floats,
    Integers,
    checked_covariance,
    checked_history,
    checked_size,
    lower_factor,
)

LEAST_WEIGHT = 1.0
"""Days a state must have been at work in the history, by probability, for its covariance to be known."""


@dataclass(frozen=True, slots=True, eq=False)
class RegimeSwitching:
    """Normal returns whose covariance a Markov chain chooses. Zero mean in each state: no drift flatters a book.

    Attributes
    ----------
    transition : ndarray, shape (states, states)
        Row = from; rows sum to one.
    initial : ndarray, shape (states,)
        Probability of each state on the first day drawn.
    covariances : ndarray, shape (states, 7, 7)
        Of daily returns in each state, fraction².

    Raises
    ------
    DataError
        When shapes disagree, a row is no probability, or a covariance is none.

    References
    ----------
    Hamilton (1989), Econometrica 57.
    """

    transition: Floats
    initial: Floats
    covariances: Floats
    factors: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse a chain that is none, and covariances that do not belong to its states."""
        stack = np.array(self.covariances, dtype=np.float64)
        if stack.ndim != 3 or not len(stack):
            raise DataError(f"covariances must have axes (states, {LEG_COUNT}, {LEG_COUNT}), got shape {stack.shape}")
        chain, prior = checked_chain(np.array(self.transition), np.array(self.initial), len(stack))
        checked = [checked_covariance(f"the covariance of state {state}", one) for state, one in enumerate(stack)]
        object.__setattr__(self, "transition", chain)
        object.__setattr__(self, "initial", prior)
        object.__setattr__(self, "covariances", np.stack(checked))
        object.__setattr__(self, "factors", np.stack([lower_factor(one) for one in checked]))

    @property
    def name(self) -> str:
        """Regime-switching."""
        return "regime-switching"

    def states(self, generator: np.random.Generator, paths: int, days: int) -> Integers:
        """Draw the hidden states, the first thing that `returns` does.

        Parameters
        ----------
        generator : numpy.random.Generator
            The only source of randomness.
        paths, days : int
            How many, and how long; at least 1.

        Returns
        -------
        ndarray of int, shape (paths, days)
            State of each day, from 0.

        Raises
        ------
        ConfigError
            When there is no path or no day to draw.
        """
        checked_size(paths, days)
        chances = np.cumsum(np.vstack([self.initial, self.transition]), axis=1)
        # the last reachable state ends at 1 exactly, so no draw falls beyond it
        chances /= chances[:, -1:]
        visited = np.empty((paths, days), dtype=np.int64)
        walk_chain(generator.random((paths, days)), chances, visited)
        return visited

    def returns(self, generator: np.random.Generator, paths: int, days: int) -> Floats:
        """Draw returns, see `PathModel`."""
        visited = self.states(generator, paths, days)
        drawn = generator.standard_normal((paths, days, LEG_COUNT))
        correlate_by_state(drawn, self.factors, visited)
        return drawn


@compiled
def walk_chain(uniforms: Floats, chances: Floats, visited: Integers) -> None:
    """Fill `visited`, shape (paths, days); `chances` are cumulative: the first day's, then a row for each state."""
    for path in range(uniforms.shape[0]):
        row = 0
        for day in range(uniforms.shape[1]):
            state = 0
            while uniforms[path, day] >= chances[row, state]:
                state += 1
            visited[path, day] = state
            row = state + 1


@compiled
def correlate_by_state(drawn: Floats, factors: Floats, visited: Integers) -> None:
    """Turn normals, shape (paths, days, legs), into floored returns in place, each by the factor of its state."""
    paths, days, legs = drawn.shape
    for path in range(paths):
        for day in range(days):
            state = visited[path, day]
            # from the last leg to the first: entry i of a lower triangular product needs only entries up to i
            for i in range(legs - 1, -1, -1):
                total = 0.0
                for j in range(i + 1):
                    total += factors[state, i, j] * drawn[path, day, j]
                drawn[path, day, i] = max(total, FLOOR)


def regime_switching_of(
    parameters: MarkovParameters, history: ArrayLike, index: ArrayLike | None = None
) -> RegimeSwitching:
    """Give the states of a Markov model, fitted on an index, the covariances of the legs in them.

    Parameters
    ----------
    parameters : MarkovParameters
        Fitted on the index, in its units; its means serve the filter only.
    history : array_like, shape (days, 7)
        Simple returns, fractions, oldest first, up to today.
    index : array_like, shape (days,), optional
        What the model was fitted on. By default the mean log return of the legs, as the daily calibration takes it.

    Returns
    -------
    RegimeSwitching
        The covariance of a state is the second moment of the legs about zero, days weighted by the filtered
        probability of the state, so no day looks ahead. The first day drawn is the one after the last of the history.

    Raises
    ------
    DataError
        When the history is malformed, the index does not match it, or a state was at work for less than a day.
    ModelError
        When a day is impossible under the model.

    References
    ----------
    Hamilton (1994), Time Series Analysis, equations 22.4.5 and 22.4.6.
    """
    rows = checked_history(history, least=2)
    series = np.log1p(rows).mean(axis=1) if index is None else finite_series(index, name="index")
    if len(series) != len(rows):
        raise DataError(f"the index must have one value for each of the {len(rows)} days, got {len(series)}")
    known = filter_series(series, parameters)
    weights = known.filtered_probability
    seen = weights.sum(axis=0)
    if seen.min() < LEAST_WEIGHT:
        state = int(np.argmin(seen))
        raise DataError(
            f"state {state} was at work for {seen[state]:.2g} days of the history, too few for a covariance: use a "
            "longer history"
        )
    moments = np.einsum("tk,ti,tj->kij", weights, rows, rows, optimize=True) / seen[:, np.newaxis, np.newaxis]
    prior = known.predicted_probability
    return RegimeSwitching(parameters.transition, prior / prior.sum(), moments)
