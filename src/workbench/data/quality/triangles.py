"""Triangle identity: a cross must be worth its two halves at the same moment."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

TOLERANCE_BPS = 3.0
"""Typical difference of a cross from its halves above which the three series cannot come from one market."""


@dataclass(frozen=True, slots=True)
class TriangleCheck:
    """Three pairs over three currencies.

    Attributes
    ----------
    pairs : tuple of str, length 3
        The cross and its two halves.
    timeframe : str
        Of all three.
    rows : int
        Moments at which all three have a price.
    median_bps, worst_bps : float
        Absolute log difference in basis points: half of the rows lie below the first, all below the second.
    worst_at : str
        Time of the worst row.
    """

    pairs: tuple[str, str, str]
    timeframe: str
    rows: int
    median_bps: float
    worst_bps: float
    worst_at: str

    @property
    def holds(self) -> bool:
        """Whether the typical difference is within the tolerance."""
        return self.median_bps <= TOLERANCE_BPS


def triangle_checks(prices: Mapping[str, pd.Series], timeframe: str) -> tuple[TriangleCheck, ...]:
    """Check every triangle that the given pairs form.

    Parameters
    ----------
    prices : mapping of str to Series
        Mid price per pair, on indices that share moments.
    timeframe : str
        Only carried into the result.

    Returns
    -------
    tuple of TriangleCheck
        Triangles without a common moment are left out.
    """
    checks = []
    for trio in combinations(prices, 3):
        signs = _signs(trio)
        if signs is None:
            continue
        logs = pd.concat([np.log(prices[pair]).rename(pair) for pair in trio], axis=1, join="inner")
        if logs.empty:
            continue
        off = np.abs(logs.to_numpy() @ np.array(signs)) * 1e4
        worst = int(np.argmax(off))
        checks.append(
            TriangleCheck(trio, timeframe, len(off), float(np.median(off)), float(off[worst]), str(logs.index[worst]))
        )
    return tuple(checks)


def _signs(trio: tuple[str, str, str]) -> tuple[int, int, int] | None:
    """Signs under which the three log prices cancel, or None when they form no triangle.

    Examples
    --------
    >>> _signs(("EURUSD", "USDJPY", "EURJPY"))
    (1, 1, -1)
    """
    if len({pair[:3] for pair in trio} | {pair[3:] for pair in trio}) != 3:
        return None
    for second in (1, -1):
        for third in (1, -1):
            net: dict[str, int] = {}
            for pair, sign in zip(trio, (1, second, third), strict=True):
                net[pair[:3]] = net.get(pair[:3], 0) + sign
                net[pair[3:]] = net.get(pair[3:], 0) - sign
            if not any(net.values()):
                return (1, second, third)
    return None
