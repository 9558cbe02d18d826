"""What the page is told: a beat twice a second with the parts that have changed, and the history it has asked for."""

from typing import Any

from workbench.monitor.board.series import Series, newest_rows, series_of
from workbench.monitor.board.source import Condition, Source

ROWS_BEFORE_ALL_AGAIN = 300
"""Rows added to a thinned history before it is thinned anew."""
ADD_EVERY_SECONDS = {"minute": 1.0, "hour": 10.0}


class Beats:
    """Beats for one page."""

    def __init__(self) -> None:
        self._number = 0
        self._told: dict[str, Any] = {}

    def forget(self) -> None:
        """Tell everything again with the next beat."""
        self._told = {}

    def next(
        self,
        projection: dict[str, Any],
        condition: Condition,
        server_ns: int,
        control: dict[str, str | None] | None = None,
    ) -> dict[str, Any]:
        """The next beat.

        Parameters
        ----------
        projection : dict
            What the loop shows now.
        condition : Condition
            Of the source.
        server_ns : int
            This machine's clock.
        control : dict, optional
            Of `ControlRoom`.

        Returns
        -------
        dict
            A part that is gone is null.
        """
        self._number += 1
        sections = {name: value for name, value in projection.items() if self._is_new(name, value)}
        sections |= dict.fromkeys(self._told.keys() - projection.keys())
        self._told = dict(projection)
        source = {"state": condition.state, "sentence": condition.sentence, "age_seconds": condition.age_seconds}
        return {
            "kind": "beat",
            "n": self._number,
            "server_ns": server_ns,
            "source": source,
            "control": control,
            "sections": sections,
        }

    def _is_new(self, name: str, value: Any) -> bool:
        return name not in self._told or self._told[name] != value


class History:
    """The history for one page: all of it on a choice, then what is new.

    Parameters
    ----------
    source : Source
        The journal.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._series: Series | None = None
        self._period = ""
        self._added, self._add_at = 0, 0.0

    def all(self, period: str, now: float) -> dict[str, Any]:
        """All of a period.

        Parameters
        ----------
        period : str
            One of `PERIODS`.
        now : float
            Seconds of the stopwatch.

        Returns
        -------
        dict
            A message with ``first`` true.
        """
        self._series, self._period = series_of(self._source, period, self._now_ns()), period
        step = self._series.step if self._series.rows else "minute"
        self._added, self._add_at = 0, now + ADD_EVERY_SECONDS[step]
        return self._message(self._series, self._series.rows, first=True)

    def new(self, now: float) -> dict[str, Any] | None:
        """What has come since.

        Parameters
        ----------
        now : float
            Seconds of the stopwatch.

        Returns
        -------
        dict or None
            None while there is nothing new, or it is too early to look.
        """
        series = self._series
        if series is None or now < self._add_at:
            return None
        if not series.rows or self._added > ROWS_BEFORE_ALL_AGAIN:
            found = self.all(self._period, now)
            return found if found["rows"] else None
        self._add_at = now + ADD_EVERY_SECONDS[series.step]
        last = series.rows[-1]
        rows = newest_rows(self._source, series, last[0])
        if not rows or rows == [last]:
            return None
        self._added += len(rows) - 1
        series.rows[-1:] = rows
        return self._message(series, rows, first=False)

    def _message(self, series: Series, rows: list[Any], *, first: bool) -> dict[str, Any]:
        return {
            "kind": "series",
            "period": self._period,
            "columns": series.columns,
            "rows": rows,
            "marks": [*series.marks, *alert_marks(self._source.projection, rows)],
            "first": first,
        }

    def _now_ns(self) -> int:
        now_ns = self._source.projection.get("loop", {}).get("now_ns", 0)
        return now_ns if isinstance(now_ns, int) else 0


def alert_marks(projection: dict[str, Any], rows: list[list[Any]]) -> list[dict[str, Any]]:
    """Alerts that fall into the rows of a chart.

    Parameters
    ----------
    projection : dict
        What the loop shows; it remembers the newest alerts.
    rows : list of list
        The time first, oldest first.

    Returns
    -------
    list of dict
        ``time_ns``, ``words`` and ``level``.
    """
    alerts = projection.get("alerts")
    if not rows or not isinstance(alerts, list):
        return []
    return [
        {"time_ns": alert["time_ns"], "words": alert_words(alert), "level": alert["level"]}
        for alert in alerts
        if isinstance(alert, dict)
        and isinstance(alert.get("level"), int)
        and isinstance(alert.get("time_ns"), int)
        and alert["time_ns"] >= rows[0][0]
    ]


def alert_words(alert: dict[str, Any]) -> str:
    """An alert in a few words.

    Parameters
    ----------
    alert : dict
        Of the projection.

    Returns
    -------
    str
    """
    ladder, strategy = alert.get("ladder"), alert.get("strategy")
    about = f"{str(ladder).lower().replace('_', ' ')} rung {alert.get('rung')}" if ladder else str(strategy or "")
    return f"alert level {alert['level']}{': ' if about else ''}{about}"
