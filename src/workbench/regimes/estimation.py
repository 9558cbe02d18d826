"""Maximum likelihood for switching mean and variance: EM to come near, quasi-Newton with the exact score to arrive.

Everything here works on a series scaled to mean 0 and deviation 1. Smoothed probabilities appear only as sums inside
`expected_statistics`; no function gives them away.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from workbench.domain.compiled import compiled
from workbench.regimes.hamilton import filter_forward, stationary_distribution
from workbench.regimes.series import Floats, ewma_variance

LOG_ROOT_TWO_PI = 0.5 * float(np.log(2.0 * np.pi))
VOLATILITY_FLOOR = 0.02
"""Share of the sample deviation below which no state may fall: the likelihood is unbounded when a state settles on one
observation, or on the exact zeros of a repeated fix (Day 1969, Biometrika 56, p. 467, on mixtures)."""
VOLATILITY_CEILING = 100.0
"""In sample deviations; keeps a trial step finite."""
LOGIT_BOUND = 14.0
"""Transition odds stay within exp(±14): 1 in 1.2 million days is already "never" in 27 years of data."""
GRADIENT_LIMIT = 2e-5
"""Largest score per observation that counts as arrived."""
COARSE, FINE = 1e-4, 2e-7
"""Scores per observation at which a candidate can be ranked, and at which it is the answer."""
ITERATIONS, LINE_TRIALS = 300, 25
PRECISION = 1e-15
"""Relative gain below which a step is rounding."""
RARE_SHARE = 0.03
EM_SCREENING_STEPS = 10
EM_REFINING_STEPS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A point in parameter space on the scaled series, with its log likelihood (nats)."""

    means: Floats
    volatilities: Floats
    transition: Floats
    log_likelihood: float = -np.inf
    converged: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """Expected complete-data statistics given the whole sample: what the M-step and the score are made of."""

    log_likelihood: float
    first: Floats
    flow: Floats
    weight: Floats
    total: Floats
    square: Floats


def gaussian_log_density(series: Floats, means: Floats, volatilities: Floats) -> Floats:
    """Log normal density of each observation under each state.

    Parameters
    ----------
    series : ndarray, shape (days,)
        Observations.
    means, volatilities : ndarray, shape (states,)
        Parameters in the units of the series.

    Returns
    -------
    ndarray, shape (days, states)
        Nats.
    """
    density = (series[:, np.newaxis] - means) / volatilities
    density *= density
    density *= -0.5
    density -= np.log(volatilities) + LOG_ROOT_TWO_PI
    return np.asarray(density)


@compiled
def _smooth_sums(
    series: Floats, filtered: Floats, transition: Floats, sums: Floats, flow: Floats, smoothed: Floats
) -> None:
    """Kim's backward pass (1994, Journal of Econometrics 60, equation 2.15), keeping only sums.

    `sums` holds, per state, the weight, the weighted observation and its square; `flow` the expected moves; `smoothed`
    leaves as the distribution on the first day.
    """
    days, states = filtered.shape
    ratio = np.empty(states)
    for k in range(states):
        smoothed[k] = filtered[days - 1, k]
    for back in range(days):
        t = days - 1 - back
        for k in range(states):
            sums[0, k] += smoothed[k]
            sums[1, k] += smoothed[k] * series[t]
            sums[2, k] += smoothed[k] * series[t] * series[t]
        if t == 0:
            break
        for j in range(states):
            reach = 0.0
            for i in range(states):
                reach += filtered[t - 1, i] * transition[i, j]
            ratio[j] = smoothed[j] / reach if reach > 0.0 else 0.0
        for i in range(states):
            mass = 0.0
            for j in range(states):
                move = filtered[t - 1, i] * transition[i, j] * ratio[j]
                flow[i, j] += move
                mass += move
            smoothed[i] = mass


def expected_statistics(series: Floats, point: Candidate) -> Expected:
    """E-step: log likelihood and expected sums at a point; the chain starts from its stationary distribution.

    Parameters
    ----------
    series : ndarray, shape (days,)
        Scaled observations.
    point : Candidate
        Where to evaluate.

    Returns
    -------
    Expected
        Sums over days.
    """
    states = len(point.means)
    density = gaussian_log_density(series, point.means, point.volatilities)
    filtered, one_step = np.empty_like(density), np.empty(len(density))
    filter_forward(density, point.transition, stationary_distribution(point.transition), filtered, one_step)
    sums, flow, first = np.zeros((3, states)), np.zeros((states, states)), np.empty(states)
    _smooth_sums(series, filtered, point.transition, sums, flow, first)
    return Expected(float(one_step.sum()), first, flow, sums[0], sums[1], sums[2])


