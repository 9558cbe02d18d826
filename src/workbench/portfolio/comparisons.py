"""The tier rule beside the usual ways to weight strategies, all at equal exposure."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.domain.errors import DataError
from workbench.domain.tables import html_table, number, percent

Floats = NDArray[np.float64]
Weighting = Callable[[pd.DataFrame], Floats]

WINDOW_DAYS, STEP_DAYS = 768, 256
"""Three years before the first estimate, a new one every year from all history: a strategy that sat out the last three
years has no volatility in them, and would be given everything."""
BLOCK_DAYS = 20
TAIL = 0.975
TIER_RULE = "tier rule"
COLUMNS = (
    "annual_return", "annual_volatility", "sharpe", "drawdown", "shortfall", "turnover", "difference", "error",
)  # fmt: skip
HRP_VARIANT = "HRP (variance, Pearson distance, single linkage)"
"""Clusters on distances, leaves in the order of the tree; the paper of 2016 clusters on distances of distances."""


def equal_weight(returns: pd.DataFrame) -> Floats:
    """The same for each strategy.

    Parameters
    ----------
    returns : DataFrame, shape (days, strategies)
        Only their number matters.

    Returns
    -------
    ndarray, shape (strategies,)
        Adds up to 1.
    """
    return np.full(returns.shape[1], 1.0 / returns.shape[1])


def inverse_volatility(returns: pd.DataFrame) -> Floats:
    """One over the standard deviation, scaled to 1; a strategy that does not move gets nothing.

    Parameters
    ----------
    returns : DataFrame, shape (days, strategies)
        Oldest first.

    Returns
    -------
    ndarray, shape (strategies,)
    """
    deviation = returns.std(ddof=1).to_numpy()
    moving = deviation > 1e-12
    inverse = np.where(moving, 1.0 / np.where(moving, deviation, 1.0), 0.0)
    return np.asarray(inverse / inverse.sum())


def risk_parity(returns: pd.DataFrame) -> Floats:
    """Equal contributions to the variance, by skfolio's risk budgeting; a strategy that does not move gets nothing.

    Parameters
    ----------
    returns : DataFrame, shape (days, strategies)
        Oldest first.

    Returns
    -------
    ndarray, shape (strategies,)
        Adds up to 1.
    """
    from skfolio import RiskMeasure
    from skfolio.optimization import RiskBudgeting

    return _fitted(RiskBudgeting(risk_measure=RiskMeasure.VARIANCE), returns)


def hierarchical_risk_parity(returns: pd.DataFrame) -> Floats:
    """Hierarchical risk parity by skfolio: variance, Pearson distance, single linkage, leaves in the order of the tree.

    Parameters
    ----------
    returns : DataFrame, shape (days, strategies)
        Oldest first.

    Returns
    -------
    ndarray, shape (strategies,)
        Adds up to 1; a strategy that does not move gets nothing.

    References
    ----------
    López de Prado (2016), Building Diversified Portfolios that Outperform Out of Sample.
    """
    from skfolio import RiskMeasure
    from skfolio.cluster import HierarchicalClustering, LinkageMethod
    from skfolio.distance import PearsonDistance
    from skfolio.optimization import HierarchicalRiskParity
    from skfolio.seriation import HierarchicalSeriation

    clusters = HierarchicalClustering(linkage_method=LinkageMethod.SINGLE)
    model = HierarchicalRiskParity(
        risk_measure=RiskMeasure.VARIANCE,
        distance_estimator=PearsonDistance(),
        seriation_estimator=HierarchicalSeriation(hierarchical_clustering_estimator=clusters, optimal_ordering=False),
    )
    return _fitted(model, returns)


def _fitted(model: object, returns: pd.DataFrame) -> Floats:
    moving = returns.std(ddof=1).to_numpy() > 1e-12
    weights = np.zeros(returns.shape[1])
    if moving.sum() == 1:
        weights[moving] = 1.0
    elif moving.any():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # the library's own calls among its parts
            model.fit(returns.loc[:, moving])  # type: ignore[attr-defined]
        weights[moving] = model.weights_  # type: ignore[attr-defined]
    return weights


WEIGHTINGS: Mapping[str, Weighting] = {
    "equal weight": equal_weight,
    "inverse volatility": inverse_volatility,
    "risk parity": risk_parity,
    HRP_VARIANT: hierarchical_risk_parity,
}


@dataclass(frozen=True, slots=True, eq=False)
class WeightComparison:
    """Weightings side by side, at equal ex-ante volatility.

    Attributes
    ----------
    table : DataFrame
        By weighting: annual_return, annual_volatility, sharpe (annual), drawdown, shortfall (97.5 %, one day), turnover
        (a year), difference (of the Sharpe ratio from the tier rule's), error (its standard error).
    returns : DataFrame
        Daily, by weighting, over the days all of them cover.
    """

    table: pd.DataFrame
    returns: pd.DataFrame = field(repr=False)

    @property
    def sentence(self) -> str:
        """Whether any difference is larger than chance."""
        if self.table.empty:
            return "fewer than two strategies: there is nothing to weigh"
        others = self.table.drop(index=TIER_RULE)
        clear = others[others["difference"].abs() > 2.0 * others["error"]]
        if clear.empty:
            return "no weighting differs from the tier rule by more than two standard errors of the Sharpe ratio"
        better = ", ".join(f"{name} by {one.difference:+.2f}" for name, one in clear.iterrows())
        return f"differs from the tier rule by more than two standard errors of the Sharpe ratio: {better}"

    def _repr_html_(self) -> str:
        rows = [
            [str(name), percent(one.annual_return), percent(one.annual_volatility), number(one.sharpe, "+.2f"),
             percent(one.drawdown, 1), percent(one.shortfall), number(one.turnover, ".1f"),
             number(one.difference, "+.2f"), number(one.error, ".2f")]
            for name, one in self.table.iterrows()
        ]  # fmt: skip
        head = [
            "weighting",
            "return",
            "volatility",
            "Sharpe",
            "drawdown",
            "ES 97.5 %",
            "turnover",
            "difference",
            "± 1 s.e.",
        ]
        caption = f"At equal ex-ante volatility, a new estimate every {STEP_DAYS} days: {self.sentence}"
        return html_table(head, rows, caption=caption)


def compare_weights(
    returns: pd.DataFrame, tier_weights: pd.DataFrame, *, generator: np.random.Generator, bootstraps: int = 500
) -> WeightComparison:
    """Put the tier rule beside equal weight, inverse volatility, risk parity and HRP.

    Parameters
    ----------
    returns : DataFrame, shape (days, strategies)
        Net, on each strategy's own capital, finite.
    tier_weights : DataFrame, shape (days, strategies)
        Weights of the tier rule in force during each day.
    generator : numpy Generator
        Of the block bootstrap behind the standard errors.
    bootstraps : int
        Samples.

    Returns
    -------
    WeightComparison
        Empty when there are fewer than two strategies. Every weighting is scaled, once a year and from the history
        before, to the volatility the tier rule's weights would have had in it: nobody wins by holding more.

    Raises
    ------
    DataError
        When there is too little history, or a return is not finite.
    """
    values = returns.to_numpy(dtype=float)
    if values.shape[1] < 2:
        return WeightComparison(pd.DataFrame(columns=list(COLUMNS)), pd.DataFrame(index=returns.index))
    if len(values) <= WINDOW_DAYS + STEP_DAYS or not np.isfinite(values).all():
        raise DataError(
            f"a comparison needs more than {WINDOW_DAYS + STEP_DAYS} days of finite returns, got shape {values.shape}"
        )
    lines = {TIER_RULE: [], **{name: [] for name in WEIGHTINGS}}  # type: dict[str, list[Floats]]
    moved = dict.fromkeys(lines, 0.0)
    before: dict[str, Floats] = {}
    rule = tier_weights.to_numpy(dtype=float)
    for start in range(WINDOW_DAYS, len(values), STEP_DAYS):
        past, ahead = returns.iloc[:start], values[start : start + STEP_DAYS]
        held = rule[start]
        target = float((past.to_numpy() @ held).std())
        lines[TIER_RULE].append((rule[start : start + STEP_DAYS] * ahead).sum(axis=1))
        for name, weighting in WEIGHTINGS.items():
            weights = weighting(past)
            own = float((past.to_numpy() @ weights).std())
            weights = weights * target / own if own > 0.0 else weights
            lines[name].append(ahead @ weights)
            moved[name] += float(np.abs(weights - before.get(name, np.zeros(len(weights)))).sum())
            before[name] = weights
    moved[TIER_RULE] = float(np.abs(np.diff(rule[WINDOW_DAYS:], axis=0)).sum())
    table = pd.DataFrame({name: np.concatenate(parts) for name, parts in lines.items()}, returns.index[WINDOW_DAYS:])
    return WeightComparison(_judged(table, moved, generator, bootstraps), table)


def _judged(
    table: pd.DataFrame, moved: Mapping[str, float], generator: np.random.Generator, bootstraps: int
) -> pd.DataFrame:
    days = (table.index[-1] - table.index[0]) / pd.Timedelta(days=1)
    rate = (len(table) - 1) * 365.25 / days
    values = table.to_numpy()
    sharpe = values.mean(axis=0) / values.std(axis=0, ddof=1) * np.sqrt(rate)
    count = -(-len(values) // BLOCK_DAYS)
    starts = generator.integers(0, len(values), (bootstraps, count))
    drawn = np.empty((bootstraps, values.shape[1]))
    for place, row in enumerate(starts):
        rows = ((row[:, None] + np.arange(BLOCK_DAYS)) % len(values)).ravel()[: len(values)]
        sample = values[rows]
        drawn[place] = sample.mean(axis=0) / sample.std(axis=0, ddof=1) * np.sqrt(rate)
    error = (drawn - drawn[:, [0]]).std(axis=0, ddof=1)
    equity = np.cumsum(values, axis=0)
    fallen = (np.maximum(np.maximum.accumulate(equity, axis=0), 0.0) - equity).max(axis=0)
    tail = np.quantile(values, 1.0 - TAIL, axis=0)
    shortfall = [-values[values[:, k] <= tail[k], k].mean() for k in range(values.shape[1])]
    return pd.DataFrame(
        {
            "annual_return": values.mean(axis=0) * rate,
            "annual_volatility": values.std(axis=0, ddof=1) * np.sqrt(rate),
            "sharpe": sharpe,
            "drawdown": fallen,
            "shortfall": shortfall,
            "turnover": [moved[str(name)] / (len(values) / rate) for name in table.columns],
            "difference": sharpe - sharpe[0],
            "error": error,
        },
        index=table.columns,
    )
