"""Run as a script: ten thousand random events through the engine, and the hash of all it became and said.

With NUMBA_DISABLE_JIT=1 the same source runs as plain Python.
"""

import hashlib
import sys
from collections.abc import Iterator

import numpy as np
from conftest import MINUTE, MONDAY_NOON, SECOND, VALUES, held, moved, price, small_calibration, ten_strategies

from workbench.data.policy_file import read_policy
from workbench.domain.currencies import LEGS, PAIRS
from workbench.domain.trading import events as happened
from workbench.domain.trading.decisions import TargetPosition
from workbench.domain.trading.modes import Regime
from workbench.engine.risk_engine import RiskEngine, Start

BAD = (float("nan"), float("inf"), 0.0, -1.0)


def random_events(count: int, seed: int, names: list[str]) -> Iterator[happened.AnyEvent | None]:
    """Events of every kind, mostly quotes, some of them nonsense; None asks for a fill of what is wanted."""
    random = np.random.default_rng(seed)
    now, values = MONDAY_NOON, dict(VALUES)
    yield happened.Fixing(now, values)
    yield happened.PositionHeld(now, "EURUSD", 50_000.0, price("EURUSD"))
    for place in range(count):
        now += int(
            random.choice([SECOND // 20, SECOND, 3 * SECOND, MINUTE, 20 * MINUTE], p=[0.5, 0.3, 0.1, 0.07, 0.03])
        )
        wild = 10.0 if place % 2_000 > 1_700 else 1.0
        values = moved({leg: float(random.normal(0, 2e-4 * wild)) for leg in LEGS}, values)
        kind, name = random.random(), names[int(random.integers(len(names)))]
        pair = PAIRS[int(random.integers(len(PAIRS)))]
        mid, half = price(pair, values), price(pair, values) * float(random.exponential(5e-5))
        if kind < 0.60:
            if random.random() < 0.02:
                mid *= float(random.choice([0.5, 1.1, 10.0]))
            bid, ask = mid - half, mid + half
            if random.random() < 0.02:
                bid = float(random.choice(BAD))
            yield happened.Quote(now, pair, bid, ask, feed=int(random.random() < 0.05))
        elif kind < 0.72:
            yield happened.BarClosed(now, name, float(random.choice([-1, 0, 1, 1, 0.5, np.nan])))
        elif kind < 0.80:
            yield None
        elif kind < 0.84:
            yield happened.Fixing(now, values, closes_day=bool(random.random() < 0.3))
        elif kind < 0.92:
            yield happened.Heartbeat(now)
        else:
            yield rare_event(random, now, name)


def rare_event(random: np.random.Generator, now: int, name: str) -> happened.AnyEvent:
    """What does not happen every day."""
    choices: list[happened.AnyEvent] = [
        happened.DayClosed(now),
        happened.RegimeRead(now, Regime(int(random.integers(len(Regime))))),
        happened.ScheduledRisk(now, float(random.random()), now + MINUTE),
        happened.Fill(now, name, int(random.integers(0, 40)), float(random.choice([100.0, -50.0, np.nan, 0.0])), 1.1),
        happened.OrderRejected(now, name, 1),
        happened.OrderUnknown(now, name, 1),
        happened.Reconciled(now),
        happened.Reconciled(now),
        happened.BookMismatch(now, name, 100.0, 0.0),
        happened.RepeatedIntent(now, name),
        happened.BrokerStatus(now, bool(random.random() < 0.7)),
        happened.OperatorResume(now, "one", "two", bool(random.random() < 0.5)),
        happened.OperatorResume(now, "one", "two", bool(random.random() < 0.5)),
        happened.OperatorEnable(now, "one", name, "two"),
        happened.CalibrationAdopted(now, small_calibration(correlation=float(random.uniform(0.2, 0.6)))),
    ]
    if random.random() < 0.05:
        choices = [
            happened.OperatorHalt(now, "one"),
            happened.OperatorReduce(now, "one", float(random.random()) or 0.5),
            happened.OperatorCancel(now, "one"),
        ]
    return choices[int(random.integers(len(choices)))]


def digests(count: int, seed: int) -> tuple[str, dict[str, int]]:
    """Hash over every state and decision, and how often each kind of decision was taken."""
    strategies = [*ten_strategies(), *held("EURUSD", "GBPJPY")]
    engine = RiskEngine(read_policy(None), small_calibration(), strategies)
    state = engine.init(Start(MONDAY_NOON, 1e6))
    chain, seen, orders = hashlib.sha256(), dict[str, int](), dict[str, TargetPosition]()
    events = random_events(count, seed, [strategy.name for strategy in strategies])
    for drawn in events:
        event = drawn
        if event is None:
            if not orders:
                continue
            order = orders.pop(next(iter(orders)))
            units = order.units - float(state.units[engine.settings.slots[order.strategy]])
            if units == 0.0:
                continue
            event = happened.Fill(int(state.time_ns), order.strategy, order.intent, units, price(order.pair))
        state, decisions = engine.step(state, event)
        chain.update(state.record.tobytes())
        for decision in decisions:
            chain.update(repr(decision).encode())
            seen[type(decision).__name__] = seen.get(type(decision).__name__, 0) + 1
            if isinstance(decision, TargetPosition):
                orders[decision.strategy] = decision
    return chain.hexdigest(), seen


if __name__ == "__main__":
    digest, kinds = digests(int(sys.argv[1]), int(sys.argv[2]))
    sys.stdout.write(f"{digest} {dict(sorted(kinds.items()))}\n")
