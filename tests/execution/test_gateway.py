"""The gateway brings positions to their targets, one order at a time, and follows the rules on the way."""

from dataclasses import replace
from itertools import pairwise

import pytest

from workbench.domain.errors import InvariantError
from workbench.domain.trading.events import BrokerStatus, Fill, OrderRejected, OrderUnknown, Reconciled, RepeatedIntent
from workbench.domain.trading.modes import Mode
from workbench.domain.trading.orders import OrderState
from workbench.execution.paper.plan import PaperPlan

SECOND_NS = 1_000_000_000
SURE = {"partial_fill_probability": 0.0, "rejection_probability": 0.0}


def test_targets_are_reached_and_the_engine_hears_each_fill_once(loop):
    desk = loop()
    desk.want("euro", 10_000)
    desk.want("yen", -20_000)
    desk.run_to_target(3)
    desk.run(2)
    assert sorted((fill.strategy, fill.units, fill.intent) for fill in desk.of(Fill)) == [
        ("euro", 10_000.0, 1),
        ("yen", -20_000.0, 1),
    ]
    for strategy in ("euro", "yen"):
        states = [note.state for note in desk.journal if note.order.strategy == strategy]
        assert states == [OrderState.INTENT, OrderState.SENT, OrderState.ACKNOWLEDGED, OrderState.FILLED]
    assert [event.connected for event in desk.of(BrokerStatus)] == [True]
    assert len(desk.of(Reconciled)) == 1
    assert desk.gateway.cursor == 2
    desk.check_promises()


def test_nothing_grows_before_positions_were_compared_and_reducing_does_not_wait(loop):
    desk = loop()
    desk.want("euro", 10_000)
    desk.run_to_target(3)
    desk.restart()
    desk.gateway.reconcile_due = lambda now_ns: False
    desk.want("euro", 4_000)
    desk.want("cable", 5_000)
    desk.run(3)
    assert desk.gateway.held == {"euro": 4_000.0}
    del desk.gateway.reconcile_due
    desk.run_to_target(3)


def test_a_locked_strategy_does_not_grow(loop):
    desk = loop()
    desk.want("euro", 10_000)
    desk.want("cable", 10_000)
    desk.locked = frozenset({"euro"})
    desk.run(3)
    assert desk.gateway.held == {"cable": 10_000.0}


def test_an_engine_that_has_never_asked_gets_no_order(loop):
    desk = loop()
    desk.want("euro", 10_000)
    desk.targets["euro"] = replace(desk.targets["euro"], intent=0)
    desk.run(3)
    assert desk.journal == []


def test_orders_planned_together_count_against_each_other(loop):
    desk = loop()
    # 440,000 and 494,000 USD short, then 200,000 would make 1,134,000: more than equity
    desk.want("euro", 400_000)
    desk.want("cable", 380_000)
    desk.want("yen", -200_000)
    desk.run(0.2)
    assert [(note.order.strategy, note.state) for note in desk.journal[:3]] == [
        ("euro", OrderState.INTENT),
        ("cable", OrderState.INTENT),
        ("yen", OrderState.REFUSED),
    ]
    assert desk.journal[2].reason.startswith("NET_CURRENCY: net exposure to USD would be 1,134,000 USD")


def test_a_target_that_is_no_number_is_a_fault_of_the_program(loop):
    desk = loop()
    desk.want("euro", float("nan"))
    with pytest.raises(InvariantError, match="finite number of units"):
        desk.run(1)


def test_a_turn_goes_through_flat_with_two_orders(loop):
    desk = loop()
    desk.want("euro", 10_000)
    desk.run_to_target(3)
    desk.want("euro", -5_000)
    desk.run_to_target(3)
    assert [(order.units, order.reduce_only) for order in desk.broker.sent] == [
        (10_000.0, False),
        (-10_000.0, True),
        (-5_000.0, False),
    ]
    desk.check_promises()


def test_a_reduction_is_reduce_only_and_for_the_difference(loop):
    desk = loop()
    desk.want("euro", 10_000)
    desk.run_to_target(3)
    desk.want("euro", 4_000)
    desk.run_to_target(3)
    last = desk.broker.sent[-1]
    assert (last.units, last.reduce_only, last.intent, last.id) == (-6_000.0, True, 2, "j7-2")


