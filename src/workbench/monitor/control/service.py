"""The control service: an application whose every door is one of these, behind the guard."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import JsonValue
from starlette.exceptions import HTTPException
from starlette.responses import Response

from workbench import __version__
from workbench.data.journal.storage import JournalError
from workbench.domain.errors import AuthorityError, ConfigError, DataError, ExecutionError, WorkbenchError
from workbench.monitor.control import actions, reading
from workbench.monitor.control.acts import Desk
from workbench.monitor.control.answers import refusal
from workbench.monitor.control.guard import Allowed, Guard
from workbench.monitor.control.loop import Loop
from workbench.monitor.control.pages import page_routes
from workbench.monitor.control.parts import (
    LoginError,
    NobodyError,
    Records,
    ReplayedError,
    Responders,
    Rules,
    Sessions,
    StepUpError,
    Table,
    TooManyError,
)
from workbench.monitor.control.stream import Bulletin
from workbench.monitor.incidents import doors

SHOWN_INCIDENTS = 20
TELL_REFUSALS_SECONDS = 10.0
STATUS: tuple[tuple[type[Exception], int, str], ...] = (
    (NobodyError, 401, "nobody"),
    (LoginError, 401, "login"),
    (StepUpError, 403, "step-up"),
    (TooManyError, 429, "too-many"),
    (ReplayedError, 409, "replayed"),
    (AuthorityError, 403, "authority"),
    (ConfigError, 422, "asked"),
    (DataError, 409, "state"),
    (JournalError, 503, "not-recorded"),
    (ExecutionError, 503, "not-done"),
)
"""How errors are answered, the particular before the general."""
OTHER = "The control service has made a mistake: nothing more is known. Break-glass: `workbench halt` in a shell."


@dataclass(frozen=True, slots=True)
class Parts:
    """What a service is made of.

    Attributes
    ----------
    sessions, rules, records, responders : Sessions, Rules, Records, Responders
        See their protocols.
    loop : Loop
        Who is looked at and asked.
    clock_ns : callable
        This machine's clock.
    """

    sessions: Sessions
    rules: Rules
    records: Records
    responders: Responders
    loop: Loop
    clock_ns: Callable[[], int] = time.time_ns


def build_app(parts: Parts, allowed: Allowed) -> FastAPI:
    """Put the doors together.

    Parameters
    ----------
    parts : Parts
        What is behind them.
    allowed : Allowed
        Names the service answers to.

    Returns
    -------
    FastAPI
    """
    bulletin = Bulletin(parts.loop.look, lambda: compose(parts))
    desk = Desk(parts.rules, parts.records, parts.responders, parts.loop, clock_ns=parts.clock_ns)

    @asynccontextmanager
    async def living(_app: FastAPI) -> AsyncIterator[None]:
        telling = asyncio.create_task(bulletin.run())
        yield
        bulletin.close()
        telling.cancel()

    app = FastAPI(
        title="FX risk workbench: control service", version=__version__, openapi_url="/api/openapi.json",
        docs_url=None, redoc_url=None, lifespan=living, redirect_slashes=False,
    )  # fmt: skip
    app.state.bulletin = bulletin
    door = reading.Door(parts.sessions, bulletin, parts.clock_ns, encrypted=allowed.encrypted)
    app.include_router(reading.looking(door, parts.loop, parts.responders))
    app.include_router(actions.coming_and_going(door))
    app.include_router(actions.asking(door, desk))
    app.include_router(doors.reporting(door, parts.records, parts.responders))
    app.router.routes.extend(page_routes(demo=bool(parts.responders.health().get("demo"))))
    for kind in (WorkbenchError, JournalError):
        app.add_exception_handler(kind, _in_words)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _no_door)
    app.add_middleware(Guard, allowed=allowed, refused=Tally(parts.records))
    return app


def compose(parts: Parts) -> Table:
    """Everything the page shows.

    Parameters
    ----------
    parts : Parts
        Of the service.

    Returns
    -------
    dict
        JSON values; see docs/control.md.
    """
    table = parts.loop.shown()
    table["incidents"] = list[JsonValue](parts.responders.incidents())[:SHOWN_INCIDENTS]
    table["proposals"] = list[JsonValue](parts.rules.proposals())
    table["people"] = parts.responders.health() | {"head": parts.records.head()}
    return table


class Tally:
    """Keeps the number of requests refused at the door without letting strangers fill the journal.

    Parameters
    ----------
    records : Records
        The journal of people.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._counts: dict[str, int] = {}
        self._told_at = -TELL_REFUSALS_SECONDS

    def __call__(self, kind: str, address: str) -> None:
        """Count one.

        Parameters
        ----------
        kind, address : str
            What was wrong, and where it came from.
        """
        self._counts[kind] = self._counts.get(kind, 0) + 1
        if time.monotonic() - self._told_at < TELL_REFUSALS_SECONDS:
            return
        self._told_at = time.monotonic()
        counts: Table = dict(self._counts)
        self._counts.clear()
        with suppress(WorkbenchError, JournalError):  # a refusal stands, written down or not
            self._records.note("stopped at the door", {"address": address, "counts": counts})


async def _in_words(_request: Request, error: Exception) -> Response:
    for kind, status, name in STATUS:
        if isinstance(error, kind):
            return refusal(status, name, str(error))
    return refusal(500, "mistake", OTHER)


async def _malformed(_request: Request, error: Exception) -> Response:
    first = error.errors()[0] if isinstance(error, RequestValidationError) and error.errors() else {}
    where = ".".join(str(part) for part in first.get("loc", ())[1:4])[:120]
    return refusal(422, "shape", f"{where or 'the request'}: {first.get('msg', 'not as described')}")


async def _no_door(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    words = {404: "there is nothing here", 405: "this is asked in another way: see /api/openapi.json"}
    answer = refusal(status, "door", words.get(status, "this cannot be answered"))
    if isinstance(error, HTTPException) and error.headers:
        answer.headers.update(error.headers)
    return answer
