"""Damaged files, failing disks and two writers: what is live stays whole."""

import errno
import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from workbench.domain.calibration import Calibration
from workbench.domain.errors import DataError, ExecutionError
from workbench.runtime.calibrations import CalibrationRegistry
from workbench.runtime.calibrations.gates import GateResult

MORNING = "2026-10-30T06:00:00+00:00"
LATER = "2026-10-30T09:00:00+00:00"
PASSED = [GateResult("convergence", passed=True, value=0.0, limit=0.0, sentence="all fits converged")]
TO_CONFIRM = [
    GateResult(
        "value at risk move",
        passed=False,
        value=0.8,
        limit=0.5,
        sentence="value at risk moves by +80.0%",
        consequence="confirm",
    )
]


Build = Callable[..., Calibration]


def live(registry: CalibrationRegistry) -> str:
    adopted = registry.adopted()
    assert adopted is not None
    return adopted.id


def refused_for(act: Callable[[], object], why: str) -> bool:
    """Return whether the act fails, and insist that it says why."""
    try:
        act()
    except ExecutionError as error:
        return why in str(error) or pytest.fail(f"expected {why!r} in {error}")
    return False


# --- damaged files


def test_a_file_cut_anywhere_is_never_used(registry: CalibrationRegistry, calibration: Build) -> None:
    one = registry.decide(calibration(), PASSED, when=MORNING)
    path = registry.folder / f"{one.id}.json"
    whole = path.read_bytes()
    for length in [0, 1, *range(2, len(whole) - 1, 97), len(whole) - 2]:
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match=f"{path.name} is damaged"):
            registry.adopted()
    path.unlink()
    with pytest.raises(DataError, match="cannot be read"):
        registry.adopted()


def test_a_changed_number_is_noticed(registry: CalibrationRegistry, calibration: Build) -> None:
    one = registry.decide(calibration(), TO_CONFIRM, when=MORNING)
    path = registry.folder / f"{one.id}.json"
    path.write_text(path.read_text().replace("0.94", "0.97"))
    with pytest.raises(DataError, match="does not match its hash"):
        registry.adopt(one.id, "the risk manager", LATER)
    assert registry.adopted() is None
    line = registry.catalogue()[0]
    assert (line.status, line.as_of) == ("damaged", date(2026, 10, 30))


def test_a_file_under_another_name_is_noticed(registry: CalibrationRegistry, calibration: Build) -> None:
    one = registry.propose(calibration())
    (registry.folder / f"{one.id}.json").rename(registry.folder / "2026-10-31-000000000000.json")
    with pytest.raises(DataError, match="renamed or tampered"):
        registry.show("2026-10-31")


def test_a_damaged_pointer_stops_writers_and_readers(registry: CalibrationRegistry, calibration: Build) -> None:
    registry.decide(calibration("2026-10-29"), PASSED, when=MORNING)
    (registry.folder / "adopted.json").write_text('{"sha256": "0", "content": {}}')
    with pytest.raises(DataError, match=r"adopted\.json is damaged"):
        registry.adopted()
    with pytest.raises(DataError, match=r"adopted\.json is damaged"):
        registry.decide(calibration(), PASSED, when=LATER)


def test_a_torn_history_line_is_shown_and_the_next_act_starts_on_a_new_line(
    registry: CalibrationRegistry, calibration: Build
) -> None:
    registry.decide(calibration("2026-10-29"), PASSED, when=MORNING)
    with (registry.folder / "history.jsonl").open("ab") as file:
        file.write(b'{"act": "ado')
    registry.decide(calibration(), PASSED, when=LATER)
    assert [line["act"] for line in registry.history()] == ["adopt", "unreadable", "adopt"]


# --- faults: fail the Nth operation until none fails


@pytest.mark.parametrize("operation", ["fsync", "open"])
def test_whatever_write_fails_what_is_live_is_whole(
    registry: CalibrationRegistry, monkeypatch: pytest.MonkeyPatch, operation: str, calibration: Build
) -> None:
    before = registry.decide(calibration("2026-10-29"), PASSED, when=MORNING)
    real, new, failures = getattr(os, operation), calibration(), 0
    for failing in range(1, 50):
        calls = 0

        def sometimes(*arguments: Any, failing: int = failing, **keywords: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == failing:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(*arguments, **keywords)

        with monkeypatch.context() as fault:
            fault.setattr(os, operation, sometimes)
            if refused_for(lambda: registry.decide(new, PASSED, when=LATER), "the disk is full"):
                failures += 1
        assert live(registry) in {before.id, new.id}
        assert not list(registry.folder.glob(".*.json.*")), "a temporary file was left behind"
        if calls < failing:
            break
    assert failures > 0
    assert live(registry) == new.id
    registry.propose(calibration("2026-10-31"))
    assert [line["sequence"] for line in registry.history()] == [1, 2], "the missing history line is written later"


def test_a_crash_before_the_pointer_is_finished_by_the_next_run(
    registry: CalibrationRegistry, calibration: Build
) -> None:
    one = registry.decide(calibration(), PASSED, when=MORNING)
    for name in ("adopted.json", "history.jsonl"):  # as if the process had died after writing the verdict
        (registry.folder / name).unlink()
    assert registry.adopted() is None
    assert registry.decide(calibration(), PASSED, when=LATER).status == "provisional"
    assert live(registry) == one.id


# --- two writers


def test_a_second_writer_is_told_so(registry: CalibrationRegistry, calibration: Build) -> None:
    registry.propose(calibration())
    with (registry.folder / ".lock").open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(ExecutionError, match=r"another process is writing to .*calibrations"):
            registry.decide(calibration(), PASSED, when=MORNING)
    assert registry.decide(calibration(), PASSED, when=MORNING).status == "provisional"


def test_processes_adopting_at_once_leave_one_whole_chain(tmp_path: Path, calibration: Build) -> None:
    script = (
        "import json, sys, pathlib\n"
        "from workbench.domain.calibration import Calibration\n"
        "from workbench.runtime.calibrations import CalibrationRegistry\n"
        "from workbench.runtime.calibrations.gates import GateResult\n"
        "gates = [GateResult('convergence', True, 0.0, 0.0, 'all fits converged')]\n"
        "registry = CalibrationRegistry(pathlib.Path(sys.argv[1]))\n"
        "for table in json.load(sys.stdin):\n"
        "    registry.decide(Calibration.from_mapping(table), gates, when='2026-10-30T06:00:00+00:00')\n"
    )
    tables = [
        [calibration(evidence={"run": run, "try": turn}).model_dump(mode="json") for turn in range(8)]
        for run in range(3)
    ]
    running = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, text=True)
        for _ in tables
    ]
    for process, table in zip(running, tables, strict=True):
        assert process.stdin is not None
        process.stdin.write(json.dumps(table))
        process.stdin.close()
    assert [process.wait() for process in running] == [0, 0, 0]
    registry = CalibrationRegistry(tmp_path)
    moves = registry.history()
    assert [move["sequence"] for move in moves] == list(range(1, 25))
    assert [move["previous"] for move in moves[1:]] == [move["id"] for move in moves[:-1]]
    assert live(registry) == moves[-1]["id"]
