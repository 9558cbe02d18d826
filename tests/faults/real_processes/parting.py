"""Processes that do not outlive the test run that started them, however that ended."""

import ctypes
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

SIGNAL_WHEN_PARENT_DIES = 1  # PR_SET_PDEATHSIG of prctl(2); kept across exec, not handed on by fork
LIBRARY = ctypes.CDLL(None, use_errno=True)
ORPHANED = 71


def ends_with(parent: int, number: int = signal.SIGKILL) -> Callable[[], None]:
    """What a new process does first, so that the system sends it a signal when its parent has died."""

    def bind() -> None:
        if LIBRARY.prctl(SIGNAL_WHEN_PARENT_DIES, int(number), 0, 0, 0) != 0 or os.getppid() != parent:
            os._exit(ORPHANED)  # the parent died before it was watched

    return bind


def children_of(process: int) -> list[int]:
    """Processes a process has started and that have not ended."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has just ended
            # the name, in parentheses, may hold anything; after it: state, parent
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            if int(parent) == process and state != "Z":
                found.append(int(stat.parent.name))
    return found


def kill_with_children(process: int) -> None:
    """Kill a process and all it has started; a supervisor is stopped first, so that it starts nothing meanwhile."""
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGSTOP)
        for one in children_of(process):
            kill_with_children(one)
        os.kill(process, signal.SIGKILL)
