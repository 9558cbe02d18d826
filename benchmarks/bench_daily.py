"""The daily run as a user starts it: first ever, warm, next day; seconds and peak memory of the process tree."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import psutil

COMMAND = str(Path(sys.executable).parent / "workbench")
SLICE = ["--set", "var_calibration.race_start=2024-01-02", "--set", "var_calibration.race_pairs=1"]


def timed(home: Path, cache: Path, *arguments: str) -> tuple[float, float]:
    """Seconds and peak resident memory in GB of one command with all its children."""
    environment = {**os.environ, "WORKBENCH_HOME": str(home), "NUMBA_CACHE_DIR": str(cache)}
    began, peak = time.perf_counter(), 0
    with subprocess.Popen([COMMAND, *arguments], env=environment, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak = max(peak, tree_memory(process.pid))
            time.sleep(0.1)
    if process.returncode != 0:
        raise RuntimeError(f"workbench {' '.join(arguments)} ended with {process.returncode}")
    return time.perf_counter() - began, peak / 2**30


def tree_memory(pid: int) -> int:
    """Resident bytes of a process and its children; those that just ended count nothing."""
    total = 0
    try:
        for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
            total += process.memory_info().rss
    except psutil.NoSuchProcess:
        return total
    return total


def row(name: str, value: float, target: float, unit: str = "s") -> dict:
    return {"name": name, "value": value, "unit": unit, "ratio": None, "target": target, "better": "lower"}


def bench(*, smoke: bool) -> list[dict]:
    helps = []
    for _ in range(3 if smoke else 7):
        began = time.perf_counter()
        subprocess.run([COMMAND, "--help"], check=True, stdout=subprocess.DEVNULL)
        helps.append(time.perf_counter() - began)
    rows = [row("workbench --help, median", median(helps), 0.5)]
    small = SLICE if smoke else []
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        first, _ = timed(top / "a", top / "cache", "daily", "--as-of", "2026-10-29", *small)
        rows.append(row("daily run, first ever, with compilation", first, 150))
        if smoke:
            return rows
        following, _ = timed(top / "a", top / "cache", "daily", "--as-of", "2026-10-30")
        warm, memory = timed(top / "b", top / "cache", "daily", "--as-of", "2026-10-30")
    return [
        *rows,
        row("daily run, warm, nothing stored", warm, 45),
        row("daily run, next day", following, 20),
        row("daily run, peak memory of all processes", memory, 1.5, "GB"),
    ]
