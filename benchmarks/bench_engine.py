"""The risk engine: quotes through the compiled step, decisions kept; the typed step; simulated paths on two cores.

A market of 16 pairs and 7 legs, ten strategies with positions, synthetic quotes ten a second. Peer: NautilusTrader's
backtest engine on the same quotes with a strategy that only counts them, in an environment of its own that
`NAUTILUS_PYTHON` names (its interpreter); without it the peer is left out and the row says so.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter_ns

import numpy as np
from measure import Row, row, run_alone, timed

from workbench.app import load_rates
from workbench.data.policy_file import read_policy
from workbench.domain.book import Book
from workbench.domain.currencies import LEGS, PAIRS
from workbench.domain.trading.events import Fixing, Heartbeat, PositionHeld, Quote
from workbench.domain.trading.modes import Tier
from workbench.domain.trading.strategies import Strategy, StrategyRecord
from workbench.engine.kernel.desk import Desk
from workbench.engine.kernel.layout import DECISION, EVENT, MOST_DECISIONS, WORK, records, same_records
from workbench.engine.kernel.simulation import take_events
from workbench.engine.risk_engine import EngineState, RiskEngine, Start
from workbench.runtime.replay.scenario import Evening, quick_calibration
from workbench.stress.monte_carlo import PathPlan, monte_carlo
from workbench.stress.paths import garch_of

RUNS = 5
SECOND_NS = 1_000_000_000
PEER = Path(__file__).with_name("peer_nautilus.py")


def started() -> tuple[RiskEngine, EngineState]:
    """Ten strategies with small positions in a calm market."""
    rates, policy = load_rates("2026-10-30"), read_policy(None)
    values = rates.last_values()
    sizes = dict.fromkeys(PAIRS[:10], 10000.0)
    calibration = quick_calibration(Evening.last_of(rates), Book(sizes, 1e6), policy)
    record = StrategyRecord(0.1, 0.9, 0.9, 0.9)
    strategies = [Strategy(pair, pair, Tier(k % 3), 0.1, record=record) for k, pair in enumerate(sizes)]
    engine = RiskEngine(policy, calibration, strategies)
    now = 1_793_620_800 * SECOND_NS  # a Monday noon
    state = engine.init(Start(now, 1e6))
    opening = [Fixing(now, values, closes_day=False)]
    opening += [
        PositionHeld(now, pair, size, values.get(pair[:3], 1.0) / values.get(pair[3:], 1.0))
        for pair, size in sizes.items()
    ]
    for event in [*opening, Heartbeat(now)]:
        state, _ = engine.step(state, event)
    return engine, state


def synthetic_quotes(state: EngineState, count: int) -> np.ndarray:
    """Quotes of all pairs in turn, ten a second, on seeded random walks of the legs."""
    random = np.random.default_rng(1)
    walk = np.exp(np.cumsum(random.normal(0, 1e-5, (count, len(LEGS))), axis=0))
    worth = np.column_stack([np.ones(count), walk * np.asarray(state.value)[1:]])
    names = ("USD", *LEGS)
    place = np.arange(count) % len(PAIRS)
    base = np.array([names.index(pair[:3]) for pair in PAIRS])[place]
    quote = np.array([names.index(pair[3:]) for pair in PAIRS])[place]
    middle = worth[np.arange(count), base] / worth[np.arange(count), quote]
    events = np.zeros(count, EVENT)
    events["time_ns"] = int(state.time_ns) + SECOND_NS // 10 * np.arange(1, count + 1)
    events["place"], events["first"], events["second"] = place, middle * (1 - 4e-5), middle * (1 + 4e-5)
    return events


def replay_seconds(engine: RiskEngine, state: EngineState, events: np.ndarray) -> tuple[float, int]:
    """Seconds for all events, decisions kept as they come."""
    record, log = same_records(state.record), records(10_000, DECISION)
    desk = Desk(engine.settings.numbers[0], record[0], records(1, WORK)[0], records(MOST_DECISIONS, DECISION))

    def run() -> int:
        first, kept = 0, []
        while first < len(events):
            first, written = take_events(desk, events, log, first)
            kept.append(log[:written].copy())
        return sum(len(part) for part in kept)

    return timed(run)


def typed_steps(engine: RiskEngine, state: EngineState, events: np.ndarray) -> np.ndarray:
    """Nanoseconds of each typed step."""
    quotes = [
        Quote(int(one["time_ns"]), PAIRS[one["place"]], float(one["first"]), float(one["second"])) for one in events
    ]
    spent = np.empty(len(quotes))
    for place, quote in enumerate(quotes):
        began = perf_counter_ns()
        state, _ = engine.step(state, quote)
        spent[place] = perf_counter_ns() - began
    return spent


def peer_rate(events: np.ndarray) -> tuple[str, float | None]:
    """Name of the peer and its quotes a second on the same quotes; None when it is not there."""
    interpreter = os.environ.get("NAUTILUS_PYTHON", "")
    if not interpreter:
        return "NautilusTrader: not measured, NAUTILUS_PYTHON names no interpreter", None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "quotes.npy"
        columns = [events[name].astype(float) for name in ("time_ns", "place", "first", "second")]
        np.save(file, np.column_stack(columns))
        command = [interpreter, str(PEER), str(file), *PAIRS]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        sys.stderr.write(ended.stderr[-2_000:])
        return "NautilusTrader: failed, see above", None
    told = json.loads(ended.stdout.splitlines()[-1])
    return f"NautilusTrader {told['version']}", float(told["quotes_per_second"])


def bench(*, smoke: bool) -> list[Row]:
    engine, state = started()
    count = 20_000 if smoke else 1_000_000
    events = synthetic_quotes(state, count)
    replay_seconds(engine, state, events[:200])
    runs = [replay_seconds(engine, state, events) for _ in range(1 if smoke else RUNS)]
    seconds, decisions = median(run[0] for run in runs), runs[0][1]
    typed = typed_steps(engine, state, events[: 2_000 if smoke else 50_000])
    plan = PathPlan(paths=200 if smoke else 20_000, days=20 if smoke else 100)
    model = garch_of(state.settings.calibration)
    monte_carlo(state, model, PathPlan(paths=4, days=2))
    walked = median(timed(lambda: monte_carlo(state, model, plan))[0] for _ in range(1 if smoke else 3))
    peer, rate = peer_rate(events) if not smoke else ("", None)
    shape = "16 pairs, 7 legs, 10 strategies"
    return [
        row(f"kernel, one quote ({shape})", 1e6 * seconds / count, "µs", target=1),
        row(
            "replay, decisions kept, one core",
            count / seconds,
            "quotes/s",
            peer=peer,
            peer_value=rate,
            target=1_000_000,
            better="higher",
            note=f"{count:,} synthetic quotes, {decisions} decisions",
        ),
        row("typed step, 99th percentile", float(np.percentile(typed, 99)) / 1e3, "µs", target=20),
        row(
            "Monte Carlo, two cores, with drawing the returns",
            plan.paths * plan.days / walked,
            "path-steps/s",
            target=2_000_000,
            better="higher",
            note=f"{plan.paths:,} paths of {plan.days} days, GARCH-t, daily review",
        ),
    ]


if __name__ == "__main__":
    run_alone(bench)
