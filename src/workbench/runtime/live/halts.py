"""People's messages as the loop finds them: in which order, a halt by signal, and approvals that came too late."""

import math
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from workbench.data.inbox import LOOSENING, Command, Inbox, UnreadableError
from workbench.data.journal.journal import Journal
from workbench.domain.errors import DataError, ExecutionError
from workbench.domain.trading.decisions import AnyDecision, RaiseAlert, ScopeLocked
from workbench.domain.trading.events import AnyEvent
from workbench.engine.risk_engine import EngineState, RiskEngine
from workbench.runtime.live.desk import stepped
from workbench.runtime.live.outside import Messages

URGENT = 3
"""Alert level from which on an approval that was given without it does not stand."""
TOO_LATE = (
    "a halt, a reduction, a lock or an urgent alert came after what the approver was shown, or the loop was started "
    "again since: nothing was loosened; look at the book as it is now, and propose it again"
)


READY_AGAIN_SECONDS = 1.0
"""How often the halt for a full disk is looked after."""


class Halts:
    """SIGUSR1 halts: a way in that needs no disk; the message is made here and found like any other.

    It is put into the inbox before it is acted on, so that it outlasts this process; when the disk takes neither it nor
    the halt that lies ready, it is acted on all the same.

    Parameters
    ----------
    inbox : Inbox
        Where a halt is kept ready from now on.
    """

    def __init__(self, inbox: Inbox) -> None:
        self._inbox, self._look_at = inbox, -math.inf
        self._asked, self._unwritten = list[Command](), list[Command]()
        signal.signal(signal.SIGUSR1, self._halt)

    def _halt(self, _number: int, _frame: object) -> None:
        self._asked.append(_by_signal())

    def waiting(self) -> Sequence[tuple[Path | None, Command | DataError]]:
        """Messages that wait, first those by signal that no disk took.

        Returns
        -------
        sequence of (Path or None, Command or DataError)
        """
        asked, self._asked = self._asked, []
        unwritten = [command for command in asked if not self._written(command)]
        self._unwritten += unwritten
        self._keep_halt_ready()
        return [*((None, command) for command in unwritten), *self._inbox.waiting()]

    def __enter__(self) -> Self:
        """Nothing to do before the loop lives."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Leave for the next start what came by signal and is in no journal, or comes yet, however the loop ends."""
        signal.signal(signal.SIGUSR1, lambda _number, _frame: self._leave(_by_signal()))
        for command in [*self._unwritten, *self._asked]:
            self._leave(command)
        self._unwritten, self._asked = [], []

    def _leave(self, command: Command) -> None:
        if not self._written(command):
            sys.stderr.write("workbench: a halt by signal is not on the disk: the next start forgets it\n")

    def _written(self, command: Command) -> bool:
        try:
            self._inbox.send(command)
        except ExecutionError:
            return False
        return True

    def _keep_halt_ready(self) -> None:
        now = time.monotonic()
        if now >= self._look_at:
            self._look_at = now + READY_AGAIN_SECONDS
            with suppress(ExecutionError):  # there is no room now: tried again
                self._inbox.keep_halt_ready()

    def done(self, path: Path | None) -> None:
        """Remove a message that has been acted on.

        Parameters
        ----------
        path : Path or None
            None for one that came by signal and that no disk took.
        """
        if path is not None:
            self._inbox.done(path)
        else:
            self._unwritten.pop(0)

    def set_aside(self, path: Path | None) -> None:
        """Put what is no message out of the way.

        Parameters
        ----------
        path : Path or None
            None for one that came by signal and that no disk took.
        """
        if path is not None:
            self._inbox.set_aside(path)

    def leave_halt(self, reason: str) -> None:
        """Leave a halt for the next start; when the disk does not take it, say so: the loop is ending already.

        Parameters
        ----------
        reason : str
            Why.
        """
        try:
            self._inbox.send(Command.made("halt", "the loop", time.time_ns(), reason=reason[:2_000]))
        except ExecutionError as error:
            sys.stderr.write(f"workbench: the next start will not be halted by itself: {error}\n")


