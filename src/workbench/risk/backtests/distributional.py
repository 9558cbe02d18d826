"""Is the tail of the forecast distribution right? Cumulative violations and several VaR levels at once."""

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike

from workbench.domain.errors import DataError
from workbench.risk.backtests.power import markov_hits, monte_carlo_p_value
from workbench.risk.backtests.result import (
    ODDS_RATIO,
    POWER_SIZE,
    RATE_RATIO,
    REPLICATIONS,
    ExactResult,
    FloatArray,
    clipped,
    finite_vector,
    seeded,
    tail_probability,
)

_SIMULATED_DAYS = 1_000_000
_FEWEST_SERIES, _MOST_SERIES = 200, 1_000
_TRUE_DEGREES = 5.0
_SCORING_STEPS, _HALVINGS, _FURTHEST = 100, 30, 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CumulativeViolationResult(ExactResult):
    """Du and Escanciano's pair of tests.

    Parameters
    ----------
    statistic, p_value, observations, power, alternative, exact_p_value, exceedance_count, expected_count : mixed
        As in `ExactResult`, of the unconditional test.
    mean_violation : float
        Mean cumulative violation; half the nominal exceedance rate is expected.
    conditional_statistic, conditional_p_value, conditional_exact_p_value : float
        Box–Pierce statistic of the violations, its chi-square tail and its Monte Carlo p-value.
    conditional_power : float
        Simulated power of the conditional test at size 0.05.
    conditional_alternative : str
        Alternative that power is stated against.
    lags : int
        Number of autocorrelations in the conditional statistic.
    """

    mean_violation: float
    conditional_statistic: float
    conditional_p_value: float
    conditional_exact_p_value: float
    conditional_power: float
    conditional_alternative: str
    lags: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MultinomialResult(ExactResult):
    """Multinomial test of several VaR levels.

    Parameters
    ----------
    statistic, p_value, observations, power, alternative, exact_p_value, exceedance_count, expected_count : mixed
        As in `ExactResult`; the statistic is Nass's, the counts are those of the lowest level.
    degrees_of_freedom : float
        Degrees of freedom of Nass's statistic, not a whole number.
    pearson_statistic, pearson_p_value : float
        Pearson's statistic and its chi-square tail; over-sized when many cells are nearly empty.
    likelihood_ratio, likelihood_ratio_p_value : float
        Ratio against a normal distortion of the tail (location and scale) and its chi-square tail.
    cell_counts : tuple of int
        Days beyond no level, beyond the first only, and so on.
    """

    degrees_of_freedom: float
    pearson_statistic: float
    pearson_p_value: float
    likelihood_ratio: float
    likelihood_ratio_p_value: float
    cell_counts: tuple[int, ...]


