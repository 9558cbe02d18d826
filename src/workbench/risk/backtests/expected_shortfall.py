"""Is the expected shortfall right? Acerbi and Székely's Z1 and Z2, and McNeil and Frey's exceedance residuals.

Z1 and Z2 have no law of their own: it depends on the number of days and on the shape of the tail. Both are simulated
here. Beyond its VaR a loss is written as VaR + e · (ES − VaR); the excess e has mean one if the forecast is right, and
its law is that of the model at hand: resampled from residuals when they are given, otherwise Student's t with the
degrees of freedom that fit the forecasts' own ratio of ES to VaR (the normal law at the thin end).
"""

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike

from workbench.domain.errors import DataError, ModelError
from workbench.risk.backtests.power import monte_carlo_p_value
from workbench.risk.backtests.result import (
    EXCESS_RATIO,
    POWER_SIZE,
    RATE_RATIO,
    REPLICATIONS,
    BoolArray,
    FloatArray,
    PoweredResult,
    clipped,
    finite_vector,
    seeded,
    tail_forecasts,
    tail_probability,
)

# Knots of the excess law in −ln of the tail's survival probability: out to one exceedance in 10¹³.
_KNOTS = np.linspace(0.0, 30.0, 1_201)
# Exceedances simulated per test, so that it costs tens of milliseconds at any length.
_SIMULATED_EXCEEDANCES, _FEWEST_SAMPLES = 150_000, 500
_LEAST_DEGREES, _MOST_DEGREES = 2.05, 200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortfallResult(PoweredResult):
    """Test of expected shortfall with simulated critical value.

    Parameters
    ----------
    statistic, p_value, observations, power, alternative : mixed
        As in `PoweredResult`; the p-value is one-sided: small when ES is too low.
    critical_value : float
        Value the statistic crosses with probability 0.05 when the forecasts are right.
    exceedance_count : int
        Number of exceedances seen.
    expected_count : float
        Number of exceedances expected.
    law : str
        Law of the losses beyond VaR under the null hypothesis.
    """

    critical_value: float
    exceedance_count: int
    expected_count: float
    law: str


def acerbi_szekely_z1(
    returns: ArrayLike,
    value_at_risk: ArrayLike,
    expected_shortfall: ArrayLike,
    *,
    confidence: float,
    residuals: ArrayLike | None = None,
    seed: int = 0,
) -> ShortfallResult:
    """Test ES given the exceedances: the mean of loss over ES on the days VaR was exceeded.

    Parameters
    ----------
    returns : array_like of float, shape (days,)
        Realised returns, signed fractions, oldest first; NaN is refused.
    value_at_risk, expected_shortfall : array_like of float, shape (days,)
        Forecasts for the same days, positive loss fractions, ES at least VaR.
    confidence : float
        Confidence of both forecasts, for example 0.975.
    residuals : array_like of float, shape (draws,), optional
        Standardised residuals of the model, signed like returns; their tail is resampled as the null law.
    seed : int
        Fixes the simulation.

    Returns
    -------
    ShortfallResult
        `statistic` = 1 − mean(loss / ES), expected 0, negative when ES is too low. `power` is the simulated
        probability of rejection at size 0.05 when the mean excess over VaR is 1.5 times the forecast one and
        exceedances are 1.5 times as many.

    Raises
    ------
    DataError
        If an input is empty, misshapen or not finite, or VaR and ES break 0 < VaR ≤ ES.
    ModelError
        If there is no exceedance: Z1 is a mean over exceedances.

    References
    ----------
    Acerbi and Székely (2014), Back-testing expected shortfall, Risk 27(11), 76–81, test 1.
    """
    signed, var, es = tail_forecasts(returns, value_at_risk, expected_shortfall)
    hit = signed < -var
    if not hit.any():
        raise ModelError(
            f"Z1 is a mean over exceedances, and there is none in {signed.size} days: use Z2, which counts them too"
        )
    rate = tail_probability(confidence)
    world = _World(1.0 - var / es, rate, _excess_law(var, es, rate, residuals))
    null, other = (_mean_ratio(*world.simulate(seed, stressed=stressed)) for stressed in (False, True))
    statistic = 1.0 - float(np.mean(-signed[hit] / es[hit]))
    return _shortfall_result(statistic, null, other, hit=hit, world=world)


