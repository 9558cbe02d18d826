"""The scripted breach: value at risk over its limits at the first prices, and two people who ask for more.

The ladder cuts three positions, `ana` asks for half of everything, `ben` halts the book. Run by the live loop as a
process, undisturbed or not, it must end at the same targets, HALTED.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from invariants import OPERATOR

from workbench.data.inbox import Command, Inbox

from .processes import Nursery, Plans, Running, executions_of
from .promises import broken_at_any_time, broken_promises, latched, shown

OPENING = {"EURUSD": 300_000.0, "USDJPY": -250_000.0, "EURCHF": 90_000.0}
SECONDS, RECOVERED = 4.5, 15.0
"""Of the loop's clock: by then the breach is over, without a fault and with some; doubts take six seconds to settle."""
HALT_WAITS = {OPERATOR}
"""A halt is left in the inbox before the first start: it must be in force at every end."""


def ask(folder: Path) -> None:
    """Two messages that wait for the first start."""
    inbox = Inbox(folder / "inbox")
    inbox.send(Command.made("reduce", "ana", 1, fraction=0.5))
    inbox.send(Command.made("halt", "ben", 2, reason="drill"))


@dataclass(frozen=True)
class ScriptedBreach:
    """Runs the breach in folders of its own.

    Parameters
    ----------
    nursery : Nursery
        Starts the processes.
    plans : Plans
        Book, policy and broker.
    scratch : Path
        Where the folders are.
    """

    nursery: Nursery
    plans: Plans
    scratch: Path

    def asked(self, name: str) -> Path:
        """A new folder in which the two messages wait."""
        folder = self.scratch / name
        ask(folder)
        return folder

    def run(self, folder: Path, seconds: float = SECONDS, paper: str = "", **task: Any) -> Running:
        """The loop until so many seconds after the beginning of its world."""
        request = {
            "feed": "simulated:7", "speed": 0.0, "seconds": 5.0, "folder": str(folder), "book_file": self.plans.book,
            "policy_file": self.plans.breached, "paper_file": paper or self.plans.slow_paper,
        }  # fmt: skip
        return self.nursery.start(folder, request=request, seconds=seconds, heads=f"{folder}.heads", **task)

    def command(self, folder: Path, speed: float = 0.0, **task: Any) -> Running:
        """The real command, as people start it."""
        command = [
            "live", "--feed", "simulated:7", "--speed", str(speed), "--seconds", "5", "--book", self.plans.book,
            "--policy", self.plans.breached, "--paper", self.plans.slow_paper, "--folder", str(folder),
        ]  # fmt: skip
        return self.nursery.start(folder, command=command, heads=f"{folder}.heads", **task)

    @cached_property
    def undisturbed(self) -> Path:
        """The breach without any fault; sound itself, or nothing can be compared with it."""
        folder = self.asked("undisturbed")
        assert self.run(folder).wait() == 0
        held = dict(OPENING)
        for execution in executions_of(folder)[1]:
            held[execution["strategy"]] += execution["units"]
        assert not broken_promises(folder, OPENING, held, HALT_WAITS | latched(folder))
        assert all(0.0 < abs(held[name]) < abs(units) for name, units in OPENING.items()), held
        return folder

    @cached_property
    def targets(self) -> Mapping[str, float]:
        """Where every reduction must end."""
        return {row["strategy"]: row["target"] for row in shown(self.undisturbed)["book"]["positions"]}

    def broken_now(self, folder: Path) -> list[str]:
        """Promises that do not even hold at the moment a process has died."""
        return broken_at_any_time(folder, OPENING)

    def broken(self, folder: Path, before: set[tuple[int, int]] = HALT_WAITS) -> list[str]:
        """Promises that do not hold at the end."""
        return broken_promises(folder, OPENING, self.targets, before)
