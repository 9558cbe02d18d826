"""Day, week and month begin when New York closes at five, in summer and in winter."""

import pandas as pd
import pytest

from workbench.runtime.projection.periods import NAMES, Periods


def ns(text: str) -> int:
    return int(pd.Timestamp(text, tz="America/New_York").tz_convert("UTC").as_unit("ns").value)


def begun_at(periods: Periods) -> list[str]:
    zone = "America/New_York"
    moments = [pd.Timestamp(getattr(periods, name).since_ns, tz="UTC").tz_convert(zone) for name in NAMES]
    return [f"{moment:%Y-%m-%d %H:%M}" for moment in moments]


@pytest.mark.parametrize(
    ("until", "day", "week", "month"),
    [
        ("2026-10-28 16:59:59", "2026-10-27 17:00", "2026-10-23 17:00", "2026-10-20 09:00"),
        ("2026-10-28 17:00:00", "2026-10-28 17:00", "2026-10-23 17:00", "2026-10-20 09:00"),
        # the clocks go back in the night to Sunday; the last day of October is a Saturday
        ("2026-10-31 12:00:00", "2026-10-30 17:00", "2026-10-30 17:00", "2026-10-30 17:00"),
        ("2026-11-02 16:59:59", "2026-10-30 17:00", "2026-10-30 17:00", "2026-10-30 17:00"),
        ("2026-11-02 17:00:00", "2026-11-02 17:00", "2026-10-30 17:00", "2026-10-30 17:00"),
        ("2027-03-16 12:00:00", "2027-03-15 17:00", "2027-03-12 17:00", "2027-02-26 17:00"),
    ],
)
def test_a_period_begins_at_the_close_before_it(until, day, week, month):
    periods = Periods.begun(ns("2026-10-20 09:00"), 100.0)
    periods.roll(ns(until), 90.0)
    assert begun_at(periods) == [day, week, month]


def test_profit_counts_from_the_equity_before_the_first_event_of_the_period():
    periods = Periods.begun(ns("2026-11-23 09:00"), 100.0)
    periods.roll(ns("2026-11-23 16:00"), 105.0)
    periods.roll(ns("2026-11-23 17:30"), 108.0)
    table = periods.table(107.0)
    assert table["day"] == {"since_ns": ns("2026-11-23 17:00"), "equity": 108.0, "profit": -1.0}
    assert table["week"]["profit"] == table["month"]["profit"] == 7.0


def test_periods_that_were_shown_go_on_as_they_were():
    periods = Periods.begun(ns("2026-11-23 09:00"), 100.0)
    again = Periods.restored(periods.table(103.0))
    for one in (periods, again):
        one.roll(ns("2026-11-27 18:00"), 110.0)
    assert periods.table(111.0) == again.table(111.0)
    assert again.until_ns == periods.until_ns == ns("2026-11-30 17:00")
