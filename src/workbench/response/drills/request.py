"""The demand for a drill of people: a file another process leaves for the control service, and the file it answers by.

A demand can do one thing only: raise an alert that says DRILL, at a level the policy allows. It is taken once, while it
is young, and not while anything else is open that a drill could hide.
"""

import json
import secrets
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from workbench.domain.errors import ConfigError
from workbench.domain.trading.market_hours import MINUTE_NS
from workbench.response.people.private_files import private_bytes, write_private

REQUEST_FILE, ANSWER_FILE = "drill-request.json", "drill-answer.json"
YOUNG_NS = MINUTE_NS
"""A demand the control service finds later than this is not followed: whoever asked has gone."""
SHOWN_DIGITS = 8
DRILL = "DRILL"


class _Strict(BaseModel):
    """What a file holds: nothing unknown, nothing of another type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


Kind = TypeVar("Kind", bound=_Strict)


class Request(_Strict):
    """What is asked; `by` is for the record."""

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    made_ns: Annotated[int, Field(ge=0, lt=2**63)]
    level: Annotated[int, Field(ge=1, le=4)]
    by: Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$")]

    @property
    def cause(self) -> str:
        """Of its incident."""
        return f"{DRILL} {self.id[:SHOWN_DIGITS]}"


class Answer(_Strict):
    """What the control service says to a request: the incident it opened, or why it did not."""

    request: Annotated[str, Field(max_length=32)]
    incident: Annotated[str, Field(max_length=20)]
    sentence: Annotated[str, Field(max_length=1_000)]


def is_drill(cause: str) -> bool:
    """Whether an incident is one of a drill.

    Parameters
    ----------
    cause : str
        Of an incident.

    Returns
    -------
    bool
    """
    return cause.startswith(f"{DRILL} ")


def ask(folder: Path, level: int, by: str, now_ns: int) -> Request:
    """Leave a demand.

    Parameters
    ----------
    folder : Path
        ``control/``.
    level : int
        Of the alert.
    by : str
        Who asks.
    now_ns : int
        Now.

    Returns
    -------
    Request

    Raises
    ------
    ExecutionError
        When the system refuses.
    """
    request = Request(id=secrets.token_hex(16), made_ns=now_ns, level=level, by=by)
    (folder / ANSWER_FILE).unlink(missing_ok=True)
    write_private(folder / REQUEST_FILE, request.model_dump_json())
    return request


def withdraw(folder: Path) -> None:
    """End the drill: what it asked for is over.

    Parameters
    ----------
    folder : Path
        ``control/``.
    """
    (folder / REQUEST_FILE).unlink(missing_ok=True)
    (folder / ANSWER_FILE).unlink(missing_ok=True)


def answer(folder: Path, said: Answer) -> None:
    """Answer a demand.

    Parameters
    ----------
    folder : Path
        ``control/``.
    said : Answer
        What.

    Raises
    ------
    ExecutionError
        When the system refuses.
    """
    write_private(folder / ANSWER_FILE, said.model_dump_json())


def read_request(folder: Path) -> Request | None:
    """The demand that lies there.

    Parameters
    ----------
    folder : Path
        ``control/``.

    Returns
    -------
    Request or None
        None when there is none.

    Raises
    ------
    ConfigError
        When the file is none of ours, or others may open it.
    """
    return _read(folder / REQUEST_FILE, Request)


def read_answer(folder: Path) -> Answer | None:
    """What the control service said last.

    Parameters
    ----------
    folder : Path
        ``control/``.

    Returns
    -------
    Answer or None
        None when it has said nothing.

    Raises
    ------
    ConfigError
        When the file is none of ours, or others may open it.
    """
    return _read(folder / ANSWER_FILE, Answer)


def _read(path: Path, kind: type[Kind]) -> Kind | None:
    try:
        return kind.model_validate(json.loads(private_bytes(path)))
    except FileNotFoundError:
        return None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part)[:40] for part in first["loc"]) or "the file"
        raise ConfigError(f"{path} is not what a drill leaves there: {where}: {first['msg']}; remove it") from None
    except (ValueError, RecursionError) as error:
        why = str(error).splitlines()[0][:80]
        raise ConfigError(f"{path} is not what a drill leaves there: not JSON ({why}); remove it") from None
