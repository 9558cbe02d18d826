"""RiskEngine: `init` and `step`. A state goes in, a new state and decisions come out; nothing else is touched."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from workbench.domain.calibration import Calibration
from workbench.domain.errors import ConfigError, DataError
from workbench.domain.policy import Policy
from workbench.domain.trading.decisions import AnyDecision, RiskSnapshot
from workbench.domain.trading.events import AnyEvent, CalibrationAdopted, Heartbeat, PolicyChanged
from workbench.domain.trading.market_hours import market_time_ns
from workbench.domain.trading.modes import Condition, Mode, Regime, ScorePart, Tier
from workbench.domain.trading.reasons import Reason
from workbench.domain.trading.strategies import Strategy
from workbench.engine.kernel.layout import (
    DECISION,
    EVENT,
    MOST_DECISIONS,
    STATE,
    WORK,
    DecisionKind,
    records,
    same_records,
)
from workbench.engine.kernel.step import OUT_OF_ORDER, step_alone
from workbench.engine.settings import Settings, build_settings, renewed
from workbench.engine.translation import NO_VALUES, DecisionReader, as_numbers

NO_LEGS = np.array(NO_VALUES)
SHOWN = (DecisionKind.MODE, DecisionKind.CONDITION, DecisionKind.ALERT)
"""Decisions that come with a snapshot of the book."""
NOT_KNOWN_YET = (
    "recent", "good", "spread", "normal_spread", "value", "raw_value", "day_start", "minute_start", "metric",
    "raw_metric", "ratio", "correlation_mean", "correlation_drift", "turbulence", "score",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Start:
    """Where an engine begins: UTC nanoseconds, and equity in US dollars; positions follow as `PositionHeld`."""

    time_ns: int
    equity: float


@dataclass(frozen=True, slots=True, eq=False)
class EngineState:
    """Everything the next step needs; two states are equal when their bytes and settings are."""

    record: Any = field(repr=False)
    settings: Settings = field(repr=False)

    def __getattr__(self, name: str) -> Any:
        """Field of the STATE record."""
        if name not in STATE.names:  # type: ignore[operator]
            raise AttributeError(name)
        return self.record[name][0]

    @property
    def digest(self) -> str:
        """SHA-256 of the record."""
        return hashlib.sha256(self.record.tobytes()).hexdigest()


def new_record(start: Start, settings: Settings) -> Any:
    """A STATE record before its first event.

    Parameters
    ----------
    start : Start
        Time and equity.
    settings : Settings
        Their calibration gives the first covariance.

    Returns
    -------
    ndarray of STATE, shape (1,)

    Raises
    ------
    ConfigError
        When the equity is not positive.
    """
    if not (np.isfinite(start.equity) and start.equity > 0):
        raise ConfigError(f"equity at the start must be a positive amount, got {start.equity!r}")
    fresh = records(1, STATE)
    for name in NOT_KNOWN_YET:
        fresh[name] = np.nan
    for name in ("cash", "equity", "raw_equity", "peak"):
        fresh[name] = start.equity
    fresh["value"][0, 0] = fresh["raw_value"][0, 0] = 1.0
    fresh["time_ns"] = start.time_ns
    fresh["market_ns"] = fresh["feed_seen"] = market_time_ns(start.time_ns)
    fresh["covariance"] = settings.numbers["covariance"]
    fresh["cap"] = settings.numbers["condition_cap"][0, 0]
    return fresh


class RiskEngine:
    """The rules of a policy, under a calibration, for some strategies.

    Parameters
    ----------
    policy : Policy
        Every number.
    calibration : Calibration or None
        Without one the engine fails closed: nothing may be entered.
    strategies : sequence of Strategy
        At most sixteen, in the order of their slots.
    controls : bool
        Whether ladders, conditions and locks work; without them the same book shows what they do.

    Examples
    --------
    >>> from workbench.data.policy_file import read_policy
    >>> engine = RiskEngine(read_policy(None), None, [])
    >>> state = engine.init(Start(time_ns=0, equity=1e6))
    >>> state, decisions = engine.step(state, Heartbeat(time_ns=1))
    >>> [type(decision).__name__ for decision in decisions]
    ['RaiseAlert', 'ModeChanged', 'CancelAll', 'RiskSnapshot']
    """

    def __init__(
        self,
        policy: Policy,
        calibration: Calibration | None,
        strategies: Sequence[Strategy],
        *,
        controls: bool = True,
    ) -> None:
        self.settings = build_settings(policy, calibration, strategies, controls=controls)
        self._work, self._event = records(1, WORK), records(1, EVENT)
        self._out = records(MOST_DECISIONS, DECISION)
        self._readers: dict[int, DecisionReader] = {}

    def init(self, start: Start) -> EngineState:
        """State before the first event.

        Parameters
        ----------
        start : Start
            Time and equity.

        Returns
        -------
        EngineState
        """
        return EngineState(new_record(start, self.settings), self.settings)

    def step(self, state: EngineState, event: AnyEvent) -> tuple[EngineState, tuple[AnyDecision, ...]]:
        """Take one event in.

        Parameters
        ----------
        state : EngineState
            It is not changed.
        event : Event
            Not older than the last one.

        Returns
        -------
        tuple of (EngineState, tuple of Decision)
            The next state; what was decided, in order.

        Raises
        ------
        DataError
            When the event is out of time order, or names something unknown; the state stands.
        """
        settings = self._renewed(state.settings, event)
        plain, record = as_numbers(event, settings), same_records(state.record)
        # whole numbers would ask for another compilation
        numbers = (float(plain.first), float(plain.second))
        values = NO_LEGS if plain.values is NO_VALUES else np.array(plain.values, dtype=float)
        desks = (settings.numbers, record, self._work, self._out)
        head = (event.time_ns, int(plain.kind), plain.place, plain.number)
        count = step_alone(desks, self._event, head, numbers, values)
        if count == OUT_OF_ORDER:
            raise DataError(
                f"event {type(event).__name__} at {event.time_ns} ns is older than the last one at "
                f"{int(state.time_ns)} ns: events must come in order of time"
            )
        after = EngineState(record, settings)
        if count == 0 and not isinstance(event, Heartbeat):
            return after, ()
        return after, self._decisions(after, count, isinstance(event, Heartbeat))

    def _renewed(self, settings: Settings, event: AnyEvent) -> Settings:
        if isinstance(event, CalibrationAdopted):
            return renewed(settings, event.calibration)
        if isinstance(event, PolicyChanged):
            return build_settings(event.policy, settings.calibration, settings.strategies, controls=settings.controls)
        return settings

    def _decisions(self, state: EngineState, count: int, asked: bool) -> tuple[AnyDecision, ...]:
        reader = self._readers.get(id(state.settings))
        if reader is None:
            self._readers = {id(state.settings): (reader := DecisionReader(state.settings))}
        written = [reader.read(self._out[place]) for place in range(count)]
        kinds = set(self._out["kind"][:count].tolist())
        if asked or kinds & set(SHOWN):
            written.append(snapshot(state, reader))
        return tuple(written)


def snapshot(state: EngineState, reader: DecisionReader) -> RiskSnapshot:
    """The book as it stands.

    Parameters
    ----------
    state : EngineState
        Any.
    reader : DecisionReader
        Of its settings.

    Returns
    -------
    RiskSnapshot
    """
    one, strategies = state, state.settings.strategies
    missing = tuple(part.name.lower() for part in ScorePart if int(one.score_missing) >> part & 1)
    head = (int(one.time_ns), Reason.READING, *reader.under)
    units, profit, component = (
        tuple((strategy.name, float(values[slot])) for slot, strategy in enumerate(strategies))
        for values in (one.units, one.profit, one.component)
    )
    return RiskSnapshot(
        *head,
        Mode(int(one.mode)),
        Condition(int(one.condition)),
        Regime(int(one.regime)),
        float(one.equity),
        float(one.peak),
        float(1.0 - one.equity / one.peak),
        float(one.value_at_risk),
        float(one.shortfall),
        float(one.ratio),
        "last hour" if one.fast_wins else "daily",
        float(one.correlation_mean),
        float(one.correlation_drift),
        float(one.turbulence),
        float(one.score),
        missing,
        float(one.cap),
        units,
        profit,
        _profit_by_pair(state),
        _strategy_drawdowns(state),
        _tier_drawdowns(state),
        component,
    )


def _profit_by_pair(state: EngineState) -> tuple[tuple[str, float], ...]:
    total: dict[str, float] = {}
    for slot, strategy in enumerate(state.settings.strategies):
        total[strategy.pair] = total.get(strategy.pair, 0.0) + float(state.profit[slot])
    return tuple(total.items())


def _strategy_drawdowns(state: EngineState) -> tuple[tuple[str, float], ...]:
    lost, peak = state.profit_peak - state.profit, float(state.peak)
    return tuple(
        (strategy.name, float(lost[slot]) / (strategy.allocation * peak))
        for slot, strategy in enumerate(state.settings.strategies)
    )


def _tier_drawdowns(state: EngineState) -> tuple[tuple[str, float], ...]:
    rows = []
    for tier in (Tier.CORE, Tier.GROWTH, Tier.TACTICAL):
        slots = [slot for slot, strategy in enumerate(state.settings.strategies) if strategy.tier is tier]
        if slots:
            capital = sum(state.settings.strategies[slot].allocation for slot in slots) * float(state.peak)
            lost = float(state.tier_peak[tier]) - sum(float(state.profit[slot]) for slot in slots)
            rows.append((tier.name, lost / capital))
    return tuple(rows)
