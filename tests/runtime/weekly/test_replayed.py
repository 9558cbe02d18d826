"""The engine and the sweep keep one book; what the controls change is attributed to the dollar."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from workbench.domain.errors import DataError
from workbench.domain.policy import Policy
from workbench.domain.trading.events import BarClosed, Fill, Fixing, OperatorEnable
from workbench.domain.trading.modes import Tier
from workbench.domain.trading.strategies import Strategy
from workbench.runtime.weekly.attribution import attribute_controls
from workbench.runtime.weekly.parity import compare_books
from workbench.runtime.weekly.replayed import ASSUMED, ReplaySpan, replay_strategies, span_rows
from workbench.strategies import strategy_grid


def ten_at_random(session, policy, rates):
    """Ten configurations drawn from the 384, each with little money, so that no limit on exposure stands in the way."""
    grid = strategy_grid(policy)
    drawn = np.random.default_rng(3).choice(len(grid), 10, replace=False)
    chosen = []
    for number in drawn.tolist():
        one = grid[number]
        profile = getattr(policy.strategies.risk_profiles, one.profile)
        chosen.append((one, Strategy(one.name, one.pair, Tier.CORE, 0.02, profile.risk_per_trade,
                                     profile.reward_to_risk, one.timeframe)))  # fmt: skip
    market = session.history().market
    span = ReplaySpan(date(2019, 1, 2), date(2022, 12, 30))
    return market, replay_strategies(market, rates, policy, chosen, span, controls=False)


@pytest.fixture(scope="module")
def random_ten(session, policy, rates):
    return ten_at_random(session, policy, rates)


def test_with_confirmations_the_books_are_one_too(session, policy, rates):
    table = policy.model_dump(mode="json")
    for condition in ("normal", "elevated"):
        table["market_conditions"][condition]["confirmations"] = 2
    patient = Policy.from_mapping(table)
    market, replayed = ten_at_random(session, patient, rates)
    parity = compare_books(replayed, market, patient)
    assert parity.holds and len(parity.agree) > 50
    hasty = compare_books(replayed, market, policy)
    assert not hasty.holds


def test_without_controls_the_engine_makes_the_trades_of_vectorbt_to_the_cent(random_ten, policy):
    market, replayed = random_ten
    parity = compare_books(replayed, market, policy)
    assert parity.holds and len(parity.agree) > 150
    assert parity.largest_difference < 1e-6
    assert "profits equal to the cent" in parity.sentence


def test_the_account_is_the_sum_of_its_trades(random_ten):
    _, replayed = random_ten
    engine = replayed.free.final
    profits = replayed.free.profits.iloc[-1]
    assert profits.sum() == pytest.approx(replayed.free.path["equity"].iloc[-1] - 1e6, abs=1e-6)
    trades = replayed.trades()
    in_dollars = [name for name in profits.index if name[3:6] == "USD"]
    own = trades[trades["configuration"].isin(in_dollars)].groupby("configuration")["profit"].sum()
    assert len(own) > 0
    for name, profit in own.items():
        assert profits[name] == pytest.approx(profit, abs=1e-6)
    assert engine.settings.controls is False


def test_a_trade_that_differs_is_named(random_ten, policy):
    market, replayed = random_ten
    events = list(replayed.free.events)
    place = next(number for number, event in enumerate(events) if isinstance(event, Fill))
    events[place] = replace(events[place], price=events[place].price * 1.001)
    wrong = replace(replayed, free=replace(replayed.free, events=tuple(events)))
    parity = compare_books(wrong, market, policy)
    assert not parity.holds and (~parity.agree).sum() == 1
    assert events[place].strategy in parity.sentence and "first that does not" in parity.sentence


def test_a_missing_trade_is_named(random_ten, policy):
    market, replayed = random_ten
    name = replayed.trades()["configuration"].iloc[0]
    kept = [event for event in replayed.free.events if not (isinstance(event, Fill) and event.strategy == name)]
    parity = compare_books(replace(replayed, free=replace(replayed.free, events=tuple(kept))), market, policy)
    assert not parity.holds and name in parity.sentence


def test_signals_come_after_the_fix_that_follows_their_bar(random_ten):
    _, replayed = random_ten
    last_fix = 0
    for event in replayed.free.events:
        if isinstance(event, Fixing):
            last_fix = event.time_ns
        if isinstance(event, BarClosed):
            assert 0 < event.time_ns - last_fix < 60 * 10**9


def test_effects_of_controls_add_up_to_the_difference(replayed):
    table = attribute_controls(replayed)
    difference = replayed.controlled.path["equity"].iloc[-1] - replayed.free.path["equity"].iloc[-1]
    assert table["effect"].sum() == pytest.approx(difference, abs=1e-6)
    by_strategy = table.groupby("strategy")["effect"].sum()
    for name in by_strategy.index:
        own = replayed.controlled.profits[name].iloc[-1] - replayed.free.profits[name].iloc[-1]
        assert by_strategy[name] == pytest.approx(own, abs=1e-6)
    assert "the strategy is not among the active ones in this market condition" in set(table["reason"])


def test_without_a_controlled_run_there_is_nothing_to_attribute(random_ten):
    with pytest.raises(DataError, match="no run with controls to attribute"):
        attribute_controls(random_ten[1])


def test_people_are_assumed_to_look_once_a_week_and_only_where_something_is_locked(session, choice, rates, policy):
    market = session.history().market
    names = list(choice.selection.chosen.index)[:2]
    known = {one.name: one for one in choice.grid.swept.configurations}
    tight = replace(
        Strategy("x", "EURUSD").record, drawdown=1e-5, stress_survival=1.0, walk_forward=1.0, robustness=1.0
    )
    chosen = [(known[name], Strategy(name, known[name].pair, Tier.CORE, 0.1, 0.01, 2.0, known[name].timeframe,
                                     record=tight)) for name in names]  # fmt: skip
    acts = {}
    for days in (0, 7):
        span = ReplaySpan(date(2021, 1, 4), date(2022, 12, 30), review_days=days)
        events = replay_strategies(market, rates, policy, chosen, span).controlled.events
        acts[days] = [event for event in events if isinstance(event, OperatorEnable)]
    assert acts[0] == [] and len(acts[7]) > 0
    assert {(act.actor, act.approver) for act in acts[7]} == {(ASSUMED, f"{ASSUMED}, second person")}
    assert min(np.diff(sorted({act.time_ns for act in acts[7]}))) >= 7 * 86_400 * 10**9


def test_a_replay_needs_history(rates):
    with pytest.raises(DataError, match="1000 before them"):
        span_rows(rates, ReplaySpan(date(2000, 1, 3), None))
    with pytest.raises(DataError, match="have 0 fixes"):
        span_rows(rates, ReplaySpan(date(2026, 11, 2), None))
    assert rates.dates[span_rows(rates, ReplaySpan())[0]] == rates.dates[1_000]


def test_garbage_in_later_prices_changes_nothing_earlier(session, choice, rates, policy):
    names = list(choice.selection.chosen.index)[:3]
    known = {one.name: one for one in choice.grid.swept.configurations}
    chosen = [(known[name], Strategy(name, known[name].pair, Tier.CORE, 0.05)) for name in names]
    whole = session.history().market
    row = int(whole.closes.index.searchsorted(pd.Timestamp("2022-06-01")))
    dirty = whole.closes.copy()
    dirty.iloc[row:] = np.random.default_rng(0).uniform(0.5, 2.0, dirty.iloc[row:].shape)
    span = ReplaySpan(date(2021, 1, 4), date(2022, 5, 30))
    paths = [
        replay_strategies(replace_closes(whole, closes), rates, policy, chosen, span, controls=False).free.path[
            "equity"
        ]
        for closes in (whole.closes, dirty)
    ]
    pd.testing.assert_series_equal(*paths)


def replace_closes(market, closes):
    return replace(market, closes=closes)
