"""``workbench drill`` and ``monthly``: every control and channel fired in earnest on paper, and people timed."""

import getpass
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.live import Folder, PolicyFile

if TYPE_CHECKING:
    from workbench.app.drills.plan import DrillOrder, DrillPlan
    from workbench.response.drills.record import Drilled

FAILED, INTERRUPTED = 1, 130

ControlNames = Annotated[
    list[str] | None,
    typer.Option("--control", help="Only this control, such as 'drawdown 4', or 'all'; again for more"),
]
ChannelNames = Annotated[
    list[str] | None, typer.Option("--channel", help="Only this channel, such as email, or 'all'; again for more")
]
Level = Annotated[
    int,
    typer.Option(
        min=0,
        show_default=False,
        help="Alert level of the page [default: people.drills.page_level]; 3 reaches everybody",
    ),
]


ControlFolder = Annotated[
    str, typer.Option(help="Roster, channels, record of drills [default: WORKBENCH_HOME/control]")
]


def drill(
    control: ControlNames = None,
    channel: ChannelNames = None,
    people: Annotated[bool, typer.Option("--people", help="Page those on call: they must acknowledge")] = False,
    level: Level = 0,
    due: Annotated[bool, typer.Option("--due", help="Only what is due or soon will be: for every morning")] = False,
    show_list: Annotated[bool, typer.Option("--list", help="When everything was last drilled, and is due")] = False,
    keep: Annotated[str, typer.Option(help="Empty folder to keep the paper accounts in [default: thrown away]")] = "",
    report: Annotated[
        str, typer.Option(help="Where the page goes [default: drill-report.html beside the record]")
    ] = "",
    folder: Folder = "",
    control_folder: ControlFolder = "",
    policy: PolicyFile = "",
) -> None:
    """Fire every control on a paper account, try every channel, page those on call; all of it timed and recorded."""
    from workbench.app.drills.plan import DrillOrder, plan_of
    from workbench.app.drills.run import standing_of
    from workbench.monitor.drills.screen import print_standing

    order = DrillOrder(
        tuple(control or ()), tuple(channel or ()), people, level, due, folder, control_folder, policy, keep, report
    )
    if show_list:
        print_standing(standing_of(order))
        return
    plan = plan_of(order)
    for sentence in plan.left:
        typer.echo(sentence)
    if plan.is_empty:
        typer.echo("nothing is due" if due else "nothing is drilled")
        return
    run(order, plan)


def run(order: "DrillOrder", plan: "DrillPlan") -> None:
    """Drill, show what came of it, and end with 1 when anything failed.

    Parameters
    ----------
    order : DrillOrder
        From the command line.
    plan : DrillPlan
        What is drilled.
    """
    from workbench.app.drills.people import Waiting
    from workbench.app.drills.run import Means, run_drills
    from workbench.monitor.console import CountedProgress
    from workbench.monitor.drills.screen import print_drilled
    from workbench.response.people.persons import in_words

    with CountedProgress() as bar:
        outcome = run_drills(order, plan, Means(getpass.getuser(), bar.tell, Waiting(tell=bar.tell)))
    print_drilled(outcome.drilled)
    for name, until_ns in outcome.certified.items():
        typer.echo(f"{name} is certified until {in_words(until_ns)}")
    for sentence in [one for one in outcome.left if one not in plan.left]:
        typer.echo(sentence)
    failed = outcome.failed
    passed = len(outcome.drilled) - len(failed)
    typer.echo(f"\n{passed} of {len(outcome.drilled)} passed{'' if not failed else ', FAILED: '}" + _named(failed))
    typer.echo(f"Page: {outcome.report}")
    if failed:
        raise typer.Exit(FAILED)


def _named(failed: "list[Drilled]") -> str:
    return ", ".join(one.name for one in failed)


def monthly(
    due: Annotated[bool, typer.Option("--due", help="Only what is due or soon will be: for every morning")] = False,
    runs: Annotated[str, typer.Option(help="Folder of the runs [default: WORKBENCH_HOME/monthly]")] = "",
    folder: Folder = "",
    control_folder: ControlFolder = "",
    policy: PolicyFile = "",
    change: Annotated[list[str] | None, typer.Option("--set", help="Notebook parameter: step.name=value")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an unfinished run")] = False,
) -> None:
    """Drill everything or what is due in a notebook, and write the report; fails when anything failed."""
    from workbench.app.drills.monthly import MonthlyOrder, monthly_run
    from workbench.app.drills.plan import plan_of
    from workbench.monitor.console import RunProgress

    order = MonthlyOrder(due, runs, folder, control_folder, policy, tuple(change or ()))
    progress = RunProgress()
    run = monthly_run(order, progress)
    plan = plan_of(order.drill)
    if due and plan.is_empty and not resume:
        for sentence in (*plan.left, "nothing is due"):
            typer.echo(sentence)
        return
    typer.echo(f"Monthly run for {run.folder.date}")
    try:
        with progress:
            done = run.execute(resume=resume)
    except KeyboardInterrupt:
        typer.echo("workbench: interrupted; earlier results are untouched, --resume goes on where it stopped", err=True)
        raise typer.Exit(INTERRUPTED) from None
    _tell(done)


def _tell(done: Path) -> None:
    found = json.loads((done / "results" / "drill.json").read_text(encoding="utf-8"))
    for sentence in found["left"]:
        typer.echo(sentence)
    count = len(found["drilled"])
    typer.echo(f"\n{count} of {count} passed")
    typer.echo(f"Report: {done / 'index.html'}")


def schedule(
    systemd: Annotated[bool, typer.Option("--systemd", help="Services and timers instead of a crontab")] = False,
) -> None:
    """Print the lines that run the daily, weekly and monthly pipelines of this checkout by the clock."""
    from workbench.app.drills.timetables import timetables

    typer.echo(timetables(systemd=systemd))
