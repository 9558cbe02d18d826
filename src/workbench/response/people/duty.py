"""Who is on call: shifts, and the holes between them, which are errors."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from workbench.domain.errors import ConfigError, DataError
from workbench.response.people.persons import Level, Person, in_words, level_of, moment, shortened
from workbench.response.people.private_files import quoted

ON_CALL_LEVELS = (Level.L1, Level.L2, Level.L3)


@dataclass(frozen=True, slots=True)
class Shift:
    """Somebody is on call at a level from a time until a later one, which is not part of it."""

    level: Level
    person: str
    from_ns: int
    to_ns: int

    def __post_init__(self) -> None:
        """Refuse one that ends before it begins, and one of viewers."""
        if self.from_ns >= self.to_ns:
            raise ConfigError(
                f"a shift ends after it begins: {shortened(self.person)} is on call from {in_words(self.from_ns)} to "
                f"{in_words(self.to_ns)}"
            )
        if self.level not in ON_CALL_LEVELS:
            raise ConfigError(f"nobody waits for an answer of {self.level.name}: on call are L1, L2 and L3")


@dataclass(frozen=True, slots=True)
class Hole:
    """Nobody who could answer is on call at a level."""

    level: Level
    from_ns: int
    to_ns: int

    def __str__(self) -> str:
        return f"nobody is on call at {self.level.name} from {in_words(self.from_ns)} to {in_words(self.to_ns)}"


def shift_at(shifts: Iterable[Shift], level: int, time_ns: int) -> Shift:
    """The shift that holds at a time; where two overlap, the one that began later.

    Parameters
    ----------
    shifts : iterable of Shift
        The calendar.
    level : int
        1 to 3.
    time_ns : int
        When.

    Returns
    -------
    Shift

    Raises
    ------
    DataError
        When the calendar has a hole there.
    """
    holding = [one for one in shifts if one.level == level and one.from_ns <= time_ns < one.to_ns]
    if not holding:
        raise DataError(
            f"nobody is on call at L{level} at {in_words(time_ns)}: fill the hole with `workbench people oncall add`"
        )
    return max(holding, key=lambda one: (one.from_ns, one.person))


def holes_between(
    people: Mapping[str, Person], shifts: Sequence[Shift], from_ns: int, to_ns: int, levels: Iterable[Level]
) -> tuple[Hole, ...]:
    """Stretches in which nobody who could answer is on call: no shift, or one of a disabled account.

    Parameters
    ----------
    people : mapping of str to Person
        The roster.
    shifts : sequence of Shift
        The calendar.
    from_ns, to_ns : int
        First moment, and the one after the last.
    levels : iterable of Level
        Which levels must have somebody.

    Returns
    -------
    tuple of Hole
        By level and time; stretches that touch are one.
    """
    holes: list[Hole] = []
    for level in levels:
        own = [one for one in shifts if one.level == level]
        inside = {edge for one in own for edge in (one.from_ns, one.to_ns) if from_ns < edge < to_ns}
        edges = [from_ns, *sorted(inside), to_ns]
        for begins, ends in pairwise(edges):
            if begins >= ends or _answered(people, own, level, begins):
                continue
            goes_on = bool(holes) and holes[-1].level == level and holes[-1].to_ns == begins
            holes.append(Hole(level, holes.pop().from_ns if goes_on else begins, ends))
    return tuple(holes)


def _answered(people: Mapping[str, Person], shifts: Sequence[Shift], level: Level, time_ns: int) -> bool:
    try:
        return not people[shift_at(shifts, level, time_ns).person].disabled
    except DataError:
        return False


class Turn(BaseModel):
    """A shift in the file of the roster."""

    model_config = ConfigDict(extra="forbid", strict=True)

    level: str
    person: str
    begins: Annotated[str, Field(alias="from")]
    ends: Annotated[str, Field(alias="to")]

    def shift(self, where: str) -> Shift:
        """Read it.

        Parameters
        ----------
        where : str
            In the file, for messages.

        Returns
        -------
        Shift

        Raises
        ------
        ConfigError
            When a part is not what is expected.
        """
        from_ns, to_ns = moment(self.begins, f"{where}.from"), moment(self.ends, f"{where}.to")
        return Shift(level_of(self.level), self.person, from_ns, to_ns)


def shift_text(shift: Shift) -> str:
    """A shift as the file of the roster writes it.

    Parameters
    ----------
    shift : Shift
        Any.

    Returns
    -------
    str
        TOML.
    """
    values = {"level": shift.level.name, "person": shift.person}
    values |= {"from": in_words(shift.from_ns), "to": in_words(shift.to_ns)}
    return "\n".join(["[[on_call]]", *(f"{key} = {quoted(value)}" for key, value in values.items()), ""])
