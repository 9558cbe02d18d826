"""Pre-trade limits: the only way to a broker. Without an `Approved` order, which only they make, nothing is sent."""

import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from workbench.domain.errors import InvariantError
from workbench.domain.policy.trading import PreTrade
from workbench.domain.trading.orders import Order
from workbench.domain.trading.strategies import Strategy
from workbench.execution.collar import SECOND_NS, PriceMemory

DAY_NS = 86_400 * SECOND_NS
UNITS_TOLERANCE = 1e-6
"""Positions closer than this are the same."""
_SEAL = object()


class Refusal(IntEnum):
    """Which limit stands against an order. Codes are stable."""

    NOT_OURS = 0
    FLIPS = 1
    NOT_A_NUMBER = 2
    NO_PRICE = 3
    COLLAR_LAST = 4
    COLLAR_WINDOW = 5
    ORDER_NOTIONAL = 6
    GROSS_NOTIONAL = 7
    NET_CURRENCY = 8
    ORDERS_PER_SECOND = 9
    ORDERS_PER_DAY = 10


@dataclass(frozen=True, slots=True)
class Refused:
    """An order that must not be sent: which limit, and a sentence with its numbers."""

    refusal: Refusal
    sentence: str


@dataclass(frozen=True, slots=True)
class BookView:
    """What the limits must know of the book.

    Attributes
    ----------
    equity : float
        In US dollars.
    values : mapping
        US dollars for one unit of each currency.
    held, in_flight : mapping
        Signed units by strategy: executed, and asked for at the broker but not executed yet.
    """

    equity: float
    values: Mapping[str, float]
    held: Mapping[str, float]
    in_flight: Mapping[str, float]


class Approved:
    """An order that has met every limit; only `PreTradeLimits.approve` makes one.

    Raises
    ------
    InvariantError
        When anybody else tries.
    """

    __slots__ = ("order",)

    def __init__(self, order: Order, seal: object) -> None:
        if seal is not _SEAL:
            raise InvariantError(
                f"order {order.id} was to be sent past the pre-trade limits: only they approve an order"
            )
        self.order = order


