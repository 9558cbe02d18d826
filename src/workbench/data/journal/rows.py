"""Rows of the journal: what is handed in, what is stored, and where it ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from workbench.domain.errors import DataError


class RowKind(IntEnum):
    """What a row holds. Codes are stable: a number is never given a second meaning.

    START is how the engine began, COMMAND an operator's message with its nonce, actor and authority, CHECKPOINT a
    signature over everything before it, NOTE what operations want to remember: started, stopped, troubles, figures.
    TICK is an event too, a quote or a heartbeat, the bulk of them: all else can be found without reading through these.
    """

    START = 0
    EVENT = 1
    DECISION = 2
    ORDER = 3
    COMMAND = 4
    CHECKPOINT = 5
    NOTE = 6
    TICK = 7


@dataclass(frozen=True, slots=True)
class Row:
    """Something to be remembered, at its own time."""

    kind: RowKind
    time_ns: int
    body: bytes


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A row as it is in the journal; `digest` covers it and every row before it."""

    sequence: int
    time_ns: int
    epoch: int
    kind: RowKind
    body: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """Where a journal ends: its last sequence (0 when it is empty) and the digest there, in hexadecimal."""

    sequence: int
    digest: str


_COLUMNS = (("time_ns", int), ("epoch", int), ("kind", int), ("body", bytes), ("digest", bytes))
_KINDS = {int(kind): kind for kind in RowKind}


def stored_row(values: Sequence[object]) -> StoredRow:
    """Check the columns of a row: a damaged file may hold anything in them.

    Parameters
    ----------
    values : sequence
        Sequence, time, epoch, kind, body and digest.

    Returns
    -------
    StoredRow

    Raises
    ------
    DataError
        When a column is of another type, or the kind is unknown.
    """
    sequence, time_ns, epoch, code, body, digest = values
    if not (
        isinstance(sequence, int)
        and isinstance(time_ns, int)
        and isinstance(epoch, int)
        and isinstance(body, bytes)
        and isinstance(digest, bytes)
    ):
        wrong = [name for (name, kind), value in zip(_COLUMNS, values[1:], strict=True) if not isinstance(value, kind)]
        raise DataError(f"row {sequence} of the journal is damaged: {', '.join(wrong)} not of the right type")
    kind = _KINDS.get(code) if isinstance(code, int) else None
    if kind is None:
        raise DataError(
            f"row {sequence} of the journal is damaged: expected a kind from 0 to {max(RowKind)}, got {code!r}"
        )
    return StoredRow(sequence, time_ns, epoch, kind, body, digest)
