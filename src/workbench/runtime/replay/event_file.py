"""A file of events, one a line, that replays to the same decisions: where an engine began, then all it took in.

The first line holds time, equity, strategies, policy and calibration in full, so that a file needs nothing beside it.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from workbench.data.files import write_atomically
from workbench.data.journal.plain import from_plain, to_plain
from workbench.domain.calibration import Calibration
from workbench.domain.errors import DataError
from workbench.domain.policy import Policy
from workbench.domain.trading import events as happened
from workbench.domain.trading.decisions import AnyDecision
from workbench.domain.trading.modes import Tier
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
    lines = [json.dumps(beginning_of(engine, start)), *(json.dumps(_event_line(event)) for event in events)]
    write_atomically(path, ("\n".join(lines) + "\n").encode())


def beginning_of(engine: RiskEngine, start: Start) -> dict[str, Any]:
    """How an engine begins, in full.

    Parameters
    ----------
    engine : RiskEngine
        Its settings at the start.
    start : Start
        Time and equity.

    Returns
    -------
    dict
        Plain JSON, for `begun_from`.
    """
    settings = engine.settings
    return {
        "format": FORMAT,
        "time_ns": start.time_ns,
        "equity": start.equity,
        "controls": settings.controls,
        "strategies": [asdict(strategy) for strategy in settings.strategies],
        "policy": settings.policy.model_dump(mode="json"),
        "calibration": settings.calibration.model_dump(mode="json") if settings.calibration else None,
    }


def begun_from(head: Mapping[str, Any], place: str) -> tuple[RiskEngine, Start]:
    """An engine as it began.

    Parameters
    ----------
    head : mapping
        From `beginning_of`.
    place : str
        Where it was read, for the error.

    Returns
    -------
    tuple of (RiskEngine, Start)

    Raises
    ------
    DataError
        When it is of another format, or does not say how an engine began.
    """
    if head.get("format") != FORMAT:
        raise DataError(f"{place} is no beginning of format {FORMAT}: it says {head.get('format')!r}")
    try:
        strategies = [_strategy(table) for table in head["strategies"]]
        policy = Policy.model_validate(head["policy"])
        calibration = Calibration.model_validate(head["calibration"]) if head["calibration"] else None
        start = Start(int(head["time_ns"]), float(head["equity"]))
        engine = RiskEngine(policy, calibration, strategies, controls=bool(head["controls"]))
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise DataError(f"{place} does not say how an engine began: {error}") from error
    return engine, start


def _event_line(event: happened.AnyEvent) -> dict[str, Any]:
    return {"kind": type(event).__name__, **to_plain(event)}


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
    engine, start = begun_from(head, f"{path} line 1")
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
            yield from_plain(kind, table)
        except DataError as error:
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
    line = {"kind": type(decision).__name__, **to_plain(decision)}
    return {name: str(value) if _is_no_number(value) else value for name, value in line.items()}


def _is_no_number(value: object) -> bool:
    return isinstance(value, float) and not isfinite(value)
