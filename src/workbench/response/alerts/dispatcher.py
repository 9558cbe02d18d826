"""The dispatcher: reads what the loop says, keeps the incidents, and sees every page to its channel.

Whatever it does is a row of the journal of people first. A start reads the rows and goes on where the last one ended.
"""

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from workbench.data.inbox import Command, Inbox
from workbench.data.journal.codec import decode_table, encode_table
from workbench.data.journal.journal import Journal
from workbench.data.journal.rows import Row, RowKind
from workbench.domain.errors import ExecutionError
from workbench.domain.policy import Policy
from workbench.domain.trading.market_hours import MINUTE_NS
from workbench.response.alerts.channels import Channel
from workbench.response.alerts.conditions import (
    CHANNELS,
    LOOP_JOURNAL,
    ROSTER,
    halt_wanted,
    halted_for_silence,
    no_channel,
    roster_trouble,
    standing_news,
    unreadable_journal,
)
from workbench.response.alerts.messages import Letter, Message, digest_message, incident_message, letter
from workbench.response.alerts.outbox import MESSAGE_KIND, PAGE_KIND, Bundle, Outbox, Page, page_of
from workbench.response.alerts.rosters import SteadyRoster
from workbench.response.alerts.workers import Workers
from workbench.response.incidents.alert import Alert, Answer, Gone
from workbench.response.incidents.escalation import OnCall, Responder
from workbench.response.incidents.incident import Incident
from workbench.response.incidents.incidents import KIND, Change, Incidents
from workbench.response.incidents.loop_alerts import News, Position
from workbench.response.incidents.manual_acts import DISPATCHER, system_halt_alert

READ_KIND, DIGEST_KIND, ASKED_KIND, SENT_KIND = "alerts_read", "digest", "halt_asked", "halt_sent"
SHOWN = "incidents"
"""Key of the projection in the journal of people."""
ROWS_BETWEEN_POSITIONS = 50_000
"""Rows of the loop without news after which it is kept that they were read."""


class Source(Protocol):
    """Where alerts come from: `LoopAlerts`."""

    def read(self, position: Position) -> News:
        """What is new since a position.

        Parameters
        ----------
        position : Position
            Up to where it is known.

        Returns
        -------
        News
        """


@dataclass(frozen=True, slots=True)
class Surroundings:
    """All that a dispatcher works with.

    Attributes
    ----------
    journal : Journal
        Of people (``control/``); only the process of this dispatcher writes it, and only from its thread.
    source : Source
        The loop's alerts.
    inbox : Inbox
        Of the loop, for the halt of `paging.no_channel_act`.
    roster : callable
        Reads the roster as it is now; where it cannot be read, the last one is used, and people are told.
    channels : mapping of str to Channel
        By name, as they are now: they may change between two turns.
    policy : Policy
        In force.
    conditions : callable
        Other standing conditions by cause, None where all is well: the watchdog's, for example. Given the time.
    link : str
        Address of the phone page, without an action in it; empty: none.
    troubles : callable
        What is wrong with the channels, a sentence each, for whoever looks at the page; their own `conditions` page.
    """

    journal: Journal
    source: Source
    inbox: Inbox
    roster: Callable[[], OnCall]
    channels: Mapping[str, Channel]
    policy: Policy
    conditions: Callable[[int], Mapping[str, Alert | None]] = lambda time_ns: {}
    link: str = ""
    troubles: Callable[[], Sequence[str]] = lambda: ()


