"""The halt that lies ready: on a full disk a rename makes it a message, under the number and the time it was asked."""

import errno
import os
import stat

import pytest

from workbench.data.inbox import READY, READY_ACTOR, Command, Inbox
from workbench.domain.errors import ConfigError, ExecutionError


@pytest.fixture
def inbox(tmp_path) -> Inbox:
    """An inbox in which a halt lies ready."""
    kept = Inbox(tmp_path / "inbox")
    kept.keep_halt_ready()
    return kept


def test_a_halt_that_lies_ready_is_no_message(inbox):
    assert inbox.waiting() == []
    assert [path.name for path in inbox.folder.iterdir()] == [READY]


def test_on_a_full_disk_it_is_the_message_that_was_asked_but_for_who_asked_it(inbox, full_disk):
    asked = Command.made("halt", "ana", 7, reason="drill")
    with full_disk(0):
        path = inbox.send(asked)
    [(found, command)] = inbox.waiting()
    assert found == path
    assert (command.act, command.nonce, command.made_ns, command.actor) == ("halt", asked.nonce, 7, READY_ACTOR)
    inbox.done(found)
    assert inbox.waiting() == []


@pytest.mark.parametrize("act", ["reduce", "flatten", "full_halt", "shut_down", "cancel_all"])
def test_nothing_but_a_halt_is_made_of_it(inbox, act, full_disk):
    with full_disk(0), pytest.raises(ExecutionError, match="cannot write"):
        inbox.send(Command.made(act, "ana", 7))
    assert [path.name for path in inbox.folder.iterdir()] == [READY]


def test_it_serves_once_and_is_made_again_where_there_is_room(inbox, full_disk):
    with full_disk(0):
        inbox.send(Command.made("halt", "ana", 7))
        with pytest.raises(ExecutionError, match="cannot write"):
            inbox.send(Command.made("halt", "ana", 8))
        with pytest.raises(ExecutionError, match="cannot write"):
            inbox.keep_halt_ready()
    inbox.keep_halt_ready()
    assert (inbox.folder / READY).read_bytes()
    assert len(inbox.waiting()) == 1


def test_one_that_lies_ready_is_left_as_it_is(inbox):
    before = (inbox.folder / READY).stat().st_ino
    inbox.keep_halt_ready()
    assert (inbox.folder / READY).stat().st_ino == before


def test_a_halt_whose_folder_cannot_be_flushed_is_not_told_as_sent(inbox, monkeypatch):
    def refused(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(os, "fsync", refused)
    with pytest.raises(ExecutionError, match="the disk is full"):
        inbox.send(Command.made("halt", "ana", 7))


def test_a_message_of_somebody_else_is_what_is_in_it_whatever_its_name_says(inbox):
    asked = Command.made("halt", "ana", 7)
    inbox.send(asked).rename(inbox.folder / f"{9:020d}-{'0' * 32}.json")
    [(_, command)] = inbox.waiting()
    assert command == asked


@pytest.mark.parametrize("act", ["resume", "enable"])
@pytest.mark.parametrize("second", ["", "Ana", "ana", " ANA "])
def test_what_loosens_takes_a_second_person_whose_name_is_another_to_the_eye(act, second):
    with pytest.raises(ConfigError, match=f"to {act} takes two different people, got 'Ana' and {second!r}"):
        Command.made(act, "Ana", 7, approver=second, strategy="carry")
    assert Command.made(act, "Ana", 7, approver="Bo", strategy="carry").approver == "Bo"


def test_a_reduction_that_is_there_is_sent_also_when_the_folder_could_not_be_flushed(inbox, monkeypatch):
    truly = os.fsync

    def failing(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EIO, "input/output error")
        truly(handle)

    monkeypatch.setattr(os, "fsync", failing)
    asked = Command.made("reduce", "ana", 7, fraction=0.5)
    path = inbox.send(asked)
    assert inbox.waiting() == [(path, asked)]