def du_escanciano(
    probabilities: ArrayLike, *, confidence: float, lags: int = 5, seed: int = 0
) -> CumulativeViolationResult:
    """Test ES through cumulative violations: their mean, and their autocorrelation.

    Parameters
    ----------
    probabilities : array_like of float, shape (days,)
        Probability integral transforms u_t = F_t(return_t) of the one-day forecast distributions, oldest first: 0 is
        the worst loss thinkable, 1 the best gain; NaN is refused. VaR is exceeded where u_t < 1 − confidence.
    confidence : float
        ES confidence, for example 0.975.
    lags : int
        Number of autocorrelations tested.
    seed : int
        Fixes the simulated series behind the exact p-values and the powers.

    Returns
    -------
    CumulativeViolationResult
        With H_t = (α − u_t)⁺ / α, `statistic` is the standardised mean of H, normal in large samples and tested on both
        sides; `conditional_statistic` is days × the sum of squared autocorrelations of H about α/2, chi-square(lags).
        `exact_p_value` and `conditional_exact_p_value` are Monte Carlo p-values under independent uniform u_t.
        `power` holds for a tail 1.5 times as heavy, `conditional_power` for clustered exceedances. Without any
        exceedance the conditional statistic is 0 and its p-values 1.

    Raises
    ------
    DataError
        If the probabilities are empty, misshapen, not finite or outside [0, 1], or there are not more days than lags.

    References
    ----------
    Du and Escanciano (2017), Backtesting Expected Shortfall: Accounting for Tail Risk, Management Science 63, 940–958,
    equations 8–13.
    """
    u, rate = finite_vector(probabilities, "probabilities"), tail_probability(confidence)
    outside = u[(u < 0.0) | (u > 1.0)]
    if outside.size:
        raise DataError(f"probabilities must lie in [0, 1]; got {outside[0]} ({outside.size} such values)")
    n = u.size
    if not 1 <= lags < n:
        raise DataError(f"lags must be at least 1 and fewer than the days; got {lags} lags for {n} days")
    violations = np.maximum(rate - u, 0.0)[None, :] / rate
    generator = seeded(seed)
    null = _violations(generator, n, rate=rate, odds_ratio=1.0)
    heavy = _violations(generator, n, rate=min(RATE_RATIO * rate, 1.0), odds_ratio=1.0)
    clustered = _violations(generator, n, rate=rate, odds_ratio=ODDS_RATIO)
    mean, null_mean = _standardised_mean(violations, rate), np.abs(_standardised_mean(null, rate))
    box, null_box = _box_pierce(violations, rate, lags), _box_pierce(null, rate, lags)
    return CumulativeViolationResult(
        statistic=float(mean[0]),
        p_value=clipped(2.0 * scipy.stats.norm.sf(abs(mean[0]))),
        observations=n,
        exact_p_value=monte_carlo_p_value(abs(float(mean[0])), null_mean),
        power=_rejections(np.abs(_standardised_mean(heavy, rate)), null_mean),
        alternative=f"losses beyond VaR {RATE_RATIO:g} times as frequent at every depth",
        exceedance_count=int((u < rate).sum()),
        expected_count=n * rate,
        mean_violation=float(violations.mean()),
        conditional_statistic=float(box[0]),
        conditional_p_value=clipped(scipy.stats.chi2.sf(box[0], lags)),
        conditional_exact_p_value=monte_carlo_p_value(float(box[0]), null_box),
        conditional_power=_rejections(_box_pierce(clustered, rate, lags), null_box),
        conditional_alternative=f"odds of an exceedance {ODDS_RATIO:g} times higher on the day after one",
        lags=lags,
    )


def multinomial_levels(confidence: float, count: int) -> tuple[float, ...]:
    """Return `count` equally spaced confidences from `confidence` upwards, α + (j − 1)(1 − α)/N.

    Parameters
    ----------
    confidence : float
        Lowest confidence α, for example 0.975.
    count : int
        Number of levels N, positive.

    Returns
    -------
    tuple of float
        Increasing confidences, the input of `multinomial_test`.

    Raises
    ------
    DataError
        If the confidence is out of range or the count is not positive.

    References
    ----------
    Kratz, Lok and McNeil (2018), equation 3.

    Examples
    --------
    >>> multinomial_levels(0.975, 4)
    (0.975, 0.98125, 0.9875, 0.99375)
    """
    rate = tail_probability(confidence)
    if count < 1:
        raise DataError(f"count must be a positive number of VaR levels; got {count}")
    return tuple(round(1.0 - rate * (count - step) / count, 12) for step in range(count))


