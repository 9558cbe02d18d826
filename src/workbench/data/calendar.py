"""When there should be a price: TARGET fixing days for the ECB, New York hours for the intraday market.

The ECB publishes reference rates on TARGET business days. TARGET closes on Saturdays, Sundays and, since 2000, on New
Year's Day, Good Friday, Easter Monday, 1 May, 25 and 26 December (ECB press release of 14 December 2000); in 1999 only
on 1 January, 25 and 31 December. The rule below names exactly the 134 weekdays missing in 1999-2026.
"""

from datetime import date, timedelta
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.domain.errors import ConfigError

NEW_YORK = "America/New_York"
FIX_ZONE = "Europe/Berlin"
FIX_TIME = pd.Timedelta(hours=14, minutes=15)
"""The fix is a snapshot at 14:15 Central European Time (ECB press releases, 8 July 1998 and 7 December 2015)."""

EXTRA_CLOSINGS = frozenset({date(1999, 12, 31), date(2001, 12, 31)})
"""One-off closing days: the millennium change-over and the euro cash change-over."""

TIMEFRAMES: dict[str, pd.Timedelta] = {
    "tick": pd.Timedelta(minutes=1),  # ticks are counted by the minute
    "1min": pd.Timedelta(minutes=1),
    "5min": pd.Timedelta(minutes=5),
    "15min": pd.Timedelta(minutes=15),
    "1h": pd.Timedelta(hours=1),
    "4h": pd.Timedelta(hours=4),
    "1d": pd.Timedelta(days=1),
}
"""Timeframes a user's file may have, with the length of one bar."""

FIX = "fix"
"""Timeframe name of the daily ECB fixes."""

_MARKET_HOLIDAYS = ((1, 1), (12, 25))


def easter_sunday(year: int) -> date:
    """Easter Sunday of the Gregorian calendar.

    Parameters
    ----------
    year : int
        Gregorian year.

    Returns
    -------
    date

    References
    ----------
    Anonymous Gregorian computus, in J. Meeus (1991), Astronomical Algorithms, chapter 8.

    Examples
    --------
    >>> easter_sunday(2024)
    datetime.date(2024, 3, 31)
    """
    golden = year % 19
    century, of_century = divmod(year, 100)
    leap_centuries, century_rest = divmod(century, 4)
    moon_correction = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leap_centuries - moon_correction + 15) % 30
    leap_years, year_rest = divmod(of_century, 4)
    weekday = (32 + 2 * century_rest + 2 * leap_years - epact - year_rest) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


@cache
def target_holidays(year: int) -> frozenset[date]:
    """Days of a year on which TARGET is closed besides week-ends.

    Parameters
    ----------
    year : int
        1999 or later.

    Returns
    -------
    frozenset of date
    """
    days = {date(year, 1, 1), date(year, 12, 25)}
    if year >= 2000:
        easter = easter_sunday(year)
        days |= {date(year, 5, 1), date(year, 12, 26), easter - timedelta(days=2), easter + timedelta(days=1)}
    return frozenset(days | {day for day in EXTRA_CLOSINGS if day.year == year})


def fixing_days(start: date, end: date) -> pd.DatetimeIndex:
    """Days on which the ECB is expected to fix.

    Parameters
    ----------
    start, end : date
        First and last day, both included.

    Returns
    -------
    DatetimeIndex
        Naive calendar days, oldest first; empty when `end` is before `start`.
    """
    days = pd.bdate_range(start, end)
    closed = {pd.Timestamp(day) for year in range(start.year, end.year + 1) for day in target_holidays(year)}
    return pd.DatetimeIndex([day for day in days if day not in closed])


def fix_times(days: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Moments of the ECB fix in UTC.

    Parameters
    ----------
    days : DatetimeIndex, shape (days,)
        Naive calendar days.

    Returns
    -------
    DatetimeIndex
        14:15 Central European (summer) Time of each day, in UTC.
    """
    local = (days + FIX_TIME).tz_localize(FIX_ZONE)
    return pd.DatetimeIndex(local.tz_convert("UTC"))


def market_slots(times: pd.DatetimeIndex, timeframe: str) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Number every bar by its place in the market's week, so that gaps are jumps in a count.

    The market is open from Sunday 17:00 to Friday 17:00 New York time; a trading day begins at 17:00 New York and
    carries the next calendar date. 25 December and 1 January are closed. A bar belongs to the slot its middle falls in,
    so that four-hour bars may be aligned to any zone.

    Parameters
    ----------
    times : DatetimeIndex, shape (bars,)
        Start of each bar, UTC.
    timeframe : str
        One of `TIMEFRAMES`.

    Returns
    -------
    slots : ndarray of int64, shape (bars,)
        Count of open slots since 1970; consecutive bars differ by one, across week-ends too.
    is_open : ndarray of bool, shape (bars,)
        False where the market is closed; the slot number means nothing there.
    """
    step = TIMEFRAMES[timeframe]
    middle = times + step / 2
    # 17:00 New York becomes midnight. Both clock changes of New York fall into the closed week-end.
    wall = middle.tz_convert(NEW_YORK).tz_localize(None).as_unit("ns") + pd.Timedelta(hours=7)
    day_number = wall.to_numpy().astype("datetime64[D]")
    since_open = (wall.to_numpy() - day_number).astype("timedelta64[ns]").astype(np.int64)
    slot = since_open // step.value
    holidays = market_holidays(day_number)
    trading_day = np.busday_count(np.datetime64("1970-01-01"), day_number, holidays=holidays)
    is_open = np.is_busday(day_number, holidays=holidays)
    per_day = pd.Timedelta(days=1).value // step.value
    return trading_day.astype(np.int64) * per_day + slot, is_open


def market_holidays(days: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    """25 December and 1 January of the years spanned by the given days.

    Parameters
    ----------
    days : ndarray of datetime64[D]
        Any days; may be empty.

    Returns
    -------
    ndarray of datetime64[D]
        From 1970 on, because slots are counted from there.
    """
    last = int(days.max().astype("datetime64[Y]").astype(int)) + 1970 if len(days) else 1970
    names = [f"{year:04d}-{month:02d}-{day:02d}" for year in range(1970, last + 2) for month, day in _MARKET_HOLIDAYS]
    return np.array(names, dtype="datetime64[D]")


def parse_as_of(text: str | date | None, *, today: date) -> date | None:
    """Read an as-of date and refuse the future.

    Parameters
    ----------
    text : str, date or None
        ``YYYY-MM-DD``; None means the last day in the data.
    today : date
        The clock, passed in.

    Returns
    -------
    date or None

    Raises
    ------
    ConfigError
        When the text is not a date, or the date is after `today`.
    """
    if text is None:
        return None
    try:
        day = text if isinstance(text, date) else date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"as-of date must look like 2026-10-30, got {text!r}") from None
    if day > today:
        raise ConfigError(f"as-of date {day} is in the future: today is {today}; give a day up to today")
    return day
