"""The overfitting lab: how often the gate opens on noise, how often it finds an edge that is there."""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from workbench.domain.tables import html_table, percent
from workbench.research import (
    Evidence,
    GateSettings,
    gather_evidence,
    minimum_backtest_length,
    noise_panel,
    plant_edge,
    probability_of_backtest_overfitting,
    select_strategies,
    shuffled_panel,
)
from workbench.research.evidence import SIGNIFICANCE
from workbench.research.overfitting import BacktestOverfitting, step_m
from workbench.runtime.weekly.grid import GridSweep
from workbench.runtime.weekly.session import WeeklySession

TRIALS, PLANTED = 384, (7, 150, 380)
BLOCKS = 16
NOISE, SHUFFLED, EDGE = "noise", "the real grid, shuffled", "noise with a planted edge"
POWER_SHARPES, POWER_YEARS, POWER_PANELS = (0.5, 1.0, 1.5), (5, 10, 20), 30
DAYS_A_YEAR = 261


@dataclass(frozen=True, slots=True, eq=False)
class LabGates:
    """What the gate said on many synthetic panels.

    Attributes
    ----------
    table : DataFrame
        One row a panel: kind, passed, overfitting (probability), first (whether the planted ones are chosen first).
    """

    table: pd.DataFrame = field(repr=False)

    def _repr_html_(self) -> str:
        rows = []
        for kind, part in self.table.groupby("kind", sort=False):
            first = percent(float(part["first"].mean()), 0) if kind == EDGE else "–"
            low, high = part["overfitting"].min(), part["overfitting"].max()
            rows.append([str(kind), len(part), percent(float(part["passed"].mean()), 0), first,
                         f"{100 * low:.0f} to {100 * high:.0f} %"])  # fmt: skip
        head = ["synthetic panels", "number", "gate opens", "planted chosen first", "PBO from panel to panel"]
        caption = f"Nominal rate on noise: {100 * SIGNIFICANCE:.0f} %, over all {TRIALS} trials together"
        return html_table(head, rows, caption=caption)


@dataclass(frozen=True, slots=True, eq=False)
class LabPower:
    """Share of panels with an edge in three of 384 series on which the gate opens.

    Attributes
    ----------
    table : DataFrame, shape (Sharpe ratios, years)
        Fractions.
    panels : int
        Behind each.
    """

    table: pd.DataFrame
    panels: int

    def _repr_html_(self) -> str:
        rows = [
            [f"annual Sharpe ratio {sharpe:g}", *(percent(value, 0) for value in row)]
            for sharpe, row in zip(self.table.index, self.table.to_numpy(), strict=True)
        ]
        head = ["true edge", *(f"{years} years" for years in self.table.columns)]
        return html_table(head, rows, caption=f"Power of the gate, {self.panels} synthetic panels each")


