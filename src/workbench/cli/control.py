"""``workbench control`` and ``workbench watchdog``: the phone page with what is behind it, and who watches the loop."""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.live import AGAIN, Asked, Folder, PolicyFile, complain, say, words_for
from workbench.domain.errors import WorkbenchError

ControlFolder = Annotated[
    str, typer.Option("--control", help="Roster, channels, journal of people [default: WORKBENCH_HOME/control]")
]
Demo = Annotated[bool, typer.Option("--demo", help="With made-up people, from `workbench people add --demo`")]
Port = Annotated[int | None, typer.Option(min=0, max=65_535, help="Of the phone page [default: 8870]; 0: any free one")]
SERVICE, WATCHDOG = "the control service", "the watchdog"
MISSED = {
    SERVICE: "NOBODY IS PAGED for what the loop says, and the phone page is dead; `workbench halt` stops the book",
    WATCHDOG: "NOBODY IS PAGED when the loop or the control service falls silent",
}
"""What is missing without them."""
ROSTER, LAST_ROSTER = "roster.toml", "roster.last-good.toml"
"""As `workbench.response.people` calls it and its copy, which takes a while to import."""


@contextmanager
def started_again() -> Iterator[None]:
    """End with another code than a refusal has, where starting again helps: a failed disk, a fault of the program.

    Yields
    ------
    None
    """
    try:
        yield
    except WorkbenchError as error:
        from workbench.data.journal.storage import JournalError

        if not isinstance(error, JournalError):
            raise
        complain(f"workbench: {error}")
        sys.exit(AGAIN)
    finally:
        kind = sys.exc_info()[0]
        if kind is not None and issubclass(kind, Exception) and not issubclass(kind, WorkbenchError):
            traceback.print_exc()
            sys.exit(AGAIN)


def people_processes(context: typer.Context, live: str) -> dict[str, list[str]]:
    """Command lines of the processes that reach people; none where there are no people.

    Parameters
    ----------
    context : Context
        Of `up`, with the options of `control` among its own.
    live : str
        Folder of the loop.

    Returns
    -------
    dict of str to list of str
        By name.
    """
    from workbench.cli.monitor import own_command
    from workbench.cli.people import CONTROL, DEMONSTRATION, control_folder, make_demo

    demo, given = bool(context.params["demo"]), str(context.params["control_folder"])
    folder: Path = control_folder(given, DEMONSTRATION if demo else CONTROL)
    if demo and not (folder / ROSTER).exists():
        make_demo(given)
    if not any((folder / name).exists() for name in (ROSTER, LAST_ROSTER)):
        say(
            f"nobody is paged and there is no phone page: there are no people in {folder}; `workbench people add NAME "
            "--level L1` adds one, --demo tries it with made-up ones, --no-control leaves it out"
        )
        return {}
    return {
        SERVICE: own_command("control", *words_for(control, context, folder=live)),
        WATCHDOG: own_command("watchdog", *words_for(watchdog, context, folder=live), "--halt"),
    }


def control(
    folder: Folder = "",
    control_folder: ControlFolder = "",
    policy: PolicyFile = "",
    host: Annotated[str, typer.Option(help="Address to listen on; off this machine only with TLS")] = "127.0.0.1",
    port: Port = None,
    name: Annotated[list[str] | None, typer.Option(help="Host name people use; may be given again")] = None,
    certificate: Annotated[str, typer.Option(help="TLS certificate with its chain, PEM")] = "",
    key: Annotated[str, typer.Option(help="Key of the TLS certificate, PEM, not encrypted")] = "",
    demo: Demo = False,
) -> None:
    """Serve the phone page: how the book is, halt, reduce, close all, resume by two; pages people. Ctrl-C ends it."""
    from workbench.app.control.address import Address
    from workbench.app.control.service import ControlRequest, run_control

    address = Address(host, port, tuple(name or ()), certificate, key)
    with started_again():
        run_control(ControlRequest(folder, control_folder, policy, address, demo), say, complain)


def watchdog(
    folder: Folder = "",
    control_folder: ControlFolder = "",
    policy: PolicyFile = "",
    halt: Annotated[bool, typer.Option("--halt", help="Also put a halt into the inbox of a silent loop")] = False,
    link: Annotated[str, typer.Option(help="Address of the phone page, for messages")] = "",
    demo: Demo = False,
) -> None:
    """Watch the loop and the control service from another process: page people for a silent one. Ctrl-C ends it."""
    from workbench.app.control.service import ControlRequest
    from workbench.app.control.watching import run_watchdog

    request = ControlRequest(folder, control_folder, policy, demo=demo)
    with started_again():
        run_watchdog(request, Asked(), say, halt=halt, link=link, complain=complain)
