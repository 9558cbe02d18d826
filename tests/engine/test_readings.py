"""The engine's risk figures against plain formulas written here: volatility, VaR, contributions, correlation, money."""

import numpy as np
import pytest

from workbench.domain.currencies import CURRENCIES, LEGS
from workbench.domain.trading.events import Fill, Fixing, Heartbeat, Quote

BOOK = {"EURUSD": 300_000.0, "GBPJPY": -150_000.0, "USDCHF": 250_000.0, "AUDCAD": 90_000.0}
DECAY = 0.94


def exposure(units, values, equity):
    """Signed US dollars in each leg over equity, from the definition of a pair."""
    worth = {**values, "USD": 1.0}
    weights = dict.fromkeys(CURRENCIES, 0.0)
    for pair, size in units.items():
        weights[pair[:3]] += size * worth[pair[:3]] / equity
        weights[pair[3:]] -= size * worth[pair[:3]] / equity
    return np.array([weights[leg] for leg in LEGS])


def covariance_now(day_returns):
    """The daily state of the small calibration with today's return so far taken in; and the state itself."""
    state = 0.005**2 * (0.4 * np.ones((7, 7)) + 0.6 * np.eye(7))
    return DECAY * state + (1 - DECAY) * np.outer(day_returns, day_returns), state


@pytest.fixture
def after_a_move(book, market):
    """The book after three legs have moved, by an agreed fixing that does not close the day."""
    engine, state = book(BOOK)
    moves = {"EUR": -0.011, "JPY": 0.013, "AUD": -0.02}
    values = market.moved(moves)
    state, _ = engine.step(state, Fixing(market.MONDAY_NOON + 2 * 3600 * market.SECOND, values, closes_day=False))
    returns = np.array([moves.get(leg, 0.0) for leg in LEGS])
    return engine, state, values, returns


def test_money_is_marked_in_the_quote_currency_at_todays_value(after_a_move, market):
    _, state, values, _ = after_a_move
    worth = {**values, "USD": 1.0}
    profit = {
        pair: size * (market.price(pair, values) - market.price(pair)) * worth[pair[3:]] for pair, size in BOOK.items()
    }
    assert state.equity == pytest.approx(1e6 + sum(profit.values()), rel=1e-12)
    assert state.profit[:4] == pytest.approx(list(profit.values()), rel=1e-9)
    assert state.peak == 1e6


def test_var_and_shortfall_are_multiples_of_the_larger_covariance(after_a_move):
    _, state, values, returns = after_a_move
    now, before = covariance_now(returns)
    weights = exposure(BOOK, values, float(state.equity))
    variance = max(weights @ now @ weights, weights @ before @ weights)
    assert state.fast_wins == 0
    assert state.volatility == pytest.approx(np.sqrt(variance), rel=1e-12)
    assert state.value_at_risk == pytest.approx(1.6 * np.sqrt(variance), rel=1e-12)
    assert state.shortfall == pytest.approx(2.5 * np.sqrt(variance), rel=1e-12)


def test_components_add_up_to_var_and_are_the_marginal_ones(after_a_move):
    _, state, values, returns = after_a_move
    now, before = covariance_now(returns)
    weights = exposure(BOOK, values, float(state.equity))
    larger = now if weights @ now @ weights > weights @ before @ weights else before
    assert state.component.sum() == pytest.approx(float(state.value_at_risk), rel=1e-12)
    for slot, (pair, size) in enumerate(BOOK.items()):
        own = exposure({pair: size}, values, float(state.equity))
        expected = 1.6 * own @ larger @ weights / np.sqrt(weights @ larger @ weights)
        assert state.component[slot] == pytest.approx(expected, rel=1e-9)


def test_the_ratio_is_the_larger_of_the_books_and_the_markets(after_a_move):
    _, state, values, returns = after_a_move
    now, before = covariance_now(returns)
    normal = 0.006**2 * (0.4 * np.ones((7, 7)) + 0.6 * np.eye(7))
    weights = exposure(BOOK, values, float(state.equity))
    book = float(state.volatility) / np.sqrt(weights @ normal @ weights)
    legs = np.mean(np.sqrt(np.maximum(np.diag(now), np.diag(before))) / 0.006)
    assert state.ratio == pytest.approx(max(book, legs), rel=1e-12)


