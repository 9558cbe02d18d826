"""The promises, counted from what a process has left: its journal, the broker's own books, and what it said outside.

No process tells whether it kept a promise. Every sentence here comes from reading the files again:

- I1 the broker's books hold an id once, and execute at most what it asked for;
- I2 every id in the broker's books is an intent in the journal, at the moment of death too;
- I3 no execution grows a position or turns it: in the scripted breach nothing may be entered;
- I4 what was latched in the journal at the moment of death, and a halt left in the inbox, is in force afterwards;
- I5 the last head a write returned is in the journal, the chain holds, and its events lead to its decisions again;
- I6 reductions end at the targets of a run that nothing disturbed, in the engine and in the broker's books;
- I8 at the end no order is in doubt, and the engine holds what the broker holds.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from invariants import OPERATOR, latch_names, latches_of

from workbench.app.live_shell import audit_replay, read_status
from workbench.data.journal import codec
from workbench.data.journal.reader import JournalReader
from workbench.data.journal.rows import Head, RowKind
from workbench.data.journal.storage import DATABASE
from workbench.data.journal.verification import verify
from workbench.domain.errors import DataError
from workbench.domain.trading.modes import Ladder
from workbench.domain.trading.orders import OrderNote, OrderState
from workbench.runtime.live.desk import stepped
from workbench.runtime.live.recovery import beginning, event_of

from .processes import executions_of

UNITS = 1e-6
Latches = set[tuple[int, int]]


def last_head(folder: Path) -> Head | None:
    """The last row that a write acknowledged, as noted outside the journal; None when there was none."""
    noted = Path(f"{folder}.heads")
    lines = noted.read_text().splitlines() if noted.exists() else []
    if not lines:
        return None
    sequence, _, digest = lines[-1].partition(":")
    return Head(int(sequence), digest)


def order_notes(folder: Path) -> list[OrderNote]:
    """Every step of every order in the journal."""
    with JournalReader(folder) as reader:
        return [codec.decode_note(row.body, row.time_ns) for row in reader.rows(kinds=(RowKind.ORDER,))]


def latched(folder: Path) -> Latches:
    """Everything that waits for two people, from every event of the journal stepped anew."""
    with JournalReader(folder) as reader:
        rows = reader.rows(kinds=(RowKind.START, RowKind.EVENT, RowKind.TICK))
        first = next(iter(rows), None)
        if first is None:
            return set()
        engine, start = beginning(first)
        state = engine.init(start)
        for row in rows:
            state, _, _ = stepped(engine, state, event_of(row))
    return latches_of(state)


def shown(folder: Path) -> dict:
    """What the loop last showed."""
    return json.loads(read_status(folder).body)


def has_broker(folder: Path) -> bool:
    """Whether the broker's books have been made, whole."""
    path = folder / "paper.sqlite"
    if not path.exists():
        return False
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as books:
        [(tables,)] = books.execute("SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table'")
    return bool(tables == 2)


def asked_of_broker(folder: Path) -> dict[str, float]:
    """Units of every order as the broker has it in its books."""
    with closing(sqlite3.connect(f"file:{folder / 'paper.sqlite'}?mode=ro", uri=True)) as books:
        orders = [json.loads(content)["order"] for (content,) in books.execute("SELECT content FROM entries")]
    return {order["id"]: order["units"] for order in orders}


def broken_by_orders(folder: Path, opening: Mapping[str, float]) -> list[str]:
    """I1 and I3, from the broker's books alone."""
    if not has_broker(folder):
        return []
    entries, done = executions_of(folder)
    broken = [
        f"I1 the broker was sent order {one} {times} times" for one, times in Counter(entries).items() if times > 1
    ]
    asked = asked_of_broker(folder)
    executed: Counter[str] = Counter()
    held = dict(opening)
    for one in done:
        executed[one["order"]] += one["units"]
        before = held.get(one["strategy"], 0.0)
        after = held[one["strategy"]] = before + one["units"]
        what = f"order {one['order']} took {one['strategy']} from {before:g} to {after:g}"
        if before * after < -UNITS:
            broken.append(f"I3 {what}: it turned the position")
        elif abs(after) > abs(before) + UNITS:
            broken.append(f"I3 {what}: it grew the position")
    broken += [
        f"I1 order {one} executed {units:g} of {asked[one]:g} units"
        for one, units in executed.items()
        if one in asked and abs(units) > abs(asked[one]) + UNITS
    ]
    return broken


