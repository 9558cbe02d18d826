"""A choice: the grid, what was found out about it, and the strategies that follow."""

from dataclasses import dataclass, field

import pandas as pd

from workbench.domain.errors import ConfigError
from workbench.domain.trading.modes import Tier
from workbench.research import Robustness, Selection, WalkForward
from workbench.research.overfitting import BacktestOverfitting
from workbench.research.performance import by_decade, by_label
from workbench.runtime.weekly.grid import GridSweep


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """Everything the selection rests on.

    Attributes
    ----------
    grid : GridSweep
        All trials.
    walked : WalkForward
        The choice repeated in training windows.
    robustness : Robustness
        Windows, neighbours and costs.
    selection : Selection
        The ten, with the evidence.
    """

    grid: GridSweep = field(repr=False)
    walked: WalkForward = field(repr=False)
    robustness: Robustness = field(repr=False)
    selection: Selection

    def _repr_html_(self) -> str:
        return self.selection._repr_html_()

    @property
    def returns(self) -> pd.DataFrame:
        """Net returns of the chosen, shape (days, chosen), in the order of their tiers."""
        return self.grid.swept.returns[list(self.selection.chosen.index)]

    @property
    def tiers(self) -> dict[str, Tier]:
        """Tier of each chosen strategy."""
        return {str(name): Tier[tier.upper()] for name, tier in self.selection.chosen["tier"].items()}

    @property
    def tier_names(self) -> dict[str, str]:
        """Tier of each chosen strategy, as a word."""
        return {name: tier.name.lower() for name, tier in self.tiers.items()}

    @property
    def hindsight(self) -> pd.Series:
        """Returns of what is chosen today, weighted as chosen, over all history: nobody could have earned them."""
        weights = self.selection.chosen["weight"].to_numpy(dtype=float)
        return pd.Series(self.returns.to_numpy() @ weights, self.grid.swept.returns.index, name="hindsight")

    @property
    def splits(self) -> BacktestOverfitting | None:
        """The cross-validation over all trials; None when there is nothing to rank."""
        return self.selection.evidence.overfitting

    def parts(self, kind: str) -> pd.DataFrame:
        """Annual Sharpe ratios of the chosen in parts of history.

        Parameters
        ----------
        kind : str
            ``decades`` or ``regimes``.

        Returns
        -------
        DataFrame, shape (chosen, parts)

        Raises
        ------
        ConfigError
            When there is no such kind.
        """
        base = self.grid.swept
        if kind == "decades":
            return by_decade(self.returns)
        if kind == "regimes":
            return by_label(self.returns, self.grid.history.regimes_before, base.market.periods_per_year)
        raise ConfigError(f"unknown parts {kind!r}: expected decades or regimes")
