"""Starting: the journal is read, the engine and the orders are rebuilt from it. There is no other way to start.

A first start writes how the engine begins, and the positions that are there. Any other start takes the newest snapshot
that this version can read, steps the events after it, and compares what that decides with what was written: decisions
a crash kept from the disk are written now, other ones stop the start.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.data.journal import codec
from workbench.data.journal.chain import chained, first_digest
from workbench.data.journal.journal import Journal
from workbench.data.journal.rows import Row, RowKind, StoredRow
from workbench.domain.errors import ConfigError, DataError, InvariantError
from workbench.domain.trading.decisions import AnyDecision, RiskSnapshot
from workbench.domain.trading.events import AnyEvent, CalibrationAdopted, PolicyChanged, PositionHeld
from workbench.domain.trading.orders import OrderNote
from workbench.engine.risk_engine import EngineState, RiskEngine, Start
from workbench.engine.settings import Settings, build_settings, renewed
from workbench.engine.snapshot import LAYOUT, restored
from workbench.execution.gateway import OrderGateway
from workbench.runtime.live.desk import stepped, units_of
from workbench.runtime.live.rows import decision_row, event_row, note_row, plain_row
from workbench.runtime.projection.memory import Memory, recollect, remembered
from workbench.runtime.replay.event_file import beginning_of, begun_from


@dataclass(frozen=True, slots=True)
class Begun:
    """A loop that may start.

    Attributes
    ----------
    engine : RiskEngine
        As it was on the first day.
    state : EngineState
        Now.
    seen : set of str
        Nonces of messages that were acted on.
    memory : Memory
        What the projection knows beside the state.
    resumed : bool
        Whether there was a journal.
    stepped : int
        Events stepped to get here.
    """

    engine: RiskEngine
    state: EngineState
    seen: set[str]
    memory: Memory
    resumed: bool
    stepped: int


def is_new(journal: Journal) -> bool:
    """Whether nothing has begun in a journal.

    Parameters
    ----------
    journal : Journal
        Open.

    Returns
    -------
    bool
    """
    return next(iter(journal.rows(kinds=(RowKind.START,))), None) is None


def begin(
    journal: Journal,
    gateway: OrderGateway,
    fresh: tuple[RiskEngine, Start],
    opening: Sequence[AnyEvent],
    world: Mapping[str, str],
) -> Begun:
    """Start from the journal, or begin one.

    Parameters
    ----------
    journal : Journal
        Open.
    gateway : OrderGateway
        Empty; it is rebuilt.
    fresh : tuple of (RiskEngine, Start)
        How a new book begins; not used when there is a journal.
    opening : sequence of Event
        What a new book begins with: its positions.
    world : mapping of str to str
        ``feed`` and ``label`` of where it lives; a journal belongs to one world.

    Returns
    -------
    Begun

    Raises
    ------
    ConfigError
        When the journal belongs to another world.
    DataError
        When the journal cannot be read.
    InvariantError
        When stepping its events gives other decisions than were written.
    """
    first = next(iter(journal.rows(kinds=(RowKind.START,))), None)
    if first is None:
        return _first_start(journal, gateway, fresh, opening, world)
    _check_first(journal, first)
    _check_world(_table(first)["world"], world)
    engine, start = beginning(first)
    state, memory, said, after, count = _stepped_on(journal, engine, start)
    missing = _missing(said, [row.body for row in journal.rows(after=after, kinds=(RowKind.DECISION,))])
    gateway.take_over(held_at_first(journal))
    for row in journal.rows(kinds=(RowKind.ORDER,)):
        _apply(gateway, memory, codec.decode_note(row.body, row.time_ns))
    now = int(state.time_ns)
    unknown = gateway.restart(now)
    note = {"kind": "started", "sentence": f"resumed after {count} events, {len(unknown)} orders to be cleared up"}
    journal.write([*missing, *map(note_row, unknown), plain_row(now, note)])
    for one in unknown:
        _apply(gateway, memory, one)
    recollect(memory, journal, engine.settings.policy)
    seen = {_table(row)["nonce"] for row in journal.rows(kinds=(RowKind.COMMAND,))}
    return Begun(engine, state, seen, memory, resumed=True, stepped=count)


def _stepped_on(
    journal: Journal, engine: RiskEngine, start: Start
) -> tuple[EngineState, Memory, list[AnyDecision], int, int]:
    """State now, what the projection knows, decisions on the way, and how many events after which row led here."""
    state, after = _newest_state(journal, engine, start)
    memory, watched = remembered(journal, state, after)
    said: list[AnyDecision] = []
    count = 0
    for row in journal.rows(after=after, kinds=(RowKind.EVENT, RowKind.TICK)):
        if row.sequence > watched:
            memory.watch(state, row.time_ns)
        state, decisions, _ = stepped(engine, state, event_of(row))
        said.extend(one for one in decisions if not isinstance(one, RiskSnapshot))
        count += 1
    return state, memory, said, after, count


def _apply(gateway: OrderGateway, memory: Memory, note: OrderNote) -> None:
    gateway.apply(note)
    memory.recent.ordered(note)


def _first_start(
    journal: Journal,
    gateway: OrderGateway,
    fresh: tuple[RiskEngine, Start],
    opening: Sequence[AnyEvent],
    world: Mapping[str, str],
) -> Begun:
    engine, start = fresh
    state = engine.init(start)
    memory = Memory.begun(state)
    said: list[AnyDecision] = []
    for event in opening:
        memory.watch(state, event.time_ns)
        state, decisions = engine.step(state, event)
        said.extend(one for one in decisions if not isinstance(one, RiskSnapshot))
    head = Row(RowKind.START, start.time_ns, codec.encode_table({**beginning_of(engine, start), "world": dict(world)}))
    note = plain_row(start.time_ns, {"kind": "started", "sentence": "a new journal begins"})
    journal.write([head, note, *map(event_row, opening), *map(decision_row, said)])
    gateway.take_over(units_of(state))
    recollect(memory, journal, engine.settings.policy)
    return Begun(engine, state, set(), memory, resumed=False, stepped=len(opening))


def beginning(row: StoredRow) -> tuple[RiskEngine, Start]:
    """The engine as a journal began with it.

    Parameters
    ----------
    row : StoredRow
        Of kind START.

    Returns
    -------
    tuple of (RiskEngine, Start)
    """
    return begun_from(_table(row), f"row {row.sequence} of the journal")


def _check_first(journal: Journal, first: StoredRow) -> None:
    """How it began is read at every start, but lies far before the rows whose digests a start checks."""
    expected = chained(first_digest(journal.id), first.sequence, first.epoch, first)
    if first.sequence != 1 or expected != first.digest:
        raise DataError(
            f"the journal in {journal.folder} is damaged: row {first.sequence} does not fit its digest; run "
            "`workbench audit verify`, keep the file as evidence, and restore a backup (`workbench restore`)"
        )


def _check_world(began: Mapping[str, str], world: Mapping[str, str]) -> None:
    if began["feed"] != world["feed"]:
        raise ConfigError(
            f"this journal belongs to {began['feed']} ({began['label']}), not to {world['feed']}: give --feed "
            f"{began['feed']} to go on with it, another --folder, or --new to move it aside and begin anew"
        )


def held_at_first(opening: Journal | Sequence[AnyEvent]) -> dict[str, float]:
    """Positions that were there before the first order.

    Parameters
    ----------
    opening : Journal or sequence of Event
        A journal, or what a new one begins with.

    Returns
    -------
    dict of str to float
        Signed units by strategy.
    """
    events: Iterable[AnyEvent] = (
        (event_of(row) for row in opening.rows(kinds=(RowKind.EVENT,))) if isinstance(opening, Journal) else opening
    )
    return {event.strategy: event.units for event in events if isinstance(event, PositionHeld)}


def event_of(row: StoredRow) -> AnyEvent:
    """Event of a row.

    Parameters
    ----------
    row : StoredRow
        Of kind EVENT.

    Returns
    -------
    Event

    Raises
    ------
    DataError
        When its body is none, with the row's number.
    """
    try:
        return codec.decode_event(row.body, row.time_ns)
    except DataError as error:
        raise DataError(f"row {row.sequence} of the journal is no event: {error}") from error


def _table(row: StoredRow) -> dict[str, Any]:
    try:
        return codec.decode_table(row.body)
    except DataError as error:
        raise DataError(f"row {row.sequence} of the journal cannot be read: {error}") from error


def _newest_state(journal: Journal, engine: RiskEngine, start: Start) -> tuple[EngineState, int]:
    """State of the newest snapshot this version can read and the row it was made after; else the very first."""
    kept = journal.snapshot(LAYOUT)
    if kept is None:
        return engine.init(start), 0
    sequence, body = kept
    return restored(body, settings_at(journal, engine.settings, sequence)), sequence


def settings_at(journal: Journal, settings: Settings, sequence: int) -> Settings:
    """Settings in force after a row: calibrations and policies are events.

    Parameters
    ----------
    journal : Journal
        Open.
    settings : Settings
        At the start.
    sequence : int
        Row up to which events count.

    Returns
    -------
    Settings
    """
    policy, calibration = settings.policy, settings.calibration
    for row in journal.rows(kinds=(RowKind.EVENT,), upto=sequence):
        event = event_of(row)
        if isinstance(event, CalibrationAdopted):
            calibration = event.calibration
        elif isinstance(event, PolicyChanged):
            policy = event.policy
    if policy is settings.policy and calibration is not None and calibration is not settings.calibration:
        return renewed(settings, calibration)
    if policy is settings.policy:
        return settings
    return build_settings(policy, calibration, settings.strategies, controls=settings.controls)


def _missing(said: list[AnyDecision], written: list[bytes]) -> list[Row]:
    """Rows of the decisions a crash kept from the disk."""
    rows = [decision_row(one) for one in said]
    for place, body in enumerate(written):
        if place >= len(rows) or rows[place].body != body:
            raise InvariantError(
                f"stepping the journal again gives another decision than the {place + 1}th one written after the last "
                "snapshot: this program or this machine computes differently. Keep the journal as evidence, run "
                "`workbench audit verify`, and start with the version that wrote it"
            )
    return rows[len(written) :]
