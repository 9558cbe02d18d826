"""A book under the shipped policy, a market that walks for days, and a journal that dies wherever a test wants."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.data.inbox import Command
from workbench.data.journal.chain import Signer
from workbench.data.journal.journal import Journal
from workbench.data.policy_file import read_policy
from workbench.domain.book import Book
from workbench.domain.currencies import LEGS, PAIRS
from workbench.domain.policy import Policy
from workbench.domain.trading.decisions import AnyDecision, ResumeRefused, RiskSnapshot
from workbench.domain.trading.events import AnyEvent, Heartbeat, Quote
from workbench.domain.trading.market_hours import SECOND_NS
from workbench.engine.risk_engine import EngineState, RiskEngine, Start
from workbench.engine.snapshot import LAYOUT, stored
from workbench.execution.blotter import GatewaySettings
from workbench.execution.gateway import OrderGateway
from workbench.execution.limits import PreTradeLimits
from workbench.execution.paper.broker import PaperBroker
from workbench.execution.paper.ledger import MemoryLedger
from workbench.execution.paper.plan import PaperPlan
from workbench.runtime.live.recovery import Begun, begin, held_at_first
from workbench.runtime.live.rows import command_row, decision_row, event_row, plain_row
from workbench.runtime.projection.memory import STATUS, Memory
from workbench.runtime.projection.recent import deadlines_of
from workbench.runtime.projection.status import Projection
from workbench.runtime.projection.words import refusal_of
from workbench.runtime.replay.scenario import Evening, held_strategies, quick_calibration
from workbench.runtime.worlds.world import mids_from, opening_of

EQUITY = 1e6
WORLD = {"feed": "test", "label": "test"}
SLOW_NS = 300 * SECOND_NS


@pytest.fixture(scope="session")
def policy() -> Policy:
    """The shipped one."""
    return read_policy(None)


class Desk:
    """A book with every pair, and the market it lives in."""

    def __init__(self, rates: Any, policy: Policy, smallest: float = 30_000.0) -> None:
        self.policy, self.values = policy, rates.last_values()
        self.book = Book({pair: smallest * (1.0 + place) for place, pair in enumerate(PAIRS)}, EQUITY)
        self.calibration = quick_calibration(Evening.last_of(rates), self.book, policy)
        self.begins_ns = (int(np.datetime64(self.calibration.as_of, "D").astype(int)) * 86_400 + 57_600) * SECOND_NS
        self.engine = RiskEngine(policy, self.calibration, held_strategies(self.book))
        self.start = Start(self.begins_ns, EQUITY)
        self.opening = opening_of(self.book, {leg: self.values[leg] for leg in LEGS}, self.begins_ns)

    def market(self, rounds: int, every_ns: int = SLOW_NS, daily: float = 0.02) -> Iterator[AnyEvent]:
        """Quotes of every pair and a heartbeat, again and again; the legs walk without a drift."""
        generator = np.random.default_rng(5)
        values = np.array([self.values[leg] for leg in LEGS])
        for number in range(1, rounds + 1):
            time_ns = self.begins_ns + number * every_ns
            values = values * np.exp(daily * np.sqrt(every_ns / 86.4e12) * generator.standard_normal(len(LEGS)))
            for pair, mid in mids_from(dict(zip(LEGS, values.tolist(), strict=True))).items():
                yield Quote(time_ns, pair, mid * (1 - 1e-5), mid * (1 + 1e-5), 0)
            yield Heartbeat(time_ns)

    def lived(self, events: Iterator[AnyEvent]) -> tuple[EngineState, Memory]:
        """State and memory after some events, without any journal."""
        state = self.engine.init(self.start)
        memory, deadlines = Memory.begun(state), deadlines_of(self.policy)
        for event in (*self.opening, *events):
            memory.watch(state, event.time_ns)
            state, decisions = self.engine.step(state, event)
            for decision in decisions:
                memory.decided(decision, deadlines)
        return state, memory


@pytest.fixture(scope="session")
def desk(ecb: Any, policy: Policy) -> Desk:
    """See `Desk`."""
    return Desk(ecb, policy)


@pytest.fixture(scope="session")
def small_desk(ecb: Any, policy: Policy) -> Desk:
    """One whose positions are so small that nothing holds."""
    return Desk(ecb, policy, smallest=1_000.0)


class Journaled:
    """The same life in a journal; a process that dies leaves what was written, and nothing else."""

    def __init__(self, desk: Desk, folder: Path) -> None:
        self._desk, self._folder = desk, folder
        self._signer = Signer.from_seed(b"a key for a test of 32 bytes....")
        self.begun = self._started()

    def _started(self) -> Begun:
        desk = self._desk
        self.journal = Journal(self._folder, self._signer)
        strategies = held_strategies(desk.book)
        opening = desk.opening if self.journal.head.sequence == 0 else self.journal
        held = held_at_first(opening)
        broker = PaperBroker(PaperPlan(), MemoryLedger(), np.random.default_rng(1), opening=held)
        limits = PreTradeLimits(desk.policy.pre_trade, strategies)
        gateway = OrderGateway(GatewaySettings(self.journal.id), broker, limits)
        begun = begin(self.journal, gateway, (desk.engine, desk.start), desk.opening, WORLD)
        self.state, self.memory = begun.state, begun.memory
        self._projection = Projection(self.memory, self.state)
        return begun

    def take(self, event: AnyEvent) -> list[AnyDecision]:
        """Write it, watch, step, write what was decided."""
        self.journal.write([event_row(event)])
        self.memory.watch(self.state, event.time_ns)
        self.state, decisions = self.begun.engine.step(self.state, event)
        for decision in decisions:
            self.memory.decided(decision, self._projection.deadlines)
        self.journal.write([decision_row(one) for one in decisions if not isinstance(one, RiskSnapshot)])
        return list(decisions)

    def show(self) -> str:
        """Write the projection as the loop does, with a row that waited for it."""
        loop = {"now_ns": int(self.state.time_ns), "wall_ns": time.time_ns()}
        about = {"journal": {"sequence": self.journal.head.sequence}, "loop": loop}
        status = self._projection.status(self.state, about)
        said = plain_row(int(self.state.time_ns), {"kind": "figures"})
        self.journal.write([said], {STATUS: status, **self.memory.series.changed(self.state, 0)})
        return status

    def keep_snapshot(self) -> None:
        """As the loop does: shown first."""
        self.show()
        self.journal.keep_snapshot(self.journal.head.sequence, LAYOUT, stored(self.state))

    def ask(self, command: Command, refused: str = "") -> None:
        """A person's message: written, acted on unless it was refused, remembered."""
        now = int(self.state.time_ns) + SECOND_NS
        self.journal.write([command_row(command, now, refused)])
        decisions = [one for event in (() if refused else command.events(now)) for one in self.take(event)]
        refusals = [refusal_of(one) for one in decisions if isinstance(one, ResumeRefused)]
        self.memory.commanded(command.model_dump(), now, refusals[0] if refusals else refused)

    def die(self) -> None:
        """Die, and be started again."""
        self.journal._give_up("it died")
        self.begun = self._started()

    def end(self) -> None:
        """Let go of the folder."""
        self.journal._give_up("the test is over")


@pytest.fixture(scope="session")
def journal_at(desk: Desk) -> Callable[[Path], Journaled]:
    """Begin a journal somewhere; whoever does ends it."""
    return lambda folder: Journaled(desk, folder)


@pytest.fixture
def journaled(journal_at: Callable[[Path], Journaled], tmp_path: Path) -> Iterator[Callable[[str], Journaled]]:
    """Begin a journal of a name."""
    begun: list[Journaled] = []

    def start(name: str) -> Journaled:
        begun.append(journal_at(tmp_path / name))
        return begun[-1]

    yield start
    for one in begun:
        one.end()
