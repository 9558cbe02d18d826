"""From all trials to ten: which ones, on what evidence, and whether any of it is significant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import pandas as pd

from workbench.domain.errors import DataError
from workbench.domain.policy import Policy
from workbench.domain.tables import html_list, html_table, number, percent
from workbench.research.evidence import Evidence, gather_evidence
from workbench.research.market import periods_per_year
from workbench.research.overfitting import (
    deflated_both,
    haircut_sharpe_ratio,
    minimum_track_record_length,
    probabilistic_sharpe_ratio,
)
from workbench.research.overfitting.panel import sharpe_ratios
from workbench.research.performance import largest_drawdowns
from workbench.research.robustness import Robustness
from workbench.research.walk_forward import Group, WalkForward, choose, finite_returns, walk_forward
from workbench.strategies import Configuration

ROBUST = 0.5
"""Least robustness: what tossing a coin for every window, neighbour and cost multiple would give."""
MOST_OF_A_PAIR = 2
"""Strategies on one pair: ten strategies are meant to be ten bets."""
TIERS: tuple[str, ...] = ("core", "growth", "tactical")


class Verdict(StrEnum):
    """What the gate says of a strategy, and of the set: the best verdict in it."""

    SIGNIFICANT = "significant"
    ROBUST_NOT_SIGNIFICANT = "robust-not-significant"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """The strategies chosen, most robust first, and the evidence for them.

    Attributes
    ----------
    chosen : DataFrame
        By name: tier, weight (share of capital), verdict, sharpe (annual), annual_return, drawdown, robustness,
        windows, neighbours, costs, probabilistic, deflated_across_trials, deflated_sampling, haircut_sharpe (annual),
        track_record_years (needed to be 95 % sure of a Sharpe ratio above 0; infinite below 0).
    evidence : Evidence
        All trials together.
    walked : WalkForward
        The choice repeated in training windows: its stitched returns are the headline.
    verdicts : Series
        Of every trial.
    notes : tuple of str
        What could not be done, in sentences.
    """

    chosen: pd.DataFrame = field(repr=False)
    evidence: Evidence
    walked: WalkForward = field(repr=False)
    verdicts: pd.Series = field(repr=False)
    notes: tuple[str, ...]

    @property
    def verdict(self) -> Verdict:
        """Of the set."""
        if self.evidence.is_significant:
            return Verdict.SIGNIFICANT
        return Verdict.ROBUST_NOT_SIGNIFICANT if len(self.chosen) else Verdict.REJECTED

    @property
    def sentence(self) -> str:
        """Verdict first, then what it means for money."""
        ways = {
            Verdict.SIGNIFICANT: "the significant ones come first",
            Verdict.ROBUST_NOT_SIGNIFICANT: "what is deployed, on paper, is the most robust, not what has an edge",
            Verdict.REJECTED: "nothing is deployed",
        }
        return f"{self.evidence.sentence}; {ways[self.verdict]}"

    def _repr_html_(self) -> str:
        rows = [
            [str(name), one.tier, percent(one.weight, 0), one.verdict, number(one.sharpe, ".2f"),
             number(one.haircut_sharpe, ".2f"), percent(one.drawdown, 1), number(one.robustness, ".2f"),
             percent(one.windows, 0), number(one.deflated_across_trials, ".2f")]
            for name, one in self.chosen.iterrows()
        ]  # fmt: skip
        head = [
            "strategy", "tier", "weight", "verdict", "Sharpe", "after haircut", "drawdown", "robustness", "windows won",
            "deflated",
        ]  # fmt: skip
        caption = self.sentence[0].upper() + self.sentence[1:]
        return html_table(head, rows, caption=caption) + html_list(self.notes)


def tier_weights_by_rank(policy: Policy) -> list[tuple[str, float]]:
    """Tier and share of capital of each place, most robust first.

    Parameters
    ----------
    policy : Policy
        Its tiers.

    Returns
    -------
    list of (str, float)
        The tier's share in equal parts.
    """
    return [
        (name, tier.share / tier.strategies)
        for name in TIERS
        for tier in [getattr(policy.tiers, name)]
        for _ in range(tier.strategies)
    ]


def grid_groups(configurations: Sequence[Configuration]) -> tuple[Group, ...]:
    """Limits on the choice from a grid: a rule at one risk profile only, a pair at most twice.

    Parameters
    ----------
    configurations : sequence of Configuration
        In the order of the columns.

    Returns
    -------
    tuple of Group
    """
    rules = tuple(f"{one.pair} {one.timeframe} {one.signal} {one.parameters}" for one in configurations)
    return (Group(rules, 1), Group(tuple(one.pair for one in configurations), MOST_OF_A_PAIR))


def select_strategies(
    returns: pd.DataFrame,
    policy: Policy,
    *,
    generator: np.random.Generator,
    robustness: Robustness | None = None,
    evidence: Evidence | None = None,
    walked: WalkForward | None = None,
) -> Selection:
    """Choose the policy's ten: significant ones first, then by robustness; no two alike.

    Parameters
    ----------
    returns : DataFrame, shape (periods, trials)
        Net returns of every trial.
    policy : Policy
        Tiers and their shares; strategies correlated more than its rebalancing limit are one idea.
    generator : numpy Generator
        Of the bootstraps, when the evidence is gathered here.
    robustness : Robustness, optional
        Shares of windows, neighbours and costs; without it the windows alone judge.
    evidence : Evidence, optional
        From `gather_evidence`; gathered here when left out.
    walked : WalkForward, optional
        From `walk_forward`, whose groups limit this choice too; made here when left out.

    Returns
    -------
    Selection
        Fewer than ten when no more are robust; then the rest of the capital stays in cash.

    Raises
    ------
    DataError
        When a return is not finite or there is too little history for one walk-forward window.
    """
    values = finite_returns(returns)
    places, likeness = tier_weights_by_rank(policy), policy.tiers.rebalancing.correlation_above
    if walked is None:
        walked = walk_forward(returns, weights=[weight for _, weight in places], likeness=likeness)
    if evidence is None:
        evidence = gather_evidence(returns, generator=generator)
    names = [str(name) for name in returns.columns]
    score = (walked.positive_share if robustness is None else robustness.score).reindex(names)
    if score.isna().any():
        raise DataError(f"no robustness is known of {score.index[score.isna()][0]}: judge the trials that are selected")
    ratios = sharpe_ratios(values)
    superior = np.isin(names, evidence.superior)
    robust = (score.to_numpy() >= ROBUST) & (ratios > 0)
    verdicts = np.where(
        superior, Verdict.SIGNIFICANT, np.where(robust, Verdict.ROBUST_NOT_SIGNIFICANT, Verdict.REJECTED)
    )
    # a score lies in [0, 1], a daily Sharpe ratio far below 1: significance first, then robustness, then the ratio
    ranking = np.where(superior, 2.0 + ratios, np.where(robust, score.to_numpy() + 1e-6 * ratios, 0.0))
    columns = choose(values, ranking, len(places), likeness, walked.groups)
    notes = []
    if len(columns) < len(places):
        left = 1.0 - sum(weight for _, weight in places[: len(columns)])
        notes.append(
            f"only {len(columns)} of {len(places)} places are filled: no other trial is robust and unlike the chosen; "
            f"{left:.0%} of the capital stays in cash".replace("%", " %")
        )
    if len(names) == 1:
        notes.append(
            "one trial only: no probability of backtest overfitting and no deflated ratio, they need others beside it"
        )
    shares = {"robustness": score} if robustness is None else {
        "robustness": score, "windows": robustness.windows, "neighbours": robustness.neighbours,
        "costs": robustness.costs,
    }  # fmt: skip
    table = _chosen_table(returns, columns, places, evidence.trial_count)
    for key in ("robustness", "windows", "neighbours", "costs"):
        default = walked.positive_share if key == "windows" else pd.Series(np.nan, index=names)
        table[key] = shares.get(key, default).reindex(table.index)
    table["verdict"] = [str(verdicts[column]) for column in columns]
    return Selection(table, evidence, walked, pd.Series(verdicts.astype(str), index=names), tuple(notes))


def _chosen_table(
    returns: pd.DataFrame, columns: np.ndarray, places: list[tuple[str, float]], trial_count: int
) -> pd.DataFrame:
    """What is known of each chosen strategy but its robustness."""
    rate = periods_per_year(pd.DatetimeIndex(returns.index))
    rows: dict[str, Mapping[str, object]] = {}
    for place, column in enumerate(columns.tolist()):
        series = returns.to_numpy(dtype=float)[:, column]
        ratio, deviation = float(sharpe_ratios(series[:, None])[0]), series.std()
        standard = (series - series.mean()) / deviation
        shape = {"skewness": float((standard**3).mean()), "kurtosis": float((standard**4).mean())}
        several = returns.shape[1] > 1
        both = deflated_both(returns.to_numpy(dtype=float), column, trial_count=trial_count) if several else None
        cut = haircut_sharpe_ratio(
            ratio, observations=len(series), trial_count=trial_count, periods_per_year=rate, method="bonferroni"
        )
        rows[str(returns.columns[column])] = {
            "tier": places[place][0],
            "weight": places[place][1],
            "sharpe": ratio * np.sqrt(rate),
            "annual_return": float(series.mean()) * rate,
            "drawdown": float(largest_drawdowns(series[:, None])[0]),
            "probabilistic": probabilistic_sharpe_ratio(ratio, observations=len(series), **shape),
            "deflated_across_trials": both.across_trials if both is not None else np.nan,
            "deflated_sampling": both.sampling if both is not None else np.nan,
            "haircut_sharpe": cut.haircut_sharpe_ratio_annual,
            "track_record_years": minimum_track_record_length(ratio, **shape) / rate,
        }
    return pd.DataFrame.from_dict(rows, orient="index", columns=CHOSEN_COLUMNS if not rows else None)


CHOSEN_COLUMNS = [
    "tier", "weight", "sharpe", "annual_return", "drawdown", "probabilistic", "deflated_across_trials",
    "deflated_sampling", "haircut_sharpe", "track_record_years",
]  # fmt: skip
