"""`workbench up` with people: four processes that come back when they are killed, and end together."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from real_processes.control_room import ControlRoom, sink_channels
from real_processes.processes import Running, wait_for
from real_processes.sinks import Sinks

from workbench.data.journal.storage import lock_holder
from workbench.domain.errors import DataError
from workbench.response.alerts.watchdog_file import read_heartbeat, read_service
from workbench.response.people.private_files import last_good

FEED = ("--feed", "simulated:7", "--seconds", "1")


def beating(control: Path, read: Callable[[Path], object]) -> int:
    """The process whose heartbeat is newer than two seconds; 0 for none."""
    try:
        beat = read(control)
    except DataError:
        return 0
    fresh = beat is not None and abs(time.time_ns() - beat.time_ns) < 2e9 and not getattr(beat, "ended", False)
    return int(beat.process) if fresh else 0


def is_alive(process: int) -> bool:
    return Path(f"/proc/{process}/cmdline").exists() and bool(Path(f"/proc/{process}/cmdline").read_bytes())


def killed_and_back(control: Path, read: Callable[[Path], object]) -> int:
    """Kill whoever beats, and wait for another one."""
    before = beating(control, read)
    os.kill(before, signal.SIGKILL)
    return int(wait_for(lambda: (now := beating(control, read)) != before and now, "another one"))


def test_up_runs_the_people_processes_too_starts_them_again_and_ends_them_all(room: ControlRoom) -> None:
    up = room.start("up", *FEED, "--no-page", "--port", "0")
    loop = int(wait_for(lambda: room.live.exists() and lock_holder(room.live), "the loop"))
    watchdog = int(wait_for(lambda: beating(room.people, read_heartbeat), "the watchdog"))
    service = int(wait_for(lambda: beating(room.people, read_service), "the control service"))
    again = (killed_and_back(room.people, read_heartbeat), killed_and_back(room.people, read_service))
    assert is_alive(loop) and not is_alive(watchdog) and not is_alive(service)
    assert up.stop() == 0, up.err.read_text()
    assert not any(is_alive(one) for one in (loop, *again))
    said = up.out.read_text()
    assert said.count("the control service is at http://127.0.0.1:") == 2
    assert "the watchdog was ended by signal 9: starting it again" in said
    assert "the control service was ended by signal 9: starting it again" in said
    beat = read_service(room.people)
    assert beat is not None and beat.ended


def test_without_people_up_says_how_to_add_them_and_the_loop_runs_alone(room: ControlRoom, tmp_path: Path) -> None:
    command = ["up", *FEED, "--no-page", "--folder", str(room.live), "--control", str(tmp_path / "nobody")]
    up = room.nursery.start(room.home, command=command)
    wait_for(lambda: room.live.exists() and lock_holder(room.live), "the loop")
    assert up.stop() == 0, up.err.read_text()
    assert "nobody is paged" in up.out.read_text() and "workbench people add NAME" in up.out.read_text()
    assert not (tmp_path / "nobody").exists()


def test_people_files_that_are_refused_are_told_once_and_both_processes_run_when_they_are_right(
    room: ControlRoom,
) -> None:
    (room.people / "roster.toml").chmod(0o644)
    last_good(room.people / "roster.toml").unlink()
    up = room.start("up", *FEED, "--no-page", "--port", "0")
    wait_for(lambda: up.out.read_text().count("refused to run") == 2, "both refusals")
    wait_for(lambda: room.live.exists() and lock_holder(room.live), "the loop")
    assert "NOBODY IS PAGED" in up.out.read_text()
    (room.people / "roster.toml").chmod(0o600)
    wait_for(lambda: up.out.read_text().count("runs again") == 2, "both at work", 60)
    assert beating(room.people, read_heartbeat) and beating(room.people, read_service)
    assert up.stop() == 0, up.err.read_text()
    assert up.out.read_text().count("refused to run") == 2 and up.err.read_text().count("chmod 600") == 2


def test_a_broken_roster_and_two_deaths_end_neither_paging_nor_the_phone(room: ControlRoom) -> None:
    up = room.start("up", *FEED, "--no-page", "--port", "0")
    wait_for(lambda: beating(room.people, read_heartbeat), "the watchdog")
    wait_for(lambda: beating(room.people, read_service), "the control service")
    (room.people / "roster.toml").write_text("[[people]\n")
    assert killed_and_back(room.people, read_heartbeat) and killed_and_back(room.people, read_service)
    wait_for(lambda: up.out.read_text().count("the control service is at http://127.0.0.1:") == 2, "the phone page")
    assert up.err.read_text().count("roster.toml is not valid TOML in UTF-8, at line 1") == 2
    assert "refused" not in up.out.read_text() and up.stop() == 0, up.err.read_text()


def paged_for(room: ControlRoom, sinks: Sinks, control: Running, how: signal.Signals) -> float:
    """Seconds from a signal to the control service until a call says that it is silent."""
    wait_for(lambda: beating(room.people, read_service), "the control service")
    watchdog = room.start("watchdog")
    wait_for(lambda: beating(room.people, read_heartbeat), "the watchdog")
    time.sleep(2.5)
    began = time.monotonic()
    os.kill(control.pid, how)

    def called() -> list[float]:
        return [one.at for one in sinks.on("call") if "control service silent" in one.text]

    first = wait_for(called, "a call", 15.0)[0]
    assert watchdog.stop() == 0, watchdog.err.read_text()
    return float(first - began)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_control_service_that_dies_or_hangs_is_paged_for_by_the_watchdog_within_ten_seconds(
    room: ControlRoom, sinks: Sinks, how: signal.Signals
) -> None:
    room.channels(sink_channels(sinks))
    control = room.control()
    seconds = paged_for(room, sinks, control, how)
    assert 4.0 < seconds < 10.0
    [mail, *_] = [one for one in sinks.on("email") if "control service silent" in one.text]
    assert "workbench halt" in mail.text


def test_a_control_service_that_was_asked_to_end_is_a_warning(room: ControlRoom, sinks: Sinks) -> None:
    room.channels(sink_channels(sinks))
    control = room.control()
    wait_for(lambda: beating(room.people, read_service), "the control service")
    watchdog = room.start("watchdog")
    wait_for(lambda: beating(room.people, read_heartbeat), "the watchdog")
    time.sleep(2.5)
    assert control.stop() == 0
    found = wait_for(lambda: [one for one in sinks.on("email") if "control service silent" in one.text], "a mail", 15.0)
    assert found[0].text.startswith("warning C") or "warning C" in found[0].text
    assert not sinks.on("call") and watchdog.stop() == 0