def acerbi_szekely_z2(
    returns: ArrayLike,
    value_at_risk: ArrayLike,
    expected_shortfall: ArrayLike,
    *,
    confidence: float,
    residuals: ArrayLike | None = None,
    seed: int = 0,
) -> ShortfallResult:
    """Test ES and the number of exceedances together.

    Parameters
    ----------
    returns : array_like of float, shape (days,)
        Realised returns, signed fractions, oldest first; NaN is refused.
    value_at_risk, expected_shortfall : array_like of float, shape (days,)
        Forecasts for the same days, positive loss fractions, ES at least VaR.
    confidence : float
        Confidence of both forecasts, for example 0.975.
    residuals : array_like of float, shape (draws,), optional
        Standardised residuals of the model, signed like returns; their tail is resampled as the null law.
    seed : int
        Fixes the simulation.

    Returns
    -------
    ShortfallResult
        `statistic` = 1 − Σ loss · 1{exceedance} / (days · α · ES), expected 0, negative when ES is too low or
        exceedances too many; 1 without exceedances. The `critical_value` is about −0.70 at 250 days and 97.5 %
        for tails between normal and Student t(10), and nothing like that at other lengths. `power` as in
        `acerbi_szekely_z1`.

    Raises
    ------
    DataError
        If an input is empty, misshapen or not finite, or VaR and ES break 0 < VaR ≤ ES.

    References
    ----------
    Acerbi and Székely (2014), test 2 and table of critical values.
    """
    signed, var, es = tail_forecasts(returns, value_at_risk, expected_shortfall)
    rate = tail_probability(confidence)
    hit = signed < -var
    world = _World(1.0 - var / es, rate, _excess_law(var, es, rate, residuals))
    expected = signed.size * rate
    null, other = (1.0 - world.simulate(seed, stressed=stressed)[0] / expected for stressed in (False, True))
    statistic = 1.0 - float(np.sum(-signed[hit] / es[hit])) / expected
    return _shortfall_result(statistic, null, other, hit=hit, world=world)


def mcneil_frey(
    returns: ArrayLike,
    value_at_risk: ArrayLike,
    expected_shortfall: ArrayLike,
    *,
    volatility: ArrayLike | None = None,
    seed: int = 0,
) -> ShortfallResult:
    """Test whether losses beyond VaR exceed ES on average (one-sided bootstrap).

    Parameters
    ----------
    returns : array_like of float, shape (days,)
        Realised returns, signed fractions, oldest first; NaN is refused.
    value_at_risk, expected_shortfall : array_like of float, shape (days,)
        Forecasts for the same days, positive loss fractions, ES at least VaR.
    volatility : array_like of float, shape (days,), optional
        Forecast standard deviation of the same days, positive; the residuals are divided by it. Without it they are
        divided by ES, which has the same effect for a model of location and scale with a fixed tail.
    seed : int
        Fixes the bootstrap.

    Returns
    -------
    ShortfallResult
        `statistic` is the t-ratio of the exceedance residuals (loss − ES) / scale; `p_value` the share of
        bootstrapped t-ratios of the centred residuals at least as large, the observed one counted in; `power` the
        bootstrapped probability of rejection when the mean excess over VaR is 1.5 times the forecast one.

    Raises
    ------
    DataError
        If an input is empty, misshapen or not finite, VaR and ES break 0 < VaR ≤ ES, or a volatility is not positive.
    ModelError
        If there are fewer than two exceedances or their residuals are all equal.

    References
    ----------
    McNeil and Frey (2000), Estimation of tail-related risk measures for heteroscedastic financial time series, Journal
    of Empirical Finance 7, 271–300, section 3.2; Efron and Tibshirani (1993), An Introduction to the Bootstrap,
    section 16.4.
    """
    signed, var, es = tail_forecasts(returns, value_at_risk, expected_shortfall)
    scale = es if volatility is None else finite_vector(volatility, "volatility")
    if scale.size != signed.size or (scale <= 0.0).any():
        raise DataError(f"one positive volatility per return expected; got {scale.size} for {signed.size} returns")
    hit = signed < -var
    shift = (EXCESS_RATIO - 1.0) * float(np.sum((es - var)[hit] / scale[hit])) / max(int(hit.sum()), 1)
    statistic, null, other = bootstrap_mean_test((-signed[hit] - es[hit]) / scale[hit], shift=shift, seed=seed)
    critical = float(np.quantile(null, 1.0 - POWER_SIZE))
    return ShortfallResult(
        statistic=statistic,
        p_value=monte_carlo_p_value(statistic, null),
        observations=signed.size,
        power=clipped(np.mean(other > critical)),
        alternative=f"mean excess over VaR {EXCESS_RATIO:g} times the forecast one",
        critical_value=critical,
        exceedance_count=int(hit.sum()),
        expected_count=float(hit.sum()),
        law="bootstrap of the centred exceedance residuals",
    )


