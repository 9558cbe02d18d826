"""Two clocks: this machine's, and the loop's where its world has one of its own, as a replayed day does."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clocks:
    """Times of one clock on the other.

    Attributes
    ----------
    meetings : tuple of (int, int)
        Moments at which both were known: this machine's, the loop's; in order. Empty: they are the same clock.
    speed : float
        Seconds of the loop's clock in one of ours, before the first meeting and after the last; 0: not known.
    """

    meetings: tuple[tuple[int, int], ...] = ()
    speed: float = 1.0

    @classmethod
    def met(cls, meetings: Sequence[tuple[int, int]], speed: float) -> "Clocks":
        """Clocks that met at these moments.

        Parameters
        ----------
        meetings : sequence of (int, int)
            This machine's time, the loop's; those that go back in either are left out.
        speed : float
            As the attribute.

        Returns
        -------
        Clocks
        """
        kept: list[tuple[int, int]] = []
        for ours, theirs in sorted(meetings):
            if not kept or (ours > kept[-1][0] and theirs >= kept[-1][1]):
                kept.append((ours, theirs))
        return cls(tuple(kept), speed)

    @property
    def are_one(self) -> bool:
        """Whether there is only one clock."""
        return not self.meetings

    def ours(self, loop_ns: int) -> int:
        """A time of the loop's on this machine's clock.

        Parameters
        ----------
        loop_ns : int
            The loop's.

        Returns
        -------
        int
            UTC nanoseconds.
        """
        return self._across(loop_ns, 1, 0, 1.0 / self.speed if self.speed else 0.0)

    def loops(self, time_ns: int) -> int:
        """A time of this machine on the loop's clock.

        Parameters
        ----------
        time_ns : int
            Ours.

        Returns
        -------
        int
            UTC nanoseconds.
        """
        return self._across(time_ns, 0, 1, self.speed)

    def _across(self, time_ns: int, known: int, asked: int, pace: float) -> int:
        if self.are_one:
            return time_ns
        place = bisect_right([one[known] for one in self.meetings], time_ns)
        before, after = self.meetings[max(place - 1, 0)], self.meetings[min(place, len(self.meetings) - 1)]
        if before[known] < after[known] and before[known] <= time_ns <= after[known]:
            pace = (after[asked] - before[asked]) / (after[known] - before[known])
        return before[asked] + round((time_ns - before[known]) * pace)
