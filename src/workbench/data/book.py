"""`book.csv` to a `Book`: two columns, pair and units; every fault named with its line."""

import csv
import math
from pathlib import Path

from workbench.data.files import reason_of
from workbench.domain.book import Book
from workbench.domain.currencies import Pair
from workbench.domain.errors import DataError

COLUMNS = ("pair", "units")


def read_book(path: Path, *, equity: float) -> Book:
    """Read positions from a CSV file with the header ``pair,units``.

    Parameters
    ----------
    path : Path
        One line per pair; units of the base currency, + is long base. Thousands separators are not read.
    equity : float
        US dollars; what the book's risk is measured against.

    Returns
    -------
    Book
        Named after the file.

    Raises
    ------
    DataError
        When the file cannot be read, is empty, lacks a column, names an unknown pair, names a pair twice, holds
        units that are not a finite number, or holds no position. The message names the line.
    """
    rows = _rows(path)
    header = [cell.strip().lower() for cell in rows[0][1]]
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise DataError(
            f"{path.name} needs the columns pair and units in its first line; missing {', '.join(missing)}, "
            f"found {', '.join(cell for cell in header if cell) or 'none'}"
        )
    if len(rows) == 1:
        raise DataError(f"{path.name} has a header but no position: expected at least one line such as EURUSD,100000")
    places = {name: header.index(name) for name in COLUMNS}
    units: dict[str, float] = {}
    seen: dict[str, int] = {}
    for line, cells in rows[1:]:
        if len(cells) != len(header):
            raise DataError(f"{path.name} line {line}: expected {len(header)} fields, got {len(cells)}: {cells}")
        try:
            pair = Pair.parse(cells[places["pair"]].strip()).name
        except DataError as error:
            raise DataError(f"{path.name} line {line}: {error}") from None
        if pair in seen:
            raise DataError(
                f"{path.name} line {line}: {pair} is already on line {seen[pair]}; "
                "give each pair one line with its net units"
            )
        seen[pair] = line
        units[pair] = _units(cells[places["units"]].strip(), f"{path.name} line {line}: units of {pair}")
    if not any(units.values()):
        raise DataError(
            f"{path.name} holds no position: all units are 0; expected at least one line such as EURUSD,100000"
        )
    return Book(units, equity=equity, name=path.stem)


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"cannot read the book {path}: {reason_of(error)}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"cannot read the book {path}: it is no text in UTF-8; save it as CSV in UTF-8") from error
    reader = csv.reader(text.splitlines())
    rows = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    if not rows:
        raise DataError(f"the book {path.name} is empty: expected the header pair,units and one line per position")
    return rows


def _units(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f"{where} must be a finite number such as 100000 or -25000.5, got {text!r}")
    return value
