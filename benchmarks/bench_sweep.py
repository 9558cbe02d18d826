"""The sweep of the policy's 384 configurations on 27 years, the walk-forward over it, and a peer on 20 of them.

Peer: backtesting.py trades the same rule on the same closes, one configuration after the other: the same signals handed
to it, stops, targets and turns decided bar by bar in its `next`, filled on the close. It keeps its own books of orders
and equity, as vectorbt does for us. The number of trades of both is compared before a time is.
"""

import io
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from contextlib import redirect_stderr
from importlib.metadata import version
from statistics import median

import numpy as np
import pandas as pd
from measure import Row, row, run_alone, timed

from workbench.data.policy_file import read_policy
from workbench.data.sources import EcbHistory
from workbench.domain.policy import Policy
from workbench.domain.trading.modes import Regime
from workbench.research import (
    ResearchMarket,
    SweepCosts,
    WalkForward,
    grid_groups,
    neighbour_profits,
    sweep,
    walk_forward,
)
from workbench.runtime.weekly.grid import market_history
from workbench.strategies import Configuration, Exits, side_at_marks, strategy_grid

RUNS, PEERS = 5, 20
COLD = """
import os, sys, time
os.environ["NUMBA_CACHE_DIR"] = sys.argv[1]
begun = time.perf_counter()
from workbench.data.policy_file import read_policy
from workbench.data.sources import EcbHistory
from workbench.research import sweep
from workbench.runtime.weekly.grid import market_history
from workbench.strategies import strategy_grid
policy = read_policy(None)
history = market_history(EcbHistory().load(), policy.universe.pairs)
sweep(history.market, strategy_grid(policy)[: int(sys.argv[2])], policy)
print(time.perf_counter() - begun)
"""


def cold_seconds(configurations: int) -> float:
    """One sweep in a new process with no compiled kernel anywhere: imports, compilation and all."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-W", "ignore", "-c", COLD, folder, str(configurations)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def peer_trades(closes: pd.Series, side: np.ndarray, exits: Exits, half: float) -> tuple[float, int]:
    """Seconds and trades of backtesting.py for one configuration."""
    from backtesting import Backtest, Strategy

    stop = float(exits.stop_distance[int(Regime.NORMAL)])
    size = exits.risk_per_trade / stop / 10.0

    class Rule(Strategy):
        def init(self) -> None:
            self.spent, self.seen = 0, 0

        def next(self) -> None:
            close, bar = float(self.data.Close[-1]), len(self.data) - 1
            if self.position:
                way = 1 if self.position.is_long else -1
                move = way * (close / (self.trades[-1].entry_price + way * half) - 1.0)
                if move <= -stop or move >= stop * exits.reward_to_risk:
                    self.position.close()
                    self.spent = self.seen
                    held = 0
                else:
                    held = way
            else:
                held = 0
            self.seen = int(side[bar])
            if self.seen != self.spent:
                self.spent = 0
            if held and self.seen != held:
                self.position.close()
                held = 0
            if self.seen and not held and not self.spent:
                (self.buy if self.seen > 0 else self.sell)(size=size)

    frame = pd.DataFrame(dict.fromkeys(("Open", "High", "Low", "Close"), closes))
    with warnings.catch_warnings(), redirect_stderr(io.StringIO()):  # its progress bar
        warnings.simplefilter("ignore")
        begun = time.perf_counter()
        book = Backtest(frame, Rule, cash=1e9, trade_on_close=True, margin=0.05, finalize_trades=True)
        result = book.run()
        seconds = time.perf_counter() - begun
    return seconds, int(result["# Trades"])


def of_runs(call, runs: int) -> float:
    """Median seconds of a few runs, the first one not counted."""
    call()
    return median(timed(call)[0] for _ in range(runs))


def beside_the_peer(market: ResearchMarket, grid: Sequence[Configuration], policy: Policy) -> Row:
    """Both on the same closes in the normal regime: the peer one configuration after the other, ours all at once."""
    plain = ResearchMarket.of(market.closes)
    seconds = of_runs(lambda: sweep(plain, grid, policy), RUNS)
    peer, trades = 0.0, 0
    for one in grid:
        side, _ = side_at_marks(one, policy, plain.marks(one.pair))
        half = SweepCosts().half_spread(policy, one.pair)
        spent, count = peer_trades(market.closes[one.pair], side, Exits.of(policy, one.profile), half)
        peer, trades = peer + spent, trades + count
    ours = len(sweep(plain, grid, policy).trades())
    return row(
        f"sweep of {len(grid)} configurations",
        seconds,
        "s",
        peer=f"backtesting {version('backtesting')}",
        peer_value=peer,
        note=f"{ours:,} trades of ours, {trades:,} of the peer",
    )


def bench(*, smoke: bool) -> list[Row]:
    policy = read_policy(None)
    market = market_history(EcbHistory().load(), policy.universe.pairs).market
    whole = strategy_grid(policy)
    grid = whole[:24] if smoke else whole
    found = sweep(market, grid, policy)
    since, groups = found.open_since(), grid_groups(grid)

    def walk() -> WalkForward:
        return walk_forward(found.returns, open_since=since, groups=groups)

    daily = [one for one in whole if one.timeframe == "daily"]
    peers = [daily[place] for place in np.linspace(0, len(daily) - 1, 2 if smoke else PEERS).astype(int)]
    label = f"{len(grid)} configurations, {len(market.closes):,} days"
    warm, walking = of_runs(lambda: sweep(market, grid, policy), RUNS), of_runs(walk, RUNS)
    rows = [
        row(f"sweep, {label}, warm", warm, "s", target=3.0),
        row(f"walk-forward, {label}, {len(walk().windows)} windows", walking, "s", target=30.0),
        beside_the_peer(market, peers, policy),
    ]
    if smoke:
        return rows
    around = of_runs(lambda: neighbour_profits(market, grid, policy, SweepCosts()), 3)
    return [
        *rows,
        row(f"sweep, {label}, cold: new process, nothing compiled", cold_seconds(len(grid)), "s", target=25.0),
        row(f"eight neighbours of every parameter, {label}", around, "s"),
    ]


if __name__ == "__main__":
    run_alone(bench)
