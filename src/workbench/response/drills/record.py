"""The record of drills, ``drills.json``: what was tried when, how long it took, and whether it passed."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from workbench.domain.errors import ConfigError
from workbench.response.people.private_files import alone, private_bytes, write_private

RECORD_FILE = "drills.json"
KEPT = 24
"""Drills of one thing that are kept: two years of monthly ones. The file stays small, whoever drills however often."""
LONGEST_SENTENCE = 1_000

Kind = Literal["control", "channel", "person"]
Seconds = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


class Drilled(BaseModel):
    """One thing, tried once.

    Attributes
    ----------
    kind, name : str
        What: a control, a channel or a person.
    time_ns : int
        When, UTC nanoseconds of this machine.
    passed : bool
        Whether it did what the policy wants, in time.
    sentence : str
        What came of it.
    seconds, target_seconds : float or None
        How long it took, and may take.
    decided_seconds, sent_seconds : float or None
        Of a control: until the decision, and until the first order was out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    kind: Kind
    name: Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$")]
    time_ns: Annotated[int, Field(ge=0, lt=2**63)]
    passed: bool
    sentence: Annotated[str, Field(max_length=LONGEST_SENTENCE)]
    seconds: Seconds | None = None
    target_seconds: Seconds | None = None
    decided_seconds: Seconds | None = None
    sent_seconds: Seconds | None = None


class _File(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    format: Literal["workbench drills 1"] = "workbench drills 1"
    drills: list[Drilled]


@dataclass(frozen=True, slots=True)
class Record:
    """All drills that are kept, oldest first."""

    drills: Sequence[Drilled] = field(default=())

    @classmethod
    def read(cls, folder: Path) -> "Record":
        """Read it.

        Parameters
        ----------
        folder : Path
            ``control/``.

        Returns
        -------
        Record
            Empty where nothing was ever drilled.

        Raises
        ------
        ConfigError
            When others may open the file, or it is not one of ours; names the part, and what to do.
        """
        path = folder / RECORD_FILE
        instead = f"move it away (mv {path} {path}.bad), and drill again"
        try:
            table = json.loads(private_bytes(path))
            return cls(_File.model_validate(table).drills)
        except FileNotFoundError:
            return cls()
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part)[:40] for part in first["loc"]) or "the file"
            raise ConfigError(f"{path} is no record of drills: {where}: {first['msg']}; {instead}") from None
        except (ValueError, RecursionError) as error:
            why = str(error).splitlines()[0][:80]
            raise ConfigError(f"{path} is no record of drills: it is not JSON ({why}); {instead}") from None

    def passed_ns(self, now_ns: int) -> Mapping[tuple[str, str], int]:
        """When each thing last passed.

        Parameters
        ----------
        now_ns : int
            A drill that is said to be later than this does not count: no clock has been there.

        Returns
        -------
        mapping of (str, str) to int
            By kind and name; what never passed is missing.
        """
        found: dict[tuple[str, str], int] = {}
        for one in self.drills:
            if one.passed and one.time_ns <= now_ns:
                found[one.kind, one.name] = max(one.time_ns, found.get((one.kind, one.name), 0))
        return found

    def newest(self, kind: str) -> Mapping[str, Drilled]:
        """The last drill of each thing, passed or not.

        Parameters
        ----------
        kind : str
            Control, channel or person.

        Returns
        -------
        mapping of str to Drilled
            By name.
        """
        return {one.name: one for one in self.drills if one.kind == kind}

    def with_more(self, more: Iterable[Drilled]) -> "Record":
        """With drills that were just done; of each thing only the last ones stay.

        Parameters
        ----------
        more : iterable of Drilled
            In order.

        Returns
        -------
        Record
        """
        by_thing = defaultdict[tuple[str, str], list[Drilled]](list)
        for one in (*self.drills, *more):
            by_thing[one.kind, one.name].append(one)
        kept = [one for drills in by_thing.values() for one in drills[-KEPT:]]
        return Record(sorted(kept, key=lambda one: one.time_ns))


def recorded(folder: Path, more: Iterable[Drilled]) -> Record:
    """Write drills into the record.

    Parameters
    ----------
    folder : Path
        ``control/``.
    more : iterable of Drilled
        In order.

    Returns
    -------
    Record
        As it is now.

    Raises
    ------
    ConfigError
        When the record that is there is none of ours: nothing is written over it.
    ExecutionError
        When the system refuses.
    """
    with alone(folder):
        record = Record.read(folder).with_more(more)
        file = _File(drills=list(record.drills))
        write_private(folder / RECORD_FILE, file.model_dump_json(indent=1, exclude_none=True) + "\n")
    return record
