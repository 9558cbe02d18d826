"""What the projection knows beside the engine's state, and how a restart finds it again.

Decisions, orders and messages are read from the journal's rows. Equity at the beginning of day, week and month, and
the rows of the series, are in the projection itself, which is written in the same transaction as rows: it names the
last row it knows, and a start steps the events after that row once more. So each event is seen exactly once.
"""

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from workbench.data.journal import codec
from workbench.data.journal.journal import Journal
from workbench.data.journal.rows import RowKind, StoredRow
from workbench.domain.policy import Policy
from workbench.domain.trading.decisions import (
    AnyDecision,
    ConditionChanged,
    ModeChanged,
    RaiseAlert,
    RegimeChanged,
    ResumeRefused,
    RungReleased,
)
from workbench.domain.trading.events import PolicyChanged
from workbench.engine.risk_engine import EngineState
from workbench.runtime.projection.periods import Periods
from workbench.runtime.projection.recent import REMEMBERED, Recent, deadlines_of
from workbench.runtime.projection.series import Series, drawdown_of
from workbench.runtime.projection.since import Since
from workbench.runtime.projection.words import refusal_of

STATUS, VERSION = "status", 3
"""Key of the projection, and the version of its shape."""
GONE_ON_WITH = (2, VERSION)
"""Versions whose periods and series have the shape they have now."""
NOTES_WITHIN_ROWS = 1_000_000
"""Notes on operations are looked for in so many rows before the end: a year of them would take long to read."""
SENTENCE = b'"sentence":'
"""In every note that is for people; figures have none."""
ALERT = codec.DECISION_TAGS[RaiseAlert]
READ_IN_FULL = {
    codec.DECISION_TAGS[kind]
    for kind in (ModeChanged, ConditionChanged, RegimeChanged, RaiseAlert, RungReleased, ResumeRefused)
}
"""Decisions that say since when something holds, or why nothing was done; the others are only shown, the last ones."""


@dataclass(slots=True)
class Memory:
    """The last of everything, since when things are as they are, where profit counts from, and the series."""

    recent: Recent
    since: Since
    periods: Periods
    series: Series

    @classmethod
    def begun(cls, state: EngineState) -> Self:
        """Nothing is known but the present.

        Parameters
        ----------
        state : EngineState
            Now.

        Returns
        -------
        Memory
        """
        time_ns = int(state.time_ns)
        periods = Periods.begun(time_ns, float(state.equity))
        return cls(Recent(), Since.start(time_ns), periods, Series.begun(state))

    def watch(self, state: EngineState, next_ns: int) -> None:
        """Look at the state before each event.

        Parameters
        ----------
        state : EngineState
            Before the event.
        next_ns : int
            The event's time.
        """
        series = self.series
        series.worst = max(series.worst, drawdown_of(state))
        if next_ns >= series.ends_ns:
            series.close(state, next_ns)
            self.periods.roll(next_ns, float(state.equity))

    def decided(self, decision: AnyDecision, deadlines: Mapping[int, int]) -> None:
        """Take a decision in.

        Parameters
        ----------
        decision : Decision
            Any.
        deadlines : mapping of int to int
            Of the policy it was decided under.
        """
        self.recent.decided(decision, deadlines)
        self.since.decided(decision)

    def commanded(self, command: Mapping[str, Any], time_ns: int, refused: str) -> None:
        """Take a person's message in, after what was decided on it.

        Parameters
        ----------
        command : mapping
            Its ``nonce``, ``act``, ``actor`` and ``reason``.
        time_ns : int
            When the loop took it in.
        refused : str
            Why nothing was done; empty when it was.
        """
        self.recent.commanded(command, time_ns, refused)
        self.since.commanded(command, time_ns, refused)


def remembered(journal: Journal, state: EngineState, after: int) -> tuple[Memory, int]:
    """Periods and series as they were last shown.

    Parameters
    ----------
    journal : Journal
        Open.
    state : EngineState
        From which events are stepped.
    after : int
        Row that state was kept after; 0 for the very first.

    Returns
    -------
    tuple of (Memory, int)
        Its recent things are empty, see `recollect`; and the row up to which events have been watched. Where nothing
        was shown, or an older version showed it, the memory begins at `state`.
    """
    memory = Memory.begun(state)
    try:
        seen = _restore(memory, journal, state, after)
    except (LookupError, TypeError, ValueError):
        # what cannot be read was shown by another version, or damaged: the journal is the record, this is a view of it
        memory, seen = Memory.begun(state), after
    return memory, seen


