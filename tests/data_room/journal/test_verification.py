"""Nothing in a journal can be changed, taken out or cut off unseen, and no damage ends in a traceback."""

import shutil
from contextlib import closing

import apsw
import numpy as np
import pytest

from workbench.data.journal.chain import Signer, chained, first_digest, read_keys, trusted_keys
from workbench.data.journal.codec import encode_table
from workbench.data.journal.journal import Journal
from workbench.data.journal.reader import JournalReader
from workbench.data.journal.rows import HEAD_FILE, Head, Row, RowKind
from workbench.data.journal.verification import verify
from workbench.domain.errors import DataError


def test_an_intact_journal_is_said_to_be(filled):
    found = verify(filled)
    assert (found.rows, found.checkpoints, found.epochs, found.first_bad) == (8, 2, 2, None)
    assert found.head.sequence == 8
    assert "is intact; 8 good rows of 2 writers, 2 signed checkpoints, head 8" in found.sentence
    assert verify(filled, found.head).intact
    assert verify(filled, Head(3, next(row.digest.hex() for row in JournalReader(filled).rows(after=2)))).intact


def flips(size_bytes, step=1):
    return [(bit // 8, 1 << bit % 8) for bit in range(0, size_bytes * 8, step)]


@pytest.mark.parametrize(("sequence", "step"), [(1, 1), (2, 1), (4, 3), (5, 41), (7, 3), (8, 43)])
def test_every_flipped_bit_is_found_at_its_row(sequence, step, filled):
    with closing(apsw.Connection(str(filled / "journal.sqlite"))) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        [row] = connection.execute("SELECT body, digest FROM journal WHERE sequence=?", (sequence,)).fetchall()
        changes = ("UPDATE journal SET body=? WHERE sequence=?", "UPDATE journal SET digest=? WHERE sequence=?")
        for change, content in zip(changes, row, strict=True):
            for byte, bit in flips(len(content), step):
                hurt = bytearray(content)
                hurt[byte] ^= bit
                connection.execute(change, (bytes(hurt), sequence))
                assert verify(filled).first_bad == sequence
            connection.execute(change, (content, sequence))
        for bit in range(0, 64, step):
            change = "UPDATE journal SET time_ns = (time_ns | :bit) - (time_ns & :bit) WHERE sequence=:row"
            signed = {"bit": 1 << bit if bit < 63 else -(2**63), "row": sequence}
            connection.execute(change, signed)
            assert verify(filled).first_bad == sequence
            connection.execute(change, signed)
    assert verify(filled).intact


@pytest.mark.parametrize(
    ("statement", "first_bad"),
    [
        ("DELETE FROM journal WHERE sequence=3", 3),
        ("DELETE FROM journal WHERE sequence=1", 1),
        ("UPDATE journal SET sequence=-3 WHERE sequence=3", 1),
        ("UPDATE journal SET sequence=sequence+1 WHERE sequence=8", 8),
        ("UPDATE journal SET epoch=epoch+1 WHERE sequence=2", 2),
        ("UPDATE journal SET kind=6 WHERE sequence=4", 4),
        ("UPDATE journal SET kind=99 WHERE sequence=4", 4),
        ("UPDATE meta SET value='ffffffffffff' WHERE key='journal'", 1),
        ("UPDATE meta SET value='1' WHERE key='epoch'", 8),
        ("UPDATE journal SET body=(SELECT body FROM journal WHERE sequence=3) WHERE sequence=2", 2),
        ("INSERT INTO journal SELECT 9, time_ns, epoch, kind, body, digest FROM journal WHERE sequence=8", 9),
    ],
)
def test_a_row_taken_out_moved_or_put_in_is_found(statement, first_bad, filled, alter):
    alter(statement)
    found = verify(filled)
    assert (found.first_bad, found.intact) == (first_bad, False)
    assert f"is not intact: row {first_bad} " in found.sentence
    assert found.rows == found.head.sequence <= first_bad


def test_two_swapped_rows_are_found(filled, alter):
    alter(
        "UPDATE journal SET sequence=-1 WHERE sequence=2",
        "UPDATE journal SET sequence=2 WHERE sequence=3",
        "UPDATE journal SET sequence=3 WHERE sequence=-1",
    )
    assert verify(filled).first_bad == 2


@pytest.mark.parametrize("kept", range(8))
def test_an_end_that_was_cut_off_is_found_by_a_head_seen_before(kept, filled, alter):
    head = verify(filled).head
    alter(("DELETE FROM journal WHERE sequence>?", kept))
    assert f"{8 - kept} acknowledged rows are missing at the end" in verify(filled).sentence
    (filled / HEAD_FILE).unlink()
    assert verify(filled).intact
    found = verify(filled, head)
    assert found.first_bad == kept + 1
    assert f"its end is cut off: rows {kept + 1} to 8 are missing" in found.sentence


def rechain(folder, sequence, body, signer=None):
    """Forge: another body, and all digests after it made to fit; checkpoints are signed anew by a signer."""
    with closing(apsw.Connection(str(folder / "journal.sqlite"))) as connection:
        rows = connection.execute("SELECT sequence, time_ns, epoch, kind, body FROM journal").fetchall()
        digest = first_digest("0123456789ab")
        for number, time_ns, epoch, kind, old in rows:
            row = Row(RowKind(kind), time_ns, body if number == sequence else old)
            if kind == RowKind.CHECKPOINT and signer:
                row = signer.checkpoint("0123456789ab", Head(number - 1, digest.hex()), time_ns)
            digest = chained(digest, number, epoch, row)
            connection.execute("UPDATE journal SET body=?, digest=? WHERE sequence=?", (row.body, digest, number))


def test_a_history_written_anew_fails_at_the_next_signature(filled, open_journal):
    head = verify(filled).head
    rechain(filled, 3, encode_table({}))
    assert verify(filled).first_bad == 3  # no event can be read from it
    with closing(JournalReader(filled)) as reader:
        other = next(reader.rows(after=1)).body
    rechain(filled, 3, other)
    found = verify(filled)
    assert (found.first_bad, found.checkpoints) == (5, 0)
    assert "signs another row than the one before it" in found.sentence
    rechain(filled, 3, other, Signer.from_seed(b"x" * 32))
    found = verify(filled)
    assert found.first_bad == 5
    assert "not among the trusted ones" in found.sentence
    with pytest.raises(DataError, match=r"row 8 .*trusted"):
        open_journal()
    own = Signer.open(filled)
    rechain(filled, 3, other, own)
    (filled / HEAD_FILE).unlink()
    assert verify(filled).intact  # who has the key can: then only a head that was seen elsewhere tells
    found = verify(filled, head)
    assert found.first_bad == 8
    assert "had the digest" in found.sentence


def test_a_signature_of_something_else_is_found(filled, alter):
    key = Signer.open(filled)
    wrong = key.checkpoint("another one", Head(4, JournalReader(filled).head.digest), 1)
    rechain(filled, 5, wrong.body)
    assert verify(filled).first_bad == 5
    for body in (b"{}", b"[]", b'{"sequence":4}'):
        rechain(filled, 5, body)
        assert verify(filled).first_bad == 5


def test_without_a_file_of_keys_the_signatures_still_must_match(filled):
    (filled / "keys" / "journal.pub").unlink()
    assert trusted_keys(filled) is None
    found = verify(filled)
    assert found.intact
    assert "keys only the journal itself knows" in found.sentence
    (filled / "keys" / "journal.pub").write_bytes(b"\xff")
    with pytest.raises(DataError, match="cannot read the public keys"):
        read_keys(filled / "keys" / "journal.pub")


def test_events_that_go_back_in_time_and_bodies_nobody_can_read_are_found(open_journal, quotes, folder):
    journal = open_journal()
    journal.write([*quotes(5, 1), Row(RowKind.NOTE, 3, b"{}"), *quotes(4, 1)])
    found = verify(folder)
    assert (found.first_bad, found.head.sequence) == (3, 2)
    assert "earlier than the one before" in found.sentence


@pytest.mark.parametrize("kind", [kind for kind in RowKind if kind is not RowKind.CHECKPOINT])
def test_a_body_nobody_can_read_is_found(kind, open_journal, folder):
    open_journal().write([Row(RowKind.NOTE, 1, b"{}"), Row(kind, 1, b"?")])
    found = verify(folder)
    assert found.first_bad == 2
    assert "row 2 cannot be read" in found.sentence


def look_at_everything(folder):
    """Read a journal in every way there is; only a `DataError` may come of it."""
    refused = 0
    for look in (
        lambda: verify(folder).intact,
        lambda: [JournalReader(folder).shown("book"), *JournalReader(folder).rows()],
        lambda: Journal(folder, Signer.open(folder)).close(9_000),
    ):
        try:
            look()
        except DataError:
            refused += 1
    return refused


def test_flipped_bytes_and_truncation_of_the_file_end_in_one_sentence(filled, tmp_path):
    good = (filled / "journal.sqlite").read_bytes()
    generator = np.random.default_rng(11)
    places = [*generator.integers(0, 100, 40), *generator.integers(100, len(good), 80)]
    hurt = [good[:place] + bytes([good[place] ^ 1 << generator.integers(8)]) + good[place + 1 :] for place in places]
    hurt += [good[:size] for size in (0, 1, 99, 100, 4096, *generator.integers(0, len(good), 10))]
    refused = 0
    for number, content in enumerate(hurt):
        copy = tmp_path / str(number)
        shutil.copytree(filled, copy)
        (copy / "journal.sqlite").write_bytes(content)
        refused += look_at_everything(copy) > 0
        shutil.rmtree(copy)
    assert refused > 20
