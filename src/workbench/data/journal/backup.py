"""Copies of a journal: taken while the loop writes, verified, and brought back without ever leaving half of one.

A backup is one file, and beside it, with ``.pub`` after its name, the public keys its signatures are checked with. The
private key is never copied: on another machine a new one is made, and the old public ones go on to be trusted.
"""

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import apsw

from workbench.data.files import cannot_write, sync_folder, write_atomically
from workbench.data.journal import storage
from workbench.data.journal.chain import read_keys, trust, trusted_keys, write_keys
from workbench.data.journal.reading import head_of
from workbench.data.journal.rows import HEAD_FILE, Head, told_line
from workbench.data.journal.verification import verify_file
from workbench.domain.errors import DataError, ExecutionError

MOST_ASIDE = 100
"""Times the same journal can be moved aside."""


def back_up(folder: Path, target: Path) -> Head:
    """Copy a journal while a loop may be writing it.

    Parameters
    ----------
    folder : Path
        Of the journal.
    target : Path
        The new file; its folder is made when missing. The public keys go beside it.

    Returns
    -------
    Head
        Where the copy ends: keep it with the copy.

    Raises
    ------
    DataError
        When there is no journal, or it is not intact: no copy is left.
    ExecutionError
        When the target is there already, or the system refuses.
    """
    if target.exists():
        raise _in_the_way(target)
    keys = trusted_keys(folder)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _copied(folder / storage.DATABASE, target) as copy:
            head = _verified(copy, keys)
            if keys is not None:
                write_keys(keys_beside(target), keys)
            os.link(copy, target)
            sync_folder(target.parent)
    except FileExistsError as error:
        raise _in_the_way(target) from error
    except OSError as error:
        raise cannot_write(target, error) from error
    return head


def keys_beside(backup: Path) -> Path:
    """Where the public keys of a backup are.

    Parameters
    ----------
    backup : Path
        Its file.

    Returns
    -------
    Path
    """
    return backup.with_name(f"{backup.name}.pub")


def _in_the_way(path: Path) -> ExecutionError:
    return ExecutionError(f"{path} is there already and is never written over: give the copy another name")


@contextmanager
def _copied(source: Path, target: Path) -> Iterator[Path]:
    """A copy of a database in one file of its own, on the disk, beside the target; gone afterwards."""
    copy = target.with_name(f".{target.name}.{secrets.token_hex(6)}")
    try:
        with closing(storage.open_to_read(source)) as origin:
            storage.make_private_file(copy)
            with storage.reading(source):
                _copy_pages(origin, copy)
        with copy.open("rb") as file:
            os.fsync(file.fileno())
        yield copy
    finally:
        for suffix in ("", *storage.SIDE_FILES):
            with suppress(OSError):
                _beside(copy, suffix).unlink(missing_ok=True)


def _copy_pages(origin: apsw.Connection, copy: Path) -> None:
    with closing(apsw.Connection(str(copy))) as connection:
        with connection.backup("main", origin, "main") as pages:
            pages.step(-1)  # in one go: what the loop writes meanwhile is not in it
        connection.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _verified(path: Path, keys: frozenset[str] | None) -> Head:
    found = verify_file(path, keys)
    if not found.intact:
        raise DataError(f"nothing was copied: {found.sentence}")
    return found.head


def restore(source: Path, folder: Path, *, replace: bool = False) -> Head:
    """Bring a backup back; a crash at any point leaves the old journal or the new one.

    Parameters
    ----------
    source : Path
        From `back_up`; without its public keys beside it those of the folder count.
    folder : Path
        Where the journal shall be; made when missing.
    replace : bool
        Move a journal that is there aside, as ``journal-replaced-….sqlite``; it is never deleted, nor is the head that
        was kept beside it (``….sqlite.head``).

    Returns
    -------
    Head
        Where the restored journal ends.

    Raises
    ------
    DataError
        When the backup is not there or not intact; nothing was changed.
    ExecutionError
        When a loop is running on the folder, a journal is there and shall not be replaced, or the system refuses.
    """
    if not source.is_file():
        raise DataError(f"there is no backup {source}")
    target = folder / storage.DATABASE
    storage.prepare_folder(folder)
    with storage.locked(folder):
        if _remains(target) and not replace:
            raise ExecutionError(
                f"{folder} holds a journal already: to have it moved aside for the backup, say so with --replace"
            )
        try:
            return _put_in_place(source, target)
        except OSError as error:
            raise cannot_write(target, error) from error


