"""What a loop leaves beside its journal while it starts: nothing can be shown yet, and a start may take a minute."""

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from workbench.data.journal.storage import make_private_folder

FILE, BEGAN = "starting.json", "process_began"
LARGEST_FILE = 1_000
COMPILED_WITHIN_SECONDS = 25
"""About what compiling the engine takes where two cores are idle, measured."""
NANOSECONDS = 10**9
FIELD_OF_START = 19
"""In what follows the name."""


@dataclass(frozen=True, slots=True)
class Starting:
    """A loop that starts.

    Attributes
    ----------
    process : int
        Its number.
    began_ns : int
        When, by this machine's clock.
    compiling : bool
        Whether the engine has to be compiled first.
    """

    process: int
    began_ns: int
    compiling: bool

    def leave(self, folder: Path) -> None:
        """Tell who looks at the folder; where that cannot be written the start goes on untold.

        Parameters
        ----------
        folder : Path
            Of the journal; it is made when missing.
        """
        with suppress(OSError):
            make_private_folder(folder)
            fresh = folder / f".{FILE}"
            table = {**asdict(self), BEGAN: began_ticks(self.process)}
            fresh.write_text(json.dumps(table), encoding="ascii")
            fresh.replace(folder / FILE)

    def sentence(self, now_ns: int) -> str:
        """The same for people.

        Parameters
        ----------
        now_ns : int
            This machine's clock.

        Returns
        -------
        str
        """
        lasted = f"{max(now_ns - self.began_ns, 0) // NANOSECONDS} s so far"
        if not self.compiling:
            return f"The loop is starting: {lasted}."
        return (
            f"The engine is being compiled for this machine, once: about {COMPILED_WITHIN_SECONDS} s on an idle "
            f"machine, {lasted}."
        )


def left_in(folder: Path) -> Starting | None:
    """The start that is going on.

    Parameters
    ----------
    folder : Path
        Of the journal.

    Returns
    -------
    Starting or None
        None when none is, its process has ended (also where another one has its number now), or the file is damaged.
    """
    try:
        with (folder / FILE).open("rb") as file:
            table = json.loads(file.read(LARGEST_FILE))
        began = table.pop(BEGAN)
        found = Starting(**table)
        if not (type(found.process) is type(found.began_ns) is int and type(found.compiling) is bool):
            return None
        return found if found.process > 0 and _runs(found.process, began) else None
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError, OverflowError):
        return None


def forget_start(folder: Path) -> None:
    """Take the note away: the loop can show by itself how it is, or has given up.

    Parameters
    ----------
    folder : Path
        Of the journal.
    """
    with suppress(OSError):
        (folder / FILE).unlink()


def _runs(process: int, began: object) -> bool:
    """Whether it is still the process that left the note, not a later one of the same number."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # somebody else's; whose number it was before is seen below
        pass
    return began_ticks(process) == began


def began_ticks(process: int) -> int:
    """When a process began, in ticks of the kernel since the machine was started.

    Parameters
    ----------
    process : int
        Its number.

    Returns
    -------
    int
        0 where that cannot be known: there is no such process, or no ``/proc``.
    """
    try:
        line = Path(f"/proc/{process}/stat").read_bytes()
    except OSError:
        return 0
    # the name before it, in brackets, may hold anything (man 5 proc: starttime is field 22)
    return int(line.rpartition(b")")[2].split()[FIELD_OF_START])
