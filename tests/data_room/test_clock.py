"""The intraday prices here are synthetic, built through the real ECB fixes; see conftest."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from workbench.data.quality.clock import ClockCheck
from workbench.data.quality.findings import SeriesQuality
from workbench.data.quality.intraday import assess_bars
from workbench.data.rates import DailyRates
from workbench.data.sources import BarsSeries

Synthetic = Callable[..., pd.DataFrame]
LONG = {"start": "2012-01-01", "end": "2019-12-31"}


def _assessed(frame: pd.DataFrame, rates: DailyRates, pair: str = "EURUSD", timeframe: str = "1h") -> SeriesQuality:
    series = BarsSeries(pair, timeframe, frame.loc[~frame.index.duplicated()].sort_index(), "synthetic")
    return assess_bars(series, rates)


def _clock(frame: pd.DataFrame, rates: DailyRates, pair: str = "EURUSD", timeframe: str = "1h") -> ClockCheck:
    check = _assessed(frame, rates, pair, timeframe).clock
    assert check is not None
    return check


def _restamped(frame: pd.DataFrame, index: pd.DatetimeIndex) -> pd.DataFrame:
    moved = frame.copy()
    moved.index = index
    return moved


@pytest.fixture(scope="module")
def noisy_fixes(rates: DailyRates) -> DailyRates:
    """Real fixes differ from a feed by four to five basis points; the synthetic feed passes through them exactly."""
    noise = np.random.default_rng(5).normal(0.0, 4e-4, rates.leg_values.shape)
    return DailyRates(rates.leg_values * np.exp(noise), "ECB with synthetic noise")


@pytest.mark.parametrize("timeframe", ["15min", "1h", "4h"])
@pytest.mark.parametrize("pair", ["EURUSD", "AUDJPY", "EURCHF"])
def test_right_clock_is_accepted_in_every_segment(
    synthetic_bars: Synthetic, noisy_fixes: DailyRates, pair: str, timeframe: str
) -> None:
    quality = _assessed(synthetic_bars(pair, timeframe=timeframe, **LONG), noisy_fixes, pair, timeframe)
    assert quality.clock is not None
    assert quality.clock.is_right
    assert quality.verdict == "accepted"
    # Eight years of winter, summer and switch weeks; the switch weeks of 2016 hold too few fixes to judge.
    assert len(quality.clock.segments) == 23


def test_right_hourly_clock_shows_the_correlation_and_difference_a_right_clock_shows(
    synthetic_bars: Synthetic, noisy_fixes: DailyRates
) -> None:
    check = _clock(synthetic_bars("EURUSD", **LONG), noisy_fixes)
    assert check.correlation > 0.98
    assert 3.0 < check.difference_bps < 6.5
    assert "the clock is right" in check.sentence()


@pytest.mark.parametrize("timeframe", ["15min", "1h"])
@pytest.mark.parametrize("hours", [1, -1, 5])
def test_shifted_clock_is_refused_with_its_shift(
    synthetic_bars: Synthetic, noisy_fixes: DailyRates, timeframe: str, hours: int
) -> None:
    bars = synthetic_bars("EURUSD", timeframe=timeframe, **LONG)
    quality = _assessed(_restamped(bars, bars.index + pd.Timedelta(hours=hours)), noisy_fixes, timeframe=timeframe)
    assert quality.clock is not None
    wrong = [segment for segment in quality.clock.segments if segment.is_wrong]
    assert {segment.year for segment in wrong} == set(range(2012, 2020))
    assert {segment.best_shift_minutes for segment in wrong} <= {60 * hours - 30, 60 * hours, 60 * hours + 30}
    assert quality.verdict == "refused"
    assert f"minutes {'ahead of' if hours > 0 else 'behind'} true time" in quality.clock.sentence()


def test_helsinki_server_stated_as_utc_is_refused_and_its_zone_named(
    synthetic_bars: Synthetic, noisy_fixes: DailyRates
) -> None:
    bars = synthetic_bars("EURUSD", **LONG)
    wall = bars.index.tz_convert("Europe/Helsinki").tz_localize(None).tz_localize("UTC")
    check = _clock(_restamped(bars, wall), noisy_fixes)
    assert check.likely_zone == "Europe/Helsinki"
    long_ones = [segment for segment in check.segments if segment.season != "switch"]
    assert all(segment.is_wrong for segment in long_ones)
    assert {segment.season: segment.best_shift_minutes for segment in long_ones} == {"winter": 120, "summer": 180}


def test_server_that_ignores_daylight_saving_is_caught_in_summer_only(
    synthetic_bars: Synthetic, noisy_fixes: DailyRates
) -> None:
    bars = synthetic_bars("EURUSD", **LONG)
    # The file's wall clock is Helsinki's; it was read as if Helsinki were on UTC+2 all year.
    wall = bars.index.tz_convert("Europe/Helsinki").tz_localize(None)
    check = _clock(_restamped(bars, wall.tz_localize("Etc/GMT-2").tz_convert("UTC")), noisy_fixes)
    verdicts = {(segment.season, segment.is_wrong) for segment in check.segments if segment.season != "switch"}
    assert verdicts == {("winter", False), ("summer", True)}


def test_server_on_american_daylight_saving_is_caught_in_the_switch_weeks(
    synthetic_bars: Synthetic, noisy_fixes: DailyRates
) -> None:
    bars = synthetic_bars("EURUSD", timeframe="15min", **LONG)
    # New York + 7 h and Helsinki agree except in the weeks in which the United States have switched and Europe has not.
    wall = bars.index.tz_convert("America/New_York").tz_localize(None) + pd.Timedelta(hours=7)
    check = _clock(
        _restamped(bars, wall.tz_localize("Europe/Helsinki").tz_convert("UTC")), noisy_fixes, timeframe="15min"
    )
    assert not any(segment.is_wrong for segment in check.segments if segment.season != "switch")
    assert sum(segment.is_wrong for segment in check.segments if segment.season == "switch") >= 4


def test_another_pair_at_a_similar_level_is_not_waved_through(synthetic_bars: Synthetic, rates: DailyRates) -> None:
    bars = synthetic_bars("EURUSD", **LONG)
    reasons = _assessed(bars, rates, "USDCAD").reasons
    assert any("is it another pair" in reason for reason in reasons)


def test_few_overlapping_fixes_are_flagged_not_guessed(synthetic_bars: Synthetic, rates: DailyRates) -> None:
    bars = synthetic_bars("EURUSD", **LONG).loc["2018-03-05":"2018-03-16"]
    quality = _assessed(bars, rates)
    assert quality.clock is None
    assert quality.verdict == "flagged"
    assert "too few ECB fixes overlap" in quality.reasons[0]


def test_check_of_a_prefix_never_sees_later_rows(synthetic_bars: Synthetic, rates: DailyRates) -> None:
    bars = synthetic_bars("EURUSD", **LONG)
    spoilt = bars.copy()
    spoilt.loc["2016-01-01":] *= np.random.default_rng(2).uniform(0.2, 5.0, (len(spoilt.loc["2016-01-01":]), 1))
    cut = rates.up_to("2015-12-31")
    checks = [
        assess_bars(BarsSeries("EURUSD", "1h", frame, "synthetic").up_to(date(2015, 12, 31)), cut)
        for frame in (spoilt, bars)
    ]
    assert checks[0] == checks[1]
    assert checks[0].last.startswith("2015-12-31")


def test_table_of_segments_has_one_row_each(synthetic_bars: Synthetic, rates: DailyRates) -> None:
    check = _clock(synthetic_bars("EURUSD", **LONG), rates)
    table = check.to_frame()
    assert list(table["year"].unique()) == list(range(2012, 2020))
    assert not table["is_wrong"].any()
    assert replace(check, segments=()).is_right
