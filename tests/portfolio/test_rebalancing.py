"""Rebalancing: every trigger alone, costs to the last digit, and nothing of tomorrow in today's weights."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from workbench.data.policy_file import read_policy
from workbench.domain.errors import DataError
from workbench.domain.trading.modes import Tier
from workbench.portfolio import drift_report, rebalance, rebalancing_reasons, simulate_rebalancing
from workbench.portfolio.rebalancing import BookState

POLICY = read_policy(None)
RULES = POLICY.tiers.rebalancing
MEMBERS = {f"s{place}": tier for place, tier in enumerate([Tier.CORE] * 5 + [Tier.GROWTH] * 3 + [Tier.TACTICAL] * 2)}
QUIET = BookState(
    new_week=False,
    tier_drift=0.0,
    risk_over_share=np.zeros(10),
    drawdown_over_history=np.zeros(10),
    days_correlated=0,
)


def history(days=900, seed=0):
    index = pd.bdate_range("2020-01-01", periods=days)
    return pd.DataFrame(np.random.default_rng(seed).normal(1e-4, 0.004, (days, 10)), index, list(MEMBERS))


def calm(days=900):
    """Regimes of a history in which nothing changes."""
    return np.zeros(days, dtype=int)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"new_week": True}, "schedule"),
        ({"tier_drift": 0.0501}, "tier drift"),
        ({"risk_over_share": np.array([1.51, 0.0])}, "value at risk"),
        ({"drawdown_over_history": np.array([0.0, 1.21])}, "drawdown"),
        ({"days_correlated": 5}, "correlation"),
    ],
)
def test_every_trigger_speaks_alone_and_not_a_step_before(change, reason):
    assert rebalancing_reasons(RULES, QUIET) == ()
    assert rebalancing_reasons(RULES, replace(QUIET, **change)) == (reason,)


@pytest.mark.parametrize(
    "change",
    [
        {"tier_drift": 0.05},
        {"risk_over_share": np.array([1.5])},
        {"drawdown_over_history": np.array([1.2])},
        {"days_correlated": 4},
    ],
)
def test_at_the_limit_nothing_happens(change):
    assert rebalancing_reasons(RULES, replace(QUIET, **change)) == ()


def test_garbage_after_a_day_changes_neither_weights_nor_returns_up_to_it():
    returns = history()
    clean = simulate_rebalancing(returns, calm(), MEMBERS, POLICY)
    for row in (100, 333, 700):
        dirty = returns.copy()
        dirty.iloc[row:] = np.random.default_rng(row).normal(0.0, 0.05, dirty.iloc[row:].shape)
        again = simulate_rebalancing(dirty, calm(), MEMBERS, POLICY)
        pd.testing.assert_frame_equal(clean.weights.iloc[: row + 1], again.weights.iloc[: row + 1])
        pd.testing.assert_series_equal(clean.returns.iloc[:row], again.returns.iloc[:row])
        assert not clean.weights.iloc[row + 30 :].equals(again.weights.iloc[row + 30 :])


def test_capital_is_put_back_every_week_to_sixty_thirty_ten():
    found = simulate_rebalancing(history(), calm(), MEMBERS, POLICY)
    assert found.reasons["schedule"] == found.weights.index.to_period("W").nunique()
    settled = found.weights.iloc[10:]
    sums = settled.T.groupby({name: tier.name for name, tier in MEMBERS.items()}).sum().T
    assert sums["CORE"].between(0.57, 0.63).all() and sums["TACTICAL"].between(0.09, 0.11).all()
    evening = found.log.index[20]
    morning = found.weights.index[found.weights.index.get_loc(evening) + 1]
    assert sums.loc[morning].to_dict() == pytest.approx({"CORE": 0.6, "GROWTH": 0.3, "TACTICAL": 0.1}, abs=1e-12)


def test_returns_are_weights_times_returns_less_the_cost_of_moving():
    returns = history()
    rates = np.full(returns.shape, 2e-4)
    free = simulate_rebalancing(returns, calm(), MEMBERS, POLICY)
    paid = simulate_rebalancing(returns, calm(), MEMBERS, POLICY, cost_rates=rates)
    pd.testing.assert_frame_equal(free.weights, paid.weights)
    np.testing.assert_allclose(free.returns, (free.weights * returns).sum(axis=1), rtol=0, atol=1e-15)
    cost = paid.log["cost"].reindex(returns.index).fillna(0.0)
    np.testing.assert_allclose(free.returns - paid.returns, cost, rtol=0, atol=1e-15)
    np.testing.assert_allclose(paid.log["cost"], 2e-4 * paid.log["moved"], rtol=1e-12)
    assert (paid.log["moved"] > 0).all()


def test_a_move_that_costs_too_much_is_put_off():
    dear = rebalance(RULES, np.array([0.5, 0.5]), np.array([0.6, 0.4]), np.array([0.001, 0.001]))
    assert not dear.done and dear.moved == pytest.approx(0.2) and "put off: it would cost 0.100 %" in dear.sentence
    cheap = rebalance(RULES, np.array([0.5, 0.5]), np.array([0.6, 0.4]), np.array([0.0009, 0.0009]))
    assert cheap.done and cheap.cost == pytest.approx(0.00018) and cheap.sentence == "20.00 % of the capital moved"
    nothing = rebalance(RULES, np.array([0.5]), np.array([0.5]), np.array([9.0]))
    assert nothing.done and nothing.cost == 0.0
    returns = history(200)
    stuck = simulate_rebalancing(returns, calm(200), MEMBERS, POLICY, cost_rates=np.full(returns.shape, 0.01))
    assert not stuck.log["done"].any() and (stuck.weights.to_numpy() == 0.0).all()
    assert (stuck.returns == 0.0).all() and "put off" in stuck._repr_html_()


def crossing(returns):
    return simulate_rebalancing(returns, calm(len(returns)), MEMBERS, POLICY)


def test_a_deeper_drawdown_than_ever_acts_once():
    returns = history(900, seed=3)
    returns.iloc[600:700, 0] = 0.01  # at its peak, whatever was before
    returns.iloc[700:715, 0] = -0.05
    found = crossing(returns)
    days = found.log[[("drawdown" in reasons) for reasons in found.log["reasons"]]].index
    first = [day for day in days if returns.index[700] <= day <= returns.index[714]]
    assert len(first) == 1


def test_strategies_that_move_as_one_for_five_days_act():
    returns = history(900, seed=4)
    returns.iloc[600:680] = returns.iloc[600:680, [0]].to_numpy() + 1e-5
    found = crossing(returns)
    days = found.log[[("correlation" in reasons) for reasons in found.log["reasons"]]].index
    assert any(returns.index[604] <= day <= returns.index[680] for day in days)
    assert "correlation" not in crossing(history(900, seed=4)).reasons


def test_a_strategy_that_turns_wild_acts_before_the_week_ends():
    returns = history(900, seed=5)
    returns.iloc[602:606, 9] *= 12.0
    found = crossing(returns)
    days = found.log[[("value at risk" in reasons) for reasons in found.log["reasons"]]].index
    assert any(returns.index[602] <= day <= returns.index[606] for day in days)


def test_a_tier_that_runs_away_is_brought_back_the_same_evening():
    returns = history(900, seed=6)
    day = next(row for row in range(600, 620) if returns.index[row].day_of_week == 1)
    returns.iloc[day, 5:8] = 0.30
    found = crossing(returns)
    assert "tier drift" in found.log.loc[returns.index[day], "reasons"]
    after = found.weights.iloc[day + 1]
    assert after[["s5", "s6", "s7"]].sum() == pytest.approx(0.3, abs=1e-12)


def test_drift_is_reported_by_strategy_and_tier():
    target = {"s0": 0.6, "s5": 0.3, "s8": 0.1}
    report = drift_report(POLICY.tiers, target, {"s0": 0.52, "s5": 0.36, "s8": 0.12}, MEMBERS)
    assert report.strategies.loc["s0", "drift"] == pytest.approx(-0.08)
    assert report.beyond == (
        "tier core is 8.0 points from its target, 5.0 are allowed",
        "tier growth is 6.0 points from its target, 5.0 are allowed",
    )
    assert "tier core is 8.0 points" in report._repr_html_()
    fine = drift_report(POLICY.tiers, target, target, MEMBERS)
    assert fine.beyond == () and "every tier is within its tolerance" in fine._repr_html_()
    gone = drift_report(POLICY.tiers, target, {}, MEMBERS)
    assert gone.tiers["drift"].sum() == pytest.approx(-1.0)


def test_no_strategy_is_all_cash_and_bad_history_is_refused():
    empty = simulate_rebalancing(history(50).iloc[:, :0], calm(50), {}, POLICY)
    assert (empty.returns == 0.0).all() and empty.log.empty and "0 rebalancings" in empty._repr_html_()
    with pytest.raises(DataError, match="at least two days"):
        simulate_rebalancing(history(1), calm(1), MEMBERS, POLICY)
    spoiled = history(100)
    spoiled.iloc[50, 2] = np.nan
    with pytest.raises(DataError, match="returns must be finite"):
        simulate_rebalancing(spoiled, calm(100), MEMBERS, POLICY)


def test_one_strategy_keeps_its_place_and_the_rest_is_cash():
    one = history(300)[["s0"]]
    found = simulate_rebalancing(one, calm(300), {"s0": Tier.CORE}, POLICY)
    assert found.weights.iloc[-1, 0] == pytest.approx(0.12, abs=0.01)
