"""The watchdog put together: its own process, its own way to the channels."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from workbench.app.control.journal import records_of
from workbench.app.control.real_book import is_made_up, refuse_real_book
from workbench.app.control.service import ControlRequest, channels_of
from workbench.app.control.sessions import RosterFiles
from workbench.app.live_shell import live_folder
from workbench.domain.errors import DataError, ExecutionError
from workbench.response.alerts.direct import DirectPages
from workbench.runtime.watchdog import MachineClock, WatchOptions, watch

LOGINS_SECONDS = 600.0
"""Between two looks at who has logged in: it matters after ninety days."""


class LastLogins:
    """When everybody was last here, by the journal of people; read now and then, for it grows.

    Parameters
    ----------
    folder : Path
        ``control/``.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._read_at = folder, -LOGINS_SECONDS
        self._known: Mapping[str, int] = {}

    def known(self) -> Mapping[str, int]:
        """By name; what was last readable."""
        if time.monotonic() - self._read_at >= LOGINS_SECONDS:
            self._read_at = time.monotonic()
            with suppress(DataError, ExecutionError):
                self._known = records_of(self._folder).last_logins
        return self._known


def run_watchdog(
    request: ControlRequest,
    stopped: Callable[[], bool],
    say: Callable[[str], None],
    *,
    halt: bool,
    link: str = "",
    complain: Callable[[str], None] = lambda sentence: None,
) -> None:
    """Watch the loop until told to stop.

    Parameters
    ----------
    request : ControlRequest
        Folders and policy.
    stopped : callable
        Whether to end.
    say : callable
        Told what it sees.
    halt : bool
        Put a halt into the inbox of a loop that is silent.
    link : str
        Address of the page, for messages.
    complain : callable
        Told what is wrong with roster or channels.

    Raises
    ------
    ConfigError
        When roster or policy are not as expected, and there is no earlier roster, or a demonstration is to look at a
        real book.
    """
    folder = live_folder(request.folder)
    control, people = request.control_folder, request.read_policy().people
    logins = LastLogins(control)
    files = RosterFiles(control, people.sessions.dormant_days, logins.known, demo=request.demo)
    channels = channels_of(request)
    if files.unread:
        complain(f"workbench: {files.trouble}")
    if channels.complaint:
        complain(f"workbench: {channels.complaint}")
    pages = DirectPages(channels, files.readable, people, link)
    if not request.demo:
        watch(folder, pages, MachineClock(), WatchOptions(control, halt, stopped, say))
        return
    while not stopped():
        refuse_real_book(folder)
        made_up = is_made_up(folder) is True
        # asked before every look: what it halts is a loop that shows made-up prices, and nothing else
        changed = _OrChanged(stopped, folder, made_up=made_up)
        watch(folder, pages, MachineClock(), WatchOptions(control, halt and made_up, changed, say))


class _OrChanged:
    """Whether to end a watch: when told to, or when another thing is known of the prices."""

    def __init__(self, stopped: Callable[[], bool], folder: Path, *, made_up: bool) -> None:
        self._stopped, self._folder, self._made_up = stopped, folder, made_up

    def __call__(self) -> bool:
        """Ask; a real book is refused by whoever watches next."""
        known = is_made_up(self._folder)
        return self._stopped() or known is False or (known is True) != self._made_up
