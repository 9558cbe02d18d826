"""Campaigns with time itself, on quotes that come in now: processes stopped and continued, clocks that are set."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from .breach import HALT_WAITS, OPENING, ScriptedBreach
from .processes import Running
from .promises import UNITS, broken_promises, shown
from .tally import RealTally

CONVERGED_SECONDS = 30.0
"""I8: so long after the last fault."""
HALF = {name: units / 2.0 for name, units in OPENING.items()}
DOLLARS = {"EUR": 1.1, "GBP": 1.3, "AUD": 0.66, "NZD": 0.6}
IN_A_DOLLAR = {"JPY": 150.0, "CHF": 0.88, "CAD": 1.37}
STOPS = [(delay, length) for length in (1.0, 3.0, 8.0) for delay in (0.0, 0.3, 0.6)]
"""Seconds after the first prices, and seconds that the process is stopped."""
SETTINGS = [(turns, seconds) for turns in (1, 5, 15) for seconds in (-3_600.0, 3_600.0)]
"""Turn of the loop after which the clock is set, and by how much."""


def lines_of_now() -> str:
    """One quote of each pair with the dollar and of the one cross in the book, at the time of this machine."""
    moment = datetime.now(UTC).isoformat()
    middles = {f"{leg}USD": price for leg, price in DOLLARS.items()}
    middles |= {f"USD{leg}": price for leg, price in IN_A_DOLLAR.items()}
    middles["EURCHF"] = DOLLARS["EUR"] * IN_A_DOLLAR["CHF"]
    return "".join(f"{moment},{pair},{one * 0.9999:.6f},{one * 1.0001:.6f}\n" for pair, one in middles.items())


@contextmanager
def quotes_of_now(path: Path) -> Iterator[None]:
    """A file of quotes that grows all the time."""
    stopped = threading.Event()
    path.write_text("time,pair,bid,ask\n")

    def write() -> None:
        with path.open("a") as file:
            while not stopped.wait(0.1):
                file.write(lines_of_now())
                file.flush()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        stopped.set()
        writer.join()


def started(breach: ScriptedBreach, name: str, quotes: Path, **task: object) -> Running:
    """A loop on these quotes, with the two messages of the breach: half of everything, and a halt."""
    folder = breach.asked(name)
    command = ["live", "--feed", f"tail:{quotes}", "--book", breach.plans.book, "--paper", breach.plans.slow_paper]
    return breach.nursery.start(folder, command=[*command, "--folder", str(folder)], heads=f"{folder}.heads", **task)


def halved(table: dict) -> bool:
    """Whether every position is at its target and the book is halted."""
    rows = table["book"]["positions"]
    at_targets = all(abs(row["units"] - row["target"]) <= UNITS for row in rows)
    smaller = all(abs(row["units"]) <= abs(HALF[row["strategy"]]) + UNITS for row in rows)
    return bool(rows) and at_targets and smaller and table["book"]["mode"] == "HALTED"


def stop_for(loop: Running, delay: float, seconds: float) -> None:
    """Stop a process some time after its first prices, and let it go on."""
    loop.wait_until(lambda table: table["loop"]["priced"], "first prices")
    time.sleep(delay)
    loop.signal(signal.SIGSTOP)
    time.sleep(seconds)
    loop.signal(signal.SIGCONT)


def ended(loop: Running) -> list[str]:
    """Wait until the reduction is over, stop the loop, and check."""
    try:
        loop.wait_until(halved, "halves", CONVERGED_SECONDS)
    except AssertionError as error:
        return [f"I8 {CONVERGED_SECONDS:.0f} s after the fault: {error}"]
    if (code := loop.stop()) != 0:
        return [f"RUN ended with {code}"]
    table = shown(loop.folder)
    targets = {row["strategy"]: row["target"] for row in table["book"]["positions"]}
    broken = broken_promises(loop.folder, OPENING, targets, HALT_WAITS)
    # nothing was ever adopted in this book, and that is said on the same ladder
    alarms = [one for one in table["alerts"] if one["ladder"] == "TECHNICAL" and one["reason"] != "CALIBRATION_MISSING"]
    return broken + [
        f"RUN it took its own stop, or a clock, for a silent market: rung {one['rung']} at {one['metric']}"
        for one in alarms
    ]


def stops_and_clocks(breach: ScriptedBreach) -> RealTally:
    """Stop some processes, set the clock of others; all at once, each on its own book, in real time."""
    quotes = breach.scratch / "quotes.csv"
    tally = RealTally(
        "SIGSTOP for 1, 3 and 8 s at three moments of a reduction, and the clock set by an hour back or forth while it "
        "runs; in real time, on quotes that come in",
        "I1–I6, I8",
    )
    with tally.timed(), quotes_of_now(quotes):
        set_clocks = [
            started(breach, f"clock-{turns}-{seconds:+g}", quotes, clock_set=(turns, seconds))
            for turns, seconds in SETTINGS
        ]
        stopped = [started(breach, f"stopped-{delay}-{length}", quotes) for delay, length in STOPS]
        threads = [
            threading.Thread(target=stop_for, args=(loop, *stop)) for loop, stop in zip(stopped, STOPS, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        tally.counts["stopped and continued"] = len(stopped)
        tally.counts["clocks set"] = len(set_clocks)
        for loop in [*stopped, *set_clocks]:
            tally.add(loop.folder.name, ended(loop))
    return tally
