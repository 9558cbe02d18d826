"""A test run that is killed leaves no process behind: neither loops nor what a supervisor has started."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_processes.parting import children_of, ends_with, kill_with_children
from real_processes.processes import wait_for

from workbench.data.journal.storage import lock_holder

KILLED_RUN = """
import sys, time
from pathlib import Path
from real_processes.processes import warm_process

folder = Path(sys.argv[1])
with warm_process(folder) as nursery:
    market = ("--feed", "simulated:7", "--folder")
    nursery.start(folder, command=["live", *market, str(folder / "alone")])
    nursery.start(folder, command=["up", "--no-page", "--no-control", *market, str(folder / "supervised")])
    time.sleep(60)
"""


def gone(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.fixture
def killed_run(tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Another test run; it does not outlive this one either."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1] / "faults")}
    command = [sys.executable, "-c", KILLED_RUN, str(tmp_path)]
    bound = ends_with(os.getpid(), signal.SIGKILL)
    with subprocess.Popen(command, env=environment, preexec_fn=bound) as process:  # noqa: PLW1509 -- one system call
        yield process
        kill_with_children(process.pid)


@pytest.mark.parametrize("whose", ["the run", "its warm process"])
def test_loops_end_when_their_test_run_is_killed(killed_run: "subprocess.Popen[bytes]", tmp_path: Path, whose) -> None:
    loops = [
        int(wait_for(lambda folder=folder: (tmp_path / folder).exists() and lock_holder(tmp_path / folder), folder))
        for folder in ("alone", "supervised")
    ]
    [warm] = children_of(killed_run.pid)
    all_of_them = [warm, *(one for child in children_of(warm) for one in (child, *children_of(child)))]
    assert set(loops) < set(all_of_them) and len(all_of_them) == 4
    os.kill(killed_run.pid if whose == "the run" else warm, signal.SIGKILL)
    wait_for(lambda: all(gone(one) for one in all_of_them), "their end", seconds=20.0)


def test_a_process_whose_starter_is_gone_before_it_is_bound_ends_at_once() -> None:
    sleeper, bound = [sys.executable, "-c", "import time; time.sleep(60)"], ends_with(1, signal.SIGKILL)
    with subprocess.Popen(sleeper, preexec_fn=bound) as process:  # noqa: PLW1509 -- one system call
        began = time.monotonic()
        assert process.wait(10) == 71 and time.monotonic() - began < 5
