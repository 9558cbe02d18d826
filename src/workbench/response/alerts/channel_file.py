"""``channels.toml``: the URLs of the channels, for their owner alone. No message ever shows one of them.

A part of the file that is malformed costs that part and no more: people must be paged with what is left.
"""

import os
import re
import stat
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from workbench.data.files import reason_of
from workbench.domain.errors import ConfigError
from workbench.response.alerts.channels import ADDRESS, SAMPLES, Channel, LogChannel, UrlChannel, by_name

CHANNEL_FILE, LOG_FILE = "channels.toml", "alerts.log"
LARGEST_BYTES = 100_000
NAMES = tuple(SAMPLES)
TABLE = re.compile(rb"[ \t]*\[+[ \t]*(\w|[\"'][\w.-]*[\"'][ \t]*\][ \t]*(#|[\r\n]|$))")
"""How a line begins with which a part of the file does: ``[email]``, or something that should have been one."""
PLACE = re.compile(r"\(at line (\d+), column \d+\)$")
"""All that is taken from what the TOML parser says: the rest may quote a secret."""


@dataclass(frozen=True, slots=True)
class Usable:
    """What a file of channels is good for.

    Attributes
    ----------
    channels : tuple of Channel
        Those that can be used; the log is always among them.
    left_out : tuple of str
        What is not used, where it stands and why; a sentence each, without full stop and without any URL.
    exposed : str
        That others may open the file, which is used all the same; empty when they may not.
    """

    channels: tuple[Channel, ...]
    left_out: tuple[str, ...] = ()
    exposed: str = ""

    @property
    def troubles(self) -> tuple[str, ...]:
        """All that is wrong, a sentence each."""
        return (*self.left_out, self.exposed) if self.exposed else self.left_out


def read_channels(folder: Path) -> tuple[Channel, ...]:
    """Channels of a folder, for who wants to know whether the file is right; the log is always among them.

    Parameters
    ----------
    folder : Path
        Holds ``channels.toml`` (``[email] urls = ["mailtos://…?to={to}"]``; also sms, call, chat); no file: only the
        log.

    Returns
    -------
    tuple of Channel

    Raises
    ------
    ConfigError
        When others may read the file, or any part is not what is expected; the key is named, its value is not.
    """
    found = read_usable(folder)
    if found.troubles:
        raise ConfigError("; ".join(found.troubles))
    return found.channels


def read_usable(folder: Path) -> Usable:
    """Channels of a folder, as many as can be used: for who must page people whatever the file looks like.

    Parameters
    ----------
    folder : Path
        As for `read_channels`.

    Returns
    -------
    Usable
    """
    path = folder / CHANNEL_FILE
    log = LogChannel(folder / LOG_FILE)
    try:
        content, exposed = _private_bytes(path)
    except FileNotFoundError:
        return Usable((log,))
    except OSError as error:
        return Usable((log,), (f"cannot read {path}: {reason_of(error)}; no channel of it is used",))
    except ConfigError as error:
        return Usable((log,), (f"{error}; no channel of it is used",))
    found, left_out = _Parts(path).read(content)
    return Usable((log, *found), tuple(left_out), exposed)


def _private_bytes(path: Path) -> tuple[bytes, str]:
    """Read a file that is its owner's alone, or say that it is not; what is checked is what is read."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode) or about.st_size > LARGEST_BYTES:
            raise ConfigError(f"expected {path} to be a file of at most {LARGEST_BYTES} bytes")
        return file.read(LARGEST_BYTES), _exposed(path, stat.S_IMODE(about.st_mode))


def _exposed(path: Path, mode: int) -> str:
    """That others may open the file; where they may write it, it is not believed."""
    if not mode & 0o077:
        return ""
    # what others can read they have read: leaving the channels unused hides nothing, and silences the pages
    sentence = f"{path} holds secrets and others may open it (mode {mode:04o}): run `chmod 600 {path}`"
    if mode & 0o022 and path.parent.stat().st_mode & 0o011:
        raise ConfigError(f"{sentence}; others may write it too, so its URLs may not be yours")
    return f"{sentence}, and change the secrets if others have an account on this machine; it is used meanwhile"


class _Parts:
    """The parts of a file, each read by itself: an error in one costs no other."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: dict[str, Channel] = {}
        self._left_out: list[str] = []

    def read(self, content: bytes) -> tuple[Sequence[Channel], list[str]]:
        for line, part in _parts(content):
            try:
                table = tomllib.loads(part.decode("utf-8-sig"))
            except UnicodeDecodeError as error:
                self._leave_out(line + part.count(b"\n", 0, error.start), "this is not text in UTF-8")
            except (ValueError, RecursionError) as error:
                # the message of the parser may quote the line, and with it a secret; so may the cause of an error
                self._leave_out(line + _line_within(part, str(error)), "this is not valid TOML")
            else:
                for name, section in table.items():
                    self._take(line, name, section)
        return tuple(self._found.values()), self._left_out

    def _take(self, line: int, name: str, section: object) -> None:
        if name not in NAMES:
            # its name is not shown: it may be a secret that stands in the wrong place
            self._leave_out(line, f"expected only the tables {', '.join(NAMES)}, got another one")
        elif name in self._found:
            self._leave_out(line, f"[{name}] is there for the second time, and the first is used")
        else:
            try:
                channel = _channel(name, section)
            except ConfigError as error:
                self._leave_out(line, str(error))
                return
            self._found[name] = channel
            if channel.malformed:
                self._leave_out(line, channel.complaint)

    def _leave_out(self, line: int, why: str) -> None:
        self._left_out.append(f"{self._path}, from line {line}: {why}; it is left out")


