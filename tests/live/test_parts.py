"""Small parts of the live loop: clocks, histograms, the end of the day, the supervisor, the log."""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.data.feeds.paths import Fixes, QuotePlan, market_times
from workbench.data.policy_file import read_policy
from workbench.domain.book import Book
from workbench.domain.currencies import PAIRS
from workbench.domain.errors import ConfigError, DataError, ExecutionError
from workbench.domain.trading.events import CalibrationAdopted
from workbench.domain.trading.market_hours import SECOND_NS
from workbench.engine.risk_engine import RiskEngine, Start
from workbench.runtime.live.latency import Histogram, Latencies, OrderTimes
from workbench.runtime.live.log import open_log
from workbench.runtime.replay.scenario import Evening, held_strategies, quick_calibration
from workbench.runtime.supervisor import Box
from workbench.runtime.worlds.clock import LONGEST_STEP_NS, ScaledClock, VirtualClock, WallClock
from workbench.runtime.worlds.scenario_feed import ScenarioFeed, hourly
from workbench.runtime.worlds.sources import AdoptedCalibrations, DayEnds, next_close_ns


def test_a_fast_clock_never_leaps_over_what_it_slept_through():
    clock = ScaledClock(0, 1_000.0)
    time.sleep(0.05)
    assert clock.now_ns() == LONGEST_STEP_NS
    with pytest.raises(ConfigError, match="above 0"):
        ScaledClock(0, 0.0)


def test_setting_the_machines_clock_does_not_move_the_loops(monkeypatch):
    clock = WallClock()
    before = clock.now_ns()
    assert abs(before - time.time_ns()) < SECOND_NS
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    began = clock.now_ns()
    clock.wait_until(began + 20_000_000)
    assert before <= began and 0 <= clock.now_ns() - began - 20_000_000 < SECOND_NS


def test_an_adopted_calibration_is_picked_up_once_and_a_damaged_one_is_told(tmp_path, ecb):
    policy = read_policy(None)
    book = Book({"EURUSD": 1e4}, 1e6)
    calibration = quick_calibration(Evening.last_of(ecb), book, policy)
    engine = RiskEngine(policy, None, held_strategies(book))
    state = engine.init(Start(0, 1e6))
    pointer, answers = tmp_path / "adopted.json", [calibration, DataError("it is damaged")]

    def adopted():
        answer = answers.pop(0)
        if isinstance(answer, DataError):
            raise answer
        return answer

    source = AdoptedCalibrations(pointer, adopted)
    assert source.events(0, state) == ()
    pointer.write_text("one")
    [event] = source.events(10 * SECOND_NS, state)
    assert event == CalibrationAdopted(10 * SECOND_NS, calibration)
    state, _ = engine.step(state, event)
    assert source.events(20 * SECOND_NS, state) == ()
    pointer.write_text("another")
    assert source.events(30 * SECOND_NS, state) == ()
    assert "the one in force stays: it is damaged" in source.notes()[0]
    assert source.notes() == ()


def test_hourly_points_pass_through_the_fixes_and_leave_the_week_end_out():
    times = pd.DatetimeIndex(["2016-06-23T12:15", "2016-06-24T12:15", "2016-06-27T12:15"], tz="UTC").as_unit("ns").asi8
    values = np.array([[1.13, 0.0095, 1.48, 1.04, 0.76, 0.78, 0.72]]) * np.array([[1.0], [0.97], [0.96]])
    fixes = Fixes(times, values, np.array([np.eye(7) * 1e-4] * 2))
    points = hourly(fixes, seed=3)
    assert [points.values[points.times_ns == time].tolist() for time in times] == values[:, None].tolist()
    # the first fix, a day of 24; then to the close on Friday 9, from the opening on Sunday 15, and the last fix
    assert points.times_ns.size == 1 + 24 + 9 + 15 + 1
    assert (np.diff(market_times(points.times_ns)) > 0).all()
    feed = ScenarioFeed(("a", "b"), points, QuotePlan(dict.fromkeys(PAIRS, 1.0), 60.0), seed=3, start_ns=int(times[0]))
    later = ScenarioFeed(("a", "b"), points, QuotePlan(dict.fromkeys(PAIRS, 1.0), 60.0), seed=3, start_ns=int(times[1]))
    whole = feed.poll(int(times[2]))
    assert whole[-1000:] == later.poll(int(times[2]))[-1000:]
    assert feed.ended and later.ended


