"""The intraday prices here are synthetic, built through the real ECB fixes; see conftest."""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.data.ingest import ingest
from workbench.data.quality import AcceptanceLog, Acceptor, quality_report
from workbench.data.rates import DailyRates
from workbench.data.sources import BarsFile, SeriesSpec
from workbench.data.store import Store
from workbench.domain.errors import ConfigError, DataError, WorkbenchError

Synthetic = Callable[..., pd.DataFrame]
Write = Callable[..., Path]
SPEC = SeriesSpec("EURUSD", "UTC", "1h")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "home" / "market")


@pytest.fixture
def acceptor(tmp_path: Path) -> Acceptor:
    return Acceptor(
        AcceptanceLog(tmp_path / "home" / "acceptances.jsonl"), "risk desk", datetime(2026, 11, 2, tzinfo=UTC)
    )


def test_clean_file_is_stored_as_it_is(
    synthetic_bars: Synthetic, write_csv: Write, store: Store, rates: DailyRates
) -> None:
    bars = synthetic_bars()
    result = ingest(write_csv(bars), SPEC, store=store, rates=rates)
    assert result.quality.verdict == "accepted"
    assert result.quality.capture_rate == 1.0
    assert result.stored.path == store.root / "EURUSD" / "1h.parquet"
    assert result.stored.rows == len(bars)
    assert np.allclose(store.read("EURUSD", "1h").frame, bars, rtol=1e-15)


def test_parquet_mapped_names_and_local_time_give_the_same_series(
    synthetic_bars: Synthetic, write_csv: Write, store: Store, rates: DailyRates, tmp_path: Path
) -> None:
    bars = synthetic_bars()
    expected = BarsFile(write_csv(bars), SPEC).load().frame
    local = bars.index.tz_convert("Europe/Berlin")
    other = bars.rename(columns=str.upper).reset_index(drop=True)
    other.insert(0, "<DATE>", local.strftime("%Y.%m.%d"))
    other.insert(1, "<TIME>", local.strftime("%H:%M:%S"))
    other.to_csv(tmp_path / "other.txt", sep="\t", index=False)
    spec = SeriesSpec("eur/usd", "Europe/Berlin", "1h", {"time": "<DATE>+<TIME>"})
    pd.testing.assert_frame_equal(BarsFile(tmp_path / "other.txt", spec).load().frame, expected)
    bars.rename(columns={"close": "Last"}).reset_index().to_parquet(tmp_path / "other.parquet")
    spec = SeriesSpec("EURUSD", "UTC", "1h", {"close": "Last"})
    loaded = BarsFile(tmp_path / "other.parquet", spec).load().frame
    assert np.array_equal(loaded, bars)
    assert ingest(tmp_path / "other.parquet", spec, store=store, rates=rates).stored.rows == len(bars)


@pytest.mark.parametrize(
    "pattern",
    [
        "%Y-%m-%dT%H:%M:%SZ",
        "%Y-%m-%d %H:%M:%S+00:00",
        "%Y%m%d %H%M%S",
        "%d.%m.%Y %H:%M:%S.000",
        "%Y.%m.%d %H:%M",
        "epoch",
    ],
)
def test_common_time_formats_are_read_alike(synthetic_bars: Synthetic, tmp_path: Path, pattern: str) -> None:
    bars = synthetic_bars().iloc[:500]
    table = bars.reset_index(drop=True)
    stamps = bars.index.strftime(pattern) if pattern != "epoch" else bars.index.as_unit("s").asi8 * 1000
    table.insert(0, "time", stamps)
    table.to_csv(tmp_path / "bars.csv", index=False)
    loaded = BarsFile(tmp_path / "bars.csv", SPEC).load()
    assert list(loaded.frame.index) == list(bars.index)


def _ticks(bars: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"bid": bars["close"] - 5e-5, "ask": bars["close"] + 5e-5}, index=bars.index)


def test_ticks_are_judged_by_mid_and_minute(
    synthetic_bars: Synthetic, write_csv: Write, store: Store, rates: DailyRates
) -> None:
    bars = synthetic_bars(timeframe="1min", start="2019-01-02", end="2019-03-29")
    ticks = _restamp(_ticks(bars), bars.index + pd.Timedelta(minutes=1))
    result = ingest(write_csv(ticks), SeriesSpec("EURUSD", "UTC", "tick"), store=store, rates=rates)
    assert result.quality.verdict == "accepted"
    assert result.quality.clock is not None and result.quality.clock.correlation > 0.999


