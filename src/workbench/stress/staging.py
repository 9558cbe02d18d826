"""From a synthetic scenario and a book of today to something that can be run."""

import numpy as np
from numpy.typing import NDArray

from workbench.stress.course import stage_course
from workbench.stress.runs import DAYS_PER_YEAR, Staged
from workbench.stress.scenarios.protocol import SyntheticScenario
from workbench.stress.situation import Situation


def stage(scenario: SyntheticScenario, situation: Situation, *, calm: NDArray[np.float64] | None = None) -> Staged:
    """Stage a synthetic scenario for a book.

    Parameters
    ----------
    scenario : SyntheticScenario
        Registered, published, or a user's own.
    situation : Situation
        The book and the evening.
    calm : ndarray, shape (days, 7), optional
        Leg returns of the calm days before; windows as long as the scenario, all overlapping ones, give what calm
        leaves. Without them calm leaves the equity as it is.

    Returns
    -------
    Staged
    """
    course = scenario.shape(situation)
    length = int(course.closes.sum())
    left = 1.0
    if calm is not None and len(calm) > 0:
        # a held book is units, not a share of equity: its profits add up
        ends = np.cumsum(np.concatenate([[0.0], calm @ situation.weights]))
        window = min(length, len(calm))
        left = float(np.maximum(1.0 + ends[window:] - ends[:-window], 0.0).mean())
    script = stage_course(situation, course)
    value = situation.calibration.residual_quantiles["0.975"].expected_shortfall
    return Staged(
        name=scenario.name,
        title=scenario.title,
        sentence=scenario.sentence,
        source=scenario.source,
        script=script,
        synthetic=True,
        calm=left,
        forecast=value * situation.deviation,
        volatility=float(np.sqrt(DAYS_PER_YEAR) * situation.deviation),
        corrected=scenario.correction(situation) if scenario.correction is not None else "",
    )
