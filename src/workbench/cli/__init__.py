"""``workbench …``: the commands; each does its own imports, so that help appears at once."""

import json
import signal
import sys
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from workbench import __version__
from workbench.app import DailyOrder
from workbench.cli.calibrations import calibration_commands
from workbench.cli.control import control, watchdog
from workbench.cli.data import data_commands
from workbench.cli.drill import drill, monthly, schedule
from workbench.cli.incidents import incident_commands
from workbench.cli.live import live_commands
from workbench.cli.monitor import monitor, review
from workbench.cli.people import people_commands
from workbench.cli.strategies import select, strategy_commands, sweep
from workbench.cli.stress import stress
from workbench.domain.errors import ConfigError, WorkbenchError

REFUSED, INTERRUPTED = 1, 130


class Commands(TyperGroup):
    """All commands; an interrupted one says so in a sentence."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for.

        Parameters
        ----------
        ctx : Context
            What was typed.

        Returns
        -------
        object
            What the command returns.
        """
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            typer.echo("workbench: interrupted; earlier results are untouched", err=True)
            raise typer.Exit(INTERRUPTED) from None


cli = typer.Typer(
    name="workbench",
    cls=Commands,
    help="FX risk workbench: data, VaR, regimes, strategies, replays. Results go under WORKBENCH_HOME (default: var/).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
cli.add_typer(data_commands, name="data")
cli.add_typer(calibration_commands, name="calibration")
cli.command()(sweep)
cli.command()(select)
cli.command()(stress)
cli.add_typer(strategy_commands, name="strategies")
live_commands(cli)
cli.command()(monitor)
cli.command()(review)
cli.command()(control)
cli.command()(watchdog)
cli.command()(drill)
cli.command()(monthly)
cli.command()(schedule)
cli.add_typer(people_commands, name="people")
cli.add_typer(incident_commands, name="incident")


def main() -> None:
    """Run the command line; an error of ours is one sentence on standard error and exit code 1."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        cli(standalone_mode=True)
    except WorkbenchError as error:
        from workbench.runtime.telling import is_news

        if is_news(str(error)):
            typer.echo(f"workbench: {error}", err=True)
        sys.exit(REFUSED)


def _interrupt(_number: int, _frame: Any) -> NoReturn:
    """Treat a request to terminate like Ctrl-C: kernels are ended, locks released, results kept."""
    raise KeyboardInterrupt


@cli.command()
def daily(
    as_of: Annotated[str, typer.Option(help="Last day that may be seen, YYYY-MM-DD [default: last fix]")] = "",
    runs: Annotated[str, typer.Option(help="Folder of the runs [default: WORKBENCH_HOME/runs]")] = "",
    book: Annotated[str, typer.Option(help="Your book: CSV with the columns pair, units")] = "",
    equity: Annotated[float, typer.Option(help="Equity of the account in US dollars")] = 1_000_000.0,
    ecb_file: Annotated[str, typer.Option(help="Your own eurofxref-hist zip or CSV")] = "",
    policy: Annotated[str, typer.Option(help="Your own policy TOML")] = "",
    accept_flagged: Annotated[str, typer.Option(help="Your name: accept flagged data, on the record")] = "",
    confirm: Annotated[str, typer.Option(help="Your name: confirm what needs a person, on the record")] = "",
    change: Annotated[list[str] | None, typer.Option("--set", help="Notebook parameter: step.name=value")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an unfinished run")] = False,
) -> None:
    """Check data, race VaR models, judge regimes, adopt or refuse a calibration, write the report."""
    from workbench.app import daily_run
    from workbench.monitor.console import RunProgress

    order = DailyOrder(
        as_of,
        runs,
        book,
        equity,
        ecb_file,
        policy,
        accept_flagged,
        confirm,
        tuple(change if change is not None else ()),
    )
    progress = RunProgress()
    run = daily_run(order, progress)
    typer.echo(f"Daily run for {run.folder.date}")
    try:
        with progress:
            folder = run.execute(resume=resume)
    except KeyboardInterrupt:
        typer.echo("workbench: interrupted; earlier results are untouched, --resume goes on where it stopped", err=True)
        raise typer.Exit(INTERRUPTED) from None
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    verdict = summary["calibration"]
    typer.echo(f"\nCalibration {verdict['id']}: {verdict['status'].upper()}")
    for reason in verdict["reasons"]:
        typer.echo(f"  - {reason}")
    typer.echo(f"\nReport: {folder / 'index.html'}")


@cli.command()
def replay(
    scenario: Annotated[str, typer.Option(help="Scenario of the policy, e.g. brexit-2016; see --list")] = "",
    events: Annotated[str, typer.Option(help="A file of events instead: take it in again")] = "",
    policy: Annotated[str, typer.Option(help="Your own policy TOML")] = "",
    book: Annotated[str, typer.Option(help="Your book: CSV with pair, units [default: a reference book]")] = "",
    equity: Annotated[float, typer.Option(help="Equity of the account in US dollars")] = 1_000_000.0,
    volatility: Annotated[float, typer.Option(help="Annual volatility of the reference book, e.g. 0.15")] = 0.0,
    minutes: Annotated[int, typer.Option(help="Synthetic marks between the fixes, minutes apart [default: none]")] = 0,
    gap: Annotated[list[str] | None, typer.Option(help="Gap path of the policy to inject, e.g. 'Sterling gap'")] = None,
    seed: Annotated[int, typer.Option(help="Of the synthetic marks")] = 0,
    output: Annotated[str, typer.Option(help="Where results go [default: WORKBENCH_HOME/replays/SCENARIO]")] = "",
    without_controls: Annotated[bool, typer.Option("--without-controls", help="Same book, no control acts")] = False,
    show_list: Annotated[bool, typer.Option("--list", help="List the scenarios and gap paths")] = False,
) -> None:
    """Replay a crisis through the risk engine: every decision with its reason, and a page with the pictures."""
    from workbench.app import ReplayRequest, known_scenarios, replay_events, replay_scenario
    from workbench.monitor.console import print_replay, print_scenarios, waiting

    request = ReplayRequest(
        scenario, events, policy, book, equity, volatility, minutes, tuple(gap if gap is not None else ()), seed, output
    )
    if show_list:
        print_scenarios(*known_scenarios(policy))
    elif events:
        target, count = replay_events(request)
        typer.echo(f"{count} decisions: {target}")
    elif scenario:
        with waiting(f"replaying {scenario} with controls and without (the first time also compiles, half a minute)"):
            folder, view = replay_scenario(request, controls=not without_controls)
        print_replay(view)
        typer.echo(f"\nPage, events, decisions and path: {folder / 'index.html'}")
    else:
        raise ConfigError("replay needs --scenario NAME or --events FILE; --list shows the scenarios")


@cli.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


if __name__ == "__main__":
    main()
