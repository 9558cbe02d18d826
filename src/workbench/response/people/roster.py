"""The roster: who there is, and the calendar of who is on call. It is a file, ``roster.toml``, for its owner alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from workbench.domain.errors import ConfigError, DataError
from workbench.domain.names import same_to_the_eye
from workbench.response.people.duty import (
    ON_CALL_LEVELS,
    Hole,
    Shift,
    Turn,
    holes_between,
    shift_at,
    shift_text,
)
from workbench.response.people.persons import (
    Entry,
    Level,
    Person,
    check_contacts,
    check_name,
    in_words,
    person_text,
    shortened,
)
from workbench.response.people.private_files import keep_last_good, quoted, read_private, write_private

ROSTER_FILE = "roster.toml"
DEMO = "DEMO"


@dataclass(frozen=True, slots=True)
class Roster:
    """Everybody and the calendar; a value: every change gives a new one.

    Attributes
    ----------
    people : mapping of str to Person
        By name.
    shifts : sequence of Shift
        In any order; where two overlap, the one that began later holds.
    demo : bool
        Made up for a demonstration.
    """

    people: Mapping[str, Person] = field(default_factory=dict)
    shifts: Sequence[Shift] = ()
    demo: bool = False

    @classmethod
    def read(cls, folder: Path, name: str = ROSTER_FILE) -> "Roster":
        """Read ``roster.toml``.

        Parameters
        ----------
        folder : Path
            Holds it.
        name : str
            Of its copy, where that is wanted.

        Returns
        -------
        Roster

        Raises
        ------
        ConfigError
            When there is none, others may read it, or a part is not what is expected; names the part.
        """
        path = folder / name
        try:
            table = read_private(path)
        except FileNotFoundError:
            raise ConfigError(
                f"there is no roster {path}: make one with `workbench people add NAME --level L1`"
            ) from None
        try:
            return _roster(_File.model_validate(table))
        except ValidationError as error:
            raise ConfigError(f"{path}: {_in_a_sentence(error)}") from None
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from error

    @classmethod
    def read_or_empty(cls, folder: Path) -> "Roster":
        """Read ``roster.toml``, or begin with nobody where there is none yet.

        Parameters
        ----------
        folder : Path
            Holds it.

        Returns
        -------
        Roster
        """
        return cls.read(folder) if (folder / ROSTER_FILE).exists() else cls()

    def write(self, folder: Path) -> None:
        """Write ``roster.toml``, whole or not at all; its copy first, so that nobody who is removed is left in it.

        Parameters
        ----------
        folder : Path
            Holds it.

        Raises
        ------
        ExecutionError
            When the system refuses; the earlier one is still there.
        """
        text = self.text()
        keep_last_good(folder / ROSTER_FILE, text)
        write_private(folder / ROSTER_FILE, text)

    def text(self) -> str:
        """The file's text.

        Returns
        -------
        str
            TOML.
        """
        blocks = [*_head(self), *map(person_text, self.people.values()), *map(shift_text, self.shifts)]
        return "\n".join(blocks)

    def person(self, name: str) -> Person:
        """Somebody.

        Parameters
        ----------
        name : str
            Exactly as in the roster.

        Returns
        -------
        Person

        Raises
        ------
        ConfigError
            When there is nobody of that name.
        """
        if name not in self.people:
            raise ConfigError(f"there is no {shortened(name)} in the roster: `workbench people list` shows who is")
        return self.people[name]

    def at_level(self, level: int) -> tuple[Person, ...]:
        """Everybody of a level whose account is not disabled.

        Parameters
        ----------
        level : int
            0 to 3.

        Returns
        -------
        tuple of Person
            By name.
        """
        return tuple(
            self.people[name] for name in sorted(self.people)
            if self.people[name].level == level and not self.people[name].disabled
        )  # fmt: skip

    def with_person(self, person: Person) -> "Roster":
        """With one more person, or a changed one.

        Parameters
        ----------
        person : Person
            Checked here.

        Returns
        -------
        Roster

        Raises
        ------
        ConfigError
            When name or contacts are refused, or another name looks the same.
        """
        check_name(person.name)
        check_contacts(person.contacts)
        for other in self.people:
            if other != person.name and same_to_the_eye(other) == same_to_the_eye(person.name):
                raise ConfigError(f"{shortened(person.name)} looks like {shortened(other)}: choose another name")
        return replace(self, people={**self.people, person.name: person})

    def without(self, name: str, time_ns: int) -> "Roster":
        """Without somebody; a shift of theirs that is not over must be given to somebody else first.

        Parameters
        ----------
        name : str
            Whose account.
        time_ns : int
            Now.

        Returns
        -------
        Roster

        Raises
        ------
        ConfigError
            When there is nobody of that name, or they are still on call.
        """
        self.person(name)
        waiting = [one for one in self.shifts if one.person == name and one.to_ns > time_ns]
        if waiting:
            raise ConfigError(
                f"{name} is on call at {waiting[0].level.name} until {in_words(waiting[0].to_ns)}: disable the "
                "account, or take the shift out with `workbench people oncall remove`"
            )
        left = {other: person for other, person in self.people.items() if other != name}
        return replace(self, people=left, shifts=tuple(one for one in self.shifts if one.person != name))

    def with_shift(self, shift: Shift) -> "Roster":
        """With one more shift.

        Parameters
        ----------
        shift : Shift
            New.

        Returns
        -------
        Roster

        Raises
        ------
        ConfigError
            When the person is not there, or below the level.
        """
        person = self.person(shift.person)
        if person.level < shift.level:
            raise ConfigError(f"{person.name} is {person.level.name} and cannot be on call at {shift.level.name}")
        return replace(self, shifts=(*self.shifts, shift))

    def without_shift(self, shift: Shift) -> "Roster":
        """Without a shift.

        Parameters
        ----------
        shift : Shift
            One of `shifts`.

        Returns
        -------
        Roster

        Raises
        ------
        ConfigError
            When it is not there.
        """
        if shift not in self.shifts:
            raise ConfigError("there is no such shift: `workbench people oncall list` shows them")
        return replace(self, shifts=tuple(one for one in self.shifts if one != shift))

    def without_dormant(self, last_logins: Mapping[str, int], time_ns: int, days: int) -> "Roster":
        """The same roster with accounts disabled that nobody has used, added or reviewed for a long time.

        Parameters
        ----------
        last_logins : mapping of str to int
            From the journal of people (`Records.last_logins`).
        time_ns : int
            Now.
        days : int
            How long: `people.sessions.dormant_days`.

        Returns
        -------
        Roster
            Not written: a review wakes the account up.
        """
        people = {
            name: one.switched_off() if one.dormant(last_logins.get(name), time_ns, days) else one
            for name, one in self.people.items()
        }
        return replace(self, people=people)

    def on_call(self, level: int, time_ns: int) -> Person:
        """Who is on call.

        Parameters
        ----------
        level : int
            1 to 3.
        time_ns : int
            When.

        Returns
        -------
        Person

        Raises
        ------
        DataError
            When the calendar has a hole there, or the account is disabled.
        """
        person = self.people[shift_at(self.shifts, level, time_ns).person]
        if person.disabled:
            raise DataError(f"{person.name} is on call at L{level} at {in_words(time_ns)}, but the account is disabled")
        return person

    def holes(self, from_ns: int, to_ns: int, levels: Iterable[Level] = ON_CALL_LEVELS) -> tuple[Hole, ...]:
        """Stretches in which nobody who could answer is on call.

        Parameters
        ----------
        from_ns, to_ns : int
            First moment, and the one after the last.
        levels : iterable of Level, optional
            Which levels must have somebody.

        Returns
        -------
        tuple of Hole
        """
        return holes_between(self.people, self.shifts, from_ns, to_ns, levels)

    def troubles(self, time_ns: int) -> tuple[str, ...]:
        """What is wrong with who is on call now: a hole, a disabled account, a certificate that is missing or expired.

        Parameters
        ----------
        time_ns : int
            Now.

        Returns
        -------
        tuple of str
            Sentences; none when all is well.
        """
        found = []
        for level in ON_CALL_LEVELS:
            try:
                person = self.on_call(level, time_ns)
            except DataError as error:
                found.append(str(error))
                continue
            if person.certified_until_ns is None:
                found.append(f"{person.name} is on call at {level.name} and has never been drilled")
            elif not person.certified(time_ns):
                ended = in_words(person.certified_until_ns)
                found.append(f"{person.name} is on call at {level.name} with a certificate that expired on {ended}")
        return tuple(found)


# --- the file


class _File(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    label: Literal["", "DEMO"] = ""
    people: dict[str, Entry] = {}
    on_call: list[Turn] = []


def _roster(file: _File) -> Roster:
    roster = Roster(demo=file.label == DEMO)
    for name, entry in file.people.items():
        roster = roster.with_person(entry.person(name))
    for place, turn in enumerate(file.on_call):
        roster = roster.with_shift(turn.shift(f"on_call[{place}]"))
    return roster


def _in_a_sentence(error: ValidationError) -> str:
    first = error.errors(include_input=False)[0]
    where = ".".join(shortened(part) if isinstance(part, str) else str(part) for part in first["loc"])
    return f"{where}: {first['msg'].replace('Input should', 'it should')}"


def _head(roster: Roster) -> list[str]:
    lines = ["# Who there is and who is on call: changed with `workbench people …`; keep it to yourself (chmod 600)."]
    return [*lines, f"label = {quoted(DEMO)}  # made up for a demonstration", ""] if roster.demo else [*lines, ""]
