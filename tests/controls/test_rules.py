"""Rules on one number: when a rung lets go, how full a part of the stress score is; and who may be active when."""

import math

import numpy as np
import pytest

from workbench.controls.conditions import active_strategies, is_eligible
from workbench.controls.ladders import calm_since, may_release
from workbench.controls.stress_score import fullness, stress_score
from workbench.data.policy_file import read_policy
from workbench.domain.trading.modes import Condition
from workbench.domain.trading.strategies import Strategy, StrategyRecord

POINTS = np.array([30.0, 25.0, 20.0, 15.0, 10.0])
MINUTE = 60 * 10**9


def test_calm_begins_once_and_is_broken_by_one_reading():
    assert calm_since(0.02, 0.024, 0, 100) == 100
    assert calm_since(0.02, 0.024, 100, 200) == 100
    assert calm_since(0.024, 0.024, 100, 200) == 0
    assert calm_since(math.nan, 0.024, 100, 200) == 0


def test_a_rung_lets_go_after_the_dwell_time_not_before():
    assert not may_release(100, 100 + 15 * MINUTE - 1, 15 * MINUTE)
    assert may_release(100, 100 + 15 * MINUTE, 15 * MINUTE)
    assert not may_release(0, 100 + 15 * MINUTE, 15 * MINUTE)


def test_fullness_by_hand():
    assert [fullness(x, 1.0, 3.0) for x in (0.5, 1.0, 2.0, 3.0, 9.0)] == [0, 0, 0.5, 1, 1]
    assert math.isnan(fullness(math.nan, 1.0, 3.0))


def test_the_score_by_hand():
    # half of 30, a fifth of 25, all of 20, nothing of 15 and of 10
    assert stress_score(np.array([0.5, 0.2, 1.0, 0.0, 0.0]), POINTS) == (pytest.approx(40.0), 0)


def test_a_missing_part_is_left_out_and_named():
    score, missing = stress_score(np.array([0.5, 0.2, 1.0, math.nan, math.nan]), POINTS)
    assert score == pytest.approx(100 * 40 / 75)
    assert missing == 0b11000
    assert math.isnan(stress_score(np.full(5, math.nan), POINTS)[0])


def a_strategy(name: str, **record: float) -> Strategy:
    good = {"drawdown": 0.1, "stress_survival": 0.9, "walk_forward": 0.9, "robustness": 0.5}
    return Strategy(name, "EURUSD", record=StrategyRecord(**(good | record)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "spoiled",
    [
        {"drawdown": 0.15},
        {"stress_survival": 0.6},
        {"walk_forward": 0.7},
        {"drawdown": math.nan},
        {"negative_conditions": (Condition.CRISIS,)},
    ],
)
def test_a_record_that_is_not_good_enough_or_not_known_is_not_eligible(spoiled):
    policy = read_policy(None)
    assert is_eligible(policy, a_strategy("good"), Condition.CRISIS)
    assert not is_eligible(policy, a_strategy("spoiled", **spoiled), Condition.CRISIS)


def test_the_worse_the_market_the_fewer_are_active():
    strategies = [a_strategy(f"s{k}", robustness=k / 20, stress_survival=0.7 + k / 50) for k in range(12)]
    active = active_strategies(read_policy(None), strategies)
    assert active.sum(axis=1).tolist() == [10, 8, 6, 3, 1]
    # the most robust in elevated markets, the best survivor in a crisis
    assert np.flatnonzero(active[Condition.ELEVATED]).tolist() == list(range(4, 12))
    assert np.flatnonzero(active[Condition.CRISIS]).tolist() == [11]
