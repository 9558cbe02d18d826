"""What writer and readers ask a journal alike."""

import hashlib
import heapq
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw

from workbench.data.journal.rows import Head, RowKind, StoredRow, Told, stored_row
from workbench.data.journal.storage import meta_value, reading
from workbench.domain.errors import DataError

if TYPE_CHECKING:
    from workbench.data.journal.chain import Chain

# `chain` brings the library of the signatures and every event's class, 30 MB: a viewer that only looks at what is shown
# must not pay for it, so it is imported where it is needed
ROWS_AT_A_TIME = 1_000
"""Rows are fetched in groups, so that a slow reader does not keep SQLite from cleaning up behind the writer."""
FIRST_SEQUENCE = -(2**63)
LAST_SEQUENCE = 2**63 - 1
EVERY_KIND = -1
_ROWS = (
    "SELECT sequence, time_ns, epoch, kind, body, digest FROM journal "
    "WHERE sequence > ? AND sequence <= ? AND (? >> kind) & 1 ORDER BY sequence LIMIT ?"
)
"""Kinds wanted are the bits of a mask."""
_ROWS_OF_A_KIND = (
    "SELECT sequence, time_ns, epoch, kind, body, digest FROM journal "
    "WHERE sequence > ? AND sequence <= ? AND kind = ? AND kind <> 7 ORDER BY sequence LIMIT ?"
)
"""Found by the index that leaves the quotes out, which SQLite takes only for a statement that does so too."""
_ROWS_UNCHECKED = (
    "SELECT sequence, time_ns, epoch, kind, body, digest FROM journal WHERE sequence > ? ORDER BY sequence LIMIT ?"
)
_LAST_ROW = "SELECT sequence, time_ns, epoch, kind, body, digest FROM journal ORDER BY sequence DESC LIMIT 1"


def columns_of_rows(connection: apsw.Connection, after: int = FIRST_SEQUENCE) -> Iterator[tuple[object, ...]]:
    """Rows as they are, unchecked, in order.

    Parameters
    ----------
    connection : apsw.Connection
        To a journal.
    after : int
        Sequence before the first one wanted.

    Yields
    ------
    tuple
        Sequence, time, epoch, kind, body and digest.
    """
    while found := _fetched(connection, _ROWS_UNCHECKED, (after, ROWS_AT_A_TIME)):
        yield from found
        after = found[-1][0]


def _fetched(connection: apsw.Connection, statement: str, bindings: tuple[object, ...] = ()) -> list[Any]:
    """Rows of a statement; what is in their columns is for the caller to check."""
    return connection.execute(statement, bindings).fetchall()


def rows_between(
    connection: apsw.Connection, place: Path, bounds: tuple[int, int], kinds: Collection[RowKind] | None
) -> Iterator[StoredRow]:
    """Rows of some kinds, in order.

    Parameters
    ----------
    connection : apsw.Connection
        To a journal.
    place : Path
        Where it is.
    bounds : tuple of int
        Sequence before the first one wanted, and the last one wanted.
    kinds : collection of RowKind or None
        None for all.

    Yields
    ------
    StoredRow

    Raises
    ------
    DataError
        When the file is damaged.
    """
    wanted = frozenset(RowKind) if kinds is None else frozenset(kinds)
    if kinds is None or RowKind.TICK in wanted:
        mask = EVERY_KIND if kinds is None else sum(1 << kind for kind in wanted)
        yield from _in_groups(connection, place, bounds, (_ROWS, mask))
        return
    each = [_in_groups(connection, place, bounds, (_ROWS_OF_A_KIND, int(kind))) for kind in sorted(wanted)]
    yield from heapq.merge(*each, key=attrgetter("sequence"))


def _in_groups(
    connection: apsw.Connection, place: Path, bounds: tuple[int, int], query: tuple[str, int]
) -> Iterator[StoredRow]:
    after, upto = bounds
    statement, what = query
    while True:
        with reading(place):
            found = _fetched(connection, statement, (after, upto, what, ROWS_AT_A_TIME))
        for values in found:
            yield stored_row(values)
        if len(found) < ROWS_AT_A_TIME:
            return
        after = found[-1][0]


def head_of(connection: apsw.Connection, journal: str) -> Head:
    """Where the journal ends.

    Parameters
    ----------
    connection : apsw.Connection
        To a journal.
    journal : str
        Its id.

    Returns
    -------
    Head
    """
    found = _fetched(connection, _LAST_ROW)
    if not found:
        from workbench.data.journal.chain import first_digest

        return Head(0, first_digest(journal).hex())
    row = stored_row(found[0])
    return Head(row.sequence, row.digest.hex())


def shown_of(connection: apsw.Connection, key: str) -> str | None:
    """A projection for viewers.

    Parameters
    ----------
    connection : apsw.Connection
        To a journal.
    key : str
        Its name.

    Returns
    -------
    str or None
        JSON; None when it was never shown.
    """
    found = _fetched(connection, "SELECT body FROM shown WHERE key=?", (key,))
    return str(found[0][0]) if found else None


def changes_of(connection: apsw.Connection) -> int:
    """A number that is another one after every commit of another connection.

    Parameters
    ----------
    connection : apsw.Connection
        To a journal.

    Returns
    -------
    int
    """
    number: int = _fetched(connection, "PRAGMA data_version")[0][0]
    return number


