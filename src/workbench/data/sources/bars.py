"""A user's bars or ticks: CSV or Parquet, with column mapping and a stated timezone, to UTC prices that hold water.

Nothing is guessed: the timezone and the timeframe are stated by the user, an ambiguous local time is refused, and the
clock check (`workbench.data.quality.clock`) decides later whether the statement is true. Broken values are refused with
their row; duplicates and disorder are mended in a copy and counted, for the user to accept or not.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.calendar import TIMEFRAMES
from workbench.data.files import reason_of
from workbench.data.sources.protocol import BarsSeries
from workbench.domain.currencies import Pair
from workbench.domain.errors import ConfigError, DataError

if TYPE_CHECKING:
    import pyarrow as pa

PRICES = {"tick": ("bid", "ask")}
BAR_PRICES = ("open", "high", "low", "close")
OPTIONAL = ("bid", "ask", "volume")

TIME_FORMATS = (
    "%Y.%m.%d %H:%M:%S", "%Y.%m.%d %H:%M", "%Y%m%d %H%M%S", "%Y%m%d %H:%M:%S",
    "%d.%m.%Y %H:%M:%S.%f", "%d.%m.%Y %H:%M:%S",
)  # fmt: skip
"""Tried in this order after ISO 8601; each must fit every row."""

YEARS = (1970, 2200)
"""First and last year a price may be from; a nanosecond clock ends in 2262."""


@dataclass(frozen=True)
class SeriesSpec:
    """What a user states about a file of prices.

    Attributes
    ----------
    pair : str
        One of the sixteen pairs; read like `Pair.parse`.
    timezone : str
        Zone of the time stamps, such as ``UTC`` or ``Europe/Helsinki``.
    timeframe : str
        One of `TIMEFRAMES`.
    columns : mapping of str to str
        Our name to the file's name, such as ``{"time": "Gmt time"}``; ``"<DATE>+<TIME>"`` joins two columns. Names that
        are not mapped are looked up as they are, upper or lower case.
    stamped : str
        Whether a bar's time stamp marks its ``start`` (most vendors) or its ``end``.

    Raises
    ------
    DataError
        When the pair is not one of the sixteen.
    ConfigError
        When the timezone, the timeframe, `stamped` or a name on the left of `columns` is unknown.
    """

    pair: str
    timezone: str
    timeframe: str
    columns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    stamped: str = "start"

    def __post_init__(self) -> None:
        """Check every statement that can be checked without the file."""
        object.__setattr__(self, "pair", Pair.parse(self.pair).name)
        if self.timeframe not in TIMEFRAMES:
            raise ConfigError(f"unknown timeframe {self.timeframe!r}: expected one of {', '.join(TIMEFRAMES)}")
        if self.stamped not in {"start", "end"}:
            raise ConfigError(f"bars are stamped at their start or their end, got {self.stamped!r}")
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError):
            raise ConfigError(
                f"unknown timezone {self.timezone!r}: expected a name such as UTC, Europe/Berlin or America/New_York"
            ) from None
        known = ("time", *BAR_PRICES, *OPTIONAL)
        strange = [name for name in self.columns if name not in known]
        if strange:
            raise ConfigError(f"unknown column name {', '.join(strange)} in the mapping: expected {', '.join(known)}")

    @property
    def prices(self) -> tuple[str, ...]:
        """Price columns the file must have."""
        return PRICES.get(self.timeframe, BAR_PRICES)


class BarsFile:
    """A user's CSV or Parquet file as a source of `BarsSeries`.

    Parameters
    ----------
    path : Path
        ``.parquet`` is read as Parquet, anything else as CSV with a header line, separated by comma, semicolon or tab.
    spec : SeriesSpec
        What the user states about it.
    """

    name = "bars"
    attribution = "the user's own file"

    def __init__(self, path: Path, spec: SeriesSpec) -> None:
        self.path = path
        self.spec = spec

    def load(self, *, as_of: date | None = None) -> BarsSeries:
        """Read, convert to UTC, sort, and refuse what cannot be a price.

        Parameters
        ----------
        as_of : date, optional
            Last UTC day that may be seen; later rows are dropped before their prices are looked at.

        Returns
        -------
        BarsSeries

        Raises
        ------
        DataError
            When the file is empty or malformed, lacks a column, holds times that do not exist in the stated zone, or
            prices that are not positive finite numbers.
        """
        table, named = self._table()
        stamps = _utc(_times(table, named["time"], self.path.name), self.spec.timezone, self.path.name)
        if self.spec.stamped == "end" and self.spec.timeframe != "tick":
            stamps -= TIMEFRAMES[self.spec.timeframe]
        # Line 1 is the header, so row 0 of the table is line 2 of the file.
        lines = np.arange(2, len(stamps) + 2)
        if as_of is not None:
            visible = np.asarray(stamps < pd.Timestamp(as_of).tz_localize("UTC") + pd.Timedelta(days=1))
            stamps, lines = stamps[visible], lines[visible]
            if not len(stamps):
                raise DataError(f"{self.path.name} has no row on or before {as_of}")
        wanted = [name for name in (*self.spec.prices, *OPTIONAL) if name in named]
        frame = pd.DataFrame(
            {name: _numbers(table, named[name], lines, self.path.name) for name in wanted}, index=stamps
        )
        frame, mended = _mended(frame)
        checked(frame, self.spec, self.path.name)
        return BarsSeries(self.spec.pair, self.spec.timeframe, frame, self.path.name, mended)

    def _table(self) -> tuple["pa.Table", dict[str, str]]:
        table = _read(self.path)
        if table.num_rows == 0:
            raise DataError(f"{self.path.name} is empty: expected a header line and at least one row of prices")
        by_name = {column.strip().lower(): column for column in reversed(table.column_names)}
        named: dict[str, str] = {}
        for ours in ("time", *dict.fromkeys((*self.spec.prices, *OPTIONAL))):
            theirs = self.spec.columns.get(ours, ours)
            parts = [by_name.get(part.strip().lower()) for part in theirs.split("+")]
            if all(parts):
                named[ours] = "+".join(part for part in parts if part)
        missing = [
            f"{ours} (mapped to {self.spec.columns[ours]!r})" if ours in self.spec.columns else ours
            for ours in dict.fromkeys(("time", *self.spec.prices, *self.spec.columns))
            if ours not in named
        ]
        if missing:
            raise DataError(
                f"{self.path.name} lacks the columns {', '.join(missing)}: found {', '.join(table.column_names)}; "
                "name them with a column mapping such as time=Timestamp"
            )
        for column in (part for theirs in named.values() for part in theirs.split("+")):
            _check_column(table, column, self.path.name)
        return table, named


def _check_column(table: "pa.Table", column: str, name: str) -> None:
    import pyarrow as pa

    if table.column_names.count(column) > 1:
        raise DataError(f"{name} has {table.column_names.count(column)} columns named {column}: expected one")
    if pa.types.is_binary(table.column(column).type):
        raise DataError(f"{name}: the column {column} must be text in UTF-8 or numbers, it holds other bytes")


def _read(path: Path) -> "pa.Table":
    import pyarrow as pa
    from pyarrow import csv, parquet

    try:
        if path.stat().st_size == 0:
            raise DataError(f"{path.name} is empty: expected a header line and at least one row of prices")
        if path.suffix.lower() in {".parquet", ".pq"}:
            return parquet.read_table(path)
        with path.open("rb") as file:
            first = file.readline().decode("utf-8-sig")
        delimiter = max(",;\t", key=first.count)
        if first[:1].isdigit():
            raise DataError(
                f"{path.name} must begin with a line of column names such as time,open,high,low,close; "
                f"got {first.strip()!r}"
            )
        return csv.read_csv(
            path,
            parse_options=csv.ParseOptions(delimiter=delimiter),
            convert_options=csv.ConvertOptions(strings_can_be_null=True, timestamp_parsers=[csv.ISO8601]),
        )
    except OSError as error:
        raise DataError(f"cannot read {path}: {reason_of(error)}") from error
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise DataError(
            f"cannot read {path}: {str(error).splitlines()[0].rstrip(' :.')}; expected CSV in UTF-8 that begins with a "
            "line of column names, or Parquet"
        ) from error


def _times(table: "pa.Table", column: str, name: str) -> pd.DatetimeIndex:
    """Stamps as written, before any zone is applied."""
    pieces = [table.column(part).to_pandas() for part in column.split("+")]
    if len(pieces) == 1 and isinstance(pieces[0].dtype, np.dtype) and pieces[0].dtype.kind in "if":
        stamps = _epoch(pieces[0], column, name)
    elif len(pieces) == 1 and pd.api.types.is_datetime64_any_dtype(pieces[0].dtype):
        stamps = pd.DatetimeIndex(pieces[0])
    else:
        stamps = _parsed(_joined(pieces), column, name)
    if stamps.hasnans:
        line = int(np.flatnonzero(stamps.isna())[0]) + 2
        raise DataError(f"{name} line {line}: the column {column} has no time")
    strange = np.flatnonzero((stamps.year < YEARS[0]) | (stamps.year > YEARS[1]))
    if len(strange):
        raise DataError(
            f"{name} line {int(strange[0]) + 2}: the column {column} must hold times between {YEARS[0]} and "
            f"{YEARS[1]}, got the year {stamps.year[strange[0]]}"
        )
    return stamps


def _joined(pieces: list[pd.Series]) -> pd.Series:
    text = pieces[0].astype("string")
    for piece in pieces[1:]:
        text = text + " " + piece.astype("string")
    return text


def _epoch(numbers: pd.Series, column: str, name: str) -> pd.DatetimeIndex:
    """Seconds or milliseconds since 1970: today is 1.8e9 and 1.8e12, so the size tells them apart."""
    if not np.isfinite(numbers.to_numpy(dtype=np.float64)).all() or not numbers.between(1e8, 1e13).all():
        raise DataError(
            f"{name}: the column {column} holds numbers that are neither seconds nor milliseconds since 1970, "
            f"such as {numbers.iloc[0]}; write times like 2024-01-31 13:15:00"
        )
    return pd.DatetimeIndex(pd.to_datetime(numbers, unit="ms" if numbers.iloc[0] > 1e11 else "s"))


def _parsed(text: pd.Series, column: str, name: str) -> pd.DatetimeIndex:
    if text.str.contains(r"(?:Z|[+-]\d\d:?\d\d)$", na=False).all():
        return pd.DatetimeIndex(pd.to_datetime(text, format="ISO8601", utc=True, errors="coerce"))
    for pattern in ("ISO8601", *TIME_FORMATS):
        try:
            return pd.DatetimeIndex(pd.to_datetime(text, format=pattern))
        except (ValueError, TypeError):
            continue
    unreadable = pd.to_datetime(text, format="ISO8601", utc=True, errors="coerce").isna()
    line = int(np.flatnonzero(unreadable.to_numpy())[0]) + 2 if unreadable.any() else 2
    raise DataError(
        f"{name} line {line}: cannot read {text.iloc[line - 2]!r} in the column {column} as a time; "
        "expected one format throughout, such as 2024-01-31 13:15:00"
    )


def _utc(stamps: pd.DatetimeIndex, timezone: str, name: str) -> pd.DatetimeIndex:
    if stamps.tz is not None:
        if timezone != "UTC":
            raise ConfigError(
                f"{name} carries its own offset from UTC in every time stamp, which contradicts the timezone "
                f"{timezone!r}; state the timezone UTC for such a file"
            )
        return stamps.tz_convert("UTC").as_unit("ns").rename("time")
    local = stamps.as_unit("ns").tz_localize(timezone, ambiguous="NaT", nonexistent="NaT")
    if local.hasnans:
        wrong = np.flatnonzero(local.isna())
        raise DataError(
            f"{name} line {int(wrong[0]) + 2}: {stamps[wrong[0]]} does not exist or exists twice in the timezone "
            f"{timezone}, whose clocks change then; rows like this: {len(wrong)}; the file is on another clock, "
            "state that one"
        )
    return local.tz_convert("UTC").rename("time")


def _numbers(table: "pa.Table", column: str, lines: NDArray[np.int64], name: str) -> NDArray[np.float64]:
    raw = table.column(column).to_pandas().iloc[lines - 2]
    if raw.dtype.kind not in "iuf":
        numbers = pd.to_numeric(raw, errors="coerce")
        wrong = np.flatnonzero(numbers.isna().to_numpy() & raw.notna().to_numpy())
        if len(wrong):
            raise DataError(
                f"{name} line {lines[wrong[0]]}: {column} must be a number, got {raw.iloc[wrong[0]]!r}; "
                f"rows like this: {len(wrong)}; correct the file and ingest it again"
            )
        raw = numbers
    return np.asarray(raw.to_numpy(dtype=np.float64, na_value=np.nan))


def _mended(frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Sort a copy and keep the first of each time; count what was mended."""
    times = pd.DatetimeIndex(frame.index)
    unsorted = int((np.diff(times.asi8) < 0).sum())
    if unsorted:
        frame = frame.sort_index(kind="stable")
        times = pd.DatetimeIndex(frame.index)
    repeated = times.duplicated()
    if not repeated.any():
        return frame, {"duplicated": 0, "conflicting": 0, "unsorted": unsorted}
    identical = frame.reset_index().duplicated().to_numpy()
    same, other = int((repeated & identical).sum()), int((repeated & ~identical).sum())
    return frame.loc[~repeated], {"duplicated": same, "conflicting": other, "unsorted": unsorted}


