"""People drilled through the control service: it pages, they acknowledge, its journal says how long that took."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.app.drills.plan import DrillOrder
from workbench.domain.errors import ConfigError, DataError, ExecutionError
from workbench.domain.trading.market_hours import SECOND_NS

if TYPE_CHECKING:
    from workbench.response.drills.people import Response
    from workbench.response.drills.record import Drilled
    from workbench.response.drills.request import Request

ANSWERED_WITHIN_NS = 10 * SECOND_NS
PAGED_WITHIN_NS = 120 * SECOND_NS
"""When nobody was reached by then, no channel reaches anybody."""
LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class PeopleDrilled:
    """What came of it: for the record, and until when each is certified."""

    drilled: tuple["Drilled", ...]
    certified: dict[str, int]
    incident: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """How the command passes the time; tests live on another clock.

    Attributes
    ----------
    pause : callable
        Called between two looks.
    tell : callable
        Told how many have answered, and of how many.
    """

    pause: Callable[[], None] = lambda: time.sleep(LOOK_SECONDS)
    tell: Callable[[str, int, int], None] = lambda words, done, total: None


def drill_people(order: DrillOrder, by: str, waiting: Waiting) -> PeopleDrilled:
    """Page those on call, and wait until all of them have answered or had their time.

    Parameters
    ----------
    order : DrillOrder
        From the command line.
    by : str
        Who asks, for the page.
    waiting : Waiting
        How the time passes.

    Returns
    -------
    PeopleDrilled

    Raises
    ------
    ConfigError
        When no control service runs.
    DataError
        When it refuses.
    ExecutionError
        When it does not answer, or a file cannot be written.
    """
    from workbench.data.journal.reader import JournalReader
    from workbench.data.journal.storage import lock_holder
    from workbench.response.drills.people import grant
    from workbench.response.drills.request import withdraw

    folder = order.control_folder
    if lock_holder(folder) is None:
        raise ConfigError(
            f"no control service runs on {folder}, and nobody else pages people: start `workbench control`"
        )
    with JournalReader(folder) as reader:
        after = reader.head.sequence
    incident, resumed = _begun(order, by, waiting)
    found = _waited(order, incident, 0 if resumed else after, waiting)
    withdraw(folder)
    passed = {one.person.name: one.answered_ns for one in found if one.passed and one.answered_ns is not None}
    return PeopleDrilled(_for_the_record(found, order), grant(folder, passed, order.policy), incident)


def _begun(order: DrillOrder, by: str, waiting: Waiting) -> tuple[str, bool]:
    """Incident of the drill, and whether it had begun before: an interrupted command goes on where it was."""
    from workbench.response.drills.request import ask, read_answer, read_request

    folder = order.control_folder
    before, said = read_request(folder), read_answer(folder)
    if before is not None and said is not None and said.request == before.id and said.incident:
        return said.incident, True
    request = ask(folder, order.level or order.policy.people.drills.page_level, by, order.clock_ns())
    return _answered(order, request, waiting), False


def _answered(order: DrillOrder, request: "Request", waiting: Waiting) -> str:
    from workbench.response.drills.request import read_answer, withdraw

    while order.clock_ns() - request.made_ns <= ANSWERED_WITHIN_NS:
        said = read_answer(order.control_folder)
        if said is not None and said.request == request.id:
            if said.incident:
                return said.incident
            withdraw(order.control_folder)
            raise DataError(f"the control service refuses the drill: {said.sentence}")
        waiting.tell("waiting for the control service", 0, 1)
        waiting.pause()
    withdraw(order.control_folder)
    raise ExecutionError(
        f"the control service has not answered within {ANSWERED_WITHIN_NS // SECOND_NS} s: is it the one of "
        f"{order.control_folder}, and of this version?"
    )


def _waited(order: DrillOrder, incident: str, after: int, waiting: Waiting) -> "Sequence[Response]":
    from workbench.response.drills.people import course_of, responses

    while True:
        course, now = course_of(order.control_folder, incident, after), order.clock_ns()
        found = responses(course, order.roster, order.policy)
        answered = [one for one in found if one.answered_ns is not None]
        names = ", ".join(one.person.name for one in found if one.awaited(now)) or "the first page"
        waiting.tell(f"DRILL {incident}: waiting for {names}", len(answered), max(len(found), 1))
        if found and not any(one.awaited(now) for one in found):
            return found
        if not found and now - course.opened_ns > PAGED_WITHIN_NS:
            return ()
        waiting.pause()


def _for_the_record(found: "Sequence[Response]", order: DrillOrder) -> "tuple[Drilled, ...]":
    from workbench.response.drills.names import PERSON
    from workbench.response.drills.record import Drilled

    if found:
        return tuple(one.drilled() for one in found)
    sentence = f"no page reached anybody within {PAGED_WITHIN_NS // SECOND_NS} s: see the channels"
    nobody = Drilled(kind=PERSON, name="nobody", time_ns=order.clock_ns(), passed=False, sentence=sentence)
    return (nobody,)
