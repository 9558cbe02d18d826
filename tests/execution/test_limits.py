"""Every limit with numbers a hand can check, and that there is no other way to a broker."""

import ast
from dataclasses import replace
from pathlib import Path

import pytest

import workbench
from workbench.data.policy_file import read_policy
from workbench.domain.errors import InvariantError
from workbench.domain.trading.orders import Order
from workbench.domain.trading.strategies import Strategy
from workbench.execution.limits import Approved, BookView, PreTradeLimits, Refusal

SECOND_NS = 1_000_000_000
NOW_NS = 20_000 * 86_400 * SECOND_NS + 3600 * SECOND_NS
POLICY = read_policy().pre_trade
STRATEGIES = tuple(
    Strategy(name, pair)
    for name, pair in (("euro", "EURUSD"), ("cable", "GBPUSD"), ("yen", "USDJPY"), ("franc", "EURCHF"))
)
VALUES = {"USD": 1.0, "EUR": 1.0, "GBP": 2.0, "JPY": 0.01, "CHF": 1.0}
MIDDLES = {"EURUSD": 1.0, "GBPUSD": 2.0, "USDJPY": 100.0, "EURCHF": 1.0}
EQUITY = 1_000_000.0


def order(units=100_000.0, *, strategy="euro", price=None, reduce_only=False):
    pair = next(one.pair for one in STRATEGIES if one.name == strategy)
    price = MIDDLES[pair] if price is None else price
    return Order("j-1", strategy, pair, units, 1, reduce_only, price, NOW_NS + SECOND_NS)


def book(held=None, in_flight=None, equity=EQUITY):
    return BookView(equity, VALUES, held or {}, in_flight or {})


def limits(**changed):
    made = PreTradeLimits(POLICY.model_copy(update=changed), STRATEGIES)
    for pair, middle in MIDDLES.items():
        made.see(pair, middle, NOW_NS)
    return made


def refusal(made, *arguments):
    refused = made.check(*arguments, NOW_NS)
    return None if refused is None else refused.refusal


def test_an_ordinary_order_is_approved():
    approved = limits().approve(order(), book(), NOW_NS)
    assert isinstance(approved, Approved)
    assert approved.order == order()


@pytest.mark.parametrize(
    ("price", "expected"),
    [(1.0049, None), (1.0051, Refusal.COLLAR_LAST), (0.9951, None), (0.9949, Refusal.COLLAR_LAST)],
)
def test_the_price_stays_within_half_a_percent_of_the_last_middle(price, expected):
    assert refusal(limits(), order(price=price), book()) == expected


def test_the_price_stays_within_one_percent_of_every_middle_of_the_last_minute():
    made = limits()
    for second in range(1, 61):
        made.see("EURUSD", 1.0 + 0.0002 * second, NOW_NS + second * SECOND_NS)
    at_ns = NOW_NS + 60 * SECOND_NS
    refused = made.check(order(price=1.012), book(), at_ns)
    assert refused.refusal is Refusal.COLLAR_WINDOW
    assert refused.sentence == "price 1.012 is 1.200% from 1, a middle of the last 60 s, at most 1.000%"
    # ten seconds later the oldest middle left is 1.002
    made.see("EURUSD", 1.012, at_ns + 10 * SECOND_NS)
    assert made.check(order(price=1.012), book(), at_ns + 10 * SECOND_NS) is None


