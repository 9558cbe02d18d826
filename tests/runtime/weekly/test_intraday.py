"""The 4-hour timeframe joins when bars are stored; bars here are SYNTHETIC."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from workbench.data.sources.protocol import BarsSeries
from workbench.data.store import Store
from workbench.runtime.weekly.intraday import four_hour_closes, sweep_intraday
from workbench.runtime.weekly.session import WeeklySession


def bars(pair, timeframe="1h", start="2022-01-03", periods=20_000, seed=0):
    times = pd.date_range(start, periods=periods, freq=timeframe.replace("d", "D"), tz="UTC", name="time")
    times = times[times.day_of_week < 5]
    close = np.exp(np.cumsum(np.random.default_rng(seed).normal(0.0, 0.001, len(times))))
    frame = pd.DataFrame(dict.fromkeys(("open", "high", "low", "close"), close), index=times)
    return BarsSeries(pair, timeframe, frame, "SYNTHETIC")


@pytest.fixture
def lab(tmp_path, policy, rates):
    return WeeklySession(rates, policy, tmp_path, tmp_path / "run")


def test_without_bars_the_timeframe_stays_out(lab):
    found = lab.sweep_intraday()
    assert found.names == () and found.table().empty and lab.trials == 0
    assert "no intraday bars are stored" in found._repr_html_()


def test_bars_of_an_hour_become_bars_of_four_that_have_closed(tmp_path):
    store, series = Store(tmp_path / "market"), bars("EURUSD")
    store.write(series)
    closes = four_hour_closes(store, "EURUSD", date(2022, 1, 5))
    assert closes.index[0] == pd.Timestamp("2022-01-03 04:00", tz="UTC")
    assert closes.iloc[0] == series.frame["close"].loc["2022-01-03 03:00"]
    later = four_hour_closes(store, "EURUSD", date(2023, 1, 5))
    shared = closes.index[:-1]
    pd.testing.assert_series_equal(later.loc[shared], closes.loc[shared], check_freq=False)
    assert four_hour_closes(store, "USDJPY", date(2022, 1, 5)) is None


def test_every_pair_with_bars_has_twelve_counted_configurations(lab):
    store = Store(lab.home / "market")
    store.write(bars("EURUSD"))
    store.write(bars("USDJPY", "4h", periods=4_000, seed=1))
    found = lab.sweep_intraday(where="test, 4h")
    table = found.table()
    assert len(table) == 24 and set(table["pair"]) == {"EURUSD", "USDJPY"} and set(table["timeframe"]) == {"4h"}
    assert (table["trades"] > 0).all() and {"costs 2×", "costs 3×"} <= set(table)
    assert lab.trials == 24 and lab.sweep_intraday().names and lab.trials == 24
    assert "24 configurations on 2 pairs" in found._repr_html_() and "not selected from" in found._repr_html_()


def test_too_few_bars_of_a_pair_leave_it_out(lab, policy):
    store = Store(lab.home / "market")
    store.write(bars("EURUSD", "4h", periods=15))
    found = sweep_intraday(store, lab.history(), policy, as_of=lab.rates.as_of, multiples=(1.0,))
    assert found.names == ()


def test_bars_of_a_day_are_no_intraday_data(lab):
    Store(lab.home / "market").write(bars("EURUSD", "1d", periods=900))
    assert lab.sweep_intraday().names == ()
