"""Stress: whether the book survives, and whether that is the controls or just less risk."""

from workbench.stress.course import Course, stage_course
from workbench.stress.evaluation.ablation import Ablation, ablate
from workbench.stress.evaluation.comparison import (
    Skill,
    control_saving,
    lock_in_rate,
    placebo,
    placebo_scale,
    skill,
    whipsaw,
)
from workbench.stress.evaluation.measures import (
    Resilience,
    SurvivalRate,
    amplification,
    degradation,
    recovery_hours,
    resilience,
    survival,
    wealth,
)
from workbench.stress.evaluation.table import StressTable
from workbench.stress.monte_carlo import MonteCarlo, PathPlan, monte_carlo
from workbench.stress.reverse import ReverseShock, ReverseTable, reverse_shock, reverse_stress, worst_move
from workbench.stress.runs import RUNS, ScenarioRun, Staged, run_scenario
from workbench.stress.situation import Situation
from workbench.stress.staging import stage

__all__ = [
    "RUNS",
    "Ablation",
    "Course",
    "MonteCarlo",
    "PathPlan",
    "Resilience",
    "ReverseShock",
    "ReverseTable",
    "ScenarioRun",
    "Situation",
    "Skill",
    "Staged",
    "StressTable",
    "SurvivalRate",
    "ablate",
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
    "run_scenario",
    "skill",
    "stage",
    "stage_course",
    "survival",
    "wealth",
    "whipsaw",
    "worst_move",
]
