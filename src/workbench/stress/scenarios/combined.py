"""Several shocks at once."""

import numpy as np

from workbench.stress.course import Course, and_then, on_an_open_night, ramp
from workbench.stress.scenarios.correlation import adverse_correlation, recoloured
from workbench.stress.scenarios.protocol import register
from workbench.stress.situation import Situation

DAY_MINUTES = 1_440
FIT_A_DAY = [minutes for minutes in range(1, DAY_MINUTES // 2 + 1) if DAY_MINUTES % minutes == 0]
"""Minutes between marks that a day is a multiple of."""


@register(
    "combined",
    title="Everything at once",
    sentence="Every leg {leg:g} % against the book within a day at spreads {spreads:g} times as wide, with "
    "{minutes:g} minutes of silence in the middle; "
    "then a month of volatility {volatility:g} times as high under adverse correlations.",
)
def combined(situation: Situation) -> Course:
    """A day like no other, and the month after it.

    Parameters
    ----------
    situation : Situation
        The book held.

    Returns
    -------
    Course
    """
    shocks = situation.policy.stress.synthetic
    # one mark unseen: from the last price to the next it is silent for twice the distance of marks
    half = min(FIT_A_DAY, key=lambda minutes: abs(minutes - shocks.feed_outage_minutes / 2.0))
    move = np.asarray(-np.sign(situation.weights) * shocks.leg_move_against)
    bad = on_an_open_night(
        situation, lambda eve, values: _bad_day(ramp(eve, values, move, minutes=half), shocks.spreads_times)
    )
    after = adverse_correlation(situation.correlation, situation.weights, shocks.correlation_to).matrix
    month = recoloured(situation.recent, situation.correlation, after, situation.volatility)
    return and_then(and_then(bad, situation.against(shocks.volatility_times * month)), situation.recent)


def _bad_day(day: Course, spreads_times: float) -> Course:
    middle = len(day.times) // 2
    return day.with_spreads(spreads_times).unseen(middle, middle + 1, beats=True)
