"""What the loop keeps in memory: nothing of the statistics, the figures or the data base that it never uses."""

import subprocess
import sys

from workbench.app.environment import project_root

NEEDED = (
    "workbench.app.live",
    "workbench.data.sources",
    "workbench.engine.risk_engine",
    "workbench.runtime.live.log",
    "workbench.runtime.live.loop",
    "workbench.runtime.live.recovery",
    "workbench.runtime.replay",
    "workbench.runtime.worlds.policy_watch",
    "workbench.runtime.worlds.sources",
    "workbench.runtime.worlds.world",
)
UNUSED = (
    "arch",
    "duckdb",
    "matplotlib",
    "plotly",
    "scipy.optimize",
    "scipy.signal",
    "scipy.stats",
    "sklearn",
    "statsmodels",
    "vectorbt",
)
SCRIPT = """
import importlib, sys
needed, unused = (names.split(",") for names in sys.argv[1:])
for name in needed:
    importlib.import_module(name)
print(",".join(name for name in unused if name in sys.modules))
"""


def test_the_loop_imports_no_library_it_never_uses() -> None:
    """`import scipy` loads its parts when they are first called; `from scipy import stats` costs 50 MB at once."""
    command = [sys.executable, "-c", SCRIPT, ",".join(NEEDED), ",".join(UNUSED)]
    done = subprocess.run(command, cwd=project_root(), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "", "import these where they are used, or scipy as a whole"
