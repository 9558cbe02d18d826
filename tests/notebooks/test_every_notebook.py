"""Every notebook runs as a reader would run it: top to bottom, with the parameters it comes with, in a fresh home."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
SHIPPED = sorted(path for path in NOTEBOOKS.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)


def nbval(home: Path, *notebooks: Path) -> subprocess.CompletedProcess[str]:
    """Execute notebooks by nbval, which fails when a cell does; stored outputs are not compared, there are none."""
    command = [sys.executable, "-m", "pytest", "-q", "--nbval-lax", "-p", "no:cacheprovider", *map(str, notebooks)]
    environment = {**os.environ, "WORKBENCH_HOME": str(home), "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=600, check=False, cwd=NOTEBOOKS.parent
    )


@pytest.mark.parametrize("notebook", SHIPPED, ids=lambda path: path.relative_to(NOTEBOOKS).as_posix())
def test_the_notebook_runs_with_the_parameters_it_comes_with(notebook, tmp_path):
    ended = nbval(tmp_path, notebook)
    assert ended.returncode == 0, ended.stdout
    assert " passed" in ended.stdout


def test_a_notebook_with_a_failing_cell_is_caught(tmp_path):
    content = json.loads(SHIPPED[0].read_text(encoding="utf-8"))
    cells = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    content["cells"] = [{**cells[0], "source": ["raise ValueError('broken on purpose')"]}]
    broken = tmp_path / "broken.ipynb"
    broken.write_text(json.dumps(content), encoding="utf-8")
    ended = nbval(tmp_path, broken)
    assert ended.returncode == 1
    assert "broken on purpose" in ended.stdout
