"""Reports in any order, twice, late or never: what we hold is what the account's books say, and each fill is one."""

from itertools import permutations

import pytest

from workbench.domain.trading.events import BookMismatch, Fill, Reconciled
from workbench.domain.trading.orders import Execution, OrderState
from workbench.execution.broker import Report

ACKNOWLEDGED, PART_FILLED, FILLED = OrderState.ACKNOWLEDGED, OrderState.PART_FILLED, OrderState.FILLED
CANCELLED, REJECTED = OrderState.CANCELLED, OrderState.REJECTED


class BookBroker:
    """An account whose books the test writes, and whose reports it hands over as it likes."""

    name = "books"

    def __init__(self):
        self.sent, self.books, self.states, self.waiting, self.held = [], [], {}, [], {}

    def submit(self, order, now_ns):
        self.sent.append(order)
        self.states[order.id] = Report(order.id, ACKNOWLEDGED)

    def cancel(self, order_id, now_ns):
        """Nobody cancels here."""

    def reports(self, now_ns):
        waiting, self.waiting = self.waiting, []
        return waiting

    def executions(self, after, now_ns):
        return [execution for execution in self.books if execution.number > after]

    def state_of(self, order_id, now_ns):
        return self.states.get(order_id)

    def positions(self, now_ns):
        return self.held

    def watch(self, quotes):
        """Prices change nothing here."""

    def due_ns(self):
        return None

    def execute(self, order_id, strategy, units, state):
        execution = Execution(len(self.books) + 1, order_id, strategy, "EURUSD", units, 1.1, 0)
        self.books.append(execution)
        self.held[strategy] = self.held.get(strategy, 0.0) + units
        return self.end(order_id, state, execution)

    def end(self, order_id, state, execution=None):
        self.states[order_id] = Report(order_id, state)
        return Report(order_id, state, execution)


LIVES = {
    "filled": lambda broker, key: [Report(key, ACKNOWLEDGED), broker.execute(key, "euro", 1000.0, FILLED)],
    "in parts": lambda broker, key: [
        Report(key, ACKNOWLEDGED),
        broker.execute(key, "euro", 400.0, PART_FILLED),
        broker.execute(key, "euro", 600.0, FILLED),
    ],
    "less than asked": lambda broker, key: [
        Report(key, ACKNOWLEDGED),
        broker.execute(key, "euro", 400.0, PART_FILLED),
        broker.execute(key, "euro", 100.0, FILLED),
    ],
    "rest cancelled": lambda broker, key: [
        Report(key, ACKNOWLEDGED),
        broker.execute(key, "euro", 400.0, PART_FILLED),
        broker.end(key, CANCELLED),
    ],
    "cancelled": lambda broker, key: [Report(key, ACKNOWLEDGED), broker.end(key, CANCELLED)],
    "rejected": lambda broker, key: [Report(key, ACKNOWLEDGED), broker.end(key, REJECTED)],
}
ORDERS = {
    name: sorted(set(permutations(range(count))) | {(*range(count), *range(count)), (*range(count - 1, -1, -1),) * 2})
    for name, count in (("filled", 2), ("in parts", 3), ("less than asked", 3), ("rest cancelled", 3))
}
ORDERS |= dict.fromkeys(("cancelled", "rejected"), ORDERS["filled"])


def one_order(loop):
    broker = BookBroker()
    desk = loop(broker=broker)
    desk.run(0.2)
    desk.want("euro", 1000)
    desk.round()
    desk.targets.clear()
    return desk, broker, broker.sent[0].id


def check_books(desk, broker):
    assert {key: units for key, units in desk.gateway.held.items() if units} == broker.held
    assert desk.units == broker.held
    fills = [(fill.strategy, fill.units) for fill in desk.of(Fill)]
    assert fills == [(execution.strategy, execution.units) for execution in broker.books]
    assert desk.gateway.cursor == len(broker.books)
    assert desk.gateway.live_orders == ()
    assert desk.of(BookMismatch) == []
    assert len(broker.sent) == 1


