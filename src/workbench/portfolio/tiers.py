"""Tiers: 60/30/10 of the capital by robustness, and four factors that move a strategy's weight inside its tier.

Every factor is 1 at a neutral reading, reaches its limits at two stated readings, and is linear between them. What is
not known is neutral, and said. A tier without a strategy keeps its share in cash: it is never given to the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.domain.errors import ConfigError, DataError
from workbench.domain.policy.trading import Tiers
from workbench.domain.tables import html_list, html_table, number, percent
from workbench.domain.trading.modes import Tier

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

FACTORS: tuple[str, ...] = ("performance", "drawdown", "correlation", "regime")
WORST_AND_BEST: Mapping[str, tuple[float, float]] = {
    "performance": (-1.0, 1.0),
    "drawdown": (1.0, 0.0),
    "correlation": (1.0, -1.0),
    "regime": (-1.0, 1.0),
}
"""Readings at which a factor has its lowest and its highest value. A Sharpe ratio of one year has a standard error of
about 1; a drawdown as deep as history's is 1, none is 0; the middle of each is neutral."""
TRUST_DAYS = 256
"""Days in a regime at which its Sharpe ratio is believed half: with fewer it is moved towards 0."""
TRADING_TIERS: tuple[Tier, ...] = (Tier.CORE, Tier.GROWTH, Tier.TACTICAL)


@dataclass(frozen=True, slots=True)
class TierReading:
    """What a strategy's weight is judged by; NaN is not known.

    Attributes
    ----------
    name : str
        Of the strategy.
    tier : Tier
        It belongs to.
    performance : float
        Annual Sharpe ratio of the last year.
    drawdown : float
        Present drawdown over the largest of its history; 0 at its peak.
    correlation : float
        Mean correlation with the other strategies over the last year.
    regime : float
        Annual Sharpe ratio on the days of the present regime, moved towards 0 when they are few.
    """

    name: str
    tier: Tier
    performance: float
    drawdown: float
    correlation: float
    regime: float


@dataclass(frozen=True, slots=True, eq=False)
class WeightsOfTiers:
    """Shares of the capital, and how they came about.

    Attributes
    ----------
    weights : dict of str to float
        Of each strategy; the weights of a tier add up to its share.
    factors : DataFrame
        By strategy: tier, the four factors, weight.
    neutral : tuple of str
        Sentences: which readings were not known.
    cash : float
        Shares of tiers without a strategy.
    """

    weights: dict[str, float]
    factors: pd.DataFrame = field(repr=False)
    neutral: tuple[str, ...]
    cash: float

    def _repr_html_(self) -> str:
        rows = [
            [str(name), one.tier, *(number(one[factor], ".3f") for factor in FACTORS), percent(one.weight, 2)]
            for name, one in self.factors.iterrows()
        ]
        caption = f"Weights by the tier rule; {percent(self.cash, 0)} in cash"
        return html_table(["strategy", "tier", *FACTORS, "weight"], rows, caption=caption) + html_list(self.neutral)


def tier_readings(
    returns: pd.DataFrame, tiers: Mapping[str, Tier], regimes: Integers, *, periods_per_year: float
) -> tuple[TierReading, ...]:
    """Read the four measures off history; the last row is now.

    Parameters
    ----------
    returns : DataFrame, shape (days, strategies)
        Net, on each strategy's own capital, oldest first, finite.
    tiers : mapping of str to Tier
        Tier of each column.
    regimes : ndarray of int, shape (days,)
        Regime known at the end of each day.
    periods_per_year : float
        Days in a year.

    Returns
    -------
    tuple of TierReading
        NaN where there is less than a year of returns, or nothing moved.

    Raises
    ------
    DataError
        When a return is not finite, a strategy has no tier, or the regimes have another length.
    """
    values = returns.to_numpy(dtype=float)
    if not np.isfinite(values).all():
        raise DataError(f"returns must be finite: {int((~np.isfinite(values)).sum())} of {values.size} are not")
    missing = [str(name) for name in returns.columns if str(name) not in tiers]
    if missing:
        raise DataError(f"{missing[0]} has no tier: give one for every strategy")
    if len(regimes) != len(values):
        raise DataError(f"expected a regime for each of {len(values)} days, got {len(regimes)}")
    year = round(periods_per_year)
    last = values[-year:]
    enough = len(values) >= year
    unknown = np.full(values.shape[1], np.nan)
    performance = _sharpe(last) * np.sqrt(periods_per_year) if enough else unknown
    correlation = _mean_correlation(last) if enough else unknown
    inside = values[1:][regimes[:-1] == regimes[-1]] if len(values) > 1 else values[:0]
    regime = unknown
    if len(inside) > 1:
        regime = _sharpe(inside) * np.sqrt(periods_per_year) * len(inside) / (len(inside) + TRUST_DAYS)
    drawdown = _present_drawdown(values)
    return tuple(
        TierReading(str(name), tiers[str(name)], *(float(one[place]) for one in (performance, drawdown, correlation,
                                                                                regime)))
        for place, name in enumerate(returns.columns)
    )  # fmt: skip


