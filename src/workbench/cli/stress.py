"""``workbench stress``: every scenario with controls, without, and with a smaller book; and simulated paths."""

from pathlib import Path
from typing import Annotated

import typer


def stress(
    scenario: Annotated[list[str] | None, typer.Option(help="Id of a scenario; may be repeated [default: all]")] = None,
    paths: Annotated[
        int, typer.Option(help="Simulated paths, all models and both books together; 0 for none")
    ] = 10_000,
    days: Annotated[int, typer.Option(help="Days of each path")] = 250,
    seed: Annotated[int, typer.Option(help="Seed of the paths")] = 0,
    own: Annotated[str, typer.Option(help="Your own scenario TOML, or a folder of them")] = "",
    policy: Annotated[str, typer.Option(help="Your own policy TOML")] = "",
    book: Annotated[str, typer.Option(help="Your book: CSV with pair, units [default: that of the daily run]")] = "",
    equity: Annotated[float, typer.Option(help="Equity of the account in US dollars")] = 1_000_000.0,
    volatility: Annotated[float, typer.Option(help="Annual volatility of the reference book")] = 0.15,
    output: Annotated[str, typer.Option(help="CSV of figures [default: WORKBENCH_HOME/stress/scenarios.csv]")] = "",
) -> None:
    """Does the book survive, and is it the controls or just less risk? Every scenario, and a verdict.

    Each scenario is run with controls, without, and with a smaller book of equal exposure (the placebo), for the book
    of today and for the same book at the reference volatility. Exit code 1 when the book of today fails.
    """
    from workbench.app import StressRequest, home_folder, validate_stress
    from workbench.data.files import write_atomically
    from workbench.monitor.console import CountedProgress, print_paths, print_reverse, print_stress

    request = StressRequest(policy, book, own, equity, volatility, tuple(scenario or ()), paths, days, seed)
    with CountedProgress() as progress:
        found = validate_stress(request, progress.tell)
    tables = {"as it is": found.as_is.table(), found.reference_name: found.reference.table()}
    print_stress(found.verdict, found.sentence, tables, found.reasons)
    print_paths(found.summary()["monte_carlo"])
    print_reverse(found.reverse.shocks)
    target = Path(output) if output else home_folder() / "stress" / "scenarios.csv"
    other = found.reference.table().drop(columns=["title", "synthetic"])
    joined = found.as_is.table().join(other, rsuffix="_reference")
    write_atomically(target, joined.to_csv(index_label="scenario").encode())
    typer.echo(f"\nAll figures: {target}")
    if found.verdict != "pass":
        raise typer.Exit(1)
