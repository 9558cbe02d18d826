"""The process dies in the middle of a volatility spike."""

from workbench.stress.course import Course
from workbench.stress.scenarios.protocol import register
from workbench.stress.scenarios.volatility import volatility
from workbench.stress.situation import Situation

FIRST, LAST = 4, 7
"""Fixes it does not live through: the fifth to the seventh of the spike."""


@register(
    "crash",
    title="The process dead for three days of a volatility spike",
    sentence="Volatility {volatility:g} times as high, and from the fifth to the seventh day the process is dead: no "
    "price, no heartbeat, no order. It starts again from its last state.",
)
def crash(situation: Situation) -> Course:
    """Nobody watches while it moves.

    Parameters
    ----------
    situation : Situation
        The book held.

    Returns
    -------
    Course
    """
    return volatility(situation).unseen(FIRST, LAST, beats=False)
