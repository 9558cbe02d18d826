"""Equity at the beginning of the trading day, week and month: what profit is counted from.

A trading day ends at 17:00 in New York, Monday to Friday; the next day begins there and then, so that a week begins
when Friday closes, and a month when its first trading day does. A book that began later counts from its own beginning.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from workbench.domain.trading.market_hours import SECOND_NS, new_york_offset_ns
from workbench.runtime.worlds.sources import next_close_ns

FRIDAY = 4
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Period:
    """When it began, UTC nanoseconds, and the equity then, US dollars."""

    since_ns: int
    equity: float


class Periods:
    """Day, week and month of a book.

    Parameters
    ----------
    day, week, month : Period
        That run now.
    """

    def __init__(self, day: Period, week: Period, month: Period) -> None:
        self.day, self.week, self.month = day, week, month
        self.until_ns = next_close_ns(day.since_ns)

    @classmethod
    def begun(cls, time_ns: int, equity: float) -> Self:
        """Count from now.

        Parameters
        ----------
        time_ns : int
            UTC nanoseconds.
        equity : float
            US dollars.

        Returns
        -------
        Periods
        """
        now = Period(time_ns, equity)
        return cls(now, now, now)

    @classmethod
    def restored(cls, table: Mapping[str, Mapping[str, Any]]) -> Self:
        """Periods as they were shown.

        Parameters
        ----------
        table : mapping
            From `table`.

        Returns
        -------
        Periods

        Raises
        ------
        KeyError, TypeError, ValueError
            When it is no such table.
        """
        return cls(*(Period(int(table[name]["since_ns"]), float(table[name]["equity"])) for name in NAMES))

    def roll(self, time_ns: int, equity: float) -> None:
        """Begin the periods that begin up to a moment.

        Parameters
        ----------
        time_ns : int
            Of the next event, UTC nanoseconds.
        equity : float
            Before it, US dollars.
        """
        while time_ns >= self.until_ns:
            close, after = self.until_ns, next_close_ns(self.until_ns)
            began = Period(close, equity)
            self.day = began
            if new_york(close).weekday() == FRIDAY:
                self.week = began
            if new_york(close).month != new_york(after).month:
                self.month = began
            self.until_ns = after

    def table(self, equity: float) -> dict[str, dict[str, float]]:
        """Every period with its profit so far.

        Parameters
        ----------
        equity : float
            Now, US dollars.

        Returns
        -------
        dict
            ``since_ns``, ``equity`` and ``profit`` by name of the period.
        """
        running: dict[str, Period] = {name: getattr(self, name) for name in NAMES}
        return {
            name: {"since_ns": one.since_ns, "equity": one.equity, "profit": equity - one.equity}
            for name, one in running.items()
        }


NAMES = ("day", "week", "month")


def new_york(time_ns: int) -> datetime:
    """Date and time in New York.

    Parameters
    ----------
    time_ns : int
        UTC nanoseconds.

    Returns
    -------
    datetime
        To the second; its zone says UTC and is not meant.
    """
    return EPOCH + timedelta(seconds=(time_ns - new_york_offset_ns(time_ns)) // SECOND_NS)