def test_memory_of_prices_is_bounded():
    made = limits()
    for place in range(10_000):
        made.see("EURUSD", 1.0, NOW_NS + place * SECOND_NS // 10)
    assert len(made._prices._samples["EURUSD"]) <= 61


@pytest.mark.parametrize(
    ("changed", "arguments"),
    [
        ({"order_notional": 0.09}, (order(100_000.0), book())),
        ({"gross_notional": 2.0}, (order(100_000.0), book({"cable": 400_000.0, "yen": 900_000.0, "franc": 300_000.0}))),
        ({"net_currency": 0.5}, (order(100_000.0), book({"cable": 210_000.0}))),
        ({"collar_last": 0.003}, (order(price=1.004), book())),
        ({"collar_window": 0.003}, (order(price=1.004), book())),
    ],
)
def test_each_number_changes_an_outcome(changed, arguments):
    assert refusal(limits(), *arguments) is None
    name = next(iter(changed))
    assert refusal(limits(**changed), *arguments) is Refusal[name.upper()]


def test_the_number_of_seconds_of_the_collar_changes_an_outcome():
    for seconds, expected in ((60.0, Refusal.COLLAR_WINDOW), (30.0, None)):
        made = limits(collar_window_seconds=seconds)
        made.see("EURUSD", 1.012, NOW_NS + 45 * SECOND_NS)
        refused = made.check(order(price=1.012), book(), NOW_NS + 45 * SECOND_NS)
        assert (refused.refusal if refused else None) == expected


def test_notional_is_in_dollars_and_exact_at_the_limit():
    assert refusal(limits(), order(500_000.0), book()) is None
    assert refusal(limits(), order(500_001.0), book()) is Refusal.ORDER_NOTIONAL
    assert refusal(limits(), order(250_000.0, strategy="cable"), book()) is None
    assert refusal(limits(), order(250_001.0, strategy="cable"), book()) is Refusal.ORDER_NOTIONAL


def test_gross_counts_every_strategy_without_netting():
    # 900,000 EUR + 900,000 USD + 450,000 GBP worth 900,000 each, and the order: 3,000,000 is the most
    held = {"franc": 900_000.0, "yen": 900_000.0, "cable": 450_000.0}
    made = limits(net_currency=3.0)
    assert refusal(made, order(-300_000.0), book(held)) is None
    assert refusal(made, order(-300_001.0), book(held)) is Refusal.GROSS_NOTIONAL


def test_net_of_a_currency_adds_up_over_pairs_in_the_direction_of_the_order():
    held = {"cable": 400_000.0}  # short 800,000 USD
    assert refusal(limits(), order(200_000.0), book(held)) is None
    refused = limits().check(order(200_001.0), book(held), NOW_NS)
    assert refused.refusal is Refusal.NET_CURRENCY
    assert refused.sentence == "net exposure to USD would be 1,000,001 USD with what is in flight, at most 1,000,000"
    # the other way round it takes exposure away
    assert refusal(limits(), order(-400_000.0), book({"cable": 700_000.0})) is None


@pytest.mark.parametrize("name", ["gross_notional", "net_currency"])
def test_what_is_in_flight_counts_as_if_filled(name):
    made = limits(gross_notional=1.0, net_currency=1.0) if name == "gross_notional" else limits()
    strategy = "yen" if name == "gross_notional" else "cable"
    flying = {strategy: 600_000.0 if strategy == "yen" else 300_000.0}
    assert refusal(made, order(400_000.0), book({}, flying)) is None
    assert refusal(made, order(400_001.0), book({}, flying)) is Refusal[name.upper()]


def test_a_reduction_in_flight_makes_no_room_before_it_is_filled():
    held, flying = {"cable": 400_000.0}, {"cable": -400_000.0}
    assert refusal(limits(), order(200_001.0), book(held, flying)) is Refusal.NET_CURRENCY


def test_five_orders_a_second_for_each_strategy():
    made = limits()
    for place in range(5):
        assert refusal(made, order(), book()) is None
        made.count("euro", NOW_NS + place)
    assert refusal(made, order(), book()) is Refusal.ORDERS_PER_SECOND
    assert refusal(made, order(strategy="cable", units=1000.0), book()) is None
    assert made.check(order(), book(), NOW_NS + SECOND_NS) is None
    assert limits(orders_per_second=1).check(order(), book(), NOW_NS) is None


def test_five_hundred_orders_a_day_until_midnight_utc():
    made = limits()
    for place in range(500):
        made.count("euro", NOW_NS + place * SECOND_NS)
    later_ns = NOW_NS + 600 * SECOND_NS
    made.see("EURUSD", 1.0, later_ns)
    assert made.check(order(), book(), later_ns).refusal is Refusal.ORDERS_PER_DAY
    assert made.check(order(), book(), NOW_NS + 86_400 * SECOND_NS) is None
    made = limits(orders_per_day=5, orders_per_second=5)
    for place in range(5):
        made.count("euro", NOW_NS + place * SECOND_NS)
    assert made.check(order(), book(), later_ns).refusal is Refusal.ORDERS_PER_DAY


def test_a_reducing_order_passes_every_limit():
    made = limits(order_notional=1e-6, gross_notional=1e-6, net_currency=1e-6, orders_per_second=1, orders_per_day=1)
    made.count("euro", NOW_NS)
    for reduce_only in (True, False):
        reducing = order(-900_000.0, price=5.0, reduce_only=reduce_only)
        assert refusal(made, reducing, book({"euro": 900_000.0}, equity=float("nan"))) is None


@pytest.mark.parametrize(
    ("units", "held", "in_flight", "reduce_only"),
    [
        (-100_001.0, 100_000.0, 0.0, False),
        (-100_001.0, 100_000.0, 0.0, True),
        (100_001.0, -100_000.0, 0.0, True),
        (1000.0, 0.0, 0.0, True),
        (1000.0, 5000.0, 0.0, True),
        (-60_000.0, 100_000.0, -50_000.0, False),
        (-120_000.0, 100_000.0, 50_000.0, False),
    ],
)
def test_no_order_flips_whatever_becomes_of_what_is_in_flight(units, held, in_flight, reduce_only):
    candidate = order(units, reduce_only=reduce_only)
    assert refusal(limits(), candidate, book({"euro": held}, {"euro": in_flight})) is Refusal.FLIPS


def test_what_is_not_a_number_is_refused():
    made = limits()
    assert refusal(made, order(), book(equity=float("nan"))) is Refusal.NOT_A_NUMBER
    assert refusal(made, order(), book(equity=-1.0)) is Refusal.NOT_A_NUMBER
    assert refusal(made, order(float("nan")), book()) is Refusal.NOT_A_NUMBER
    assert refusal(made, order(0.0), book()) is Refusal.NOT_A_NUMBER
    assert refusal(made, order(price=float("nan")), book()) is Refusal.NOT_A_NUMBER
    assert refusal(made, order(), replace(book(), values={"USD": 1.0})) is Refusal.NOT_A_NUMBER
    # a position nobody can value could be any size
    assert refusal(made, order(), book({"gone": 1.0})) is Refusal.GROSS_NOTIONAL
    assert refusal(made, order(), book({"gone": 0.0})) is None


def test_what_is_not_a_price_does_not_open_the_collar():
    made = limits()
    for middle in (float("nan"), float("inf"), 0.0, -1.0):
        made.see("EURUSD", middle, NOW_NS + SECOND_NS)
    assert refusal(made, order(price=1.0051), book()) is Refusal.COLLAR_LAST


def test_an_order_needs_a_price_to_be_held_against_and_a_deployed_strategy():
    unseen = PreTradeLimits(POLICY, STRATEGIES)
    assert refusal(unseen, order(), book()) is Refusal.NO_PRICE
    assert refusal(limits(), replace(order(), strategy="nobody"), book()) is Refusal.NOT_OURS
    assert refusal(limits(), replace(order(), pair="GBPUSD"), book()) is Refusal.NOT_OURS


def test_only_the_limits_make_an_approved_order():
    with pytest.raises(InvariantError, match="past the pre-trade limits"):
        Approved(order(), object())


def test_there_is_one_place_that_sends_orders():
    root = Path(workbench.__file__).parent
    places = [
        str(path.relative_to(root))
        for path in sorted(root.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "submit" and "broker" in ast.unparse(node.value).lower()
    ]
    assert places == ["execution/gateway.py"]
