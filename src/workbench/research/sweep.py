"""The sweep: every configuration of a grid traded through history, with costs, booked by vectorbt.

Our own rules say when to hold how much (`strategies.walk`, the engine's rules); vectorbt fills the orders, charges the
spread and keeps the books. Sizes are for constant capital of one unit: profits are taken out, losses paid in.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.domain.errors import DataError
from workbench.domain.policy import Policy
from workbench.domain.tables import html_table, number, percent
from workbench.research.market import Floats, Integers, ResearchMarket, SweepCosts
from workbench.research.overfitting.panel import sharpe_ratios
from workbench.research.performance import largest_drawdowns
from workbench.strategies import Bars, Configuration, Exits, side_at_marks, walk
from workbench.strategies.positions import NOTHING

CASH = 100.0
"""Cash behind each unit of capital in vectorbt's books, so that no order of ours is refused for lack of it."""
SHOWN = 12


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """A grid traded through history.

    Attributes
    ----------
    configurations : tuple of Configuration
        Those that could be tried, in the order of the columns.
    returns : DataFrame, shape (marks, configurations)
        Net P&L over capital, by the name of the configuration.
    units : ndarray, shape (marks, configurations)
        Base currency held after each mark for capital of one unit of the quote currency.
    happened : ndarray of int, shape (marks, configurations)
        What happened on each mark (`strategies.positions`).
    refused : dict of str to str
        Configurations that could not be tried, and why.
    market : ResearchMarket
        What it ran on.
    costs : SweepCosts
        What was charged.
    """

    configurations: tuple[Configuration, ...] = field(repr=False)
    returns: pd.DataFrame = field(repr=False)
    units: Floats = field(repr=False)
    happened: Integers = field(repr=False)
    refused: dict[str, str]
    market: ResearchMarket = field(repr=False)
    costs: SweepCosts
    portfolio: Any = field(repr=False)

    @property
    def trial_count(self) -> int:
        """Configurations tried."""
        return len(self.configurations)

    def trades(self) -> pd.DataFrame:
        """All trades as vectorbt booked them.

        Returns
        -------
        DataFrame
            configuration, entry, exit (times), side (1 or -1), units, entry_price, exit_price, profit (after costs,
            units of the quote currency), is_open; in the order of columns, then of entries.
        """
        records = self.portfolio.trades.records if self.portfolio is not None else pd.DataFrame(columns=TRADE_COLUMNS)
        index, names = self.returns.index, np.array([one.name for one in self.configurations], dtype=object)
        return pd.DataFrame(
            {
                "configuration": names[records["col"].to_numpy(dtype=int)] if len(records) else [],
                "entry": index[records["entry_idx"].to_numpy(dtype=int)],
                "exit": index[records["exit_idx"].to_numpy(dtype=int)],
                "side": np.where(records["direction"].to_numpy(dtype=int) == 0, 1, -1),
                "units": records["size"].to_numpy(dtype=float),
                "entry_price": records["entry_price"].to_numpy(dtype=float),
                "exit_price": records["exit_price"].to_numpy(dtype=float),
                "profit": records["pnl"].to_numpy(dtype=float),
                "is_open": records["status"].to_numpy(dtype=int) == 0,
            }
        )

    def summary(self) -> pd.DataFrame:
        """One row a configuration.

        Returns
        -------
        DataFrame
            pair, timeframe, signal, profile, annual_return, annual_volatility, sharpe (annual), drawdown, trades,
            win_rate (NaN without a trade), in_market (share of marks); a configuration that never traded has zeros.
        """
        rate, values, trades = self.market.periods_per_year, self.returns.to_numpy(), self.trades()
        closed = trades.groupby("configuration")["profit"] if len(trades) else None
        names = [one.name for one in self.configurations]
        counts = closed.size().reindex(names).fillna(0).astype(int) if closed is not None else 0
        wins = closed.apply(lambda profit: (profit > 0).mean()).reindex(names) if closed is not None else np.nan
        return pd.DataFrame(
            {
                "pair": [one.pair for one in self.configurations],
                "timeframe": [one.timeframe for one in self.configurations],
                "signal": [one.signal for one in self.configurations],
                "profile": [one.profile for one in self.configurations],
                "annual_return": values.mean(axis=0) * rate,
                "annual_volatility": values.std(axis=0, ddof=1) * np.sqrt(rate),
                "sharpe": sharpe_ratios(values) * np.sqrt(rate),
                "drawdown": largest_drawdowns(values),
                "trades": counts,
                "win_rate": wins,
                "in_market": (self.units != 0.0).mean(axis=0),
            },
            index=pd.Index(names, name="configuration"),
        )

    def open_since(self) -> Integers:
        """Row at which the position held after each mark was entered; the next row where nothing is held.

        Returns
        -------
        ndarray of int, shape (marks, configurations)
        """
        rows = np.arange(len(self.units))[:, None]
        changed = np.where(self.happened != NOTHING, rows, -1)
        return np.where(self.units != 0.0, np.maximum.accumulate(changed, axis=0), rows + 1)

    def moving_costs(self, policy: Policy) -> Floats:
        """What it costs to move one unit of capital into or out of each configuration: half a spread on its position.

        Parameters
        ----------
        policy : Policy
            Its costs.

        Returns
        -------
        ndarray, shape (marks, configurations)
            Fraction of the capital moved; 0 where nothing is held.
        """
        half = [self.costs.half_spread(policy, one.pair) for one in self.configurations]
        return np.asarray(np.abs(self.units) * np.array(half))

    def _repr_html_(self) -> str:
        table = self.summary().sort_values("sharpe", ascending=False)
        rows = [
            [str(name), number(one.sharpe, ".2f"), percent(one.annual_return), percent(one.drawdown, 1),
             number(one.trades, ".0f"), percent(one.win_rate, 0)]
            for name, one in table.head(SHOWN).iterrows()
        ]  # fmt: skip
        better = int((table["sharpe"] > 0).sum())
        first, last = self.returns.index[0].date(), self.returns.index[-1].date()
        caption = (
            f"{self.trial_count} configurations from {first} to {last}, costs {self.costs.multiple:g} ×: {better} "
            f"above zero. The {min(SHOWN, len(table))} best; the best of many is lucky before it is good"
        )
        if self.refused:
            caption += f". {len(self.refused)} could not be tried: {next(iter(self.refused.values()))}"
        head = ["configuration", "Sharpe, annual", "return a year", "drawdown", "trades", "won"]
        return html_table(head, rows, caption=caption)


