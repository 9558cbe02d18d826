"""The journal put to the test: every event stepped again, every decision compared with the one that was written."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from workbench.data.journal.reader import JournalReader
from workbench.data.journal.rows import RowKind
from workbench.domain.errors import DataError
from workbench.domain.trading.decisions import AnyDecision, RiskSnapshot
from workbench.runtime.live.desk import stepped
from workbench.runtime.live.recovery import beginning, event_of
from workbench.runtime.live.rows import decision_row

PROGRESS_EVERY = 1_000
"""Rows; a tenth of a second or so."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What stepping a journal again has shown.

    Attributes
    ----------
    events, decisions : int
        Stepped, and compared.
    first_difference : int or None
        Row of the first decision that came out differently.
    missing : int
        Decisions that come out now and were not written: the last ones before a crash, written at the next start.
    """

    events: int
    decisions: int
    first_difference: int | None
    missing: int

    @property
    def same(self) -> bool:
        """Whether every written decision came out again."""
        return self.first_difference is None

    @property
    def sentence(self) -> str:
        """The result in words."""
        if self.first_difference is not None:
            return (
                f"NOT THE SAME: row {self.first_difference:,} holds another decision than its events lead to, after "
                f"{self.events:,} events"
            )
        rest = f"; {self.missing} more are not written yet" if self.missing else ""
        return f"the same: {self.events:,} events lead to the same {self.decisions:,} decisions{rest}"


def replay_journal(folder: Path, progress: Callable[[int, int], None]) -> Replayed:
    """Step every event of a journal again.

    Parameters
    ----------
    folder : Path
        Of the journal; a loop may be writing to it.
    progress : callable
        Told how many rows are done, and of how many there were at the beginning, now and then and at the end.

    Returns
    -------
    Replayed

    Raises
    ------
    DataError
        When there is no journal, or it does not say how it began.
    """
    with JournalReader(folder) as reader:
        last, told = reader.head.sequence, 0
        rows = reader.rows(kinds=(RowKind.START, RowKind.EVENT, RowKind.TICK, RowKind.DECISION), upto=last)
        first = next(iter(rows), None)
        if first is None or first.kind is not RowKind.START:
            raise DataError(f"the journal in {folder} does not say how it began: nothing to step")
        engine, start = beginning(first)
        state, expected = engine.init(start), list[bytes]()
        events = compared = 0
        for row in rows:
            if row.sequence - told >= PROGRESS_EVERY:
                told = row.sequence
                progress(told, last)
            if row.kind is RowKind.DECISION:
                if compared >= len(expected) or expected[compared] != row.body:
                    return Replayed(events, compared, row.sequence, 0)
                compared += 1
                continue
            state, decisions, _ = stepped(engine, state, event_of(row))
            expected += _bodies(decisions)
            events += 1
        progress(last, last)
    return Replayed(events, compared, None, len(expected) - compared)


def _bodies(decisions: tuple[AnyDecision, ...]) -> list[bytes]:
    return [decision_row(one).body for one in decisions if not isinstance(one, RiskSnapshot)]
