"""The journal of people as the control service keeps it: what was asked, what was allowed, and what came of it."""

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from workbench.data.journal.codec import decode_table, encode_table
from workbench.data.journal.journal import Journal
from workbench.data.journal.reader import JournalReader
from workbench.data.journal.rows import Row, RowKind
from workbench.data.journal.storage import DATABASE
from workbench.monitor.control.parts import ReplayedError
from workbench.response.people.records import Records

TICK = "tick"
SHOWN_DIGITS = 16


def records_of(folder: Path) -> Records:
    """What the journal of people says of authority, read by somebody who does not keep it.

    Parameters
    ----------
    folder : Path
        ``control/``.

    Returns
    -------
    Records
        Nothing where there is no journal yet.
    """
    if not (folder / DATABASE).exists():
        return Records()
    with JournalReader(folder) as reader:
        return Records.of(decode_table(row.body) for row in reader.rows(kinds=(RowKind.NOTE,)))


class PeopleJournal:
    """Writes rows before anything follows from them, and folds them into what they mean.

    Parameters
    ----------
    journal : Journal
        In the folder ``control/``.
    clock_ns : callable
        This machine's clock.

    Attributes
    ----------
    records : Records
        What authority depends on.
    ticks : dict
        Newest tick of each step: by incident, checklist and place.
    """

    def __init__(self, journal: Journal, *, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self._journal, self._clock_ns = journal, clock_ns
        self._nonces: set[str] = set()
        self.records = Records()
        self.ticks: dict[tuple[str, str, int], dict[str, Any]] = {}
        for table in self._tables():
            self._take(table)

    def _tables(self) -> Iterator[dict[str, Any]]:
        for row in self._journal.rows(kinds=(RowKind.COMMAND, RowKind.NOTE)):
            yield decode_table(row.body)

    def spend(self, nonce: str, person: str, asked: Mapping[str, JsonValue]) -> None:
        """Write down what is asked; a nonce that was seen before is refused.

        Parameters
        ----------
        nonce, person : str
            Of the request, and who asks.
        asked : mapping
            What.

        Raises
        ------
        ReplayedError
            When the nonce was spent, also before a restart.
        """
        if nonce in self._nonces:
            self.note("replayed", {"nonce": nonce, "person": person})
            raise ReplayedError("the very same request was taken in before: it is not done twice; look at the mode")
        self._write(RowKind.COMMAND, {"nonce": nonce, "person": person, "asked": dict(asked)})

    def note(self, kind: str, facts: Mapping[str, JsonValue]) -> None:
        """Write down anything else.

        Parameters
        ----------
        kind : str
            What it is about.
        facts : mapping
            JSON values by name.
        """
        self.keep({**facts, "kind": kind})

    def keep(self, table: Mapping[str, Any]) -> None:
        """Write a row that says itself what it is about.

        Parameters
        ----------
        table : mapping
            Such as the functions of `response.people.records` make.
        """
        self._write(RowKind.NOTE, {"time_ns": self._clock_ns(), **table})

    def head(self) -> str:
        """Where the journal ends, short enough to compare."""
        head = self._journal.head
        return f"{head.sequence}:{head.digest[:SHOWN_DIGITS]}"

    def _write(self, kind: RowKind, table: Mapping[str, Any]) -> None:
        self._journal.write([Row(kind, self._clock_ns(), encode_table(table))])
        self._take(table)

    def _take(self, table: Mapping[str, Any]) -> None:
        if "asked" in table and "nonce" in table:
            self._nonces.add(table["nonce"])
        elif table.get("kind") == TICK:
            self.ticks[table["incident"], table["procedure"], table["step"]] = dict(table)
        else:
            self.records = self.records.after(table)
