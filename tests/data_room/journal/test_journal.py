"""The writer: durable, alone, fenced, closed for good after a failure; and those who read beside it."""

import signal
import stat
import subprocess
import sys
from dataclasses import replace

import apsw
import pytest

from workbench.data.journal import storage
from workbench.data.journal.chain import Signer
from workbench.data.journal.journal import FencedError, Journal, JournalError, JournalOptions
from workbench.data.journal.reader import JournalReader
from workbench.data.journal.reading import _ROWS_OF_A_KIND
from workbench.data.journal.rows import Row, RowKind
from workbench.data.journal.storage import check_sqlite
from workbench.data.journal.verification import verify
from workbench.domain.errors import ConfigError, DataError, ExecutionError, InvariantError


def test_rows_are_read_as_they_were_written(open_journal, quotes, folder):
    journal = open_journal()
    note = Row(RowKind.NOTE, 7, b"{}")
    assert journal.write([*quotes(0, 2), note]) == 3
    assert journal.write([]) == 3
    stored = list(journal.rows())
    assert [(row.kind, row.time_ns, row.body) for row in stored] == [
        (row.kind, row.time_ns, row.body) for row in [*quotes(0, 2), note]
    ]
    assert [row.sequence for row in stored] == [1, 2, 3]
    assert {row.epoch for row in stored} == {1}
    assert journal.head.digest == stored[-1].digest.hex()
    assert [row.sequence for row in journal.rows(after=1, kinds=[RowKind.EVENT])] == [2]
    assert [row.sequence for row in journal.rows(upto=2, kinds={RowKind.EVENT, RowKind.NOTE})] == [1, 2]


def test_more_rows_than_are_fetched_at_a_time_come_in_order(open_journal, quotes):
    journal = open_journal(checkpoint_rows=900)
    for first in range(0, 2_500, 500):
        journal.write(quotes(first, 500))
    assert [row.sequence for row in journal.rows()] == list(range(1, journal.head.sequence + 1))
    assert len(list(journal.rows(kinds=[RowKind.EVENT]))) == 2_500


def test_rows_that_are_no_quotes_are_found_in_order_without_reading_the_quotes(open_journal, quotes):
    journal = open_journal(checkpoint_rows=1_000)
    for first in range(0, 3_000, 100):
        few = [Row(RowKind.NOTE, first, b"{}"), Row(RowKind.COMMAND, first, b"{}")] * 20
        journal.write([*(replace(row, kind=RowKind.TICK) for row in quotes(first, 100)), *few])
    rows = list(journal.rows())
    for kinds in ([RowKind.NOTE], [RowKind.NOTE, RowKind.CHECKPOINT, RowKind.COMMAND], [RowKind.TICK, RowKind.NOTE]):
        assert list(journal.rows(50, kinds, 4_000)) == [row for row in rows[50:4_000] if row.kind in kinds]
    plan = journal._connection.execute(f"EXPLAIN QUERY PLAN {_ROWS_OF_A_KIND}", (0, 9, 6, 9)).fetchall()
    assert [step[-1] for step in plan] == [
        "SEARCH journal USING INDEX rows_but_ticks (kind=? AND sequence>? AND sequence<?)"
    ]


def test_a_checkpoint_follows_by_itself_and_at_the_end_but_never_twice(open_journal, quotes, folder):
    journal = open_journal(checkpoint_rows=3)
    assert journal.write(quotes(0, 2)) == 2
    assert journal.write(quotes(2, 2)) == 4
    assert journal.head.sequence == 5
    journal.close(5_000)
    with JournalReader(folder) as reader:
        assert [row.sequence for row in reader.rows(kinds=[RowKind.CHECKPOINT])] == [5]
    journal = open_journal()
    journal.write(quotes(4, 1))
    journal.close(5_000)
    with JournalReader(folder) as reader:
        assert [row.sequence for row in reader.rows(kinds=[RowKind.CHECKPOINT])] == [5, 7]
    assert verify(folder).intact


def test_an_empty_journal_is_closed_without_a_row(open_journal, folder):
    journal = open_journal(journal_id="aaaaaaaaaaaa")
    journal.close(1)
    found = verify(folder)
    assert (found.intact, found.rows, found.head) == (True, 0, journal.head)


