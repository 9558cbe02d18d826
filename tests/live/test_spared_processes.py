"""A page that only shows must never end the loop, however it ends itself."""

import sys

from workbench.runtime import supervisor
from workbench.runtime.supervisor import Box


def python(*lines: str) -> list[str]:
    return [sys.executable, "-S", "-c", "\n".join(lines)]


def told_beside(page: list[str], tmp_path) -> list[str]:
    """What people are told while a loop runs a second beside a page."""
    done, told = tmp_path / "done", []
    loop = python("import pathlib, time", "time.sleep(1.0)", f"pathlib.Path({str(done)!r}).write_text('whole')")
    Box({"the loop": loop, "the page": page}, told.append, spared=("the page",)).run(lambda: False)
    assert done.read_text() == "whole"
    return told


def test_a_page_that_refuses_is_told_and_the_loop_goes_on(tmp_path):
    [sentence] = told_beside(python("raise SystemExit(1)"), tmp_path)
    assert sentence == (
        "the page refused to run (see above): it is tried again at least every 30 s, everything else goes on"
    )


def test_a_page_that_is_done_is_told_and_the_loop_goes_on(tmp_path):
    [sentence] = told_beside(python("raise SystemExit(0)"), tmp_path)
    assert sentence.startswith("the page has ended: it is not started again")


def test_a_page_that_dies_is_started_again(tmp_path):
    told = told_beside(python("import os", "os.kill(os.getpid(), 9)"), tmp_path)
    assert told[0] == "the page was ended by signal 9: starting it again in 0.2 s"
    assert len(told) > 1


def test_a_page_that_dies_again_and_again_is_given_up_and_the_loop_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor, "MOST_RESTARTS", 1)
    told = told_beside(python("raise SystemExit(3)"), tmp_path)
    assert told[-1] == "the page died 2 times in a row: it is not started again, everything else goes on"
    assert len(told) == 2
