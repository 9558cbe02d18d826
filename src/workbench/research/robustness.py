"""Robustness: in how many windows, with how many neighbouring parameters and at which costs a configuration earns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.domain.policy import Policy
from workbench.domain.tables import html_table, number, percent
from workbench.research.market import ResearchMarket, SweepCosts
from workbench.research.sweep import Sweep, positions, sweep
from workbench.research.walk_forward import WalkForward
from workbench.strategies import Configuration
from workbench.strategies.rules import STEPS

Floats = NDArray[np.float64]

COST_MULTIPLES: tuple[float, ...] = (1.0, 2.0, 3.0)


@dataclass(frozen=True, slots=True, eq=False)
class Robustness:
    """Where configurations stay positive; every share is between 0 and 1.

    Attributes
    ----------
    windows : Series
        Share of walk-forward tests with a positive return.
    neighbours : Series
        Share of the neighbouring parameters with a positive return after costs.
    costs : Series
        Share of the cost multiples with a positive return.
    """

    windows: pd.Series = field(repr=False)
    neighbours: pd.Series = field(repr=False)
    costs: pd.Series = field(repr=False)

    @property
    def score(self) -> pd.Series:
        """Mean of the three shares: a half of it is what a coin would get."""
        return (self.windows + self.neighbours + self.costs) / 3.0

    def table(self) -> pd.DataFrame:
        """All shares side by side, most robust first.

        Returns
        -------
        DataFrame
            windows, neighbours, costs, score.
        """
        columns = {"windows": self.windows, "neighbours": self.neighbours, "costs": self.costs, "score": self.score}
        return pd.DataFrame(columns).sort_values("score", ascending=False, kind="stable")

    def _repr_html_(self) -> str:
        table = self.table()
        rows = [
            [str(name), percent(one.windows, 0), percent(one.neighbours, 0), percent(one.costs, 0),
             number(one.score, ".2f")]
            for name, one in table.head(12).iterrows()
        ]  # fmt: skip
        head = ["configuration", "windows", "neighbours", "costs", "score"]
        return html_table(head, rows, caption=f"Most robust of {len(table)}: share of each in which it earned")


def cost_sweeps(
    market: ResearchMarket,
    configurations: Sequence[Configuration],
    policy: Policy,
    multiples: Sequence[float] = COST_MULTIPLES,
) -> Mapping[float, Sweep]:
    """The sweep at several cost multiples.

    Parameters
    ----------
    market : ResearchMarket
        Prices and regimes.
    configurations : sequence of Configuration
        The grid.
    policy : Policy
        Its costs are one time.
    multiples : sequence of float
        Times the policy's costs.

    Returns
    -------
    mapping of float to Sweep
    """
    return {one: sweep(market, configurations, policy, costs=SweepCosts(one)) for one in multiples}


def neighbour_profits(
    market: ResearchMarket, configurations: Sequence[Configuration], policy: Policy, costs: SweepCosts
) -> Floats:
    """Total return of each configuration with each neighbour of its parameters, after costs.

    Parameters
    ----------
    market : ResearchMarket
        Prices and regimes.
    configurations : sequence of Configuration
        Those that could be swept.
    policy : Policy
        Signals and costs.
    costs : SweepCosts
        Charged on every fill; financing is left out.

    Returns
    -------
    ndarray, shape (neighbours, configurations)
        Sum over the history, fraction of constant capital.
    """
    pairs = [one.pair for one in configurations]
    closes = market.closes[pairs].to_numpy(dtype=float)
    half = np.array([costs.half_spread(policy, pair) for pair in pairs])
    moves = np.diff(closes, axis=0)
    found = []
    for neighbour in range(len(STEPS)):
        units, _ = positions(market, configurations, policy, costs, neighbour=neighbour)
        traded = np.abs(np.diff(units, axis=0, prepend=0.0)).sum(axis=0)
        found.append((units[:-1] * moves).sum(axis=0) - traded * half)
    return np.array(found)


def judge_robustness(walked: WalkForward, sweeps: Mapping[float, Sweep], neighbours: Floats) -> Robustness:
    """Put the three shares together.

    Parameters
    ----------
    walked : WalkForward
        Over the sweep at the policy's costs.
    sweeps : mapping of float to Sweep
        From `cost_sweeps`; all of the same grid.
    neighbours : ndarray, shape (neighbours, configurations)
        From `neighbour_profits`.

    Returns
    -------
    Robustness
    """
    names = list(walked.names)
    positive = np.array([one.returns.to_numpy().sum(axis=0) > 0 for one in sweeps.values()])
    return Robustness(
        walked.positive_share,
        pd.Series((neighbours > 0).mean(axis=0), index=names),
        pd.Series(positive.mean(axis=0), index=names),
    )
