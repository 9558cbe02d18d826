"""Small journals to read, hurt, copy and continue."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from workbench.data.journal.chain import Signer
from workbench.data.journal.codec import encode_event, encode_table
from workbench.data.journal.journal import Journal, JournalOptions
from workbench.data.journal.rows import Row, RowKind
from workbench.domain.trading.events import Quote


def _quotes(first: int, count: int) -> list[Row]:
    quotes = [Quote(1_000 + k, "EURUSD", 1.1 + k / 1e5, 1.1001 + k / 1e5) for k in range(first, first + count)]
    return [Row(RowKind.EVENT, quote.time_ns, encode_event(quote)) for quote in quotes]


@pytest.fixture(scope="session")
def quotes() -> Callable[[int, int], list[Row]]:
    """Rows of quotes: number of the first one, and how many."""
    return _quotes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "live"


@pytest.fixture
def open_journal(folder: Path) -> Iterator[Callable[..., Journal]]:
    """Open the journal of the folder; it is closed when the test ends."""
    opened: list[Journal] = []

    def open_one(**options: object) -> Journal:
        opened.append(Journal(folder, Signer.open(folder), JournalOptions(**options)))
        return opened[-1]

    yield open_one
    for journal in reversed(opened):
        journal.close(9_999)


@pytest.fixture
def filled(folder: Path) -> Path:
    """Folder of a closed journal: start, 3 + 2 quotes of two writers, a checkpoint after each (rows 5 and 8)."""
    journal = Journal(folder, Signer.open(folder), JournalOptions(journal_id="0123456789ab"))
    journal.write([Row(RowKind.START, 1, encode_table({"equity": 1e6})), *_quotes(0, 3)], {"book": '{"n":3}'})
    journal.close(2_000)
    journal = Journal(folder, Signer.open(folder))
    journal.write(_quotes(3, 2))
    journal.close(3_000)
    return folder


@pytest.fixture
def alter(folder: Path) -> Callable[..., None]:
    """Change the database of the folder behind the journal's back."""

    def run(*statements: str | tuple[str, int]) -> None:
        with closing(apsw.Connection(str(folder / "journal.sqlite"))) as connection:
            for statement in statements:
                text, *values = (statement,) if isinstance(statement, str) else statement
                connection.execute(text, tuple(values))

    return run
