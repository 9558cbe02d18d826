"""How a run goes, on the terminal: a line for a step under way, a bar for what takes long, a tick for what ended."""

import json
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    import pandas as pd

    from workbench.domain.policy import Policy
    from workbench.domain.strategy_set import StrategySet
    from workbench.monitor.replay_page import ReplayView

LOOK_EVERY_SECONDS = 0.2
MANY_YEARS = 1e4
WIDE = 120
"""Columns of a table written to a file or a pipe."""
BOLD = 4


class Named(Protocol):
    """What is shown of a step."""

    @property
    def name(self) -> str:
        """Short name, unique in its run."""
        ...

    @property
    def title(self) -> str:
        """What a reader sees."""
        ...


@dataclass(frozen=True, slots=True)
class Task:
    """Something long that is no step of a run."""

    name: str
    title: str


class RunProgress:
    """Shows the steps of a run as they go; a context, so that the terminal is given back whatever happens."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        self._bars = Progress(
            *columns, console=self._console, transient=True, disable=not self._console.is_terminal, expand=False
        )
        self._tasks: dict[str, TaskID] = {}
        self._note: Path | None = None
        self._long: TaskID | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Self:
        self._bars.start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._bars.stop()

    def begun(self, step: Named, folder: Path) -> None:
        """Start the line of a step."""
        self._note = folder / "progress.json"
        self._tasks[step.name] = self._bars.add_task(step.title, total=None)

    def ended(self, step: Named, seconds: float, *, skipped: bool) -> None:
        """Tick a step off."""
        self._remove(step)
        note = "done before" if skipped else f"{seconds:5.1f} s"
        self._console.print(f"  [green]✓[/green] {step.title:<34} {note}")

    def failed(self, step: Named, reason: str, *, again: bool) -> None:
        """Say that a step failed, and whether it is tried again."""
        self._remove(step)
        note = f"failed, trying again: {reason}" if again else "failed"
        self._console.print(f"  [red]✗[/red] {step.title:<34} {note}")

    def _remove(self, step: Named) -> None:
        task = self._tasks.pop(step.name, None)
        if task is not None:
            self._bars.remove_task(task)

    def _follow(self) -> None:
        """Show what the notebooks note about their long work."""
        while not self._stop.wait(LOOK_EVERY_SECONDS):
            try:
                note = json.loads(self._note.read_text(encoding="utf-8")) if self._note else None
            except (OSError, ValueError):
                continue  # not there yet, or caught half written: the next look will do
            if note is None or (note["done"] >= note["total"] and self._long is None):
                continue
            if self._long is None:
                self._long = self._bars.add_task(note["what"], total=note["total"])
            self._bars.update(self._long, description=note["what"], total=note["total"], completed=note["done"])
            if note["done"] >= note["total"]:
                self._bars.remove_task(self._long)
                self._long = None


SHOWN_DECISIONS = 60
WEIGHTY = 2
"""Decisions below this weight, single orders among them, are on the page only."""


def waiting(what: str) -> AbstractContextManager[object]:
    """Show that something takes a while; a context.

    Parameters
    ----------
    what : str
        That is being done.

    Returns
    -------
    context manager
    """
    return Console(highlight=False, stderr=True).status(what)


def print_replay(view: "ReplayView") -> None:
    """Print what the controls of a replay did, and the decisions that matter most.

    Parameters
    ----------
    view : ReplayView
        Of a replay.
    """
    from workbench.monitor.decisions import line_of

    console = Console(highlight=False)
    lines = [line_of(one) for one in view.decisions]
    weighty = [line for line in lines if line.weight >= WEIGHTY][:SHOWN_DECISIONS]
    table = Table(title=view.title, title_justify="left", box=None, pad_edge=False)
    for name in ("time (UTC)", "decision", "because"):
        table.add_column(name, no_wrap=name.startswith("time"))
    for line in weighty:
        style = "bold" if line.weight == BOLD else None
        table.add_row(f"{line.time:%Y-%m-%d %H:%M:%S}", line.what, line.why, style=style)
    console.print(table)
    if len(lines) > len(weighty):
        console.print(f"… {len(lines) - len(weighty)} more on the page")
    console.print(f"\n{view.subtitle}")
    if view.synthetic:
        console.print(f"SYNTHETIC between the fixes: {view.synthetic}")
    console.print(f"\n{view.verdict}")


def print_scenarios(policy: "Policy", names: Sequence[tuple[str, str, date, date]]) -> None:
    """Print the scenarios and gap paths of a policy.

    Parameters
    ----------
    policy : Policy
        Its stress section.
    names : sequence of (str, str, date, date)
        Id, name, first and last day of each scenario.
    """
    console = Console(highlight=False)
    table = Table("scenario", "name", "from", "to", box=None, pad_edge=False)
    for name, title, start, end in names:
        table.add_row(name, title, str(start), str(end))
    console.print(table)
    gaps = ", ".join(f"{gap.name} ({gap.pair}, {gap.start})" for gap in policy.stress.gap_paths)
    console.print(f"\nGap paths: {gaps}")


def print_sweep(overview: "pd.DataFrame", table: "pd.DataFrame", refused: Mapping[str, str]) -> None:
    """Print how much of a grid earned, and its best rows.

    Parameters
    ----------
    overview : DataFrame
        By costs: positive, mean, best, worst.
    table : DataFrame
        Rows to show: sharpe, annual_return, drawdown, trades, and Sharpe ratios at other costs.
    refused : mapping of str to str
        Configurations that could not be tried, and why.
    """
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
    summed = Table(
        "costs", title="The whole grid, annual Sharpe ratios", title_justify="left", box=None, pad_edge=False
    )
    for name in ("above zero", "mean", "best", "worst"):
        summed.add_column(name, justify="right")
    for costs, one in overview.iterrows():
        summed.add_row(str(costs), f"{100 * one.positive:.0f} %", f"{one['mean']:+.2f}", f"{one.best:+.2f}",
                       f"{one.worst:+.2f}")  # fmt: skip
    console.print(summed)
    rows = Table(title=f"\nThe {len(table)} best", title_justify="left", box=None, pad_edge=False)
    rows.add_column("configuration", no_wrap=True)
    dear = [str(name) for name in table.columns if str(name).startswith("costs ")]
    for name in ("Sharpe", *dear, "a year", "drawdown", "trades"):
        rows.add_column(name, justify="right")
    for configuration, one in table.iterrows():
        cells = [f"{one[column]:+.2f}" for column in ("sharpe", *dear)]
        rows.add_row(
            str(configuration),
            *cells,
            f"{100 * one.annual_return:+.1f} %",
            f"{100 * one.drawdown:.1f} %",
            str(one.trades),
        )
    console.print(rows)
    for why in dict.fromkeys(refused.values()):
        count = sum(one == why for one in refused.values())
        console.print(f"{count} could not be tried: {why}")


def print_strategy_set(shown: "StrategySet") -> None:
    """Print the members of a strategy set, and what is said of it.

    Parameters
    ----------
    shown : StrategySet
        With its status.
    """
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
    console.print(f"{shown.id}  {shown.status.upper()}   {shown.sentence}")
    table = Table("strategy", "tier", box=None, pad_edge=False)
    for name in ("weight", "robustness", "windows won", "drawdown"):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    for one in shown.members:
        record = one.record
        figures = [record.robustness, record.walk_forward, record.drawdown]
        table.add_row(one.name, one.tier, f"{100 * one.weight:.1f} %",
                      *("–" if value is None else f"{value:.2f}" for value in figures), one.verdict)  # fmt: skip
    console.print(table)
    for reason in shown.reasons:
        console.print(f"  - {reason}")


class CountedProgress:
    """A bar for work that tells how far it is; a context, silent when not on a terminal."""

    def __init__(self) -> None:
        console = Console(highlight=False, stderr=True)
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        self._bars = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bars.add_task("", total=None)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def tell(self, what: str, done: int, total: int) -> None:
        """Show how far it is.

        Parameters
        ----------
        what : str
            What is being done.
        done, total : int
            Units of work.
        """
        self._bars.update(self._task, description=what, completed=done, total=total)


def print_stress(verdict: str, sentence: str, tables: "Mapping[str, pd.DataFrame]", findings: Sequence[str]) -> None:
    """Print the verdict of the stress validation, what every scenario did to each book, and what to know.

    Parameters
    ----------
    verdict, sentence : str
        ``pass`` or ``fail``, and what it rests on.
    tables : mapping of str to DataFrame
        Book → one row a scenario, fractions and market hours.
    findings : sequence of str
        Sentences, bad news first.
    """
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
    console.print(f"{'✓' if verdict == 'pass' else '✗'} STRESS {verdict.upper()}: {sentence}\n")
    for finding in findings:
        console.print(f"  - {finding}")
    for book, table in tables.items():
        rows = Table(title=f"\nLargest drawdown, {book}", title_justify="left", box=None, pad_edge=False)
        rows.add_column("scenario", no_wrap=True)
        for name in ("with controls", "without", "placebo", "exposure", "amplified", "recovered after", "survived"):
            rows.add_column(name, justify="right", no_wrap=True)
        for scenario, one in table.iterrows():
            hours = f"{one.recovery_hours:.0f} h" if one.recovery_hours != float("inf") else "not by the end"
            drawdowns = [f"{100 * one[f'drawdown_{run}']:.1f} %" for run in ("with", "without", "placebo")]
            rows.add_row(f"{scenario}{' ◇' if one.synthetic else ''}", *drawdowns, f"{100 * one.exposure:.0f} %",
                         f"{one.amplification:.2f}", hours, "yes" if one.survived else "NO")  # fmt: skip
        console.print(rows)
    console.print("\n◇ synthetic. Placebo: no controls, held at the average exposure of the book with them.")


def print_paths(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print what simulated paths of each book and model lost.

    Parameters
    ----------
    rows : sequence of mapping
        book, model, paths, days, drawdown_95_with, drawdown_95_without; nothing is printed for none.
    """
    if not rows:
        return
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
    title = f"\nSimulated paths ◇: largest drawdown in {rows[0]['days']} days that 95 % do not exceed"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("book", no_wrap=True)
    table.add_column("model", no_wrap=True)
    for name in ("with controls", "without", "paths"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in rows:
        lost = [f"{100 * one[f'drawdown_95_{run}']:.1f} %" for run in ("with", "without")]
        table.add_row(str(one["book"]), str(one["model"]), *lost, f"{one['paths']:,}")
    console.print(table)


class ReverseLine(Protocol):
    """What is shown of a shock that trips something."""

    @property
    def name(self) -> str:
        """What it trips or loses."""
        ...

    @property
    def loss(self) -> float:
        """Share of equity."""
        ...

    @property
    def distance(self) -> float:
        """In standard deviations of the book."""
        ...

    @property
    def years(self) -> float:
        """Between two such days, if legs were normal."""
        ...

    @property
    def words(self) -> str:
        """The moves, or why there are none."""
        ...


def print_reverse(shocks: Sequence[ReverseLine]) -> None:
    """Print the smallest moves that trip each rung.

    Parameters
    ----------
    shocks : sequence of ReverseLine
        Mildest first.
    """
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
    rows = Table(title="\nSmallest one-day move that does it", title_justify="left", box=None, pad_edge=False)
    rows.add_column("trips or loses", no_wrap=True)
    for name in ("loss", "distance", "years apart, if normal"):
        rows.add_column(name, justify="right", no_wrap=True)
    rows.add_column("moves of the legs")
    for one in shocks:
        years = "never seen" if one.years > MANY_YEARS else ("under 0.1" if one.years < 0.1 else f"{one.years:,.1f}")
        loss = f"{100 * one.loss:.1f} %" if one.loss == one.loss else "–"
        distance = f"{one.distance:.1f} σ" if one.distance != float("inf") else "–"
        rows.add_row(one.name, loss, distance, years, one.words)
    console.print(rows)
