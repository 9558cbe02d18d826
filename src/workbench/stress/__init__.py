"""Stress: whether the book survives, and whether that is the controls or just less risk."""

from workbench.stress.comparison import Skill, control_saving, lock_in_rate, placebo, placebo_scale, skill, whipsaw
from workbench.stress.measures import (
    Resilience,
    ResilienceWeights,
    SurvivalRate,
    amplification,
    degradation,
    recovery_hours,
    resilience,
    survival,
    wealth,
)
from workbench.stress.monte_carlo import MonteCarlo, PathPlan, monte_carlo
from workbench.stress.reverse import ReverseShock, ReverseTable, reverse_shock, reverse_stress, worst_move

__all__ = [
    "MonteCarlo",
    "PathPlan",
    "Resilience",
    "ResilienceWeights",
    "ReverseShock",
    "ReverseTable",
    "Skill",
    "SurvivalRate",
    "amplification",
    "control_saving",
    "degradation",
    "lock_in_rate",
    "monte_carlo",
    "placebo",
    "placebo_scale",
    "recovery_hours",
    "resilience",
    "reverse_shock",
    "reverse_stress",
    "skill",
    "survival",
    "wealth",
    "whipsaw",
    "worst_move",
]
