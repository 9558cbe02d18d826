"""Channels tried in earnest: one hangs, one is not there, one works; a file that is refused; the night."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from drill_room import MIDNIGHT, NOON, order_in, write_channels, write_people
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from workbench.app.drills.plan import CHANNEL_FILE_NAME, plan_of
from workbench.app.drills.run import Means, run_drills
from workbench.domain.policy import Policy
from workbench.response.alerts.channels import UrlChannel
from workbench.response.drills.channels import quiet_channels, try_channels
from workbench.response.drills.record import Record

CANARY = "canary8Zr5"


@pytest.fixture
def hanging() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        yield listener.getsockname()[1]


def quick(policy: Policy, **paging: object) -> Policy:
    people = policy.people.model_copy(update={"paging": policy.people.paging.model_copy(update=paging)})
    return policy.model_copy(update={"people": people})


def test_one_hangs_one_is_gone_one_works_and_none_waits_for_another(
    policy: Policy, tmp_path: Path, hanging: int, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/sms").respond_with_data("ok")
    channels = [
        UrlChannel("chat", [f"json://127.0.0.1:{hanging}/{CANARY}"]),
        UrlChannel("email", [f"json://127.0.0.1:9/{CANARY}?to={{to}}"]),
        UrlChannel("sms", [f"json://127.0.0.1:{httpserver.port}/sms?-to={{to}}"]),
    ]
    roster, heard = write_people(tmp_path), list[tuple[str, int]]()
    began = time.monotonic()
    chat, email, sms = try_channels(
        channels, roster, quick(policy, hand_over_seconds=0.5), NOON, lambda words, done: heard.append((words, done))
    )
    assert time.monotonic() - began < 3
    assert sms.passed and sms.seconds is not None and sms.seconds < 0.5 and "to Ada" in sms.sentence
    # Ada has no address for e-mail, and neither has anybody else
    assert not email.passed and email.sentence == "nobody from L1 to L3 has an address on email"
    assert not chat.passed and any(words in chat.sentence for words in ("no answer", "refused, or not reachable"))
    assert heard[-1] != heard[0] and CANARY not in f"{chat}{email}{sms}"
    (request, _), *_ = httpserver.log
    said = json.loads(request.data)
    assert said["title"].startswith("DRILL: ") and said["message"].startswith("DRILL, nothing has happened")


def test_a_hand_over_that_is_slower_than_the_policy_has_failed(
    policy: Policy, tmp_path: Path, httpserver: HTTPServer
) -> None:
    success = policy.success.model_copy(
        update={"technical": policy.success.technical.model_copy(update={"alert_handed_over_seconds": 0.1})}
    )
    slow = policy.model_copy(update={"success": success})
    channel = UrlChannel("chat", [f"json://127.0.0.1:{httpserver.port}/chat"])
    httpserver.expect_request("/chat").respond_with_handler(answered_late)
    (one,) = try_channels([channel], write_people(tmp_path), slow, NOON, lambda _words, _done: None)
    assert not one.passed and "later than 0.1 s" in one.sentence


def answered_late(_request: Request) -> Response:
    time.sleep(0.3)
    return Response("ok")


def test_a_malformed_file_is_a_failed_drill_of_every_channel_and_shows_no_secret(tmp_path: Path) -> None:
    control = tmp_path / "control"
    write_channels(control, f'[sms]\nurls = ["notascheme://{CANARY}"]')
    order = order_in(tmp_path, channels=("all",))
    plan = plan_of(order)
    assert plan.channels == ("log", CHANNEL_FILE_NAME)
    outcome = run_drills(order, plan, Means())
    log, file = outcome.drilled
    assert log.passed and not file.passed and "[sms] urls[0]" in file.sentence
    kept = (control / "drills.json").read_text() + outcome.report.read_text()
    assert CANARY not in kept and "NOT READY" in kept
    assert [one.name for one in Record.read(control).drills] == ["log", CHANNEL_FILE_NAME]


def test_at_night_nobody_is_woken_unless_the_channel_is_named(policy: Policy, tmp_path: Path) -> None:
    assert quiet_channels(policy, NOON) == () and set(quiet_channels(policy, MIDNIGHT)) == {"sms", "call"}
    write_channels(tmp_path / "control", '[sms]\nurls = ["json://127.0.0.1:9/{to}"]')
    night = order_in(tmp_path, clock_ns=lambda: MIDNIGHT)
    plan = plan_of(night)
    assert plan.channels == ("log",) and any("sms is not tried in quiet hours" in one for one in plan.left)
    named = order_in(tmp_path, clock_ns=lambda: MIDNIGHT, channels=("sms",))
    assert plan_of(named).channels == ("sms",)
