"""A part of a journal stepped again, every event of it; what is shown of it is thinned, what is compared is not."""

import math
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pandas as pd

from workbench.data.journal import reading, storage
from workbench.data.journal.reader import JournalReader
from workbench.data.journal.rows import RowKind, StoredRow
from workbench.domain.errors import ConfigError, DataError
from workbench.domain.trading.decisions import AnyDecision, RiskSnapshot
from workbench.domain.trading.events import AnyEvent, Heartbeat, Quote
from workbench.domain.trading.market_hours import SECOND_NS
from workbench.engine.risk_engine import EngineState, RiskEngine
from workbench.engine.snapshot import LAYOUT, restored
from workbench.runtime.live.desk import stepped
from workbench.runtime.live.recovery import beginning, event_of, settings_at
from workbench.runtime.live.rows import decision_row
from workbench.runtime.review.course import MOST_POINTS, Book, Course, book_of
from workbench.runtime.review.journal_days import Progress, Window

if TYPE_CHECKING:
    from workbench.data.journal.journal import Journal

EVENTS = (RowKind.EVENT, RowKind.TICK)
PROGRESS_EVERY = 5_000
MOST_STEPS = 20_000
"""Kept with their decisions; a book that decides more often than that is summed up, not listed."""
MOST_CLOSE = 5_000
"""Events kept when every one of them is wanted."""
STATES_KEPT = 200
"""States kept on the way, from which any moment is stepped again at once."""


@dataclass(frozen=True, slots=True)
class Step:
    """An event that was stepped.

    Attributes
    ----------
    sequence : int
        Its row.
    event : Event
        What happened.
    decisions : tuple of Decision
        What it led to; no snapshots.
    book : Book
        After it.
    refused : str
        Why the engine did not take it; empty when it did.
    """

    sequence: int
    event: AnyEvent
    decisions: tuple[AnyDecision, ...]
    book: Book
    refused: str = ""


@dataclass(slots=True)
class Comparison:
    """Decisions that come out now, against those that were written.

    Attributes
    ----------
    same : int
        How many are the same, to the byte.
    different : int
        How many are not.
    missing : int
        Come out now and are not written: the last ones before a crash, or of a loop that is writing them now.
    first : tuple of (int, Decision) or None
        Row of the first difference, and what comes out now.
    """

    same: int = 0
    different: int = 0
    missing: int = 0
    first: tuple[int, AnyDecision] | None = None

    def compare(self, decision: AnyDecision, written: StoredRow | None) -> None:
        """Count a decision.

        Parameters
        ----------
        decision : Decision
            As it comes out now.
        written : StoredRow or None
            The next one in the journal.
        """
        if written is None:
            self.missing += 1
        elif (row := decision_row(decision)).body == written.body and row.time_ns == written.time_ns:
            self.same += 1
        else:
            self.different += 1
            self.first = self.first or (written.sequence, decision)

    @property
    def sentence(self) -> str:
        """The result in words."""
        if self.first is not None:
            return (
                f"NOT THE SAME: {self.different:,} of {self.same + self.different:,} decisions come out differently "
                f"than they were written, the first at row {self.first[0]:,}. This program or this machine computes "
                "differently, or the journal was changed: run `workbench audit verify` and do not rely on this page"
            )
        rest = f"; {self.missing:,} more are not written yet" if self.missing else ""
        return f"The same {self.same:,} decisions come out again, to the byte{rest}."


@dataclass(frozen=True, slots=True)
class Stepped:
    """A window that was stepped again.

    Attributes
    ----------
    window : Window
        Which.
    engine : RiskEngine
        Of the journal.
    before : EngineState
        As the window begins.
    states : tuple of (int, EngineState)
        On the way: a row, and the state after it.
    steps : tuple of Step
        What mattered, and a thin choice of the rest.
    left_out : int
        Steps that mattered and are beyond the bound.
    course : Course
        Path and totals.
    comparison : Comparison
        Over everything that was stepped, also before the window.
    led_up : int
        Events stepped to get to the window.
    """

    window: Window
    engine: RiskEngine
    before: EngineState = field(repr=False)
    states: tuple[tuple[int, EngineState], ...] = field(repr=False)
    steps: tuple[Step, ...] = field(repr=False)
    left_out: int
    course: Course = field(repr=False)
    comparison: Comparison
    led_up: int

    @property
    def decisions(self) -> tuple[AnyDecision, ...]:
        """Of the window, in order."""
        return tuple(decision for step in self.steps for decision in step.decisions)


def step_window(folder: Path, window: Window, progress: Progress) -> Stepped:
    """Step a window, from the nearest snapshot before it or from the beginning, and compare every decision.

    Parameters
    ----------
    folder : Path
        Of the journal; a loop may be writing to it.
    window : Window
        Which rows are shown.
    progress : callable
        Told how far it is, now and then.

    Returns
    -------
    Stepped

    Raises
    ------
    DataError
        When the journal does not say how it began, or a row cannot be read.
    """
    with JournalReader(folder) as reader:
        engine, state, after = nearest_state(folder, reader, window.after)
        written = reader.rows(after=after, kinds=(RowKind.DECISION,))
        comparison, led_up, total = Comparison(), 0, window.upto - after
        for row in reader.rows(after=after, kinds=EVENTS, upto=window.after):
            state, decisions, _ = stepped(engine, state, event_of(row))
            _compare(comparison, decisions, written)
            led_up += 1
            if led_up % PROGRESS_EVERY == 0:
                progress("stepping what came before", row.sequence - after, total)
        walk = _Walk(window, state)
        for row in reader.rows(after=window.after, kinds=EVENTS, upto=window.upto):
            event = event_of(row)
            state, decisions, refused = stepped(engine, state, event)
            _compare(comparison, decisions, written)
            walk.take(row.sequence, event, (_weighty(decisions), refused), state)
            if row.sequence % PROGRESS_EVERY == 0:
                progress("stepping every event", row.sequence - after, total)
    progress("stepping every event", total, total)
    return walk.ended(engine, comparison, led_up)


