"""People of a demonstration, whose passwords were printed, reach no real book."""

import json
import time
from dataclasses import replace
from typing import Any

import pytest
from typer.testing import CliRunner

from workbench.app.control.real_book import GuardedInbox, is_made_up, refuse_real_feed
from workbench.app.control.watching import run_watchdog
from workbench.cli import cli
from workbench.data.inbox import Command, Inbox
from workbench.data.journal.chain import Signer
from workbench.data.journal.journal import Journal
from workbench.domain.errors import ConfigError, ExecutionError
from workbench.monitor.control.loop import Loop
from workbench.monitor.control.parts import Asked
from workbench.response.alerts.watchdog_file import Heartbeat, silence_alert
from workbench.response.incidents.incident import opened
from workbench.response.people.roster import Roster


@pytest.fixture
def demo(stage: Any, request_of: Any) -> Any:
    """Made-up people in front of a loop with made-up prices; the service is not running."""
    stage.closing.close()
    folder = stage.home / "control"
    replace(Roster.read(folder), demo=True).write(folder)
    return stage


def real(stage: Any, value: object = False) -> None:
    stage.loop.table["synthetic"] = value
    until = time.monotonic() + 5
    while is_made_up(stage.home / "live") is True and time.monotonic() < until:
        time.sleep(0.02)
    assert is_made_up(stage.home / "live") is False


def folders(stage: Any) -> list[str]:
    return ["--folder", str(stage.home / "live"), "--control", str(stage.home / "control"), "--demo"]


@pytest.mark.parametrize("command", [["control", "--port", "0"], ["watchdog", "--halt"], ["up", "--no-page"]])
def test_a_demonstration_does_not_start_on_a_real_book(demo, command):
    real(demo)
    ended = CliRunner().invoke(cli, [*command, *folders(demo)])
    assert isinstance(ended.exception, ConfigError) and "--demo is for a loop with made-up prices" in str(
        ended.exception
    )
    assert demo.sent() == []


@pytest.mark.parametrize("value", [False, None, "yes", 1])
def test_every_act_is_refused_once_the_loop_does_not_say_that_its_prices_are_made_up(demo, value):
    halted: list[bool] = []
    loop = Loop(demo.home / "live", lambda: not halted.append(True), demo=True)
    loop.check_made_up()
    real(demo, value)
    for act in ("halt", "close_all", "shut_down", "resume"):
        with pytest.raises(ExecutionError, match="does not show that its prices are made up: nothing was sent"):
            loop.send(Asked("ab" * 16, act), "Ada")
        with pytest.raises(ExecutionError, match="nothing was sent"):
            loop.check(Asked("ab" * 16, act))
    assert demo.sent() == [] and not halted


def test_made_up_people_leave_no_message_for_a_loop_that_is_not_there(tmp_path):
    with pytest.raises(ExecutionError, match="is not seen running: nothing was sent"):
        Loop(tmp_path, lambda: True, demo=True).send(Asked("ab" * 16, "halt"), "Ada")
    assert not Inbox(tmp_path / "inbox").waiting()
    assert Loop(tmp_path, lambda: True).send(Asked("ab" * 16, "halt"), "Ada"), "real people do"


def test_the_page_of_a_demonstration_refuses_and_the_dispatcher_halts_nothing_real(tmp_path, somebody, staged):
    with staged(tmp_path, demo=True) as stage:
        dan = somebody(stage, "Dan").log_in()
        assert dan.act("halt").status_code == 200
        real(stage)
        answer = dan.act("close_all")
        assert answer.status_code == 503 and "nothing was sent" in answer.json()["refused"]
        inbox = stage.service.dispatcher._around.inbox
        assert isinstance(inbox, GuardedInbox)
        with pytest.raises(ExecutionError, match="nothing was sent"):
            inbox.send(Command.made("halt", "the control service", 1))
        assert [one.act for one in stage.sent()] == ["halt"]


def silent_journal(stage: Any, *, synthetic: object) -> None:
    """The loop is gone without a good-bye, and was that."""
    stage.loop.dies = True
    stage.loop.stop()
    journal = Journal(stage.home / "live", Signer.open(stage.home / "live"))
    shown = {**stage.loop.table, "synthetic": synthetic}
    journal.write([], {"status": json.dumps(shown)} if synthetic is not None else {"status": "not JSON"})
    journal.close(stage.clock())


@pytest.mark.parametrize(("synthetic", "acts"), [(True, ["halt"]), (None, [])])
def test_a_demo_watchdog_halts_only_a_loop_that_shows_made_up_prices(demo, request_of, synthetic, acts):
    silent_journal(demo, synthetic=synthetic)
    now_ns = time.time_ns()
    # an earlier watchdog has paged for it: this one finds it silent at its first look
    paged = opened("W1", silence_alert("the loop is not running", now_ns, on_purpose=False, halts=True), now_ns)
    Heartbeat(now_ns, 1, "the loop is not running", paged).write(demo.home / "control")
    until = time.monotonic() + 2.5

    def over() -> bool:
        return time.monotonic() > until or bool(acts and demo.sent())

    run_watchdog(request_of(demo.home, demo=True), over, lambda said: None, halt=True)
    assert [one.act for one in demo.sent()] == acts


def test_a_demo_watchdog_ends_when_the_loop_turns_out_to_be_real(demo, request_of):
    asked: list[float] = []

    def stopped() -> bool:
        asked.append(time.monotonic())
        if len(asked) == 2:
            real(demo)
        return asked[-1] - asked[0] > 20

    with pytest.raises(ConfigError, match="--demo is for a loop with made-up prices"):
        run_watchdog(request_of(demo.home, demo=True), stopped, lambda said: None, halt=True)


@pytest.mark.parametrize(("feed", "backup"), [("tail:quotes.csv", ""), ("simulated:7", "tail:b.csv"), ("other", "")])
def test_a_demonstration_refuses_prices_from_outside(feed, backup):
    with pytest.raises(ConfigError, match="--demo is for made-up prices"):
        refuse_real_feed(feed, backup)
    refuse_real_feed("replay:brexit-2016", "none")


def test_up_refuses_a_demonstration_with_prices_from_outside_before_anything_is_written(tmp_path):
    home = tmp_path / "live"
    words = ["up", "--demo", "--feed", "tail:quotes.csv", "--folder", str(home), "--control", str(tmp_path / "people")]
    ended = CliRunner().invoke(cli, words)
    assert isinstance(ended.exception, ConfigError) and "tail:quotes.csv" in str(ended.exception)
    assert list(tmp_path.iterdir()) == []
