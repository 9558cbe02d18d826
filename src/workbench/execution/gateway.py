"""The order gateway: level-triggered and event-sourced.

It never remembers a decision. At any moment it compares the engine's stored targets with what is held and in flight,
and says which order is missing. The loop goes round like this::

    notes = gateway.plan(targets, market, now_ns)     # decides, changes nothing
    journal.commit(notes)                             # durable
    gateway.apply(note) for each note                 # the one place where state changes
    notes = gateway.send(now_ns)                      # only now is anything sent; commit and apply these too
    collected = gateway.collect(now_ns)               # notes and events of one commit; apply the notes

Whatever a method returns is committed and applied before the next one is called. After a crash the gateway is made
anew by `apply` over the journal's notes, then `restart`.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain

from workbench.domain.errors import InvariantError
from workbench.domain.trading.events import AnyEvent, BrokerStatus, OrderUnknown
from workbench.domain.trading.modes import Mode
from workbench.domain.trading.orders import Order, OrderNote, OrderState
from workbench.execution.blotter import Blotter, GatewaySettings
from workbench.execution.broker import Broker, BrokerUnreachableError, OutcomeUnknownError, Report
from workbench.execution.limits import Approved, PreTradeLimits
from workbench.execution.planner import MarketView, Planner, Target
from workbench.execution.reconciliation import Reconciliation
from workbench.execution.settlement import Collected, Draft, Settlement


class OrderGateway:
    """From targets to orders, from reports to fills.

    Parameters
    ----------
    settings : GatewaySettings
        Names and times.
    broker : Broker
        Where orders go.
    limits : PreTradeLimits
        What every order meets first.
    """

    def __init__(self, settings: GatewaySettings, broker: Broker, limits: PreTradeLimits) -> None:
        self._settings, self._broker, self._limits = settings, broker, limits
        self._blotter = Blotter(settings)
        self._planner = Planner(settings, limits, self._blotter)
        self._settlement = Settlement(settings, broker, self._blotter)
        self._reconciliation = Reconciliation(settings, limits.pairs)
        self._approved: dict[str, Approved] = {}
        self._cancelled: set[str] = set()
        self._cancel_again_ns = 0
        self._waiting: list[AnyEvent] = []
        self._connected: bool | None = None

    @property
    def live_orders(self) -> tuple[tuple[Order, OrderState], ...]:
        """Orders that have not ended, with their states."""
        return tuple((track.order, track.state) for track in self._blotter.live())

    @property
    def held(self) -> dict[str, float]:
        """Signed units by strategy, from everything executed."""
        return dict(self._blotter.held)

    @property
    def cursor(self) -> int:
        """Number of the last execution taken in."""
        return self._blotter.cursor

    def take_over(self, held: Mapping[str, float], cursor: int = 0) -> None:
        """Begin with positions that were there before the first note of the journal.

        Parameters
        ----------
        held : mapping
            Signed units by strategy.
        cursor : int, optional
            Number of the account's last execution before.

        Raises
        ------
        InvariantError
            When notes have been applied already.
        """
        self._blotter.take_over(held, cursor)

    def apply(self, note: OrderNote) -> None:
        """Take in a note that is in the journal.

        Parameters
        ----------
        note : OrderNote
            In the journal's order.

        Raises
        ------
        InvariantError
            When the journal contradicts itself.
        """
        first = self._blotter.apply(note)
        if first and note.state is OrderState.INTENT:
            self._limits.count(note.order.strategy, note.time_ns)

    def restart(self, now_ns: int) -> list[OrderNote]:
        """Call every order UNKNOWN that the journal left alive: the process that knew more is gone.

        Parameters
        ----------
        now_ns : int
            Now.

        Returns
        -------
        list of OrderNote
        """
        self._approved.clear()
        notes = []
        for track in self._blotter.live():
            if track.state is not OrderState.UNKNOWN:
                reason = f"a restart found it {track.state.name}"
                notes.append(self._unknown(track.order, reason, now_ns))
        self._reconciliation.ask()
        return notes

    def plan(self, targets: Sequence[Target], market: MarketView, now_ns: int) -> list[OrderNote]:
        """Say which orders are missing; nothing grows before positions were compared, or while the broker is down.

        While the mode is not ACTIVE growing orders in flight are cancelled here too: a `cancel_all` that failed, or
        that a crash has forgotten, is made up for.

        Parameters
        ----------
        targets : sequence of Target
            Everything the engine has stored.
        market : MarketView
            Prices, equity, mode.
        now_ns : int
            Now.

        Returns
        -------
        list of OrderNote
            INTENT, or REFUSED with the limit.
        """
        stopping = market.mode is not Mode.ACTIVE and now_ns >= self._cancel_again_ns
        cancelled = self.cancel_all(now_ns) if stopping else []
        may_grow = self._connected is True and self._reconciliation.compared
        stopped = set(self._reconciliation.different) if may_grow else {target.strategy for target in targets}
        planned = self._planner.plan(targets, market, stopped, now_ns)
        self._approved = {key: order for key, order in self._approved.items() if self._blotter.track(key)}
        self._approved.update(planned.approved)
        self._waiting += planned.repeated
        return [*cancelled, *planned.notes]

    def send(self, now_ns: int) -> list[OrderNote]:
        """Send every intent of this process that is in the journal and has not been sent.

        Parameters
        ----------
        now_ns : int
            Now.

        Returns
        -------
        list of OrderNote
            SENT; REJECTED when it certainly was not sent; UNKNOWN; CANCELLED when it is too late to send it.
        """
        notes = []
        for order_id in list(self._approved):
            track = self._blotter.track(order_id)
            if track is None:
                continue
            approved = self._approved.pop(order_id)
            if track.state is OrderState.INTENT:
                notes.append(self._send(approved, now_ns))
        return notes

    def _send(self, approved: Approved, now_ns: int) -> OrderNote:
        if not isinstance(approved, Approved):
            raise InvariantError(f"only an approved order may be sent, got {approved!r}")
        order = approved.order
        if now_ns > order.valid_until_ns:
            return OrderNote(now_ns, OrderState.CANCELLED, order, reason="never sent: its time had passed")
        try:
            self._broker.submit(order, now_ns)
        except BrokerUnreachableError as error:
            return OrderNote(now_ns, OrderState.REJECTED, order, reason=f"certainly not sent: {error}")
        except OutcomeUnknownError as error:
            return self._unknown(order, str(error), now_ns)
        return OrderNote(now_ns, OrderState.SENT, order)

    def _unknown(self, order: Order, reason: str, now_ns: int) -> OrderNote:
        self._waiting.append(OrderUnknown(now_ns, order.strategy, order.intent))
        self._reconciliation.ask()
        return OrderNote(now_ns, OrderState.UNKNOWN, order, reason=reason)

    def cancel_all(self, now_ns: int) -> list[OrderNote]:
        """Cancel growing orders, each once; reducing ones go on. What becomes of those at the broker is reported.

        Parameters
        ----------
        now_ns : int
            Now.

        Returns
        -------
        list of OrderNote
            CANCELLED for those that have not been sent yet.
        """
        notes = []
        for track in self._blotter.live():
            order = track.order
            if order.reduce_only or order.id in self._cancelled:
                continue
            if self._approved.pop(order.id, None) is not None:
                notes.append(OrderNote(now_ns, OrderState.CANCELLED, order, reason="never sent: all were cancelled"))
            elif self._cancel(order.id, now_ns):
                self._cancelled.add(order.id)
            else:
                self._cancel_again_ns = now_ns + self._settings.ask_every_ns
        return notes

    def _cancel(self, order_id: str, now_ns: int) -> bool:
        try:
            self._broker.cancel(order_id, now_ns)
        except (BrokerUnreachableError, OutcomeUnknownError):
            return False
        return True

    def collect(self, now_ns: int) -> Collected:
        """Hear what has been reported, and ask about what is in doubt.

        Parameters
        ----------
        now_ns : int
            Now.

        Returns
        -------
        Collected
            Each execution once, however often it was reported.
        """
        draft = Draft(self._blotter, self._limits.pairs, now_ns)
        # the engine takes events in order of time, and has heard others since these came up
        draft.events += [replace(event, time_ns=now_ns) for event in self._waiting]
        self._waiting = []
        for report in self._reports(draft):
            self._settlement.hear(report, draft)
        self._settlement.time_out(draft)
        # doubts that could not be settled remain, and are asked about again
        with suppress(BrokerUnreachableError):
            self._settlement.settle(draft)
        self._note_trouble(draft)
        return draft.collected()

    def _reports(self, draft: Draft) -> Sequence[Report]:
        try:
            reports = self._broker.reports(draft.now_ns)
        except BrokerUnreachableError:
            self._hear_of(draft, connected=False)
            return ()
        self._hear_of(draft, connected=True)
        return reports

    def _hear_of(self, draft: Draft, *, connected: bool) -> None:
        if connected is not self._connected:
            self._connected = connected
            draft.events.append(BrokerStatus(draft.now_ns, connected))

    def _note_trouble(self, draft: Draft) -> None:
        """After an unknown outcome, or an execution that is not ours, agreement with the broker has to be announced."""
        unknown = any(isinstance(event, OrderUnknown) for event in draft.events)
        if unknown or any(note.execution is not None and note.order.intent == 0 for note in draft.notes):
            self._reconciliation.ask()
        if self._cancelled:
            self._cancelled &= {track.order.id for track in self._blotter.live()}

    def reconcile_due(self, now_ns: int) -> bool:
        """Whether positions should be compared now: at the start and every so often, while nothing is in flight.

        Parameters
        ----------
        now_ns : int
            Now.

        Returns
        -------
        bool
        """
        return now_ns >= self._reconciliation.next_ns and not any(True for _ in self._blotter.live())

    def reconcile(self, units: Mapping[str, float], now_ns: int) -> Collected:
        """Read the account's books, then compare positions; a second call is needed when the books held anything new.

        Parameters
        ----------
        units : mapping
            Signed units by strategy as the engine has them.
        now_ns : int
            Now.

        Returns
        -------
        Collected
            Empty when it is not due.
        """
        if not self.reconcile_due(now_ns):
            return Collected()
        draft = Draft(self._blotter, self._limits.pairs, now_ns)
        try:
            self._settlement.read_books(draft)
            # the engine has to hear of these fills before its units can be compared
            if not draft.notes:
                theirs = self._broker.positions(now_ns)
                draft.events += self._reconciliation.compare(units, self._blotter.held, theirs, now_ns)
        except BrokerUnreachableError:
            self._reconciliation.postpone(now_ns)
        self._note_trouble(draft)
        return draft.collected()

    def due_ns(self, now_ns: int) -> int | None:
        """When the gateway next has something to do, if nothing else happens.

        Parameters
        ----------
        now_ns : int
            Now.

        Returns
        -------
        int or None
            Not before now.
        """
        times = [self._broker.due_ns(), self._settlement.due_ns(now_ns)]
        if not self.live_orders:
            times.append(self._reconciliation.next_ns)
        if self._waiting or self._approved:
            times.append(now_ns)
        known = [time_ns for time_ns in chain(times, self._blotter.waits_ns(now_ns)) if time_ns is not None]
        return max(min(known), now_ns) if known else None
