"""The feeds fall silent while the market moves."""

import numpy as np
from numpy.typing import NDArray

from workbench.domain.currencies import LEGS
from workbench.domain.trading.market_hours import HOUR_NS, MINUTE_NS
from workbench.stress.course import Course, and_then, days, on_an_open_night, plain_course
from workbench.stress.scenarios.protocol import register
from workbench.stress.scenarios.spreads import two_deviations_against
from workbench.stress.situation import Situation

Floats = NDArray[np.float64]

BEFORE_MINUTES = 5


@register(
    "feed-outage",
    title="Every feed silent for {minutes:g} minutes",
    sentence="All feeds are silent for {minutes:g} minutes, in which the book loses two standard deviations of a day; "
    "orders sent meanwhile are filled at prices nobody sees.",
)
def feed_outage(situation: Situation) -> Course:
    """Silence is not calm.

    Parameters
    ----------
    situation : Situation
        The book held.

    Returns
    -------
    Course
    """
    return and_then(on_an_open_night(situation, lambda eve, values: _silence(situation, eve, values)), situation.recent)


def _silence(situation: Situation, eve_ns: int, values: Floats) -> Course:
    """Quiet marks, the silence an hour after the fix, and two marks at the price that is there when feeds are back."""
    count = round(situation.policy.stress.synthetic.feed_outage_minutes)
    times = [eve_ns + HOUR_NS + k * MINUTE_NS for k in range(BEFORE_MINUTES + count + 2)]
    share = np.concatenate([np.zeros(BEFORE_MINUTES), np.arange(1, count + 1) / count, [1.0, 1.0]])[:, None]
    path = values * np.exp(share * np.log1p(two_deviations_against(situation)))
    marks = plain_course(times, path, [False] * len(times)).unseen(BEFORE_MINUTES, BEFORE_MINUTES + count, beats=True)
    return marks.then(days(eve_ns, path[-1], np.zeros((1, len(LEGS)))))
