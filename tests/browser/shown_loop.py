"""What a live loop does as far as a page can see: holds a journal and shows something new, four times a second.

Run as ``python shown_loop.py FOLDER``. Equity rises by a dollar with each showing, but not while FOLDER has ``hold``.
"""

import importlib.util
import json
import sys
import time
from pathlib import Path

from workbench.data.journal.chain import Signer
from workbench.data.journal.journal import Journal

SHOWINGS_SECONDS = 0.25
KEY = "2016-06-24T05"
LONGEST_SECONDS = 600.0

spec = importlib.util.spec_from_file_location("stub_projection", Path(__file__).with_name("stub_projection.py"))
assert spec is not None
assert spec.loader is not None
made_up = importlib.util.module_from_spec(spec)
spec.loader.exec_module(made_up)


def history() -> dict[str, str]:
    """Ten minutes, under the key of their hour: 05 UTC."""
    columns = ["time_ns", "equity", "drawdown", "value_at_risk_95", "volatility_ratio", "mode"]
    began = made_up.NOW_NS - made_up.NOW_NS % (60 * 10**9) - 10 * 60 * 10**9
    rows = [[began + n * 60 * 10**9, 995_000.0 + n, 0.004, 0.0014, 1.2, 0] for n in range(10)]
    return {f"series/minute/{KEY}": json.dumps({"columns": columns, "rows": rows, "strategies": []})}


def run(folder: Path) -> None:
    journal = Journal(folder, Signer.open(folder))
    table = made_up.projection("calm")
    journal.write([], history())
    until = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < until:
        if not (folder / "hold").exists():
            table["book"]["equity"] += 1.0
        table["loop"]["wall_ns"] = time.time_ns()
        journal.write([], {"status": json.dumps(table)})
        time.sleep(SHOWINGS_SECONDS)


if __name__ == "__main__":
    run(Path(sys.argv[1]))
