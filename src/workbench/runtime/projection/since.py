"""Since when mode, condition, regime and each rung are as they are, and who halted: read off decisions and messages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from workbench.domain.trading.decisions import (
    AnyDecision,
    ConditionChanged,
    ModeChanged,
    RaiseAlert,
    RegimeChanged,
    RungReleased,
)
from workbench.domain.trading.modes import Ladder
from workbench.domain.trading.reasons import Reason

HALTING = frozenset({"halt", "full_halt", "shut_down"})
"""Messages that halt."""
MOST_HALTS, LONGEST_REASON = 4, 200
"""So many of those who halted are named, and so many characters of why."""
UNRECONCILED = frozenset({Reason.BOOK_MISMATCH, Reason.FILL_UNKNOWN, Reason.FILL_NOT_A_NUMBER})
"""Alerts after which nothing grows until positions are reconciled with the broker."""


@dataclass(frozen=True, slots=True)
class Halt:
    """Who halted, when the loop took it in, by which message and why; words of people, on one line."""

    time_ns: int
    actor: str
    act: str
    reason: str


@dataclass(slots=True)
class Since:
    """UTC nanoseconds of the loop's clock; a rung that does not hold has none. Rungs count from 1, as in decisions."""

    mode_ns: int
    condition_ns: int
    regime_ns: int
    rungs: dict[tuple[Ladder, int], int] = field(default_factory=dict)
    halted_ns: int = 0
    """When people halted the last time; 0 when they never did."""
    halts: tuple[Halt, ...] = ()
    """Those who halted then or later, the first one first."""
    unreconciled: RaiseAlert | None = None
    """The last alert that the book and the broker differ."""

    @classmethod
    def start(cls, time_ns: int) -> Self:
        """Everything is as it began.

        Parameters
        ----------
        time_ns : int
            When the book began.

        Returns
        -------
        Since
        """
        return cls(time_ns, time_ns, time_ns)

    def decided(self, decision: AnyDecision) -> None:
        """Take a decision in.

        Parameters
        ----------
        decision : Decision
            Any; most change nothing here.
        """
        if isinstance(decision, ModeChanged):
            self.mode_ns = decision.time_ns
        elif isinstance(decision, ConditionChanged):
            self.condition_ns = decision.time_ns
        elif isinstance(decision, RegimeChanged):
            self.regime_ns = decision.time_ns
        elif isinstance(decision, RaiseAlert):
            self._alerted(decision)
        elif isinstance(decision, RungReleased):
            self.rungs.pop((decision.ladder, decision.rung), None)

    def _alerted(self, alert: RaiseAlert) -> None:
        if alert.ladder is not None:
            self.rungs[alert.ladder, alert.rung] = alert.time_ns
        elif alert.reason is Reason.OPERATOR_HALT:
            self.halted_ns = alert.time_ns
        elif alert.reason in UNRECONCILED:
            self.unreconciled = alert

    def commanded(self, command: Mapping[str, Any], time_ns: int, refused: str) -> None:
        """Take a person's message in, after what was decided on it.

        Parameters
        ----------
        command : mapping
            Its ``act``, ``actor`` and ``reason``; only what halts is remembered.
        time_ns : int
            When the loop took it in.
        refused : str
            Why nothing was done; empty when it was.
        """
        if refused or command["act"] not in HALTING or time_ns < self.halted_ns:
            return
        said = Halt(time_ns, one_line(command["actor"]), command["act"], one_line(command.get("reason", "")))
        standing = [one for one in self.halts if one.time_ns >= self.halted_ns]
        self.halts = (*standing, said)[:MOST_HALTS]


def one_line(text: str) -> str:
    """Words of a person as a terminal and a page may show them.

    Parameters
    ----------
    text : str
        Anything.

    Returns
    -------
    str
        On one line, without marks that are no letters, and not endless.
    """
    words = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return words if len(words) <= LONGEST_REASON else f"{words[:LONGEST_REASON]}…"
