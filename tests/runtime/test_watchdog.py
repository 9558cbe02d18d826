"""The watchdog: a loop that is stopped, killed or gone pages people within ten seconds, whatever else runs."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from kennel import KEY, NOON, PEOPLE, SECOND, Kennel, Phone, SmallRoster, TestClock

from workbench.data.inbox import Inbox
from workbench.data.journal.journal import Journal
from workbench.data.journal.rows import Row, RowKind
from workbench.response.alerts.direct import DirectPages
from workbench.response.alerts.watchdog_file import (
    LOOP_SILENT,
    WATCHDOG_SILENT,
    read_heartbeat,
    watchdog_conditions,
)
from workbench.runtime.vigil import STARTING_SECONDS
from workbench.runtime.watchdog import MachineClock, Watchdog, WatchOptions, watch


def test_a_loop_that_speaks_is_left_in_peace(kennel: Kennel) -> None:
    kennel.run(60, speaking=True)
    assert kennel.called() == [] and read_heartbeat(kennel.options.control).sentence == "the loop speaks"


def test_a_silent_loop_pages_within_ten_seconds_and_is_halted_once(kennel: Kennel) -> None:
    kennel.run(5, speaking=True)
    kennel.run(10, speaking=False)
    assert kennel.called() == ["ann"]
    assert "is stopped or hangs: nothing from it for" in kennel.phone.letters[0][1].text
    kennel.run(20, speaking=False)
    [(_, command)] = Inbox(kennel.home / "live" / "inbox").waiting()
    assert (command.act, command.actor) == ("halt", "the watchdog")


def test_it_calls_again_and_goes_up_the_levels_until_the_loop_speaks(kennel: Kennel) -> None:
    kennel.run(3, speaking=True)
    kennel.run(6 * 60, speaking=False)
    assert kennel.called() == ["ann", "ann", "ann", "ann", "cara"]
    kennel.run(300, speaking=True)
    assert len(kennel.called()) == 5 and kennel.told[-1] == "the loop speaks again"
    assert read_heartbeat(kennel.options.control).incident is None


def test_a_watchdog_that_starts_again_does_not_begin_again(kennel: Kennel) -> None:
    kennel.run(3, speaking=True)
    kennel.run(30, speaking=False)
    kennel.watchdog = kennel.fresh()
    kennel.run(60, speaking=False)
    assert kennel.called() == ["ann"]
    kennel.run(60, speaking=False)
    assert kennel.called() == ["ann", "ann"]


def test_a_loop_that_has_not_spoken_yet_may_be_starting(kennel: Kennel) -> None:
    kennel.speak()
    kennel.run(29, speaking=False)
    assert kennel.called() == []
    kennel.run(8, speaking=False)
    assert kennel.called() == ["ann"]


def test_without_any_loop_there_is_nothing_to_watch(tmp_path: Path) -> None:
    clock, phone = TestClock(), Phone()
    pages = DirectPages({"call": phone}, SmallRoster, PEOPLE)
    ends = iter([False] * 100 + [True])
    watch(tmp_path / "live", pages, clock, WatchOptions(tmp_path / "control", stopped=lambda: next(ends)))
    assert read_heartbeat(tmp_path / "control").sentence == "no loop has run here yet" and not phone.letters


def test_a_loop_that_begins_long_after_the_watchdog_has_its_patience_too(tmp_path: Path) -> None:
    clock, phone = TestClock(), Phone()
    pages = DirectPages({"call": phone}, SmallRoster, PEOPLE)
    watchdog = Watchdog(tmp_path / "live", pages, clock, WatchOptions(tmp_path / "control"))
    for second in range(200):
        if second == 100:
            loop = Journal(tmp_path / "live", KEY)
        if second > 120:
            loop.write([], {"status": json.dumps({"loop": {"wall_ns": clock.wall_ns()}, "pid": os.getpid()})})
        watchdog.turn()
        clock.sleep(1)
    loop.close(NOON)
    assert not phone.letters


def test_a_loop_that_was_asked_to_stop_is_a_warning_and_is_not_halted(kennel: Kennel) -> None:
    kennel.run(3, speaking=True)
    kennel.speak(Row(RowKind.NOTE, NOON, b'{"kind":"stopped","sentence":"the loop was asked to stop"}'))
    kennel.loop.close(NOON)
    kennel.run(20, speaking=False)
    beat = read_heartbeat(kennel.options.control)
    assert beat.incident.level == 2 and "was asked to stop" in beat.sentence
    assert kennel.called() == [] and not Inbox(kennel.home / "live" / "inbox").waiting()


def test_a_damaged_journal_is_silence(kennel: Kennel) -> None:
    kennel.run(3, speaking=True)
    kennel.loop.close(NOON)
    (kennel.home / "live" / "journal.sqlite").write_bytes(b"nothing of the kind" * 300)
    kennel.run(10, speaking=False)
    assert kennel.called() == ["ann"] and "cannot be read" in read_heartbeat(kennel.options.control).sentence


def test_an_acknowledgement_on_the_page_stops_the_calls(kennel: Kennel) -> None:
    kennel.run(3, speaking=True)
    kennel.run(10, speaking=False)
    control = Journal(kennel.home / "control", KEY)
    shown = [{"cause": LOOP_SILENT, "acknowledged": True, "newest_ns": kennel.clock.wall_ns()}]
    control.write([], {"incidents": json.dumps({"incidents": shown})})
    kennel.run(600, speaking=False)
    control.close(NOON)
    assert kennel.called() == ["ann"]


def test_the_dispatcher_sees_both_silences_in_the_heartbeat(kennel: Kennel) -> None:
    control = kennel.options.control
    assert set(watchdog_conditions(control, NOON).values()) == {None}
    kennel.run(3, speaking=True)
    assert set(watchdog_conditions(control, kennel.clock.wall_ns()).values()) == {None}
    kennel.run(10, speaking=False)
    found = watchdog_conditions(control, kennel.clock.wall_ns())
    assert found[LOOP_SILENT].level == 4 and found[WATCHDOG_SILENT] is None
    later = watchdog_conditions(control, kennel.clock.wall_ns() + 20 * SECOND)
    assert later[WATCHDOG_SILENT].level == 3 and LOOP_SILENT not in later
    (control / "watchdog.json").write_text("[]")
    assert "no heartbeat" in watchdog_conditions(control, NOON)[WATCHDOG_SILENT].sentence


def test_a_loop_that_compiles_its_engine_is_not_paged_for_and_one_that_never_speaks_is(kennel: Kennel) -> None:
    kennel.loop.write([], {"status": json.dumps({"loop": {"wall_ns": 1}, "pid": os.getpid() + 1})})
    kennel.run(STARTING_SECONDS - 1, speaking=False)
    assert kennel.called() == []
    kennel.run(5, speaking=False)
    assert kennel.called() == ["ann"]


def test_a_control_service_that_turns_or_never_ran_is_left_in_peace(kennel: Kennel) -> None:
    kennel.serve(40, turning=False)
    assert kennel.called() == []
    kennel.serve(60, turning=True)
    assert kennel.called() == [] and read_heartbeat(kennel.options.control).service is None


def test_a_silent_control_service_pages_at_level_3_within_ten_seconds_with_the_link_it_gave(kennel: Kennel) -> None:
    kennel.serve(5, turning=True)
    kennel.serve(PEOPLE.paging.service_silent_seconds + 2, turning=False)
    assert kennel.called() == ["ann"] and read_heartbeat(kennel.options.control).service.level == 3
    text = kennel.phone.letters[0][1].text
    assert text.startswith("URGENT C") and "the control service is not running" in text
    assert "https://box.example/#C" in text
    assert not Inbox(kennel.home / "live" / "inbox").waiting(), "the loop protects the book by itself"


def test_it_escalates_until_the_service_turns_again_and_says_so(kennel: Kennel) -> None:
    kennel.serve(3, turning=True)
    kennel.serve(310, turning=False)
    assert kennel.called() == ["ann", "cara"]
    kennel.serve(300, turning=True)
    assert len(kennel.called()) == 2 and kennel.told[-1] == "the control service speaks again"
    assert read_heartbeat(kennel.options.control).service is None


def test_a_watchdog_that_starts_again_goes_on_with_the_silent_service(kennel: Kennel) -> None:
    kennel.serve(3, turning=True)
    kennel.serve(20, turning=False)
    kennel.watchdog = kennel.fresh()
    kennel.serve(100, turning=False)
    assert kennel.called() == ["ann"]


def test_a_service_that_ended_on_purpose_is_a_warning_and_one_that_had_ended_before_is_none(kennel: Kennel) -> None:
    kennel.serve(3, turning=True)
    kennel.beat.end(kennel.clock.wall_ns())
    kennel.serve(20, turning=False)
    assert read_heartbeat(kennel.options.control).service.level == 2 and kennel.called() == []
    (kennel.options.control / "watchdog.json").unlink()
    kennel.watchdog = kennel.fresh()
    kennel.serve(100, turning=False)
    assert read_heartbeat(kennel.options.control).service is None


@pytest.mark.parametrize("text", ["", "[]", '{"time_ns": "soon"}', "\x00" * 100])
def test_a_heartbeat_of_the_service_that_cannot_be_read_is_silence(kennel: Kennel, text: str) -> None:
    kennel.serve(3, turning=True)
    (kennel.options.control / "service.json").write_text(text)
    kennel.serve(10, turning=False)
    assert kennel.called() == ["ann"] and "no heartbeat" in read_heartbeat(kennel.options.control).sentence


def test_both_silent_page_for_both(kennel: Kennel) -> None:
    kennel.serve(3, turning=True)
    kennel.run(12, speaking=False)
    assert {letter.text.split()[1][0] for _, letter in kennel.phone.letters} == {"W", "C"}


FAKE_LOOP = """
import json, sys, time
from pathlib import Path
from workbench.data.journal.chain import Signer
from workbench.data.journal.journal import Journal
journal = Journal(Path(sys.argv[1]), Signer.from_seed(bytes(32)))
ends = time.monotonic() + 60
while time.monotonic() < ends:
    journal.write([], {"status": json.dumps({"loop": {"wall_ns": time.time_ns()}})})
    print("spoke", flush=True)
    time.sleep(0.25)
