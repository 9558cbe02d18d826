"""A file of events, one a line, that replays to the same decisions: where an engine began, then all it took in.

The first line holds time, equity, strategies, policy and calibration in full, so that a file needs nothing beside it.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from enum import IntEnum
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from workbench.data.files import write_atomically
from workbench.domain.calibration import Calibration
from workbench.domain.errors import DataError
from workbench.domain.policy import Policy
from workbench.domain.trading import events as happened
from workbench.domain.trading.decisions import AnyDecision
from workbench.domain.trading.modes import Regime, Tier
from workbench.domain.trading.strategies import Strategy, StrategyRecord
from workbench.engine.risk_engine import RiskEngine, Start

KINDS: dict[str, Any] = {kind.__name__: kind for kind in happened.AnyEvent.__args__}
FORMAT = 1


def write_events(path: Path, engine: RiskEngine, start: Start, events: Iterable[happened.AnyEvent]) -> None:
    """Write a file of events.

    Parameters
    ----------
    path : Path
        Replaced as a whole.
    engine : RiskEngine
        Its settings at the start go into the first line.
    start : Start
        Time and equity.
    events : iterable of Event
        In order of time.
    """
    settings = engine.settings
    head = {
        "format": FORMAT,
        "time_ns": start.time_ns,
        "equity": start.equity,
        "controls": settings.controls,
        "strategies": [asdict(strategy) for strategy in settings.strategies],
        "policy": settings.policy.model_dump(mode="json"),
        "calibration": settings.calibration.model_dump(mode="json") if settings.calibration else None,
    }
    lines = [json.dumps(head), *(json.dumps(_event_line(event)) for event in events)]
    write_atomically(path, ("\n".join(lines) + "\n").encode())


def _event_line(event: happened.AnyEvent) -> dict[str, Any]:
    line: dict[str, Any] = {"kind": type(event).__name__}
    for one in fields(event):
        value = getattr(event, one.name)
        if isinstance(value, Calibration | Policy):
            value = value.model_dump(mode="json")
        elif isinstance(value, IntEnum):
            value = value.name
        elif not isinstance(value, str | int | float | bool):
            value = dict(value)
        line[one.name] = value
    return line


def read_events(path: Path) -> tuple[RiskEngine, Start, tuple[happened.AnyEvent, ...]]:
    """Read a file of events.

    Parameters
    ----------
    path : Path
        From `write_events`.

    Returns
    -------
    tuple of (RiskEngine, Start, tuple of Event)

    Raises
    ------
    DataError
        When the file is missing, empty or of another format, or a line is not an event; with its number.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read the events of {path}: {error}") from error
    if not lines:
        raise DataError(f"{path} is empty: expected a first line that says how the engine began, then events")
    head = _parsed(path, 1, lines[0])
    if head.get("format") != FORMAT:
        raise DataError(f"{path} is no file of events of format {FORMAT}: its first line says {head.get('format')!r}")
    try:
        strategies = [_strategy(table) for table in head["strategies"]]
        policy = Policy.model_validate(head["policy"])
        calibration = Calibration.model_validate(head["calibration"]) if head["calibration"] else None
        start = Start(int(head["time_ns"]), float(head["equity"]))
        engine = RiskEngine(policy, calibration, strategies, controls=bool(head["controls"]))
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise DataError(f"{path} line 1 does not say how an engine began: {error}") from error
    return engine, start, tuple(_events(path, lines[1:]))


def _parsed(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        table = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(f"{path} line {number} is not JSON: {error}") from error
    if not isinstance(table, dict):
        raise DataError(f"{path} line {number} is not an event: expected an object, got {line[:60]}")
    return table


def _strategy(table: dict[str, Any]) -> Strategy:
    record = {**table["record"], "negative_conditions": tuple(table["record"]["negative_conditions"])}
    return Strategy(**{**table, "tier": Tier(table["tier"]), "record": StrategyRecord(**record)})


def _events(path: Path, lines: list[str]) -> Iterator[happened.AnyEvent]:
    for number, line in enumerate(lines, start=2):
        table = _parsed(path, number, line)
        kind = KINDS.get(table.pop("kind", ""))
        if kind is None:
            raise DataError(f"{path} line {number} names no known event: expected one of {', '.join(sorted(KINDS))}")
        try:
            if "calibration" in table:
                table["calibration"] = Calibration.model_validate(table["calibration"])
            if "policy" in table:
                table["policy"] = Policy.model_validate(table["policy"])
            if "regime" in table:
                table["regime"] = Regime[table["regime"]]
            yield kind(**table)
        except (TypeError, KeyError, ValidationError) as error:
            raise DataError(f"{path} line {number} is not a {kind.__name__}: {error}") from error


def write_decisions(path: Path, decisions: Iterable[AnyDecision]) -> None:
    """Write decisions, one a line, codes by name.

    Parameters
    ----------
    path : Path
        Replaced as a whole.
    decisions : iterable of Decision
        In order.
    """
    write_atomically(path, "".join(json.dumps(decision_line(one)) + "\n" for one in decisions).encode())


def decision_line(decision: AnyDecision) -> dict[str, Any]:
    """One decision as plain JSON.

    Parameters
    ----------
    decision : Decision
        Any.

    Returns
    -------
    dict
        ``kind`` and its fields; a number that is none or infinite is a string.
    """
    line: dict[str, Any] = {"kind": type(decision).__name__}
    for one in fields(decision):
        value = getattr(decision, one.name)
        if isinstance(value, IntEnum):
            value = value.name
        elif isinstance(value, float) and not abs(value) < float("inf"):
            value = str(value)
        line[one.name] = value
    return line