def _sharpe(values: Floats) -> Floats:
    """Per period; NaN where nothing moved."""
    deviation = values.std(axis=0, ddof=1)
    moves = deviation > 1e-15
    return np.where(moves, values.mean(axis=0) / np.where(moves, deviation, 1.0), np.nan)


def _mean_correlation(values: Floats) -> Floats:
    """Of each column with the others that move; NaN for one alone or still."""
    deviation = values.std(axis=0)
    moving = np.flatnonzero(deviation > 1e-15)
    found = np.full(values.shape[1], np.nan)
    if len(moving) > 1:
        matrix = np.corrcoef(values[:, moving].T)
        found[moving] = (matrix.sum(axis=1) - 1.0) / (len(moving) - 1)
    return found


def _present_drawdown(values: Floats) -> Floats:
    """Now, over the largest of history; NaN for a strategy that has never fallen."""
    equity = np.cumsum(values, axis=0)
    fallen = np.maximum(np.maximum.accumulate(equity, axis=0), 0.0) - equity
    largest = fallen.max(axis=0)
    return np.where(largest > 0.0, fallen[-1] / np.where(largest > 0.0, largest, 1.0), np.nan)


def factor_of(name: str, reading: float, limits: tuple[float, float]) -> float:
    """One factor of a weight.

    Parameters
    ----------
    name : str
        One of `FACTORS`.
    reading : float
        NaN is neutral.
    limits : tuple of float
        Lowest and highest value, 1 between them.

    Returns
    -------
    float
        1 at the middle of the two readings, linear to either side, continuous, never beyond the limits.

    Examples
    --------
    >>> [round(factor_of("performance", sharpe, (0.7, 1.3)), 2) for sharpe in (-2.0, 0.0, 0.5, 1.0)]
    [0.7, 1.0, 1.15, 1.3]
    """
    if np.isnan(reading):
        return 1.0
    worst, best = WORST_AND_BEST[name]
    place = float(np.clip(2.0 * (reading - worst) / (best - worst) - 1.0, -1.0, 1.0))
    return 1.0 + place * ((limits[1] - 1.0) if place > 0 else (1.0 - limits[0]))


def tier_weights(tiers: Tiers, readings: Sequence[TierReading]) -> WeightsOfTiers:
    """Share of capital of each strategy.

    Parameters
    ----------
    tiers : Tiers
        Shares, and the limits of the factors.
    readings : sequence of TierReading
        One a strategy, each once.

    Returns
    -------
    WeightsOfTiers

    Raises
    ------
    ConfigError
        When a strategy is given twice, belongs to no tier, or a tier has more than its places.
    """
    names = [one.name for one in readings]
    if len(set(names)) != len(names):
        raise ConfigError("a strategy is given twice: one reading each")
    rows, weights, cash = {}, dict[str, float](), 0.0
    for tier in TRADING_TIERS:
        rules, members = getattr(tiers, tier.name.lower()), [one for one in readings if one.tier == tier]
        if len(members) > rules.strategies:
            raise ConfigError(f"tier {tier.name.lower()} has {rules.strategies} places, got {len(members)} strategies")
        # a place that is empty keeps its equal part in cash; the members share what is left
        share = rules.share * len(members) / rules.strategies
        cash += rules.share - share
        factors = {
            one.name: {key: factor_of(key, getattr(one, key), getattr(tiers.weights, key)) for key in FACTORS}
            for one in members
        }
        products = {name: float(np.prod(list(found.values()))) for name, found in factors.items()}
        total = sum(products.values())
        for name, found in factors.items():
            weights[name] = share * products[name] / total
            rows[name] = {"tier": tier.name.lower(), **found, "weight": weights[name]}
    homeless = [one.name for one in readings if one.tier not in TRADING_TIERS]
    if homeless:
        raise ConfigError(f"{homeless[0]} belongs to no tier with a share of the capital")
    neutral = tuple(
        f"{one.name}: {key} is not known and counts as neutral"
        for one in readings
        for key in FACTORS
        if np.isnan(getattr(one, key))
    )
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["tier", *FACTORS, "weight"])
    return WeightsOfTiers(weights, table, neutral, max(cash, 0.0))
