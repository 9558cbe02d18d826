"""A command of the workbench with every duration of its loop kept, where the loop itself keeps histograms only.

``python recorded_loop.py FILE live ...`` runs the command and leaves `FILE` when it ends: by stage the rows of moment
(nanoseconds of the monotonic clock) and duration (nanoseconds), one for each thing that took so long.
"""

import json
import sys
import time
from pathlib import Path

from workbench.cli import main
from workbench.runtime.live import loop
from workbench.runtime.live.latency import Latencies

RECORDED: dict[str, list[tuple[int, int]]] = {}


class RecordedLatencies(Latencies):
    """Counts as the loop's do, and keeps what was counted."""

    def add(self, stage: str, duration_ns: int, times: int = 1) -> None:
        """Count a duration, and keep it."""
        super().add(stage, duration_ns, times)
        RECORDED.setdefault(stage, []).extend([(time.monotonic_ns(), duration_ns)] * times)


if __name__ == "__main__":
    target = Path(sys.argv.pop(1))
    loop.Latencies = RecordedLatencies  # where the loop takes them from
    try:
        main()
    finally:
        target.write_text(json.dumps(RECORDED))
