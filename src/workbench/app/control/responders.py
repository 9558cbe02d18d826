"""Incidents, checklists and contacts for the page: from the dispatcher, the policy and the roster."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from workbench.app.control.journal import TICK, PeopleJournal
from workbench.app.control.sessions import RosterFiles
from workbench.app.incidents.reports import Reports
from workbench.domain.errors import DataError, ExecutionError
from workbench.domain.policy import Policy
from workbench.domain.policy.response import Procedure
from workbench.monitor.control.parts import Table, Tick, You
from workbench.response.alerts.dispatcher import Dispatcher
from workbench.response.alerts.watchdog_file import read_heartbeat, watchdog_conditions
from workbench.response.incidents.checklists import checklists_of, with_checklists
from workbench.response.incidents.escalation import roster_troubles
from workbench.response.incidents.incident import Incident
from workbench.response.people.persons import Level, Person
from workbench.runtime.incidents.lessons import LessonBox, Written

NOTHING_IN_PARTICULAR: Sequence[Incident | None] = (None,)
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
    folders : tuple of (Path, Path)
        ``control/``, where the watchdog leaves its heartbeat, and the loop's.
    clock_ns : callable
        This machine's clock.

    Attributes
    ----------
    reports : Reports
        Of incidents.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        policy: Policy,
        files: RosterFiles,
        journal: PeopleJournal,
        folders: tuple[Path, Path],
        *,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._dispatcher, self._policy, self._files, self._journal = dispatcher, policy, files, journal
        self._folder, self._clock_ns = folders[0], clock_ns
        self._box = LessonBox(folders[0])
        self._stuck: dict[Path, str] = {}
        self.reports = Reports(*folders, policy, clock_ns=clock_ns)

    def turn(self) -> None:
        """Take in lessons written in a shell, and see to the reports of incidents that are over."""
        for path, written in self._box.waiting():
            if path not in self._stuck:
                self._take(path, written)
        self.reports.look(self._dispatcher.incidents.all())

    def _take(self, path: Path, written: Written | None) -> None:
        refused = self._refusal(written)
        if written is not None and not refused:
            self._learned(written)
        else:
            self._journal.note("lesson refused", {"because": refused})
        try:
            if refused:
                self._box.refuse(path, refused)
            else:
                self._box.done(path)
        except ExecutionError as error:
            # it stays where it is and is not looked at again: a lesson is written down once
            self._stuck[path] = f"{error}."

    def _refusal(self, written: Written | None) -> str:
        if written is None:
            return "a file among the lessons is none of ours"
        if not any(one.id == written.incident for one in self._dispatcher.incidents.all()):
            return (
                f"the control service does not know {written.incident}, or it is too long ago; `workbench incident "
                "lessons` writes it down while no control service runs"
            )
        return ""

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
        """Checklists of every incident that has some to be done, worst first; of nothing in particular without any."""
        procedures: dict[str, Procedure] = dict(self._policy.people.procedures)
        known, now_ns, ticks = self._dispatcher.incidents, self._clock_ns(), self._journal.ticks
        over = [one for one in known.all() if not one.is_open]
        found = with_checklists([*known.open(), *over], procedures, ticks, now_ns)
        return [
            one.table(now_ns)
            for each in (found or NOTHING_IN_PARTICULAR)
            for one in checklists_of(each, procedures, ticks)
        ]

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
        self._added(tick.incident)
        return self.procedures()

    def report(self, incident: str) -> str:
        """Make the report of an incident, which takes a moment: in a thread of its own.

        Parameters
        ----------
        incident : str
            Its id.

        Returns
        -------
        str
            HTML.
        """
        return self.reports.page(incident)

    def learn(self, you: You, incident: str, text: str) -> Table:
        """Write down what was learned.

        Parameters
        ----------
        you : You
            Who.
        incident, text : str
            From which incident, and what.

        Returns
        -------
        dict
            The incident.
        """
        self._learned(Written(incident, you.name, text, "page"))
        return self._dispatcher.incidents.named(incident).table()

    def _learned(self, written: Written) -> None:
        self._dispatcher.incidents.named(written.incident)
        self._journal.keep(written.row(self._clock_ns()))
        self._added(written.incident)

    def _added(self, incident: str) -> None:
        """A report that is there already says the new thing too."""
        if incident and not self._dispatcher.incidents.named(incident).is_open:
            self.reports.again(incident)

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
        troubles = [
            one for one in (self._files.trouble, self._silenced(), self.reports.trouble, *self._watchdog(now_ns)) if one
        ]
        troubles += [f"{one}." for one in self._dispatcher.troubles()]
        troubles += self._stuck.values()
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
