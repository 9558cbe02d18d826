"""Do the alarms warn? Lead times and false alarms against the worst days of 27 years, beside what chance reaches.

Every alarm on a day is made from rows up to that day: trailing normals, expanding quantiles, no threshold tuned on the
events. The events themselves are the worst days of the seven-leg index, picked with hindsight, as events must be.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import binomtest

from workbench.data.rates import DailyRates
from workbench.domain.currencies import LEGS
from workbench.domain.errors import DataError
from workbench.domain.policy import Policy
from workbench.domain.tables import html_table, number, percent
from workbench.risk.correlation import (
    AlarmSkill,
    absorption_ratio,
    alarm_skill,
    breakdown_alarms,
    correlation_path,
    standardised_shift,
    turbulence,
)
from workbench.risk.volatility import DAILY_DECAY, NORMAL_WINDOW, ewma_volatility

Floats = NDArray[np.float64]

EVENTS, APART_DAYS = 10, 60
HORIZON_DAYS = 20
LEAVE_SHARE, DWELL_DAYS = 0.8, 5
SHIFT_ALARM = 1.0
"""One deviation of the absorption ratio's shift: the alarm of Kritzman et al. (2011)."""
QUANTILE, LEAST_HISTORY = 0.99, 500
SIGNIFICANT = 0.05


@dataclass(frozen=True, slots=True)
class JudgedAlarm:
    """One alarm: what it is, its reading and threshold by day, and what it was worth."""

    name: str
    reading: pd.Series
    threshold: pd.Series
    skill: AlarmSkill

    @property
    def p_value(self) -> float:
        """Chance of at least so many hits by an alarm of this shape that knows nothing (binomial, one-sided)."""
        return float(
            binomtest(self.skill.hits, self.skill.events, self.skill.chance_hit_rate, alternative="greater").pvalue
        )


@dataclass(frozen=True, slots=True)
class BaseRates:
    """Share of days on which each reading of a rung was above its trigger."""

    shares: dict[str, float]

    def _repr_html_(self) -> str:
        rows = [[name, percent(share, 1)] for name, share in self.shares.items()]
        return html_table(["reading", "share of days"], rows, caption="How often the rungs would have spoken")


@dataclass(frozen=True, slots=True)
class EarlyWarningStudy:
    """Alarms against events since `first`, and how often each rung of the policy would have spoken."""

    index_returns: pd.Series
    events: tuple[pd.Timestamp, ...]
    alarms: tuple[JudgedAlarm, ...]
    base_rates: dict[str, float]

    @property
    def verdict(self) -> str:
        """In one sentence, the bad news first."""
        useful = [one.name for one in self.alarms if one.p_value < SIGNIFICANT]
        if not useful:
            return (
                f"No alarm warns: none of {len(self.alarms)} hits the {len(self.events)} worst days more often than "
                "an alarm of its shape that knows nothing."
            )
        expected = len(self.alarms) * SIGNIFICANT
        return (
            f"{len(useful)} of {len(self.alarms)} alarms hit more often than chance at 5 % ({', '.join(useful)}); "
            f"{expected:.2g} would by luck alone, and {len(self.events)} events are few."
        )

    @property
    def frame(self) -> pd.DataFrame:
        """One row an alarm."""
        rows = [
            {
                "alarm": one.name,
                "share of days on": one.skill.alarm_share,
                "hit rate": one.skill.hit_rate,
                "by chance": one.skill.chance_hit_rate,
                "p": one.p_value,
                "median lead days": float(np.median(one.skill.lead_days)) if one.skill.lead_days else float("nan"),
                "false alarms a year": one.skill.false_alarms_per_year,
            }
            for one in self.alarms
        ]
        return pd.DataFrame(rows).set_index("alarm")

    @property
    def base_rate_table(self) -> "BaseRates":
        """How often each rung would have spoken."""
        return BaseRates(self.base_rates)

    def _repr_html_(self) -> str:
        rows = [
            [
                one.name,
                percent(one.skill.alarm_share, 1),
                f"{one.skill.hits} of {one.skill.events}",
                percent(one.skill.chance_hit_rate, 0),
                number(one.p_value, ".3f"),
                number(float(np.median(one.skill.lead_days)), ".0f") if one.skill.lead_days else "–",
                number(one.skill.false_alarms_per_year, ".1f"),
            ]
            for one in self.alarms
        ]
        heads = ["alarm", "on", "hits", "by chance", "p", "median lead, days", "false alarms a year"]
        return html_table(heads, rows, caption=self.verdict)


def worst_days(returns: pd.Series, *, count: int = EVENTS, apart_days: int = APART_DAYS) -> tuple[pd.Timestamp, ...]:
    """The worst days of a series, each at least some rows from every worse one.

    Parameters
    ----------
    returns : Series
        By day, oldest first.
    count : int
        How many.
    apart_days : int
        Rows between two of them.

    Returns
    -------
    tuple of Timestamp
        Oldest first.
    """
    taken: list[int] = []
    for row in np.argsort(returns.to_numpy(), kind="stable"):
        if len(taken) < count and all(abs(int(row) - other) >= apart_days for other in taken):
            taken.append(int(row))
    return tuple(sorted(returns.index[row] for row in taken))


