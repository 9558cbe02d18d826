"""Bodies of rows: events, decisions and order notes as bytes. A tag first, then packed numbers or compact JSON.

The time of an event, decision or note is not in its body: it is a column of the row. Tags are stable, and no two kinds
of row share one, so that a body under the wrong kind of row is refused. Quotes are the bulk: they are packed.
"""

import json
import struct
from collections.abc import Mapping
from typing import Any

from workbench.data.journal.plain import from_plain, to_plain
from workbench.domain.currencies import PAIRS
from workbench.domain.errors import DataError
from workbench.domain.trading import decisions as decided
from workbench.domain.trading import events as happened
from workbench.domain.trading.orders import OrderNote

_PACKED_QUOTE = 1
_QUOTE = struct.Struct("<BBBdd")
"""Tag, pair, feed, bid, ask."""
_PAIR_CODES = {pair: code for code, pair in enumerate(PAIRS)}

EVENT_TAGS: dict[type, int] = {
    happened.Quote: 2,  # one whose pair or feed has no code
    happened.Fixing: 3,
    happened.DayClosed: 4,
    happened.Heartbeat: 5,
    happened.BarClosed: 6,
    happened.RegimeRead: 7,
    happened.ScheduledRisk: 8,
    happened.Fill: 9,
    happened.PositionHeld: 10,
    happened.OrderRejected: 11,
    happened.OrderUnknown: 12,
    happened.Reconciled: 13,
    happened.BrokerStatus: 14,
    happened.CalibrationAdopted: 15,
    happened.PolicyChanged: 16,
    happened.OperatorHalt: 17,
    happened.OperatorReduce: 18,
    happened.OperatorResume: 19,
    happened.OperatorEnable: 20,
    happened.BookMismatch: 21,
    happened.RepeatedIntent: 22,
    happened.OperatorCancel: 23,
}
DECISION_TAGS: dict[type, int] = {
    decided.TargetPosition: 101,
    decided.EntryRefused: 102,
    decided.CancelAll: 103,
    decided.RaiseAlert: 104,
    decided.RungReleased: 105,
    decided.ModeChanged: 106,
    decided.ConditionChanged: 107,
    decided.RegimeChanged: 108,
    decided.CautionChanged: 109,
    decided.ScopeLocked: 110,
    decided.ScopeEnabled: 111,
    decided.InputRefused: 112,
    decided.FailOver: 113,
    decided.ResumeRefused: 114,
    decided.RiskSnapshot: 115,
}
NOTE_TAGS: dict[type, int] = {OrderNote: 201}

_EVENTS = {tag: kind for kind, tag in EVENT_TAGS.items()}
_DECISIONS = {tag: kind for kind, tag in DECISION_TAGS.items()}
_NOTES = {tag: kind for kind, tag in NOTE_TAGS.items()}


def encode_event(event: happened.AnyEvent) -> bytes:
    """Write an event without its time.

    Parameters
    ----------
    event : Event
        Any of the union.

    Returns
    -------
    bytes

    Raises
    ------
    DataError
        When a field is not of its declared type.
    """
    if isinstance(event, happened.Quote):
        try:
            return _QUOTE.pack(_PACKED_QUOTE, _PAIR_CODES[event.pair], event.feed, event.bid, event.ask)
        except (KeyError, struct.error):
            pass  # a pair or feed without a code is written out
    return _tagged(EVENT_TAGS, event)


def decode_event(body: bytes, time_ns: int) -> happened.AnyEvent:
    """Read an event.

    Parameters
    ----------
    body : bytes
        From `encode_event`.
    time_ns : int
        Of the row.

    Returns
    -------
    Event

    Raises
    ------
    DataError
        When the tag is unknown or the body malformed; the caller adds where.
    """
    if body[:1] == b"\x01":
        return _quote(body, time_ns)
    event: happened.AnyEvent = _untagged(_EVENTS, body, time_ns)
    return event


def _quote(body: bytes, time_ns: int) -> happened.Quote:
    try:
        _, code, feed, bid, ask = _QUOTE.unpack(body)
        return happened.Quote(time_ns, PAIRS[code], bid, ask, feed)
    except (struct.error, IndexError) as error:
        raise DataError(f"a malformed packed quote: {error}") from error


def encode_decision(decision: decided.AnyDecision) -> bytes:
    """Write a decision without its time.

    Parameters
    ----------
    decision : Decision
        Any of the union.

    Returns
    -------
    bytes

    Raises
    ------
    DataError
        When a field is not of its declared type.
    """
    return _tagged(DECISION_TAGS, decision)


def decode_decision(body: bytes, time_ns: int) -> decided.AnyDecision:
    """Read a decision.

    Parameters
    ----------
    body : bytes
        From `encode_decision`.
    time_ns : int
        Of the row.

    Returns
    -------
    Decision

    Raises
    ------
    DataError
        When the tag is unknown or the body malformed; the caller adds where.
    """
    decision: decided.AnyDecision = _untagged(_DECISIONS, body, time_ns)
    return decision


def encode_note(note: OrderNote) -> bytes:
    """Write a step in the life of an order without its time.

    Parameters
    ----------
    note : OrderNote
        The step.

    Returns
    -------
    bytes

    Raises
    ------
    DataError
        When a field is not of its declared type.
    """
    return _tagged(NOTE_TAGS, note)


def decode_note(body: bytes, time_ns: int) -> OrderNote:
    """Read a step in the life of an order.

    Parameters
    ----------
    body : bytes
        From `encode_note`.
    time_ns : int
        Of the row.

    Returns
    -------
    OrderNote

    Raises
    ------
    DataError
        When the tag is unknown or the body malformed; the caller adds where.
    """
    note: OrderNote = _untagged(_NOTES, body, time_ns)
    return note


def encode_table(table: Mapping[str, Any]) -> bytes:
    """Write the body of a START, COMMAND, CHECKPOINT or NOTE row: a JSON object, keys sorted, no spaces.

    Parameters
    ----------
    table : mapping
        JSON values by name.

    Returns
    -------
    bytes

    Raises
    ------
    DataError
        When something in it is not JSON.
    """
    try:
        return json.dumps(dict(table), sort_keys=True, separators=(",", ":")).encode()
    except (TypeError, ValueError) as error:
        raise DataError(f"a row of the journal holds JSON only: {error}") from error


def decode_table(body: bytes) -> dict[str, Any]:
    """Read a JSON object.

    Parameters
    ----------
    body : bytes
        From `encode_table`.

    Returns
    -------
    dict

    Raises
    ------
    DataError
        When it is none.
    """
    try:
        table = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise DataError(f"not JSON: {error}") from error
    if not isinstance(table, dict):
        raise DataError(f"expected a JSON object, got {body[:60]!r}")
    return table


def _tagged(tags: dict[type, int], value: object) -> bytes:
    tag = tags.get(type(value))
    if tag is None:
        raise DataError(f"expected one of {', '.join(kind.__name__ for kind in tags)}, got a {type(value).__name__}")
    table = to_plain(value)
    del table["time_ns"]  # a column of the row
    return bytes((tag,)) + json.dumps(table, separators=(",", ":")).encode()


def _untagged(kinds: dict[int, type], body: bytes, time_ns: int) -> Any:
    kind = kinds.get(body[0]) if body else None
    if kind is None:
        raise DataError(f"an unknown tag {body[:1].hex() or 'of no bytes'}: written by a newer program, or damaged")
    try:
        return from_plain(kind, {**decode_table(body[1:]), "time_ns": time_ns})
    except DataError as error:
        raise DataError(f"not a {kind.__name__}: {error}") from error
