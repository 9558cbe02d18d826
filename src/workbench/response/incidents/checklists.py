"""Checklists of an incident: what is ticked, by whom and when, until when all of it is to be done, and what is late."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.domain.policy.response import Procedure
from workbench.domain.trading.market_hours import DAY_NS, MINUTE_NS
from workbench.response.incidents.alert import WARNING
from workbench.response.incidents.incident import Incident

TITLES = {"first_response": "First response", "stabilise": "Stabilise", "recover": "Recover"}
KEPT_NS = DAY_NS
"""An incident that is over keeps its open checklists so long: the last step is written after the end."""
MOST = 8
"""Incidents whose checklists are shown at a time."""
Ticks = Mapping[tuple[str, str, int], Mapping[str, Any]]
"""Newest tick of each step: by incident, checklist and place."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step; of one that was ticked and taken back, who took it back and when."""

    text: str
    done: bool
    person: str = ""
    time_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Checklist:
    """One checklist of one incident.

    Attributes
    ----------
    name, title : str
        Of the policy, and for people.
    within_minutes : float
        Time for all of it, counted from the beginning of the incident.
    incident : str
        Id; empty for nothing in particular.
    due_ns : int or None
        When that time is over; None for nothing in particular.
    steps : tuple of Step
        In order.
    """

    name: str
    title: str
    within_minutes: float
    incident: str
    due_ns: int | None
    steps: tuple[Step, ...]

    @property
    def done_ns(self) -> int | None:
        """When the last step was ticked; None while one is open."""
        times = [one.time_ns for one in self.steps if one.done and one.time_ns is not None]
        return max(times) if len(times) == len(self.steps) else None

    def is_overdue(self, time_ns: int) -> bool:
        """Whether a step is open although the time is over.

        Parameters
        ----------
        time_ns : int
            Now.

        Returns
        -------
        bool
        """
        return self.done_ns is None and self.due_ns is not None and time_ns > self.due_ns

    def table(self, time_ns: int) -> dict[str, Any]:
        """What the page shows, as JSON values.

        Parameters
        ----------
        time_ns : int
            Now.

        Returns
        -------
        dict
        """
        return {
            "name": self.name,
            "title": self.title,
            "within_minutes": self.within_minutes,
            "incident": self.incident,
            "due_ns": self.due_ns,
            "overdue": self.is_overdue(time_ns),
            "steps": [
                {"text": one.text, "done": one.done, "person": one.person, "time_ns": one.time_ns} for one in self.steps
            ],
        }


def checklists_of(incident: Incident | None, procedures: Mapping[str, Procedure], ticks: Ticks) -> list[Checklist]:
    """Every checklist of an incident.

    Parameters
    ----------
    incident : Incident or None
        None: for nothing in particular.
    procedures : mapping of str to Procedure
        Of the policy.
    ticks : mapping
        Of the journal of people.

    Returns
    -------
    list of Checklist
        In the order of the policy.
    """
    name = "" if incident is None else incident.id
    return [
        Checklist(
            key,
            TITLES.get(key, key.replace("_", " ")),
            one.within_minutes,
            name,
            None if incident is None else incident.opened_ns + round(one.within_minutes * MINUTE_NS),
            tuple(_step(text, ticks.get((name, key, place), {})) for place, text in enumerate(one.steps)),
        )
        for key, one in procedures.items()
    ]


def _step(text: str, tick: Mapping[str, Any]) -> Step:
    return Step(text, bool(tick.get("done", False)), str(tick.get("person", "")), tick.get("time_ns"))


def with_checklists(
    incidents: Sequence[Incident], procedures: Mapping[str, Procedure], ticks: Ticks, time_ns: int
) -> list[Incident]:
    """Incidents whose checklists somebody still has to do: those that ask for somebody, and for a day what is over.

    Parameters
    ----------
    incidents : sequence of Incident
        All that are known: open ones first, worst first.
    procedures : mapping of str to Procedure
        Of the policy.
    ticks : mapping
        Of the journal of people.
    time_ns : int
        Now.

    Returns
    -------
    list of Incident
        At most `MOST`.
    """

    def wanted(one: Incident) -> bool:
        if one.level < WARNING:
            return False
        if one.closed_ns is None:
            return True
        left = any(each.done_ns is None for each in checklists_of(one, procedures, ticks))
        return left and time_ns - one.closed_ns < KEPT_NS

    return [one for one in incidents if wanted(one)][:MOST]
