"""What all trials together say: the primary gate, and how far to trust what passes it."""

import math
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.domain.errors import ConfigError
from workbench.domain.tables import html_table
from workbench.research.market import periods_per_year
from workbench.research.overfitting import (
    BacktestOverfitting,
    DeflatedSharpe,
    EffectiveTrials,
    SuperiorPredictiveAbility,
    deflated_both,
    effective_trials,
    haircut_all,
    minimum_backtest_length,
    probability_of_backtest_overfitting,
    step_m,
    superior_predictive_ability,
)
from workbench.research.overfitting.haircut import METHODS
from workbench.research.overfitting.panel import sharpe_ratios
from workbench.research.walk_forward import finite_returns

Floats = NDArray[np.float64]

BEYOND, MOST_SAMPLES = 5, 50_000
"""Samples wanted beyond the critical value, and the most that are drawn for it."""
SIGNIFICANCE = 0.05
"""Probability, over all trials together, of calling at least one strategy without an edge significant."""


@dataclass(frozen=True, slots=True)
class GateSettings:
    """How the gate is run.

    Attributes
    ----------
    bootstraps : int
        Samples of the stationary bootstrap.
    blocks : int
        Blocks of the cross-validation behind the probability of backtest overfitting.
    significance : float
        Familywise error over all trials.
    block : float, optional
        Mean block length of the bootstrap in periods; chosen from the data when left out.
    """

    bootstraps: int = 1_000
    blocks: int = 16
    significance: float = SIGNIFICANCE
    block: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What all trials together say.

    Attributes
    ----------
    trial_count : int
        Every configuration ever tried, discarded ideas too.
    years : float
        Length of the history.
    superior : tuple of str
        Strategies that beat zero by StepM (Romano and Wolf 2005) at the gate's familywise error: the primary gate.
    predictive_ability : SuperiorPredictiveAbility
        Hansen's test over all trials, and White's reality check.
    overfitting : BacktestOverfitting or None
        None when there is one series only, or none that earns: there is nothing to rank.
    deflated : DeflatedSharpe or None
        None when there is one series only; else of the best Sharpe ratio of all, by both conventions.
    haircuts : tuple of float
        Best annual Sharpe ratio, then what is left of it after the haircut by Bonferroni, Holm and BHY (Harvey and Liu
        2015), over the trials there is a series of.
    effective : EffectiveTrials or None
        None when there is one series only; else independent trials that would be as varied.
    backtest_years : float
        Years after which the best of so many trials without an edge no longer reaches an annual Sharpe ratio of 1.
    """

    trial_count: int
    years: float
    superior: tuple[str, ...] = field(repr=False)
    predictive_ability: SuperiorPredictiveAbility = field(repr=False)
    overfitting: BacktestOverfitting | None = field(repr=False)
    deflated: DeflatedSharpe | None = field(repr=False)
    haircuts: tuple[float, float, float, float] = field(repr=False)
    effective: EffectiveTrials | None = field(repr=False)
    backtest_years: float

    @property
    def is_significant(self) -> bool:
        """Whether any strategy is superior after all trials."""
        return bool(self.superior)

    @property
    def sentence(self) -> str:
        """The one sentence every page repeats."""
        return f"significant after {self.trial_count} trials: {'yes' if self.is_significant else 'no'}"

    def lines(self) -> list[tuple[str, str]]:
        """What is measured, and its value in words.

        Returns
        -------
        list of (str, str)
        """
        spa, lines = self.predictive_ability, []
        if self.deflated is not None and self.effective is not None:
            lines = [
                ("deflated Sharpe of the best, variance across trials", f"{self.deflated.across_trials:.3f}"),
                ("deflated Sharpe of the best, sampling variance", f"{self.deflated.sampling:.3f}"),
                ("effective number of trials", f"{float(self.effective):.0f} of {self.trial_count}"),
            ]
        if self.overfitting is not None:
            low, high = (f"{100 * edge:.0f}" for edge in self.overfitting.interval)
            chance = f"{100 * self.overfitting.probability:.0f} % (90 % interval {low} to {high} %)"
            lines.append(("probability of backtest overfitting", chance))
        return [
            ("superior by StepM, 5 % over all", ", ".join(self.superior) if self.superior else "none"),
            ("superior predictive ability, p", f"{spa.consistent:.3f}"),
            ("White's reality check, p", f"{spa.reality_check:.3f}"),
            *lines,
            (
                "best annual Sharpe; after haircut by Bonferroni, Holm, BHY",
                f"{self.haircuts[0]:+.2f}; " + ", ".join(f"{cut:.2f}" for cut in self.haircuts[1:]),
            ),
            ("years of data, and needed for a Sharpe ratio of 1", f"{self.years:.1f}, {self.backtest_years:.1f}"),
        ]

    def _repr_html_(self) -> str:
        caption = self.sentence[0].upper() + self.sentence[1:]
        return html_table(["all trials together", "value"], [list(line) for line in self.lines()], caption=caption)


def gather_evidence(
    returns: pd.DataFrame,
    *,
    generator: np.random.Generator,
    trial_count: int | None = None,
    settings: GateSettings = GateSettings(),
) -> Evidence:
    """Test all trials together.

    Parameters
    ----------
    returns : DataFrame, shape (periods, trials)
        Net returns of every trial there is a series of.
    generator : numpy Generator
        Of the bootstraps.
    trial_count : int, optional
        Every configuration ever tried; those without a series here make the familywise error stricter in proportion.
    settings : GateSettings, optional
        Bootstraps, blocks, familywise error.

    Returns
    -------
    Evidence

    Raises
    ------
    ConfigError
        When fewer trials are counted than there are series.
    DataError
        When a return is not finite, or nothing moves.
    """
    values = finite_returns(returns)
    count = values.shape[1] if trial_count is None else trial_count
    if count < values.shape[1]:
        raise ConfigError(f"trial_count is {count}, but there are {values.shape[1]} series: every trial counts")
    size = settings.significance * values.shape[1] / count
    # a strict size is a far quantile: a few samples have to lie beyond it
    samples = max(settings.bootstraps, min(math.ceil(BEYOND / size), MOST_SAMPLES))
    found = step_m(values, generator=generator, size=size, bootstraps=samples, block=settings.block)
    ability = superior_predictive_ability(
        values, generator=generator, bootstraps=settings.bootstraps, block=settings.block
    )
    several = values.shape[1] > 1
    best = int(np.argmax(sharpe_ratios(values)))
    years = len(values) / periods_per_year(pd.DatetimeIndex(returns.index))
    names = [str(name) for name in returns.columns]
    strongest = sorted(found.tolist(), key=lambda column: -float(sharpe_ratios(values[:, [column]])[0]))
    return Evidence(
        count,
        years,
        tuple(names[column] for column in strongest),
        ability,
        _overfitting(values, settings.blocks) if several else None,
        deflated_both(values, best, trial_count=count) if several else None,
        _haircuts(values, best, len(values) / years),
        effective_trials(values) if several else None,
        minimum_backtest_length(count) if count > 1 else 0.0,
    )


def _overfitting(values: Floats, blocks: int) -> BacktestOverfitting | None:
    """The cross-validation, or None when all that moves loses, so that what never moves is chosen every time."""
    if (sharpe_ratios(values) <= 0.0).all():
        return None
    return probability_of_backtest_overfitting(values, blocks=blocks)


def _haircuts(values: Floats, best: int, periods_per_year: float) -> tuple[float, float, float, float]:
    """The best annual Sharpe ratio, and after each adjustment of all p-values."""
    ratios, scale = sharpe_ratios(values), np.sqrt(periods_per_year)
    left = [haircut_all(ratios, observations=len(values), method=method) for method in METHODS]
    cut = [float(one.haircut_sharpe_ratios[best] * scale) for one in left]
    return (float(ratios[best] * scale), cut[0], cut[1], cut[2])
