"""Ladders: when a rung trips, and when it lets go. Compiled rules on one rung's numbers, used by the engine's step."""

import math

from workbench.domain.compiled import compiled


@compiled
def trips(metric: float, trigger: float) -> bool:
    """Whether a reading is above its trigger.

    Parameters
    ----------
    metric, trigger : float
        Same unit; an infinite trigger is a rung that does not exist.

    Returns
    -------
    bool
        True also for a metric that is not a number: what cannot be computed is a breach, never "no risk".
    """
    if math.isinf(trigger):
        return False
    return metric > trigger or math.isnan(metric)


@compiled
def calm_since(metric: float, release_below: float, since: int, now: int) -> int:
    """Market time from which a reading has been under its release level, without a break.

    Parameters
    ----------
    metric, release_below : float
        Same unit.
    since : int
        What this function said last; 0 when the reading was not calm.
    now : int
        Market time, nanoseconds, > 0.

    Returns
    -------
    int
        0 when the reading is not calm now.
    """
    if not metric < release_below:
        return 0
    return since if since > 0 else now


@compiled
def may_release(since: int, now: int, dwell_ns: int) -> bool:
    """Whether a calm reading has lasted for the dwell time.

    Parameters
    ----------
    since : int
        From `calm_since`.
    now : int
        Market time, nanoseconds.
    dwell_ns : int
        Nanoseconds.

    Returns
    -------
    bool
    """
    return since > 0 and now - since >= dwell_ns
