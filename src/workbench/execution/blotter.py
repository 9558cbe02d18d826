"""The blotter: what became of every order, rebuilt from the journal's notes alone. `apply` is where state changes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from workbench.domain.errors import InvariantError
from workbench.domain.trading.orders import Execution, Order, OrderNote, OrderState
from workbench.execution.collar import SECOND_NS
from workbench.execution.limits import UNITS_TOLERANCE

KEPT_ENDED = 1000
"""Ended orders that are still known, for reports that come late."""
FAILURES = (OrderState.REFUSED, OrderState.REJECTED, OrderState.CANCELLED)


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """Names and times of the gateway.

    Attributes
    ----------
    journal_id : str
        Of the journal the notes are written to, and of one start on it; begins every order id, so that no other journal
        uses it, nor a later start that has lost rows.
    acknowledge_within_ns : int
        An order the broker has not acknowledged by then is UNKNOWN.
    order_lives_ns : int
        From the intent to `valid_until_ns`.
    reconcile_every_ns, reconcile_again_ns : int
        Between two comparisons of positions: when the last one agreed, and when it did not or there was none.
    settle_margin_ns : int
        After `valid_until_ns`, until an order the broker has never heard of is dead.
    ask_every_ns : int
        Between two questions about the same doubt.
    price_lives_ns : int
        Growing waits for a younger price: a closed market rejects, and rejections are counted against the strategy.
    grow_again_ns, grow_again_most_ns : int
        Wait after a growing order has failed, doubled each time up to the most.
    reduce_again_ns, reduce_again_most_ns : int
        The same for reducing orders.
    """

    journal_id: str
    acknowledge_within_ns: int = 2 * SECOND_NS
    order_lives_ns: int = 5 * SECOND_NS
    reconcile_every_ns: int = 60 * SECOND_NS
    reconcile_again_ns: int = 5 * SECOND_NS
    settle_margin_ns: int = SECOND_NS
    ask_every_ns: int = SECOND_NS // 2
    price_lives_ns: int = 5 * SECOND_NS
    grow_again_ns: int = SECOND_NS
    grow_again_most_ns: int = 60 * SECOND_NS
    reduce_again_ns: int = SECOND_NS // 5
    reduce_again_most_ns: int = 5 * SECOND_NS

    def wait_ns(self, failures: int, *, reducing: bool) -> int:
        """How long to wait after so many failures in a row.

        Parameters
        ----------
        failures : int
            At least one.
        reducing : bool
            Reducing orders wait less.

        Returns
        -------
        int
        """
        first, most = self.grow_again_ns, self.grow_again_most_ns
        if reducing:
            first, most = self.reduce_again_ns, self.reduce_again_most_ns
        return int(min(first << min(failures - 1, 32), most))


@dataclass(slots=True)
class Track:
    """An order and where it stands."""

    order: Order
    state: OrderState
    since_ns: int
    executed: float = 0.0

    @property
    def remaining(self) -> float:
        """Signed units not executed yet."""
        return self.order.units - self.executed

    def take(self, note: OrderNote) -> None:
        """Follow a note; an order that has ended stays ended, whatever is still executed.

        Parameters
        ----------
        note : OrderNote
            Of this order.
        """
        if note.execution is not None:
            self.executed += note.execution.units
        if not self.state.is_final:
            self.state, self.since_ns = note.state, note.time_ns


class Blotter:
    """Orders, positions, cursor, failures and attempts.

    Parameters
    ----------
    settings : GatewaySettings
        Names and times.

    Attributes
    ----------
    held : dict
        Signed units by strategy, from everything executed.
    cursor : int
        Number of the last execution taken in.
    last_number : int
        Largest number an order id of this journal has had.
    """

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self.held: dict[str, float] = {}
        self.cursor = 0
        self.last_number = 0
        self._live: dict[str, Track] = {}
        self._ended: dict[str, Track] = {}
        self._failures: dict[tuple[str, bool], tuple[int, int]] = {}
        self._attempts: dict[str, tuple[int, int]] = {}

    def apply(self, note: OrderNote) -> bool:
        """Take a note of the journal in; the same execution a second time changes nothing.

        Parameters
        ----------
        note : OrderNote
            Written and flushed already.

        Returns
        -------
        bool
            Whether it is the first note of its order.

        Raises
        ------
        InvariantError
            When a strategy would have two live orders, an id is used twice, or an execution is missing before this one.
        """
        if note.execution is not None and note.execution.number <= self.cursor:
            return False
        track = self.track(note.order.id)
        is_first = track is None
        if track is None:
            track = self._open(note)
        elif note.state is OrderState.INTENT:
            raise InvariantError(f"order id {note.order.id} was noted as a new intent twice: an id is used once")
        was_live = not track.state.is_final or is_first
        track.take(note)
        if note.execution is not None:
            self._execute(note.order, note.execution)
        if track.state.is_final and was_live:
            self._end(track, note)
        return is_first

    def _open(self, note: OrderNote) -> Track:
        order = note.order
        prefix, _, number = order.id.rpartition("-")
        if prefix == self._settings.journal_id and number.isdigit():
            self.last_number = max(self.last_number, int(number))
        if note.state is OrderState.INTENT:
            other = self._live.get(order.strategy)
            if other is not None:
                raise InvariantError(
                    f"order {order.id} of {order.strategy} was noted while {other.order.id} is {other.state.name}: "
                    "a strategy has one live order at a time"
                )
        if note.state in (OrderState.INTENT, OrderState.REFUSED) and not order.reduce_only:
            self._attempts[order.strategy] = (order.intent, self.attempts(order.strategy, order.intent) + 1)
        track = Track(order, note.state, note.time_ns)
        if note.state is OrderState.INTENT:
            self._live[order.strategy] = track
        return track

    def _execute(self, order: Order, execution: Execution) -> None:
        if execution.number != self.cursor + 1:
            raise InvariantError(
                f"execution {execution.number} of order {execution.order} was noted after {self.cursor}: "
                "those in between are missing in the journal"
            )
        self.cursor = execution.number
        held = self.held.get(execution.strategy, 0.0) + execution.units
        self.held[execution.strategy] = 0.0 if abs(held) <= UNITS_TOLERANCE else held
        self._failures.pop((order.strategy, order.reduce_only), None)
        if order.intent and not order.reduce_only:
            self._attempts[order.strategy] = (order.intent, 0)

    def _end(self, track: Track, note: OrderNote) -> None:
        order = track.order
        if self._live.get(order.strategy) is track:
            del self._live[order.strategy]
        self._ended[order.id] = track
        if len(self._ended) > KEPT_ENDED:
            del self._ended[next(iter(self._ended))]
        if track.state in FAILURES:
            key = (order.strategy, order.reduce_only)
            failures = self._failures.get(key, (0, 0))[0] + 1
            wait_ns = self._settings.wait_ns(failures, reducing=order.reduce_only)
            self._failures[key] = (failures, note.time_ns + wait_ns)

    def take_over(self, held: Mapping[str, float], cursor: int) -> None:
        """Begin with positions that were there before the first note.

        Parameters
        ----------
        held : mapping
            Signed units by strategy.
        cursor : int
            Number of the account's last execution before.

        Raises
        ------
        InvariantError
            When notes have been taken in already.
        """
        if self.held or self.cursor or self.last_number:
            raise InvariantError("positions can be taken over only before the first note of the journal")
        self.held, self.cursor = dict(held), cursor

    def track(self, order_id: str) -> Track | None:
        """An order that lives, or has ended not long ago.

        Parameters
        ----------
        order_id : str
            Id.

        Returns
        -------
        Track or None
            None when the order is not known here.
        """
        for track in self._live.values():
            if track.order.id == order_id:
                return track
        return self._ended.get(order_id)

    def live(self) -> Iterator[Track]:
        """Orders that have not ended, one a strategy at most."""
        return iter(tuple(self._live.values()))

    def is_live(self, strategy: str) -> bool:
        """Whether a strategy has an order that has not ended.

        Parameters
        ----------
        strategy : str
            Name.

        Returns
        -------
        bool
        """
        return strategy in self._live

    def in_flight(self) -> dict[str, float]:
        """Signed units by strategy that live orders may still execute."""
        return {strategy: track.remaining for strategy, track in self._live.items()}

    def unknown_pairs(self) -> set[str]:
        """Pairs with an order nobody knows the outcome of."""
        return {track.order.pair for track in self._live.values() if track.state is OrderState.UNKNOWN}

    def attempts(self, strategy: str, intent: int) -> int:
        """How often growing to an intent was tried since anything of it was executed.

        Parameters
        ----------
        strategy : str
            Name.
        intent : int
            The engine's number.

        Returns
        -------
        int
        """
        of_intent, attempts = self._attempts.get(strategy, (intent, 0))
        return attempts if of_intent == intent else 0

    def again_ns(self, strategy: str, *, reducing: bool) -> int:
        """From when on a strategy may try again.

        Parameters
        ----------
        strategy : str
            Name.
        reducing : bool
            Which of its two clocks.

        Returns
        -------
        int
            Zero when nothing has failed.
        """
        return self._failures.get((strategy, reducing), (0, 0))[1]

    def waits_ns(self, now_ns: int) -> Iterator[int]:
        """Ends of the waits that are still running.

        Parameters
        ----------
        now_ns : int
            Now.

        Yields
        ------
        int
        """
        yield from (until_ns for _, until_ns in self._failures.values() if until_ns > now_ns)
