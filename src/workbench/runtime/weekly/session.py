"""One session of the weekly run: from the grid to a candidate strategy set."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.data.grid_file import read_grid
from workbench.data.store import Store
from workbench.portfolio import DriftReport, WeightComparison, compare_weights, drift_report, simulate_rebalancing
from workbench.portfolio.rebalancing import SimulatedRebalancing
from workbench.research import (
    GateSettings,
    ResearchMarket,
    Sweep,
    SweepCosts,
    gather_evidence,
    grid_groups,
    judge_robustness,
    neighbour_profits,
    select_strategies,
    sweep,
    walk_forward,
)
from workbench.research.robustness import COST_MULTIPLES
from workbench.research.selection import tier_weights_by_rank
from workbench.runtime.session import Session
from workbench.runtime.weekly.attribution import attribute_controls
from workbench.runtime.weekly.candidate import Candidate, candidate_of, chosen_strategies
from workbench.runtime.weekly.choice import Choice
from workbench.runtime.weekly.grid import (
    AdaptationComparison,
    GridSweep,
    MarketHistory,
    compare_adaptation,
    market_history,
)
from workbench.runtime.weekly.intraday import IntradaySweep, sweep_intraday
from workbench.runtime.weekly.ledger import Tally, TrialLedger
from workbench.runtime.weekly.parity import Parity, compare_books
from workbench.runtime.weekly.replayed import ReplaySpan, StrategyReplay, replay_strategies
from workbench.strategies import Configuration, strategy_grid

CHOICES = (1, 3, 10, 30)
"""How many strategies a walk-forward chooses, to be compared."""


@dataclass
class WeeklySession(Session):
    """What the notebooks of the weekly run call."""

    def configurations(self, grid_file: str = "") -> tuple[Configuration, ...]:
        """The grid.

        Parameters
        ----------
        grid_file : str
            The user's own TOML; empty means the policy's 384.

        Returns
        -------
        tuple of Configuration
        """
        return read_grid(Path(grid_file), self.policy) if grid_file else strategy_grid(self.policy)

    def history(self) -> MarketHistory:
        """Closes of the policy's pairs and the regime of every evening.

        Returns
        -------
        MarketHistory
        """
        return market_history(self.rates, self.policy.universe.pairs)

    def sweep_grid(
        self, grid_file: str = "", *, where: str = "notebook", slippage_pips: float = 0.0, financing: bool = True
    ) -> GridSweep:
        """Trade every configuration at one, two and three times the costs, and count the trials.

        Parameters
        ----------
        grid_file : str
            The user's own TOML; empty means the policy's 384.
        where : str
            The occasion, for the ledger.
        slippage_pips : float
            Paid on every fill besides the half spread.
        financing : bool
            Whether the policy's yearly financing is charged.

        Returns
        -------
        GridSweep
        """
        history, grid = self.history(), self.configurations(grid_file)
        sweeps: dict[float, Sweep] = {}
        for place, multiple in enumerate(COST_MULTIPLES):
            self.progress(f"{len(grid)} configurations at {multiple:g}× costs", place, len(COST_MULTIPLES))
            costs = SweepCosts(multiple, slippage_pips, financing)
            sweeps[multiple] = sweep(history.market, grid, self.policy, costs=costs)
        tally = self._count([one.name for one in sweeps[COST_MULTIPLES[0]].configurations], where)
        self.progress("configurations traded", 1, 1)
        return GridSweep(history, sweeps, tally)

    def sweep_intraday(self, *, where: str = "notebook") -> IntradaySweep:
        """Trade the 4-hour configurations of pairs with stored intraday bars, and count them.

        Parameters
        ----------
        where : str
            The occasion, for the ledger.

        Returns
        -------
        IntradaySweep
            Empty when there are no such bars.
        """
        found = sweep_intraday(
            Store(self.home / "market"), self.history(), self.policy, as_of=self.rates.as_of, multiples=COST_MULTIPLES
        )
        if found.names:
            self._count(list(found.names), where)
        return found

    @property
    def trials(self) -> int:
        """Configurations ever tried in this home."""
        return TrialLedger(self.home).tally().trials

    def _count(self, names: list[str], where: str) -> Tally:
        return TrialLedger(self.home).record(names, where=where, when=datetime.now(UTC).isoformat())

    def walks(self, grid: GridSweep) -> dict[str, pd.Series]:
        """Walk-forward lines by how many are chosen, at every cost: what a choice of more or fewer would have earned.

        Parameters
        ----------
        grid : GridSweep
            From `sweep_grid`.

        Returns
        -------
        dict of str to Series
            Daily returns after the choice, on constant capital, equal parts.
        """
        found = {}
        for multiple, one in grid.sweeps.items():
            since, groups = one.open_since(), grid_groups(one.configurations)
            for places in CHOICES:
                walked = walk_forward(one.returns, weights=[1 / places] * places, open_since=since, groups=groups)
                found[f"{places} chosen, costs {multiple:g}×"] = walked.stitched
        return found

    def adaptation_compared(self, grid: GridSweep) -> AdaptationComparison:
        """The grid again with the parameters of the normal regime at all times; counted as trials of their own.

        Parameters
        ----------
        grid : GridSweep
            From `sweep_grid`.

        Returns
        -------
        AdaptationComparison
        """
        base = grid.swept
        fixed = sweep(ResearchMarket.of(base.market.closes), base.configurations, self.policy, costs=base.costs)
        self._count([f"{one.name}, not adapted" for one in base.configurations], "adaptation compared")
        return compare_adaptation(base, fixed)

    def choose(self, grid: GridSweep, *, bootstraps: int = 1_000, seed: int = 0) -> Choice:
        """Walk forward, judge robustness, test all trials together, and choose the policy's ten.

        Parameters
        ----------
        grid : GridSweep
            From `sweep_grid`.
        bootstraps : int
            Samples behind the tests over all trials.
        seed : int
            Of the bootstraps.

        Returns
        -------
        Choice
        """
        base, policy = grid.swept, self.policy
        self.progress("walking forward", 0, 4)
        walked = walk_forward(
            base.returns,
            weights=[weight for _, weight in tier_weights_by_rank(policy)],
            open_since=base.open_since(),
            likeness=policy.tiers.rebalancing.correlation_above,
            groups=grid_groups(base.configurations),
        )
        self.progress("neighbouring parameters", 1, 4)
        neighbours = neighbour_profits(base.market, base.configurations, policy, base.costs)
        robustness = judge_robustness(walked, grid.sweeps, neighbours)
        self.progress("tests over all trials", 2, 4)
        generator = np.random.default_rng(seed)
        evidence = gather_evidence(
            base.returns,
            generator=generator,
            trial_count=max(self.trials, base.trial_count),
            settings=GateSettings(bootstraps=bootstraps),
        )
        selection = select_strategies(
            base.returns, policy, generator=generator, robustness=robustness, evidence=evidence, walked=walked
        )
        self.progress("chosen", 4, 4)
        return Choice(grid, walked, robustness, selection)

    def rebalanced(self, choice: Choice) -> SimulatedRebalancing:
        """The tier rule through history: weekly and triggered rebalancing, with its costs.

        Parameters
        ----------
        choice : Choice
            The strategies and their tiers.

        Returns
        -------
        SimulatedRebalancing
        """
        base = choice.grid.swept
        columns = base.returns.columns.get_indexer(pd.Index(choice.returns.columns))
        return simulate_rebalancing(
            choice.returns,
            base.market.regimes,
            choice.tiers,
            self.policy,
            cost_rates=base.moving_costs(self.policy)[:, columns],
        )

    def drift(self, choice: Choice, rebalanced: SimulatedRebalancing) -> DriftReport:
        """How far the weights of the last day are from where the tier rule wants them on its evening.

        Parameters
        ----------
        choice : Choice
            The strategies and their tiers.
        rebalanced : SimulatedRebalancing
            From `rebalanced`.

        Returns
        -------
        DriftReport
        """
        target = {strategy.name: strategy.allocation for _, strategy in chosen_strategies(choice, self.policy)}
        current = {str(name): float(weight) for name, weight in rebalanced.weights.iloc[-1].items()}
        return drift_report(self.policy.tiers, target, current, choice.tiers)

    def weights_compared(self, choice: Choice, rebalanced: SimulatedRebalancing, *, seed: int = 0) -> WeightComparison:
        """The tier rule beside equal weight, inverse volatility, risk parity and HRP at equal exposure.

        Parameters
        ----------
        choice : Choice
            The strategies and their tiers.
        rebalanced : SimulatedRebalancing
            From `rebalanced`.
        seed : int
            Of the bootstrap behind the differences.

        Returns
        -------
        WeightComparison
        """
        return compare_weights(choice.returns, rebalanced.weights, generator=np.random.default_rng(seed))

    def replay(self, choice: Choice, *, first: str = "", equity: float = 1e6) -> StrategyReplay:
        """The chosen strategies through the engine, with controls and without.

        Parameters
        ----------
        choice : Choice
            The strategies.
        first : str
            ISO date of the first day; empty means as early as a calibration allows.
        equity : float
            US dollars.

        Returns
        -------
        StrategyReplay
        """
        self.progress("replaying through the engine", 0, 1)
        span = ReplaySpan(date.fromisoformat(first) if first else None, None, equity)
        chosen = chosen_strategies(choice, self.policy)
        replayed = replay_strategies(choice.grid.swept.market, self.rates, self.policy, chosen, span)
        self.progress("replayed", 1, 1)
        return replayed

    def parity(self, choice: Choice, replayed: StrategyReplay) -> Parity:
        """Whether engine and sweep make the same trades.

        Parameters
        ----------
        choice : Choice
            The strategies.
        replayed : StrategyReplay
            From `replay`.

        Returns
        -------
        Parity
        """
        return compare_books(replayed, choice.grid.swept.market, self.policy)

    def effects(self, replayed: StrategyReplay) -> pd.Series:
        """What the controls did to the profit, by reason.

        Parameters
        ----------
        replayed : StrategyReplay
            With controls and without.

        Returns
        -------
        Series
            US dollars; they add up to the difference of the two equities.
        """
        return attribute_controls(replayed).groupby("reason")["effect"].sum()

    def propose(self, choice: Choice, replayed: StrategyReplay, parity: Parity) -> Candidate:
        """The candidate strategy set and the figures of its gates; left for the decision and the report.

        Parameters
        ----------
        choice : Choice
            The strategies and their evidence.
        replayed : StrategyReplay
            Through the engine.
        parity : Parity
            Engine against sweep.

        Returns
        -------
        Candidate
        """
        found = candidate_of(choice, replayed, parity, self.rates, self.policy)
        self.keep("strategy_selection", found.result)
        return found
