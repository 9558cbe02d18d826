"""A loop that runs at the pace of the world runs before ordinary programs, where the system allows that."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from workbench.app.live_start import in_real_time
from workbench.runtime.projection.health import is_in_real_time

ASK = "import os; print(os.sched_getscheduler(0))"
ALLOWED = not subprocess.run(
    [sys.executable, "-c", "import os; os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))"],
    stderr=subprocess.DEVNULL, check=False,
).returncode  # fmt: skip
"""Whether this user may ask for real time, found out by asking for it."""


def in_a_thread(act: Callable[[], None]) -> None:
    """Scheduling belongs to a thread: a test must not change that of the others."""
    thread = threading.Thread(target=act)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()


def test_the_thread_runs_in_real_time_within_the_block_only_and_what_it_starts_does_not():
    seen = list[object]()

    def act() -> None:
        with in_real_time() as hindered:
            child = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True)
            seen.extend([hindered, is_in_real_time(), int(child.stdout)])
        seen.append(is_in_real_time())

    in_a_thread(act)
    hindered, within, child, after = seen
    assert (within, child, after) == (int(ALLOWED), os.SCHED_OTHER, 0)
    assert hindered == "" if ALLOWED else "LimitRTPRIO=1" in str(hindered)


def test_on_a_single_processor_the_loop_stays_among_the_others_and_says_why():
    seen = list[object]()

    def act() -> None:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        with in_real_time() as hindered:
            seen.extend([hindered, is_in_real_time()])

    in_a_thread(act)
    assert seen == ["real time needs at least 2 processors, so that the watchdog keeps one", 0]


@pytest.mark.parametrize(("speed", "wanted"), [("1", ALLOWED), ("60", False)])
def test_a_loop_shows_whether_it_runs_in_real_time(live, speed, wanted):
    expected = int(wanted and len(os.sched_getaffinity(0)) > 1)
    loop = live("--speed", speed)
    loop.wait_until(lambda shown: shown["health"]["real_time"] == expected and shown["loop"]["turns"] > 1, "its health")
    assert loop.stop() == 0
