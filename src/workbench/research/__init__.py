"""Research: from a grid of strategies to the few that may trade, without fooling ourselves."""

from workbench.research.evidence import Evidence, GateSettings, gather_evidence
from workbench.research.market import ResearchMarket, SweepCosts
from workbench.research.overfitting import (
    deflated_sharpe_ratio,
    expected_max_sharpe_ratio,
    minimum_backtest_length,
    minimum_track_record_length,
    probabilistic_sharpe_ratio,
    probability_of_backtest_overfitting,
    superior_predictive_ability,
)
from workbench.research.panels import noise_panel, plant_edge, shuffled_panel
from workbench.research.robustness import Robustness, cost_sweeps, judge_robustness, neighbour_profits
from workbench.research.selection import Selection, Verdict, grid_groups, select_strategies
from workbench.research.sweep import Sweep, sweep
from workbench.research.walk_forward import Schedule, WalkForward, walk_forward

__all__ = [
    "Evidence",
    "GateSettings",
    "ResearchMarket",
    "Robustness",
    "Schedule",
    "Selection",
    "Sweep",
    "SweepCosts",
    "Verdict",
    "WalkForward",
    "cost_sweeps",
    "deflated_sharpe_ratio",
    "expected_max_sharpe_ratio",
    "gather_evidence",
    "grid_groups",
    "judge_robustness",
    "minimum_backtest_length",
    "minimum_track_record_length",
    "neighbour_profits",
    "noise_panel",
    "plant_edge",
    "probabilistic_sharpe_ratio",
    "probability_of_backtest_overfitting",
    "select_strategies",
    "shuffled_panel",
    "superior_predictive_ability",
    "sweep",
    "walk_forward",
]
