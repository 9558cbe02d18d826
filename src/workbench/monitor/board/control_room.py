"""Who else looks after the watched loop: the control service, to which the page links, and the watchdog.

Both leave a heartbeat in the folder of the people. One becomes a link that people press, so nothing of it is believed:
it must be a fresh word about this very journal, in a folder nobody else may write to, and lead to this machine or to a
name that was given on the command line.
"""

import json
import os
import re
import shlex
import stat
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

SERVICE_FILE, WATCHDOG_FILE = "service.json", "watchdog.json"
LARGEST_FILE = 65_536
LONGEST_LINK, LONGEST_SENTENCE = 200, 300
FRESH_WITHIN_NS = 5 * 10**9
"""Both write once a second."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
FOLDER_VARIABLE, NAMES_VARIABLE = "WORKBENCH_MONITOR_CONTROL", "WORKBENCH_MONITOR_CONTROL_NAMES"
PLAIN = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+/?", re.ASCII)
OTHERS_MAY_WRITE = 0o022
UNTRUSTED = (OSError, ValueError, TypeError, KeyError, RecursionError)
"""A heartbeat that is missing, damaged, old, of another journal, or not ours alone."""


@dataclass(frozen=True, slots=True)
class ControlRoom:
    """What is known of the people's side of one loop.

    Attributes
    ----------
    folder : Path or None
        Of the people, where the heartbeats are; None: it is not known where.
    watched : Path
        Of the journal that the page shows.
    names : frozenset of str
        Hosts besides this machine that a link may lead to; only encrypted.
    clock_ns : callable
        This machine's clock.
    """

    folder: Path | None
    watched: Path
    names: frozenset[str] = frozenset()
    clock_ns: Callable[[], int] = time.time_ns

    @classmethod
    def named_in(cls, environment: Mapping[str, str], watched: Path) -> "ControlRoom":
        """The one `workbench monitor` names.

        Parameters
        ----------
        environment : mapping of str to str
            Of this process.
        watched : Path
            See `ControlRoom`.

        Returns
        -------
        ControlRoom
        """
        folder = environment.get(FOLDER_VARIABLE, "")
        names = frozenset(environment.get(NAMES_VARIABLE, "").split())
        return cls(Path(folder) if folder else None, watched, names)

    def told(self) -> dict[str, str | None]:
        """What the page is told.

        Returns
        -------
        dict
            ``link`` to the control service, and ``watchdog``: what that last said. Empty when there is none for this
            journal, or what it left cannot be trusted; None for a watchdog when it is not known where to look.
            ``folder`` of the journal, as a shell takes it: a command must reach this book and no other.
        """
        watched = shlex.quote(os.path.realpath(self.watched))
        if self.folder is None:
            return {"link": "", "watchdog": None, "folder": watched}
        try:
            service = self._heard(self.folder, SERVICE_FILE)
            link = allowed_link(service["link"], self.names) if service["ended"] is False else ""
        except UNTRUSTED:
            link = ""
        try:
            watchdog = str(self._heard(self.folder, WATCHDOG_FILE)["sentence"])[:LONGEST_SENTENCE]
        except UNTRUSTED:
            watchdog = ""
        return {"link": link, "watchdog": watchdog, "folder": watched}

    def _heard(self, folder: Path, name: str) -> dict[str, Any]:
        """A fresh heartbeat of somebody who watches this journal."""
        beat = private_table(folder, name)
        if abs(self.clock_ns() - beat["time_ns"]) > FRESH_WITHIN_NS:
            raise ValueError(f"{name} is old")
        if os.path.realpath(beat["folder"]) != os.path.realpath(self.watched):
            raise ValueError(f"{name} is about another journal")
        return beat


def private_table(folder: Path, name: str) -> dict[str, Any]:
    """A heartbeat, if nobody but its owner can have written it.

    Parameters
    ----------
    folder : Path
        Of the people.
    name : str
        Of the file.

    Returns
    -------
    dict

    Raises
    ------
    OSError, ValueError, TypeError
        When it is missing, no plain file of ours, or no table.
    """
    handle = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        for found in (folder.stat(), os.fstat(handle)):
            if found.st_uid != os.getuid() or found.st_mode & OTHERS_MAY_WRITE:
                raise PermissionError(f"others may write to {folder}")
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ValueError(f"{name} is no plain file")
        return dict(json.loads(file.read(LARGEST_FILE)))


def allowed_link(link: str, names: frozenset[str]) -> str:
    """A link made anew from the parts of one that is allowed.

    Parameters
    ----------
    link : str
        Of whoever wrote the file.
    names : frozenset of str
        See `ControlRoom`.

    Returns
    -------
    str
        ``scheme://host:port/``; empty when it is not allowed.

    Raises
    ------
    ValueError, TypeError
        When it is no address.
    """
    if len(link) > LONGEST_LINK or not PLAIN.fullmatch(link):
        return ""
    found = urlsplit(link)
    host, port = found.hostname or "", found.port
    if not port or not (host in LOOPBACK or (host in names and found.scheme == "https")):
        return ""
    return f"{found.scheme}://{f'[{host}]' if ':' in host else host}:{port}/"