def multinomial_test(exceedances: ArrayLike, *, confidences: tuple[float, ...], seed: int = 0) -> MultinomialResult:
    """Test several VaR levels at once, an implicit test of ES.

    Parameters
    ----------
    exceedances : array_like of bool, shape (days, levels)
        True where the return fell below −VaR of that level, oldest first, columns in the order of `confidences`.
    confidences : tuple of float
        VaR confidences, increasing, for example ``multinomial_levels(0.975, 4)``.
    seed : int
        Fixes the simulated tables behind `exact_p_value` and `power`.

    Returns
    -------
    MultinomialResult
        `statistic` and `p_value` are Nass's (Pearson's statistic scaled to its exact mean and variance), the one whose
        size holds; Pearson's own and the likelihood ratio are given beside it. `exact_p_value` is the Monte Carlo
        p-value of Pearson's statistic, `power` the simulated power of that exact test at size 0.05 when the model is
        normal and the truth is Student t(5) with the same variance.

    Raises
    ------
    DataError
        If the matrix is empty, misshapen or not boolean, the confidences do not increase, or a day exceeds a higher
        level but not a lower one.

    References
    ----------
    Kratz, Lok and McNeil (2018), Multinomial VaR backtests, Journal of Banking & Finance 88, 393–407, section 2;
    Nass (1959), A chi-square test for small expectations in contingency tables, Biometrika 46, 365–385.
    """
    cells, counts = _cells(exceedances, confidences)
    n, levels = int(counts.sum()), cells.size - 1
    pearson = float(_pearson(counts[None, :], cells)[0])
    # Exact moments of Pearson's statistic under the null hypothesis; c·S has mean and variance of a chi-square(ν).
    variance = 2.0 * levels - (levels**2 + 4.0 * levels + 1.0) / n + float(np.sum(1.0 / cells)) / n
    scale = 2.0 * levels / variance
    ratio = _tail_ratio(counts, cells)
    generator = seeded(seed)
    null = _pearson(generator.multinomial(n, cells, size=REPLICATIONS), cells)
    other = _pearson(generator.multinomial(n, _heavy_cells(confidences), size=REPLICATIONS), cells)
    return MultinomialResult(
        statistic=scale * pearson,
        p_value=clipped(scipy.stats.chi2.sf(scale * pearson, scale * levels)),
        observations=n,
        exact_p_value=monte_carlo_p_value(pearson, null),
        power=_rejections(other, null),
        alternative=f"the model is normal, the truth Student t({_TRUE_DEGREES:g}) with the same variance",
        exceedance_count=int(counts[1:].sum()),
        expected_count=n * float(cells[1:].sum()),
        degrees_of_freedom=scale * levels,
        pearson_statistic=pearson,
        pearson_p_value=clipped(scipy.stats.chi2.sf(pearson, levels)),
        likelihood_ratio=ratio,
        likelihood_ratio_p_value=clipped(scipy.stats.chi2.sf(ratio, min(levels, 2))),
        cell_counts=tuple(int(count) for count in counts),
    )


def _cells(exceedances: ArrayLike, confidences: tuple[float, ...]) -> tuple[FloatArray, FloatArray]:
    """Return cell probabilities and counts after checking shape, order and nesting."""
    levels = np.array([1.0 - tail_probability(confidence) for confidence in confidences])
    if levels.size == 0 or (np.diff(levels) <= 0.0).any():
        raise DataError(f"confidences must increase, for example (0.975, 0.99); got {confidences}")
    given = np.asarray(exceedances)
    if given.ndim != 2 or given.shape[0] == 0 or given.shape[1] != levels.size:
        raise DataError(f"exceedances of shape (days, {levels.size}) expected, a column a level; got {given.shape}")
    if given.dtype != np.bool_ and not np.isin(given, (0, 1)).all():
        raise DataError("exceedances must be True or False per day and level (returns < -value_at_risk)")
    hits = given.astype(np.bool_)
    crossed = (hits[:, 1:] & ~hits[:, :-1]).any(axis=1)
    if crossed.any():
        raise DataError(
            f"a day beyond a higher VaR must be beyond the lower ones too; row {int(np.argmax(crossed))} is not: the "
            "VaR levels cross"
        )
    cells = np.diff(np.concatenate([[0.0], levels, [1.0]]))
    counts = np.bincount(hits.sum(axis=1), minlength=levels.size + 1)
    return cells, counts.astype(np.float64)


def _pearson(counts: np.ndarray, cells: FloatArray) -> FloatArray:
    expected = counts.sum(axis=1, keepdims=True) * cells
    return np.asarray(((counts - expected) ** 2 / expected).sum(axis=1), dtype=np.float64)


