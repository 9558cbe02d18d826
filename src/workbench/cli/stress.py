"""``workbench stress``: every historical crisis, with controls, without, and with a smaller book."""

from pathlib import Path
from typing import Annotated

import typer


def stress(
    policy: Annotated[str, typer.Option(help="Your own policy TOML")] = "",
    book: Annotated[str, typer.Option(help="Your book: CSV with pair, units [default: a reference book]")] = "",
    equity: Annotated[float, typer.Option(help="Equity of the account in US dollars")] = 1_000_000.0,
    volatility: Annotated[float, typer.Option(help="Annual volatility of the reference book, e.g. 0.15")] = 0.0,
    output: Annotated[str, typer.Option(help="CSV of the crises [default: WORKBENCH_HOME/stress/crises.csv]")] = "",
) -> None:
    """Replay the historical crises of the policy with controls, without, and with a smaller book."""
    from workbench.app import home_folder, replay_crises
    from workbench.data.files import write_atomically
    from workbench.monitor.console import CountedProgress, print_crises, print_reverse

    with CountedProgress() as progress:
        found, reverse = replay_crises(
            policy_file=policy, book_file=book, equity=equity, volatility=volatility, tell=progress.tell
        )
    target = Path(output) if output else home_folder() / "stress" / "crises.csv"
    table = found.table()
    write_atomically(target, table.to_csv(index_label="crisis").encode())
    print_crises(table, found.told)
    print_reverse(reverse.shocks)
    typer.echo(f"\nAll figures: {target}")
