"""From a roster whose certificates run out to a message at a channel, through a real control service."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from drill_room import DAY, MINUTE, NOON, SECOND, Clock, write_channels, write_people
from pytest_httpserver import HTTPServer

from workbench.app.control.service import ControlRequest, Service, opened
from workbench.data.journal.chain import Signer
from workbench.data.journal.journal import Journal
from workbench.response.drills.duties import OVERDUE
from workbench.response.drills.names import CONTROL_NAMES
from workbench.response.drills.record import Drilled, recorded

ENDS = NOON + 10 * DAY
"""Of every certificate."""


@contextmanager
def watched(folder: Path, server: HTTPServer) -> Iterator[tuple[Service, Clock]]:
    """Everything is drilled, people are certified until `ENDS`, text messages arrive at the server."""
    server.expect_request("/sms").respond_with_data("ok")
    control, clock = folder / "control", Clock(ENDS - 2 * MINUTE)
    write_people(control, certified_until_ns=ENDS)
    write_channels(control, f'[sms]\nurls = ["json://127.0.0.1:{server.port}/sms?-to={{to}}"]')
    done = [("control", name) for name in CONTROL_NAMES] + [("channel", "sms"), ("channel", "log")]
    recorded(control, [Drilled(kind=k, name=n, time_ns=NOON, passed=True, sentence="") for k, n in done])
    Journal(folder / "live", Signer.open(folder / "live")).close(NOON)
    with opened(ControlRequest(str(folder / "live"), str(control)), clock_ns=clock) as service:
        yield service, clock


def pass_until(service: Service, clock: Clock, until_ns: int) -> None:
    """Second by second; a moment of ours for the threads of the channels."""
    while clock.now_ns < until_ns:
        clock.now_ns += SECOND
        service.turn()
        time.sleep(0.002)


def messages(server: HTTPServer) -> list[str]:
    return [text for request, _ in server.log if "not drilled in time" in (text := request.get_data(as_text=True))]


def test_a_certificate_that_runs_out_is_a_message_at_a_channel_within_a_minute(
    tmp_path: Path, httpserver: HTTPServer
) -> None:
    with watched(tmp_path, httpserver) as (service, clock):
        pass_until(service, clock, ENDS - SECOND)
        assert not messages(httpserver) and service.dispatcher.incidents.of_cause(OVERDUE) is None
        pass_until(service, clock, ENDS + 90 * SECOND)
        [told, *_] = messages(httpserver)
        assert "3 people (Ada, Ben, Cleo)" in told
        incident = service.dispatcher.incidents.of_cause(OVERDUE)
        assert incident is not None and incident.is_open and not incident.acknowledged


@pytest.mark.parametrize("kind", ["control", "channel"])
def test_a_drill_that_fell_due_is_a_message_too(tmp_path: Path, httpserver: HTTPServer, kind: str) -> None:
    name = {"control": "halt", "channel": "log"}[kind]
    with watched(tmp_path, httpserver) as (service, clock):
        failed = Drilled(kind=kind, name=name, time_ns=clock.now_ns, passed=False, sentence="it did not")  # type: ignore[arg-type]
        recorded(tmp_path / "control", [failed])
        pass_until(service, clock, clock.now_ns + 90 * SECOND)
        assert f"1 {kind} ({name})" in messages(httpserver)[0]
