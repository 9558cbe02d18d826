"""Killed anywhere, started again: the same reduction ends at the same targets, and nothing is executed twice."""

from real_processes.deaths import MOMENTS, killed_at
from real_processes.tally import RealTally


def test_a_kill_at_every_write_changes_nothing_of_a_reduction(breach):
    tally, number, killed = RealTally("killed", "all"), 0, True
    while killed:
        number += 1
        killed = killed_at(breach, number, MOMENTS[number % len(MOMENTS)], tally)
    assert tally.violations == []
    assert tally.counts["killed"] == number - 1 > 40
    assert tally.counts["restarted to the end"] == number
