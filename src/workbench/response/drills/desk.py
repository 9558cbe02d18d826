"""Drills at the control service: it takes a demand for a drill of people, answers it, and says what is overdue."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from workbench.domain.errors import ConfigError, ExecutionError
from workbench.domain.policy import Policy
from workbench.domain.trading.market_hours import MINUTE_NS
from workbench.response.alerts.conditions import ROSTER
from workbench.response.drills.duties import DUE_SOON, OVERDUE, Ready, drill_conditions, duties, unreadable_record
from workbench.response.drills.record import Record
from workbench.response.drills.request import YOUNG_NS, Answer, Request, answer, is_drill, read_request
from workbench.response.incidents.alert import WARNING, Alert
from workbench.response.incidents.escalation import OnCall
from workbench.response.incidents.incident import Incident
from workbench.response.incidents.incidents import Incidents

LOOK_EVERY_NS = MINUTE_NS
NOT_IN_THE_WAY = (OVERDUE, DUE_SOON, ROSTER)
"""Incidents a drill may begin beside: it is what mends them."""


class Pager(Protocol):
    """What a drill needs of the dispatcher."""

    @property
    def incidents(self) -> Incidents:
        """To read."""

    def raise_alert(self, alert: Alert, time_ns: int) -> None:
        """Take an alert in.

        Parameters
        ----------
        alert : Alert
            What.
        time_ns : int
            Now.
        """

    def end(self, incident: Incident, reason: str, time_ns: int) -> None:
        """Close an incident and page nobody for it any more.

        Parameters
        ----------
        incident : Incident
            Open.
        reason : str
            Why.
        time_ns : int
            Now.
        """


class DrillDesk:
    """Reads demands and duties; all it can do is raise an alert that says DRILL, and end its incident.

    Parameters
    ----------
    folder : Path
        ``control/``.
    policy : Policy
        `people.drills`.
    roster : callable
        Reads the roster as it is now.
    channels : sequence of str
        Those that are configured.
    since_ns : int
        Beginning of the journal of people.
    """

    def __init__(
        self, folder: Path, policy: Policy, roster: Callable[[], OnCall], channels: Sequence[str], since_ns: int
    ) -> None:
        self._folder, self._policy, self._roster, self._channels = folder, policy, roster, channels
        self._since_ns = since_ns
        self._look_ns = 0
        self._conditions: Mapping[str, Alert | None] = {}
        self._told = ""

    def conditions(self, time_ns: int) -> Mapping[str, Alert | None]:
        """What is overdue, looked at once a minute.

        Parameters
        ----------
        time_ns : int
            Now.

        Returns
        -------
        mapping of str to Alert or None
            By cause.
        """
        if not self._look_ns - LOOK_EVERY_NS <= time_ns < self._look_ns:
            self._look_ns = time_ns + LOOK_EVERY_NS
            self._conditions = self._judged(time_ns)
        return self._conditions

    def _judged(self, time_ns: int) -> Mapping[str, Alert | None]:
        try:
            record = Record.read(self._folder)
        except ConfigError as error:
            return unreadable_record(error, time_ns)
        ready = Ready(record, self._roster().people, self._channels, self._since_ns)
        return drill_conditions(duties(ready, self._policy, time_ns), self._policy, time_ns)

    def turn(self, pager: Pager, time_ns: int) -> None:
        """End what nobody demands any more, and take a new demand.

        Parameters
        ----------
        pager : Pager
            The dispatcher.
        time_ns : int
            Now.
        """
        try:
            request = read_request(self._folder)
        except ConfigError as error:
            self._say(Answer(request="", incident="", sentence=str(error)[:1_000]))
            request = None
        for one in pager.incidents.open():
            demanded = request is not None and request.cause == one.cause and not self._too_long(request, time_ns)
            if is_drill(one.cause) and not demanded:
                # whether or not anybody has answered: nobody is woken for a drill that is over
                pager.end(one, "the drill is over", time_ns)
        if request is not None and not self._known(request, pager):
            self._take(request, pager, time_ns)

    def _known(self, request: Request, pager: Pager) -> bool:
        return self._told == request.id or any(one.cause == request.cause for one in pager.incidents.all())

    def _take(self, request: Request, pager: Pager, time_ns: int) -> None:
        refused = self._refusal(request, pager, time_ns)
        incident = ""
        if not refused:
            pager.raise_alert(_alert(request, time_ns), time_ns)
            opened = pager.incidents.of_cause(request.cause)
            incident = opened.id if opened is not None else ""
        self._say(Answer(request=request.id, incident=incident, sentence=refused or "people are being paged"))

    def _refusal(self, request: Request, pager: Pager, time_ns: int) -> str:
        highest = self._policy.people.drills.highest_level
        if not WARNING <= request.level <= highest:
            return (
                f"a drill may page at level 2 to {highest} (people.drills.highest_level), not at level {request.level}"
            )
        if abs(time_ns - request.made_ns) > YOUNG_NS:
            return "the demand is older than a minute: ask again"
        for one in pager.incidents.open():
            if one.level >= WARNING and not one.acknowledged and one.cause not in NOT_IN_THE_WAY:
                return f"incident {one.id} is no drill and nobody has acknowledged it: drill when it is over"
        return ""

    def _too_long(self, request: Request, time_ns: int) -> bool:
        """Whether even the level that may take longest has had its time; whoever asked has gone without a word."""
        longest = self._policy.people.roles.L3.answers_within_minutes
        return time_ns - request.made_ns > round(longest * MINUTE_NS) + YOUNG_NS

    def _say(self, said: Answer) -> None:
        key = said.request or said.sentence
        if key != self._told:
            self._told = key
            # whoever asked hears nothing then; a disk that is full must not end the service
            with suppress(ExecutionError):
                answer(self._folder, said)


def _alert(request: Request, time_ns: int) -> Alert:
    sentence = "DRILL, nothing has happened: acknowledge it as you would a real alert"
    facts = {
        "did": "nothing: this is a drill",
        "waits": "everybody who was paged to acknowledge",
        "asked by": request.by,
    }
    return Alert(f"drill:{request.id}", request.level, request.cause, time_ns, sentence, facts, lasts=True)
