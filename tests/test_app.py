"""The composition root: outside a checkout, and the folder of compiled kernels."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import workbench
from workbench.app import compiled_folder

SOURCE = Path(workbench.__file__).parent


@pytest.fixture
def elsewhere(tmp_path):
    """The package copied away from its checkout: call the command there."""
    shutil.copytree(SOURCE, tmp_path / "lib" / "workbench", ignore=shutil.ignore_patterns("__pycache__"))

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        code = "import sys; from workbench.cli import main; sys.argv[0] = 'workbench'; main()"
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("WORKBENCH", "NUMBA"))}
        environment |= {"PYTHONPATH": str(tmp_path / "lib"), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-c", code, *arguments]
        return subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )

    return run


def test_help_works_outside_a_checkout(elsewhere):
    ended = elsewhere("--help")
    assert ended.returncode == 0, ended.stderr
    assert "daily" in ended.stdout


def test_a_command_that_needs_the_checkout_says_so_in_one_sentence(elsewhere):
    ended = elsewhere("daily")
    assert ended.returncode == 1
    assert ended.stderr.startswith("workbench: expected pipelines/ and notebooks/ in ")
    assert "Traceback" not in ended.stderr


def test_kernels_of_another_version_are_not_used_and_go(tmp_path):
    (tmp_path / "0123456789abcdef").mkdir()
    folder = compiled_folder(tmp_path)
    assert not list(tmp_path.glob("*"))
    folder.mkdir()
    assert compiled_folder(tmp_path) == folder
    assert folder.is_dir()
