"""``workbench control`` and ``workbench watchdog``: the phone page with what is behind it, and who watches the loop."""

from typing import Annotated

import typer

from workbench.cli.live import Asked, Folder, PolicyFile, say

ControlFolder = Annotated[
    str, typer.Option("--control", help="Roster, channels, journal of people [default: WORKBENCH_HOME/control]")
]
Port = Annotated[int | None, typer.Option(min=0, max=65_535, help="Of the page [default: 8870]; 0: any free one")]


def control(
    folder: Folder = "",
    control_folder: ControlFolder = "",
    policy: PolicyFile = "",
    host: Annotated[str, typer.Option(help="Address to listen on; off this machine only with TLS")] = "127.0.0.1",
    port: Port = None,
    name: Annotated[list[str] | None, typer.Option(help="Host name people use; may be given again")] = None,
    certificate: Annotated[str, typer.Option(help="TLS certificate with its chain, PEM")] = "",
    key: Annotated[str, typer.Option(help="Key of the TLS certificate, PEM, not encrypted")] = "",
) -> None:
    """Serve the phone page: how the book is, halt, reduce, close all, resume by two; pages people. Ctrl-C ends it."""
    from workbench.app.control.address import Address
    from workbench.app.control.service import ControlRequest, run_control

    address = Address(host, port, tuple(name or ()), certificate, key)
    run_control(ControlRequest(folder, control_folder, policy, address), say)


def watchdog(
    folder: Folder = "",
    control_folder: ControlFolder = "",
    policy: PolicyFile = "",
    halt: Annotated[bool, typer.Option("--halt", help="Also put a halt into the inbox of a silent loop")] = False,
    link: Annotated[str, typer.Option(help="Address of the phone page, for messages")] = "",
) -> None:
    """Watch the live loop from another process: page people when it is silent for 5 seconds. Ctrl-C ends it."""
    from workbench.app.control.service import ControlRequest
    from workbench.app.control.watching import run_watchdog

    run_watchdog(ControlRequest(folder, control_folder, policy), Asked(), say, halt=halt, link=link)
