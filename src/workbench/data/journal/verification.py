"""The whole journal held against its digests, signatures and bodies: whether this is what was written, all of it."""

from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import apsw

from workbench.data.journal import storage
from workbench.data.journal.chain import BrokenChainError, Chain, first_digest, trusted_keys
from workbench.data.journal.codec import decode_decision, decode_event, decode_note, decode_table
from workbench.data.journal.reading import columns_of_rows, epoch_of, head_of
from workbench.data.journal.rows import HEAD_FILE, Head, RowKind, StoredRow, Told, told_head
from workbench.domain.errors import DataError

HAPPENED = (RowKind.EVENT, RowKind.TICK)


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found.

    Attributes
    ----------
    rows, checkpoints, epochs : int
        Good rows up to the first bad one, how many of them are signatures, and how many writers there were.
    head : Head
        The last good row.
    first_bad : int or None
        Sequence of the first row that is missing or not what was written; None when the journal is intact.
    sentence : str
        The same in words.
    """

    rows: int
    head: Head
    checkpoints: int
    epochs: int
    first_bad: int | None
    sentence: str

    @property
    def intact(self) -> bool:
        """Whether everything is as it was written."""
        return self.first_bad is None


def verify(folder: Path, expected: Head | None = None) -> Verification:
    """Check the journal of a folder from its first row to its last, and the head kept beside it; a loop may be writing.

    Parameters
    ----------
    folder : Path
        Of the journal.
    expected : Head, optional
        A head that was seen before, in a report or a mail: a journal whose end was cut off does not hold it any more.

    Returns
    -------
    Verification

    Raises
    ------
    DataError
        When there is no journal, or SQLite itself cannot read it.
    """
    told, remark = None, ""
    try:
        told = told_head(folder)  # before the rows: a loop that runs puts those on the disk first
    except DataError as error:
        remark = f"; {error}: whether acknowledged rows are missing at the end cannot be said"
    found = verify_file(folder / storage.DATABASE, trusted_keys(folder), expected, told)
    return replace(found, sentence=found.sentence + remark)


def verify_file(
    path: Path, trusted: frozenset[str] | None, expected: Head | None = None, told: Told | None = None
) -> Verification:
    """Check a journal wherever its file is.

    Parameters
    ----------
    path : Path
        The file.
    trusted : frozenset of str or None
        Public keys whose signatures count; None for any.
    expected : Head, optional
        A head that must be in there.
    told : Told, optional
        The head that was kept beside it; that of another journal says nothing unless this one is empty.

    Returns
    -------
    Verification

    Raises
    ------
    DataError
        When there is no journal, or SQLite itself cannot read it.
    """
    with closing(storage.open_to_read(path)) as connection, storage.reading(path):
        journal = storage.meta_value(connection, "journal")
        counts = told is not None and (told.journal == journal or not head_of(connection, journal).sequence)
        acknowledged = told.head if told is not None and counts else None
        walk = _Walk(Chain(journal, trusted, 0, first_digest(journal)), expected, acknowledged)
        try:
            for values in columns_of_rows(connection):
                walk.step(values)
            walk.end(epoch_of(connection))
        except BrokenChainError as error:
            return walk.report(f"the journal {path} is not intact: {error}", error.sequence)
        _check_pages(connection)
        return walk.report(f"the journal {path} is intact", None)


def _check_pages(connection: apsw.Connection) -> None:
    """Have SQLite look through its own pages."""
    findings = [str(found[0]) for found in connection.execute("PRAGMA integrity_check(3)").fetchall()]
    if findings != ["ok"]:
        raise apsw.CorruptError("; ".join(findings))


class _Walk:
    """Goes along the rows, counts the good ones and stops at the first bad one."""

    def __init__(self, chain: Chain, expected: Head | None, acknowledged: Head | None) -> None:
        self._chain = chain
        self._expected, self._acknowledged = expected, acknowledged
        self._head = chain.head
        self._checkpoints = 0
        self._epochs: list[int] = []
        self._last_event_ns = -(2**63)

    def step(self, values: tuple[object, ...]) -> None:
        """Take one row."""
        row = self._chain.follow(values)
        head = self._chain.head
        if self._epochs and row.epoch < self._epochs[-1]:
            raise BrokenChainError(row.sequence, f"row {row.sequence} is of an earlier writer than the row before it")
        if row.kind in HAPPENED and row.time_ns < self._last_event_ns:
            raise BrokenChainError(row.sequence, f"the event in row {row.sequence} is earlier than the one before it")
        _check_body(row)
        self._check_expected(head)
        self._count(row, head)

    def _count(self, row: StoredRow, head: Head) -> None:
        self._head = head
        self._checkpoints += row.kind is RowKind.CHECKPOINT
        if row.kind in HAPPENED:
            self._last_event_ns = row.time_ns
        if self._epochs[-1:] != [row.epoch]:
            self._epochs.append(row.epoch)

    def _check_expected(self, head: Head) -> None:
        for expected in (self._expected, self._acknowledged):
            if expected is not None and expected.sequence == head.sequence and expected.digest != head.digest:
                raise BrokenChainError(
                    head.sequence, f"row {head.sequence} had the digest {expected.digest}, and now has {head.digest}"
                )

    def end(self, epoch: int) -> None:
        """See that nothing is missing behind the last row."""
        if self._epochs and self._epochs[-1] > epoch:
            last = self._head.sequence
            raise BrokenChainError(last, f"row {last} is of a later writer than the journal knows of")
        if self._expected is not None and self._expected.sequence > self._head.sequence:
            first = self._head.sequence + 1
            raise BrokenChainError(first, f"its end is cut off: rows {first} to {self._expected.sequence} are missing")
        self._check_acknowledged()

    def _check_acknowledged(self) -> None:
        told, end = self._acknowledged, self._head.sequence
        if told is not None and told.sequence > end:
            raise BrokenChainError(
                end + 1,
                f"{told.sequence - end:,} acknowledged rows are missing at the end: {HEAD_FILE} beside it says that it "
                f"went to row {told.sequence} with the digest {told.digest}",
            )

    def report(self, finding: str, first_bad: int | None) -> Verification:
        """Put what was found into words."""
        rows = self._head.sequence
        keys = "" if self._chain.trusted is not None else ", signed with keys only the journal itself knows"
        sentence = (
            f"{finding}; {rows:,} good rows of {len(self._epochs)} writers, {self._checkpoints} signed checkpoints"
            f"{keys}, head {rows} {self._head.digest}"
        )
        return Verification(rows, self._head, self._checkpoints, len(self._epochs), first_bad, sentence)


def _check_body(row: StoredRow) -> None:
    try:
        if row.kind in HAPPENED:
            decode_event(row.body, row.time_ns)
        elif row.kind is RowKind.DECISION:
            decode_decision(row.body, row.time_ns)
        elif row.kind is RowKind.ORDER:
            decode_note(row.body, row.time_ns)
        else:
            decode_table(row.body)
    except DataError as error:
        raise BrokenChainError(row.sequence, f"row {row.sequence} cannot be read: {error}") from error
