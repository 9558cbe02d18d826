"""The promises, checked from outside: on what the broker has accepted and executed, and on what the disk has kept.

When exactly each holds:

- I1 an id has one entry in the broker's books, and executes at most what it asked for;
- I2 an order leaves the loop only after its intent was acknowledged by the journal, and after every restart each id the
  broker knows is in the journal;
- I3 while the engine is not ACTIVE the broker accepts nothing that later makes a position grow. What it had accepted
  before the mode changed may still execute: it can be cancelled, not called back. No execution ever turns a position,
  and no reduce-only order ever makes one grow, in any mode;
- I4 what is latched after a turn, and a halt whose message has been taken out, holds in every later turn and after
  every restart until two people's resume is in the journal;
- I5 the last row acknowledged before a crash is there after it with the same digest, which covers all rows before it;
- I6 no reduction goes beyond the target stored when it was sent; how reductions end is I8;
- I7 no quote in the journal is unknown, not a number, not positive, crossed or half away from the truth; each good
  price of the engine is between true ones of the time since its third last quote; equity is that of the broker's books;
- I9 every act of a person in the journal has that person's message beside it.

The peak of equity does not fall at a restart. I8 is `Convergence`.
"""

import json
import math
import struct
from collections import Counter, deque
from collections.abc import Sequence

import apsw
import numpy as np
from market import HALF_SPREAD, Market
from numpy.typing import NDArray
from trouble import TroubledBroker

from workbench.data.inbox import Command
from workbench.data.journal import codec
from workbench.data.journal.chain import BrokenChainError, Chain, first_digest
from workbench.data.journal.journal import Journal
from workbench.data.journal.reading import columns_of_rows
from workbench.data.journal.rows import Head, Row, RowKind, StoredRow
from workbench.domain.currencies import CURRENCIES, LEGS, PAIRS
from workbench.domain.errors import DataError
from workbench.domain.trading.decisions import RiskSnapshot, TargetPosition
from workbench.domain.trading.events import Heartbeat, OperatorEnable, OperatorHalt, OperatorReduce, OperatorResume
from workbench.domain.trading.modes import Ladder, Mode
from workbench.domain.trading.orders import Order, OrderState
from workbench.domain.trading.reasons import Reason
from workbench.engine.risk_engine import EngineState
from workbench.execution.gateway import OrderGateway
from workbench.execution.paper.ledger import Entry, MemoryLedger
from workbench.runtime.live.recovery import beginning, event_of
from workbench.runtime.live.rows import decision_row

Floats = NDArray[np.float64]
UNITS = 1e-6
HEARTBEAT_TAG = codec.EVENT_TAGS[Heartbeat]
RESUME_TAG = codec.EVENT_TAGS[OperatorResume]
LOOSENING_TAGS = {RESUME_TAG, codec.EVENT_TAGS[OperatorEnable]}
PEOPLE_TAGS = {codec.EVENT_TAGS[kind] for kind in (OperatorHalt, OperatorReduce, OperatorResume, OperatorEnable)}
TARGET_TAG = codec.DECISION_TAGS[TargetPosition]
REDUCTIONS = {Reason.CAP_LOWERED.name, Reason.CLOSED_BY_RUNG.name, Reason.OPERATOR_REDUCE.name}
_QUOTE = struct.Struct("<BBBdd")
TICKS_BEFORE = 12
TOLERANCE = 3.0 * HALF_SPREAD
TICKS_AROUND = 150
EQUITY_WITHIN = 0.002
"""Of the first equity: the opening prices have no spread, and the good prices of a currency may be a little apart."""
OPERATOR = (-1, 0)
"""The latch of a person's halt, beside those of (ladder, rung)."""


def latches_of(state: EngineState) -> set[tuple[int, int]]:
    """Everything that waits for two people."""
    latched = state.tripped.astype(bool) & (state.settings.numbers["people"][0] > 0)
    found = {(int(ladder), int(rung)) for ladder, rung in np.argwhere(latched)}
    return found | ({OPERATOR} if state.operator_halt else set())


