"""What is around the loop in a simulated world: a broker that outlives it, people's messages, signals, its journal."""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from simulated_disk import SimulatedDisk

from workbench.data.inbox import Command
from workbench.data.journal import codec
from workbench.data.journal.journal import Journal
from workbench.data.journal.rows import Row, RowKind, StoredRow
from workbench.domain.errors import DataError
from workbench.domain.trading.events import AnyEvent, BarClosed
from workbench.domain.trading.orders import Order, OrderState
from workbench.engine.risk_engine import EngineState
from workbench.execution.broker import BrokerUnreachableError, OutcomeUnknownError, Report
from workbench.execution.paper.broker import PaperBroker
from workbench.execution.paper.ledger import Entry, MemoryLedger
from workbench.execution.paper.plan import PaperPlan

CANCEL_UNANSWERED = 0.2
"""Of the cancellations, while the broker is in trouble."""


class Watcher(Protocol):
    """Who is told of everything that cannot be taken back."""

    counts: "Counter[str]"

    def submitted(self, order: Order) -> None:
        """An order has left the loop."""
        ...

    def accepted(self, entry: Entry) -> None:
        """An order is in the broker's books."""
        ...

    def executed(self, entry: Entry, before: float, after: float) -> None:
        """A position at the broker has changed."""
        ...

    def wrote(self, rows: Sequence[Row], journal: Journal) -> None:
        """Rows are said to be on the disk."""
        ...


class WatchedJournal(Journal):
    """The journal; tells the watcher what it has acknowledged."""

    watcher: Watcher

    def write(self, rows: Sequence[Row], shown: Mapping[str, str] | None = None) -> int:
        """Write, then tell."""
        last = super().write(rows, shown)
        self.watcher.wrote(rows, self)
        return last


class TroubledBroker(PaperBroker):
    """The paper broker; tells the watcher what it accepts and executes, and counts the troubles it makes.

    Parameters
    ----------
    around : tuple of (Watcher, SimulatedDisk)
        A loop without power reaches nobody.
    plan : PaperPlan
        Its troubles.
    ledger : MemoryLedger
        Its books, which outlive it.
    generator : numpy Generator
        Its chance.
    opening : mapping
        Positions before the first execution.
    """

    def __init__(
        self,
        around: tuple[Watcher, SimulatedDisk],
        plan: PaperPlan,
        ledger: MemoryLedger,
        generator: np.random.Generator,
        opening: Mapping[str, float],
    ) -> None:
        self._watcher, self._disk = around
        self._troubled = True
        super().__init__(plan, ledger, generator, opening=opening)

    def heal(self, plan: PaperPlan) -> None:
        """Make no trouble any more."""
        self._plan, self._outage_until_ns, self._troubled = plan, 0, False

    def held(self) -> dict[str, float]:
        """Positions as the books have them, reachable or not."""
        return {name: self._held(name) for name in {**self._opening, **self._ledger.positions()}}

    def submit(self, order: Order, now_ns: int) -> None:
        """Take an order, or fail."""
        self._watcher.submitted(order)
        try:
            super().submit(order, now_ns)
        except OutcomeUnknownError:
            self._watcher.counts["submit unanswered"] += 1
            raise

    def cancel(self, order_id: str, now_ns: int) -> None:
        """Cancel, sometimes without an answer."""
        if self._troubled and self._happens(CANCEL_UNANSWERED):
            self._watcher.counts["cancel unanswered"] += 1
            if self._happens(0.5):
                super().cancel(order_id, now_ns)
            raise OutcomeUnknownError("the simulated broker did not answer")
        super().cancel(order_id, now_ns)

    def _begin(self, now_ns: int) -> None:
        if self._disk.lost_power:
            raise BrokerUnreachableError("the machine of the loop has no power")
        try:
            super()._begin(now_ns)
        except BrokerUnreachableError:
            self._watcher.counts["broker unreachable"] += 1
            raise

    def _hold_rate(self, now_ns: int) -> None:
        try:
            super()._hold_rate(now_ns)
        except BrokerUnreachableError:
            self._watcher.counts["rate limited"] += 1
            raise

    def _accept(self, order: Order, now_ns: int) -> None:
        posts, number = self._posts, self._ledger.next_entry()
        super()._accept(order, now_ns)
        entry = self._ledger._entries[number]  # type: ignore[attr-defined]
        self._watcher.accepted(entry)
        self._watcher.counts["order rejected"] += entry.state is OrderState.REJECTED
        self._watcher.counts["report lost"] += posts == self._posts

    def _report(self, time_ns: int, report: Report) -> None:
        posts = self._posts
        super()._report(time_ns, report)
        self._watcher.counts["report lost"] += posts == self._posts

    def _post_badly(self, time_ns: int, report: Report) -> None:
        posts = self._posts
        super()._post_badly(time_ns, report)
        self._watcher.counts["report twice"] += self._posts > posts + 1

    def _perhaps_late(self, time_ns: int) -> int:
        late_ns = super()._perhaps_late(time_ns)
        self._watcher.counts["report late"] += late_ns > time_ns
        return late_ns

    def _execute(self, entry: Entry) -> None:
        before = self._held(entry.order.strategy)
        super()._execute(entry)
        after = self._held(entry.order.strategy)
        if after != before:
            self._watcher.executed(entry, before, after)
        now = self._ledger._entries[entry.number]  # type: ignore[attr-defined]
        self._watcher.counts["order filled in part"] += now.state is OrderState.PART_FILLED


