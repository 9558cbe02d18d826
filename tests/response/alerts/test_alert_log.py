"""The log of alerts, the last channel there is: it stays small, its owner's alone, and keeps the newest lines."""

import fcntl
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

from workbench.response.alerts.channels import LogChannel
from workbench.response.alerts.messages import Letter

LARGEST = 4_000
WRITER = f"""
import sys
from pathlib import Path
from workbench.response.alerts.channels import LogChannel
from workbench.response.alerts.messages import Letter
channel = LogChannel(Path(sys.argv[1]), {LARGEST})
for number in range(60):
    assert channel.hand_over(Letter("log", "", 4, f"{{number}}", "x" * 50), 1).handed
"""


def write(path: Path, numbers: range) -> None:
    channel = LogChannel(path, LARGEST)
    for number in numbers:
        assert channel.hand_over(Letter("log", "", 4, f"{number}", "x" * 50), 1).handed


def numbers_in(path: Path) -> list[int]:
    return [int(json.loads(line)["title"]) for line in path.read_text().splitlines()]


def test_it_stays_small_and_keeps_the_newest_lines_in_order(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write(tmp_path / "alerts.log", range(500))
    finally:
        os.umask(before)
    names = ["alerts.log.3", "alerts.log.2", "alerts.log.1", "alerts.log"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    kept = [number for name in names for number in numbers_in(tmp_path / name)]
    assert kept == list(range(kept[0], 500)) and len(kept) > 60
    assert all((tmp_path / name).stat().st_size <= LARGEST for name in names)
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in names} == {0o600}


def test_a_line_longer_than_the_file_may_be_is_written_all_the_same(tmp_path: Path) -> None:
    channel = LogChannel(tmp_path / "alerts.log", 10)
    for title in "ab":
        assert channel.hand_over(Letter("log", "", 4, title, "long"), 1).handed
    assert json.loads((tmp_path / "alerts.log").read_text())["title"] == "b"
    assert json.loads((tmp_path / "alerts.log.1").read_text())["title"] == "a"


def test_two_processes_with_threads_lose_none_of_the_lines_that_fit(tmp_path: Path) -> None:
    path = tmp_path / "alerts.log"
    other = subprocess.Popen([sys.executable, "-c", WRITER, str(path)])
    threads = [threading.Thread(target=write, args=(path, range(60 + 20 * k, 80 + 20 * k))) for k in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    assert other.wait(30) == 0
    kept = [number for file in tmp_path.iterdir() for number in numbers_in(file)]
    # 120 lines of some 120 bytes: they fit into four files of 4,000
    assert sorted(kept) == list(range(120))


def test_a_disk_that_refuses_another_name_loses_no_line(tmp_path: Path) -> None:
    write(tmp_path / "alerts.log", range(10))
    (tmp_path / "alerts.log.3").mkdir()
    (tmp_path / "alerts.log.3" / "kept").touch()
    (tmp_path / "alerts.log.2").touch()
    write(tmp_path / "alerts.log", range(10, 100))
    assert numbers_in(tmp_path / "alerts.log") == list(range(100))


def test_a_process_that_is_stopped_with_the_log_in_its_hand_keeps_nobody_from_writing(tmp_path: Path) -> None:
    path = tmp_path / "alerts.log"
    write(path, range(30))
    with path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        write(path, range(30, 40))
        assert [*tmp_path.iterdir()] == [path], "what another one holds is not renamed, though it is full"
    assert path.stat().st_size > LARGEST and numbers_in(path) == list(range(40))
    write(path, range(40, 41))
    assert numbers_in(path) == [40] and numbers_in(tmp_path / "alerts.log.1") == list(range(40))
