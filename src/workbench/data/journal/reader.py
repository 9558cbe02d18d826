"""Reading a journal: viewers, the audit and backups, also while the loop writes it."""

from collections.abc import Collection, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import apsw

from workbench.data.journal import reading, storage
from workbench.data.journal.rows import Head, RowKind, StoredRow


class Readable:
    """What the writer of a journal and its readers give out alike."""

    _path: Path
    _connection: apsw.Connection

    def _refuse_when_closed(self) -> None:
        """Refuse when nothing may be asked any more: a matter of the writer, which closes for good."""

    def rows(
        self, after: int = 0, kinds: Collection[RowKind] | None = None, upto: int | None = None
    ) -> Iterator[StoredRow]:
        """Rows, in order; their digests are not checked (`verify` does).

        Parameters
        ----------
        after : int
            Sequence before the first one wanted.
        kinds : collection of RowKind, optional
            Only these.
        upto : int, optional
            The last sequence wanted.

        Yields
        ------
        StoredRow

        Raises
        ------
        DataError
            When the file is damaged.
        JournalError
            When the writer that is asked is closed.
        """
        self._refuse_when_closed()
        bounds = (after, reading.LAST_SEQUENCE if upto is None else upto)
        yield from reading.rows_between(self._connection, self._path, bounds, kinds)

    def shown(self, key: str) -> str | None:
        """A projection for viewers.

        Parameters
        ----------
        key : str
            Its name.

        Returns
        -------
        str or None
            JSON; None when it was never shown.

        Raises
        ------
        DataError
            When the file is damaged.
        JournalError
            When the writer that is asked is closed.
        """
        self._refuse_when_closed()
        with storage.reading(self._path):
            return reading.shown_of(self._connection, key)

    def shown_keys(self, beginning: str) -> list[str]:
        """Names of the projections for viewers.

        Parameters
        ----------
        beginning : str
            What their names begin with.

        Returns
        -------
        list of str
            Sorted.

        Raises
        ------
        DataError
            When the file is damaged.
        JournalError
            When the writer that is asked is closed.
        """
        self._refuse_when_closed()
        with storage.reading(self._path):
            return reading.shown_keys(self._connection, beginning)


class JournalReader(Readable):
    """Opens a journal read-only: it makes nothing, changes nothing and never takes the lock.

    Parameters
    ----------
    folder : Path
        Where ``journal.sqlite`` is.

    Raises
    ------
    DataError
        When there is no journal, it is damaged, or of a newer schema.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / storage.DATABASE
        self._connection = storage.open_to_read(self._path)
        with storage.reading(self._path):
            self.id = storage.meta_value(self._connection, "journal")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    @property
    def head(self) -> Head:
        """Where the journal ends now."""
        with storage.reading(self._path):
            return reading.head_of(self._connection, self.id)

    @property
    def changes(self) -> int:
        """A number that is another one after every change of the journal by its writer; costs next to nothing."""
        with storage.reading(self._path):
            return reading.changes_of(self._connection)

    @property
    def epoch(self) -> int:
        """Number of the writer that took the journal over last."""
        with storage.reading(self._path):
            return reading.epoch_of(self._connection)
