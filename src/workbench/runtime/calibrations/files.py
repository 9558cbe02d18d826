"""What the calibration registry keeps on disk."""

from dataclasses import dataclass
from datetime import date
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict

from workbench.domain.calibration import Calibration, Status
from workbench.runtime.calibrations.gates import GateResult

Act = Literal["adopt", "confirm", "rollback"]


class Verdict(BaseModel):
    """What the gates and the registry decided, by whom and when."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    passed: bool
    adopts: bool
    actor: str
    when: str
    reasons: tuple[str, ...]
    gates: tuple[GateResult, ...]

    @property
    def outcome(self) -> tuple[object, ...]:
        """Everything but the time: two decisions with one outcome are the same decision."""
        return (self.passed, self.adopts, self.actor, self.reasons, self.gates)


class Record(BaseModel):
    """One file: a calibration and the verdict on it, None until it is judged."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    calibration: Calibration
    verdict: Verdict | None


class Entry(BaseModel):
    """One move of the pointer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sequence: int
    act: Act
    id: str
    as_of: date
    status: Literal["adopted", "provisional"]
    actor: str
    when: str
    previous: str | None
    reasons: tuple[str, ...]


class Pointer(BaseModel):
    """Which calibration is live, the moves that led here (oldest first), and what people have withdrawn."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    current: Entry
    earlier: tuple[Entry, ...]
    withdrawn: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CatalogueLine:
    """One calibration in the list; `passed` says whether its gates let it through."""

    id: str
    as_of: date
    created: str
    status: Status | Literal["damaged"]
    reasons: tuple[str, ...]
    passed: bool

    @classmethod
    def of(cls, calibration: Calibration, *, passed: bool) -> Self:
        """Line of a readable calibration.

        Parameters
        ----------
        calibration : Calibration
            With its status.
        passed : bool
            Whether its gates let it through.

        Returns
        -------
        CatalogueLine
        """
        shown = calibration
        return cls(shown.id, shown.as_of, shown.created, shown.status, shown.reasons, passed)

    @classmethod
    def damaged(cls, name: str, why: str) -> Self:
        """Line of a file that cannot be trusted.

        Parameters
        ----------
        name : str
            Id by its file name.
        why : str
            What is wrong with it.

        Returns
        -------
        CatalogueLine
        """
        try:
            as_of = date.fromisoformat(name[:10])
        except ValueError:
            as_of = date.min
        return cls(name, as_of, "", "damaged", (why,), passed=False)
