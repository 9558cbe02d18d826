"""The market a grid is tried on: closes of the pairs, the regime known at each mark, and what trading costs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.domain.currencies import Pair
from workbench.domain.errors import ConfigError, DataError
from workbench.domain.policy import Policy
from workbench.domain.trading.modes import Regime
from workbench.strategies import Configuration, Marks

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SweepCosts:
    """What is paid, on top of the policy's half spread.

    Attributes
    ----------
    multiple : float
        Times the policy's half spread and financing; 0 trades for nothing.
    slippage_pips : float
        Paid on every fill besides the half spread, ≥ 0.
    financing : bool
        Whether the policy's yearly financing is charged for the days a position is held.
    """

    multiple: float = 1.0
    slippage_pips: float = 0.0
    financing: bool = True

    def __post_init__(self) -> None:
        """Refuse costs that would pay us."""
        if not (np.isfinite(self.multiple) and self.multiple >= 0):
            raise ConfigError(f"the cost multiple must be at least 0, got {self.multiple!r}")
        if not (np.isfinite(self.slippage_pips) and self.slippage_pips >= 0):
            raise ConfigError(f"slippage_pips must be at least 0, got {self.slippage_pips!r}")

    def half_spread(self, policy: Policy, pair: str) -> float:
        """What every fill costs, in units of the quote currency for one unit of the base.

        Parameters
        ----------
        policy : Policy
            Its costs.
        pair : str
            Six letters.

        Returns
        -------
        float
        """
        pips = self.multiple * policy.costs.of(pair).half_spread_pips + self.slippage_pips
        return pips * Pair.parse(pair).pip

    def financing_annual(self, policy: Policy, pair: str) -> float:
        """Yearly financing as a fraction of the position's value.

        Parameters
        ----------
        policy : Policy
            Its costs.
        pair : str
            Six letters.

        Returns
        -------
        float
        """
        return self.multiple * policy.costs.of(pair).financing_annual if self.financing else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class ResearchMarket:
    """Prices and regimes a sweep runs on.

    Attributes
    ----------
    closes : DataFrame, shape (marks, pairs)
        Mid prices, oldest first; the index is of times, rising, each once.
    regimes : ndarray of int, shape (marks,)
        `Regime` as it was known at each mark; NORMAL everywhere switches the adaptation off.
    start : int
        First row that is traded on; the rows before it are for the signals.
    """

    closes: pd.DataFrame = field(repr=False)
    regimes: Integers = field(repr=False)
    start: int = 0

    @classmethod
    def of(cls, closes: pd.DataFrame, regimes: Sequence[int] | Integers | None = None) -> "ResearchMarket":
        """Check prices and regimes.

        Parameters
        ----------
        closes : DataFrame, shape (marks, pairs)
            Mid prices.
        regimes : sequence of int, optional
            One a mark; normal everywhere when left out.

        Returns
        -------
        ResearchMarket

        Raises
        ------
        DataError
            When the times do not rise, or a regime is missing or unknown.
        """
        if not isinstance(closes.index, pd.DatetimeIndex):
            raise DataError(f"closes must be indexed by time, got an index of {type(closes.index).__name__}")
        if not (closes.index.is_monotonic_increasing and closes.index.is_unique):
            raise DataError("the times of the closes must rise, each once: sort them and drop the duplicates")
        codes = np.full(len(closes), int(Regime.NORMAL)) if regimes is None else np.asarray(regimes, dtype=np.int64)
        if len(codes) != len(closes) or (len(codes) and not set(np.unique(codes)) <= {int(one) for one in Regime}):
            raise DataError(f"expected one regime code for each of {len(closes)} marks, got {len(codes)}")
        return cls(closes, codes)

    def up_to(self, rows: int) -> "ResearchMarket":
        """The first marks alone.

        Parameters
        ----------
        rows : int
            How many.

        Returns
        -------
        ResearchMarket
        """
        return ResearchMarket(self.closes.iloc[:rows], self.regimes[:rows], min(self.start, rows))

    def traded_from(self, row: int) -> "ResearchMarket":
        """The same market, traded on from a row.

        Parameters
        ----------
        row : int
            First row with a position at the earliest the row after.

        Returns
        -------
        ResearchMarket
        """
        return ResearchMarket(self.closes, self.regimes, row)

    def marks(self, pair: str) -> Marks:
        """Prices of one pair.

        Parameters
        ----------
        pair : str
            One of the columns.

        Returns
        -------
        Marks
        """
        times = pd.DatetimeIndex(self.closes.index).tz_localize(None).to_numpy()
        return Marks(times, self.closes[pair].to_numpy(dtype=float), self.regimes)

    @property
    def periods_per_year(self) -> float:
        """Marks in a year, counted from the first to the last."""
        return periods_per_year(pd.DatetimeIndex(self.closes.index))

    def objections(self, configurations: Sequence[Configuration], policy: Policy) -> Mapping[str, str]:
        """Configurations that cannot be tried here, and why.

        Parameters
        ----------
        configurations : sequence of Configuration
            The grid.
        policy : Policy
            For the windows of the signals.

        Returns
        -------
        mapping of str to str
            Name to a sentence; empty when all can be tried.
        """
        bad = {pair: why for pair in {one.pair for one in configurations} if (why := self._objection(pair))}
        found = {one.name: bad[one.pair] for one in configurations if one.pair in bad}
        bars = {"4h": "4h", "daily": "D", "weekly": "W"}
        index = pd.DatetimeIndex(self.closes.index)
        counts = {name: index.to_period(code).nunique() if code != "4h" else len(index) for name, code in bars.items()}
        for one in configurations:
            needed = one.lookback(policy)
            if one.name not in found and counts[one.timeframe] <= needed:
                found[one.name] = (
                    f"too little history: {counts[one.timeframe]} {one.timeframe} bars, the signal needs more than "
                    f"{needed} before its first reading in every regime"
                )
        return found

    def _objection(self, pair: str) -> str:
        if pair not in self.closes:
            return f"no prices of {pair}"
        values = self.closes[pair].to_numpy(dtype=float)
        bad = np.flatnonzero(~(np.isfinite(values) & (values > 0)))
        if bad.size:
            first, last = self.closes.index[bad[0]].date(), self.closes.index[bad[-1]].date()
            return (
                f"{pair} has gaps: {bad.size} of {len(values)} closes are missing or not positive, from {first} to "
                f"{last}; mend the data or leave the pair out"
            )
        if len(values) and np.ptp(values) == 0.0:
            return f"the price of {pair} never moves"
        return ""


def periods_per_year(index: pd.DatetimeIndex) -> float:
    """Marks in a year, counted from the first to the last.

    Parameters
    ----------
    index : DatetimeIndex
        Rising.

    Returns
    -------
    float

    Raises
    ------
    DataError
        When there are fewer than two marks.
    """
    if len(index) < 2:
        raise DataError(f"a rate a year needs at least two marks, got {len(index)}")
    days = (index[-1] - index[0]) / pd.Timedelta(days=1)
    return float((len(index) - 1) * 365.25 / days)
