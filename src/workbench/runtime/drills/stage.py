"""A paper account in a folder of its own: the loop as it runs live, made-up prices, a clock that never waits."""

import secrets
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from workbench.data.feeds.supervisor import FeedSupervisor
from workbench.data.inbox import Inbox
from workbench.data.journal.chain import Signer
from workbench.data.journal.journal import Journal
from workbench.domain.book import Book
from workbench.domain.calibration import Calibration
from workbench.domain.currencies import PAIRS
from workbench.domain.policy import Policy
from workbench.domain.trading.strategies import Strategy
from workbench.engine.risk_engine import RiskEngine, Start
from workbench.execution.blotter import GatewaySettings
from workbench.execution.gateway import OrderGateway
from workbench.execution.limits import PreTradeLimits
from workbench.execution.paper.broker import PaperBroker
from workbench.execution.paper.ledger import FileLedger
from workbench.execution.paper.plan import PaperPlan
from workbench.runtime.drills.market import BEGINS_NS, VALUES, Climate, Course, DrillFeed, calibration_of
from workbench.runtime.live.halts import Halts
from workbench.runtime.live.loop import LiveLoop
from workbench.runtime.live.outside import Outside
from workbench.runtime.live.recovery import begin, held_at_first
from workbench.runtime.replay.scenario import held_strategies
from workbench.runtime.worlds.clock import VirtualClock
from workbench.runtime.worlds.world import GRAIN_NS, mids_from, opening_of

LABEL = "DRILL: a paper account, every price is made up"
EQUITY = 1e6
EngineMaker = Callable[[Policy, Calibration, Sequence[Strategy]], RiskEngine]
"""How the engine is made; whoever gives another one than `RiskEngine` drills that."""


@dataclass(frozen=True, slots=True)
class Staging:
    """What a control is fired with.

    Attributes
    ----------
    climate : Climate
        Of the calibration.
    course : Course
        Prices.
    weights : mapping of str to float
        Value of each position over equity, by pair; + is long base.
    outages_ns : tuple of (int, int)
        When the broker cannot be reached.
    """

    climate: Climate
    course: Course = field(default_factory=Course)
    weights: dict[str, float] = field(default_factory=dict)
    outages_ns: tuple[tuple[int, int], ...] = ()

    def book(self) -> Book:
        """Positions at the start, whole units."""
        units = {
            pair: float(round(weight * EQUITY / VALUES.get(pair[:3], 1.0))) for pair, weight in self.weights.items()
        }
        return Book(units, EQUITY, name="drill")


@dataclass(frozen=True, slots=True)
class Stage:
    """A paper account that is running."""

    loop: LiveLoop
    clock: VirtualClock
    inbox: Inbox
    broker: PaperBroker
    gateway: OrderGateway


@contextmanager
def opened_stage(folder: Path, policy: Policy, staging: Staging, engine: EngineMaker) -> Iterator[Stage]:
    """Open a paper account.

    Parameters
    ----------
    folder : Path
        For its journal, broker's books and inbox; nothing may be in it.
    policy : Policy
        In force.
    staging : Staging
        What it is drilled with.
    engine : callable
        Makes the engine.

    Yields
    ------
    Stage
    """
    heard = signal.getsignal(signal.SIGUSR1)
    inbox = Inbox(folder / "inbox")
    halts = Halts(inbox)
    try:
        journal = Journal(folder, Signer.open(folder))
        yield _stage(journal, (inbox, halts), policy, staging, engine)
    finally:
        signal.signal(signal.SIGUSR1, heard)


def _stage(
    journal: Journal, messages: tuple[Inbox, Halts], policy: Policy, staging: Staging, engine: EngineMaker
) -> Stage:
    book = staging.book()
    strategies, opening = held_strategies(book), opening_of(book, VALUES, BEGINS_NS)
    generator, clock = np.random.default_rng(0), VirtualClock(BEGINS_NS, GRAIN_NS)
    ledger = FileLedger(journal.folder / "paper.sqlite")
    broker = PaperBroker(PaperPlan(outages_ns=staging.outages_ns), ledger, generator, opening=held_at_first(opening))
    limits = PreTradeLimits(policy.pre_trade, strategies)
    gateway = OrderGateway(GatewaySettings(f"{journal.id}.{secrets.token_hex(3)}"), broker, limits)
    fresh = engine(policy, calibration_of(staging.climate, policy.hash), strategies), Start(BEGINS_NS, book.equity)
    begun = begin(journal, gateway, fresh, opening, {"feed": "drill", "label": LABEL})
    feeds = FeedSupervisor([DrillFeed(place, staging.course) for place in (0, 1)], PAIRS, generator, mids_from(VALUES))
    outside = Outside(
        clock, time.perf_counter_ns, journal, feeds, broker, limits, messages[1], (), nothing_said,
        {"label": LABEL, "synthetic": True, "feed": "drill"}, wall_ns=clock.now_ns, speed=0.0,
    )  # fmt: skip
    loop = LiveLoop(outside, (begun.engine, begun.state), gateway, seen=begun.seen, memory=begun.memory)
    return Stage(loop, clock, messages[0], broker, gateway)


def nothing_said(_level: str, _what: str, /, **_fields: object) -> None:
    """Keep no log: the journal of the account has everything.

    Parameters
    ----------
    _level, _what : str
        As the loop tells them.
    **_fields : object
        The same.
    """
