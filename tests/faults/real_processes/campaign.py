"""The campaigns with real processes, one after the other."""

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from .breach import ScriptedBreach
from .clocks import stops_and_clocks
from .company import crowds, disconnects
from .damage import flipped_bits, torn_files
from .deaths import failed_syncs, full_disks, kills
from .processes import plans_in, warm_process
from .tally import RealTally

CAMPAIGNS: tuple[Callable[[ScriptedBreach], RealTally], ...] = (
    kills, torn_files, flipped_bits, full_disks, failed_syncs, crowds, stops_and_clocks, disconnects,
)  # fmt: skip


def real_campaign() -> Iterator[RealTally]:
    """Run every campaign; each is handed out when it is over."""
    os.umask(0o077)
    with tempfile.TemporaryDirectory(prefix="workbench-real-") as name:
        scratch = Path(name)
        said, plans = scratch / "said", scratch / "plans"
        for folder in (said, plans):
            folder.mkdir()
        with warm_process(said) as nursery:
            breach = ScriptedBreach(nursery, plans_in(plans), scratch)
            for campaign in CAMPAIGNS:
                try:
                    yield campaign(breach)
                finally:
                    nursery.end()
