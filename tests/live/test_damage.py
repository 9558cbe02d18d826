"""Torn files, flipped bytes, full disks: a loop starts on what is whole, or refuses in one sentence."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from real_processes.breach import OPENING, RECOVERED
from real_processes.damage import damaged, flipped, halted_by_start, killed_folder, written
from real_processes.processes import executions_of, rows_of
from real_processes.promises import broken_by_orders, last_head, order_notes, shown

from workbench.app.live_shell import audit_replay
from workbench.data.journal.rows import RowKind
from workbench.data.journal.verification import verify
from workbench.domain.errors import DataError


@pytest.fixture
def killed(breach) -> Path:
    """What a kill leaves: a journal with its write-ahead log beside it."""
    return killed_folder(breach)


@pytest.fixture
def finished(breach) -> Path:
    """A journal that was closed."""
    return breach.undisturbed


def assert_sound_or_refused(ended, folder: Path) -> str:
    """A start on damaged files refuses in one sentence, or goes on with a journal an audit has something to say of."""
    if ended.wait() != 0:
        ended.sentence()
        return "refused"
    try:
        return "sound" if verify(folder).intact else "found"
    except DataError:
        return "found"


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.9])
def test_a_journal_cut_off_is_refused(breach, finished, tmp_path, share):
    whole = (finished / "journal.sqlite").read_bytes()
    folder = damaged(finished, tmp_path / "cut", "journal.sqlite", whole[: int(len(whole) * share)])
    assert "journal" in breach.command(folder, turns=40).sentence()


@pytest.mark.parametrize("share", [0.0, 0.2, 0.7])
def test_a_log_cut_off_never_leads_to_an_unsound_journal(breach, killed, tmp_path, share):
    whole = written(killed / "journal.sqlite-wal")
    folder = damaged(killed, tmp_path / "cut", "journal.sqlite-wal", whole[: int(len(whole) * share)])
    told = last_head(folder)
    assert_sound_or_refused(breach.command(folder, turns=40), folder)
    # the chain cannot show that a disk lost synced bytes at its end; a head that was told before does
    assert not verify(folder, told).intact


def test_a_start_without_acknowledged_rows_is_halted_and_says_so(breach, command, killed, tmp_path):
    folder = damaged(killed, tmp_path / "cut", "journal.sqlite-wal", b"")
    audit = command("audit", "verify", folder=folder)
    assert audit.wait() == 1 and "acknowledged rows are missing at the end" in audit.out.read_text()
    assert breach.command(folder, lived=RECOVERED).wait() == 0
    table = shown(folder)
    assert table["book"]["mode"] == "HALTED"
    [halt] = [row for row in rows_of(folder, RowKind.COMMAND) if row["actor"] == "the loop"]
    told = "acknowledged rows are missing at the end of"
    assert halt["act"] == "halt" and told in halt["reason"] and "audit verify --expect" in halt["reason"]
    for place in (rows_of(folder, RowKind.NOTE), table["notes"]):
        assert any(told in row.get("sentence", "") for row in place)
    assert told in (folder / "log.jsonl").read_text()
    again = command("audit", "replay", folder=folder)
    assert again.wait() == 0, again.out.read_text()


def test_without_an_inbox_such_a_start_is_halted_all_the_same(breach, killed, tmp_path):
    folder = damaged(killed, tmp_path / "cut", "journal.sqlite-wal", b"")
    shutil.rmtree(folder / "inbox")
    (folder / "inbox").write_text("a file stands in the way")
    assert breach.command(folder, lived=RECOVERED).wait() == 0
    assert shown(folder)["book"]["mode"] == "HALTED"
    assert [row["actor"] for row in rows_of(folder, RowKind.COMMAND)] == ["signal"]


def test_a_kill_alone_halts_nothing(breach, killed):
    assert breach.command(killed, lived=RECOVERED).wait() == 0
    assert not halted_by_start(killed)
    assert "acknowledged rows" not in (killed / "log.jsonl").read_text()


def test_no_order_number_is_used_again_after_a_log_was_lost(breach, killed, tmp_path):
    folder = damaged(killed, tmp_path / "cut", "journal.sqlite-wal", b"")
    before, _ = executions_of(folder)
    assert breach.command(folder, lived=RECOVERED).wait() == 0
    after, _ = executions_of(folder)
    assert 0 < len(before) < len(after) == len(set(after))
    assert broken_by_orders(folder, OPENING) == []
    assert any("not an order of ours" in note.reason for note in order_notes(folder))


def test_a_flipped_bit_is_harmless_refused_or_found_by_the_audit(breach, finished, killed, tmp_path):
    generator = np.random.default_rng(20261127)
    size = (finished / "journal.sqlite").stat().st_size
    places = [0, 18, 60, 102, 4096, 4100, *generator.integers(size // 2, size, 6).tolist()]
    outcomes = [case(breach, finished, "journal.sqlite", tmp_path / f"m{one}", one) for one in places]
    size = len(written(killed / "journal.sqlite-wal"))
    places = [0, 12, 40, 60, *generator.integers(0, size, 4).tolist()]
    outcomes += [case(breach, killed, "journal.sqlite-wal", tmp_path / f"w{one}", one) for one in places]
    assert {"refused", "sound"} <= set(outcomes)


def case(breach, whole: Path, name: str, target: Path, place: int) -> str:
    """How a start ends when one bit of a file is another."""
    folder = damaged(whole, target, name, flipped((whole / name).read_bytes(), place))
    return assert_sound_or_refused(breach.command(folder, turns=40), folder)


def falsified(whole: Path, target: Path) -> Path:
    """A copy of a folder whose first row says that there was more money."""
    shutil.copytree(whole, target)
    with closing(sqlite3.connect(target / "journal.sqlite")) as journal, journal:
        [(body,)] = journal.execute("SELECT body FROM journal WHERE sequence = 1")
        changed = body.replace(b'"equity":1000000.0', b'"equity":9000000.0')
        assert changed != body
        journal.execute("UPDATE journal SET body = ? WHERE sequence = 1", (changed,))
    return target


def test_a_changed_beginning_is_refused(breach, finished, tmp_path):
    folder = falsified(finished, tmp_path / "changed")
    assert "damaged" in breach.command(folder, turns=40).sentence()


def test_an_audit_names_the_row_that_was_changed(command, finished, tmp_path):
    folder = falsified(finished, tmp_path / "changed")
    ended = command("audit", "verify", folder=folder)
    assert ended.wait() == 1 and "is not intact: row 1 " in ended.out.read_text()
    sound = command("audit", "verify", folder=finished)
    assert sound.wait() == 0 and "is intact" in sound.out.read_text()
    again = command("audit", "replay", folder=finished)
    assert again.wait() == 0 and "the same: " in again.out.read_text()


def test_a_full_disk_ends_the_loop_and_a_start_afterwards_resumes(breach, tmp_path):
    folder = tmp_path / "full"
    full = breach.command(folder, file_limit=200_000)
    sentence = full.sentence(code=3)
    assert "cannot write" in sentence
    assert verify(folder).intact
    resumed = breach.command(folder, turns=40)
    assert resumed.wait() == 0, resumed.err.read_text()
    assert "resumed after" in resumed.out.read_text()
    assert verify(folder).intact
    assert audit_replay(folder, lambda *_: None).same


def test_a_disk_that_fails_while_a_loop_starts_is_worth_another_start(breach, tmp_path):
    ends = []
    for number in range(1, 19):
        folder = tmp_path / f"sync-{number}"
        ended = breach.command(folder, turns=3, sync_fails_at=number, struck=str(tmp_path / f"struck-{number}"))
        ends.append(ended.wait())
        assert ends[-1] in (0, 3), (number, (tmp_path / f"struck-{number}").read_text(), ended.err.read_text())
        if ends[-1] == 3:
            ended.sentence(code=3)
    assert ends.count(3) > 12


@pytest.mark.parametrize("limit", [100, 5_000, 40_000])
def test_a_full_disk_at_the_start_is_worth_another_start(breach, tmp_path, limit):
    assert "disk" in breach.command(tmp_path / "full", turns=3, file_limit=limit).sentence(code=3)
