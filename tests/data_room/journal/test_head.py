"""The head kept beside a journal tells at the next start, and in an audit, that acknowledged rows are missing."""

import re
import shutil
from pathlib import Path

import pytest

from workbench.data.journal.backup import back_up, restore
from workbench.data.journal.chain import Signer
from workbench.data.journal.journal import Journal
from workbench.data.journal.rows import HEAD_FILE, Head, HeadFile, Told, told_head
from workbench.data.journal.verification import verify

LOG = "journal.sqlite-wal"


@pytest.fixture
def open_at(request):
    """Open the journal of any folder; it is closed when the test ends."""

    def opened(folder: Path) -> Journal:
        journal = Journal(folder, Signer.open(folder))
        request.addfinalizer(lambda: journal.close(9_999))
        return journal

    return opened


@pytest.fixture
def killed(open_at, quotes, tmp_path) -> Path:
    """What a kill leaves after ten writes of two rows each, all of them in the write-ahead log."""
    journal = open_at(tmp_path / "running")
    for number in range(10):
        journal.write(quotes(2 * number, 2))
    return Path(shutil.copytree(tmp_path / "running", tmp_path / "killed"))


def cut(killed: Path, share: float) -> None:
    whole = (killed / LOG).read_bytes()
    (killed / LOG).write_bytes(whole[: int(len(whole) * share)])


def test_after_a_kill_the_file_says_what_the_journal_says(killed, open_at):
    told = told_head(killed)
    journal = open_at(killed)
    assert told == Told(journal.id, journal.head)
    assert (journal.lost, journal.notes) == ("", ())
    assert verify(killed).intact


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.95])
def test_rows_that_are_missing_at_the_end_are_counted_and_told(killed, open_at, share):
    told = told_head(killed).head
    cut(killed, share)
    found = verify(killed)
    assert not found.intact and f"{20 - found.rows:,} acknowledged rows are missing at the end" in found.sentence
    journal = open_at(killed)
    assert journal.notes == (journal.lost,)
    assert journal.lost.startswith(f"{20 - journal.head.sequence} acknowledged rows are missing at the end of ")
    assert f"`workbench audit verify --expect 20:{told.digest}`" in journal.lost
    assert "HALTED" in journal.lost and len(journal.lost) < 2_000


def test_a_loss_is_told_at_every_start_until_something_is_written(killed, open_at, quotes):
    cut(killed, 0.5)
    for _ in range(2):
        journal = open_at(killed)
        assert journal.lost
        journal._give_up("a kill")
    journal = open_at(killed)
    journal.write(quotes(30, 1))
    journal.close(9_000)
    assert verify(killed).intact
    assert open_at(killed).lost == ""


def test_another_row_in_the_place_of_an_acknowledged_one_is_told(killed, open_at, quotes):
    told = (killed / HEAD_FILE).read_bytes()
    cut(killed, 0.5)
    journal = open_at(killed)
    journal.write(quotes(100, 20))
    journal.close(9_000)
    (killed / HEAD_FILE).write_bytes(told)
    assert "row 20 had the digest" in verify(killed).sentence
    assert "row 20 of " in open_at(killed).lost


def test_a_file_that_is_older_than_the_journal_proves_nothing(killed, open_at):
    older = (killed / HEAD_FILE).read_bytes()
    open_at(killed).close(9_000)
    assert told_head(killed).head.sequence == 21
    for content in (older, b""):
        (killed / HEAD_FILE).write_bytes(content)
        assert verify(killed).intact
        journal = open_at(killed)
        assert (journal.lost, journal.notes) == ("", ())
        journal.close(9_000)
    (killed / HEAD_FILE).unlink()
    assert (open_at(killed).lost, told_head(killed).head.sequence) == ("", 21)


def flipped(content: bytes) -> bytes:
    return content[:20] + bytes([content[20] ^ 1]) + content[21:]


@pytest.mark.parametrize("hurt", [lambda _: b"rubbish", lambda told: told[:-1], flipped, lambda told: told * 2])
def test_a_file_that_is_damaged_is_told_and_made_anew(killed, open_at, hurt):
    path = killed / HEAD_FILE
    path.write_bytes(hurt(path.read_bytes()))
    found = verify(killed)
    assert found.intact and f"{path} is damaged" in found.sentence
    journal = open_at(killed)
    [note] = journal.notes
    assert (journal.lost, note) == (
        "", f"{path} is damaged: whether acknowledged rows are missing at the end cannot be said",
    )  # fmt: skip
    assert told_head(killed) == Told(journal.id, journal.head)
    journal.close(9_000)
    assert open_at(killed).notes == ()


def test_a_file_that_cannot_be_written_stops_nothing(killed, open_at, quotes):
    (killed / HEAD_FILE).unlink()
    (killed / HEAD_FILE).mkdir()
    journal = open_at(killed)
    assert journal.lost == "" and len(journal.notes) == 1
    assert journal.write(quotes(20, 1)) == 21
    file = HeadFile(killed / "nowhere")
    file.keep("0123456789ab", 1, b"d" * 32)
    file.close()
    assert re.search("cannot write .*journal.head", file.trouble)


def test_the_head_of_another_journal_is_a_note_unless_this_one_is_empty(killed, filled, open_at, tmp_path):
    other = Path(shutil.copytree(filled, tmp_path / "other"))
    shutil.copy(killed / HEAD_FILE, other / HEAD_FILE)
    assert verify(other).intact
    journal = open_at(other)
    [note] = journal.notes
    assert journal.lost == "" and "is of another one" in note
    for path in killed.glob("journal.sqlite*"):
        path.unlink()
    gone = told_head(killed)
    assert "20 acknowledged rows" in open_at(killed).lost
    assert told_head(killed) == gone
    assert "20 acknowledged rows are missing" in verify(killed).sentence


def test_an_older_copy_brought_back_on_purpose_is_no_loss(filled, open_at, quotes, tmp_path):
    head = back_up(filled, tmp_path / "copy.sqlite")
    journal = open_at(filled)
    journal.write(quotes(5, 4))
    journal.close(9_000)
    newest = journal.head
    assert restore(tmp_path / "copy.sqlite", filled, replace=True) == head
    assert told_head(filled) == Told("0123456789ab", head)
    assert verify(filled).intact
    assert open_at(filled).lost == ""
    [aside] = filled.glob("journal-replaced-*.sqlite.head")
    assert newest.digest in aside.read_text()


def test_a_head_of_no_rows_is_a_head_too(open_at, folder):
    journal = open_at(folder)
    assert told_head(folder) == Told(journal.id, Head(0, journal.head.digest))
    journal.close(9_000)
    assert open_at(folder).lost == ""