def trailing_correlation(legs: pd.DataFrame) -> pd.DataFrame:
    """Leg correlations of each day against their trailing 500-day median.

    Parameters
    ----------
    legs : DataFrame, shape (days, legs)
        Log returns, oldest first.

    Returns
    -------
    DataFrame
        ``drift`` (mean absolute change), ``level`` (mean absolute correlation) and ``moved`` (correlations above 0.8
        that have moved by more than 0.3) by day; a day uses rows up to itself.
    """
    path = correlation_path(legs.to_numpy(), decay=DAILY_DECAY)
    rows, columns = np.tril_indices(legs.shape[1], -1)
    flat = pd.DataFrame(path[:, rows, columns], index=legs.index[-len(path) :])
    normal = flat.rolling(NORMAL_WINDOW).median().shift(1)
    change = (flat - normal).abs()
    moved = ((flat.abs() > 0.8) & (change > 0.3)).sum(axis=1)
    frame = pd.DataFrame({"drift": change.mean(axis=1), "level": flat.abs().mean(axis=1), "moved": moved})
    return frame[normal.notna().all(axis=1)]


def volatility_ratio(legs: pd.DataFrame) -> pd.Series:
    """Mean over the legs of EWMA volatility over its trailing 500-day median.

    Parameters
    ----------
    legs : DataFrame, shape (days, legs)
        Log returns, oldest first.

    Returns
    -------
    Series
        By day; the reading at the end of the day.
    """
    volatility = pd.DataFrame(ewma_volatility(legs.to_numpy(), decay=DAILY_DECAY)[1:], index=legs.index)
    return (volatility / volatility.rolling(NORMAL_WINDOW).median()).mean(axis=1).dropna()


def early_warning(rates: DailyRates, policy: Policy, *, first: str = "2002-01-02") -> EarlyWarningStudy:
    """Study the alarms.

    Parameters
    ----------
    rates : DailyRates
        Data up to the as-of date.
    policy : Policy
        Triggers of the volatility and correlation ladders.
    first : str
        First day judged, ISO date; alarms need about three years of history before it.

    Returns
    -------
    EarlyWarningStudy

    Raises
    ------
    DataError
        When less than two years are left to judge.
    """
    legs = rates.leg_log_returns()[list(LEGS)]
    values, days = legs.to_numpy(), legs.index
    ratio, correlation = volatility_ratio(legs), trailing_correlation(legs)
    distances = turbulence(values)
    turbulent = pd.Series(distances, index=days[-len(distances) :])
    shifts = standardised_shift(absorption_ratio(values))
    shift = pd.Series(shifts, index=days[-len(shifts) :])
    expanding = turbulent.expanding(LEAST_HISTORY).quantile(QUANTILE).shift(1).dropna()
    begins = max(pd.Timestamp(first), *(series.index[0] for series in (shift, ratio, correlation, expanding)))
    judged = days[days >= begins]
    if len(judged) < NORMAL_WINDOW:
        raise DataError(f"expected at least {NORMAL_WINDOW} days to judge, got {len(judged)} since {begins.date()}")
    index = legs.mean(axis=1)[judged]
    events = worst_days(index)
    volatility, ladder = policy.ladders.volatility, policy.ladders.correlation
    alarms = {
        "volatility over normal": (ratio, pd.Series(volatility.rung_1.trigger, index=judged)),
        "turbulence": (turbulent, expanding),
        "shift of the absorption ratio": (shift, pd.Series(SHIFT_ALARM, index=judged)),
        "correlation drift": (correlation["drift"], pd.Series(ladder.rung_1.trigger, index=judged)),
    }
    judged_alarms = tuple(
        _judge(name, reading[judged], threshold[judged], judged.isin(events))
        for name, (reading, threshold) in alarms.items()
    )
    rates_of_rungs = {
        **{
            f"volatility above {rung.trigger:g} times normal": float((ratio > rung.trigger).mean())
            for rung in (volatility.rung_1, volatility.rung_2, volatility.rung_3)
        },
        f"correlation drift above {ladder.rung_1.trigger:g}": float(
            (correlation["drift"] > ladder.rung_1.trigger).mean()
        ),
        f"mean absolute correlation above {ladder.rung_2.trigger:g}": float(
            (correlation["level"] > ladder.rung_2.trigger).mean()
        ),
        f"{ladder.rung_2.moved_count} or more high correlations that moved": float(
            (correlation["moved"] >= ladder.rung_2.moved_count).mean()
        ),
    }
    return EarlyWarningStudy(index, events, judged_alarms, rates_of_rungs)


def _judge(name: str, reading: pd.Series, threshold: pd.Series, events: NDArray[np.bool_]) -> JudgedAlarm:
    # in units of the threshold of the day, so that one that grows can be met by the same hysteresis
    scaled = (reading / threshold).to_numpy()
    alarms = breakdown_alarms(scaled, enter=1.0, leave=LEAVE_SHARE, dwell_days=DWELL_DAYS)
    return JudgedAlarm(name, reading, threshold, alarm_skill(alarms, events, horizon_days=HORIZON_DAYS))
