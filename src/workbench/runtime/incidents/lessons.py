"""Lessons written in a shell: one file each, which the control service takes into the journal of people.

Only one process writes that journal. While none does, the shell writes the row itself.
"""

import json
import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from workbench.data.files import reason_of
from workbench.domain.errors import ConfigError, DataError, ExecutionError
from workbench.response.people.private_files import write_private
from workbench.runtime.incidents.people_record import LESSONS

FOLDER, REFUSED = "lessons", "refused"
LONGEST = 4_000
"""Characters of one lesson."""
LARGEST_BYTES = 40_000
NAME = re.compile(r"I[0-9]{1,9}")
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Written:
    """What somebody wrote about an incident, and by which way: ``page`` or ``shell``."""

    incident: str
    person: str
    text: str
    via: str

    def __post_init__(self) -> None:
        """Refuse what no page could show."""
        if not NAME.fullmatch(self.incident):
            raise ConfigError(f"expected an incident such as I12, got {self.incident[:40]!r}")
        for name, value, longest in (("name", self.person, 80), ("text", self.text, LONGEST)):
            if not value.strip() or len(value) > longest or UNPRINTABLE.search(value):
                raise ConfigError(f"expected a {name} of 1 to {longest} printable characters, got {len(value)}")

    def row(self, time_ns: int) -> dict[str, Any]:
        """Body of a NOTE row.

        Parameters
        ----------
        time_ns : int
            Now.

        Returns
        -------
        dict
        """
        return {"kind": LESSONS, "time_ns": time_ns, **asdict(self)}


class LessonBox:
    """Files that wait for the control service.

    Parameters
    ----------
    control : Path
        Folder of the people.
    """

    def __init__(self, control: Path) -> None:
        self._folder = control / FOLDER

    def put(self, written: Written) -> Path:
        """Leave one.

        Parameters
        ----------
        written : Written
            What.

        Returns
        -------
        Path
            Gone when it has been taken.

        Raises
        ------
        ExecutionError
            When the folder cannot be written.
        """
        path = self._folder / f"{secrets.token_hex(16)}.json"
        write_private(path, json.dumps(asdict(written)))
        return path

    @staticmethod
    def refusal(path: Path) -> str:
        """Why one was refused.

        Parameters
        ----------
        path : Path
            Where it waited.

        Returns
        -------
        str
            Empty when it was not.

        Raises
        ------
        ExecutionError
            When that cannot be read.
        """
        try:
            return (path.parent / REFUSED / f"{path.stem}.txt").read_text()
        except FileNotFoundError:
            return ""
        except (OSError, ValueError) as error:
            raise ExecutionError(f"cannot read why {path.name} was refused: {error}") from error

    @staticmethod
    def refuse(path: Path, because: str) -> None:
        """Put one aside: it is kept in ``lessons/refused/``, with the reason beside it.

        Parameters
        ----------
        path : Path
            Of the file.
        because : str
            Why.

        Raises
        ------
        ExecutionError
            When the system refuses.
        """
        aside = path.parent / REFUSED
        # the reason first: who waits for the file to go looks for it then
        write_private(aside / f"{path.stem}.txt", because)
        try:
            path.replace(aside / path.name)
        except OSError as error:
            raise ExecutionError(f"cannot move {path} to {aside}: {reason_of(error)}; move it by hand") from error

    def waiting(self) -> Iterator[tuple[Path, Written | None]]:
        """Those that wait; None for a file that is none of ours.

        Yields
        ------
        tuple of (Path, Written or None)
        """
        for path in sorted(self._folder.glob("*.json")):
            yield path, _read(path)

    @staticmethod
    def done(path: Path) -> None:
        """Remove one.

        Parameters
        ----------
        path : Path
            Of the file.

        Raises
        ------
        ExecutionError
            When the system refuses.
        """
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise ExecutionError(f"cannot remove {path}: {reason_of(error)}; remove it by hand") from error


def _read(path: Path) -> Written | None:
    found: Written | None = None
    with suppress(OSError, ValueError, TypeError, RecursionError, ConfigError, DataError):
        if path.is_file() and path.stat().st_size <= LARGEST_BYTES:
            found = Written(**json.loads(path.read_bytes()))
    return found
