"""Two sets of books of the same trades: those of the engine without controls, and those of vectorbt."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from workbench.domain.policy import Policy
from workbench.domain.tables import html_table, number
from workbench.research import ResearchMarket, sweep
from workbench.runtime.weekly.replayed import StrategyReplay

CENT = 0.01
PRICE_TOLERANCE = 1e-9
"""Relative; both compute the price from the same fix and half spread, in another order."""


@dataclass(frozen=True, slots=True, eq=False)
class Parity:
    """The comparison, trade by trade.

    Attributes
    ----------
    trades : DataFrame
        One row a trade of either: configuration, entry, and exit, side, entry_price, exit_price, units, profit of the
        engine and, with ``_vectorbt`` behind, of the sweep; the profit of the sweep is scaled to the engine's units.
    agree : ndarray of bool
        Whether a row is the same trade with the same profit to the cent in both.
    """

    trades: pd.DataFrame = field(repr=False)
    agree: "np.ndarray[tuple[int], np.dtype[np.bool_]]" = field(repr=False)

    @property
    def holds(self) -> bool:
        """Whether every trade agrees; with no trade at all there is nothing to say and it does."""
        return bool(self.agree.all())

    @property
    def largest_difference(self) -> float:
        """Largest difference of two profits of one trade, units of the quote currency; NaN without a common trade."""
        difference = (self.trades["profit"] - self.trades["profit_vectorbt"]).abs()
        return float(difference.max()) if len(difference) else float("nan")

    @property
    def sentence(self) -> str:
        """What was found."""
        same = int(self.agree.sum())
        if not len(self.agree):
            return "no trade was made, so there is nothing to compare"
        if self.holds:
            return f"the engine without controls and vectorbt make the same {same} trades, profits equal to the cent"
        first = self.trades[~self.agree].iloc[0]
        return (
            f"only {same} of {len(self.agree)} trades agree between the engine without controls and vectorbt; the "
            f"first that does not: {first['configuration']}, entered {first['entry'].date()}"
        )

    def _repr_html_(self) -> str:
        counts = self.trades.groupby("configuration").size()
        agree = pd.Series(self.agree).groupby(self.trades["configuration"].to_numpy()).sum()
        gap = (self.trades["profit"] - self.trades["profit_vectorbt"]).abs().groupby(self.trades["configuration"]).max()
        rows = [[str(name), int(counts[name]), int(agree[name]), number(gap[name], ".1e")] for name in counts.index]
        head = ["strategy", "trades", "the same in both", "largest difference in profit"]
        return html_table(head, rows, caption=self.sentence[0].upper() + self.sentence[1:])


def compare_books(replayed: StrategyReplay, market: ResearchMarket, policy: Policy) -> Parity:
    """Compare the engine's trades without controls with those of a sweep over the same days.

    Parameters
    ----------
    replayed : StrategyReplay
        Its run without controls is compared.
    market : ResearchMarket
        What it ran on.
    policy : Policy
        In force.

    Returns
    -------
    Parity
    """
    if not replayed.configurations:
        empty = pd.DataFrame(columns=["configuration", "entry", "profit", "profit_vectorbt"])
        return Parity(empty, np.zeros(0, dtype=bool))
    first = int(market.closes.index.searchsorted(pd.Timestamp(replayed.free.path.index[0].date())))
    last = int(market.closes.index.searchsorted(pd.Timestamp(replayed.free.path.index[-1].date()), side="right"))
    booked = sweep(market.up_to(last).traded_from(first), replayed.configurations, policy).trades()
    own = replayed.trades()
    keys = ["configuration", "entry"]
    if own.empty:
        own = booked.iloc[:0]
    both = own.merge(booked, on=keys, how="outer", suffixes=("", "_vectorbt"))
    both["profit_vectorbt"] *= both["units"] / both["units_vectorbt"]
    same = (both["exit"] == both["exit_vectorbt"]) & (both["side"] == both["side_vectorbt"])
    for price in ("entry_price", "exit_price"):
        same &= (both[price] / both[f"{price}_vectorbt"] - 1.0).abs() < PRICE_TOLERANCE
    same &= (both["profit"] - both["profit_vectorbt"]).abs() < CENT
    return Parity(both, same.to_numpy(dtype=bool))
