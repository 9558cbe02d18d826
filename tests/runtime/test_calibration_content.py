"""What a calibration may hold, and what names it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from workbench.domain.calibration import Calibration
from workbench.domain.errors import ModelError

LATER = "2026-10-30T09:00:00+00:00"
Build = Callable[..., Calibration]


def test_the_id_is_the_day_and_the_content(calibration: Build) -> None:
    one = calibration()
    assert one.id == f"2026-10-30-{one.content_hash[:12]}"
    assert calibration(created=LATER).id == one.id
    assert calibration(reasons=["because"]).id == one.id
    assert calibration(value_at_risk=0.0081).id != one.id
    assert calibration(policy_hash="q" * 64).id != one.id
    assert calibration(evidence={}).id != one.id


def test_a_calibration_survives_json(calibration: Build) -> None:
    one = calibration()
    assert Calibration.model_validate_json(one.model_dump_json()) == one


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"evidence": {"race": [float("nan")]}}, "evidence"),
        ({"legs": {}}, "legs: .*EUR, JPY"),
        ({"normal_correlation": np.eye(6)}, "normal_correlation: .*7 × 7"),
        ({"normal_correlation": np.eye(7) * 2}, "normal_correlation: .*ones on its diagonal"),
        ({"normal_correlation": np.full((7, 7), -0.5) + 1.5 * np.eye(7)}, "normal_correlation: .*eigenvalue"),
        ({"current_correlation": np.full((7, 7), np.nan)}, "current_correlation"),
        ({"created": "2026-10-30T06:00:00"}, "created: .*UTC"),
        ({"created": "2026-10-30T06:00:00+02:00"}, "created: .*UTC"),
        ({"residual_quantiles": {"0.95": {"quantile": 2.0, "expected_shortfall": 1.9}}}, "residual_quantiles"),
        ({"residual_quantiles": {"0.05": {"quantile": 2.0, "expected_shortfall": 2.9}}}, "confidence between 0.5"),
        ({"residual_quantiles": {"high": {"quantile": 2.0, "expected_shortfall": 2.9}}}, "confidences such as"),
        ({"data_hash": ""}, "data_hash"),
        ({"as_of": "someday"}, "as_of"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_what_no_calibration_can_be_is_refused_by_name(change: dict[str, Any], named: str, calibration: Build) -> None:
    with pytest.raises(ModelError, match=named):
        calibration(**change).content_hash  # noqa: B018


def test_value_at_risk_out_of_order_is_refused(content: Callable[..., dict[str, Any]]) -> None:
    table = content()
    table["value_at_risk"]["portfolio_95"] = 0.05
    with pytest.raises(ModelError, match=r"value_at_risk: .*smallest"):
        Calibration.from_mapping(table)
