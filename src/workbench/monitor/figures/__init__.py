"""Figures for notebooks and reports: matplotlib, drawn from plain arrays and tables."""

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
from workbench.monitor.figures.risk import contributions, model_race, residual_quantiles, value_at_risk, volatility

__all__ = [
    "alarms",
    "contributions",
    "correlations",
    "early_warning",
    "largest_moves",
    "leg_values",
    "model_race",
    "modes",
    "regimes",
    "replay",
    "residual_quantiles",
    "value_at_risk",
    "volatility",
    "volatility_ratio",
    "warning_skill",
]
