"""Do the score and the alarms lead losses better than EWMA volatility alone? AUC against it, and lead times.

Every reading of a day is known at its close: trailing 500-day normals, yearly refits on the past, expanding quantiles.
The score is the engine's at the daily fix of a flat book. Daily fixes have no spread, so liquidity is missing and the
score is given over the other 85 points, as the policy says. What lies ahead is in units of normal volatility.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.controls.stress_score import fullness, stress_score
from workbench.data.rates import DailyRates
from workbench.domain.currencies import LEGS
from workbench.domain.errors import DataError
from workbench.domain.policy import Policy
from workbench.domain.tables import Number, html_table, number, percent
from workbench.engine.settings import CHI_SQUARE_7_AT_99
from workbench.regimes import filter_series, fit_markov
from workbench.regimes.measures import area_under_curve
from workbench.risk.correlation import (
    absorption_ratio,
    absorption_shift_threshold,
    alarm_skill,
    correlation_of,
    covariance_path,
    nearest_correlation,
    next_day_turbulence_threshold,
    standardised_shift,
)
from workbench.risk.volatility import DAILY_DECAY, NORMAL_WINDOW, ewma_volatility
from workbench.runtime.studies.early_warning import HORIZON_DAYS, worst_days

Floats = NDArray[np.float64]

BENCHMARK, SCORE = "EWMA volatility", "stress score"
TARGETS = ("losses", "large moves")
TAIL, ALARM = 0.10, 0.90
"""A loss is among the worst 10 % so far; an alarm is on above the 90 % quantile of its reading so far."""
INTERVAL = 0.90
LEAST_HISTORY = 250
"""Days behind an expanding quantile before it is used."""
FIRST_FIT, REFIT = 768, 256
"""Rows before the first fit and between refits: three years, one year."""
STATES = 3
BLOCK_DAYS = 60
FULL_TURBULENCE = CHI_SQUARE_7_AT_99 / len(LEGS)


@dataclass(frozen=True, slots=True, eq=False)
class ClaimsStudy:
    """Each reading against EWMA volatility alone.

    Attributes
    ----------
    frame : DataFrame
        One row a reading. For each target ("losses", "large moves"): ``AUC`` with ``AUC low`` and ``AUC high``, the
        ``difference`` to the benchmark with ``low`` and ``high`` (90 % block-bootstrap intervals; NaN for the benchmark
        itself). Then ``median lead days`` (NaN when no event was warned of), ``warned`` and ``by chance`` (shares).
    events : tuple of Timestamp
        The worst days, oldest first.
    begins : Timestamp
        First day judged.
    days : int
        Days judged.
    """

    frame: pd.DataFrame = field(repr=False)
    events: tuple[pd.Timestamp, ...]
    begins: pd.Timestamp
    days: int

    @property
    def verdict(self) -> str:
        """In one sentence, the bad news first."""
        losses, moves = (self._finding(target) for target in TARGETS)
        return f"The stress score {losses}; it {moves}."

    def _finding(self, target: str) -> str:
        low, high = self._value(SCORE, f"{target}: low"), self._value(SCORE, f"{target}: high")
        how = "leads {} better" if low > 0.0 else "leads {} worse" if high < 0.0 else "does not lead {} better"
        others = [str(name) for name in self.frame.index if name not in (BENCHMARK, SCORE)]
        better = [name for name in others if self._value(name, f"{target}: low") > 0.0]
        luck = len(others) * (1.0 - INTERVAL) / 2.0
        who = f"{', '.join(better)} does ({luck:.2g} would by luck)" if better else "none does better"
        return (
            f"{how.format(target)} than EWMA volatility alone (AUC {self._value(SCORE, f'{target}: AUC'):.3f} against "
            f"{self._value(BENCHMARK, f'{target}: AUC'):.3f}, difference "
            f"{self._value(SCORE, f'{target}: difference'):+.3f}, 90 % interval {low:+.3f} to {high:+.3f}), "
            f"and of {len(others)} other readings {who}"
        )

    def _value(self, name: str, key: str) -> float:
        return float(self.frame[key].to_dict()[name])

    def _repr_html_(self) -> str:
        heads = ["reading"]
        for target in TARGETS:
            heads += [f"AUC, {target}", "less volatility's"]
        heads += ["median lead, days", f"warned, of {len(self.events)}", "by chance"]
        return html_table(heads, [self._row(str(name)) for name in self.frame.index], caption=self.verdict)

    def _row(self, name: str) -> list[object]:
        cells: list[object] = [name]
        for target in TARGETS:
            for keys, form in ((("AUC", "AUC low", "AUC high"), ".3f"), (("difference", "low", "high"), "+.3f")):
                middle, low, high = (number(self._value(name, f"{target}: {key}"), form) for key in keys)
                cells.append(Number(f"{middle} [{low}, {high}]") if name != BENCHMARK or form == ".3f" else middle)
        cells.append(number(self._value(name, "median lead days"), ".1f"))
        return [*cells, percent(self._value(name, "warned"), 0), percent(self._value(name, "by chance"), 0)]


def engine_readings(
    returns: pd.DataFrame,
    policy: Policy,
    *,
    turbulence_full: pd.Series | float = FULL_TURBULENCE,
    uncertainty: pd.Series | float = np.nan,
) -> pd.DataFrame:
    """What the engine reads at each daily fix with a flat book and yesterday's calibration.

    Parameters
    ----------
    returns : DataFrame, shape (days, legs)
        Simple returns, oldest first.
    policy : Policy
        Points, volatility and correlation ladders.
    turbulence_full : Series or float
        Turbulence a leg at which its part is full; by default chi-square at 99 %, as in the engine.
    uncertainty : Series or float
        Fullness of that part, in [0, 1]; NaN is missing.

    Returns
    -------
    DataFrame
        ``ratio`` (mean leg volatility over normal), ``level`` and ``drift`` (mean absolute leg correlation and its
        change from normal), ``turbulence`` (1 on average), ``score`` (0 to 100, no liquidity), as defined in
        `workbench.engine.kernel.readings`. A day uses rows up to itself; normals are yesterday's.

    Raises
    ------
    DataError
        When a return is not finite or a leg does not move.
    """
    values, days, legs = returns.to_numpy(), returns.index, returns.shape[1]
    covariance = covariance_path(values, decay=DAILY_DECAY)
    correlation, normal_matrix = _correlations(covariance)
    normal = _normal_volatility(returns).to_numpy()
    variance = np.diagonal(covariance, axis1=1, axis2=2)
    larger = np.maximum(variance, np.roll(variance, 1, axis=0))
    rows, columns = np.tril_indices(legs, -1)
    pairs = correlation[:, rows, columns]
    # of today's return by yesterday's normals; the engine keeps the larger of today and yesterday
    standard, distance = values / normal, np.full(len(values), np.nan)
    solved = np.linalg.solve(normal_matrix[NORMAL_WINDOW:], standard[NORMAL_WINDOW:, :, np.newaxis])[:, :, 0]
    distance[NORMAL_WINDOW:] = (solved * standard[NORMAL_WINDOW:]).sum(axis=1) / legs
    frame = pd.DataFrame(
        {
            "ratio": (np.sqrt(larger) / normal).mean(axis=1),
            "level": np.abs(pairs).mean(axis=1),
            "drift": np.abs(pairs - normal_matrix[:, rows, columns]).mean(axis=1),
            "turbulence": np.maximum(distance, np.roll(distance, 1)),
        },
        index=days,
    ).iloc[NORMAL_WINDOW + 1 :]
    frame["score"] = _scores(frame.assign(full=turbulence_full, unsure=uncertainty), policy)
    return frame


def _correlations(covariance: Floats) -> tuple[Floats, Floats]:
    """Correlation by day, and yesterday's normal; NaN before there is one."""
    days, legs, _ = covariance.shape
    correlation = correlation_of(covariance)
    flat = pd.DataFrame(correlation.reshape(days, legs * legs))
    normal = flat.rolling(NORMAL_WINDOW).median().shift(1).to_numpy().reshape(days, legs, legs)
    least = np.linalg.eigvalsh(normal[NORMAL_WINDOW:])[:, 0]
    for row in np.flatnonzero(least < 0.0) + NORMAL_WINDOW:
        normal[row] = nearest_correlation(normal[row])
    return correlation, normal


