"""The daily stress step, and a million simulated paths in little memory.

Peer of the scenarios: the plain player of the same engine, event by event in Python, on the same script; it must give
the same path to the last bit before a time is taken.
"""

import subprocess
import sys
from pathlib import Path
from statistics import median

from measure import Row, row, run_alone, timed

from workbench.app import load_rates
from workbench.data.policy_file import read_policy
from workbench.engine.player import play
from workbench.engine.risk_engine import RiskEngine
from workbench.engine.script import play_script
from workbench.runtime.crises.running import opened, validate_stress
from workbench.runtime.crises.staging import History, recorded_scenarios, situation_of, stage_recorded
from workbench.runtime.crises.validation import StressOrder
from workbench.runtime.replay.market import find_scenario
from workbench.runtime.replay.scenario import ReplayOrder, reference_book, replay_scenario
from workbench.stress import PathPlan, monte_carlo
from workbench.stress.paths import garch_of

AS_OF = "2026-10-30"
WARM_RUNS = 3
ALONE = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from bench_stress import million_paths
print(million_paths(int(sys.argv[2])), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def million_paths(paths: int) -> float:
    """Seconds for so many paths of twenty days, warm, GARCH-t with controls on a 15 % book."""
    rates, policy = load_rates(AS_OF), read_policy(None)
    book = reference_book(rates, policy, equity=1e6, volatility=0.15)
    situation = situation_of(History(rates, policy, book))
    state, model = opened(situation, 1.0), garch_of(situation.calibration)
    monte_carlo(state, model, PathPlan(200, 2))
    return timed(lambda: monte_carlo(state, model, PathPlan(paths, 20)))[0]


def alone(paths: int) -> tuple[float, float]:
    """Seconds and peak megabytes of a process that does nothing else."""
    command = [sys.executable, "-W", "ignore", "-c", ALONE, str(Path(__file__).parent), str(paths)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return float(told[0]), float(told[1]) / 1024


def replayed_twice() -> tuple[float, float]:
    """Seconds of the plain player and of the script player for Brexit, with controls and without."""
    rates, policy = load_rates(AS_OF), read_policy(None)
    replayed = replay_scenario(rates, policy, ReplayOrder(find_scenario(policy, "brexit-2016"), volatility=0.15))
    history = History(rates, policy, replayed.book)
    scenario, plan = next(one for one in recorded_scenarios(policy) if one[0].id == "brexit-2016")
    staged = stage_recorded(history, scenario, plan)
    events = [(event, False) for event in replayed.controlled.events if type(event).__name__ != "Fill"]
    strategies = staged.script.settings[0].strategies

    def plainly() -> None:
        for controls in (True, False):
            play(RiskEngine(policy, replayed.calibration, strategies, controls=controls), replayed.start, events)

    def compiled() -> None:
        for without in ((), ("all",)):
            play_script(staged.script, without=without)

    compiled()
    return median(timed(plainly)[0] for _ in range(5)), median(timed(compiled)[0] for _ in range(5))


def bench(*, smoke: bool) -> list[Row]:
    rates, policy = load_rates(AS_OF), read_policy(None)
    book = reference_book(rates, policy, equity=1e6, volatility=None)
    order = StressOrder(paths=200 if smoke else 10_000)
    validate_stress(rates, policy, book, order=StressOrder(paths=40, days=2))
    runs = 1 if smoke else WARM_RUNS
    step = median(timed(lambda: validate_stress(rates, policy, book, order=order))[0] for _ in range(runs))
    paths = 2_000 if smoke else 1_000_000
    seconds, megabytes = alone(paths)
    plain, script = replayed_twice()
    about = f"{order.paths:,} paths of {order.days} days, each with controls and without"
    return [
        row(
            "daily stress step, warm: scenarios of two books, ablation, tuning, paths", step, "s", target=15, note=about
        ),
        row(f"{paths:,} paths of 20 days", seconds, "s", target=15, note="GARCH-t, two threads"),
        row("peak memory of that process", megabytes, "MB", target=1_024),
        row(
            "one crisis with and without controls, script player",
            1e3 * script,
            "ms",
            peer="plain player, same engine",
            peer_value=1e3 * plain,
        ),
    ]


if __name__ == "__main__":
    run_alone(bench)
