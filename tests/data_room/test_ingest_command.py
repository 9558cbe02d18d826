"""`workbench data ingest`, the real command on bad input: one sentence, exit code 1, the store as it was."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

NAMES = "time,open,high,low,close\n"
ROW = "2018-01-02 13:00:00,1.2,1.2,1.2,1.2\n"
STATED = {"--pair": "EURUSD", "--timezone": "UTC", "--timeframe": "1h"}


@pytest.fixture(scope="module")
def bars(synthetic_bars) -> pd.DataFrame:
    return synthetic_bars(start="2018-01-01", end="2018-06-29")


@pytest.fixture(scope="module")
def home(bars, workbench, tmp_path_factory) -> Path:
    """A home that holds one series."""
    home = tmp_path_factory.mktemp("home")
    bars.iloc[:1000].to_csv(home / "earlier.csv", date_format="%Y-%m-%d %H:%M:%S")
    ended = workbench(home, *ingesting(home / "earlier.csv"))
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("EURUSD 1h: 1000 rows from 2018-01-02")
    return home


def ingesting(file: Path, **stated: str) -> list[str]:
    options = STATED | {f"--{name}": value for name, value in stated.items()}
    return ["data", "ingest", str(file), *(part for option in options.items() for part in option)]


Spoil = Callable[[pd.DataFrame], pd.DataFrame]


def with_close(value: float) -> Spoil:
    return lambda bars: bars.assign(close=bars["close"].where(bars.index != bars.index[100], value))


def with_bar(value: float) -> Spoil:
    return lambda bars: pd.concat([bars.iloc[:100], bars.iloc[100:101] * 0 + value, bars.iloc[101:]])


FLAWED: dict[str, tuple[Spoil, str]] = {
    "wrong timezone": (
        lambda bars: bars.set_axis(bars.index.tz_convert("Europe/Helsinki").tz_localize(None)),
        "the stamps fit the timezone Europe/Helsinki; state the right timezone and ingest again",
    ),
    "duplicated rows": (lambda bars: pd.concat([bars.iloc[:50], bars.iloc[40:]]), "rows that appear twice: 10"),
    "unsorted rows": (
        lambda bars: pd.concat([bars.iloc[:50], bars.iloc[60:70], bars.iloc[50:60], bars.iloc[70:]]),
        "rows older than the row before: 1; a sorted copy is kept. Correct the file, or accept this on the record",
    ),
    "negative price": (with_close(-1.1), "the column close must be above zero, got -1.1; rows like this: 1"),
    "zero price": (with_close(0.0), "the column close must be above zero, got 0; rows like this: 1"),
    "NaN": (with_close(float("nan")), "the column close must be a number, not empty or NaN, got nan"),
    "1e12 beside plausible prices": (with_close(1e12), "close 1e+12; rows like this: 1; correct the file"),
    "1e12 as a whole bar": (with_bar(1e12), "open is 1e+12 at 2018-01-08 17:00:00+00:00 while the ECB fix was 1.1973"),
}


@pytest.mark.parametrize("flaw", FLAWED)
def test_flawed_prices_are_refused_in_a_sentence_and_the_store_stays(
    flaw, bars, home, workbench, one_sentence, digests, tmp_path
):
    spoil, sentence = FLAWED[flaw]
    spoil(bars).to_csv(tmp_path / "bars.csv", date_format="%Y-%m-%d %H:%M:%S", index_label="time")
    before = digests(home / "market")
    assert sentence in one_sentence(workbench(home, *ingesting(tmp_path / "bars.csv")))
    assert digests(home / "market") == before
    assert not (home / "acceptances.jsonl").exists()


MALFORMED = {
    "empty file": (b"", "bars.csv is empty: expected a header line and at least one row of prices"),
    "header only": (NAMES.encode(), "bars.csv is empty: expected a header line and at least one row of prices"),
    "missing columns": (b"when,open,high,low\n1,1,1,1\n", "lacks the columns time, close: found when, open, high, low"),
    "a column twice": (f"time,{NAMES}0,{ROW}".encode(), "bars.csv has 2 columns named time: expected one"),
    "text": (f"{NAMES}{ROW}2018-01-02 14:00:00,1,1,1,abc\n".encode(), "line 3: close must be a number, got 'abc'"),
    "bytes in a price": (
        f"{NAMES}{ROW[:-2]}".encode() + b"\xff\n",
        "the column close must be text in UTF-8 or numbers",
    ),
    "another encoding": (NAMES.encode("utf-16"), "expected CSV in UTF-8 that begins with a line of column names"),
    "no table": (bytes(range(256)), "expected CSV in UTF-8 that begins with a line of column names"),
    "a year nobody lives in": (f"{NAMES}9999{ROW[4:]}".encode(), "must hold times between 1970 and 2200, got the year"),
    "two offsets": (
        f"{NAMES}2018-01-02T13:00:00+01:00,1,1,1,1\n2018-01-02T13:00:00,1,1,1,1\n2018-01-02T13:00+02:00,x,1,1,1\n".encode(),
        "expected one format throughout, such as 2024-01-31 13:15:00",
    ),
}


@pytest.mark.parametrize("fault", MALFORMED)
def test_a_malformed_file_is_refused_in_a_sentence_and_the_store_stays(
    fault, home, workbench, one_sentence, digests, tmp_path
):
    content, sentence = MALFORMED[fault]
    (tmp_path / "bars.csv").write_bytes(content)
    before = digests(home / "market")
    assert sentence in one_sentence(workbench(home, *ingesting(tmp_path / "bars.csv")))
    assert digests(home / "market") == before


MISSTATED = {
    "pair that does not exist": ({"pair": "EURXYZ"}, "unknown pair 'EURXYZ': expected one of EURUSD, GBPUSD"),
    "another pair": ({"pair": "GBPUSD"}, "prices typically lie 12.9% from the ECB fix of the day, expected under 2%"),
    "timezone": ({"timezone": "Mars/Olympus"}, "unknown timezone 'Mars/Olympus': expected a name such as UTC"),
    "timeframe": ({"timeframe": "2h"}, "unknown timeframe '2h': expected one of tick, 1min"),
    "stamps": ({"stamped": "middle"}, "bars are stamped at their start or their end, got 'middle'"),
    "mapping": ({"column": "time"}, "--column expects ours=theirs such as time=Date, got 'time'"),
    "mapped name": ({"column": "price=Last"}, "unknown column name price in the mapping: expected time, open"),
    "absent column": ({"column": "close=Last"}, "lacks the columns close (mapped to 'Last'): found time, open"),
    "no rates": ({"ecb-file": "nowhere.zip"}, "cannot read the ECB history nowhere.zip: there is no such file"),
}


@pytest.mark.parametrize("wrong", MISSTATED)
def test_a_wrong_statement_is_refused_in_a_sentence_and_the_store_stays(
    wrong, bars, home, workbench, one_sentence, digests, tmp_path
):
    stated, sentence = MISSTATED[wrong]
    bars.to_csv(tmp_path / "bars.csv", date_format="%Y-%m-%d %H:%M:%S")
    before = digests(home / "market")
    assert sentence in one_sentence(workbench(home, *ingesting(tmp_path / "bars.csv", **stated)))
    assert digests(home / "market") == before


def test_a_file_that_is_not_there_is_said_without_an_error_number(home, workbench, one_sentence, tmp_path):
    absent = tmp_path / "nowhere.csv"
    sentence = one_sentence(workbench(home, *ingesting(absent)))
    assert sentence == f"cannot read {absent}: there is no such file or folder"
    sentence = one_sentence(workbench(home, *ingesting(tmp_path)))
    assert sentence == f"cannot read {tmp_path}: it is a folder, not a file"


def test_a_file_that_disagrees_with_the_store_is_refused(bars, home, workbench, one_sentence, digests, tmp_path):
    (bars * 1.0001).to_csv(tmp_path / "bars.csv", date_format="%Y-%m-%d %H:%M:%S")
    before = digests(home / "market")
    sentence = one_sentence(workbench(home, *ingesting(tmp_path / "bars.csv")))
    assert "bars.csv disagrees with the stored EURUSD 1h in 1000 row(s), first at 2018-01-02 13:00:00+00:00" in sentence
    assert digests(home / "market") == before


def test_a_full_disk_is_said_and_the_store_stays(bars, home, one_sentence, digests, tmp_path):
    bars.to_csv(tmp_path / "bars.csv", date_format="%Y-%m-%d %H:%M:%S")
    before = digests(home / "market")
    (stored,) = (home / "market").rglob("*.parquet")
    ended = subprocess.run(
        [str(Path(sys.executable).parent / "workbench"), *ingesting(tmp_path / "bars.csv")],
        env={**os.environ, "WORKBENCH_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)),
    )
    sentence = one_sentence(ended)
    assert sentence.startswith(f"cannot write {stored}: ")
    assert sentence.endswith("; what was there before is unchanged")
    assert digests(home / "market") == before


@pytest.mark.parametrize("place", ["/proc/home", "under a file"])
def test_a_home_nobody_can_write_to_is_said(place, bars, workbench, one_sentence, tmp_path):
    bars.to_csv(tmp_path / "bars.csv", date_format="%Y-%m-%d %H:%M:%S")
    (tmp_path / "file").touch()
    home = Path(place) if place.startswith("/") else tmp_path / "file" / "home"
    sentence = one_sentence(workbench(home, *ingesting(tmp_path / "bars.csv")))
    assert sentence.startswith(f"cannot write {home / 'market' / 'EURUSD' / '1h.parquet'}: ")


def test_ctrl_c_is_one_sentence_and_the_store_stays(bars, home, interrupted, digests, tmp_path):
    bars.to_csv(tmp_path / "bars.csv", date_format="%Y-%m-%d %H:%M:%S")
    before = digests(home / "market")
    code, errors = interrupted(home, signal.SIGINT, *ingesting(tmp_path / "bars.csv"))
    assert code == 130
    assert errors == "workbench: interrupted; earlier results are untouched\n"
    assert digests(home / "market") == before
