"""What a crisis did to a book: survival, degradation, amplification, recovery, and the resilience score.

Losses and drawdowns are positive fractions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import beta

from workbench.domain.errors import DataError
from workbench.domain.policy.response import ResilienceWeights
from workbench.domain.tables import html_table, number, percent
from workbench.domain.trading.market_hours import HOUR_NS, market_time_ns

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SurvivalRate:
    """Share of scenarios survived.

    Attributes
    ----------
    survived, total : int
        Scenarios.
    interval : tuple of float
        90 % interval of the true rate (Clopper and Pearson 1934).
    """

    survived: int
    total: int
    interval: tuple[float, float]

    @property
    def rate(self) -> float:
        """Share survived."""
        return self.survived / self.total


def survival(drawdowns: Sequence[float], *, drawdown_below: float) -> SurvivalRate:
    """Scenarios in which the drawdown stayed below a limit.

    Parameters
    ----------
    drawdowns : sequence of float
        Largest of each scenario, fraction; one that is not a number counts as not survived.
    drawdown_below : float
        Limit.

    Returns
    -------
    SurvivalRate

    Raises
    ------
    DataError
        When there is no scenario.

    Examples
    --------
    >>> survival([0.05, 0.30, 0.10, 0.19], drawdown_below=0.2).rate
    0.75
    """
    total = len(drawdowns)
    if total == 0:
        raise DataError("a survival rate needs at least one scenario")
    kept = sum(bool(value < drawdown_below) for value in drawdowns)
    low = 0.0 if kept == 0 else float(beta.ppf(0.05, kept, total - kept + 1))
    high = 1.0 if kept == total else float(beta.ppf(0.95, kept + 1, total - kept))
    return SurvivalRate(kept, total, (low, high))


def wealth(equity: Floats) -> float:
    """End over start of an equity path, floored at 0.

    Parameters
    ----------
    equity : ndarray, shape (marks,)
        US dollars, the first one positive.

    Returns
    -------
    float

    Raises
    ------
    DataError
        When there are fewer than two marks, one is not finite, or the first is not positive.
    """
    values = np.asarray(equity, dtype=float)
    if len(values) < 2 or not np.isfinite(values).all() or values[0] <= 0.0:
        raise DataError("an equity path has at least two finite marks, the first one positive")
    return max(float(values[-1] / values[0]), 0.0)


def degradation(crisis: float, calm: float) -> float:
    """How much less is left after a crisis than after a calm window: 1 - W(f) / W(b).

    Parameters
    ----------
    crisis, calm : float
        Wealth ratios (`wealth`), ≥ 0; the calm one may be a mean over matched windows.

    Returns
    -------
    float
        0.25 is a quarter less; negative when the crisis left more. 1 when the calm window left nothing.
    """
    if not (np.isfinite(crisis) and np.isfinite(calm) and crisis >= 0.0 and calm >= 0.0):
        raise DataError(f"wealth ratios must be finite and at least 0, got {crisis!r} and {calm!r}")
    return 1.0 - crisis / calm if calm > 0.0 else 1.0


def amplification(returns: Floats, expected_shortfall: float, *, confidence: float = 0.975) -> float:
    """Realised expected shortfall in a crisis over the one forecast just before it.

    Parameters
    ----------
    returns : ndarray, shape (days,)
        Of the crisis, fractions of equity.
    expected_shortfall : float
        Forecast on the evening before, positive fraction.
    confidence : float
        Of both.

    Returns
    -------
    float
        Mean of the worst ⌈(1 - confidence) days⌉ losses, one at least, over the forecast; 0 when nothing was lost. In a
        crisis of forty days or fewer it is the worst day: no tail can be seen in so few.
    """
    values = np.asarray(returns, dtype=float)
    if not len(values) or not np.isfinite(values).all():
        raise DataError("amplification needs at least one finite return")
    if not (np.isfinite(expected_shortfall) and expected_shortfall > 0.0):
        raise DataError(f"the forecast shortfall must be positive, got {expected_shortfall!r}")
    count = max(int(np.ceil((1.0 - confidence) * len(values) - 1e-9)), 1)
    return max(float(-np.sort(values)[:count].mean()), 0.0) / expected_shortfall


def recovery_hours(path: pd.DataFrame, last_trigger: pd.Timestamp) -> float:
    """Market hours from the last trigger until the book may hold all of its exposure again.

    Parameters
    ----------
    path : DataFrame
        Of a replay: cap and mode, indexed by time, UTC.
    last_trigger : Timestamp
        When the last rung of the event tripped, UTC.

    Returns
    -------
    float
        0 when it never lost it, infinite when it has not come back by the end.
    """
    after = path[path.index >= last_trigger]
    whole = (after["cap"] >= 1.0) & (after["mode"] == "ACTIVE")
    if after.empty or not bool(whole.iloc[-1]):
        return float("inf")
    lost = np.flatnonzero(~whole.to_numpy())
    if not lost.size:
        return 0.0
    back = after.index[lost[-1] + 1]
    spent = market_time_ns(int(back.as_unit("ns").value)) - market_time_ns(int(last_trigger.as_unit("ns").value))
    return spent / HOUR_NS


@dataclass(frozen=True, slots=True)
class Resilience:
    """The score, 0 to 1, and its parts, each 0 to 1 before its weight."""

    survival: float
    degradation: float
    amplification: float
    recovery: float
    score: float

    def _repr_html_(self) -> str:
        rows = [[one.name, percent(getattr(self, one.name), 0)] for one in fields(self) if one.name != "score"]
        return html_table(["part", "of its best"], rows, caption=f"Resilience {number(self.score, '.2f')} of 1")


def resilience(
    *,
    survival_rate: float,
    degradation: float,
    amplification: float,
    recovered: float,
    weights: ResilienceWeights,
) -> Resilience:
    """Score of a set of scenarios.

    Parameters
    ----------
    survival_rate : float
        Share of scenarios survived.
    degradation, amplification : float
        Means over the scenarios.
    recovered : float
        Share of scenarios after which the book was back in time.
    weights : ResilienceWeights
        Of the policy.

    Returns
    -------
    Resilience
        Meeting each target exactly (80 % survived, a quarter degraded, 1.5 times amplified, all recovered) gives 0.71:
        the score of 0.8 that is asked for is more than that.

    Raises
    ------
    DataError
        When a share is not in [0, 1], or a measure is not a number.
    """
    for name, share in (("survival_rate", survival_rate), ("recovered", recovered)):
        if not 0.0 <= share <= 1.0:
            raise DataError(f"{name} must be a share between 0 and 1, got {share!r}")
    if np.isnan(degradation) or np.isnan(amplification):
        raise DataError("degradation and amplification must be numbers")
    parts = (
        survival_rate,
        float(np.clip(1.0 - degradation / weights.degradation_scale, 0.0, 1.0)),
        float(np.clip(1.0 - (amplification - 1.0) / weights.amplification_scale, 0.0, 1.0)),
        recovered,
    )
    each = (weights.survival, weights.degradation, weights.amplification, weights.recovery)
    return Resilience(*parts, score=float(np.dot(parts, each)))
