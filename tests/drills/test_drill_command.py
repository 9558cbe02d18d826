"""The command: what it drills, what it never touches, what it leaves, and how it ends."""

import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from drill_room import DAY, NOON, order_in, write_people
from typer.testing import CliRunner

from workbench.app.drills.plan import DrillOrder, plan_of
from workbench.app.drills.run import Means, run_drills, standing_of
from workbench.cli import cli
from workbench.data.journal.chain import Signer
from workbench.data.journal.journal import Journal
from workbench.domain.errors import ConfigError
from workbench.engine.risk_engine import RiskEngine
from workbench.monitor.drills.page import write_drill_page
from workbench.response.drills.names import CONTROL_NAMES
from workbench.response.drills.record import RECORD_FILE, Drilled, Record, recorded


def run(order: DrillOrder, **means: object):
    return run_drills(order, plan_of(order), Means(**means))  # type: ignore[arg-type]


def command(folder: Path, *words: str):
    where = ["--control-folder", str(folder / "control"), "--folder", str(folder / "live")]
    return CliRunner().invoke(cli, ["drill", *words, *where])


def test_what_was_drilled_is_on_record_on_the_page_and_in_the_exit_code(tmp_path: Path) -> None:
    write_people(tmp_path / "control", certified_until_ns=NOON + 90 * DAY)
    done = command(tmp_path, "--control", "halt", "--control", "drawdown 2", "--channel", "log")
    assert done.exit_code == 0, done.output
    assert "3 of 3 passed" in done.output and "drawdown above 5 %" in done.output
    names = [one.name for one in Record.read(tmp_path / "control").drills]
    assert sorted(names) == ["drawdown 2", "halt", "log"]
    page = (tmp_path / "control" / "drill-report.html").read_text()
    assert "NOT ALL DRILLED" in page and "<script" not in page
    assert page.index("NOT ALL DRILLED") < page.index("drawdown 2</td>")
    assert (tmp_path / "control" / "drill-report.html").stat().st_mode & 0o777 == 0o600


def test_a_broken_control_makes_the_drill_fail_and_the_page_says_so_first(tmp_path: Path) -> None:
    order = order_in(tmp_path, controls=("halt", "volatility 3"))
    outcome = run(order, engine=partial(RiskEngine, controls=False))
    assert [one.name for one in outcome.failed] == ["volatility 3"]
    page = outcome.report.read_text()
    assert "NOT READY: volatility 3 (failed)" in page and "it did not trip" in page
    # a drill that passes mends it
    assert not run(replace(order, controls=("volatility 3",))).failed
    assert "volatility 3 (failed)" not in outcome.report.read_text()


def test_only_what_is_due_is_drilled(tmp_path: Path) -> None:
    later = order_in(tmp_path, due=True, clock_ns=lambda: NOON + 20 * DAY)
    assert plan_of(later).controls == CONTROL_NAMES and plan_of(later).channels == ("log",)
    drilled = [Drilled(kind="control", name=name, time_ns=NOON, passed=True, sentence="") for name in CONTROL_NAMES]
    old = drilled[0].model_copy(update={"time_ns": NOON - 6 * DAY})
    log = Drilled(kind="channel", name="log", time_ns=NOON, passed=True, sentence="")
    recorded(tmp_path / "control", [old, *drilled[1:], log])
    plan = plan_of(later)
    assert plan.controls == (CONTROL_NAMES[0],) and plan.channels == () and not plan.people
    assert plan_of(replace(later, clock_ns=lambda: NOON + 19 * DAY)).controls == (CONTROL_NAMES[0],)
    assert plan_of(replace(later, clock_ns=lambda: NOON + 19 * DAY - 1)).is_empty


def test_a_second_due_drill_on_the_same_day_has_nothing_to_do(tmp_path: Path) -> None:
    first = command(tmp_path, "--due")
    assert first.exit_code == 0, first.output
    assert f"{len(CONTROL_NAMES) + 1} of {len(CONTROL_NAMES) + 1} passed" in first.output
    second = command(tmp_path, "--due")
    assert second.exit_code == 0 and "nothing is due" in second.output
    shown = command(tmp_path, "--list")
    assert re.search(r"halt by signal +passed +\d{4}-\d\d-\d\d", shown.output)
    assert "nobody is in the roster" in shown.output


@pytest.mark.parametrize("words", [("--control", "drawdown 9"), ("--channel", "fax"), ("--level", "4", "--people")])
def test_a_name_or_level_that_is_none_is_refused_before_anything_is_drilled(tmp_path: Path, words) -> None:
    done = command(tmp_path, *words)
    assert isinstance(done.exception, ConfigError) and not (tmp_path / "control").exists()


def test_the_real_journal_and_any_folder_with_something_in_it_are_refused(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "live", Signer.open(tmp_path / "live"))
    journal.close(NOON)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "something").touch()
    before = {path: path.read_bytes() for path in (tmp_path / "live").rglob("*") if path.is_file()}
    (tmp_path / "link").symlink_to(tmp_path / "live")
    for keep in ("live", "live/inside", "link", "control", ".", "full", "full/something"):
        with pytest.raises(ConfigError, match=r"a drill never touches it|is not an empty folder"):
            run(order_in(tmp_path, controls=("halt",), keep=str(tmp_path / keep)))
    assert {path: path.read_bytes() for path in (tmp_path / "live").rglob("*") if path.is_file()} == before


def test_another_live_journal_is_refused_as_well(tmp_path: Path) -> None:
    Journal(tmp_path / "other", Signer.open(tmp_path / "other")).close(NOON)
    with pytest.raises(ConfigError, match="is not an empty folder"):
        run(order_in(tmp_path, controls=("halt",), keep=str(tmp_path / "other")))


def test_a_drill_of_everything_leaves_the_live_folder_as_it_was(tmp_path: Path) -> None:
    Journal(tmp_path / "live", Signer.open(tmp_path / "live")).close(NOON)
    before = {path: path.read_bytes() for path in (tmp_path / "live").rglob("*") if path.is_file()}
    outcome = run(order_in(tmp_path, controls=("close all", "halt"), keep=str(tmp_path / "kept")))
    assert not outcome.failed
    assert {path: path.read_bytes() for path in (tmp_path / "live").rglob("*") if path.is_file()} == before
    assert (tmp_path / "kept" / "close-all" / "journal.sqlite").exists()


def test_a_rotten_record_stops_the_drill_with_a_sentence_and_stays(tmp_path: Path) -> None:
    control = tmp_path / "control"
    control.mkdir(mode=0o700)
    (control / RECORD_FILE).write_bytes(b"{}")
    (control / RECORD_FILE).chmod(0o600)
    for words in ((), ("--due",), ("--list",), ("--control", "halt")):
        done = command(tmp_path, *words)
        assert isinstance(done.exception, ConfigError) and "is no record of drills" in str(done.exception)
    assert (control / RECORD_FILE).read_bytes() == b"{}" and not (control / "drill-report.html").exists()


def test_names_and_sentences_of_others_are_escaped_on_the_page(tmp_path: Path) -> None:
    order = order_in(tmp_path)
    wicked = "<script>alert(1)</script>"
    recorded(
        tmp_path / "control",
        [Drilled(kind="control", name="halt", time_ns=NOON, passed=False, sentence=wicked)],
    )
    write_drill_page(tmp_path / "page.html", standing_of(order, [wicked]))
    page = (tmp_path / "page.html").read_text()
    assert "<script" not in page and page.count("&lt;script&gt;") == 2
