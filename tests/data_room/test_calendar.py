from datetime import date

import numpy as np
import pandas as pd
import pytest

from workbench.data.calendar import easter_sunday, fix_times, fixing_days, market_slots, parse_as_of, target_holidays
from workbench.data.rates import DailyRates
from workbench.domain.errors import ConfigError


def test_missing_weekdays_of_the_ecb_history_are_exactly_the_target_holidays(rates: DailyRates) -> None:
    expected = fixing_days(rates.dates[0].date(), rates.as_of)
    assert list(expected) == list(rates.dates)
    weekdays = pd.bdate_range(rates.dates[0], rates.dates[-1])
    assert len(weekdays) - len(rates) == 134


@pytest.mark.parametrize(
    ("year", "easter"),
    [(1999, date(1999, 4, 4)), (2008, date(2008, 3, 23)), (2011, date(2011, 4, 24)), (2038, date(2038, 4, 25))],
)
def test_easter_falls_on_the_published_days(year: int, easter: date) -> None:
    assert easter_sunday(year) == easter


def test_target_was_open_at_easter_1999_and_closed_on_the_two_special_new_years_eves() -> None:
    assert date(1999, 4, 2) not in target_holidays(1999)
    assert date(2000, 4, 21) in target_holidays(2000)
    assert date(1999, 12, 31) in target_holidays(1999)
    assert date(2001, 12, 31) in target_holidays(2001)
    assert date(2002, 12, 31) not in target_holidays(2002)


def test_fix_is_at_13_15_utc_in_winter_and_12_15_in_summer() -> None:
    times = fix_times(pd.DatetimeIndex(["2020-01-15", "2020-07-15"]))
    assert [moment.strftime("%H:%M") for moment in times] == ["13:15", "12:15"]


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2020-01-12 21:59", False),  # Sunday before 17:00 New York (winter)
        ("2020-01-12 22:00", True),
        ("2020-07-12 21:00", True),  # one hour earlier in summer
        ("2020-01-17 21:59", True),  # Friday
        ("2020-01-17 22:00", False),
        ("2020-12-25 12:00", False),
        ("2021-01-01 12:00", False),
        ("2020-12-24 12:00", True),
    ],
)
def test_market_is_open_from_sunday_to_friday_17_new_york(moment: str, is_open: bool) -> None:
    assert bool(market_slots(pd.DatetimeIndex([moment], tz="UTC"), "1min")[1][0]) is is_open


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Europe/Helsinki"])
@pytest.mark.parametrize("timeframe", ["15min", "1h", "4h"])
def test_full_year_of_bars_counts_as_complete_however_the_bars_are_aligned(zone: str, timeframe: str) -> None:
    starts = pd.date_range("2021-01-04", "2021-12-23", freq=timeframe.replace("min", "min"), tz=zone).tz_convert("UTC")
    slots, is_open = market_slots(starts, timeframe)
    filled = np.unique(slots[is_open])
    # Helsinki and New York change their clocks on different Sundays, so no bar is lost inside a week.
    assert len(filled) == filled[-1] - filled[0] + 1


def test_as_of_in_the_future_is_refused_with_the_clock_that_was_passed_in() -> None:
    with pytest.raises(ConfigError, match="as-of date 2026-11-02 is in the future: today is 2026-11-01"):
        parse_as_of("2026-11-02", today=date(2026, 11, 1))


def test_as_of_that_is_no_date_is_refused() -> None:
    with pytest.raises(ConfigError, match="must look like 2026-10-30, got 'yesterday'"):
        parse_as_of("yesterday", today=date(2026, 11, 1))
    assert parse_as_of(None, today=date(2026, 11, 1)) is None
    assert parse_as_of("2026-11-01", today=date(2026, 11, 1)) == date(2026, 11, 1)
