"""The watchdog: a process of its own that looks at the loop and the control service, and pages people for a silent one.

It needs neither of them: it looks once a second, keeps no journal, and hands its pages to the channels itself. What it
has paged is in its heartbeat file, so that a restart of it does not begin again.
"""

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from workbench.data.inbox import Command, Inbox
from workbench.data.journal.codec import decode_table
from workbench.data.journal.reader import JournalReader
from workbench.data.journal.rows import RowKind
from workbench.data.journal.storage import DATABASE, lock_holder
from workbench.domain.errors import DataError, ExecutionError
from workbench.response.alerts.direct import DirectPages
from workbench.response.alerts.dispatcher import SHOWN
from workbench.response.alerts.watchdog_file import (
    LOOP_SILENT,
    Heartbeat,
    read_heartbeat,
    read_service,
    service_alert,
    silence_alert,
)
from workbench.response.incidents.alert import WARNING
from workbench.response.incidents.incident import Incident
from workbench.response.incidents.manual_acts import WATCHDOG
from workbench.runtime.telling import unbroken
from workbench.runtime.vigil import Sight, Vigil, WatchClock, Watched

LOOP_STATUS = "status"
LOOK_SECONDS = 1.0
ASK_AGAIN_SECONDS = 0.2
"""A process that is just ending or just beginning shows another picture after that; one that hangs does not."""
ROWS_LOOKED_BACK = 20
"""In which the loop's last word is found, if it ended in good order."""


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


def watch(folder: Path, pages: DirectPages, clock: WatchClock, options: WatchOptions) -> None:
    """Look at the loop and the control service until told to stop.

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
        self._tell = unbroken(options.tell)
        left, paging = self._left_behind(), pages.people.paging
        self._halt_asked = left is not None and left.halt_asked
        loop = Watched("the loop", "W", paging.loop_silent_seconds)
        service = Watched("the control service", "C", paging.service_silent_seconds)
        self._loop = Vigil(loop, pages, clock, self._tell, left.incident if left else None)
        self._service = Vigil(service, pages, clock, self._tell, left.service if left else None)

    def _left_behind(self) -> Heartbeat | None:
        """What the watchdog before this one was paging for; nothing where that cannot be read."""
        try:
            return read_heartbeat(self._options.control)
        except DataError as error:
            self._tell(str(error))
            return None

    def turn(self) -> None:
        """Look at both once, page if need be, and write the heartbeat."""
        now_ns = self._clock.wall_ns()
        loop = self._seen_twice(self.look, self._loop)
        service = self._seen_twice(self.look_at_service, self._service)
        self._attend_loop(loop, now_ns)
        self._attend_service(service, now_ns)
        for sentence in self._pages.turn(now_ns):
            self._tell(sentence)
        sentence = f"{loop.sentence}; {service.sentence}" if service.silent else loop.sentence
        beat = Heartbeat(
            now_ns, os.getpid(), sentence, self._loop.incident, self._halt_asked, self._service.incident,
            str(self._folder),
        )  # fmt: skip
        try:
            beat.write(self._options.control)
        except ExecutionError as error:
            self._tell(str(error))

    def _seen_twice(self, look: Callable[[], Sight], vigil: Vigil) -> Sight:
        """How a process is; what would make it worse than people were told is looked at once more.

        The last word of a process, its end, the lock and the number in it do not change at one moment.
        """
        sight = look()
        known = vigil.incident is not None and vigil.incident.level > WARNING
        if not sight.silent or sight.on_purpose or known:
            return sight
        self._clock.sleep(ASK_AGAIN_SECONDS)
        return look()

    # the loop

    def look(self) -> Sight:
        """How the loop is."""
        if not (self._folder / DATABASE).exists():
            return self._loop.nothing_yet("no loop has run here yet")
        try:
            with JournalReader(self._folder) as reader:
                written_ns, speaker = _spoken(reader.shown(LOOP_STATUS))
                self._loop.hear(written_ns)
                # before its last word: whoever does not hold the lock any more has said it
                holder = lock_holder(self._folder)
                last_word = _last_word(reader)
        except (DataError, ExecutionError) as error:
            return self._loop.sight(f"the loop's journal cannot be read: {error}", on_purpose=False)
        on_purpose = holder is None and last_word == "stopped"
        how = "was asked to stop" if on_purpose else "is not running" if holder is None else "is stopped or hangs"
        starting = holder if speaker != holder else None
        return self._loop.sight(f"the loop {how}", on_purpose=on_purpose, starting=starting)

    def _attend_loop(self, sight: Sight, now_ns: int) -> None:
        if sight.starting:
            self._loop.page_on(now_ns, self._acknowledged)
            return
        if not sight.silent:
            if self._loop.incident is not None:
                self._loop.end(f"{sight.sentence} again", now_ns)
            self._halt_asked = False
            return
        halts = self._options.halt and not sight.on_purpose
        if halts and not self._halt_asked:
            self._ask_halt(now_ns)
        alert = silence_alert(sight.sentence, now_ns, on_purpose=sight.on_purpose, halts=halts)
        self._loop.page(alert, now_ns, self._acknowledged, once=sight.on_purpose)

    def _ask_halt(self, now_ns: int) -> None:
        command = Command.made("halt", WATCHDOG, now_ns, reason="the loop was silent")
        try:
            Inbox(self._folder / "inbox").send(command)
        except ExecutionError as error:
            self._tell(str(error))
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
            self._tell(f"whether somebody has acknowledged cannot be read: {error}")
            return False

    # the control service, with the dispatcher in it

    def look_at_service(self) -> Sight:
        """How the control service is: it pages for what the loop says, so its silence is nobody's alarm but ours."""
        try:
            beat = read_service(self._options.control)
        except DataError as error:
            return self._service.sight(str(error), on_purpose=False)
        if beat is None:
            return self._service.nothing_yet("no control service has run here yet")
        self._pages.link = beat.link or self._pages.link
        self._service.hear(beat)
        holder = lock_holder(self._options.control)
        starting = holder if beat.process != holder else None
        ended = beat.ended and starting is None
        if ended and not self._service.was_heard and self._service.incident is None:
            return Sight(silent=False, on_purpose=True, sentence="the control service had ended before")
        how = "was asked to stop" if ended else "is not running" if holder is None else "is stopped or hangs"
        return self._service.sight(f"the control service {how}", on_purpose=ended, starting=starting)

    def _attend_service(self, sight: Sight, now_ns: int) -> None:
        if sight.starting:
            self._service.page_on(now_ns, lambda incident: False)
        elif sight.silent:
            alert = service_alert(sight.sentence, now_ns, on_purpose=sight.on_purpose)
            self._service.page(alert, now_ns, lambda incident: False, once=sight.on_purpose)
        elif self._service.incident is not None:
            self._service.end(f"{sight.sentence} again", now_ns)


def _spoken(body: str | None) -> tuple[int | None, int | None]:
    """When the loop last showed anything, and which process that was; None where that cannot be told."""
    try:
        table = json.loads(body) if body is not None else {}
        return int(table["loop"]["wall_ns"]), table.get("pid")
    except (ValueError, LookupError, TypeError):
        return None, None


def _last_word(reader: JournalReader) -> str:
    """Kind of the last note, if it is among the last rows."""
    head = reader.head.sequence
    last = ""
    for row in reader.rows(max(head - ROWS_LOOKED_BACK, 0), kinds=(RowKind.NOTE,)):
        last = str(decode_table(row.body).get("kind", ""))
    return last
