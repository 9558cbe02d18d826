"""Statistical jump model: clusters of recent behaviour, with a price on every change of state.

Labels are given online only: state t is the end of the cheapest path through rows 0…t. The cheapest path through all
rows, which knows the future, exists only inside the fit.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from workbench.domain.compiled import compiled
from workbench.domain.errors import DataError
from workbench.regimes.series import Floats, Integers, ewma_variance

HALF_LIVES_DAYS = (5.0, 20.0, 60.0)
"""A week, a month and a quarter."""
ROUNDS = 200
PATIENCE = 1e-10


@dataclass(frozen=True, slots=True, eq=False)
class JumpState:
    """What the next step needs: for each state, the cost of the cheapest path that ends there, least one = 0."""

    cost: Floats
    days: int


@dataclass(frozen=True, slots=True, eq=False)
class JumpModel:
    """A fitted jump model; states in order of their first feature (short-run volatility), smallest first.

    Attributes
    ----------
    centres : ndarray, shape (states, features)
        Of the standardised features.
    jump_penalty : float
        Cost of a change of state, in units of half squared distance.
    location, scale : ndarray, shape (features,)
        Frozen in sample, applied to every later row.
    objective : float
        Half squared distances plus penalties along the best path in sample.
    converged : bool
        Coordinate descent stopped by itself.
    """

    centres: Floats
    jump_penalty: float
    location: Floats
    scale: Floats
    objective: float
    converged: bool

    @property
    def states(self) -> int:
        """Number of states."""
        return len(self.centres)

    def online_labels(self, features: ArrayLike) -> Integers:
        """Label every row from rows up to it.

        Parameters
        ----------
        features : array_like, shape (days, features)
            Raw features, oldest first, no NaN.

        Returns
        -------
        ndarray of int, shape (days,)
            0 is the calmest state; row t uses rows 0…t only.

        Raises
        ------
        DataError
            When shape or numbers are not what the model was fitted on.
        """
        loss = self._loss(features)
        labels = np.empty(len(loss), dtype=np.int64)
        forward_costs(loss, self.jump_penalty, np.zeros(self.states), labels)
        return labels

    def init(self) -> JumpState:
        """State before the first row."""
        return JumpState(np.zeros(self.states), 0)

    def step(self, state: JumpState, features: ArrayLike) -> tuple[JumpState, int]:
        """Take in one row; the same label as `online_labels` gives it.

        Parameters
        ----------
        state : JumpState
            From `init` or the step before; it is not changed.
        features : array_like, shape (features,)
            Raw features of the day.

        Returns
        -------
        tuple of JumpState and int
            What the next step needs, and the label of the day.

        Raises
        ------
        DataError
            When shape or numbers are not what the model was fitted on.
        """
        loss = self._loss(np.atleast_2d(np.asarray(features, dtype=np.float64)))
        cost, label = state.cost.copy(), np.empty(1, dtype=np.int64)
        forward_costs(loss, self.jump_penalty, cost, label)
        return JumpState(cost, state.days + 1), int(label[0])

    def _loss(self, features: ArrayLike) -> Floats:
        rows = checked_features(features)
        if rows.shape[1] != self.centres.shape[1]:
            raise DataError(f"expected {self.centres.shape[1]} features, got {rows.shape[1]}")
        return half_squared_distance((rows - self.location) / self.scale, self.centres)


def volatility_features(series: ArrayLike, *, half_lives: tuple[float, ...] = HALF_LIVES_DAYS) -> Floats:
    """Log EWMA volatilities of several half-lives: what the jump model sees of a return series.

    Parameters
    ----------
    series : array_like, shape (days,)
        Returns, oldest first, no NaN.
    half_lives : tuple of float, default (5, 20, 60)
        Days after which a weight has halved, > 0.

    Returns
    -------
    ndarray, shape (days, half_lives)
        Log of the daily volatility; row t uses rows 0…t only.

    Raises
    ------
    DataError
        When the series is not finite or starts without any movement.

    Notes
    -----
    Nystrup et al. (2020) use absolute differences and centred local moments; centred windows see the future, so only
    one-sided ones are used here.
    """
    columns = [ewma_variance(series, decay=float(0.5 ** (1.0 / days))) for days in half_lives]
    variance = np.stack(columns, axis=1)
    if not np.all(variance > 0.0):
        row = int(np.argwhere(variance <= 0.0)[-1, 0])
        raise DataError(f"volatility is zero at row {row}: start the series at its first move")
    return np.asarray(0.5 * np.log(variance))


def checked_features(features: ArrayLike) -> Floats:
    """Check a feature matrix.

    Parameters
    ----------
    features : array_like, shape (days, features)
        Oldest first.

    Returns
    -------
    ndarray, shape (days, features)
        The same numbers, contiguous.

    Raises
    ------
    DataError
        When it has other axes or holds NaN or infinity.
    """
    rows = np.ascontiguousarray(features, dtype=np.float64)
    if rows.ndim != 2 or rows.size == 0 or not np.isfinite(rows).all():
        raise DataError(f"features must be finite with axes (days, features), got shape {rows.shape}")
    return rows


def half_squared_distance(rows: Floats, centres: Floats) -> Floats:
    """Half the squared distance of every row to every centre.

    Parameters
    ----------
    rows : ndarray, shape (days, features)
        Standardised.
    centres : ndarray, shape (states, features)
        Of the states.

    Returns
    -------
    ndarray, shape (days, states)
        Never negative.
    """
    loss = np.zeros((len(rows), len(centres)))
    for column in range(rows.shape[1]):
        loss += 0.5 * (rows[:, column, np.newaxis] - centres[:, column]) ** 2
    return loss


@compiled
def forward_costs(loss: Floats, penalty: float, cost: Floats, labels: Integers) -> None:
    """Bellman's recursion forwards; `cost` is carried from row to row, its least entry kept at 0."""
    days, states = loss.shape
    for t in range(days):
        # the least cost is 0, so a jump from there costs the penalty, whatever state it enters
        best, least = 0, np.inf
        for k in range(states):
            cost[k] = loss[t, k] + min(cost[k], penalty)
            if cost[k] < least:
                best, least = k, cost[k]
        for k in range(states):
            cost[k] -= least
        labels[t] = best


