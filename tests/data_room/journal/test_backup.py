"""Copies: whole while the loop writes, never written over, and brought back whatever happens on the way."""

import os
import shutil
import stat
import subprocess
import sys

import pytest

from workbench.data.journal.backup import back_up, keys_beside, restore
from workbench.data.journal.reader import JournalReader
from workbench.data.journal.rows import RowKind
from workbench.data.journal.verification import verify
from workbench.domain.errors import DataError, ExecutionError


@pytest.fixture
def backup(filled, tmp_path):
    path = tmp_path / "copies" / "monday.sqlite"
    back_up(filled, path)
    return path


def test_a_copy_taken_while_the_loop_writes_is_whole(open_journal, quotes, folder, tmp_path):
    journal = open_journal(checkpoint_rows=10)
    heads = []
    for number in range(8):
        journal.write(quotes(20 * number, 20))
        heads.append(back_up(folder, tmp_path / f"{number}.sqlite"))
        assert heads[-1] == journal.head
    journal.write(quotes(160, 1))
    assert verify(folder, heads[0]).intact
    target = tmp_path / "elsewhere"
    assert restore(tmp_path / "3.sqlite", target) == heads[3]
    assert verify(target, heads[3]).head == heads[3]


def test_a_copy_is_one_file_and_its_keys_and_for_its_owner_alone(backup, filled):
    assert {path.name for path in backup.parent.iterdir()} == {"monday.sqlite", "monday.sqlite.pub"}
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert keys_beside(backup).read_text() == (filled / "keys" / "journal.pub").read_text()


def test_a_copy_is_never_written_over(backup, filled, digests):
    before = digests(backup.parent)
    with pytest.raises(ExecutionError, match="is never written over"):
        back_up(filled, backup)
    assert digests(backup.parent) == before


def test_a_journal_that_is_not_intact_is_not_copied(filled, alter, tmp_path):
    alter("DELETE FROM journal WHERE sequence=2")
    with pytest.raises(DataError, match=r"nothing was copied: .*row 2 is missing"):
        back_up(filled, tmp_path / "copies" / "bad.sqlite")
    assert list((tmp_path / "copies").iterdir()) == []
    with pytest.raises(DataError, match="there is no journal"):
        back_up(tmp_path, tmp_path / "copies" / "bad.sqlite")


def test_another_machine_goes_on_with_the_copy_under_a_key_of_its_own(backup, folder, open_journal, quotes):
    shutil.rmtree(folder)
    head = restore(backup, folder)
    journal = open_journal()
    assert (journal.head, journal.epoch) == (head, 3)
    journal.write(quotes(5, 1))
    journal.close(9_000)
    found = verify(folder, head)
    assert found.intact and found.checkpoints == 3
    assert stat.S_IMODE((folder / "journal.sqlite").stat().st_mode) == 0o600


def test_a_journal_that_is_there_is_kept_aside(backup, folder, open_journal, quotes, tmp_path):
    journal = open_journal()
    journal.write(quotes(5, 3))
    journal.close(9_000)
    with pytest.raises(ExecutionError, match="holds a journal already"):
        restore(backup, folder)
    assert verify(folder, journal.head).intact
    head = restore(backup, folder, replace=True)
    assert verify(folder).head == head
    [aside] = folder.glob("journal-replaced-*.sqlite")
    assert aside.name == f"journal-replaced-{journal.head.digest[:8]}.sqlite"
    (tmp_path / "old").mkdir()
    aside.rename(tmp_path / "old" / "journal.sqlite")
    assert verify(tmp_path / "old", journal.head).intact


def test_rows_still_in_the_log_of_a_killed_loop_are_kept_aside_too(backup, folder, tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from workbench.data.journal.chain import Signer\n"
        "from workbench.data.journal.journal import Journal; from workbench.data.journal.rows import Row, RowKind\n"
        "journal = Journal(Path(sys.argv[1]), Signer.open(Path(sys.argv[1])))\n"
        "journal.write([Row(RowKind.NOTE, 1, b'{}')]); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(folder)], check=False)
    assert (folder / "journal.sqlite-wal").stat().st_size > 0
    restore(backup, folder, replace=True)
    [aside] = folder.glob("journal-replaced-*.sqlite")
    (tmp_path / "old").mkdir()
    aside.rename(tmp_path / "old" / "journal.sqlite")
    with JournalReader(tmp_path / "old") as reader:
        assert [row.sequence for row in reader.rows(kinds=[RowKind.NOTE])] == [9]
    assert verify(folder).head.sequence == 8


def test_a_damaged_journal_is_replaced_and_kept(backup, folder):
    (folder / "journal.sqlite").write_bytes(b"rubbish")
    (folder / "journal.sqlite-wal").write_bytes(b"more of it")
    restore(backup, folder, replace=True)
    [aside, *_, log, _] = sorted(folder.glob("journal-replaced-*"))
    assert (aside.read_bytes(), log.read_bytes()) == (b"rubbish", b"more of it")
    assert log.name == f"{aside.name}-wal"
    assert verify(folder).intact


def test_a_running_loop_is_not_pulled_from_under(backup, folder, open_journal):
    open_journal()
    with pytest.raises(ExecutionError, match="another loop is running"):
        restore(backup, folder, replace=True)


@pytest.mark.parametrize("size", [0, 100, 5_000])
def test_a_bad_copy_changes_nothing(size, backup, folder, digests):
    backup.write_bytes(backup.read_bytes()[:size])
    before = digests(folder)
    for source in (backup, backup.with_name("gone.sqlite")):
        with pytest.raises(DataError):
            restore(source, folder, replace=True)
    assert digests(folder) == before


class PowerGoneError(Exception):
    """Stands for the end of the process."""


def test_a_crash_at_any_step_leaves_the_old_or_the_new_journal(backup, folder, open_journal, quotes, monkeypatch):
    journal = open_journal()
    journal.write(quotes(5, 3))
    journal.close(9_000)
    whole = {verify(folder).head, back_up_head(backup, folder)}
    steps = 0
    while True:
        steps += 1
        try:
            with monkeypatch.context() as patch:
                stop_at(steps, patch)
                restore(backup, folder, replace=True)
        except PowerGoneError:
            found = verify(folder)
            assert found.intact and found.head in whole
            continue
        break
    assert steps > 5
    assert verify(folder).head.sequence == 8


def back_up_head(backup, folder):
    other = folder.with_name("other")
    return restore(backup, other)


def stop_at(step, patch):
    """Stop in the given system call that changes a folder, before or after it has done its work."""
    count = 0

    def stopping(call):
        def run(*arguments, **options):
            nonlocal count
            count += 1
            if count == step:
                raise PowerGoneError
            done = call(*arguments, **options)
            count += 1
            if count == step:
                raise PowerGoneError
            return done

        return run

    for name in ("link", "replace", "unlink", "fsync"):
        patch.setattr(os, name, stopping(getattr(os, name)))
