"""Replay: marks, gaps and bridges; a file of events read again; the command, its page and its refusals."""

import json
import subprocess
import sys
from datetime import date

import numpy as np
import pytest

from workbench.data.policy_file import read_policy
from workbench.domain.book import Book
from workbench.domain.errors import ConfigError, DataError
from workbench.engine.risk_engine import RiskEngine
from workbench.runtime.replay import (
    MarkPlan,
    ReplayOrder,
    ScenarioReplay,
    find_gaps,
    find_scenario,
    held_strategies,
    play_events,
    read_events,
    replay_scenario,
    scenarios_of,
    write_decisions,
    write_events,
)
from workbench.runtime.replay.market import marks_between

POLICY = read_policy(None)


@pytest.fixture(scope="module")
def brexit(ecb) -> ScenarioReplay:
    return replay_scenario(ecb, POLICY, ReplayOrder(find_scenario(POLICY, "brexit-2016"), after_days=6))


def test_every_scenario_has_a_name_of_its_own_and_can_be_found():
    names = [scenario.id for scenario in scenarios_of(POLICY)]
    assert len(set(names)) == len(names) == 12
    assert find_scenario(POLICY, "Brexit-2016").start == date(2016, 6, 23)


def test_an_unknown_scenario_or_gap_names_the_known_ones():
    with pytest.raises(ConfigError, match=r"unknown scenario 'brexit': expected one of lehman-2008, .*brexit-2016"):
        find_scenario(POLICY, "brexit")
    with pytest.raises(ConfigError, match=r"unknown gap path 'x': expected one of Sterling gap, Yen gap, Franc gap"):
        find_gaps(POLICY, ["x"])


def test_fixes_are_the_recorded_ones_and_bridges_are_labelled_and_seeded(ecb):
    first, last = date(2016, 6, 22), date(2016, 6, 28)
    plain = marks_between(ecb, first, last, MarkPlan())
    assert [mark.synthetic for mark in plain] == [False] * 5
    assert plain[1].event.values["GBP"] == ecb.leg_values.loc["2016-06-23", "GBP"]
    bridged = marks_between(ecb, first, last, MarkPlan(minutes=60, seed=1))
    assert [mark for mark in bridged if not mark.synthetic] == plain
    assert bridged == marks_between(ecb, first, last, MarkPlan(minutes=60, seed=1))
    assert bridged != marks_between(ecb, first, last, MarkPlan(minutes=60, seed=2))
    times = [mark.event.time_ns for mark in bridged]
    assert times == sorted(times)
    assert not any(mark.event.closes_day for mark in bridged if mark.synthetic)


def test_a_bridge_moves_as_much_as_the_market_did_before(ecb):
    marks = marks_between(ecb, date(2016, 3, 1), date(2016, 5, 31), MarkPlan(minutes=60))
    euro = np.array([mark.event.values["EUR"] for mark in marks])
    daily = np.sqrt(np.sum(np.diff(np.log(euro)) ** 2) / 65)
    before = ecb.leg_log_returns()["EUR"].loc["2016-01-01":"2016-05-31"].std()
    assert 0.7 * before < daily < 1.7 * before


def test_a_gap_jumps_and_comes_back(ecb):
    plan = MarkPlan(gaps=find_gaps(POLICY, ["sterling gap"]))
    marks = marks_between(ecb, date(2016, 10, 5), date(2016, 10, 10), plan)
    sterling = [mark.event.values["GBP"] for mark in marks]
    gap = [mark for mark in marks if mark.synthetic]
    assert len(gap) == 3
    place = marks.index(gap[0])
    assert sterling[place] / sterling[place - 1] - 1 == pytest.approx(-0.09)
    assert sterling[place + 2] == sterling[place - 1]
    assert "Sterling gap (GBPUSD -9.0 % on 2016-10-07)" in plan.words


def test_too_little_history_and_negative_minutes_are_refused(ecb):
    with pytest.raises(DataError, match="500 days of history"):
        marks_between(ecb, date(1999, 6, 1), date(1999, 6, 10), MarkPlan())
    with pytest.raises(ConfigError, match="at least 0"):
        MarkPlan(minutes=-1)