def bootstrap_mean_test(
    sample: FloatArray, *, shift: float = 0.0, seed: int = 0
) -> tuple[float, FloatArray, FloatArray]:
    """Return the t-ratio of a mean, its bootstrap law under mean zero, and the same law under mean `shift`.

    Parameters
    ----------
    sample : ndarray, shape (draws,)
        Values whose mean is tested.
    shift : float
        Mean under the alternative, in the unit of the sample.
    seed : int
        Fixes the bootstrap.

    Returns
    -------
    tuple of float, ndarray and ndarray
        Observed t-ratio; bootstrapped ratios with mean zero; with mean `shift`.

    Raises
    ------
    ModelError
        If the sample has fewer than two values or no spread.
    """
    n = sample.size
    spread = float(np.std(sample, ddof=1)) if n > 1 else 0.0
    if spread == 0.0:
        raise ModelError(f"a t-ratio needs at least two different exceedance residuals; got {n}: give a longer sample")
    centred = sample - sample.mean()
    drawn = centred[seeded(seed).integers(0, n, size=(REPLICATIONS, n))]
    mean, deviation = drawn.mean(axis=1), drawn.std(axis=1, ddof=1) / np.sqrt(n)
    # A resample of one repeated value has no spread: its t-ratio is infinite with the sign of its mean.
    with np.errstate(divide="ignore", invalid="ignore"):
        null, other = np.nan_to_num(mean / deviation), np.nan_to_num((mean + shift) / deviation)
    return float(sample.mean() / (spread / np.sqrt(n))), null, other


@dataclass(frozen=True, slots=True)
class _ExcessLaw:
    """Law of (loss − VaR) / (ES − VaR) beyond VaR, mean one: quantiles at `_KNOTS`, or a sample to draw from."""

    name: str
    values: FloatArray
    resampled: bool

    def draw(self, generator: np.random.Generator, size: int) -> FloatArray:
        if self.resampled:
            return self.values[generator.integers(0, self.values.size, size)]
        return np.interp(generator.standard_exponential(size), _KNOTS, self.values)


@dataclass(frozen=True, slots=True)
class _World:
    """Simulated loss-to-ES ratios: slope 1 − VaR/ES per day, exceedance rate, law of the excess."""

    slope: FloatArray
    rate: float
    law: _ExcessLaw

    def simulate(self, seed: int, *, stressed: bool) -> tuple[FloatArray, FloatArray]:
        """Return the sum of loss / ES over exceedances, and their number, in each simulated sample."""
        days, generator = self.slope.size, seeded(seed)
        rate = min(RATE_RATIO * self.rate, 1.0) if stressed else self.rate
        samples = int(np.clip(_SIMULATED_EXCEEDANCES / (days * self.rate), _FEWEST_SAMPLES, REPLICATIONS))
        total = samples * days
        # All samples lie on one line of days; waits between exceedances are geometric, the last ones run off its end.
        draws = int(total * rate + 10.0 * np.sqrt(total * rate) + 50.0)
        position = np.cumsum(generator.geometric(rate, draws)) - 1
        position = position[position < total]
        excess = (EXCESS_RATIO if stressed else 1.0) * self.law.draw(generator, position.size)
        ratio = 1.0 + (excess - 1.0) * self.slope[position % days]
        sample = position // days
        sums = np.bincount(sample, weights=ratio, minlength=samples).astype(np.float64)
        return sums, np.bincount(sample, minlength=samples).astype(np.float64)