def latch_names(latches: set[tuple[int, int]]) -> str:
    """Latches in words."""
    return ", ".join("a halt" if one == OPERATOR else f"{Ladder(one[0]).name} {one[1] + 1}" for one in sorted(latches))


class Witness:
    """Sees everything that cannot be taken back, and says which promise it breaks.

    Parameters
    ----------
    market : Market
        The truth about prices.
    ledger : MemoryLedger
        The broker's books.
    """

    def __init__(self, market: Market, ledger: MemoryLedger) -> None:
        self._market, self._ledger = market, ledger
        self.violations: list[str] = []
        self.counts: Counter[str] = Counter()
        self.state: EngineState | None = None
        """Of the loop that runs; None while there is none."""
        self.now_ns = self.last_quote_ns = self._event_ns = 0
        self._intents: set[str] = set()
        self._modes: dict[int, Mode] = {}
        self._targets: dict[str, float] = {}
        self.head = Head(0, "")
        self._latches: set[tuple[int, int]] = set()
        self._resumes = self._resumes_seen = 0
        self._peak = 0.0
        self._asked: dict[str, int] = {}
        self._quoted: dict[int, deque[int]] = {}
        self._last_quote: dict[int, tuple[float, float]] = {}

    def violate(self, promise: str, sentence: str) -> None:
        """Note a broken promise."""
        self.violations.append(f"{promise} {sentence}")

    # ------------------------------------------------------------------------------------------------ at the journal

    def wrote(self, rows: Sequence[Row], journal: Journal) -> None:
        """Rows are said to be on the disk."""
        self.head = journal.head
        acts, messages = 0, 0
        for row in rows:
            if row.kind in (RowKind.EVENT, RowKind.TICK):
                if row.time_ns < self._event_ns:
                    self.violate("I7", "an event older than the one before it was journaled: no engine can step it")
                self._event_ns = row.time_ns
            if row.kind is RowKind.TICK:
                if row.body[0] != HEARTBEAT_TAG:
                    self._journaled_quote(row)
            elif row.kind is RowKind.ORDER:
                note = json.loads(row.body[1:])
                self.counts[f"order {note['state']}"] += 1
                if note["state"] == "INTENT":
                    self._intents.add(note["order"]["id"])
            elif row.kind is RowKind.DECISION and row.body[0] == TARGET_TAG:
                self.counts["reductions"] += json.loads(row.body[1:])["reason"] in REDUCTIONS
            elif row.kind is RowKind.EVENT:
                acts += row.body[0] in PEOPLE_TAGS
                if row.body[0] in LOOSENING_TAGS and b'"approver":"second"' not in row.body:
                    self.violate("I9", f"one person alone has loosened: {row.body!r}")
                self._resumes += row.body[0] == RESUME_TAG
            elif row.kind is RowKind.COMMAND:
                messages += 1
        if acts > messages:
            self.violate("I9", f"{acts} acts of people were journaled with {messages} messages beside them")

    def _journaled_quote(self, row: Row) -> None:
        self.last_quote_ns = row.time_ns
        tag, place, feed, bid, ask = _QUOTE.unpack(row.body) if len(row.body) == _QUOTE.size else (0, 0, 0, 0.0, 0.0)
        in_use = 0 if self.state is None else int(self.state.feed)
        if tag != 1:
            self.violate("I7", f"a quote of an unknown pair or feed was accepted: {row.body!r}")
        elif not (math.isfinite(bid) and math.isfinite(ask) and 0.0 < bid <= ask):
            self.violate("I7", f"a quote of {PAIRS[place]} was accepted at {bid} to {ask}")
        elif abs(0.5 * (bid + ask) / self._market.mids[self._market.tick(row.time_ns), place] - 1.0) > 0.5:
            self.violate("I7", f"a quote of {PAIRS[place]} was accepted at {bid} to {ask}, half away from the truth")
        elif feed == in_use and self._last_quote.get(place) != (bid, ask):
            self._last_quote[place] = (bid, ask)
            self._quoted.setdefault(place, deque(maxlen=3)).append(self._market.tick(row.time_ns))

    # ------------------------------------------------------------------------------------------------- at the broker

    def submitted(self, order: Order) -> None:
        """An order has left the loop."""
        self.counts["orders sent"] += 1
        if order.id not in self._intents:
            self.violate("I2", f"order {order.id} was sent before its intent was on the disk")
        if self.state is not None:
            self._targets[order.id] = float(self.state.target[self.state.settings.slots[order.strategy]])

    def accepted(self, entry: Entry) -> None:
        """An order is in the broker's books."""
        self._modes[entry.number] = Mode(int(self.state.mode)) if self.state is not None else Mode.ACTIVE
        earlier = [one for one in self._ledger._entries.values() if one.order.id == entry.order.id]
        if len(earlier) > 1:
            self.violate("I1", f"the broker has accepted {len(earlier)} orders under the id {entry.order.id}")

    def executed(self, entry: Entry, before: float, after: float) -> None:
        """A position at the broker has changed."""
        order, what = entry.order, f"order {entry.order.id} took {entry.order.strategy} from {before:g} to {after:g}"
        self.counts["executions"] += 1
        self.counts["executions that grew a position"] += abs(after) > abs(before)
        total = self._ledger._entries[entry.number].executed
        if abs(total) > abs(order.units) + UNITS:
            self.violate("I1", f"{what}: it has executed {total:g} of {order.units:g} units")
        if before * after < -UNITS:
            self.violate("I3", f"{what}: it turned the position")
        mode = self._modes[entry.number]
        if abs(after) > abs(before) + UNITS and (order.reduce_only or mode is not Mode.ACTIVE):
            kind = "a reduce-only order" if order.reduce_only else "an order"
            self.violate("I3", f"{what}: {kind} accepted while {mode.name} made the position grow")
        target = self._targets.get(order.id, after)
        passed = abs(after - target) > UNITS and (before - target) * (after - target) < 0.0
        if order.reduce_only and passed and target * before >= 0.0:
            self.violate("I6", f"{what}: beyond the stored target {target:g}")

    # ---------------------------------------------------------------------------------------------- between the turns

    def asked(self, command: Command) -> None:
        """Somebody has left a message."""
        self._asked[command.nonce] = self._resumes

    def turned(self, state: EngineState, halts_done: Sequence[str]) -> None:
        """A turn is over, in which these halts were taken out of the inbox as done."""
        latches, before = latches_of(state), self._latches
        if any(self._asked.get(nonce) == self._resumes for nonce in halts_done):
            before = before | {OPERATOR}
        if not before <= latches and self._resumes == self._resumes_seen:
            self.violate("I4", f"{latch_names(before - latches)} let go although nobody resumed")
        self._latches, self._resumes_seen = latches, self._resumes
        self._peak = float(state.peak)
        for ladder, rung in np.argwhere(state.tripped):
            self.counts[f"seen tripped: {Ladder(ladder).name} {rung + 1}"] = 1
        if self.counts["turns"] % 5 == 0:
            self.check_prices(state)
        self.counts["turns"] += 1

    def check_prices(self, state: EngineState) -> None:
        """Check that the engine believes only what was true not long ago."""
        now = self._market.tick(self.now_ns)
        for place, quoted in self._quoted.items():
            # before three quotes of it the price of the opening may still stand
            since = max(quoted[0] - TICKS_BEFORE, 0) if len(quoted) == 3 else 0
            true = self._market.mids[since : now + 1, place]
            good = float(state.good[place])
            if not true.min() * (1.0 - TOLERANCE) <= good <= true.max() * (1.0 + TOLERANCE):
                span = f"{true.min():g} to {true.max():g}"
                self.violate("I7", f"the engine believes {PAIRS[place]} at {good:g}; true was {span}")
        if not all(math.isfinite(float(value)) for value in (state.equity, state.peak)):
            self.violate("I7", f"equity is {state.equity}, its peak {state.peak}")

    def started(self, journal: Journal, state: EngineState) -> None:
        """A loop has begun from what the disk has kept."""
        notes = [json.loads(row.body[1:]) for row in journal.rows(kinds=(RowKind.ORDER,))]
        self._intents = {note["order"]["id"] for note in notes}
        lost = {entry.order.id for entry in self._ledger._entries.values()} - self._intents
        if lost:
            self.violate("I2", f"the broker has {', '.join(sorted(lost))}, of which the journal knows nothing")
        resumed = self._resumed_since(journal)
        gone = self._latches - latches_of(state)
        if gone and not resumed:
            self.violate("I4", f"{latch_names(gone)} did not survive a restart")
        if latches_of(state) and Mode(int(state.mode)) is Mode.ACTIVE:
            self.violate("I4", f"ACTIVE after a restart although {latch_names(latches_of(state))} waits for people")
        if float(state.peak) < self._peak - UNITS and not resumed:
            self.violate("I4", f"the peak of equity fell from {self._peak:.2f} to {float(state.peak):.2f} at a restart")
        self._latches, self._peak, self._resumes_seen = latches_of(state), float(state.peak), self._resumes
        self.head = journal.head
        self.state = state

    def opened(self, journal: Journal) -> None:
        """A journal has been opened: the last acknowledged row must be there."""
        if not self.head.sequence:
            return
        kept = next(iter(journal.rows(after=self.head.sequence - 1, upto=self.head.sequence)), None)
        if kept is None or kept.digest.hex() != self.head.digest:
            state = "is gone" if kept is None else "is another one"
            self.violate("I5", f"row {self.head.sequence} was acknowledged and {state} after a restart")

    def _resumed_since(self, journal: Journal) -> bool:
        """Whether a resume was journaled that the last whole turn had not seen."""
        resumes = sum(row.body[0] == RESUME_TAG for row in journal.rows(kinds=(RowKind.EVENT,)))
        newer = resumes > self._resumes_seen
        self._resumes = resumes
        return newer

    def check_equity(self, state: EngineState, broker: TroubledBroker, opening: tuple[float, dict[str, float]]) -> None:
        """Compare the engine's equity with that of the broker's books at the engine's good prices.

        What a fill realises is converted when the engine hears of it, at the price it then believes of the quote
        currency: any true one between the longest silence before and the longest time without a loop after.
        """
        first, prices = opening
        usd = dict(zip(CURRENCIES, state.value.tolist(), strict=True))
        good = dict(zip(PAIRS, state.good.tolist(), strict=True))
        lots = {name: (units, prices[self._pair(state, name)]) for name, units in broker._opening.items()}
        low = high = first
        for execution in self._ledger.executions(0):
            held, price = lots.get(execution.strategy, (0.0, 0.0))
            after = held + execution.units
            if held * execution.units >= 0.0:
                paid = (abs(held) * price + abs(execution.units) * execution.price) / abs(after)
                lots[execution.strategy] = (after, paid)
                continue
            gain = -execution.units * (execution.price - price)
            worths = gain * self._values_around(execution.pair[3:], execution.time_ns)
            low, high = low + float(worths.min()), high + float(worths.max())
            lots[execution.strategy] = (after, price)
        for name, (units, price) in lots.items():
            pair = self._pair(state, name)
            low, high = (side + units * (good[pair] - price) * usd[pair[3:]] for side in (low, high))
        slack = EQUITY_WITHIN * first
        if not low - slack <= float(state.equity) <= high + slack:
            self.violate("I7", f"equity is {state.equity:.2f}; by the broker's books it is {low:.2f} to {high:.2f}")

    def _pair(self, state: EngineState, name: str) -> str:
        return state.settings.strategies[state.settings.slots[name]].pair

    def _values_around(self, currency: str, time_ns: int) -> Floats:
        """US dollars for one unit of a currency when the engine may have heard of an execution."""
        if currency == "USD":
            return np.ones(1)
        tick = self._market.tick(time_ns)
        return self._market.values[max(tick - TICKS_AROUND, 0) : tick + TICKS_AROUND, LEGS.index(currency)]


