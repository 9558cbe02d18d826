"""The file under the journal: who may touch it, one writer at a time, its schema, and what SQLite says of damage."""

import errno
import fcntl
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import apsw

from workbench.data.files import cannot_write, sync_folder
from workbench.domain.errors import ConfigError, DataError, ExecutionError

DATABASE = "journal.sqlite"
LOCK = "journal.lock"
SIDE_FILES = ("-wal", "-shm")
SCHEMA = 1
APPLICATION_ID = 0x46585257
OLDEST_SQLITE = (3, 51, 3)
BUSY_MILLISECONDS = 5_000
LOCK_PAUSES_SECONDS = (0.002, 0.01, 0.03)
SYSTEM_ERRORS = (
    apsw.IOError, apsw.FullError, apsw.CantOpenError, apsw.BusyError, apsw.LockedError, apsw.PermissionsError,
    apsw.NoMemError,
)  # fmt: skip
"""What SQLite says when the disk or another process stands in the way; anything else is a damaged file."""

TABLES = {
    "journal": """CREATE TABLE journal(
    sequence INTEGER PRIMARY KEY, time_ns INTEGER NOT NULL, epoch INTEGER NOT NULL, kind INTEGER NOT NULL,
    body BLOB NOT NULL, digest BLOB NOT NULL) STRICT""",
    "meta": "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
    "snapshot": """CREATE TABLE snapshot(
    sequence INTEGER NOT NULL, version TEXT NOT NULL, body BLOB NOT NULL, digest BLOB NOT NULL,
    PRIMARY KEY (sequence, version)) STRICT, WITHOUT ROWID""",
    "shown": """CREATE TABLE shown(
    key TEXT PRIMARY KEY, sequence INTEGER NOT NULL, time_ns INTEGER NOT NULL, body TEXT NOT NULL)
    STRICT, WITHOUT ROWID""",
    # all but the ticks (`RowKind.TICK`) are found without reading through those
    "rows_but_ticks": "CREATE INDEX rows_but_ticks ON journal(kind, sequence) WHERE kind <> 7",
}


class JournalError(ExecutionError):
    """The journal could not be written or opened; it takes nothing more: stop, then start again."""


class OtherSchemaError(DataError):
    """The journal was written by another version of the program."""


class FencedError(JournalError):
    """Another loop has taken the journal over: this one must stop at once."""


def check_sqlite(version: str) -> None:
    """Refuse a SQLite that can corrupt a journal while others read it.

    Parameters
    ----------
    version : str
        Such as ``3.51.3``.

    Raises
    ------
    ConfigError
        When it is older than 3.51.3.
    """
    if tuple(int(part) for part in version.split(".")) < OLDEST_SQLITE:
        raise ConfigError(
            f"expected SQLite 3.51.3 or newer, got {version}: older ones can corrupt a journal that is read while it "
            "is written; install the version of apsw that requirements.lock names"
        )


def prepare_folder(folder: Path) -> None:
    """Make the folder for its owner alone, or see that nobody else can write in it.

    Parameters
    ----------
    folder : Path
        Of the journal.

    Raises
    ------
    ConfigError
        When group or others may write to the folder or the journal in it.
    ExecutionError
        When the system refuses to make it.
    """
    try:
        make_private_folder(folder)
        for path in (folder, folder / DATABASE):
            mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0
            if mode & 0o022:
                raise ConfigError(
                    f"others may write to {path} (mode {mode:04o}): nobody could trust what is in it; "
                    f"run `chmod go-w {path}`"
                )
    except OSError as error:
        raise cannot_write(folder, error) from error


def make_private_folder(folder: Path) -> None:
    """Make a folder that is its owner's alone, whatever the umask; one that is there is left alone.

    Parameters
    ----------
    folder : Path
        The folder; those above it are made as usual.
    """
    if not folder.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder; the system lets go of it when the process ends, however it ends.

    Parameters
    ----------
    folder : Path
        Of the journal.

    Yields
    ------
    None

    Raises
    ------
    ExecutionError
        When another process holds it.
    """
    path = folder / LOCK
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise cannot_write(path, error) from error
    try:
        _lock_now(handle, folder)
        try:
            os.ftruncate(handle, 0)
            os.write(handle, str(os.getpid()).encode())
        except OSError as error:
            raise cannot_write(path, error) from error
        yield
    finally:
        os.close(handle)


def lock_holder(folder: Path) -> int | None:
    """The process that holds the lock of a folder.

    Parameters
    ----------
    folder : Path
        Of the journal.

    Returns
    -------
    int or None
        Its number; 0 when it is not known; None when nobody holds the lock.
    """
    try:
        handle = os.open(folder / LOCK, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        # shared: two who ask at once must not take each other for the holder
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        written = os.read(handle, 20)
        return int(written) if written.isdigit() else 0
    else:
        return None
    finally:
        os.close(handle)


def _lock_now(handle: int, folder: Path) -> None:
    """Take the lock; who only asks whether a loop runs (`lock_holder`) holds it for a moment, so ask again."""
    for pause in LOCK_PAUSES_SECONDS:
        with suppress(BlockingIOError):
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        time.sleep(pause)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise ExecutionError(
            f"another loop is running on {folder}: only one may write; stop it first, or give this one another folder"
        ) from error


def make_database(path: Path, journal: str) -> None:
    """Make an empty journal that nobody else can read: the file appears with all its tables, or not at all.

    Parameters
    ----------
    path : Path
        Where.
    journal : str
        Its id.

    Raises
    ------
    DataError
        When the file is gone but the one SQLite kept beside it is still there.
    ExecutionError
        When the system refuses.
    """
    if path.with_name(f"{path.name}-wal").exists():
        raise DataError(
            f"{path} is gone, but {path.name}-wal beside it holds rows of it: put the file back or restore a backup "
            "(`workbench restore`); to begin anew, move the folder away"
        )
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        make_private_file(temporary)
        with closing(apsw.Connection(str(temporary))) as connection:
            make_tables(connection, journal)
        os.link(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def make_private_file(path: Path) -> None:
    """Make an empty file that its owner alone can read, whatever the umask; SQLite gives its side files the same.

    Parameters
    ----------
    path : Path
        Not there yet.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(handle, 0o600)
    finally:
        os.close(handle)


