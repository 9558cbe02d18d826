"""Does the past tell when the next exceedance comes? The dynamic quantile test and the Weibull duration test."""

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike

from workbench.domain.errors import DataError
from workbench.risk.backtests.power import markov_hits, monte_carlo_p_value
from workbench.risk.backtests.result import (
    ODDS_RATIO,
    POWER_SIZE,
    BoolArray,
    ExactResult,
    FloatArray,
    clipped,
    exceedance_vector,
    finite_vector,
    seeded,
    tail_probability,
)

# Simulated days per test, so that a p-value and a power cost tens of milliseconds at any length.
_SIMULATED_DAYS = 1_500_000
_FEWEST_SERIES, _MOST_SERIES = 200, 1_000
_SHAPE_LIMIT = 100.0
_BISECTIONS = 28


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamicQuantileResult(ExactResult):
    """Dynamic quantile test.

    Parameters
    ----------
    statistic, p_value, observations, power, alternative, exact_p_value, exceedance_count, expected_count : mixed
        As in `ExactResult`.
    degrees_of_freedom : int
        Rank of the regressors: lags + 2, fewer where they are collinear, as they are without exceedances.
    """

    degrees_of_freedom: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DurationResult(ExactResult):
    """Weibull duration test.

    Parameters
    ----------
    statistic, p_value, observations, power, alternative, exact_p_value, exceedance_count, expected_count : mixed
        As in `ExactResult`.
    shape : float
        Fitted Weibull exponent b: 1 without memory, below 1 when exceedances cluster; kept in [0.01, 100].
    """

    shape: float


def dynamic_quantile(
    exceedances: ArrayLike, value_at_risk: ArrayLike, *, confidence: float, lags: int = 4, seed: int = 0
) -> DynamicQuantileResult:
    """Test whether exceedances can be predicted from their own past and from the VaR itself.

    Parameters
    ----------
    exceedances : array_like of bool, shape (days,)
        True where the return fell below −VaR, oldest first; NaN is refused.
    value_at_risk : array_like of float, shape (days,)
        VaR forecast for the same days, positive loss fraction (only its variation matters); NaN is refused.
    confidence : float
        VaR confidence, for example 0.99.
    lags : int
        Number of lagged exceedances among the regressors, besides a constant and the current VaR.
    seed : int
        Fixes the simulated series behind `exact_p_value` and `power`.

    Returns
    -------
    DynamicQuantileResult
        `statistic` is hit' X (X'X)⁻¹ X' hit / (α (1 − α)) over the days after the first `lags`, `p_value` its
        chi-square tail with the rank of X as degrees of freedom. `exact_p_value` is the Monte Carlo p-value under
        independent exceedances at the nominal rate along the same VaR path, `power` the simulated probability of
        rejection at size 0.05 when the rate is right but the odds of an exceedance are five times higher on the
        day after one.

    Raises
    ------
    DataError
        If an input is empty, misshapen or not finite, the lengths differ, or the sample is not longer than
        2 (lags + 2).

    References
    ----------
    Engle and Manganelli (2004), CAViaR, Journal of Business & Economic Statistics 22, 367–381, section 6 and theorem 5.
    """
    hits, rate = exceedance_vector(exceedances), tail_probability(confidence)
    var = finite_vector(value_at_risk, "value_at_risk")
    n, count = hits.size, int(hits.sum())
    if var.size != n:
        raise DataError(f"one VaR per exceedance flag expected; got {var.size} VaR values for {n} flags")
    if lags < 0 or n <= 2 * (lags + 2):
        raise DataError(
            f"lags must be at least 0 and the sample longer than 2 (lags + 2) days; got {lags} lags and {n} days"
        )
    scaled = _standardised(var)
    observed, rank = _dynamic_quantiles(hits[None, :], scaled, rate, lags)
    generator, series = seeded(seed), _series(n)
    null = markov_hits(generator, series=series, days=n, rate=rate, odds_ratio=1.0)
    other = markov_hits(generator, series=series, days=n, rate=rate, odds_ratio=ODDS_RATIO)
    simulated, _ = _dynamic_quantiles(null, scaled, rate, lags)
    clustered, _ = _dynamic_quantiles(other, scaled, rate, lags)
    statistic, degrees = float(observed[0]), int(rank[0])
    return DynamicQuantileResult(
        statistic=statistic,
        p_value=clipped(scipy.stats.chi2.sf(statistic, degrees)),
        observations=n - lags,
        exact_p_value=monte_carlo_p_value(statistic, simulated),
        power=_simulated_rejections(clustered, simulated),
        alternative=_clustering(rate),
        exceedance_count=count,
        expected_count=n * rate,
        degrees_of_freedom=degrees,
    )