def test_an_empty_book_is_refused(ecb):
    order = ReplayOrder(find_scenario(POLICY, "brexit-2016"), book=Book({}, 1e6))
    with pytest.raises(ConfigError, match="holds no position"):
        replay_scenario(ecb, POLICY, order)


def test_controls_only_ever_hold_less(brexit):
    assert (brexit.controlled.path["gross"] <= brexit.free.path["gross"] + 1e-9).all()
    assert brexit.saved > 0


def test_a_file_of_events_replays_to_the_same_decisions_in_another_process(brexit, tmp_path):
    engine = RiskEngine(POLICY, brexit.calibration, held_strategies(brexit.book))
    write_events(tmp_path / "events.jsonl", engine, brexit.start, brexit.controlled.events)
    write_decisions(tmp_path / "expected.jsonl", brexit.controlled.decisions)
    again, start, events = read_events(tmp_path / "events.jsonl")
    assert events == brexit.controlled.events
    assert play_events(again, start, events) == brexit.controlled.decisions
    code = "import sys; from workbench.cli import main; sys.argv = sys.argv[1:]; main()"
    for name in ("one", "two"):
        options = ["--events", str(tmp_path / "events.jsonl"), "--output", str(tmp_path / f"{name}.jsonl")]
        command = [sys.executable, "-c", code, "workbench", "replay", *options]
        subprocess.run(command, check=True, timeout=300, capture_output=True)
        assert (tmp_path / f"{name}.jsonl").read_bytes() == (tmp_path / "expected.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([], "is empty"),
        (["not json"], "line 1 is not JSON"),
        (['{"format": 9}'], "is no file of events of format 1"),
        (['{"format": 1}'], "line 1 does not say how an engine began"),
        ([None, '{"kind": "Rumour", "time_ns": 1}'], "line 2 names no known event"),
        ([None, '{"kind": "Heartbeat", "time": 1}'], "line 2 is not a Heartbeat"),
        ([None, "[1]"], "line 2 is not an event"),
    ],
)
def test_a_file_that_is_none_says_where(lines, sentence, brexit, tmp_path):
    path = tmp_path / "events.jsonl"
    write_events(path, RiskEngine(POLICY, brexit.calibration, held_strategies(brexit.book)), brexit.start, [])
    head = path.read_text().splitlines()[0]
    path.write_text("".join(f"{head if line is None else line}\n" for line in lines))
    with pytest.raises(DataError, match=sentence):
        read_events(path)


def test_the_command_leaves_page_events_decisions_and_path(workbench, tmp_path):
    ended = workbench(tmp_path, "replay", "--scenario", "swiss-2015", "--minutes", "240", "--gap", "Franc gap")
    assert ended.returncode == 0, ended.stderr
    assert "mode ACTIVE → REDUCING" in ended.stdout
    assert "SYNTHETIC between the fixes" in ended.stdout
    folder = tmp_path / "replays" / "swiss-2015"
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert "Marks between the daily fixes are <b>synthetic</b>" in page
    assert "the metric is above the trigger of the rung" in page
    assert "<script" not in page
    decisions = [json.loads(line) for line in (folder / "decisions.jsonl").read_text().splitlines()]
    assert {"ModeChanged", "RaiseAlert", "TargetPosition"} <= {decision["kind"] for decision in decisions}
    assert (folder / "path.csv").read_text().startswith("time,equity,drawdown")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "replay needs --scenario NAME or --events FILE"),
        (("--scenario", "nowhere"), "unknown scenario 'nowhere'"),
        (("--scenario", "brexit-2016", "--policy", "gone.toml"), "gone.toml"),
        (("--scenario", "brexit-2016", "--book", "gone.csv"), "gone.csv"),
        (("--scenario", "brexit-2016", "--equity", "-5"), "equity"),
        (("--events", "gone.jsonl"), "cannot read the events of gone.jsonl"),
    ],
)
def test_a_bad_request_gets_one_sentence(arguments, sentence, workbench, tmp_path):
    ended = workbench(tmp_path, "replay", *arguments)
    assert ended.returncode == 1
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr


def test_without_controls_is_the_same_book_and_no_control_acts(workbench, tmp_path):
    ended = workbench(tmp_path, "replay", "--scenario", "swiss-2015", "--without-controls")
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "replays" / "swiss-2015" / "decisions.jsonl").read_text() == ""
