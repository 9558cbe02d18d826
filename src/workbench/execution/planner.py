"""What is missing: stored targets compared with what is held and in flight, one order at a time for each strategy."""

import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from workbench.domain.errors import InvariantError
from workbench.domain.trading.events import Quote, RepeatedIntent
from workbench.domain.trading.modes import Mode
from workbench.domain.trading.orders import Order, OrderNote, OrderState
from workbench.execution.blotter import Blotter, GatewaySettings
from workbench.execution.limits import UNITS_TOLERANCE, Approved, BookView, PreTradeLimits


@dataclass(frozen=True, slots=True)
class Target:
    """What the engine wants a strategy to hold: signed units, and the number it gave that wish."""

    strategy: str
    pair: str
    units: float
    intent: int


@dataclass(frozen=True, slots=True)
class MarketView:
    """What the engine knows when orders are planned.

    Attributes
    ----------
    mode : Mode
        Nothing grows while it is not ACTIVE.
    equity : float
        In US dollars.
    quotes : mapping
        The last good quote of each pair; a pair without one waits, and growing waits for a young one.
    values : mapping
        US dollars for one unit of each currency.
    locked : set of str
        Strategies that must not grow.
    """

    mode: Mode
    equity: float
    quotes: Mapping[str, Quote]
    values: Mapping[str, float]
    locked: AbstractSet[str] = frozenset()


@dataclass(slots=True)
class Planned:
    """Notes to be journaled, the orders they allow to be sent afterwards, and strategies whose intent is used up."""

    notes: list[OrderNote] = field(default_factory=list)
    approved: dict[str, Approved] = field(default_factory=dict)
    repeated: list[RepeatedIntent] = field(default_factory=list)


class Planner:
    """Says which orders are missing. Nothing is remembered of a decision; only ids and announcements are.

    Parameters
    ----------
    settings : GatewaySettings
        Names and times.
    limits : PreTradeLimits
        What every order meets.
    blotter : Blotter
        What is held and in flight.
    """

    def __init__(self, settings: GatewaySettings, limits: PreTradeLimits, blotter: Blotter) -> None:
        self._settings, self._limits, self._blotter = settings, limits, blotter
        self._last_number = 0
        self._announced: set[tuple[str, int]] = set()

    def plan(self, targets: Sequence[Target], market: MarketView, stopped: AbstractSet[str], now_ns: int) -> Planned:
        """Make the orders that are missing.

        Parameters
        ----------
        targets : sequence of Target
            All that are stored.
        market : MarketView
            Prices, equity, mode.
        stopped : set of str
            Strategies that must not grow, besides those the engine has locked.
        now_ns : int
            Now.

        Returns
        -------
        Planned
        """
        planned = Planned()
        in_flight = self._blotter.in_flight()
        book = BookView(market.equity, market.values, self._blotter.held, in_flight)
        blocked = self._blotter.unknown_pairs()
        for target in targets:
            order = self._order(target, market, now_ns)
            if order is None:
                continue
            if not order.reduce_only:
                stands = order.pair in blocked or order.strategy in stopped or order.strategy in market.locked
                if stands or market.mode is not Mode.ACTIVE or self._is_used_up(target, planned, now_ns):
                    continue
            self._judge(order, book, planned, now_ns)
            if order.id in planned.approved:
                in_flight[order.strategy] = order.units
        return planned

    def _order(self, target: Target, market: MarketView, now_ns: int) -> Order | None:
        step = self._step(target, now_ns)
        quote = market.quotes.get(target.pair)
        if step is None or quote is None:
            return None
        units, reduce_only = step
        if not reduce_only and now_ns - quote.time_ns > self._settings.price_lives_ns:
            return None
        price = quote.ask if units > 0.0 else quote.bid
        number = max(self._last_number, self._blotter.last_number) + 1
        identity = f"{self._settings.journal_id}-{number}"
        until_ns = now_ns + self._settings.order_lives_ns
        return Order(identity, target.strategy, target.pair, units, target.intent, reduce_only, price, until_ns)

    def _step(self, target: Target, now_ns: int) -> tuple[float, bool] | None:
        """Units of the next order and whether it only reduces; None when there is nothing to do yet."""
        if not math.isfinite(target.units):
            raise InvariantError(
                f"the target of {target.strategy} must be a finite number of units, got {target.units}"
            )
        held = self._blotter.held.get(target.strategy, 0.0)
        gap = target.units - held
        # an engine that has never asked for anything (intent 0) would not know the fill
        if abs(gap) <= UNITS_TOLERANCE or target.intent < 1 or self._blotter.is_live(target.strategy):
            return None
        reducing = held * gap < 0.0
        if now_ns < self._blotter.again_ns(target.strategy, reducing=reducing):
            return None
        return (-held if held * target.units < 0.0 else gap), reducing

    def _is_used_up(self, target: Target, planned: Planned, now_ns: int) -> bool:
        if self._blotter.attempts(target.strategy, target.intent) < self._limits.policy.repeated_intents:
            return False
        if (target.strategy, target.intent) not in self._announced:
            self._announced.add((target.strategy, target.intent))
            planned.repeated.append(RepeatedIntent(now_ns, target.strategy))
        return True

    def _judge(self, order: Order, book: BookView, planned: Planned, now_ns: int) -> None:
        self._last_number = int(order.id.rpartition("-")[2])
        judged = self._limits.approve(order, book, now_ns)
        if isinstance(judged, Approved):
            planned.approved[order.id] = judged
            planned.notes.append(OrderNote(now_ns, OrderState.INTENT, order))
        else:
            reason = f"{judged.refusal.name}: {judged.sentence}"
            planned.notes.append(OrderNote(now_ns, OrderState.REFUSED, order, reason=reason))
