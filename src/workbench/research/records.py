"""The record a strategy is judged by when it trades: what the policy asks of it, measured on its own net returns."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.domain.policy import Policy
from workbench.domain.policy.response import HistoricalScenario
from workbench.domain.trading.modes import Condition
from workbench.domain.trading.strategies import StrategyRecord
from workbench.research.performance import largest_drawdowns

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LEAST_DAYS = 60
"""Days in a market condition before a loss in it says anything."""


def market_conditions(volatility_ratio: Floats, policy: Policy) -> Integers:
    """Market condition of each day by its volatility ratio alone; daily data carries no stress score.

    Parameters
    ----------
    volatility_ratio : ndarray, shape (days,)
        Current over normal volatility as known on the day; NaN where there is no normal yet.
    policy : Policy
        Its market conditions.

    Returns
    -------
    ndarray of int, shape (days,)
        `Condition`; -1 where the ratio is not known.
    """
    edges = [bounded.ratio_below for bounded in policy.market_conditions.bounded]
    found = np.searchsorted(edges, volatility_ratio, side="right").astype(np.int64)
    return np.where(np.isfinite(volatility_ratio), found, -1)


def stress_survival(returns: pd.Series, scenarios: Sequence[HistoricalScenario], drawdown_below: float) -> float:
    """Share of the historical crises a strategy came through, alone and without controls.

    Parameters
    ----------
    returns : Series
        Net returns on its own capital, indexed by time.
    scenarios : sequence of HistoricalScenario
        Of the policy; those outside the data are left out.
    drawdown_below : float
        A crisis is survived when the drawdown in it stays below this.

    Returns
    -------
    float
        Fraction; NaN when no scenario lies in the data.
    """
    index, survived = pd.DatetimeIndex(returns.index).tz_localize(None), []
    for one in scenarios:
        inside = (index >= pd.Timestamp(one.start)) & (index < pd.Timestamp(one.end) + pd.Timedelta(days=1))
        if index[0] <= pd.Timestamp(one.start) and inside.any():
            lost = largest_drawdowns(returns.to_numpy()[inside][:, None])[0]
            survived.append(bool(lost < drawdown_below))
    return float(np.mean(survived)) if survived else float("nan")


def record_of(
    returns: pd.Series, conditions: Integers, policy: Policy, *, walk_forward: float, robustness: float
) -> StrategyRecord:
    """Record of one strategy.

    Parameters
    ----------
    returns : Series, length days
        Net returns on its own capital.
    conditions : ndarray of int, shape (days,)
        Market condition known on the evening before each return; -1 where it is not known.
    policy : Policy
        Its scenarios and limits.
    walk_forward, robustness : float
        Share of walk-forward tests in which it earned; its robustness score.

    Returns
    -------
    StrategyRecord
        `negative_conditions` names conditions of at least sixty days in which it lost money.
    """
    values = returns.to_numpy()
    lost = tuple(
        int(condition)
        for condition in Condition
        if (conditions == condition).sum() >= LEAST_DAYS and values[conditions == condition].sum() < 0.0
    )
    limit = policy.success.technical.survival_drawdown_below
    return StrategyRecord(
        drawdown=float(largest_drawdowns(values[:, None])[0]),
        stress_survival=stress_survival(returns, policy.stress.historical, limit),
        walk_forward=walk_forward,
        robustness=robustness,
        negative_conditions=lost,
    )
