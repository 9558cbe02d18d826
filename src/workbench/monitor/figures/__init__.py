"""Figures for notebooks and reports: matplotlib, drawn from plain arrays and tables; and some that answer choices."""

from workbench.monitor.figures.drills import drill_due, drill_times
from workbench.monitor.figures.interactive import (
    curve_explorer,
    grid_explorer,
    overfitting_explorer,
    regime_explorer,
    walk_forward_explorer,
)
from workbench.monitor.figures.market import (
    alarms,
    correlations,
    early_warning,
    largest_moves,
    leg_values,
    regimes,
    volatility_ratio,
    warning_skill,
)
from workbench.monitor.figures.replay import modes, replay
from workbench.monitor.figures.research import (
    backtest_length,
    by_part,
    control_effects,
    degradation,
    engine_equity,
    grid,
    overfitting,
    scatter_of_probabilities,
    tier_weights,
    walk_forward,
)
from workbench.monitor.figures.risk import contributions, model_race, residual_quantiles, value_at_risk, volatility
from workbench.monitor.figures.stress import (
    control_waterfall,
    crisis_drawdowns,
    drawdown_fan,
    equity_fan,
    reverse_distances,
)

__all__ = [
    "alarms",
    "backtest_length",
    "by_part",
    "contributions",
    "control_effects",
    "control_waterfall",
    "correlations",
    "crisis_drawdowns",
    "curve_explorer",
    "degradation",
    "drawdown_fan",
    "drill_due",
    "drill_times",
    "early_warning",
    "engine_equity",
    "equity_fan",
    "grid",
    "grid_explorer",
    "largest_moves",
    "leg_values",
    "model_race",
    "modes",
    "overfitting",
    "overfitting_explorer",
    "regime_explorer",
    "regimes",
    "replay",
    "residual_quantiles",
    "reverse_distances",
    "scatter_of_probabilities",
    "tier_weights",
    "value_at_risk",
    "volatility",
    "volatility_ratio",
    "walk_forward",
    "walk_forward_explorer",
    "warning_skill",
]
