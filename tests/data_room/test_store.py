import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from workbench.data.quality import AcceptanceLog, quality_report
from workbench.data.rates import DailyRates
from workbench.data.sources import BarsSeries
from workbench.data.store import Store, frame_hash
from workbench.domain.currencies import PAIRS
from workbench.domain.errors import DataError, ExecutionError

Synthetic = Callable[..., pd.DataFrame]
FullDisk = Callable[[int], AbstractContextManager[None]]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "market")


@pytest.fixture
def series(synthetic_bars: Synthetic) -> BarsSeries:
    return BarsSeries("EURUSD", "1h", synthetic_bars(), "synthetic.csv")


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """A folder that may not be written; root, whom no mode bit stops, becomes nobody for the while."""
    mode = folder.stat().st_mode
    folder.chmod(0o555)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)
        folder.chmod(mode)


@pytest.fixture
def open_path(tmp_path: Path) -> Path:
    """Let nobody reach the folder, so that only its own mode stops the write."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.owner() == tmp_path.owner() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    return tmp_path


def _leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_written_series_is_read_back_bit_for_bit(store: Store, series: BarsSeries) -> None:
    entry = store.write(series)
    read = store.read("EURUSD", "1h")
    pd.testing.assert_frame_equal(read.frame, series.frame, check_exact=True, check_freq=False)
    assert entry.content_hash == frame_hash(series.frame)
    assert (entry.rows, entry.first, entry.last) == (len(series.frame), series.frame.index[0], series.frame.index[-1])
    assert (read.source, read.pair, read.timeframe) == ("synthetic.csv", "EURUSD", "1h")
    assert _leftovers(store.root) == ["1h.parquet"]


def test_full_disk_leaves_the_old_file_and_says_so(store: Store, series: BarsSeries, full_disk: FullDisk) -> None:
    old = store.write(replace(series, frame=series.frame.iloc[:100]))
    before = old.path.read_bytes()
    with (
        full_disk(20_000),
        pytest.raises(
            ExecutionError,
            match=r"cannot write .*the file would become larger than is allowed; what was there before is unchanged",
        ),
    ):
        store.append(series)
    assert old.path.read_bytes() == before
    assert store.read("EURUSD", "1h").frame.equals(series.frame.iloc[:100])
    assert _leftovers(store.root) == ["1h.parquet"]
    assert store.append(series).rows == len(series.frame)


def test_read_only_folder_leaves_the_old_file_and_says_so(open_path: Path, series: BarsSeries) -> None:
    store = Store(open_path / "market")
    old = store.write(replace(series, frame=series.frame.iloc[:100]))
    before = old.path.read_bytes()
    with (
        read_only(old.path.parent),
        pytest.raises(ExecutionError, match="permission is denied; what was there before is unchanged"),
    ):
        store.write(series)
    assert old.path.read_bytes() == before


def test_home_that_is_a_file_is_one_clear_sentence(tmp_path: Path, series: BarsSeries) -> None:
    (tmp_path / "market").write_text("in the way")
    with pytest.raises(ExecutionError, match=r"cannot write .*; what was there before is unchanged"):
        Store(tmp_path / "market").write(series)


def test_acceptance_on_a_full_disk_accepts_nothing(tmp_path: Path, rates: DailyRates) -> None:
    log = AcceptanceLog(tmp_path / "blocked" / "acceptances.jsonl")
    (tmp_path / "blocked").write_text("in the way")
    report = quality_report(rates.up_to("2020-05-08"))
    with pytest.raises(ExecutionError, match=r"cannot write .*; what was there before is unchanged"):
        log.record(report.findings, who="risk desk", when=datetime(2020, 5, 8, tzinfo=UTC))
    assert log.keys() == frozenset()


def test_append_adds_new_rows_fills_holes_and_ignores_known_ones(store: Store, series: BarsSeries) -> None:
    first, second = series.frame.iloc[:1000].drop(series.frame.index[500:510]), series.frame.iloc[480:]
    store.append(replace(series, frame=first))
    entry = store.append(replace(series, frame=second))
    assert entry.content_hash == frame_hash(series.frame)
    touched = entry.path.stat().st_mtime_ns
    assert store.append(replace(series, frame=second)) == entry
    assert entry.path.stat().st_mtime_ns == touched


def test_append_refuses_to_rewrite_history(store: Store, series: BarsSeries) -> None:
    store.write(series)
    other = series.frame.copy()
    other.iloc[7, 3] *= 1.0001
    with pytest.raises(DataError, match=r"disagrees with the stored EURUSD 1h in 1 row\(s\), first at 20"):
        store.append(replace(series, frame=other))
    with pytest.raises(
        DataError,
        match=r"is stored with the columns open, high, low, close; synthetic\.csv has open, high, low, close, volume",
    ):
        store.append(replace(series, frame=other.assign(volume=1.0)))


def test_damaged_or_foreign_file_is_never_read_as_data(store: Store, series: BarsSeries) -> None:
    entry = store.write(series)
    table = pq.read_table(entry.path)
    frame = table.to_pandas()
    frame.loc[5, "close"] *= 1.5
    pq.write_table(
        type(table).from_pandas(frame, preserve_index=False).replace_schema_metadata(table.schema.metadata), entry.path
    )
    with pytest.raises(DataError, match="does not match its own content hash"):
        store.read("EURUSD", "1h")
    frame.to_parquet(entry.path)
    with pytest.raises(DataError, match="was not written by the workbench"):
        store.read("EURUSD", "1h")
    entry.path.write_bytes(b"not parquet")
    with pytest.raises(DataError, match=r"cannot read .*1h\.parquet"):
        store.read("EURUSD", "1h")
    with pytest.raises(DataError, match=r"cannot read .*1h\.parquet"):
        store.catalogue()


def test_absent_series_unknown_pair_and_empty_series_are_refused(store: Store, series: BarsSeries) -> None:
    with pytest.raises(DataError, match="nothing is stored for EURUSD at 1h: ingest a file first"):
        store.read("EURUSD", "1h")
    with pytest.raises(DataError, match="unknown pair"):
        store.read("../../etc", "1h")
    with pytest.raises(DataError, match=r"unknown timeframe '\.\./x'"):
        store.path("EURUSD", "../x")
    with pytest.raises(DataError, match="has no rows to store"):
        store.write(replace(series, frame=series.frame.iloc[:0]))


def test_reading_as_of_a_day_stops_at_bars_complete_by_then(store: Store, series: BarsSeries) -> None:
    store.write(series)
    last = store.read("EURUSD", "1h", as_of=date(2018, 6, 28)).frame.index[-1]
    assert last == pd.Timestamp("2018-06-28 23:00", tz="UTC")
    assert len(store.read("EURUSD", "1h", as_of=date(2000, 1, 1)).frame) == 0


def test_fixes_are_stored_for_sixteen_pairs_and_left_alone_when_unchanged(store: Store, rates: DailyRates) -> None:
    entries = store.write_fixes(rates)
    assert [entry.pair for entry in entries] == list(PAIRS)
    touched = {entry.path: entry.path.stat().st_mtime_ns for entry in entries}
    assert store.write_fixes(rates) == entries
    assert {path: path.stat().st_mtime_ns for path in touched} == touched
    assert store.write_fixes(rates.up_to("2020-01-02"))[0].rows < entries[0].rows


def test_duckdb_answers_over_views_of_every_series(store: Store, rates: DailyRates, series: BarsSeries) -> None:
    store.write_fixes(rates)
    store.write(series)
    worst = store.query(
        "select time, close / lag(close) over (order by time) - 1 as move from eurchf_fix order by move limit 1"
    )
    assert str(worst["time"].iloc[0])[:10] == "2015-01-15"
    assert worst["move"].iloc[0] == pytest.approx(-0.144, abs=5e-4)
    joined = store.query(
        "select count(*) as n from eurusd_1h b join eurusd_fix f on date_trunc('day', b.time) = f.time"
    )
    assert int(joined["n"].iloc[0]) > 10_000
    assert np.isclose(store.query("select max(high) as top from eurusd_1h")["top"].iloc[0], series.frame["high"].max())


def test_query_reads_the_store_and_nothing_else(store: Store, rates: DailyRates, tmp_path: Path) -> None:
    store.write_fixes(rates.up_to("1999-03-01"))
    (tmp_path / "secret.csv").write_text("a\n1\n")
    with pytest.raises(DataError, match="the query failed: "):
        store.query(f"from '{tmp_path}/secret.csv'")
    with pytest.raises(DataError, match=r"the query failed: .*eurusd_5min"):
        store.query("select * from eurusd_5min")
    with pytest.raises(DataError, match="the query failed"):
        store.query(f"copy (select 1) to '{tmp_path}/out.csv'")
    assert not (tmp_path / "out.csv").exists()


def test_folder_with_a_quote_in_its_name_is_no_obstacle(tmp_path: Path, rates: DailyRates) -> None:
    store = Store(tmp_path / "o'brien" / "market")
    store.write_fixes(rates.up_to("1999-03-01"))
    assert int(store.query("select count(*) as n from usdjpy_fix")["n"].iloc[0]) == 41
