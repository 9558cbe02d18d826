"""``workbench …``: the commands; each does its own imports, so that help appears at once."""

import json
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from workbench import __version__
from workbench.app import DailyOrder
from workbench.domain.errors import ConfigError, WorkbenchError

if TYPE_CHECKING:
    from workbench.domain.calibration import Calibration

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
    help="FX risk workbench: data, VaR, regimes, calibrations. Results go under WORKBENCH_HOME (default: var/).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
data_commands = typer.Typer(help="Market data: take in files, judge what is stored.", no_args_is_help=True)
calibration_commands = typer.Typer(help="Calibrations: list, compare, adopt, go back.", no_args_is_help=True)
cli.add_typer(data_commands, name="data")
cli.add_typer(calibration_commands, name="calibration")


def main() -> None:
    """Run the command line; an error of ours is one sentence on standard error and exit code 1."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        cli(standalone_mode=True)
    except WorkbenchError as error:
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


@data_commands.command("ingest")
def data_ingest(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet with bars or ticks")],
    pair: Annotated[str, typer.Option(help="One of the sixteen pairs, e.g. EURUSD")],
    timezone: Annotated[str, typer.Option(help="Zone of the time stamps, e.g. UTC or Europe/Helsinki")],
    timeframe: Annotated[str, typer.Option(help="tick, 1min, 5min, 15min, 1h, 4h or 1d")],
    column: Annotated[list[str] | None, typer.Option(help='Column mapping ours=theirs, e.g. time="Gmt time"')] = None,
    stamped: Annotated[str, typer.Option(help="Whether a bar carries its start or its end time")] = "start",
    accept_flagged: Annotated[str, typer.Option(help="Your name: accept what is flagged, on the record")] = "",
    ecb_file: Annotated[str, typer.Option(help="Your own eurofxref-hist zip or CSV")] = "",
) -> None:
    """Take a file of prices into the store, or refuse it with reasons."""
    from workbench.app import home_folder, load_rates, market_store
    from workbench.data.ingest import ingest
    from workbench.data.quality import AcceptanceLog, Acceptor
    from workbench.data.sources import SeriesSpec

    spec = SeriesSpec(pair, timezone, timeframe, _pairs_of(column if column is not None else []), stamped)
    log = AcceptanceLog(home_folder() / "acceptances.jsonl")
    acceptor = Acceptor(log, accept_flagged, datetime.now(UTC)) if accept_flagged else None
    result = ingest(file, spec, store=market_store(), rates=load_rates(ecb_file=ecb_file), acceptor=acceptor)
    quality = result.quality
    typer.echo(
        f"{quality.pair} {quality.timeframe}: {quality.rows} rows from {quality.first} to {quality.last}, "
        f"{quality.verdict}; capture rate {quality.capture_rate:.3%}, {result.accepted} flags accepted"
    )
    for reason in quality.reasons:
        typer.echo(f"  - {reason}")


def _pairs_of(mappings: list[str]) -> dict[str, str]:
    """Read ``ours=theirs``."""
    found = {}
    for mapping in mappings:
        ours, equals, theirs = mapping.partition("=")
        if not (ours and equals and theirs):
            raise ConfigError(f"--column expects ours=theirs such as time=Date, got {mapping!r}")
        found[ours] = theirs
    return found


@data_commands.command("quality")
def data_quality(
    as_of: Annotated[str, typer.Option(help="Last day that may be seen, YYYY-MM-DD [default: last fix]")] = "",
    ecb_file: Annotated[str, typer.Option(help="Your own eurofxref-hist zip or CSV")] = "",
) -> None:
    """Judge the daily rates and everything ingested."""
    from rich.console import Console
    from rich.table import Table

    from workbench.app import home_folder, load_rates, market_store
    from workbench.data.quality import AcceptanceLog, quality_report

    log = AcceptanceLog(home_folder() / "acceptances.jsonl")
    report = quality_report(load_rates(as_of, ecb_file), store=market_store(), acceptances=log)
    frame = report.to_frame()[["series", "verdict", "first", "last", "rows", "capture_rate", "gaps", "flags"]]
    table = Table(title=f"Data quality up to {report.as_of}", title_justify="left")
    for name in frame.columns:
        table.add_column(name.replace("_", " "), justify="left" if name in {"series", "verdict"} else "right")
    for row in frame.itertuples(index=False):
        table.add_row(*(f"{cell:.3%}" if isinstance(cell, float) else str(cell) for cell in row))
    Console(highlight=False).print(table)
    for flag in report.flagged():
        typer.echo(f"  - {flag['reason']}{' (accepted)' if flag['accepted'] else ''}")
    for reason in report.gate.reasons:
        typer.echo(f"The data may not carry a calibration: {reason}")
    if not report.gate.passed:
        raise typer.Exit(REFUSED)


@calibration_commands.command("list")
def calibration_list() -> None:
    """List calibrations, newest first; the live one is marked."""
    from rich.console import Console
    from rich.table import Table

    from workbench.app import registry

    lines = registry().catalogue()
    if not lines:
        typer.echo("No calibration yet: `workbench daily` makes one.")
        return
    table = Table("", title="Calibrations, newest first", title_justify="left")
    for name in ("id", "status", "made"):
        table.add_column(name, no_wrap=True)
    table.add_column("first reason")
    for line in sorted(lines, key=lambda line: (line.as_of, line.created), reverse=True):
        mark = "▶" if line.status in {"adopted", "provisional"} else ""
        table.add_row(mark, line.id, line.status, line.created[:16], line.reasons[0] if line.reasons else "")
    Console(highlight=False).print(table)


@calibration_commands.command("show")
def calibration_show(
    name: Annotated[str, typer.Argument(help='Id, the beginning of one, or "adopted"')] = "adopted",
    full: Annotated[bool, typer.Option("--json", help="Everything, as JSON")] = False,
) -> None:
    """Show one calibration: figures, status, reasons, gates."""
    from workbench.app import registry

    store = registry()
    shown = store.show(name)
    if full:
        typer.echo(shown.model_dump_json(indent=2))
        return
    _describe(shown)
    verdict = store.verdict(shown.id)
    for gate in verdict.gates:
        typer.echo(f"  {'✓' if gate.passed else '✗'} {gate.name}: {gate.sentence}")


def _describe(shown: "Calibration") -> None:
    risk, regime = shown.value_at_risk, shown.regime
    typer.echo(f"{shown.id}  {shown.status.upper()}")
    typer.echo(f"  champion {risk.champion}, book {risk.book}, equity {risk.equity:,.0f} USD")
    typer.echo(f"  VaR 95 % {risk.portfolio_95:.3%}   VaR 99 % {risk.portfolio_99:.3%}", nl=False)
    typer.echo(f"   ES 97.5 % {risk.expected_shortfall_975:.3%}   of equity, next day")
    typer.echo(f"  regime by {regime.model}; code {shown.code_version}, policy {shown.policy_hash[:12]}")
    for reason in shown.reasons:
        typer.echo(f"  - {reason}")


@calibration_commands.command("diff")
def calibration_diff(
    before: Annotated[str, typer.Argument(help="Id or the beginning of one")],
    after: Annotated[str, typer.Argument(help="Id or the beginning of one")] = "adopted",
) -> None:
    """Say what differs between two calibrations, field by field."""
    from rich.console import Console
    from rich.table import Table

    from workbench.app import registry

    table = Table("field", "before", "after", "change")
    for line in registry().diff(before, after):
        change = "" if line.relative_change is None else f"{line.relative_change:+.1%}"
        table.add_row(line.path, _short(line.before), _short(line.after), change)
    Console(highlight=False).print(table)


def _short(value: object) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 40 else text[:37] + "…"


@calibration_commands.command("adopt")
def calibration_adopt(
    name: Annotated[str, typer.Argument(help="Id or the beginning of one")],
    person: Annotated[str, typer.Option("--by", help="Your name, for the record")],
) -> None:
    """Adopt a candidate that waits for a person."""
    from workbench.app import registry

    _describe(registry().adopt(name, person, datetime.now(UTC).isoformat()))


@calibration_commands.command("rollback")
def calibration_rollback(
    person: Annotated[str, typer.Option("--by", help="Your name, for the record")],
    to: Annotated[str, typer.Option(help="Id to go back to [default: the one before]")] = "",
    reason: Annotated[str, typer.Option(help="Why, for the record")] = "",
) -> None:
    """Go back to an earlier calibration."""
    from workbench.app import registry

    _describe(registry().rollback(person, datetime.now(UTC).isoformat(), to=to or None, reason=reason))


@cli.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


if __name__ == "__main__":
    main()
