"""Spreads many times as wide."""

import numpy as np

from workbench.domain.currencies import LEGS
from workbench.stress.course import Course, and_then, on_an_open_night, ramp
from workbench.stress.scenarios.protocol import register
from workbench.stress.situation import Situation


@register(
    "spreads",
    title="Spreads {spreads:g} times as wide",
    sentence="For a day every spread is {spreads:g} times as wide while the book loses two standard deviations of a "
    "day: what controls trade, they trade at these prices.",
)
def spreads(situation: Situation) -> Course:
    """Liquidity goes while it is needed.

    Parameters
    ----------
    situation : Situation
        The book held.

    Returns
    -------
    Course
    """
    times, move = situation.policy.stress.synthetic.spreads_times, two_deviations_against(situation)
    shock = on_an_open_night(situation, lambda eve, values: ramp(eve, values, move).with_spreads(times))
    return and_then(shock, situation.recent)


def two_deviations_against(situation: Situation) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """The most plausible move of the legs that costs the book two of its daily standard deviations.

    Parameters
    ----------
    situation : Situation
        The book held.

    Returns
    -------
    ndarray, shape (7,)
        Simple returns; zero for a book without risk.
    """
    deviation = situation.deviation
    if deviation == 0.0:
        return np.zeros(len(LEGS))
    return np.asarray(-2.0 * situation.covariance @ situation.weights / deviation, dtype=np.float64)
