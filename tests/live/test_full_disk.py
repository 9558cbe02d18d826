"""A halt on a full disk: asked from a shell or by signal it lasts, or it is said that it does not."""

import os
import resource
import shutil
import signal
from pathlib import Path

from workbench.data.inbox import READY, READY_ACTOR
from workbench.data.journal.rows import RowKind

FULL = 100
"""Bytes a file may have where the disk is full: enough for what a command says, too little for a message."""


def mode(table: dict) -> str:
    return table["book"]["mode"]


def priced(shown: dict) -> bool:
    return shown["loop"]["priced"]


def messages(folder: Path) -> list[Path]:
    return sorted((folder / "inbox").glob("[0-9]*.json"))


def test_a_halt_from_a_shell_on_a_full_disk_is_done_and_outlasts_a_kill(live, command, tmp_path, bodies):
    folder = tmp_path / "book"
    loop = live("--speed", "1")
    loop.wait_until(priced, "first prices")
    halts = command("halt", "--as", "ana", file_limit=FULL)
    assert halts.wait() == 0, halts.err.read_text()
    assert halts.out.read_text() == "halt: done: the book is HALTED\n"
    loop.signal(signal.SIGKILL)
    loop.wait()
    again = live("--speed", "1")
    assert mode(again.wait_until(priced, "first prices")) == "HALTED"
    assert [row["actor"] for row in bodies(folder, RowKind.COMMAND)] == [READY_ACTOR]
    again.wait_until(lambda _: (folder / "inbox" / READY).exists(), "another halt that lies ready")
    assert again.stop() == 0


def test_a_halt_asked_while_the_disk_of_the_loop_is_full_is_in_force_at_the_next_start_that_can_write(
    live, command, tmp_path
):
    folder = tmp_path / "book"
    loop = live("--speed", "1")
    loop.wait_until(priced, "first prices")
    resource.prlimit(loop.pid, resource.RLIMIT_FSIZE, (FULL, FULL))
    assert loop.wait() == 3, loop.err.read_text()
    halts = command("halt", "--as", "ana", file_limit=FULL)
    assert halts.wait() == 0
    assert "the message is on the disk, the next start acts on it" in halts.out.read_text()
    assert live("--speed", "1", file_limit=FULL).wait() == 3
    assert len(messages(folder)) == 1
    again = live("--speed", "1")
    assert mode(again.wait_until(priced, "first prices")) == "HALTED"
    assert again.stop() == 0


def full_before_a_signal(loop) -> None:
    """Fill the loop's disk, and only then let it hear a signal."""
    loop.signal(signal.SIGSTOP)
    resource.prlimit(loop.pid, resource.RLIMIT_FSIZE, (FULL, FULL))
    os.kill(loop.pid, signal.SIGUSR1)
    loop.signal(signal.SIGCONT)
    assert loop.wait() == 3, loop.err.read_text()


def test_a_halt_by_signal_on_a_full_disk_outlasts_the_loop(live, tmp_path):
    folder = tmp_path / "book"
    loop = live("--speed", "1")
    loop.wait_until(lambda shown: priced(shown) and (folder / "inbox" / READY).exists(), "first prices")
    full_before_a_signal(loop)
    assert len(messages(folder)) == 1 and "forgets" not in loop.err.read_text()
    again = live("--speed", "1")
    assert mode(again.wait_until(priced, "first prices")) == "HALTED"
    assert again.stop() == 0


def test_a_halt_by_signal_that_nothing_can_keep_is_told_as_forgotten(live, tmp_path):
    loop = live("--speed", "1")
    loop.wait_until(priced, "first prices")
    inbox = tmp_path / "book" / "inbox"
    shutil.rmtree(inbox)
    inbox.write_text("in the way")
    full_before_a_signal(loop)
    assert "a halt by signal is not on the disk: the next start forgets it" in loop.err.read_text()
