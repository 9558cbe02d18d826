"""What became of orders: reports are hints, the account's own books are the truth, nothing is counted twice."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from workbench.domain.errors import ExecutionError
from workbench.domain.trading.events import AnyEvent, Fill, OrderRejected, OrderUnknown
from workbench.domain.trading.orders import Execution, Order, OrderNote, OrderState
from workbench.execution.blotter import Blotter, GatewaySettings, Track
from workbench.execution.broker import Broker, Report
from workbench.execution.limits import UNITS_TOLERANCE


@dataclass(frozen=True, slots=True)
class Collected:
    """What is new: notes to journal and apply, and events for the engine. They belong together in one commit."""

    notes: tuple[OrderNote, ...] = ()
    events: tuple[AnyEvent, ...] = ()


class Draft:
    """Notes and events of one reading: each follows those before it, though none has been applied yet.

    Parameters
    ----------
    blotter : Blotter
        As applied; it is not changed.
    strategies : iterable of str
        Those the engine knows.
    now_ns : int
        Now.
    """

    def __init__(self, blotter: Blotter, strategies: Iterable[str], now_ns: int) -> None:
        self.now_ns = now_ns
        self.notes: list[OrderNote] = []
        self.events: list[AnyEvent] = []
        self.cursor = blotter.cursor
        self._blotter = blotter
        self._strategies = frozenset(strategies)
        self._tracks: dict[str, Track] = {}

    def collected(self) -> Collected:
        """All of it."""
        return Collected(tuple(self.notes), tuple(self.events))

    def track(self, order_id: str) -> Track | None:
        """An order as it will be once the notes so far are applied.

        Parameters
        ----------
        order_id : str
            Id.

        Returns
        -------
        Track or None
        """
        if order_id not in self._tracks:
            applied = self._blotter.track(order_id)
            if applied is None:
                return None
            self._tracks[order_id] = replace(applied)
        return self._tracks[order_id]

    def move(self, track: Track, state: OrderState, reason: str = "", execution: Execution | None = None) -> None:
        """Note a step of an order.

        Parameters
        ----------
        track : Track
            Of this draft.
        state : OrderState
            From now on.
        reason : str, optional
            Why.
        execution : Execution, optional
            With a fill.
        """
        note = OrderNote(self.now_ns, state, track.order, execution, reason)
        self.notes.append(note)
        track.take(note)
        if state is OrderState.REJECTED:
            self.events.append(OrderRejected(self.now_ns, track.order.strategy, track.order.intent))
        if state is OrderState.UNKNOWN:
            self.events.append(OrderUnknown(self.now_ns, track.order.strategy, track.order.intent))

    def execute(self, execution: Execution) -> None:
        """Note an execution, and the fill the engine hears of; one that is known already changes nothing.

        Parameters
        ----------
        execution : Execution
            Of any order, also of one that is not ours.

        Raises
        ------
        ExecutionError
            When executions before it are missing.
        """
        if execution.number <= self.cursor:
            return
        if execution.number != self.cursor + 1:
            raise ExecutionError(
                f"the broker's books go from execution {self.cursor} to {execution.number}: those in between are "
                "missing; compare with the broker's own page before trading goes on"
            )
        self.cursor = execution.number
        track = self.track(execution.order) or self._foreign(execution)
        executed = track.executed + execution.units
        whole = abs(executed) >= abs(track.order.units) - UNITS_TOLERANCE
        reason = "" if track.order.intent else "not an order of ours"
        self.move(track, OrderState.FILLED if whole else OrderState.PART_FILLED, reason, execution)
        if execution.strategy in self._strategies:
            intent = track.order.intent
            self.events.append(Fill(self.now_ns, execution.strategy, intent, execution.units, execution.price))

    def _foreign(self, execution: Execution) -> Track:
        """An order of somebody else; intent 0 makes the engine refuse the fill and raise the alarm."""
        order = Order(
            id=execution.order,
            strategy=execution.strategy,
            pair=execution.pair,
            units=execution.units,
            intent=0,
            reduce_only=False,
            price=execution.price,
            valid_until_ns=self.now_ns,
        )
        self._tracks[order.id] = Track(order, OrderState.SENT, self.now_ns)
        return self._tracks[order.id]


class Settlement:
    """Follows reports, and asks the account's books wherever a report cannot be taken at its word.

    Parameters
    ----------
    settings : GatewaySettings
        Names and times.
    broker : Broker
        Whom to ask.
    blotter : Blotter
        Orders as applied.
    """

    def __init__(self, settings: GatewaySettings, broker: Broker, blotter: Blotter) -> None:
        self._settings, self._broker, self._blotter = settings, broker, blotter
        self._claims: dict[str, Report] = {}
        self._must_read = False
        self._asked_ns: int | None = None

    def hear(self, report: Report, draft: Draft) -> None:
        """Follow a report as far as it can be taken at its word; what cannot is asked for in `settle`.

        Parameters
        ----------
        report : Report
            Late, twice, out of order: anything goes.
        draft : Draft
            Takes the notes.
        """
        execution = report.execution
        if execution is not None and execution.number > draft.cursor + 1:
            self._must_read = True
            self._claim(report, draft)
            return
        if execution is not None:
            draft.execute(execution)
        track = draft.track(report.order)
        if track is None or track.state.is_final:
            return
        if report.state is OrderState.ACKNOWLEDGED:
            if track.state in (OrderState.INTENT, OrderState.SENT, OrderState.UNKNOWN):
                draft.move(track, OrderState.ACKNOWLEDGED)
        elif report.state is OrderState.FILLED and execution is not None:
            # its last execution and all before it are known: it filled less than asked, and the rest is gone
            draft.move(track, OrderState.FILLED)
        elif report.state is not OrderState.PART_FILLED:
            self._must_read = True
            self._claim(report, draft)

    def _claim(self, report: Report, draft: Draft) -> None:
        if report.state.is_final and draft.track(report.order) is not None:
            self._claims[report.order] = report

    def time_out(self, draft: Draft) -> None:
        """Call orders UNKNOWN that the broker should have acknowledged by now.

        Parameters
        ----------
        draft : Draft
            Takes the notes.
        """
        for track in self._blotter.live():
            followed = draft.track(track.order.id)
            waited_ns = draft.now_ns - track.since_ns
            if followed is None or followed.state is not OrderState.SENT:
                continue
            if waited_ns >= self._settings.acknowledge_within_ns:
                seconds = self._settings.acknowledge_within_ns / 1e9
                draft.move(followed, OrderState.UNKNOWN, f"not acknowledged within {seconds:g} s")
                self._must_read = True

    def settle(self, draft: Draft) -> None:
        """Ask the account's books about every order in doubt.

        Parameters
        ----------
        draft : Draft
            Takes the notes.

        Raises
        ------
        BrokerUnreachableError
            When they cannot be read; the doubts remain, and are asked again later.
        """
        doubtful = [track for track in self._doubtful(draft) if not track.state.is_final]
        if not self._must_read and not (doubtful and draft.now_ns >= self._next_ns()):
            return
        self._asked_ns = draft.now_ns
        # states first: everything executed before an order was said to have ended is in the books read after that
        answers = [(track, self._broker.state_of(track.order.id, draft.now_ns)) for track in doubtful]
        self.read_books(draft)
        for track, answer in answers:
            self._conclude(track, answer or self._claims.get(track.order.id), draft)
        self._must_read = False
        self._claims.clear()

    def read_books(self, draft: Draft) -> None:
        """Take in everything executed since the cursor.

        Parameters
        ----------
        draft : Draft
            Takes the notes.

        Raises
        ------
        BrokerUnreachableError
            When they cannot be read.
        """
        for execution in self._broker.executions(draft.cursor, draft.now_ns):
            draft.execute(execution)

    def due_ns(self, now_ns: int) -> int | None:
        """When there is next something to time out or to ask.

        Parameters
        ----------
        now_ns : int
            Now.

        Returns
        -------
        int or None
            None when nothing is in doubt.
        """
        times = [max(now_ns, self._next_ns())] if self._must_read else []
        for track in self._blotter.live():
            if track.state is OrderState.UNKNOWN:
                times.append(self._next_ns())
            elif track.state is OrderState.SENT:
                times.append(track.since_ns + self._settings.acknowledge_within_ns)
            elif track.state is not OrderState.INTENT:
                times.append(max(self._next_ns(), track.order.valid_until_ns + 1))
        return min(times, default=None)

    def _doubtful(self, draft: Draft) -> list[Track]:
        """Orders that are unknown, are said to have ended, or should have ended by now."""
        doubtful = []
        for live in self._blotter.live():
            track = draft.track(live.order.id)
            if track is None or track.state is OrderState.INTENT:
                continue
            late = draft.now_ns > track.order.valid_until_ns
            if late or track.state is OrderState.UNKNOWN or track.order.id in self._claims:
                doubtful.append(track)
        return doubtful

    def _next_ns(self) -> int:
        return 0 if self._asked_ns is None else self._asked_ns + self._settings.ask_every_ns

    def _conclude(self, track: Track, answer: Report | None, draft: Draft) -> None:
        if track.state.is_final:
            return
        if answer is None:
            dead_ns = track.order.valid_until_ns + self._settings.settle_margin_ns
            if draft.now_ns > dead_ns and track.executed == 0.0:
                draft.move(track, OrderState.CANCELLED, "the broker has never heard of it")
        elif answer.state.is_final:
            draft.move(track, answer.state, answer.reason)
        elif track.state in (OrderState.SENT, OrderState.UNKNOWN):
            state = OrderState.PART_FILLED if track.executed else OrderState.ACKNOWLEDGED
            draft.move(track, state)
