"""Scripts: events written down once, and played many times, with every control or without some of them.

The plain player of `workbench.engine.player` takes the same events to the same state, mark by mark; this one stays in
compiled code from the first event to the last, so that a hundred runs of a crisis cost less than building its events.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.domain.calibration import Calibration
from workbench.domain.currencies import PAIRS
from workbench.domain.errors import DataError
from workbench.domain.policy import Policy
from workbench.domain.trading.decisions import AnyDecision, RaiseAlert
from workbench.domain.trading.events import AnyEvent, CalibrationAdopted, Fixing, Heartbeat, PolicyChanged
from workbench.domain.trading.modes import Condition, Mode, Regime
from workbench.domain.trading.strategies import Strategy
from workbench.engine.kernel.layout import (
    DECISION,
    EVENT,
    MOST_DECISIONS,
    SHOWN,
    WORK,
    DecisionKind,
    EventKind,
    records,
)
from workbench.engine.kernel.simulation import play_record
from workbench.engine.player import FILL_AFTER_NS
from workbench.engine.risk_engine import Start, new_record
from workbench.engine.settings import Settings, build_settings, renewed, switched_off
from workbench.engine.translation import DecisionReader, as_numbers

Floats = NDArray[np.float64]

ROOM = 4_096
"""Decisions a log has room for at first; it grows."""
MEASURES = (
    "equity", "drawdown", "value_at_risk", "volatility_ratio", "correlation_mean", "correlation_drift", "stress_score",
    "cap", "gross",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Broker:
    """What fills are like, by event.

    Attributes
    ----------
    spread_times : ndarray, shape (events,)
        Times the policy's half spread.
    prices : ndarray, shape (events, pairs)
        Price of the market where the engine does not see it; not a number where the good price is used.
    """

    spread_times: Floats = field(repr=False)
    prices: Floats = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Script:
    """Events as numbers, with the settings in force at each.

    Attributes
    ----------
    start : Start
        Time and equity.
    events : ndarray of EVENT
        In order of time.
    in_force : ndarray of int, shape (events,)
        Which of the settings.
    settings : tuple of Settings
        One, and one more for each calibration adopted on the way.
    synthetic : ndarray of bool
        By mark.
    broker : Broker
        How it fills.
    """

    start: Start
    events: Any = field(repr=False)
    in_force: NDArray[np.int64] = field(repr=False)
    settings: tuple[Settings, ...] = field(repr=False)
    synthetic: NDArray[np.bool_] = field(repr=False)
    broker: Broker = field(repr=False)

    def sized(self, times: float) -> "Script":
        """The same events with every position held at the start so many times as large, in whole units.

        Parameters
        ----------
        times : float
            Finite and not negative.

        Returns
        -------
        Script

        Raises
        ------
        DataError
            When `times` is no such number.
        """
        if not (np.isfinite(times) and times >= 0.0):
            raise DataError(f"a book is made so many times as large, at least 0, got {times!r}")
        events = self.events.copy()
        held = events["kind"] == EventKind.POSITION_HELD
        events["first"][held] = np.round(events["first"][held] * times)
        return replace(self, events=events)

    @property
    def held(self) -> Mapping[str, float]:
        """Units of each strategy put on at the start."""
        rows = self.events[self.events["kind"] == EventKind.POSITION_HELD]
        names = [strategy.name for strategy in self.settings[0].strategies]
        return {names[int(row["place"])]: float(row["first"]) for row in rows}


@dataclass(frozen=True, slots=True, eq=False)
class ScriptRun:
    """A script that has been played.

    Attributes
    ----------
    path : DataFrame
        One row a mark, columns as of `Played.path`.
    units, profits : DataFrame
        Same rows, one column a strategy.
    log : ndarray of DECISION
        What was decided, in order.
    settings : tuple of Settings
        Those in force, one after the other.
    since : ndarray of int
        When each came into force, UTC nanoseconds.
    """

    path: pd.DataFrame = field(repr=False)
    units: pd.DataFrame = field(repr=False)
    profits: pd.DataFrame = field(repr=False)
    log: Any = field(repr=False)
    settings: tuple[Settings, ...] = field(repr=False)
    since: NDArray[np.int64] = field(repr=False)

    @property
    def rungs(self) -> list[RaiseAlert]:
        """Alerts of ladder rungs, in order."""
        spoken = self._read(self.log[self.log["kind"] == DecisionKind.ALERT])
        return [one for one in spoken if isinstance(one, RaiseAlert) and one.ladder is not None]

    @property
    def decisions(self) -> tuple[AnyDecision, ...]:
        """All decisions in order, each under the calibration it was made with."""
        return tuple(self._read(self.log))

    def _read(self, log: Any) -> list[AnyDecision]:
        under = np.searchsorted(self.since, log["time_ns"], side="right") - 1
        readers = {place: DecisionReader(self.settings[place]) for place in set(under.tolist())}
        return [readers[place].read(one) for place, one in zip(under.tolist(), log, strict=True)]

    @property
    def largest_drawdown(self) -> float:
        """Largest drawdown over the marks, fraction of the peak; 1 when one is not a number."""
        worst = self.path["drawdown"].to_numpy().max()
        return float(worst) if np.isfinite(worst) else 1.0


def write_script(
    policy: Policy,
    calibration: Calibration | None,
    strategies: Iterable[Strategy],
    start: Start,
    events: Iterable[tuple[AnyEvent, bool]],
) -> Script:
    """Write events down as numbers.

    Parameters
    ----------
    policy : Policy
        In force.
    calibration : Calibration or None
        At the start.
    strategies : iterable of Strategy
        In the order of their slots.
    start : Start
        Time and equity.
    events : iterable of (Event, bool)
        In order of time; whether an event is synthetic. The policy may not change on the way.

    Returns
    -------
    Script

    Raises
    ------
    DataError
        When an event names something unknown, or changes the policy.
    """
    settings, written = [build_settings(policy, calibration, tuple(strategies))], list(events)
    numbers, in_force = np.zeros(len(written), EVENT), np.zeros(len(written), dtype=np.int64)
    for place, (event, _) in enumerate(written):
        if isinstance(event, PolicyChanged):
            raise DataError("a script is played under one policy: it cannot change on the way")
        if isinstance(event, CalibrationAdopted):
            settings.append(renewed(settings[0], event.calibration))
        plain = as_numbers(event, settings[0])
        numbers[place] = (event.time_ns, plain.kind, plain.place, plain.number, plain.first, plain.second, plain.values)
        in_force[place] = len(settings) - 1
    marks = [synthetic for event, synthetic in written if isinstance(event, Fixing | Heartbeat)]
    fair = Broker(np.ones(len(written)), np.full((len(written), len(PAIRS)), np.nan))
    return Script(start, numbers, in_force, tuple(settings), np.array(marks, dtype=bool), fair)


def play_rows(
    script: Script,
    without: tuple[str, ...] = (),
    *,
    fill_after_ns: int = FILL_AFTER_NS,
    changed: Mapping[str, float] | None = None,
) -> tuple[Any, Any]:
    """Play a script, and give what was noted and decided as records.

    Parameters
    ----------
    script : Script
        It is not changed.
    without : tuple of str
        As of `play_script`.
    fill_after_ns : int
        Nanoseconds from a decision to its fill.
    changed : mapping of str to float, optional
        Fields of the settings that are tried at another value.

    Returns
    -------
    tuple of (ndarray of SHOWN, ndarray of DECISION)
        One row a mark; decisions in order.

    Raises
    ------
    DataError
        When events are out of time order.
    ConfigError
        When a control is not known.
    """
    numbers = switched_off(np.concatenate([one.numbers for one in script.settings]), without)
    for name, value in (changed or {}).items():
        numbers[name] = value
    marks, room = len(script.synthetic), ROOM
    first = replace(script.settings[0], numbers=numbers[:1])
    while True:
        shown, log = records(marks, SHOWN), records(room, DECISION)
        desks = (numbers, new_record(script.start, first), records(1, WORK), records(MOST_DECISIONS, DECISION))
        text = (script.events.view(type(shown)), script.in_force, script.broker.spread_times, script.broker.prices)
        count = play_record(desks, text, fill_after_ns, shown, log)
        if count == -2:
            raise DataError("the events of the script are not in order of time")
        if count >= 0:
            return shown, log[:count]
        room *= 4


def play_script(script: Script, *, without: tuple[str, ...] = (), fill_after_ns: int = FILL_AFTER_NS) -> ScriptRun:
    """Play a script.

    Parameters
    ----------
    script : Script
        It is not changed.
    without : tuple of str
        Names of `workbench.engine.settings.CONTROLS` or ``FACTORS`` that are switched off, or ``all`` controls.
    fill_after_ns : int
        Nanoseconds from a decision to its fill.

    Returns
    -------
    ScriptRun

    Raises
    ------
    DataError
        When events are out of time order.
    ConfigError
        When a control is not known.
    """
    return _as_run(script, *play_rows(script, without, fill_after_ns=fill_after_ns))


def _as_run(script: Script, shown: Any, log: Any) -> ScriptRun:
    names = [strategy.name for strategy in script.settings[0].strategies]
    last = np.append(shown["time_ns"][1:] != shown["time_ns"][:-1], True)
    rows = shown[last]
    times = pd.DatetimeIndex(pd.to_datetime(rows["time_ns"], utc=True), name="time")
    columns: dict[str, Any] = {name: rows[name] for name in MEASURES}
    for name, kind in (("mode", Mode), ("condition", Condition), ("regime", Regime)):
        columns[name] = [kind(value).name for value in rows[name].tolist()]
    columns["synthetic"] = script.synthetic[last]
    units, profits = (pd.DataFrame(rows[name][:, : len(names)], times, names) for name in ("units", "profits"))
    first = np.searchsorted(script.in_force, np.arange(len(script.settings)))
    since = np.array([script.start.time_ns, *script.events["time_ns"][first[1:]].tolist()], dtype=np.int64)
    return ScriptRun(pd.DataFrame(columns, times), units, profits, log.copy(), script.settings, since)
