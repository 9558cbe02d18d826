"""The calibration registry: candidate, adopted or refused, and the way back."""

from workbench.runtime.calibrations.files import CatalogueLine, Verdict
from workbench.runtime.calibrations.registry import CalibrationRegistry

__all__ = ["CalibrationRegistry", "CatalogueLine", "Verdict"]
