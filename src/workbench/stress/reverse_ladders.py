"""What the engine reads after a day, and the smallest move that trips a rung by it.

The fix that closes the day comes a day after the last one, so the fast reading of the last hour is empty: what counts
is the daily EWMA state, before and after it has taken the day in. The search is the design point of structural
reliability: in whitened coordinates the point of a limit state closest to the origin.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import norm, qmc

from workbench.domain.currencies import CURRENCIES, LEGS
from workbench.domain.errors import DataError, ModelError
from workbench.domain.policy import Policy
from workbench.engine.kernel.readings import FLAT
from workbench.stress.situation import Situation

Floats = NDArray[np.float64]

SEARCHED = ("volatility", "value_at_risk", "correlation")
FARTHEST = 50.0
"""Standard deviations: what lies beyond cannot be reached in a day."""
DEEPEST = -0.9
"""Simple return of a leg nothing falls below in a day."""
RADII = (np.arange(1, 49) / 48.0) ** 2
"""Places on a ray, as shares of its length, at which a rung is looked for first; finer near the origin."""
HALVINGS = 52
STARTS = 8
STEPS = tuple(0.2 * 0.6**k for k in range(16))
ROW, COLUMN = np.tril_indices(len(LEGS), -1)


@dataclass(frozen=True, slots=True)
class Readings:
    """What the engine reads at the fix that closes a day, one entry a move.

    Attributes
    ----------
    loss, value_at_risk : ndarray, shape (moves,)
        Share of equity, positive for a loss; VaR 95 % of one day over the new equity, positive.
    ratio : ndarray, shape (moves,)
        Volatility over normal: the larger of the mean of the legs and the book's own.
    mean_correlation, drift : ndarray, shape (moves,)
        Mean absolute correlation of the legs, and its mean absolute change against normal.
    moved : ndarray of int, shape (moves,)
        Correlations among held legs that are high and have moved.
    """

    loss: Floats
    value_at_risk: Floats
    ratio: Floats
    mean_correlation: Floats
    drift: Floats
    moved: NDArray[np.int64]


class ClosingFix:
    """The fix that closes the day after a situation: plain arrays, correlations as rows of 21, the lower triangle.

    Parameters
    ----------
    situation : Situation
        The book, its marks and the calibration; errors as `readings_after`.
    """

    def __init__(self, situation: Situation) -> None:
        tails, states = situation.calibration.residual_quantiles, [situation.calibration.legs[leg] for leg in LEGS]
        if "0.95" not in tails:
            raise ModelError("the calibration has no residual tail at 0.95")
        self.policy, self.quantile = situation.policy, tails["0.95"].quantile
        self.equity, self.covariance = situation.equity, situation.covariance
        self.normal = np.array([state.normal_volatility_daily for state in states])
        normal_correlation = np.array(situation.calibration.normal_correlation)
        self.normal_covariance = np.outer(self.normal, self.normal) * normal_correlation
        self.normal_correlation = normal_correlation[ROW, COLUMN]
        roots = np.sqrt([state.ewma_lambda for state in states])
        self.decay = np.outer(roots, roots)
        try:
            self.base, self.quote = np.array(
                [(CURRENCIES.index(pair[:3]), CURRENCIES.index(pair[3:])) for pair in situation.units]
            ).T
            self.values = np.array([1.0, *(situation.values[leg] for leg in LEGS)])
        except (KeyError, ValueError) as error:
            raise DataError(f"a pair held or a value is not of the seven legs: {error}") from error
        self.units = np.array(list(situation.units.values()), dtype=float)
        numbers = (*self.units, *self.values, self.equity)
        if not (np.isfinite(numbers).all() and self.equity > 0.0 and (self.values > 0.0).all()):
            raise DataError("a reverse stress needs finite units, positive values of the legs and a positive equity")

    @property
    def held(self) -> bool:
        """Whether any position is held."""
        return bool((self.units != 0.0).any())

    @cached_property
    def incidence(self) -> Floats:
        """+1 for the base and -1 for the quote of each pair, shape (pairs, 7)."""
        eye = np.eye(len(CURRENCIES))
        return np.asarray((eye[self.base] - eye[self.quote])[:, 1:])

    @cached_property
    def root(self) -> Floats:
        """L of Σ = L L', by principal components, so that a singular covariance has one too."""
        variances, axes = np.linalg.eigh(self.covariance)
        return np.asarray(axes * np.sqrt(np.maximum(variances, 0.0)))

    def _book_after(self, moves: Floats) -> tuple[Floats, Floats]:
        """Equity after each move, and the weights of the legs over it, shape (moves, 7)."""
        values = np.tile(self.values, (len(moves), 1))
        values[:, 1:] *= 1.0 + moves
        before = self.values[self.base] / self.values[self.quote]
        after = values[:, self.base] / values[:, self.quote]
        equity = self.equity + ((after - before) * values[:, self.quote]) @ self.units
        return equity, (self.units * values[:, self.base] / equity[:, None]) @ self.incidence

    def _parts_after(self, moves: Floats) -> dict[str, Floats]:
        """Every number the readings are made of, one row a move; what a metric is the larger of comes apart."""
        equity, weights = self._book_after(moves)
        fresh = 1.0 - self.decay
        variance = np.diag(self.decay * self.covariance) + np.diag(fresh) * moves**2
        common = (self.decay * self.covariance)[ROW, COLUMN] + fresh[ROW, COLUMN] * moves[:, ROW] * moves[:, COLUMN]
        crossed = 2.0 * weights[:, ROW] * weights[:, COLUMN]
        now = (variance * weights**2).sum(axis=1) + (common * crossed).sum(axis=1)
        before, normal = (
            weights**2 @ np.diag(matrix) + crossed @ matrix[ROW, COLUMN]
            for matrix in (self.covariance, self.normal_covariance)
        )
        volatility = np.sqrt(np.maximum(np.maximum(before, now), 0.0)) * self.held
        usual = np.sqrt(np.maximum(normal, 0.0))
        own = np.where(usual > FLAT, volatility / np.where(usual > FLAT, usual, 1.0), 0.0)
        roots = np.sqrt(variance)
        correlation = common / (roots[:, ROW] * roots[:, COLUMN])
        breakdown = self.policy.ladders.correlation.rung_2
        change = np.abs(correlation - self.normal_correlation)
        slack = np.minimum(np.abs(correlation) - breakdown.high_correlation, change - breakdown.moved_correlation)
        both = (weights[:, ROW] != 0.0) & (weights[:, COLUMN] != 0.0)
        return {
            "loss": 1.0 - equity / self.equity,
            "legs": (np.maximum(np.sqrt(np.diag(self.covariance)), roots) / self.normal).mean(axis=1),
            "own": own,
            "value_at_risk": self.quantile * volatility,
            "mean": np.abs(correlation).mean(axis=1),
            "drift": change.mean(axis=1),
            "slack": np.where(both, slack, -1.0),
        }

    def read(self, moves: Floats) -> Readings:
        """Readings of checked moves, shape (moves, 7)."""
        parts = self._parts_after(moves)
        ratio = np.maximum(parts["legs"], parts["own"])
        moved = (parts["slack"] > 0.0).sum(axis=1)
        return Readings(parts["loss"], parts["value_at_risk"], ratio, parts["mean"], parts["drift"], moved)


