"""The live loop: what came in goes to the disk, then through the engine; what it wants goes to the disk, then out.

One turn::

    gather   quotes, broker reports, people's messages, slow events, a heartbeat     nothing changes yet
    write    one transaction, durable                                                events before they act
    step     the engine, event by event
    plan     orders that are missing between target and position
    write    decisions and intents, durable                                          intents before they are sent
    send     and write what was sent

The loop remembers no decision that is still to be done: each turn compares the engine's targets with what is held and
in flight. So a crash anywhere leaves nothing to repeat and nothing to forget.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from workbench.data.journal.rows import Row
from workbench.data.journal.storage import JournalError
from workbench.domain.errors import DataError, ExecutionError
from workbench.domain.trading.decisions import AnyDecision, CancelAll, FailOver, ResumeRefused, RiskSnapshot
from workbench.domain.trading.events import AnyEvent, Heartbeat, Quote
from workbench.domain.trading.orders import OrderState
from workbench.engine.risk_engine import EngineState, RiskEngine
from workbench.engine.snapshot import LAYOUT, stored
from workbench.engine.translation import PAIR_PLACES
from workbench.execution.gateway import OrderGateway
from workbench.runtime.live.desk import exposure_of, market_of, stepped, targets_of, units_of
from workbench.runtime.live.ending import Ending
from workbench.runtime.live.halts import Intake
from workbench.runtime.live.latency import Latencies, OrderTimes
from workbench.runtime.live.outside import Gathered, Outside, Rhythm
from workbench.runtime.live.rows import command_row, decision_row, event_row, note_row, plain_row
from workbench.runtime.projection.health import Health
from workbench.runtime.projection.memory import STATUS, Memory
from workbench.runtime.projection.status import Projection, feed_table
from workbench.runtime.projection.words import refusal_of
from workbench.runtime.replay.event_file import decision_line


class LoopFaultError(ExecutionError):
    """A fault of the program itself."""


class LiveLoop:
    """One book, watched and protected.

    Parameters
    ----------
    outside : Outside
        Clock, journal, feeds, broker, inbox, slow sources, log.
    engine, state : RiskEngine, EngineState
        From `recovery.begin`.
    gateway : OrderGateway
        Rebuilt from the journal.
    seen : set of str
        Nonces of messages that were acted on before.
    rhythm : Rhythm
        How often what is done.
    memory : Memory
        What the projection knows, from `recovery.begin`; without it that begins now.
    """

    def __init__(
        self,
        outside: Outside,
        begun: tuple[RiskEngine, EngineState],
        gateway: OrderGateway,
        *,
        seen: set[str] | None = None,
        rhythm: Rhythm | None = None,
        memory: Memory | None = None,
    ) -> None:
        self._outside, self._gateway = outside, gateway
        self._engine, self.state = begun
        self._rhythm = rhythm if rhythm is not None else Rhythm()
        self._intake = Intake(outside.inbox, seen if seen is not None else set(), outside.journal)
        self.ending = Ending(outside.wall_ns(), self._rhythm)
        self.latencies = Latencies()
        self.memory = memory if memory is not None else Memory.begun(self.state)
        self._projection, self._health = Projection(self.memory, self.state), Health(outside.health)
        self._times = OrderTimes(self.latencies)
        self._later, self._quotes = list[Row](), dict[str, Quote]()
        now = outside.clock.now_ns()
        self._priced_by_ns = now + self._rhythm.first_price_ns
        self._began_ns, self.turns = now, 0
        self._beat_ns = self._look_ns = now
        self._show_at = outside.stopwatch()
        self._snapshot_ns, self._figures_ns = now + self._rhythm.snapshot_ns, now + self._rhythm.figures_ns
        self._priced = False
        self._turned_at, self._stopped, self._stop_ns = outside.stopwatch(), False, now

    # ------------------------------------------------------------------------------------------------------- a turn

    def turn(self) -> None:
        """Take in what has come, act on it, and send what is missing.

        Raises
        ------
        JournalError
            When the disk refuses: nothing was acted on that is not on it; the loop must end.
        """
        began = self._outside.stopwatch()
        now = max(self._outside.clock.now_ns(), int(self.state.time_ns))
        self._after_a_stop(began, now)
        gathered = self._gather(now)
        caused = self._outside.stopwatch()
        if gathered.rows or gathered.events or gathered.notes:
            self._write([*gathered.rows, *map(note_row, gathered.notes), *map(event_row, gathered.events)])
        decisions = self._take_in(gathered)
        if gathered.quotes:
            self.latencies.add("quote_to_decision", self._outside.stopwatch() - caused, len(gathered.quotes))
        self._order(decisions, now, caused)
        self._close_commands(gathered, decisions, now)
        self._keep(now, told=bool(gathered.commands))
        self.turns += 1
        self.latencies.add("turn", self._outside.stopwatch() - began)

    def _after_a_stop(self, began: int, now: int) -> None:
        """A process that stood still has not heard the feeds: silence is judged once they could speak, as at a start.

        Once a minute at most, so that a loop that stumbles on and on cannot put it off for ever.
        """
        stood, self._turned_at = began - self._turned_at, began
        if stood >= self._rhythm.stopped_ns and now >= self._stop_ns:
            self._stopped, self._stop_ns = True, now + self._rhythm.stop_again_ns
            self._beat_ns = now + self._rhythm.first_price_ns
            self._note(self._later, now, "loop", f"this process stood still for {stood / 1e9:.1f} s")

    def _gather(self, now: int) -> Gathered:
        outside, found = self._outside, Gathered()
        batch = outside.feeds.poll(now, exposure_of(self.state))
        found.quotes = batch.quotes
        for note in batch.notes:
            self._note(found.rows, now, "feed", note.sentence)
        self._priced = self._priced or bool(batch.quotes)
        if not self._priced and now < self._priced_by_ns:
            # after a start, silence is judged only once the feeds have had their chance
            return found
        found.events.extend(batch.quotes)
        self._gather_orders(found, now)
        for source in outside.sources:
            for event in source.events(now, self.state):
                self._add_if_possible(found, event, now)
            for sentence in source.notes():
                self._note(found.rows, now, "source", sentence)
        self._gather_commands(found, now)
        if self._stopped and found.quotes:
            self._stopped, self._beat_ns = False, now
        if now >= self._beat_ns:
            found.events.append(Heartbeat(now))
            self._beat_ns = now + self._rhythm.heartbeat_ns
        return found

    def _gather_orders(self, found: Gathered, now: int) -> None:
        collected = self._gateway.collect(now)
        if not collected.notes and not collected.events and self._gateway.reconcile_due(now):
            collected = self._gateway.reconcile(units_of(self.state), now)
        found.notes.extend(collected.notes)
        found.events.extend(collected.events)

    def _add_if_possible(self, found: Gathered, event: AnyEvent, now: int) -> str:
        """Try the event on the engine, which is pure, before it is written; why it was refused."""
        refused = stepped(self._engine, self.state, event)[2]
        if refused:
            self._note(found.rows, now, "refused", refused)
        else:
            found.events.append(event)
        return refused

    def _gather_commands(self, found: Gathered, now: int) -> None:
        if now < self._look_ns:
            return
        self._look_ns = now + self._rhythm.inbox_ns
        for path, command in self._intake.messages():
            if isinstance(command, DataError):
                self._note(found.rows, now, "refused", str(command))
                continue
            refused = self._intake.refusal(command, (self._engine, self.state), found.events)
            if not refused:
                refusals = [self._add_if_possible(found, one, now) for one in command.events(now)]
                refused = "; ".join(filter(None, refusals))
            found.rows.append(command_row(command, now, refused))
            found.commands.append((path, command, refused))

    # ------------------------------------------------------------------------------------------------- acting on it

    def _take_in(self, gathered: Gathered) -> list[AnyDecision]:
        for note in gathered.notes:
            self._gateway.apply(note)
            self.memory.recent.ordered(note)
            if note.state is not OrderState.SENT:
                self._times.answered(note.order.id, self._outside.stopwatch())
        if gathered.quotes:
            self._outside.broker.watch(gathered.quotes)
        decided: list[AnyDecision] = []
        for event in gathered.events:
            self.memory.watch(self.state, event.time_ns)
            self.state, decisions, refused = stepped(self._engine, self.state, event)
            decided.extend(decisions)
            if refused:
                self._note(self._later, event.time_ns, "refused", refused)
        self._projection.renew(self.state)
        for decision in decided:
            self._heard(decision)
        self._see(gathered.quotes)
        return decided

    def _see(self, quotes: Sequence[Quote]) -> None:
        """Remember the last quotes of the feed in use, and give the collar the prices the engine believes."""
        for quote in quotes:
            if quote.feed == self._outside.feeds.in_use:
                self._quotes[quote.pair] = quote
                good = float(self.state.good[PAIR_PLACES[quote.pair]])
                if good > 0.0:
                    self._outside.limits.see(quote.pair, good, quote.time_ns)

    def _heard(self, decision: AnyDecision) -> None:
        if isinstance(decision, RiskSnapshot):
            return
        self.memory.decided(decision, self._projection.deadlines)
        self._later.append(decision_row(decision))
        if isinstance(decision, FailOver):
            self._outside.feeds.in_use = decision.feed
        self._outside.log("info", type(decision).__name__, decision=decision_line(decision))

    def _order(self, decisions: list[AnyDecision], now: int, caused: int) -> None:
        notes = list(self._gateway.cancel_all(now)) if any(isinstance(one, CancelAll) for one in decisions) else []
        notes += self._gateway.plan(targets_of(self.state), market_of(self.state, self._quotes), now)
        if not notes:
            return
        self._write([note_row(note) for note in notes])
        for note in notes:
            self._gateway.apply(note)
            self.memory.recent.ordered(note)
        intents = [note.order.id for note in notes if note.state is OrderState.INTENT]
        self._times.durable(intents, caused, self._outside.stopwatch())
        sent = self._gateway.send(now)
        for note in sent:
            self._gateway.apply(note)
            self.memory.recent.ordered(note)
            self._times.sent(note.order.id, self._outside.stopwatch())
        self._write([note_row(note) for note in sent])

    def _close_commands(self, gathered: Gathered, decisions: list[AnyDecision], now: int) -> None:
        self._intake.heard(gathered.commands, decisions)
        for path, command, refused in gathered.commands:
            refusals = [refusal_of(one) for one in decisions if isinstance(one, ResumeRefused)]
            said = refusals[0] if command.act == "resume" and refusals else refused
            self.memory.commanded(command.model_dump(), now, said)
            self.ending.hear(command, said, now)
            self._outside.inbox.done(path)

    # ------------------------------------------------------------------------------------------------- housekeeping

    def _write(self, rows: list[Row], shown: Mapping[str, str] | None = None) -> None:
        if not self._later and not rows and shown is None:
            return
        began = self._outside.stopwatch()
        self._outside.journal.write([*self._later, *rows], shown)
        self._later.clear()
        self.latencies.add("journal_write", self._outside.stopwatch() - began)

    def _note(self, rows: list[Row], now: int, kind: str, sentence: str) -> None:
        rows.append(plain_row(now, {"kind": kind, "sentence": sentence}))
        self.memory.recent.noted(now, kind, sentence)
        self._outside.log("warning", sentence, kind=kind)

    def _keep(self, now: int, *, told: bool) -> None:
        """Projection, figures and snapshot, each when it is due."""
        if now >= self._figures_ns:
            self._figures_ns = now + self._rhythm.figures_ns
            self._later.append(plain_row(now, {"kind": "figures", "latency": self.latencies.summary()}))
        # a start steps the events after the snapshot: what the projection knows must never be older than that
        due, seen = now >= self._snapshot_ns, self._outside.stopwatch()
        if told or due or seen >= self._show_at:
            self._show_at = seen + self._rhythm.shown_ns
            self._outside.publish(self.show(now))
        if due:
            self._snapshot_ns = now + self._rhythm.snapshot_ns
            self.keep_snapshot()

    def show(self, now: int) -> str:
        """Write what people are shown, and of the series what has changed.

        Parameters
        ----------
        now : int
            UTC nanoseconds of the loop's clock.

        Returns
        -------
        str
            The projection, JSON.
        """
        status = self.status(now)
        self._write([], {STATUS: status, **self.memory.series.changed(self.state, self._outside.stopwatch())})
        return status

    def status(self, now: int) -> str:
        """What people are shown.

        Parameters
        ----------
        now : int
            UTC nanoseconds of the loop's clock.

        Returns
        -------
        str
            JSON.
        """
        outside, head = self._outside, self._outside.journal.head
        about = {
            **outside.about,
            "feeds": [feed_table(quality) for quality in outside.feeds.quality(now)],
            "feed_in_use": outside.feeds.in_use,
            "quoted": {pair: quote.time_ns for pair, quote in self._quotes.items()},
            "broker": outside.broker.name,
            "latency": self.latencies.summary(),
            "journal": {"sequence": head.sequence, "digest": head.digest, "epoch": outside.journal.epoch},
            "loop": self._life(now),
            "health": self._health.table(outside.stopwatch()),
        }
        return self._projection.status(self.state, about)

    def _life(self, now: int) -> dict[str, Any]:
        return {
            "began_ns": self._began_ns,
            "now_ns": now,
            "wall_ns": self._outside.wall_ns(),
            "speed": self._outside.speed,
            "turns": self.turns,
            "priced": self._priced,
        }

    def keep_snapshot(self) -> None:
        """Keep the engine's state, so that a restart steps only what came after."""
        self._write([])
        self._outside.journal.keep_snapshot(self._outside.journal.head.sequence, LAYOUT, stored(self.state))

    def due_ns(self) -> int:
        """When the next turn has something to do.

        Returns
        -------
        int
            UTC nanoseconds of the loop's clock.
        """
        outside, now = self._outside, self._outside.clock.now_ns()
        if not self._priced and now < self._priced_by_ns:
            return min(outside.feeds.due_ns(now), self._priced_by_ns)
        moments = [self._beat_ns, self._look_ns, outside.feeds.due_ns(now), self._gateway.due_ns(now)]
        moments += [outside.broker.due_ns(), *(source.due_ns() for source in outside.sources)]
        return min(moment for moment in moments if moment is not None)

    def run(self, stopped: Callable[[], bool]) -> None:
        """Turn after turn, until told to stop or shut down; then leave everything on the disk.

        Parameters
        ----------
        stopped : callable
            Whether to stop.

        Raises
        ------
        ExecutionError
            When the disk refuses or the program is wrong. Nothing is repeated: starting again is the recovery. After a
            fault of the program a halt is left in the inbox, so that the next start begins halted.
        """
        try:
            while not (stopped() or self.ending.due(self._outside.clock.now_ns(), self._gateway.live_orders)):
                self.turn()
                self._outside.clock.wait_until(self.due_ns())
            self.end()
        except JournalError:
            self._abandon()
            raise
        except Exception as error:
            # the one broad guard: halt, alert, end
            self._abandon()
            self._outside.inbox.leave_halt(f"{type(error).__name__}: {error}")
            raise LoopFaultError(f"the loop met what it was not made for: {type(error).__name__}: {error}") from error

    def _abandon(self) -> None:
        """Nothing may be sent any more; cancel what waits at the broker if it can still be reached."""
        now = self._outside.clock.now_ns()
        try:
            self._gateway.cancel_all(now)
        except ExecutionError as error:
            self._outside.log("error", f"orders that wait at the broker could not be cancelled: {error}")

    def end(self) -> None:
        """Leave a state that resumes: snapshot, a last word, a signed checkpoint."""
        now = max(self._outside.clock.now_ns(), int(self.state.time_ns))
        self._later.append(plain_row(now, self.ending.last_word(units_of(self.state), self._gateway.live_orders)))
        self.show(now)
        self.keep_snapshot()
        self._outside.journal.close(now)