def test_every_opening_is_a_new_epoch_of_the_same_journal(open_journal, quotes, folder):
    identities = []
    for first in (0, 1, 2):
        journal = open_journal()
        journal.write(quotes(first, 1))
        identities.append((journal.epoch, journal.id))
        journal.close(5_000)
    assert [epoch for epoch, _ in identities] == [1, 2, 3]
    assert len({name for _, name in identities}) == 1
    assert verify(folder).epochs == 3


def test_a_second_writer_is_refused_and_a_reader_is_not(open_journal, quotes, folder):
    journal = open_journal()
    journal.write(quotes(0, 1), {"book": "{}"})
    with pytest.raises(ExecutionError, match=r"another loop is running on .*live"):
        open_journal()
    with JournalReader(folder) as reader:
        before = reader.head
        journal.write(quotes(1, 1), {"book": '{"n":2}'})
        assert (before.sequence, reader.head) == (1, journal.head)
        assert (reader.id, reader.epoch) == (journal.id, 1)
        assert (reader.shown("book"), reader.shown("nothing")) == ('{"n":2}', None)
        assert list(reader.rows()) == list(journal.rows())
        journal.write([], {"book/2": "{}", "book/1": "{}", "other": "{}"})
        for one in (reader, journal):
            assert (one.shown_keys("book/"), one.shown_keys("none")) == (["book/1", "book/2"], [])


def test_a_reader_in_the_middle_of_something_does_not_stop_a_start_but_people_are_told(
    open_journal, quotes, folder, monkeypatch
):
    journal = open_journal()
    journal.write(quotes(0, 5))
    assert journal.notes == ()
    monkeypatch.setattr(storage, "BUSY_MILLISECONDS", 20)
    with JournalReader(folder) as reader:
        reader._connection.execute("BEGIN; SELECT * FROM journal LIMIT 1").fetchall()
        journal.write(quotes(5, 5))
        head = journal.head
        journal._give_up("a flush failed")
        journal = open_journal()
        [told] = journal.notes
        assert "for 0.02 s" in told and "was not folded into it at the start" in told
        assert journal.head == head
        journal.write(quotes(10, 5))
        assert reader._connection.execute("SELECT count(*) FROM journal").fetchall() == [(5,)]
    journal.close(9_999)
    assert open_journal().notes == ()
    assert verify(folder, head).intact


def test_a_writer_that_was_overtaken_writes_nothing_more(open_journal, quotes, folder):
    first = open_journal()
    first.write(quotes(0, 1))
    (folder / "journal.lock").unlink()
    second = open_journal()
    with pytest.raises(FencedError, match=r"another loop has taken over .*epoch 2, this one is 1"):
        first.write(quotes(1, 1), {"book": "{}"})
    with pytest.raises(JournalError, match="closed for good"):
        first.write(quotes(1, 1))
    assert second.write(quotes(2, 1)) == 2
    assert second.shown("book") is None
    assert verify(folder).intact


def test_a_failed_write_is_never_tried_again_and_loses_nothing_before_it(open_journal, quotes, folder, full_disk):
    journal = open_journal()
    journal.write(quotes(0, 5))
    head = journal.head

    def write_on():
        nonlocal head
        for first in range(5, 5_000, 5):
            journal.write(quotes(first, 5))
            head = journal.head

    with full_disk(50_000), pytest.raises(JournalError, match="a failed write is never tried again"):
        write_on()
    assert head.sequence > 5
    for refused in (
        lambda: journal.write(quotes(0, 1)), lambda: journal.keep_snapshot(1, "1", b""),
        lambda: list(journal.rows()), lambda: journal.shown("book"),
    ):  # fmt: skip
        with pytest.raises(JournalError, match="closed for good"):
            refused()
    journal.close(9_000)
    assert open_journal().head.sequence >= head.sequence
    assert verify(folder, head).intact


def test_a_row_that_cannot_be_stored_is_refused_before_anything_is_written(open_journal, quotes):
    journal = open_journal()
    for row in (Row(RowKind.NOTE, 2**63, b"{}"), Row(RowKind.NOTE, 1, "{}"), Row(RowKind.NOTE, 1.5, b"{}")):
        with pytest.raises(InvariantError, match="nothing was written"):
            journal.write([*quotes(0, 1), row])
    assert journal.write(quotes(0, 1)) == 1