def _normal_volatility(returns: pd.DataFrame) -> pd.DataFrame:
    """Median volatility of the 500 days to yesterday, by leg."""
    volatility = ewma_volatility(returns.to_numpy(), decay=DAILY_DECAY)[1:]
    return pd.DataFrame(volatility, returns.index, returns.columns).rolling(NORMAL_WINDOW).median().shift(1)


def _scores(frame: pd.DataFrame, policy: Policy) -> Floats:
    one, ladders = policy.stress_score, policy.ladders
    points = np.array([one.volatility, one.correlation, one.turbulence, one.liquidity, one.uncertainty], np.float64)
    last, drifted = float(ladders.volatility.rung_3.trigger), float(ladders.correlation.rung_1.trigger)
    tight = float(ladders.correlation.rung_2.trigger)
    found, rows = np.empty(len(frame)), frame.to_numpy(dtype=np.float64)
    for row, (ratio, level, drift, turbulence, most, unsure) in enumerate(rows):
        correlation = max(fullness(drift, 0.0, drifted), 1.0 if level >= tight else 0.0)
        parts = (fullness(ratio, 1.0, last), correlation, fullness(turbulence, 1.0, most), np.nan, unsure)
        found[row] = stress_score(np.array(parts), points)[0]
    return found


def readings(rates: DailyRates, policy: Policy, *, seed: int = 0) -> pd.DataFrame:
    """All readings that are judged, each known at the close of its day.

    Parameters
    ----------
    rates : DailyRates
        Data up to the as-of date.
    policy : Policy
        Points, volatility and correlation ladders.
    seed : int
        Of the block bootstraps behind the yearly thresholds.

    Returns
    -------
    DataFrame
        One column a reading, larger is worse; days on which all exist. The Markov model and the thresholds of
        turbulence and uncertainty are refitted once a year (the daily run: every day).

    Raises
    ------
    DataError
        When there are no more than four years of history.
    """
    logs = rates.leg_log_returns()[list(LEGS)]
    if len(logs) <= FIRST_FIT + LEAST_HISTORY:
        raise DataError(f"expected more than {FIRST_FIT + LEAST_HISTORY} days of returns, got {len(logs)}")
    year, index = _yearly(logs, seed), _equal_volatility_index(logs)
    engine = engine_readings(
        rates.leg_simple_returns()[list(LEGS)], policy, turbulence_full=year["full"], uncertainty=year["unsure"]
    )
    frame = pd.DataFrame(
        {
            BENCHMARK: pd.Series(ewma_volatility(index.to_numpy(), decay=DAILY_DECAY)[1:], index=index.index),
            SCORE: engine["score"],
            "mean leg volatility over normal": engine["ratio"],
            "mean absolute correlation": engine["level"],
            "correlation drift": engine["drift"],
            "turbulence": engine["turbulence"],
            "regime: probability of the worst state": year["probability"],
            "regime: variance it expects": year["variance"],
        }
    )
    return frame.dropna()


