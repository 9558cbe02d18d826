"""The grid as a weekly run looks at it: every configuration, at every cost, in every decade and regime."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.rates import DailyRates
from workbench.domain.currencies import LEGS
from workbench.domain.errors import DataError
from workbench.domain.tables import html_table, number
from workbench.domain.trading.modes import Regime
from workbench.regimes.volatility import volatility_regime_path
from workbench.research import ResearchMarket, Sweep
from workbench.research.performance import by_decade, by_label
from workbench.runtime.weekly.ledger import Tally
from workbench.strategies import regime_codes


@dataclass(frozen=True, slots=True, eq=False)
class MarketHistory:
    """The daily market of a sweep, and the volatility ratio its regimes are read from.

    Attributes
    ----------
    market : ResearchMarket
        Closes and regimes.
    ratio : ndarray, shape (days,)
        Volatility of the seven-leg index over normal as known each evening; NaN before there is a normal.
    """

    market: ResearchMarket
    ratio: NDArray[np.float64] = field(repr=False)

    @property
    def regimes_before(self) -> NDArray[np.str_]:
        """Name of the regime known on the evening before each day; that of the first day is normal."""
        codes = np.concatenate([[int(Regime.NORMAL)], self.market.regimes[:-1]])
        return np.array([Regime(int(code)).name.lower().replace("_", " ") for code in codes])


def market_history(rates: DailyRates, pairs: tuple[str, ...]) -> MarketHistory:
    """Closes of the pairs, and the regime that the volatility ratio of the seven-leg index gave each evening.

    Parameters
    ----------
    rates : DailyRates
        Up to the day that may be seen.
    pairs : tuple of str
        Of the universe.

    Returns
    -------
    MarketHistory
        The regime is normal before there is enough history to say.
    """
    closes = rates.pairs_table(pairs)
    codes, ratio = np.full(len(closes), int(Regime.NORMAL)), np.full(len(closes), np.nan)
    try:
        path = volatility_regime_path(rates.leg_log_returns()[list(LEGS)].mean(axis=1).to_numpy())
    except DataError:  # too short for a normal: regimes stay normal, the sweep says what it is too short for
        return MarketHistory(ResearchMarket.of(closes, codes), ratio)
    first = 1 + path.first_row
    codes[first:], ratio[first:] = regime_codes(path.names), path.ratio
    return MarketHistory(ResearchMarket.of(closes, codes), ratio)


@dataclass(frozen=True, slots=True, eq=False)
class GridSweep:
    """The sweep at several costs, and how many trials that makes.

    Attributes
    ----------
    history : MarketHistory
        What it ran on.
    sweeps : mapping of float to Sweep
        By cost multiple.
    tally : Tally
        All trials ever.
    """

    history: MarketHistory = field(repr=False)
    sweeps: Mapping[float, Sweep] = field(repr=False)
    tally: Tally

    @property
    def swept(self) -> Sweep:
        """At the policy's costs."""
        return self.sweeps[1.0]

    @property
    def summaries(self) -> dict[str, pd.DataFrame]:
        """Summary of each sweep by the name of its costs."""
        return {f"{multiple:g}×": one.summary() for multiple, one in self.sweeps.items()}

    def table(self) -> pd.DataFrame:
        """Every configuration, best first at the policy's costs.

        Returns
        -------
        DataFrame
            The columns of `Sweep.summary`, and annual Sharpe ratios: ``costs 2×``, ``costs 3×``, one a decade, one a
            regime known on the evening before.
        """
        base = self.swept
        table = base.summary()
        rate = base.market.periods_per_year
        for multiple, one in self.sweeps.items():
            if multiple != 1.0:
                table[f"costs {multiple:g}×"] = one.summary()["sharpe"]
        regimes = by_label(base.returns, self.history.regimes_before, rate)
        parts = [table, by_decade(base.returns), regimes]
        whole = pd.concat(parts, axis=1).sort_values("sharpe", ascending=False, kind="stable")
        return whole.rename_axis("configuration")

    @property
    def regime_names(self) -> list[str]:
        """Regimes with enough days to have a column in the table."""
        known = set(self.history.regimes_before.tolist())
        return [str(name) for name in self.table().columns if name in known]

    def overview(self) -> pd.DataFrame:
        """How much of the grid earned, by cost.

        Returns
        -------
        DataFrame
            One row a cost multiple: positive (share of configurations), mean, best, worst (annual Sharpe ratios).
        """
        rows = {}
        for multiple, one in self.sweeps.items():
            sharpe = one.summary()["sharpe"]
            rows[f"{multiple:g}×"] = {
                "positive": float((sharpe > 0).mean()),
                "mean": float(sharpe.mean()),
                "best": float(sharpe.max()),
                "worst": float(sharpe.min()),
            }
        return pd.DataFrame.from_dict(rows, orient="index")

    def _repr_html_(self) -> str:
        rows = [
            [f"costs {name}", f"{one.positive:.0%}".replace("%", " %"), number(one["mean"], "+.2f"),
             number(one.best, "+.2f"), number(one.worst, "+.2f")]
            for name, one in self.overview().iterrows()
        ]  # fmt: skip
        head = ["", "above zero", "mean Sharpe", "best", "worst"]
        caption = (
            f"{self.swept.trial_count} configurations; {self.tally.trials} trials ever, {self.tally.added} new now"
        )
        return html_table(head, rows, caption=caption) + self.swept._repr_html_()


@dataclass(frozen=True, slots=True, eq=False)
class AdaptationComparison:
    """The grid with parameters that follow the regime, and with those of the normal regime at all times.

    Attributes
    ----------
    table : DataFrame
        One row a signal and timeframe: adapted, fixed (mean annual Sharpe ratios), better (share of configurations that
        adapting improved).
    """

    table: pd.DataFrame

    def _repr_html_(self) -> str:
        rows = [
            [str(name), number(one.adapted, "+.3f"), number(one.fixed, "+.3f"), f"{one.better:.0%}".replace("%", " %")]
            for name, one in self.table.iterrows()
        ]
        total = self.table.mean()
        caption = (
            f"Adapting to the regime: mean Sharpe ratio {total.adapted:+.3f} against {total.fixed:+.3f} with fixed "
            "parameters. Both are counted as trials"
        )
        return html_table(["rule", "adapted", "fixed", "improved"], rows, caption=caption)


def compare_adaptation(adapted: Sweep, fixed: Sweep) -> AdaptationComparison:
    """Put the two sweeps of one grid side by side.

    Parameters
    ----------
    adapted, fixed : Sweep
        Of the same configurations at the same costs.

    Returns
    -------
    AdaptationComparison
    """
    table = adapted.summary()[["timeframe", "signal", "sharpe"]].rename(columns={"sharpe": "adapted"})
    table["fixed"] = fixed.summary()["sharpe"]
    table["better"] = table["adapted"] > table["fixed"]
    rules = (table["timeframe"] + " " + table["signal"]).rename("rule")
    return AdaptationComparison(table.groupby(rules)[["adapted", "fixed", "better"]].mean())
