"""What a campaign with real processes has done, how often, and which promises it found broken."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

MOST_SHOWN = 8


@dataclass(slots=True)
class RealTally:
    """One campaign.

    Attributes
    ----------
    done : str
        What was done to the program.
    promises : str
        Which ones were checked after each run.
    runs : int
        Breaches that were lived through.
    counts : Counter
        What happened in them, in the words of the page.
    violations : list of str
        Each with the run it was found in.
    """

    done: str
    promises: str
    runs: int = 0
    counts: "Counter[str]" = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    seconds: float = 0.0

    def add(self, run: str, broken: Sequence[str]) -> None:
        """One more run."""
        self.runs += 1
        self.violations += [f"{run}: {one}" for one in broken]

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Measure how long it takes."""
        began = time.monotonic()
        yield
        self.seconds = time.monotonic() - began


def real_table(tallies: Sequence[RealTally], version: str) -> str:
    """Campaigns as Markdown."""
    first, seconds = min(one.began for one in tallies), sum(one.seconds for one in tallies)
    runs, broken = sum(one.runs for one in tallies), sum(len(one.violations) for one in tallies)
    lines = [
        f"Run {first:%Y-%m-%d %H:%M} UTC, code {version}, {seconds:,.0f} s in all, "
        f"{runs:,} breaches lived through, **{broken} broken promises**.",
        "",
        "| what was done to the running program | runs | what happened | promises checked | broken "
        "| began (UTC) | seconds |",
        "|---|---:|---|---|---:|---|---:|",
    ]
    for one in tallies:
        happened = ", ".join(f"{number:,} {what}" for what, number in one.counts.items())
        lines.append(
            f"| {one.done} | {one.runs:,} | {happened} | {one.promises} | {len(one.violations)} | "
            f"{one.began:%Y-%m-%d %H:%M} | {one.seconds:,.0f} |"
        )
    return "\n".join([*lines, "", *(line for one in tallies if one.violations for line in broken_lines(one))])


def broken_lines(tally: RealTally) -> list[str]:
    """What was found broken, the first ones in full."""
    first = [f"- {violation}" for violation in tally.violations[:MOST_SHOWN]]
    more = len(tally.violations) - len(first)
    return [f"Broken under *{tally.done}*:", "", *first, *([f"- and {more} more"] if more else []), ""]
