"""What a page says: what happened, what the system did, what it waits for, where to look, and where the journal ends.

A link opens the page and does nothing else: whoever forwards a message forwards no authority.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from workbench.data.journal.plain import to_plain
from workbench.data.journal.rows import Head
from workbench.response.incidents.alert import EMERGENCY
from workbench.response.incidents.incident import Incident

LEVEL_NAMES = {1: "information", 2: "warning", 3: "URGENT", 4: "EMERGENCY"}
LONGEST_TITLE, LONGEST_BRIEF, LONGEST_LINE = 120, 300, 400
LISTED = 10
"""Messages told in full in one bundle, beside the emergencies, which always are; of the rest only the number."""
DIGEST_BEGINNING = 12


@dataclass(frozen=True, slots=True)
class Message:
    """One message: `lines` for channels that carry a page of text, `brief` for a text message or a call."""

    id: str
    level: int
    title: str
    lines: tuple[str, ...]
    brief: str

    def row(self) -> dict[str, Any]:
        """Body of a NOTE row."""
        return {"kind": "message", "message": to_plain(self)}


@dataclass(frozen=True, slots=True)
class Letter:
    """What a channel is given; the address is the person's on that channel, empty where it reaches a group."""

    channel: str
    address: str
    level: int
    title: str
    text: str


def one_line(text: str, longest: int) -> str:
    """Text that cannot break out of its line: control characters become blanks.

    Parameters
    ----------
    text : str
        From anywhere.
    longest : int
        Characters; what is longer is cut, and shows it.

    Returns
    -------
    str
    """
    plain = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return plain if len(plain) <= longest else plain[: longest - 1] + "…"


def clock_time(time_ns: int) -> str:
    """A time for people.

    Parameters
    ----------
    time_ns : int
        UTC nanoseconds.

    Returns
    -------
    str
        To the second, UTC.
    """
    return f"{datetime.fromtimestamp(time_ns // 1_000_000_000, tz=UTC):%Y-%m-%d %H:%M:%S} UTC"


def incident_message(incident: Incident, link: str, head: Head) -> Message:
    """What a round of pages says.

    Parameters
    ----------
    incident : Incident
        As it is after the round.
    link : str
        Address of the page; empty: there is none.
    head : Head
        Where the journal of people ends.

    Returns
    -------
    Message
    """
    worst, name = incident.worst, LEVEL_NAMES[incident.level]
    about = f"{name} {incident.id}, {incident.cause}"
    where = f"{link}#{incident.id}" if link else "the page of the control service"
    lines = [
        f"What happened: {worst.sentence}",
        f"What the system did: {worst.facts.get('did', 'it told people, nothing else')}.",
        f"What it waits for: {worst.facts.get('waits', 'somebody to acknowledge')}.",
        *(f"{key}: {value}" for key, value in worst.facts.items() if key not in {"did", "waits"}),
        f"{incident.count} alert{'s' if incident.count > 1 else ''} since {clock_time(incident.opened_ns)}, "
        f"{'it still holds' if incident.rungs else 'it does not hold now'}.",
        _answer_line(incident),
        f"Look and act: {where}",
        f"Journal: {head.sequence}:{head.digest[:DIGEST_BEGINNING]}",
    ]
    brief = f"{about}: {worst.sentence}. {worst.facts.get('duty', 'Acknowledge')}: {where}"
    return _message(f"{incident.id}/{incident.round}", incident.level, (f"{about}: {worst.sentence}", brief), lines)


def _message(name: str, level: int, title_and_brief: tuple[str, str], lines: Sequence[str]) -> Message:
    title, brief = title_and_brief
    kept = tuple(one_line(line, LONGEST_LINE) for line in lines if line)
    return Message(name, level, one_line(title, LONGEST_TITLE), kept, one_line(brief, LONGEST_BRIEF))


def _answer_line(incident: Incident) -> str:
    if incident.deadline_ns is None:
        return ""
    late = "" if incident.step < 1 else f"; nobody has answered yet, this is step {incident.step + 1}"
    return f"Acknowledge before {clock_time(incident.deadline_ns)}{late}."


def digest_message(incidents: Sequence[Incident], time_ns: int, link: str, head: Head) -> Message:
    """What has happened that nobody has to answer at once.

    Parameters
    ----------
    incidents : sequence of Incident
        Of levels 1 and 2, with alerts that were not told before.
    time_ns : int
        Now.
    link : str
        Address of the page; empty: there is none.
    head : Head
        Where the journal of people ends.

    Returns
    -------
    Message
    """
    alerts = sum(one.count - one.told_count for one in incidents)
    lines = [
        f"{LEVEL_NAMES[one.level]} {one.id}, {one.cause}: {one.worst.sentence} "
        f"({one.count - one.told_count} since the last message)"
        for one in incidents[:LISTED]
    ]
    more = len(incidents) - LISTED
    lines += [f"and {more} more: see the page"] if more > 0 else []
    lines += [f"Look: {link or 'the page of the control service'}"]
    lines += [f"Journal: {head.sequence}:{head.digest[:DIGEST_BEGINNING]}"]
    title = f"digest: {alerts} alert{'s' if alerts > 1 else ''} of levels 1 and 2"
    return _message(f"digest/{time_ns}", 1, (title, title), lines)


def letter(channel: str, address: str, messages: Sequence[Message], *, repeat: bool) -> Letter:
    """What a channel is given for one or more messages.

    Parameters
    ----------
    channel : str
        Its name; text messages and calls are brief.
    address : str
        Of the person.
    messages : sequence of Message
        Worst first, at least one.
    repeat : bool
        Whether one of them may have arrived already.

    Returns
    -------
    Letter
    """
    first, count = messages[0], len(messages)
    title = first.title if count == 1 else one_line(f"{count} messages, first: {first.title}", LONGEST_TITLE)
    urgent = [one for one in messages if one.level >= EMERGENCY]
    told = [*urgent, *[one for one in messages if one.level < EMERGENCY][:LISTED]]
    brief = channel in {"sms", "call"}
    parts = [one.brief if brief else "\n".join((one.title, *one.lines)) for one in told]
    parts += [f"and {count - len(told)} more: see the page"] if count > len(told) else []
    parts += ["(This may be a repeat.)"] if repeat else []
    return Letter(channel, address, first.level, title, ("\n" if brief else "\n\n").join(parts))
