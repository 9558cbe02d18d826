"""``workbench monitor`` and ``review``: the page of a live loop, its demonstration, and an incident in a journal."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.live import Asked, Folder, say

DEMO_FEED, DEMO_SPEED, DEMO_SECONDS = "replay:brexit-2016", 600.0, 20.0

Port = Annotated[
    int | None,
    typer.Option(min=0, max=65_535, help="Of the page [default: 8866, any free one when it is taken]; 0: any"),
]
TokenFile = Annotated[str, typer.Option(help="Where the page's token is kept [default: monitor/token in the home]")]


def monitor(
    folder: Folder = "",
    port: Port = None,
    token_file: TokenFile = "",
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address, open nothing")] = False,
    control: Annotated[str, typer.Option("--control", help="Folder of the people [default: control in the home]")] = "",
    control_name: Annotated[
        list[str] | None, typer.Option(help="Host, besides this machine, under which people reach the control service")
    ] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Replay a crisis at speed, SYNTHETIC, and show it")] = False,
) -> None:
    """Show the book in a browser: mode and why, risk against its rungs, positions, orders, alerts; Ctrl-C ends it."""
    from workbench.app.monitor.page import PageRequest, become_page

    if demo:
        show_demo(port, token_file, no_browser=no_browser)
    else:
        become_page(PageRequest(folder, port, token_file, not no_browser, control, tuple(control_name or ())))


def review(
    folder: Folder = "",
    day: Annotated[str, typer.Option(help="Day, UTC, such as 2016-06-24 [default: the worst incident]")] = "",
    incident: Annotated[int, typer.Option(min=0, help="Its number in the table; 0: the worst one")] = 0,
    moment: Annotated[str, typer.Option(help='To look at closely, UTC, such as "2016-06-24 01:30:05"')] = "",
    change: Annotated[
        list[str] | None, typer.Option("--set", help="What if: key=value of the policy, may be repeated")
    ] = None,
    policy_file: Annotated[str, typer.Option("--policy", help="What if: a whole other policy, TOML")] = "",
    port: Port = None,
    token_file: TokenFile = "",
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address, open nothing")] = False,
) -> None:
    """Show an incident of a journal in a browser, event by event, and what another policy had done; Ctrl-C ends it."""
    from workbench.app.monitor.page import PageRequest
    from workbench.app.review.page import become_review, changes_of

    chosen: dict[str, object] = {"day": day, "incident": incident, "moment": moment}
    if policy_file:
        chosen |= {"policy_file": str(Path(policy_file).expanduser().resolve()), "what_if": {}}
    if change:
        chosen["what_if"] = changes_of(change)
    become_review(PageRequest(folder, port, token_file, not no_browser), chosen)


def page_command(
    folder: str,
    port: int | None = None,
    token_file: str = "",
    *,
    no_browser: bool = False,
    control: str = "",
    control_names: Sequence[str] = (),
) -> list[str]:
    """Command line of the page in a process of its own.

    Parameters
    ----------
    folder, port, token_file, no_browser, control, control_names : str, int or None, str, bool, str, sequence of str
        See `monitor`.

    Returns
    -------
    list of str
    """
    words = ["--folder", folder]
    words += [] if port is None else ["--port", str(port)]
    words += ["--token-file", token_file] if token_file else []
    words += ["--control", control] if control else []
    words += [word for name in control_names for word in ("--control-name", name)]
    return own_command("monitor", *words, *(["--no-browser"] if no_browser else []))


def own_command(*words: str) -> list[str]:
    """A command of ours in a process of its own.

    Parameters
    ----------
    *words : str
        What follows ``workbench``.

    Returns
    -------
    list of str
    """
    return [sys.executable, "-c", "from workbench.cli import main; main()", *words]


def show_demo(port: int | None, token_file: str, *, no_browser: bool) -> None:
    """Replay a crisis in a folder of its own, and show it.

    Parameters
    ----------
    port, token_file, no_browser : int or None, str, bool
        See `monitor`.
    """
    from workbench.app.monitor.page import demo_folder
    from workbench.runtime.supervisor import Box

    folder = str(demo_folder())
    say(
        "SYNTHETIC: prices between the daily fixes are made up; they pass as fast as this machine can, up to "
        f"{DEMO_SPEED:.0f} times the real speed"
    )
    pace = ("--speed", f"{DEMO_SPEED:g}", "--seconds", f"{DEMO_SECONDS:g}")
    loop = own_command("live", "--feed", DEMO_FEED, *pace, "--folder", folder)
    page = page_command(folder, port, token_file, no_browser=no_browser)
    Box({"the page": page, "the demonstration's loop": loop}, say, spared=("the demonstration's loop",)).run(Asked())