def duration_test(exceedances: ArrayLike, *, seed: int = 0) -> DurationResult:
    """Test whether the days between exceedances are without memory.

    Parameters
    ----------
    exceedances : array_like of bool, shape (days,)
        True where the return fell below −VaR, oldest first; NaN is refused.
    seed : int
        Fixes the simulated series behind `exact_p_value` and `power`.

    Returns
    -------
    DurationResult
        `statistic` is the likelihood ratio of a Weibull against an exponential law of the durations, the ones cut
        off at either end of the sample counted as censored; `p_value` its chi-square(1) tail; `exact_p_value` the
        Monte Carlo p-value over random arrangements of the same number of exceedances; `power` the simulated
        probability of rejection at size 0.05 when the odds of an exceedance are five times higher on the day after
        one. With fewer than two exceedances no duration is complete: the statistic is 0, the p-values 1 and the
        power 0.

    Raises
    ------
    DataError
        If the exceedances are empty, misshapen or not boolean.

    Notes
    -----
    Durations are whole days but the Weibull law is continuous, which alone pushes the fitted exponent above 1 when
    exceedances are frequent (at 5 % over 5,000 days the chi-square p-value of a right model is far too small). Random
    arrangements have the same flaw, so `exact_p_value` is free of it: prefer it.

    References
    ----------
    Christoffersen and Pelletier (2004), Backtesting Value-at-Risk: A Duration-Based Approach, Journal of Financial
    Econometrics 2, 84–108, section 2.
    """
    hits = exceedance_vector(exceedances)
    n, count = hits.size, int(hits.sum())
    statistic, shape, exact, power = 0.0, 1.0, 1.0, 0.0
    if count >= 2:
        ratio, shapes = weibull_ratios(*_durations(hits[None, :]))
        statistic, shape = float(ratio[0]), float(shapes[0])
        generator, series = seeded(seed), _series(n)
        simulated, _ = weibull_ratios(*_durations(_arranged(generator, series, n, count)))
        # A rate of one has no odds; a hit every day is the most regular series there is.
        rate = min(count / n, 1.0 - 1.0 / (n + 1.0))
        other = markov_hits(generator, series=series, days=n, rate=rate, odds_ratio=ODDS_RATIO)
        clustered, _ = weibull_ratios(*_durations(other))
        exact, power = monte_carlo_p_value(statistic, simulated), _simulated_rejections(clustered, simulated)
    return DurationResult(
        statistic=statistic,
        p_value=clipped(scipy.stats.chi2.sf(statistic, 1)),
        observations=n,
        exact_p_value=exact,
        power=power,
        alternative=_clustering(count / n),
        exceedance_count=count,
        expected_count=float(count),
        shape=shape,
    )