# ------------------------------------------------------------------------------------------------------------ endings


def gaps_of(state: EngineState, broker: TroubledBroker) -> dict[str, bool]:
    """Strategies whose position at the broker is not at its target, and whether they have to grow to get there.

    One that may not grow, because of the mode or a lock, has no gap.
    """
    found = {}
    held = broker.held()
    for strategy, target, lock in zip(
        state.settings.strategies, state.target.tolist(), state.locked.tolist(), strict=False
    ):
        units = held.get(strategy.name, 0.0)
        if abs(target - units) <= UNITS:
            continue
        grows = units * (target - units) >= 0.0
        if not grows or (Mode(int(state.mode)) is Mode.ACTIVE and not lock):
            found[strategy.name] = grows
    return found


def doubts_of(state: EngineState, gateway: OrderGateway, broker: TroubledBroker) -> list[str]:
    """What is not known for certain: orders, positions, reconciliation."""
    doubts = [f"order {order.id} is UNKNOWN" for order, now in gateway.live_orders if now is OrderState.UNKNOWN]
    if state.unreconciled or state.unknown_intent.any():
        doubts.append("the engine is not reconciled")
    held, ours = broker.held(), gateway.held
    for strategy, units in zip(state.settings.strategies, state.units.tolist(), strict=False):
        three = {round(value, 3) + 0.0 for value in (units, held.get(strategy.name, 0.0), ours.get(strategy.name, 0.0))}
        if len(three) > 1:
            doubts.append(f"{strategy.name}: engine, gateway and broker hold {units}, {ours}, {held}")
    return doubts


