"""Filtering one observation at a time, and the label map that survives every refit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

from workbench.domain.errors import DataError, InvariantError, ModelError
from workbench.regimes.estimation import gaussian_log_density
from workbench.regimes.hamilton import checked_chain, filter_forward
from workbench.regimes.markov import MarkovParameters
from workbench.regimes.series import Floats, finite_series

DEFAULT_NAMES: Mapping[int, tuple[str, ...]] = {
    2: ("normal", "high volatility"),
    3: ("low volatility", "normal", "high volatility"),
}
"""Names by number of states, smallest variance first; from four states on the caller names them."""


@dataclass(frozen=True, slots=True, eq=False)
class FilterState:
    """What the next step needs: state probabilities for the coming day, before its observation.

    Attributes
    ----------
    predicted_probability : ndarray, shape (states,)
        Sums to one.
    days : int
        Observations seen so far.
    """

    predicted_probability: Floats
    days: int

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, ready for JSON."""
        return {"predicted_probability": self.predicted_probability.tolist(), "days": self.days}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "FilterState":
        """Read what `to_dict` wrote.

        Parameters
        ----------
        stored : mapping
            Keys ``predicted_probability`` and ``days``.

        Returns
        -------
        FilterState

        Raises
        ------
        DataError
            When a key is missing or unknown, or the numbers are no probabilities.
        """
        if set(stored) != {"predicted_probability", "days"}:
            raise DataError(f"expected the keys days, predicted_probability, got {sorted(stored)}")
        probability = np.array(stored["predicted_probability"], dtype=np.float64)
        _, checked = checked_chain(np.eye(probability.size), probability, probability.size)
        return cls(checked, int(stored["days"]))


@dataclass(frozen=True, slots=True, eq=False)
class FilterReading:
    """What one observation showed; nothing here is needed for the next step.

    Attributes
    ----------
    filtered_probability : ndarray, shape (states,)
        Probability of each state now.
    log_density : float
        Log density of the observation given all earlier ones, in nats; very negative means surprising.
    """

    filtered_probability: Floats
    log_density: float


@dataclass(frozen=True, slots=True, eq=False)
class MarkovFilter:
    """Online Hamilton filter: `init`, then `step` per observation; equal to `filter_series` to the last bit.

    Examples
    --------
    >>> import numpy as np
    >>> flat = np.array([0.5, 0.5])
    >>> model = MarkovParameters(np.zeros(2), np.array([1.0, 2.0]), np.array([[0.9, 0.1], [0.1, 0.9]]), flat)
    >>> filter_ = MarkovFilter(model)
    >>> _, reading = filter_.step(filter_.init(), 0.0)
    >>> reading.filtered_probability.round(6).tolist()
    [0.666667, 0.333333]
    """

    parameters: MarkovParameters

    def init(self) -> FilterState:
        """State before the first observation."""
        return FilterState(self.parameters.initial.copy(), 0)

    def step(self, state: FilterState, observation: float) -> tuple[FilterState, FilterReading]:
        """Take in one observation.

        Parameters
        ----------
        state : FilterState
            From `init` or the step before; it is not changed.
        observation : float
            Return of the day, units of the parameters.

        Returns
        -------
        tuple of FilterState and FilterReading
            What the next step needs, and what this one showed.

        Raises
        ------
        DataError
            When the observation is not finite, or the state belongs to another model.
        ModelError
            When the observation is impossible in every reachable state.
        """
        if not np.isfinite(observation):
            raise DataError(f"observation {state.days} must be finite, got {observation}: skip the day or repair it")
        if state.predicted_probability.shape != self.parameters.means.shape:
            raise DataError(
                f"the state has {state.predicted_probability.size} probabilities, "
                f"the model {self.parameters.states} states: start again with init"
            )
        values = np.array([observation], dtype=np.float64)
        density = gaussian_log_density(values, self.parameters.means, self.parameters.volatilities)
        predicted, filtered, one_step = state.predicted_probability.copy(), np.empty_like(density), np.empty(1)
        if filter_forward(density, self.parameters.transition, predicted, filtered, one_step) >= 0:
            raise ModelError(f"observation {observation} is impossible in every reachable state of the model")
        return FilterState(predicted, state.days + 1), FilterReading(filtered[0], float(one_step[0]))


