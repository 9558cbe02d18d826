"""How long `workbench --help` takes to appear, beside an interpreter that does nothing."""

import subprocess
import sys
from pathlib import Path
from statistics import median

from measure import Row, row, run_alone, timed

COMMAND = str(Path(sys.executable).parent / "workbench")
RUNS = 7


def seconds(*command: str) -> float:
    """Median over the runs, after one that fills the file cache."""

    def once() -> object:
        return subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    once()
    return median(timed(once)[0] for _ in range(RUNS))


def bench(*, smoke: bool) -> list[Row]:
    del smoke  # it takes a second
    ours, bare = seconds(COMMAND, "--help"), seconds(sys.executable, "-c", "pass")
    return [row("workbench --help", ours, "s", peer="python -c pass", peer_value=bare, target=0.5)]


if __name__ == "__main__":
    run_alone(bench)
