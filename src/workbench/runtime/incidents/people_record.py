"""What the journal of people says of one incident: its course, pages and receipts, answers, acts, ticks, lessons."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.data.journal.codec import decode_table
from workbench.data.journal.plain import from_plain
from workbench.data.journal.reader import JournalReader
from workbench.data.journal.rows import RowKind, StoredRow
from workbench.domain.errors import DataError
from workbench.domain.trading.market_hours import SECOND_NS
from workbench.response.alerts.dispatcher import ASKED_KIND, READ_KIND, SENT_KIND, SHOWN
from workbench.response.alerts.outbox import PAGE_KIND, Page
from workbench.response.incidents.incident import Incident
from workbench.response.incidents.incidents import KIND
from workbench.response.incidents.report import Lesson
from workbench.runtime.review.journal_days import rows_before

TICK, LESSONS = "tick", "lessons"
"""Kinds of rows."""
ACTS = (
    "halt", "full_halt", "reduce", "close_all", "cancel_all", "shut_down", "notify_regulator", "resume", "enable",
    "approve",
)  # fmt: skip
"""What people ask that is told as an act; acknowledgements and ticks have rows of their own."""
EARLIER_NS = 60 * SECOND_NS
"""Looked at before an incident began, for what was known then."""


@dataclass(frozen=True, slots=True)
class Step:
    """One change of the incident: opened, joined, worse, paged, acknowledged, gone, told."""

    time_ns: int
    because: str
    incident: Incident


@dataclass(slots=True)
class PersonAct:
    """Something a person asked of the loop on the page; the nonce is also the loop's, if it was `sent`."""

    time_ns: int
    nonce: str
    person: str
    asked: Mapping[str, Any]
    stage: str = ""
    sentence: str = ""
    done_ns: int | None = None
    sent: bool = False


@dataclass(frozen=True, slots=True)
class Anchor:
    """At this time of this machine the loop's journal had been read up to this row."""

    time_ns: int
    journal: str
    sequence: int


@dataclass(slots=True)
class PeopleRecord:
    """All of it, in the order of the journal.

    Attributes
    ----------
    id : str
        Of the incident.
    steps : list of Step
        Its course; the last one is how it is now.
    pages : dict of str to Page
        As they ended, or wait.
    acts : dict of str to PersonAct
        By nonce: what people asked while it was open.
    ticks : dict
        Newest tick of each step of its checklists.
    lessons : list of Lesson
        Oldest first.
    anchors : list of Anchor
        Where both journals meet.
    halts : list of (int, str)
        When the dispatcher itself asked for a halt, and whether it could be sent.
    head : str
        Where the journal ended when it was read.
    """

    id: str
    steps: list[Step] = field(default_factory=list)
    pages: dict[str, Page] = field(default_factory=dict)
    acts: dict[str, PersonAct] = field(default_factory=dict)
    ticks: dict[tuple[str, str, int], dict[str, Any]] = field(default_factory=dict)
    lessons: list[Lesson] = field(default_factory=list)
    anchors: list[Anchor] = field(default_factory=list)
    halts: list[tuple[int, str]] = field(default_factory=list)
    head: str = ""

    @property
    def incident(self) -> Incident:
        """As it is now."""
        return self.steps[-1].incident

    @property
    def opened_ns(self) -> int:
        """When it began, on this machine's clock."""
        return self.steps[0].incident.opened_ns

    def covers(self, time_ns: int) -> bool:
        """Whether the incident was open then.

        Parameters
        ----------
        time_ns : int
            On this machine's clock.

        Returns
        -------
        bool
        """
        return bool(self.steps) and self.opened_ns <= time_ns <= (self.incident.closed_ns or time_ns)

    def take(self, row: StoredRow) -> None:
        """Take a row of the journal in.

        Parameters
        ----------
        row : StoredRow
            In order.
        """
        table = decode_table(row.body)
        if row.kind is RowKind.COMMAND:
            self._asked(row.time_ns, table)
        elif table.get("kind") == KIND:
            self._changed(row.time_ns, table)
        elif table.get("kind") == PAGE_KIND:
            self._paged(table)
        elif table.get("kind") == READ_KIND:
            self.anchors.append(Anchor(row.time_ns, str(table["journal"]), int(table["sequence"])))
        else:
            self._noted(row.time_ns, table)

    def _changed(self, time_ns: int, table: Mapping[str, Any]) -> None:
        incident = from_plain(Incident, table[KIND])
        if incident.id == self.id:
            self.steps.append(Step(time_ns, str(table["because"]), incident))

    def _paged(self, table: Mapping[str, Any]) -> None:
        page = from_plain(Page, table[PAGE_KIND])
        if page.incident == self.id:
            self.pages[page.id] = page

    def _asked(self, time_ns: int, table: Mapping[str, Any]) -> None:
        asked = table.get("asked", {})
        if asked.get("act") in ACTS and self.covers(time_ns):
            self.acts[table["nonce"]] = PersonAct(time_ns, table["nonce"], str(table["person"]), asked)

    def _noted(self, time_ns: int, table: Mapping[str, Any]) -> None:
        kind, act = table.get("kind"), self.acts.get(str(table.get("nonce", "")))
        if kind == "sent" and act is not None:
            act.sent = True
        elif kind in ("outcome", "signalled") and act is not None:
            act.stage, act.sentence, act.done_ns = str(table["stage"]), str(table["sentence"]), time_ns
        elif kind == "refused" and act is not None:
            act.stage, act.sentence, act.done_ns = "refused", str(table["because"]), time_ns
        elif kind in (ASKED_KIND, SENT_KIND) and table.get("incident") == self.id:
            self.halts.append((time_ns, "asked" if kind == ASKED_KIND else "sent"))
        elif kind == TICK and table.get("incident") == self.id:
            self.ticks[self.id, table["procedure"], table["step"]] = dict(table)
        elif kind == LESSONS and table.get("incident") == self.id:
            said = (str(table[name]) for name in ("person", "text", "via"))
            self.lessons.append(Lesson(int(table["time_ns"]), *said))


