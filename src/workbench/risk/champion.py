"""Every backtest of one model, with the question it asks and what a rejection means.

VaR tests run at 95 and 99 % over the whole race, expected-shortfall tests at 97.5 %. Where a test has an exact or
simulated p-value, that one is judged: the asymptotic ones reject too often in samples of this kind. Among twenty tests
at 5 % one rejects by luck.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.domain.errors import ModelError
from workbench.domain.tables import Number, html_table, number
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
Run = Callable[[], Any]

SIGNIFICANT = 0.05
VAR_LEVELS, SHORTFALL_LEVEL, ALL_LEVELS = (0.95, 0.99), 0.975, (0.95, 0.975, 0.99)
TRAFFIC_LIGHT_DAYS = 250
AGAINST, NOTHING, NOT_RUN = "speaks against it", "nothing against it", "cannot be run"


@dataclass(frozen=True, slots=True)
class BacktestLine:
    """One backtest of one model.

    Parameters
    ----------
    test, question, level : str
        Name, what it asks, confidence of the forecasts it looks at.
    statistic : float or None
        Test statistic; None together with the p-values when the test could not be run, `note` then says why.
    p : float or None
        The p-value that is judged: exact or simulated.
    asymptotic_p : float or None
        P-value of a large sample, None where the test has none of its own.
    power : float or None
        Probability of rejection under `alternative` at size 5 %.
    alternative : str
        Error the power is stated against.
    verdict : str
        `AGAINST`, `NOTHING` or `NOT_RUN`; of the traffic light, every zone but the green one speaks against.
    meaning : str
        What a rejection means.
    note : str
        Why the test could not be run, or the zone of the traffic light.
    """

    test: str
    question: str
    level: str
    statistic: float | None
    p: float | None
    asymptotic_p: float | None
    power: float | None
    alternative: str
    verdict: str
    meaning: str
    note: str = ""

    @property
    def rejects(self) -> bool:
        """Whether it speaks against the model."""
        return self.verdict == AGAINST

    @property
    def sentence(self) -> str:
        """The verdict in words, with its meaning when it speaks against the model."""
        words = f"{self.verdict}: {self.meaning}" if self.rejects else self.verdict
        return f"{words} ({self.note})" if self.note else words


@dataclass(frozen=True, slots=True)
class ChampionTests:
    """All backtests of one model, VaR tests first."""

    model: str
    lines: tuple[BacktestLine, ...]

    def __iter__(self) -> Iterator[BacktestLine]:
        return iter(self.lines)

    @property
    def rejecting(self) -> tuple[BacktestLine, ...]:
        """Those that speak against the model."""
        return tuple(line for line in self.lines if line.rejects)

    @property
    def verdict(self) -> str:
        """How many speak against the model, beside how many would by luck."""
        ran = sum(line.verdict != NOT_RUN for line in self.lines)
        return (
            f"{len(self.rejecting)} of {ran} backtests speak against {self.model} at 5 %; "
            f"about {ran * SIGNIFICANT:.0f} would by luck alone"
        )

    def _repr_html_(self) -> str:
        rows = [
            [
                line.test,
                line.level,
                line.question,
                _shown(line.statistic, ".2f"),
                _shown(line.asymptotic_p),
                _shown(line.p),
                _shown(line.power, ".2f"),
                line.sentence,
            ]
            for line in self.lines
        ]
        head = ["test", "level", "what it asks", "statistic", "asymptotic p", "p judged", "power", "verdict"]
        return html_table(head, rows, caption=self.verdict)


def champion_tests(forecasts: RollingForecasts, name: str) -> ChampionTests:
    """Run every backtest on one model.

    Parameters
    ----------
    forecasts : RollingForecasts
        One series.
    name : str
        Model.

    Returns
    -------
    ChampionTests
        A test that the sample is too short for (a mean over exceedances without any) is a line that says so.

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
            lambda: multinomial_test(exceedances, confidences=ALL_LEVELS),
            "the tail has the wrong shape",
        )
    )
    lines += _shortfall_lines(returns, *at[SHORTFALL_LEVEL])
    return ChampionTests(name, (*lines, *_cumulative_lines(tail_probabilities(returns, at))))


