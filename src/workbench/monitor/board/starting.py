"""What a loop leaves beside its journal while it starts: nothing can be shown yet, and a start may take a minute."""

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from workbench.data.journal.storage import make_private_folder

FILE = "starting.json"
LARGEST_FILE = 1_000
COMPILED_WITHIN_SECONDS = 25
"""About what compiling the engine takes where two cores are idle, measured."""
NANOSECONDS = 10**9


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
            fresh.write_text(json.dumps(asdict(self)), encoding="ascii")
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
        None when none is, its process has ended, or the file is damaged.
    """
    try:
        with (folder / FILE).open("rb") as file:
            table = json.loads(file.read(LARGEST_FILE))
        found = Starting(**table)
        if not (type(found.process) is type(found.began_ns) is int and type(found.compiling) is bool):
            return None
        return found if found.process > 0 and _runs(found.process) else None
    except (OSError, ValueError, TypeError, RecursionError, OverflowError):
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


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