def _heavy_cells(confidences: tuple[float, ...]) -> FloatArray:
    """Return true cell probabilities when VaR is normal but the law is Student t with unit variance."""
    edges = scipy.stats.norm.ppf(confidences) * np.sqrt(_TRUE_DEGREES / (_TRUE_DEGREES - 2.0))
    return np.diff(np.concatenate([[0.0], scipy.stats.t.cdf(edges, _TRUE_DEGREES), [1.0]]))


def _tail_ratio(counts: FloatArray, cells: FloatArray) -> float:
    """Return the likelihood ratio against cells distorted by location and scale in normal quantiles.

    With one level location alone reaches every alternative, and the ratio is Kupiec's.
    """
    n = counts.sum()
    if cells.size == 2:
        return 2.0 * float(scipy.special.rel_entr(counts, n * cells).sum())
    edges = scipy.stats.norm.ppf(np.cumsum(cells)[:-1])
    point, value = np.zeros(2), 0.0
    for _ in range(_SCORING_STEPS):
        step = _scoring_step(counts, edges, point)
        # Halve the step until the likelihood rises; a step too small to raise it ends the search.
        for _ in range(_HALVINGS):
            trial = np.clip(point + step, -_FURTHEST, _FURTHEST)
            reached = float(scipy.special.xlogy(counts, np.maximum(_distorted(edges, trial), 1e-300) / cells).sum())
            if reached > value:
                break
            step *= 0.5
        else:
            break
        point, gained, value = trial, reached - value, reached
        if gained < 1e-10:
            break
    return 2.0 * value


def _distorted(edges: FloatArray, point: FloatArray) -> FloatArray:
    """Return cell probabilities after a shift by point[0] and a stretch by exp(point[1]) of the normal law."""
    inner = scipy.special.ndtr((edges - point[0]) * np.exp(-point[1]))
    return np.diff(np.concatenate([[0.0], inner, [1.0]]))


def _scoring_step(counts: FloatArray, edges: FloatArray, point: FloatArray) -> FloatArray:
    """Return the Fisher scoring step of the two distortion parameters."""
    z = (edges - point[0]) * np.exp(-point[1])
    density = np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi)
    slopes = np.stack([-np.exp(-point[1]) * density, -z * density])
    change = np.diff(np.pad(slopes, ((0, 0), (1, 1))), axis=1)
    likely = np.maximum(_distorted(edges, point), 1e-300)
    information = counts.sum() * (change / likely) @ change.T
    return np.asarray(np.linalg.pinv(information, hermitian=True) @ (change @ (counts / likely)), dtype=np.float64)


def _violations(generator: np.random.Generator, days: int, *, rate: float, odds_ratio: float) -> FloatArray:
    """Return simulated cumulative violations; given an exceedance they are uniform on (0, 1)."""
    series = int(np.clip(_SIMULATED_DAYS // days, _FEWEST_SERIES, _MOST_SERIES))
    hits = markov_hits(generator, series=series, days=days, rate=rate, odds_ratio=odds_ratio)
    violations = np.zeros(hits.shape)
    violations[hits] = generator.random(int(hits.sum()))
    return violations


def _standardised_mean(violations: FloatArray, rate: float) -> FloatArray:
    # H has mean α/2 and variance α (1/3 − α/4) when u is uniform.
    scale = np.sqrt(rate * (1.0 / 3.0 - rate / 4.0) / violations.shape[1])
    return np.asarray((violations.mean(axis=1) - rate / 2.0) / scale, dtype=np.float64)


def _box_pierce(violations: FloatArray, rate: float, lags: int) -> FloatArray:
    days = violations.shape[1]
    centred = violations - rate / 2.0
    variance = np.einsum("sd,sd->s", centred, centred) / days
    total = np.zeros(violations.shape[0])
    for lag in range(1, lags + 1):
        joint = np.einsum("sd,sd->s", centred[:, lag:], centred[:, :-lag]) / (days - lag)
        total += (joint / variance) ** 2
    # Without a violation H is constant: nothing can be correlated, though the formula would give one at every lag.
    return np.where(violations.any(axis=1), days * total, 0.0)


def _rejections(other: FloatArray, null: FloatArray) -> float:
    return clipped(np.mean(other > np.quantile(null, 1.0 - POWER_SIZE)))