TRADE_COLUMNS = ("col", "entry_idx", "exit_idx", "direction", "size", "entry_price", "exit_price", "pnl", "status")


def sweep(
    market: ResearchMarket,
    configurations: Sequence[Configuration],
    policy: Policy,
    *,
    costs: SweepCosts | None = None,
) -> Sweep:
    """Trade every configuration of a grid through history.

    Parameters
    ----------
    market : ResearchMarket
        Prices and regimes.
    configurations : sequence of Configuration
        The grid, each once.
    policy : Policy
        Signals, adaptation, risk profiles and costs.
    costs : SweepCosts, optional
        Cost multiple, slippage, financing switch; the policy's, once, when left out.

    Returns
    -------
    Sweep
        What cannot be tried is in `refused`; at least one could.

    Raises
    ------
    DataError
        When no configuration can be tried, with the first reason.
    """
    costs = costs if costs is not None else SweepCosts()
    refused = dict(market.objections(configurations, policy))
    tried = tuple(one for one in configurations if one.name not in refused)
    if not tried:
        why = next(iter(refused.values())) if refused else "the grid is empty"
        raise DataError(f"nothing to sweep: none of {len(configurations)} configurations can be tried, {why}")
    units, happened = positions(market, tried, policy, costs)
    index, names = market.closes.index, [one.name for one in tried]
    pairs = [one.pair for one in tried]
    closes = market.closes[pairs].to_numpy(dtype=float)
    half = np.array([costs.half_spread(policy, pair) for pair in pairs])
    portfolio = _book(index, closes, np.where(happened != NOTHING, units, np.nan), half / closes)
    value = portfolio.value().to_numpy()
    net = np.diff(value, axis=0, prepend=CASH)
    yearly = np.array([costs.financing_annual(policy, pair) for pair in pairs])
    if yearly.any():
        days = np.diff(pd.DatetimeIndex(index).tz_localize(None).to_numpy()) / np.timedelta64(1, "D")
        net[1:] -= np.abs(units[:-1] * closes[:-1]) * yearly * days[:, None] / 365.0
    return Sweep(tried, pd.DataFrame(net, index, names), units, happened, refused, market, costs, portfolio)


