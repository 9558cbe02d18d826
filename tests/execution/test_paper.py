"""The paper broker: executes at watched prices, makes exactly the trouble it is told to, and its books survive."""

import numpy as np
import pytest

from workbench.data.policy_file import read_policy
from workbench.domain.errors import ConfigError, DataError
from workbench.domain.trading.events import Quote
from workbench.domain.trading.orders import Order, OrderState
from workbench.execution.broker import BrokerUnreachableError, OutcomeUnknownError
from workbench.execution.paper.broker import PaperBroker
from workbench.execution.paper.ledger import FileLedger, MemoryLedger
from workbench.execution.paper.plan import PaperPlan

SECOND_NS = 1_000_000_000
NOW_NS = 1_700_000_000 * SECOND_NS
EXACT = {
    "acknowledge_ms": 50.0, "acknowledge_jitter_ms": 0.0, "execute_ms": 50.0, "execute_jitter_ms": 0.0,
    "slippage_pips": 0.0, "slippage_jitter_pips": 0.0, "partial_fill_probability": 0.0, "rejection_probability": 0.0,
}  # fmt: skip


def broker(ledger=None, *, costs=None, opening=None, priced=True, **changed):
    plan = PaperPlan(**{**EXACT, **changed})
    made = PaperBroker(plan, ledger or MemoryLedger(), np.random.default_rng(5), costs, opening)
    if priced:
        made.watch([Quote(NOW_NS, "EURUSD", 1.1, 1.1002)])
    return made


def order(units=1000.0, key="a-1", *, reduce_only=False, lives_ns=5 * SECOND_NS):
    return Order(key, "euro", "EURUSD", units, 1, reduce_only, 1.1, NOW_NS + lives_ns)


def after(milliseconds):
    return NOW_NS + round(milliseconds * 1e6)


def test_a_market_order_is_acknowledged_then_executed_at_ask_or_bid():
    paper = broker()
    paper.submit(order(), NOW_NS)
    paper.submit(order(-400.0, "a-2"), NOW_NS)
    assert paper.due_ns() == after(50)
    assert paper.reports(after(49)) == []
    assert [report.state for report in paper.reports(after(50))] == [OrderState.ACKNOWLEDGED] * 2
    assert [report.state for report in paper.reports(after(100))] == [OrderState.FILLED] * 2
    first, second = paper.executions(0, after(100))
    assert (first.number, first.units, first.price, first.time_ns) == (1, 1000.0, 1.1002, after(100))
    assert (second.number, second.units, second.price) == (2, -400.0, 1.1)
    assert paper.executions(1, after(100)) == (second,)
    assert paper.positions(after(100)) == {"euro": 600.0}
    assert paper.due_ns() is None


def test_the_price_is_that_of_the_due_time_not_a_later_one():
    paper = broker()
    paper.submit(order(), NOW_NS)
    paper.watch([Quote(after(99), "EURUSD", 1.2, 1.2002), Quote(after(101), "EURUSD", 1.3, 1.3002)])
    assert paper.executions(0, after(200))[0].price == 1.2002


def test_spread_of_the_policy_and_slippage_make_the_price_worse():
    paper = broker(costs=read_policy().costs, slippage_pips=0.2)
    paper.submit(order(), NOW_NS)
    paper.submit(order(-1000.0, "a-2"), NOW_NS)
    prices = [execution.price for execution in paper.executions(0, after(200))]
    # middle 1.1001, half spread 0.4 pip, slippage 0.2 pip
    assert prices == pytest.approx([1.10016, 1.10004], abs=1e-12)


