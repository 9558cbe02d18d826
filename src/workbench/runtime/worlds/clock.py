"""Clocks: the live loop asks one for the time and lets it wait, so that a day can also be lived in a second."""

import time
from typing import Protocol

from workbench.domain.errors import ConfigError
from workbench.domain.trading.market_hours import SECOND_NS

LONGEST_STEP_NS = SECOND_NS


class Clock(Protocol):
    """Time of the world the loop lives in, UTC nanoseconds."""

    def now_ns(self) -> int:
        """Time now."""
        ...

    def wait_until(self, time_ns: int) -> None:
        """Come back at that time, or at once when it is past."""
        ...


TICKING = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Never set by anybody, and it goes on while the machine sleeps."""


class WallClock:
    """The time of this machine as it was at the start, and what has passed since: setting the clock changes nothing."""

    def __init__(self) -> None:
        self._ahead_ns = time.time_ns() - time.clock_gettime_ns(TICKING)

    def now_ns(self) -> int:
        """Time now.

        Returns
        -------
        int
            Nanoseconds since 1970-01-01 UTC.
        """
        return time.clock_gettime_ns(TICKING) + self._ahead_ns

    def wait_until(self, time_ns: int) -> None:
        """Sleep until then.

        Parameters
        ----------
        time_ns : int
            UTC.
        """
        left = time_ns - self.now_ns()
        if left > 0:
            time.sleep(left / 1e9)


class ScaledClock:
    """A clock that begins at some moment and runs faster or slower than this machine's.

    It never leaps: when the program was kept from running, this clock stood still meanwhile but for a second, so that a
    busy machine does not look like a silent market.

    Parameters
    ----------
    start_ns : int
        Where it begins, UTC.
    speed : float
        Seconds of its time in a second of ours, > 0.
    """

    def __init__(self, start_ns: int, speed: float) -> None:
        if not speed > 0:
            raise ConfigError(f"the speed of a clock must be above 0, got {speed!r}")
        self._now_ns, self._speed, self._seen = start_ns, speed, time.monotonic_ns()

    def now_ns(self) -> int:
        """Time now.

        Returns
        -------
        int
            Nanoseconds since 1970-01-01 UTC, of this clock.
        """
        seen = time.monotonic_ns()
        self._now_ns += min(int((seen - self._seen) * self._speed), LONGEST_STEP_NS)
        self._seen = seen
        return self._now_ns

    def wait_until(self, time_ns: int) -> None:
        """Sleep until then.

        Parameters
        ----------
        time_ns : int
            UTC, of this clock.
        """
        left = time_ns - self.now_ns()
        if left > 0:
            time.sleep(left / self._speed / 1e9)


class VirtualClock:
    """A clock that stands still while work is done and jumps over all waiting: as fast as possible, and repeatable.

    Parameters
    ----------
    start_ns : int
        Where it begins, UTC.
    grain_ns : int
        It stops at multiples of this only, so that what happens in between is taken in together.
    """

    def __init__(self, start_ns: int, grain_ns: int = 1) -> None:
        self._now_ns, self._grain_ns = start_ns, grain_ns

    def now_ns(self) -> int:
        """Time now.

        Returns
        -------
        int
            Nanoseconds since 1970-01-01 UTC, of this clock.
        """
        return self._now_ns

    def wait_until(self, time_ns: int) -> None:
        """Be there at once.

        Parameters
        ----------
        time_ns : int
            UTC, of this clock; an earlier one changes nothing.
        """
        self._now_ns = max(self._now_ns, -(-time_ns // self._grain_ns) * self._grain_ns)