KILLED = """
import sys
from pathlib import Path
from workbench.data.journal import storage
from workbench.data.journal.chain import Signer
from workbench.data.journal.journal import Journal, JournalOptions
from workbench.data.journal.rows import Row, RowKind
folder = Path(sys.argv[1])
journal = Journal(folder, Signer.open(folder), JournalOptions(checkpoint_rows=50, log_room_bytes=int(sys.argv[2])))
for number in range(10**9):
    journal.write([Row(RowKind.NOTE, number, b"{}")] * 7)
    print(journal.head.sequence, journal.head.digest, flush=True)
"""


@pytest.mark.parametrize("room", [0, 10_000, 5_000_000])
def test_everything_acknowledged_is_there_after_a_kill(open_journal, folder, room):
    command = [sys.executable, "-c", KILLED, str(folder), str(room)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        try:
            seen = [writer.stdout.readline() for _ in range(300)]
        finally:
            writer.send_signal(signal.SIGKILL)
        seen += [line for line in writer.stdout if line.endswith("\n")]
    sequence, digest = seen[-1].split()
    with JournalReader(folder) as reader:
        rows = list(reader.rows())
        assert len(rows) == reader.head.sequence >= int(sequence)
        digests = {row.sequence: row.digest.hex() for row in rows}
    assert all(digests[int(line.split()[0])] == line.split()[1] for line in seen)
    journal = open_journal()
    assert (journal.epoch, journal.head.sequence) == (2, len(rows))
    found = verify(folder, replace(journal.head, sequence=int(sequence), digest=digest))
    assert found.intact and found.checkpoints > 20


# --- opening


@pytest.mark.parametrize("version", ["3.51.2", "3.9.9", "3.50.10"])
def test_a_sqlite_that_can_corrupt_a_journal_is_refused(version):
    with pytest.raises(ConfigError, match=rf"expected SQLite 3.51.3 or newer, got {version}"):
        check_sqlite(version)


@pytest.mark.parametrize("version", ["3.51.3", "3.52.0", "3.100.1", "4.0.0", apsw.sqlite_lib_version()])
def test_a_newer_sqlite_is_fine(version):
    check_sqlite(version)


def test_files_are_for_their_owner_alone(open_journal, folder, quotes):
    open_journal().write(quotes(0, 1))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())}
    assert {name for name, mode in modes.items() if mode & 0o077} == set()
    assert set(modes) >= {"journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm", "journal.lock", "keys"}
    assert stat.S_IMODE((folder / "keys" / "journal.pem").stat().st_mode) == 0o600


@pytest.mark.parametrize("name", [".", "journal.sqlite"])
@pytest.mark.parametrize("bit", [0o020, 0o002])
def test_what_others_may_write_is_refused(name, bit, filled, open_journal):
    path = filled / name
    path.chmod(path.stat().st_mode | bit)
    with pytest.raises(ConfigError, match=r"others may write to .*run `chmod go-w .*live"):
        open_journal()


def test_a_key_others_can_read_is_refused(filled):
    (filled / "keys" / "journal.pem").chmod(0o640)
    with pytest.raises(ConfigError, match=r"can be used by others \(mode 0640\).*chmod 600"):
        Signer.open(filled)


