"""What a Sharpe ratio is worth: how surely it is positive, how long it must last, how much of it is choice.

Every Sharpe ratio here is per period (an annual 1.0 is 1/√252 a day), the kurtosis is raw (3 for a normal).
"""

from dataclasses import dataclass
from math import e, inf, isfinite, sqrt

from numpy.typing import ArrayLike
from scipy import stats

from workbench.domain.errors import DataError
from workbench.domain.tables import html_table, number, percent
from workbench.research.overfitting.panel import finite_panel, moving_columns, sharpe_ratios

EULER_MASCHERONI = 0.5772156649015329
_ROUNDED = 0.005
"""Published moments are rounded: skewness −3 with kurtosis 10 lies on the very edge of what is possible."""


@dataclass(frozen=True, slots=True)
class DeflatedSharpe:
    """Deflated Sharpe ratio of a chosen strategy under both conventions for the variance of the trials.

    Attributes
    ----------
    across_trials : float
        Probability that the true Sharpe ratio is above the best of `trial_count` without skill, whose spread is the
        variance of the Sharpe ratios seen across the trials.
    sampling : float
        The same with the sampling variance 1/(observations − 1) of one Sharpe ratio whose true value is 0.
    sharpe_ratio : float
        Of the chosen strategy, per period.
    trial_count : int
        Trials it was the best of.
    observations : int
        Periods.
    variance_across_trials, sampling_variance : float
        The two variances, per period².
    """

    across_trials: float
    sampling: float
    sharpe_ratio: float
    trial_count: int
    observations: int
    variance_across_trials: float
    sampling_variance: float

    def _repr_html_(self) -> str:
        rows = [
            (name, number(variance, ".3g"), number(self._hurdle(variance), ".4f"), percent(deflated, 1))
            for name, variance, deflated in (
                ("variance across the trials", self.variance_across_trials, self.across_trials),
                ("sampling variance", self.sampling_variance, self.sampling),
            )
        ]
        caption = f"Deflated Sharpe ratio of {self.sharpe_ratio:.4f} per period after {self.trial_count:,} trials"
        return html_table(["convention", "variance", "best without skill", "deflated"], rows, caption=caption)

    def _hurdle(self, variance: float) -> float:
        return expected_max_sharpe_ratio(self.trial_count, trial_variance=variance)


def probabilistic_sharpe_ratio(
    sharpe_ratio: float, *, observations: int, skewness: float, kurtosis: float, benchmark: float = 0.0
) -> float:
    """Probability that the true Sharpe ratio is above a benchmark.

    Parameters
    ----------
    sharpe_ratio : float
        Estimate, per period.
    observations : int
        Periods it was estimated from, at least 2.
    skewness, kurtosis : float
        Of the returns; the kurtosis is raw, 3 for a normal.
    benchmark : float
        Sharpe ratio to beat, per period.

    Returns
    -------
    float
        In [0, 1]; 0.5 where estimate and benchmark agree.

    Raises
    ------
    DataError
        If a number is not finite, there are fewer than two observations, or no distribution has such moments, as when
        the kurtosis is given in excess of 3.

    References
    ----------
    Bailey and López de Prado (2012), The Sharpe Ratio Efficient Frontier, Journal of Risk 15(2), 3–44, equation 9; the
    variance is Mertens's (2002).

    Examples
    --------
    Two years of months at 0.458 with the tails of a hedge fund (their example):

    >>> round(probabilistic_sharpe_ratio(0.458, observations=24, skewness=-2.448, kurtosis=10.164), 3)
    0.913
    """
    _refuse_not_finite(sharpe_ratio=sharpe_ratio, benchmark=benchmark)
    if observations < 2:
        raise DataError(f"at least 2 observations expected, got {observations}")
    deviation = sqrt(_scaled_variance(sharpe_ratio, skewness, kurtosis))
    return float(stats.norm.cdf((sharpe_ratio - benchmark) * sqrt(observations - 1) / deviation))