def schema(spec: SeriesSpec) -> Any:
    """The pandera schema of a frame of bars or ticks.

    Parameters
    ----------
    spec : SeriesSpec
        Decides which price columns there must be.

    Returns
    -------
    pandera.DataFrameSchema
        UTC index, strictly increasing; prices positive and finite; bars with ``low <= open, close <= high``. Crossed
        quotes (ask below bid) are not its business: they are flagged, not refused.
    """
    import pandera.pandas as pandera

    def price() -> Any:
        finite = pandera.Check(np.isfinite, error="a finite number")
        return pandera.Column(float, [finite, pandera.Check.gt(0.0, error="above zero")], nullable=False)

    columns = {name: price() for name in spec.prices}
    columns |= {name: pandera.Column(float, required=False, nullable=True) for name in OPTIONAL if name not in columns}
    ordered = pandera.Check(
        lambda bars: (
            (bars["low"] <= bars[["open", "close"]].min(axis=1)) & (bars["high"] >= bars[["open", "close"]].max(axis=1))
        ),
        error="between low and high",
    )
    increasing = pandera.Check(lambda times: times.is_monotonic_increasing)
    index = pandera.Index("datetime64[ns, UTC]", increasing, unique=True)
    return pandera.DataFrameSchema(columns, [] if spec.timeframe == "tick" else [ordered], index=index, strict=True)


