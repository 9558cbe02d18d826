"""The start of a live loop: told to whoever looks, and shortened where the engine has to be compiled."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from workbench.monitor.board.starting import COMPILED_WITHIN_SECONDS, Starting, forget_start

COMPILER = """
from workbench.app.environment import prepare_environment
prepare_environment()
from workbench.engine.compiling import compile_from_the_end
compile_from_the_end()
"""
FEWEST_PROCESSORS = 2
"""A loop that went wrong in real time would leave nothing of a single one to those who watch it."""
LAST_COMPILED = "*/step.step_alone-*.nbi"
"""Index of the kernel that is finished after all it calls, in the folder of compiled kernels."""


@contextmanager
def starting(folder: Path, tell: Callable[[str], None]) -> Iterator[None]:
    """Start within this block: a note beside the journal says so, and a second process helps to compile.

    Parameters
    ----------
    folder : Path
        Of the journal.
    tell : callable
        Takes a sentence for people.

    Yields
    ------
    None
    """
    compiling, is_new = not engine_is_compiled(), not folder.exists()
    Starting(os.getpid(), time.time_ns(), compiling).leave(folder)
    if compiling:
        tell(f"the engine is compiled for this machine, once: about {COMPILED_WITHIN_SECONDS} s on an idle machine")
    second = compiler() if compiling and (os.cpu_count() or 1) > 1 else None
    try:
        yield
    finally:
        forget_start(folder)
        if is_new:
            with suppress(OSError):
                folder.rmdir()  # only an empty one can be removed: nothing has begun
        if second is not None:
            second.kill()
            second.wait()


def engine_is_compiled() -> bool:
    """Whether the engine of this version is kept compiled.

    Returns
    -------
    bool
        Also true where there is nowhere to look.
    """
    kept = os.environ.get("NUMBA_CACHE_DIR", "")
    return not kept or next(Path(kept).glob(LAST_COMPILED), None) is not None


def compiler() -> subprocess.Popen[bytes]:
    """A process that compiles the engine from its end.

    Returns
    -------
    Popen
        What it says is not for people: the loop compiles by itself what is missing.
    """
    return subprocess.Popen(  # noqa: S603 -- our own command line
        [sys.executable, "-c", COMPILER],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


@contextmanager
def in_real_time() -> Iterator[str]:
    """Let this thread run, within this block, as soon as it has something to do, before any ordinary program.

    A loop sleeps nearly always and needs little; but woken, it would wait for whatever runs there, up to a tick of the
    kernel (4 ms). What it starts is ordinary again.

    Yields
    ------
    str
        Why it was not possible, and what to do; empty when it was.
    """
    if not hasattr(os, "sched_setscheduler"):
        yield "this system does not offer real time"
        return
    if len(os.sched_getaffinity(0)) < FEWEST_PROCESSORS:
        yield f"real time needs at least {FEWEST_PROCESSORS} processors, so that the watchdog keeps one"
        return
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except OSError:
        yield "this user may not ask for real time: allow it with LimitRTPRIO=1 in the unit, or rtprio 1 in limits.conf"
        return
    try:
        yield ""
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
