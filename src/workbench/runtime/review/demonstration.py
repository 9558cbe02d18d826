"""A short crisis played into a journal, for those who have none: seconds instead of the hours a loop would take.

No live loop runs. Prices of a scenario's world, taken in every five seconds, go through the engine; its orders are
filled at once at the recorded mid, half the spread against them. Rows are those a loop writes, orders without the steps
between.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workbench.data.journal import codec
from workbench.data.journal.chain import Signer
from workbench.data.journal.journal import Journal
from workbench.data.journal.rows import Row, RowKind
from workbench.domain.policy import Policy
from workbench.domain.trading.decisions import AnyDecision
from workbench.domain.trading.events import AnyEvent, Fill, Heartbeat, Quote
from workbench.domain.trading.market_hours import HOUR_NS, MINUTE_NS, SECOND_NS
from workbench.domain.trading.orders import Execution, Order, OrderNote, OrderState
from workbench.engine.risk_engine import RiskEngine, Start
from workbench.runtime.live.rows import decision_row, event_row, note_row
from workbench.runtime.replay.event_file import beginning_of
from workbench.runtime.replay.scenario import held_strategies
from workbench.runtime.review.course import Course
from workbench.runtime.review.journal_days import Progress
from workbench.runtime.review.what_if import Run
from workbench.runtime.worlds.world import World

TURN_NS = 5 * SECOND_NS
ROWS_AT_A_TIME = 2_000
TURNS_BETWEEN_WORDS = 500
FEED = "replay:demonstration"


@dataclass(slots=True)
class Recorder:
    """Writes what a run takes in and decides, in groups.

    Attributes
    ----------
    journal : Journal
        Open.
    pairs : dict of str to str
        Pair of each strategy.
    """

    journal: Journal
    pairs: dict[str, str]
    _rows: list[Row] = field(default_factory=list, repr=False)
    _orders: int = 0

    def take(self, event: AnyEvent, decisions: Sequence[AnyDecision]) -> None:
        """Write an event and what it led to.

        Parameters
        ----------
        event : Event
            Stepped.
        decisions : sequence of Decision
            No snapshots.
        """
        if isinstance(event, Fill):
            self._rows += map(note_row, self._notes(event))
        self._rows += [event_row(event), *map(decision_row, decisions)]
        if len(self._rows) >= ROWS_AT_A_TIME:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        if self._rows:
            self.journal.write(self._rows)
            self._rows = []

    def _notes(self, fill: Fill) -> Iterator[OrderNote]:
        self._orders += 1
        pair = self.pairs[fill.strategy]
        order = Order(
            f"demo-{self._orders}", fill.strategy, pair, fill.units, fill.intent, reduce_only=False, price=fill.price,
            valid_until_ns=fill.time_ns + MINUTE_NS,
        )  # fmt: skip
        done = Execution(self._orders, order.id, fill.strategy, pair, fill.units, fill.price, fill.time_ns)
        yield OrderNote(fill.time_ns, OrderState.INTENT, order)
        yield OrderNote(fill.time_ns, OrderState.FILLED, order, done)


def play_demonstration(folder: Path, world: World, policy: Policy, hours: float, progress: Progress) -> None:
    """Play the first hours of a world into a new journal.

    Parameters
    ----------
    folder : Path
        Of the journal; nothing is there yet.
    world : World
        A scenario.
    policy : Policy
        In force.
    hours : float
        How much of it.
    progress : callable
        Told how far it is, now and then.
    """
    engine = RiskEngine(policy, world.calibration, held_strategies(world.book))
    start = Start(world.begins_ns, world.book.equity)
    journal = Journal(folder, Signer.open(folder))
    head = {**beginning_of(engine, start), "world": {"feed": FEED, "label": f"DEMONSTRATION, {world.label}"}}
    journal.write([Row(RowKind.START, start.time_ns, codec.encode_table(head))])
    recorder = Recorder(journal, {one.name: one.pair for one in engine.settings.strategies})
    run = Run(engine, Course(round(hours * HOUR_NS), engine.init(start)), _in_force, recorder.take)
    for event in world.opening:
        run.take(event)
    ends_ns = min(start.time_ns + round(hours * HOUR_NS), world.ends_ns or start.time_ns)
    _live(world, run, (start.time_ns, ends_ns), progress)
    recorder.flush()
    journal.close(ends_ns)


def _live(world: World, run: Run, bounds_ns: tuple[int, int], progress: Progress) -> None:
    since_ns, ends_ns = bounds_ns
    feed, sources = world.feeds(since_ns)[0], world.sources(since_ns)
    for now in range(since_ns + TURN_NS, ends_ns + 1, TURN_NS):
        # all of a turn are taken in at its end, as a loop does
        for raw in feed.poll(now):
            run.take(Quote(now, raw.pair, raw.bid, raw.ask))
        for source in sources:
            for event in source.events(now, run.course.state):
                run.take(event)
        run.take(Heartbeat(now))
        if now // TURN_NS % TURNS_BETWEEN_WORDS == 0:
            progress("playing a crisis", now - since_ns, ends_ns - since_ns)
    progress("playing a crisis", 1, 1)


def _in_force(policy: Policy) -> Policy:
    return policy
