"""Stress score, 0 to 100: five parts, each between nothing and all of its points.

A part is empty while its reading is normal and full at a level the policy or the calibration names: volatility between
1 × normal and the last volatility rung; correlation when the drift reaches its first rung, or the mean absolute
correlation the level rung; turbulence between its mean and its 99 % threshold; liquidity at `FULL_SPREAD` × the normal
spread or at the staleness of the second technical rung; uncertainty at the threshold of the absorption shift. A part
without a reading is reported missing and the score is given over the rest.
"""

import math

import numpy as np
from numpy.typing import NDArray

from workbench.domain.compiled import compiled

Floats = NDArray[np.float64]

PARTS = 5
FULL_SPREAD = 5.0
"""Spread over normal at which liquidity is as bad as the score can say; a choice, not a measured figure."""


@compiled
def fullness(reading: float, empty: float, full: float) -> float:
    """Linear from 0 at `empty` to 1 at `full`, kept between; NaN stays NaN.

    Parameters
    ----------
    reading, empty, full : float
        Same unit, `empty` below `full`.

    Returns
    -------
    float
    """
    if math.isnan(reading):
        return reading
    return min(max((reading - empty) / (full - empty), 0.0), 1.0)


@compiled
def stress_score(parts: Floats, points: Floats) -> tuple[float, int]:
    """Score over the parts that have a reading.

    Parameters
    ----------
    parts : ndarray, shape (5,)
        Fullness of each part in [0, 1]; NaN is missing.
    points : ndarray, shape (5,)
        Points of each part, 100 in all.

    Returns
    -------
    tuple of (float, int)
        Score 0 to 100, NaN when every part is missing; and the missing parts, one bit each.

    Examples
    --------
    >>> stress_score(np.array([0.5, 0.0, np.nan, np.nan, 0.0]), np.array([30.0, 25.0, 20.0, 15.0, 10.0]))
    (23.076923076923077, 12)
    """
    total, known, missing = 0.0, 0.0, 0
    for k in range(PARTS):
        if math.isnan(parts[k]):
            missing |= 1 << k
        else:
            total += parts[k] * points[k]
            known += points[k]
    return (100.0 * total / known if known > 0.0 else math.nan), missing
