"""Rows of the journal, made from what the loop has in hand."""

from collections.abc import Mapping
from typing import Any

from workbench.data.inbox import Command
from workbench.data.journal import codec
from workbench.data.journal.rows import Row, RowKind
from workbench.domain.trading.decisions import AnyDecision
from workbench.domain.trading.events import AnyEvent, Heartbeat, Quote
from workbench.domain.trading.orders import OrderNote


def event_row(event: AnyEvent) -> Row:
    """An event as a row.

    Parameters
    ----------
    event : Event
        Any.

    Returns
    -------
    Row
    """
    kind = RowKind.TICK if isinstance(event, Quote | Heartbeat) else RowKind.EVENT
    return Row(kind, event.time_ns, codec.encode_event(event))


def decision_row(decision: AnyDecision) -> Row:
    """A decision as a row.

    Parameters
    ----------
    decision : Decision
        Any.

    Returns
    -------
    Row
    """
    return Row(RowKind.DECISION, decision.time_ns, codec.encode_decision(decision))


def note_row(note: OrderNote) -> Row:
    """A step of an order as a row.

    Parameters
    ----------
    note : OrderNote
        Any.

    Returns
    -------
    Row
    """
    return Row(RowKind.ORDER, note.time_ns, codec.encode_note(note))


def command_row(command: Command, time_ns: int, refused: str) -> Row:
    """A person's message as a row.

    Parameters
    ----------
    command : Command
        As it came.
    time_ns : int
        When the loop took it in.
    refused : str
        Why it was not acted on; empty when it was.

    Returns
    -------
    Row
    """
    table = {**command.model_dump(), "refused": refused}
    return Row(RowKind.COMMAND, time_ns, codec.encode_table(table))


def plain_row(time_ns: int, table: Mapping[str, Any]) -> Row:
    """A note on operations as a row.

    Parameters
    ----------
    time_ns : int
        When.
    table : mapping
        Its ``kind``, and what belongs to it.

    Returns
    -------
    Row
    """
    return Row(RowKind.NOTE, time_ns, codec.encode_table(table))