def _excess_law(var: FloatArray, es: FloatArray, rate: float, residuals: ArrayLike | None) -> _ExcessLaw:
    if residuals is not None:
        sample = -finite_vector(residuals, "residuals")
        quantile = float(np.quantile(sample, 1.0 - rate))
        beyond = sample[sample > quantile] - quantile
        if beyond.size < 2:
            raise DataError(
                f"residuals must hold at least two values beyond their {1.0 - rate:.6g} quantile; got "
                f"{sample.size} residuals with {beyond.size} beyond: give a longer sample"
            )
        return _ExcessLaw(f"resampled from {beyond.size} residuals beyond VaR", beyond / beyond.mean(), resampled=True)
    degrees = student_degrees(float(np.median(es / var)), rate)
    levels = rate * np.exp(-_KNOTS)
    if np.isinf(degrees):
        losses, mean, name = (
            scipy.stats.norm.isf(levels),
            float(scipy.stats.norm.pdf(scipy.stats.norm.isf(rate)) / rate),
            "normal",
        )
    else:
        losses, mean = scipy.stats.t.isf(levels, degrees), _student_shortfall(degrees, rate)
        name = f"Student t, {degrees:.1f} degrees of freedom"
    values = np.asarray((losses - losses[0]) / (mean - losses[0]), dtype=np.float64)
    return _ExcessLaw(f"{name}, from the ratio of ES to VaR", values, resampled=False)


def _student_shortfall(degrees: float, rate: float) -> float:
    q = float(scipy.stats.t.isf(rate, degrees))
    return float(scipy.stats.t.pdf(q, degrees) * (degrees + q * q) / ((degrees - 1.0) * rate))


def student_degrees(ratio: float, rate: float) -> float:
    """Return the degrees of freedom of the centred Student t whose ES is `ratio` times its VaR; infinite if normal.

    Parameters
    ----------
    ratio : float
        ES over VaR, at least 1.
    rate : float
        Nominal exceedance rate α.

    Returns
    -------
    float
        Degrees of freedom ν.

    Notes
    -----
    ES of Student's t in units of its scale: f(q) (ν + q²) / ((ν − 1) α) with q its VaR (McNeil, Frey and Embrechts
    2015, example 2.15). Ratios beyond the range of ν from 2.05 to 200 are taken at its ends.
    """

    def gap(log_degrees: float) -> float:
        degrees = float(np.exp(log_degrees))
        return _student_shortfall(degrees, rate) / float(scipy.stats.t.isf(rate, degrees)) - ratio

    low, high = float(np.log(_LEAST_DEGREES)), float(np.log(_MOST_DEGREES))
    if gap(high) >= 0.0:
        return float("inf")
    return _LEAST_DEGREES if gap(low) <= 0.0 else float(np.exp(scipy.optimize.brentq(gap, low, high, xtol=1e-6)))


def _mean_ratio(sums: FloatArray, counts: FloatArray) -> FloatArray:
    seen = counts > 0
    return np.asarray(1.0 - sums[seen] / counts[seen], dtype=np.float64)


def _shortfall_result(
    statistic: float, null: FloatArray, other: FloatArray, *, hit: BoolArray, world: _World
) -> ShortfallResult:
    critical = float(np.quantile(null, POWER_SIZE)) if null.size else 0.0
    return ShortfallResult(
        statistic=statistic,
        p_value=monte_carlo_p_value(-statistic, -null),
        observations=hit.size,
        power=clipped(np.mean(other < critical)) if other.size else 0.0,
        alternative=(
            f"{RATE_RATIO:g} times as many exceedances, mean excess over VaR {EXCESS_RATIO:g} times the forecast one"
        ),
        critical_value=critical,
        exceedance_count=int(hit.sum()),
        expected_count=hit.size * world.rate,
        law=world.law.name,
    )
