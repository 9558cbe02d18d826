"""Decisions: everything the engine can say. What people see is a decision; monitor and alerts show only these."""

from dataclasses import dataclass

from workbench.domain.trading.modes import Condition, Ladder, Mode, Regime
from workbench.domain.trading.reasons import Reason


@dataclass(frozen=True, slots=True)
class Decision:
    """Something decided at `time_ns`, why, and under which policy (hash) and calibration (id)."""

    time_ns: int
    reason: Reason
    policy: str
    calibration: str


@dataclass(frozen=True, slots=True)
class TargetPosition(Decision):
    """Hold so many units from now on: an absolute target, so that saying it twice changes nothing."""

    strategy: str
    pair: str
    units: float
    before: float
    intent: int


@dataclass(frozen=True, slots=True)
class EntryRefused(Decision):
    """A strategy wanted to enter, turn or grow, and may not."""

    strategy: str
    pair: str


@dataclass(frozen=True, slots=True)
class CancelAll(Decision):
    """Cancel every order that waits at the broker."""


@dataclass(frozen=True, slots=True)
class RaiseAlert(Decision):
    """Tell people: 1 information, 2 warning, 3 urgent, 4 emergency; the action is due within so many seconds."""

    level: int
    metric: float
    trigger: float
    due_seconds: float
    ladder: Ladder | None = None
    rung: int = 0
    strategy: str = ""


@dataclass(frozen=True, slots=True)
class RungReleased(Decision):
    """A rung no longer holds."""

    ladder: Ladder
    rung: int
    metric: float


@dataclass(frozen=True, slots=True)
class ModeChanged(Decision):
    """The book's mode."""

    before: Mode
    after: Mode


@dataclass(frozen=True, slots=True)
class ConditionChanged(Decision):
    """The market condition, and what it allows."""

    before: Condition
    after: Condition
    strategies: int
    exposure_cap: float
    confirmations: int


@dataclass(frozen=True, slots=True)
class RegimeChanged(Decision):
    """The regime, and what strategies adapt to it."""

    before: Regime
    after: Regime
    stop_distance: float
    minimum_hold_bars: int
    windows: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class CautionChanged(Decision):
    """Entries stop at a first reading above a trigger, before a second one confirms it; or go on again."""

    stopped: bool
    metric: float


@dataclass(frozen=True, slots=True)
class ScopeLocked(Decision):
    """One strategy, or all of a tier, is locked until two people enable it."""

    scope: str
    metric: float
    limit: float


@dataclass(frozen=True, slots=True)
class ScopeEnabled(Decision):
    """A locked strategy may trade again."""

    scope: str


@dataclass(frozen=True, slots=True)
class InputRefused(Decision):
    """A quote or fill was not used."""

    what: str
    value: float


@dataclass(frozen=True, slots=True)
class FailOver(Decision):
    """The feed prices are taken from now on: 0 primary, 1 backup."""

    feed: int


@dataclass(frozen=True, slots=True)
class ResumeRefused(Decision):
    """Trading was not resumed."""

    ladder: Ladder | None
    metric: float
    trigger: float


@dataclass(frozen=True, slots=True)
class RiskSnapshot(Decision):
    """The book at a moment: money in US dollars, risk as positive fractions of equity.

    Drawdowns of strategies and tiers are fractions of the capital they work with; rows are by strategy unless named.
    """

    mode: Mode
    condition: Condition
    regime: Regime
    equity: float
    peak: float
    drawdown: float
    value_at_risk_95: float
    expected_shortfall_975: float
    volatility_ratio: float
    volatility_source: str
    correlation_mean: float
    correlation_drift: float
    turbulence: float
    stress_score: float
    missing_parts: tuple[str, ...]
    cap: float
    units: tuple[tuple[str, float], ...]
    profit: tuple[tuple[str, float], ...]
    profit_by_pair: tuple[tuple[str, float], ...]
    strategy_drawdown: tuple[tuple[str, float], ...]
    tier_drawdown: tuple[tuple[str, float], ...]
    component_value_at_risk: tuple[tuple[str, float], ...]


AnyDecision = (
    TargetPosition
    | EntryRefused
    | CancelAll
    | RaiseAlert
    | RungReleased
    | ModeChanged
    | ConditionChanged
    | RegimeChanged
    | CautionChanged
    | ScopeLocked
    | ScopeEnabled
    | InputRefused
    | FailOver
    | ResumeRefused
    | RiskSnapshot
)
"""The closed union `RiskEngine.step` returns."""
