"""The live loop in simulated worlds: every promise holds in every world, and every planted bug is caught.

FAULT_SEEDS and FAULT_FIRST in the environment choose other worlds; one alone: `campaign.py --first SEED --seeds 1`.
"""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # these modules import each other by name, as when run as a program

from campaign import BEGIN, END, REAL_BEGIN, REAL_END, Tally, campaign, caught, write_report
from planted import PLANTED
from script import drawn
from world import SimulatedWorld

from workbench.domain.errors import ConfigError

FIRST, SEEDS = int(os.environ.get("FAULT_FIRST", "0")), int(os.environ.get("FAULT_SEEDS", "1500"))
A_CHUNK = 100
PROMISES = {
    "blind retry": {"I1"},
    "no fsync": {"I5", "RUN"},
    "volatile latch": {"I4"},
    "reduce by delta": {"I6"},
    "reused ids": {"I1", "RUN"},
    "acknowledge before journal": {"I2"},
    "latch cleared by restart": {"I4"},
    "peak not persisted": {"I4"},
}
"""What each planted bug breaks first."""
ORDERS_IN_FLIGHT_AT_A_RESTART = (1, 7, 8)
"""Worlds with an order in flight at a restart: the engine was told of it as of an earlier time, the journal held events
out of order, and no start could step it any more."""


@pytest.mark.parametrize("first", range(FIRST, FIRST + SEEDS, A_CHUNK))
def test_every_promise_holds_in_every_world(first: int) -> None:
    tally = Tally()
    for outcome in campaign(first, min(A_CHUNK, FIRST + SEEDS - first), 1):
        tally.add(outcome)
    assert not tally.failed, "\n\n".join(outcome.report for outcome in tally.failed)


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_caught(bug: str) -> None:
    outcome = caught(bug)
    assert outcome is not None
    assert outcome.violations[0].split()[0] in PROMISES[bug]


def test_the_worlds_are_full_of_trouble() -> None:
    tally = Tally()
    for outcome in campaign(0, 60, 1):
        tally.add(outcome)
    counts = tally.counts
    assert counts["converged"] == 60
    assert min(counts["restarts"], counts["power lost"], counts["journal refused"]) > 20
    assert min(counts["reductions"], counts["executions"], counts["executions that grew a position"]) > 30
    assert len(tally.faults) > 30


def test_a_seed_decides_every_byte() -> None:
    first, second = (SimulatedWorld(5).run() for _ in range(2))
    assert first == second
    assert SimulatedWorld(6).run().digest != first.digest


@pytest.mark.parametrize("seed", ORDERS_IN_FLIGHT_AT_A_RESTART)
def test_an_order_in_flight_at_a_restart_leaves_the_journal_in_order(seed: int) -> None:
    outcome = SimulatedWorld(seed).run()
    assert outcome.counts["order UNKNOWN"] > 0
    assert outcome.counts["restarts"] > 0
    assert not outcome.violations, outcome.report


def test_a_start_after_a_failed_sync_loses_nothing_when_the_power_goes_later() -> None:
    seeds = [seed for seed in range(300) if _syncs_fail_then_power_goes(seed)]
    assert len(seeds) > 10
    assert not [seed for seed in seeds if SimulatedWorld(seed).run().violations]


def _syncs_fail_then_power_goes(seed: int) -> bool:
    kinds = [strike.kind for strike in drawn(seed).strikes]
    return "sync fails" in kinds and any("power" in kind for kind in kinds[kinds.index("sync fails") :])


def test_a_report_is_renewed_between_its_markers(tmp_path: Path) -> None:
    page = tmp_path / "reliability.md"
    page.write_text(f"before\n{BEGIN}\n{END}\nbetween\n{REAL_BEGIN}\n{REAL_END}\nafter\n")
    write_report(page, "worlds")
    write_report(page, "first", (REAL_BEGIN, REAL_END))
    write_report(page, "second", (REAL_BEGIN, REAL_END))
    assert page.read_text() == (f"before\n{BEGIN}\nworlds\n{END}\nbetween\n{REAL_BEGIN}\nsecond\n{REAL_END}\nafter\n")


def test_a_page_without_a_place_for_the_table_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "reliability.md"
    page.write_text("nothing\n")
    with pytest.raises(ConfigError, match="has no place for the table"):
        write_report(page, "worlds")
    assert page.read_text() == "nothing\n"
