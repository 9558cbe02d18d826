"""A small loop around the gateway: clock, journal in memory, an engine that only adds up fills, a crash anywhere."""

import numpy as np
import pytest

from workbench.data.policy_file import read_policy
from workbench.domain.trading.events import Fill, Quote, RepeatedIntent
from workbench.domain.trading.modes import Mode
from workbench.domain.trading.orders import OrderState
from workbench.domain.trading.strategies import Strategy
from workbench.execution.blotter import GatewaySettings
from workbench.execution.broker import BrokerUnreachableError
from workbench.execution.gateway import OrderGateway
from workbench.execution.limits import PreTradeLimits
from workbench.execution.paper.broker import PaperBroker
from workbench.execution.paper.ledger import MemoryLedger
from workbench.execution.paper.plan import PaperPlan
from workbench.execution.planner import MarketView, Target

SECOND_NS = 1_000_000_000
START_NS = 1_700_000_000 * SECOND_NS
VALUES = {"USD": 1.0, "EUR": 1.1, "GBP": 1.3, "JPY": 0.0067, "CHF": 1.12, "AUD": 0.66, "CAD": 0.73, "NZD": 0.6}
MIDDLES = {"EURUSD": 1.1, "GBPUSD": 1.3, "USDJPY": 149.0, "AUDUSD": 0.66}
STRATEGIES = (Strategy("euro", "EURUSD"), Strategy("cable", "GBPUSD"), Strategy("yen", "USDJPY"))
QUIET = PaperPlan(partial_fill_probability=0.0, rejection_probability=0.0)
SETTINGS = GatewaySettings("j7")


class CrashError(RuntimeError):
    """The process dies here."""


class RecordingBroker(PaperBroker):
    """The paper broker, with the ids it was sent."""

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.sent = []

    def submit(self, order, now_ns):
        self.sent.append(order)
        super().submit(order, now_ns)


class Loop:
    """What a live loop does, round by round of 100 ms; with a fuse it dies at the nth boundary."""

    def __init__(self, plan=QUIET, *, seed=1, ledger=None, broker=None, strategies=STRATEGIES):
        self.now_ns, self.mode, self.equity = START_NS, Mode.ACTIVE, 1_000_000.0
        self.journal, self.events, self.fuse, self.locked = [], [], None, frozenset()
        self.units, self.targets, self.strategies = {}, {}, strategies
        self.ledger = ledger or MemoryLedger()
        self.broker = broker or RecordingBroker(plan, self.ledger, np.random.default_rng(seed))
        self.policy = read_policy().pre_trade
        self.connect()

    def connect(self):
        self.limits = PreTradeLimits(self.policy, self.strategies)
        self.gateway = OrderGateway(SETTINGS, self.broker, self.limits)

    def boundary(self):
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse == 0:
                self.fuse = None
                raise CrashError

    def commit(self, notes, events=()):
        self.boundary()
        self.journal += notes
        self.take(events)
        self.boundary()
        for note in notes:
            assert self.mode is Mode.ACTIVE or note.order.reduce_only or note.state is not OrderState.INTENT
            self.gateway.apply(note)

    def take(self, events):
        self.events += events
        for event in events:
            if isinstance(event, Fill) and event.intent:
                self.units[event.strategy] = self.units.get(event.strategy, 0.0) + event.units

    def want(self, strategy, units):
        before = self.targets.get(strategy)
        pair = next(one.pair for one in self.strategies if one.name == strategy)
        self.targets[strategy] = Target(strategy, pair, float(units), before.intent + 1 if before else 1)

    def quotes(self):
        return {pair: Quote(self.now_ns, pair, mid * 0.9999, mid * 1.0001) for pair, mid in MIDDLES.items()}

    def round(self, step_ns=SECOND_NS // 10):
        self.now_ns += step_ns
        quotes = self.quotes()
        self.broker.watch(list(quotes.values()))
        for pair, mid in MIDDLES.items():
            self.limits.see(pair, mid, self.now_ns)
        collected = self.gateway.collect(self.now_ns)
        self.commit(collected.notes, collected.events)
        if self.gateway.reconcile_due(self.now_ns):
            collected = self.gateway.reconcile(self.units, self.now_ns)
            self.commit(collected.notes, collected.events)
        market = MarketView(self.mode, self.equity, quotes, VALUES, self.locked)
        self.commit(self.gateway.plan(tuple(self.targets.values()), market, self.now_ns))
        self.commit(self.gateway.send(self.now_ns))

    def run(self, seconds):
        for _ in range(round(seconds * 10)):
            self.round()

    def restart(self):
        self.connect()
        for note in self.journal:
            self.gateway.apply(note)
        self.commit(self.gateway.restart(self.now_ns))

    def restart_both(self, plan, ledger, seed):
        """The broker dies too: only its ledger and our journal are left."""
        sent, self.ledger = self.broker.sent, ledger
        self.broker = RecordingBroker(plan, ledger, np.random.default_rng(seed))
        self.broker.sent = sent
        self.restart()

    def run_to_target(self, seconds):
        """Run until every target is held and nothing is in flight; the seconds are the most it may take."""
        for _ in range(round(seconds * 10)):
            self.round()
            if self.settled():
                return
        raise AssertionError(f"held {self.gateway.held} instead of {self.targets}, live {self.gateway.live_orders}")

    def settled(self):
        held = self.gateway.held
        reached = all(held.get(name, 0.0) == target.units for name, target in self.targets.items())
        return reached and not self.gateway.live_orders

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    def states(self):
        return [note.state for note in self.journal]

    def check_promises(self):
        """Ids are sent once and execute once, positions never flip, and what we hold is what the broker holds."""
        sent = [order.id for order in self.broker.sent]
        assert len(sent) == len(set(sent))
        intents = {note.order.id for note in self.journal if note.state is OrderState.INTENT}
        assert set(sent) <= intents
        wanted = {order.id: order.units for order in self.broker.sent}
        done, held = dict.fromkeys(sent, 0.0), {}
        for execution in self.ledger.executions(0):
            done[execution.order] += execution.units
            before = held.get(execution.strategy, 0.0)
            held[execution.strategy] = before + execution.units
            assert before * held[execution.strategy] >= 0.0
        assert all(abs(done[key]) <= abs(wanted[key]) for key in done)
        assert {name: units for name, units in self.gateway.held.items() if units} == {
            name: units for name, units in held.items() if units
        }
        assert {name: units for name, units in self.units.items() if units} == {
            name: units for name, units in held.items() if units
        }

    def enable_repeated(self):
        """People enable what was disabled: the engine then wants it under a new number."""
        for event in self.of(RepeatedIntent):
            self.want(event.strategy, self.targets[event.strategy].units)


@pytest.fixture
def loop():
    """Make a loop: call it with a plan."""
    return Loop


@pytest.fixture
def crash_error():
    """What a loop with a fuse dies of."""
    return CrashError


@pytest.fixture
def unreachable():
    """The error of a broker that cannot be reached."""
    return BrokerUnreachableError