class Convergence:
    """I8: once faults stop, what is in doubt is settled and what is to be reduced is reduced within 30 s.

    The time counts from the first price after the faults (a feed may wait up to 30 s before it is tried again) and, for
    a gap, from when its target was set. Growing has 90 s: after failures it may wait 60 s before it tries again.
    """

    REDUCE_NS, GROW_NS = 30_000_000_000, 90_000_000_000

    def __init__(self, now_ns: int) -> None:
        self.calm_ns = now_ns
        self._since: dict[tuple[str, int], int] = {}
        self._doubtful_ns: int | None = None

    def late(self, state: EngineState, gateway: OrderGateway, broker: TroubledBroker, now_ns: int) -> list[str] | None:
        """What is still open after its time; None when nothing is open at all."""
        gaps, doubts = gaps_of(state, broker), doubts_of(state, gateway, broker)
        late, open_now = [], {}
        for name, grows in gaps.items():
            intent = int(state.intent[state.settings.slots[name]])
            since = open_now[name, intent] = self._since.get((name, intent), now_ns)
            if now_ns - since > (self.GROW_NS if grows else self.REDUCE_NS):
                late.append(f"{name} is not at its target {state.target[state.settings.slots[name]]:g}")
        self._since = open_now
        self._doubtful_ns = (self._doubtful_ns or now_ns) if doubts else None
        if self._doubtful_ns is not None and now_ns - self._doubtful_ns > self.REDUCE_NS:
            late += doubts
        return late if gaps or doubts else None


