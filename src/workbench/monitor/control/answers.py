"""What the service takes and gives: strict shapes for everything that comes in, one shape for every refusal."""

import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from starlette.responses import Response

from workbench.monitor.control.parts import Outcome, You

Nonce = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$", description="Drawn at random for this request alone")]
Name = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$")]
Code = Annotated[str, Field(pattern=r"^[0-9]{6}$", description="Six digits of the authenticator")]
Reason = Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$", description="For the record")]


class Strict(BaseModel):
    """Nothing that was not asked for, no number that is none, no text for a number."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class LogIn(Strict):
    """Who wants to come in."""

    name: Name
    password: Annotated[str, Field(min_length=1, max_length=200)]
    code: Code


class StepUp(Strict):
    """A fresh code, before a dangerous act."""

    code: Code


class Nothing(Strict):
    """An empty object."""


class Acknowledge(Strict):
    """Somebody has an incident."""

    nonce: Nonce
    incident: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,80}$")]


class Act(Strict):
    """What one person may do alone: make the book safer, or record that the regulator is notified."""

    nonce: Nonce
    act: Literal["halt", "reduce", "close_all", "cancel_all", "full_halt", "shut_down", "notify_regulator"]
    fraction: Annotated[float, Field(gt=0, le=1, description="Share of every position, for reduce")] = 1.0
    reason: Reason = ""


class Propose(Strict):
    """What takes two people: to let the book grow again."""

    nonce: Nonce
    act: Literal["resume", "enable"]
    strategy: Annotated[str, Field(max_length=80, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    rebaseline_peak: bool = False
    reason: Reason = ""


class Approve(Strict):
    """The second person agrees."""

    nonce: Nonce
    proposal: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,80}$")]


class TickStep(Strict):
    """A step of a checklist is done, or not."""

    nonce: Nonce
    procedure: Annotated[str, Field(pattern=r"^[a-z_]{1,80}$")]
    step: Annotated[int, Field(ge=0, le=99)]
    done: bool
    incident: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{0,80}$")] = ""


class Refused(BaseModel):
    """Why nothing was done; `kind` is for programs."""

    refused: str
    kind: str


class YouAre(BaseModel):
    """Who is logged in, and what the person may do."""

    name: str
    level: int
    title: str
    may: list[str]
    stepped_up_seconds: float
    expires_seconds: float

    @classmethod
    def of(cls, you: You, now_ns: int) -> "YouAre":
        """As the page sees it; its clock is not ours, so that times are counted from now.

        Parameters
        ----------
        you : You
            Who.
        now_ns : int
            UTC nanoseconds.

        Returns
        -------
        YouAre
        """
        ahead = [max(until - now_ns, 0) / 1e9 for until in (you.stepped_up_until_ns, you.expires_ns)]
        return cls(
            name=you.name, level=you.level, title=you.title, may=list(you.may),
            stepped_up_seconds=ahead[0], expires_seconds=ahead[1],
        )  # fmt: skip


class Became(BaseModel):
    """What became of an act."""

    nonce: str
    stage: str
    sentence: str
    certain: bool

    @classmethod
    def of(cls, outcome: Outcome) -> "Became":
        """As an answer.

        Parameters
        ----------
        outcome : Outcome
            What the loop did.

        Returns
        -------
        Became
        """
        return cls(nonce=outcome.nonce, stage=outcome.stage, sentence=outcome.sentence, certain=outcome.certain)


class Rows(BaseModel):
    """A list of tables."""

    rows: list[dict[str, JsonValue]]


class Shown(BaseModel):
    """What the page shows: see docs/control.md."""

    model_config = ConfigDict(extra="allow")

    server_ns: int
    source: dict[str, JsonValue]


def as_bytes(table: object) -> bytes:
    """JSON in plain ASCII, so that no text can break it.

    Parameters
    ----------
    table : object
        JSON values.

    Returns
    -------
    bytes
    """
    return json.dumps(table, allow_nan=False, separators=(",", ":")).encode()


def answer(table: object, status: int = 200) -> Response:
    """An answer in JSON.

    Parameters
    ----------
    table : object
        JSON values or a model.
    status : int
        HTTP's.

    Returns
    -------
    Response
    """
    content = table.model_dump() if isinstance(table, BaseModel) else table
    return Response(content if isinstance(content, bytes) else as_bytes(content), status, media_type="application/json")


def refusal(status: int, kind: str, sentence: str) -> Response:
    """A refusal in the one shape they have.

    Parameters
    ----------
    status : int
        HTTP's.
    kind, sentence : str
        For programs, and for people.

    Returns
    -------
    Response
    """
    return answer(Refused(refused=sentence, kind=kind), status)
