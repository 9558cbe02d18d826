"""Programs with one fault each: the harness must find every one of them, or it is the harness that is broken."""

import dataclasses
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from unittest import mock

from invariants import latches_of
from simulated_disk import SimulatedDisk
from trouble import WatchedJournal

from workbench.data.journal import codec
from workbench.data.journal.rows import Row, RowKind
from workbench.domain.trading.decisions import AnyDecision
from workbench.domain.trading.events import OperatorHalt
from workbench.domain.trading.orders import OrderNote, OrderState
from workbench.engine.risk_engine import EngineState
from workbench.execution.broker import BrokerUnreachableError, OutcomeUnknownError
from workbench.execution.gateway import OrderGateway
from workbench.execution.limits import Approved
from workbench.execution.planner import Planner, Target
from workbench.runtime.live import recovery
from workbench.runtime.live.desk import market_of, targets_of
from workbench.runtime.live.loop import LiveLoop
from workbench.runtime.live.recovery import Begun
from workbench.runtime.live.rows import note_row


class Program:
    """The honest program; a planted bug changes one thing of it."""

    name = ""
    journal: type[WatchedJournal] = WatchedJournal
    gateway: type[OrderGateway] = OrderGateway
    loop: type[LiveLoop] = LiveLoop

    def on_disk(self, disk: SimulatedDisk) -> None:
        """Change the disk, each time a process begins."""

    def equip(self, gateway: OrderGateway) -> None:
        """Change a gateway before anything has been applied."""

    def begun(self, begun: Begun, gateway: OrderGateway) -> Begun:
        """Change what a start has found."""
        return begun

    def around(self) -> AbstractContextManager[object]:
        """Change something else while a world lives."""
        return nullcontext()


def changed(begun: Begun, **values: object) -> Begun:
    """A start that has found other values in the engine's state."""
    record = begun.state.record.copy()
    for name, value in values.items():
        record[name] = value
    return dataclasses.replace(begun, state=EngineState(record, begun.state.settings))


class BlindRetry(Program):
    """An order without an answer is sent again under the same id."""

    name = "blind retry"

    class BlindGateway(OrderGateway):
        def _send(self, approved: Approved, now_ns: int) -> OrderNote:
            note = super()._send(approved, now_ns)
            if note.state is not OrderState.UNKNOWN:
                return note
            try:
                self._broker.submit(note.order, now_ns)
            except (BrokerUnreachableError, OutcomeUnknownError):
                return note
            return OrderNote(now_ns, OrderState.SENT, note.order)

    gateway = BlindGateway


class NoFsync(Program):
    """Nothing is synced to the disk."""

    name = "no fsync"

    def on_disk(self, disk: SimulatedDisk) -> None:
        disk.plan.syncs_lie = True


class VolatileLatch(Program):
    """A person's halt is acted on but not journaled, and a start does not compare decisions either."""

    name = "volatile latch"

    class LossyJournal(WatchedJournal):
        def write(self, rows: Sequence[Row], shown: Mapping[str, str] | None = None) -> int:
            halt = codec.EVENT_TAGS[OperatorHalt]
            return super().write([row for row in rows if row.kind is not RowKind.EVENT or row.body[0] != halt], shown)

    journal = LossyJournal

    def around(self) -> AbstractContextManager[object]:
        return trusting()


def trusting() -> AbstractContextManager[object]:
    """A start that believes the decisions that are written."""

    def unchecked(_said: list[AnyDecision], _written: list[bytes]) -> list[Row]:
        return []

    return mock.patch.object(recovery, "_missing", unchecked)


class ReduceByDelta(Program):
    """A retry takes the same share away again, instead of going to the stored target."""

    name = "reduce by delta"

    class DeltaPlanner(Planner):
        def _step(self, target: Target, now_ns: int) -> tuple[float, bool] | None:
            step = super()._step(target, now_ns)
            if step is None or not step[1]:
                return step
            held = self._blotter.held[target.strategy]
            shares: dict[tuple[str, int], float] = self.__dict__.setdefault("shares", {})
            share = shares.setdefault((target.strategy, target.intent), -step[0] / held)
            return -held * share, True

    def equip(self, gateway: OrderGateway) -> None:
        gateway._planner = self.DeltaPlanner(gateway._settings, gateway._limits, gateway._blotter)


class ReusedIds(Program):
    """Order numbers begin anew after a restart, and nobody remembers the old ones."""

    name = "reused ids"

    def begun(self, begun: Begun, gateway: OrderGateway) -> Begun:
        gateway._blotter.last_number = 0
        gateway._blotter._ended.clear()
        return begun


class SentBeforeJournal(Program):
    """Orders are sent first and written afterwards."""

    name = "acknowledge before journal"

    class HastyLoop(LiveLoop):
        def _order(self, decisions: list[AnyDecision], now: int, caused: int) -> None:
            notes = self._gateway.plan(targets_of(self.state), market_of(self.state, self._quotes), now)
            for note in notes:
                self._gateway.apply(note)
            sent = self._gateway.send(now)
            for note in sent:
                self._gateway.apply(note)
            self._write([note_row(note) for note in [*notes, *sent]])

    loop = HastyLoop


class ForgottenLatch(Program):
    """A restart lets go of everything that waited for people."""

    name = "latch cleared by restart"

    def begun(self, begun: Begun, gateway: OrderGateway) -> Begun:
        if not latches_of(begun.state):
            return begun
        tripped = begun.state.tripped.copy()
        tripped[begun.state.settings.numbers["people"][0] > 0] = 0
        return changed(begun, operator_halt=0, mode=0, tripped=tripped)

    def around(self) -> AbstractContextManager[object]:
        return trusting()


class ForgottenPeak(Program):
    """A restart counts drawdown from the equity it finds."""

    name = "peak not persisted"

    def begun(self, begun: Begun, gateway: OrderGateway) -> Begun:
        return changed(begun, peak=float(begun.state.equity)) if begun.resumed else begun

    def around(self) -> AbstractContextManager[object]:
        return trusting()


HONEST = Program()
PLANTED = {
    program.name: program
    for program in (
        BlindRetry(), NoFsync(), VolatileLatch(), ReduceByDelta(), ReusedIds(), SentBeforeJournal(), ForgottenLatch(),
        ForgottenPeak(),
    )
}  # fmt: skip