@pytest.mark.parametrize(
    "content", [b"", b"not a key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_a_key_that_is_none_is_refused(content, filled):
    (filled / "keys" / "journal.pem").write_bytes(content)
    with pytest.raises(ConfigError, match="is not an Ed25519 private key"):
        Signer.open(filled)


def test_a_new_key_goes_on_where_the_lost_one_ended(filled, open_journal, quotes):
    (filled / "keys" / "journal.pem").unlink()
    journal = open_journal()
    journal.write(quotes(5, 1))
    journal.close(5_000)
    found = verify(filled)
    assert found.intact and found.checkpoints == 3
    assert len((filled / "keys" / "journal.pub").read_text().split()) == 2


def test_a_newer_schema_is_refused_by_writer_and_reader(filled, alter, open_journal):
    alter("UPDATE meta SET value='2' WHERE key='schema'")
    for opening in (open_journal, lambda: JournalReader(filled), lambda: verify(filled)):
        with pytest.raises(DataError, match=r"has schema 2, and this program knows schemas up to 1: run the version"):
            opening()


def test_what_is_no_journal_is_refused(filled, alter, open_journal):
    alter("PRAGMA application_id=7")
    with pytest.raises(DataError, match="is a database, but no journal"):
        open_journal()
    for content in (b"", b"something else, long enough to be looked at" * 20):
        (filled / "journal.sqlite").write_bytes(content)
        with pytest.raises(DataError):
            open_journal()
        with pytest.raises(DataError):
            JournalReader(filled)


def test_a_trigger_in_the_journal_is_refused(filled, alter, open_journal):
    alter("CREATE TRIGGER t AFTER INSERT ON journal BEGIN DELETE FROM shown; END")
    with pytest.raises(DataError, match="its tables are not those of a journal"):
        open_journal()


def test_a_log_whose_database_is_gone_is_not_taken_for_a_new_journal(filled, open_journal):
    (filled / "journal.sqlite").rename(filled / "journal.sqlite-wal")
    with pytest.raises(DataError, match=r"is gone, but journal\.sqlite-wal beside it"):
        open_journal()


def test_another_journal_than_the_one_expected_is_refused(filled, open_journal):
    assert open_journal(journal_id="0123456789ab").id == "0123456789ab"
    with pytest.raises(ConfigError, match="expected a journal id of twelve"):
        JournalOptions(journal_id="xyz")
    with pytest.raises(ConfigError, match="at least 1 row"):
        JournalOptions(checkpoint_rows=0)


@pytest.mark.parametrize("row", [6, 7, 8])
def test_a_changed_row_behind_the_last_checkpoint_before_it_is_found_at_the_start(row, filled, alter, open_journal):
    if row < 8:
        alter("DELETE FROM journal WHERE sequence=8")
    alter(("UPDATE journal SET time_ns=time_ns+1 WHERE sequence=?", row))
    with pytest.raises(DataError, match=rf"row {row} .*workbench audit verify.*restore a backup"):
        open_journal()
    alter(("UPDATE journal SET time_ns=time_ns-1 WHERE sequence=?", row))
    open_journal()


def test_a_reader_makes_nothing(tmp_path):
    with pytest.raises(DataError, match="there is no journal"):
        JournalReader(tmp_path / "nowhere")
    assert list(tmp_path.iterdir()) == []


# --- snapshots, and a disk that is not one


def test_the_newest_snapshot_of_a_version_is_taken_and_three_are_kept(open_journal, quotes, folder, alter):
    journal = open_journal()
    journal.write(quotes(0, 5))
    assert journal.snapshot("1") is None
    for sequence in (1, 2, 3, 4):
        journal.keep_snapshot(sequence, "1" if sequence < 4 else "2", b"state %d" % sequence)
    assert (journal.snapshot("1"), journal.snapshot("2")) == ((3, b"state 3"), (4, b"state 4"))
    alter("UPDATE snapshot SET body=x'00' WHERE sequence=3")
    assert journal.snapshot("1") == (2, b"state 2")
    with pytest.raises(InvariantError, match="belongs to a row of the journal, got 6"):
        journal.keep_snapshot(6, "1", b"")
    journal.keep_snapshot(5, "3", b"state 5")
    assert journal.snapshot("1") is None


def test_under_another_vfs_there_is_no_lock_file_and_no_permission(tmp_path, quotes):
    tmp_path.chmod(0o770)
    options = JournalOptions(vfs="unix-none", exclusive=True)
    for first in (0, 3):
        journal = Journal(tmp_path, Signer.from_seed(b"s" * 32), options)
        journal.write(quotes(first, 3))
        journal.close(9_000)
    assert journal.head.sequence == 8
    assert {path.name for path in tmp_path.iterdir()} == {"journal.sqlite"}
    with pytest.raises(DataError, match="not among the trusted ones"):
        Journal(tmp_path, Signer.from_seed(b"t" * 32), options)
