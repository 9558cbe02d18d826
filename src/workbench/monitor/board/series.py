"""History for the charts: rows of minutes or hours as the loop keeps them, thinned so that no extreme is lost."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from itertools import groupby
from typing import Any, Protocol

from workbench.domain.trading.modes import Condition, Mode

SECOND_NS = 1_000_000_000
MINUTE_NS, HOUR_NS, DAY_NS = 60 * SECOND_NS, 3_600 * SECOND_NS, 86_400 * SECOND_NS
MOST_POINTS = 2_000
MOST_MARKS = 200
MOST_MINUTE_KEYS = 192
"""Hours read minute by minute for one chart; a longer history is drawn from its hours."""
PERIODS: Mapping[str, int | None] = {
    "hour": HOUR_NS,
    "day": DAY_NS,
    "week": 7 * DAY_NS,
    "month": 31 * DAY_NS,
    "all": None,
}
"""Nanoseconds of the loop's clock that each choice covers; None for all there is."""
STEPS_NS = {"minute": MINUTE_NS, "hour": HOUR_NS}
MARKED: Mapping[str, type[IntEnum]] = {"mode": Mode, "condition": Condition}
"""Columns whose changes are marked; they hold the numbers of these names."""
DECISION_LEVEL = 0
"""Of a mark that is no alert."""
KEYS = {"minute": "%Y-%m-%dT%H", "hour": "%Y-%m"}

Row = list[Any]


class Shelf(Protocol):
    """Where the series lie."""

    def shown(self, key: str) -> str | None:
        """JSON of a key."""
        ...

    def shown_keys(self, beginning: str) -> list[str]:
        """Names of keys."""
        ...


@dataclass(frozen=True, slots=True)
class Series:
    """A history.

    Attributes
    ----------
    step : str
        ``minute`` or ``hour``.
    columns : list of str
        ``time_ns`` comes first.
    rows : list of list
        Oldest first.
    marks : list of dict
        Changes of mode and condition in rows that are over: ``time_ns`` of the row, ``words``, ``level``.
    """

    step: str
    columns: list[str]
    rows: list[Row]
    marks: list[dict[str, Any]]


