"""Volatility several times as high."""

import numpy as np

from workbench.domain.currencies import LEGS
from workbench.stress.course import Course, and_then, days
from workbench.stress.scenarios.protocol import register
from workbench.stress.situation import Situation


@register(
    "volatility",
    title="Volatility {volatility:g} times as high",
    sentence="The last month again with every move {volatility:g} times as large, turned so that the book loses; then "
    "the last month as it was.",
)
def volatility(situation: Situation) -> Course:
    """The same days, larger.

    Parameters
    ----------
    situation : Situation
        The book held.

    Returns
    -------
    Course
    """
    times = situation.policy.stress.synthetic.volatility_times
    return and_then_as_before(situation, situation.against(times * situation.recent))


def and_then_as_before(situation: Situation, returns: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Course:
    """Days of a shock, and the last month after them.

    Parameters
    ----------
    situation : Situation
        The book held.
    returns : ndarray, shape (days, 7)
        Simple returns of the shock.

    Returns
    -------
    Course
    """
    values = np.array([situation.values[leg] for leg in LEGS])
    return and_then(days(situation.time_ns, values, returns), situation.recent)
