"""Files that are their owner's alone: read only when nobody else can, written whole or not at all."""

import fcntl
import os
import stat
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.data.files import reason_of, write_atomically
from workbench.domain.errors import ConfigError, ExecutionError

LARGEST_BYTES = 1_000_000
OWNER_ONLY = 0o600
LOCK = "people.lock"


def read_private(path: Path) -> dict[str, object]:
    """Read a TOML file that nobody else can read; what is checked is what is read.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    dict
        Its tables. No message ever quotes the content: it may be a secret.

    Raises
    ------
    ConfigError
        When others may open it, it is not ours, no plain file, too large, or not TOML.
    FileNotFoundError
        When there is none.
    """
    content = private_bytes(path)
    try:
        return tomllib.loads(content.decode())
    except (ValueError, RecursionError):
        # neither the message of the parser nor its cause may be shown: both may quote a secret
        raise ConfigError(
            f"{path} is not valid TOML in UTF-8 (the place is not shown, it may be a secret): correct it, or put a "
            "copy of yours back"
        ) from None


def private_bytes(path: Path) -> bytes:
    """Read a file that nobody else can read; what is checked is what is read.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    bytes
        All of it.

    Raises
    ------
    ConfigError
        When others may open it, it is not ours, no plain file, or too large.
    FileNotFoundError
        When there is none.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            _check(path, os.fstat(handle))
            return file.read(LARGEST_BYTES + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {reason_of(error)}; expected a plain file of your own") from error


def _check(path: Path, about: os.stat_result) -> None:
    if not stat.S_ISREG(about.st_mode) or about.st_size > LARGEST_BYTES:
        raise ConfigError(f"expected {path} to be a plain file of at most {LARGEST_BYTES} bytes")
    if about.st_uid != os.geteuid():
        raise ConfigError(f"{path} belongs to another user: expected a file of the user who runs this")
    if about.st_mode & 0o077:
        mode = stat.S_IMODE(about.st_mode)
        raise ConfigError(f"others may open {path} (mode {mode:04o}): run `chmod 600 {path}`")


def write_private(path: Path, text: str) -> None:
    """Write a file that nobody else can read at any moment, whole or not at all.

    Parameters
    ----------
    path : Path
        Target.
    text : str
        Everything it shall hold.

    Raises
    ------
    ExecutionError
        When the system refuses; the earlier file is still there.
    """
    write_atomically(path, text.encode(), private=True)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Change the files of people one at a time: a second one who wants to waits.

    Parameters
    ----------
    folder : Path
        Holds the files; made when missing.

    Yields
    ------
    None
        While it is held.

    Raises
    ------
    ExecutionError
        When the folder cannot be written.
    """
    path = folder / LOCK
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, OWNER_ONLY)
    except OSError as error:
        raise ExecutionError(f"cannot lock {path}: {reason_of(error)}; nothing was changed") from error
    with os.fdopen(handle, "rb"):
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def quoted(text: str) -> str:
    """Text as TOML writes it; names and contacts hold no control characters.

    Parameters
    ----------
    text : str
        Anything without them.

    Returns
    -------
    str
    """
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
