"""The journal: the only writer of what happened, and the only thing a restart believes.

What `write` has taken is on the disk when it returns. A write that fails is never tried again: the journal closes for
good, the loop halts, and recovery is a start like any other.
"""

import re
import secrets
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import apsw

from workbench.data.files import make_room
from workbench.data.journal import reading, storage
from workbench.data.journal.chain import BrokenChainError, Signer, chained
from workbench.data.journal.reader import Readable
from workbench.data.journal.rows import Head, HeadFile, Row, RowKind, Told
from workbench.data.journal.storage import FencedError, JournalError
from workbench.domain.errors import ConfigError, ExecutionError, InvariantError

__all__ = ["PLAIN", "FencedError", "Journal", "JournalError", "JournalOptions"]

SNAPSHOTS_KEPT = 3
_Record = tuple[int, int, int, int, bytes, bytes]
_INSERT = "INSERT INTO journal VALUES(?, ?, ?, ?, ?, ?)"
_SHOW = "INSERT OR REPLACE INTO shown VALUES(?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class JournalOptions:
    """How a journal is kept.

    Attributes
    ----------
    vfs : str
        Name of an apsw VFS that stands in for the disk, as in a simulation: no lock file, no permissions,
        no file with the head beside it (that is no file of SQLite's, so the simulated disk does not have it).
    exclusive : bool
        Nobody else opens the file: needed under a VFS without shared memory.
    checkpoint_rows : int
        A signed checkpoint follows after so many rows.
    journal_id : str
        Twelve hexadecimal digits; empty: drawn when the journal is made.
    log_room_bytes : int
        Bytes that the write-ahead log is given at the opening, beside the disk's other work: a log that grows waits at
        every write for the file system to note its new blocks, behind whatever else this machine runs.
    """

    vfs: str = ""
    exclusive: bool = False
    checkpoint_rows: int = 20_000
    journal_id: str = ""
    log_room_bytes: int = 0

    def __post_init__(self) -> None:
        """Refuse what no journal can be kept by."""
        if self.checkpoint_rows < 1:
            raise ConfigError(f"a checkpoint needs at least 1 row before it, got {self.checkpoint_rows}")
        if not re.fullmatch(r"([0-9a-f]{12})?", self.journal_id):
            raise ConfigError(f"expected a journal id of twelve hexadecimal digits, got {self.journal_id!r}")


PLAIN = JournalOptions()


