"""Rebalancing: when capital is moved between strategies, what that costs, and the tier rule through history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.domain.errors import DataError
from workbench.domain.policy import Policy
from workbench.domain.policy.trading import Rebalancing, Tiers
from workbench.domain.tables import html_list, html_table, percent
from workbench.domain.trading.modes import Tier
from workbench.portfolio.tiers import TRADING_TIERS, TRUST_DAYS, tier_readings, tier_weights

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LOG_COLUMNS = ("reasons", "moved", "cost", "done", "sentence")
DECAY = 0.94
"""Of the variances and correlations the triggers look at; RiskMetrics (1996), daily."""


@dataclass(frozen=True, slots=True, eq=False)
class DriftReport:
    """How far weights are from where they should be.

    Attributes
    ----------
    strategies, tiers : DataFrame
        target, current, drift (current - target), as shares of capital.
    beyond : tuple of str
        Sentences: tiers further away than the policy allows.
    """

    strategies: pd.DataFrame = field(repr=False)
    tiers: pd.DataFrame = field(repr=False)
    beyond: tuple[str, ...]

    def _repr_html_(self) -> str:
        parts = [
            html_table(
                [title, "target", "now", "drift"],
                [[str(name), percent(one.target), percent(one.current), percent(one.drift)]
                 for name, one in table.iterrows()],
            )
            for title, table in (("tier", self.tiers), ("strategy", self.strategies))
        ]  # fmt: skip
        return "".join(parts) + html_list(self.beyond or ("every tier is within its tolerance",))


def drift_report(
    tiers: Tiers, target: Mapping[str, float], current: Mapping[str, float], members: Mapping[str, Tier]
) -> DriftReport:
    """Compare weights with their targets.

    Parameters
    ----------
    tiers : Tiers
        The tolerance of a tier.
    target, current : mapping of str to float
        Shares of capital by strategy; one that is missing has none.
    members : mapping of str to Tier
        Tier of each strategy.

    Returns
    -------
    DriftReport
    """
    names = list(dict.fromkeys([*target, *current]))
    rows = pd.DataFrame(
        {"target": [target.get(name, 0.0) for name in names], "current": [current.get(name, 0.0) for name in names]},
        index=pd.Index(names),
    )
    rows["drift"] = rows["current"] - rows["target"]
    groups = [members[name].name.lower() for name in names]
    summed = rows.groupby(groups).sum().reindex([tier.name.lower() for tier in TRADING_TIERS]).dropna()
    beyond = tuple(
        f"tier {name} is {100 * abs(one.drift):.1f} points from its target, {100 * tiers.rebalancing.tier_drift:.1f} "
        "are allowed"
        for name, one in summed.iterrows()
        if abs(one.drift) > tiers.rebalancing.tier_drift
    )
    return DriftReport(rows, summed, beyond)


@dataclass(frozen=True, slots=True)
class BookState:
    """What the triggers look at on one evening.

    Attributes
    ----------
    new_week : bool
        Whether the next day begins a week.
    tier_drift : float
        Largest distance of a tier from its share.
    risk_over_share : ndarray, shape (strategies,)
        Share of each strategy in the summed stand-alone value at risk, over that share at the last rebalancing.
    drawdown_over_history : ndarray, shape (strategies,)
        Present drawdown over the largest before it; 0 where there is no history.
    days_correlated : int
        Evenings in a row with a mean correlation above the policy's.
    """

    new_week: bool
    tier_drift: float
    risk_over_share: Floats
    drawdown_over_history: Floats
    days_correlated: int


def rebalancing_reasons(rules: Rebalancing, state: BookState) -> tuple[str, ...]:
    """Which triggers are met.

    Parameters
    ----------
    rules : Rebalancing
        Schedule and limits.
    state : BookState
        Of the evening.

    Returns
    -------
    tuple of str
        Out of ``schedule``, ``tier drift``, ``value at risk``, ``drawdown``, ``correlation``.
    """
    met = {
        "schedule": state.new_week,
        "tier drift": state.tier_drift > rules.tier_drift,
        "value at risk": bool((state.risk_over_share > rules.value_at_risk_of_share).any()),
        "drawdown": bool((state.drawdown_over_history > rules.drawdown_of_history).any()),
        "correlation": state.days_correlated >= rules.correlation_days,
    }
    return tuple(name for name, holds in met.items() if holds)


@dataclass(frozen=True, slots=True)
class Rebalance:
    """One movement of capital.

    Attributes
    ----------
    moved : float
        Sum of the absolute changes of weight, share of capital.
    cost : float
        Share of capital.
    done : bool
        False when the cost over the amount moved is not below the policy's limit; then nothing moves.
    sentence : str
        What was done, or why not.
    """

    moved: float
    cost: float
    done: bool
    sentence: str


def rebalance(rules: Rebalancing, current: Floats, target: Floats, cost_rates: Floats) -> Rebalance:
    """Move capital to its targets, if that is cheap enough.

    Parameters
    ----------
    rules : Rebalancing
        The limit on costs.
    current, target : ndarray, shape (strategies,)
        Shares of capital.
    cost_rates : ndarray, shape (strategies,)
        Cost of moving one unit of capital in or out: half spread times exposure over price; 0 for a flat strategy.

    Returns
    -------
    Rebalance
    """
    changes = np.abs(target - current)
    moved, cost = float(changes.sum()), float((changes * cost_rates).sum())
    if moved > 0.0 and cost / moved >= rules.cost_below:
        words = f"put off: it would cost {cost / moved:.3%} of the amount moved, the limit is {rules.cost_below:.3%}"
        return Rebalance(moved, cost, done=False, sentence=words.replace("%", " %"))
    return Rebalance(moved, cost, done=True, sentence=f"{moved:.2%} of the capital moved".replace("%", " %"))


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedRebalancing:
    """The tier rule through history.

    Attributes
    ----------
    returns : Series
        Net returns of the whole capital, after the costs of moving it.
    weights : DataFrame, shape (days, strategies)
        Shares of capital during each day, from the evening before.
    log : DataFrame
        One row a rebalancing: reasons, moved, cost, done, sentence; indexed by the evening.
    """

    returns: pd.Series = field(repr=False)
    weights: pd.DataFrame = field(repr=False)
    log: pd.DataFrame = field(repr=False)

    @property
    def reasons(self) -> dict[str, int]:
        """How often each reason was met; one evening may have several."""
        found: dict[str, int] = {}
        for reasons in self.log["reasons"]:
            for reason in reasons:
                found[reason] = found.get(reason, 0) + 1
        return found

    def _repr_html_(self) -> str:
        done = self.log[self.log["done"].astype(bool)]
        cost, moved = float(done["cost"].sum()), float(done["moved"].sum())
        rows = [[reason, count] for reason, count in self.reasons.items()]
        caption = (
            f"{len(done)} rebalancings in {len(self.returns):,} days, {len(self.log) - len(done)} put off; cost "
            f"{100 * cost / moved if moved else 0.0:.4f} % of the amount moved"
        )
        return html_table(["reason", "evenings"], rows, caption=caption)


def simulate_rebalancing(
    returns: pd.DataFrame,
    regimes: Integers,
    members: Mapping[str, Tier],
    policy: Policy,
    *,
    cost_rates: Floats | None = None,
) -> SimulatedRebalancing:
    """Run the tier rule through history: weekly and when a trigger is met, from what was known that evening.

    Parameters
    ----------
    returns : DataFrame, shape (days, strategies)
        Net, on each strategy's own capital, finite, oldest first, indexed by time.
    regimes : ndarray of int, shape (days,)
        Regime known at the end of each day.
    members : mapping of str to Tier
        Tier of each column.
    policy : Policy
        Tiers and rebalancing.
    cost_rates : ndarray, shape (days, strategies), optional
        Cost of moving one unit of capital on each evening; free when left out.

    Returns
    -------
    SimulatedRebalancing
        All cash when there is no strategy.

    Raises
    ------
    DataError
        When there are fewer than two days, a return is not finite, or a strategy has no tier.
    """
    values, index = returns.to_numpy(dtype=float), pd.DatetimeIndex(returns.index)
    if len(values) < 2:
        raise DataError(f"rebalancing needs at least two days, got shape {values.shape}")
    if values.shape[1] == 0:
        nothing = pd.DataFrame(columns=list(LOG_COLUMNS), index=pd.DatetimeIndex([], name="evening"))
        return SimulatedRebalancing(pd.Series(0.0, index, name="tier rule"), pd.DataFrame(index=index), nothing)
    rates = np.zeros_like(values) if cost_rates is None else cost_rates
    names = [str(name) for name in returns.columns]
    watch, weights = _Watch(values, index), np.zeros_like(values)
    current, earned, log = np.zeros(len(names)), np.zeros(len(values)), []
    cash = 1.0
    for day in range(len(values)):
        weights[day] = current
        earned[day] = float(current @ values[day])
        grown = current * (1.0 + values[day])
        cash_share = cash / (cash + grown.sum())
        current, cash = grown / (cash + grown.sum()), cash_share
        watch.advance(day, current)
        state = watch.state(policy, members, names, current)
        reasons = rebalancing_reasons(policy.tiers.rebalancing, watch.fresh(state, policy.tiers.rebalancing))
        if not reasons:
            continue
        readings = tier_readings(
            returns.iloc[: day + 1], members, regimes[: day + 1], periods_per_year=watch.periods_per_year
        )
        wanted = tier_weights(policy.tiers, readings).weights
        target = np.array([wanted[name] for name in names])
        done = rebalance(policy.tiers.rebalancing, current, target, rates[day])
        log.append({"evening": index[day], "reasons": reasons, "moved": done.moved, "cost": done.cost,
                    "done": done.done, "sentence": done.sentence})  # fmt: skip
        if done.done:
            current, cash = target, 1.0 - float(target.sum())
            earned[day] -= done.cost
            watch.settle(current)
    table = pd.DataFrame(log, columns=["evening", *LOG_COLUMNS]).set_index("evening")
    return SimulatedRebalancing(pd.Series(earned, index, name="tier rule"), pd.DataFrame(weights, index, names), table)


class _Watch:
    """What the triggers need to remember from evening to evening."""

    def __init__(self, values: Floats, index: pd.DatetimeIndex) -> None:
        self._values = values
        weeks = index.tz_localize(None).to_numpy().astype("datetime64[D]").astype(np.int64) + 3
        # the last evening in the data is taken for the end of its week: nothing is known of the next day
        self._ends_week = np.append(np.diff(weeks // 7) != 0, True)
        days = (index[-1] - index[0]) / pd.Timedelta(days=1)
        self.periods_per_year = float((len(index) - 1) * 365.25 / days)
        equity = np.cumsum(values, axis=0)
        peak = np.maximum(np.maximum.accumulate(equity, axis=0), 0.0)
        self._fallen = peak - equity
        # the largest drawdown that had ended, or been reached, before the present one began
        self._before = _largest_before(self._fallen)
        self._before[:TRUST_DAYS] = 0.0  # a year is needed before there is a history to exceed
        width = values.shape[1]
        self._covariance, self._budget = np.zeros((width, width)), np.full(width, np.nan)
        self._day, self._correlated, self._alike = -1, 0, False
        self._risky, self._fell = np.zeros(width, dtype=bool), np.zeros(width, dtype=bool)

    def advance(self, day: int, current: Floats) -> None:
        self._day = day
        row = self._values[day]
        self._covariance = DECAY * self._covariance + (1.0 - DECAY) * np.outer(row, row)
        if np.isnan(self._budget).any() and current.sum() > 0.0:
            self.settle(current)

    def settle(self, current: Floats) -> None:
        risk = current * np.sqrt(np.diag(self._covariance))
        self._budget = risk / risk.sum() if risk.sum() > 0.0 else np.full(len(risk), np.nan)

    def state(self, policy: Policy, members: Mapping[str, Tier], names: Sequence[str], current: Floats) -> BookState:
        rules = policy.tiers.rebalancing
        drift = 0.0
        for tier in TRADING_TIERS:
            own = [place for place, name in enumerate(names) if members[name] == tier]
            full = getattr(policy.tiers, tier.name.lower())
            if len(own) == full.strategies:
                drift = max(drift, abs(float(current[own].sum()) - full.share))
        deviation = np.sqrt(np.diag(self._covariance))
        risk = current * deviation
        share = risk / risk.sum() if risk.sum() > 0.0 else np.zeros(len(risk))
        budget = self._budget
        over = np.where(budget > 0.0, share / np.where(budget > 0.0, budget, 1.0), 0.0)
        self._correlated = self._correlated + 1 if self._mean_correlation(deviation) > rules.correlation_above else 0
        before = self._before[self._day]
        fallen = np.where(before > 0.0, self._fallen[self._day] / np.where(before > 0.0, before, 1.0), 0.0)
        return BookState(bool(self._ends_week[self._day]), drift, over, fallen, self._correlated)

    def _mean_correlation(self, deviation: Floats) -> float:
        moving = deviation > 1e-12
        count = int(moving.sum())
        if count < 2:
            return 0.0
        inner = self._covariance[np.ix_(moving, moving)] / np.outer(deviation[moving], deviation[moving])
        return float((inner.sum() - count) / (count * (count - 1)))

    def fresh(self, state: BookState, rules: Rebalancing) -> BookState:
        """The state without what was above its limit the evening before: each crossing is acted on once."""
        risky = state.risk_over_share > rules.value_at_risk_of_share
        fallen = state.drawdown_over_history > rules.drawdown_of_history
        alike = state.days_correlated >= rules.correlation_days
        kept = BookState(
            state.new_week,
            state.tier_drift,
            np.where(self._risky, 0.0, state.risk_over_share),
            np.where(self._fell, 0.0, state.drawdown_over_history),
            0 if self._alike else state.days_correlated,
        )
        self._risky, self._fell, self._alike = risky, fallen, alike
        return kept


def _largest_before(fallen: Floats) -> Floats:
    """Largest drawdown reached before the present one began; rows are days, columns strategies."""
    found, largest, present = np.zeros_like(fallen), np.zeros(fallen.shape[1]), np.zeros(fallen.shape[1])
    for day in range(len(fallen)):
        ended = fallen[day] == 0.0
        largest = np.where(ended, np.maximum(largest, present), largest)
        present = np.where(ended, 0.0, np.maximum(present, fallen[day]))
        found[day] = largest
    return found