def test_slippage_varies_around_its_mean():
    paper = broker(slippage_pips=0.3, slippage_jitter_pips=0.1)
    for place in range(200):
        paper.submit(order(key=f"a-{place}"), NOW_NS + place * SECOND_NS // 50)
    slippage = [(execution.price - 1.1002) / 1e-4 for execution in paper.executions(0, after(4800))]
    assert np.mean(slippage) == pytest.approx(0.3, abs=0.03)
    assert np.std(slippage) == pytest.approx(0.1, abs=0.02)


def test_an_id_sent_twice_is_executed_twice_as_at_a_real_broker():
    paper = broker()
    paper.submit(order(), NOW_NS)
    paper.submit(order(), NOW_NS)
    assert [execution.order for execution in paper.executions(0, after(200))] == ["a-1", "a-1"]


def test_without_a_young_price_an_order_is_rejected():
    old = broker()
    old.submit(order(lives_ns=60 * SECOND_NS), after(4950))
    assert old.reports(after(6000))[-1].reason == "no price"
    unpriced = broker(priced=False)
    unpriced.submit(order(), NOW_NS)
    assert [report.state for report in unpriced.reports(after(200))] == [OrderState.ACKNOWLEDGED, OrderState.REJECTED]
    assert broker(price_lives_seconds=0.05).state_of("a-1", NOW_NS) is None


def test_nothing_is_executed_at_what_is_not_a_price():
    paper = broker()
    paper.submit(order(), NOW_NS)
    for bid, ask in (
        (float("nan"), 1.2),
        (1.2, float("nan")),
        (1.3, 1.2),
        (0.0, 1.2),
        (-1.0, 1.2),
        (1.0, float("inf")),
    ):
        paper.watch([Quote(after(90), "EURUSD", bid, ask)])
    assert paper.executions(0, after(200))[0].price == 1.1002


def test_an_order_that_comes_after_its_time_is_rejected():
    paper = broker()
    paper.submit(order(lives_ns=-1), NOW_NS)
    assert paper.state_of("a-1", NOW_NS).state is OrderState.REJECTED
    assert paper.reports(after(100))[0].reason == "it came after its time"


@pytest.mark.parametrize(("held", "units", "executed"), [(600.0, -1000.0, -600.0), (-600.0, 200.0, 200.0)])
def test_reduce_only_goes_no_further_than_flat(held, units, executed):
    paper = broker(opening={"euro": held})
    paper.submit(order(units, reduce_only=True), NOW_NS)
    assert [execution.units for execution in paper.executions(0, after(200))] == [executed]
    assert paper.state_of("a-1", after(200)).state is OrderState.FILLED


@pytest.mark.parametrize("held", [0.0, 600.0])
def test_reduce_only_with_nothing_to_reduce_is_cancelled(held):
    paper = broker(opening={"euro": held})
    paper.submit(order(1000.0, reduce_only=True), NOW_NS)
    assert paper.executions(0, after(200)) == ()
    assert paper.state_of("a-1", after(200)).state is OrderState.CANCELLED


@pytest.mark.parametrize(("rest_cancelled", "total"), [(0.0, 1000.0), (1.0, None)])
def test_a_part_is_executed_first_then_the_rest_or_nothing(rest_cancelled, total):
    paper = broker(partial_fill_probability=1.0, rest_cancelled_probability=rest_cancelled)
    paper.submit(order(), NOW_NS)
    executions = paper.executions(0, after(500))
    states = [report.state for report in paper.reports(after(500))]
    assert 200 <= executions[0].units <= 800 and executions[0].units.is_integer()
    if total:
        assert sum(execution.units for execution in executions) == total
        assert states == [OrderState.ACKNOWLEDGED, OrderState.PART_FILLED, OrderState.FILLED]
    else:
        assert len(executions) == 1
        assert states == [OrderState.ACKNOWLEDGED, OrderState.PART_FILLED, OrderState.CANCELLED]


def test_a_cancelled_order_is_not_executed_and_a_late_cancel_changes_nothing():
    paper = broker()
    paper.submit(order(), NOW_NS)
    paper.cancel("a-1", after(60))
    paper.cancel("never seen", after(60))
    assert paper.executions(0, after(500)) == ()
    paper.submit(order(key="a-2"), after(500))
    paper.cancel("a-2", after(700))
    assert [execution.order for execution in paper.executions(0, after(700))] == ["a-2"]


def test_timeouts_before_and_after_acceptance():
    before = broker(timeout_before_probability=1.0)
    with pytest.raises(OutcomeUnknownError):
        before.submit(order(), NOW_NS)
    assert before.state_of("a-1", after(500)) is None
    behind = broker(timeout_after_probability=1.0)
    with pytest.raises(OutcomeUnknownError):
        behind.submit(order(), NOW_NS)
    assert behind.state_of("a-1", after(500)).state is OrderState.FILLED


def test_in_an_outage_nothing_answers_but_what_was_accepted_is_executed():
    paper = broker(outages_ns=((after(60), after(1000)),))
    paper.submit(order(), NOW_NS)
    for ask in (
        lambda: paper.submit(order(key="a-2"), after(500)),
        lambda: paper.cancel("a-1", after(500)),
        lambda: paper.reports(after(500)),
        lambda: paper.executions(0, after(500)),
        lambda: paper.state_of("a-1", after(500)),
        lambda: paper.positions(after(500)),
    ):
        with pytest.raises(BrokerUnreachableError):
            ask()
    assert paper.positions(after(1000)) == {"euro": 1000.0}
    assert paper.state_of("a-2", after(1000)) is None


def test_an_outage_by_chance_lasts_as_long_as_planned():
    paper = broker(outage_probability=1.0, outage_seconds=2.0)
    with pytest.raises(BrokerUnreachableError):
        paper.submit(order(), NOW_NS)
    with pytest.raises(BrokerUnreachableError):
        paper.reports(after(1999))
    assert paper.reports(after(2000)) == []


def test_too_many_orders_a_second_are_turned_away():
    paper = broker(orders_per_second=2)
    paper.submit(order(key="a-1"), NOW_NS)
    paper.submit(order(key="a-2"), after(1))
    with pytest.raises(BrokerUnreachableError, match="2 orders a second"):
        paper.submit(order(key="a-3"), after(999))
    paper.submit(order(key="a-4"), after(1000))


@pytest.mark.parametrize(
    ("trouble", "states"),
    [
        ({"lost_acknowledgement_probability": 1.0}, [OrderState.FILLED]),
        ({"lost_report_probability": 1.0}, [OrderState.ACKNOWLEDGED]),
        ({"duplicate_report_probability": 1.0}, [OrderState.ACKNOWLEDGED] * 2 + [OrderState.FILLED] * 2),
        ({"rejection_probability": 1.0}, [OrderState.REJECTED]),
    ],
)
def test_reports_are_lost_or_doubled_as_planned(trouble, states):
    paper = broker(**trouble)
    paper.submit(order(), NOW_NS)
    assert [report.state for report in paper.reports(after(500))] == states


def test_late_reports_come_within_their_time_and_may_be_out_of_order():
    late = {"late_report_probability": 1.0, "late_report_ms": 400.0}
    orders = set()
    for place in range(20):
        paper = broker(**late)
        for _ in range(place):
            paper._generator.random()
        paper.submit(order(), NOW_NS)
        states = [report.state for report in paper.reports(after(500))]
        assert len(states) == 2
        orders.add(tuple(states))
    assert len(orders) == 2


def test_the_same_seed_gives_the_same_life():
    lives = []
    for _ in range(2):
        paper = broker(partial_fill_probability=0.5, rejection_probability=0.3, slippage_jitter_pips=0.1)
        for place in range(20):
            paper.submit(order(key=f"a-{place}"), NOW_NS)
        lives.append((paper.executions(0, after(900)), paper.reports(after(900))))
    assert lives[0] == lives[1]


@pytest.mark.parametrize("in_file", [True, False])
def test_books_survive_the_broker_and_what_was_accepted_is_executed_at_the_next_price(tmp_path, in_file):
    ledger = FileLedger(tmp_path / "paper.sqlite") if in_file else MemoryLedger()
    paper = broker(ledger)
    paper.submit(order(), NOW_NS)
    assert len(paper.executions(0, after(100))) == 1
    paper.submit(order(-300.0, "a-2"), after(150))
    # the process dies here, and nobody closes anything; ten minutes pass
    if in_file:
        ledger = FileLedger(tmp_path / "paper.sqlite")
    paper = broker(ledger, priced=False)
    later_ns = after(600_000)
    assert [report.order for report in paper.reports(later_ns)] == ["a-2"]
    assert paper.positions(later_ns) == {"euro": 1000.0}
    paper.watch([Quote(later_ns, "EURUSD", 1.2, 1.2002)])
    assert [report.state for report in paper.reports(later_ns)] == [OrderState.FILLED]
    last = paper.executions(1, later_ns)[0]
    assert (last.number, last.order, last.price, last.time_ns) == (2, "a-2", 1.2, later_ns)
    assert paper.positions(later_ns) == {"euro": 700.0}
    assert ledger.latest("a-1").executed == 1000.0
    assert (ledger.next_entry(), ledger.next_execution()) == (3, 3)


def test_both_ledgers_keep_the_same_books(tmp_path):
    books = []
    for ledger in (FileLedger(tmp_path / "deep" / "paper.sqlite"), MemoryLedger()):
        paper = broker(ledger, partial_fill_probability=0.5, rejection_probability=0.3)
        for place in range(12):
            paper.submit(order(key=f"a-{place % 10}"), NOW_NS)
        paper.reports(after(120))
        entries = [ledger.latest(f"a-{place}") for place in range(11)]
        books.append((ledger.executions(0), ledger.pending(), ledger.positions(), entries, ledger.next_entry()))
    assert books[0] == books[1]


def test_the_file_is_flushed_at_every_entry(tmp_path):
    ledger = FileLedger(tmp_path / "paper.sqlite")
    full = 2
    assert next(iter(ledger._file.execute("PRAGMA synchronous")))[0] == full
    ledger.close()


def test_a_file_that_is_no_ledger_is_refused(tmp_path):
    path = tmp_path / "paper.sqlite"
    path.write_bytes(b"not a database, but long enough to look like one " * 100)
    with pytest.raises(DataError, match="not a ledger of the paper broker"):
        FileLedger(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("latency = 3.0", "latency: unknown key, expected one of acknowledge_ms"),
        ("rejection_probability = 1.5", "rejection_probability: expected less than or equal to 1, got 1.5"),
        ('execute_ms = "fast"', "execute_ms: expected a valid number, got 'fast'"),
        ("execute_jitter_ms = 90.0", "execute_jitter_ms: expected at most 30.0 (execute_ms), got 90.0"),
        ("outages_ns = [[5, 5]]", "outages_ns[0]: expected an end after the start, got [5, 5]"),
        ("orders_per_second = 0", "orders_per_second: expected greater than or equal to 1, got 0"),
        (
            "timeout_before_probability = 0.6\ntimeout_after_probability = 0.6",
            "timeout_after_probability: expected at most 1 with timeout_before_probability, got 1.2",
        ),
        ("execute_ms =", "is not valid TOML"),
    ],
)
def test_a_wrong_plan_is_refused_by_the_name_of_its_key(tmp_path, text, said):
    path = tmp_path / "plan.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        PaperPlan.from_toml(path)
    assert said in str(refused.value) and "plan.toml" in str(refused.value)


def test_a_plan_is_read_and_a_missing_one_is_named(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text("execute_ms = 80.0\noutages_ns = [[1, 5], [7, 9]]\n", encoding="utf-8")
    plan = PaperPlan.from_toml(path)
    assert (plan.execute_ms, plan.outages_ns, plan.acknowledge_ms) == (80.0, ((1, 5), (7, 9)), 40.0)
    with pytest.raises(ConfigError, match="cannot read the paper plan"):
        PaperPlan.from_toml(tmp_path / "none.toml")
