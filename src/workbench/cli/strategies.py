"""``workbench sweep``, ``select`` and ``strategies …``: from the grid to the strategy set that trades."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

INTERRUPTED = 130
SHOWN = 15
strategy_commands = typer.Typer(help="Strategy sets: list, show, go back; trials counted.", no_args_is_help=True)


def sweep(
    as_of: Annotated[str, typer.Option(help="Last day that may be seen, YYYY-MM-DD [default: last fix]")] = "",
    grid: Annotated[str, typer.Option(help="Your own grid TOML [default: the policy's 384]")] = "",
    ecb_file: Annotated[str, typer.Option(help="Your own eurofxref-hist zip or CSV")] = "",
    policy: Annotated[str, typer.Option(help="Your own policy TOML")] = "",
    slippage: Annotated[float, typer.Option(help="Pips lost on every fill besides half a spread")] = 0.0,
    no_financing: Annotated[bool, typer.Option("--no-financing", help="Leave the policy's financing out")] = False,
    rows: Annotated[int, typer.Option(help="Rows shown; the file holds all")] = SHOWN,
    output: Annotated[
        str, typer.Option(help="CSV of every configuration [default: WORKBENCH_HOME/sweeps/DATE.csv]")
    ] = "",
) -> None:
    """Trade every configuration of the grid through history at 1×, 2× and 3× costs; every trial is counted."""
    from workbench.app import home_folder, weekly_session
    from workbench.data.files import write_atomically
    from workbench.monitor.console import RunProgress, Task, print_sweep

    session = weekly_session(as_of=as_of, ecb_file=ecb_file, policy_file=policy)
    configurations = session.configurations(grid)
    task, begun = Task("sweep", f"{len(configurations)} configurations, three costs"), time.monotonic()
    with RunProgress() as progress:
        progress.begun(task, session.folder)
        found = session.sweep_grid(grid, where="workbench sweep", slippage_pips=slippage, financing=not no_financing)
        table, intraday = found.table(), session.sweep_intraday(where="workbench sweep, 4h")
        progress.ended(task, time.monotonic() - begun, skipped=False)
    target = Path(output) if output else home_folder() / "sweeps" / f"{session.rates.as_of}.csv"
    write_atomically(target, table.to_csv().encode())
    print_sweep(found.overview(), table.head(rows), found.swept.refused)
    trials = found.tally.trials
    if intraday.names:
        fine = target.with_name(f"{target.stem}-4h.csv")
        write_atomically(fine, intraday.table().to_csv().encode())
        typer.echo(f"\n4-hour timeframe: {len(intraday.names)} configurations on {len(intraday.sweeps)} pairs: {fine}")
        trials = session.trials
    typer.echo(f"\n{trials} trials ever, {found.tally.added} new now. All {len(table)} rows: {target}")
    typer.echo("The best of many is lucky before it is good: `workbench select` says whether any of it is significant.")


def select(
    as_of: Annotated[str, typer.Option(help="Last day that may be seen, YYYY-MM-DD [default: last fix]")] = "",
    runs: Annotated[str, typer.Option(help="Folder of the runs [default: WORKBENCH_HOME/weekly]")] = "",
    grid: Annotated[str, typer.Option(help="Your own grid TOML [default: the policy's 384]")] = "",
    equity: Annotated[float, typer.Option(help="Equity of the replay through the engine, US dollars")] = 1_000_000.0,
    ecb_file: Annotated[str, typer.Option(help="Your own eurofxref-hist zip or CSV")] = "",
    policy: Annotated[str, typer.Option(help="Your own policy TOML")] = "",
    accept_flagged: Annotated[str, typer.Option(help="Your name: accept flagged data, on the record")] = "",
    change: Annotated[list[str] | None, typer.Option("--set", help="Notebook parameter: step.name=value")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an unfinished run")] = False,
) -> None:
    """Sweep, walk forward, test all trials together, choose ten, adopt or refuse the strategy set, write the report."""
    from workbench.app import WeeklyOrder, weekly_run
    from workbench.monitor.console import RunProgress

    overrides = tuple(change if change is not None else ())
    progress = RunProgress()
    order = WeeklyOrder(as_of, runs, grid, equity, ecb_file, policy, accept_flagged, overrides)
    run = weekly_run(order, progress)
    typer.echo(f"Weekly run for {run.folder.date}")
    try:
        with progress:
            folder = run.execute(resume=resume)
    except KeyboardInterrupt:
        typer.echo("workbench: interrupted; earlier results are untouched, --resume goes on where it stopped", err=True)
        raise typer.Exit(INTERRUPTED) from None
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    found = summary["strategy_set"]
    typer.echo(f"\n{summary['sentence'][0].upper()}{summary['sentence'][1:]}")
    typer.echo(f"Strategy set {found['id']}: {found['status'].upper()}")
    for reason in found["reasons"]:
        typer.echo(f"  - {reason}")
    typer.echo(f"\nReport: {folder / 'index.html'}")


@strategy_commands.command("list")
def strategies_list() -> None:
    """List strategy sets, newest first; the one that trades is marked."""
    from rich.console import Console
    from rich.table import Table

    from workbench.app import strategy_registry

    sets = strategy_registry().catalogue()
    if not sets:
        typer.echo("No strategy set yet: `workbench select` makes one.")
        return
    table = Table("", title="Strategy sets, newest first", title_justify="left", box=None, pad_edge=False)
    for name in ("id", "status", "verdict", "trials", "made"):
        table.add_column(name, no_wrap=True)
    for one in reversed(sets):
        mark = "▶" if one.status == "adopted" else ""
        table.add_row(mark, one.id, one.status, one.verdict, str(one.trial_count), one.created[:10])
    Console(highlight=False).print(table)


@strategy_commands.command("show")
def strategies_show(
    name: Annotated[str, typer.Argument(help='Id, the beginning of one, or "adopted"')] = "adopted",
    full: Annotated[bool, typer.Option("--json", help="Everything, as JSON")] = False,
) -> None:
    """Show one strategy set: members, weights, evidence, gates."""
    from workbench.app import strategy_registry
    from workbench.monitor.console import print_strategy_set

    store = strategy_registry()
    shown = store.show(name)
    if full:
        typer.echo(shown.model_dump_json(indent=2))
        return
    print_strategy_set(shown)
    for gate in store.gates(shown.id):
        typer.echo(f"  {'✓' if gate.passed else '✗'} {gate.name}: {gate.sentence}")


@strategy_commands.command("rollback")
def strategies_rollback(
    person: Annotated[str, typer.Option("--by", help="Your name, for the record")],
    to: Annotated[str, typer.Option(help="Id to go back to [default: the one before]")] = "",
    reason: Annotated[str, typer.Option(help="Why, for the record")] = "",
) -> None:
    """Go back to an earlier strategy set."""
    from workbench.app import strategy_registry
    from workbench.monitor.console import print_strategy_set

    print_strategy_set(
        strategy_registry().rollback(person, datetime.now(UTC).isoformat(), to=to or None, reason=reason)
    )


@strategy_commands.command("trials")
def strategies_trials() -> None:
    """Count every configuration ever tried in this home, by occasion."""
    from workbench.app import home_folder
    from workbench.runtime.weekly.ledger import TrialLedger

    tally = TrialLedger(home_folder()).tally()
    typer.echo(f"{tally.trials} trials ever; significance is judged over all of them")
    for where, count in tally.occasions:
        typer.echo(f"  {count:6d}  first tried in: {where}")
