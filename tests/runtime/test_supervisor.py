"""The supervisor ends nothing because a process cannot be started just now, or because nobody can be told."""

import errno
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.domain.errors import ExecutionError
from workbench.runtime import supervisor
from workbench.runtime.supervisor import Box
from workbench.runtime.telling import LAST_REFUSAL, is_news


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


REFUSING = (
    "import pathlib, sys, time",
    "from workbench.domain.errors import ConfigError",
    "import workbench.cli",
    "tries, right, said = (pathlib.Path(one) for one in sys.argv[1:])",
    "tries.write_text(tries.read_text() + '.' if tries.exists() else '.')",
    "def cli(standalone_mode):",
    "    if not right.exists():",
    "        raise ConfigError('roster.toml is wrong')",
    "    time.sleep(60)",
    "workbench.cli.cli = cli",
    "workbench.cli.typer.echo = lambda sentence, err: said.open('a').write(sentence + chr(10))",
    "workbench.cli.main()",
)


def test_a_spared_process_that_refuses_is_tried_again_says_so_once_and_runs_when_its_file_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_TRY_SECONDS", 0.1)
    monkeypatch.setattr(supervisor, "TRY_SECONDS", 0.1)
    monkeypatch.setattr(supervisor, "RUNS_AGAIN_SECONDS", 5.0)
    tries, right, said = (tmp_path / name for name in ("tries", "right", "said"))
    told, until = list[str](), time.monotonic() + 50

    def stopped() -> bool:
        if tries.exists() and len(tries.read_text()) == 3:
            right.touch()
        return len(told) >= 2 or time.monotonic() > until

    pager = [sys.executable, "-c", "\n".join(REFUSING), *map(str, (tries, right, said))]
    loop = python("import time", "time.sleep(60)")
    Box({"the loop": loop, "the pager": pager}, told.append, spared=("the pager",), missed={"the pager": "NOBODY"}).run(
        stopped
    )
    assert told == [
        "the pager refused to run (see above): it is tried again at least every 0 s, everything else goes on. NOBODY",
        "the pager runs again",
    ]
    assert len(tries.read_text()) >= 3 and said.read_text().splitlines() == ["workbench: roster.toml is wrong"]


def test_a_refusal_for_another_reason_is_said_and_one_that_nobody_remembers_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = tmp_path / "last refusal"
    memory.touch()
    monkeypatch.setenv(LAST_REFUSAL, str(memory))
    assert [is_news(one) for one in ("line 3 of ä", "line 3 of ä", "line 4", "line 4")] == [True, False, True, False]
    memory.unlink()
    assert is_news("line 4")
    monkeypatch.delenv(LAST_REFUSAL)
    assert is_news("line 4")


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
