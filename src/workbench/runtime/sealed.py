"""Files that can be trusted after a crash: sealed by a hash, replaced as a whole, one writer at a time."""

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from workbench.data.files import cannot_write, write_atomically
from workbench.domain.calibration import canonical_json
from workbench.domain.errors import ConfigError, DataError, ExecutionError

WAIT_SECONDS = 0.05
Kept = TypeVar("Kept", bound=BaseModel)


def write_sealed(path: Path, content: BaseModel) -> None:
    """Write a file with the hash of its own content, atomically.

    Parameters
    ----------
    path : Path
        Target.
    content : BaseModel
        What is kept.

    Raises
    ------
    ExecutionError
        When the system refuses; the earlier file is still there.
    """
    table = content.model_dump(mode="json")
    sealed = {"sha256": _hash(table), "content": table}
    write_atomically(path, (json.dumps(sealed, indent=1, sort_keys=True, allow_nan=False) + "\n").encode())


def read_sealed(path: Path, kind: type[Kept]) -> Kept:
    """Read a file that was written with `write_sealed`.

    Parameters
    ----------
    path : Path
        Source.
    kind : type
        What it holds.

    Returns
    -------
    BaseModel
        Of that kind.

    Raises
    ------
    DataError
        When the file is missing, truncated, changed since it was written, or of another kind.
    """
    try:
        sealed = json.loads(path.read_text(encoding="utf-8"))
        if sealed["sha256"] != _hash(sealed["content"]):
            raise _damaged(path, "its content does not match its hash")
        return kind.model_validate(sealed["content"])
    except OSError as error:
        raise _damaged(path, f"it cannot be read ({error.strerror})") from error
    except (ValueError, TypeError, KeyError) as error:
        why = "it does not hold what it should" if isinstance(error, ValidationError) else "it is not complete JSON"
        raise _damaged(path, why) from error


def _damaged(path: Path, why: str) -> DataError:
    return DataError(
        f"{path} is damaged: {why}; it will not be used. Move it out of the folder as evidence, then restore it from "
        "a backup, run the day again, or go back to an earlier one (`workbench calibration rollback`, `workbench "
        "strategies rollback`)"
    )


def _hash(table: object) -> str:
    return hashlib.sha256(canonical_json(table).encode()).hexdigest()


@contextmanager
def exclusive(path: Path, *, timeout_seconds: float) -> Iterator[None]:
    """Hold a lock file while writing; the system lets go of it when the process ends, however it ends.

    Parameters
    ----------
    path : Path
        Lock file; its folder is made when missing.
    timeout_seconds : float
        How long to wait for another process.

    Yields
    ------
    None

    Raises
    ------
    ExecutionError
        When another process still holds it after that time, or the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise cannot_write(path, error) from error
    try:
        _wait_for(handle, path, time.monotonic() + timeout_seconds)
        yield
    finally:
        os.close(handle)


def _wait_for(handle: int, path: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                raise ExecutionError(
                    f"another process is writing to {path.parent}: wait until it has finished, then run this again"
                ) from error
            time.sleep(WAIT_SECONDS)
        else:
            return


def append_line(path: Path, line: dict[str, Any]) -> None:
    """Append one JSON line and flush it to the disk; a line torn by an earlier crash is ended first.

    Parameters
    ----------
    path : Path
        Target.
    line : dict
        What happened.

    Raises
    ------
    ExecutionError
        When the system refuses.
    """
    append_lines(path, [line])


def append_lines(path: Path, lines: Sequence[dict[str, Any]]) -> None:
    """Append JSON lines and flush them to the disk; a line torn by an earlier crash is ended first.

    Parameters
    ----------
    path : Path
        Target.
    lines : sequence of dict
        What happened, oldest first; none leaves the file alone.

    Raises
    ------
    ExecutionError
        When the system refuses.
    """
    if not lines:
        return
    try:
        torn = path.exists() and not path.read_bytes().endswith(b"\n")
        with path.open("ab") as file:
            file.write((b"\n" if torn else b"") + b"".join(canonical_json(line).encode() + b"\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise cannot_write(path, error) from error


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read lines written by `append_line`.

    Parameters
    ----------
    path : Path
        Source; a missing file has no lines.

    Returns
    -------
    list of dict
        A line that a crash has torn is ``{"act": "unreadable", "line": ...}``.
    """
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    return [_parsed(line) for line in text.splitlines() if line]


def _parsed(line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        entry = None
    return entry if isinstance(entry, dict) else {"act": "unreadable", "line": line}


def known_names(folder: Path) -> list[str]:
    """Names of the sealed files of a registry: those that begin with a date.

    Parameters
    ----------
    folder : Path
        Of the registry.

    Returns
    -------
    list of str
        File names without ending, sorted.
    """
    return sorted(path.stem for path in folder.glob("[0-9]*.json"))


def resolve_name(folder: Path, name: str, *, what: str, listed_by: str) -> str:
    """The one file of a registry whose name begins as given.

    Parameters
    ----------
    folder : Path
        Of the registry.
    name : str
        Id, or enough of its beginning.
    what : str
        What the registry holds, in the singular.
    listed_by : str
        Command that lists them.

    Returns
    -------
    str

    Raises
    ------
    ConfigError
        When none or several begin so.
    """
    found = [known for known in known_names(folder) if name and known.startswith(name)]
    if len(found) != 1:
        got = f"{len(found)} begin with {name!r}{': ' if found else ''}{', '.join(found)}"
        raise ConfigError(f"expected the id of one {what}, but {got}; see `{listed_by}`")
    return found[0]
