"""People drilled through a real control service on a clock moved by hand: in time, late, never; and what it refuses."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from drill_room import DAY, MIDNIGHT, MINUTE, NOON, SECOND, Clock, no_wait, order_in, write_channels, write_people
from pytest_httpserver import HTTPServer

from workbench.app.control.service import ControlRequest, Service, opened
from workbench.app.drills.people import PeopleDrilled, Waiting, drill_people
from workbench.app.drills.plan import DrillOrder, plan_of
from workbench.app.drills.run import Means, run_drills
from workbench.data.journal.chain import Signer
from workbench.data.journal.journal import Journal
from workbench.domain.errors import ConfigError, DataError, ExecutionError
from workbench.response.drills.names import CONTROL_NAMES
from workbench.response.drills.request import (
    ANSWER_FILE,
    REQUEST_FILE,
    Request,
    ask,
    is_drill,
    read_answer,
    read_request,
)
from workbench.response.incidents.alert import Alert
from workbench.response.people.private_files import write_private
from workbench.response.people.roster import Roster


@dataclass
class Room:
    """A control service, its clock, and what people do at which second after the drill began."""

    service: Service
    clock: Clock
    folder: Path
    acts: list[tuple[float, str]] = field(default_factory=list)
    began_ns: int = NOON
    limit: int = 100_000

    @property
    def control(self) -> Path:
        return self.folder / "control"

    def order(self, **wanted: object) -> DrillOrder:
        return order_in(self.folder, people=True, clock_ns=self.clock, **wanted)

    def pause(self) -> None:
        """One second of the room's clock, a hundredth of ours for the threads of the channels."""
        self.limit -= 1
        assert self.limit > 0, "the drill never ends"
        self.clock.now_ns += SECOND
        self.service.turn()
        time.sleep(0.002)
        while self.acts and self.clock.now_ns - self.began_ns >= self.acts[0][0] * SECOND:
            self.acknowledge(self.acts.pop(0)[1])

    def acknowledge(self, name: str) -> None:
        person = Roster.read(self.control).person(name)
        [drill] = [one for one in self.service.dispatcher.incidents.open() if is_drill(one.cause)]
        self.service.dispatcher.acknowledge(drill.id, person, self.clock.now_ns)

    def drill(self, *acts: tuple[float, str], **wanted: object) -> PeopleDrilled:
        self.acts, self.began_ns = list(acts), self.clock.now_ns
        return drill_people(self.order(**wanted), "a test", Waiting(pause=self.pause))


@pytest.fixture
def room(tmp_path: Path, httpserver: HTTPServer) -> Iterator[Room]:
    """A room whose text messages arrive."""
    httpserver.expect_request("/sms").respond_with_data("ok")
    yield from opened_room(tmp_path, f'[sms]\nurls = ["json://127.0.0.1:{httpserver.port}/sms?-to={{to}}"]')


def opened_room(folder: Path, channels: str, now_ns: int = NOON) -> Iterator[Room]:
    control, clock = folder / "control", Clock(now_ns)
    write_people(control)
    write_channels(control, channels)
    Journal(folder / "live", Signer.open(folder / "live")).close(NOON)
    with opened(ControlRequest(str(folder / "live"), str(control)), clock_ns=clock) as service:
        service.turn()
        yield Room(service, clock, folder)


def certified(room: Room) -> dict[str, int | None]:
    return {name: one.certified_until_ns for name, one in Roster.read(room.control).people.items()}


def test_who_acknowledges_in_time_is_certified_for_the_days_of_the_policy(room: Room) -> None:
    found = room.drill((60, "Ada"))
    [ada] = found.drilled
    assert ada.passed and ada.name == "Ada" and ada.seconds is not None and 30 <= ada.seconds <= 60
    assert ada.target_seconds == 300
    until = certified(room)["Ada"]
    assert until == found.certified["Ada"] and abs(until - (NOON + MINUTE + 90 * DAY)) < 2 * SECOND
    assert certified(room)["Ben"] is None
    # the demand is gone, the incident is over
    assert read_request(room.control) is None and read_answer(room.control) is None
    room.pause()
    assert room.service.dispatcher.incidents.named(found.incident).closed_ns is not None


