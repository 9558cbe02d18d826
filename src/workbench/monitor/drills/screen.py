"""Drills on the terminal: what came of them, and what is due."""

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from workbench.monitor.console import WIDE
from workbench.monitor.drills.words import KINDS, Standing, duration, rows_of, verdict_of
from workbench.response.drills.names import CONTROL
from workbench.response.drills.record import Drilled

STYLES = {"pass": "green", "warn": "yellow", "fail": "red"}


def _console() -> Console:
    return Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else WIDE)


def print_drilled(drilled: Sequence[Drilled]) -> None:
    """Print what came of a drill.

    Parameters
    ----------
    drilled : sequence of Drilled
        In order.
    """
    console = _console()
    for kind, title in KINDS.items():
        found = [one for one in drilled if one.kind == kind]
        if not found:
            continue
        steps = ("decided", "first order") if kind == CONTROL else ()
        table = Table(title=f"\n{title}", title_justify="left", box=None, pad_edge=False)
        table.add_column("")
        table.add_column("name", no_wrap=True)
        for name in (*steps, "took", "policy"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("what happened")
        for one in found:
            mark = Text("✓", "green") if one.passed else Text("✗", "red")
            taken = (one.decided_seconds, one.sent_seconds) if steps else ()
            cells = map(duration, (*taken, one.seconds, one.target_seconds))
            table.add_row(mark, Text(one.name), *cells, Text(one.sentence))
        console.print(table)


def print_standing(standing: Standing) -> None:
    """Print when everything was last drilled, and when it is due.

    Parameters
    ----------
    standing : Standing
        How everything stands.
    """
    console, rows = _console(), rows_of(standing)
    for kind, title in KINDS.items():
        table = Table(title=f"\n{title}", title_justify="left", box=None, pad_edge=False)
        for name in ("", "name", "state", "last", "due"):
            table.add_column(name, no_wrap=True)
        for row in rows[kind]:
            style = STYLES[row.css]
            table.add_row(Text(row.mark, style), Text(row.name), Text(row.state, style), row.last, row.due)
        if rows[kind]:
            console.print(table)
    console.print(f"\n{verdict_of(rows)[1]}")
