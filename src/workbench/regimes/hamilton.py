"""The Hamilton filter: probabilities of hidden states, each from observations up to its own.

One compiled pass serves a whole history and a single new observation, which is why the two agree to the last bit.
Smoothed probabilities see the future; they exist only inside the estimation, never in a result.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from workbench.domain.compiled import compiled
from workbench.domain.errors import DataError, ModelError
from workbench.regimes.series import Floats, Integers

SUM_TOLERANCE = 1e-8


@dataclass(frozen=True, slots=True, eq=False)
class FilterResult:
    """What the filter knows after each observation.

    Attributes
    ----------
    filtered_probability : ndarray, shape (days, states)
        Probability of each state given rows 0…t; rows sum to one.
    log_density : ndarray, shape (days,)
        Log density of observation t given rows 0…t-1, in nats.
    predicted_probability : ndarray, shape (states,)
        Probability of each state on the day after the last row.
    """

    filtered_probability: Floats
    log_density: Floats
    predicted_probability: Floats

    @property
    def log_likelihood(self) -> float:
        """Sum of the one-step log densities, in nats."""
        return float(np.sum(self.log_density))


@compiled
def filter_forward(
    log_density: Floats, transition: Floats, predicted: Floats, filtered: Floats, one_step: Floats
) -> int:
    """Run the filter over `log_density`; `predicted` enters as the prior of row 0 and leaves as that of the next row.

    Writes `filtered` and `one_step`; gives the row that is impossible in every reachable state, or -1.
    """
    days, states = log_density.shape
    for t in range(days):
        # the largest density among reachable states is taken out, so the sum below cannot underflow
        top = -np.inf
        for k in range(states):
            if predicted[k] > 0.0 and log_density[t, k] > top:
                top = log_density[t, k]
        if not top > -np.inf or not top < np.inf:
            return t
        total = 0.0
        for k in range(states):
            joint = 0.0
            if log_density[t, k] == top:
                joint = predicted[k]
            elif predicted[k] > 0.0:
                joint = predicted[k] * math.exp(log_density[t, k] - top)
            filtered[t, k] = joint
            total += joint
        one_step[t] = top + math.log(total)
        for k in range(states):
            filtered[t, k] /= total
        for j in range(states):
            mass = 0.0
            for i in range(states):
                mass += filtered[t, i] * transition[i, j]
            predicted[j] = mass
    return -1


def hamilton_filter(log_density: ArrayLike, transition: ArrayLike, initial: ArrayLike) -> FilterResult:
    """Filter a Markov chain seen through state-wise densities.

    Parameters
    ----------
    log_density : array_like, shape (days, states)
        Log density of each observation under each state, in nats, oldest first. −inf says impossible; NaN is refused.
    transition : array_like, shape (states, states)
        Row = from, column = to; rows sum to one.
    initial : array_like, shape (states,)
        State probabilities on the first day, before its observation.

    Returns
    -------
    FilterResult
        Filtered probabilities and one-step log densities; row t uses rows 0…t only.

    Raises
    ------
    DataError
        When shapes disagree, or a probability is negative or does not sum to one.
    ModelError
        When an observation is impossible in every reachable state.

    References
    ----------
    Hamilton, J. D. (1989), "A New Approach to the Economic Analysis of Nonstationary Time Series and the Business
    Cycle", Econometrica 57(2), equations 4.1-4.8; Hamilton (1994), Time Series Analysis, equations 22.4.5-22.4.8.

    Examples
    --------
    >>> import numpy as np
    >>> one = hamilton_filter(np.log([[0.2, 0.6]]), [[0.9, 0.1], [0.2, 0.8]], [0.5, 0.5])
    >>> one.filtered_probability.round(6).tolist()
    [[0.25, 0.75]]
    """
    density = np.ascontiguousarray(log_density, dtype=np.float64)
    if density.ndim != 2 or density.size == 0:
        raise DataError(f"log_density must have axes (days, states) and at least one row, got {density.shape}")
    chain, prior = checked_chain(transition, initial, density.shape[1])
    if np.isnan(density).any():
        raise DataError(f"log_density holds NaN in row {int(np.argwhere(np.isnan(density))[0, 0])}")
    predicted = prior.copy()
    filtered, one_step = np.empty_like(density), np.empty(len(density))
    row = filter_forward(density, chain, predicted, filtered, one_step)
    if row >= 0:
        raise ModelError(f"observation {row} is impossible in every reachable state: check the densities")
    return FilterResult(filtered, one_step, predicted)


def checked_chain(transition: ArrayLike, initial: ArrayLike, states: int) -> tuple[Floats, Floats]:
    """Check a transition matrix and a first distribution.

    Parameters
    ----------
    transition : array_like, shape (states, states)
        Row = from.
    initial : array_like, shape (states,)
        Probabilities on the first day.
    states : int
        Expected number of states.

    Returns
    -------
    tuple of ndarray
        Both as contiguous floats.

    Raises
    ------
    DataError
        When a shape is wrong, or a row is negative, not finite, or does not sum to one.
    """
    chain = np.ascontiguousarray(transition, dtype=np.float64)
    prior = np.ascontiguousarray(initial, dtype=np.float64)
    if chain.shape != (states, states) or prior.shape != (states,):
        raise DataError(f"expected {states} states, got transition {chain.shape} and initial {prior.shape}")
    for name, rows in (("transition", chain), ("initial", prior[np.newaxis])):
        if not (np.all(rows >= 0.0) and np.allclose(rows.sum(axis=1), 1.0, rtol=0.0, atol=SUM_TOLERANCE)):
            raise DataError(f"rows of {name} must be probabilities that sum to one, got {rows.tolist()}")
    return chain, prior


def stationary_distribution(transition: ArrayLike) -> Floats:
    """Long-run share of time in each state.

    Parameters
    ----------
    transition : array_like, shape (states, states)
        Row = from; rows sum to one; one closed class.

    Returns
    -------
    ndarray, shape (states,)
        π with π P = π, summing to one.

    Raises
    ------
    ModelError
        When the chain has no unique stationary distribution.

    References
    ----------
    Hamilton (1994), Time Series Analysis, equation 22.2.26.

    Examples
    --------
    >>> stationary_distribution([[0.9, 0.1], [0.3, 0.7]]).round(6).tolist()
    [0.75, 0.25]
    """
    chain = np.asarray(transition, dtype=np.float64)
    states = len(chain)
    system = np.eye(states) - chain.T
    system[-1] = 1.0
    try:
        share = np.linalg.solve(system, np.eye(states)[-1])
    except np.linalg.LinAlgError as error:
        raise ModelError(f"the chain has no unique stationary distribution: {chain.tolist()}") from error
    share = np.maximum(share, 0.0)
    return np.asarray(share / share.sum())


def expand_chain(transition: ArrayLike, order: int) -> tuple[Floats, Integers, Floats]:
    """Chain whose states are the last `order + 1` states of a chain, for models with lags.

    Parameters
    ----------
    transition : array_like, shape (states, states)
        Row = from; rows sum to one.
    order : int
        Lags the density looks back, ≥ 0.

    Returns
    -------
    transition : ndarray, shape (states ** (order + 1), same)
        Moves between histories.
    histories : ndarray of int, shape (states ** (order + 1), order + 1)
        State on day t, t - 1, … t - order of each history.
    initial : ndarray, shape (states ** (order + 1),)
        Stationary probability of each history.

    References
    ----------
    Hamilton (1989), section 4; Hamilton (1994), section 22.4, "the AR model with changes in regime".
    """
    chain = np.asarray(transition, dtype=np.float64)
    states = len(chain)
    histories = np.array(list(np.ndindex(*(states,) * (order + 1))), dtype=np.int64)
    initial = stationary_distribution(chain)[histories[:, -1]]
    for lag in range(order):
        initial = initial * chain[histories[:, lag + 1], histories[:, lag]]
    follows = np.all(histories[np.newaxis, :, 1:] == histories[:, np.newaxis, :-1], axis=2)
    moves = chain[histories[:, 0]][:, histories[:, 0]]
    return np.where(follows, moves, 0.0), histories, initial