def test_who_is_late_gets_no_certificate_and_a_sentence(room: Room) -> None:
    found = room.drill((310, "Ada"), (320, "Ben"), (330, "Cleo"), level=3)
    ada, ben, cleo = found.drilled
    assert not ada.passed and "later than 5 minutes (L1 in the policy): no certificate" in ada.sentence
    assert ben.passed and cleo.passed and found.certified.keys() == {"Ben", "Cleo"}
    assert certified(room)["Ada"] is None


def test_who_never_acknowledges_gets_none_and_may_be_drilled_again(room: Room) -> None:
    found = room.drill()
    [ada] = found.drilled
    assert not ada.passed and ada.seconds is None and "has not acknowledged within 5 minutes" in ada.sentence
    room.pause()
    drill = room.service.dispatcher.incidents.named(found.incident)
    assert not drill.acknowledged and drill.closed_ns is not None
    assert room.drill((5, "Ada")).certified.keys() == {"Ada"}


def test_nobody_is_paged_for_a_drill_that_is_over(room: Room) -> None:
    name = room.drill().incident
    dispatcher = room.service.dispatcher
    room.pause()
    rounds = dispatcher.incidents.named(name).round
    for _ in range(40):
        room.clock.now_ns += MINUTE
        room.pause()
    over = dispatcher.incidents.named(name)
    assert over.round == rounds and not over.is_open
    assert not [page for page in dispatcher.outbox.waiting() if page.incident == name]


def test_pages_of_a_drill_that_wait_are_dropped_when_it_is_taken_back(tmp_path: Path) -> None:
    for room in opened_room(tmp_path, '[chat]\nurls = ["json://127.0.0.1:9/"]'):
        ask(room.control, 2, "a test", room.clock.now_ns)
        dispatcher, ends = room.service.dispatcher, time.monotonic() + 10
        while not any(page.state == "queued" and page.attempts for page in dispatcher.outbox.waiting()):
            room.service.turn()
            time.sleep(0.002)
            assert time.monotonic() < ends, "no page has failed"
        (room.control / REQUEST_FILE).unlink()
        room.service.turn()
        [dropped] = [page for page in dispatcher.outbox.ended() if page.channel == "chat"]
        assert (dropped.state, dropped.answer) == ("dropped", "the drill is over")


def test_at_level_three_everybody_is_drilled_each_by_the_time_of_their_role(room: Room) -> None:
    found = room.drill((30, "Ada"), (40, "Ben"), (90, "Cleo"), level=3)
    assert {one.name: one.passed for one in found.drilled} == {"Ada": True, "Ben": True, "Cleo": True}
    assert {one.name: one.target_seconds for one in found.drilled} == {"Ada": 300, "Ben": 7_200, "Cleo": 14_400}
    assert found.certified.keys() == {"Ada", "Ben", "Cleo"}


def test_a_certificate_that_holds_longer_is_not_cut_short(room: Room) -> None:
    write_people(room.control, certified_until_ns=NOON + 400 * DAY)
    assert room.drill((10, "Ada")).certified == {"Ada": NOON + 400 * DAY}


def test_an_interrupted_command_goes_on_with_the_same_drill(room: Room) -> None:
    def interrupted() -> None:
        room.pause()
        if room.clock.now_ns > NOON + 20 * SECOND:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        drill_people(room.order(), "a test", Waiting(pause=interrupted))
    found = room.drill((30, "Ada"))
    assert [one.name for one in found.drilled] == ["Ada"] and found.drilled[0].passed
    assert sum(is_drill(one.cause) for one in room.service.dispatcher.incidents.all()) == 1


