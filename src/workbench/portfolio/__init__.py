"""Portfolio: how large a position may be."""

from workbench.portfolio.sizing import PositionSize, SizingInputs, size_position

__all__ = ["PositionSize", "SizingInputs", "size_position"]
