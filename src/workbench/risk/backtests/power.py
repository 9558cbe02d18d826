"""Simulated worlds: clustered exceedances, and the power of any test in them."""

from collections.abc import Callable

import numpy as np

from workbench.domain.errors import DataError
from workbench.risk.backtests.independence import chain_rates
from workbench.risk.backtests.result import POWER_SIZE, BoolArray, FloatArray


def markov_hits(generator: np.random.Generator, *, series: int, days: int, rate: float, odds_ratio: float) -> BoolArray:
    """Draw exceedance series that cluster: a stationary first-order Markov chain.

    Parameters
    ----------
    generator : numpy.random.Generator
        Source of randomness.
    series, days : int
        Number of series and their length.
    rate : float
        Long-run exceedance probability.
    odds_ratio : float
        How many times higher the odds of an exceedance are on the day after one; 1 is independence.

    Returns
    -------
    ndarray of bool, shape (series, days)
        True where an exceedance falls, oldest first.

    Notes
    -----
    Only the days between exceedances are drawn: one day with the chain's probability of staying, else one day and a
    geometric wait, so the cost goes with the exceedances and not with the days.
    """
    calm, stay = chain_rates(rate, odds_ratio)
    hits = np.zeros((series, days), dtype=np.bool_)
    # Before the sample the chain is at rest: a hit on the first day with probability `rate`, else a geometric wait.
    position = np.where(generator.random(series) < rate, 0, generator.geometric(calm, series))
    alive = np.flatnonzero(position < days)
    while alive.size:
        hits[alive, position[alive]] = True
        waits = 1 + generator.geometric(calm, alive.size)
        position[alive] += np.where(generator.random(alive.size) < stay, 1, waits)
        alive = alive[position[alive] < days]
    return hits


def simulated_power(
    p_value: Callable[[np.random.Generator], float],
    *,
    generator: np.random.Generator,
    replications: int = 200,
    size: float = POWER_SIZE,
) -> float:
    """Return the share of simulated worlds in which a test rejects.

    Parameters
    ----------
    p_value : callable
        Draws one sample of the alternative from the generator it is given and returns the test's p-value on it.
    generator : numpy.random.Generator
        Source of randomness; equal states give equal results.
    replications : int
        Number of samples; the standard error of the power is at most 0.5 / √replications.
    size : float
        Level at which the test rejects.

    Returns
    -------
    float
        Power in [0, 1]. With samples of the null hypothesis it is the true size of the test.

    Raises
    ------
    DataError
        If `replications` is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> simulated_power(lambda generator: generator.random(), generator=np.random.Generator(np.random.PCG64(1)),
    ...                 replications=1000, size=0.5) > 0.45
    True
    """
    if replications < 1:
        raise DataError(f"replications must be a positive number of samples; got {replications}")
    values = [p_value(generator) for _ in range(replications)]
    return float(np.mean(np.asarray(values) <= size))


def monte_carlo_p_value(observed: float, simulated: FloatArray) -> float:
    """Return the share of simulated statistics at least as large, the observed one counted in (Dufour 2006).

    Parameters
    ----------
    observed : float
        Statistic of the data; large is extreme.
    simulated : ndarray, shape (draws,)
        Statistics of samples of the null hypothesis.

    Returns
    -------
    float
        p-value in (0, 1]; ties count as extreme.

    References
    ----------
    Dufour (2006), Monte Carlo tests with nuisance parameters, Journal of Econometrics 133, 443–477: with the observed
    value counted in, the test keeps its size for every number of draws.
    """
    slack = 1e-9 * abs(observed) + 1e-12
    return float((1 + np.count_nonzero(simulated >= observed - slack)) / (1 + simulated.size))
