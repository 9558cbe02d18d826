"""Rows of the journal: what is handed in, what is stored, and where it ends.

Where it ends is also kept in a small file beside it (`HeadFile`). SQLite drops the end of a write-ahead log that is
damaged without a word, and a shorter journal is as sound as a long one: only what is known outside it tells.
"""

import os
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from workbench.data.files import reason_of
from workbench.domain.errors import DataError

HEAD_FILE = "journal.head"
TRIES = 3
"""Times the file is read before it counts as damaged: its writer may be in the middle of it."""


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


@dataclass(frozen=True, slots=True)
class Told:
    """Where a journal ended when a write was last acknowledged, and the id of that journal."""

    journal: str
    head: Head


def told_line(journal: str, sequence: int, digest: bytes) -> bytes:
    """What the file beside a journal holds: one line of fixed length, with a checksum.

    Parameters
    ----------
    journal : str
        Its id.
    sequence, digest : int, bytes
        Of its last row.

    Returns
    -------
    bytes
    """
    text = f"{journal} {sequence:020d} {digest.hex()}".encode()
    return text + b" %08x\n" % zlib.crc32(text)


def told_head(folder: Path) -> Told | None:
    """What the file beside a journal says.

    Parameters
    ----------
    folder : Path
        Of the journal.

    Returns
    -------
    Told or None
        None when there is no such file, or nothing in it yet.

    Raises
    ------
    DataError
        When it cannot be read.
    """
    path = folder / HEAD_FILE
    for _ in range(TRIES):
        try:
            content = path.read_bytes() if path.is_file() or not path.exists() else b"no file"
        except FileNotFoundError:
            return None
        except OSError as error:
            raise DataError(f"cannot read {path}: {reason_of(error)}") from error
        if not content:
            return None
        if told := _told(content):
            return told
    raise DataError(f"{path} is damaged")


def _told(content: bytes) -> Told | None:
    with suppress(ValueError):
        journal, sequence, digest, _ = content.decode("ascii").split()
        if told_line(journal, int(sequence), bytes.fromhex(digest)) == content:
            return Told(journal, Head(int(sequence), digest))
    return None


class HeadFile:
    """Keeps the head of a journal beside it, for as long as the journal is open.

    It is not flushed: it outlives a kill, and after a loss of power it may be older than the journal, which proves
    nothing. A head that cannot be written is left out for the same reason: no loop ends for that.

    Parameters
    ----------
    folder : Path
        Of the journal.

    Attributes
    ----------
    told : Told or None
        What it said before.
    trouble : str
        Why it is of no use this time; empty when it is.
    """

    def __init__(self, folder: Path) -> None:
        self.told: Told | None = None
        self.trouble, self._file = "", -1
        try:
            self.told = told_head(folder)
        except DataError as error:
            self.trouble = str(error)
        path = folder / HEAD_FILE
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            if self.told is None:
                os.ftruncate(self._file, 0)
        except OSError as error:
            self.trouble = self.trouble or f"cannot write {path}: {reason_of(error)}"

    def keep(self, journal: str, sequence: int, digest: bytes) -> None:
        """Keep where the journal ends now.

        Parameters
        ----------
        journal : str
            Its id.
        sequence, digest : int, bytes
            Of its last row.
        """
        with suppress(OSError):
            os.pwrite(self._file, told_line(journal, sequence, digest), 0)

    def close(self) -> None:
        """Let go of the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


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
