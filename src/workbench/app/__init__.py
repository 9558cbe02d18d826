"""Composition root: builds everything from one set of inputs; the only room that knows all names."""

from workbench.app.environment import compiled_folder, home_folder, prepare_environment, project_root

prepare_environment()

from workbench.app.daily import LIVE_WITHIN_DAYS, DailyOrder, daily_run, daily_session  # noqa: E402 -- see above
from workbench.app.replays import (  # noqa: E402
    ReplayRequest,
    known_scenarios,
    replay_events,
    replay_scenario,
)
from workbench.app.sources import load_rates, market_store, registry, today  # noqa: E402
from workbench.app.stress import StressRequest, validate_stress  # noqa: E402
from workbench.app.weekly import (  # noqa: E402
    WeeklyOrder,
    overfitting_lab,
    strategy_registry,
    weekly_run,
    weekly_session,
)

__all__ = [
    "LIVE_WITHIN_DAYS",
    "DailyOrder",
    "ReplayRequest",
    "StressRequest",
    "WeeklyOrder",
    "compiled_folder",
    "daily_run",
    "daily_session",
    "home_folder",
    "known_scenarios",
    "load_rates",
    "market_store",
    "overfitting_lab",
    "prepare_environment",
    "project_root",
    "registry",
    "replay_events",
    "replay_scenario",
    "strategy_registry",
    "today",
    "validate_stress",
    "weekly_run",
    "weekly_session",
]
