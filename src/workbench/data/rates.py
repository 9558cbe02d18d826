"""`DailyRates`: one row a fixing day, one column a leg, cut at an as-of date.

Everything a daily calibration knows about the market comes from one such object. `up_to` is the only way to look at an
earlier day: it returns a new object that has never seen the later rows.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from workbench.domain.currencies import ACCOUNT_CURRENCY, CURRENCIES, LEGS, PAIRS
from workbench.domain.errors import DataError


def price_in(values: pd.DataFrame, pair: str) -> pd.Series:
    """Price of any pair of the eight currencies from leg values.

    Parameters
    ----------
    values : DataFrame, shape (days, 7)
        US dollars per unit of each currency of `LEGS`, oldest first.
    pair : str
        Six letters, base first, such as ``EURAUD``; it need not be one of the sixteen traded pairs.

    Returns
    -------
    Series, shape (days,)
        Units of the quote currency per unit of the base currency.

    Raises
    ------
    DataError
        When either half is not one of the eight currencies, or both are the same.
    """
    base, quote = pair[:3], pair[3:]
    if base not in CURRENCIES or quote not in CURRENCIES or base == quote:
        raise DataError(f"unknown pair {pair!r}: expected two of the currencies {', '.join(CURRENCIES)}")
    numerator = 1.0 if base == ACCOUNT_CURRENCY else values[base]
    denominator = 1.0 if quote == ACCOUNT_CURRENCY else values[quote]
    return pd.Series(numerator / denominator, index=values.index, name=pair)


def log_returns(prices: pd.DataFrame) -> pd.DataFrame:
    """Log returns from row to row.

    Parameters
    ----------
    prices : DataFrame, shape (rows, series)
        Positive, oldest first.

    Returns
    -------
    DataFrame, shape (rows - 1, series)
        Fraction, labelled by the later row.
    """
    logs = pd.DataFrame(np.log(prices.to_numpy()), index=prices.index, columns=prices.columns)
    return logs.diff().iloc[1:]


@dataclass(frozen=True, eq=False)
class DailyRates:
    """Daily fixes of seven USD legs, oldest first.

    Attributes
    ----------
    leg_values : DataFrame, shape (days, 7)
        US dollars per unit of each currency, columns in the order of `LEGS`; the index holds naive calendar days,
        strictly increasing. No NaN: a day without all seven values is refused when the object is made.
    source : str
        Who published the figures and where they were read.

    Raises
    ------
    DataError
        When the table is empty, out of order, repeats a day, or holds a value that is not a positive finite number.
    """

    leg_values: pd.DataFrame
    source: str

    def __post_init__(self) -> None:
        """Check the promises above; keep a private copy."""
        table = self.leg_values
        if list(table.columns) != list(LEGS):
            raise DataError(f"leg values need the columns {', '.join(LEGS)} in this order, got {list(table.columns)}")
        if not isinstance(table.index, pd.DatetimeIndex) or len(table) == 0:
            raise DataError("leg values need at least one row, indexed by day")
        if table.index.tz is not None or not (table.index == table.index.normalize()).all():
            raise DataError("days of daily rates must be calendar days without a time or a timezone")
        if not (table.index.is_monotonic_increasing and table.index.is_unique):
            raise DataError("days of daily rates must be strictly increasing, oldest first")
        values = table.to_numpy(dtype=np.float64)
        bad = ~(np.isfinite(values) & (values > 0))
        if bad.any():
            row, column = (int(place[0]) for place in np.nonzero(bad))
            raise DataError(
                f"{LEGS[column]} on {table.index[row].date()} must be a positive number, got {values[row, column]:g}"
            )
        # A copy in one canonical dtype: the hash must not depend on how the table was built.
        index = pd.DatetimeIndex(table.index.to_numpy().astype("datetime64[ns]"), name="date")
        object.__setattr__(self, "leg_values", pd.DataFrame(values.copy(), index=index, columns=list(LEGS)))

    @property
    def dates(self) -> pd.DatetimeIndex:
        """Fixing days, oldest first, without timezone."""
        return pd.DatetimeIndex(self.leg_values.index)

    @property
    def as_of(self) -> date:
        """The last day in the table."""
        return self.dates[-1].date()

    def __len__(self) -> int:
        """Count the fixing days."""
        return len(self.leg_values)

    @property
    def content_hash(self) -> str:
        """SHA-256 over leg names, days and values: equal exactly when every figure is equal."""
        digest = hashlib.sha256(",".join(LEGS).encode())
        digest.update(self.dates.to_numpy().astype("datetime64[D]").astype("<i8").tobytes())
        digest.update(np.ascontiguousarray(self.leg_values.to_numpy(), dtype="<f8").tobytes())
        return digest.hexdigest()

    def up_to(self, as_of: date | str | pd.Timestamp) -> "DailyRates":
        """Forget every row after a day.

        Parameters
        ----------
        as_of : date, str or Timestamp
            The last day that may be seen; on a week-end or holiday the last fix before it counts.

        Returns
        -------
        DailyRates

        Raises
        ------
        DataError
            When the day is before the first row.
        """
        day = pd.Timestamp(as_of)
        if day < self.dates[0]:
            raise DataError(
                f"no fix on or before {day.date()}: the data ({self.source}) starts on {self.dates[0].date()}; "
                "give a later as-of date"
            )
        return DailyRates(self.leg_values.loc[self.dates <= day], self.source)

    def leg_log_returns(self) -> pd.DataFrame:
        """Log return of each leg from fix to fix.

        Returns
        -------
        DataFrame, shape (days - 1, 7)
            Fraction, oldest first, labelled by the later day; + means the currency gained against the US dollar.
        """
        return log_returns(self.leg_values)

    def leg_simple_returns(self) -> pd.DataFrame:
        """Simple return of each leg from fix to fix.

        Returns
        -------
        DataFrame, shape (days - 1, 7)
            Fraction, oldest first, labelled by the later day; + means the currency gained against the US dollar.
        """
        return self.leg_values.pct_change().iloc[1:]

    def pair_rates(self, pair: str) -> pd.Series:
        """Rate of one pair.

        Parameters
        ----------
        pair : str
            Six letters, base first; any two of the eight currencies.

        Returns
        -------
        Series, shape (days,)
            Units of the quote currency per unit of the base currency, oldest first.
        """
        return price_in(self.leg_values, pair)

    def pairs_table(self, pairs: tuple[str, ...] = PAIRS) -> pd.DataFrame:
        """Rates of several pairs side by side.

        Parameters
        ----------
        pairs : tuple of str
            Names, base first; by default the sixteen traded pairs.

        Returns
        -------
        DataFrame, shape (days, pairs)
            Units of the quote currency per unit of the base currency, oldest first.
        """
        return pd.DataFrame({pair: self.pair_rates(pair) for pair in pairs})

    def pair_log_returns(self, pairs: tuple[str, ...] = PAIRS) -> pd.DataFrame:
        """Log returns of several pairs from fix to fix.

        Parameters
        ----------
        pairs : tuple of str
            Names, base first; by default the sixteen traded pairs.

        Returns
        -------
        DataFrame, shape (days - 1, pairs)
            Fraction, oldest first; + means the base currency gained.
        """
        return log_returns(self.pairs_table(pairs))

    def pair_simple_returns(self, pairs: tuple[str, ...] = PAIRS) -> pd.DataFrame:
        """Simple returns of several pairs from fix to fix.

        Parameters
        ----------
        pairs : tuple of str
            Names, base first; by default the sixteen traded pairs.

        Returns
        -------
        DataFrame, shape (days - 1, pairs)
            Fraction of the earlier rate, oldest first; + means the base currency gained.
        """
        return self.pairs_table(pairs).pct_change().iloc[1:]

    def last_values(self) -> Mapping[str, float]:
        """US dollars per unit of each leg on the last day; what `Book.leg_weights` takes."""
        return {leg: float(self.leg_values[leg].iloc[-1]) for leg in LEGS}
