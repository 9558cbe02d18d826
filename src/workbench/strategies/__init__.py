"""Strategies: signals, the grid, and the positions they lead to."""

from workbench.strategies import signals as _registered  # noqa: F401
from workbench.strategies.adaptation import Marks, adapted_reading, regime_codes, side_at_marks
from workbench.strategies.grid import PROFILES, Configuration, grid_from_table, strategy_grid
from workbench.strategies.positions import Bars, Exits, bar_starts, walk
from workbench.strategies.protocol import SIGNALS, Signal, find_signal, register

__all__ = [
    "PROFILES",
    "SIGNALS",
    "Bars",
    "Configuration",
    "Exits",
    "Marks",
    "Signal",
    "adapted_reading",
    "bar_starts",
    "find_signal",
    "grid_from_table",
    "regime_codes",
    "register",
    "side_at_marks",
    "strategy_grid",
    "walk",
]
