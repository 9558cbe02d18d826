"""The monthly drill by the real command: its report, what it leaves, how it fails and goes on; and the timetables."""

import json
import re
import time
from pathlib import Path

import pytest

from workbench.response.drills.names import CONTROL_NAMES
from workbench.response.drills.record import Drilled, Record, recorded


@pytest.fixture(scope="module")
def monthly_home(tmp_path_factory, workbench):
    home = tmp_path_factory.mktemp("monthly_home")
    ended = workbench(home, "monthly")
    assert ended.returncode == 0, ended.stderr
    return home, ended.stdout


@pytest.fixture(scope="module")
def folder(monthly_home):
    [run] = [path for path in (monthly_home[0] / "monthly").iterdir() if path.is_dir()]
    return run


def test_everything_is_drilled_and_told(monthly_home):
    home, said = monthly_home
    count = len(CONTROL_NAMES) + 1
    assert f"{count} of {count} passed" in said and "people are not drilled: no control service runs here" in said
    assert {one.name for one in Record.read(home / "control").drills} == {*CONTROL_NAMES, "log"}
    assert not (home / "live").exists()


def test_the_report_says_the_verdict_first_and_shows_every_control(folder):
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert page.index("NOT READY: nobody is in the roster") < page.index("<figure>")
    assert all(f"<td>{name}</td>" in page for name in CONTROL_NAMES)
    assert page.count('<img src="data:image/png;base64,') == 2 and 'href="drill.html"' in page
    assert "<script" not in page and "summary.json" not in page


def test_the_executed_notebook_and_the_results_are_kept(folder):
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["pipeline"] == "monthly" and manifest["inputs"]["what"] == "everything"
    assert {"drill.ipynb", "drill.html", "index.html", "results/drill.json"} <= set(manifest["files"])
    cells = json.loads((folder / "drill.ipynb").read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    assert not [one for one in outputs if one["output_type"] in {"error", "stream"}]
    assert sum("image/png" in one.get("data", {}) for one in outputs) == 2


def test_on_the_next_morning_nothing_is_due_and_the_report_stays(monthly_home, folder, workbench, digests):
    before = digests(folder)
    ended = workbench(monthly_home[0], "monthly", "--due")
    assert ended.returncode == 0 and ended.stdout == "nothing is due\n"
    assert digests(folder) == before


def passed_but(home: Path, name: str) -> None:
    """Only one thing is due."""
    fresh = [
        Drilled(kind=kind, name=one, time_ns=time.time_ns(), passed=True, sentence="")
        for kind, one in (*(("control", one) for one in CONTROL_NAMES if one != name), ("channel", "log"))
    ]
    (home / "control").mkdir(mode=0o700, exist_ok=True)
    recorded(home / "control", fresh)


def test_a_drill_that_fails_fails_the_step_and_resuming_drills_only_what_failed(tmp_path, workbench, one_sentence):
    passed_but(tmp_path, "halt")
    channels = tmp_path / "control" / "channels.toml"
    channels.write_text("nonsense", encoding="utf-8")
    channels.chmod(0o600)
    failed = one_sentence(workbench(tmp_path, "monthly", "--due"))
    assert failed.startswith("step 'drill' failed: 1 of 2 drills failed (channels.toml: ")
    assert "drill-report.html" in failed
    assert "channels.toml (failed)" in (tmp_path / "control" / "drill-report.html").read_text(encoding="utf-8")
    assert not [path for path in (tmp_path / "monthly").iterdir() if not path.name.startswith(".")]
    channels.unlink()
    ended = workbench(tmp_path, "monthly", "--due", "--resume")
    assert ended.returncode == 0, ended.stderr
    [report] = re.findall(r"Report: (.*)", ended.stdout)
    page = Path(report).read_text(encoding="utf-8")
    assert f"Controls: {len(CONTROL_NAMES)} passed" in page
    halts = [one for one in Record.read(tmp_path / "control").drills if one.name == "halt"]
    assert len(halts) == 1 and halts[0].passed


@pytest.mark.parametrize(("words", "said"), [
    (("--set", "drill.what=tea"), "expected what to be 'everything', 'due' or 'controls', got 'tea'"),
    (("--set", "drill.where=1"), "drill.ipynb has no parameter 'where'"),
    (("--policy", "nowhere.toml"), "nowhere.toml"),
    (("--resume",), "nothing to resume for"),
])  # fmt: skip
def test_what_cannot_be_done_is_one_sentence(words, said, tmp_path, workbench, one_sentence):
    assert said in one_sentence(workbench(tmp_path, "monthly", *words))
    assert not (tmp_path / "control" / "drills.json").exists()


def test_a_damaged_record_refuses_the_run_before_a_step_starts(tmp_path, workbench, one_sentence):
    passed_but(tmp_path, "halt")
    (tmp_path / "control" / "drills.json").write_text("{}", encoding="utf-8")
    assert "is no record of drills" in one_sentence(workbench(tmp_path, "monthly"))
    assert not (tmp_path / "monthly").exists()


def test_the_crontab_runs_all_three_pipelines_of_this_checkout(tmp_path, workbench):
    lines = workbench(tmp_path, "schedule").stdout.splitlines()
    program = re.escape(f"  WORKBENCH_HOME={tmp_path} ") + r"\S+/bin/workbench "
    for when, command in (("30 6 * * 1-5", "daily"), ("30 7 * * 6", "select"), ("30 8 * * 1-5", "monthly --due")):
        line = re.escape(when) + program + command
        assert sum(bool(re.fullmatch(line, one)) for one in lines) == 1


def test_the_timers_are_whole_unit_files(tmp_path, workbench):
    units = workbench(tmp_path / "a 50% home", "schedule", "--systemd").stdout
    for name, when in (("daily", "Mon..Fri 06:30 UTC"), ("weekly", "Sat 07:30 UTC"), ("monthly", "Mon..Fri 08:30 UTC")):
        timer = units.split(f"# workbench-{name}.timer")[1].split("# workbench-")[0]
        assert f"OnCalendar={when}\nPersistent=true\n" in timer and "WantedBy=timers.target" in timer
    assert units.count('Environment="WORKBENCH_HOME=') == 3 and 'a 50%% home"' in units
    assert units.count("Type=oneshot") == 3 and '/bin/workbench" monthly --due\n' in units


def test_a_timetable_that_cannot_be_meant_is_refused_with_its_place(tmp_path):
    from workbench.domain.errors import ConfigError
    from workbench.runtime.pipelines.pipeline import load_pipeline

    shipped = (Path(__file__).parents[2] / "pipelines" / "monthly.toml").read_text(encoding="utf-8")
    for good, bad, place in (('"08:30"', '"25:30"', "schedule.at"), ('"Mon..Fri"', '"monthly"', "schedule.days")):
        path = tmp_path / "monthly.toml"
        path.write_text(shipped.replace(good, bad), encoding="utf-8")
        with pytest.raises(ConfigError, match=rf"monthly\.toml is not valid at {place}"):
            load_pipeline(path)
