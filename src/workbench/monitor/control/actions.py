"""Doors for those who ask: come in, step up, acknowledge, act, propose, approve, tick."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from workbench.monitor.control.acts import Desk
from workbench.monitor.control.answers import (
    Acknowledge,
    Act,
    Approve,
    Became,
    LogIn,
    Nothing,
    Propose,
    Rows,
    StepUp,
    TickStep,
    YouAre,
    answer,
)
from workbench.monitor.control.guard import address_of
from workbench.monitor.control.parts import Asked, Tick, You
from workbench.monitor.control.reading import REFUSALS, Door


def coming_and_going(door: Door) -> APIRouter:
    """Doors for coming in and going out.

    Parameters
    ----------
    door : Door
        What every door needs.

    Returns
    -------
    APIRouter
    """
    router = APIRouter(prefix="/api", tags=["session"], responses=REFUSALS)

    @router.post("/login", response_model=YouAre)
    async def login(who: LogIn, request: Request) -> Response:
        """Come in with name, password and a code of the authenticator."""
        token = await door.sessions.log_in(who.name, who.password, who.code, address_of(request.scope))
        you, now_ns = door.sessions.who(token), door.clock_ns()
        response = answer(YouAre.of(you, now_ns))
        lasts = max(int((you.expires_ns - now_ns) / 1e9), 1)
        response.set_cookie(
            door.cookie, token, max_age=lasts, path="/", secure=door.encrypted, httponly=True, samesite="strict"
        )
        return response

    @router.post("/logout", response_model=Nothing)
    async def logout(_nothing: Nothing, token: Annotated[str, Depends(door.token())]) -> Response:
        """End the session."""
        door.sessions.log_out(token)
        response = answer({})
        response.delete_cookie(door.cookie, path="/", secure=door.encrypted, httponly=True, samesite="strict")
        return response

    @router.post("/step-up", response_model=YouAre)
    async def step_up(fresh: StepUp, token: Annotated[str, Depends(door.token())]) -> Response:
        """Give a fresh code: dangerous acts are taken for a minute."""
        return answer(YouAre.of(door.sessions.step_up(token, fresh.code), door.clock_ns()))

    return router


def asking(door: Door, desk: Desk) -> APIRouter:
    """Doors for asking.

    Parameters
    ----------
    door : Door
        What every door needs.
    desk : Desk
        Who carries it out.

    Returns
    -------
    APIRouter
    """
    router = APIRouter(prefix="/api", tags=["ask"], responses=REFUSALS)
    who = Depends(door.you())

    @router.post("/acknowledge", response_model=Rows)
    async def acknowledge(asked: Acknowledge, you: Annotated[You, who]) -> Response:
        """Say that you have an incident: nobody is paged for it any more."""
        incident = desk.acknowledge(you, asked.incident, asked.nonce)
        door.bulletin.touch()
        return answer({"rows": [incident]})

    @router.post("/act", response_model=Became)
    async def act(asked: Act, you: Annotated[You, who]) -> Response:
        """Make the book safer, or record a notice to the regulator; answered with what the loop did."""
        fraction = asked.fraction if asked.act == "reduce" else 1.0
        outcome = await desk.act(you, Asked(asked.nonce, asked.act, fraction, reason=asked.reason))
        return answer(Became.of(outcome))

    @router.post("/propose", response_model=Rows)
    async def propose(asked: Propose, you: Annotated[You, who]) -> Response:
        """Propose to let the book grow again: somebody else has to approve."""
        wanted = Asked(asked.nonce, asked.act, 1.0, asked.strategy, asked.rebaseline_peak, asked.reason)
        proposal = desk.propose(you, wanted)
        door.bulletin.touch()
        return answer({"rows": [proposal]})

    @router.post("/approve", response_model=Became)
    async def approve(asked: Approve, you: Annotated[You, who]) -> Response:
        """Approve somebody else's proposal; answered with what the loop did."""
        outcome = await desk.approve(you, asked.proposal, asked.nonce)
        door.bulletin.touch()
        return answer(Became.of(outcome))

    @router.post("/procedure", response_model=Rows)
    async def procedure(asked: TickStep, you: Annotated[You, who]) -> Response:
        """Tick a step of a checklist, or take the tick back."""
        tick = Tick(asked.procedure, asked.step, asked.done, asked.incident)
        rows = desk.tick(you, tick, asked.nonce)
        door.bulletin.touch()
        return answer({"rows": rows})

    return router