def readings_after(situation: Situation, moves: Floats) -> Readings:
    """What the engine reads at the fix that closes a day, a day after the marks of the situation.

    Parameters
    ----------
    situation : Situation
        The book at its peak.
    moves : ndarray, shape (7,) or (moves, 7)
        Simple leg returns, above -1.

    Returns
    -------
    Readings
        One entry a move.

    Raises
    ------
    DataError
        When the moves are not of seven legs, not finite or a leg loses all of its value; when the equity is not
        positive, a number of the book is not finite, or a pair or a value is not of the seven legs.
    ModelError
        When the calibration lacks the 95 % tail.
    """
    rows = np.atleast_2d(np.asarray(moves, dtype=float))
    if rows.ndim != 2 or rows.shape[1] != len(LEGS):
        raise DataError(f"expected moves of 7 legs, got shape {np.shape(moves)}")
    if not (np.isfinite(rows).all() and (rows > -1.0).all()):
        raise DataError("moves must be finite simple returns above -1")
    return ClosingFix(situation).read(rows)


Parts = dict[str, Floats]
Route = Callable[[Parts], Floats]
"""Slack of smooth constraints, shape (moves, constraints): the rung is tripped when all are positive."""


@dataclass(frozen=True, slots=True)
class _Goal:
    """A rung: its metric from the parts, its trigger, the parts that trip it alone, and whether a count does too."""

    metric: Callable[[Parts], Floats]
    trigger: float
    names: tuple[str, ...]
    by_count: bool = False


