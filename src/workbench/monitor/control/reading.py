"""Doors for those who look: status, alerts, incidents, orders, checklists, contacts, and the stream of all that."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Security
from fastapi.security import APIKeyCookie
from starlette.responses import Response, StreamingResponse

from workbench.domain.errors import AuthorityError
from workbench.monitor.control.answers import Refused, Rows, Shown, YouAre, answer, refusal
from workbench.monitor.control.loop import Loop
from workbench.monitor.control.parts import NobodyError, Responders, Sessions, You
from workbench.monitor.control.stream import MOST_STREAMS, Bulletin

COOKIE = "workbench_session"
WHYS = {
    400: "Not JSON as expected", 401: "Nobody is logged in", 403: "Not allowed", 405: "Asked in another way",
    408: "Too slow", 409: "Taken in before, or the state is another", 413: "Too long", 415: "Not JSON",
    421: "Another host's name", 422: "Not as described", 429: "Too many tries", 503: "Cannot be done now",
}  # fmt: skip
REFUSALS: dict[int | str, dict[str, object]] = {
    status: {"model": Refused, "description": why} for status, why in WHYS.items()
}


@dataclass(frozen=True, slots=True)
class Door:
    """What every door needs.

    Attributes
    ----------
    sessions : Sessions
        Who may come in.
    bulletin : Bulletin
        What is shown.
    clock_ns : callable
        This machine's clock.
    encrypted : bool
        Whether cookies may insist on it.
    """

    sessions: Sessions
    bulletin: Bulletin
    clock_ns: Callable[[], int]
    encrypted: bool

    @property
    def cookie(self) -> str:
        """Name of the session's cookie; with the prefix no other host can set it."""
        return f"__Host-{COOKIE}" if self.encrypted else COOKIE

    def token(self) -> Callable[..., Awaitable[str]]:
        """What takes the token out of a request."""

        async def token(
            found: Annotated[str | None, Security(APIKeyCookie(name=self.cookie, auto_error=False))] = None,
        ) -> str:
            if not found or len(found) > 200 or not found.isascii():
                raise NobodyError("log in first")
            return found

        return token

    def you(self) -> Callable[..., Awaitable[You]]:
        """What knows a person by the token."""

        async def you(token: Annotated[str, Depends(self.token())]) -> You:
            return self.sessions.who(token)

        return you


def looking(door: Door, loop: Loop, responders: Responders) -> APIRouter:
    """Doors for those who look.

    Parameters
    ----------
    door : Door
        What every door needs.
    loop, responders : Loop, Responders
        What is looked at.

    Returns
    -------
    APIRouter
    """
    router = APIRouter(prefix="/api", tags=["look"], responses=REFUSALS, dependencies=[Depends(door.you())])

    @router.get("/status", response_model=Shown)
    async def status() -> Response:
        """All the page shows, as in the stream."""
        return answer(door.bulletin.now())

    @router.get("/alerts", response_model=Rows)
    async def alerts() -> Response:
        """The loop's newest alerts."""
        loop.look()
        return answer({"rows": loop.rows("alerts")})

    @router.get("/incidents", response_model=Rows)
    async def incidents() -> Response:
        """Incidents, newest first."""
        return answer({"rows": list(responders.incidents())})

    @router.get("/orders", response_model=Rows)
    async def orders() -> Response:
        """The loop's newest orders."""
        loop.look()
        return answer({"rows": loop.rows("orders")})

    @router.get("/procedures", response_model=Rows)
    async def procedures() -> Response:
        """Checklists with their ticks."""
        return answer({"rows": list(responders.procedures())})

    @router.get("/contacts", response_model=Rows)
    async def contacts() -> Response:
        """Whom to call."""
        return answer({"rows": list(responders.contacts())})

    @router.get("/me", response_model=YouAre)
    async def me(you: Annotated[You, Depends(door.you())]) -> Response:
        """Who is logged in."""
        return answer(YouAre.of(you, door.clock_ns()))

    @router.get("/events", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}})
    async def events(token: Annotated[str, Depends(door.token())]) -> Response:
        """A stream: event ``state`` whenever something changes and once a second, ``over`` when the session ends."""
        if door.bulletin.followers >= MOST_STREAMS:
            return refusal(503, "streams", f"{MOST_STREAMS} streams are open: ask /api/status instead")
        return StreamingResponse(door.bulletin.follow(still_in(door, token)), media_type="text/event-stream")

    return router


def still_in(door: Door, token: str) -> Callable[[], bool]:
    """Whether a session lasts.

    Parameters
    ----------
    door : Door
        Who knows.
    token : str
        Of the session.

    Returns
    -------
    callable
    """

    def still() -> bool:
        try:
            door.sessions.who(token, touch=False)
        except AuthorityError:
            return False
        return True

    return still
