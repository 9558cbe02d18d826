"""Slow sources of events: the end of the trading day, calibrations, signals. Each is asked every turn, none waits."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from workbench.domain.calibration import Calibration
from workbench.domain.errors import WorkbenchError
from workbench.domain.trading.events import AnyEvent, CalibrationAdopted, DayClosed
from workbench.domain.trading.market_hours import DAY_NS, HOUR_NS, SECOND_NS, new_york_offset_ns
from workbench.engine.risk_engine import EngineState

LOOK_EVERY_NS = 5 * SECOND_NS


class EventSource(Protocol):
    """Something that has an event for the engine now and then."""

    def events(self, now_ns: int, state: EngineState) -> Sequence[AnyEvent]:
        """What has happened since the last time, with `now_ns` as its time."""
        ...

    def notes(self) -> Sequence[str]:
        """What people should know since the last time, a sentence each."""
        ...

    def due_ns(self) -> int | None:
        """When it will have something next, if it can tell."""
        ...


def next_close_ns(after_ns: int) -> int:
    """End of the trading day that comes next: 17:00 in New York, Monday to Friday.

    Parameters
    ----------
    after_ns : int
        UTC.

    Returns
    -------
    int
        UTC, strictly later.

    Examples
    --------
    >>> monday_noon = 4 * DAY_NS + 12 * HOUR_NS
    >>> (next_close_ns(monday_noon) - monday_noon) // HOUR_NS
    10
    """
    day = (after_ns - new_york_offset_ns(after_ns)) // DAY_NS
    while True:
        local = day * DAY_NS + 17 * HOUR_NS
        close = local + new_york_offset_ns(local + 5 * HOUR_NS)
        # day 0 was a Thursday: Saturday and Sunday are 2 and 3 modulo 7
        if close > after_ns and day % 7 not in (2, 3):
            return close
        day += 1


class DayEnds:
    """The trading day closes, also one that ended while the loop was down.

    Parameters
    ----------
    since_ns : int
        What is later has not been told yet.
    """

    def __init__(self, since_ns: int) -> None:
        self._next_ns = next_close_ns(since_ns)

    def events(self, now_ns: int, state: EngineState) -> Sequence[AnyEvent]:
        """Whether the day has closed.

        Parameters
        ----------
        now_ns : int
            UTC.
        state : EngineState
            Not used.

        Returns
        -------
        sequence of Event
            One at most: several missed days are one return.
        """
        if now_ns < self._next_ns:
            return ()
        self._next_ns = next_close_ns(now_ns)
        return (DayClosed(now_ns),)

    def notes(self) -> Sequence[str]:
        """Nothing can go wrong.

        Returns
        -------
        sequence of str
        """
        return ()

    def due_ns(self) -> int | None:
        """The next close.

        Returns
        -------
        int
        """
        return self._next_ns


class AdoptedCalibrations:
    """The calibration the registry has adopted, picked up while the loop runs.

    Parameters
    ----------
    pointer : Path
        The file whose replacement adopts one; it is read only when it has changed.
    adopted : callable
        Gives the adopted calibration, or None.
    """

    def __init__(self, pointer: Path, adopted: Callable[[], Calibration | None]) -> None:
        self._pointer, self._adopted = pointer, adopted
        self._seen: tuple[int, int] | None = None
        self._look_ns = 0
        self._notes: list[str] = []

    def events(self, now_ns: int, state: EngineState) -> Sequence[AnyEvent]:
        """Another calibration, if there is one.

        Parameters
        ----------
        now_ns : int
            UTC.
        state : EngineState
            Knows the calibration in force.

        Returns
        -------
        sequence of Event
        """
        if now_ns < self._look_ns:
            return ()
        self._look_ns = now_ns + LOOK_EVERY_NS
        try:
            found = self._pointer.stat()
        except OSError:
            return ()
        stamp = (found.st_mtime_ns, found.st_ino)
        if stamp == self._seen:
            return ()
        self._seen = stamp
        try:
            calibration = self._adopted()
        except WorkbenchError as error:
            self._notes.append(f"the adopted calibration cannot be used, the one in force stays: {error}")
            return ()
        current = state.settings.calibration
        if calibration is None or (current is not None and current.id == calibration.id):
            return ()
        return (CalibrationAdopted(now_ns, calibration),)

    def notes(self) -> Sequence[str]:
        """A calibration that could not be read.

        Returns
        -------
        sequence of str
        """
        told, self._notes = tuple(self._notes), []
        return told

    def due_ns(self) -> int | None:
        """When the registry is looked at again.

        Returns
        -------
        int
        """
        return self._look_ns


class RecordedCalibrations:
    """Calibrations of a replay: each is adopted when it was known.

    Parameters
    ----------
    times_ns : sequence of int
        UTC, rising.
    made : callable
        Gives the calibration of a place in `times_ns`; asked once it is due, so that nothing is made in vain.
    since_ns : int
        Earlier ones have been told.
    """

    def __init__(self, times_ns: Sequence[int], made: Callable[[int], Calibration], since_ns: int) -> None:
        self._times_ns, self._made = tuple(times_ns), made
        self._place = sum(1 for time in self._times_ns if time <= since_ns)

    def events(self, now_ns: int, state: EngineState) -> Sequence[AnyEvent]:
        """The newest calibration that is due.

        Parameters
        ----------
        now_ns : int
            UTC.
        state : EngineState
            Not used.

        Returns
        -------
        sequence of Event
        """
        before = self._place
        while self._place < len(self._times_ns) and self._times_ns[self._place] <= now_ns:
            self._place += 1
        return (CalibrationAdopted(now_ns, self._made(self._place - 1)),) if self._place > before else ()

    def notes(self) -> Sequence[str]:
        """Nothing can go wrong.

        Returns
        -------
        sequence of str
        """
        return ()

    def due_ns(self) -> int | None:
        """When the next one is due.

        Returns
        -------
        int or None
        """
        return self._times_ns[self._place] if self._place < len(self._times_ns) else None
