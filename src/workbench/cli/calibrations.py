"""``workbench calibration …``: list, compare, adopt, go back."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from workbench.domain.calibration import Calibration

calibration_commands = typer.Typer(help="Calibrations: list, compare, adopt, go back.", no_args_is_help=True)


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
