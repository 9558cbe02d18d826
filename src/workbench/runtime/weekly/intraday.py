"""The 4-hour timeframe: tried on the pairs whose intraday bars are stored, and counted like every other trial.

It is not selected from: the chosen are replayed on daily fixes, where four hours cannot be seen. But every one of these
trials makes the gate stricter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd

from workbench.data.calendar import TIMEFRAMES
from workbench.data.store import Store
from workbench.domain.policy import Policy
from workbench.domain.tables import html_table, number, percent
from workbench.research import ResearchMarket, Sweep, SweepCosts, sweep
from workbench.runtime.weekly.grid import MarketHistory
from workbench.strategies import strategy_grid

FOUR_HOURS = "4h"
KNOWN_AFTER = pd.Timedelta(hours=18)
"""After midnight UTC of its day a daily regime is known: the fix is published in the afternoon."""


@dataclass(frozen=True, slots=True, eq=False)
class IntradaySweep:
    """The 4-hour configurations of every pair that has intraday bars.

    Attributes
    ----------
    sweeps : mapping of str to mapping of float to Sweep
        By pair, then by cost multiple.
    """

    sweeps: Mapping[str, Mapping[float, Sweep]] = field(repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """Configurations that were tried."""
        return tuple(one.name for by_cost in self.sweeps.values() for one in by_cost[1.0].configurations)

    def table(self) -> pd.DataFrame:
        """Every 4-hour configuration, best first.

        Returns
        -------
        DataFrame
            The columns of `Sweep.summary`, ``costs 2×`` and so on, first and last (days of its bars).
        """
        parts = []
        for by_cost in self.sweeps.values():
            base = by_cost[1.0]
            part = base.summary()
            for multiple, one in by_cost.items():
                if multiple != 1.0:
                    part[f"costs {multiple:g}×"] = one.summary()["sharpe"]
            part["first"], part["last"] = base.returns.index[0].date(), base.returns.index[-1].date()
            parts.append(part)
        return pd.concat(parts).sort_values("sharpe", ascending=False) if parts else pd.DataFrame()

    def _repr_html_(self) -> str:
        if not self.sweeps:
            return html_table(["4-hour timeframe"], [["no intraday bars are stored: it stays out of the grid"]])
        table = self.table()
        rows = [
            [str(name), number(one.sharpe, "+.2f"), number(one["costs 3×"], "+.2f"), percent(one.drawdown, 1),
             number(one.trades, ".0f"), f"{one['first']} to {one['last']}"]
            for name, one in table.head(12).iterrows()
        ]  # fmt: skip
        caption = (
            f"{len(table)} configurations on {len(self.sweeps)} pairs: {int((table['sharpe'] > 0).sum())} above zero. "
            "Counted as trials, not selected from"
        )
        return html_table(
            ["configuration", "Sharpe", "at 3× costs", "drawdown", "trades", "bars"], rows, caption=caption
        )


def four_hour_closes(store: Store, pair: str, as_of: date) -> pd.Series | None:
    """Closes of 4-hour bars of one pair, from the coarsest stored series that gives them.

    Parameters
    ----------
    store : Store
        Of the home folder.
    pair : str
        Six letters.
    as_of : date
        Last UTC day that may be seen.

    Returns
    -------
    Series or None
        Indexed by the end of each bar, UTC; a bar without a price is left out. None when nothing finer than a day is
        stored.
    """
    width = pd.Timedelta(hours=4)
    fine = [name for name, length in TIMEFRAMES.items() if length <= width and store.path(pair, name).exists()]
    if not fine:
        return None
    timeframe = max(fine, key=lambda name: TIMEFRAMES[name])
    series = store.read(pair, timeframe, as_of=as_of).mid
    ends = pd.DatetimeIndex(series.index) + TIMEFRAMES[timeframe]
    # a bar that ends after the last day that may be seen has not closed yet
    seen = np.asarray(ends < pd.Timestamp(as_of, tz="UTC") + pd.Timedelta(days=1))
    closes = pd.Series(series.to_numpy()[seen], ends[seen]).resample(width, label="right", closed="right").last()
    return closes.dropna().rename(pair)


def sweep_intraday(
    store: Store, history: MarketHistory, policy: Policy, *, as_of: date, multiples: Sequence[float]
) -> IntradaySweep:
    """Trade the 4-hour configurations of every pair that has intraday bars.

    Parameters
    ----------
    store : Store
        Of the home folder.
    history : MarketHistory
        Its regimes are known on the evenings of the daily fixes.
    policy : Policy
        Signals, profiles, costs.
    as_of : date
        Last UTC day that may be seen.
    multiples : sequence of float
        Of the costs; 1 among them.

    Returns
    -------
    IntradaySweep
        Empty when nothing finer than a day is stored, or too little of it.
    """
    grid = [one for one in strategy_grid(policy, intraday=True) if one.timeframe == FOUR_HOURS]
    known = pd.Series(history.market.regimes, pd.DatetimeIndex(history.market.closes.index) + KNOWN_AFTER)
    found: dict[str, dict[float, Sweep]] = {}
    for pair in policy.universe.pairs:
        closes = four_hour_closes(store, pair, as_of)
        if closes is None:
            continue
        times = pd.DatetimeIndex(closes.index).tz_localize(None)
        regimes = known.reindex(times, method="ffill").fillna(0).to_numpy(dtype=np.int64)
        market = ResearchMarket.of(pd.DataFrame({pair: closes.to_numpy()}, times), regimes)
        own = [one for one in grid if one.pair == pair]
        if len(market.objections(own, policy)) < len(own):
            found[pair] = {one: sweep(market, own, policy, costs=SweepCosts(one)) for one in multiples}
    return IntradaySweep(found)
