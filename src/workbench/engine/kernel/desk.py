"""The desk one step works at: what it is set to, the state, scratch paper, and the tray decisions go into."""

from typing import Any, NamedTuple

from workbench.domain.compiled import compiled


class Desk(NamedTuple):
    """Four records of `layout`: SETTINGS, STATE, WORK, and an array of DECISION."""

    settings: Any
    state: Any
    work: Any
    out: Any


@compiled
def decide(desk: Desk, kind: int, reason: int, place: int) -> Any:
    """Write the next decision; the rest of its record is empty and may be filled in.

    Parameters
    ----------
    desk : Desk
        Its tray takes the decision.
    kind, reason : int
        DecisionKind and Reason.
    place : int
        Slot, pair, or whatever the kind says.

    Returns
    -------
    record
        DECISION.
    """
    decision = desk.out[desk.work.count]
    desk.work.count += 1
    decision.time_ns = desk.state.time_ns
    decision.kind = kind
    decision.reason = reason
    decision.place = place
    decision.number = 0
    decision.level = 0
    decision.first = 0.0
    decision.second = 0.0
    decision.third = 0.0
    return decision


@compiled
def alert(desk: Desk, reason: int, place: int, level: int, metric: float, trigger: float) -> Any:
    """Raise an alert.

    Parameters
    ----------
    desk : Desk
        Its tray takes the decision.
    reason : int
        Reason.
    place : int
        Slot, or ladder × 8 + rung for an alert of a rung.
    level : int
        1 to 4.
    metric, trigger : float
        What was read, and what it was compared with.

    Returns
    -------
    record
        DECISION; `number` is 1 for an alert of a rung, `third` the seconds within which its action is due.
    """
    decision = decide(desk, ALERT, reason, place)
    decision.level = level
    decision.first = metric
    decision.second = trigger
    return decision


ALERT = 3
"""DecisionKind.ALERT."""