def triggers_of(policy: Policy, ladder: str) -> list[float]:
    """Triggers of a ladder, rungs in rising order; seconds on the technical one.

    Parameters
    ----------
    policy : Policy
        Any.
    ladder : str
        As in the policy.

    Returns
    -------
    list of float
    """
    rungs = getattr(policy.ladders, ladder).rungs
    return [float(rung.trigger_seconds if ladder == "technical" else rung.trigger) for rung in rungs]


def _goal_of(policy: Policy, ladder: str, place: int) -> _Goal:
    """A rung of a ladder that moves of the legs can trip, counted from 0."""
    if ladder not in SEARCHED:
        raise DataError(f"no move of the legs is looked for on the ladder {ladder!r}")
    trigger = triggers_of(policy, ladder)[place]
    if ladder == "volatility":
        return _Goal(lambda parts: np.maximum(parts["legs"], parts["own"]), trigger, ("legs", "own"))
    if ladder == "value_at_risk" or place == 0:
        name = ladder if ladder == "value_at_risk" else "drift"
        return _Goal(lambda parts: parts[name], trigger, (name,))
    count = policy.ladders.correlation.rung_2.moved_count

    def breakdown(parts: Parts) -> Floats:
        return np.where((parts["slack"] > 0.0).sum(axis=1) >= count, 1.0, parts["mean"])

    return _Goal(breakdown, trigger, ("mean",), by_count=trigger < 1.0 and count <= len(ROW))


def _above(name: str, trigger: float) -> Route:
    return lambda parts: parts[name][:, None] - trigger


