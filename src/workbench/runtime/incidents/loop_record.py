"""What the loop's journal says of the time of one incident: decisions, orders, messages, the book by the minute."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.data.journal import codec
from workbench.data.journal.reader import JournalReader
from workbench.data.journal.rows import RowKind, StoredRow
from workbench.domain.errors import DataError, ExecutionError
from workbench.domain.trading.decisions import AnyDecision, CautionChanged, TargetPosition
from workbench.domain.trading.market_hours import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS
from workbench.domain.trading.orders import OrderNote, OrderState
from workbench.runtime.incidents.clocks import Clocks
from workbench.runtime.incidents.people_record import Anchor, PeopleRecord
from workbench.runtime.review.journal_days import rows_before

STATUS = "status"
LONGEST_NS = 366 * DAY_NS
"""Nothing further back is drawn."""
SERIES = ((3 * DAY_NS, "series/minute/%Y-%m-%dT%H", HOUR_NS), (LONGEST_NS, "series/hour/%Y-%m", DAY_NS))
"""Up to what length which keys of what the loop shows are read, and how far apart to look for them."""
TOLD_NOTES = ("started", "stopped", "journal", "loop", "feed")
"""Notes on operations that belong into a timeline; the others are figures and refusals of single inputs."""
CAUTION_NS = 5 * MINUTE_NS
"""So long before the first alert a first reading above its trigger is looked for."""
SETTLING_NS = 5 * MINUTE_NS
"""So long after the end orders that were made in time are followed."""
MOST_DECISIONS, MOST_ORDERS = 5_000, 2_000
"""Kept of an incident; how many more there are is said."""


@dataclass(slots=True)
class OrderLife:
    """An order with every step of its life."""

    notes: list[OrderNote] = field(default_factory=list)

    def when(self, state: OrderState) -> int | None:
        """When it first was so, on the loop's clock.

        Parameters
        ----------
        state : OrderState
            Which.

        Returns
        -------
        int or None
            None when it never was.
        """
        return next((one.time_ns for one in self.notes if one.state is state), None)

    @property
    def last(self) -> OrderNote:
        """How it stands."""
        return self.notes[-1]

    @property
    def filled(self) -> float:
        """Units executed, signed."""
        return sum(one.execution.units for one in self.notes if one.execution is not None)

    @property
    def price(self) -> float | None:
        """Average price of its fills; None when there is none."""
        fills = [one.execution for one in self.notes if one.execution is not None]
        return sum(one.units * one.price for one in fills) / self.filled if fills and self.filled else None


@dataclass(slots=True)
class LoopRecord:
    """All of it.

    Attributes
    ----------
    label, feed : str
        Where prices come from; empty when the journal could not be read.
    begins_ns, ends_ns : int
        The incident on the loop's clock.
    clocks : Clocks
        The loop's and ours.
    decisions : list of Decision
        While it lasted, and the caution before it.
    orders : dict of str to OrderLife
        By id, made while it lasted.
    messages, notes : list of (int, dict)
        What people asked of the loop by any way, and what operations noted; loop's clock.
    path : list of dict
        Columns of the minutes by name.
    left_out : int
        Decisions and orders beyond what is kept.
    sent_milliseconds : float or None
        Mean time from a quote to the order it caused, since the loop began; by the stopwatch.
    head, trouble : str
        Where the journal ended; why it could not be read, empty when it could.
    """

    label: str = ""
    feed: str = ""
    begins_ns: int = 0
    ends_ns: int = 0
    clocks: Clocks = field(default_factory=Clocks)
    decisions: list[AnyDecision] = field(default_factory=list)
    orders: dict[str, OrderLife] = field(default_factory=dict)
    messages: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    notes: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    path: list[dict[str, Any]] = field(default_factory=list)
    left_out: int = 0
    sent_milliseconds: float | None = None
    head: str = ""
    trouble: str = ""

    def take(self, row: StoredRow) -> None:
        """Take a row of the journal in.

        Parameters
        ----------
        row : StoredRow
            In order.
        """
        if row.kind is RowKind.DECISION:
            self._decided(codec.decode_decision(row.body, row.time_ns))
        elif row.kind is RowKind.ORDER:
            self._ordered(codec.decode_note(row.body, row.time_ns))
        elif row.kind is RowKind.COMMAND:
            self.messages.append((row.time_ns, codec.decode_table(row.body)))
        else:
            self._noted(row.time_ns, codec.decode_table(row.body))

    def follow(self, row: StoredRow) -> None:
        """Take in what became, after the incident, of an order that was made in it.

        Parameters
        ----------
        row : StoredRow
            A step of any order.
        """
        note = codec.decode_note(row.body, row.time_ns)
        if note.order.id in self.orders:
            self.orders[note.order.id].notes.append(note)

    def _decided(self, decision: AnyDecision) -> None:
        early = decision.time_ns < self.begins_ns
        if early and not (isinstance(decision, CautionChanged) and decision.stopped):
            return
        if len(self.decisions) < MOST_DECISIONS or not isinstance(decision, TargetPosition):
            self.decisions.append(decision)
        else:
            self.left_out += 1

    def _ordered(self, note: OrderNote) -> None:
        known = self.orders.get(note.order.id)
        if known is None:
            if note.time_ns < self.begins_ns:
                return
            if len(self.orders) >= MOST_ORDERS:
                self.left_out += 1
                return
            known = self.orders[note.order.id] = OrderLife()
        known.notes.append(note)

    def _noted(self, time_ns: int, table: dict[str, Any]) -> None:
        if table.get("kind") == "figures":
            found = table.get("latency", {}).get("quote_to_sent", {}).get("mean")
            self.sent_milliseconds = self.sent_milliseconds if found is None else float(found)
        elif table.get("kind") in TOLD_NOTES and time_ns >= self.begins_ns:
            self.notes.append((time_ns, table))


def read_loop(folder: Path, people: PeopleRecord, until_ns: int) -> LoopRecord:
    """Read what the loop did while an incident was open.

    Parameters
    ----------
    folder : Path
        Of the loop's journal; a loop may be writing to it.
    people : PeopleRecord
        The incident.
    until_ns : int
        When it ended, or now; this machine's clock.

    Returns
    -------
    LoopRecord
        With a `trouble` where the journal is missing, damaged, or another one than the incident's.
    """
    record = LoopRecord()
    try:
        with JournalReader(folder) as reader:
            _read(reader, people, until_ns, record)
    except (DataError, ExecutionError) as error:
        record.trouble = f"the loop's journal cannot be read, so what it did is missing here: {error}"
    return record


def _read(reader: JournalReader, people: PeopleRecord, until_ns: int, record: LoopRecord) -> None:
    head = reader.head
    record.head = f"{head.sequence}:{head.digest}"
    first = next(iter(reader.rows(kinds=(RowKind.START,), upto=head.sequence)), None)
    if first is None:
        record.trouble = "nothing has begun in the loop's journal yet"
        return
    journal = _journal_of(people)
    if journal and journal != reader.id:
        record.trouble = "the loop has begun another journal since: what it did is in the earlier one, not in here"
        return
    world = codec.decode_table(first.body)["world"]
    record.label, record.feed = str(world["label"]), str(world["feed"])
    record.clocks = _clocks(reader, people, record.feed, head.sequence)
    alarm = _first_alarm(reader, people, head.sequence)
    begins_ns = alarm.time_ns if alarm is not None else record.clocks.loops(people.opened_ns)
    record.begins_ns, record.ends_ns = begins_ns, max(record.clocks.loops(until_ns), begins_ns)
    bounds = [rows_before(reader, moment, head.sequence) for moment in (begins_ns - CAUTION_NS, record.ends_ns + 1)]
    kinds = (RowKind.DECISION, RowKind.ORDER, RowKind.COMMAND, RowKind.NOTE)
    for row in reader.rows(after=bounds[0], kinds=kinds, upto=bounds[1]):
        record.take(row)
    settled = rows_before(reader, record.ends_ns + SETTLING_NS, head.sequence)
    for row in reader.rows(after=bounds[1], kinds=(RowKind.ORDER,), upto=settled):
        record.follow(row)
    record.messages = [one for one in record.messages if one[0] >= begins_ns]
    record.path = list(_path(reader, record.begins_ns, record.ends_ns))


def _journal_of(people: PeopleRecord) -> str:
    """The loop's journal as it was read while the incident was open; empty when nothing new was in it."""
    return next((one.journal for one in people.anchors if people.covers(one.time_ns)), "")


