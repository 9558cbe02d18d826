"""A broker on paper: executes market orders at the watched quotes, and makes the trouble its plan says."""

import heapq
import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from workbench.domain.currencies import Pair
from workbench.domain.policy.trading import Costs
from workbench.domain.trading.events import Quote
from workbench.domain.trading.orders import Execution, Order, OrderState
from workbench.execution.broker import BrokerUnreachableError, OutcomeUnknownError, Report
from workbench.execution.collar import SECOND_NS
from workbench.execution.paper.ledger import Entry, Ledger
from workbench.execution.paper.plan import PaperPlan

MILLISECOND_NS = 1_000_000
UNITS_TOLERANCE = 1e-6


@dataclass(order=True, slots=True)
class _Posted:
    due_ns: int
    number: int
    report: Report = field(compare=False)


class PaperBroker:
    """An account on paper.

    Like OANDA it does not look at ids: an order sent twice is executed twice, so whoever sends must not. A new broker
    on an old ledger goes on with what had been accepted, at its time or at the next price, and reports it again.

    Parameters
    ----------
    plan : PaperPlan
        Times, prices, troubles.
    ledger : Ledger
        Its books.
    generator : numpy Generator
        All its chance.
    costs : Costs, optional
        Executes at the middle and half this spread; without, at the bid or ask of the quote.
    opening : mapping, optional
        Signed units by strategy that were there before the first execution.
    """

    name = "paper"

    def __init__(
        self,
        plan: PaperPlan,
        ledger: Ledger,
        generator: np.random.Generator,
        costs: Costs | None = None,
        opening: Mapping[str, float] | None = None,
    ) -> None:
        self._plan, self._ledger, self._generator, self._costs = plan, ledger, generator, costs
        self._opening = dict(opening or {})
        self._quotes: dict[str, Quote] = {}
        self._posted: list[_Posted] = []
        self._posts = 0
        self._outage_until_ns = 0
        self._sent: deque[int] = deque(maxlen=plan.orders_per_second)
        # what an earlier process accepted waits for the first price this one sees
        self._inherited = {entry.number for entry in ledger.pending()}
        for entry in ledger.pending():
            self._post(entry.due_ns, Report(entry.order.id, OrderState.ACKNOWLEDGED))

    def submit(self, order: Order, now_ns: int) -> None:
        """Take an order, or fail in one of the two ways."""
        self._begin(now_ns)
        if self._happens(self._plan.outage_probability):
            self._outage_until_ns = now_ns + round(self._plan.outage_seconds * SECOND_NS)
            raise BrokerUnreachableError("the connection to the paper broker was lost")
        self._hold_rate(now_ns)
        chance = self._generator.random()
        if chance < self._plan.timeout_before_probability:
            raise OutcomeUnknownError("the paper broker did not answer in time")
        self._accept(order, now_ns)
        if chance < self._plan.timeout_before_probability + self._plan.timeout_after_probability:
            raise OutcomeUnknownError("the paper broker did not answer in time")

    def traded_by_another(self, order: Order, now_ns: int) -> None:
        """Somebody else trades on the account, past us: made up for a rehearsal, as a real account may see it.

        Parameters
        ----------
        order : Order
            Theirs, with an id that is none of ours.
        now_ns : int
            Now.
        """
        self._begin(now_ns)
        self._accept(order, now_ns)

    def cancel(self, order_id: str, now_ns: int) -> None:
        """Cancel what has not been executed yet; an order that has ended, or was never heard of, stays as it is."""
        self._begin(now_ns)
        for entry in self._ledger.pending():
            if entry.order.id == order_id:
                self._end(entry, OrderState.CANCELLED, "cancelled on request", now_ns)

    def reports(self, now_ns: int) -> Sequence[Report]:
        """What has been reported since the last time."""
        self._begin(now_ns)
        reports = []
        while self._posted and self._posted[0].due_ns <= now_ns:
            reports.append(heapq.heappop(self._posted).report)
        return reports

    def executions(self, after: int, now_ns: int) -> Sequence[Execution]:
        """Everything executed with a number above `after`, in order."""
        self._begin(now_ns)
        return self._ledger.executions(after)

    def state_of(self, order_id: str, now_ns: int) -> Report | None:
        """What became of an order, from the books."""
        self._begin(now_ns)
        entry = self._ledger.latest(order_id)
        return None if entry is None else Report(order_id, entry.state, reason=entry.reason)

    def positions(self, now_ns: int) -> Mapping[str, float]:
        """Signed units held for each strategy."""
        self._begin(now_ns)
        executed = self._ledger.positions()
        return {name: self._held(name) for name in {**self._opening, **executed}}

    def watch(self, quotes: Sequence[Quote]) -> None:
        """Take prices in, oldest first; orders due before one of them are executed at the price before it.

        What is not a price, or crossed, is left out: nothing is executed at it.
        """
        for quote in quotes:
            if math.isfinite(quote.ask) and 0.0 < quote.bid <= quote.ask:
                self._advance(quote.time_ns - 1)
                self._quotes[quote.pair] = quote

    def due_ns(self) -> int | None:
        """When it will next report or execute something; not before an outage that has been met is over."""
        times = [entry.due_ns for entry in self._ledger.pending() if not self._waits_for_price(entry)]
        times += [self._posted[0].due_ns] if self._posted else []
        return max(min(times), self._outage_until_ns) if times else None

    # --- answering

    def _begin(self, now_ns: int) -> None:
        """Do what was due by now, also unseen; then answer, unless nothing answers."""
        self._advance(now_ns)
        planned = [end_ns for start_ns, end_ns in self._plan.outages_ns if start_ns <= now_ns < end_ns]
        self._outage_until_ns = max(self._outage_until_ns, *planned, 0)
        if now_ns < self._outage_until_ns:
            raise BrokerUnreachableError("the paper broker cannot be reached")

    def _hold_rate(self, now_ns: int) -> None:
        if len(self._sent) == self._plan.orders_per_second and now_ns - self._sent[0] < SECOND_NS:
            raise BrokerUnreachableError(f"the paper broker takes {self._plan.orders_per_second} orders a second")
        self._sent.append(now_ns)

    def _accept(self, order: Order, now_ns: int) -> None:
        acknowledged_ns = now_ns + self._latency_ns(self._plan.acknowledge_ms, self._plan.acknowledge_jitter_ms)
        due_ns = acknowledged_ns + self._latency_ns(self._plan.execute_ms, self._plan.execute_jitter_ms)
        entry = Entry(self._ledger.next_entry(), order, due_ns)
        if now_ns > order.valid_until_ns:
            self._end(entry, OrderState.REJECTED, "it came after its time", acknowledged_ns)
        elif self._happens(self._plan.rejection_probability):
            self._end(entry, OrderState.REJECTED, "the paper broker will not have it", acknowledged_ns)
        else:
            self._ledger.write(entry)
            if not self._happens(self._plan.lost_acknowledgement_probability):
                self._post_badly(acknowledged_ns, Report(order.id, OrderState.ACKNOWLEDGED))

    def _end(self, entry: Entry, state: OrderState, reason: str, time_ns: int) -> None:
        self._ledger.write(replace(entry, state=state, reason=reason))
        self._report(time_ns, Report(entry.order.id, state, reason=reason))

    def _report(self, time_ns: int, report: Report) -> None:
        if not self._happens(self._plan.lost_report_probability):
            self._post_badly(time_ns, report)

    def _post_badly(self, time_ns: int, report: Report) -> None:
        self._post(self._perhaps_late(time_ns), report)
        if self._happens(self._plan.duplicate_report_probability):
            self._post(self._perhaps_late(time_ns), report)

    def _perhaps_late(self, time_ns: int) -> int:
        if not self._happens(self._plan.late_report_probability):
            return time_ns
        return time_ns + round(self._generator.random() * self._plan.late_report_ms * MILLISECOND_NS)

    def _post(self, time_ns: int, report: Report) -> None:
        self._posts += 1
        heapq.heappush(self._posted, _Posted(time_ns, self._posts, report))

    def _happens(self, probability: float) -> bool:
        return probability > 0.0 and bool(self._generator.random() < probability)

    def _latency_ns(self, mean_ms: float, jitter_ms: float) -> int:
        return round((mean_ms + jitter_ms * self._generator.uniform(-1.0, 1.0)) * MILLISECOND_NS)

    # --- executing

    def _advance(self, now_ns: int) -> None:
        """Execute what is due, in the order of the times it is due at."""
        while True:
            due = [e for e in self._ledger.pending() if e.due_ns <= now_ns and not self._waits_for_price(e)]
            if not due:
                return
            self._execute(min(due, key=lambda entry: (entry.due_ns, entry.number)))

    def _waits_for_price(self, entry: Entry) -> bool:
        return entry.number in self._inherited and entry.order.pair not in self._quotes

    def _execute(self, entry: Entry) -> None:
        quote = self._quotes.get(entry.order.pair)
        if quote is None:
            self._end(entry, OrderState.REJECTED, "no price", entry.due_ns)
            return
        moment_ns = max(entry.due_ns, quote.time_ns)
        if moment_ns - quote.time_ns > self._plan.price_lives_seconds * SECOND_NS:
            state = OrderState.CANCELLED if entry.executed else OrderState.REJECTED
            self._end(entry, state, "no price", moment_ns)
            return
        units = self._allowed(entry)
        if units == 0.0:
            self._end(entry, OrderState.CANCELLED, "nothing to reduce", moment_ns)
            return
        self._fill(entry, units, quote, moment_ns)

    def _allowed(self, entry: Entry) -> float:
        """Units still to be executed: with reduce_only at most down to zero."""
        rest = entry.order.units - entry.executed
        if not entry.order.reduce_only:
            return rest
        held = self._held(entry.order.strategy)
        if held * rest >= 0.0 or abs(held) <= UNITS_TOLERANCE:
            return 0.0
        return rest if abs(rest) <= abs(held) else -held

    def _fill(self, entry: Entry, units: float, quote: Quote, moment_ns: int) -> None:
        part = units
        if entry.executed == 0.0 and self._happens(self._plan.partial_fill_probability):
            part = float(np.trunc(units * self._generator.uniform(0.2, 0.8))) or units
        order = entry.order
        number, price = self._ledger.next_execution(), self._price(order, quote)
        execution = Execution(number, order.id, order.strategy, order.pair, part, price, moment_ns)
        state = OrderState.FILLED if part == units else OrderState.PART_FILLED
        later_ns = moment_ns + self._latency_ns(self._plan.execute_ms, self._plan.execute_jitter_ms)
        entry = replace(entry, executed=entry.executed + part, state=state, due_ns=later_ns)
        self._ledger.write(entry, execution)
        self._report(moment_ns, Report(order.id, state, execution))
        if state is OrderState.PART_FILLED and self._happens(self._plan.rest_cancelled_probability):
            self._end(entry, OrderState.CANCELLED, "nothing more could be had", later_ns)

    def _price(self, order: Order, quote: Quote) -> float:
        side = 1.0 if order.units > 0.0 else -1.0
        pip = Pair.parse(order.pair).pip
        price = quote.ask if side > 0.0 else quote.bid
        if self._costs is not None:
            middle = (quote.bid + quote.ask) / 2.0
            price = middle + side * self._costs.of(order.pair).half_spread_pips * pip
        slippage = self._generator.normal(self._plan.slippage_pips, self._plan.slippage_jitter_pips)
        return float(price + side * slippage * pip)

    def _held(self, strategy: str) -> float:
        return self._opening.get(strategy, 0.0) + self._ledger.positions().get(strategy, 0.0)
