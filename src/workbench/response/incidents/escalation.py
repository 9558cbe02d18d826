"""Who is paged, when and through what: the levels of the policy, the roster, quiet hours, repeated calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from workbench.domain.errors import DataError
from workbench.domain.policy.response import Alert as Asked
from workbench.domain.policy.response import Information, Paging, People
from workbench.domain.trading.market_hours import DAY_NS, HOUR_NS, MINUTE_NS
from workbench.response.incidents.alert import EMERGENCY
from workbench.response.incidents.incident import Incident

FIRST_LEVEL, LAST_LEVEL = 1, 3
"""Levels that are paged: L1 to L3. Viewers (L0) are not."""
LOUD = ("sms", "call")
"""Channels that wake people: they wait in quiet hours."""


class Responder(Protocol):
    """What paging needs to know of a person: `response.people` has more."""

    @property
    def name(self) -> str:
        """Unique."""

    @property
    def level(self) -> int:
        """0 to 3."""

    @property
    def contacts(self) -> Mapping[str, str]:
        """Address by channel: email, sms, call, chat."""

    @property
    def certified_until_ns(self) -> int | None:
        """When the last drill expires; None: never drilled."""

    @property
    def disabled(self) -> bool:
        """Whether the account is switched off."""


class OnCall(Protocol):
    """What paging needs of the roster."""

    @property
    def people(self) -> Mapping[str, Responder]:
        """Everybody by name."""

    def on_call(self, level: int, time_ns: int) -> Responder:
        """Who is on call at a level; a DataError where the calendar has a hole.

        Parameters
        ----------
        level : int
            1 to 3.
        time_ns : int
            UTC nanoseconds.

        Returns
        -------
        Responder
        """


@dataclass(frozen=True, slots=True)
class Addressed:
    """People to page, and what is wrong with the roster, a sentence each."""

    names: tuple[str, ...]
    troubles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Round:
    """One round of pages: the incident after it, where it goes (channel, person; nobody's name for a group)."""

    incident: Incident
    pages: tuple[tuple[str, str], ...]


def asked_of(people: People, level: int) -> Information:
    """The policy of an alert level.

    Parameters
    ----------
    people : People
        Section of the policy.
    level : int
        1 to 4.

    Returns
    -------
    Information
        From level 2 an `Alert` of the policy: somebody must acknowledge.
    """
    alerts = people.alerts
    return (alerts.level_1, alerts.level_2, alerts.level_3, alerts.level_4)[level - 1]


def quiet_until(paging: Paging, level: int, time_ns: int) -> int | None:
    """When the quiet hours end that hold for an alert level now.

    Parameters
    ----------
    paging : Paging
        Section of the policy.
    level : int
        1 to 4; level 4 has none.
    time_ns : int
        UTC nanoseconds.

    Returns
    -------
    int or None
        None when it is not quiet.
    """
    if level > paging.quiet_up_to_level or level >= EMERGENCY:
        return None
    begins, ends = _time_of_day_ns(paging.quiet_from), _time_of_day_ns(paging.quiet_until)
    since_beginning = (time_ns - begins) % DAY_NS
    lasts = (ends - begins) % DAY_NS
    return time_ns - since_beginning + lasts if since_beginning < lasts else None


def _time_of_day_ns(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * HOUR_NS + int(minutes) * MINUTE_NS


def due_round(incident: Incident, time_ns: int, roster: OnCall, people: People) -> Round | None:
    """The round of pages that an incident is due.

    The next one is counted from when this one was due, not from now, so that being late does not add up. Of several
    that were missed only the last is made up for, and it goes as far as they would have gone together.

    Parameters
    ----------
    incident : Incident
        Open.
    time_ns : int
        Now.
    roster : OnCall
        Who is there.
    people : People
        Section of the policy.

    Returns
    -------
    Round or None
        None when nothing is due.
    """
    asked = asked_of(people, incident.level)
    if incident.paging_ns is None or incident.escalate_ns is None or not isinstance(asked, Asked):
        return None
    paging = people.paging
    quiet_ns = quiet_until(paging, incident.level, time_ns)
    addressed = addressed_at(asked.then, incident.step, roster, time_ns)
    if quiet_ns is not None:
        held = incident.escalate_ns > time_ns
        return None if held else _quiet_round(incident, asked, quiet_ns, addressed, roster)
    due_ns = _due_ns(incident.escalate_ns, asked.acknowledge_within_minutes, time_ns)
    if due_ns is not None:
        return _escalation(replace(incident, escalate_ns=due_ns), asked, time_ns, roster, paging)
    call_ns = _due_ns(incident.call_ns, paging.repeated_call_minutes, time_ns)
    if call_ns is not None:
        return _repeated_calls(replace(incident, call_ns=call_ns), addressed, time_ns, paging)
    return None


def _due_ns(planned_ns: int | None, period_minutes: float, time_ns: int) -> int | None:
    """When something was due, if it is; what lies further ahead than a period was planned by a clock since set back."""
    if planned_ns is None or planned_ns <= time_ns:
        return planned_ns
    return time_ns if planned_ns - time_ns > round(period_minutes * MINUTE_NS) else None


def _quiet_round(incident: Incident, asked: Asked, quiet_ns: int, addressed: Addressed, roster: OnCall) -> Round:
    """What makes no noise goes out now, the step itself comes when the quiet hours end."""
    deadline_ns = quiet_ns + round(asked.acknowledge_within_minutes * MINUTE_NS)
    if incident.step >= 0:
        deadline_ns = incident.deadline_ns or deadline_ns
    after = replace(incident, round=incident.round + 1, escalate_ns=quiet_ns, deadline_ns=deadline_ns)
    silent = tuple(one for one in places(asked, addressed, roster) if one[0] not in LOUD)
    return Round(after, silent)


def _escalation(incident: Incident, asked: Asked, time_ns: int, roster: OnCall, paging: Paging) -> Round:
    period = round(asked.acknowledge_within_minutes * MINUTE_NS)
    due_ns = time_ns if incident.escalate_ns is None else incident.escalate_ns
    missed = (time_ns - due_ns) // period
    step = incident.step + 1 + missed
    addressed = addressed_at(asked.then, step, roster, time_ns)
    after = replace(
        incident, round=incident.round + 1, step=step, escalate_ns=due_ns + (missed + 1) * period,
        call_ns=_next_call(asked, paging, due_ns + missed * period),
        deadline_ns=incident.deadline_ns if incident.step >= 0 else due_ns + period,
    )  # fmt: skip
    return Round(after, places(asked, addressed, roster))


def _repeated_calls(incident: Incident, addressed: Addressed, time_ns: int, paging: Paging) -> Round:
    every = round(paging.repeated_call_minutes * MINUTE_NS)
    due_ns = time_ns if incident.call_ns is None else incident.call_ns
    call_ns = due_ns + ((time_ns - due_ns) // every + 1) * every
    after = replace(incident, round=incident.round + 1, call_ns=call_ns)
    return Round(after, tuple(("call", name) for name in addressed.names))


def _next_call(asked: Information, paging: Paging, due_ns: int) -> int | None:
    if "repeated_calls" not in asked.channels:
        return None
    return due_ns + round(paging.repeated_call_minutes * MINUTE_NS)


def addressed_at(then: str, step: int, roster: OnCall, time_ns: int) -> Addressed:
    """Who is paged at a step of the escalation; after the last step, the last one again.

    Parameters
    ----------
    then : {"next_person", "next_level", "through_every_level"}
        How the policy escalates.
    step : int
        From 0; before the first step it is who the first one will be.
    roster : OnCall
        Who is there.
    time_ns : int
        Now.

    Returns
    -------
    Addressed
    """
    if then == "next_person":
        return _next_person(max(step, 0), roster, time_ns)
    level = min(FIRST_LEVEL + max(step, 0), LAST_LEVEL)
    levels = range(FIRST_LEVEL, level + 1) if then == "through_every_level" else range(level, level + 1)
    found = [_on_call(one, roster, time_ns) for one in levels]
    return _joined(found)


def _next_person(step: int, roster: OnCall, time_ns: int) -> Addressed:
    """One after the other: of each level whoever is on call, then the others by name."""
    queue: list[tuple[str, ...]] = []
    for level in range(FIRST_LEVEL, LAST_LEVEL + 1):
        first = _on_call(level, roster, time_ns).names
        known = {name for names in queue for name in names}
        queue += [
            names
            for names in (first, *((name,) for name in _at_level(roster, level) if name not in first))
            if not known.issuperset(names)
        ]
    return Addressed(queue[min(step, len(queue) - 1)] if queue else ())


def roster_troubles(roster: OnCall, time_ns: int) -> tuple[str, ...]:
    """What is wrong with who is on call now.

    Parameters
    ----------
    roster : OnCall
        Who is there.
    time_ns : int
        Now.

    Returns
    -------
    tuple of str
        Sentences; none when every level has somebody who may answer.
    """
    return _joined([_on_call(level, roster, time_ns) for level in range(FIRST_LEVEL, LAST_LEVEL + 1)]).troubles


def _on_call(level: int, roster: OnCall, time_ns: int) -> Addressed:
    """Who is on call; where nobody may answer, everybody of the level too, or the next level when it is empty."""
    try:
        person = roster.on_call(level, time_ns)
    except DataError as error:
        return _instead(level, str(error), roster, time_ns)
    if person.disabled:
        return _instead(level, f"{person.name}, on call at L{level}, is disabled", roster, time_ns)
    if person.certified_until_ns is not None and person.certified_until_ns < time_ns:
        trouble = f"{person.name}, on call at L{level}, has a certificate that has expired"
        others = _instead(level, trouble, roster, time_ns)
        return Addressed(tuple(dict.fromkeys((person.name, *others.names))), others.troubles)
    return Addressed((person.name,))


def _instead(level: int, trouble: str, roster: OnCall, time_ns: int) -> Addressed:
    everybody = _at_level(roster, level)
    if everybody or level == LAST_LEVEL:
        return Addressed(everybody, (f"{trouble}; everybody at L{level} is paged",))
    above = _on_call(level + 1, roster, time_ns)
    return Addressed(above.names, (f"{trouble}; nobody is at L{level}, the next level is paged", *above.troubles))


def _at_level(roster: OnCall, level: int) -> tuple[str, ...]:
    return tuple(sorted(one.name for one in roster.people.values() if one.level == level and not one.disabled))


def _joined(found: Sequence[Addressed]) -> Addressed:
    names = dict.fromkeys(name for one in found for name in one.names)
    return Addressed(tuple(names), tuple(dict.fromkeys(trouble for one in found for trouble in one.troubles)))


def places(asked: Information, addressed: Addressed, roster: OnCall) -> tuple[tuple[str, str], ...]:
    """Channels and people of a round.

    Parameters
    ----------
    asked : Information
        Policy of the alert level.
    addressed : Addressed
        Whose turn it is.
    roster : OnCall
        For what goes to everybody.

    Returns
    -------
    tuple of (str, str)
        Channel and name of the person, empty where a channel reaches a group; the monitor needs no page.
    """
    everybody = [name for level in range(FIRST_LEVEL, LAST_LEVEL + 1) for name in _at_level(roster, level)]
    reached = {
        "chat": [("chat", "")],
        "log": [("log", "")],
        "email": [("email", name) for name in addressed.names],
        "sms_on_call": [("sms", name) for name in addressed.names],
        "sms_all": [("sms", name) for name in everybody],
        "call_on_call": [("call", name) for name in addressed.names],
    }
    return tuple(dict.fromkeys(place for channel in asked.channels for place in reached.get(channel, ())))
