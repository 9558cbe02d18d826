from pathlib import Path

import pytest

from workbench.data.book import read_book
from workbench.domain.errors import DataError


def _book(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "book.csv"
    path.write_text(text)
    return path


def test_book_is_read_with_signs_and_any_column_order(tmp_path: Path) -> None:
    book = read_book(_book(tmp_path, "note,Units,Pair\nlong, 100000 ,EUR/USD\nshort,-2.5e4,usdjpy\n"), equity=1e6)
    assert dict(book.units) == {"EURUSD": 100000.0, "USDJPY": -25000.0}
    assert book.equity == 1e6
    assert book.name == "book"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "book.csv is empty: expected the header pair,units"),
        ("\n \n", "book.csv is empty"),
        ("pair,units\n", "has a header but no position"),
        ("pair,amount\nEURUSD,1\n", "missing units, found pair, amount"),
        ("EURUSD,1\nUSDJPY,2\n", "missing pair, units, found eurusd, 1"),
        ("pair,units\nEURUSD,1\nEURXYZ,5\n", "line 3: unknown pair 'EURXYZ': expected one of EURUSD, GBPUSD"),
        ("pair,units\nEURUSD,many\n", "line 2: units of EURUSD must be a finite number .* got 'many'"),
        ("pair,units\nEURUSD,\n", "line 2: units of EURUSD must be a finite number .* got ''"),
        ("pair,units\nEURUSD,nan\n", "line 2: units of EURUSD must be a finite number"),
        ("pair,units\nEURUSD,inf\n", "line 2: units of EURUSD must be a finite number"),
        ("pair,units\nEURUSD,1\nEUR/USD,2\n", "line 3: EURUSD is already on line 2"),
        ("pair,units\nEURUSD,100,000\n", "line 2: expected 2 fields, got 3"),
    ],
)
def test_bad_book_is_one_clear_sentence_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_book(_book(tmp_path, text), equity=1e6)


def test_missing_book_and_wrong_equity_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read the book .*nowhere\.csv"):
        read_book(tmp_path / "nowhere.csv", equity=1e6)
    with pytest.raises(DataError, match="equity must be a positive amount"):
        read_book(_book(tmp_path, "pair,units\nEURUSD,1\n"), equity=0.0)
