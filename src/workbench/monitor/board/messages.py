"""What the page is told: a beat twice a second with the parts that have changed, and the history it has asked for."""

from typing import Any

from workbench.monitor.board.series import DECISION_LEVEL, STEPS_NS, Series, change_mark, newest_rows, series_of
from workbench.monitor.board.source import Condition, Source

ROWS_BEFORE_ALL_AGAIN = 300
"""Rows added to a thinned history before it is thinned anew."""
ADD_EVERY_SECONDS = {"minute": 1.0, "hour": 10.0}
CHANGED = {"ModeChanged": "mode", "ConditionChanged": "condition"}
CUTS = {
    "CLOSED_BY_RUNG": "a rung closes",
    "OPERATOR_REDUCE": "a person closes",
    "CAP_LOWERED": "a lower exposure cap closes",
}
"""Reasons of targets that make a position smaller, as a mark says them."""
MOST_DECISIONS = 40
"""The loop shows no more: of the oldest moment among so many, some may be missing."""
LONGEST_SENTENCE = 200


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
        self._changes: list[dict[str, Any]] = []
        self._cuts: dict[tuple[int, str], str] = {}
        self._begins_ns: int | None = None
        self._added, self._add_at = 0, 0.0
        self._sequence = 0

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
        self._changes, self._cuts = unsaid(self._series, decision_marks(self._source.projection)), {}
        self._begins_ns = self._series.rows[0][0] if self._series.rows else None
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
        before, self._sequence = self._sequence, self._sequence_now()
        if not series.rows or self._added > ROWS_BEFORE_ALL_AGAIN or self._sequence < before:
            # a journal with fewer rows than before is another one
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

    def _decided(self) -> list[dict[str, Any]]:
        """Decisions the loop remembers; a cut keeps its first words, as the loop forgets parts of it later."""
        projection = self._source.projection
        for moment, words in cut_words(projection).items():
            self._cuts.setdefault(moment, words)
        cuts = [
            {"time_ns": time_ns, "words": words, "level": DECISION_LEVEL} for (time_ns, _), words in self._cuts.items()
        ]
        return [*decision_marks(projection), *cuts]

    def _within(self, marks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Marks that fall into the chart; the page knows those it has."""
        begins = self._begins_ns
        return [] if begins is None else [mark for mark in marks if mark["time_ns"] >= begins]

    def _message(self, series: Series, rows: list[Any], *, first: bool) -> dict[str, Any]:
        return {
            "kind": "series",
            "period": self._period,
            "columns": series.columns,
            "rows": rows,
            "marks": [*self._changes, *self._within([*self._decided(), *alert_marks(self._source.projection)])],
            "first": first,
        }

    def _sequence_now(self) -> int:
        sequence = self._source.projection.get("journal", {}).get("sequence", self._sequence)
        return sequence if isinstance(sequence, int) else self._sequence

    def _now_ns(self) -> int:
        now_ns = self._source.projection.get("loop", {}).get("now_ns", 0)
        return now_ns if isinstance(now_ns, int) else 0


def _remembered(projection: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Rows of a list of the projection, newest first; what has no time is left out."""
    rows = projection.get(name)
    return [
        row
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict) and isinstance(row.get("time_ns"), int)
    ]


def unsaid(series: Series, decided: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Changes in the rows of which no decision is remembered: a decision has the exact time, a row its beginning.

    Parameters
    ----------
    series : Series
        With its marks.
    decided : list of dict
        From `decision_marks`.

    Returns
    -------
    list of dict
        Of the marks of the series.
    """
    step_ns = STEPS_NS[series.step]
    said = {(one["words"].split()[0], one["time_ns"] // step_ns) for one in decided}
    return [one for one in series.marks if (one["words"].split()[0], one["time_ns"] // step_ns) not in said]


def decision_marks(projection: dict[str, Any]) -> list[dict[str, Any]]:
    """Changes of mode and condition that the loop remembers.

    Parameters
    ----------
    projection : dict
        What the loop shows.

    Returns
    -------
    list of dict
        ``time_ns``, ``words`` and ``level``.
    """
    return [
        change_mark(row["time_ns"], CHANGED[row["kind"]], str(row.get("before")), str(row.get("after")))
        for row in _remembered(projection, "decisions")
        if row.get("kind") in CHANGED
    ]


def cut_words(projection: dict[str, Any]) -> dict[tuple[int, str], str]:
    """Positions made smaller by a rung, a person or the cap, once for each moment and reason.

    Parameters
    ----------
    projection : dict
        What the loop shows.

    Returns
    -------
    dict of tuple of (int, str) to str
        Words by time and reason.
    """
    decisions, left = _remembered(projection, "decisions"), dict[tuple[int, str], list[bool]]()
    for row in decisions:
        if row.get("kind") == "TargetPosition" and row.get("reason") in CUTS:
            left.setdefault((row["time_ns"], row["reason"]), []).append(row.get("units") != 0)
    oldest = decisions[-1]["time_ns"] if len(decisions) >= MOST_DECISIONS else None
    return {
        moment: f"{CUTS[moment[1]]} {'part of ' if any(parts) else ''}{_counted(len(parts), more=moment[0] == oldest)}"
        for moment, parts in left.items()
    }


def _counted(number: int, *, more: bool) -> str:
    words = "1 position" if number == 1 and not more else f"{number} positions"
    return f"at least {words}" if more else words


def alert_marks(projection: dict[str, Any]) -> list[dict[str, Any]]:
    """Alerts that the loop remembers.

    Parameters
    ----------
    projection : dict
        What the loop shows.

    Returns
    -------
    list of dict
        ``time_ns``, ``words`` and ``level``.
    """
    return [
        {"time_ns": alert["time_ns"], "words": alert_words(alert), "level": alert["level"]}
        for alert in _remembered(projection, "alerts")
        if isinstance(alert.get("level"), int)
    ]


def alert_words(alert: dict[str, Any]) -> str:
    """An alert in a few words: its level, what it is about, and why.

    Parameters
    ----------
    alert : dict
        Of the projection.

    Returns
    -------
    str
        For example ``alert level 3, drawdown rung 2: the metric is above the trigger of the rung``.
    """
    ladder, strategy = alert.get("ladder"), alert.get("strategy")
    rung = f"{str(ladder).lower().replace('_', ' ')} rung {alert.get('rung')}" if ladder else ""
    about = ", ".join(part for part in (f"alert level {alert['level']}", rung, str(strategy or "")) if part)
    sentence = str(alert.get("sentence") or "")[:LONGEST_SENTENCE]
    return f"{about}: {sentence}" if sentence else about