class Journal(Readable):
    """Opens a journal, or makes it, and writes it until it is closed.

    Parameters
    ----------
    folder : Path
        Where ``journal.sqlite`` is; made when missing.
    signer : Signer
        Signs checkpoints.
    options : JournalOptions
        How it is kept.

    Attributes
    ----------
    notes : tuple of str
        What people should know of how it was opened.
    lost : str
        What is missing of what was acknowledged, and what to do: the book must be halted. Empty when nothing is. It is
        found again at the next opening unless something has been written since.

    Raises
    ------
    ExecutionError
        When another loop is running on the folder, or the system refuses.
    ConfigError
        When SQLite is too old, others may write to the file, or the id is not the one expected.
    DataError
        When the file is no journal, of a newer schema, or damaged.
    """

    def __init__(self, folder: Path, signer: Signer, options: JournalOptions = PLAIN) -> None:
        storage.check_sqlite(apsw.sqlite_lib_version())
        self.folder, self._path = folder, folder / storage.DATABASE
        self._signer = signer
        self._options = options
        self._closed_because = ""
        self.notes: tuple[str, ...] = ()
        self.lost = ""
        self._head_file: HeadFile | None = None
        with ExitStack() as opened:
            if not options.vfs:
                storage.prepare_folder(folder)
                opened.enter_context(storage.locked(folder))
            with self._opening():
                self._connection = self._connect()
                opened.callback(self._let_go)
                self._check_identity()
                self._take_over()
                self._hold_against_told(opened)
            self._opened = opened.pop_all()

    def _connect(self) -> apsw.Connection:
        """Open the database; on a real disk it is made first, whole or not at all."""
        drawn = self._options.journal_id or secrets.token_hex(6)
        if not self._options.vfs and not self._path.exists():
            storage.make_database(self._path, drawn)
        connection = apsw.Connection(str(self._path), vfs=self._options.vfs or None)
        connection.set_busy_timeout(storage.BUSY_MILLISECONDS)
        if self._options.exclusive:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        if self._options.vfs and reading.has_no_tables(connection):
            storage.make_tables(connection, drawn)
        return connection

    @contextmanager
    def _opening(self) -> Iterator[None]:
        try:
            with storage.reading(self._path):
                yield
        except BrokenChainError as error:
            raise storage.hurt(self._path, error) from error

    def _check_identity(self) -> None:
        storage.check_schema(self._connection, self._path)
        mode = self._connection.execute("PRAGMA journal_mode=WAL").fetchall()
        if mode != [("wal",)]:
            raise JournalError(f"cannot keep a write-ahead log beside {self._path}: SQLite chose {mode[0][0]} instead")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._fold_log()
        self.id = storage.meta_value(self._connection, "journal")
        if self._options.journal_id not in ("", self.id):
            raise ConfigError(f"expected the journal {self._options.journal_id} in {self._path}, got {self.id}")

    def _fold_log(self) -> None:
        """Fold the write-ahead log into the database, flushed, before anything is written behind it.

        After a failed flush it may hold rows that the disk has not. A reader in the middle of something stands in the
        way; the book is not left alone for that, people are told.
        """
        [(busy, _, _)] = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        if busy:
            self.notes = (
                f"somebody has been reading the journal {self._path} for {storage.BUSY_MILLISECONDS / 1_000:g} s, so "
                "its write-ahead log was not folded into it at the start: if the disk had refused a write before, "
                "close monitor and audit and start the loop again, or a power failure may cost rows",
            )
        elif self._options.log_room_bytes:
            try:
                # zeros are no frames to SQLite, and only the holder of the lock writes here
                make_room(self._path.with_name(f"{self._path.name}-wal"), self._options.log_room_bytes)
            except ExecutionError as error:
                self.notes = (f"no room could be made for the journal's write-ahead log: {error}",)

    def _take_over(self) -> None:
        """Check the tail, then raise the epoch: whoever wrote before is refused from now on."""
        self._connection.execute("BEGIN IMMEDIATE")
        chain, self._checkpoint, self._time_ns = reading.follow_tail(self._connection, self.id, self._signer.trusted)
        self._sequence, self._digest = chain.sequence, chain.digest
        self.epoch = reading.epoch_of(self._connection) + 1
        self._connection.execute("UPDATE meta SET value=? WHERE key='epoch'", (str(self.epoch),))
        self._connection.execute("COMMIT")

    def _hold_against_told(self, opened: ExitStack) -> None:
        """Look for acknowledged rows that are missing, and go on keeping the head outside the journal."""
        if self._options.vfs:
            return
        self._head_file = opened.enter_context(closing(HeadFile(self.folder)))
        trouble, told = self._head_file.trouble, self._head_file.told
        if told is not None and told.journal != self.id and self._sequence:
            trouble = f"the head beside the journal {self._path} is of another one ({told.journal}, not {self.id})"
        elif told is not None:
            self.lost = reading.missing_rows(self._connection, self._path, told, Told(self.id, self.head))
        if trouble:
            self.notes += (f"{trouble}: whether acknowledged rows are missing at the end cannot be said",)
        if self.lost:
            self.notes += (self.lost,)
        else:
            self._head_file.keep(self.id, self._sequence, self._digest)

    @property
    def head(self) -> Head:
        """The last row on the disk."""
        return Head(self._sequence, self._digest.hex())

    def write(self, rows: Sequence[Row], shown: Mapping[str, str] | None = None) -> int:
        """Write rows, and replace what viewers see, in one transaction; a due checkpoint is signed within it.

        Parameters
        ----------
        rows : sequence of Row
            In order.
        shown : mapping of str to str, optional
            JSON by name of the projection.

        Returns
        -------
        int
            Sequence of the last of these rows, which is on the disk now; a checkpoint may come after it.

        Raises
        ------
        FencedError
            When another loop has taken over; nothing was written.
        JournalError
            When the write failed, now or earlier.
        InvariantError
            When a row cannot be stored; nothing was written.
        """
        self._refuse_when_closed()
        records = self._records(rows)
        last = records[-1][0] if records else self._sequence
        if last - self._checkpoint >= self._options.checkpoint_rows:
            records.append(self._signed(records))
        time_ns = rows[-1].time_ns if rows else self._time_ns
        with self._transaction():
            self._connection.executemany(_INSERT, records)
            if shown:
                self._connection.executemany(_SHOW, ((key, last, time_ns, body) for key, body in shown.items()))
        self._advance(records)
        return last

    def _records(self, rows: Sequence[Row]) -> list[_Record]:
        sequence, digest, epoch = self._sequence, self._digest, self.epoch
        records: list[_Record] = []
        try:
            for row in rows:
                sequence += 1
                digest = chained(digest, sequence, epoch, row)
                records.append((sequence, row.time_ns, epoch, int(row.kind), row.body, digest))
        except (struct.error, TypeError) as error:
            raise InvariantError(f"a row that cannot be stored, nothing was written: {error}, got {row!r}") from error
        return records

    def _signed(self, records: Sequence[_Record]) -> _Record:
        """Sign the last of these records, or the head when there are none."""
        sequence, time_ns, digest = self._sequence, self._time_ns, self._digest
        if records:
            sequence, time_ns, _, _, _, digest = records[-1]
        row = self._signer.checkpoint(self.id, Head(sequence, digest.hex()), time_ns)
        body_digest = chained(digest, sequence + 1, self.epoch, row)
        return sequence + 1, time_ns, self.epoch, int(row.kind), row.body, body_digest

    def _advance(self, records: Sequence[_Record]) -> None:
        if records:
            self._sequence, self._time_ns, _, kind, _, self._digest = records[-1]
            if kind == RowKind.CHECKPOINT:
                self._checkpoint = self._sequence
            if self._head_file is not None:
                self._head_file.keep(self.id, self._sequence, self._digest)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """One transaction of the writer this one still is; whatever goes wrong in it ends the journal."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._refuse_when_fenced()
            yield
            self._connection.execute("COMMIT")
        except (apsw.Error, OSError) as error:
            self._give_up(f"a write failed: {error}")
            raise JournalError(
                f"cannot write the journal {self._path}: {error}; a failed write is never tried again: stop the loop, "
                "see to the disk, then start it again"
            ) from error
        except FencedError:
            self._give_up("another loop has taken over")
            raise

    def _refuse_when_fenced(self) -> None:
        epoch = reading.epoch_of(self._connection)
        if epoch != self.epoch:
            raise FencedError(
                f"another loop has taken over {self._path} (epoch {epoch}, this one is {self.epoch}): nothing was "
                "written; stop this loop"
            )

    def _refuse_when_closed(self) -> None:
        if self._closed_because:
            raise JournalError(f"the journal {self._path} is closed for good ({self._closed_because}): start again")

    def _give_up(self, reason: str) -> None:
        """Close, and leave the file as it is: whoever starts next finds out what is in it."""
        self._closed_because = reason
        with suppress(apsw.Error, OSError):
            self._connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        self._opened.close()

    def _let_go(self) -> None:
        with suppress(apsw.Error, OSError):
            self._connection.close()

    def keep_snapshot(self, sequence: int, version: str, body: bytes) -> None:
        """Keep the state after a row, so that a start need not replay everything; only the last three are kept.

        Parameters
        ----------
        sequence : int
            Of the row.
        version : str
            Of what made the state: another version does not read it.
        body : bytes
            The state.

        Raises
        ------
        InvariantError
            When there is no such row.
        FencedError, JournalError
            As for `write`.
        """
        self._refuse_when_closed()
        with self._opening():
            row_digest = reading.digest_at(self._connection, sequence)
        if row_digest is None:
            raise InvariantError(f"a snapshot belongs to a row of the journal, got {sequence}, head {self._sequence}")
        seal = reading.snapshot_digest(reading.Snapshot(sequence, version, body), self.id, row_digest)
        with self._transaction():
            self._connection.execute(
                "INSERT OR REPLACE INTO snapshot VALUES(?, ?, ?, ?)", (sequence, version, body, seal)
            )
            self._connection.execute(
                "DELETE FROM snapshot WHERE (sequence, version) NOT IN "
                "(SELECT sequence, version FROM snapshot ORDER BY sequence DESC, version DESC LIMIT ?)",
                (SNAPSHOTS_KEPT,),
            )

    def snapshot(self, version: str) -> tuple[int, bytes] | None:
        """The newest snapshot of a version; one that is damaged or of another history is passed over.

        Parameters
        ----------
        version : str
            Of what reads it.

        Returns
        -------
        tuple of (int, bytes) or None
            Sequence it was taken after, and the state; None when there is none: replay from the beginning.
        """
        self._refuse_when_closed()
        with self._opening():
            for one in reading.snapshots_of(self._connection, self.id):
                if one.version == version:
                    return one.sequence, one.body
        return None

    def close(self, time_ns: int) -> None:
        """Sign what came since the last checkpoint, fold the write-ahead log into the file, and let go.

        Parameters
        ----------
        time_ns : int
            Now.

        Raises
        ------
        FencedError, JournalError
            As for `write`; the file and the lock are let go all the same. A journal that is closed stays so.
        """
        if self._closed_because:
            return
        self._time_ns = time_ns
        try:
            if self._sequence > self._checkpoint:
                record = self._signed([])
                with self._transaction():
                    self._connection.execute(_INSERT, record)
                self._advance([record])
            with storage.reading(self._path):
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            self._closed_because = self._closed_because or "it was closed"
            self._opened.close()