def _yearly(logs: pd.DataFrame, seed: int) -> pd.DataFrame:
    """What is refitted once a year on the past, by day: full turbulence, uncertainty as of yesterday, Markov model."""
    values, index, near = logs.to_numpy(), logs.mean(axis=1).to_numpy(), None
    shifts = standardised_shift(absorption_ratio(values))
    shift = pd.Series(shifts, index=logs.index[-len(shifts) :]).reindex(logs.index).shift(1).to_numpy()
    found = np.full((4, len(values)), np.nan)
    for refit in range(FIRST_FIT, len(values), REFIT):
        generator, window = np.random.default_rng([seed, refit]), values[refit - NORMAL_WINDOW : refit]
        year = slice(refit, refit + REFIT)
        found[0, year] = next_day_turbulence_threshold(window, generator=generator) / values.shape[1]
        found[1, year] = np.clip(shift[year] / absorption_shift_threshold(window, generator=generator), 0.0, 1.0)
        near = fit_markov(index[:refit], states=STATES, near=near).parameters
        filtered = filter_series(index[: refit + REFIT], near).filtered_probability[refit:]
        found[2, year] = filtered[:, int(np.argmax(near.volatilities))]
        found[3, year] = near.predictive_variance(filtered @ near.transition)
    return pd.DataFrame(found.T, index=logs.index, columns=["full", "unsure", "probability", "variance"])


