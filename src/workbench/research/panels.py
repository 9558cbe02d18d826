"""Panels whose truth is known: noise without an edge, and noise in which a few series have one. Always synthetic."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.domain.errors import ConfigError
from workbench.research.market import periods_per_year
from workbench.research.walk_forward import finite_returns

Floats = NDArray[np.float64]

SYNTHETIC_START = "2000-01-03"
DAILY_VOLATILITY = 0.006


def noise_panel(generator: np.random.Generator, *, days: int, trials: int, correlation: float = 0.0) -> pd.DataFrame:
    """Normal returns with a mean of zero.

    Parameters
    ----------
    generator : numpy Generator
        Source of the noise.
    days, trials : int
        Shape.
    correlation : float
        Of any two series, 0 ≤ correlation < 1: a factor they share.

    Returns
    -------
    DataFrame, shape (days, trials)
        Synthetic daily returns, 0.6 % a day, on made-up week-days.

    Raises
    ------
    ConfigError
        When the shape or the correlation is impossible.
    """
    if days < 2 or trials < 1 or not 0.0 <= correlation < 1.0:
        raise ConfigError(
            f"expected at least 2 days, 1 trial and a correlation in [0, 1), got {days}, {trials}, {correlation}"
        )
    own = generator.standard_normal((days, trials))
    shared = generator.standard_normal((days, 1))
    values = DAILY_VOLATILITY * (np.sqrt(correlation) * shared + np.sqrt(1.0 - correlation) * own)
    return pd.DataFrame(values, pd.bdate_range(SYNTHETIC_START, periods=days), _names(trials))


def _names(trials: int) -> list[str]:
    return [f"synthetic {place:03d}" for place in range(trials)]


def shuffled_panel(returns: pd.DataFrame, generator: np.random.Generator, *, block: int = 20) -> pd.DataFrame:
    """Noise that looks like real trials: their days in random blocks, their means taken away.

    Parameters
    ----------
    returns : DataFrame, shape (days, trials)
        Of a sweep; how its columns move together, and their tails, are kept.
    generator : numpy Generator
        Draws the blocks.
    block : int
        Days in a block, the end joined to the beginning (Politis and Romano 1992, circular block bootstrap).

    Returns
    -------
    DataFrame, shape (days, trials)
        Synthetic; every column has no edge.

    Raises
    ------
    ConfigError
        When the block is shorter than a day or longer than the history.
    """
    values = finite_returns(returns)
    if not 1 <= block <= len(values):
        raise ConfigError(f"block must be between 1 and {len(values)} days, got {block}")
    count = -(-len(values) // block)
    starts = generator.integers(0, len(values), count)
    rows = ((starts[:, None] + np.arange(block)) % len(values)).ravel()[: len(values)]
    return pd.DataFrame((values - values.mean(axis=0))[rows], returns.index, returns.columns)


def plant_edge(panel: pd.DataFrame, columns: Sequence[int], *, sharpe_annual: float) -> pd.DataFrame:
    """Give some series an edge.

    Parameters
    ----------
    panel : DataFrame, shape (days, trials)
        Noise.
    columns : sequence of int
        Which series.
    sharpe_annual : float
        The true annual Sharpe ratio they get; the one seen scatters around it by about 1/√years.

    Returns
    -------
    DataFrame, shape (days, trials)
        A copy.
    """
    values = panel.to_numpy(dtype=float, copy=True)
    rate = periods_per_year(pd.DatetimeIndex(panel.index))
    chosen = list(columns)
    values[:, chosen] += sharpe_annual / np.sqrt(rate) * values[:, chosen].std(axis=0, ddof=1)
    return pd.DataFrame(values, panel.index, panel.columns)