@dataclass(frozen=True, slots=True)
class StateLabels:
    """Names of states, frozen with the volatilities they stood for when they were given.

    Attributes
    ----------
    names : tuple of str
        One per state, smallest volatility first, all different.
    volatilities : tuple of float
        Anchors, strictly ascending, units of the series.
    """

    names: tuple[str, ...]
    volatilities: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse repeated names and anchors that do not rise."""
        if len(set(self.names)) != len(self.names) or len(self.names) != len(self.volatilities):
            raise DataError(f"expected one different name per anchor, got {self.names} for {self.volatilities}")
        anchors = np.array(self.volatilities, dtype=np.float64)
        if not (anchors.size and np.isfinite(anchors).all() and anchors[0] > 0.0 and np.all(np.diff(anchors) > 0.0)):
            raise DataError(f"anchors must be positive and rise strictly, got {self.volatilities}")

    @classmethod
    def freeze(cls, parameters: MarkovParameters, names: tuple[str, ...] | None = None) -> "StateLabels":
        """Give names to the states of a first fit.

        Parameters
        ----------
        parameters : MarkovParameters
            First adopted fit.
        names : tuple of str, optional
            Smallest variance first; by default `DEFAULT_NAMES`.

        Returns
        -------
        StateLabels

        Raises
        ------
        DataError
            When the number of names is not the number of states.
        """
        chosen = names if names is not None else DEFAULT_NAMES.get(parameters.states)
        if chosen is None or len(chosen) != parameters.states:
            raise DataError(f"expected {parameters.states} names, smallest variance first, got {chosen}")
        return cls(tuple(chosen), tuple(float(v) for v in parameters.volatilities))

    def match(self, parameters: MarkovParameters) -> "LabelMatch":
        """Map the states of a refit to the frozen names by nearest variance, one to one.

        Parameters
        ----------
        parameters : MarkovParameters
            The refit; at most as many states as there are names.

        Returns
        -------
        LabelMatch
            The name of each state and how far it moved from its anchor.

        Raises
        ------
        ModelError
            When the refit has more states than names: a new state needs a person to name it.

        Notes
        -----
        The assignment minimises the sum of |log variance − log anchor variance|. With as many states as names this
        keeps the order of variances, so names never swap; with fewer states the ones that vanished keep their names
        unused.
        """
        if parameters.states > len(self.names):
            raise ModelError(
                f"the refit has {parameters.states} states, only {len(self.names)} are named "
                f"({', '.join(self.names)}): freeze new labels on purpose"
            )
        moved = np.log(parameters.volatilities)[:, np.newaxis] - np.log(np.array(self.volatilities))
        # squares break ties between equal sums of distances in favour of the order of variances
        rows, columns = scipy.optimize.linear_sum_assignment(np.abs(moved) + 1e-9 * moved**2)
        if not np.all(np.diff(columns[np.argsort(parameters.volatilities[rows], kind="stable")]) > 0):
            raise InvariantError(f"labels would swap: {columns.tolist()} for {parameters.volatilities.tolist()}")
        return LabelMatch(
            names=tuple(self.names[column] for column in columns),
            positions=tuple(int(column) for column in columns),
            moved=tuple(float(moved[row, column]) for row, column in zip(rows, columns, strict=True)),
        )

    def to_dict(self) -> dict[str, list[Any]]:
        """Plain lists, ready for JSON."""
        return {"names": list(self.names), "volatilities": list(self.volatilities)}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "StateLabels":
        """Read what `to_dict` wrote.

        Parameters
        ----------
        stored : mapping
            Keys ``names`` and ``volatilities``.

        Returns
        -------
        StateLabels

        Raises
        ------
        DataError
            When a key is missing or unknown, or the labels are not valid.
        """
        if set(stored) != {"names", "volatilities"}:
            raise DataError(f"expected the keys names, volatilities, got {sorted(stored)}")
        anchors = finite_series(stored["volatilities"], least=1, name="label anchors")
        return cls(tuple(str(name) for name in stored["names"]), tuple(float(v) for v in anchors))


@dataclass(frozen=True, slots=True)
class LabelMatch:
    """How the states of a refit carry frozen names.

    Attributes
    ----------
    names : tuple of str
        Name of each state of the refit.
    positions : tuple of int
        Position of each state among the frozen names.
    moved : tuple of float
        Log volatility of the state minus that of its anchor: 0.69 means it doubled since it was named.
    """

    names: tuple[str, ...]
    positions: tuple[int, ...]
    moved: tuple[float, ...]

    @property
    def largest_move(self) -> float:
        """Largest |moved|: large means the name no longer says what it said."""
        return max(abs(step) for step in self.moved)
