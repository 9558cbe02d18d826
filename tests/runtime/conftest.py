"""A calibration to play with: valid, small, and different wherever a test says so."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for the kennel of the watchdog's tests

from kennel import NOON, Kennel

from workbench.domain.calibration import Calibration
from workbench.domain.currencies import LEGS
from workbench.runtime.calibrations import CalibrationRegistry

LEG = {
    "ewma_lambda": 0.94,
    "volatility_daily": 0.005,
    "normal_volatility_daily": 0.006,
    "garch": {"alpha": 0.05, "beta": 0.94},
}


def calibration_content(as_of: str = "2026-10-30", value_at_risk: float = 0.0080, **changes: Any) -> dict[str, Any]:
    return {
        "as_of": as_of,
        "created": "2026-10-30T06:00:00+00:00",
        "data_hash": "d" * 64,
        "code_version": "0.1.0",
        "policy_hash": "p" * 64,
        "legs": dict.fromkeys(LEGS, LEG),
        "normal_correlation": np.eye(len(LEGS)),
        "current_correlation": np.full((len(LEGS), len(LEGS)), 0.5) + 0.5 * np.eye(len(LEGS)),
        "residual_quantiles": {
            "0.95": {"quantile": 1.6, "expected_shortfall": 2.1},
            "0.99": {"quantile": 2.4, "expected_shortfall": 3.0},
        },
        "value_at_risk": {
            "champion": "fhs",
            "book": "equal risk",
            "equity": 1e6,
            "portfolio_95": value_at_risk,
            "portfolio_99": 2 * value_at_risk,
            "expected_shortfall_975": 1.8 * value_at_risk,
            "backtests": {"kupiec_p": 0.4},
        },
        "regime": {
            "model": "ewma ratio",
            "parameters": {},
            "labels": ["calm", "turbulent"],
            "adopted": False,
            "reasons": ["no gain over EWMA"],
        },
        "evidence": {"race": [{"model": "fhs", "mean_fz0": -3.9}]},
        **changes,
    }


@pytest.fixture
def content() -> Callable[..., dict[str, Any]]:
    return calibration_content


@pytest.fixture
def calibration() -> Callable[..., Calibration]:
    def build(as_of: str = "2026-10-30", value_at_risk: float = 0.0080, **changes: Any) -> Calibration:
        return Calibration.from_mapping(calibration_content(as_of, value_at_risk, **changes))

    return build


@pytest.fixture
def registry(tmp_path: Path) -> CalibrationRegistry:
    return CalibrationRegistry(tmp_path, lock_timeout_seconds=0.0)


@pytest.fixture
def kennel(tmp_path: Path) -> Iterator[Kennel]:
    made = Kennel(tmp_path)
    yield made
    made.loop.close(NOON)