def _restamp(frame: pd.DataFrame, index: pd.DatetimeIndex) -> pd.DataFrame:
    moved = frame.copy()
    moved.index = index
    return moved


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "bars.csv is empty: expected a header line and at least one row"),
        ("time,open,high,low,close\n", "bars.csv is empty"),
        (
            "when,open,high,low\n2019-01-02,1,1,1\n",
            "lacks the columns time, close: found when, open, high, low; name them",
        ),
        ("2019-01-02,1,1,1,1\n", "must begin with a line of column names"),
        ("time,open,high,low,close\n2019-01-02 00:00:00,1,1,1\n", "cannot read .*bars.csv: CSV parse error"),
        ("time,open,high,low,close\nsoon,1,1,1,1\n", "line 2: cannot read 'soon' in the column time as a time"),
        ("time,open,high,low,close\n5,1,1,1,1\n", "neither seconds nor milliseconds since 1970"),
        ("time,open,high,low,close\n,1,1,1,1\n2019-01-02 00:00:00,1,1,1,1\n", "line 2: the column time has no time"),
    ],
)
def test_malformed_file_is_one_clear_sentence(
    tmp_path: Path, store: Store, rates: DailyRates, content: str, message: str
) -> None:
    path = tmp_path / "bars.csv"
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        ingest(path, SPEC, store=store, rates=rates)
    assert not store.root.exists()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("-1.1", "the column close must be above zero, got -1.1"),
        ("0", "the column close must be above zero, got 0;"),
        ("", "the column close must be a number, not empty or NaN"),
        ("nan", "the column close must be a number, not empty or NaN"),
        ("inf", "the column close must be a finite number, got inf|every open and close must be between low and high"),
        ("1e12", "every open and close must be between low and high"),
        ("abc", "line 102: close must be a number, got 'abc'"),
    ],
)
def test_value_that_cannot_be_a_price_is_refused_with_its_place(
    synthetic_bars: Synthetic, write_csv: Write, store: Store, rates: DailyRates, value: str, message: str
) -> None:
    path = write_csv(synthetic_bars())
    lines = path.read_text().splitlines()
    lines[101] = ",".join([*lines[101].split(",")[:-1], value])
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match=message):
        ingest(path, SPEC, store=store, rates=rates)
    assert not store.root.exists()


def test_implausible_bar_is_refused_against_the_fix(
    synthetic_bars: Synthetic, write_csv: Write, store: Store, rates: DailyRates
) -> None:
    bars = synthetic_bars()
    bars.iloc[100] = 1e12
    with pytest.raises(
        DataError, match=r"bars\.csv is refused: EURUSD 1h: open is 1e\+12 at .* while the ECB fix was 1\.1973"
    ):
        ingest(write_csv(bars), SPEC, store=store, rates=rates)


def test_inverted_pair_is_refused(synthetic_bars: Synthetic, write_csv: Write, store: Store, rates: DailyRates) -> None:
    flipped = 1.0 / synthetic_bars()[["open", "low", "high", "close"]].set_axis(
        ["open", "high", "low", "close"], axis=1
    )
    with pytest.raises(DataError, match=r"typically lie \d+\.\d% from the ECB fix of the day, expected under 2%"):
        ingest(write_csv(flipped), SPEC, store=store, rates=rates)


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (("EURXYZ", "UTC", "1h"), DataError, "unknown pair 'EURXYZ': expected one of EURUSD"),
        (("EURUSD", "Mars/Olympus", "1h"), ConfigError, "unknown timezone 'Mars/Olympus': expected a name such as UTC"),
        (("EURUSD", "../etc", "1h"), ConfigError, "unknown timezone"),
        (
            ("EURUSD", "UTC", "2h"),
            ConfigError,
            "unknown timeframe '2h': expected one of tick, 1min, 5min, 15min, 1h, 4h, 1d",
        ),
        (("EURUSD", "UTC", "1h", {"price": "x"}), ConfigError, "unknown column name price in the mapping"),
        (("EURUSD", "UTC", "1h", {}, "middle"), ConfigError, "at their start or their end, got 'middle'"),
    ],
)
def test_wrong_statement_about_a_file_is_refused(
    wrong: tuple[str, str, str], error: type[WorkbenchError], message: str
) -> None:
    with pytest.raises(error, match=message):
        SeriesSpec(*wrong)


def test_mapping_to_an_absent_column_is_named(synthetic_bars: Synthetic, write_csv: Write) -> None:
    path = write_csv(synthetic_bars())
    with pytest.raises(
        DataError, match=r"lacks the columns close \(mapped to 'Last'\): found time, open, high, low, close"
    ):
        BarsFile(path, SeriesSpec("EURUSD", "UTC", "1h", {"close": "Last"})).load()


