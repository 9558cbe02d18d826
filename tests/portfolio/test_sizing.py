"""Sizing: each factor worked by hand, and what must hold for every reading."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as draw

from workbench.data.policy_file import read_policy
from workbench.domain.errors import ConfigError
from workbench.domain.trading.modes import Regime
from workbench.portfolio.sizing import (
    SizingInputs,
    base_notional,
    correlation_factor,
    kept_multiplier,
    size_position,
    stress_factor,
    volatility_factor,
    whole_units,
)

SCORES, FACTORS = np.array([20.0, 40, 60, 80, 95, 100]), np.array([1.0, 0.8, 0.6, 0.4, 0.2, 0.05])
MANY = settings(max_examples=100, deadline=None, derandomize=True)
CALM = {
    "equity": 1e6, "allocation": 0.1, "risk_per_trade": 0.01, "volatility_ratio": 1.0, "correlation_mean": 0.5,
    "regime": Regime.NORMAL, "stress_score": 10.0, "cap": 1.0, "base_value": 1.25,
}  # fmt: skip


def stress(score: float) -> float:
    return stress_factor(score, SCORES, FACTORS, 6)


@pytest.mark.parametrize(("ratio", "factor"), [(0.5, 1), (1.5, 1), (2.0, 0.75), (3.0, 0.5), (6.0, 0.25)])
def test_volatility_factor_by_hand(ratio, factor):
    assert volatility_factor(ratio, 1.5) == pytest.approx(factor)


@pytest.mark.parametrize(("mean", "factor"), [(0.2, 1), (0.7, 1), (0.85, 0.65), (1.0, 0.3), (1.2, 0.3)])
def test_correlation_factor_by_hand(mean, factor):
    assert correlation_factor(mean, 0.7, 0.3) == pytest.approx(factor)


@pytest.mark.parametrize(
    ("score", "factor"),
    [(0, 1), (20, 1), (30, 0.9), (40, 0.8), (60, 0.6), (87.5, 0.3), (95, 0.2), (98, 0.11), (100, 0.05)],
)
def test_stress_factor_by_hand(score, factor):
    assert stress(score) == pytest.approx(factor)


def test_base_risks_the_share_of_capital_at_the_stop():
    # 1 % of a tenth of a million is lost at a stop 2 % away: 50,000 dollars of position
    assert base_notional(1e6, 0.1, 0.01, 0.02) == pytest.approx(50_000)
    assert whole_units(50_000, 1.25, 1.0) == 40_000
    assert whole_units(50_000, 1.3, 1.0) == 38_461


@pytest.mark.parametrize(("product", "kept"), [(0.01, 0.05), (0.5, 0.5), (1.3, 1.2), (0.0, 0.0)])
def test_the_product_is_kept_between_its_limits(product, kept):
    assert kept_multiplier(product, 0.05, 1.2) == kept


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, -0.1])
def test_what_cannot_be_computed_gives_nothing(bad):
    assert volatility_factor(bad, 1.5) == 0
    assert correlation_factor(bad, 0.7, 0.3) == 0
    assert stress(bad) == 0
    assert kept_multiplier(bad, 0.05, 1.2) == 0
    assert base_notional(bad, 0.1, 0.01, 0.02) == 0
    assert whole_units(bad, 1.25, 1.0) == 0
    assert whole_units(1000.0, bad, 1.0) == 0


@MANY
@given(low=draw.floats(0, 10), step=draw.floats(0, 5))
def test_more_volatility_correlation_or_stress_never_means_more(low, step):
    assert volatility_factor(low + step, 1.5) <= volatility_factor(low, 1.5)
    assert correlation_factor((low + step) / 10, 0.7, 0.3) <= correlation_factor(low / 10, 0.7, 0.3)
    assert stress(10 * (low + step)) <= stress(10 * low)


@MANY
@given(at=draw.floats(0, 120), by=draw.floats(0, 1e-6))
def test_factors_are_continuous(at, by):
    assert abs(stress(at + by) - stress(at)) < 1e-6
    assert abs(volatility_factor((at + by) / 10, 1.5) - volatility_factor(at / 10, 1.5)) < 1e-6
    assert abs(correlation_factor((at + by) / 100, 0.7, 0.3) - correlation_factor(at / 100, 0.7, 0.3)) < 1e-6


def test_a_size_in_trouble_worked_by_hand():
    # ratio 2 gives 0.75, correlation 0.85 gives 0.65, crisis 0.3, score 30 gives 0.9; a crisis stop is 4 % away
    trouble = CALM | {
        "volatility_ratio": 2.0, "correlation_mean": 0.85, "regime": Regime.CRISIS, "stress_score": 30.0, "cap": 0.7,
    }  # fmt: skip
    size = size_position(read_policy(None), SizingInputs(**trouble))
    assert size.base_notional == pytest.approx(25_000)
    assert [factor.value for factor in size.factors[:4]] == pytest.approx([0.75, 0.65, 0.3, 0.9])
    assert size.multiplier == pytest.approx(0.75 * 0.65 * 0.3 * 0.9)
    assert size.units == math.floor(25_000 * 0.131625 / 1.25)


@MANY
@given(
    ratio=draw.floats(0, 8), mean=draw.floats(0, 1), score=draw.floats(0, 100), cap=draw.floats(0, 1.5),
    regime=draw.sampled_from(list(Regime)),
)  # fmt: skip
def test_effects_add_up_and_the_cap_is_never_passed(ratio, mean, score, cap, regime):
    inputs = CALM | {
        "volatility_ratio": ratio, "correlation_mean": mean, "stress_score": score, "cap": cap, "regime": regime,
    }  # fmt: skip
    size = size_position(read_policy(None), SizingInputs(**inputs))
    assert size.base_notional + sum(factor.effect for factor in size.factors) == pytest.approx(size.notional, abs=1e-6)
    assert 0 <= size.multiplier <= min(cap, 1.2)
    assert size.units == size.units // 1


@pytest.mark.parametrize("key", ["volatility_ratio", "correlation_mean", "stress_score", "cap", "equity", "base_value"])
def test_one_missing_reading_makes_the_position_nothing(key):
    assert size_position(read_policy(None), SizingInputs(**(CALM | {key: math.nan}))).units == 0


def test_the_explanation_shows_every_factor():
    shown = size_position(read_policy(None), SizingInputs(**CALM))._repr_html_()
    for words in (
        "volatility over normal",
        "mean absolute correlation",
        "regime normal",
        "stress score",
        "40,000 units",
    ):
        assert words in shown


def test_a_strategy_without_capital_is_refused():
    with pytest.raises(ConfigError, match="allocation and risk_per_trade must be positive"):
        size_position(read_policy(None), SizingInputs(**(CALM | {"allocation": 0.0})))