@dataclass(frozen=True, slots=True)
class OverfittingLab:
    """Panels whose truth is known, through the same gate as the real grid.

    Attributes
    ----------
    session : WeeklySession
        For the real grid.
    grid : GridSweep
        The real grid.
    days : int
        Length of a synthetic panel.
    sharpe : float
        Annual Sharpe ratio planted.
    settings : GateSettings
        Of the gate.
    seed : int
        Of everything drawn.
    """

    session: WeeklySession
    grid: GridSweep
    days: int
    sharpe: float
    settings: GateSettings
    seed: int

    def panel(self, kind: str, generator: np.random.Generator) -> pd.DataFrame:
        """One synthetic panel.

        Parameters
        ----------
        kind : str
            Noise, shuffled, or noise with an edge.
        generator : numpy Generator
            Source.

        Returns
        -------
        DataFrame, shape (days, trials)
        """
        if kind == SHUFFLED:
            return shuffled_panel(self.grid.swept.returns.iloc[-self.days :], generator)
        noise = noise_panel(generator, days=self.days, trials=TRIALS)
        return plant_edge(noise, PLANTED, sharpe_annual=self.sharpe) if kind == EDGE else noise

    def run(self, panels: int) -> LabGates:
        """Send panels of each kind through the gate.

        Parameters
        ----------
        panels : int
            Of each kind.

        Returns
        -------
        LabGates
        """
        rows = []
        for kind in (NOISE, SHUFFLED, EDGE):
            for number in range(panels):
                self.session.progress(f"panels of {kind}", number, panels)
                generator = np.random.default_rng((self.seed, number))
                panel = self.panel(kind, generator)
                settings = self.settings if kind == SHUFFLED else self._independent
                evidence = gather_evidence(panel, generator=generator, settings=settings)
                chosen = probability_of_backtest_overfitting(panel.to_numpy(), blocks=BLOCKS)
                rows.append({"kind": kind, "passed": evidence.is_significant, "overfitting": chosen.probability,
                             "first": kind == EDGE and self._planted_first(panel, evidence)})  # fmt: skip
        self.session.progress("panels", 1, 1)
        return LabGates(pd.DataFrame(rows))

    @property
    def _independent(self) -> GateSettings:
        """For panels whose days are drawn one by one: blocks of one day, nothing to estimate."""
        return replace(self.settings, block=1.0)

    def _planted_first(self, panel: pd.DataFrame, evidence: Evidence) -> bool:
        generator = np.random.default_rng(self.seed)
        chosen = select_strategies(panel, self.session.policy, generator=generator, evidence=evidence).chosen
        return set(chosen.index[: len(PLANTED)]) == {str(panel.columns[column]) for column in PLANTED}

    @property
    def splits(self) -> dict[str, BacktestOverfitting]:
        """Cross-validations of one panel of each kind, and of the real grid."""
        panels = {f"{kind} (synthetic)": self.panel(kind, np.random.default_rng((self.seed, 0)))
                  for kind in (NOISE, SHUFFLED, EDGE)}  # fmt: skip
        panels["the real grid"] = self.grid.swept.returns
        return {
            name: probability_of_backtest_overfitting(panel.to_numpy(), blocks=BLOCKS) for name, panel in panels.items()
        }

    def power(self) -> LabPower:
        """How often an edge is found, by its size and the length of history.

        Returns
        -------
        LabPower
        """
        table = pd.DataFrame(index=list(POWER_SHARPES), columns=list(POWER_YEARS), dtype=float)
        for place, sharpe in enumerate(POWER_SHARPES):
            for years in POWER_YEARS:
                self.session.progress(f"power at a Sharpe ratio of {sharpe:g}", place, len(POWER_SHARPES))
                found = 0
                for number in range(POWER_PANELS):
                    generator = np.random.default_rng((self.seed, number, years))
                    noise = noise_panel(generator, days=years * DAYS_A_YEAR, trials=TRIALS)
                    panel = plant_edge(noise, PLANTED, sharpe_annual=sharpe)
                    best = step_m(
                        panel.to_numpy(), generator=generator, size=SIGNIFICANCE, bootstraps=self.settings.bootstraps,
                        block=1.0,
                    )  # fmt: skip
                    found += bool(best.size)
                table.loc[sharpe, years] = found / POWER_PANELS
        self.session.progress("power", 1, 1)
        return LabPower(table, POWER_PANELS)

    @property
    def backtest_years(self) -> pd.Series:
        """Minimum backtest length in years by number of trials."""
        counts = [2, 3, 5, 7, 10, 20, 45, 100, 200, 384, 576, 1_000, 3_000, 10_000]
        return pd.Series({count: minimum_backtest_length(count) for count in counts})

    @property
    def real(self) -> Evidence:
        """The same tests on the real grid."""
        count = max(self.grid.tally.trials, self.grid.swept.trial_count)
        return gather_evidence(self.grid.swept.returns, generator=np.random.default_rng(self.seed), trial_count=count)