def test_a_virtual_clock_stops_at_its_grain_and_never_goes_back():
    clock = VirtualClock(5, 10)
    clock.wait_until(21)
    assert clock.now_ns() == 30
    clock.wait_until(7)
    assert clock.now_ns() == 30


@pytest.mark.parametrize("share", [0.5, 0.99, 1.0])
def test_a_quantile_of_the_histogram_is_that_of_numpy_to_an_eighth(share):
    durations = np.random.default_rng(1).lognormal(14.0, 1.5, 20_000).astype(int)
    histogram = Histogram()
    for duration in durations.tolist():
        histogram.add(duration)
    exact = float(np.quantile(durations, share, method="inverted_cdf"))
    assert exact <= histogram.quantile_ns(share) <= 1.123 * exact
    assert histogram.longest_ns == durations.max()


def test_an_order_is_timed_from_the_quote_that_caused_it_and_answered_once():
    latencies = Latencies()
    times = OrderTimes(latencies)
    times.durable(["a"], 1_000_000, 3_000_000)
    times.sent("a", 4_000_000)
    for now in (9_000_000, 99_000_000):
        times.answered("a", now)
    stages = latencies.stages
    assert [stages[name].longest_ns for name in ("quote_to_intent_durable", "quote_to_sent")] == [2_000_000, 3_000_000]
    assert (stages["sent_to_acknowledged"].count, stages["sent_to_acknowledged"].longest_ns) == (1, 5_000_000)
    assert stages["quote_to_acknowledged"].longest_ns == 8_000_000


def test_the_day_ends_at_five_in_new_york_on_working_days():
    moments = pd.date_range("2026-03-01", "2026-11-30", freq="97min", tz="UTC")
    for moment in moments[::7]:
        close = pd.Timestamp(next_close_ns(moment.as_unit("ns").value), tz="UTC").tz_convert("America/New_York")
        assert (close.hour, close.minute, close.second) == (17, 0, 0)
        assert close.day_of_week < 5
        earlier = close - pd.Timedelta(days=3 if close.day_of_week == 0 else 1)
        assert (
            earlier.tz_localize(None)
            <= moment.tz_convert("America/New_York").tz_localize(None)
            < close.tz_localize(None)
        )


def test_days_missed_while_the_loop_was_down_are_told_as_one():
    monday = int(pd.Timestamp("2026-11-23T12:00Z").as_unit("ns").value)
    ends = DayEnds(monday)
    thursday = monday + 3 * 86_400 * SECOND_NS
    assert [len(ends.events(now, None)) for now in (monday, thursday, thursday + 1)] == [0, 1, 0]


def python(*lines: str) -> list[str]:
    return [sys.executable, "-S", "-c", "\n".join(lines)]


def test_the_supervisor_starts_a_dead_process_again_until_it_is_done(tmp_path):
    runs, told = tmp_path / "runs", []
    command = python(
        "import os, pathlib, signal",
        f"runs = pathlib.Path({str(runs)!r})",
        "count = len(runs.read_text()) if runs.exists() else 0",
        "runs.write_text('x' * (count + 1))",
        "count == 0 and os.kill(os.getpid(), signal.SIGKILL)",
        "raise SystemExit(3 if count == 1 else 0)",
    )
    Box({"the toy": command}, told.append).run(lambda: False)
    assert runs.read_text() == "xxx"
    assert [sentence.partition(":")[0] for sentence in told] == [
        "the toy was ended by signal 9", "the toy ended with code 3",
    ]  # fmt: skip


def test_the_supervisor_gives_up_what_refuses_and_ends_the_rest():
    stubborn = python("import time", "time.sleep(60)")
    box = Box({"the other": stubborn, "the toy": python("raise SystemExit(1)")}, lambda _: None)
    with pytest.raises(ExecutionError, match="the toy refused to run"):
        box.run(lambda: False)
    assert all(child.process is None or child.process.poll() is not None for child in box.children)


def test_the_log_is_one_object_a_line_and_outlives_a_disk_that_refuses(tmp_path: Path, capsys):
    write, file = open_log(tmp_path / "log.jsonl")
    write("info", "something", level=3, note="line\nbreak")
    file.close()
    line = json.loads((tmp_path / "log.jsonl").read_text())
    assert (line["event"], line["severity"], line["level"], line["note"]) == ("something", "info", 3, "line\nbreak")
    replaced, full = open_log(Path("/dev/full"))
    with full:
        replaced("info", "lost")
        replaced("info", "lost too")
    assert capsys.readouterr().err.count("cannot write the log") == 1