def expected_max_sharpe_ratio(trial_count: int, *, trial_variance: float) -> float:
    """Sharpe ratio per period to be expected of the best of many strategies without skill.

    Parameters
    ----------
    trial_count : int
        Independent trials, at least 1.
    trial_variance : float
        Variance of the Sharpe ratios, per period², at least 0.

    Returns
    -------
    float
        At least 0; exactly 0 for one trial, which was not chosen among others.

    Raises
    ------
    DataError
        If there is no trial, or the variance is negative or not finite.

    References
    ----------
    Bailey, Borwein, López de Prado and Zhu (2014), Pseudo-Mathematics and Financial Charlatanism, Notices of the AMS
    61(5), 458–471, proposition 1.

    Examples
    --------
    >>> round(expected_max_sharpe_ratio(10, trial_variance=1.0), 3)
    1.575
    """
    _refuse_not_finite(trial_variance=trial_variance)
    if trial_count < 1 or trial_variance < 0.0:
        raise DataError(f"a trial and a variance of 0 or more expected, got {trial_count} and {trial_variance}")
    if trial_count == 1:
        return 0.0
    first = float(stats.norm.isf(1.0 / trial_count))
    second = float(stats.norm.isf(1.0 / (trial_count * e)))
    return sqrt(trial_variance) * ((1.0 - EULER_MASCHERONI) * first + EULER_MASCHERONI * second)


def deflated_sharpe_ratio(
    sharpe_ratio: float,
    *,
    observations: int,
    skewness: float,
    kurtosis: float,
    trial_count: int,
    trial_variance: float,
) -> float:
    """Probability that the true Sharpe ratio is above the best of all trials without skill.

    Parameters
    ----------
    sharpe_ratio : float
        Of the chosen strategy, per period.
    observations : int
        Periods it was estimated from, at least 2.
    skewness, kurtosis : float
        Of its returns; the kurtosis is raw, 3 for a normal.
    trial_count : int
        Every configuration tried, discarded ones too; at least 1.
    trial_variance : float
        Variance of the Sharpe ratios across the trials, per period².

    Returns
    -------
    float
        In [0, 1]; above 0.95 is the usual bar.

    Raises
    ------
    DataError
        As for `probabilistic_sharpe_ratio` and `expected_max_sharpe_ratio`.

    References
    ----------
    Bailey and López de Prado (2014), The Deflated Sharpe Ratio, Journal of Portfolio Management 40(5), 94–107,
    equation 2.

    Examples
    --------
    Their example: annual 2.5 in five years of 250 days, the best of 100 whose annual Sharpe ratios have variance 0.5.

    >>> chosen = dict(observations=1250, skewness=-3, kurtosis=10, trial_count=100, trial_variance=0.5 / 250)
    >>> round(deflated_sharpe_ratio(2.5 / 250**0.5, **chosen), 4)
    0.9004
    """
    return probabilistic_sharpe_ratio(
        sharpe_ratio,
        observations=observations,
        skewness=skewness,
        kurtosis=kurtosis,
        benchmark=expected_max_sharpe_ratio(trial_count, trial_variance=trial_variance),
    )


def deflated_both(returns: ArrayLike, chosen: int, *, trial_count: int | None = None) -> DeflatedSharpe:
    """Deflate the Sharpe ratio of one column under both conventions for the variance of the trials.

    Parameters
    ----------
    returns : array_like of float, shape (periods, strategies)
        Returns of the strategies tried, a fraction per period, oldest first; NaN is refused.
    chosen : int
        Column of the chosen strategy.
    trial_count : int, optional
        All trials made, at least as many as there are columns; by default the number of columns.

    Returns
    -------
    DeflatedSharpe
        Both probabilities and what they were made from.

    Raises
    ------
    DataError
        If the panel has fewer than two strategies or three periods or is not finite, the column does not exist or never
        moves, or fewer trials than columns are claimed.

    Notes
    -----
    The sampling variance is that of Mertens at a true Sharpe ratio of 0, where skewness and kurtosis drop out and
    1/(observations − 1) is left; in the probability itself both conventions use the chosen strategy's own moments. The
    variance across trials is small where the trials are copies of each other and large where some lose steadily to
    costs, so neither number is always the stricter one: both belong in a report.

    References
    ----------
    Bailey and López de Prado (2014), The Deflated Sharpe Ratio, Journal of Portfolio Management 40(5), 94–107.
    """
    panel = finite_panel(returns, least_rows=3, least_columns=2)
    rows, columns = panel.shape
    trials = columns if trial_count is None else trial_count
    if not 0 <= chosen < columns:
        raise DataError(f"a column from 0 to {columns - 1} expected, got {chosen}")
    if trials < columns:
        raise DataError(f"the panel has {columns} strategies, so at least as many trials; got trial_count {trials}")
    own = panel[:, chosen]
    if not moving_columns(panel[:, [chosen]])[0]:
        raise DataError(f"strategy {chosen} never moves: it has no Sharpe ratio to deflate")
    ratios = sharpe_ratios(panel)
    variances = (float(ratios.var(ddof=1)), 1.0 / (rows - 1))
    across, sampling = (
        deflated_sharpe_ratio(
            float(ratios[chosen]),
            observations=rows,
            skewness=float(stats.skew(own)),
            kurtosis=float(stats.kurtosis(own, fisher=False)),
            trial_count=trials,
            trial_variance=variance,
        )
        for variance in variances
    )
    return DeflatedSharpe(across, sampling, float(ratios[chosen]), trials, rows, *variances)


