"""What the loop shows, read from its journal: the newest projection, how old it is, and what is wrong when it is not.

Reading changes nothing: the journal is opened read-only, and whether a loop runs is asked only when its projection is
old. The journal may appear, be moved aside or be replaced while it is watched.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from workbench.data.journal.reader import JournalReader
from workbench.data.journal.storage import DATABASE, JournalError, OtherSchemaError, lock_holder
from workbench.domain.errors import DataError
from workbench.monitor.board.starting import left_in

STATUS = "status"
VERSION = 3
"""Of the projection this page understands."""
SILENT_AFTER_SECONDS = 2.0
"""A loop shows something at least once a second. The page has to be red three seconds after the last sign of life, and
half a second of that belongs to the way from here to the screen."""
ASK_AFTER_SECONDS = 1.0
OPEN_AGAIN_SECONDS = 0.5
"""Between two tries to open a journal."""
NANOSECONDS = 1e9


class OtherVersionError(DataError):
    """The projection is one this page does not understand."""


@dataclass(frozen=True, slots=True)
class Condition:
    """How the source of all numbers is.

    Attributes
    ----------
    state : str
        ``ok``, ``starting``, ``no-journal``, ``empty``, ``unreadable``, ``other-version``, ``no-loop`` or ``stuck``.
    sentence : str
        The same for people.
    age_seconds : float or None
        How old the projection is by this machine's clock; None without one.
    """

    state: str
    sentence: str
    age_seconds: float | None = None


class Source:
    """The journal of one loop, watched.

    Parameters
    ----------
    folder : Path
        Of the journal; it need not be there yet.
    clock_ns, stopwatch : callable
        This machine's clock, and one that is never set back.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clock_ns: Callable[[], int] = time.time_ns,
        stopwatch: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder = folder
        self.projection: dict[str, Any] = {}
        self._clock_ns, self._stopwatch = clock_ns, stopwatch
        self._reader: JournalReader | None = None
        self._file: tuple[int, int] | None = None
        self._changes, self._body = 0, ""
        self._changed_at = self._open_at = stopwatch()
        self._trouble: Condition | None = Condition("no-journal", self._missing())

    def look(self) -> bool:
        """Take in what the loop has shown since the last look.

        Returns
        -------
        bool
            Whether there is a new projection.
        """
        try:
            reader = self._opened()
            return reader is not None and self._read(reader)
        except OtherSchemaError as error:
            self._fail("other-version", str(error))
        except OtherVersionError as error:
            self._trouble = Condition("other-version", str(error))
        except (DataError, JournalError) as error:
            self._fail("unreadable", str(error))
        return False

    @property
    def condition(self) -> Condition:
        """How the source is now."""
        if self._trouble is not None:
            without_numbers = self._trouble.state in {"no-journal", "empty"}
            return (self._starting(None) if without_numbers else None) or self._trouble
        age = self.age_seconds
        if age <= ASK_AFTER_SECONDS:
            return Condition("ok", "The loop is running.", age)
        holder = lock_holder(self.folder)
        if begun := self._starting(age, holder):
            return begun
        if holder is None:
            return Condition("no-loop", "No loop is running: this is how the book was when it ended.", age)
        if age > SILENT_AFTER_SECONDS:
            return Condition("stuck", "The loop holds its journal but shows nothing new: it hangs or has to wait.", age)
        return Condition("ok", "The loop is running.", age)

    def _starting(self, age: float | None, holder: int | None = None) -> Condition | None:
        """A start that is going on, unless another process holds the journal."""
        begun = left_in(self.folder)
        if begun is None or holder not in {None, begun.process}:
            return None
        before = "" if age is None else " What is shown is how the book was before."
        return Condition("starting", f"{begun.sentence(self._clock_ns())}{before}", age)

    @property
    def age_seconds(self) -> float:
        """How old the projection is; a clock that is set back makes nothing younger than it has been seen to be."""
        written_ns: int = self.projection["loop"]["wall_ns"]
        return max((self._clock_ns() - written_ns) / NANOSECONDS, self._stopwatch() - self._changed_at, 0.0)

    def shown(self, key: str) -> str | None:
        """Another thing the loop shows.

        Parameters
        ----------
        key : str
            Its name.

        Returns
        -------
        str or None
            JSON; None when there is none or the journal cannot be read.
        """
        try:
            return None if self._reader is None else self._reader.shown(key)
        except (DataError, JournalError) as error:
            self._fail("unreadable", str(error))
            return None

    def shown_keys(self, beginning: str) -> list[str]:
        """Names of what the loop shows.

        Parameters
        ----------
        beginning : str
            What they begin with.

        Returns
        -------
        list of str
            Sorted; empty when the journal cannot be read.
        """
        try:
            return [] if self._reader is None else self._reader.shown_keys(beginning)
        except (DataError, JournalError) as error:
            self._fail("unreadable", str(error))
            return []

    def close(self) -> None:
        """Let go of the journal."""
        if self._reader is not None:
            self._reader.close()
        self._reader, self._file = None, None

    def _opened(self) -> JournalReader | None:
        """The journal that is in the folder now."""
        try:
            found = (self.folder / DATABASE).stat()
        except OSError:
            self.close()
            self.projection = {}
            self._trouble = Condition("no-journal", self._missing())
            return None
        if self._reader is not None and self._file == (found.st_dev, found.st_ino):
            return self._reader
        if self._stopwatch() < self._open_at:
            return None
        self._open_at = self._stopwatch() + OPEN_AGAIN_SECONDS
        self.close()
        self.projection, self._changes, self._body = {}, 0, ""
        self._trouble = Condition("empty", "The journal is new: the loop has not shown anything yet.")
        self._reader = JournalReader(self.folder)
        self._file = (found.st_dev, found.st_ino)
        return self._reader

    def _read(self, reader: JournalReader) -> bool:
        changes = reader.changes
        if changes == self._changes:
            return False
        self._changes = changes
        body = reader.shown(STATUS)
        if body is None or body == self._body:
            return False
        self._body = body
        self.projection, self._trouble = understood(body), None
        self._changed_at = self._stopwatch()
        return True

    def _fail(self, state: str, sentence: str) -> None:
        """Forget what was shown: the next look opens the journal again."""
        self.close()
        self._trouble = Condition(state, sentence)

    def _missing(self) -> str:
        return (
            f"There is no journal in {self.folder} yet: start the loop (workbench up). This page notices by itself "
            "when there is one."
        )


def understood(body: str) -> dict[str, Any]:
    """The projection as a table.

    Parameters
    ----------
    body : str
        JSON of the loop.

    Returns
    -------
    dict
        With the moment it was written in ``["loop"]["wall_ns"]``.

    Raises
    ------
    OtherVersionError
        When another version of the program wrote it.
    DataError
        When it is no projection at all.
    """
    try:
        table = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise DataError(f"what the loop shows is not JSON as expected: {error}") from error
    version = table.get("version", 1) if isinstance(table, dict) else None
    if version != VERSION:
        raise OtherVersionError(
            f"expected what a loop of this version shows (version {VERSION}), got version {version!r}: run page and "
            "loop from the same version of the program"
        )
    loop = table.get("loop")
    if not isinstance(loop, dict) or not isinstance(loop.get("wall_ns"), int):
        raise DataError("what the loop shows does not say when it was written: it is damaged; start the loop again")
    return dict(table)


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON")