@compiled
def cheapest_path(loss: Floats, penalty: float, path: Integers) -> float:
    """Viterbi's path through all rows, for the fit only; gives its cost."""
    days, states = loss.shape
    came_from = np.empty((days, states), dtype=np.int64)
    cost, before = np.zeros(states), np.zeros(states)
    for t in range(days):
        best = 0
        for k in range(states):
            before[k] = cost[k]
            if before[k] < before[best]:
                best = k
        for k in range(states):
            jump = t > 0 and before[best] + penalty < before[k]
            came_from[t, k] = best if jump else k
            cost[k] = loss[t, k] + (before[best] + penalty if jump else before[k])
    last = 0
    for k in range(states):
        if cost[k] < cost[last]:
            last = k
    least = float(cost[last])
    for back in range(days):
        t = days - 1 - back
        path[t] = last
        last = came_from[t, last]
    return least


def fit_jump(features: ArrayLike, *, states: int, jump_penalty: float) -> JumpModel:
    """Fit a jump model by coordinate descent: centres given the path, then the path given the centres.

    Parameters
    ----------
    features : array_like, shape (days, features)
        One-sided features, oldest first, no NaN; `volatility_features` makes them.
    states : int
        Number of states, ≥ 2.
    jump_penalty : float
        ≥ 0; 0 is k-means. Larger means fewer changes of state: about 50 keeps states for months on daily FX.

    Returns
    -------
    JumpModel
        States in order of the first feature. The path through the sample is not given: it sees the future.

    Raises
    ------
    DataError
        When the features are not finite, a column does not vary, or there are fewer rows than 10 × states.

    References
    ----------
    Nystrup, P., Lindström, E., Madsen, H. (2020), "Learning hidden Markov models with persistent states by penalizing
    jumps", Expert Systems with Applications 150, 113307, equation 1 and algorithm 1.
    """
    if isinstance(states, bool) or not isinstance(states, int) or states < 2:
        raise DataError(f"states must be a whole number of at least 2, got {states!r}")
    if not (np.isfinite(jump_penalty) and jump_penalty >= 0.0):
        raise DataError(f"jump_penalty must be finite and not negative, got {jump_penalty}")
    rows = checked_features(features)
    if len(rows) < 10 * states:
        raise DataError(f"expected at least {10 * states} rows for {states} states, got {len(rows)}")
    location, scale = rows.mean(axis=0), rows.std(axis=0)
    if not np.all(scale > 0.0):
        raise DataError(f"feature {int(np.argmin(scale))} does not vary: leave it out")
    standard = (rows - location) / scale
    tries = [_descend(standard, start, float(jump_penalty)) for start in _first_centres(standard, states)]
    objective, centres, converged = min(tries, key=lambda found: found[0])
    order = np.argsort(centres[:, 0], kind="stable")
    return JumpModel(centres[order], float(jump_penalty), location, scale, objective, converged)


def _first_centres(rows: Floats, states: int) -> list[Floats]:
    """Means of groups cut at quantiles of each feature and of their sum, evenly and with a small top group."""
    even = np.linspace(0.0, 1.0, states + 1)
    scores = [*rows.T, rows.sum(axis=1)]
    starts = []
    for score in scores:
        order = np.argsort(score, kind="stable")
        for shares in (even, 1.0 - (1.0 - even) ** 2):
            cuts = np.round(shares[1:-1] * len(rows)).astype(np.int64)
            starts.append(np.stack([rows[part].mean(axis=0) for part in np.split(order, cuts)]))
    return starts


def _descend(rows: Floats, centres: Floats, penalty: float) -> tuple[float, Floats, bool]:
    states, path = len(centres), np.empty(len(rows), dtype=np.int64)
    objective = float(cheapest_path(half_squared_distance(rows, centres), penalty, path))
    for _ in range(ROUNDS):
        members = np.bincount(path, minlength=states)
        sums = np.stack([np.bincount(path, weights=column, minlength=states) for column in rows.T], axis=1)
        # a state that lost all its days keeps its centre: it may win some back
        centres = np.where(members[:, np.newaxis] > 0, sums / np.maximum(members, 1)[:, np.newaxis], centres)
        better = float(cheapest_path(half_squared_distance(rows, centres), penalty, path))
        if objective - better <= PATIENCE:
            return better, centres, True
        objective = better
    return objective, centres, False