class MemoryInbox:
    """People's messages; they wait while no loop runs.

    Parameters
    ----------
    disk : SimulatedDisk
        A loop without power takes nothing out.
    """

    def __init__(self, disk: SimulatedDisk) -> None:
        self._disk, self._waiting = disk, dict[str, Command | DataError]()
        self._numbers = itertools.count(1)
        self.halts_done: list[str] = []
        """Nonces of the halts that were taken out as done; emptied by whoever looks."""

    def put(self, act: str, actor: str, made_ns: int, **fields: object) -> Command:
        """Leave a message."""
        number = next(self._numbers)
        command = Command.model_validate(
            {"nonce": f"{number:032x}", "act": act, "actor": actor, "made_ns": made_ns, **fields}
        )
        self.put_again(command)
        return command

    def put_again(self, command: Command) -> None:
        """Leave a message once more under its old nonce."""
        self._waiting[f"{command.made_ns:020d}-{next(self._numbers)}"] = command

    def put_rubbish(self, made_ns: int) -> None:
        """Leave what is no message."""
        self._waiting[f"{made_ns:020d}-{next(self._numbers)}"] = DataError("no message to the loop")

    def waiting(self) -> list[tuple[str, Command | DataError]]:
        """Messages, oldest first."""
        return sorted(self._waiting.items(), key=lambda item: item[0])

    def done(self, path: str) -> None:
        """Remove one."""
        if self._disk.lost_power:
            return
        taken = self._waiting.pop(path, None)
        if isinstance(taken, Command) and taken.act == "halt":
            self.halts_done.append(taken.nonce)

    def set_aside(self, path: str) -> None:
        """Remove rubbish."""
        self.done(path)

    def leave_halt(self, reason: str) -> None:
        """Leave a halt for the next start."""
        self.put("halt", "the loop", 0, reason=reason[:2_000])


class Signals:
    """Bars of the core strategies, with random signals.

    Parameters
    ----------
    plan : list of (int, str, float)
        When, which strategy, what it says; oldest first. What falls into a time without a loop is missed.
    """

    def __init__(self, plan: list[tuple[int, str, float]]) -> None:
        self._plan = plan

    def events(self, now_ns: int, state: EngineState) -> Sequence[AnyEvent]:
        """Bars that have closed."""
        due = [BarClosed(now_ns, name, signal) for time_ns, name, signal in self._plan if time_ns <= now_ns]
        del self._plan[: len(due)]
        return due

    def notes(self) -> Sequence[str]:
        """Nothing to tell."""
        return ()

    def due_ns(self) -> int | None:
        """When the next bar closes."""
        return self._plan[0][0] if self._plan else None


def journal_folder() -> Path:
    """Where the journal is on the simulated disk."""
    return Path("/journal")


def in_words(row: StoredRow) -> str:
    """A row for people."""
    if row.kind in (RowKind.EVENT, RowKind.TICK):
        said: object = codec.decode_event(row.body, row.time_ns)
    elif row.kind is RowKind.DECISION:
        said = codec.decode_decision(row.body, row.time_ns)
    elif row.kind is RowKind.ORDER:
        said = codec.decode_note(row.body, row.time_ns)
    else:
        said = row.body.decode()
    return f"{row.sequence:6} {row.kind.name:10} {str(said)[:230]}"