def followed(connection: apsw.Connection, journal_id: str, head: Head) -> list[StoredRow] | str:
    """Every row of a journal, or the fault of its chain in words."""
    chain = Chain(journal_id, None, 0, first_digest(journal_id))
    try:
        rows = [chain.follow(values) for values in columns_of_rows(connection, 0)]
    except (BrokenChainError, apsw.Error) as error:
        return f"the journal cannot be followed: {error}"
    if chain.sequence < head.sequence or rows[head.sequence - 1].digest.hex() != head.digest:
        return f"it ends at row {chain.sequence}, and row {head.sequence} was acknowledged"
    return rows


def stepped_again(rows: Sequence[StoredRow], state: EngineState) -> str:
    """The difference a fresh engine finds when it steps the whole journal; empty when there is none."""
    engine, start = beginning(rows[0])
    fresh, expected, written = engine.init(start), list[bytes](), list[bytes]()
    for row in rows:
        if row.kind is RowKind.DECISION:
            written.append(row.body)
        elif row.kind in (RowKind.EVENT, RowKind.TICK):
            try:
                fresh, decisions = engine.step(fresh, event_of(row))
            except DataError as error:
                return f"row {row.sequence} cannot be stepped: {error}"
            expected += [decision_row(one).body for one in decisions if not isinstance(one, RiskSnapshot)]
    if written != expected:
        return f"{len(expected)} decisions follow from the events, and other ones were written ({len(written)})"
    return "" if fresh.digest == state.digest else "the engine's state is another one"
