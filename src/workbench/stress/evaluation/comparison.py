"""Controls or just less risk: the book with controls C, without them U, and the placebo P of equal exposure.

The placebo is U scaled to the average exposure of C in the same scenario. Losses and drawdowns are positive fractions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.domain.errors import DataError
from workbench.domain.trading.market_hours import market_time_ns

FEWEST = 6
"""Scenarios under which a bootstrap over them says nothing."""
FROZEN_BELOW = 0.1
"""Exposure under this share of the run without controls, at the end, counts as frozen."""


def control_saving(loss_controlled: float, loss_free: float) -> float:
    """Share of the peak loss that the controls took away: 1 - L_C / L_U.

    Parameters
    ----------
    loss_controlled, loss_free : float
        Largest drawdowns with and without controls, ≥ 0.

    Returns
    -------
    float
        Negative when they made it worse; NaN when nothing was lost without them: there was nothing to save.
    """
    return 1.0 - loss_controlled / loss_free if loss_free > 0.0 else float("nan")


def placebo_scale(controlled: pd.DataFrame, free: pd.DataFrame) -> float:
    """Average exposure in US dollars over market time, with controls over that without: the size of the placebo.

    Parameters
    ----------
    controlled, free : DataFrame
        Paths of the same scenario: gross, exposure over equity, and equity.

    Returns
    -------
    float
        1 when the book without controls held nothing.
    """
    spent = market_weights(pd.DatetimeIndex(free.index).as_unit("ns").asi8)
    held, kept = (float((path["gross"] * path["equity"]).to_numpy() @ spent) for path in (free, controlled))
    return kept / held if held > 0.0 else 1.0


def market_weights(times_ns: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of market time between each mark and the next: what an average over time weighs marks with.

    Parameters
    ----------
    times_ns : ndarray of int, shape (marks,)
        UTC nanoseconds, in order.

    Returns
    -------
    ndarray, shape (marks,)
        Adding up to 1, the last one 0; alike where no market time passes.
    """
    spent = np.diff([float(market_time_ns(time)) for time in times_ns.tolist()], append=np.nan)
    spent[-1] = 0.0
    total = float(spent.sum())
    return spent / total if total > 0.0 else np.full(len(spent), 1.0 / len(spent))


def placebo(free: pd.DataFrame, scale: float) -> pd.DataFrame:
    """The book without controls, held smaller all the time.

    Parameters
    ----------
    free : DataFrame
        Its path: equity, drawdown, gross.
    scale : float
        Size, ≥ 0 (`placebo_scale`).

    Returns
    -------
    DataFrame
        equity, drawdown, gross. Profits are scaled, which is exact for a held book in whole units up to rounding, and a
        first-order reading for strategies that size by equity.
    """
    if not (np.isfinite(scale) and scale >= 0.0):
        raise DataError(f"the size of a placebo must be at least 0, got {scale!r}")
    start = float(free["equity"].iloc[0])
    equity = start + scale * (free["equity"] - start)
    peak = equity.cummax().clip(lower=start)
    return pd.DataFrame({"equity": equity, "drawdown": 1.0 - equity / peak, "gross": scale * free["gross"]})


def lock_in_rate(controlled: Sequence[pd.DataFrame], free: Sequence[pd.DataFrame]) -> float:
    """Share of scenarios that end frozen: not ACTIVE, or with hardly any of the exposure the free run has.

    Parameters
    ----------
    controlled, free : sequence of DataFrame
        Paths of the same scenarios: gross and mode.

    Returns
    -------
    float

    Raises
    ------
    DataError
        When there is no scenario, or not the same number of each.
    """
    if not controlled or len(controlled) != len(free):
        raise DataError(f"expected as many runs with controls as without, got {len(controlled)} and {len(free)}")
    frozen = [
        with_them["mode"].iloc[-1] != "ACTIVE"
        or float(with_them["gross"].iloc[-1]) < FROZEN_BELOW * float(without["gross"].iloc[-1])
        for with_them, without in zip(controlled, free, strict=True)
    ]
    return float(np.mean(frozen))


def whipsaw(controlled: pd.DataFrame, free: pd.DataFrame) -> float:
    """What was lost by being small while the free book earned it back.

    Parameters
    ----------
    controlled, free : DataFrame
        Paths of one scenario: equity.

    Returns
    -------
    float
        Gains the controls missed from the low of the free book to the end, fraction of starting equity, ≥ 0: the part
        of the rebound that being cut costs.
    """
    start = float(free["equity"].iloc[0])
    low = int(np.argmin(free["equity"].to_numpy()))
    rebound = float(free["equity"].iloc[-1] - free["equity"].iloc[low])
    own = float(controlled["equity"].iloc[-1] - controlled["equity"].iloc[low])
    return max(rebound - own, 0.0) / start


@dataclass(frozen=True, slots=True)
class Skill:
    """Saving of the controls less saving of the placebo.

    Attributes
    ----------
    difference : float
        Mean over the scenarios in which something was lost; + means controls did more than a smaller book.
    interval : tuple of float
        90 %, bootstrap over scenarios.
    scenarios : int
        How few there are.
    """

    difference: float
    interval: tuple[float, float]
    scenarios: int

    @property
    def sentence(self) -> str:
        """What it says."""
        if self.scenarios < FEWEST:
            return (
                f"too few scenarios to tell whether controls do more than a smaller book would: {self.difference:+.2f} "
                f"in {self.scenarios}"
            )
        low, high = self.interval
        words = f"{self.difference:+.2f} (90 % interval {low:+.2f} to {high:+.2f}, {self.scenarios} scenarios)"
        if low > 0.0:
            return f"controls save more than a smaller book would: {words}"
        if high < 0.0:
            return f"a smaller book would have saved more: {words}"
        return f"it cannot be told whether controls do more than a smaller book would: {words}"


def skill(
    saved: Sequence[float],
    saved_by_placebo: Sequence[float],
    *,
    generator: np.random.Generator,
    bootstraps: int = 2_000,
) -> Skill:
    """Whether controls do more than a smaller book would.

    Parameters
    ----------
    saved, saved_by_placebo : sequence of float
        `control_saving` of each scenario, with controls and by the placebo; NaN where nothing was lost.
    generator : numpy Generator
        Of the bootstrap.
    bootstraps : int
        Samples.

    Returns
    -------
    Skill

    Raises
    ------
    DataError
        When no scenario lost anything.
    """
    gained = np.asarray(saved, dtype=float) - np.asarray(saved_by_placebo, dtype=float)
    gained = gained[np.isfinite(gained)]
    if not gained.size:
        raise DataError("no scenario lost anything: there is nothing controls could have saved")
    drawn = gained[generator.integers(0, gained.size, (bootstraps, gained.size))].mean(axis=1)
    low, high = np.quantile(drawn, [0.05, 0.95])
    return Skill(float(gained.mean()), (float(low), float(high)), int(gained.size))
