"""The sweep: vectorbt's own stops agree trade by trade, the future changes nothing, and bad input is named."""

import numpy as np
import pandas as pd
import pytest
import vectorbt

from workbench.data.policy_file import read_policy
from workbench.data.sources import EcbHistory
from workbench.domain.errors import ConfigError, DataError
from workbench.domain.policy import Policy
from workbench.domain.trading.modes import Regime
from workbench.research.market import ResearchMarket, SweepCosts
from workbench.research.sweep import CASH, sweep
from workbench.strategies import Configuration, Exits, side_at_marks, strategy_grid
from workbench.strategies.positions import STOP_AND_TURN

POLICY = read_policy(None)
GRID = strategy_grid(POLICY)
RATES = EcbHistory().load(as_of=None)


def market(days=None, *, regimes=False):
    closes = RATES.pairs_table()
    closes = closes if days is None else closes.iloc[-days:]
    codes = np.random.default_rng(1).integers(0, len(Regime), len(closes) // 40 + 1).repeat(40)[: len(closes)]
    return ResearchMarket.of(closes, codes if regimes else None)


@pytest.fixture(scope="module")
def swept():
    return sweep(market(), GRID, POLICY)


def native(one, whole):
    """The same rule told to vectorbt itself: entries on the turns of the signal, its own stops and targets."""
    marks = whole.marks(one.pair)
    side, _ = side_at_marks(one, POLICY, marks)
    before = np.concatenate([[0.0], side[:-1]])
    exits, half = Exits.of(POLICY, one.profile), SweepCosts().half_spread(POLICY, one.pair)
    stop = exits.stop_distance[int(Regime.NORMAL)]
    return vectorbt.Portfolio.from_signals(
        pd.Series(marks.closes, whole.closes.index),
        entries=(side > 0) & (before <= 0),
        exits=(side <= 0) & (before > 0),
        short_entries=(side < 0) & (before >= 0),
        short_exits=(side >= 0) & (before < 0),
        size=exits.risk_per_trade / stop / marks.closes,
        sl_stop=stop,
        tp_stop=stop * exits.reward_to_risk,
        slippage=half / marks.closes,
        stop_entry_price="fillprice",
        stop_exit_price="close",
        upon_long_conflict="exit",
        upon_short_conflict="exit",
        upon_opposite_entry="reverse",
        init_cash=CASH,
        freq="1D",
    )


@pytest.mark.parametrize("number", np.random.default_rng(7).choice(len(GRID), 50, replace=False))
def test_trades_are_those_of_vectorbts_own_stops(swept, number):
    one = GRID[number]
    theirs = native(one, swept.market).trades.records
    ours = swept.trades()
    ours = ours[ours["configuration"] == one.name]
    happened = swept.happened[:, number]
    # where a stop and a turn fall on one mark vectorbt drops the turn, unless it is flat there for having dropped the
    # turn before: those trades, and only those, are ours alone
    index, dropped = swept.returns.index, set()
    for row in np.flatnonzero(happened == STOP_AND_TURN):
        ended = ours.loc[(ours["exit"] == index[row]) & (ours["entry"] < index[row]), "entry"].iloc[0]
        if ended not in dropped:
            dropped.add(index[row])
    kept = ours[~ours["entry"].isin(dropped)]
    assert len(theirs) == len(kept) == len(ours) - len(dropped)
    for key, values in (
        ("entry", index[theirs["entry_idx"]]),
        ("exit", index[theirs["exit_idx"]]),
        ("side", np.where(theirs["direction"] == 0, 1, -1)),
    ):
        assert np.array_equal(kept[key].to_numpy(), np.asarray(values)), key
    for key, theirs_key in (("entry_price", "entry_price"), ("exit_price", "exit_price"), ("units", "size")):
        np.testing.assert_allclose(kept[key], theirs[theirs_key], rtol=1e-12)
    np.testing.assert_allclose(kept["profit"], theirs["pnl"], rtol=0, atol=1e-12)


def test_the_books_of_vectorbt_are_position_times_move_less_spread(swept):
    closes = swept.market.closes[[one.pair for one in GRID]].to_numpy()
    half = np.array([SweepCosts().half_spread(POLICY, one.pair) for one in GRID])
    units = swept.units
    expected = np.zeros_like(units)
    expected[1:] = units[:-1] * np.diff(closes, axis=0)
    expected -= np.abs(np.diff(units, axis=0, prepend=0.0)) * half
    np.testing.assert_allclose(swept.returns.to_numpy(), expected, rtol=0, atol=1e-11)
    closed = swept.trades().groupby("configuration")["profit"].sum()
    np.testing.assert_allclose(swept.returns.sum()[closed.index], closed, rtol=0, atol=1e-9)


@pytest.mark.parametrize("regimes", [False, True])
def test_corrupting_the_future_changes_nothing_before_for_every_configuration(regimes):
    whole = market(2_500, regimes=regimes)
    clean = sweep(whole, GRID, POLICY)
    assert len(clean.configurations) + len(clean.refused) == len(GRID)
    for row in (1_200, 2_100):
        closes = whole.closes.copy()
        closes.iloc[row:] = np.random.default_rng(row).uniform(0.5, 2.0, closes.iloc[row:].shape)
        codes = whole.regimes.copy()
        codes[row:] = int(Regime.CRISIS)
        dirty = sweep(ResearchMarket.of(closes, codes), GRID, POLICY)
        assert np.array_equal(clean.units[:row], dirty.units[:row])
        assert np.array_equal(clean.returns.to_numpy()[:row], dirty.returns.to_numpy()[:row])
        assert not np.array_equal(clean.units[row:], dirty.units[row:])


def test_costs_only_take_away(swept):
    free, triple = (sweep(market(), GRID, POLICY, costs=SweepCosts(one)).returns.sum() for one in (0.0, 3.0))
    once = swept.returns.sum()
    # one configuration alone may gain by a spread: its stops are measured from the price paid
    assert free.mean() > once.mean() > triple.mean()
    assert (free > triple).mean() > 0.9
    slipped = sweep(market(), GRID[:24], POLICY, costs=SweepCosts(slippage_pips=0.5))
    assert slipped.returns.sum().mean() < once[slipped.returns.columns].mean()


def test_financing_is_charged_for_the_days_held():
    table = POLICY.model_dump(mode="json")
    table["costs"]["financing_annual"] = 0.02
    dear, one = Policy.model_validate(table), GRID[:1]
    with_it = sweep(market(2_500), one, dear)
    without = sweep(market(2_500), one, dear, costs=SweepCosts(financing=False))
    value = np.abs(with_it.units[:-1, 0] * with_it.market.closes[one[0].pair].to_numpy()[:-1])
    days = np.diff(with_it.returns.index.to_numpy()) / np.timedelta64(1, "D")
    charged = (without.returns - with_it.returns).iloc[1:, 0]
    np.testing.assert_allclose(charged, value * 0.02 * days / 365.0, rtol=0, atol=1e-15)
    assert charged.sum() > 0


def test_a_pair_with_gaps_a_constant_price_and_a_short_history_are_named_not_swept():
    closes = market(2_000).closes.copy()
    closes.iloc[100:103, closes.columns.get_loc("EURUSD")] = np.nan
    closes["GBPUSD"] = 1.5
    result = sweep(ResearchMarket.of(closes.drop(columns="AUDUSD")), GRID, POLICY)
    reasons = {one.pair: result.refused.get(one.name) for one in GRID if one.signal == "aggressive"}
    assert "EURUSD has gaps: 3 of 2000 closes are missing or not positive" in reasons["EURUSD"]
    assert reasons["GBPUSD"] == "the price of GBPUSD never moves"
    assert reasons["AUDUSD"] == "no prices of AUDUSD"
    assert reasons["NZDUSD"] is None
    short = [why for name, why in result.refused.items() if name.startswith("NZDUSD weekly conservative")]
    assert len(short) == 3 and "too little history: 4" in short[0] and "more than 500" in short[0]
    assert "could not be tried" in result._repr_html_()


def test_nothing_that_can_be_tried_is_an_error_with_the_first_reason():
    with pytest.raises(
        DataError, match="nothing to sweep: none of 384 configurations can be tried, too little history"
    ):
        sweep(market(20), GRID, POLICY)
    with pytest.raises(DataError, match="the grid is empty"):
        sweep(market(600), (), POLICY)


def test_a_configuration_that_never_trades_is_an_empty_row():
    never = (Configuration("EURUSD", "daily", "reversion", "moderate", (20.0, 50.0)),)
    result = sweep(market(600), never, POLICY)
    row = result.summary().iloc[0]
    assert row["trades"] == 0 and row["sharpe"] == 0.0 and np.isnan(row["win_rate"])
    assert result.trades().empty and "EURUSD daily reversion(20, 50) moderate" in result._repr_html_()


def test_four_hour_bars_join_when_there_is_intraday_data():
    times = pd.date_range("2024-01-01", periods=6_000, freq="4h")
    closes = pd.DataFrame({"EURUSD": np.exp(np.cumsum(np.random.default_rng(0).normal(0, 0.002, 6_000)))}, times)
    grid = [one for one in strategy_grid(POLICY, intraday=True) if one.pair == "EURUSD" and one.signal == "aggressive"]
    result = sweep(ResearchMarket.of(closes), grid, POLICY)
    trades = result.summary()["trades"]
    by_frame = trades.groupby([name.split()[1] for name in trades.index]).sum()
    assert by_frame["4h"] > by_frame["daily"] > by_frame["weekly"] > 0


@pytest.mark.parametrize(
    ("costs", "sentence"), [({"multiple": -1.0}, "at least 0, got -1.0"), ({"slippage_pips": np.nan}, "got nan")]
)
def test_costs_that_pay_us_are_refused(costs, sentence):
    with pytest.raises(ConfigError, match=sentence):
        SweepCosts(**costs)


def test_a_market_whose_times_do_not_rise_is_refused():
    closes = market(600).closes
    with pytest.raises(DataError, match="must rise"):
        ResearchMarket.of(closes.iloc[::-1])
    with pytest.raises(DataError, match="one regime code for each of 600 marks, got 3"):
        ResearchMarket.of(closes, [0, 0, 0])
    with pytest.raises(DataError, match="indexed by time"):
        ResearchMarket.of(closes.reset_index(drop=True))
