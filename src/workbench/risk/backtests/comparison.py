"""Which model is better? Diebold and Mariano's test of two, the model confidence set of many."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike

from workbench.domain.errors import DataError
from workbench.risk.backtests.result import POWER_SIZE, FloatArray, PoweredResult, aligned, clipped

# A difference this large has an expected t-ratio of 1.6 after a year of days and of 3.2 after four.
_EFFECT = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class LossComparison(PoweredResult):
    """Diebold–Mariano test.

    Parameters
    ----------
    statistic, p_value, observations, power, alternative : mixed
        As in `PoweredResult`; a negative statistic says that the first model has the lower loss.
    mean_difference : float
        Mean of loss a − loss b.
    lags : int
        Autocovariances in the long-run variance.
    """

    mean_difference: float
    lags: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfidenceSet:
    """Models that cannot be told apart from the best one.

    Parameters
    ----------
    p_values : dict of str to float
        p-value of each model in the order given: the largest size at which it is still in the set.
    members : tuple of str
        Models whose p-value is above `size`, lowest mean loss first.
    mean_losses : dict of str to float
        Mean loss of each model.
    size : float
        1 − confidence of the set: the best model is in it with probability of at least 1 − size in large samples.
    observations : int
        Number of days.
    """

    p_values: dict[str, float]
    members: tuple[str, ...]
    mean_losses: dict[str, float]
    size: float
    observations: int


def diebold_mariano(loss_a: ArrayLike, loss_b: ArrayLike, *, lags: int | None = None) -> LossComparison:
    """Test whether two models have the same expected loss.

    Parameters
    ----------
    loss_a, loss_b : array_like of float, shape (days,)
        Losses of two models on the same days, oldest first; NaN is refused.
    lags : int, optional
        Autocovariances of the difference in its long-run variance (Bartlett weights). By default 4 (days / 100)^(2/9),
        rounded down; 0 treats the differences as uncorrelated, as the errors of right one-day forecasts are.

    Returns
    -------
    LossComparison
        `statistic` is the mean difference over its standard error, scaled for small samples, `p_value` its two-sided
        Student t(days − 1) tail. `power` is the probability that the test at size 0.05 sees a mean difference of a
        tenth of the long-run standard deviation of the daily difference. Equal losses give statistic 0 and p-value 1.

    Raises
    ------
    DataError
        If a loss is empty, misshapen or not finite, the lengths differ, or there are fewer than two days or not more
        days than lags.

    References
    ----------
    Diebold and Mariano (1995), Comparing Predictive Accuracy, Journal of Business & Economic Statistics 13, 253–263;
    Harvey, Leybourne and Newbold (1997), International Journal of Forecasting 13, 281–291, equation 9, with the horizon
    lags + 1; Newey and West (1987), Econometrica 55, 703–708.
    """
    first, second = aligned(loss_a=loss_a, loss_b=loss_b)
    difference, n = first - second, first.size
    kept = int(4.0 * (n / 100.0) ** (2.0 / 9.0)) if lags is None else lags
    if n < 2 or not 0 <= kept < n:
        raise DataError(f"at least two days and more days than lags expected; got {n} days and {kept} lags")
    mean, variance = float(difference.mean()), long_run_variance(difference, kept)
    horizon = kept + 1
    correction = np.sqrt(max(n + 1 - 2 * horizon + horizon * (horizon - 1) / n, 0.0) / n)
    same = variance <= 1e-24 * max(float(np.max(np.abs(first))), 1e-300) ** 2
    if same and mean != 0.0 and abs(mean) > 1e-12 * float(np.max(np.abs(first))):
        raise DataError(f"the losses differ by the constant {mean}: a difference without variance cannot be tested")
    statistic = 0.0 if same else float(correction * mean / np.sqrt(variance / n))
    critical = float(scipy.stats.t.isf(POWER_SIZE / 2.0, n - 1))
    centre = float(correction * _EFFECT * np.sqrt(n))
    return LossComparison(
        statistic=statistic,
        p_value=clipped(2.0 * scipy.stats.t.sf(abs(statistic), n - 1)),
        observations=n,
        power=clipped(scipy.stats.nct.sf(critical, n - 1, centre) + scipy.stats.nct.cdf(-critical, n - 1, centre)),
        alternative=f"mean difference {_EFFECT:g} times the long-run standard deviation of the daily difference",
        mean_difference=mean,
        lags=kept,
    )


def long_run_variance(series: FloatArray, lags: int) -> float:
    """Return γ₀ + 2 Σ (1 − j / (lags + 1)) γⱼ, the Bartlett estimate; never negative.

    Parameters
    ----------
    series : ndarray, shape (days,)
        Observations, oldest first.
    lags : int
        Autocovariances to include, fewer than the days.

    Returns
    -------
    float
        Variance of √days times the mean.
    """
    centred = series - series.mean()
    n = series.size
    covariances = [float(centred[lag:] @ centred[: n - lag]) / n for lag in range(lags + 1)]
    weights = 1.0 - np.arange(1, lags + 1) / (lags + 1.0)
    return max(covariances[0] + 2.0 * float(weights @ np.asarray(covariances[1:])), 0.0)


def model_confidence_set(
    losses: ArrayLike,
    names: Sequence[str],
    *,
    size: float = 0.10,
    replications: int = 1_000,
    block: int | None = None,
    seed: int = 0,
) -> ModelConfidenceSet:
    """Return the models that survive sequential tests of equal expected loss.

    Parameters
    ----------
    losses : array_like of float, shape (days, models)
        Loss of each model on each day, oldest first; NaN is refused.
    names : sequence of str
        Names of the models, in the order of the columns; all different.
    size : float
        1 − confidence of the set, for example 0.10.
    replications : int
        Draws of the stationary bootstrap.
    block : int, optional
        Mean block length in days; by default √days, rounded down.
    seed : int
        Fixes the bootstrap.

    Returns
    -------
    ModelConfidenceSet
        p-value per model and the members at `size`.

    Raises
    ------
    DataError
        If the losses are misshapen or not finite, the names do not match the columns, or a parameter is out of range.

    References
    ----------
    Hansen, Lunde and Nason (2011), The Model Confidence Set, Econometrica 79, 453–497, with the range statistic;
    computed by ``arch.bootstrap.MCS``.
    """
    from arch.bootstrap import MCS

    matrix = _loss_matrix(losses, names)
    days = matrix.shape[0]
    length = int(np.sqrt(days)) if block is None else block
    if not 0.0 < size < 1.0 or replications < 1 or not 1 <= length <= days:
        raise DataError(
            "a size in (0, 1), a positive number of replications and a block of 1 to the number of days expected; "
            f"got size {size}, replications {replications}, block {length}, days {days}"
        )
    means = dict(zip(names, matrix.mean(axis=0).tolist(), strict=True))
    p_values = dict.fromkeys(names, 1.0)
    if len(names) > 1:
        chosen = MCS(
            matrix, size=size, reps=replications, block_size=length, method="R", bootstrap="stationary", seed=seed
        )
        chosen.compute()
        table = chosen.pvalues["Pvalue"]
        p_values = {name: float(table.loc[column]) for column, name in enumerate(names)}
    members = tuple(sorted((name for name in names if p_values[name] > size), key=means.__getitem__))
    return ModelConfidenceSet(p_values=p_values, members=members, mean_losses=means, size=size, observations=days)


def _loss_matrix(losses: ArrayLike, names: Sequence[str]) -> FloatArray:
    matrix = np.asarray(losses, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] < 2 or matrix.shape[1] == 0 or matrix.shape[1] != len(names):
        raise DataError(f"losses of shape (days, {len(names)}) expected, a column a model; got {matrix.shape}")
    if len(set(names)) != len(names):
        raise DataError(f"every model needs a name of its own; got {list(names)}")
    if not np.isfinite(matrix).all():
        row, column = np.argwhere(~np.isfinite(matrix))[0]
        raise DataError(f"losses must be finite; {names[column]} has {matrix[row, column]} in row {row}")
    return matrix
