"""No later row: with every row after the as-of date replaced by garbage, each step says the same to the last digit."""

import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from workbench.data.policy_file import read_policy
from workbench.data.sources.ecb import EcbHistory, embedded_history
from workbench.domain.errors import DataError
from workbench.runtime.daily import DailySession, as_json, quality_result, regime_result, risk_result

MORNINGS = ("2015-01-16", "2016-06-27", "2020-03-20", "2026-10-30")
"""2008-10-27 is shown by the real command, in tests/notebooks."""


def history_as_csv(path: Path, *, garbage_from: str = "9999", garbage_rows: tuple[str, ...] = ()) -> Path:
    """The embedded history, newest first; rows from a day on hold garbage, and further garbage rows are put before."""
    with zipfile.ZipFile(embedded_history()) as archive:
        header, *rows = archive.read(archive.namelist()[0]).decode().splitlines()
    garbage = ",-1e12" * header.count(",")
    rows = [f"{day}{garbage}" for day in garbage_rows] + [
        row[:10] + garbage if row[:10] >= garbage_from else row for row in rows
    ]
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def said_in_the_morning(file: Path, day: str, folder: Path) -> dict[str, Any]:
    """All that the three steps leave for summary.json, on a short race."""
    rates = EcbHistory(file).load(as_of=date.fromisoformat(day))
    session = DailySession(rates, read_policy(None), folder, folder)
    start = f"{int(day[:4]) - 2}-06-01"
    risk = session.calibrate_risk(race_start=start, race_pairs=0)
    return {
        "data": quality_result(session.check_data(), rates),
        "risk": risk_result(risk),
        "regime": regime_result(session.calibrate_regime()),
    }


@pytest.mark.parametrize("day", MORNINGS)
def test_garbage_after_the_morning_changes_not_one_digit(day, tmp_path):
    later = f"{day[:8]}{int(day[8:]) + 1:02d}"
    rows = ("2026-11-02", "2026-11-03") if day == "2026-10-30" else ()
    clean = history_as_csv(tmp_path / "rates.csv")
    told = as_json(said_in_the_morning(clean, day, tmp_path / "clean"))
    dirty = history_as_csv(clean, garbage_from=later, garbage_rows=rows)
    assert as_json(said_in_the_morning(dirty, day, tmp_path / "dirty")) == told


def test_garbage_on_the_morning_itself_is_not_overlooked(tmp_path):
    day = "2020-03-20"
    with pytest.raises(DataError, match=day):
        said_in_the_morning(history_as_csv(tmp_path / "rates.csv", garbage_from=day), day, tmp_path)
