"""A service killed between writing an act down and sending it: a start sends what is safe, and drops what is not."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from workbench.data.inbox import Inbox
from workbench.monitor.control.parts import Asked, You

SCRIPT = Path(__file__).with_name("killed_desk.py")
NONCE = "ab" * 16
DROPPED = "act not sent"
FAR_NS = 2**62


def killed(stage: Any, act: str, when: str = "before") -> None:
    """End the service, start another one that asks for an act, and is killed."""
    stage.closing.close()
    command = [sys.executable, str(SCRIPT), str(stage.home), when, act]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr


def dropped(stage: Any) -> list[Any]:
    return [one for one in stage.service.dispatcher.incidents.all() if one.cause == DROPPED]


@pytest.mark.parametrize(("act", "fraction"), [("halt", 1.0), ("reduce", 0.5)])
def test_what_makes_the_book_safer_is_sent_by_the_next_start(stage, act, fraction):
    killed(stage, act)
    assert stage.sent() == []
    with stage.again() as later:
        (command,) = later.sent()
        assert (command.nonce, command.act, command.fraction, command.actor) == (NONCE, act, fraction, "Ada")
        assert "killed before it had sent it" in command.reason
        assert dropped(later) == []


def test_it_is_sent_once_however_often_the_service_starts(stage):
    stage.loop.stuck.set()
    killed(stage, "halt")
    with stage.again() as later:
        assert len(later.sent()) == 1
        with later.again() as last:
            assert len(last.sent()) == 1
            stage.loop.stuck.clear()
            settle(stage)
            assert [one.nonce for one in stage.loop.taken] == [NONCE]


@pytest.mark.parametrize("taken", [False, True], ids=["in the inbox", "taken by the loop"])
def test_what_had_arrived_is_not_sent_again(stage, taken):
    if not taken:
        stage.loop.stuck.set()
    killed(stage, "reduce", "after")
    if taken:
        settle(stage)
    with stage.again() as later:
        assert [one.nonce for one in later.sent()] == [NONCE]
        assert later.service.parts.records.records.unsettled == {}


def test_what_loosens_is_dropped_and_people_are_told(stage):
    killed(stage, "resume")
    with stage.again() as later:
        assert later.sent() == []
        (incident,) = dropped(later)
        assert incident.level == 2 and incident.paging_ns is not None
        assert "Ben proposed: resume; it would have loosened the book" in incident.worst.sentence


def test_what_is_too_old_is_dropped_and_people_are_told(stage):
    killed(stage, "reduce")
    stage.clock.advance(15 * 60 + 30)
    with stage.again() as later:
        assert later.sent() == []
        (incident,) = dropped(later)
        assert incident.level == 3 and "Ada reduces every position by 50 %; it is too old" in incident.worst.sentence


def test_what_cannot_be_sent_yet_is_sent_by_the_start_after(stage):
    killed(stage, "reduce")  # a halt would come as a signal
    inbox = stage.loop.folder / "inbox"
    stage.loop.stuck.set()
    shutil.rmtree(inbox, ignore_errors=True)
    inbox.write_text("in the way")
    with stage.again() as later:
        assert later.sent() == [] and set(later.service.parts.records.records.unsettled) == {NONCE}
        inbox.unlink()
        with later.again() as last:
            assert [one.nonce for one in last.sent()] == [NONCE]
    stage.loop.stuck.clear()


def test_of_reductions_that_came_at_once_the_largest_alone_is_sent_by_the_next_start(stage):
    stage.loop.stuck.set()
    for name, level, nonce, fraction in (
        ("Ada", 1, NONCE, 0.5),
        ("Ben", 2, "cd" * 16, 0.75),
        ("Dan", 3, "ef" * 16, 0.1),
    ):
        who = You(name, level, "", (), FAR_NS, FAR_NS)
        stage.service.parts.rules.done(who, Asked(nonce, "reduce", fraction))
    with stage.again() as later:
        assert [(one.actor, one.fraction) for one in later.sent()] == [("Ben", 0.75)]
        assert later.service.parts.records.records.unsettled == {}
    stage.loop.stuck.clear()


def test_a_shut_down_of_an_earlier_service_halts_the_loop_that_runs_now_and_does_not_end_it(stage):
    stage.loop.stuck.set()
    stage.service.parts.rules.done(You("Dan", 3, "", (), FAR_NS, FAR_NS), Asked(NONCE, "shut_down"))
    with stage.again() as later:
        assert [(one.actor, one.act) for one in later.sent()] == [("Dan", "full_halt")]
    stage.loop.stuck.clear()


def settle(stage: Any) -> None:
    """Until the loop has taken what was there."""
    until = time.monotonic() + 10
    while not stage.loop.taken and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.1)


def full_disk(stage: Any, monkeypatch: Any) -> None:
    """The system makes no new file in the inbox any more; what is there can be renamed."""
    truly, inbox = os.open, str(stage.loop.folder / "inbox")

    def opened(path: Any, flags: int, *rest: Any, **named: Any) -> int:
        if flags & os.O_CREAT and str(path).startswith(inbox):
            raise OSError(errno.ENOSPC, "no space left on device")
        return truly(path, flags, *rest, **named)

    monkeypatch.setattr(os, "open", opened)


@pytest.mark.parametrize("act", ["halt", "full_halt"])
def test_on_a_full_disk_the_halt_that_lies_ready_is_sent_and_the_answer_says_what_is_done(
    stage, person, monkeypatch, act
):
    ben = person("Ben")
    Inbox(stage.loop.folder / "inbox").keep_halt_ready()
    full_disk(stage, monkeypatch)
    answer = ben.act(act).json()
    assert (answer["stage"], answer["certain"]) == ("entries stopped", True)
    assert answer["sentence"].startswith("The disk is full: only a halt") == (act == "full_halt")
    (command,) = stage.sent()
    assert (command.act, command.nonce) == ("halt", answer["nonce"])
    assert stage.service.parts.records.records.unsettled == {}


def test_a_halt_that_was_only_signalled_is_not_settled_and_is_put_in_as_soon_as_there_is_room(
    stage, person, monkeypatch
):
    heard = []
    before = signal.signal(signal.SIGUSR1, lambda number, _frame: heard.append(number))
    try:
        ada = person("Ada")
        full_disk(stage, monkeypatch)
        answer = ada.act("halt").json()
        assert (answer["stage"], answer["certain"]) == ("signalled", False) and heard == [signal.SIGUSR1]
        assert "not yet on disk" in answer["sentence"]
        records = stage.service.parts.records
        assert set(records.records.unsettled) == records.records.signalled == {answer["nonce"]}
        stage.service.unsent.try_signalled(stage.clock())
        assert set(records.records.unsettled) == {answer["nonce"]} and len(heard) == 2
        monkeypatch.undo()
        stage.clock.advance(6)
        stage.service.unsent.try_signalled(stage.clock())
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert records.records.unsettled == {} and not records.records.signalled
    settle(stage)
    assert [(one.act, one.nonce, one.actor) for one in stage.loop.taken] == [("halt", answer["nonce"], "Ada")]


def test_a_signalled_full_halt_of_which_later_only_the_halt_finds_room_is_told_as_a_part(stage, person, monkeypatch):
    before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    try:
        ben = person("Ben")
        full_disk(stage, monkeypatch)
        nonce = ben.act("full_halt").json()["nonce"]
        monkeypatch.undo()
        Inbox(stage.loop.folder / "inbox").keep_halt_ready()
        full_disk(stage, monkeypatch)
        stage.clock.advance(6)
        stage.service.unsent.try_signalled(stage.clock())
    finally:
        signal.signal(signal.SIGUSR1, before)
    (command,) = stage.sent()
    assert (command.act, command.nonce) == ("halt", nonce)
    (told,) = dropped(stage)
    assert "in part" in told.worst.sentence and "no order was cancelled" in told.worst.sentence
    assert stage.service.parts.records.records.unsettled == {}


def test_a_halt_that_was_only_signalled_is_sent_by_the_next_start(stage, person, monkeypatch):
    before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    try:
        ada = person("Ada")
        full_disk(stage, monkeypatch)
        nonce = ada.act("halt").json()["nonce"]
        monkeypatch.undo()
    finally:
        signal.signal(signal.SIGUSR1, before)
    with stage.again() as later:
        assert [one.nonce for one in later.sent()] == [nonce]
        assert later.service.parts.records.records.unsettled == {}


def test_one_that_is_too_old_by_then_is_dropped_and_people_are_told_of_the_signal(stage, person, monkeypatch):
    before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    try:
        ada = person("Ada")
        full_disk(stage, monkeypatch)
        ada.act("halt")
        monkeypatch.undo()
    finally:
        signal.signal(signal.SIGUSR1, before)
    stage.clock.advance(15 * 60 + 30)
    with stage.again() as later:
        assert later.sent() == []
        (incident,) = dropped(later)
        assert "because its inbox could not be written: Ada halts" in incident.worst.sentence
        assert incident.worst.facts["did"] == "a signal to halt was sent to the loop that ran then"