def em_steps(series: Floats, start: Candidate, steps: int) -> Candidate:
    """Climb by EM; the last point carries its own log likelihood.

    Parameters
    ----------
    series : ndarray, shape (days,)
        Scaled observations.
    start : Candidate
        Where to begin.
    steps : int
        EM steps.

    Returns
    -------
    Candidate
        Point after the steps.

    References
    ----------
    Hamilton, J. D. (1990), "Analysis of Time Series Subject to Changes in Regime", Journal of Econometrics 45,
    equations 4.1-4.2.
    """
    point = start
    floor = np.exp(-LOGIT_BOUND)
    for _ in range(steps):
        expected = expected_statistics(series, point)
        weight = np.maximum(expected.weight, 1e-8)
        means = expected.total / weight
        variances = expected.square / weight - means * means
        flow = np.maximum(expected.flow, floor * np.maximum(weight, 1.0)[:, np.newaxis])
        volatilities = np.sqrt(np.maximum(variances, VOLATILITY_FLOOR**2))
        point = Candidate(means, volatilities, flow / flow.sum(axis=1, keepdims=True))
    return Candidate(
        point.means, point.volatilities, point.transition, expected_statistics(series, point).log_likelihood
    )


def quasi_newton(series: Floats, start: Candidate, *, tolerance: float = FINE) -> Candidate:
    """Finish with BFGS on means, log volatilities and transition logits.

    Parameters
    ----------
    series : ndarray, shape (days,)
        Scaled observations.
    start : Candidate
        Point near the maximum.
    tolerance : float, default 2e-7
        Score per observation at which to stop; `COARSE` is enough to rank candidates.

    Returns
    -------
    Candidate
        With `converged` true when the score per observation is below `GRADIENT_LIMIT` in every free direction.
    """
    states, days = len(start.means), len(series)
    sizes = (states, states, states * (states - 1))
    lower = np.repeat([series.min(), np.log(VOLATILITY_FLOOR), -LOGIT_BOUND], sizes)
    upper = np.repeat([series.max(), np.log(VOLATILITY_CEILING), LOGIT_BOUND], sizes)

    def objective(packed: Floats) -> tuple[float, Floats]:
        point = _unpack(packed, states)
        expected = expected_statistics(series, point)
        return -expected.log_likelihood / days, -_score(expected, point) / days

    packed, value, slope = _bfgs(objective, np.clip(_pack(start), lower, upper), (lower, upper), tolerance)
    point = _unpack(packed, states)
    return Candidate(point.means, point.volatilities, point.transition, -value * days, bool(slope < GRADIENT_LIMIT))


def _bfgs(
    objective: Callable[[Floats], tuple[float, Floats]],
    start: Floats,
    bounds: tuple[Floats, Floats],
    tolerance: float,
) -> tuple[Floats, float, float]:
    """Minimise inside a box; gives the point, its value and its largest slope among free directions.

    Dense BFGS (Nocedal and Wright 2006, algorithm 6.1) that holds still what leans on a bound. scipy's L-BFGS-B calls
    threaded LAPACK on matrices of a dozen rows, which costs ten times the likelihood as soon as the cores are busy.
    """
    lower, upper = bounds
    point, (value, gradient), inverse = start, objective(start), np.eye(start.size)
    for step in range(ITERATIONS):
        free = ~(((point <= lower) & (gradient > 0.0)) | ((point >= upper) & (gradient < 0.0)))
        slope = float(np.max(np.abs(gradient), where=free, initial=0.0))
        if slope < tolerance:
            break
        direction = np.where(free, -(np.where(np.outer(free, free), inverse, 0.0) @ gradient), 0.0)
        if direction @ gradient >= 0.0:
            inverse, direction = np.eye(start.size), np.where(free, -gradient, 0.0)
        found = _line_search(objective, (point, value, gradient), direction, bounds)
        moved, turned = found[0] - point, found[2] - gradient
        stalled = value - found[1] <= PRECISION * abs(value)
        point, value, gradient = found
        if stalled:
            break
        bend = float(moved @ turned)
        if bend > 1e-12 * float(np.sqrt((moved @ moved) * (turned @ turned))):
            if step == 0:
                inverse = np.eye(start.size) * (bend / float(turned @ turned))
            keep = np.eye(start.size) - np.outer(moved, turned) / bend
            inverse = keep @ inverse @ keep.T + np.outer(moved, moved) / bend
    free = ~(((point <= lower) & (gradient > 0.0)) | ((point >= upper) & (gradient < 0.0)))
    return point, value, float(np.max(np.abs(gradient), where=free, initial=0.0))