@pytest.mark.parametrize("mode", [Mode.REDUCING, Mode.HALTED])
def test_nothing_grows_while_the_mode_is_not_active(loop, mode):
    desk = loop()
    desk.want("euro", 10_000)
    desk.run_to_target(3)
    desk.mode = mode
    desk.want("euro", 20_000)
    desk.want("cable", 10_000)
    desk.run(5)
    assert len(desk.broker.sent) == 1
    desk.want("euro", 5_000)
    desk.run(3)
    assert desk.gateway.held["euro"] == 5_000
    # a turn is made flat, no more
    desk.want("euro", -5_000)
    desk.run(5)
    assert desk.gateway.held["euro"] == 0


def test_growing_orders_are_cancelled_and_reducing_ones_go_on(loop):
    desk = loop(PaperPlan(**SURE, execute_ms=2000.0))
    desk.want("euro", 10_000)
    desk.run_to_target(5)
    desk.want("euro", 0)
    desk.want("cable", 10_000)
    desk.run(0.5)
    desk.mode = Mode.HALTED
    desk.run(4)
    assert desk.gateway.held == {"euro": 0.0}
    assert OrderState.CANCELLED in desk.states()
    assert not desk.gateway.live_orders


def test_cancelling_is_tried_again_until_the_broker_has_heard_it(loop):
    desk = loop(PaperPlan(**SURE, execute_ms=3000.0))
    desk.run(0.3)
    desk.want("euro", 10_000)
    desk.run(0.5)
    desk.broker._outage_until_ns = desk.now_ns + SECOND_NS
    desk.mode = Mode.REDUCING
    desk.run(4)
    assert desk.gateway.live_orders == ()
    assert desk.ledger.executions(0) == ()
    desk.check_promises()


def test_an_intent_that_is_cancelled_before_it_is_sent_never_is(loop):
    desk = loop()
    desk.run(0.5)
    desk.want("euro", 10_000)
    send, desk.gateway.send = desk.gateway.send, lambda now_ns: []
    desk.round()
    desk.commit(desk.gateway.cancel_all(desk.now_ns))
    desk.gateway.send, desk.mode = send, Mode.HALTED
    desk.run(1)
    assert [note.reason for note in desk.journal[-1:]] == ["never sent: all were cancelled"]
    assert desk.broker.sent == []


def test_growing_waits_for_a_young_price_and_reducing_does_not(loop):
    desk = loop()
    desk.want("euro", 10_000)
    desk.run_to_target(3)
    quotes = desk.quotes()
    desk.quotes = lambda: quotes
    desk.round(6 * SECOND_NS)
    desk.want("euro", 5_000)
    desk.want("cable", 5_000)
    desk.run(20)
    assert {(order.strategy, order.reduce_only) for order in desk.broker.sent[1:]} == {("euro", True)}
    del desk.quotes
    desk.run_to_target(6)


def test_an_intent_that_is_not_sent_in_time_never_is(loop):
    desk = loop()
    desk.run(0.5)
    desk.want("euro", 10_000)
    send, desk.gateway.send = desk.gateway.send, lambda now_ns: []
    desk.round()
    desk.gateway.send = send
    desk.targets.clear()
    desk.round(6 * SECOND_NS)
    assert desk.journal[-1].state is OrderState.CANCELLED
    assert "never sent" in desk.journal[-1].reason
    assert desk.broker.sent == []


def test_nothing_is_sent_before_its_note_is_applied(loop):
    desk = loop()
    desk.run(0.5)
    desk.want("euro", 10_000)
    desk.boundary_apply, desk.gateway.apply = desk.gateway.apply, lambda note: None
    desk.round()
    assert desk.journal[-1].state is OrderState.INTENT
    assert desk.broker.sent == []


def test_a_broker_that_rejects_is_tried_again_with_growing_waits_then_the_strategy_is_given_to_people(loop):
    desk = loop(PaperPlan(partial_fill_probability=0.0, rejection_probability=1.0))
    desk.want("euro", 10_000)
    desk.run(60)
    assert len(desk.broker.sent) == 5
    assert [event.strategy for event in desk.of(RepeatedIntent)] == ["euro"]
    assert len(desk.of(OrderRejected)) == 5
    intents = [note.time_ns / SECOND_NS for note in desk.journal if note.state is OrderState.INTENT]
    waits = [round(later - before) for before, later in pairwise(intents)]
    assert waits == [1, 2, 4, 8]
    # other strategies go on, and so does this one under a new intent
    desk.broker._plan = PaperPlan(**SURE)
    desk.want("cable", 10_000)
    desk.run(3)
    assert desk.gateway.held == {"cable": 10_000}
    desk.enable_repeated()
    desk.run_to_target(20)
    assert len(desk.of(RepeatedIntent)) == 1