class _Walk:
    """What is kept of a window."""

    def __init__(self, window: Window, before: EngineState) -> None:
        length = max(window.ends_ns - window.begins_ns, SECOND_NS)
        self.window, self.before = window, before
        self.course = Course(max(length // MOST_POINTS, 1), before)
        self.states: list[tuple[int, EngineState]] = [(window.after, before)]
        self.steps: list[Step] = []
        self.left_out = 0
        self._rows = max((window.upto - window.after) // STATES_KEPT, 1)

    def take(
        self, sequence: int, event: AnyEvent, led_to: tuple[tuple[AnyDecision, ...], str], after: EngineState
    ) -> None:
        decisions, refused = led_to
        matters = bool(decisions or refused) or not isinstance(event, Quote | Heartbeat)
        full = len(self.steps) >= MOST_STEPS
        shown = self.course.follow(event, after, matters=matters and not full)
        if sequence >= self.states[-1][0] + self._rows:
            self.states.append((sequence, after))
        if full:
            self.left_out += matters
        elif shown:
            self.steps.append(Step(sequence, event, decisions, book_of(after), refused))

    def ended(self, engine: RiskEngine, comparison: Comparison, led_up: int) -> Stepped:
        kept = tuple(self.states), tuple(self.steps), self.left_out
        return Stepped(self.window, engine, self.before, *kept, self.course, comparison, led_up)


def step_closely(folder: Path, done: Stepped, at_ns: int, seconds: float) -> tuple[Step, ...]:
    """Step some moments of a window again and keep every event.

    Parameters
    ----------
    folder : Path
        Of the journal.
    done : Stepped
        The window.
    at_ns : int
        A moment, UTC.
    seconds : float
        Before it and after it.

    Returns
    -------
    tuple of Step
        At most `MOST_CLOSE`, from the first moment on.

    Raises
    ------
    ConfigError
        When the seconds are none.
    DataError
        When nothing happened there.
    """
    if not 0.0 < seconds < math.inf:
        raise ConfigError(f"expected more than 0 seconds before and after a moment, got {seconds}")
    bounds_ns = (at_ns - round(seconds * SECOND_NS), at_ns + round(seconds * SECOND_NS))
    earlier = [kept for kept in done.states if int(kept[1].time_ns) < bounds_ns[0]]
    sequence, state = earlier[-1] if earlier else done.states[0]
    steps: list[Step] = []
    with JournalReader(folder) as reader:
        for row in reader.rows(after=sequence, kinds=EVENTS, upto=done.window.upto):
            if row.time_ns > bounds_ns[1] or len(steps) >= MOST_CLOSE:
                break
            event = event_of(row)
            state, decisions, refused = stepped(done.engine, state, event)
            if row.time_ns >= bounds_ns[0]:
                steps.append(Step(row.sequence, event, _weighty(decisions), book_of(state), refused))
    if not steps:
        moments = (at_ns, done.window.begins_ns, done.window.ends_ns)
        at, begins, ends = (f"{pd.Timestamp(one):%Y-%m-%d %H:%M:%S}" for one in moments)
        raise DataError(
            f"nothing happened within {seconds:g} s of {at} UTC: the part that is shown goes from {begins} to {ends}; "
            "choose a moment in it, or another day"
        )
    return tuple(steps)


def nearest_state(folder: Path, reader: JournalReader, upto: int) -> tuple[RiskEngine, EngineState, int]:
    """The engine of a journal, and its newest stored state that is not younger than a row.

    Parameters
    ----------
    folder : Path
        Of the journal.
    reader : JournalReader
        Open on it.
    upto : int
        The row.

    Returns
    -------
    tuple of (RiskEngine, EngineState, int)
        The row the state was stored after; 0 when there is none and the engine stands where it began.

    Raises
    ------
    DataError
        When the journal does not say how it began.
    """
    first = next(iter(reader.rows(kinds=(RowKind.START,))), None)
    if first is None:
        raise DataError("the journal does not say how it began: nothing to step")
    engine, start = beginning(first)
    for kept in _snapshots(folder, reader.id):
        if kept.sequence <= upto and kept.version == LAYOUT:
            # of a journal it reads rows only, which a reader gives as well
            settings = settings_at(cast("Journal", reader), engine.settings, kept.sequence)
            return engine, restored(kept.body, settings), kept.sequence
    return engine, engine.init(start), 0


def _snapshots(folder: Path, journal: str) -> list[reading.Snapshot]:
    path = folder / storage.DATABASE
    with closing(storage.open_to_read(path)) as connection, storage.reading(path):
        return list(reading.snapshots_of(connection, journal))


def _weighty(decisions: tuple[AnyDecision, ...]) -> tuple[AnyDecision, ...]:
    return tuple(one for one in decisions if not isinstance(one, RiskSnapshot))


def _compare(comparison: Comparison, decisions: tuple[AnyDecision, ...], written: Iterator[StoredRow]) -> None:
    for decision in decisions:
        if not isinstance(decision, RiskSnapshot):
            comparison.compare(decision, next(written, None))