def _first_alarm(reader: JournalReader, people: PeopleRecord, head: int) -> StoredRow | None:
    """The loop's row that the incident began with; None when it began elsewhere."""
    journal, _, place = people.steps[0].incident.worst.id.rpartition(":")
    if journal != reader.id or not place.isdecimal() or int(place) > head:
        return None
    return next(iter(reader.rows(after=int(place) - 1, upto=int(place))), None)


def _clocks(reader: JournalReader, people: PeopleRecord, feed: str, head: int) -> Clocks:
    if feed.startswith("tail:"):
        return Clocks()
    shown = json.loads(reader.shown(STATUS) or "{}").get("loop", {})
    speed = float(shown.get("speed") or 0.0)
    now = [(int(shown["wall_ns"]), int(shown["now_ns"]))] if "wall_ns" in shown and "now_ns" in shown else []
    return Clocks.met([*_meetings(reader, people.anchors, head), *now], speed)


def _meetings(reader: JournalReader, anchors: Sequence[Anchor], head: int) -> Iterator[tuple[int, int]]:
    for one in anchors:
        row = None
        if one.journal == reader.id and 0 < one.sequence <= head:
            row = next(iter(reader.rows(after=one.sequence - 1, upto=one.sequence)), None)
        if row is not None:
            yield one.time_ns, row.time_ns


def _path(reader: JournalReader, begins_ns: int, ends_ns: int) -> Iterator[dict[str, Any]]:
    """The book while it lasted, and some before and after: enough to see what it came out of."""
    margin_ns = max(10 * MINUTE_NS, (ends_ns - begins_ns) // 4)
    first_ns, last_ns = max(begins_ns - margin_ns, ends_ns - LONGEST_NS), ends_ns + margin_ns
    form, every_ns = next((key, apart) for most, key, apart in SERIES if last_ns - first_ns <= most + 2 * margin_ns)
    moments = range(first_ns - first_ns % every_ns, last_ns + 1, every_ns)
    keys = dict.fromkeys(f"{datetime.fromtimestamp(one // SECOND_NS, tz=UTC):{form}}" for one in moments)
    for key in keys:
        body = reader.shown(key)
        table = json.loads(body) if body is not None else {"columns": [], "rows": []}
        for row in table["rows"]:
            if first_ns - MINUTE_NS < row[0] <= last_ns:
                yield dict(zip(table["columns"], row, strict=True))