def broken_by_intents(folder: Path) -> list[str]:
    """I2: ids in the broker's books without an intent in the journal."""
    if not has_broker(folder):
        return []
    intents = {note.order.id for note in order_notes(folder) if note.state is OrderState.INTENT}
    unknown = sorted(set(executions_of(folder)[0]) - intents)
    return [f"I2 the broker has order {one}, and the journal holds no intent of it" for one in unknown]


def broken_by_journal(folder: Path) -> list[str]:
    """I5: rows gone, a broken chain, decisions that do not follow from the events."""
    try:
        found = verify(folder, last_head(folder))
        if not found.intact:
            return [f"I5 {found.sentence}"]
        replayed = audit_replay(folder, lambda *_: None) if found.rows else None
    except DataError as error:
        return [f"I5 {error}"]
    return [] if replayed is None or replayed.same else [f"I5 {replayed.sentence}"]


def broken_at_any_time(folder: Path, opening: Mapping[str, float]) -> list[str]:
    """What must hold at every moment, the moment of death as well: I1, I2, I3, I5."""
    if not (folder / DATABASE).exists():
        gone = last_head(folder)
        return [] if gone is None else [f"I5 row {gone.sequence} was acknowledged, and there is no journal"]
    if broken := broken_by_journal(folder):
        return broken
    return broken_by_orders(folder, opening) + broken_by_intents(folder)


def broken_latches(folder: Path, before: Latches) -> list[str]:
    """I4: what was latched before and is not in force in what the loop shows after."""
    table = shown(folder)
    holds = {(int(Ladder[row["ladder"]]), row["rung"] - 1) for row in table["book"]["ladders"] if row["holds"]}
    gone = (before - {OPERATOR}) - holds
    broken = [f"I4 {latch_names(gone)} did not survive"] if gone else []
    mode = table["book"]["mode"]
    if (OPERATOR in before and mode != "HALTED") or (before and mode == "ACTIVE"):
        broken.append(f"I4 the book is {mode} although {latch_names(before)} waits for two people")
    return broken


def broken_endings(folder: Path, opening: Mapping[str, float], targets: Mapping[str, float]) -> list[str]:
    """I6 and I8: reductions that did not end at their targets, doubts that were not settled."""
    held = dict(opening)
    for one in executions_of(folder)[1] if has_broker(folder) else ():
        held[one["strategy"]] += one["units"]
    rows = {row["strategy"]: row for row in shown(folder)["book"]["positions"]}
    broken = []
    for name, target in targets.items():
        ours, theirs = rows[name]["units"], held[name]
        if abs(rows[name]["target"] - target) > UNITS:
            broken.append(f"I6 the target of {name} is {rows[name]['target']:g}, undisturbed it is {target:g}")
        if abs(theirs - target) > UNITS:
            broken.append(f"I6 the reduction of {name} ended at {theirs:g}, its target is {target:g}")
        if abs(ours - theirs) > UNITS:
            broken.append(f"I8 the engine holds {ours:g} {name}, the broker {theirs:g}")
    last = {note.order.id: note.state for note in order_notes(folder)}
    broken += [f"I8 order {one} is {state.name} at the end" for one, state in last.items() if not state.is_final]
    return broken


def broken_promises(
    folder: Path, opening: Mapping[str, float], targets: Mapping[str, float], before: Latches
) -> list[str]:
    """Every promise, on a breach that is over."""
    try:
        broken = broken_at_any_time(folder, opening)
        return broken or broken_latches(folder, before) + broken_endings(folder, opening, targets)
    except DataError as error:
        return [f"I5 {error}"]