def minimum_track_record_length(
    sharpe_ratio: float, *, skewness: float, kurtosis: float, benchmark: float = 0.0, confidence: float = 0.95
) -> float:
    """Periods after which a Sharpe ratio is above a benchmark with the confidence asked for.

    Parameters
    ----------
    sharpe_ratio : float
        Estimate, per period.
    skewness, kurtosis : float
        Of the returns; the kurtosis is raw, 3 for a normal.
    benchmark : float
        Sharpe ratio to beat, per period.
    confidence : float
        In (0.5, 1).

    Returns
    -------
    float
        Observations, not rounded; infinite where the estimate is not above the benchmark, because then no length is
        enough.

    Raises
    ------
    DataError
        If a number is not finite or out of range, or no distribution has such moments.

    References
    ----------
    Bailey and López de Prado (2012), The Sharpe Ratio Efficient Frontier, Journal of Risk 15(2), 3–44, equation 11.

    Examples
    --------
    Normal daily returns with an annual Sharpe ratio of 2, to be above 1 with 95 % confidence, in years:

    >>> daily = 252**-0.5
    >>> round(minimum_track_record_length(2 * daily, skewness=0, kurtosis=3, benchmark=daily) / 252, 2)
    2.73
    """
    _refuse_not_finite(sharpe_ratio=sharpe_ratio, benchmark=benchmark)
    if not 0.5 < confidence < 1.0:
        raise DataError(f"a confidence between 0.5 and 1 expected, got {confidence}")
    variance = _scaled_variance(sharpe_ratio, skewness, kurtosis)
    if sharpe_ratio <= benchmark:
        return inf
    return 1.0 + variance * (float(stats.norm.ppf(confidence)) / (sharpe_ratio - benchmark)) ** 2


def minimum_backtest_length(trial_count: int, *, sharpe_ratio: float = 1.0) -> float:
    """Years of history below which the best of many strategies without skill is expected to look as good as asked for.

    Parameters
    ----------
    trial_count : int
        Independent trials, at least 1.
    sharpe_ratio : float
        **Annual** Sharpe ratio the best one shows in sample, above 0.

    Returns
    -------
    float
        Years; 0 for one trial.

    Raises
    ------
    DataError
        If there is no trial or the Sharpe ratio is not above 0.

    Notes
    -----
    The expected maximum itself is used; the paper's round bound 2 ln(trials)/SR² is larger (7.6 years at 45 trials).

    References
    ----------
    Bailey, Borwein, López de Prado and Zhu (2014), Pseudo-Mathematics and Financial Charlatanism, Notices of the AMS
    61(5), 458–471, theorem 2.

    Examples
    --------
    >>> round(minimum_backtest_length(45), 1)
    5.0
    """
    _refuse_not_finite(sharpe_ratio=sharpe_ratio)
    if sharpe_ratio <= 0.0:
        raise DataError(f"an annual Sharpe ratio above 0 expected, got {sharpe_ratio}")
    return (expected_max_sharpe_ratio(trial_count, trial_variance=1.0) / sharpe_ratio) ** 2


def _scaled_variance(sharpe_ratio: float, skewness: float, kurtosis: float) -> float:
    """Return (observations − 1) times the variance of the estimate."""
    _refuse_not_finite(skewness=skewness, kurtosis=kurtosis)
    least = 1.0 + skewness**2
    if kurtosis < least - _ROUNDED * max(1.0, abs(skewness)):
        raise DataError(
            f"no distribution has skewness {skewness:g} and kurtosis {kurtosis:g}: the kurtosis is at least "
            f"1 + skewness² = {least:g}; pass the raw kurtosis, 3 for a normal, not the excess over 3"
        )
    variance = 1.0 - skewness * sharpe_ratio + (kurtosis - 1.0) / 4.0 * sharpe_ratio**2
    if variance <= 0.0:
        raise DataError(
            f"the variance of a Sharpe ratio of {sharpe_ratio:g} with skewness {skewness:g} and kurtosis {kurtosis:g} "
            f"is {variance:.3g}: the expansion does not hold for it; is the Sharpe ratio per period?"
        )
    return variance


def _refuse_not_finite(**values: float) -> None:
    for name, value in values.items():
        if not isfinite(value):
            raise DataError(f"{name} must be a finite number, got {value}")
