"""Haircut Sharpe ratios: what is left of a Sharpe ratio once its p-value has paid for the other trials."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from workbench.domain.errors import ConfigError, DataError
from workbench.domain.tables import html_table, number, percent
from workbench.research.overfitting.panel import FloatArray

HaircutMethod = Literal["bonferroni", "holm", "bhy"]
METHODS: tuple[HaircutMethod, ...] = ("bonferroni", "holm", "bhy")


@dataclass(frozen=True, slots=True)
class Haircut:
    """One Sharpe ratio before and after.

    Attributes
    ----------
    sharpe_ratio, haircut_sharpe_ratio : float
        Per period; the second is the one whose single-test p-value is the adjusted one.
    sharpe_ratio_annual, haircut_sharpe_ratio_annual : float
        The same times the square root of the periods in a year.
    haircut : float
        Fraction lost, in [0, 1].
    p_value, adjusted_p_value : float
        Two-sided, of the single test and after the adjustment.
    trial_count : int
        Trials paid for.
    method : str
        Adjustment.
    """

    sharpe_ratio: float
    haircut_sharpe_ratio: float
    sharpe_ratio_annual: float
    haircut_sharpe_ratio_annual: float
    haircut: float
    p_value: float
    adjusted_p_value: float
    trial_count: int
    method: HaircutMethod

    def _repr_html_(self) -> str:
        rows = [
            ("annual Sharpe ratio", number(self.sharpe_ratio_annual), number(self.haircut_sharpe_ratio_annual)),
            ("p-value", number(self.p_value, ".3g"), number(self.adjusted_p_value, ".3g")),
            ("haircut", "", percent(self.haircut, 0)),
        ]
        caption = f"After {self.trial_count:,} trials, {self.method}"
        return html_table(["", "single test", "adjusted"], rows, caption=caption)


@dataclass(frozen=True, slots=True)
class Haircuts:
    """All trials before and after, in the order given.

    Attributes
    ----------
    sharpe_ratios, haircut_sharpe_ratios : ndarray of float, shape (trials,)
        Per period.
    haircuts : ndarray of float, shape (trials,)
        Fraction lost, in [0, 1]; 0 for a Sharpe ratio of 0.
    p_values, adjusted_p_values : ndarray of float, shape (trials,)
        Two-sided.
    method : str
        Adjustment.
    """

    sharpe_ratios: FloatArray
    haircut_sharpe_ratios: FloatArray
    haircuts: FloatArray
    p_values: FloatArray
    adjusted_p_values: FloatArray
    method: HaircutMethod

    def _repr_html_(self) -> str:
        best = np.argsort(-self.sharpe_ratios, kind="stable")[:10]
        rows = [
            (
                int(trial),
                number(float(self.sharpe_ratios[trial]), ".4f"),
                number(float(self.haircut_sharpe_ratios[trial]), ".4f"),
                percent(float(self.haircuts[trial]), 0),
                number(float(self.adjusted_p_values[trial]), ".3g"),
            )
            for trial in best
        ]
        head = ["trial", "Sharpe per period", "after haircut", "haircut", "adjusted p"]
        caption = f"Best {len(rows)} of {self.sharpe_ratios.size:,} trials, {self.method}"
        return html_table(head, rows, caption=caption)


def adjusted_p_values(p_values: ArrayLike, *, method: HaircutMethod) -> FloatArray:
    """Adjust p-values for the number of tests made.

    Parameters
    ----------
    p_values : array_like of float, shape (trials,)
        Of all trials, each in [0, 1]; NaN is refused.
    method : {"bonferroni", "holm", "bhy"}
        Bonferroni and Holm hold the probability of one false discovery, Benjamini–Hochberg–Yekutieli the expected share
        of false ones among the discoveries, whatever the dependence.

    Returns
    -------
    ndarray of float, shape (trials,)
        In the order given, at most 1.

    Raises
    ------
    ConfigError
        If the method is unknown.
    DataError
        If there is no p-value or one is not in [0, 1].

    Notes
    -----
    Harvey, Liu and Zhu print the largest BHY p-value unadjusted and start the recursion there; Benjamini and
    Yekutieli's procedure multiplies it by 1 + 1/2 + … + 1/trials like the others, and so does this one. Left out, the
    factor lets every trial through as soon as the largest p-value is below the level.

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6, 65–70; Benjamini and Yekutieli (2001), Annals of Statistics 29,
    1165–1188, theorem 1.3; Harvey, Liu and Zhu (2016), Review of Financial Studies 29, 5–68, section 4.

    Examples
    --------
    >>> adjusted_p_values([0.01, 0.02, 0.5], method="holm").tolist()
    [0.03, 0.04, 0.5]
    """
    if method not in METHODS:
        raise ConfigError(f"method {method!r} is unknown: expected one of {', '.join(METHODS)}")
    single = np.asarray(p_values, dtype=np.float64)
    if single.ndim != 1 or single.size == 0:
        raise DataError(f"p-values of shape (trials,) expected, at least one; got {single.shape}")
    outside = ~((single >= 0.0) & (single <= 1.0))
    if outside.any():
        trial = int(np.argmax(outside))
        raise DataError(f"p-values in [0, 1] expected; trial {trial} has {single[trial]}")
    order = np.argsort(single, kind="stable")
    rising, tests = single[order], single.size
    ranks = np.arange(1, tests + 1)
    if method == "bonferroni":
        adjusted = rising * tests
    elif method == "holm":
        adjusted = np.maximum.accumulate(rising * (tests + 1 - ranks))
    else:
        factor = float(np.sum(1.0 / ranks)) * tests
        adjusted = np.minimum.accumulate((rising * factor / ranks)[::-1])[::-1]
    result = np.empty_like(single)
    result[order] = np.minimum(adjusted, 1.0)
    return result


def haircut_sharpe_ratio(
    sharpe_ratio: float,
    *,
    observations: int,
    trial_count: int,
    periods_per_year: float,
    method: HaircutMethod,
) -> Haircut:
    """Cut the Sharpe ratio of the best of many trials when nothing is known of the others.

    Parameters
    ----------
    sharpe_ratio : float
        Of the chosen strategy, per period.
    observations : int
        Periods it was estimated from, at least 2.
    trial_count : int
        Every configuration tried, at least 1.
    periods_per_year : float
        For the annual figures, for example 252.
    method : {"bonferroni", "holm", "bhy"}
        As in `adjusted_p_values`. The other trials count as failures with a p-value of 1: Holm is then Bonferroni, and
        BHY is stricter than both. With the Sharpe ratios of all trials at hand, `haircut_all` says more.

    Returns
    -------
    Haircut
        Before and after; a negative Sharpe ratio is moved towards 0 as well, the test being two-sided.

    Raises
    ------
    ConfigError
        If the method is unknown.
    DataError
        If a number is out of range.

    References
    ----------
    Harvey and Liu (2015), Backtesting, Journal of Portfolio Management 42(1), 13–28.

    Examples
    --------
    Annual 0.75 over 240 months, 200 trials:

    >>> kept = haircut_sharpe_ratio(
    ...     0.75 / 12**0.5, observations=240, trial_count=200, periods_per_year=12, method="bonferroni"
    ... )
    >>> round(kept.haircut_sharpe_ratio_annual, 2), round(kept.haircut, 2)
    (0.3, 0.6)
    """
    if trial_count < 1 or not periods_per_year > 0.0:
        raise DataError(
            f"a trial and a positive number of periods a year expected, got {trial_count} and {periods_per_year}"
        )
    ratio = np.array([sharpe_ratio], dtype=np.float64)
    single = _p_values(ratio, observations)
    others = np.ones(trial_count - 1)
    adjusted = adjusted_p_values(np.concatenate([single, others]), method=method)[:1]
    kept, lost = _cut(ratio, adjusted, observations)
    annual = float(np.sqrt(periods_per_year))
    return Haircut(
        sharpe_ratio=float(sharpe_ratio),
        haircut_sharpe_ratio=float(kept[0]),
        sharpe_ratio_annual=float(sharpe_ratio) * annual,
        haircut_sharpe_ratio_annual=float(kept[0]) * annual,
        haircut=float(lost[0]),
        p_value=float(single[0]),
        adjusted_p_value=float(adjusted[0]),
        trial_count=trial_count,
        method=method,
    )


def haircut_all(sharpe_ratios: ArrayLike, *, observations: int, method: HaircutMethod) -> Haircuts:
    """Cut the Sharpe ratios of all trials, each paying for the others.

    Parameters
    ----------
    sharpe_ratios : array_like of float, shape (trials,)
        Of every configuration tried, per period; NaN is refused.
    observations : int
        Periods they were estimated from, at least 2.
    method : {"bonferroni", "holm", "bhy"}
        As in `adjusted_p_values`.

    Returns
    -------
    Haircuts
        In the order given.

    Raises
    ------
    ConfigError
        If the method is unknown.
    DataError
        If there is no Sharpe ratio, one is not finite, or there are fewer than two observations.

    References
    ----------
    Harvey and Liu (2015), Backtesting, Journal of Portfolio Management 42(1), 13–28.

    Examples
    --------
    >>> cut = haircut_all([0.20, 0.02, 0.01], observations=250, method="holm")
    >>> bool(cut.haircuts[0] < 0.2 < 0.9 < cut.haircuts[1])
    True
    """
    ratios = np.asarray(sharpe_ratios, dtype=np.float64)
    if ratios.ndim != 1 or ratios.size == 0:
        raise DataError(f"Sharpe ratios of shape (trials,) expected, at least one; got {ratios.shape}")
    single = _p_values(ratios, observations)
    adjusted = adjusted_p_values(single, method=method)
    kept, lost = _cut(ratios, adjusted, observations)
    return Haircuts(ratios, kept, lost, single, adjusted, method)


def _p_values(ratios: FloatArray, observations: int) -> FloatArray:
    if observations < 2:
        raise DataError(f"at least 2 observations expected, got {observations}")
    if not np.isfinite(ratios).all():
        trial = int(np.argmin(np.isfinite(ratios)))
        raise DataError(f"Sharpe ratios must be finite; trial {trial} has {ratios[trial]}")
    found: FloatArray = 2.0 * stats.t.sf(np.abs(ratios) * np.sqrt(observations), observations - 1)
    return found


def _cut(ratios: FloatArray, adjusted: FloatArray, observations: int) -> tuple[FloatArray, FloatArray]:
    """Return the Sharpe ratios with the adjusted p-values, and the fractions lost."""
    magnitude = stats.t.isf(adjusted / 2.0, observations - 1) / np.sqrt(observations)
    # a p-value of 0 in double precision comes back as an infinite t-ratio: nothing is taken away then
    magnitude = np.minimum(magnitude, np.abs(ratios))
    lost = np.divide(np.abs(ratios) - magnitude, np.abs(ratios), out=np.zeros_like(ratios), where=ratios != 0.0)
    return np.sign(ratios) * magnitude, lost