def _line_search(
    objective: Callable[[Floats], tuple[float, Floats]],
    here: tuple[Floats, float, Floats],
    direction: Floats,
    bounds: tuple[Floats, Floats],
) -> tuple[Floats, float, Floats]:
    """Weak Wolfe conditions by bisection (Lewis and Overton 2013, algorithm 2.6) along the path clipped to the box."""
    point, value, gradient = here
    slope = float(direction @ gradient)
    low, high, length, best = 0.0, np.inf, 1.0, here
    for _ in range(LINE_TRIALS):
        there = np.clip(point + length * direction, *bounds)
        reached, turned = objective(there)
        if not reached <= value + 1e-4 * float(gradient @ (there - point)):
            high = length
        else:
            if reached < best[1]:
                best = (there, reached, turned)
            if float(direction @ turned) >= 0.9 * slope:
                break
            low = length
        length = 2.0 * low if high == np.inf else 0.5 * (low + high)
    return best


def starting_points(series: Floats, states: int) -> list[Candidate]:
    """Give deterministic starts: split by recent volatility, by size of the move, by its sign, and with a rare state.

    Parameters
    ----------
    series : ndarray, shape (days,)
        Scaled observations.
    states : int
        Number of states.

    Returns
    -------
    list of Candidate
        Points without a likelihood.
    """
    even = np.linspace(0.0, 1.0, states + 1)
    skewed = 1.0 - (1.0 - even) ** 2
    recent = ewma_variance(series)
    slow = ewma_variance(series, decay=0.98)
    trend = np.convolve(series, np.full(5, 0.2))[: len(series)]
    rare = np.append(np.linspace(0.0, 1.0 - RARE_SHARE, states), 1.0)
    largest, smallest = np.quantile(series, [1.0 - RARE_SHARE, RARE_SHARE])
    still = np.quantile(np.abs(series), RARE_SHARE)
    return [
        _split(series, recent, even, 0.98),
        _split(series, recent, skewed, 0.98),
        _split(series, slow, even, 0.99),
        _split(series, slow, skewed, 0.99),
        _split(series, np.abs(series), even, 0.5),
        _split(series, -series, skewed, 0.5),
        _split(series, trend, even, 0.9),
        # in a few years of data the best maximum often has one state for rare rises, falls or still days
        _split(series, np.where(series >= largest, np.inf, recent), rare, 0.9),
        _split(series, np.where(series <= smallest, np.inf, recent), rare, 0.9),
        _split(series, np.where(np.abs(series) <= still, np.inf, recent), rare, 0.9),
    ]


def _split(series: Floats, score: Floats, shares: Floats, stay: float) -> Candidate:
    """Cut the days at quantiles of a score; each group gives a state its mean and deviation."""
    order = np.argsort(score, kind="stable")
    cuts = np.round(shares * len(series)).astype(np.int64)
    groups = [series[order[low:high]] for low, high in pairwise(cuts)]
    states = len(groups)
    chain = np.full((states, states), (1.0 - stay) / (states - 1))
    np.fill_diagonal(chain, stay)
    return Candidate(
        np.array([group.mean() for group in groups]),
        np.array([max(group.std(), 2.0 * VOLATILITY_FLOOR) for group in groups]),
        chain,
    )


def _pack(point: Candidate) -> Floats:
    states = len(point.means)
    off = ~np.eye(states, dtype=bool)
    logits = np.log(point.transition) - np.log(np.diag(point.transition))[:, np.newaxis]
    return np.concatenate([point.means, np.log(point.volatilities), np.clip(logits[off], -LOGIT_BOUND, LOGIT_BOUND)])


def _unpack(packed: Floats, states: int) -> Candidate:
    logits = np.zeros((states, states))
    logits[~np.eye(states, dtype=bool)] = packed[2 * states :]
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return Candidate(packed[:states], np.exp(packed[states : 2 * states]), odds / odds.sum(axis=1, keepdims=True))


def _score(expected: Expected, point: Candidate) -> Floats:
    """Gradient of the log likelihood: Fisher's identity (Hamilton 1994, section 22.4), with the stationary start.

    dπ = π dP Z with Z = (I - P + 1π)⁻¹ (Schweitzer 1968, J. Appl. Probab. 5, equation 11).
    """
    chain, means, variances = point.transition, point.means, point.volatilities**2
    states = len(means)
    share = stationary_distribution(chain)
    residual = expected.total - means * expected.weight
    spread = expected.square - 2.0 * means * expected.total + means * means * expected.weight
    fundamental = np.linalg.inv(np.eye(states) - chain + share[np.newaxis, :])
    by_entry = np.outer(share, fundamental @ (expected.first / np.maximum(share, 1e-300)))
    start = chain * (by_entry - np.sum(by_entry * chain, axis=1, keepdims=True))
    moves = expected.flow - chain * expected.flow.sum(axis=1, keepdims=True)
    return np.concatenate(
        [residual / variances, spread / variances - expected.weight, (moves + start)[~np.eye(states, dtype=bool)]]
    )
