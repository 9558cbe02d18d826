"""A terminal that is closed, a pipe nobody reads, a journal nobody can read: what is only shown ends nothing."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.app.live_shell import shown_or_nothing
from workbench.data.journal.chain import Signer
from workbench.data.journal.journal import Journal

SAY = "from workbench.cli.live import say; import sys; say('one'); say('two'); print('went on', file=sys.stderr)"
ASKED = """
import os, signal, time
from workbench.cli.live import Asked
asked = Asked()
for _ in range({times}):
    os.kill(os.getpid(), signal.SIGHUP)
print(asked())
"""


def python(text: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", text], stderr=subprocess.PIPE, text=True, timeout=60, check=False, **options
    )


def test_what_is_said_into_a_pipe_nobody_reads_is_lost_and_the_end_is_good() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = python(SAY, stdout=writing)
    finally:
        os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, "went on\n")


def test_what_is_said_to_a_full_disk_is_lost_and_the_process_goes_on() -> None:
    with Path("/dev/full").open("w") as full:
        assert "went on" in python(SAY, stdout=full).stderr


@pytest.mark.parametrize("times", [1, 3])
def test_a_closed_terminal_asks_to_stop_in_good_order_however_often_it_says_so(times: int) -> None:
    # the tests themselves may run under nohup
    heard = "import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL)"
    ended = python(heard + ASKED.format(times=times), stdout=subprocess.PIPE)
    assert (ended.returncode, ended.stdout) == (0, "True\n")


def test_under_nohup_a_closed_terminal_asks_nothing() -> None:
    ignored = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    ended = python(ignored + ASKED.format(times=1), stdout=subprocess.PIPE)
    assert (ended.returncode, ended.stdout) == (0, "False\n")


def test_a_journal_the_system_refuses_shows_nothing_and_the_screen_goes_on(tmp_path: Path) -> None:
    journal = Journal(tmp_path, Signer.from_seed(bytes(32)))
    journal.write([], {"status": "{}"})
    assert shown_or_nothing(tmp_path) == "{}"
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        assert shown_or_nothing(tmp_path) == ""
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        journal.close(0)
