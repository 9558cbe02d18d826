"""People drilled: how long each needed from the page to the acknowledgement, by the journal of people; certificates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from workbench.data.journal.codec import decode_table
from workbench.data.journal.plain import from_plain
from workbench.data.journal.reader import JournalReader
from workbench.data.journal.rows import RowKind
from workbench.domain.errors import DataError
from workbench.domain.policy import Policy
from workbench.domain.trading.market_hours import DAY_NS, SECOND_NS
from workbench.response.alerts.outbox import HANDED, PAGE_KIND, Page
from workbench.response.drills.names import PERSON, UNHEARD
from workbench.response.drills.record import Drilled
from workbench.response.incidents.escalation import FIRST_LEVEL
from workbench.response.incidents.incident import Acknowledgement, Incident
from workbench.response.incidents.incidents import KIND
from workbench.response.people.persons import Person
from workbench.response.people.private_files import alone
from workbench.response.people.roster import Roster


@dataclass(frozen=True, slots=True)
class Course:
    """What the journal of people says of one incident: pages that were handed over, and who acknowledged."""

    pages: Sequence[Page] = ()
    acknowledgements: Sequence[Acknowledgement] = ()
    opened_ns: int = 0


@dataclass(frozen=True, slots=True)
class Response:
    """One person's part in a drill.

    Attributes
    ----------
    person : Person
        Who.
    paged_ns : int
        When the first page was handed over.
    answered_ns : int or None
        When they acknowledged.
    target_seconds : float
        By their role in the policy.
    """

    person: Person
    paged_ns: int
    answered_ns: int | None
    target_seconds: float

    @property
    def seconds(self) -> float | None:
        """From the page to the answer; None without one."""
        return None if self.answered_ns is None else max(self.answered_ns - self.paged_ns, 0) / SECOND_NS

    @property
    def passed(self) -> bool:
        """Whether they answered in time."""
        return self.seconds is not None and self.seconds <= self.target_seconds

    def awaited(self, now_ns: int) -> bool:
        """Whether they may still answer in time.

        Parameters
        ----------
        now_ns : int
            Now.

        Returns
        -------
        bool
        """
        return self.answered_ns is None and now_ns - self.paged_ns <= self.target_seconds * SECOND_NS

    def drilled(self) -> Drilled:
        """For the record.

        Returns
        -------
        Drilled
        """
        allowed = f"{self.target_seconds / 60:g} minutes ({self.person.level.name} in the policy)"
        if self.seconds is None:
            sentence = f"paged and has not acknowledged within {allowed}: no certificate"
        elif not self.passed:
            sentence = f"acknowledged after {self.seconds / 60:.1f} minutes, later than {allowed}: no certificate"
        else:
            sentence = f"acknowledged within {allowed}"
        return Drilled(
            kind=PERSON, name=self.person.name, time_ns=self.paged_ns, passed=self.passed, sentence=sentence,
            seconds=self.seconds, target_seconds=self.target_seconds,
        )  # fmt: skip


def course_of(folder: Path, incident: str, after: int = 0) -> Course:
    """What became of an incident so far.

    Parameters
    ----------
    folder : Path
        ``control/``, with the journal of people.
    incident : str
        Id.
    after : int
        Row of the journal before which nothing is about it.

    Returns
    -------
    Course

    Raises
    ------
    DataError
        When the journal cannot be read.
    """
    pages: dict[str, Page] = {}
    last: Incident | None = None
    with JournalReader(folder) as reader:
        for row in reader.rows(after, kinds=(RowKind.NOTE,)):
            table = decode_table(row.body)
            if table.get("kind") == PAGE_KIND and table[PAGE_KIND]["incident"] == incident:
                page = from_plain(Page, table[PAGE_KIND])
                pages[page.id] = page
            elif table.get("kind") == KIND and table[KIND]["id"] == incident:
                last = from_plain(Incident, table[KIND])
    if last is None:
        return Course()
    handed = [one for one in pages.values() if one.state == HANDED and one.channel != UNHEARD]
    return Course(handed, last.acknowledgements, last.opened_ns)


def responses(course: Course, roster: Roster, policy: Policy) -> list[Response]:
    """Everybody who was paged, and how they answered.

    Parameters
    ----------
    course : Course
        From `course_of`.
    roster : Roster
        Who there is. A page to a group is one to whoever is on call at L1.
    policy : Policy
        Within how long each role answers.

    Returns
    -------
    list of Response
        By name.
    """
    paged: dict[str, int] = {}
    for page in course.pages:
        name, handed_ns = page.person or _first_on_call(roster, page.queued_ns), page.ended_ns or page.queued_ns
        if name in roster.people and roster.people[name].level >= FIRST_LEVEL:
            paged[name] = min(handed_ns, paged.get(name, handed_ns))
    answered: dict[str, int] = {}
    for one in course.acknowledgements:
        answered.setdefault(one.person, one.time_ns)
    return [
        Response(roster.people[name], paged[name], answered.get(name), _target_seconds(roster.people[name], policy))
        for name in sorted(paged)
    ]


def _first_on_call(roster: Roster, time_ns: int) -> str:
    try:
        return roster.on_call(FIRST_LEVEL, time_ns).name
    except DataError:
        return ""


def _target_seconds(person: Person, policy: Policy) -> float:
    return 60.0 * float(getattr(policy.people.roles, person.level.name).answers_within_minutes)


def grant(folder: Path, passed: Mapping[str, int], policy: Policy) -> dict[str, int]:
    """Give certificates to people who answered in time, as `workbench people certify` does.

    Parameters
    ----------
    folder : Path
        Of the roster.
    passed : mapping of str to int
        When each was drilled, UTC nanoseconds.
    policy : Policy
        How long a certificate holds.

    Returns
    -------
    dict of str to int
        Until when each is certified now; an earlier certificate that holds longer stays.

    Raises
    ------
    ConfigError
        When the roster cannot be read, or somebody is no longer in it.
    ExecutionError
        When the system refuses.
    """
    days, until = policy.success.operational.responder_drilled_days, dict[str, int]()
    if not passed:
        return until
    with alone(folder):
        roster = Roster.read(folder)
        for name, drilled_ns in passed.items():
            person = roster.person(name)
            until[name] = max(drilled_ns + days * DAY_NS, person.certified_until_ns or 0)
            roster = roster.with_person(replace(person, certified_until_ns=until[name]))
        roster.write(folder)
    return until
