"""Series of what the loop read: a row a minute, kept by the hour, and a row an hour, kept by the month.

A row is the last reading before its minute or hour was over, but for the drawdown, which is the worst. What the rows
are follows from the events alone, so that a restart that steps the events again makes the same ones.
"""

import json
import math
from datetime import datetime, timedelta
from typing import Any, Self

from workbench.domain.trading.market_hours import HOUR_NS, MINUTE_NS, SECOND_NS
from workbench.engine.risk_engine import EngineState
from workbench.runtime.projection.periods import EPOCH

READINGS = (
    ("equity", "equity", 2),
    ("drawdown", "", 8),
    ("value_at_risk_95", "value_at_risk", 8),
    ("expected_shortfall_975", "shortfall", 8),
    ("volatility_ratio", "ratio", 5),
    ("correlation_mean", "correlation_mean", 5),
    ("correlation_drift", "correlation_drift", 5),
    ("stress_score", "score", 3),
    ("cap", "cap", 5),
)
"""Column, field of the engine's state, and decimals."""
CODES = ("mode", "condition", "regime")
"""Columns that hold the number of a name."""
DRAWDOWN = 2
"""Place of the worst drawdown in a row."""
HOURS_SHOWN_NS = 10 * SECOND_NS
"""The running hour is written at most so often, by the stopwatch: a month of hours is long."""


def known(value: float, decimals: int) -> float | None:
    """A number to so many decimals.

    Parameters
    ----------
    value : float
        NaN and infinite ones are not known.
    decimals : int
        After the point.

    Returns
    -------
    float or None
    """
    return round(value, decimals) if math.isfinite(value) else None


class Table:
    """Rows under one key, by their time, as JSON.

    Parameters
    ----------
    key : str
        Of the projection.
    rows : dict of int to str, optional
        That are there already.
    """

    def __init__(self, key: str, rows: dict[int, str] | None = None) -> None:
        self.key, self.rows = key, {} if rows is None else rows

    def body(self, head: str, running: tuple[int, str] | None = None) -> str:
        """The whole table as JSON.

        Parameters
        ----------
        head : str
            What every table begins with.
        running : tuple of (int, str), optional
            Time and text of a row that is not over.

        Returns
        -------
        str
        """
        rows = self.rows if running is None else {**self.rows, running[0]: running[1]}
        return f"{head}{','.join(rows.values())}]}}"


def minute_key(time_ns: int) -> str:
    """Key of the minutes of an hour.

    Parameters
    ----------
    time_ns : int
        Any moment of it, UTC.

    Returns
    -------
    str
        For example ``series/minute/2016-06-24T05``.
    """
    return f"series/minute/{_utc(time_ns):%Y-%m-%dT%H}"


def hour_key(time_ns: int) -> str:
    """Key of the hours of a month.

    Parameters
    ----------
    time_ns : int
        Any moment of it, UTC.

    Returns
    -------
    str
        For example ``series/hour/2016-06``.
    """
    return f"series/hour/{_utc(time_ns):%Y-%m}"