def _restore(memory: Memory, journal: Journal, state: EngineState, after: int) -> int:
    body = journal.shown(STATUS)
    table: Any = json.loads(body) if body is not None else {}
    if not isinstance(table, dict):
        raise TypeError(f"a projection is an object, got {body}")
    seen = after
    if table.get("version") in GONE_ON_WITH and not _missed(journal, int(table["journal"]["sequence"]), after):
        seen = int(table["journal"]["sequence"])
        memory.periods = Periods.restored(table["periods"])
        memory.series = Series(tuple(one.name for one in state.settings.strategies), int(table["series"]["minute_ns"]))
    keys = memory.series.keys()
    memory.series.restore(journal.shown(keys["minute_key"]), journal.shown(keys["hour_key"]))
    return seen


def _missed(journal: Journal, shown: int, after: int) -> bool:
    """Whether events came after what was shown and before the snapshot: an older version ran in between.

    Decisions and notes are written with the projection, after the row it names: they are not missed.
    """
    if shown >= after:
        return False
    return next(iter(journal.rows(shown, kinds=(RowKind.EVENT, RowKind.TICK), upto=after)), None) is not None


def recollect(memory: Memory, journal: Journal, policy: Policy) -> None:
    """Read decisions, messages and notes back from the journal; orders are read by whoever rebuilds them.

    Parameters
    ----------
    memory : Memory
        Takes them in.
    journal : Journal
        Open, with everything up to now in it.
    policy : Policy
        At the very start.
    """
    refused = _recollect_decisions(memory, journal, policy)
    # who halted may be further back than the last messages
    for row in journal.rows(kinds=(RowKind.COMMAND,)):
        table = codec.decode_table(row.body)
        said = table["refused"] or (refused.get(row.time_ns, "") if table["act"] == "resume" else "")
        memory.commanded(table, row.time_ns, said)
    first = max(journal.head.sequence - NOTES_WITHIN_ROWS, 0)
    notes = (row for row in journal.rows(first, kinds=(RowKind.NOTE,)) if SENTENCE in row.body)
    for row in deque(notes, maxlen=REMEMBERED):
        table = codec.decode_table(row.body)
        memory.recent.noted(row.time_ns, table["kind"], table["sentence"])


def _recollect_decisions(memory: Memory, journal: Journal, policy: Policy) -> dict[int, str]:
    """Take the decisions in; gives why trading was not resumed, by the time it was asked for."""
    first = next(iter(journal.rows(kinds=(RowKind.START,))))
    memory.since = Since.start(first.time_ns)
    alerts, others = deque[StoredRow](maxlen=REMEMBERED), deque[StoredRow](maxlen=REMEMBERED)
    refused = dict[int, str]()
    for row in journal.rows(kinds=(RowKind.DECISION,)):
        (alerts if row.body[0] == ALERT else others).append(row)
        if row.body[0] in READ_IN_FULL:
            decision = codec.decode_decision(row.body, row.time_ns)
            memory.since.decided(decision)
            if isinstance(decision, ResumeRefused):
                refused[row.time_ns] = refusal_of(decision)
    deadlines = _deadlines_by_policy(journal, policy)
    for row in (*alerts, *others):
        decision = codec.decode_decision(row.body, row.time_ns)
        memory.recent.decided(decision, deadlines.get(decision.policy, {}))
    return refused


def _deadlines_by_policy(journal: Journal, policy: Policy) -> dict[str, dict[int, int]]:
    """Deadlines of every policy that was ever in force, by the beginning of its hash."""
    changed = codec.EVENT_TAGS[PolicyChanged]
    policies = [policy]
    for row in journal.rows(kinds=(RowKind.EVENT,)):
        if row.body[0] == changed:
            event = codec.decode_event(row.body, row.time_ns)
            policies += [event.policy] if isinstance(event, PolicyChanged) else []
    return {one.hash[:12]: deadlines_of(one) for one in policies}