def test_a_fill_forgives_the_attempts_before_it(loop):
    desk = loop(PaperPlan(**SURE))
    for _ in range(3):
        desk.broker._plan = PaperPlan(partial_fill_probability=0.0, rejection_probability=1.0)
        desk.want("euro", 10_000)
        desk.run(7)
        desk.broker._plan = PaperPlan(**SURE)
        desk.run_to_target(70)
        desk.want("euro", 0)
        desk.run_to_target(3)
    assert desk.of(RepeatedIntent) == []


def test_reducing_orders_are_never_given_up(loop):
    desk = loop()
    desk.want("euro", 10_000)
    desk.run_to_target(3)
    desk.broker._plan = PaperPlan(partial_fill_probability=0.0, rejection_probability=1.0)
    desk.want("euro", 0)
    desk.run(120)
    attempts = len(desk.broker.sent)
    assert 25 <= attempts <= 35  # 0.2, 0.4 ... then one in five seconds
    desk.broker._plan = PaperPlan(**SURE)
    desk.run_to_target(6)
    assert desk.of(RepeatedIntent) == []


def test_an_unknown_order_stops_growth_in_its_pair_only(loop):
    strategies = (*loop().strategies, type(loop().strategies[0])("euro two", "EURUSD"))
    desk = loop(PaperPlan(**SURE, timeout_before_probability=1.0), strategies=strategies)
    desk.want("euro", 10_000)
    desk.run(0.5)
    assert len(desk.of(OrderUnknown)) == 1
    desk.broker._plan = PaperPlan(**SURE)
    desk.want("euro two", 1_000)
    desk.want("cable", 1_000)
    desk.run(2)
    assert desk.gateway.held == {"cable": 1_000.0}
    desk.run_to_target(15)
    # at the start, and once the unknown order was settled
    assert len(desk.of(Reconciled)) == 2
    desk.check_promises()


def test_limits_refuse_with_their_numbers_and_are_noted(loop):
    desk = loop()
    desk.want("euro", 600_000)
    desk.run(2)
    refused = [note for note in desk.journal if note.state is OrderState.REFUSED]
    assert refused[0].reason == "ORDER_NOTIONAL: the order is worth 660,000 USD, at most 500,000"
    assert desk.broker.sent == []


def test_an_outage_is_announced_once_and_growth_waits(loop):
    start_ns = loop().now_ns
    desk = loop(PaperPlan(**SURE, outages_ns=((start_ns + SECOND_NS, start_ns + 20 * SECOND_NS),)))
    desk.run(2)
    desk.want("euro", 10_000)
    desk.run(10)
    assert desk.broker.sent == []
    desk.run_to_target(12)
    assert [event.connected for event in desk.of(BrokerStatus)] == [True, False, True]


def test_a_strategy_has_one_live_order(loop):
    desk = loop()
    desk.run(0.5)
    desk.want("euro", 10_000)
    desk.round()
    note = desk.journal[-2]
    assert note.state is OrderState.INTENT
    twin = replace(note, order=replace(note.order, id="j7-9"))
    with pytest.raises(InvariantError, match="one live order"):
        desk.gateway.apply(twin)
    with pytest.raises(InvariantError, match="used once"):
        desk.gateway.apply(note)


def test_positions_from_before_are_taken_over(loop):
    desk = loop()
    desk.broker._opening["euro"] = 7_000.0
    desk.gateway.take_over({"euro": 7_000.0})
    desk.units["euro"] = 7_000.0
    desk.want("euro", 2_000)
    desk.run_to_target(3)
    assert [order.units for order in desk.broker.sent] == [-5_000.0]
    with pytest.raises(InvariantError, match="before the first note"):
        desk.gateway.take_over({})


@pytest.mark.parametrize("trouble", ["rejection_probability", "outage_probability", "timeout_after_probability"])
def test_called_only_when_it_says_the_gateway_gets_there_and_time_always_passes(loop, trouble):
    desk = loop(PaperPlan(**{**SURE, "partial_fill_probability": 0.5, trouble: 0.4}), seed=3)
    desk.want("euro", 10_000)
    desk.want("cable", -9_000)
    rounds = 0
    while not desk.settled():
        due_ns = desk.gateway.due_ns(desk.now_ns)
        assert due_ns is not None and due_ns >= desk.now_ns
        # prices come at least every second
        desk.round(min(due_ns - desk.now_ns, SECOND_NS))
        rounds += 1
        assert rounds < 200
    assert desk.now_ns > loop().now_ns
    desk.check_promises()