def make_tables(connection: apsw.Connection, journal: str) -> None:
    """Make the tables of an empty journal, in one transaction.

    Parameters
    ----------
    connection : apsw.Connection
        To a database without tables.
    journal : str
        Id of the journal.
    """
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
    for statement in TABLES.values():
        connection.execute(statement)
    meta = {"schema": str(SCHEMA), "journal": journal, "epoch": "0"}
    connection.executemany("INSERT INTO meta VALUES(?, ?)", meta.items())
    connection.execute("COMMIT")


def check_schema(connection: apsw.Connection, place: Path) -> None:
    """Refuse a database that is no journal, or one this program does not understand.

    Parameters
    ----------
    connection : apsw.Connection
        To the database.
    place : Path
        Where it is.

    Raises
    ------
    DataError
        Says what it is, and what to do.
    """
    [(application,)] = connection.execute("PRAGMA application_id").fetchall()
    if application != APPLICATION_ID:
        raise DataError(f"{place} is a database, but no journal: give the folder of a journal, or restore a backup")
    version = meta_value(connection, "schema")
    if not version.isdecimal() or int(version) > SCHEMA:
        raise OtherSchemaError(
            f"{place} has schema {version}, and this program knows schemas up to {SCHEMA}: run the version of the "
            "program that wrote it, or a newer one"
        )
    tables = connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()
    if sorted(tables, key=str) != sorted(TABLES.items()):
        raise hurt(place, "its tables are not those of a journal")


def meta_value(connection: apsw.Connection, key: str) -> str:
    """A value of the table ``meta``.

    Parameters
    ----------
    connection : apsw.Connection
        To a journal.
    key : str
        ``schema``, ``journal`` or ``epoch``.

    Returns
    -------
    str

    Raises
    ------
    DataError
        When there is none.
    """
    found = connection.execute("SELECT value FROM meta WHERE key=?", (key,)).fetchall()
    if len(found) != 1 or not isinstance(found[0][0], str):
        raise DataError(f"the journal does not say its {key}: it is damaged; restore a backup")
    return found[0][0]


def hurt(place: Path, why: object) -> DataError:
    """One sentence for a journal that is damaged.

    Parameters
    ----------
    place : Path
        Where it is.
    why : object
        What is wrong with it.

    Returns
    -------
    DataError
        To be raised by the caller.
    """
    return DataError(
        f"the journal {place} is damaged: {why}; run `workbench audit verify` to see how far it is good, keep the "
        "file as evidence, and restore a backup (`workbench restore`)"
    )


@contextmanager
def reading(place: Path) -> Iterator[None]:
    """Turn what SQLite says about a damaged file into one sentence.

    Parameters
    ----------
    place : Path
        The file.

    Yields
    ------
    None

    Raises
    ------
    DataError
        When SQLite cannot read it.
    JournalError
        When it is the system that refuses, not the file that is damaged.
    """
    try:
        yield
    except (*SYSTEM_ERRORS, OSError) as error:
        raise JournalError(f"cannot open the journal {place}: {error}") from error
    except (apsw.Error, UnicodeDecodeError) as error:
        raise hurt(place, f"SQLite says {str(error)!r}") from error


def open_to_read(path: Path) -> apsw.Connection:
    """Open a journal without being able to change it, also while another process writes it.

    Parameters
    ----------
    path : Path
        Its file.

    Returns
    -------
    apsw.Connection

    Raises
    ------
    DataError
        When there is none, or it cannot be read.
    """
    check_sqlite(apsw.sqlite_lib_version())
    if not path.is_file():
        raise DataError(f"there is no journal {path}: expected the file that a loop has written")
    if not os.access(path, os.R_OK):
        raise DataError(f"cannot read {path}: {os.strerror(errno.EACCES)}")
    with reading(path), ExitStack() as opened:
        connection = opened.enter_context(closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)))
        connection.set_busy_timeout(BUSY_MILLISECONDS)
        check_schema(connection, path)
        opened.pop_all()
        return connection
