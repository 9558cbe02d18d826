"""Market time: nanoseconds the foreign exchange market has been open, so that no clock of ours runs over a week-end.

The market is open from Sunday 17:00 to Friday 17:00 in New York (ISDA and the interbank convention for the end of the
value date). Daylight saving follows the Energy Policy Act of 2005: second Sunday of March to first Sunday of November;
until 2006, first Sunday of April to last Sunday of October. Holidays count as open: silence then is seen as silence.
"""

from workbench.domain.compiled import compiled

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
HOUR_NS = 3_600 * SECOND_NS
DAY_NS = 24 * HOUR_NS
OPEN_WEEK_NS = 5 * DAY_NS


@compiled
def _weekday(day: int) -> int:
    """Sunday 0 … Saturday 6 of a day counted from 1970-01-01, a Thursday."""
    return (day + 4) % 7


@compiled
def _year_of(day: int) -> int:
    """Calendar year of a day counted from 1970-01-01 (Howard Hinnant, chrono-compatible date algorithms, 2013)."""
    shifted = day + 719_468
    era = shifted // 146_097
    of_era = shifted - era * 146_097
    year_of_era = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month = (5 * of_year + 2) // 153
    return year_of_era + era * 400 + (1 if month >= 10 else 0)


@compiled
def _day_of(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 to a civil date (same source)."""
    counted = year - (1 if month <= 2 else 0)
    era = counted // 400
    of_era = counted - era * 400
    of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


@compiled
def _sunday(day: int) -> int:
    """First Sunday on or after a day."""
    return day + (7 - _weekday(day)) % 7


@compiled
def new_york_offset_ns(time_ns: int) -> int:
    """What New York is behind UTC: four hours in summer, five in winter.

    Parameters
    ----------
    time_ns : int
        Nanoseconds since 1970-01-01 UTC.

    Returns
    -------
    int
        Nanoseconds.
    """
    year = _year_of(time_ns // DAY_NS)
    if year >= 2007:
        starts, ends = _sunday(_day_of(year, 3, 8)), _sunday(_day_of(year, 11, 1))
    else:
        starts, ends = _sunday(_day_of(year, 4, 1)), _sunday(_day_of(year, 10, 25))
    # clocks change at two in the morning: 07:00 UTC going forward, 06:00 UTC going back
    summer = starts * DAY_NS + 7 * HOUR_NS <= time_ns < ends * DAY_NS + 6 * HOUR_NS
    return 4 * HOUR_NS if summer else 5 * HOUR_NS


@compiled
def market_time_ns(time_ns: int) -> int:
    """Open market time since the Sunday opening before 1970.

    Parameters
    ----------
    time_ns : int
        Nanoseconds since 1970-01-01 UTC.

    Returns
    -------
    int
        Nanoseconds; stands still while the market is closed.

    Examples
    --------
    >>> saturday = 2 * DAY_NS + 12 * HOUR_NS
    >>> market_time_ns(saturday) == market_time_ns(saturday + HOUR_NS)
    True
    """
    # 1969-12-28 17:00 in New York was a Sunday opening: four days before Thursday, less seventeen hours
    since = time_ns - new_york_offset_ns(time_ns) + 4 * DAY_NS - 17 * HOUR_NS
    weeks = since // (7 * DAY_NS)
    return weeks * OPEN_WEEK_NS + min(since - weeks * 7 * DAY_NS, OPEN_WEEK_NS)
