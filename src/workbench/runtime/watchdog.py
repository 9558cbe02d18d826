"""The watchdog: a process of its own that looks at the live loop once a second and pages people when it is silent.

It needs neither the loop nor the control service: it reads the loop's journal, keeps no journal, and hands its pages to
the channels itself. What it has paged is in its heartbeat file, so that a restart of it does not begin again.
"""

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from workbench.data.inbox import Command, Inbox
from workbench.data.journal.codec import decode_table
from workbench.data.journal.reader import JournalReader
from workbench.data.journal.rows import RowKind
from workbench.data.journal.storage import DATABASE, lock_holder
from workbench.domain.errors import DataError, ExecutionError
from workbench.domain.trading.market_hours import SECOND_NS
from workbench.response.alerts.direct import DirectPages
from workbench.response.alerts.dispatcher import SHOWN
from workbench.response.alerts.watchdog_file import LOOP_SILENT, Heartbeat, read_heartbeat, silence_alert
from workbench.response.incidents.escalation import due_round
from workbench.response.incidents.incident import Incident, opened

LOOP_STATUS = "status"
LOOK_SECONDS = 1.0
ROWS_LOOKED_BACK = 20
"""In which the loop's last word is found, if it ended in good order."""
FIRST_WORD_SECONDS = 30.0
"""Patience until the loop is first heard: it may be starting. From then on it is the policy's."""
ACTOR = "the watchdog"


class WatchClock(Protocol):
    """Time of this machine, or of a test."""

    def wall_ns(self) -> int:
        """UTC nanoseconds."""

    def steady(self) -> float:
        """Seconds that never jump."""

    def sleep(self, seconds: float) -> None:
        """Wait.

        Parameters
        ----------
        seconds : float
            How long.
        """


