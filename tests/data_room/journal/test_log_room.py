"""Room for the write-ahead log: it is there, it is used, it holds no rows, and where there is none people are told."""

import sqlite3
from contextlib import closing

import pytest

from workbench.data.files import make_room
from workbench.data.journal.reader import JournalReader
from workbench.data.journal.verification import verify

LOG = "journal.sqlite-wal"
ROOM = 300_000


def test_the_log_has_its_blocks_from_the_start_and_writes_take_no_more(open_journal, quotes, folder):
    journal = open_journal(log_room_bytes=ROOM)
    before = (folder / LOG).stat()
    assert (before.st_size, journal.notes) == (ROOM, ())
    for number in range(20):
        journal.write(quotes(number, 1))
    after = (folder / LOG).stat()
    assert (after.st_size, after.st_blocks) == (ROOM, before.st_blocks)
    assert (folder / LOG).read_bytes().rstrip(b"\0") != b"", "what was written is in it"


def test_room_without_a_row_is_an_empty_log_to_everybody(open_journal, filled):
    (filled / LOG).touch()
    make_room(filled / LOG, ROOM)
    found = verify(filled)
    assert found.intact and found.rows == 8
    with JournalReader(filled) as reader:
        assert reader.head.sequence == 8
    with closing(sqlite3.connect(filled / "journal.sqlite")) as other:
        assert other.execute("SELECT max(sequence) FROM journal").fetchone() == (8,)
    assert open_journal().head.sequence == 8


def test_who_looks_on_meanwhile_sees_every_row(open_journal, quotes, filled):
    with JournalReader(filled) as reader:
        journal = open_journal(log_room_bytes=ROOM)
        journal.write(quotes(20, 3))
        assert [row.sequence for row in reader.rows(after=8)] == [9, 10, 11]


@pytest.mark.parametrize("size", [40_000, 100_000, ROOM - 1])
def test_where_there_is_no_room_it_is_told_and_the_journal_is_written_all_the_same(
    open_journal, quotes, filled, full_disk, size
):
    with full_disk(size):
        journal = open_journal(log_room_bytes=ROOM)
    [note] = journal.notes
    assert "no room could be made for the journal's write-ahead log" in note and "larger than is allowed" in note
    assert (filled / LOG).stat().st_size == 32 + 4_120, "the epoch alone"
    journal.write(quotes(30, 2))
    journal.close(9_000)
    assert verify(filled).intact and open_journal().head.sequence == 11
