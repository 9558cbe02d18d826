"""The protocol of a source, and what an intraday source hands over."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

import pandas as pd

from workbench.data.calendar import FIX, TIMEFRAMES
from workbench.data.rates import DailyRates


@dataclass(frozen=True, eq=False)
class BarsSeries:
    """One pair at one timeframe, oldest first, with what had to be mended to make it so.

    Attributes
    ----------
    pair, timeframe : str
        Six letters; one of `TIMEFRAMES`, or ``fix``.
    frame : DataFrame, shape (rows, columns)
        Prices in units of the quote currency, indexed by UTC time, strictly increasing. Bars carry the start of the bar
        and ``open high low close``, optionally ``bid ask volume``; ticks carry ``bid ask``. No NaN in prices.
    source : str
        File name.
    mended : mapping of str to int
        Rows that were ``duplicated`` (dropped, the first one stays), ``conflicting`` (same time, other prices) or
        ``unsorted`` in the file.
    """

    pair: str
    timeframe: str
    frame: pd.DataFrame
    source: str
    mended: Mapping[str, int] = field(default_factory=dict)

    @property
    def mid(self) -> pd.Series:
        """Mid price of each row: half of bid plus ask for ticks, the close for bars."""
        if self.timeframe == "tick":
            return (self.frame["bid"] + self.frame["ask"]).mul(0.5).rename("mid")
        return self.frame["close"].rename("mid")

    @property
    def known_at(self) -> pd.DatetimeIndex:
        """When each price was known, UTC: the tick's time, the end of the bar."""
        times = pd.DatetimeIndex(self.frame.index)
        return times if self.timeframe in {"tick", FIX} else times + TIMEFRAMES[self.timeframe]

    def up_to(self, as_of: date) -> "BarsSeries":
        """Forget every row that was not complete by the end of a UTC day.

        Parameters
        ----------
        as_of : date
            Last day that may be seen.

        Returns
        -------
        BarsSeries
            Possibly without rows; what was mended in the file is not carried over, it may concern later rows.
        """
        end = pd.Timestamp(as_of).tz_localize("UTC") + pd.Timedelta(days=1)
        return BarsSeries(self.pair, self.timeframe, self.frame.loc[self.known_at <= end], self.source)


class Source(Protocol):
    """A place prices come from.

    Attributes
    ----------
    name : str
        Key in the registry.
    attribution : str
        Whom to name, shown in every report.
    """

    name: str
    attribution: str

    def load(self, *, as_of: date | None = None) -> DailyRates | BarsSeries:
        """Read the source; rows after `as_of` are dropped before anything looks at their values.

        Parameters
        ----------
        as_of : date, optional
            Last day that may be seen; None reads everything.

        Returns
        -------
        DailyRates or BarsSeries

        Raises
        ------
        DataError
            When the source cannot be read or a value that may be seen is not valid.
        """
        ...
