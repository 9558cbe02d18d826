"""One incident: what holds, how bad it became, who was paged when, who acknowledged. Pure; time is an argument."""

from dataclasses import dataclass, replace
from typing import Any

from workbench.response.incidents.alert import ACT, WARNING, Alert, Answer


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Somebody says that they have it; `late` when the time to answer had passed, `stops` when it ends the paging."""

    person: str
    time_ns: int
    late: bool
    stops: bool


@dataclass(frozen=True, slots=True)
class Incident:
    """All that one cause brought about, on the dispatcher's clock (UTC nanoseconds).

    Attributes
    ----------
    id : str
        ``I1``, ``I2``, … in the order they were opened.
    worst : Alert
        The one that is told: of the highest level, then of the highest rung.
    count : int
        Alerts that belong to it.
    told_count : int
        Of these, how many a page or a digest has told of; people are paged for the first one and for what is worse.
    rungs : tuple of int
        What holds now; empty when the cause is gone.
    paging_ns : int or None
        Since when people are paged for what it is now; None when nobody is (acknowledged, or level 1).
    round : int
        Rounds of pages so far.
    step : int
        Place of the last round in the escalation, from 0; -1 before the first one.
    escalate_ns, call_ns, deadline_ns : int or None
        When the next round is due, when the next repeated call is, and by when somebody must acknowledge.
    asked_ns, asks_level : int
        Since when it is asked that somebody acknowledges what it is now, and from which level up.
    duty_ns : int or None
        By when whoever of L1 has acknowledged it must tell L2; None when nobody must.
    reminded : bool
        Whether they were reminded of that.
    acts : tuple of str
        Ids of the acts that belong to it: each counts once, also when the loop speaks of it.
    """

    id: str
    cause: str
    worst: Alert
    opened_ns: int
    newest_ns: int
    count: int = 1
    told_count: int = 0
    rungs: tuple[int, ...] = ()
    paging_ns: int | None = None
    round: int = 0
    step: int = -1
    escalate_ns: int | None = None
    call_ns: int | None = None
    deadline_ns: int | None = None
    acknowledgements: tuple[Acknowledgement, ...] = ()
    acknowledged: bool = False
    closed_ns: int | None = None
    asked_ns: int = 0
    asks_level: int = 1
    duty_ns: int | None = None
    reminded: bool = False
    acts: tuple[str, ...] = ()

    @property
    def level(self) -> int:
        """Of its worst alert."""
        return self.worst.level

    @property
    def is_open(self) -> bool:
        """Whether it still asks for something, or its cause still holds."""
        return self.closed_ns is None

    def joined(self, alert: Alert, time_ns: int) -> "Incident":
        """With one more alert; a worse one starts the paging again, whoever had acknowledged.

        So does a rung that comes back above all that hold now, once somebody has acknowledged.

        Parameters
        ----------
        alert : Alert
            Of the same cause.
        time_ns : int
            Now.

        Returns
        -------
        Incident
        """
        if alert.id == self.worst.id or alert.id in self.acts:
            return self._renewed(alert)
        rungs = tuple(sorted({*self.rungs, alert.rung})) if alert.lasts else self.rungs
        acts = (*self.acts, *acts_of(alert))
        more = replace(self, count=self.count + 1, newest_ns=time_ns, rungs=rungs, acts=acts)
        returned = self.acknowledged and alert.lasts and alert.rung > max(self.rungs, default=-1)
        if not returned and not is_worse(alert, self.worst):
            return more
        return started(replace(more, worst=alert), time_ns)

    def _renewed(self, alert: Alert) -> "Incident":
        """The same alert in other words, no worse: nobody is paged. Of an act only the facts are new."""
        if acts_of(alert):
            return self.answered(Answer(alert.id, alert.cause, alert.facts))
        rungs = (alert.rung,) if alert.lasts else self.rungs
        return replace(self, worst=replace(alert, level=self.level), rungs=rungs)

    def answered(self, one: Answer) -> "Incident":
        """With what became of the alert that is told; of any other nothing is shown.

        Parameters
        ----------
        one : Answer
            Of the same cause.

        Returns
        -------
        Incident
        """
        if one.id != self.worst.id:
            return self
        return replace(self, worst=replace(self.worst, facts={**self.worst.facts, **one.facts}))

    def acknowledged_by(self, one: Acknowledgement) -> "Incident":
        """With somebody's acknowledgement.

        Parameters
        ----------
        one : Acknowledgement
            Now.

        Returns
        -------
        Incident
            Nobody is paged any more if it stops the paging; closed when its cause is gone too.
        """
        after = replace(self, acknowledgements=(*self.acknowledgements, one))
        if not one.stops:
            return after
        quiet = replace(after, acknowledged=True, paging_ns=None, escalate_ns=None, call_ns=None, duty_ns=None)
        return quiet.settled(one.time_ns)

    def let_go(self, rung: int, time_ns: int) -> "Incident":
        """Without a rung that no longer holds.

        Parameters
        ----------
        rung : int
            Which one; 0 for all.
        time_ns : int
            Now.

        Returns
        -------
        Incident
        """
        rungs = tuple(one for one in self.rungs if rung and one != rung)
        return replace(self, rungs=rungs).settled(time_ns)

    def ended(self, time_ns: int) -> "Incident":
        """Closed without an answer: nobody is paged any more, and nobody has to acknowledge.

        Parameters
        ----------
        time_ns : int
            Now.

        Returns
        -------
        Incident
        """
        return replace(self, rungs=(), paging_ns=None, escalate_ns=None, call_ns=None, duty_ns=None, closed_ns=time_ns)

    def settled(self, time_ns: int) -> "Incident":
        """Closed, if its cause is gone and somebody has acknowledged it; of level 1, if a digest has told it.

        Parameters
        ----------
        time_ns : int
            Now.

        Returns
        -------
        Incident
        """
        answered = self.acknowledged or (self.level < WARNING and self.told_count == self.count)
        return replace(self, closed_ns=time_ns) if answered and not self.rungs else self

    def table(self) -> dict[str, Any]:
        """What the page shows, as JSON values."""
        own = (
            "id", "cause", "opened_ns", "newest_ns", "count", "round", "step", "deadline_ns", "acknowledged",
            "asks_level", "duty_ns",
        )  # fmt: skip
        return {
            **{name: getattr(self, name) for name in own},
            "level": self.level,
            "sentence": self.worst.sentence,
            "facts": dict(self.worst.facts),
            "holds": bool(self.rungs),
            "lasts": self.worst.lasts,
            "paging": self.paging_ns is not None,
            "closed_ns": self.closed_ns,
            "acknowledgements": [
                {"person": one.person, "time_ns": one.time_ns, "late": one.late, "stops": one.stops}
                for one in self.acknowledgements
            ],
        }


def acts_of(alert: Alert) -> tuple[str, ...]:
    """Its id, if it tells of a message to the loop.

    Parameters
    ----------
    alert : Alert
        Any.

    Returns
    -------
    tuple of str
        One, or none.
    """
    return (alert.id,) if alert.id.startswith(ACT) else ()


def is_worse(alert: Alert, than: Alert) -> bool:
    """Whether an alert is a worsening.

    Parameters
    ----------
    alert, than : Alert
        The new one, and the worst so far.

    Returns
    -------
    bool
    """
    return (alert.level, alert.rung) > (than.level, than.rung)


def opened(name: str, alert: Alert, time_ns: int) -> Incident:
    """A new incident; from level 2 people are paged at once.

    Parameters
    ----------
    name : str
        Its id.
    alert : Alert
        The first one.
    time_ns : int
        Now.

    Returns
    -------
    Incident
    """
    rungs = (alert.rung,) if alert.lasts else ()
    told_count = 1 if alert.level >= WARNING else 0
    new = Incident(name, alert.cause, alert, time_ns, time_ns, told_count=told_count, rungs=rungs, acts=acts_of(alert))
    return started(new, time_ns)


def started(incident: Incident, time_ns: int) -> Incident:
    """With paging from the first step on, for a level that asks somebody.

    Parameters
    ----------
    incident : Incident
        New, or worse than before.
    time_ns : int
        Now.

    Returns
    -------
    Incident
    """
    if incident.level < WARNING:
        return incident
    return replace(
        incident,
        paging_ns=time_ns, escalate_ns=time_ns, call_ns=None, deadline_ns=None, step=-1, acknowledged=False,
        asked_ns=time_ns, asks_level=1, duty_ns=None, reminded=False,
    )  # fmt: skip