class PreTradeLimits:
    """Collar, notionals and rates. What is in flight counts at its worse: growing as filled, reducing as not.

    Parameters
    ----------
    policy : PreTrade
        The numbers.
    strategies : sequence of Strategy
        Those that may send orders.
    """

    def __init__(self, policy: PreTrade, strategies: Sequence[Strategy]) -> None:
        self.policy = policy
        self.pairs = {strategy.name: strategy.pair for strategy in strategies}
        self._prices = PriceMemory(round(policy.collar_window_seconds * SECOND_NS))
        self._second: dict[str, deque[int]] = {}
        self._day: dict[str, tuple[int, int]] = {}

    def see(self, pair: str, middle: float, now_ns: int) -> None:
        """Take in the good middle of a pair.

        Parameters
        ----------
        pair : str
            Six letters, base first.
        middle : float
            Quote units per base unit.
        now_ns : int
            When it was seen.
        """
        self._prices.see(pair, middle, now_ns)

    def count(self, strategy: str, time_ns: int) -> None:
        """Count an order against the rates of its strategy.

        Parameters
        ----------
        strategy : str
            Whose.
        time_ns : int
            When it was made; a restart counts those of the journal again.
        """
        recent = self._second.setdefault(strategy, deque(maxlen=self.policy.orders_per_second))
        recent.append(time_ns)
        self._day[strategy] = (time_ns // DAY_NS, self._orders_of_day(strategy, time_ns) + 1)

    def approve(self, order: Order, book: BookView, now_ns: int) -> Approved | Refused:
        """Judge an order, and make it one that may be sent.

        Parameters
        ----------
        order : Order
            Candidate.
        book : BookView
            As it stands, without this order.
        now_ns : int
            Now.

        Returns
        -------
        Approved or Refused
        """
        return self.check(order, book, now_ns) or Approved(order, _SEAL)

    def check(self, order: Order, book: BookView, now_ns: int) -> Refused | None:
        """What stands against an order.

        Parameters
        ----------
        order : Order
            Candidate.
        book : BookView
            As it stands, without this order.
        now_ns : int
            Now.

        Returns
        -------
        Refused or None
            The first limit it does not meet. An order that only reduces meets all, unless it would flip.
        """
        if self.pairs.get(order.strategy) != order.pair:
            return _refused(Refusal.NOT_OURS, f"strategy {order.strategy!r} is not deployed in {order.pair}")
        if not (math.isfinite(order.units) and order.units != 0.0):
            return _refused(Refusal.NOT_A_NUMBER, f"an order needs units to buy or sell, got {order.units!r}")
        room = _reducible(order, book)
        if order.reduce_only or room is not None:
            return _flip(order, room or 0.0)
        for refused in self._growing(order, book, now_ns):
            if refused is not None:
                return refused
        return None

    def _growing(self, order: Order, book: BookView, now_ns: int) -> Iterator[Refused | None]:
        yield _numbers(order, book)
        yield self._collar(order, now_ns)
        yield self._notional(order, book)
        yield self._exposures(order, book)
        yield self._rates(order.strategy, now_ns)

    def _collar(self, order: Order, now_ns: int) -> Refused | None:
        last = self._prices.last(order.pair)
        if last is None:
            return _refused(Refusal.NO_PRICE, f"no good price of {order.pair} has been seen yet")
        away = abs(order.price / last - 1.0)
        if away > self.policy.collar_last:
            what = f"price {order.price:g} is {away:.3%} from the last good middle {last:g}"
            return _refused(Refusal.COLLAR_LAST, f"{what}, at most {self.policy.collar_last:.3%}")
        furthest = self._prices.furthest(order.pair, order.price, now_ns)
        away = abs(order.price / furthest - 1.0)
        if away > self.policy.collar_window:
            seconds = f"a middle of the last {self.policy.collar_window_seconds:g} s"
            what = f"price {order.price:g} is {away:.3%} from {furthest:g}, {seconds}"
            return _refused(Refusal.COLLAR_WINDOW, f"{what}, at most {self.policy.collar_window:.3%}")
        return None

    def _notional(self, order: Order, book: BookView) -> Refused | None:
        worth, most = abs(order.units) * book.values[order.pair[:3]], self.policy.order_notional * book.equity
        if worth > most:
            return _refused(Refusal.ORDER_NOTIONAL, f"the order is worth {worth:,.0f} USD, at most {most:,.0f}")
        return None

    def _exposures(self, order: Order, book: BookView) -> Refused | None:
        """Gross over all strategies, and the net of the two currencies in the direction the order pushes them."""
        gross = 0.0
        side = math.copysign(1.0, order.units)
        net = {order.pair[:3]: 0.0, order.pair[3:]: 0.0}
        pushed = {order.pair[:3]: side, order.pair[3:]: -side}
        for strategy in {**book.held, **book.in_flight, order.strategy: 0.0}:
            pair = self.pairs.get(strategy, "")
            value = book.values.get(pair[:3], math.nan)
            held = book.held.get(strategy, 0.0)
            later = held + book.in_flight.get(strategy, 0.0)
            own = order.units if strategy == order.strategy else 0.0
            # a position without a value makes the sums NaN, and NaN is refused; no position needs no value
            worths = [units * value if units else 0.0 for units in (held + own, later + own)]
            gross += max(map(abs, worths))
            for currency, sign in ((pair[:3], 1.0), (pair[3:], -1.0)):
                if currency in net:
                    net[currency] += max(pushed[currency] * sign * worth for worth in worths)
        return self._too_much(gross, net, book.equity)

    def _too_much(self, gross: float, net: Mapping[str, float], equity: float) -> Refused | None:
        most = self.policy.gross_notional * equity
        if not gross <= most:
            what = f"gross exposure would be {gross:,.0f} USD with what is in flight"
            return _refused(Refusal.GROSS_NOTIONAL, f"{what}, at most {most:,.0f}")
        most = self.policy.net_currency * equity
        for currency, worth in net.items():
            if not worth <= most:
                what = f"net exposure to {currency} would be {worth:,.0f} USD with what is in flight"
                return _refused(Refusal.NET_CURRENCY, f"{what}, at most {most:,.0f}")
        return None

    def _rates(self, strategy: str, now_ns: int) -> Refused | None:
        recent, most = self._second.get(strategy, deque()), self.policy.orders_per_second
        if len(recent) == most and now_ns - recent[0] < SECOND_NS:
            return _refused(Refusal.ORDERS_PER_SECOND, f"{most} orders in the last second, no more are allowed")
        most = self.policy.orders_per_day
        if self._orders_of_day(strategy, now_ns) >= most:
            return _refused(Refusal.ORDERS_PER_DAY, f"{most} orders since midnight UTC, no more are allowed")
        return None

    def _orders_of_day(self, strategy: str, time_ns: int) -> int:
        day, orders = self._day.get(strategy, (0, 0))
        return orders if day == time_ns // DAY_NS else 0


def _refused(refusal: Refusal, sentence: str) -> Refused:
    return Refused(refusal, sentence)


def _reducible(order: Order, book: BookView) -> float | None:
    """Units the order may take away whatever becomes of what is in flight; None when it may grow the position."""
    held = book.held.get(order.strategy, 0.0)
    positions = (held, held + book.in_flight.get(order.strategy, 0.0))
    if all(position * order.units >= 0.0 for position in positions):
        return None
    return min(abs(position) if position * order.units < 0.0 else 0.0 for position in positions)


def _flip(order: Order, room: float) -> Refused | None:
    if abs(order.units) <= room + UNITS_TOLERANCE:
        return None
    what = f"the order for {order.units:,.0f} units may take away at most {room:,.0f}"
    return _refused(Refusal.FLIPS, f"{what}: it would turn the position, or grow it")


def _numbers(order: Order, book: BookView) -> Refused | None:
    if not (math.isfinite(book.equity) and book.equity > 0.0):
        return _refused(Refusal.NOT_A_NUMBER, f"equity must be a positive number, got {book.equity!r}")
    if not (math.isfinite(order.price) and order.price > 0.0):
        return _refused(Refusal.NOT_A_NUMBER, f"the price must be a positive number, got {order.price!r}")
    value = book.values.get(order.pair[:3], math.nan)
    if not (math.isfinite(value) and value > 0.0):
        return _refused(Refusal.NOT_A_NUMBER, f"the value of {order.pair[:3]} in US dollars is not known")
    return None
