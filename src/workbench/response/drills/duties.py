"""What is to be drilled by when: from the record, the roster and the policy; and the alerts when it is not done."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from workbench.domain.errors import ConfigError
from workbench.domain.policy import Policy
from workbench.domain.trading.market_hours import DAY_NS
from workbench.response.drills.names import CHANNEL, CONTROL, CONTROL_NAMES, PERSON
from workbench.response.drills.record import Record
from workbench.response.incidents.alert import INFORMATION, WARNING, Alert
from workbench.response.incidents.escalation import FIRST_LEVEL, Responder
from workbench.response.people.persons import in_words

OVERDUE, DUE_SOON = "drills overdue", "drills due soon"
"""Causes."""
NAMED = 3
"""Things an alert names of each kind; of the rest only the number."""
PLURALS = {CONTROL: "controls", CHANNEL: "channels", PERSON: "people"}


@dataclass(frozen=True, slots=True)
class Duty:
    """One thing to be drilled.

    Attributes
    ----------
    kind, name : str
        What.
    last_ns : int or None
        When it last passed; None when it never did.
    due_ns : int
        When it must have passed again.
    failed : bool
        Whether its newest drill failed: then it is due at once.
    """

    kind: str
    name: str
    last_ns: int | None
    due_ns: int
    failed: bool = False

    def overdue(self, now_ns: int) -> bool:
        """Whether its time is up, or it has failed.

        Parameters
        ----------
        now_ns : int
            Now.

        Returns
        -------
        bool
        """
        return self.failed or now_ns >= self.due_ns

    def due_soon(self, now_ns: int, policy: Policy) -> bool:
        """Whether its time is up, or will be within the days the policy warns before.

        Parameters
        ----------
        now_ns : int
            Now.
        policy : Policy
            `people.drills`.

        Returns
        -------
        bool
        """
        return self.failed or now_ns >= self.due_ns - policy.people.drills.warn_days * DAY_NS


@dataclass(frozen=True, slots=True)
class Ready:
    """What readiness is judged by.

    Attributes
    ----------
    record : Record
        What was drilled.
    people : mapping of str to Responder
        Who there is; certificates are theirs.
    channels : sequence of str
        Those that are configured.
    since_ns : int
        From when on what was never drilled is counted: the beginning of the journal of people.
    """

    record: Record
    people: Mapping[str, Responder]
    channels: Sequence[str]
    since_ns: int


def duties(ready: Ready, policy: Policy, now_ns: int) -> list[Duty]:
    """Everything there is to drill.

    Parameters
    ----------
    ready : Ready
        What was done.
    policy : Policy
        Days.
    now_ns : int
        Now.

    Returns
    -------
    list of Duty
        Controls, channels, then people.
    """
    days, often = policy.success.operational, policy.people.drills.channel_days
    found = _of_record(CONTROL, CONTROL_NAMES, ready, days.control_drilled_days, now_ns)
    found += _of_record(CHANNEL, sorted(ready.channels), ready, often, now_ns)
    return found + [
        _certificate(one, max(ready.since_ns, getattr(one, "added_ns", 0)), days.responder_drilled_days)
        for one in ready.people.values()
        if one.level >= FIRST_LEVEL and not one.disabled
    ]


def _of_record(kind: str, names: Sequence[str], ready: Ready, days: int, now_ns: int) -> list[Duty]:
    passed, newest, found = ready.record.passed_ns(now_ns), ready.record.newest(kind), list[Duty]()
    for name in names:
        last = passed.get((kind, name))
        failed = name in newest and not newest[name].passed
        found.append(Duty(kind, name, last, (ready.since_ns if last is None else last) + days * DAY_NS, failed))
    return found


def _certificate(person: Responder, since_ns: int, days: int) -> Duty:
    until = person.certified_until_ns
    if until is None:
        return Duty(PERSON, person.name, None, since_ns + days * DAY_NS)
    return Duty(PERSON, person.name, until - days * DAY_NS, until)


def drill_conditions(found: Sequence[Duty], policy: Policy, now_ns: int) -> dict[str, Alert | None]:
    """Drills that are overdue, and drills that soon are, as conditions of the dispatcher.

    Parameters
    ----------
    found : sequence of Duty
        From `duties`.
    policy : Policy
        `people.drills`.
    now_ns : int
        Now.

    Returns
    -------
    dict of str to Alert or None
        By cause; None where all is well.
    """
    overdue = [one for one in found if one.overdue(now_ns)]
    soon = [one for one in found if one.due_soon(now_ns, policy) and not one.overdue(now_ns)]
    late = f"not drilled in time, or failed: {in_a_list(overdue)}"
    first = min((one.due_ns for one in soon), default=now_ns)
    early = f"to be drilled before {in_words(first)}: {in_a_list(soon)}"
    return {
        OVERDUE: _alert(OVERDUE, WARNING, late, now_ns) if overdue else None,
        DUE_SOON: _alert(DUE_SOON, INFORMATION, early, now_ns) if soon else None,
    }


def unreadable_record(error: ConfigError, now_ns: int) -> dict[str, Alert | None]:
    """The record of drills cannot be read: nothing is known to have been drilled.

    Parameters
    ----------
    error : ConfigError
        Why.
    now_ns : int
        Now.

    Returns
    -------
    dict of str to Alert or None
    """
    return {OVERDUE: _alert(OVERDUE, WARNING, f"nothing is known of drills: {error}", now_ns), DUE_SOON: None}


def _alert(cause: str, level: int, sentence: str, now_ns: int) -> Alert:
    facts = {"did": "nothing: the controls work on", "waits": "`workbench drill --due`"}
    return Alert(f"{cause}:{now_ns}", level, cause, now_ns, sentence, facts, lasts=True)


def in_a_list(found: Iterable[Duty]) -> str:
    """What is to be drilled, in a few words.

    Parameters
    ----------
    found : iterable of Duty
        Any.

    Returns
    -------
    str
        Of each kind the number and the first names.
    """
    names = (
        {kind: [one.name for one in found if one.kind == kind] for kind in PLURALS} if (found := list(found)) else {}
    )
    parts = []
    for kind, known in names.items():
        if known:
            more = f" and {len(known) - NAMED} more" if len(known) > NAMED else ""
            parts.append(f"{len(known)} {PLURALS[kind] if len(known) > 1 else kind} ({', '.join(known[:NAMED])}{more})")
    return "; ".join(parts)
