"""What a loop that has ended leaves behind: its last word, positions, and orders that may still fill."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.data.journal.codec import decode_table
from workbench.data.journal.reader import JournalReader
from workbench.data.journal.rows import RowKind
from workbench.domain.errors import DataError, ExecutionError
from workbench.domain.trading.left_behind import left_behind

MAY_FILL = {"INTENT", "SENT", "ACKNOWLEDGED", "PART_FILLED", "UNKNOWN"}
STOPPED, ROWS_LOOKED_BACK = "stopped", 20
"""The loop's last word, and in how many of its last rows it is found."""


def ended_in_order(folder: Path) -> bool:
    """Whether the loop's last word comes after every message it has taken.

    Parameters
    ----------
    folder : Path
        Of its journal.

    Returns
    -------
    bool
        Not when the journal cannot be read: nothing is known then.
    """
    try:
        with JournalReader(folder) as reader:
            first = max(reader.head.sequence - ROWS_LOOKED_BACK, 0)
            rows = [*reader.rows(first, kinds=(RowKind.NOTE, RowKind.COMMAND))]
    except (DataError, ExecutionError):
        return False
    return bool(rows) and rows[-1].kind == RowKind.NOTE and decode_table(rows[-1].body).get("kind") == STOPPED


def unprotected(projection: Mapping[str, Any]) -> str:
    """What nobody looks after without a loop.

    Parameters
    ----------
    projection : mapping
        What the loop showed last.

    Returns
    -------
    str
        Empty when nothing is left.
    """
    positions = projection["book"].get("positions", []) if projection else []
    left = sum(row["units"] != 0 for row in positions)
    orders = sum(order.get("state") in MAY_FILL for order in projection.get("orders", []))
    return " ".join(f"{clause}." for clause in left_behind(left, orders))
