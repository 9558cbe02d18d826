"""``workbench live`` and what belongs to it: up, status, what people may ask, and the care of the journal."""

import errno
import inspect
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Annotated, Any

import typer

Folder = Annotated[str, typer.Option(help="Folder of the journal [default: WORKBENCH_HOME/live]")]
Actor = Annotated[str, typer.Option("--as", help="Your name, for the record [default: the user of this shell]")]
Reason = Annotated[str, typer.Option(help="Why, for the record")]
Feed = Annotated[str, typer.Option(help="replay:SCENARIO, simulated, simulated:SEED, or tail:FILE")]
Backup = Annotated[
    str, typer.Option("--backup", help="Second feed: tail:FILE; replays have one of their own, 'none' leaves it out")
]
Speed = Annotated[float, typer.Option(help="Seconds of a made-up world in one of ours; 0: as fast as possible")]
BookFile = Annotated[str, typer.Option("--book", help="Positions at the very start: CSV with pair, units")]
Equity = Annotated[float, typer.Option(help="Equity of a new book, US dollars")]
PolicyFile = Annotated[str, typer.Option("--policy", help="Your own policy TOML")]
PaperFile = Annotated[str, typer.Option("--paper", help="Plan of the paper broker, TOML: latency, slippage, troubles")]
New = Annotated[bool, typer.Option("--new", help="Move an earlier journal aside and begin anew")]

audit_commands = typer.Typer(help="The journal: is it whole, and does it lead to the same decisions?")
REFUSED, AGAIN = 1, 3
GONE = (errno.EPIPE, errno.EIO)
"""What a terminal or a pipe says that nobody reads any more."""


def live_commands(cli: typer.Typer) -> None:
    """Add the commands.

    Parameters
    ----------
    cli : Typer
        The command line.
    """
    from workbench.cli.control import control

    with_options_of(live)(with_options_of(control)(up))
    restricting = (halt, reduce, flatten, cancel_all, full_halt, shut_down)
    for command in (live, up, status, *restricting, resume, enable, backup, restore):
        cli.command()(command)
    cli.add_typer(audit_commands, name="audit")


class Asked:
    """Whether the process was asked to stop; a second time it stops at once.

    A terminal that is closed asks too, however often it says so; not where that is ignored, as under ``nohup``.
    """

    def __init__(self) -> None:
        self.stop = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._asked)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            signal.signal(signal.SIGHUP, self._asked)

    def _asked(self, number: int, _frame: Any) -> None:
        if self.stop and number != signal.SIGHUP:
            raise KeyboardInterrupt
        self.stop = True

    def __call__(self) -> bool:
        """Whether to stop."""
        return self.stop


def live(
    feed: Feed = "replay:brexit-2016",
    backup_feed: Backup = "",
    speed: Speed = 1.0,
    seconds: Annotated[float, typer.Option(help="Between two made-up quotes of one pair")] = 2.0,
    seed: Annotated[int, typer.Option(help="Of made-up prices and of the paper broker")] = 0,
    folder: Folder = "",
    book: BookFile = "",
    equity: Equity = 1e6,
    policy: PolicyFile = "",
    paper: PaperFile = "",
    new: New = False,
    policy_change_by: Annotated[str, typer.Option(help="Who puts another policy in force")] = "",
    policy_change_approved_by: Annotated[str, typer.Option(help="The second person who approves that")] = "",
) -> None:
    """Watch and protect a book until told to stop (Ctrl-C): one process, no supervisor."""
    from workbench.app.live import LiveRequest, disk_trouble, run_live, without_arrow

    without_arrow()
    from apsw import Error as SQLiteError

    from workbench.data.journal.storage import JournalError
    from workbench.domain.errors import WorkbenchError
    from workbench.runtime.live.loop import LoopFaultError

    request = LiveRequest(
        feed, backup_feed, speed, seconds, seed, folder, book, equity, policy, paper, new,
        policy_change_by, policy_change_approved_by,
    )  # fmt: skip
    try:
        run_live(request, Asked(), say)
    except (LoopFaultError, JournalError) as error:
        complain(f"workbench live: {error}")
        sys.exit(AGAIN)
    except (WorkbenchError, OSError, SQLiteError) as error:
        if not (told := disk_trouble(error)):
            raise
        complain(f"workbench live: {told}")
        sys.exit(AGAIN)


def say(sentence: str) -> None:
    """Tell people something, with the time; where that cannot be written it is lost, and nothing ends for it.

    Parameters
    ----------
    sentence : str
        What.
    """
    try:
        typer.echo(f"{time.strftime('%H:%M:%S')} {sentence}")
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) in GONE:
            # for good: what waits to be written must not turn a good end into exit code 120
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC), sys.stdout.fileno())