def _parts(content: bytes) -> Iterator[tuple[int, bytes]]:
    """What stands before the first table, then each table, with the number of its first line."""
    lines = content.splitlines(keepends=True)
    begins = [0, *(place for place, line in enumerate(lines) if place and TABLE.match(line))]
    for first, end in pairwise([*begins, len(lines)]):
        yield first + 1, b"".join(lines[first:end])


def _line_within(part: bytes, said: str) -> int:
    """How many lines below its first one a part breaks; its last one where the parser was at the end."""
    place = PLACE.search(said)
    return int(place[1]) - 1 if place else part.rstrip().count(b"\n")


def _channel(name: str, section: object) -> UrlChannel:
    urls = section.get("urls") if isinstance(section, dict) and section.keys() == {"urls"} else None
    if not isinstance(urls, list) or not urls or not all(isinstance(url, str) and url for url in urls):
        raise ConfigError(f'[{name}] expected nothing but urls = ["…"], a list of text that is not empty')
    if len({ADDRESS in url for url in urls}) > 1:
        raise ConfigError(f"[{name}] expected {ADDRESS} in every one of its urls, or in none")
    return UrlChannel(name, urls)


def _as_it_is(channels: Sequence[Channel]) -> Sequence[Channel]:
    return channels


class SteadyChannels(Mapping[str, Channel]):
    """Channels by name, read again when their file changes; whoever breaks it does not silence the pages.

    While a part of the file is malformed, a channel that was read before is used as it was.

    Parameters
    ----------
    folder : Path
        Holds ``channels.toml``.
    dressed : callable
        Makes of the channels what is used: with a label, for example.

    Attributes
    ----------
    left_out : tuple of str
        What is not used, where it stands and why.
    troubles : tuple of str
        The same, and that others may open the file; nothing when all is well.
    """

    def __init__(self, folder: Path, dressed: Callable[[Sequence[Channel]], Sequence[Channel]] = _as_it_is) -> None:
        self._folder, self._dressed = folder, dressed
        self._channels: Mapping[str, Channel] = {}
        self.left_out: tuple[str, ...] = ()
        self.troubles: tuple[str, ...] = ()
        self._seen = self._stamp()
        self._read()

    def __getitem__(self, name: str) -> Channel:
        """One of them."""
        return self._channels[name]

    def __iter__(self) -> Iterator[str]:
        """Their names."""
        return iter(self._channels)

    def __len__(self) -> int:
        """How many, the log included."""
        return len(self._channels)

    @property
    def complaint(self) -> str:
        """What is wrong and what is used all the same, in one sentence; empty when all is well."""
        return f"{'; '.join(self.troubles)}; used now: {', '.join(self)}" if self.troubles else ""

    def refresh(self) -> None:
        """Read the file again if it has changed."""
        stamp = self._stamp()
        if stamp != self._seen:
            self._seen = stamp
            self._read()

    def _read(self) -> None:
        before, found = self._channels, read_usable(self._folder)
        now, left_out = by_name(self._dressed(found.channels)), found.left_out
        if not self._seen and len(before) > 1:
            path = self._folder / CHANNEL_FILE
            left_out = (f"{path} is gone: put it back, or an empty one if no channel is wanted",)
        kept = [name for name in before if name not in now] if left_out else []
        if kept:
            left_out = (*left_out, f"used as before, until the next start: {', '.join(kept)}")
        # another mapping, not this one changed: whoever goes through it meanwhile sees the one or the other
        self._channels = {**now, **{name: before[name] for name in kept}}
        self.left_out, self.troubles = left_out, (*left_out, found.exposed) if found.exposed else left_out

    def _stamp(self) -> tuple[int, ...]:
        """When the file was changed, or who may open it; empty while there is none."""
        try:
            about, folder = (self._folder / CHANNEL_FILE).lstat(), self._folder.stat()
        except OSError:
            return ()
        return about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns, folder.st_mode
