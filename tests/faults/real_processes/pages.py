"""Deaths of the control service in the middle of paging: no page is lost, none comes twice but the doubtful ones.

Which are doubtful says the journal of people at the moment of death: pages given to a channel that had not answered.
"""

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from workbench.data.journal.chain import Signer
from workbench.data.journal.codec import encode_decision
from workbench.data.journal.journal import Journal
from workbench.data.journal.rows import Row, RowKind
from workbench.domain.trading.decisions import RaiseAlert
from workbench.domain.trading.modes import Ladder
from workbench.domain.trading.reasons import Reason
from workbench.response.people.roster import Roster

from .control_room import address_of, opened_room, sink_channels
from .processes import Nursery, Running, wait_for
from .sinks import Received, Sinks, opened_sinks

Place = tuple[str, str, str]
"""Channel, address and the beginning of what it says: one page."""
LEVELS = {2: "warning", 3: "URGENT", 4: "EMERGENCY"}
BATCHES = (((Ladder.DRAWDOWN, 2, 3), (Ladder.VOLATILITY, 1, 2)), ((Ladder.DRAWDOWN, 4, 4),))
"""Ladder, rung and level of what the loop says at once, and then when all that was paged."""
INCIDENTS = (("I1", "drawdown", 3), ("I2", "volatility", 2), ("I1", "drawdown", 4))
REPEAT = "(This may be a repeat.)"
KILLED = -signal.SIGKILL


@dataclass
class Ending:
    """What a story came to: how often each page came, what was in doubt at the death, and whether there was one."""

    name: str
    killed: bool
    whole: Counter[Place]
    doubtful: set[Place]
    marked: list[set[Place]] = field(default_factory=list)
    unended: list[str] = field(default_factory=list)

    def broken(self, expected: set[Place]) -> list[str]:
        """What is not as promised, a sentence each."""
        lost = [f"{self.name}: lost {place}" for place in expected if not self.whole[place]]
        beyond = {place: count for place, count in self.whole.items() if count > 1 or place not in expected}
        marked = set[Place]().union(*self.marked)
        twice = [
            f"{self.name}: {count} times {place}, doubtful: {place in self.doubtful}, marked: {place in marked}"
            for place, count in beyond.items()
            if place not in expected or count > 2 or place not in self.doubtful or place not in marked
        ]
        unmarked = [f"{self.name}: called a repeat and is none {one}" for one in self.marked if not one & self.doubtful]
        stuck = [f"{self.name}: not ended {page}" for page in self.unended]
        return lost + twice + unmarked + stuck

    @property
    def repeats(self) -> int:
        """Pages that came twice."""
        return sum(count - 1 for count in self.whole.values())


def places_of(received: list[Received]) -> Counter[Place]:
    """How often each page has come, alone or with others in one message."""
    names = [f"{LEVELS[level]} {incident}, {cause}: " for incident, cause, level in INCIDENTS]
    found: Counter[Place] = Counter()
    for one in received:
        found.update({(one.channel, one.address, name): one.text.count(name) for name in names if name in one.text})
    return found


def said(loop: Journal, batch: tuple[tuple[Ladder, int, int], ...]) -> None:
    """The loop raises alerts."""
    now_ns = time.time_ns()
    alerts = [
        RaiseAlert(now_ns, Reason.RUNG_TRIPPED, "p" * 12, "c", level, 0.06, 0.05, 10.0, ladder, rung)
        for ladder, rung, level in batch
    ]
    loop.write([Row(RowKind.DECISION, now_ns, encode_decision(one)) for one in alerts])


@contextmanager
def spoken_loop(folder: Path) -> Iterator[Journal]:
    """A journal as a loop keeps it, written here; it is there before anybody looks."""
    loop = Journal(folder, Signer.open(folder))
    loop.write([Row(RowKind.NOTE, time.time_ns(), b'{"kind":"started"}')])
    try:
        yield loop
    finally:
        loop.close(time.time_ns())


