"""The daily run as a user starts it: first ever, warm, the next day; seconds, and memory of all its processes.

First ever: no compiled kernel, nothing stored. Warm: kernels compiled, no forecast stored. Next day: the day before has
run. Memory is resident bytes, looked at five times a second; pages that processes share count for each of them, so the
sum says too much rather than too little.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil
from measure import Row, row, run_alone, timed

COMMAND = str(Path(sys.executable).parent / "workbench")
DAY_BEFORE, DAY = "2026-10-29", "2026-10-30"
SLICE = ("--set", "var_calibration.race_start=2025-01-02", "--set", "var_calibration.race_pairs=2")
LOOK_EVERY_SECONDS = 0.2


class Peak:
    """Largest memory seen, GB: of all processes together, and of one."""

    def __init__(self) -> None:
        self.total = self.single = 0.0

    def look(self, pid: int) -> None:
        """Look at a process and everything below it; one that has just ended counts nothing."""
        sizes = [0]
        with suppress(psutil.NoSuchProcess):
            top = psutil.Process(pid)
            for process in [top, *top.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    sizes.append(process.memory_info().rss)
        self.total, self.single = max(self.total, sum(sizes) / 2**30), max(self.single, max(sizes) / 2**30)


class Machine:
    """One cache of compiled kernels, and homes below one folder."""

    def __init__(self, folder: Path, cache: Path, options: tuple[str, ...]) -> None:
        self.folder, self.cache, self.options = folder, cache, options

    def run(self, home: str, day: str, peak: Peak | None = None) -> tuple[float, str]:
        """Seconds of one daily run, and where they went; looking at memory is left out unless asked for."""
        place = self.folder / home
        environment = {**os.environ, "WORKBENCH_HOME": str(place), "NUMBA_CACHE_DIR": str(self.cache)}
        command = [COMMAND, "daily", "--as-of", day, "--runs", str(place / "runs"), *self.options]

        def once() -> None:
            with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
                while peak is not None and process.poll() is None:
                    peak.look(process.pid)
                    time.sleep(LOOK_EVERY_SECONDS)
            if process.returncode != 0:
                raise RuntimeError(f"{' '.join(command[1:])} ended with {process.returncode}, see its words above")

        seconds, _ = timed(once)
        manifest = json.loads((place / "runs" / day / "manifest.json").read_text(encoding="utf-8"))
        steps = {name: step["seconds"] for name, step in manifest["steps"].items()}
        parts = [f"{name} {spent:.1f}" for name, spent in steps.items()]
        return seconds, ", ".join([*parts, f"around them {seconds - sum(steps.values()):.1f} s"])


def bench(*, smoke: bool) -> list[Row]:
    peak = Peak()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if smoke:  # one run, with the user's own kernels: compiling alone takes longer than all smoke tests may
            machine = Machine(folder, Path(os.environ.get("NUMBA_CACHE_DIR", folder / "numba")), SLICE)
            warm, where = machine.run("warm", DAY, peak)
            rows = []
        else:
            machine = Machine(folder, folder / "numba", ())
            first, parts = machine.run("first", DAY)
            warm, where = machine.run("warm", DAY, peak)
            machine.run("next", DAY_BEFORE)
            following, shares = machine.run("next", DAY)
            rows = [
                row("daily run, first ever, with compilation", first, "s", target=150, note=parts),
                row("daily run, next day", following, "s", target=20, note=shares),
            ]
    return [
        *rows,
        row("daily run, warm, no forecast stored", warm, "s", target=45, note=where),
        row("daily run, warm: peak memory of all processes", peak.total, "GB", target=1.5),
        row("daily run, warm: peak memory of the largest process", peak.single, "GB"),
    ]


if __name__ == "__main__":
    run_alone(bench)
