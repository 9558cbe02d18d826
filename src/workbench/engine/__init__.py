"""The risk engine: one step for live, replay and simulation."""

from workbench.engine.risk_engine import EngineState, RiskEngine, Start

__all__ = ["EngineState", "RiskEngine", "Start"]
