"""Risk workbench for systematic FX trading.

The folders are the architecture; `docs/architecture.md` is the map. Nothing heavy is imported here.
"""

__version__ = "0.1.0"
