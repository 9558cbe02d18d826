"""What the machine has left for the loop: cheap to ask, asked every few seconds."""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from workbench.data.journal.storage import DATABASE, SIDE_FILES
from workbench.domain.trading.market_hours import SECOND_NS

ASKED_EVERY_NS = 5 * SECOND_NS
NAMES = ("journal_bytes", "disk_free_bytes", "memory_bytes", "real_time")
MEMORY = Path("/proc/self/statm")


def nothing_known() -> dict[str, int | None]:
    """The health of a machine nobody can ask, as in a simulation.

    Returns
    -------
    dict
        Nothing but None.
    """
    return dict.fromkeys(NAMES)


class Machine:
    """The machine a journal is on.

    Parameters
    ----------
    folder : Path
        Of the journal.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self) -> dict[str, int | None]:
        """Ask it.

        Returns
        -------
        dict
            Bytes of the journal's files, free bytes of its disk, resident bytes of this process, and 1 when this thread
            runs in real time, 0 when among other programs; None is not known.
        """
        return {
            "journal_bytes": self._journal_bytes(),
            "disk_free_bytes": self._disk_free_bytes(),
            "memory_bytes": resident_bytes(),
            "real_time": is_in_real_time(),
        }

    def _journal_bytes(self) -> int | None:
        total = None
        for suffix in ("", *SIDE_FILES):
            with suppress(OSError):
                total = (total or 0) + (self._folder / f"{DATABASE}{suffix}").stat().st_size
        return total

    def _disk_free_bytes(self) -> int | None:
        with suppress(OSError):
            disk = os.statvfs(self._folder)
            return disk.f_bavail * disk.f_frsize
        return None


def resident_bytes() -> int | None:
    """Memory of this process that is in RAM.

    Returns
    -------
    int or None
        None where the system does not tell it as Linux does.
    """
    with suppress(OSError, ValueError, IndexError):
        return int(MEMORY.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return None


def is_in_real_time() -> int | None:
    """Whether the system lets this thread run before ordinary programs.

    Returns
    -------
    int or None
        1 or 0; None where the system does not tell.
    """
    if not hasattr(os, "sched_getscheduler"):
        return None
    with suppress(OSError):
        return int(os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK in (os.SCHED_FIFO, os.SCHED_RR))
    return None


class Health:
    """The machine's health as last asked.

    Parameters
    ----------
    ask : callable
        Gives the figures.
    """

    def __init__(self, ask: Callable[[], Mapping[str, int | None]]) -> None:
        self._ask = ask
        self._again_ns: int | None = None
        self._found: dict[str, int | None] = {}

    def table(self, stopwatch_ns: int) -> dict[str, int | None]:
        """The figures, asked anew when they are old.

        Parameters
        ----------
        stopwatch_ns : int
            Now.

        Returns
        -------
        dict
            As `Machine`.
        """
        if self._again_ns is None or stopwatch_ns >= self._again_ns:
            self._again_ns = stopwatch_ns + ASKED_EVERY_NS
            self._found = dict(self._ask())
        return self._found
