"""All incidents: which there are, what an alert does to them, who is due a page. Decides; whoever calls it writes.

Every change gives the whole incident as it is now: a row of the journal holds one, and reading the rows in order, the
last of each counts. So a start believes nothing but what is on the disk.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from workbench.data.journal.plain import from_plain, to_plain
from workbench.domain.errors import DataError
from workbench.domain.policy.response import People
from workbench.response.incidents.alert import ACT, MANUAL_ACT, WARNING, Alert, Answer, Gone
from workbench.response.incidents.duties import duty_round
from workbench.response.incidents.escalation import OnCall, Responder, Round, due_round
from workbench.response.incidents.incident import Acknowledgement, Incident, opened

KIND = "incident"
CLOSED_KEPT = 200
"""Incidents that are over and still shown; the journal has them all. As many manual acts: a cap counts from them."""


@dataclass(frozen=True, slots=True)
class Change:
    """What became of an incident, and because of what: opened, joined, worse, renewed, gone, paged, told."""

    because: str
    incident: Incident

    def row(self) -> dict[str, Any]:
        """Body of a NOTE row."""
        return {"kind": KIND, "because": self.because, "incident": to_plain(self.incident)}


class Incidents:
    """One incident for each cause.

    The methods `take`, `acknowledge`, `due` and `told` change nothing: they give changes, which `apply` takes in once
    they are on the disk.
    """

    def __init__(self) -> None:
        self._known: dict[str, Incident] = {}
        self._open_by_cause: dict[str, str] = {}
        self._count = 0

    def apply(self, table: Mapping[str, Any]) -> None:
        """Take in a row of the journal.

        Parameters
        ----------
        table : mapping
            From `Change.row`.

        Raises
        ------
        DataError
            When it is none.
        """
        incident = from_plain(Incident, table[KIND])
        if incident.id not in self._known:
            self._count = max(self._count, int(incident.id[1:]))
        self._known.pop(incident.id, None)
        self._known[incident.id] = incident
        if incident.is_open:
            self._open_by_cause[incident.cause] = incident.id
        elif self._open_by_cause.get(incident.cause) == incident.id:
            del self._open_by_cause[incident.cause]
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        closed = [one for one in self._known.values() if not one.is_open]
        for by_hand in (False, True):
            alike = [one.id for one in closed if (one.cause == MANUAL_ACT) is by_hand]
            for name in alike[:-CLOSED_KEPT]:
                del self._known[name]

    def open(self) -> tuple[Incident, ...]:
        """Those that ask for something or still hold, worst first."""
        found = (self._known[name] for name in self._open_by_cause.values())
        return tuple(sorted(found, key=lambda one: (-one.level, one.opened_ns, one.id)))

    def all(self) -> tuple[Incident, ...]:
        """Every incident still known, newest first; the last 200 closed ones are among them."""
        return tuple(sorted(self._known.values(), key=lambda one: int(one.id[1:]), reverse=True))

    def of_cause(self, cause: str) -> Incident | None:
        """The open incident of a cause.

        Parameters
        ----------
        cause : str
            As in the alert.

        Returns
        -------
        Incident or None
            None when there is none.
        """
        name = self._open_by_cause.get(cause)
        return None if name is None else self._known[name]

    def named(self, name: str) -> Incident:
        """An incident by its id.

        Parameters
        ----------
        name : str
            Such as ``I12``.

        Returns
        -------
        Incident

        Raises
        ------
        DataError
            When there is none of that name.
        """
        if name not in self._known:
            raise DataError(f"there is no incident {name[:40]!r}: look at the list of incidents")
        return self._known[name]

    def take(self, news: Sequence[Alert | Answer | Gone], time_ns: int) -> list[Change]:
        """What alerts do, and causes that are gone: one change for each incident, however many there are.

        Parameters
        ----------
        news : sequence of Alert, Answer or Gone
            In order.
        time_ns : int
            Now.

        Returns
        -------
        list of Change
        """
        drafts: dict[str, Change] = {}
        over: list[Change] = []
        late: list[Change] = []
        count = self._count
        for one in news:
            if (past := self._past(one)) is not None:
                # what the loop says of an act whose incident is over opens no other
                late.append(Change("renewed", _changed(past, one, time_ns)))
                continue
            draft = drafts.get(one.cause)
            ended = any(change.incident.cause == one.cause for change in over)
            before = draft.incident if draft is not None else None if ended else self.of_cause(one.cause)
            if before is None and isinstance(one, Alert):
                count += 1
                drafts[one.cause] = Change("opened", opened(f"I{count}", one, time_ns))
            elif before is not None:
                after = _changed(before, one, time_ns)
                drafts[one.cause] = Change(_because(draft, before, after), after)
            if one.cause in drafts and not drafts[one.cause].incident.is_open:
                over.append(drafts.pop(one.cause))
        changed = (one for one in drafts.values() if one.incident != self.of_cause(one.incident.cause))
        return [*(one for one in late if one.incident != self._known[one.incident.id]), *over, *changed]

    def _past(self, one: Alert | Answer | Gone) -> Incident | None:
        """The incident that is over and told of this act."""
        if isinstance(one, Gone) or not one.id.startswith(ACT):
            return None
        return next((known for known in self._known.values() if not known.is_open and one.id in known.acts), None)

    def due(self, time_ns: int, roster: OnCall, people: People) -> list[Round]:
        """Rounds of pages that are due now; the incident in each is as it is after them.

        Parameters
        ----------
        time_ns : int
            Now.
        roster : OnCall
            Who is there.
        people : People
            Section of the policy.

        Returns
        -------
        list of Round
            Worst first.
        """
        now = (time_ns, roster, people)
        rounds = (due_round(one, *now) or duty_round(one, *now) for one in self.open())
        return [one for one in rounds if one is not None]

    def next_due_ns(self) -> int | None:
        """When the next round is due; None when nobody is being paged."""
        times = [one.call_ns for one in self.open()] + [one.escalate_ns for one in self.open()]
        return min((time_ns for time_ns in times if time_ns is not None), default=None)

    def acknowledge(self, name: str, person: Responder, time_ns: int) -> Change:
        """Somebody has seen it; from the level it asks for on, L1 at first, that ends the paging.

        What others say, a viewer's receipt among them, is only recorded.

        Parameters
        ----------
        name : str
            Id of the incident.
        person : Responder
            Who.
        time_ns : int
            Now.

        Returns
        -------
        Change

        Raises
        ------
        DataError
            When there is no such incident, or it is closed.
        """
        incident = self.named(name)
        if not incident.is_open:
            raise DataError(f"incident {name} is closed: there is nothing to acknowledge")
        late = incident.deadline_ns is not None and time_ns > incident.deadline_ns
        said = Acknowledgement(person.name, time_ns, late, person.level >= incident.asks_level)
        return Change("acknowledged", incident.acknowledged_by(said))

    def told(self, time_ns: int) -> list[Change]:
        """Every alert that no page and no digest has named is in a digest now.

        Parameters
        ----------
        time_ns : int
            Now.

        Returns
        -------
        list of Change
            One for each of `untold`.
        """
        return [Change("told", replace(one, told_count=one.count).settled(time_ns)) for one in self.untold()]

    def untold(self) -> tuple[Incident, ...]:
        """Those of levels 1 and 2 with alerts that no page and no digest has named."""
        return tuple(one for one in self.open() if one.level <= WARNING and one.count > one.told_count)


def _changed(before: Incident, one: Alert | Answer | Gone, time_ns: int) -> Incident:
    if isinstance(one, Alert):
        return before.joined(one, time_ns)
    if isinstance(one, Answer):
        return before.answered(one)
    return before.let_go(one.rung, time_ns)


def _because(draft: Change | None, before: Incident, after: Incident) -> str:
    """Of several things at once, the one that matters most."""
    if draft is not None and draft.because in {"opened", "worse"}:
        return draft.because
    if after.count == before.count and after.worst != before.worst:
        return "renewed"
    if after.paging_ns != before.paging_ns or after.worst != before.worst:
        return "worse"
    return "joined" if after.count != before.count else "gone"
