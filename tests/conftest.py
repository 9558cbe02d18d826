"""Fixtures shared by all rooms: the embedded ECB history, read once."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

# compiled kernels are cached outside the source tree; set before numba is imported
os.environ.setdefault("WORKBENCH_HOME", str(Path(tempfile.gettempdir()) / "workbench-tests"))

import workbench.app
from workbench.data.rates import DailyRates
from workbench.data.sources.ecb import EcbHistory


@pytest.fixture(scope="session")
def ecb() -> DailyRates:
    """All fixes in the wheel."""
    return EcbHistory().load()


@pytest.fixture(scope="session")
def eurusd(ecb: DailyRates) -> np.ndarray:
    """Simple returns of EURUSD, oldest first."""
    return ecb.pair_simple_returns(("EURUSD",))["EURUSD"].to_numpy()


SMALL_RACE = ("--set", "var_calibration.race_start=2024-01-02", "--set", "var_calibration.race_pairs=1")
"""A slice of the race that runs in seconds."""


@pytest.fixture(scope="session")
def workbench():
    """The real command in a process of its own: call it with a home folder and the arguments."""

    def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).parent / "workbench"), *arguments]
        environment = {**os.environ, "WORKBENCH_HOME": str(home), "OPENBLAS_NUM_THREADS": "1"}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)

    return run


@pytest.fixture(scope="session")
def daily_folder(workbench, tmp_path_factory) -> Path:
    """Finished daily run of 2026-10-30 on the small race; its home is two folders up."""
    home = tmp_path_factory.mktemp("home")
    ended = workbench(home, "daily", "--as-of", "2026-10-30", *SMALL_RACE)
    assert ended.returncode == 0, ended.stderr
    return home / "runs" / "2026-10-30"