def test_a_page_that_reaches_nobody_is_a_failed_drill(tmp_path: Path) -> None:
    for room in opened_room(tmp_path, '[chat]\nurls = ["json://127.0.0.1:9/"]'):
        found = room.drill()
        assert [one.name for one in found.drilled] == ["nobody"] and found.certified == {}
        assert not found.drilled[0].passed and "no page reached anybody" in found.drilled[0].sentence


def test_without_any_channel_the_drill_is_refused(tmp_path: Path) -> None:
    for room in opened_room(tmp_path, ""):
        with pytest.raises(DataError, match="is no drill and nobody has acknowledged it"):
            room.drill()


def test_a_drill_waits_while_something_real_is_unanswered(room: Room) -> None:
    real = Alert("x:1", 3, "drawdown", room.clock.now_ns, "rung 2", lasts=True)
    room.service.dispatcher.raise_alert(real, room.clock.now_ns)
    with pytest.raises(DataError, match="is no drill and nobody has acknowledged it"):
        room.drill()
    assert not (room.control / REQUEST_FILE).exists()


def test_without_a_control_service_people_are_not_drilled(tmp_path: Path) -> None:
    write_people(tmp_path / "control")
    order = order_in(tmp_path, people=True)
    with pytest.raises(ConfigError, match="no control service runs"):
        drill_people(order, "a test", no_wait())
    assert not plan_of(order_in(tmp_path)).people


def test_a_service_that_does_not_answer_is_said_and_the_demand_taken_back(room: Room) -> None:
    def deaf() -> None:
        room.clock.now_ns += SECOND

    with pytest.raises(ExecutionError, match="has not answered within 10 s"):
        drill_people(room.order(), "a test", Waiting(pause=deaf))
    assert not (room.control / REQUEST_FILE).exists()


def test_quiet_hours_and_levels_are_refused_before_anybody_is_asked(tmp_path: Path) -> None:
    write_people(tmp_path / "control")
    with pytest.raises(ConfigError, match=r"not drilled at level 2 in quiet hours.*--level 3, which wakes everybody"):
        plan_of(order_in(tmp_path, people=True, clock_ns=lambda: MIDNIGHT))
    assert plan_of(order_in(tmp_path, people=True, level=3, clock_ns=lambda: MIDNIGHT)).people
    for level in (1, 4):
        with pytest.raises(ConfigError, match="a drill may page at level 2 to 3"):
            plan_of(order_in(tmp_path, people=True, level=level))


# --- what a file alone can bring about


def demand(room: Room, **changes: object) -> str:
    """Leave a demand as no command would; what the service says to it."""
    table = {"id": "0" * 32, "made_ns": room.clock.now_ns, "level": 2, "by": "mallory"} | changes
    write_private(room.control / REQUEST_FILE, json.dumps(table))
    room.pause()
    said = read_answer(room.control)
    return said.sentence if said is not None else ""


def drills(room: Room) -> list[str]:
    return [one.cause for one in room.service.dispatcher.incidents.all() if is_drill(one.cause)]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"level": 4}, "level 2 to 3"),
        ({"level": 1}, "level 2 to 3"),
        ({"made_ns": NOON - DAY}, "older than a minute"),
        ({"made_ns": NOON + DAY}, "older than a minute"),
        ({"level": 9}, "level: Input should be"),
        ({"level": 2.5}, "level: Input should be"),
        ({"level": True}, "level: Input should be"),
        ({"id": "../../x"}, "id: String should match"),
        ({"by": "\x1b[31m"}, "by: String should match"),
        ({"act": "flatten"}, "act: Extra inputs"),
        ({"made_ns": 10**40}, "made_ns: Input should be"),
    ],
)
def test_a_demand_that_is_not_allowed_raises_nothing(room: Room, changes: dict[str, object], words: str) -> None:
    assert words in demand(room, **changes)
    assert drills(room) == []