def _by_signal() -> Command:
    return Command.made("halt", "signal", time.time_ns(), reason="SIGUSR1")


class Intake:
    """Messages in the order the loop takes them, and which approvals still stand.

    What loosens is taken before what restricts, so that of messages found together the most restrictive stands.

    Parameters
    ----------
    inbox : Messages
        Where they wait.
    known : set of str
        Nonces of messages that were acted on before.
    journal : Journal
        Counts its rows; who approved before this start has not seen what it found.
    """

    def __init__(self, inbox: Messages, known: set[str], journal: Journal) -> None:
        self._inbox, self._known, self._journal = inbox, known, journal
        self._unreadable = set[Any]()
        self._restricted = journal.head.sequence

    def messages(self) -> Iterator[tuple[Any, Command | DataError]]:
        """Take in what is new; a message that cannot be read now is told once and left where it is.

        Yields
        ------
        tuple of (handle, Command or DataError)
        """
        for path, command in sorted(self._inbox.waiting(), key=lambda one: not _loosens(one[1])):
            if isinstance(command, UnreadableError):
                if path not in self._unreadable:
                    self._unreadable.add(path)
                    yield path, command
            elif isinstance(command, DataError):
                self._inbox.set_aside(path)
                yield path, command
            elif command.nonce in self._known:
                self._inbox.done(path)
            else:
                self._known.add(command.nonce)
                yield path, command

    def refusal(self, command: Command, begun: tuple[RiskEngine, EngineState], events: Sequence[AnyEvent]) -> str:
        """Why an approval does not stand, or not any more.

        Parameters
        ----------
        command : Command
            Any; only what loosens can be refused: when it would change nothing, or says what its approver was shown.
        begun : tuple of (RiskEngine, EngineState)
            The book before this turn.
        events : sequence of Event
            What this turn has found so far; nobody was shown that.

        Returns
        -------
        str
            Empty when it stands.
        """
        if not _loosens(command):
            return ""
        if command.act == "enable" and _is_not_locked(command.strategy, begun[1]):
            return f"the strategy {command.strategy} is not locked: there is nothing to enable"
        if not command.seen:
            return ""
        shown = self._restricted <= command.seen <= self._journal.head.sequence
        return "" if shown and not _urgent_in(begun, events) else TOO_LATE

    def heard(self, commands: Sequence[tuple[Any, Command, str]], decisions: Sequence[AnyDecision]) -> None:
        """Remember where the journal was when the loop was last restricted; its rows are written already.

        Parameters
        ----------
        commands : sequence of (handle, Command, str)
            What this turn acted on, or why not.
        decisions : sequence of Decision
            Of this turn.
        """
        asked = any(not refused and not _loosens(command) for _, command, refused in commands)
        if asked or any(map(_urgent, decisions)):
            self._restricted = self._journal.head.sequence


def _is_not_locked(strategy: str, state: EngineState) -> bool:
    """Whether a strategy there is may trade as it is; one there is not is refused by the engine."""
    names = [one.name for one in state.settings.strategies]
    return strategy in names and state.record[0]["locked"][names.index(strategy)] == 0


def _loosens(command: Command | DataError) -> bool:
    return isinstance(command, Command) and command.act in LOOSENING


def _urgent(decision: AnyDecision) -> bool:
    return isinstance(decision, ScopeLocked) or (isinstance(decision, RaiseAlert) and decision.level >= URGENT)


def _urgent_in(begun: tuple[RiskEngine, EngineState], events: Sequence[AnyEvent]) -> bool:
    """Whether events that are not written yet will restrict the book, tried on the engine, which is pure."""
    engine, state = begun
    for event in events:
        state, decisions, _ = stepped(engine, state, event)
        if any(map(_urgent, decisions)):
            return True
    return False
