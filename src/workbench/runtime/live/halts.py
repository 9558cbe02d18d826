"""People's messages as the loop finds them: those in the inbox, and a halt that came as a signal."""

import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from workbench.data.inbox import Command, Inbox
from workbench.domain.errors import DataError, ExecutionError


class Halts:
    """SIGUSR1 halts: a way in that needs no disk; the message is made here and found like any other."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox, self._asked = inbox, list[Command]()
        signal.signal(signal.SIGUSR1, self._halt)

    def _halt(self, _number: int, _frame: object) -> None:
        self._asked.append(Command.made("halt", "signal", time.time_ns(), reason="SIGUSR1"))

    def waiting(self) -> Sequence[tuple[Path | None, Command | DataError]]:
        """Messages that wait, those by signal first.

        Returns
        -------
        sequence of (Path or None, Command or DataError)
        """
        asked, self._asked = self._asked, []
        return [*((None, command) for command in asked), *self._inbox.waiting()]

    def done(self, path: Path | None) -> None:
        """Remove a message that has been acted on.

        Parameters
        ----------
        path : Path or None
            None for one that came by signal.
        """
        if path is not None:
            self._inbox.done(path)

    def set_aside(self, path: Path | None) -> None:
        """Put what is no message out of the way.

        Parameters
        ----------
        path : Path or None
            None for one that came by signal.
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