def _book(index: pd.Index, closes: Floats, targets: Floats, slippage: Floats) -> Any:
    """Give the orders to vectorbt: target amounts where something happened, NaN where nothing did."""
    import vectorbt

    return vectorbt.Portfolio.from_orders(
        pd.DataFrame(closes, index),
        size=targets,
        size_type="targetamount",
        slippage=slippage,
        init_cash=CASH,
        freq="1D",
    )


def positions(
    market: ResearchMarket,
    configurations: Sequence[Configuration],
    policy: Policy,
    costs: SweepCosts,
    *,
    neighbour: int | None = None,
) -> tuple[Floats, Integers]:
    """Positions of every configuration at every mark.

    Parameters
    ----------
    market : ResearchMarket
        Prices and regimes; the pairs have no gaps.
    configurations : sequence of Configuration
        Any.
    policy : Policy
        Signals, adaptation, risk profiles.
    costs : SweepCosts
        Stops are measured from the price paid.
    neighbour : int, optional
        Use this neighbour of the signal's parameters.

    Returns
    -------
    tuple of (ndarray, ndarray of int), shape (marks, configurations)
        Units held and what happened (`strategies.walk`).
    """
    shape, first = (len(market.closes), len(configurations)), market.start
    units, happened = np.zeros(shape), np.zeros(shape, dtype=np.int64)
    read: dict[tuple[Any, ...], tuple[Floats, NDArray[np.bool_]]] = {}
    for column, one in enumerate(configurations):
        marks = market.marks(one.pair)
        if one.rule not in read:
            side, starts = side_at_marks(one, policy, marks, neighbour=neighbour)
            # nothing has closed yet for whoever begins to look at the first row
            read[one.rule] = side, starts & (np.arange(shape[0]) > first)
        side, starts = read[one.rule]
        half = costs.half_spread(policy, one.pair)
        bars = Bars(marks.closes[first:], side[first:], starts[first:], marks.regimes[first:], half)
        units[first:, column], happened[first:, column] = walk(bars, Exits.of(policy, one.profile))
    return units, happened


def looks_ahead(
    market: ResearchMarket, configurations: Sequence[Configuration], policy: Policy, *, cuts: int = 5
) -> tuple[str, ...]:
    """Configurations whose past positions change when the future is cut off.

    Parameters
    ----------
    market : ResearchMarket
        Prices and regimes; the pairs have no gaps.
    configurations : sequence of Configuration
        Any.
    policy : Policy
        Signals, adaptation, risk profiles and costs.
    cuts : int
        Places, spread evenly, at which the history is ended.

    Returns
    -------
    tuple of str
        Names; empty when nothing looks ahead.
    """
    whole, _ = positions(market, configurations, policy, SweepCosts())
    guilty = np.zeros(len(configurations), dtype=bool)
    for row in np.linspace(market.start, len(whole), cuts + 1, endpoint=False)[1:].astype(int):
        cut, _ = positions(market.up_to(int(row)), configurations, policy, SweepCosts())
        guilty |= (cut != whole[:row]).any(axis=0)
    return tuple(one.name for one, looks in zip(configurations, guilty, strict=True) if looks)
