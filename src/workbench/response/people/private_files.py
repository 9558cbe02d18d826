"""Files that are their owner's alone: read only when nobody else can, written whole or not at all."""

import fcntl
import os
import re
import stat
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeVar

from workbench.data.files import reason_of, write_atomically
from workbench.domain.errors import ConfigError, ExecutionError

LARGEST_BYTES = 1_000_000
OWNER_ONLY = 0o600
LOCK = "people.lock"
LINE = re.compile(r"\(at line (\d+), column \d+\)$")
NEWLINE = b"\n"
Content = TypeVar("Content")


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
    except (ValueError, RecursionError) as error:
        # neither the message of the parser nor its cause may be shown: both may quote a secret
        raise ConfigError(
            f"{path} is not valid TOML in UTF-8, {_place(content, error)} (what stands there is not shown, it may be a "
            "secret): correct it, or put a copy of yours back"
        ) from None


def _place(content: bytes, error: Exception) -> str:
    """Where the content breaks; nothing of it, and of what the parser says only the number of the line."""
    if isinstance(error, UnicodeDecodeError):
        return f"at line {content[: error.start].count(NEWLINE) + 1}"
    if place := LINE.search(str(error)):
        return f"at line {place[1]}"
    return "at its end" if str(error).endswith("(at end of document)") else "somewhere"


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


def last_good(path: Path) -> Path:
    """Where the last good content of a file is kept, for a start while the file itself cannot be read.

    Parameters
    ----------
    path : Path
        ``roster.toml``, for example.

    Returns
    -------
    Path
        ``roster.last-good.toml`` beside it.
    """
    return path.with_name(f"{path.stem}.last-good{path.suffix}")


def keep_last_good(path: Path, text: str) -> None:
    """Keep the content of a file as its last good one, unless that is what is kept already.

    Parameters
    ----------
    path : Path
        The file itself.
    text : str
        All of it.

    Raises
    ------
    ExecutionError
        When the system refuses; the earlier copy is still there.
    """
    copy = last_good(path)
    try:
        kept = private_bytes(copy)
    except (ConfigError, FileNotFoundError):
        kept = b""
    if kept != text.encode():
        write_private(copy, text)


class OtherPeopleError(ConfigError):
    """A file that is good, and not of the people who are wanted: no earlier one may stand in for it."""


class KeptFile(Generic[Content]):
    """What a private file says; while it cannot be read, what it said, and after a start what its copy says.

    Parameters
    ----------
    path : Path
        The file.
    read : callable
        Reads the file of a name beside it.
    text : callable
        The content as the file has it, for the copy.

    Attributes
    ----------
    content : object
        The last good one.
    trouble : str
        Why the file cannot be read now; empty when it can.
    uncopied : str
        Why there is no copy of what is used; empty when there is one.

    Raises
    ------
    ConfigError
        When it cannot be read at the start and there is no copy, or it is good and not what is wanted.
    """

    def __init__(self, path: Path, read: Callable[[str], Content], text: Callable[[Content], str]) -> None:
        self._path, self._read, self._text = path, read, text
        self._seen = -1
        self._instead = self.trouble = self.uncopied = ""
        stamp = self._stamp()
        try:
            self.content = read(path.name)
        except OtherPeopleError:
            raise
        except ConfigError as error:
            self.content = self._copied(error)
            self._instead = f"; used until then: {last_good(path)}, the copy of the last good one"
            self.trouble = f"{error}{self._instead}"
        else:
            self._took(stamp)

    def _copied(self, error: ConfigError) -> Content:
        copy = last_good(self._path)
        if not copy.is_file():
            raise error
        try:
            return self._read(copy.name)
        except ConfigError:
            # what has to be corrected is the file, not its copy
            raise error from None

    def look(self) -> None:
        """Read the file again if it has changed, or could not be read."""
        stamp = self._stamp()
        if stamp == self._seen:
            # also when the very file that was read last has been put back
            self.trouble = ""
            return
        try:
            self.content = self._read(self._path.name)
        except ConfigError as error:
            self.trouble = f"{error}{self._instead}"
        else:
            self._took(stamp)

    def _took(self, stamp: int) -> None:
        self._seen, self._instead, self.trouble, self.uncopied = stamp, "", "", ""
        try:
            keep_last_good(self._path, self._text(self.content))
        except ExecutionError as error:
            self.uncopied = str(error)

    def _stamp(self) -> int:
        """When the file was changed; 0 while there is none to look at: reading it says why."""
        try:
            return self._path.stat().st_mtime_ns
        except OSError:
            return 0
