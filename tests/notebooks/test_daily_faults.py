"""Full disk and read-only folders, by the real command: one sentence, exit code 1, earlier results untouched."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

SMALL_RACE = (
    "--set", "var_calibration.race_start=2007-01-02", "--set", "var_calibration.race_pairs=0",
    "--set", "stress_validation.paths=40",
)  # fmt: skip
EARLIER, LATER = "2026-10-30", "2008-10-27"


def run_with_room(home: Path, room: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The real command where no file may grow beyond `room` bytes, as on a disk that is nearly full."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    command = [str(Path(sys.executable).parent / "workbench"), "daily", *arguments]
    environment = {**os.environ, "WORKBENCH_HOME": str(home), "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=300, check=False, preexec_fn=limit
    )


@pytest.mark.parametrize("room", [2_000, 60_000], ids=["at once", "in the middle of the figures"])
def test_a_full_disk_is_said_and_earlier_results_stay(room, daily_folder, one_sentence, digests):
    before = digests(daily_folder)
    ended = run_with_room(daily_folder.parents[1], room, "--as-of", LATER, *SMALL_RACE)
    sentence = one_sentence(ended)
    assert "cannot write" in sentence
    assert sentence.endswith("what was there before is unchanged")
    assert digests(daily_folder) == before
    assert not (daily_folder.parent / LATER).exists()


def test_a_run_that_met_a_full_disk_goes_on_when_there_is_room(daily_folder, workbench):
    home = daily_folder.parents[1]
    assert run_with_room(home, 60_000, "--as-of", LATER, *SMALL_RACE).returncode == 1
    ended = workbench(home, "daily", "--as-of", LATER, *SMALL_RACE, "--resume")
    assert ended.returncode == 0, ended.stderr
    assert (daily_folder.parent / LATER / "index.html").is_file()


@pytest.mark.parametrize("place", ["/proc/runs", "under a file"])
def test_a_folder_nobody_can_write_to_is_said(place, daily_folder, workbench, one_sentence, digests, tmp_path):
    before = digests(daily_folder)
    (tmp_path / "file").touch()
    runs = place if place.startswith("/") else str(tmp_path / "file" / "runs")
    ended = workbench(daily_folder.parents[1], "daily", "--as-of", EARLIER, "--runs", runs)
    assert one_sentence(ended).startswith(f"cannot write {runs}: ")
    assert digests(daily_folder) == before
