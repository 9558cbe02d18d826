"""Portfolio: how large a position may be, and how the capital is divided."""

from workbench.portfolio.comparisons import WeightComparison, compare_weights
from workbench.portfolio.rebalancing import (
    DriftReport,
    Rebalance,
    SimulatedRebalancing,
    drift_report,
    rebalance,
    rebalancing_reasons,
    simulate_rebalancing,
)
from workbench.portfolio.sizing import PositionSize, SizingInputs, size_position
from workbench.portfolio.tiers import TierReading, WeightsOfTiers, tier_readings, tier_weights

__all__ = [
    "DriftReport",
    "PositionSize",
    "Rebalance",
    "SimulatedRebalancing",
    "SizingInputs",
    "TierReading",
    "WeightComparison",
    "WeightsOfTiers",
    "compare_weights",
    "drift_report",
    "rebalance",
    "rebalancing_reasons",
    "simulate_rebalancing",
    "size_position",
    "tier_readings",
    "tier_weights",
]
