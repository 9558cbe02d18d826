"""Campaigns: many simulated worlds, every planted bug until it is caught, and real processes. In full: `make soak`.

python tests/faults/campaign.py --seeds 20000 --processes 2 --report docs/reliability.md
python tests/faults/campaign.py --first 247 --seeds 1 --no-planted --no-real
python tests/faults/campaign.py --real-only --report docs/reliability.md
"""

import argparse
import multiprocessing
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import workbench.app  # noqa: F401 -- says where compiled kernels are kept: before anything that compiles

# ruff: isort: split
from planted import PLANTED
from real_processes.campaign import real_campaign
from real_processes.tally import RealTally, real_table
from world import Outcome, SimulatedWorld

from workbench.domain.errors import ConfigError

PLANTED_LIMIT = 1_000
"""Seeds within which a planted bug must be caught."""
BEGIN, END = "<!-- campaigns:begin -->", "<!-- campaigns:end -->"
REAL_BEGIN, REAL_END = "<!-- real processes:begin -->", "<!-- real processes:end -->"
SEEDS_A_PIECE = 25
FAULTS = ("quote ", "feed ", "report ", "strike: ", "submit ", "cancel ", "rate ", "broker ", "machine ", "message: ")


@dataclass(slots=True)
class Tally:
    """Outcomes of many worlds, added up."""

    seeds: int = 0
    counts: "Counter[str]" = field(default_factory=Counter)
    failed: list[Outcome] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """One more."""
        self.seeds += 1
        self.counts.update(outcome.counts)
        if outcome.violations:
            self.failed.append(outcome)

    @property
    def faults(self) -> dict[str, int]:
        """What was injected, by kind."""
        return {kind: number for kind, number in sorted(self.counts.items()) if kind.startswith(FAULTS)}


def lived(seed: int) -> Outcome:
    """Live through one world."""
    return SimulatedWorld(seed).run()


def campaign(first: int, seeds: int, processes: int) -> Iterator[Outcome]:
    """Live through many worlds, in this process or in some."""
    span = range(first, first + seeds)
    if processes == 1:
        yield from map(lived, span)
        return
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        yield from pool.imap_unordered(lived, span, chunksize=SEEDS_A_PIECE)


def caught(bug: str, limit: int = PLANTED_LIMIT) -> Outcome | None:
    """The first world that catches a planted bug; None when none of the first ones does."""
    for seed in range(limit):
        outcome = SimulatedWorld(seed, bug).run()
        if outcome.violations:
            return outcome
    return None


def version() -> str:
    """Commit of the code, and whether it has been changed since."""
    root = Path(__file__).parents[2]
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=root, capture_output=True, text=True, check=False
    )
    return told.stdout.strip() or "unknown"


def table(name: str, first: int, tally: Tally, planted: dict[str, Outcome | None], seconds: float) -> str:
    """The campaign as Markdown."""
    counts = tally.counts
    head = [
        ("campaign", name),
        ("run", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, code {version()}, {seconds:,.0f} s"),
        ("seeds", f"{tally.seeds:,} ({first:,} to {first + tally.seeds - 1:,})"),
        ("turns of the loop", f"{counts['turns']:,}"),
        ("restarts, of them after a loss of power", f"{counts['restarts']:,}, {counts['power lost']:,}"),
        ("orders sent, executions", f"{counts['orders sent']:,}, {counts['executions']:,}"),
        ("executions that grew a position", f"{counts['executions that grew a position']:,}"),
        ("reductions", f"{counts['reductions']:,}"),
        ("worlds that halted at a drawdown of 15 %", f"{counts['seen tripped: DRAWDOWN 4']:,}"),
        (
            "broken promises",
            f"{len(tally.failed)}" + "".join(f"; seed {one.seed}: {one.violations[0]}" for one in tally.failed),
        ),
    ]
    lines = ["| | |", "|---|---|", *(f"| {key} | {value} |" for key, value in head), ""]
    lines += [
        "| fault | injected |",
        "|---|---:|",
        *(f"| {kind} | {number:,} |" for kind, number in tally.faults.items()),
        "",
    ]
    if planted:
        lines += ["| planted bug | caught by seed | as |", "|---|---:|---|"]
        for bug, outcome in planted.items():
            seed, promise = (f"{outcome.seed}", outcome.violations[0]) if outcome else ("NOT CAUGHT", "")
            lines.append(f"| {bug} | {seed} | {promise} |")
        lines.append("")
    return "\n".join(lines)


def write_report(path: Path, text: str, marks: tuple[str, str] = (BEGIN, END)) -> None:
    """Put a table between its markers on a page that has them; everything else on it stays.

    Raises
    ------
    ConfigError
        When a marker is missing.
    """
    begin, end = marks
    page = path.read_text(encoding="utf-8") if path.exists() else ""
    before, found, rest = page.partition(begin)
    _, ended, after = rest.partition(end)
    if not (found and ended):
        raise ConfigError(f"{path} has no place for the table: expected the lines {begin} and {end} in it")
    path.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


def told_simulated(asked: argparse.Namespace) -> bool:
    """Run the simulated worlds, renew their table; whether every promise was kept and every planted bug caught."""
    began, tally = time.monotonic(), Tally()
    for outcome in campaign(asked.first, asked.seeds, asked.processes):
        tally.add(outcome)
        if outcome.violations:
            sys.stdout.write(f"\n{outcome.report}\n")
        if tally.seeds % SEEDS_A_PIECE == 0:
            speed = tally.seeds / (time.monotonic() - began)
            sys.stdout.write(
                f"\r{tally.seeds:,} of {asked.seeds:,} worlds, {speed:.1f} a second, {len(tally.failed)} broken"
            )
            sys.stdout.flush()
    planted = {} if asked.no_planted else {bug: caught(bug) for bug in PLANTED}
    text = table(asked.name, asked.first, tally, planted, time.monotonic() - began)
    sys.stdout.write(f"\n\n{text}\n")
    if asked.report:
        write_report(asked.report, text)
    return not tally.failed and None not in planted.values()


def told_real(asked: argparse.Namespace) -> bool:
    """Run the real processes, renew their table; whether every promise was kept."""
    tallies = list[RealTally]()
    for tally in real_campaign():
        tallies.append(tally)
        sys.stdout.write(
            f"{tally.runs:,} runs in {tally.seconds:,.0f} s, {len(tally.violations)} broken: {tally.done}\n"
        )
        sys.stdout.flush()
    text = real_table(tallies, version())
    sys.stdout.write(f"\n{text}\n")
    if asked.report:
        write_report(asked.report, text, (REAL_BEGIN, REAL_END))
    return not any(tally.violations for tally in tallies)


def main() -> int:
    """Run the campaigns; the exit code says whether every promise was kept and every planted bug caught."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--first", type=int, default=0)
    options.add_argument("--seeds", type=int, default=20_000)
    options.add_argument("--processes", type=int, default=1)
    options.add_argument("--name", default="simulated worlds")
    options.add_argument("--report", type=Path, help="Markdown page whose tables are renewed")
    options.add_argument("--no-planted", action="store_true", help="leave the planted bugs out")
    options.add_argument("--no-real", action="store_true", help="leave the real processes out")
    options.add_argument("--real-only", action="store_true", help="run the real processes alone")
    asked = options.parse_args()
    kept = True
    if not asked.real_only:
        kept = told_simulated(asked)
    if asked.real_only or not asked.no_real:
        kept = told_real(asked) and kept
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
