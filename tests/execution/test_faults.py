"""Crashes, lost answers and a nasty broker: nothing is executed twice, and the targets are reached in the end."""

import numpy as np
import pytest

from workbench.domain.trading.events import BookMismatch, OrderUnknown
from workbench.domain.trading.modes import Mode
from workbench.domain.trading.orders import OrderState
from workbench.execution.paper.ledger import FileLedger, MemoryLedger
from workbench.execution.paper.plan import PaperPlan

SURE = {"partial_fill_probability": 0.0, "rejection_probability": 0.0}
QUIET = PaperPlan(**SURE)
NASTY = PaperPlan(
    partial_fill_probability=0.2,
    rest_cancelled_probability=0.2,
    rejection_probability=0.2,
    lost_acknowledgement_probability=0.2,
    lost_report_probability=0.2,
    duplicate_report_probability=0.2,
    late_report_probability=0.2,
    late_report_ms=4000.0,
    timeout_before_probability=0.2,
    timeout_after_probability=0.2,
    outage_probability=0.2,
    outage_seconds=3.0,
    orders_per_second=2,
)


@pytest.mark.parametrize("trouble", ["timeout_before_probability", "timeout_after_probability"])
def test_an_order_without_an_answer_is_executed_exactly_once(loop, trouble):
    desk = loop(PaperPlan(**SURE, **{trouble: 1.0}))
    desk.want("euro", 10_000)
    desk.run(1)
    desk.broker._plan = QUIET
    desk.run_to_target(15)
    assert len(desk.of(OrderUnknown)) == 1
    assert len(desk.ledger.executions(0)) == 1
    desk.check_promises()


@pytest.mark.parametrize("lost", ["lost_acknowledgement_probability", "lost_report_probability"])
def test_lost_reports_are_found_in_the_books(loop, lost):
    desk = loop(PaperPlan(**SURE, **{lost: 1.0}, execute_ms=2500.0))
    desk.want("euro", 10_000)
    desk.run_to_target(10)
    assert len(desk.broker.sent) == 1
    desk.check_promises()


@pytest.mark.parametrize("done", range(4))
def test_a_connection_lost_after_k_of_n_reductions_ends_with_all_of_them(loop, done):
    desk = loop()
    for strategy in ("euro", "cable", "yen"):
        desk.want(strategy, 10_000)
    desk.run_to_target(3)
    for strategy in ("euro", "cable", "yen"):
        desk.want(strategy, 5_000)
    # in the third order sent from here on the outage begins
    submit = desk.broker.submit
    count = []

    def failing(order, now_ns):
        count.append(order)
        if len(count) == done + 1:
            desk.broker._outage_until_ns = now_ns + 10 * 10**9
        submit(order, now_ns)

    desk.broker.submit = failing
    desk.mode = Mode.REDUCING
    desk.run_to_target(20)
    assert desk.gateway.held == dict.fromkeys(("euro", "cable", "yen"), 5_000)
    desk.check_promises()


def script(desk):
    """Enter two, reduce one, turn the other, while a part is filled first and one answer is lost."""
    desk.want("euro", 10_000)
    desk.want("yen", 8_000)
    desk.run(1.5)
    desk.want("euro", 3_000)
    desk.want("yen", -8_000)
    desk.run(2)


PLAN = PaperPlan(partial_fill_probability=1.0, rejection_probability=0.0, rest_cancelled_probability=0.0)


@pytest.mark.parametrize("plan", [PLAN, PaperPlan(**SURE, timeout_after_probability=0.5)], ids=["parts", "timeouts"])
def test_a_crash_at_every_boundary_never_executes_twice_and_ends_at_the_target(loop, crash_error, plan):
    crashes = 0
    for fuse in range(1, 1000):
        desk = loop(plan, seed=2)
        desk.fuse = fuse
        try:
            script(desk)
        except crash_error:
            crashes += 1
            desk.restart()
        if desk.fuse is not None:
            break
        desk.want("euro", 3_000)
        desk.want("yen", -8_000)
        desk.run_to_target(25)
        desk.check_promises()
        assert desk.of(BookMismatch) == []
    assert crashes > 200


def test_a_gateway_rebuilt_from_every_prefix_of_the_notes_knows_what_was_held_then(loop):
    desk = loop(PLAN, seed=2)
    script(desk)
    for length in range(len(desk.journal) + 1):
        notes = desk.journal[:length]
        twin = loop(seed=2)
        for note in notes:
            twin.gateway.apply(note)
        executed = [note.execution.units for note in notes if note.execution and note.execution.strategy == "euro"]
        assert twin.gateway.held.get("euro", 0.0) == sum(executed)
        unknown = {note.order.id for note in twin.gateway.restart(desk.now_ns)}
        assert unknown == {order.id for order, state in twin.gateway.live_orders if state is not OrderState.UNKNOWN}
        assert twin.gateway.send(desk.now_ns) == []
    assert twin.gateway.held == desk.gateway.held
    assert twin.gateway.cursor == desk.gateway.cursor


@pytest.mark.parametrize("seed", range(30))
def test_a_nasty_broker_and_crashes_break_no_promise_and_the_targets_are_reached_afterwards(loop, crash_error, seed):
    desk = loop(NASTY, seed=seed)
    chance = np.random.default_rng(seed)
    for _ in range(40):
        strategy = str(chance.choice(["euro", "cable", "yen"]))
        desk.want(strategy, float(chance.integers(-20, 21) * 1000))
        desk.mode = Mode(int(chance.choice([0, 0, 0, 1, 2])))
        desk.fuse = int(chance.integers(1, 400))
        try:
            desk.run(float(chance.integers(1, 30)) / 10)
        except crash_error:
            desk.restart()
    desk.fuse, desk.mode, desk.broker._plan = None, Mode.ACTIVE, QUIET
    desk.run(10)
    desk.check_promises()
    # waits after failures last up to a minute; a wish given up by then is wished anew
    for strategy, target in list(desk.targets.items()):
        desk.want(strategy, target.units)
    desk.run_to_target(65)
    desk.run(6)
    desk.check_promises()
    assert desk.of(BookMismatch) == []


@pytest.mark.parametrize(("seed", "in_file"), [(1, True), *((seed, False) for seed in range(10))])
def test_gateway_and_paper_broker_die_together_and_nothing_is_lost_or_done_twice(
    loop, crash_error, tmp_path, seed, in_file
):
    path = tmp_path / "paper.sqlite"
    desk = loop(NASTY, seed=seed, ledger=FileLedger(path) if in_file else MemoryLedger())
    chance = np.random.default_rng(seed)
    crashes = 0
    for _ in range(20):
        strategy = str(chance.choice(["euro", "cable", "yen"]))
        desk.want(strategy, float(chance.integers(-20, 21) * 1000))
        desk.fuse = int(chance.integers(1, 150))
        try:
            desk.run(2)
        except crash_error:
            crashes += 1
            desk.restart_both(NASTY, FileLedger(path) if in_file else desk.ledger, seed + crashes)
    assert crashes > 5
    desk.fuse = None
    desk.restart_both(QUIET, FileLedger(path) if in_file else desk.ledger, seed)
    desk.run(10)
    for strategy, target in list(desk.targets.items()):
        desk.want(strategy, target.units)
    desk.run_to_target(65)
    desk.run(6)
    desk.check_promises()
    assert desk.of(BookMismatch) == []
