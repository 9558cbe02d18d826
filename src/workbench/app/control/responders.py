"""Incidents, checklists and contacts for the page: from the dispatcher, the policy and the roster."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from workbench.app.control.journal import TICK, PeopleJournal
from workbench.app.control.sessions import RosterFiles
from workbench.domain.errors import DataError
from workbench.domain.policy import Policy
from workbench.domain.policy.response import Procedure
from workbench.monitor.control.parts import Table, Tick, You
from workbench.response.alerts.dispatcher import Dispatcher
from workbench.response.alerts.watchdog_file import read_heartbeat, watchdog_conditions
from workbench.response.incidents.escalation import roster_troubles
from workbench.response.people.persons import Level, Person

TITLES = {"first_response": "First response", "stabilise": "Stabilise", "recover": "Recover"}
WAYS = ("call", "sms", "email", "chat")


class ResponseDesk:
    """What the page asks of the response.

    Parameters
    ----------
    dispatcher : Dispatcher
        Keeps the incidents.
    policy : Policy
        Has the checklists.
    files : RosterFiles
        Who there is.
    journal : PeopleJournal
        Has the ticks.
    folder : Path
        ``control/``, where the watchdog leaves its heartbeat.
    clock_ns : callable
        This machine's clock.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        policy: Policy,
        files: RosterFiles,
        journal: PeopleJournal,
        folder: Path,
        *,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._dispatcher, self._policy, self._files, self._journal = dispatcher, policy, files, journal
        self._folder, self._clock_ns = folder, clock_ns

    def oldest_incident_ns(self) -> int | None:
        """When the oldest open incident began; None when there is none."""
        return min((one.opened_ns for one in self._dispatcher.incidents.open()), default=None)

    def incidents(self) -> Sequence[Table]:
        """Incidents: open ones, worst first, then those that are over."""
        known = self._dispatcher.incidents
        over = [one for one in known.all() if not one.is_open]
        return [one.table() for one in (*known.open(), *over)]

    def acknowledge(self, incident: str, person: str) -> Table:
        """Say that somebody has it.

        Parameters
        ----------
        incident, person : str
            Its id, and who.

        Returns
        -------
        dict
            The incident.
        """
        who = self._files.roster.person(person)
        return self._dispatcher.acknowledge(incident, who, self._clock_ns()).table()

    def procedures(self) -> Sequence[Table]:
        """Checklists of the worst open incident, or for nothing in particular."""
        current = next((one.id for one in self._dispatcher.incidents.open()), "")
        found: dict[str, Procedure] = dict(self._policy.people.procedures)
        return [
            {
                "name": name,
                "title": TITLES.get(name, name),
                "within_minutes": one.within_minutes,
                "incident": current,
                "steps": [self._step(current, name, place, text) for place, text in enumerate(one.steps)],
            }
            for name, one in found.items()
        ]

    def _step(self, incident: str, name: str, place: int, text: str) -> Table:
        tick = self._journal.ticks.get((incident, name, place), {})
        return {
            "text": text,
            "done": bool(tick.get("done", False)),
            "person": tick.get("person", ""),
            "time_ns": tick.get("time_ns"),
        }

    def tick(self, you: You, tick: Tick) -> Sequence[Table]:
        """Tick a step, or take the tick back.

        Parameters
        ----------
        you : You
            Who.
        tick : Tick
            Which.

        Returns
        -------
        sequence of dict
            The checklists.

        Raises
        ------
        DataError
            When there is no such step or incident.
        """
        found: dict[str, Procedure] = dict(self._policy.people.procedures)
        if tick.procedure not in found or tick.step >= len(found[tick.procedure].steps):
            raise DataError(f"there is no step {tick.step} of a checklist {tick.procedure!r}: load the page again")
        if tick.incident:
            self._dispatcher.incidents.named(tick.incident)
        facts: Table = {"incident": tick.incident, "procedure": tick.procedure, "step": tick.step, "done": tick.done}
        self._journal.note(TICK, {**facts, "person": you.name})
        return self.procedures()

    def contacts(self) -> Sequence[Table]:
        """Whom to call: who is on call first, then by level and name."""
        people = [one for one in self._files.roster.people.values() if one.level >= Level.L1 and not one.disabled]
        rows = [self._contact(one) for one in people]
        return sorted(rows, key=lambda row: (not row["on_call"], row["level"], row["name"]))

    def _contact(self, person: Person) -> Table:
        title = getattr(self._policy.people.roles, person.level.name).title
        ways: Table = {way: person.contacts.get(way, "") for way in WAYS}
        return {
            "name": person.name,
            "level": int(person.level),
            "title": title,
            "on_call": self._is_on_call(person),
            **ways,
        }

    def _is_on_call(self, person: Person) -> bool:
        try:
            return self._files.roster.on_call(person.level, self._clock_ns()).name == person.name
        except DataError:
            return False

    def health(self) -> Table:
        """Whether people can be reached, and whether somebody watches the loop besides."""
        now_ns = self._clock_ns()
        health = self._dispatcher.outbox.health
        channels: list[Table] = [{"name": name, "works": one.works} for name, one in sorted(health.items())]
        troubles = [one for one in (self._files.trouble, self._silenced(), *self._watchdog(now_ns)) if one]
        troubles += [f"{one}." for one in roster_troubles(self._files.roster, now_ns)]
        return {"channels": [*channels], "troubles": [*troubles], "demo": self._files.roster.demo}

    def _silenced(self) -> str:
        since = self._dispatcher.outbox.silenced_since_ns()
        return "" if since is None else "No channel works: nobody is reached by e-mail, text, call or chat."

    def _watchdog(self, now_ns: int) -> list[str]:
        try:
            if read_heartbeat(self._folder) is None:
                return ["No watchdog runs: start `workbench watchdog`."]
        except DataError as error:
            return [f"{error}."]
        return [f"{one.sentence}." for one in watchdog_conditions(self._folder, now_ns).values() if one is not None]