def _utc(time_ns: int) -> datetime:
    return EPOCH + timedelta(seconds=time_ns // SECOND_NS)


class Series:
    """The running hour and month, and what of earlier ones has not been shown yet.

    Parameters
    ----------
    strategies : tuple of str
        Names, in the order of their slots.
    minute_ns : int
        Beginning of the running minute.
    """

    def __init__(self, strategies: tuple[str, ...], minute_ns: int) -> None:
        self.columns = (
            "time_ns", *(name for name, _, _ in READINGS), *CODES, *(f"profit:{name}" for name in strategies),
        )  # fmt: skip
        head = {"columns": self.columns, "strategies": strategies}
        self._head = f'{json.dumps(head, separators=(",", ":"))[:-1]},"rows":['
        self._slots = len(strategies)
        self._begin_minute(minute_ns)
        self._minutes, self._hours = Table(minute_key(minute_ns)), Table(hour_key(minute_ns))
        self._worst_before = -math.inf
        self._unshown: dict[str, str] = {}
        self._shown_minute: tuple[int, str] | None = None
        self._hours_due, self._hours_again_ns = True, 0

    def _begin_minute(self, minute_ns: int) -> None:
        self.minute_ns, self.ends_ns = minute_ns, minute_ns + MINUTE_NS
        self.worst = -math.inf

    @classmethod
    def begun(cls, state: EngineState) -> Self:
        """Without any row.

        Parameters
        ----------
        state : EngineState
            Now.

        Returns
        -------
        Series
        """
        time_ns = int(state.time_ns)
        return cls(tuple(one.name for one in state.settings.strategies), time_ns - time_ns % MINUTE_NS)

    def restore(self, minutes: str | None, hours: str | None) -> None:
        """Go on with rows that were shown; those of other columns are left out.

        Parameters
        ----------
        minutes, hours : str or None
            What was under the running keys.

        Raises
        ------
        KeyError, TypeError, ValueError
            When it is no such table.
        """
        found, self._minutes.rows = self._rows_of(minutes), {}
        for time_ns, row in found.items():
            drawdown = row[DRAWDOWN] if row[DRAWDOWN] is not None else -math.inf
            if time_ns == self.minute_ns:
                self.worst = drawdown
            else:
                self._worst_before = max(self._worst_before, drawdown)
                self._minutes.rows[time_ns] = _text(row)
        running = self.minute_ns - self.minute_ns % HOUR_NS
        self._hours.rows = {time: _text(row) for time, row in self._rows_of(hours).items() if time != running}

    def _rows_of(self, body: str | None) -> dict[int, list[Any]]:
        table = json.loads(body) if body is not None else {"columns": [], "rows": []}
        if tuple(table["columns"]) != self.columns:
            return {}
        return {int(row[0]): row for row in table["rows"]}

    def close(self, state: EngineState, next_ns: int) -> None:
        """The running minute is over, and perhaps hour and month.

        Parameters
        ----------
        state : EngineState
            Before the event that ends it.
        next_ns : int
            Time of that event.
        """
        hour_ns = self.minute_ns - self.minute_ns % HOUR_NS
        self._minutes.rows[self.minute_ns] = self._row(state, self.minute_ns, self.worst)
        self._worst_before = max(self._worst_before, self.worst)
        self._begin_minute(next_ns - next_ns % MINUTE_NS)
        if next_ns < hour_ns + HOUR_NS:
            return
        self._hours.rows[hour_ns] = self._row(state, hour_ns, self._worst_before)
        self._unshown[self._minutes.key] = self._minutes.body(self._head)
        self._minutes, self._worst_before, self._hours_due = Table(minute_key(next_ns)), -math.inf, True
        if hour_key(next_ns) != self._hours.key:
            self._unshown[self._hours.key] = self._hours.body(self._head)
            self._hours = Table(hour_key(next_ns))

    def keys(self) -> dict[str, Any]:
        """Where the running rows are.

        Returns
        -------
        dict
            ``minute_key``, ``hour_key``, and ``minute_ns``, the time of the running row.
        """
        return {"minute_key": self._minutes.key, "hour_key": self._hours.key, "minute_ns": self.minute_ns}

    def changed(self, state: EngineState, stopwatch_ns: int) -> dict[str, str]:
        """What is to be shown anew.

        Parameters
        ----------
        state : EngineState
            Now.
        stopwatch_ns : int
            Now.

        Returns
        -------
        dict of str to str
            JSON by key; write it, it is not given again.
        """
        bodies, self._unshown = self._unshown, {}
        worst = max(self.worst, drawdown_of(state))
        running = (self.minute_ns, self._row(state, self.minute_ns, worst))
        if running != self._shown_minute:
            self._shown_minute = running
            bodies[self._minutes.key] = self._minutes.body(self._head, running)
        if self._hours_due or stopwatch_ns >= self._hours_again_ns:
            self._hours_due, self._hours_again_ns = False, stopwatch_ns + HOURS_SHOWN_NS
            hour_ns = self.minute_ns - self.minute_ns % HOUR_NS
            row = self._row(state, hour_ns, max(worst, self._worst_before))
            bodies[self._hours.key] = self._hours.body(self._head, (hour_ns, row))
        return bodies

    def _row(self, state: EngineState, time_ns: int, worst: float) -> str:
        record = state.record[0]
        numbers = [known(float(record[field]) if field else worst, decimals) for _, field, decimals in READINGS]
        codes = [int(record[name]) for name in CODES]
        profits = [known(profit, 2) for profit in record["profit"][: self._slots].tolist()]
        return _text([time_ns, *numbers, *codes, *profits])


def drawdown_of(state: EngineState) -> float:
    """Loss from the peak of equity.

    Parameters
    ----------
    state : EngineState
        Now.

    Returns
    -------
    float
        A fraction of the peak, as in `RiskSnapshot`.
    """
    record = state.record
    return float(1.0 - record["equity"][0] / record["peak"][0])


def _text(row: list[Any]) -> str:
    return json.dumps(row, separators=(",", ":"), allow_nan=False)