@pytest.mark.parametrize("content", [b"", b"\x00\xff", b"[" * 50_000, b"null", b"{}"], ids=range(5))
def test_rubbish_is_answered_with_a_sentence_and_the_service_goes_on(room: Room, content: bytes) -> None:
    (room.control / REQUEST_FILE).write_bytes(content)
    (room.control / REQUEST_FILE).chmod(0o600)
    room.pause()
    said = read_answer(room.control)
    assert said is not None and "remove it" in said.sentence and drills(room) == []


def test_a_demand_others_could_have_written_is_refused(room: Room) -> None:
    demand_path = room.control / REQUEST_FILE
    demand_path.write_text(json.dumps({"id": "1" * 32, "made_ns": NOON, "level": 2, "by": "x"}))
    demand_path.chmod(0o666)
    room.pause()
    said = read_answer(room.control)
    assert said is not None and "chmod 600" in said.sentence and drills(room) == []


def test_the_same_demand_again_is_one_drill(room: Room) -> None:
    request = ask(room.control, 2, "a test", room.clock.now_ns)
    room.pause()
    room.acknowledge("Ada")
    kept = (room.control / REQUEST_FILE).read_bytes()
    (room.control / REQUEST_FILE).unlink()
    room.pause()
    (room.control / ANSWER_FILE).unlink()
    write_private(room.control / REQUEST_FILE, kept.decode())
    room.pause()
    assert drills(room) == [request.cause] and room.service.dispatcher.incidents.of_cause(request.cause) is None


def test_a_demand_nobody_takes_back_ends_by_itself(room: Room) -> None:
    request = ask(room.control, 2, "a test", room.clock.now_ns)
    room.pause()
    room.acknowledge("Ada")
    assert room.service.dispatcher.incidents.of_cause(request.cause) is not None
    room.clock.now_ns += 242 * MINUTE
    room.pause()
    assert room.service.dispatcher.incidents.of_cause(request.cause) is None


def test_an_unanswered_drill_without_channels_never_halts_the_book(tmp_path: Path) -> None:
    for room in opened_room(tmp_path, '[chat]\nurls = ["json://127.0.0.1:9/"]'):
        ask(room.control, 3, "a test", room.clock.now_ns)
        for _ in range(5):
            room.pause()
        assert drills(room)
        for _ in range(40):
            room.clock.now_ns += 30 * SECOND
            room.pause()
        assert not list((tmp_path / "live" / "inbox").glob("*.json"))


def test_overdue_drills_become_an_incident_of_level_two(room: Room) -> None:
    room.clock.now_ns += 31 * DAY
    room.pause()
    [late] = [one for one in room.service.dispatcher.incidents.open() if one.cause == "drills overdue"]
    assert late.level == 2 and f"{len(CONTROL_NAMES)} controls" in late.worst.sentence and late.paging_ns is not None
    run_drills(room.order(), plan_of(order_in(room.folder, controls=("halt",), clock_ns=room.clock)), Means())
    room.clock.now_ns += MINUTE
    room.pause()
    assert room.service.dispatcher.incidents.of_cause("drills overdue") is not None


def test_a_request_names_itself_in_its_cause() -> None:
    request = Request(id="ab" * 16, made_ns=0, level=2, by="x")
    assert request.cause == "DRILL abababab" and is_drill(request.cause) and not is_drill("drills overdue")


def test_due_pages_only_when_the_page_reaches_somebody_who_is_due(room: Room) -> None:
    assert plan_of(room.order(due=True)).people
    room.drill((10, "Ada"))
    quiet = plan_of(room.order(due=True))
    assert not quiet.people and any("Ben, Cleo; `workbench drill --people --level 3`" in one for one in quiet.left)
    assert plan_of(room.order(due=True, level=3)).people
    room.drill((10, "Ada"), (11, "Ben"), (12, "Cleo"), level=3)
    done = plan_of(room.order(due=True, level=3))
    assert not done.people and not any("due" in one for one in done.left)
    room.clock.now_ns += 86 * DAY
    assert plan_of(room.order(due=True)).people