def test_correlation_mean_and_drift_and_turbulence(after_a_move):
    _, state, _, returns = after_a_move
    now, _ = covariance_now(returns)
    deviation = np.sqrt(np.diag(now))
    correlation = (now / np.outer(deviation, deviation))[np.tril_indices(7, -1)]
    assert state.correlation_mean == pytest.approx(np.abs(correlation).mean(), rel=1e-12)
    assert state.correlation_drift == pytest.approx(np.abs(correlation - 0.4).mean(), rel=1e-12)
    normal = 0.006**2 * (0.4 * np.ones((7, 7)) + 0.6 * np.eye(7))
    assert state.turbulence == pytest.approx(returns @ np.linalg.solve(normal, returns) / 7, rel=1e-9)


def test_a_close_takes_the_days_return_into_the_covariance(after_a_move, market):
    engine, state, values, returns = after_a_move
    state, _ = engine.step(state, Fixing(market.MONDAY_NOON + 3 * 3600 * market.SECOND, values))
    np.testing.assert_allclose(state.covariance, covariance_now(returns)[0], rtol=1e-12)


def test_the_last_hour_of_minutes_is_seen_at_once_and_forgotten_after_an_hour(book, market):
    engine, state = book({"EURUSD": 300_000.0})
    values, now, squares = dict(market.VALUES), market.MONDAY_NOON, []
    random = np.random.default_rng(9)
    for minute in range(1, 31):
        step = float(random.normal(0, 0.001))
        values = market.moved({"EUR": step}, values)
        now = market.MONDAY_NOON + minute * market.MINUTE
        state, _ = engine.step(state, Fixing(now, values, closes_day=False))
        squares.append(step**2)
    weight = 300_000 * values["EUR"] / float(state.equity)
    assert state.fast_wins == 1
    assert state.volatility == pytest.approx(weight * np.sqrt(24 * sum(squares)), rel=1e-9)
    state, _ = engine.step(state, Fixing(now + 61 * market.MINUTE, values, closes_day=False))
    assert state.fast_wins == 0


def test_a_spike_is_seen_within_its_own_minute(book, market):
    engine, state = book({"EURUSD": 300_000.0})
    state, _ = engine.step(
        state, Fixing(market.MONDAY_NOON + 5 * market.SECOND, market.moved({"EUR": -0.01}), closes_day=False)
    )
    weight = 300_000 * 1.1 * 0.99 / float(state.equity)
    assert state.volatility == pytest.approx(weight * np.sqrt(24) * 0.01, rel=1e-9)


def test_a_closed_position_realises_at_todays_value_of_the_quote_currency(book, market):
    engine, state = book({"GBPJPY": -150_000.0})
    values = market.moved({"JPY": -0.02})
    state, _ = engine.step(state, Fixing(market.MONDAY_NOON + market.SECOND, values, closes_day=False))
    before = float(state.equity)
    state.record["intent"][0, 0] = 1
    now = market.MONDAY_NOON + 2 * market.SECOND
    state, _ = engine.step(state, Fill(now, "GBPJPY", 1, 50_000.0, market.price("GBPJPY", values)))
    third = -50_000 * (market.price("GBPJPY", values) - market.price("GBPJPY")) * values["JPY"]
    assert state.realised[0] == pytest.approx(third, rel=1e-9)
    assert state.cash == pytest.approx(1e6 + third, rel=1e-12)
    assert state.equity == pytest.approx(before, rel=1e-12)
    assert state.units[0] == -100_000


def test_liquidity_is_missing_without_spreads_and_full_at_five_times_normal(book, market):
    engine, state = book({"EURUSD": 100_000.0})
    state, said = engine.step(state, Heartbeat(market.MONDAY_NOON + market.SECOND))
    assert "liquidity" in said[-1].missing_parts
    for second in range(2, 40):
        quote = Quote(market.MONDAY_NOON + second * market.SECOND, "EURUSD", 1.09995, 1.10005)
        state, _ = engine.step(state, quote)
    calm = float(state.score)
    wide = Quote(market.MONDAY_NOON + 40 * market.SECOND, "EURUSD", 1.0997, 1.1003)
    state, _ = engine.step(state, wide)
    known = 30 + 25 + 20 + 15
    assert state.score - calm == pytest.approx(100 * 15 / known, abs=0.5)


def test_the_gap_of_a_week_end_is_no_minutes_return(book, market):
    engine, state = book({"EURUSD": 300_000.0})
    friday = market.moment("2026-11-06T21:59")
    for minute in range(5):
        fix = Fixing(friday - (5 - minute) * market.MINUTE, market.VALUES, closes_day=False)
        state, _ = engine.step(state, fix)
    sunday = market.moment("2026-11-08T22:00") + market.SECOND
    values = market.moved({"EUR": -0.01})
    state, _ = engine.step(state, Fixing(sunday, values, closes_day=False))
    assert state.fast_wins == 0
    assert state.volatility < 300_000 * 1.1 / 1e6 * 0.01
