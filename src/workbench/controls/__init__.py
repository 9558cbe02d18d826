"""Controls: ladders, modes, stress score, market condition. Pure rules on numbers."""

from workbench.controls.conditions import active_strategies, is_eligible
from workbench.controls.modes import NEXT_MODE, Trigger, mode_diagram
from workbench.controls.stress_score import stress_score

__all__ = ["NEXT_MODE", "Trigger", "active_strategies", "is_eligible", "mode_diagram", "stress_score"]
