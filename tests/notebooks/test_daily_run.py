"""The daily run end to end, by the real command: what it leaves, that it never looks ahead, Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from workbench.data.sources.ecb import embedded_history

SMALL_RACE = (
    "--set", "var_calibration.race_start=2007-01-02", "--set", "var_calibration.race_pairs=0",
    "--set", "stress_validation.paths=40",
)  # fmt: skip
CRISIS = "2008-10-27"


def lines_of_the_ecb() -> list[str]:
    with zipfile.ZipFile(embedded_history()) as archive:
        return archive.read(archive.namelist()[0]).decode().splitlines()


def with_garbage_after(day: str, path: Path) -> Path:
    header, *rows = lines_of_the_ecb()
    width = header.count(",")
    spoiled = [row if row[:10] <= day else row[:10] + ",-1e12" * width for row in rows]
    path.write_text("\n".join([header, *spoiled]) + "\n", encoding="utf-8")
    return path


def test_the_run_leaves_everything_the_morning_needs(daily_folder):
    names = {path.name for path in daily_folder.iterdir()}
    steps = ("data_quality", "var_calibration", "regime_calibration", "stress_validation")
    assert {f"{step}.ipynb" for step in steps} | {f"{step}.html" for step in steps} <= names
    assert {"index.html", "summary.json", "manifest.json", "calibration.json"} <= names
    manifest = json.loads((daily_folder / "manifest.json").read_text())
    assert set(manifest["steps"]) == {*steps, "decision", "report"}
    assert all(step["seconds"] >= 0 for step in manifest["steps"].values())
    assert {"python", "numba", "workbench"} <= set(manifest["versions"])


def test_summary_has_every_promised_key(daily_folder):
    summary = json.loads((daily_folder / "summary.json").read_text())
    assert summary["as_of"] == "2026-10-30"
    assert {"pairs", "days", "capture_rate", "flagged"} <= set(summary["data"])
    assert {"pair", "date", "reason"} <= set(summary["data"]["flagged"][0])
    risk = summary["value_at_risk"]
    assert {"champion", "confidence", "portfolio_95", "portfolio_99", "expected_shortfall_975", "race"} <= set(risk)
    assert {"model", "mean_fz0", "kupiec_p", "christoffersen_p", "dq_p", "in_mcs"} <= set(risk["race"][0])
    assert {"model", "state", "probability", "adopted", "reasons"} <= set(summary["regime"])
    assert {"mean_absolute", "drift_max"} <= set(summary["correlation"])
    stress = summary["stress"]
    assert {"survival_rate", "degradation", "amplification", "resilience", "premium", "lock_in_rate"} <= set(stress)
    keys = {"name", "drawdown_with", "drawdown_without", "drawdown_placebo", "survived"}
    assert len(stress["scenarios"]) == 23 and all(keys <= set(one) for one in stress["scenarios"])
    assert {"id", "status", "reasons"} <= set(summary["calibration"])


def test_every_notebook_shows_its_pictures(daily_folder):
    shown = {"data_quality": 2, "var_calibration": 5, "regime_calibration": 4, "stress_validation": 4}
    for name, least in shown.items():
        executed = json.loads((daily_folder / f"{name}.ipynb").read_text())
        outputs = [output for cell in executed["cells"] for output in cell.get("outputs", [])]
        assert sum("image/png" in output.get("data", {}) for output in outputs) >= least, name
        assert not [output for output in outputs if output["output_type"] == "error"]


def test_garbage_after_the_as_of_date_changes_not_one_digit(workbench, tmp_path):
    clean = workbench(tmp_path / "clean", "daily", "--as-of", CRISIS, *SMALL_RACE)
    assert clean.returncode == 0, clean.stderr
    file = with_garbage_after(CRISIS, tmp_path / "garbage.csv")
    dirty = workbench(tmp_path / "dirty", "daily", "--as-of", CRISIS, "--ecb-file", str(file), *SMALL_RACE)
    assert dirty.returncode == 0, dirty.stderr
    texts = [(tmp_path / home / "runs" / CRISIS / "summary.json").read_text() for home in ("clean", "dirty")]
    source = "eurofxref-hist.zip"
    assert texts[0].replace(source, "garbage.csv") == texts[1]


def test_the_registry_shows_the_calibration_of_the_run(daily_folder, workbench):
    home = daily_folder.parents[1]
    identity = json.loads((daily_folder / "summary.json").read_text())["calibration"]["id"]
    listed = workbench(home, "calibration", "list")
    assert listed.returncode == 0
    assert identity in listed.stdout
    assert identity in workbench(home, "calibration", "show", identity).stdout


@pytest.fixture
def under_way(tmp_path):
    """A real run in its own session, with a terminal's handling of Ctrl-C, in the middle of the VaR step."""
    environment = {**os.environ, "WORKBENCH_HOME": str(tmp_path), "OPENBLAS_NUM_THREADS": "1"}
    # a shell may have told its background jobs to ignore Ctrl-C, and that is inherited: undo it first
    listening = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
    )
    command = [str(Path(sys.executable).parent / "workbench"), "daily", "--as-of", CRISIS]
    process = subprocess.Popen(
        [sys.executable, "-c", listening, *command],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    note = tmp_path / "runs" / f".{CRISIS}.partial" / "progress.json"
    for _ in range(600):
        if note.is_file() or process.poll() is not None:
            break
        time.sleep(0.1)
    yield process, tmp_path
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_ctrl_c_is_one_sentence_and_the_run_can_go_on(under_way, workbench):
    process, home = under_way
    assert process.poll() is None
    second = workbench(home, "daily", "--as-of", CRISIS)
    assert second.returncode == 1
    assert f"another run for {CRISIS} is under way" in second.stderr
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert errors == "workbench: interrupted; earlier results are untouched, --resume goes on where it stopped\n"
    assert not (home / "runs" / CRISIS).exists()
    state = json.loads((home / "runs" / f".{CRISIS}.partial" / "state.json").read_text())
    # the steps beside it may have ended before
    assert "data_quality" in state["steps"]
    assert "var_calibration" not in state["steps"]


def test_a_book_that_does_not_survive_keeps_the_calibration_out_and_the_report_says_so_first(workbench, tmp_path):
    book = tmp_path / "large.csv"
    book.write_text("pair,units\nEURCHF,9000000\nUSDJPY,9000000\nAUDUSD,9000000\n", encoding="utf-8")
    ended = workbench(tmp_path / "home", "daily", "--as-of", "2026-10-30", "--book", str(book), *SMALL_RACE)
    assert ended.returncode == 0, ended.stderr
    folder = tmp_path / "home" / "runs" / "2026-10-30"
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["stress"]["verdict"] == "fail" and summary["calibration"]["status"] == "refused"
    page = (folder / "index.html").read_text()
    words = "the stress validation is a fail: the book of today survives"
    assert words in page and page.index(words) < page.index("<h2>")
