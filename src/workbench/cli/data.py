"""``workbench data …``: take in files, judge what is stored."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from workbench.domain.errors import ConfigError

REFUSED = 1
data_commands = typer.Typer(help="Market data: take in files, judge what is stored.", no_args_is_help=True)


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
