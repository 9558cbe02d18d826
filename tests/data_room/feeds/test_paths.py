"""Synthetic quotes: through the fixes, in market hours, the same by seed, with the covariance asked for."""

from datetime import UTC, datetime

import numpy as np
import pytest

from workbench.data.feeds.market import SimulatedMarket
from workbench.data.feeds.paths import Fixes, QuotePlan, leg_bridge, market_times, quotes_between
from workbench.data.feeds.protocol import RawQuote
from workbench.data.feeds.replay import QuoteTape
from workbench.domain.currencies import PAIRS, Pair, pair_leg_matrix
from workbench.domain.errors import ConfigError, DataError
from workbench.domain.trading.market_hours import DAY_NS, HOUR_NS, SECOND_NS

VALUES = np.array([1.10, 0.0068, 1.27, 1.17, 0.67, 0.75, 0.62])
DEVIATION = 0.005
COVARIANCE = DEVIATION**2 * (0.5 * np.eye(7) + 0.5)
PLAN = QuotePlan(dict.fromkeys(PAIRS, 1.2), 60.0)


def moment(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * SECOND_NS


WEDNESDAY, THURSDAY = moment(2024, 1, 10, 13, 15), moment(2024, 1, 11, 13, 15)
FRIDAY, MONDAY = moment(2024, 1, 12, 13, 15), moment(2024, 1, 15, 13, 15)
CLOSES, OPENS = moment(2024, 1, 12, 22), moment(2024, 1, 14, 22)


def fixes(*times_ns: int) -> Fixes:
    days = len(times_ns)
    values = VALUES * np.exp(0.004 * np.arange(days))[:, None]
    return Fixes(np.array(times_ns), values, np.repeat(COVARIANCE[None], days - 1, axis=0))


def played(tape: QuoteTape) -> list[tuple[np.ndarray, ...]]:
    return [tape.times_ns.tolist(), tape.pairs.tolist(), tape.bids.tolist(), tape.asks.tolist()]


def test_the_bridge_passes_exactly_through_both_fixes() -> None:
    clock = market_times(np.linspace(WEDNESDAY, THURSDAY, 1_000).astype(np.int64))
    ends = np.array([VALUES, VALUES * 1.02])
    path = leg_bridge(clock, ends, COVARIANCE, np.random.default_rng(1))
    np.testing.assert_array_equal(path[[0, -1]], np.log(ends))
    assert np.abs(np.diff(path, axis=0)).max() > 0.0


def test_quotes_next_to_a_fix_are_next_to_its_price() -> None:
    plan = QuotePlan(dict.fromkeys(PAIRS, 0.0), 2.0)
    tape = quotes_between(fixes(WEDNESDAY, WEDNESDAY + HOUR_NS), plan, np.random.default_rng(2))
    final = np.log(VALUES) + 0.004
    wanted = np.exp(pair_leg_matrix() @ final)
    last = {int(pair): bid for pair, bid in zip(tape.pairs, tape.bids, strict=True)}
    closeness = [abs(np.log(last[k] / wanted[k])) for k in range(len(PAIRS))]
    assert max(closeness) < 5 * DEVIATION * np.sqrt(2 * SECOND_NS / DAY_NS) + 1e-5


def test_every_pair_is_quoted_once_a_slot_and_not_all_at_once() -> None:
    tape = quotes_between(fixes(WEDNESDAY, WEDNESDAY + HOUR_NS), PLAN, np.random.default_rng(3))
    slots = (tape.times_ns - WEDNESDAY) // (60 * SECOND_NS)
    assert sorted(zip(slots.tolist(), tape.pairs.tolist(), strict=True)) == [
        (s, p) for s in range(60) for p in range(16)
    ]
    assert np.all(np.diff(tape.times_ns) >= 0)
    gaps = np.diff(tape.times_ns[tape.pairs == 4])
    assert gaps.min() < gaps.max() and np.unique(tape.times_ns).size > 900


def test_prices_are_tenths_of_a_pip_around_half_a_spread() -> None:
    tape = quotes_between(fixes(WEDNESDAY, WEDNESDAY + HOUR_NS), PLAN, np.random.default_rng(4))
    pips = np.array([Pair.parse(name).pip for name in PAIRS])[tape.pairs]
    tenths = tape.bids / pips * 10
    np.testing.assert_allclose(tenths, np.rint(tenths), atol=1e-6)
    np.testing.assert_allclose((tape.asks - tape.bids) / pips, 1.2, atol=0.1 + 1e-6)
    assert repr(float(tape.bids[0])) == f"{tape.bids[0]:.5f}".rstrip("0")


def test_the_crosses_agree_with_the_dollar_pairs() -> None:
    tape = quotes_between(
        fixes(WEDNESDAY, THURSDAY), QuotePlan(dict.fromkeys(PAIRS, 0.0), 2.0), np.random.default_rng(5)
    )
    first = {PAIRS[pair]: bid for pair, bid in zip(tape.pairs[:16], tape.bids[:16], strict=True)}
    assert first["EURGBP"] == pytest.approx(first["EURUSD"] / first["GBPUSD"], rel=3e-4)
    assert first["CHFJPY"] == pytest.approx(first["USDJPY"] / first["USDCHF"], rel=3e-4)


def test_there_are_no_quotes_on_the_week_end() -> None:
    tape = quotes_between(fixes(FRIDAY, MONDAY), PLAN, np.random.default_rng(6))
    closed = (tape.times_ns >= CLOSES) & (tape.times_ns < OPENS)
    assert not closed.any()
    assert tape.times_ns[0] - FRIDAY < 60 * SECOND_NS and MONDAY - tape.times_ns[-1] < 60 * SECOND_NS
    assert len(tape) == 24 * 60 * 16


def test_the_variance_clock_runs_in_market_time() -> None:
    generator, gap = np.random.default_rng(7), []
    clock = market_times(np.array([FRIDAY, CLOSES - SECOND_NS, OPENS + SECOND_NS, MONDAY]))
    gap = [np.diff(leg_bridge(clock, np.array([VALUES] * 2), COVARIANCE, generator), axis=0) for _ in range(400)]
    moves = np.std(np.array(gap)[:, :, 0], axis=0) / DEVIATION
    share = np.diff(clock) / DAY_NS
    np.testing.assert_allclose(moves, np.sqrt(share * (1 - share)), rtol=0.15)


def test_the_same_seed_makes_the_same_quotes_and_another_does_not() -> None:
    one, again, other = (
        played(quotes_between(fixes(WEDNESDAY, THURSDAY), PLAN, np.random.default_rng(seed))) for seed in (1, 1, 2)
    )
    assert one == again and one != other


@pytest.mark.parametrize(
    ("times", "values", "says"),
    [
        ([WEDNESDAY], [VALUES], "at least two fixes"),
        ([THURSDAY, WEDNESDAY], [VALUES] * 2, "order of time"),
        ([CLOSES + HOUR_NS, OPENS - HOUR_NS], [VALUES] * 2, "open market hours"),
        ([WEDNESDAY, THURSDAY], [VALUES, VALUES * np.nan], "positive numbers"),
    ],
)
def test_fixes_that_make_no_path_are_refused(times: list[int], values: list[np.ndarray], says: str) -> None:
    with pytest.raises(DataError, match=says):
        Fixes(np.array(times), np.array(values), np.repeat(COVARIANCE[None], len(times) - 1, axis=0))


@pytest.mark.parametrize(
    ("spreads", "seconds", "says"),
    [
        ({}, 2.0, "missing EURUSD"),
        (dict.fromkeys(PAIRS, -1.0), 2.0, "at least 0 pips"),
        (dict.fromkeys(PAIRS, float("nan")), 2.0, "at least 0 pips"),
        (dict.fromkeys(PAIRS, 1.0), 0.0, "at least 0.001"),
    ],
)
def test_a_plan_that_cannot_be_quoted_is_refused(spreads: dict[str, float], seconds: float, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        QuotePlan(spreads, seconds)


# --- tapes


def test_a_tape_gives_its_quotes_as_objects_from_one_place_to_another() -> None:
    tape = QuoteTape(np.array([10, 20, 20, 30]), np.array([0, 1, 0, 4]), np.arange(4) + 1.0, np.arange(4) + 1.5)
    assert tape.quotes(1, 3) == [RawQuote(20, "GBPUSD", 2.0, 2.5), RawQuote(20, "EURUSD", 3.0, 3.5)]
    assert (len(tape), tape.quotes(2, 2)) == (4, [])


@pytest.mark.parametrize(
    ("times", "pairs", "says"), [([1, 2], [0], "one length"), ([2, 1], [0, 0], "quote 1"), ([1, 2], [0, 16], "0 to 15")]
)
def test_arrays_that_are_no_tape_are_refused(times: list[int], pairs: list[int], says: str) -> None:
    with pytest.raises(DataError, match=says):
        QuoteTape(np.array(times), np.array(pairs), np.ones(2), np.ones(2))


# --- the endless market


def market(seed: int = 9, start_ns: int = WEDNESDAY) -> SimulatedMarket:
    return SimulatedMarket(seed, VALUES, COVARIANCE, PLAN, start_ns)


def test_the_market_does_not_depend_on_how_often_it_is_asked() -> None:
    at_once = list(market().poll(WEDNESDAY + 3 * HOUR_NS))
    feed, bit_by_bit = market(), []
    for step in range(1, 181):
        bit_by_bit += feed.poll(WEDNESDAY + step * 60 * SECOND_NS)
    assert at_once == bit_by_bit and len(at_once) == 3 * 60 * 16
    assert at_once != list(market(seed=10).poll(WEDNESDAY + 3 * HOUR_NS))


def test_the_market_sleeps_over_the_week_end_and_knows_when_it_opens() -> None:
    feed = market(start_ns=CLOSES - HOUR_NS)
    assert all(raw.event_ns < CLOSES for raw in feed.poll(OPENS - 1))
    assert OPENS <= feed.due_ns() < OPENS + 60 * SECOND_NS
    assert market(start_ns=CLOSES + HOUR_NS).due_ns() >= OPENS


def test_the_market_says_it_is_synthetic_and_moves_as_asked() -> None:
    feed = market()
    assert feed.synthetic and "SYNTHETIC" in feed.label
    mids = [(raw.bid + raw.ask) / 2 for raw in feed.poll(WEDNESDAY + 24 * HOUR_NS) if raw.pair == "EURUSD"]
    assert np.std(np.diff(np.log(mids))) * np.sqrt(24 * 60) == pytest.approx(DEVIATION, rel=0.1)


def test_a_market_without_prices_is_refused() -> None:
    with pytest.raises(DataError, match="7 positive leg values"):
        SimulatedMarket(1, np.zeros(7), COVARIANCE, PLAN, WEDNESDAY)
    with pytest.raises(DataError, match="7 by 7"):
        SimulatedMarket(1, VALUES, np.eye(6), PLAN, WEDNESDAY)
