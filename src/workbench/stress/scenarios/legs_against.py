"""Every leg moves against the book held."""

import numpy as np

from workbench.stress.course import Course, and_then, on_an_open_night, ramp
from workbench.stress.scenarios.protocol import register
from workbench.stress.situation import Situation


@register(
    "legs-against",
    title="Every leg against the book",
    sentence="Within a day every leg the book holds moves {leg:g} % against it; then life goes on as "
    "in the last month.",
)
def legs_against(situation: Situation) -> Course:
    """A day on which nothing diversifies.

    Parameters
    ----------
    situation : Situation
        The book held.

    Returns
    -------
    Course
    """
    move = np.asarray(-np.sign(situation.weights) * situation.policy.stress.synthetic.leg_move_against)
    return and_then(on_an_open_night(situation, lambda eve, values: ramp(eve, values, move)), situation.recent)
