"""The mode table: which mode follows which, for every trigger. The diagram in the docs is drawn from it."""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from workbench.domain.trading.modes import Mode


class Trigger(IntEnum):
    """What can ask for another mode."""

    NOTHING = 0
    """No rung and no person asks for anything: every unlatched rung has had its dwell time."""
    REDUCE = 1
    """A rung asks for REDUCING."""
    HALT = 2
    """A rung, or a person, asks for HALTED."""
    RESUME = 3
    """Two people resume."""


NEXT_MODE: NDArray[np.int64] = np.array(
    [
        # NOTHING, REDUCE, HALT, RESUME
        [Mode.ACTIVE, Mode.REDUCING, Mode.HALTED, Mode.ACTIVE],  # from ACTIVE
        [Mode.ACTIVE, Mode.REDUCING, Mode.HALTED, Mode.ACTIVE],  # from REDUCING
        [Mode.HALTED, Mode.HALTED, Mode.HALTED, Mode.ACTIVE],  # from HALTED: only people lead out
    ],
    dtype=np.int64,
)
"""Row: mode now. Column: trigger. Rungs that still hold are applied again right after a RESUME."""


def mode_diagram() -> str:
    """The table as a Mermaid state diagram.

    Returns
    -------
    str
        One arrow for each pair of modes, labelled with the triggers that lead from one to the other.
    """
    lines = ["stateDiagram-v2", "    [*] --> ACTIVE"]
    for before in Mode:
        for after in Mode:
            triggers = [trigger.name for trigger in Trigger if NEXT_MODE[before, trigger] == after]
            if triggers and before != after:
                lines.append(f"    {before.name} --> {after.name}: {', '.join(triggers)}")
    return "\n".join(lines)