class Dispatcher:
    """Turns alerts into incidents, incidents into pages, and pages into receipts.

    `turn` is called a few times a second, by the one thread that also calls everything else here; only the channels
    work in threads of their own. An error of the journal ends it: the process must end, and start again.

    Parameters
    ----------
    around : Surroundings
        What it works with.

    Attributes
    ----------
    incidents : Incidents
        To read.
    outbox : Outbox
        To read.
    """

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._channels = around.channels
        self._roster = SteadyRoster(around.roster)
        self.incidents = Incidents()
        self.outbox = Outbox(around.policy.people.paging, self._channels, self._reaches)
        self._workers = Workers(self._channels, around.policy.people.paging.hand_over_seconds)
        self._position = self._kept_position = Position()
        self._digested_ns = 0
        self._asked: dict[str, dict[str, Any]] = {}
        self._draft: list[dict[str, Any]] = []
        for row in around.journal.rows(kinds=(RowKind.NOTE,)):
            self._apply(decode_table(row.body))
        for page in self.outbox.in_doubt():
            self._note(page.row())

    def turn(self, time_ns: int) -> None:
        """One turn: collect answers, read news, open and escalate incidents, hand pages over.

        Parameters
        ----------
        time_ns : int
            Now, UTC nanoseconds.

        Raises
        ------
        ExecutionError
            When the journal of people cannot be written: nothing more is handed over until the next start.
        """
        self._roster.refresh()
        self._collect(time_ns)
        self._take_news(time_ns)
        self._page(time_ns)
        self._digest(time_ns)
        self._write(time_ns)
        self._hand_over(time_ns)
        self._halt_if_alone(time_ns)

    def acknowledge(self, name: str, person: Responder, time_ns: int) -> Incident:
        """Somebody has seen an incident; from L1 on nobody is paged for it any more, unless it becomes worse.

        Parameters
        ----------
        name : str
            Id of the incident.
        person : Responder
            Who; it is the caller who knows that they are who they say.
        time_ns : int
            Now.

        Returns
        -------
        Incident
            As it is now; its last acknowledgement says whether it came `late`. It is on the disk.

        Raises
        ------
        DataError
            When there is no such incident, or it is closed.
        """
        change = self.incidents.acknowledge(name, person, time_ns)
        self._note(change.row())
        if change.incident.acknowledged:
            for page in self.outbox.dropped(name, f"{person.name} has acknowledged it", time_ns):
                self._note(page.row())
        self._write(time_ns)
        return change.incident

    def raise_alert(self, alert: Alert | Answer | Gone, time_ns: int) -> None:
        """Take an alert in from elsewhere, as a drill or an overdue duty; it is on the disk when this returns.

        Parameters
        ----------
        alert : Alert, Answer or Gone
            What happened, what became of it, or that it is over.
        time_ns : int
            Now. Its pages go out with the next turn.
        """
        self._take([alert], time_ns)
        self._write(time_ns)

    def end(self, incident: Incident, reason: str, time_ns: int) -> None:
        """Close an incident that nobody needs to answer any more, as a drill that is over; it is on the disk then.

        Parameters
        ----------
        incident : Incident
            Open.
        reason : str
            Why its pages that wait are dropped.
        time_ns : int
            Now.
        """
        self._note(Change("gone", incident.ended(time_ns)).row())
        for page in self.outbox.dropped(incident.id, reason, time_ns):
            self._note(page.row())
        self._write(time_ns)

    def shown(self) -> dict[str, Any]:
        """What the page shows: incidents (worst first, then those that are over), pages, channels. JSON values."""
        names = [name for name in ("chat", "email", "sms", "call", "log") if name in self._channels]
        health = self.outbox.health
        kept = ("id", "incident", "channel", "person", "level", "queued_ns", "state", "attempts", "ended_ns", "answer")
        pages = (*self.outbox.waiting(), *self.outbox.ended())
        over = [one for one in self.incidents.all() if not one.is_open]
        return {
            "incidents": [one.table() for one in (*self.incidents.open(), *over)],
            "pages": [{name: getattr(page, name) for name in kept} for page in pages],
            "channels": [
                {"name": name, "works": None, "since_ns": None, "answer": ""}
                if (known := health.get(name)) is None
                else {"name": name, "works": known.works, "since_ns": known.since_ns, "answer": known.answer}
                for name in names
            ],
            "no_channel_since_ns": self.outbox.silenced_since_ns(),
        }

    def troubles(self) -> list[str]:
        """What is wrong with the channels, a sentence each."""
        return [*self._around.troubles()]

    def idle(self) -> bool:
        """Whether nothing waits to be handed over."""
        return not self.outbox.waiting() and self._workers.idle()

    # what happens in a turn

    def _collect(self, time_ns: int) -> None:
        for bundle, receipt in self._workers.collect():
            for page in self.outbox.answered(bundle, receipt, time_ns):
                self._note(page.row())

    def _take_news(self, time_ns: int) -> None:
        news = self._around.source.read(self._position)
        before = self._position
        lost = [one.cause for one in self.incidents.open() if one.worst.id.startswith(f"{before.journal}:")]
        over = [Gone(cause, time_ns) for cause in lost if news.new_journal]
        self._take([*over, *news.items], time_ns)
        conditions = self._conditions(news.trouble, time_ns)
        self._take(standing_news(self.incidents, conditions, time_ns), time_ns)
        self._position = news.position
        moved = news.position.sequence - self._kept_position.sequence
        if news.items or news.position.journal != self._kept_position.journal or moved >= ROWS_BETWEEN_POSITIONS:
            self._note({"kind": READ_KIND, "journal": news.position.journal, "sequence": news.position.sequence})

    def _conditions(self, trouble: str, time_ns: int) -> dict[str, Alert | None]:
        around = self._around
        return {
            LOOP_JOURNAL: unreadable_journal(trouble, time_ns),
            CHANNELS: no_channel(self.outbox, around.policy.people.paging, time_ns),
            ROSTER: roster_trouble(self._roster, self._channels, time_ns),
            **around.conditions(time_ns),
        }

    def _take(self, news: Sequence[Alert | Answer | Gone], time_ns: int) -> None:
        for change in self.incidents.take(news, time_ns):
            self._note(change.row())

    def _page(self, time_ns: int) -> None:
        around = self._around
        for one in self.incidents.due(time_ns, self._roster.current, around.policy.people):
            message = incident_message(one.incident, around.link, around.journal.head)
            pages = [page_of(message, one.incident.id, place, time_ns) for place in one.pages]
            self._note(Change("paged", one.incident).row())
            self._queue(message, pages)

    def _queue(self, message: Message, pages: Sequence[Page]) -> None:
        new = self.outbox.new(pages)
        for row in (message.row(), *(page.row() for page in new)) if new else ():
            self._note(row)

    def _digest(self, time_ns: int) -> None:
        around = self._around
        untold = self.incidents.untold()
        period_ns = round(around.policy.people.paging.digest_minutes * MINUTE_NS)
        since_ns = max(self._digested_ns, min((one.opened_ns for one in untold), default=time_ns))
        if time_ns // period_ns == since_ns // period_ns:
            return
        message = digest_message(untold, time_ns, around.link, around.journal.head)
        self._queue(message, [page_of(message, "digest", (channel, ""), time_ns) for channel in ("chat", "log")])
        for change in self.incidents.told(time_ns):
            self._note(change.row())
        self._note({"kind": DIGEST_KIND, "time_ns": time_ns})

    def _hand_over(self, time_ns: int) -> None:
        """Write that the channels get these, then give them to the channels: never the other way round."""
        due = self._workers.taken(self.outbox.due(time_ns))
        given = [self.outbox.handing(bundle, time_ns) for bundle in due]
        letters = [self._letter(bundle) for bundle in given]
        for bundle in given:
            for page in bundle.pages:
                self._note(page.row())
        self._write(time_ns)
        for bundle, one in zip(given, letters, strict=True):
            self._workers.submit(bundle, one)

    def _letter(self, bundle: Bundle) -> Letter:
        address = self._roster.address(bundle.channel, bundle.person)
        messages = [self.outbox.message(page.message) for page in bundle.pages]
        return letter(bundle.channel, address, messages, repeat=any(page.repeat for page in bundle.pages))

    def _reaches(self, channel: str, person: str) -> bool:
        """Whether a channel needs no address of its own for this page, or has one."""
        group = channel in self._channels and not self._channels[channel].personal
        return group or self._roster.reaches(channel, person)

    def _halt_if_alone(self, time_ns: int) -> None:
        """Ask the loop to halt where the policy wants that: no channel works, and a page is unanswered."""
        paging = self._around.policy.people.paging
        wanted = halt_wanted(self.incidents, self.outbox, paging, time_ns)
        if wanted and wanted not in self._asked:
            nonce = secrets.token_hex(16)
            self._note({"kind": ASKED_KIND, "incident": wanted, "nonce": nonce, "time_ns": time_ns})
            alert = system_halt_alert(DISPATCHER, nonce, _silence(wanted), time_ns)
            self._take([alert, *halted_for_silence(self.incidents, wanted)], time_ns)
            self._write(time_ns)
        for incident, row in self._asked.items():
            if row["kind"] == ASKED_KIND and self._sent(row):
                self._note({**row, "kind": SENT_KIND, "incident": incident})
        self._write(time_ns)

    def _sent(self, row: Mapping[str, Any]) -> bool:
        """Whether the message is in the inbox; the same nonce again is one message to the loop."""
        reason = _silence(row["incident"])
        command = Command.made("halt", DISPATCHER, row["time_ns"], nonce=row["nonce"], reason=reason)
        try:
            self._around.inbox.send(command)
        except ExecutionError:
            return False
        return True

    # rows

    def _note(self, table: dict[str, Any]) -> None:
        """Take a row in; it is written before anything of it leaves this process."""
        self._draft.append(table)
        self._apply(table)

    def _apply(self, table: Mapping[str, Any]) -> None:
        kind = table.get("kind")
        if kind == KIND:
            self.incidents.apply(table)
        elif kind in (PAGE_KIND, MESSAGE_KIND):
            self.outbox.apply(table)
        elif kind == READ_KIND:
            self._position = self._kept_position = Position(table["journal"], table["sequence"])
        elif kind == DIGEST_KIND:
            self._digested_ns = table["time_ns"]
        elif kind in (ASKED_KIND, SENT_KIND):
            self._asked[table["incident"]] = dict(table)

    def _write(self, time_ns: int) -> None:
        if not self._draft:
            return
        rows = [Row(RowKind.NOTE, time_ns, encode_table(table)) for table in self._draft]
        self._around.journal.write(rows, {SHOWN: json.dumps(self.shown(), allow_nan=False)})
        self._draft = []


def _silence(incident: str) -> str:
    """Why the dispatcher halts."""
    return f"no channel reaches anybody and {incident} is unanswered (people.paging.no_channel_act)"
