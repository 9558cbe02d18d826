"""Run every benchmark beside its peer, print the ratios, keep the figures with the machine they were taken on.

Each module runs in a process of its own, on two cores, BLAS with one thread (its threads stall while ours are busy).
A missed target is printed and kept, never an error; a benchmark that raises is one, after the others have run.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil
from measure import Row
from rich.console import Console
from rich.table import Table

from workbench.app import prepare_environment
from workbench.runtime.provenance import code_version

FOLDER = Path(__file__).resolve().parent
RESULTS = FOLDER / "results"
CORES = 2
"""What the targets are for; a machine with more lends only these."""


def machine() -> dict[str, object]:
    """What the figures were taken on."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "numba": version("numba"),
    }


def keep_to_two_cores() -> None:
    """Bind this process and its children, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])


def rows_of(name: str, more: list[str], *, smoke: bool) -> list[Row] | None:
    """Rows of one module; None when it raised, its traceback is on the screen then."""
    prepare_environment()
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "rows.json"
        command = [sys.executable, str(FOLDER / f"bench_{name}.py"), "--rows", str(target), *more]
        load, code = os.getloadavg()[0], code_version()
        done = subprocess.run([*command, *(["--smoke"] if smoke else [])], env=environment, check=False)
        if done.returncode != 0:
            return None
        rows = json.loads(target.read_text(encoding="utf-8"))
    measured = datetime.now(UTC).isoformat(timespec="seconds")
    about = {"benchmark": name, "measured": measured, "load_before": round(load, 2), "code": code}
    judged = {"target": None, "met": None} if smoke else {}  # targets are for the full inputs
    return [{**row, **judged, **about} for row in rows]


def target_of(row: Row) -> str:
    """The target in words: ``≤ 45 s``, ``10 × peer``."""
    if row["target"] is None:
        return ""
    if row["target_is_ratio"]:
        return f"{row['target']:g} × peer"
    return f"{'≥' if row['better'] == 'higher' else '≤'} {row['target']:g} {row['unit']}"


def figure(value: float | None) -> str:
    """Three significant digits, nothing for nothing."""
    return "" if value is None else f"{value:.3g}"


def show(rows: list[Row], *, smoke: bool) -> None:
    """Print the table and the notes under it."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 170)
    title = "Small inputs: no target applies" if smoke else "Benchmarks"
    table = Table("what", "ours", "unit", "peer", "peer's", "times better", "target", "", title=title)
    for row in rows:
        mark = {None: "", True: "[green]met[/green]", False: "[red]missed[/red]"}[row["met"]]
        figures = [row["peer"], figure(row["peer_value"]), figure(row["ratio"])]
        table.add_row(row["name"], figure(row["value"]), row["unit"], *figures, target_of(row), mark)
    console.print(table)
    for row in rows:
        if row["note"]:
            console.print(f"{row['name']}: {row['note']}")


def keep(rows: list[Row], failed: list[str], *, smoke: bool) -> None:
    """Write ``latest.json`` and, unless the inputs were small, the file of the day; what was not run stays in it."""
    RESULTS.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    content = {"date": now.isoformat(timespec="seconds"), "smoke": smoke, "machine": machine(), "rows": rows}
    content |= {"failed": failed} if failed else {}
    write(RESULTS / "latest.json", content)
    if smoke:
        return
    target = RESULTS / f"{now.date()}.json"
    if target.is_file():
        earlier = json.loads(target.read_text(encoding="utf-8"))
        if earlier["machine"] == content["machine"]:
            run = {row["benchmark"] for row in rows} | set(failed)
            content["rows"] = [row for row in earlier["rows"] if row["benchmark"] not in run] + rows
    write(target, content)


def write(path: Path, content: dict[str, object]) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> int:
    """Run, print, keep; 1 when a benchmark raised."""
    names = sorted(path.stem.removeprefix("bench_") for path in FOLDER.glob("bench_*.py"))
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--smoke", action="store_true", help="small inputs: do the benchmarks still run?")
    parser.add_argument(
        "--only", choices=names, help="one benchmark; it takes options of its own, such as --minutes 60 of monitor"
    )
    chosen, more = parser.parse_known_args()
    if more and not chosen.only:
        parser.error(f"{' '.join(more)}: an option of one benchmark needs --only")
    keep_to_two_cores()
    rows, failed = [], []
    for name in [chosen.only] if chosen.only else names:
        print(f"{name} ...", file=sys.stderr, flush=True)
        found = rows_of(name, more, smoke=chosen.smoke)
        if found is None:
            failed.append(name)
        else:
            rows += found
    show(rows, smoke=chosen.smoke)
    keep(rows, failed, smoke=chosen.smoke)
    if failed:
        print(f"raised an error, see above: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
