"""No later row: with every row after the as-of date replaced by garbage, summary.json is the same to the last digit."""

import json
import zipfile
from datetime import date
from pathlib import Path

import pytest

from workbench.data.policy_file import read_policy
from workbench.data.sources.ecb import EcbHistory, embedded_history
from workbench.domain.errors import DataError
from workbench.runtime.calibrations.proposal import Decision, decide
from workbench.runtime.daily.session import DailySession

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


def with_dollar_moved(path: Path, day: str) -> Path:
    """The embedded history with the dollar one per cent dearer on one day: small enough to pass every check."""
    header, *rows = history_as_csv(path).read_text(encoding="utf-8").splitlines()
    column = header.split(",").index("USD")
    (place,) = (number for number, row in enumerate(rows) if row.startswith(day))
    cells = rows[place].split(",")
    cells[column] = f"{float(cells[column]) * 0.99:.4f}"
    path.write_text("\n".join([header, *rows[:place], ",".join(cells), *rows[place + 1 :]]) + "\n", encoding="utf-8")
    return path


def summary_of_the_morning(file: Path, day: str, folder: Path) -> bytes:
    """summary.json as the run writes it, on a short race and few paths: the four steps, then the decision."""
    policy, morning = read_policy(None), date.fromisoformat(day)
    session = DailySession(EcbHistory(file).load(as_of=morning), policy, folder, folder)
    session.check_data()
    session.calibrate_risk(race_start=f"{int(day[:4]) - 2}-06-01", race_pairs=0)
    session.calibrate_regime()
    session.validate_stress(paths=40, days=20)
    decide(folder, folder, policy, Decision(today=morning, confirmed_by="", live=False))
    return (folder / "summary.json").read_bytes()


@pytest.mark.parametrize("day", MORNINGS)
def test_garbage_after_the_morning_changes_not_one_digit(day, tmp_path):
    later = f"{day[:8]}{int(day[8:]) + 1:02d}"
    rows = ("2026-11-02", "2026-11-03") if day == "2026-10-30" else ()
    clean = history_as_csv(tmp_path / "rates.csv")
    told = summary_of_the_morning(clean, day, tmp_path / "clean")
    dirty = history_as_csv(clean, garbage_from=later, garbage_rows=rows)
    assert summary_of_the_morning(dirty, day, tmp_path / "dirty") == told


def test_another_rate_on_the_morning_itself_changes_every_part_of_the_summary(tmp_path):
    day = "2020-03-20"
    told = summary_of_the_morning(history_as_csv(tmp_path / "rates.csv"), day, tmp_path / "told")
    moved = summary_of_the_morning(with_dollar_moved(tmp_path / "rates.csv", day), day, tmp_path / "moved")
    before, after = json.loads(told), json.loads(moved)
    assert before["value_at_risk"]["portfolio_99"] != after["value_at_risk"]["portfolio_99"]
    assert before["regime"]["probability"] != after["regime"]["probability"]
    assert before["correlation"]["turbulence"] != after["correlation"]["turbulence"]
    assert before["stress"]["amplification"] != after["stress"]["amplification"]
    assert before["data"]["content_hash"] != after["data"]["content_hash"]
    assert before["calibration"]["id"] != after["calibration"]["id"]


def test_garbage_on_the_morning_itself_is_refused(tmp_path):
    day = "2020-03-20"
    with pytest.raises(DataError, match=day):
        summary_of_the_morning(history_as_csv(tmp_path / "rates.csv", garbage_from=day), day, tmp_path)
