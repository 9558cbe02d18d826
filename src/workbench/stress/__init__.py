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

__all__ = [
    "MonteCarlo",
    "PathPlan",
    "Resilience",
    "ResilienceWeights",
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
    "skill",
    "survival",
    "wealth",
    "whipsaw",
]