def incidents_shown(control: Path) -> list[dict[str, Any]]:
    """Every incident the dispatcher still shows: open ones, worst first, then those that are over.

    Parameters
    ----------
    control : Path
        Folder of the people.

    Returns
    -------
    list of dict
        As on the page.

    Raises
    ------
    DataError
        When there is no journal of people, or it cannot be read.
    """
    with JournalReader(control) as reader:
        return list(json.loads(reader.shown(SHOWN) or "{}").get("incidents", []))


def read_people(control: Path, name: str) -> PeopleRecord:
    """Read what the journal of people says of an incident.

    Parameters
    ----------
    control : Path
        Folder of the people.
    name : str
        Id of the incident, such as ``I12``.

    Returns
    -------
    PeopleRecord

    Raises
    ------
    DataError
        When there is no such incident, or the journal cannot be read.
    """
    began = next((int(one["opened_ns"]) for one in incidents_shown(control) if one["id"] == name), 0)
    record = PeopleRecord(name)
    with JournalReader(control) as reader:
        head = reader.head
        record.head = f"{head.sequence}:{head.digest}"
        after = rows_before(reader, began - EARLIER_NS, head.sequence) if head.sequence else 0
        for row in _about(reader, name, (after, head.sequence)):
            record.take(row)
        if not record.steps and after:
            # a clock that was set back since: the rows are not where their times say
            for row in _about(reader, name, (0, after)):
                record.take(row)
    if not record.steps:
        raise DataError(f"there is no incident {name[:40]!r} in {control}: `workbench incident list` shows them")
    return record


def _about(reader: JournalReader, name: str, bounds: tuple[int, int]) -> Iterator[StoredRow]:
    """Rows that may be about an incident: what another one's rows say is not even decoded."""
    own = f'"{name}"'.encode()
    others = (b'"kind":"incident"', b'"kind":"page"', b'"kind":"message"', b'"kind":"tick"', b'"kind":"lessons"')
    for row in reader.rows(after=bounds[0], kinds=(RowKind.COMMAND, RowKind.NOTE), upto=bounds[1]):
        if own in row.body or not any(one in row.body for one in others):
            yield row