def _put_in_place(source: Path, target: Path) -> Head:
    own, brought = trusted_keys(target.parent), read_keys(keys_beside(source))
    keys = None if own is None and brought is None else (own or frozenset()) | (brought or frozenset())
    with _copied(source, target) as copy:
        head = _verified(copy, keys)
        if brought is not None:
            trust(target.parent, brought)
        _move_aside(target)
        # before the copy is in place: the journal that is there may go on behind this head, the copy ends with it
        write_atomically(target.with_name(HEAD_FILE), _line_of(copy, head))
        copy.replace(target)
        sync_folder(target.parent)
    return head


def _line_of(copy: Path, head: Head) -> bytes:
    with closing(storage.open_to_read(copy)) as connection:
        return told_line(storage.meta_value(connection, "journal"), head.sequence, bytes.fromhex(head.digest))


def _remains(target: Path) -> list[str]:
    """Which of the files of a database are there, by what comes after its name."""
    return [suffix for suffix in ("", *storage.SIDE_FILES) if _beside(target, suffix).exists()]


def _move_aside(target: Path) -> None:
    """Give the old journal a second name; its own one is left to be replaced in one step.

    Its write-ahead log is folded into it first, so that it is whole without the files beside it. Those must be gone
    before the new file comes: SQLite would take them for a part of it.
    """
    mark, kept = _mark_of_the_old(target)
    aside = _free_name(target, mark)
    for suffix in kept:
        if not _beside(aside, suffix).exists():
            os.link(_beside(target, suffix), _beside(aside, suffix))
    told = target.with_name(HEAD_FILE)
    if told.exists() and not _beside(aside, ".head").exists():
        os.link(told, _beside(aside, ".head"))
    sync_folder(target.parent)
    for suffix in storage.SIDE_FILES:
        _beside(target, suffix).unlink(missing_ok=True)


def _mark_of_the_old(target: Path) -> tuple[str, list[str]]:
    """What to call the old journal, and which of its files to keep."""
    remains = _remains(target)
    if "" not in remains:
        return "no-file", remains
    try:
        return _folded(target).digest[:8], [""]
    except DataError:
        # it cannot be read, which may be why it is replaced: every file of it is evidence
        return hashlib.sha256(target.read_bytes()).hexdigest()[:8], remains


def _free_name(target: Path, mark: str) -> Path:
    """A name nothing has, or the one a restore that was cut off has given already."""
    ends = ("", *(f"-{number}" for number in range(2, MOST_ASIDE)))
    for aside in (target.with_name(f"journal-replaced-{mark}{end}.sqlite") for end in ends):
        if not _remains(aside) or (aside.exists() and target.exists() and aside.samefile(target)):
            return aside
    raise _in_the_way(target.with_name(f"journal-replaced-{mark}.sqlite"))


def _folded(target: Path) -> Head:
    """Fold the write-ahead log into its file."""
    with storage.reading(target), closing(apsw.Connection(str(target), flags=apsw.SQLITE_OPEN_READWRITE)) as connection:
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)  # closing a damaged one would take its log away
        connection.set_busy_timeout(storage.BUSY_MILLISECONDS)
        [(busy, _, _)] = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        if busy:
            raise ExecutionError(f"somebody is reading {target}: close monitor and audit, then restore again")
        storage.check_schema(connection, target)
        return head_of(connection, storage.meta_value(connection, "journal"))