@pytest.mark.parametrize("moment", ["2019-03-31 02:30:00", "2019-10-27 02:30:00"])
def test_local_time_that_does_not_exist_or_exists_twice_is_refused(tmp_path: Path, moment: str) -> None:
    path = tmp_path / "bars.csv"
    path.write_text(f"time,open,high,low,close\n2019-01-02 00:00:00,1,1,1,1\n{moment},1,1,1,1\n")
    with pytest.raises(
        DataError, match=f"line 3: {moment} does not exist or exists twice in the timezone Europe/Berlin"
    ):
        BarsFile(path, SeriesSpec("EURUSD", "Europe/Berlin", "1h")).load()


def test_stamps_with_an_offset_contradict_a_stated_zone(tmp_path: Path) -> None:
    path = tmp_path / "bars.csv"
    path.write_text("time,open,high,low,close\n2019-01-02T00:00:00+02:00,1,1,1,1\n")
    with pytest.raises(
        ConfigError, match=r"carries its own offset from UTC .* contradicts the timezone 'Europe/Berlin'"
    ):
        BarsFile(path, SeriesSpec("EURUSD", "Europe/Berlin", "1h")).load()
    assert BarsFile(path, SPEC).load().frame.index[0] == pd.Timestamp("2019-01-01 22:00", tz="UTC")


def test_wrong_timezone_is_refused_and_cannot_be_accepted(
    synthetic_bars: Synthetic, write_csv: Write, store: Store, rates: DailyRates, acceptor: Acceptor
) -> None:
    bars = synthetic_bars()
    path = write_csv(bars, stamps=bars.index.tz_convert("Europe/Helsinki"))
    with pytest.raises(DataError, match=r"the clock is wrong in .* the stamps fit the timezone Europe/Helsinki"):
        ingest(path, SPEC, store=store, rates=rates, acceptor=acceptor)
    assert not store.root.exists()
    assert not acceptor.log.path.exists()
    stated = SeriesSpec("EURUSD", "Europe/Helsinki", "1h")
    assert ingest(path, stated, store=store, rates=rates).quality.verdict == "accepted"


def _duplicated(bars: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([bars.iloc[:50], bars.iloc[40:]])


def _conflicting(bars: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([bars.iloc[:50], bars.iloc[49:50] * 1.0001, bars.iloc[50:]])


def _unsorted(bars: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([bars.iloc[:50], bars.iloc[60:70], bars.iloc[50:60], bars.iloc[70:]])


def _holed(bars: pd.DataFrame) -> pd.DataFrame:
    return bars.drop(bars.index[3000:3100])


def _spiked(bars: pd.DataFrame) -> pd.DataFrame:
    bars = bars.copy()
    bars.iloc[3000, bars.columns.get_loc("close")] *= 1.02
    bars.iloc[3000, bars.columns.get_loc("high")] *= 1.02
    return bars


def _frozen(bars: pd.DataFrame) -> pd.DataFrame:
    bars = bars.copy()
    bars.iloc[3000:3010] = bars["close"].iloc[3000]
    return bars


def _crossed(bars: pd.DataFrame) -> pd.DataFrame:
    bars = bars.assign(bid=bars["close"] - 5e-5, ask=bars["close"] + 5e-5)
    bars.iloc[3000, bars.columns.get_loc("ask")] -= 2e-4
    return bars


FLAWS: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], str]] = {
    "duplicated": (_duplicated, "rows that appear twice: 10"),
    "conflicting": (_conflicting, "rows that repeat a time with other values: 1"),
    "unsorted": (_unsorted, "rows older than the row before: 1; a sorted copy is kept"),
    "holed": (_holed, "a capture rate of 99.1.*no price between 2018-06-"),
    "spiked": (_spiked, r"the price jumped \+\d+ bp at 2018-.* and came back in the next row"),
    "frozen": (_frozen, "the price did not move for 9 rows up to 2018-"),
    "crossed": (_crossed, "rows with the ask below the bid: 1, the last at 2018-"),
}


@pytest.mark.parametrize("flaw", FLAWS)
def test_flawed_file_is_stored_only_when_somebody_accepts_it_on_the_record(
    synthetic_bars: Synthetic, write_csv: Write, store: Store, rates: DailyRates, acceptor: Acceptor, flaw: str
) -> None:
    spoil, message = FLAWS[flaw]
    path = write_csv(spoil(synthetic_bars()))
    with pytest.raises(DataError, match=f"is flagged and was not stored: .*{message}.*accept this on the record"):
        ingest(path, SPEC, store=store, rates=rates)
    assert not store.root.exists()
    result = ingest(path, SPEC, store=store, rates=rates, acceptor=acceptor)
    assert result.accepted >= 1
    assert result.quality.verdict == "accepted"
    stored = store.read("EURUSD", "1h").frame
    assert stored.index.is_monotonic_increasing and stored.index.is_unique
    # What was accepted at the door stays accepted in later reports.
    report = quality_report(rates, store=store, acceptances=acceptor.log)
    assert next(one for one in report.series if one.timeframe == "1h").verdict == "accepted"


