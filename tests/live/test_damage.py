"""Torn files, flipped bytes, full disks: a loop starts on what is whole, or refuses in one sentence."""

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from workbench.app.live_shell import audit_replay
from workbench.data.journal.rows import Head
from workbench.data.journal.verification import verify
from workbench.domain.errors import DataError

TURNS = 6.0
"""Seconds of the loop's clock."""


@pytest.fixture
def loop(nursery, plans, tmp_path):
    """A loop that runs for some seconds of its clock in a folder."""

    def run(folder: Path, seconds: float = TURNS, **task):
        request = {
            "feed": "simulated:7", "speed": 0.0, "seconds": 5.0, "folder": str(folder), "book_file": plans.book,
            "policy_file": plans.breached, "paper_file": plans.slow_paper,
        }  # fmt: skip
        return nursery.start(folder, request=request, seconds=seconds, heads=f"{folder}.heads", **task)

    return run


@pytest.fixture
def killed(loop, tmp_path) -> Path:
    """What a kill leaves: a journal with its write-ahead log beside it."""
    folder = tmp_path / "killed"
    assert loop(folder, kill_at=30, moment="after").wait() < 0
    assert (folder / "journal.sqlite-wal").stat().st_size > 10_000
    return folder


@pytest.fixture
def finished(loop, tmp_path) -> Path:
    """A journal that was closed."""
    folder = tmp_path / "finished"
    assert loop(folder).wait() == 0
    return folder


def damaged(whole: Path, target: Path, name: str, content: bytes) -> Path:
    """A copy of a folder in which one file says something else."""
    shutil.copytree(whole, target)
    shutil.copy(f"{whole}.heads", f"{target}.heads")
    (target / name).write_bytes(content)
    return target


def last_head(folder: Path) -> Head:
    """The last row that was acknowledged."""
    sequence, _, digest = Path(f"{folder}.heads").read_text().splitlines()[-1].partition(":")
    return Head(int(sequence), digest)


def flips(content: bytes, places: Sequence[int]) -> Iterator[bytes]:
    """The same with one bit turned, at each of these places."""
    for place in places:
        changed = bytearray(content)
        changed[place] ^= 0x10
        yield bytes(changed)


def assert_sound_or_refused(ended, folder: Path) -> str:
    """A start on damaged files refuses in one sentence, or goes on with a journal an audit has something to say of."""
    if ended.wait() != 0:
        ended.sentence()
        return "refused"
    try:
        return "sound" if verify(folder).intact else "found"
    except DataError:
        return "found"


def start(command, plans, folder: Path, **task):
    """The real command; a start that succeeds is asked to stop soon."""
    return command(
        "live", "--feed", "simulated:7", "--speed", "0", "--seconds", "5", "--book", plans.book,
        "--policy", plans.breached, "--paper", plans.slow_paper, folder=folder, **{"turns": 40, **task},
    )  # fmt: skip


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.9])
def test_a_journal_cut_off_is_refused(command, plans, finished, tmp_path, share):
    whole = (finished / "journal.sqlite").read_bytes()
    folder = damaged(finished, tmp_path / "cut", "journal.sqlite", whole[: int(len(whole) * share)])
    assert "journal" in start(command, plans, folder).sentence()


@pytest.mark.parametrize("share", [0.0, 0.2, 0.7])
def test_a_log_cut_off_never_leads_to_an_unsound_journal(command, plans, killed, tmp_path, share):
    whole = (killed / "journal.sqlite-wal").read_bytes()
    folder = damaged(killed, tmp_path / "cut", "journal.sqlite-wal", whole[: int(len(whole) * share)])
    assert_sound_or_refused(start(command, plans, folder), folder)
    # the chain cannot show that a disk lost synced bytes at its end; a head that was told before does
    assert not verify(folder, last_head(folder)).intact


def test_a_flipped_bit_is_harmless_refused_or_found_by_the_audit(command, plans, finished, killed, tmp_path):
    generator = np.random.default_rng(20261127)
    size = (finished / "journal.sqlite").stat().st_size
    places = [0, 18, 60, 102, 4096, 4100, *generator.integers(size // 2, size, 6).tolist()]
    outcomes = [case(command, plans, finished, "journal.sqlite", tmp_path / f"m{one}", one) for one in places]
    size = (killed / "journal.sqlite-wal").stat().st_size
    places = [0, 12, 40, 60, *generator.integers(0, size, 4).tolist()]
    outcomes += [case(command, plans, killed, "journal.sqlite-wal", tmp_path / f"w{one}", one) for one in places]
    assert {"refused", "sound"} <= set(outcomes)


def case(command, plans, whole: Path, name: str, target: Path, place: int) -> str:
    """How a start ends when one bit of a file is another."""
    [content] = flips((whole / name).read_bytes(), [place])
    folder = damaged(whole, target, name, content)
    return assert_sound_or_refused(start(command, plans, folder), folder)


def falsified(whole: Path, target: Path) -> Path:
    """A copy of a folder whose first row says that there was more money."""
    shutil.copytree(whole, target)
    with closing(sqlite3.connect(target / "journal.sqlite")) as journal, journal:
        [(body,)] = journal.execute("SELECT body FROM journal WHERE sequence = 1")
        changed = body.replace(b'"equity":1000000.0', b'"equity":9000000.0')
        assert changed != body
        journal.execute("UPDATE journal SET body = ? WHERE sequence = 1", (changed,))
    return target


def test_a_changed_beginning_is_refused(command, plans, finished, tmp_path):
    folder = falsified(finished, tmp_path / "changed")
    assert "damaged" in start(command, plans, folder).sentence()


def test_an_audit_names_the_row_that_was_changed(command, finished, tmp_path):
    folder = falsified(finished, tmp_path / "changed")
    ended = command("audit", "verify", folder=folder)
    assert ended.wait() == 1 and "is not intact: row 1 " in ended.out.read_text()
    sound = command("audit", "verify", folder=finished)
    assert sound.wait() == 0 and "is intact" in sound.out.read_text()
    again = command("audit", "replay", folder=finished)
    assert again.wait() == 0 and "the same: " in again.out.read_text()


def test_a_full_disk_ends_the_loop_and_a_start_afterwards_resumes(command, plans, tmp_path):
    folder = tmp_path / "full"
    full = start(command, plans, folder, file_limit=200_000, turns=10**9)
    sentence = full.sentence(code=3)
    assert "cannot write" in sentence
    assert verify(folder).intact
    resumed = start(command, plans, folder)
    assert resumed.wait() == 0, resumed.err.read_text()
    assert "resumed after" in resumed.out.read_text()
    assert verify(folder).intact
    assert audit_replay(folder, lambda _: None).same
