"""The race: every model's forecasts scored, tested, and the champion chosen.

The score is the FZ0 loss of (VaR, ES) at 97.5 %, the level at which the Basel framework asks for expected shortfall.
Tests of VaR are given at 95 and 99 %. The champion is the model of the smallest mean loss inside the 90 % model
confidence set; no single test chooses it.

References
----------
Patton, Ziegel and Chen (2019), J. of Econometrics 211; Hansen, Lunde and Nason (2011), Econometrica 79.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.domain.errors import ModelError
from workbench.risk.backtests import (
    acerbi_szekely_z2,
    christoffersen_conditional_coverage,
    christoffersen_independence,
    diebold_mariano,
    dynamic_quantile,
    fz0_loss,
    kupiec,
    model_confidence_set,
    traffic_light,
)
from workbench.risk.models import BENCHMARK, COMBINATION, MEMBERS, MODELS
from workbench.risk.rolling import RollingForecasts

Floats = NDArray[np.float64]

SCORE_CONFIDENCE = 0.975
VAR_CONFIDENCES = (0.95, 0.99)
TRAFFIC_LIGHT_DAYS = 250


@dataclass(frozen=True, slots=True)
class RecentCoverage:
    """Exceedances of one model at one level over the last days, as the adoption gates read them.

    `zone` is the traffic light over the last 250 of them.
    """

    days: int
    exceedances: int
    expected: float
    exact_p: float
    power: float
    zone: str


@dataclass(frozen=True, slots=True)
class CoverageCheck:
    """All VaR tests of one model at one level over the whole race, each p-value with the power of its test.

    Where there is an exact or simulated p-value, it is the one to judge by: the asymptotic ones reject too often.
    """

    days: int
    exceedances: int
    expected: float
    kupiec_p: float
    exact_p: float
    kupiec_power: float
    christoffersen_p: float
    christoffersen_exact_p: float
    christoffersen_power: float
    independence_p: float
    dynamic_quantile_p: float
    dynamic_quantile_exact_p: float
    dynamic_quantile_power: float


@dataclass(frozen=True, slots=True)
class ShortfallCheck:
    """Acerbi–Szekely Z2 of one model at `SCORE_CONFIDENCE`: below zero means losses were worse than forecast."""

    days: int
    z2: float
    p: float
    power: float


@dataclass(frozen=True, slots=True)
class ModelScore:
    """One line of the race.

    `dm_p` is the two-sided Diebold–Mariano p-value against the benchmark; `mcs_p` the p-value in the model confidence
    set. `coverage` maps a level to its check over the whole race, `recent` to the last days the gates look at.
    """

    name: str
    title: str
    mean_fz0: float
    dm_p: float
    mcs_p: float
    in_mcs: bool
    coverage: dict[float, CoverageCheck]
    recent: dict[float, RecentCoverage]
    shortfall: ShortfallCheck


@dataclass(frozen=True, slots=True)
class Race:
    """Result of a race, best mean loss first, and why models are missing from it."""

    scores: tuple[ModelScore, ...]
    refused: dict[str, str]
    days: int

    @property
    def champion(self) -> ModelScore:
        """Smallest mean loss inside the model confidence set."""
        return next(score for score in self.scores if score.in_mcs)

    def score(self, name: str) -> ModelScore:
        """One line by name.

        Parameters
        ----------
        name : str
            Model.

        Returns
        -------
        ModelScore

        Raises
        ------
        ModelError
            When the model did not run.
        """
        for score in self.scores:
            if score.name == name:
                return score
        raise ModelError(f"{name!r} is not in the race: have {', '.join(score.name for score in self.scores)}")


def title_of(name: str) -> str:
    """Readable title of a model.

    Parameters
    ----------
    name : str
        Model or `COMBINATION`.

    Returns
    -------
    str
    """
    return "Equal-weight combination" if name == COMBINATION else MODELS[name].title


def coverage_check(returns: Floats, value_at_risk: Floats, confidence: float) -> CoverageCheck:
    """All VaR tests of one forecast series.

    Parameters
    ----------
    returns : ndarray, shape (days,)
        Realised returns, oldest first.
    value_at_risk : ndarray, shape (days,)
        Forecasts for the same days, positive loss fractions.
    confidence : float
        Their level.

    Returns
    -------
    CoverageCheck
    """
    exceedances = returns < -value_at_risk
    unconditional = kupiec(exceedances, confidence=confidence)
    conditional = christoffersen_conditional_coverage(exceedances, confidence=confidence)
    dynamic = dynamic_quantile(exceedances, value_at_risk, confidence=confidence)
    return CoverageCheck(
        days=int(exceedances.size),
        exceedances=int(exceedances.sum()),
        expected=float((1 - confidence) * exceedances.size),
        kupiec_p=unconditional.p_value,
        exact_p=unconditional.exact_p_value,
        kupiec_power=unconditional.power,
        christoffersen_p=conditional.p_value,
        christoffersen_exact_p=conditional.exact_p_value,
        christoffersen_power=conditional.power,
        independence_p=christoffersen_independence(exceedances).exact_p_value,
        dynamic_quantile_p=dynamic.p_value,
        dynamic_quantile_exact_p=dynamic.exact_p_value,
        dynamic_quantile_power=dynamic.power,
    )


def recent_coverage(returns: Floats, value_at_risk: Floats, confidence: float) -> RecentCoverage:
    """Exact binomial test and traffic light of the last days.

    Parameters
    ----------
    returns : ndarray, shape (days,)
        Realised returns, oldest first.
    value_at_risk : ndarray, shape (days,)
        Forecasts for the same days, positive loss fractions.
    confidence : float
        Their level.

    Returns
    -------
    RecentCoverage
    """
    exceedances = returns < -value_at_risk
    test = kupiec(exceedances, confidence=confidence)
    return RecentCoverage(
        days=int(exceedances.size),
        exceedances=int(exceedances.sum()),
        expected=float((1 - confidence) * exceedances.size),
        exact_p=test.exact_p_value,
        power=test.power,
        zone=traffic_light(exceedances[-TRAFFIC_LIGHT_DAYS:], confidence=confidence).zone,
    )


def shortfall_check(forecasts: RollingForecasts, name: str, recent_days: int) -> ShortfallCheck:
    """Test expected shortfall over the last days, with the p-value simulated under the law the forecasts imply.

    Parameters
    ----------
    forecasts : RollingForecasts
        One series.
    name : str
        Model.
    recent_days : int
        Days looked at.

    Returns
    -------
    ShortfallCheck
    """
    value_at_risk, shortfall = (values[:-1][-recent_days:] for values in forecasts.of(name, SCORE_CONFIDENCE))
    returns = forecasts.realised[-recent_days:]
    result = acerbi_szekely_z2(returns, value_at_risk, shortfall, confidence=SCORE_CONFIDENCE)
    return ShortfallCheck(int(returns.size), result.statistic, result.p_value, result.power)


def run_race(
    forecasts: RollingForecasts, *, recent_days: int, mcs_size: float, replications: int = 1000, seed: int = 0
) -> Race:
    """Score every model that ran without refusal.

    Parameters
    ----------
    forecasts : RollingForecasts
        One series.
    recent_days : int
        Days the adoption gates look at.
    mcs_size : float
        1 − confidence of the model confidence set.
    replications, seed : int
        Of its bootstrap.

    Returns
    -------
    Race

    Raises
    ------
    ModelError
        When the benchmark itself was refused.
    """
    running = [name for name in forecasts.names if name not in forecasts.refused]
    if BENCHMARK not in running:
        raise ModelError(f"the benchmark {BENCHMARK} was refused: {forecasts.refused[BENCHMARK][1]}")
    returns = forecasts.realised
    losses = np.column_stack([fz0_of(forecasts, name) for name in running])
    chosen = model_confidence_set(losses, running, size=mcs_size, replications=replications, seed=seed)
    benchmark = losses[:, running.index(BENCHMARK)]
    scores = []
    for place, name in enumerate(running):
        at = {c: forecasts.of(name, c)[0][:-1] for c in VAR_CONFIDENCES}
        scores.append(
            ModelScore(
                name=name,
                title=title_of(name),
                mean_fz0=float(losses[:, place].mean()),
                dm_p=1.0 if name == BENCHMARK else diebold_mariano(losses[:, place], benchmark).p_value,
                mcs_p=chosen.p_values[name],
                in_mcs=name in chosen.members,
                coverage={c: coverage_check(returns, var, c) for c, var in at.items()},
                recent={c: recent_coverage(returns[-recent_days:], v[-recent_days:], c) for c, v in at.items()},
                shortfall=shortfall_check(forecasts, name, recent_days),
            )
        )
    scores.sort(key=lambda score: score.mean_fz0)
    refused = {name: reason for name, (_, reason) in forecasts.refused.items()}
    lost = [name for name in MEMBERS if name in refused]
    if lost:
        refused[COMBINATION] = f"its member {lost[0]} was refused"
    return Race(tuple(scores), refused, int(returns.size))


def fz0_of(forecasts: RollingForecasts, name: str) -> Floats:
    """FZ0 loss of one model at `SCORE_CONFIDENCE`, a value per day.

    Parameters
    ----------
    forecasts : RollingForecasts
        One series.
    name : str
        Model.

    Returns
    -------
    ndarray, shape (days,)
        Smaller is better.
    """
    value_at_risk, shortfall = forecasts.of(name, SCORE_CONFIDENCE)
    return fz0_loss(forecasts.realised, value_at_risk[:-1], shortfall[:-1], confidence=SCORE_CONFIDENCE)
