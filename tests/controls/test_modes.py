"""The mode table, cell by cell, and the diagram drawn from it."""

import pytest

from workbench.controls.modes import NEXT_MODE, Trigger, mode_diagram
from workbench.domain.trading.modes import Mode

ACTIVE, REDUCING, HALTED = Mode.ACTIVE, Mode.REDUCING, Mode.HALTED
NOTHING, REDUCE, HALT, RESUME = Trigger.NOTHING, Trigger.REDUCE, Trigger.HALT, Trigger.RESUME

TABLE = {
    (ACTIVE, NOTHING): ACTIVE,
    (ACTIVE, REDUCE): REDUCING,
    (ACTIVE, HALT): HALTED,
    (ACTIVE, RESUME): ACTIVE,
    (REDUCING, NOTHING): ACTIVE,
    (REDUCING, REDUCE): REDUCING,
    (REDUCING, HALT): HALTED,
    (REDUCING, RESUME): ACTIVE,
    (HALTED, NOTHING): HALTED,
    (HALTED, REDUCE): HALTED,
    (HALTED, HALT): HALTED,
    (HALTED, RESUME): ACTIVE,
}


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("trigger", Trigger)
def test_every_cell(mode, trigger):
    assert NEXT_MODE[mode, trigger] == TABLE[mode, trigger]


def test_only_people_lead_out_of_halted():
    assert {trigger for trigger in Trigger if NEXT_MODE[HALTED, trigger] != HALTED} == {RESUME}


def test_the_diagram_is_the_table():
    lines = mode_diagram().splitlines()
    assert lines[0] == "stateDiagram-v2"
    assert lines[2:] == [
        "    ACTIVE --> REDUCING: REDUCE",
        "    ACTIVE --> HALTED: HALT",
        "    REDUCING --> ACTIVE: NOTHING, RESUME",
        "    REDUCING --> HALTED: HALT",
        "    HALTED --> ACTIVE: RESUME",
    ]
