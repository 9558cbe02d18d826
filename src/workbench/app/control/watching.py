"""The watchdog put together: its own process, its own way to the channels."""

from collections.abc import Callable

from workbench.app.control.service import ControlRequest
from workbench.app.control.sessions import RosterFiles
from workbench.app.live_shell import live_folder
from workbench.response.alerts.channel_file import read_channels
from workbench.response.alerts.direct import DirectPages
from workbench.runtime.watchdog import MachineClock, WatchOptions, watch


def run_watchdog(
    request: ControlRequest, stopped: Callable[[], bool], say: Callable[[str], None], *, halt: bool, link: str = ""
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

    Raises
    ------
    ConfigError
        When roster, channels or policy are not as expected.
    """
    control = request.control_folder
    files = RosterFiles(control)
    pages = DirectPages(read_channels(control), files.current, request.read_policy().people, link)
    watch(live_folder(request.folder), pages, MachineClock(), WatchOptions(control, halt, stopped, say))
