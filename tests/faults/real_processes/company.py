"""Campaigns with others about: several loops on one folder, a broker that is away after k executions."""

import signal
import time
from collections.abc import Sequence
from pathlib import Path

from workbench.data.journal.verification import verify

from .breach import RECOVERED, ScriptedBreach
from .deaths import KILLED, latches_at_death, sentence_of
from .processes import Running, executions_of, wait_for
from .tally import RealTally

SECOND_NS = 1_000_000_000
AWAY_SECONDS = 8
"""Longer than an order is valid, so that those the broker never got are given up and made anew."""

# ------------------------------------------------------------------------------------------------------- several loops


def one_wins(starters: Sequence[Running], tally: RealTally) -> tuple[Running | None, list[str]]:
    """Wait until all but one have refused; the one that runs, and what was wrong with the others."""
    wait_for(lambda: sum(one.ended() for one in starters) >= len(starters) - 1, "all but one to refuse")
    running = [one for one in starters if not one.ended()]
    broken = []
    for one in starters:
        said = sentence_of(one) if one.ended() else "another loop is running"
        if said is None or "another loop is running" not in said:
            broken.append(f"RUN a second loop ended with {one.code} and said {one.err.read_text()[-300:]!r}")
    tally.counts["starts refused"] += len(starters) - len(running)
    return (running[0] if running else None), broken


def crowd(breach: ScriptedBreach, folder: Path, rounds: int, tally: RealTally) -> list[str]:
    """Several loops started on one folder at once, the one that runs killed, and the same again."""
    broken, winners = list[str](), 0
    for last in [False] * (rounds - 1) + [True]:
        starters = [breach.command(folder, speed=3.0) for _ in range(3)]
        winner, wrong = one_wins(starters, tally)
        broken += wrong
        if winner is None:
            return [*broken, "RUN no loop runs"]
        winners += 1
        if last:
            winner.wait_until(lambda table: settled(table, breach), "the end of the breach")
            code = winner.stop()
            broken += [] if code == 0 else [f"RUN the last loop ended with {code}"]
        else:
            time.sleep(0.3)
            winner.signal(signal.SIGKILL)
            broken += [] if winner.wait() == KILLED else ["RUN it was not killed"]
            broken += breach.broken_now(folder)
        tally.counts["loops that ran"] += 1
    found = verify(folder)
    if found.epochs > winners:
        broken.append(f"I5 {found.epochs} loops have written the journal, and {winners} ran")
    return broken


def settled(table: dict, breach: ScriptedBreach) -> bool:
    """Whether a loop shows that everything is at its target and nothing is under way."""
    rows = {row["strategy"]: row for row in table["book"]["positions"]}
    return table["book"]["mode"] == "HALTED" and all(rows[name]["units"] == at for name, at in breach.targets.items())


def crowds(breach: ScriptedBreach, runs: int = 3, rounds: int = 4) -> RealTally:
    """Three loops at once on one folder, again and again."""
    tally = RealTally(
        f"several loops at once: three started together on one folder, the one that runs is killed; {rounds} times for "
        "each breach",
        "I1–I6, I8, one writer at a time",
    )
    with tally.timed():
        for number in range(runs):
            folder = breach.asked(f"crowd-{number}")
            broken = crowd(breach, folder, rounds, tally)
            tally.add(folder.name, broken + breach.broken(folder, latches_at_death(folder)))
    return tally


# ------------------------------------------------------------------------------------------------ a broker that is away


def away_from(breach: ScriptedBreach, folder: Path, begins_ns: int) -> str:
    """The plan of a broker that cannot be reached for some seconds."""
    ends_ns = begins_ns + AWAY_SECONDS * SECOND_NS
    plan = folder / "away.toml"
    plan.write_text(f"{Path(breach.plans.slow_paper).read_text()}outages_ns = [[{begins_ns}, {ends_ns}]]\n")
    return str(plan)


def disconnected_after(breach: ScriptedBreach, executed: int, tally: RealTally, *, restarted: bool) -> None:
    """Lose the broker at the moment of its k-th execution, and have the loop itself started anew meanwhile or not."""
    times = [int(one["time_ns"]) for one in executions_of(breach.undisturbed)[1]]
    folder = breach.asked(f"away-after-{executed}-{'restarted' if restarted else 'waiting'}")
    # away from before the first order on, or from right after an execution on
    paper = away_from(breach, folder, times[executed - 1] + 1 if executed else times[0] - 2 * SECOND_NS)
    broken = list[str]()
    if restarted:
        code = breach.run(folder, RECOVERED / 3, paper).wait()
        broken += breach.broken_now(folder) + ([] if code == 0 else [f"RUN ended with {code}"])
        tally.counts["restarts while the broker was away"] += 1
    code = breach.run(folder, AWAY_SECONDS + RECOVERED, paper).wait()
    broken += breach.broken(folder, latches_at_death(folder)) if code == 0 else [f"RUN ended with {code}"]
    done = executions_of(folder)[1]
    tally.counts["executions"] += len(done)
    tally.add(folder.name, broken)


def disconnects(breach: ScriptedBreach) -> RealTally:
    """Lose the broker after k of the n executions of the breach, for every k."""
    number = len(executions_of(breach.undisturbed)[1])
    tally = RealTally(
        f"the broker cannot be reached for {AWAY_SECONDS} s after k of the {number} executions of the breach, for "
        "every k; the loop waits, or is stopped and started meanwhile",
        "I1–I6, I8",
    )
    with tally.timed():
        for executed in range(number + 1):
            for restarted in (False, True):
                disconnected_after(breach, executed, tally, restarted=restarted)
    return tally