class Story:
    """Alerts of three levels in two batches, told by a service that is killed once and started again.

    Parameters
    ----------
    nursery : Nursery
        Starts the processes.
    folder : Path
        Of this story alone.
    name : str
        For reports.
    **death : object
        ``kill_at`` and ``moment`` of the warm commands, or ``kill_on``: the number of a message, and ``wait_seconds``
        after which the service is killed; before it is answered when that is 0.
    """

    def __init__(self, nursery: Nursery, folder: Path, name: str, **death: Any) -> None:
        self.name, self._death = name, death
        self.room = opened_room(nursery, folder)
        self._service: Running | None = None
        self._killed, self._doubtful = False, set[Place]()

    def told(self) -> Ending:
        """Tell it to the end."""
        with opened_sinks() as sinks, spoken_loop(self.room.live) as loop:
            self.room.channels(sink_channels(sinks))
            self._arm(sinks)
            deadly = {name: self._death[name] for name in ("kill_at", "moment") if name in self._death}
            self._service = self.room.control(**deadly)
            for number, batch in enumerate(BATCHES, 1):
                self._settled(number - 1)
                said(loop, batch)
                self._settled(number)
            if self._service.stop() == KILLED:  # at its very last write
                self._settled(len(BATCHES))
                assert httpx.get(address_of(self._service), timeout=10).status_code == 200
                self._service.stop()
            assert self._service.code == 0, self._service.err.read_text()
            received = [*sinks.received, *self._logged()]
        whole = places_of(received)
        marked = [set(places_of([one])) for one in received if REPEAT in one.text]
        pages = self.room.shown()["pages"]
        unended = [one["id"] for one in pages if one["state"] != "handed"]
        return Ending(self.name, self._killed, whole, self._doubtful, marked, unended)

    def _arm(self, sinks: Sinks) -> None:
        """Kill the service when a message arrives, if the story says so."""
        if "kill_on" not in self._death:
            return

        def arrives(number: int) -> None:
            if number == self._death["kill_on"]:
                time.sleep(self._death["wait_seconds"])
                assert self._service is not None
                os.kill(self._service.pid, signal.SIGKILL)

        sinks.arrives = arrives

    def _settled(self, batches: int) -> None:
        """Wait until so many batches are told in full; a service that died meanwhile is started again."""
        wanted = {name for name, _, _ in INCIDENTS[: 2 * batches]}

        def is_settled() -> bool:
            assert self._service is not None
            if self._service.ended():
                self._died()
            shown = self.room.shown()
            incidents = {one["id"]: one["level"] for one in shown.get("incidents", ())}
            worst = max(incidents.values(), default=0) == 4 or batches < 2
            waiting = any(one["state"] in ("queued", "handing") for one in shown.get("pages", ()))
            started = "the control service is at" in self._service.out.read_text()
            paged = {one["incident"] for one in shown.get("pages", ())} >= wanted
            levels = {one["level"] for one in shown.get("pages", ())}
            return started and worst and paged and not waiting and (batches < 2 or 4 in levels)

        wait_for(is_settled, f"{self.name}: {batches} batches told")

    def _died(self) -> None:
        assert self._service is not None
        assert self._service.code == KILLED and not self._killed, self._service.err.read_text()
        self._killed = True
        self._doubtful = set(self._handing())
        self._service = self.room.control()

    def _handing(self) -> Iterator[Place]:
        """Pages that a channel had been given without an answer when the service died."""
        people = Roster.read(self.room.people).people
        last: dict[str, dict[str, Any]] = {}
        if (self.room.people / "journal.sqlite").exists():
            last = {row["page"]["id"]: row["page"] for row in self.room.notes() if row.get("kind") == "page"}
        names = {incident: cause for incident, cause, _ in INCIDENTS}
        for page in last.values():
            if page["state"] == "handing":
                address = people[page["person"]].contacts[page["channel"]] if page["person"] else ""
                incident = page["incident"]
                yield page["channel"], address, f"{LEVELS[page['level']]} {incident}, {names[incident]}: "

    def _logged(self) -> list[Received]:
        """What the log of alerts holds."""
        lines = (self.room.people / "alerts.log").read_text().splitlines()
        return [Received(0.0, "log", "", json.loads(line)["text"]) for line in lines]