def _coverage_lines(returns: Floats, value_at_risk: Floats, level: float) -> list[BacktestLine]:
    hits = returns < -value_at_risk
    shown = f"{level:.0%}".replace("%", " %")
    tests: tuple[tuple[str, str, Run, str], ...] = (
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
    lines = [_line(test, question, shown, run, meaning) for test, question, run, meaning in tests]
    return [*lines, _traffic_line(hits[-TRAFFIC_LIGHT_DAYS:], level, shown)]


def _traffic_line(hits: NDArray[np.bool_], level: float, shown: str) -> BacktestLine:
    recent = traffic_light(hits, confidence=level)
    question = f"Which zone of the Basel framework, over the last {hits.size} days?"
    line = _line("traffic light", question, shown, lambda: recent, "too many exceedances of late")
    verdict = NOTHING if recent.zone == "green" else AGAINST
    # Its two p-values are one and the same exact binomial probability: there is no asymptotic one.
    return replace(line, asymptotic_p=None, verdict=verdict, note=f"{recent.zone} zone")


def _shortfall_lines(returns: Floats, value_at_risk: Floats, shortfall: Floats) -> list[BacktestLine]:
    shown, worse = "97.5 %", "losses beyond VaR are worse than expected shortfall says"
    return [
        _line(
            "Acerbi–Szekely Z1",
            "Given an exceedance, is the loss as large as expected shortfall?",
            shown,
            lambda: acerbi_szekely_z1(returns, value_at_risk, shortfall, confidence=SHORTFALL_LEVEL),
            worse,
        ),
        _line(
            "Acerbi–Szekely Z2",
            "How many exceedances, and how large, at once?",
            shown,
            lambda: acerbi_szekely_z2(returns, value_at_risk, shortfall, confidence=SHORTFALL_LEVEL),
            "exceedances are too many or too large",
        ),
        _line(
            "McNeil–Frey",
            "Is the mean loss beyond VaR above expected shortfall?",
            shown,
            lambda: mcneil_frey(returns, value_at_risk, shortfall),
            worse,
        ),
    ]


def _cumulative_lines(probability: Floats) -> list[BacktestLine]:
    result = du_escanciano(probability, confidence=SHORTFALL_LEVEL)
    line = _line(
        "Du–Escanciano, unconditional",
        "Is the whole tail right on average? (interpolated between the levels)",
        "97.5 %",
        lambda: result,
        "the tail beyond VaR is wrong on average",
    )
    conditional = replace(
        line,
        test="Du–Escanciano, conditional",
        question="Does a loss beyond VaR foretell the next one, and its depth?",
        statistic=result.conditional_statistic,
        p=result.conditional_exact_p_value,
        asymptotic_p=result.conditional_p_value,
        power=result.conditional_power,
        alternative=result.conditional_alternative,
        verdict=_verdict(result.conditional_exact_p_value),
        meaning="deep losses come in clusters",
    )
    return [line, conditional]


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


def _line(test: str, question: str, level: str, run: Run, meaning: str) -> BacktestLine:
    try:
        result = run()
    except ModelError as error:
        # Z1 and McNeil–Frey are means over exceedances: a cautious model in a short race may leave them nothing.
        return BacktestLine(test, question, level, None, None, None, None, "", NOT_RUN, meaning, str(error))
    exact = getattr(result, "exact_p_value", None)
    p = float(result.p_value if exact is None else exact)
    return BacktestLine(
        test=test,
        question=question,
        level=level,
        statistic=float(result.statistic),
        p=p,
        asymptotic_p=None if exact is None else float(result.p_value),
        power=float(result.power),
        alternative=result.alternative,
        verdict=_verdict(p),
        meaning=meaning,
    )


def _verdict(p: float) -> str:
    return AGAINST if p < SIGNIFICANT else NOTHING


def _shown(value: float | None, form: str = ".3f") -> Number:
    return number(float("nan") if value is None else value, form)
