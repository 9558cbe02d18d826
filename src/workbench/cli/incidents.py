"""``workbench incident …``: which incidents there are, the report of one, and what people learned from it."""

import getpass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from workbench.cli.live import Folder, PolicyFile

incident_commands = typer.Typer(help="Incidents: list them, make a report, write a lesson.", no_args_is_help=True)
ControlFolder = Annotated[str, typer.Option("--control", help="Journal of people [default: WORKBENCH_HOME/control]")]
Name = Annotated[str, typer.Argument(help="Such as I12")]
LEVELS = {1: "information", 2: "warning", 3: "URGENT", 4: "EMERGENCY"}


@incident_commands.command("list")
def list_incidents(control_folder: ControlFolder = "") -> None:
    """List the incidents, newest first: open ones and the last 200 that are over."""
    from workbench.app.incidents.shell import Folders, known_incidents

    rows = known_incidents(Folders(control=control_folder))
    for one in rows:
        typer.echo(_line(one))
    if not rows:
        typer.echo("no incident yet")


def _line(one: dict[str, Any]) -> str:
    who = [said["person"] for said in one["acknowledgements"] if said["stops"]]
    state = f"closed {_time(one['closed_ns'])}" if one["closed_ns"] is not None else "OPEN"
    answered = f"acknowledged by {who[0]}" if who else "acknowledged by nobody"
    return (
        f"{one['id']:5} {LEVELS[one['level']]:11}  {_time(one['opened_ns'])}  {state}, {answered}  "
        f"{one['cause']}: {one['sentence']}"
    )


def _time(time_ns: int) -> str:
    return f"{datetime.fromtimestamp(time_ns // 1_000_000_000, UTC):%Y-%m-%d %H:%M:%S}"


@incident_commands.command()
def report(name: Name, control_folder: ControlFolder = "", folder: Folder = "", policy: PolicyFile = "") -> None:
    """Make the report of an incident again, of an open one as far as it has gone; prints where it is."""
    from workbench.app.incidents.shell import Folders

    typer.echo(Folders(folder, control_folder, policy).reports.write(name))


@incident_commands.command()
def lessons(
    name: Name,
    text: Annotated[str, typer.Argument(help="What was learned; it is printed in the report")],
    actor: Annotated[
        str, typer.Option("--as", help="Your name, for the record [default: the user of this shell]")
    ] = "",
    control_folder: ControlFolder = "",
    folder: Folder = "",
    policy: PolicyFile = "",
) -> None:
    """Write down what was learned from an incident, with your name and the time."""
    from workbench.app.incidents.shell import Folders, write_lesson
    from workbench.runtime.incidents.lessons import Written

    written = Written(name, actor or getpass.getuser(), text, "shell")
    typer.echo(f"{name}: {write_lesson(Folders(folder, control_folder, policy), written)}")