def weibull_ratios(durations: FloatArray, complete: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Return likelihood ratios of Weibull against exponential durations, and the fitted exponents, row by row.

    Parameters
    ----------
    durations : ndarray, shape (series, durations)
        Days; zero pads a row and is ignored.
    complete : ndarray of bool, shape (series, durations)
        True where the duration ended within the sample, False where it was cut off (it then counts as "at least").

    Returns
    -------
    tuple of ndarray, each of shape (series,)
        Ratios, 0 where no duration is complete, and exponents b, there 1.

    Notes
    -----
    For a given exponent the scale has a closed form, aᵇ = complete / Σ Dᵇ, and the profile likelihood is strictly
    concave in b, so its slope has one root; it is found by bisection in ln b within [0.01, 100].
    """
    used, ended = durations > 0.0, complete & (durations > 0.0)
    logs = np.log(np.where(used, durations, 1.0))
    # Durations relative to the longest one keep Dᵇ within range; the ratio does not depend on the unit.
    logs -= np.where(used, logs, -np.inf).max(axis=1, initial=-700.0, keepdims=True)
    logs = np.where(used, logs, 0.0)
    events = np.maximum(ended.sum(axis=1), 1).astype(np.float64)
    mean_log = (logs * ended).sum(axis=1) / events
    low, high = np.full(events.size, -np.log(_SHAPE_LIMIT)), np.full(events.size, np.log(_SHAPE_LIMIT))
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        shape = np.exp(middle)
        total, weighted = _power_sums(shape, logs, used)
        rising = 1.0 / shape + mean_log > weighted / total
        low, high = np.where(rising, middle, low), np.where(rising, high, middle)
    shape = np.exp(0.5 * (low + high))
    fitted = np.log(shape) - np.log(_power_sums(shape, logs, used)[0]) + shape * mean_log
    without_memory = mean_log - np.log(_power_sums(np.ones_like(shape), logs, used)[0])
    ratio = np.maximum(2.0 * events * (fitted - without_memory), 0.0)
    known = ended.any(axis=1)
    return np.where(known, ratio, 0.0), np.where(known, shape, 1.0)


def _power_sums(shape: FloatArray, logs: FloatArray, used: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Return Σ Dᵇ and Σ Dᵇ ln D over the used durations of each row."""
    powers = np.exp(shape[:, None] * logs) * used
    return np.maximum(powers.sum(axis=1), 1e-300), (powers * logs).sum(axis=1)


def _durations(hits: BoolArray) -> tuple[FloatArray, BoolArray]:
    """Return the days between hits, zero-padded, and which of them are complete.

    The wait for the first hit and the days after the last one are cut off by the sample unless a hit falls on its edge.
    """
    series, days = hits.shape
    counts = hits.sum(axis=1)
    width = int(counts.max(initial=0))
    rows, columns = np.nonzero(hits)
    place = np.arange(rows.size) - np.repeat(np.cumsum(counts) - counts, counts)
    # One column before the first hit, one after the last; rows with fewer hits repeat the last day, which pads with 0.
    position = np.full((series, width + 2), days, dtype=np.float64)
    position[:, 0] = 0.0
    position[rows, place + 1] = columns + 1.0
    durations = np.diff(position, axis=1)
    order = np.arange(width + 1)[None, :]
    complete = (order > 0) & (order < counts[:, None])
    starts_with_hit = hits[:, 0]
    durations[starts_with_hit, 0] = 0.0
    return durations, complete


def _arranged(generator: np.random.Generator, series: int, days: int, count: int) -> BoolArray:
    """Return random arrangements of `count` hits, all equally likely."""
    hits = np.zeros((series, days), dtype=np.bool_)
    keys = generator.random((series, days), dtype=np.float32)
    chosen = np.argpartition(keys, min(count, days - 1), axis=1)[:, :count]
    np.put_along_axis(hits, chosen, values=True, axis=1)
    return hits


def _dynamic_quantiles(hits: BoolArray, scaled: FloatArray, rate: float, lags: int) -> tuple[FloatArray, FloatArray]:
    """Return dynamic quantile statistics and ranks of many hit series along one VaR path.

    With a constant among the regressors, lagged indicators span the same space as lagged hits (indicator − rate). The
    normal equations need counts of joint exceedances only, which is what makes a thousand series cheap.
    """
    series, days = hits.shape
    used, size = days - lags, lags + 2
    shifted = [hits[:, lags - lag : days - lag] for lag in range(lags + 1)]
    gram = np.zeros((series, size, size))
    right = np.empty((series, size))
    totals = np.stack([np.count_nonzero(block, axis=1) for block in shifted], axis=1).astype(np.float64)
    along = np.stack([block @ scaled[lags:] for block in shifted], axis=1)
    gram[:, 0, 0], gram[:, -1, -1] = used, scaled[lags:] @ scaled[lags:]
    gram[:, 0, -1] = gram[:, -1, 0] = scaled[lags:].sum()
    right[:, 0], right[:, -1] = totals[:, 0] - rate * used, along[:, 0] - rate * scaled[lags:].sum()
    for row in range(1, lags + 1):
        gram[:, 0, row] = gram[:, row, 0] = totals[:, row]
        gram[:, -1, row] = gram[:, row, -1] = along[:, row]
        right[:, row] = np.count_nonzero(shifted[0] & shifted[row], axis=1) - rate * totals[:, row]
        for column in range(row, lags + 1):
            joint = np.count_nonzero(shifted[row] & shifted[column], axis=1)
            gram[:, row, column] = gram[:, column, row] = joint
    values, vectors = np.linalg.eigh(gram)
    kept = values > 1e-10 * values.max(axis=1, keepdims=True)
    loading = np.einsum("sij,si->sj", vectors, right)
    explained = np.where(kept, loading**2 / np.where(kept, values, 1.0), 0.0).sum(axis=1)
    return explained / (rate * (1.0 - rate)), kept.sum(axis=1).astype(np.float64)


def _standardised(values: FloatArray) -> FloatArray:
    centred = values - values.mean()
    spread = float(centred.std())
    # A constant VaR adds nothing to the constant regressor; rounding must not turn it into one of its own.
    return centred / spread if spread > 1e-12 * float(np.abs(values).max()) else np.zeros_like(values)


def _series(days: int) -> int:
    return int(np.clip(_SIMULATED_DAYS // days, _FEWEST_SERIES, _MOST_SERIES))


def _simulated_rejections(other: FloatArray, null: FloatArray) -> float:
    return clipped(np.mean(other > np.quantile(null, 1.0 - POWER_SIZE)))


def _clustering(rate: float) -> str:
    return f"exceedance rate {rate:.6g}, odds {ODDS_RATIO:g} times higher on the day after an exceedance"