"""


def paged_after(tmp_path: Path, how: signal.Signals) -> tuple[float, str]:
    """Seconds from a signal to a process that speaks like a loop, to the first page; and what it says."""
    phone, over = Phone(), threading.Event()
    process = subprocess.Popen([sys.executable, "-c", FAKE_LOOP, str(tmp_path / "live")], stdout=subprocess.PIPE)
    pages = DirectPages({"call": phone}, SmallRoster, PEOPLE)
    options = WatchOptions(tmp_path / "control", stopped=over.is_set)
    watcher = threading.Thread(target=watch, args=(tmp_path / "live", pages, MachineClock(), options))
    try:
        assert process.stdout is not None and process.stdout.readline()
        watcher.start()
        time.sleep(2.5)
        assert not phone.letters
        began = time.monotonic()
        os.kill(process.pid, how)
        while not phone.letters and time.monotonic() - began < 12:
            time.sleep(0.05)
        return phone.letters[0][0] - began, phone.letters[0][1].text
    finally:
        over.set()
        process.kill()
        process.communicate()
        watcher.join()


def test_a_stopped_process_pages_within_ten_seconds(tmp_path: Path) -> None:
    seconds, text = paged_after(tmp_path, signal.SIGSTOP)
    assert 4 < seconds < 10 and "is stopped or hangs" in text
