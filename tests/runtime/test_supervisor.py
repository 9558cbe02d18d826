"""The supervisor ends nothing because a process cannot be started just now, or because nobody can be told."""

import errno
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.domain.errors import ExecutionError
from workbench.runtime import supervisor
from workbench.runtime.supervisor import Box


def python(*lines: str) -> list[str]:
    return [sys.executable, "-S", "-c", "\n".join(lines)]


def living(done: Path) -> list[str]:
    """A loop that runs a second, and then says that nobody ended it before."""
    return python("import pathlib, time", "time.sleep(1.0)", f"pathlib.Path({str(done)!r}).write_text('whole')")


def test_a_spared_process_that_cannot_be_started_ends_nothing_and_is_started_when_it_can_be(tmp_path: Path) -> None:
    done, page, told = tmp_path / "done", tmp_path / "page", list[str]()

    def tell(sentence: str) -> None:
        told.append(sentence)
        page.write_text(f"#!{sys.executable} -S\nraise SystemExit(0)\n")
        page.chmod(0o700)

    Box({"the loop": living(done), "the page": [str(page)]}, tell, spared=("the page",)).run(lambda: False)
    assert done.read_text() == "whole"
    assert told[0] == "the page cannot be started (No such file or directory): starting it again in 0.2 s"
    assert told[1].startswith("the page has ended: it is not started again") and len(told) == 2


def test_a_restart_the_system_refuses_for_want_of_room_does_not_end_the_loop(tmp_path: Path) -> None:
    done, told = tmp_path / "done", list[str]()
    before = resource.getrlimit(resource.RLIMIT_NOFILE)

    def tell(sentence: str) -> None:
        # from the first death of the page on there are no file descriptors left to start it with
        told.append(sentence)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))

    try:
        page = python("raise SystemExit(3)")
        Box({"the loop": living(done), "the page": page}, tell, spared=("the page",)).run(lambda: False)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert done.read_text() == "whole" and "the page cannot be started (Too many open files)" in told[1]


def test_a_loop_that_can_never_be_started_is_given_up_loudly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "MOST_RESTARTS", 1)
    with pytest.raises(ExecutionError, match="THE BOOK IS NOT PROTECTED"):
        Box({"the loop": [str(tmp_path / "nothing")]}, lambda _: None).run(lambda: False)


def broken(number: int) -> Callable[[str], None]:
    def tell(sentence: str) -> None:
        raise OSError(number, os.strerror(number), sentence)

    return tell


@pytest.mark.parametrize("number", [errno.EPIPE, errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize("code", [0, 1, 3])
def test_a_terminal_that_is_gone_does_not_end_the_loop(tmp_path: Path, number: int, code: int) -> None:
    done = tmp_path / "done"
    page = python(f"raise SystemExit({code})")
    Box({"the loop": living(done), "the page": page}, broken(number), spared=("the page",)).run(lambda: False)
    assert done.read_text() == "whole"
