"""Campaigns in which the process or its disk dies: killed at every write, disks that are full or fail a sync."""

import re
import signal
from collections.abc import Iterable
from itertools import count
from pathlib import Path

from workbench.data.journal.storage import DATABASE

from .breach import HALT_WAITS, RECOVERED, SECONDS, ScriptedBreach
from .processes import Running
from .promises import latched
from .tally import RealTally

MOMENTS = ("within", "after", "before")
KILLED = -signal.SIGKILL
REFUSED, AGAIN = 1, 3
"""Exit codes of a loop that says why it does not start, and of one that says why it ends: start it again."""


def latches_at_death(folder: Path) -> set[tuple[int, int]]:
    """What must be in force after the next start: what the journal holds, and the halt that was asked for."""
    return HALT_WAITS | (latched(folder) if (folder / DATABASE).exists() else set())


def killed_at(breach: ScriptedBreach, number: int, moment: str, tally: RealTally) -> bool:
    """Kill a breach at a write, start it again, and check; False when there are not so many writes."""
    folder = breach.asked(f"killed-{number}-{moment}")
    killed = breach.run(folder, kill_at=number, moment=moment).wait() == KILLED
    tally.counts["killed"] += killed
    broken = breach.broken_now(folder)
    before = latches_at_death(folder)
    if number % 4 == 0:  # a start is killed like anything else
        again = breach.run(folder, kill_at=1 + number // 4, moment="after").wait() == KILLED
        tally.counts["killed again at a write of the restart"] += again
        broken += breach.broken_now(folder)
        before |= latches_at_death(folder)
    code = breach.run(folder, RECOVERED).wait()
    tally.counts["restarted to the end"] += code == 0
    broken += breach.broken(folder, before) if code == 0 else [f"RUN the restart ended with {code}"]
    tally.add(folder.name, broken)
    return killed


def kills(breach: ScriptedBreach, moments: Iterable[str] = MOMENTS) -> RealTally:
    """Kill it at every write it makes, at each of these moments."""
    tally = RealTally(
        "SIGKILL before, within and after every write to the journal and to the broker's books", "I1–I6, I8"
    )
    with tally.timed():
        for moment in moments:
            number = next(n for n in count(1) if not killed_at(breach, n, moment, tally))
            tally.counts["writes, each of them hit"] = number - 1
    return tally


# -------------------------------------------------------------------------------------------------------------- disks


def sentence_of(ended: Running) -> str | None:
    """The one sentence a process refused or gave up with; None when it said anything else, or nothing."""
    lines = ended.err.read_text().splitlines()
    return lines[0] if len(lines) == 1 and re.match(r"workbench( live)?: \S", lines[0]) else None


def started_again(breach: ScriptedBreach, folder: Path, ended: Running, tally: RealTally) -> None:
    """Check what a disk has left of a process that met it, start once more on a good one, and check again."""
    broken = []
    if ended.wait() != AGAIN or sentence_of(ended) is None:
        broken.append(f"RUN ended with {ended.code} and said {ended.err.read_text()[-300:]!r}")
    broken += breach.broken_now(folder)
    before = latches_at_death(folder)
    tally.counts["ended with exit code 3 (start me again)"] += ended.code == AGAIN
    again = breach.command(folder, lived=RECOVERED)
    code = again.wait()
    tally.counts["finished after a restart"] += code == 0
    broken += breach.broken(folder, before) if code == 0 else [f"RUN the restart: {again.err.read_text()[-300:]!r}"]
    tally.add(folder.name, broken)


def full_disks(breach: ScriptedBreach, step_bytes: int = 16_384) -> RealTally:
    """Let no file grow beyond a limit, for limits from next to nothing up to what the whole breach takes."""
    tally = RealTally(
        f"disk full: no file may grow beyond a limit, which is raised by {step_bytes:,} bytes from run to run until "
        "nothing is in the way",
        "I1–I6, I8",
    )
    with tally.timed():
        for limit in count(step_bytes, step_bytes):
            folder = breach.asked(f"full-{limit}")
            ended = breach.command(folder, lived=SECONDS, file_limit=limit)
            if ended.wait() == 0:
                break
            started_again(breach, folder, ended, tally)
    return tally


def failed_syncs(breach: ScriptedBreach, every: int = 1) -> RealTally:
    """Fail the n-th sync of the process, for every n up to the last one."""
    tally = RealTally("fsync error: the n-th sync of any file fails, once for every n", "I1–I6, I8")
    with tally.timed():
        for number in count(1, every):
            folder = breach.asked(f"sync-{number}")
            struck = folder / "struck"
            ended = breach.command(folder, lived=SECONDS, sync_fails_at=number, struck=str(struck))
            code = ended.wait()
            if not struck.exists():
                break
            if code == 0:  # SQLite may go on without what this sync was for
                tally.counts["went on unharmed"] += 1
                tally.add(folder.name, breach.broken(folder, latches_at_death(folder)))
            else:
                started_again(breach, folder, ended, tally)
    return tally