def checked(frame: pd.DataFrame, spec: SeriesSpec, name: str) -> None:
    """Hold a frame against its schema.

    Parameters
    ----------
    frame : DataFrame, shape (rows, columns)
        Bars or ticks, UTC, oldest first.
    spec : SeriesSpec
        What it should be.
    name : str
        File name for the message.

    Raises
    ------
    DataError
        One sentence on the first fault, with its time, column and value, and how many more there are.
    """
    from pandera.errors import SchemaErrors

    try:
        schema(spec).validate(frame, lazy=True)
    except SchemaErrors as errors:
        cases = errors.failure_cases
        # A broken value also breaks its bar: name the value.
        of_columns = cases.loc[cases["schema_context"] == "Column"]
        cases = cases if of_columns.empty else of_columns
        first = cases.iloc[0]
        where = f"the column {first['column']}" if first["schema_context"] == "Column" else "every open and close"
        rule = {"not_nullable": "a number, not empty or NaN"}.get(str(first["check"]), str(first["check"]))
        bar = frame.loc[[first["index"]], list(spec.prices)].to_numpy()[0]
        shown = ", ".join(f"{price} {value:g}" for price, value in zip(spec.prices, bar, strict=True))
        value = shown if where.startswith("every") else f"{float(first['failure_case']):g}"
        raise DataError(
            f"{name} at {first['index']}: {where} must be {rule}, got {value}; "
            f"rows like this: {cases['index'].nunique()}; correct the file and ingest it again"
        ) from None
