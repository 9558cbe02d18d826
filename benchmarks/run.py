"""Run every benchmark beside its peer, print the ratios, keep the figures with the machine they were taken on."""

import argparse
import importlib
import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

FOLDER = Path(__file__).parent
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def machine() -> dict:
    """What the figures were taken on."""
    import numba
    import numpy as np

    model = ""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].partition(":")[2].strip() if lines else ""
    return {
        "processor": model or platform.processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numba": numba.__version__,
    }


def met(row: dict) -> bool:
    """Whether the value, or the ratio where the target is one, reaches the target."""
    figure = row["ratio"] if row.get("target_is_ratio") else row["value"]
    return figure >= row["target"] if row["better"] == "higher" else figure <= row["target"]


def main() -> None:
    """Run, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="small inputs: do the benchmarks still run?")
    parser.add_argument("--only", default="", help="name of one benchmark module, e.g. garch")
    chosen = parser.parse_args()
    sys.path.insert(0, str(FOLDER))
    modules = sorted(path.stem for path in FOLDER.glob("bench_*.py"))
    rows = []
    for name in modules:
        if chosen.only and name != f"bench_{chosen.only}":
            continue
        found = importlib.import_module(name).bench(smoke=chosen.smoke)
        rows += [{**row, "benchmark": name.removeprefix("bench_"), "met": met(row)} for row in found]
    table = Table("what", "value", "unit", "peer", "peer's", "ratio", "target", "met")
    for row in rows:
        peer, ratio = row.get("peer_value"), row.get("ratio")
        numbers = [f"{row['value']:.4g}", row["unit"], row.get("peer") or "", "" if peer is None else f"{peer:.4g}"]
        table.add_row(
            row["name"],
            *numbers,
            "" if ratio is None else f"{ratio:.1f}",
            f"{row['target']:g}",
            "✓" if row["met"] else "✗",
        )
    Console(width=150).print(table)
    if not chosen.smoke:
        results = FOLDER / "results"
        results.mkdir(exist_ok=True)
        now = datetime.now(UTC)
        content = {"date": now.isoformat(timespec="seconds"), "machine": machine(), "rows": rows}
        (results / f"{now.date()}.json").write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