@pytest.mark.parametrize(("life", "order"), [(life, order) for life, orders in ORDERS.items() for order in orders])
def test_reports_in_any_order_leave_what_the_books_say(loop, life, order):
    for together in (True, False):
        desk, broker, key = one_order(loop)
        reports = LIVES[life](broker, key)
        for place in order:
            broker.waiting.append(reports[place])
            if not together:
                desk.round()
        desk.round()
        check_books(desk, broker)


@pytest.mark.parametrize("life", LIVES)
def test_any_report_may_be_lost_and_repeats_change_nothing(loop, life):
    count = len(ORDERS[life][0]) if life not in ("cancelled", "rejected") else 2
    for kept in range(2**count):
        desk, broker, key = one_order(loop)
        reports = LIVES[life](broker, key)
        for place in range(count):
            if kept >> place & 1:
                broker.waiting += [reports[place], reports[place]]
        desk.run(7)
        broker.waiting += reports
        desk.run(0.3)
        check_books(desk, broker)


def test_a_fill_that_nobody_ordered_raises_the_alarm_and_is_held(loop):
    desk, broker, key = one_order(loop)
    broker.waiting.append(broker.execute(key, "euro", 1000.0, FILLED))
    desk.run(0.2)
    stranger = broker.execute("by hand", "euro", 500.0, FILLED)
    broker.waiting.append(stranger)
    desk.run(0.3)
    assert desk.of(Fill)[-1].intent == 0
    assert desk.gateway.held == {"euro": 1500.0}
    assert [(event.strategy, event.ours, event.theirs) for event in desk.of(BookMismatch)] == [("euro", 1000.0, 1500.0)]
    # nothing grows for it until people have put it right; it is said once
    desk.want("euro", 5000)
    desk.run(20)
    assert len(desk.of(BookMismatch)) == 1
    assert len(broker.sent) == 1
    broker.waiting.append(broker.execute("by hand too", "euro", -500.0, FILLED))
    desk.run(0.3)
    assert isinstance(desk.events[-1], Reconciled)
    desk.run(0.2)
    assert len(broker.sent) == 2


def test_units_at_the_broker_that_belong_to_nobody_are_a_mismatch_of_none_of_ours(loop):
    broker = BookBroker()
    broker.held["somebody"] = 100.0
    desk = loop(broker=broker)
    desk.run(1)
    assert [(event.strategy, event.ours, event.theirs) for event in desk.of(BookMismatch)] == [("", 0.0, 100.0)]
    broker.held["somebody"] = 200.0
    desk.run(6)
    assert len(desk.of(BookMismatch)) == 2
    del broker.held["somebody"]
    desk.run(6)
    assert isinstance(desk.events[-1], Reconciled)


def test_an_order_the_broker_has_never_heard_of_is_dead_only_after_its_time(loop):
    desk, broker, key = one_order(loop)
    broker.states.clear()
    desk.run(5.8)
    assert [state for _, state in desk.gateway.live_orders] == [OrderState.UNKNOWN]
    desk.run(1.0)
    assert desk.gateway.live_orders == ()
    assert desk.journal[-1].state is CANCELLED
    assert desk.journal[-1].reason == "the broker has never heard of it"
    assert [order.id for order in broker.sent] == [key]


def test_the_rest_is_ordered_only_once_every_fill_of_the_first_order_is_known(loop):
    broker = BookBroker()
    desk = loop(broker=broker)
    desk.run(0.2)
    desk.want("euro", 1000)
    desk.round()
    key = broker.sent[0].id
    late = broker.execute(key, "euro", 400.0, PART_FILLED)
    broker.waiting.append(broker.end(key, CANCELLED))
    desk.run(2)
    assert [order.units for order in broker.sent] == [1000.0, 600.0]
    broker.waiting.append(late)
    desk.run(0.2)
    assert desk.gateway.held == {"euro": 400.0}


def test_what_the_executions_add_up_to_is_compared_with_the_position_too(loop):
    desk, broker, key = one_order(loop)
    broker.waiting.append(broker.execute(key, "euro", 1000.0, FILLED))
    desk.run(0.3)
    # the engine and the broker's page agree on what the books do not explain
    desk.units["euro"] = broker.held["euro"] = 900.0
    desk.run(65)
    assert [(event.strategy, event.ours, event.theirs) for event in desk.of(BookMismatch)] == [("euro", 1000.0, 900.0)]
