"""Campaigns with damaged files, cut off or one bit turned: no effect, refused at the start, or found by an audit."""

import math
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from workbench.data.journal.rows import RowKind
from workbench.data.journal.verification import verify
from workbench.domain.errors import DataError

from .breach import HALT_WAITS, OPENING, RECOVERED, ScriptedBreach
from .deaths import KILLED, REFUSED, sentence_of
from .processes import rows_of
from .promises import broken_by_orders, last_head, shown
from .tally import RealTally

JOURNAL, LOG = "journal.sqlite", "journal.sqlite-wal"
LOG_HEADER, FRAME = 32, 24 + 4_096
"""Bytes of SQLite's write-ahead log: its header, and a page with a header of its own."""
HEADER_BYTES = (0, 18, 60, 102)
"""Places that SQLite itself looks at: magic, version, application, type of the first page."""
LOG_HEADER_BYTES = (0, 12, 24, 40, 60)
SEED = 20261127


def damaged(whole: Path, target: Path, name: str, content: bytes) -> Path:
    """A copy of a folder in which one file says something else."""
    shutil.copytree(whole, target)
    shutil.copy(f"{whole}.heads", f"{target}.heads")
    (target / name).write_bytes(content)
    return target


def written(path: Path) -> bytes:
    """What is in a file; of a write-ahead log the frames, without the room that was made behind them."""
    whole = path.read_bytes()
    if path.name != LOG:
        return whole
    frames = math.ceil((len(whole.rstrip(b"\0")) - LOG_HEADER) / FRAME)
    return whole[: LOG_HEADER + frames * FRAME]


def flipped(content: bytes, place: int) -> bytes:
    """The same with one bit turned."""
    changed = bytearray(content)
    changed[place] ^= 0x10
    return bytes(changed)


def killed_folder(breach: ScriptedBreach, name: str = "left-by-a-kill") -> Path:
    """What a kill leaves in the middle of the breach: a journal with its write-ahead log beside it."""
    folder = breach.asked(name)
    assert breach.run(folder, kill_at=30, moment="after").wait() == KILLED
    assert len(written(folder / LOG)) > 10_000
    return folder


def is_intact(folder: Path) -> bool:
    """What the audit says, given the last head that was told before the damage."""
    try:
        return verify(folder, last_head(folder)).intact
    except DataError:
        return False


def halted_by_start(folder: Path) -> bool:
    """Whether the loop has halted itself because acknowledged rows were missing."""
    return any(row["actor"] == "the loop" and row["act"] == "halt" for row in rows_of(folder, RowKind.COMMAND))


def start_on(breach: ScriptedBreach, folder: Path, tally: RealTally) -> None:
    """Start on damaged files.

    Without effect: everything ends as if nothing had been. Refused: one sentence, nothing is done. Else the damage must
    be found by an audit that knows the last head told before it, and still nothing is executed twice, grows or turns,
    and the book is HALTED whether or not the halt that was asked for is among the lost rows (I4).
    """
    before = last_head(folder)
    found = not is_intact(folder)  # before the start adds heads of its own
    ended = breach.command(folder, lived=RECOVERED)
    code, broken = ended.wait(), list[str]()
    if code == REFUSED and sentence_of(ended):
        tally.counts["refused to start in one sentence"] += 1
    elif code != 0:
        broken.append(f"RUN ended with {code} and said {ended.err.read_text()[-300:]!r}")
    elif not found and before is not None:
        tally.counts["without effect"] += 1
        broken += breach.broken(folder, HALT_WAITS)
    else:
        tally.counts["went on without rows the disk had lost, which the audit finds"] += 1
        mode = shown(folder)["book"]["mode"]
        tally.counts["of these were halted by the start for what was lost"] += halted_by_start(folder)
        broken += [] if mode == "HALTED" else [f"I4 rows with a halt may be lost, and the book is {mode}"]
        broken += broken_by_orders(folder, OPENING)
    tally.add(folder.name, broken)


def spread(whole: Path, name: str, first: tuple[int, ...], number: int) -> Iterator[int]:
    """Places in a file: those that matter most, and others drawn with a seed."""
    size = len(written(whole / name))
    yield from first
    yield from (set(np.random.default_rng(SEED).integers(0, size, number).tolist()) - set(first))


Case = tuple[str, Path, str, Callable[[bytes], bytes]]


def torn_cases(closed: Path, killed: Path, number: int) -> Iterator[Case]:
    """Files that end too early, at places spread evenly."""
    for share in np.linspace(0.0, 0.98, number).tolist():
        yield f"journal-cut-{share:.2f}", closed, JOURNAL, lambda whole, share=share: whole[: int(len(whole) * share)]
        yield f"log-cut-{share:.2f}", killed, LOG, lambda whole, share=share: whole[: int(len(whole) * share)]


def flip_cases(closed: Path, killed: Path, number: int) -> Iterator[Case]:
    """Files with one bit turned."""
    for whole, name, first in ((closed, JOURNAL, HEADER_BYTES), (killed, LOG, LOG_HEADER_BYTES)):
        for place in spread(whole, name, first, number):
            yield f"{name}-bit-{place}", whole, name, lambda content, place=place: flipped(content, place)


def damages(
    breach: ScriptedBreach, done: str, cases: Callable[[Path, Path, int], Iterator[Case]], number: int
) -> RealTally:
    """Start on each of these files."""
    tally = RealTally(done, "I1, I3, I4, I5; without effect: all of I1–I6, I8")
    with tally.timed():
        killed = killed_folder(breach, f"left-by-a-kill-{cases.__name__}")
        for name, whole, file, change in cases(breach.undisturbed, killed, number):
            content = change(written(whole / file))
            start_on(breach, damaged(whole, breach.scratch / name, file, content), tally)
    return tally


def torn_files(breach: ScriptedBreach, number: int = 15) -> RealTally:
    """Cut the journal and its log off."""
    done = (
        "torn files at the start: the journal of a finished breach, and the write-ahead log a kill has left, each cut "
        f"off at {number} places"
    )
    return damages(breach, done, torn_cases, number)


def flipped_bits(breach: ScriptedBreach, number: int = 20) -> RealTally:
    """Turn a bit in the journal or its log."""
    done = f"one bit turned at the start, in the headers and at {number} drawn places of each of these two files"
    return damages(breach, done, flip_cases, number)
