"""Every backtest of one model, with the question it asks and what a rejection means.

VaR tests run at 95 and 99 % over the whole race, expected-shortfall tests at 97.5 %. Where a test has an exact or
simulated p-value, that one is judged: the asymptotic ones reject too often in samples of this kind. Among twenty tests
at 5 % one rejects by luck.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.domain.errors import ModelError
from workbench.risk.backtests import (
    acerbi_szekely_z1,
    acerbi_szekely_z2,
    christoffersen_conditional_coverage,
    christoffersen_independence,
    du_escanciano,
    duration_test,
    dynamic_quantile,
    kupiec,
    mcneil_frey,
    multinomial_test,
    traffic_light,
    tuff,
)
from workbench.risk.rolling import RollingForecasts

Floats = NDArray[np.float64]

SIGNIFICANT = 0.05
VAR_LEVELS, SHORTFALL_LEVEL, ALL_LEVELS = (0.95, 0.99), 0.975, (0.95, 0.975, 0.99)
TRAFFIC_LIGHT_DAYS = 250


@dataclass(frozen=True, slots=True)
class BacktestLine:
    """One backtest: `p` is the exact or simulated p-value where the test has one, `power` None where none is stated."""

    test: str
    question: str
    level: str
    statistic: float
    p: float
    power: float | None
    meaning: str

    @property
    def rejects(self) -> bool:
        """Whether it speaks against the model at 5 %."""
        return self.p < SIGNIFICANT

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        return self.meaning if self.rejects else "nothing against it"


def champion_tests(forecasts: RollingForecasts, name: str) -> tuple[BacktestLine, ...]:
    """Run every backtest on one model.

    Parameters
    ----------
    forecasts : RollingForecasts
        One series.
    name : str
        Model.

    Returns
    -------
    tuple of BacktestLine
        VaR tests first; a test that cannot be run on these forecasts is left out by none: it raises.

    Raises
    ------
    ModelError
        When the model was refused in this race.
    """
    if name in forecasts.refused:
        raise ModelError(f"{name} was refused: {forecasts.refused[name][1]}")
    returns = forecasts.realised
    at = {level: tuple(values[:-1] for values in forecasts.of(name, level)) for level in ALL_LEVELS}
    lines: list[BacktestLine] = []
    for level in VAR_LEVELS:
        lines += _coverage_lines(returns, at[level][0], level)
    exceedances = np.column_stack([returns < -at[level][0] for level in ALL_LEVELS])
    lines.append(
        _line(
            "multinomial (Nass)",
            "Are exceedances of all three levels as many as they should be?",
            "95, 97.5, 99 %",
            multinomial_test(exceedances, confidences=ALL_LEVELS),
            "the tail has the wrong shape",
        )
    )
    return (*lines, *_shortfall_lines(returns, at))


def _coverage_lines(returns: Floats, value_at_risk: Floats, level: float) -> list[BacktestLine]:
    hits = returns < -value_at_risk
    shown = f"{level:.0%}".replace("%", " %")
    recent = traffic_light(hits[-TRAFFIC_LIGHT_DAYS:], confidence=level)
    tests: tuple[tuple[str, str, Callable[[], Any], str], ...] = (
        (
            "Kupiec",
            "Is VaR exceeded as often as it should be?",
            lambda: kupiec(hits, confidence=level),
            "too many exceedances, or too few",
        ),
        (
            "time until first failure",
            "Did the first exceedance come too early or too late?",
            lambda: tuff(hits, confidence=level),
            "the first exceedance came at an unlikely time",
        ),
        (
            "Christoffersen independence",
            "Does an exceedance make another one more likely tomorrow?",
            lambda: christoffersen_independence(hits),
            "exceedances come in clusters",
        ),
        (
            "Christoffersen conditional coverage",
            "Both at once: how often, and one after the other?",
            lambda: christoffersen_conditional_coverage(hits, confidence=level),
            "too many exceedances, or clusters",
        ),
        (
            "durations (Weibull)",
            "Are the days between exceedances without memory?",
            lambda: duration_test(hits),
            "exceedances come in spells",
        ),
        (
            "dynamic quantile",
            "Can past days and VaR itself foretell an exceedance?",
            lambda: dynamic_quantile(hits, value_at_risk, confidence=level),
            "past days foretell exceedances: VaR reacts too slowly",
        ),
    )
    lines = [_line(test, question, shown, run(), meaning) for test, question, run, meaning in tests]
    zone = f"traffic light, 250 days: {recent.zone}"
    question = "Which zone of the Basel framework, over the last 250 days?"
    lines.append(_line(zone, question, shown, recent, "too many exceedances of late"))
    return lines


def _shortfall_lines(returns: Floats, at: dict[float, tuple[Floats, ...]]) -> list[BacktestLine]:
    value_at_risk, shortfall = at[SHORTFALL_LEVEL]
    shown = "97.5 %"
    worse = "losses beyond VaR are worse than expected shortfall says"
    probability = tail_probabilities(returns, at)
    return [
        _line(
            "Acerbi–Szekely Z1",
            "Given an exceedance, is the loss as large as expected shortfall?",
            shown,
            acerbi_szekely_z1(returns, value_at_risk, shortfall, confidence=SHORTFALL_LEVEL),
            worse,
        ),
        _line(
            "Acerbi–Szekely Z2",
            "How many exceedances, and how large, at once?",
            shown,
            acerbi_szekely_z2(returns, value_at_risk, shortfall, confidence=SHORTFALL_LEVEL),
            "exceedances are too many or too large",
        ),
        _line(
            "McNeil–Frey",
            "Is the mean loss beyond VaR above expected shortfall?",
            shown,
            mcneil_frey(returns, value_at_risk, shortfall),
            worse,
        ),
        _line(
            "Du–Escanciano",
            "Is the whole tail right on average? (tail between the levels interpolated)",
            shown,
            du_escanciano(probability, confidence=SHORTFALL_LEVEL),
            "the tail beyond VaR is wrong on average",
        ),
    ]


def tail_probabilities(returns: Floats, at: dict[float, tuple[Floats, ...]]) -> Floats:
    """Probability the model gave to a return at most as large, from its quantiles in the left tail.

    Parameters
    ----------
    returns : ndarray, shape (days,)
        Realised returns.
    at : dict
        Level → VaR and ES of each day.

    Returns
    -------
    ndarray, shape (days,)
        Exact at the three levels; log-linear between them; beyond the last an exponential tail whose mean is the
        expected shortfall there; 1 above the first level, where no test of the tail looks.
    """
    loss = -returns
    levels = sorted(at)
    found = np.ones(returns.size)
    for low, high in pairwise(levels):
        inside = loss > at[low][0]
        share = (loss - at[low][0]) / np.maximum(at[high][0] - at[low][0], np.finfo(float).tiny)
        between = (1 - low) * ((1 - high) / (1 - low)) ** np.clip(share, 0.0, 1.0)
        found = np.where(inside, between, found)
    last = levels[-1]
    value_at_risk, shortfall = at[last]
    scale = np.maximum(shortfall - value_at_risk, np.finfo(float).tiny)
    beyond = (1 - last) * np.exp(-np.clip((loss - value_at_risk) / scale, 0.0, 700.0))
    return np.where(loss > value_at_risk, beyond, found)


def _line(test: str, question: str, level: str, result: Any, meaning: str) -> BacktestLine:
    p = getattr(result, "exact_p_value", None)
    return BacktestLine(
        test,
        question,
        level,
        float(result.statistic),
        float(result.p_value if p is None else p),
        None if getattr(result, "power", None) is None else float(result.power),
        meaning,
    )
