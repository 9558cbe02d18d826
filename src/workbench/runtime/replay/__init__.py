"""Replay: a scenario or a file of events through the engine, its orders filled by a simple broker."""

from workbench.engine.player import Played, play, play_events
from workbench.runtime.replay.event_file import read_events, write_decisions, write_events
from workbench.runtime.replay.market import MarkPlan, Scenario, find_gaps, find_scenario, scenarios_of
from workbench.runtime.replay.scenario import ReplayOrder, ScenarioReplay, held_strategies, replay_scenario

__all__ = [
    "MarkPlan",
    "Played",
    "ReplayOrder",
    "Scenario",
    "ScenarioReplay",
    "find_gaps",
    "find_scenario",
    "held_strategies",
    "play",
    "play_events",
    "read_events",
    "replay_scenario",
    "scenarios_of",
    "write_decisions",
    "write_events",
]
