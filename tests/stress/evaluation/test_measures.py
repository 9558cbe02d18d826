"""Measures of a crisis by hand, by closed form, and as properties."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from workbench.data.policy_file import read_policy
from workbench.domain.errors import ConfigError, DataError
from workbench.domain.policy import Policy
from workbench.stress import amplification, degradation, recovery_hours, survival, wealth
from workbench.stress import resilience as resilience_by

POLICY = read_policy(None)

SHARES = st.floats(0.0, 1.0)
MEASURES = st.floats(-5.0, 50.0)


def resilience(**parts):
    return resilience_by(**parts, weights=POLICY.stress.resilience)


def test_survival_counts_what_stays_below_and_a_missing_number_as_lost():
    found = survival([0.05, 0.2, float("nan"), 0.19], drawdown_below=0.2)
    assert (found.survived, found.total, found.rate) == (2, 4, 0.5)
    low, high = found.interval
    assert binom.sf(1, 4, low) == pytest.approx(0.05) and binom.cdf(2, 4, high) == pytest.approx(0.05)
    assert survival([0.0] * 3, drawdown_below=0.2).interval[1] == 1.0
    assert survival([0.5] * 3, drawdown_below=0.2).interval[0] == 0.0
    with pytest.raises(DataError, match="at least one scenario"):
        survival([], drawdown_below=0.2)


def test_the_original_programmes_half_lost_is_a_degradation_of_49_per_cent():
    assert degradation(0.51, 1.0) == pytest.approx(0.49)
    assert degradation(0.9, 1.2) == pytest.approx(0.25)
    assert degradation(1.1, 1.0) == pytest.approx(-0.1)
    assert degradation(0.0, 0.0) == 1.0
    with pytest.raises(DataError, match="at least 0"):
        degradation(-0.1, 1.0)


def test_wealth_is_end_over_start_and_never_negative():
    assert wealth(np.array([100.0, 120.0, 90.0])) == pytest.approx(0.9)
    assert wealth(np.array([100.0, -20.0])) == 0.0
    for bad in ([100.0], [0.0, 1.0], [100.0, np.nan]):
        with pytest.raises(DataError, match="at least two finite marks"):
            wealth(np.array(bad))


def test_amplification_is_the_mean_of_the_worst_over_the_forecast():
    returns = np.array([0.01, -0.02, 0.0, -0.05, 0.03])
    assert amplification(returns, 0.025) == pytest.approx(2.0)
    many = np.concatenate([np.full(78, 0.001), [-0.04, -0.02]])
    assert amplification(many, 0.02) == pytest.approx(1.5)  # the worst two of eighty
    assert amplification(np.array([0.01]), 0.02) == 0.0
    with pytest.raises(DataError, match="must be positive"):
        amplification(returns, 0.0)
    with pytest.raises(DataError, match="at least one finite return"):
        amplification(np.array([]), 0.02)


def path(caps, modes=None, start="2026-10-27 12:00"):
    index = pd.date_range(start, periods=len(caps), freq="6h", tz="UTC")
    return pd.DataFrame({"cap": caps, "mode": modes or ["ACTIVE"] * len(caps)}, index)


def test_recovery_counts_market_hours_until_all_exposure_is_allowed():
    hit = pd.Timestamp("2026-10-27 12:00", tz="UTC")
    assert recovery_hours(path([0.5, 0.75, 1.0, 1.0]), hit) == pytest.approx(12.0)
    assert recovery_hours(path([1.0, 1.0]), hit) == 0.0
    assert recovery_hours(path([1.0, 0.5]), hit) == float("inf")
    assert recovery_hours(path([1.0, 1.0], ["HALTED", "HALTED"]), hit) == float("inf")
    friday = pd.Timestamp("2026-10-30 12:00", tz="UTC")
    over_the_week_end = path([0.5] * 12 + [1.0], start="2026-10-30 12:00")
    assert recovery_hours(over_the_week_end, friday) == pytest.approx(72.0 - 49.0)


@given(SHARES, MEASURES, MEASURES, SHARES)
def test_the_score_lies_between_0_and_1_and_falls_with_every_harm(rate, worse, louder, recovered):
    score = resilience(survival_rate=rate, degradation=worse, amplification=louder, recovered=recovered).score
    assert 0.0 <= score <= 1.0
    assert resilience(survival_rate=rate, degradation=worse + 0.1, amplification=louder,
                      recovered=recovered).score <= score  # fmt: skip
    assert resilience(survival_rate=rate, degradation=worse, amplification=louder + 0.1,
                      recovered=recovered).score <= score  # fmt: skip


def test_targets_met_exactly_give_071_and_the_original_programme_nothing():
    exact = resilience(survival_rate=0.8, degradation=0.25, amplification=1.5, recovered=1.0)
    assert exact.score == pytest.approx(0.5 * 0.8 + 0.2 * 0.5 + 0.2 * (1 - 0.5 / 1.12) + 0.1)
    assert round(exact.score, 2) == 0.71 and "Resilience 0.71" in exact._repr_html_()
    original = resilience(survival_rate=0.0, degradation=0.49, amplification=2.12, recovered=0.0)
    assert original.score == pytest.approx(0.2 * 0.02)
    perfect = resilience(survival_rate=1.0, degradation=-0.1, amplification=0.5, recovered=1.0)
    assert perfect.score == pytest.approx(1.0)


def test_scores_and_weights_that_cannot_be_are_refused():
    with pytest.raises(DataError, match="survival_rate must be a share"):
        resilience(survival_rate=1.1, degradation=0.1, amplification=1.0, recovered=1.0)
    with pytest.raises(DataError, match="must be numbers"):
        resilience(survival_rate=1.0, degradation=float("nan"), amplification=1.0, recovered=1.0)
    for name, value, message in (
        ("survival", 0.9, "weights that add up to 1"),
        ("degradation_scale", 0.0, "stress.resilience.degradation_scale"),
        ("amplification_scale", -1.0, "stress.resilience.amplification_scale"),
        ("recovery", 1.5, "stress.resilience.recovery"),
    ):
        table = POLICY.model_dump(mode="json")
        table["stress"]["resilience"][name] = value
        with pytest.raises(ConfigError, match=message):
            Policy.from_mapping(table)


def test_other_weights_give_another_score():
    parts = {"survival_rate": 0.5, "degradation": 0.1, "amplification": 1.2, "recovered": 0.0}
    only = {"survival": 1.0, "degradation": 0.0, "amplification": 0.0, "recovery": 0.0}
    weights = POLICY.stress.resilience.model_copy(update=only)
    assert resilience_by(**parts, weights=weights).score == pytest.approx(0.5) != resilience(**parts).score