def shown_keys(connection: apsw.Connection, beginning: str) -> list[str]:
    """Names of the projections for viewers.

    Parameters
    ----------
    connection : apsw.Connection
        To a journal.
    beginning : str
        What their names begin with.

    Returns
    -------
    list of str
        Sorted.
    """
    found = _fetched(
        connection, "SELECT key FROM shown WHERE substr(key, 1, ?) = ? ORDER BY key", (len(beginning), beginning)
    )
    return [str(key) for (key,) in found]


def follow_tail(connection: apsw.Connection, journal: str, trusted: frozenset[str] | None) -> "tuple[Chain, int, int]":
    """Check the rows from the last checkpoint to the end.

    Parameters
    ----------
    connection : apsw.Connection
        To a journal.
    journal : str
        Its id.
    trusted : frozenset of str or None
        Public keys whose signatures count; None for any.

    Returns
    -------
    tuple of (Chain, int, int)
        The walk at the head, the sequence of the last checkpoint (0 for none), and the time of the last row.

    Raises
    ------
    BrokenChainError
        At the first row that is not the one that was written.
    """
    from workbench.data.journal.chain import BrokenChainError, Chain, first_digest

    statement = "SELECT sequence FROM journal WHERE kind=? ORDER BY sequence DESC LIMIT 1"
    found = _fetched(connection, statement, (int(RowKind.CHECKPOINT),))
    checkpoint: int = found[0][0] if found else 0
    chain, after = Chain(journal, trusted, 0, first_digest(journal)), FIRST_SEQUENCE
    if checkpoint > 1:
        after = checkpoint - 1
        digest = digest_at(connection, after)
        if digest is None:
            raise BrokenChainError(after, f"row {after} is missing or has no digest")
        chain = Chain(journal, trusted, after, digest)
    time_ns = 0
    for values in columns_of_rows(connection, after):
        time_ns = chain.follow(values).time_ns
    return chain, checkpoint, time_ns


def digest_at(connection: apsw.Connection, sequence: int) -> bytes | None:
    """Digest of a row.

    Parameters
    ----------
    connection : apsw.Connection
        To a journal.
    sequence : int
        Of the row.

    Returns
    -------
    bytes or None
        None when there is no such row.
    """
    found = _fetched(connection, "SELECT digest FROM journal WHERE sequence=?", (sequence,))
    return found[0][0] if found and isinstance(found[0][0], bytes) else None


def missing_rows(connection: apsw.Connection, path: Path, told: Told, found: Told) -> str:
    """What is missing of what was acknowledged, and what to do.

    Parameters
    ----------
    connection : apsw.Connection
        To the journal.
    path : Path
        Its file.
    told : Told
        The head that was acknowledged last.
    found : Told
        The one that is there.

    Returns
    -------
    str
        Empty when nothing is missing.
    """
    head, end = told.head, found.head.sequence
    if told.journal != found.journal:
        what = f"the journal {told.journal} is gone from {path.parent} with {head.sequence:,} acknowledged rows"
    elif head.sequence > end:
        what = f"{head.sequence - end:,} acknowledged rows are missing at the end of {path}, behind row {end}"
    elif head.sequence and digest_at(connection, head.sequence) != bytes.fromhex(head.digest):
        what = f"row {head.sequence} of {path} is not the one that was acknowledged"
    else:
        return ""
    return (
        f"{what}: a halt or a latch may be gone with them, so the book is HALTED. Keep a copy of the folder, run "
        f"`workbench audit verify --expect {head.sequence}:{head.digest}`, compare the positions with those at "
        "the broker; then two people resume"
    )


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A state after a row, and the version of what made it."""

    sequence: int
    version: str
    body: bytes


def snapshot_digest(snapshot: Snapshot, journal: str, row_digest: bytes) -> bytes:
    """Tie a snapshot to the row it was taken after.

    Parameters
    ----------
    snapshot : Snapshot
        The state.
    journal : str
        Id of the journal.
    row_digest : bytes
        Digest of the row.

    Returns
    -------
    bytes
        SHA-256.
    """
    head = f"{journal} {snapshot.sequence} {len(snapshot.version)} {snapshot.version} ".encode()
    return hashlib.sha256(head + row_digest + snapshot.body).digest()


def snapshots_of(connection: apsw.Connection, journal: str) -> Iterator[Snapshot]:
    """Snapshots of this very history, newest first; any other, or a damaged one, is passed over: rows rebuild it.

    Parameters
    ----------
    connection : apsw.Connection
        To a journal.
    journal : str
        Its id.

    Yields
    ------
    Snapshot
    """
    statement = "SELECT sequence, version, body, digest FROM snapshot ORDER BY sequence DESC, version DESC"
    for sequence, version, body, digest in _fetched(connection, statement):
        row_digest = digest_at(connection, sequence)
        if row_digest is not None and isinstance(version, str) and isinstance(body, bytes):
            snapshot = Snapshot(sequence, version, body)
            if digest == snapshot_digest(snapshot, journal, row_digest):
                yield snapshot


def has_no_tables(connection: apsw.Connection) -> bool:
    """Whether a database is empty.

    Parameters
    ----------
    connection : apsw.Connection
        To any database.

    Returns
    -------
    bool
    """
    return not _fetched(connection, "SELECT 1 FROM sqlite_schema LIMIT 1")


def epoch_of(connection: apsw.Connection) -> int:
    """Number of the writer that took the journal over last.

    Parameters
    ----------
    connection : apsw.Connection
        To a journal.

    Returns
    -------
    int

    Raises
    ------
    DataError
        When it does not say.
    """
    text = meta_value(connection, "epoch")
    if not text.isdecimal():
        raise DataError(f"expected a number as the epoch of the journal, got {text!r}: it is damaged; restore a backup")
    return int(text)
