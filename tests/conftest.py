"""Fixtures shared by all rooms: the embedded ECB history, read once."""

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest

# compiled kernels are cached outside the source tree; set before numba is imported
os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(tempfile.gettempdir()) / "workbench-numba"))

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