def _equal_volatility_index(logs: pd.DataFrame) -> pd.Series:
    """Mean over the legs of return over yesterday's normal volatility: long every leg, all alike."""
    return (logs / _normal_volatility(logs)).dropna().mean(axis=1)


def _targets(index: pd.Series, horizon: int) -> pd.DataFrame:
    """Whether the worst fall or the largest move of the coming days is in the worst tenth of those over by that day."""
    if horizon < 1 or len(index) <= LEAST_HISTORY + 2 * horizon:
        raise DataError(f"expected a horizon ≥ 1 and more than {LEAST_HISTORY} days, got {horizon} and {len(index)}")
    paths = np.lib.stride_tricks.sliding_window_view(index.to_numpy()[1:], horizon).cumsum(axis=1)
    days = index.index[: len(paths)]
    falls, sizes = -pd.Series(paths.min(axis=1), index=days), pd.Series(np.abs(paths).max(axis=1), index=days)
    found = {}
    for name, ahead in zip(TARGETS, (falls, sizes), strict=True):
        limit = ahead.expanding(LEAST_HISTORY).quantile(1.0 - TAIL).shift(horizon).dropna()
        found[name] = ahead[limit.index] > limit
    return pd.DataFrame(found)


def race(
    read: pd.DataFrame, happened: pd.Series, *, benchmark: str = BENCHMARK, bootstraps: int = 500, seed: int = 0
) -> pd.DataFrame:
    """AUC of each reading, and how far it is from the benchmark's.

    Parameters
    ----------
    read : DataFrame, shape (days, readings)
        Known before; larger is worse.
    happened : Series of bool, shape (days,)
        Same days.
    benchmark : str
        Column the others are compared with.
    bootstraps : int
        Draws of circular blocks of 60 days (Politis and Romano 1992), the same for every reading.
    seed : int
        Of the draws.

    Returns
    -------
    DataFrame
        One row a reading: ``AUC``, ``AUC low``, ``AUC high``, ``difference``, ``low``, ``high``; 90 % intervals, NaN
        where the benchmark would meet itself.

    Raises
    ------
    DataError
        When nothing happened, or something every day; when a reading is not finite or fewer than 60 days are given.
    """
    event, days = happened.to_numpy(dtype=bool), len(read)
    if days < BLOCK_DAYS or bootstraps < 1:
        raise DataError(f"expected at least {BLOCK_DAYS} days and one bootstrap, got {days} and {bootstraps}")
    codes = [np.unique(read[name].to_numpy(), return_inverse=True)[1] for name in read]
    draws, generator = np.empty((bootstraps, len(codes))), np.random.default_rng(seed)
    for draw in range(bootstraps):
        starts = generator.integers(0, days, size=-(-days // BLOCK_DAYS))
        rows = ((starts[:, np.newaxis] + np.arange(BLOCK_DAYS)) % days).ravel()[:days]
        counts = np.bincount(rows, minlength=days)
        draws[draw] = [_weighted_auc(code, counts * event, counts * ~event) for code in codes]
    table = pd.DataFrame({"AUC": [area_under_curve(read[name].to_numpy(), event) for name in read]}, index=read.columns)
    ends = [(1.0 - INTERVAL) / 2.0, (1.0 + INTERVAL) / 2.0]
    table["AUC low"], table["AUC high"] = np.nanquantile(draws, ends, axis=0)
    table["difference"] = table["AUC"] - table["AUC"].to_dict()[benchmark]
    draws -= draws[:, list(read.columns).index(benchmark)][:, np.newaxis]
    table["low"], table["high"] = np.nanquantile(draws, ends, axis=0)
    table.loc[benchmark, ["difference", "low", "high"]] = np.nan
    return table


def _weighted_auc(code: NDArray[np.int64], happened: NDArray[np.int64], not_happened: NDArray[np.int64]) -> float:
    """AUC of days that count several times; `code` is the place of the reading in order, equal readings share it."""
    positive, negative = np.bincount(code, weights=happened), np.bincount(code, weights=not_happened)
    pairs = positive.sum() * negative.sum()
    below = np.cumsum(negative) - 0.5 * negative
    return float(positive @ below / pairs) if pairs > 0.0 else float("nan")


def claims(
    rates: DailyRates,
    policy: Policy,
    *,
    first: str = "2002-01-02",
    horizon: int = 5,
    seed: int = 0,
    bootstraps: int = 500,
) -> ClaimsStudy:
    """Judge every reading against EWMA volatility alone.

    Parameters
    ----------
    rates : DailyRates
        Data up to the as-of date.
    policy : Policy
        Points, volatility and correlation ladders.
    first : str
        First day judged, ISO date; four years of history are needed before it, a later day is taken otherwise.
    horizon : int
        Days looked ahead for losses and large moves.
    seed : int
        Of all bootstraps.
    bootstraps : int
        Draws behind the intervals.

    Returns
    -------
    ClaimsStudy

    Raises
    ------
    DataError
        When less than two years are left to judge.
    """
    read, logs = readings(rates, policy, seed=seed), rates.leg_log_returns()[list(LEGS)]
    happened = _targets(_equal_volatility_index(logs), horizon)
    limits = read.expanding(LEAST_HISTORY).quantile(ALARM).shift(1).dropna()
    begins = max(pd.Timestamp(first), limits.index[0], happened.index[0])
    limits, happened = limits[begins:], happened[begins:]
    judged = happened.index.intersection(limits.index)
    if len(judged) < NORMAL_WINDOW:
        raise DataError(f"expected at least {NORMAL_WINDOW} days to judge, got {len(judged)} since {begins.date()}")
    tables = [
        race(read.loc[judged], happened.loc[judged, target], bootstraps=bootstraps, seed=seed).add_prefix(f"{target}: ")
        for target in TARGETS
    ]
    events = worst_days(logs.mean(axis=1)[limits.index])
    leads = _leads(read.loc[limits.index] > limits, limits.index.isin(events))
    return ClaimsStudy(pd.concat([*tables, leads], axis=1), events, judged[0], len(judged))


def _leads(alarms: pd.DataFrame, events: NDArray[np.bool_]) -> pd.DataFrame:
    """First day with the alarm on in the twenty days before each event, and what chance reaches."""
    rows = {}
    for name in alarms:
        skill = alarm_skill(alarms[name].to_numpy(), events, horizon_days=HORIZON_DAYS)
        rows[str(name)] = (float(np.median(skill.lead_days or np.nan)), skill.hit_rate, skill.chance_hit_rate)
    return pd.DataFrame.from_dict(rows, orient="index", columns=["median lead days", "warned", "by chance"])
