"""Days and incidents of a journal, found without reading its quotes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from workbench.data.journal import codec
from workbench.data.journal.reader import JournalReader
from workbench.data.journal.rows import RowKind, StoredRow
from workbench.domain.errors import ConfigError, DataError
from workbench.domain.trading.decisions import ModeChanged, RaiseAlert, RungReleased
from workbench.domain.trading.market_hours import DAY_NS, MINUTE_NS, SECOND_NS
from workbench.domain.trading.modes import Ladder, Mode
from workbench.domain.trading.orders import OrderState

QUIET_NS = 60 * MINUTE_NS
"""Calm must last so long; what trips again sooner belongs to the same incident."""
MARGIN_NS = 30 * MINUTE_NS
"""Shown before an incident and after it."""


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a journal: the rows after one sequence number up to another, and what people call it."""

    name: str
    after: int
    upto: int
    begins_ns: int
    ends_ns: int

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it."""
        return self.upto <= self.after


@dataclass(slots=True)
class Incident:
    """From the first rung that holds, or mode that is not ACTIVE, until all is calm again.

    Attributes
    ----------
    number : int
        From 1, oldest first.
    begins_ns, ends_ns : int
        UTC; the end is that of the journal while it is open.
    over : bool
        Whether calm has returned.
    worst : Mode
        Most severe mode in it.
    rungs : dict of Ladder to int
        Highest rung of each ladder that tripped.
    decisions, orders : int
        Made while it lasted.
    """

    number: int
    begins_ns: int
    ends_ns: int
    over: bool = False
    worst: Mode = Mode.ACTIVE
    rungs: dict[Ladder, int] = field(default_factory=dict)
    decisions: int = 0
    orders: int = 0

    @property
    def severity(self) -> tuple[int, int, int]:
        """Orders incidents by how bad they were."""
        return int(self.worst), max(self.rungs.values(), default=0), self.orders


@dataclass(frozen=True, slots=True)
class Day:
    """A calendar day (UTC) of a journal."""

    day: date
    window: Window
    decisions: int
    orders: int
    incidents: tuple[int, ...]

    @property
    def rows(self) -> int:
        """Rows of any kind."""
        return self.window.upto - self.window.after


@dataclass(frozen=True, slots=True)
class Survey:
    """What a journal holds.

    Attributes
    ----------
    journal : str
        Its id.
    label, feed : str
        Where its prices come from.
    head : int
        Last row when it was looked at; a loop may have written more since.
    days : tuple of Day
        Oldest first.
    incidents : tuple of Incident
        Oldest first.
    """

    journal: str
    label: str
    feed: str
    head: int
    days: tuple[Day, ...]
    incidents: tuple[Incident, ...]

    @property
    def synthetic(self) -> bool:
        """Whether prices are made up."""
        return not self.feed.startswith("tail:")

    def day(self, name: str) -> Window:
        """The window of a day.

        Parameters
        ----------
        name : str
            Such as ``2016-06-24``.

        Returns
        -------
        Window

        Raises
        ------
        ConfigError
            With the days there are.
        """
        for one in self.days:
            if one.day.isoformat() == name:
                return one.window
        known = f"{self.days[0].day} to {self.days[-1].day}" if self.days else "none"
        raise ConfigError(f"the journal has no day {name!r}: its days are {known}, written like 2016-06-24")

    def worst(self) -> int:
        """Number of the worst incident.

        Returns
        -------
        int
            0 when there is none.
        """
        return max(self.incidents, key=lambda one: one.severity).number if self.incidents else 0


def survey_of(folder: Path) -> Survey:
    """Find the days and incidents of a journal.

    Parameters
    ----------
    folder : Path
        Of the journal; a loop may be writing to it.

    Returns
    -------
    Survey

    Raises
    ------
    DataError
        When nothing has begun in it yet, or a row cannot be read.
    """
    with JournalReader(folder) as reader:
        head = reader.head.sequence
        first = next(iter(reader.rows(kinds=(RowKind.START,), upto=head)), None)
        if first is None:
            raise DataError(
                f"nothing has begun in the journal in {folder} yet: start a loop on it, for example with "
                "`workbench up --feed replay:brexit-2016 --speed 600`, and look again in a minute"
            )
        world = codec.decode_table(first.body)["world"]
        last_ns, found = _row_at(reader, head).time_ns, _Finder()
        for row in reader.rows(kinds=(RowKind.DECISION, RowKind.ORDER), upto=head):
            found.take(row)
        incidents = found.finish(last_ns)
        days = tuple(_days(reader, (first.time_ns, last_ns, head), found, incidents))
    return Survey(reader.id, str(world["label"]), str(world["feed"]), head, days, incidents)


class _Finder:
    """Walks decisions and orders, and remembers which rungs hold."""

    def __init__(self) -> None:
        self._holding: set[tuple[Ladder, int]] = set()
        self._mode = Mode.ACTIVE
        self._open: Incident | None = None
        self._calm_ns = 0
        self.incidents: list[Incident] = []
        self.decisions: dict[int, int] = {}
        self.orders: dict[int, int] = {}

    def take(self, row: StoredRow) -> None:
        if self._open is not None and self._calm_ns and row.time_ns - self._calm_ns > QUIET_NS:
            self._close()
        if row.kind is RowKind.ORDER:
            self._take_order(row)
            return
        decision = codec.decode_decision(row.body, row.time_ns)
        day = row.time_ns // DAY_NS
        self.decisions[day] = self.decisions.get(day, 0) + 1
        if isinstance(decision, RaiseAlert) and decision.ladder is not None:
            self._holding.add((decision.ladder, decision.rung))
        elif isinstance(decision, RungReleased):
            self._holding.discard((decision.ladder, decision.rung))
        elif isinstance(decision, ModeChanged):
            self._mode = decision.after
        self._judge(row.time_ns)
        if self._open is not None:
            self._open.decisions += 1

    def _take_order(self, row: StoredRow) -> None:
        if codec.decode_note(row.body, row.time_ns).state is not OrderState.INTENT:
            return
        day = row.time_ns // DAY_NS
        self.orders[day] = self.orders.get(day, 0) + 1
        if self._open is not None:
            self._open.orders += 1

    def _judge(self, time_ns: int) -> None:
        troubled = bool(self._holding) or self._mode is not Mode.ACTIVE
        if not troubled:
            self._calm_ns = self._calm_ns or time_ns
            return
        self._calm_ns = 0
        if self._open is None:
            self._open = Incident(len(self.incidents) + 1, time_ns, time_ns)
            self.incidents.append(self._open)
        self._open.worst = max(self._open.worst, self._mode)
        for ladder, rung in self._holding:
            self._open.rungs[ladder] = max(self._open.rungs.get(ladder, 0), rung)

    def _close(self) -> None:
        if self._open is not None:
            self._open.ends_ns, self._open.over = self._calm_ns, True
        self._open, self._calm_ns = None, 0

    def finish(self, last_ns: int) -> tuple[Incident, ...]:
        if self._open is not None and self._calm_ns:
            self._close()
        elif self._open is not None:
            self._open.ends_ns = last_ns
        return tuple(self.incidents)


def window_of(folder: Path, survey: Survey, number: int) -> Window:
    """The window of an incident: from half an hour before it to half an hour after.

    Parameters
    ----------
    folder : Path
        Of the journal.
    survey : Survey
        Of the journal.
    number : int
        Of the incident.

    Returns
    -------
    Window

    Raises
    ------
    ConfigError
        With how many there are.
    """
    if not 1 <= number <= len(survey.incidents):
        raise ConfigError(f"there is no incident {number}: the journal has {len(survey.incidents)}, numbered from 1")
    one = survey.incidents[number - 1]
    bounds = (one.begins_ns - MARGIN_NS, one.ends_ns + MARGIN_NS)
    with JournalReader(folder) as reader:
        return between(reader, f"incident {number}", bounds, survey.head)


def between(reader: JournalReader, name: str, bounds_ns: tuple[int, int], head: int) -> Window:
    """The window between two moments.

    Parameters
    ----------
    reader : JournalReader
        Open.
    name : str
        For people.
    bounds_ns : tuple of int
        First moment in it, and the first one no longer in it; UTC.
    head : int
        Last row that counts.

    Returns
    -------
    Window
        Its times are those of its first and last row.
    """
    after, upto = (rows_before(reader, moment, head) for moment in bounds_ns)
    begins = _row_at(reader, min(after + 1, head)).time_ns
    return Window(name, after, upto, begins, _row_at(reader, max(upto, 1)).time_ns)


def rows_before(reader: JournalReader, time_ns: int, head: int) -> int:
    """How many rows are older: times rise with the rows, to within one turn of whoever writes them.

    Parameters
    ----------
    reader : JournalReader
        Open.
    time_ns : int
        UTC.
    head : int
        Last row that counts.

    Returns
    -------
    int
        The sequence number of the last older row.
    """
    low, high = 0, head
    while low < high:
        middle = (low + high + 1) // 2
        if _row_at(reader, middle).time_ns < time_ns:
            low = middle
        else:
            high = middle - 1
    return low


def _row_at(reader: JournalReader, sequence: int) -> StoredRow:
    row = next(iter(reader.rows(after=sequence - 1, upto=sequence)), None)
    if row is None:
        raise DataError(f"row {sequence} of the journal is missing: run `workbench audit verify`, restore a backup")
    return row


def _days(
    reader: JournalReader, ends: tuple[int, int, int], found: _Finder, incidents: tuple[Incident, ...]
) -> Iterator[Day]:
    first_ns, last_ns, head = ends
    for number in range(first_ns // DAY_NS, last_ns // DAY_NS + 1):
        day = date(1970, 1, 1) + timedelta(days=number)
        window = between(reader, day.isoformat(), (number * DAY_NS, (number + 1) * DAY_NS), head)
        if window.is_empty:
            continue
        touching = tuple(
            one.number for one in incidents if one.begins_ns < (number + 1) * DAY_NS and one.ends_ns >= number * DAY_NS
        )
        yield Day(day, window, found.decisions.get(number, 0), found.orders.get(number, 0), touching)


def moment_of(text: str) -> int:
    """Read a moment.

    Parameters
    ----------
    text : str
        Such as ``2016-06-24 01:30`` or ``2016-06-24T01:30:05``, UTC.

    Returns
    -------
    int
        UTC nanoseconds.

    Raises
    ------
    ConfigError
        When it is none.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"expected a moment in UTC such as 2016-06-24 01:30, got {text!r}") from error
    return round(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * SECOND_NS)


Progress = Callable[[str, int, int], None]
"""Told what is being done, how many rows are done, and how many there are."""