def series_of(shelf: Shelf, period: str, now_ns: int) -> Series:
    """The history of a period.

    Parameters
    ----------
    shelf : Shelf
        The journal.
    period : str
        One of `PERIODS`.
    now_ns : int
        The loop's clock.

    Returns
    -------
    Series
        At most `MOST_POINTS` rows.
    """
    length = PERIODS[period]
    since = 0 if length is None else now_ns - length
    step, keys = _keys_for(shelf, since)
    columns = _columns_of(shelf, keys)
    marks: list[dict[str, Any]] = []
    if not columns:
        return Series(step, [], [], [])
    rows = _marking(_rows_of(shelf, keys, columns, since), columns, marks)
    first = max(since, _beginning(keys[0], step))
    width = -(-(now_ns - first + 1) // (MOST_POINTS // 2 - 1))
    if width > 2 * STEPS_NS[step]:
        rows = thinned(rows, width)
    kept = list(rows)
    over = [mark for mark in marks if mark["time_ns"] + STEPS_NS[step] <= now_ns]
    return Series(step, columns, kept, over[-MOST_MARKS:])


def change_mark(time_ns: int, kind: str, before: str, after: str) -> dict[str, Any]:
    """A change of mode or condition as a mark of the charts.

    Parameters
    ----------
    time_ns : int
        When.
    kind : str
        ``mode`` or ``condition``.
    before, after : str
        Names of the codes.

    Returns
    -------
    dict
        ``time_ns``, ``words`` and ``level``.
    """
    change = f"{before} to {after}"
    words = f"{kind} {change if kind == 'mode' else change.lower().replace('_', ' ')}"
    return {"time_ns": time_ns, "words": words, "level": DECISION_LEVEL}


def newest_rows(shelf: Shelf, series: Series, after_ns: int) -> list[Row]:
    """Rows that are new or have changed since a moment.

    Parameters
    ----------
    shelf : Shelf
        The journal.
    series : Series
        What was shown before.
    after_ns : int
        Time of the newest row known, which may have changed since.

    Returns
    -------
    list of list
        In the columns of `series`.
    """
    keys = [key for key in shelf.shown_keys(f"series/{series.step}/") if key >= _key(series.step, after_ns)]
    return list(_rows_of(shelf, keys, series.columns, after_ns))


def thinned(rows: Iterable[Row], width_ns: int) -> Iterator[Row]:
    """Two rows for each stretch of time, holding the lowest and the highest of every column in the order they came.

    Parameters
    ----------
    rows : iterable of list
        The time first, oldest row first.
    width_ns : int
        Of a stretch.

    Yields
    ------
    list
        Times of the first and the last row of the stretch.
    """
    for _, stretch in groupby(rows, key=lambda row: row[0] // width_ns):
        found = list(stretch)
        if len(found) <= 2:
            yield from found
            continue
        pairs = [_extremes(column) for column in list(zip(*found, strict=True))[1:]]
        yield [found[0][0], *(before for before, _ in pairs)]
        yield [found[-1][0], *(after for _, after in pairs)]


def _extremes(values: Sequence[Any]) -> tuple[Any, Any]:
    """Lowest and highest of a column, in the order they came; of modes the mildest and the severest."""
    known = [(value, place, value) for place, value in enumerate(values) if value is not None]
    if not known:
        return None, None
    low, high = min(known), max(known)
    return (low[2], high[2]) if low[1] <= high[1] else (high[2], low[2])


def _keys_for(shelf: Shelf, since: int) -> tuple[str, list[str]]:
    """Minutes where they reach back far enough and are not too many, hours otherwise."""
    minutes = [key for key in shelf.shown_keys("series/minute/") if key >= _key("minute", since)]
    if not minutes:
        return "hour", [key for key in shelf.shown_keys("series/hour/") if key >= _key("hour", since)]
    hours = [key for key in shelf.shown_keys("series/hour/") if key >= _key("hour", since)]
    begins = _begins(shelf, hours[:1], since)
    whole = begins is None or begins >= _beginning(minutes[0], "minute") - HOUR_NS
    return ("minute", minutes) if whole and len(minutes) <= MOST_MINUTE_KEYS else ("hour", hours)


def _begins(shelf: Shelf, keys: list[str], since: int) -> int | None:
    first = next(_rows_of(shelf, keys, ["time_ns"], since), None)
    return None if first is None else int(first[0])


def _key(step: str, time_ns: int) -> str:
    moment = datetime.fromtimestamp(max(time_ns, 0) / SECOND_NS, tz=UTC)
    return f"series/{step}/{moment:{KEYS[step]}}"


def _beginning(key: str, step: str) -> int:
    try:
        moment = datetime.strptime(key.rpartition("/")[2], KEYS[step]).replace(tzinfo=UTC)
    except ValueError:
        return 0
    return round(moment.timestamp()) * SECOND_NS


def _columns_of(shelf: Shelf, keys: list[str]) -> list[str]:
    """Those of the newest key: a strategy that is gone is shown no more."""
    columns = _table(shelf, keys[-1])["columns"] if keys else []
    return columns if columns[:1] == ["time_ns"] else []


def _rows_of(shelf: Shelf, keys: Iterable[str], columns: list[str], since: int) -> Iterator[Row]:
    newest = since - 1
    for key in keys:
        table = _table(shelf, key)
        places = [table["columns"].index(name) if name in table["columns"] else None for name in columns]
        for row in table["rows"]:
            if not isinstance(row, list) or len(row) != len(table["columns"]) or not _is_time(row[0]):
                continue
            if row[0] > newest:
                newest = row[0]
                yield [None if place is None else _plain(row[place]) for place in places]


def _is_time(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _plain(value: Any) -> Any:
    """A number; anything else is not known."""
    return value if isinstance(value, int | float) and math.isfinite(value) else None


def _table(shelf: Shelf, key: str) -> dict[str, Any]:
    """Columns and rows of a key; none when it holds something else."""
    try:
        table = json.loads(shelf.shown(key) or "null", parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        table = None
    if not isinstance(table, dict):
        return {"columns": [], "rows": []}
    columns, rows = table.get("columns"), table.get("rows")
    good = isinstance(columns, list) and isinstance(rows, list) and columns[:1] == ["time_ns"]
    return {"columns": columns, "rows": rows} if good else {"columns": [], "rows": []}


def _marking(rows: Iterable[Row], columns: list[str], marks: list[dict[str, Any]]) -> Iterator[Row]:
    """Pass the rows on, and note each change of mode and condition."""
    places = {kind: columns.index(kind) for kind in MARKED if kind in columns}
    names = {kind: {code.value: code.name for code in MARKED[kind]} for kind in places}
    before: dict[str, str] = {}
    for row in rows:
        for kind, place in places.items():
            name = names[kind].get(row[place])
            if name is None:
                continue
            if before.get(kind, name) != name:
                marks.append(change_mark(row[0], kind, before[kind], name))
            before[kind] = name
        yield row