class MachineClock:
    """The clocks of this machine."""

    @staticmethod
    def wall_ns() -> int:
        """UTC nanoseconds."""
        return time.time_ns()

    @staticmethod
    def steady() -> float:
        """Seconds that never jump."""
        return time.monotonic()

    @staticmethod
    def sleep(seconds: float) -> None:
        """Wait.

        Parameters
        ----------
        seconds : float
            How long.
        """
        time.sleep(seconds)


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """How it watches.

    Attributes
    ----------
    control : Path
        Folder ``control/``: the heartbeat is written there, acknowledgements are read there.
    halt : bool
        Whether a silent loop also gets a halt into its inbox.
    stopped : callable
        Whether to end.
    tell : callable
        Takes a sentence for whoever looks at the terminal.
    """

    control: Path
    halt: bool = False
    stopped: Callable[[], bool] = lambda: False
    tell: Callable[[str], None] = lambda sentence: None


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen: whether the loop is silent, whether on purpose, and that in a sentence."""

    silent: bool
    on_purpose: bool
    sentence: str


def watch(folder: Path, pages: DirectPages, clock: WatchClock, options: WatchOptions) -> None:
    """Look at the loop until told to stop.

    Parameters
    ----------
    folder : Path
        Of the loop's journal.
    pages : DirectPages
        How people are reached; it has the roster and the policy.
    clock : WatchClock
        `MachineClock`.
    options : WatchOptions
        The rest.
    """
    watchdog = Watchdog(folder, pages, clock, options)
    while not options.stopped():
        watchdog.turn()
        clock.sleep(LOOK_SECONDS)


class Watchdog:
    """One look after the other; see `watch`.

    Parameters
    ----------
    folder, pages, clock, options
        As for `watch`.
    """

    def __init__(self, folder: Path, pages: DirectPages, clock: WatchClock, options: WatchOptions) -> None:
        self._folder, self._pages, self._clock, self._options = folder, pages, clock, options
        self._written_ns: int | None = None
        self._spoke, self._patience = clock.steady(), FIRST_WORD_SECONDS
        self._incident, self._halt_asked = self._left_behind()
        if self._incident is not None:
            # it was silent before this process began, and is until it speaks
            self._spoke -= max((clock.wall_ns() - self._incident.opened_ns) / SECOND_NS, 0.0)
            self._patience = 0.0

    def _left_behind(self) -> tuple[Incident | None, bool]:
        """What the watchdog before this one was paging for; nothing where that cannot be read."""
        try:
            beat = read_heartbeat(self._options.control)
        except DataError as error:
            self._options.tell(str(error))
            return None, False
        return (None, False) if beat is None else (beat.incident, beat.halt_asked)

    def turn(self) -> None:
        """Look once, page if need be, and write the heartbeat."""
        now_ns = self._clock.wall_ns()
        sight = self.look()
        if sight.silent:
            self._keep_paging(sight, now_ns)
        elif self._incident is not None:
            self._end(sight, now_ns)
        for sentence in self._pages.turn(now_ns):
            self._options.tell(sentence)
        beat = Heartbeat(now_ns, os.getpid(), sight.sentence, self._incident, self._halt_asked)
        try:
            beat.write(self._options.control)
        except ExecutionError as error:
            self._options.tell(str(error))

    def look(self) -> Sight:
        """How the loop is."""
        if not (self._folder / DATABASE).exists():
            return Sight(silent=False, on_purpose=False, sentence="no loop has run here yet")
        try:
            with JournalReader(self._folder) as reader:
                self._hear(reader.shown(LOOP_STATUS))
                last_word = _last_word(reader)
        except (DataError, ExecutionError) as error:
            return self._sight(f"the loop's journal cannot be read: {error}", on_purpose=False)
        running = lock_holder(self._folder) is not None
        on_purpose = not running and last_word == "stopped"
        how = "is stopped or hangs" if running else "was asked to stop" if on_purpose else "is not running"
        return self._sight(f"the loop {how}", on_purpose=on_purpose)

    def _hear(self, body: str | None) -> None:
        """Notice that the loop has written since the last look; what it wrote before the first one says nothing."""
        try:
            written_ns = int(json.loads(body)["loop"]["wall_ns"]) if body is not None else 0
        except (ValueError, LookupError, TypeError):
            return
        if self._written_ns is not None and written_ns != self._written_ns:
            self._spoke, self._patience = self._clock.steady(), self._pages.people.paging.loop_silent_seconds
        self._written_ns = written_ns

    def _sight(self, sentence: str, *, on_purpose: bool) -> Sight:
        quiet = self._clock.steady() - self._spoke
        if quiet <= self._patience:
            return Sight(silent=False, on_purpose=on_purpose, sentence="the loop speaks")
        return Sight(silent=True, on_purpose=on_purpose, sentence=f"{sentence}: nothing from it for {quiet:.0f} s")

    def _keep_paging(self, sight: Sight, now_ns: int) -> None:
        alert = silence_alert(
            sight.sentence, now_ns, on_purpose=sight.on_purpose, halts=self._options.halt and not sight.on_purpose
        )
        if self._incident is None:
            self._incident = opened(f"W{now_ns // SECOND_NS}", alert, now_ns)
            self._options.tell(sight.sentence)
        elif alert.level > self._incident.level:
            self._incident = self._incident.joined(alert, now_ns)
        if self._options.halt and not sight.on_purpose and not self._halt_asked:
            self._ask_halt(now_ns)
        self._pages.roster.refresh()
        if self._acknowledged(self._incident):
            self._incident = replace(self._incident, paging_ns=None, escalate_ns=None, call_ns=None, acknowledged=True)
            self._pages.drop(self._incident.id, now_ns)
        due = due_round(self._incident, now_ns, self._pages.roster.current, self._pages.people)
        if due is not None:
            self._incident = due.incident
            self._pages.page(due.incident, due.pages, now_ns)

    def _ask_halt(self, now_ns: int) -> None:
        command = Command.made("halt", ACTOR, now_ns, reason="the loop was silent")
        try:
            Inbox(self._folder / "inbox").send(command)
        except ExecutionError as error:
            self._options.tell(str(error))
            return
        self._halt_asked = True

    def _acknowledged(self, incident: Incident) -> bool:
        """Whether somebody has acknowledged the silence on the page, after it began."""
        control = self._options.control
        if not (control / DATABASE).exists():
            return False
        try:
            with JournalReader(control) as reader:
                table = json.loads(reader.shown(SHOWN) or "{}")
            rows = [one for one in table.get("incidents", ()) if one["cause"] == LOOP_SILENT]
            return any(one["acknowledged"] and one["newest_ns"] >= incident.opened_ns for one in rows)
        except (DataError, ExecutionError, ValueError, LookupError, TypeError) as error:
            self._options.tell(f"whether somebody has acknowledged cannot be read: {error}")
            return False

    def _end(self, sight: Sight, now_ns: int) -> None:
        """The loop speaks again: nobody is paged any more, and the chat and the log hear why."""
        incident = self._incident
        if incident is not None:
            self._pages.drop(incident.id, now_ns)
            over = replace(incident.worst, sentence=f"{sight.sentence} again", facts={"waits": "nothing"})
            last = replace(incident, worst=over, round=incident.round + 1, rungs=(), deadline_ns=None)
            self._pages.page(last, (("chat", ""), ("log", "")), now_ns)
            self._options.tell(over.sentence)
        self._incident, self._halt_asked = None, False


def _last_word(reader: JournalReader) -> str:
    """Kind of the last note, if it is among the last rows."""
    head = reader.head.sequence
    last = ""
    for row in reader.rows(max(head - ROWS_LOOKED_BACK, 0), kinds=(RowKind.NOTE,)):
        last = str(decode_table(row.body).get("kind", ""))
    return last
