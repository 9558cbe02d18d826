"""The duty of a first responder to pass an urgent incident on: a reminder in time, and the next level when it is late.

It begins when only L1 has acknowledged what still holds. Whoever has it is reminded; then L2 is paged, and from there
on only somebody from L2 up ends the paging.
"""

from dataclasses import replace
from datetime import UTC, datetime

from workbench.domain.policy.response import Alert as Asked
from workbench.domain.policy.response import People
from workbench.domain.trading.market_hours import MINUTE_NS, SECOND_NS
from workbench.response.incidents.alert import URGENT
from workbench.response.incidents.escalation import Addressed, OnCall, Round, addressed_at, asked_of, due_round, places
from workbench.response.incidents.incident import Acknowledgement, Incident

SENIOR_LEVEL = 2
DUTY = "duty"
"""Name of the fact that says who must tell whom by when."""


def duty_round(incident: Incident, time_ns: int, roster: OnCall, people: People) -> Round | None:
    """What the duty to escalate asks for now: that it is written down, a reminder, or the pages of the next level.

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
        None when nobody has that duty, or nothing is due.
    """
    holder = _holder(incident, roster)
    if holder is None:
        return None
    rule = people.roles.L1
    if incident.duty_ns is None:
        by_ns = holder.time_ns + round(rule.escalates_within_minutes * MINUTE_NS)
        told = f"{holder.person} tells L2 before {_time(by_ns)}, or L2 is paged"
        return Round(_saying(replace(incident, duty_ns=by_ns), told), ())
    if time_ns >= incident.duty_ns:
        return _passed_on(incident, incident.duty_ns, time_ns, roster, people)
    if incident.reminded or time_ns < incident.duty_ns - round(rule.reminded_minutes_before * MINUTE_NS):
        return None
    places_of_all = places(asked_of(people, incident.level), Addressed((holder.person,)), roster)
    own = tuple(place for place in places_of_all if place[1] == holder.person)
    return Round(replace(incident, reminded=True, round=incident.round + 1), own)


def _holder(incident: Incident, roster: OnCall) -> Acknowledgement | None:
    """Who was the first to acknowledge what it is now, where nobody from L2 up has."""
    if incident.level < URGENT or not incident.acknowledged:
        return None
    said = [one for one in incident.acknowledgements if one.stops and one.time_ns >= incident.asked_ns]
    if any(_is_senior(one.person, roster) for one in said):
        return None
    return said[0] if said else None


def _is_senior(name: str, roster: OnCall) -> bool:
    return name in roster.people and roster.people[name].level >= SENIOR_LEVEL


def _passed_on(incident: Incident, by_ns: int, time_ns: int, roster: OnCall, people: People) -> Round:
    asked = asked_of(people, incident.level)
    minutes = asked.acknowledge_within_minutes if isinstance(asked, Asked) else 0.0
    told = f"L1 has acknowledged it and it still holds: since {_time(by_ns)} it is for L2 to acknowledge"
    after = replace(
        _saying(incident, told), acknowledged=False, asks_level=SENIOR_LEVEL, duty_ns=None, paging_ns=time_ns,
        escalate_ns=time_ns, call_ns=None, deadline_ns=time_ns + round(minutes * MINUTE_NS),
        step=_step_before_seniors(asked, roster, time_ns),
    )  # fmt: skip
    return due_round(after, time_ns, roster, people) or Round(after, ())


def _step_before_seniors(asked: object, roster: OnCall, time_ns: int) -> int:
    """The step of the escalation after which somebody from L2 up is paged."""
    then = asked.then if isinstance(asked, Asked) else "next_level"
    for step in range(len(roster.people)):
        if any(_is_senior(name, roster) for name in addressed_at(then, step + 1, roster, time_ns).names):
            return step
    return 0


def _saying(incident: Incident, duty: str) -> Incident:
    worst = incident.worst
    return replace(incident, worst=replace(worst, facts={**worst.facts, DUTY: duty}))


def _time(time_ns: int) -> str:
    return f"{datetime.fromtimestamp(time_ns // SECOND_NS, UTC):%H:%M} UTC"