def test_report_of_the_day_covers_ingested_series_and_their_triangles(
    synthetic_bars: Synthetic, write_csv: Write, store: Store, rates: DailyRates
) -> None:
    euro, yen = synthetic_bars("EURUSD"), synthetic_bars("USDJPY")
    for pair, product in (("EURUSD", euro), ("USDJPY", yen), ("EURJPY", (euro * yen).dropna())):
        bars = product.assign(high=product.max(axis=1), low=product.min(axis=1))
        ingest(write_csv(bars), SeriesSpec(pair, "UTC", "1h"), store=store, rates=rates)
    report = quality_report(rates, store=store)
    assert [f"{one.pair} {one.timeframe}" for one in report.series[7:]] == ["EURUSD 1h", "USDJPY 1h", "EURJPY 1h"]
    (check,) = [check for check in report.triangles if check.timeframe == "1h"]
    assert check.holds and check.rows == len(euro)
    assert "Triangles of 1h series: 1; they multiply out to rounding" in report._repr_html_()
    assert "Clock of EURUSD 1h" in report._repr_html_()
    early = quality_report(rates.up_to("2018-06-29"), store=store)
    assert early.series[7].last.startswith("2018-06-29")
    assert quality_report(rates.up_to("2017-06-30"), store=store).series[7:] == ()


def test_later_rows_of_the_file_are_dropped_before_their_prices_are_read(
    synthetic_bars: Synthetic, write_csv: Write
) -> None:
    path = write_csv(synthetic_bars())
    clean = BarsFile(path, SPEC).load(as_of=date(2018, 6, 29)).frame
    lines = path.read_text().splitlines()
    path.write_text(
        "\n".join(line if line < "2018-06-30" or line[0] == "t" else f"{line[:19]},x,-1,nan,1e12" for line in lines)
    )
    pd.testing.assert_frame_equal(BarsFile(path, SPEC).load(as_of=date(2018, 6, 29)).frame, clean)
    with pytest.raises(DataError, match="has no row on or before 1999-01-01"):
        BarsFile(path, SPEC).load(as_of=date(1999, 1, 1))


def test_million_rows_are_taken_in_seconds(
    write_csv: Write, synthetic_bars: Synthetic, store: Store, rates: DailyRates, tmp_path: Path
) -> None:
    from pyarrow import Table, csv

    bars = synthetic_bars("EURUSD", start="2016-12-01", end="2019-08-30", timeframe="1min")
    assert len(bars) > 1_000_000
    table = bars.reset_index()
    table["time"] = table["time"].dt.tz_localize(None).astype("datetime64[s]")
    csv.write_csv(Table.from_pandas(table, preserve_index=False), tmp_path / "million.csv")
    started = time.perf_counter()
    result = ingest(tmp_path / "million.csv", SeriesSpec("EURUSD", "UTC", "1min"), store=store, rates=rates)
    assert result.stored.rows == len(bars)
    assert time.perf_counter() - started < 20.0  # about three seconds on two quiet cores


def test_bars_stamped_at_their_end_are_refused_with_a_hint_and_read_right_when_stated(
    synthetic_bars: Synthetic, write_csv: Write, store: Store, rates: DailyRates
) -> None:
    bars = synthetic_bars()
    path = write_csv(bars, stamps=bars.index + pd.Timedelta(hours=1))
    with pytest.raises(DataError, match="unless the stamps mark the end of the bar: then state that"):
        ingest(path, SPEC, store=store, rates=rates)
    result = ingest(path, SeriesSpec("EURUSD", "UTC", "1h", stamped="end"), store=store, rates=rates)
    assert result.quality.verdict == "accepted"
    assert result.stored.first == bars.index[0]


def test_daily_bars_are_taken_and_the_report_says_their_clock_is_unchecked(
    synthetic_bars: Synthetic, write_csv: Write, store: Store, rates: DailyRates
) -> None:
    hourly = synthetic_bars()
    day = hourly.index.floor("1D")
    rules = {"open": "first", "high": "max", "low": "min", "close": "last"}
    daily = hourly.groupby(day).agg(rules)
    daily = daily.loc[daily.index.day_of_week < 5]
    result = ingest(write_csv(daily), SeriesSpec("EURUSD", "UTC", "1d"), store=store, rates=rates)
    assert result.quality.capture_rate == 1.0
    assert [finding.reason for finding in result.quality.findings] == [
        "EURUSD 1d: the clock cannot be checked on daily bars"
    ]
