"""Tiers: shares exact, factors bounded, continuous and monotone, nothing given away silently."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.data.policy_file import read_policy
from workbench.domain.errors import ConfigError, DataError
from workbench.domain.trading.modes import Tier
from workbench.portfolio import TierReading, tier_readings, tier_weights
from workbench.portfolio.tiers import FACTORS, factor_of

POLICY = read_policy(None)
TIERS = [Tier.CORE] * 5 + [Tier.GROWTH] * 3 + [Tier.TACTICAL] * 2
NUMBERS = st.one_of(st.floats(-5.0, 5.0), st.just(float("nan")))


def ten(values=None):
    values = values if values is not None else [(np.nan,) * 4] * 10
    return [TierReading(f"s{place}", tier, *values[place]) for place, tier in enumerate(TIERS)]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS), min_size=10, max_size=10))
def test_tier_sums_are_their_shares_whatever_the_readings(values):
    found = tier_weights(POLICY.tiers, ten(values))
    sums = found.factors.groupby("tier")["weight"].sum()
    assert sums["core"] == pytest.approx(0.6, abs=1e-12)
    assert sums["growth"] == pytest.approx(0.3, abs=1e-12)
    assert sums["tactical"] == pytest.approx(0.1, abs=1e-12)
    assert found.cash == pytest.approx(0.0, abs=1e-12)
    for factor in FACTORS:
        low, high = getattr(POLICY.tiers.weights, factor)
        assert found.factors[factor].between(low - 1e-12, high + 1e-12).all()
    widest = np.prod([getattr(POLICY.tiers.weights, factor)[1] / getattr(POLICY.tiers.weights, factor)[0]
                      for factor in FACTORS])  # fmt: skip
    core = found.factors.loc[found.factors["tier"] == "core", "weight"]
    assert core.max() / core.min() <= widest + 1e-9


@settings(max_examples=100, deadline=None)
@given(st.permutations(range(10)))
def test_the_order_of_the_strategies_does_not_matter(order):
    values = [(0.2 * place - 1.0, 0.1 * place, 0.05 * place, 0.1) for place in range(10)]
    plain = tier_weights(POLICY.tiers, ten(values)).weights
    mixed = tier_weights(POLICY.tiers, [ten(values)[place] for place in order]).weights
    assert mixed == pytest.approx(plain, abs=1e-15)


@pytest.mark.parametrize(("name", "rises"), [("performance", 1), ("drawdown", -1), ("correlation", -1), ("regime", 1)])
def test_factors_are_monotone_continuous_and_neutral_in_the_middle(name, rises):
    limits = getattr(POLICY.tiers.weights, name)
    readings = np.linspace(-3.0, 3.0, 6_001)
    values = np.array([factor_of(name, float(one), limits) for one in readings])
    assert (np.diff(values) * rises >= 0.0).all()
    assert np.abs(np.diff(values)).max() < 0.01
    assert values.min() == limits[0] and values.max() == limits[1]
    neutral = {"performance": 0.0, "drawdown": 0.5, "correlation": 0.0, "regime": 0.0}[name]
    assert factor_of(name, neutral, limits) == 1.0 == factor_of(name, float("nan"), limits)


def test_two_strategies_by_hand():
    pair = [
        TierReading("good", Tier.TACTICAL, 1.0, 0.0, 0.0, 0.0),
        TierReading("bad", Tier.TACTICAL, -1.0, 1.0, 0.0, 0.0),
    ]
    weights = tier_weights(POLICY.tiers, pair).weights
    # 1.3 × 1.2 = 1.56 against 0.7 × 0.8 = 0.56, of a tenth
    assert weights["good"] == pytest.approx(0.1 * 1.56 / 2.12) and weights["bad"] == pytest.approx(0.1 * 0.56 / 2.12)


def test_an_empty_place_and_an_empty_tier_stay_in_cash():
    found = tier_weights(POLICY.tiers, ten()[:4])
    assert sum(found.weights.values()) == pytest.approx(0.48) and found.cash == pytest.approx(0.52)
    nothing = tier_weights(POLICY.tiers, [])
    assert nothing.weights == {} and nothing.cash == pytest.approx(1.0)
    assert "100 % in cash" in nothing._repr_html_()


def test_what_is_not_known_is_neutral_and_said():
    found = tier_weights(POLICY.tiers, ten())
    assert list(found.weights.values()) == pytest.approx([0.12] * 5 + [0.1] * 3 + [0.05] * 2)
    assert len(found.neutral) == 40 and "s0: performance is not known and counts as neutral" in found.neutral
    assert "s9: regime is not known" in found._repr_html_()


@pytest.mark.parametrize(
    ("readings", "sentence"),
    [
        (ten()[:1] * 2, "given twice"),
        ([TierReading(f"s{n}", Tier.TACTICAL, 0, 0, 0, 0) for n in range(3)], "tier tactical has 2 places, got 3"),
        ([TierReading("held", Tier.HELD, 0, 0, 0, 0)], "held belongs to no tier"),
    ],
)
def test_sets_that_cannot_be_are_refused(readings, sentence):
    with pytest.raises(ConfigError, match=sentence):
        tier_weights(POLICY.tiers, readings)


def history(days=600, seed=0, strategies=3):
    index = pd.bdate_range("2020-01-01", periods=days)
    values = np.random.default_rng(seed).normal(2e-4, 0.005, (days, strategies))
    return pd.DataFrame(values, index, [f"s{place}" for place in range(strategies)])


MEMBERS = {"s0": Tier.CORE, "s1": Tier.GROWTH, "s2": Tier.TACTICAL}


def test_readings_against_plain_formulas():
    returns = history()
    regimes = np.where(np.arange(600) % 3 == 0, 1, 0)
    read = {one.name: one for one in tier_readings(returns, MEMBERS, regimes, periods_per_year=260.0)}
    year, own = returns.iloc[-260:], returns["s1"]
    assert read["s1"].performance == pytest.approx(year["s1"].mean() / year["s1"].std() * np.sqrt(260))
    others = year.corr().loc["s1", ["s0", "s2"]].mean()
    assert read["s1"].correlation == pytest.approx(others)
    equity = own.cumsum()
    fallen = np.maximum(equity.cummax(), 0.0) - equity
    assert read["s1"].drawdown == pytest.approx(fallen.iloc[-1] / fallen.max())
    # the regime known on an evening belongs to the next day's return
    inside = own.iloc[1:][regimes[:-1] == regimes[-1]]
    believed = len(inside) / (len(inside) + 256)
    assert read["s1"].regime == pytest.approx(inside.mean() / inside.std() * np.sqrt(260) * believed)


def test_less_than_a_year_a_still_strategy_and_one_alone_are_not_known():
    short = tier_readings(history(100), MEMBERS, np.zeros(100, dtype=int), periods_per_year=260.0)
    assert all(np.isnan(one.performance) and np.isnan(one.correlation) for one in short)
    returns = history()
    returns["s0"] = 0.0
    still = tier_readings(returns, MEMBERS, np.zeros(600, dtype=int), periods_per_year=260.0)[0]
    assert all(np.isnan(value) for value in (still.performance, still.drawdown, still.correlation, still.regime))
    alone = tier_readings(history(strategies=1), MEMBERS, np.zeros(600, dtype=int), periods_per_year=260.0)[0]
    assert np.isnan(alone.correlation) and np.isfinite(alone.performance)


def test_bad_history_is_refused():
    returns = history()
    with pytest.raises(DataError, match="s2 has no tier"):
        tier_readings(returns, {"s0": Tier.CORE, "s1": Tier.CORE}, np.zeros(600, dtype=int), periods_per_year=260.0)
    with pytest.raises(DataError, match="a regime for each of 600 days, got 3"):
        tier_readings(returns, MEMBERS, np.zeros(3, dtype=int), periods_per_year=260.0)
    returns.iloc[3, 1] = np.nan
    with pytest.raises(DataError, match="1 of 1800 are not"):
        tier_readings(returns, MEMBERS, np.zeros(600, dtype=int), periods_per_year=260.0)
