"""Doors of the control service for reports: read one, and write what was learned."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from pydantic import Field
from starlette.responses import Response

from workbench.domain.errors import AuthorityError, WorkbenchError
from workbench.monitor.control.answers import Nonce, Rows, Strict, answer
from workbench.monitor.control.parts import Records, Responders, Table, You
from workbench.monitor.control.reading import REFUSALS, Door

PAGE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/html": {"schema": {"type": "string"}}}, "description": "The report, one page"}
}


class WriteLesson(Strict):
    """What was learned, in somebody's words; lines may be broken."""

    nonce: Nonce
    incident: Annotated[str, Field(pattern=r"^I[0-9]{1,9}$")]
    text: Annotated[str, Field(min_length=1, max_length=4_000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]+$")]


def reporting(door: Door, records: Records, responders: Responders) -> APIRouter:
    """Doors for reports.

    Parameters
    ----------
    door : Door
        What every door needs.
    records, responders : Records, Responders
        Who keeps, and who looks after incidents.

    Returns
    -------
    APIRouter
    """
    router = APIRouter(prefix="/api", tags=["reports"], responses=REFUSALS)
    who = Depends(door.you())
    one_at_a_time = asyncio.Lock()

    @router.get("/incidents/{incident}/report", response_class=Response, responses=PAGE)
    async def report(incident: Annotated[str, Path(pattern=r"^I[0-9]{1,9}$")], _you: Annotated[You, who]) -> Response:
        """The report of an incident; of one that is open, as far as it has gone."""
        from workbench.monitor.incidents.page import policy_of

        # one is made at a time anyway: those that wait must not take the threads that check passwords
        async with one_at_a_time:
            page = await asyncio.to_thread(responders.report, incident)
        return Response(page, media_type="text/html", headers={"Content-Security-Policy": policy_of()})

    @router.post("/lesson", response_model=Rows)
    async def lesson(asked: WriteLesson, you: Annotated[You, who]) -> Response:
        """Write down what was learned from an incident."""
        written = _learned(you, asked, records, responders)
        door.bulletin.touch()
        return answer({"rows": [written]})

    return router


def _learned(you: You, asked: WriteLesson, records: Records, responders: Responders) -> Table:
    records.spend(asked.nonce, you.name, {"act": "lesson", "incident": asked.incident})
    try:
        if "tick" not in you.may:
            raise AuthorityError(f"{you.title} may look and acknowledge; lessons are written from level L1 on")
        return responders.learn(you, asked.incident, asked.text)
    except WorkbenchError as error:
        records.note("refused", {"nonce": asked.nonce, "person": you.name, "because": str(error)})
        raise
