"""A small market and engines to play with; every number is synthetic."""

import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from workbench.data.policy_file import read_policy
from workbench.domain.calibration import Calibration
from workbench.domain.currencies import LEGS, PAIRS
from workbench.domain.policy import Policy
from workbench.domain.trading.events import AnyEvent, Fixing, Heartbeat, PositionHeld
from workbench.domain.trading.modes import Tier
from workbench.domain.trading.strategies import Strategy, StrategyRecord
from workbench.engine.risk_engine import EngineState, RiskEngine, Start

SECOND = 1_000_000_000
MINUTE, DAY = 60 * SECOND, 86_400 * SECOND
VALUES = {"EUR": 1.1, "JPY": 1 / 150, "GBP": 1.3, "CHF": 1.2, "AUD": 0.7, "CAD": 0.75, "NZD": 0.6}
"""US dollars per unit."""
GOOD_RECORD = StrategyRecord(drawdown=0.10, stress_survival=0.9, walk_forward=0.9, robustness=0.8)


def moment(text: str) -> int:
    """Nanoseconds of a UTC time such as 2026-11-02T12:00."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


MONDAY_NOON = moment("2026-11-02T12:00")


def small_calibration(as_of: str = "2026-10-30", correlation: float = 0.4, **changes: Any) -> Calibration:
    """Legs at 0.5 % a day, normal 0.6 %, one correlation for all."""
    matrix = correlation * np.ones((len(LEGS), len(LEGS))) + (1 - correlation) * np.eye(len(LEGS))
    leg = {"ewma_lambda": 0.94, "volatility_daily": 0.005, "normal_volatility_daily": 0.006, "garch": {}}
    content = {
        "as_of": as_of,
        "created": f"{as_of}T06:00:00+00:00",
        "data_hash": "d" * 64,
        "code_version": "test",
        "policy_hash": "p" * 64,
        "legs": dict.fromkeys(LEGS, leg),
        "normal_correlation": matrix,
        "current_correlation": matrix,
        "residual_quantiles": {
            "0.95": {"quantile": 1.6, "expected_shortfall": 2.1},
            "0.975": {"quantile": 2.0, "expected_shortfall": 2.5},
        },
        "value_at_risk": {
            "champion": "fhs-ewma", "book": "test", "equity": 1e6, "portfolio_95": 0.001, "portfolio_99": 0.002,
            "expected_shortfall_975": 0.002, "backtests": {},
        },
        "regime": {"model": "ewma ratio", "parameters": {}, "labels": [], "adopted": False, "reasons": []},
        "evidence": {},
    } | changes  # fmt: skip
    return Calibration.from_mapping(content)


def price(pair: str, values: dict[str, float] = VALUES) -> float:
    """Price of a pair from the values of its currencies."""
    return values.get(pair[:3], 1.0) / values.get(pair[3:], 1.0)


def moved(by: dict[str, float], values: dict[str, float] = VALUES) -> dict[str, float]:
    """Values after simple returns of some legs."""
    return {leg: value * (1 + by.get(leg, 0.0)) for leg, value in values.items()}


def ten_strategies() -> list[Strategy]:
    """Ten strategies that may trade, on ten pairs, six of them defensive."""
    return [
        Strategy(f"s{k}", pair, Tier(0 if k < 5 else 1 if k < 8 else 2), 0.1, defensive=k < 6, record=GOOD_RECORD)
        for k, pair in enumerate(PAIRS[:10])
    ]


def held(*pairs: str) -> list[Strategy]:
    """Positions a person put on."""
    return [Strategy(pair, pair, Tier.HELD) for pair in pairs]


@pytest.fixture(scope="session")
def market() -> Any:
    """This module: the small market."""
    return sys.modules.get(__name__) or sys.modules["small_market"]


@pytest.fixture(scope="session")
def policy() -> Policy:
    return read_policy(None)


@pytest.fixture(scope="session")
def calibration() -> Calibration:
    return small_calibration()


def run(engine: RiskEngine, state: EngineState, events: Sequence[AnyEvent]) -> tuple[EngineState, list[Any]]:
    """Take events in; all decisions in order."""
    said: list[Any] = []
    for event in events:
        state, decisions = engine.step(state, event)
        said.extend(decisions)
    return state, said


@pytest.fixture
def book(policy: Policy, calibration: Calibration) -> Callable[..., tuple[RiskEngine, EngineState]]:
    """Engine and state with positions held since Monday noon: units by pair, equity in US dollars."""

    def build(units: dict[str, float], equity: float = 1e6) -> tuple[RiskEngine, EngineState]:
        engine = RiskEngine(policy, calibration, held(*units))
        events = [Fixing(MONDAY_NOON, VALUES)]
        events += [PositionHeld(MONDAY_NOON, pair, size, price(pair)) for pair, size in units.items()]
        state, _ = run(engine, engine.init(Start(MONDAY_NOON, equity)), [*events, Heartbeat(MONDAY_NOON)])
        return engine, state

    return build
