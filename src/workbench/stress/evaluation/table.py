"""Scenarios together: survival, degradation, amplification, resilience, premium, and whether it is the controls."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from workbench.domain.errors import DataError
from workbench.domain.policy import Policy
from workbench.domain.tables import Number, html_list, html_table, number, percent
from workbench.stress.evaluation.comparison import Skill, lock_in_rate, skill
from workbench.stress.evaluation.measures import Resilience, SurvivalRate, resilience, survival
from workbench.stress.runs import PLACEBO, RUNS, WITH, WITHOUT, ScenarioRun

BOOTSTRAPS = 2_000
INTERVAL = (0.05, 0.95)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over scenarios with its 90 % interval, by bootstrap over them."""

    value: float
    interval: tuple[float, float]


@dataclass(frozen=True, eq=False)
class StressTable:
    """A set of scenarios that have been run with one book.

    Attributes
    ----------
    runs : tuple of ScenarioRun
        In order.
    left_out : tuple of str
        Scenarios that could not be run, and why.
    policy : Policy
        Its targets and weights.
    """

    runs: tuple[ScenarioRun, ...] = field(repr=False)
    left_out: tuple[str, ...]
    policy: Policy = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse to say anything of nothing."""
        names = [one.staged.name for one in self.runs]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise DataError(f"two scenarios are named {min(twice)!r}")
        if not self.runs:
            raise DataError("no scenario could be run: " + ("; ".join(self.left_out) or "none was given"))

    def survival(self, run: str = WITH) -> SurvivalRate:
        """Share of the scenarios survived by one of the runs.

        Parameters
        ----------
        run : str
            One of `RUNS`.

        Returns
        -------
        SurvivalRate
        """
        limit = self.policy.success.technical.survival_drawdown_below
        return survival([one.drawdown(run) for one in self.runs], drawdown_below=limit)

    def estimate(self, measure: Callable[[ScenarioRun], float]) -> Estimate:
        """Mean of a measure over the scenarios that have it, with its interval.

        Parameters
        ----------
        measure : callable
            Of one run.

        Returns
        -------
        Estimate
            NaN where no scenario has it.
        """
        values = np.array([measure(one) for one in self.runs], dtype=float)
        values = values[np.isfinite(values)]
        if not values.size:
            return Estimate(float("nan"), (float("nan"), float("nan")))
        generator = np.random.Generator(np.random.PCG64(0))
        means = values[generator.integers(0, values.size, (BOOTSTRAPS, values.size))].mean(axis=1)
        low, high = np.quantile(means, INTERVAL)
        return Estimate(float(values.mean()), (float(low), float(high)))

    def resilience(self, run: str = WITH) -> Resilience:
        """Score of one of the runs; without controls nothing has to recover.

        Parameters
        ----------
        run : str
            One of `RUNS`.

        Returns
        -------
        Resilience
        """
        kept, worse, louder, back = self._parts[run].mean(axis=0).tolist()
        return resilience(
            survival_rate=kept, degradation=worse, amplification=louder, recovered=back,
            weights=self.policy.stress.resilience,
        )  # fmt: skip

    def resilience_interval(self, run: str = WITH) -> tuple[float, float]:
        """90 % interval of the score, by bootstrap over scenarios.

        Parameters
        ----------
        run : str
            One of `RUNS`.

        Returns
        -------
        tuple of float
        """
        generator = np.random.Generator(np.random.PCG64(0))
        parts = self._parts[run]
        drawn = generator.integers(0, len(self.runs), (BOOTSTRAPS, len(self.runs)))
        weights = self.policy.stress.resilience
        kept, worse, louder, back = (parts[:, k][drawn].mean(axis=1) for k in range(4))
        scores = (
            weights.survival * kept
            + weights.degradation * np.clip(1.0 - worse / weights.degradation_scale, 0.0, 1.0)
            + weights.amplification * np.clip(1.0 - (louder - 1.0) / weights.amplification_scale, 0.0, 1.0)
            + weights.recovery * back
        )
        low, high = np.quantile(scores, INTERVAL)
        return float(low), float(high)

    @cached_property
    def _parts(self) -> dict[str, Any]:
        """Survived, degradation, amplification, recovered in time by run: one row a scenario."""
        return {run: np.array([self._parts_of(one, run) for one in self.runs], dtype=float) for run in RUNS}

    def _parts_of(self, one: ScenarioRun, run: str) -> tuple[float, float, float, float]:
        limits = self.policy.success.technical
        back = run != WITH or one.recovery_hours <= limits.recovery_hours
        kept = one.drawdown(run) < limits.survival_drawdown_below
        return float(kept), one.degradation(run), one.amplification(run), float(back)

    @property
    def lock_in_rate(self) -> float:
        """Share of scenarios at whose end the controlled book is still frozen."""
        return lock_in_rate([one.path(WITH) for one in self.runs], [one.path(WITHOUT) for one in self.runs])

    @property
    def premium(self) -> float:
        """Return a year given up in the quiet windows by having controls; negative when they earned it."""
        known = [one for one in self.runs if np.isfinite(one.premium)]
        years = sum(one.years for one in known)
        return sum(one.premium for one in known) / years if years > 0.0 else float("nan")

    def skill(self) -> Skill:
        """Whether controls do more than a smaller book would.

        Returns
        -------
        Skill
        """
        saved, by_placebo = zip(*(one.saving for one in self.runs), strict=True)
        return skill(saved, by_placebo, generator=np.random.Generator(np.random.PCG64(0)), bootstraps=BOOTSTRAPS)

    def table(self) -> pd.DataFrame:
        """One row a scenario.

        Returns
        -------
        DataFrame
            Indexed by id: title, synthetic, drawdown_with, drawdown_without, drawdown_placebo, exposure (of the
            placebo), degradation, amplification, recovery_hours, turnover, whipsaw, premium, survived.
        """
        return pd.DataFrame.from_dict({one.staged.name: self._row(one) for one in self.runs}, orient="index")

    def _row(self, one: ScenarioRun) -> dict[str, Any]:
        return {
            "title": one.staged.title,
            "synthetic": one.staged.synthetic,
            "drawdown_with": one.drawdown(WITH),
            "drawdown_without": one.drawdown(WITHOUT),
            "drawdown_placebo": one.drawdown(PLACEBO),
            "exposure": one.scale,
            "degradation": one.degradation(WITH),
            "amplification": one.amplification(WITH),
            "recovery_hours": one.recovery_hours,
            "turnover": one.turnover,
            "whipsaw": one.whipsaw,
            "premium": one.premium,
            "survived": one.drawdown(WITH) < self.policy.success.technical.survival_drawdown_below,
        }

    @property
    def missed(self) -> list[str]:
        """Targets of the policy that are not met, in words."""
        targets, own = self.policy.success.technical, self.resilience()
        worse, louder = (
            self.estimate(lambda one: one.degradation(WITH)),
            self.estimate(lambda one: one.amplification(WITH)),
        )
        checks = (
            (self.survival().rate > targets.survival_above, f"survival {self.survival().rate:.0%}"),
            (worse.value < targets.degradation_below, f"degradation {worse.value:.0%}"),
            (louder.value < targets.amplification_below, f"amplification {louder.value:.2f}"),
            (own.recovery >= 1.0, f"recovery within {targets.recovery_hours:g} market hours in {own.recovery:.0%}"),
        )
        return [words.replace("%", " %") for holds, words in checks if not holds]

    @cached_property
    def findings(self) -> list[str]:
        """What the scenarios say together, the bad news first, each with how few they are."""
        rate, count = self.survival(), len(self.runs)
        low, high = rate.interval
        survived = (
            f"{rate.survived} of {rate.total} scenarios survived with controls (90 % interval {100 * low:.0f} to "
            f"{100 * high:.0f} % of such scenarios)"
        )
        worse, louder = (
            self.estimate(lambda one: one.degradation(WITH)),
            self.estimate(lambda one: one.amplification(WITH)),
        )
        from_to, loud = worse.interval, louder.interval
        bounds = self.resilience_interval()
        scores = ", ".join(f"{run} {self.resilience(run).score:.2f}" for run in RUNS)
        failed = rate.rate <= self.policy.success.technical.survival_above
        targets = f"targets missed: {', '.join(self.missed)}" if self.missed else "every target is met"
        lines = [
            f"resilience: {scores}; with controls 90 % interval {bounds[0]:.2f} to {bounds[1]:.2f}, {count} scenarios",
            f"degradation {100 * worse.value:.1f} % (90 % interval {100 * from_to[0]:.1f} to {100 * from_to[1]:.1f} %)"
            f", amplification {louder.value:.2f} ({loud[0]:.2f} to {loud[1]:.2f})",
            self.skill_sentence,
            self._premium_sentence,
            f"{100 * self.lock_in_rate:.0f} % of the scenarios end with the book still frozen a month later",
        ]
        head = [f"DOES NOT SURVIVE: {survived}", targets] if failed else [survived, targets]
        return [*head, *lines, *self.left_out]

    @property
    def _premium_sentence(self) -> str:
        if not np.isfinite(self.premium):
            return "premium: no quiet window was replayed"
        words = f"{'cost' if self.premium >= 0.0 else 'earned'} {100 * abs(self.premium):.1f} % a year"
        return f"premium: the controls {words} in the quiet windows before the crises"

    @property
    def skill_sentence(self) -> str:
        """Whether it is the controls, in words."""
        try:
            return self.skill().sentence
        except DataError as error:
            return str(error)

    def _repr_html_(self) -> str:
        rows = [
            [
                one.title + (" (SYNTHETIC)" if one.synthetic else ""),
                *(percent(one[f"drawdown_{run}"], 1) for run in ("with", "without", "placebo")),
                percent(one.exposure, 0), percent(one.degradation, 1), number(one.amplification, ".2f"),
                _hours(one.recovery_hours), number(one.turnover, ".1f"), percent(one.whipsaw, 1),
            ]
            for _, one in self.table().iterrows()
        ]  # fmt: skip
        head = [
            "scenario", "with controls", "without", "placebo", "exposure", "degradation", "amplification",
            "recovery, market hours", "turnover", "missed rebound",
        ]  # fmt: skip
        return html_table(head, rows, caption=f"Largest drawdowns in {len(self.runs)} scenarios") + html_list(
            self.findings
        )


def _hours(value: float) -> Number:
    return number(value, ".0f") if np.isfinite(value) else Number("not by the end")