def complain(sentence: str) -> None:
    """Tell people why a command ends; a terminal that is gone must not change its exit code.

    Parameters
    ----------
    sentence : str
        Why.
    """
    with suppress(OSError, ValueError):
        typer.echo(sentence, err=True)


def with_options_of(other: Callable[..., None]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command that takes ``**options`` those of another one, before its own; what both have, once.

    Parameters
    ----------
    other : callable
        The command in which they are written out.

    Returns
    -------
    callable
        A decorator.
    """
    shared = inspect.signature(other).parameters.values()

    def given(command: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(command)
        own = [one for one in signature.parameters.values() if one.kind is not one.VAR_KEYWORD]
        names = {one.name for one in own}
        others = [one.replace(kind=one.KEYWORD_ONLY) for one in shared if one.name not in names]
        vars(command)["__signature__"] = signature.replace(
            parameters=[*others, *(one.replace(kind=one.KEYWORD_ONLY) for one in own)]
        )
        return command

    return given


def words_for(command: Callable[..., None], context: typer.Context, **instead: object) -> list[str]:
    """The words that give a command the options it has in common with the one that was called.

    Parameters
    ----------
    command : callable
        Another command.
    context : Context
        Of the one that was called: what its options are called, and their values.
    **instead : object
        Values to take instead.

    Returns
    -------
    list of str
        Empty texts, flags that are not set and what was not given are left out; a list is given one by one.
    """
    words, known = list[str](), inspect.signature(command).parameters
    for option in context.command.params:
        value = {**context.params, **instead}.get(str(option.name))
        if option.name not in known or value is False or value is None or value == "":
            continue
        for one in value if isinstance(value, list | tuple) else [value]:
            words += [option.opts[0]] if one is True else [option.opts[0], str(one)]
    return words


def up(
    *,
    context: typer.Context,
    no_page: Annotated[bool, typer.Option("--no-page", help="Without the risk monitor's page")] = False,
    no_control: Annotated[bool, typer.Option("--no-control", help="Without control service and watchdog")] = False,
    **options: Any,
) -> None:
    """Run every process of the box under one supervisor that starts them again when they die (Ctrl-C stops all)."""
    from workbench.app.live_shell import live_folder, set_aside, shown_or_nothing
    from workbench.cli.control import MISSED, people_processes
    from workbench.cli.monitor import own_command, page_command
    from workbench.cli.people import CONTROL, DEMONSTRATION, control_folder
    from workbench.monitor.live_screen import Screen
    from workbench.runtime.supervisor import Box

    where = live_folder(options["folder"])
    if options["demo"]:
        from workbench.app.control.real_book import refuse_real_book, refuse_real_feed

        # before anything is moved aside or started
        refuse_real_feed(options["feed"], options["backup_feed"])
        refuse_real_book(where)
    if options["new"] and (aside := set_aside(where)):
        say(f"the earlier journal is now in {aside}")
    # an earlier journal is moved aside once, not whenever the loop is started again
    words = words_for(live, context, folder=str(where), new=False)
    commands = {"the live loop": own_command("live", *words)}
    if not no_page:
        people = control_folder(options["control_folder"], DEMONSTRATION if options["demo"] else CONTROL)
        commands["the page"] = page_command(str(where), control=str(people), control_names=options["name"] or ())
    if not no_control:
        commands |= people_processes(context, str(where))
    asked = Asked()
    screen = Screen(lambda: shown_or_nothing(where), say)

    def stopped() -> bool:
        screen.refresh()
        return asked()

    Box(commands, say, spared=("the page", *MISSED), missed=MISSED).run(stopped)


def status(
    folder: Folder = "",
    as_json: Annotated[bool, typer.Option("--json", help="The whole projection, for programs")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Again every second, until Ctrl-C")] = False,
) -> None:
    """Show how the book is: mode and why, risk against its rungs, positions, orders, feeds, latency."""
    from workbench.app import live_shell as app
    from workbench.monitor.live_console import print_status

    where = app.live_folder(folder)
    while True:
        shown = app.read_status(where)
        if as_json:
            typer.echo(shown.body)
        else:
            print_status(shown.body, shown.age_seconds, alive=shown.alive)
        if not watch:
            return
        time.sleep(1.0)


def _ask(folder: str, act: str, actor: str, **fields: object) -> None:
    from workbench.app import live_shell as app

    sentence, certain = app.ask(app.live_folder(folder), app.command_of(act, actor, **fields))
    typer.echo(f"{act.replace('_', '-')}: {sentence}")
    if not certain:
        raise typer.Exit(AGAIN)


def halt(actor: Actor = "", reason: Reason = "", folder: Folder = "") -> None:
    """Halt: from now on positions may only shrink, until two people resume. Works with everything else dead."""
    _ask(folder, "halt", actor, reason=reason)


def reduce(
    fraction: Annotated[float, typer.Argument(help="Share of every position to close, in (0, 1]: 0.5 halves")],
    actor: Actor = "",
    reason: Reason = "",
    folder: Folder = "",
) -> None:
    """Close a share of every position now; asked again, a share of what is left: 0.5 twice leaves a quarter."""
    _ask(folder, "reduce", actor, fraction=fraction, reason=reason)


def flatten(actor: Actor = "", reason: Reason = "", folder: Folder = "") -> None:
    """Close every position now."""
    _ask(folder, "flatten", actor, reason=reason)


def cancel_all(actor: Actor = "", reason: Reason = "", folder: Folder = "") -> None:
    """Cancel every order that grows a position; what closes positions goes on, and the mode stays."""
    _ask(folder, "cancel_all", actor, reason=reason)


def full_halt(actor: Actor = "", reason: Reason = "", folder: Folder = "") -> None:
    """Halt and cancel every order that grows a position; what was on its way does not come back at a resume."""
    _ask(folder, "full_halt", actor, reason=reason)


def shut_down(actor: Actor = "", reason: Reason = "", folder: Folder = "") -> None:
    """Full halt, and the loop ends: POSITIONS REMAIN AND NOTHING PROTECTS THEM until a loop runs again."""
    _ask(folder, "shut_down", actor, reason=reason)


def resume(
    approver: Annotated[str, typer.Option(help="The second person, who approves")],
    actor: Actor = "",
    rebaseline_peak: Annotated[bool, typer.Option("--rebaseline-peak", help="Count drawdown from today")] = False,
    reason: Reason = "",
    folder: Folder = "",
) -> None:
    """Let latched rungs and halts go: takes two different people, and metrics back under their triggers."""
    _ask(folder, "resume", actor, approver=approver, rebaseline_peak=rebaseline_peak, reason=reason)


def enable(
    strategy: Annotated[str, typer.Argument(help="Name of a locked strategy")],
    approver: Annotated[str, typer.Option(help="The second person, who approves")],
    actor: Actor = "",
    reason: Reason = "",
    folder: Folder = "",
) -> None:
    """Let a locked strategy trade again: takes two different people."""
    _ask(folder, "enable", actor, approver=approver, strategy=strategy, reason=reason)


@audit_commands.command("verify")
def audit_verify(
    folder: Folder = "",
    expect: Annotated[str, typer.Option(help="SEQUENCE:DIGEST of an earlier report: is it still in there?")] = "",
) -> None:
    """Check every hash, signature and body of the journal."""
    from workbench.app import live_shell as app

    result = app.audit_verify(app.live_folder(folder), expect)
    typer.echo(result.sentence)
    if not result.intact:
        raise typer.Exit(REFUSED)


@audit_commands.command("replay")
def audit_replay(folder: Folder = "") -> None:
    """Step every event again, and say whether they lead to the decisions that were written."""
    from workbench.app import live_shell as app
    from workbench.monitor.console import CountedProgress

    with CountedProgress() as bar:
        tell = partial(bar.tell, "stepping every event of the journal again")
        tell(0, 1)  # the engine is imported first
        result = app.audit_replay(app.live_folder(folder), tell)
    typer.echo(result.sentence)
    if not result.same:
        raise typer.Exit(REFUSED)


def backup(
    target: Annotated[str, typer.Argument(help="File to make [default: backups/ beside the journal]")] = "",
    folder: Folder = "",
) -> None:
    """Copy the journal, verified, while the loop runs."""
    from workbench.app import live_shell as app

    path, head = app.back_up_journal(app.live_folder(folder), target)
    typer.echo(f"{path}: {head.sequence:,} rows, head {head.sequence}:{head.digest}")


def restore(
    source: Annotated[str, typer.Argument(help="A copy made by `workbench backup`")],
    folder: Folder = "",
    replace: Annotated[bool, typer.Option("--replace", help="Move the journal that is there aside")] = False,
) -> None:
    """Put a verified copy in the journal's place; the loop must not run."""
    from workbench.app import live_shell as app

    # it holds the loop's lock for a moment: a halt by signal is meant for a loop, and would end this half-way
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    head = app.restore_journal(source, app.live_folder(folder), replace=replace)
    typer.echo(f"restored {head.sequence:,} rows, head {head.sequence}:{head.digest}; start the loop to reconcile")