class Search(ClosingFix):
    """Rays from the origin of the whitened moves of one fix.

    Parameters
    ----------
    situation : Situation
        The book, its marks and the calibration; errors as `readings_after`.
    """

    def __init__(self, situation: Situation) -> None:
        super().__init__(situation)
        self.directions = self._directions()
        self.lengths = self._lengths(self.directions)
        self.scanned = self._scan(self.directions, self.lengths)

    def _parts(self, points: Floats) -> Parts:
        """Parts of the readings at whitened points, shape (points, 7); legs are kept above `DEEPEST`."""
        with np.errstate(all="ignore"):
            return self._parts_after(np.maximum(points @ self.root.T, DEEPEST))

    def smallest(self, ladder: str, place: int) -> tuple[float, Floats | None]:
        """The smallest move that trips a rung.

        Parameters
        ----------
        ladder : str
            One of `SEARCHED`.
        place : int
            Rung, from 0.

        Returns
        -------
        tuple of (float, ndarray or None)
            Distance, 0 when today is enough and infinite when no move is; simple leg returns.

        Raises
        ------
        DataError
            For a ladder no move of the legs is looked for on.
        """
        goal = _goal_of(self.policy, ladder, place)
        if goal.metric(self._parts(np.zeros((1, len(LEGS)))))[0] > goal.trigger:
            return 0.0, None
        radii = self._first(goal, self.directions, self.lengths, self.scanned)
        if not np.isfinite(radii).any():
            return float("inf"), None
        chosen = self._apart(radii)
        found = [self.directions[chosen[:1]]]
        for ray in chosen:
            found += [self._closest(route, radii[ray] * self.directions[ray]) for route in self._routes(goal, ray)]
        rays = np.concatenate(found)
        lengths = self._lengths(rays)
        radii = self._first(goal, rays, lengths)
        best = int(np.argmin(radii))
        point = self._polished(goal, radii[best] * rays[best])
        return float(np.linalg.norm(point)), np.asarray(self.root @ point)

    def _directions(self) -> Floats:
        """Legs alone and together in both directions at the most plausible move of the rest, axes, and a net."""
        root = self.root
        deviations = np.linalg.norm(root, axis=1)
        legs, rays = range(len(LEGS)), [np.eye(len(LEGS)), -np.eye(len(LEGS))]
        for size in (1, 2, 3, len(LEGS)):
            signs = np.array(list(product((1.0, -1.0), repeat=size)))
            rays += [
                (signs * deviations[subset]) @ np.linalg.pinv(root[subset]).T
                for subset in map(list, combinations(legs, size))
            ]
        along = root.T @ self._book_after(np.zeros((1, len(LEGS))))[1][0]
        net = norm.ppf(qmc.Halton(len(LEGS), scramble=False).random(129)[1:])
        joined = np.concatenate([*rays, [-along, along], net])
        sizes = np.linalg.norm(joined, axis=1, keepdims=True)
        kept = sizes[:, 0] > 0.0
        return np.asarray(joined[kept] / sizes[kept])

    def _lengths(self, rays: Floats) -> Floats:
        """How far each ray is followed."""
        falls = np.maximum(-(rays @ self.root.T).min(axis=1), 1e-12)
        return np.asarray(np.minimum(FARTHEST, -DEEPEST / falls))

    def _apart(self, radii: Floats) -> list[int]:
        """The best rays that are not neighbours, best first."""
        chosen: list[int] = []
        for place in np.argsort(radii, kind="stable"):
            apart = (self.directions[chosen] @ self.directions[place] < 0.95).all()
            if len(chosen) < STARTS and np.isfinite(radii[place]) and apart:
                chosen.append(int(place))
        return chosen

    def _scan(self, rays: Floats, lengths: Floats) -> Parts:
        points = (lengths[:, None] * RADII)[:, :, None] * rays[:, None, :]
        return self._parts(points.reshape(-1, len(LEGS)))

    def _first(self, goal: _Goal, rays: Floats, lengths: Floats, scanned: Parts | None = None) -> Floats:
        """Radius at which each ray first trips the rung; infinite when it does not."""
        places = np.concatenate([np.zeros((len(rays), 1)), lengths[:, None] * RADII], axis=1)
        if scanned is None:
            scanned = self._scan(rays, lengths)
        above = (goal.metric(scanned) > goal.trigger).reshape(len(rays), -1)
        first, reached = above.argmax(axis=1), above.any(axis=1)
        low, high = places[reached, first[reached]], places[reached, first[reached] + 1]
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            tripped = goal.metric(self._parts(middle[:, None] * rays[reached])) > goal.trigger
            low, high = np.where(tripped, low, middle), np.where(tripped, middle, high)
        radii = np.full(len(rays), np.inf)
        radii[reached] = high
        return radii

    def _routes(self, goal: _Goal, place: int) -> list[Route]:
        """Smooth ways to trip the rung: one part above the trigger, or the correlations closest to having moved."""
        routes = [_above(name, goal.trigger) for name in goal.names]
        if goal.by_count:
            count = self.policy.ladders.correlation.rung_2.moved_count
            last = self.scanned["slack"].reshape(len(self.directions), len(RADII), -1)[place]
            most = last[np.argmax(np.sort(last, axis=1)[:, -count])]
            pairs = np.argsort(-most, kind="stable")[:count]
            routes.append(lambda parts: parts["slack"][:, pairs])
        return routes

    def _closest(self, route: Route, start: Floats) -> Floats:
        """Direction of the point closest to the origin on a smooth route, from a start; shape (1, 7)."""
        step = 1e-6 * max(float(np.linalg.norm(start)), 1.0)
        around = step * np.concatenate([np.eye(len(LEGS)), -np.eye(len(LEGS))])

        def slope(point: Floats) -> Floats:
            slack = route(self._parts(point + around))
            return np.asarray((slack[: len(LEGS)] - slack[len(LEGS) :]).T / (2.0 * step))

        limit = {"type": "ineq", "fun": lambda point: route(self._parts(point[None]))[0], "jac": slope}
        search: Any = minimize
        end = search(lambda point: point @ point, start, jac=lambda point: 2.0 * point, method="SLSQP",
                     constraints=limit, options={"maxiter": 60, "ftol": 1e-12}).x  # fmt: skip
        size = float(np.linalg.norm(end))
        usable = np.isfinite(size) and size > 0.0
        return np.asarray((end / size if usable else start / np.linalg.norm(start))[None])

    def _polished(self, goal: _Goal, point: Floats) -> Floats:
        """Turn a point while a turned one a little closer still trips: what kinks of the metric hide from slopes."""
        net = self.directions
        for step in STEPS:
            for _ in range(3):
                radius = float(np.linalg.norm(point))
                rays = point / radius + step * net
                rays /= np.linalg.norm(rays, axis=1, keepdims=True)
                rays = rays[self._lengths(rays) >= radius]
                closer = goal.metric(self._parts((1.0 - 1e-7) * radius * rays)) > goal.trigger
                if not closer.any():
                    break
                rays = rays[closer]
                radii = self._first(goal, rays, np.full(len(rays), (1.0 - 1e-7) * radius))
                point = radii[radii.argmin()] * rays[radii.argmin()]
        return point
