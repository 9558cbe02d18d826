"""Two feeds: a silent one is left, whenever that happens; the primary is used again once it has been good for long."""

import numpy as np
import pytest

from workbench.domain.trading import events as happened
from workbench.domain.trading.decisions import FailOver, RungReleased
from workbench.domain.trading.modes import Tier
from workbench.domain.trading.reasons import Reason
from workbench.domain.trading.strategies import Strategy
from workbench.engine.risk_engine import RiskEngine, Start

SECOND = 10**9
DWELL, PATIENCE, PAUSE = 15 * 60, 5, 30
"""Seconds: of calm before a rung lets go, of silence before the other feed is used, between two switches."""


def switches(engine, state, market, speaking):
    """Second, feed and reason of every switch, and the last state; `speaking` tells which feeds give a price when."""
    found = []
    for second, feeds in enumerate(speaking, start=1):
        now = market.MONDAY_NOON + second * SECOND
        events = [happened.Quote(now, "EURUSD", 1.0999, 1.1001, feed=feed) for feed in feeds]
        state, said = market.run(engine, state, [*events, happened.Heartbeat(now)])
        found += [(second, one.feed, one.reason) for one in said if isinstance(one, FailOver)]
    return found, state


def test_a_backup_that_dies_within_the_dwell_time_is_left_for_the_primary(book, market):
    engine, state = book({"EURUSD": 50_000.0})
    speaking = [(1,)] * 40 + [(0, 1)] * 20 + [(0,)] * 10
    found, state = switches(engine, state, market, speaking)
    assert found == [(6, 1, Reason.FAILED_OVER), (66, 0, Reason.FAILED_OVER)]
    assert state.feed == 0
    assert state.tripped[4].tolist() == [1, 0, 0, 0]


def test_a_backup_that_comes_late_is_still_used(book, market):
    engine, state = book({"EURUSD": 50_000.0})
    found, _ = switches(engine, state, market, [()] * 20 + [(1,)] * 5)
    assert found == [(21, 1, Reason.FAILED_OVER)]


def test_a_second_switch_waits_for_thirty_seconds(book, market):
    engine, state = book({"EURUSD": 50_000.0})
    found, _ = switches(engine, state, market, [(1,)] * 7 + [(0,)] * 60)
    assert found == [(6, 1, Reason.FAILED_OVER), (6 + PAUSE, 0, Reason.FAILED_OVER)]


def test_the_primary_is_used_again_once_rung_and_primary_have_been_good_for_the_dwell_time(book, market):
    engine, state = book({"EURUSD": 50_000.0})
    found, state = switches(engine, state, market, [(1,)] * 20 + [(0, 1)] * (DWELL + 20))
    assert found == [(6, 1, Reason.FAILED_OVER), (21 + DWELL, 0, Reason.RETURNED_TO_PRIMARY)]
    assert state.feed == 0


def test_it_is_not_used_again_before_the_rung_lets_go(book, market):
    engine, state = book({"EURUSD": 50_000.0})
    # the primary is back at once; the backup has a gap of nearly five seconds, which is not calm for the rung
    speaking = [(1,)] * 7 + [(0, 1)] * 300 + [(0,)] * 4 + [(0, 1)] * (DWELL + 20)
    released, engine_state = [], state
    for second, feeds in enumerate(speaking, start=1):
        now = market.MONDAY_NOON + second * SECOND
        events = [happened.Quote(now, "EURUSD", 1.0999, 1.1001, feed=feed) for feed in feeds]
        engine_state, said = market.run(engine, engine_state, [*events, happened.Heartbeat(now)])
        released += [(second, type(one)) for one in said if isinstance(one, RungReleased | FailOver)]
    assert released[0] == (6, FailOver)
    assert [kind for _, kind in released[1:]] == [RungReleased, FailOver]
    assert released[1][0] == released[2][0] > 7 + 300 + DWELL


@pytest.mark.parametrize("gap", [PATIENCE - 1, PATIENCE + 1])
def test_a_gap_of_the_primary_starts_its_dwell_time_anew(gap, book, market):
    engine, state = book({"EURUSD": 50_000.0})
    speaking = [(1,)] * 20 + [(0, 1)] * 600 + [(1,)] * gap + [(0, 1)] * (DWELL + 20)
    found, _ = switches(engine, state, market, speaking)
    begun = 621 + gap if gap >= PATIENCE else 21
    assert found[1:] == [(begun + DWELL, 0, Reason.RETURNED_TO_PRIMARY)]


def test_a_gap_is_seen_without_a_heartbeat_in_between(book, market):
    engine, state = book({"EURUSD": 50_000.0})
    _, state = switches(engine, state, market, [(1,)] * 10 + [(0, 1)] * 10)
    now = market.MONDAY_NOON + 100 * SECOND
    state, _ = engine.step(state, happened.Quote(now, "EURUSD", 1.0999, 1.1001, feed=0))
    assert state.primary_since == state.market_ns


def test_without_controls_no_feed_is_left(policy, calibration, market):
    engine = RiskEngine(policy, calibration, [Strategy("held", "EURUSD", Tier.HELD)], controls=False)
    state, _ = market.run(
        engine, engine.init(Start(market.MONDAY_NOON, 1e6)), [happened.Fixing(market.MONDAY_NOON, market.VALUES)]
    )
    assert switches(engine, state, market, [(1,)] * 60)[0] == []


@pytest.mark.parametrize("seed", range(4))
def test_feeds_that_come_and_go_never_hang_the_book_and_never_make_it_flap(seed, book, market):
    engine, state = book({"EURUSD": 50_000.0})
    random, up = np.random.default_rng(seed), np.array([True, True])
    last_switch, count, seen = -PAUSE, 0, [0, 0]
    for second in range(1, 2_400):
        up ^= random.random(2) < 0.03
        now = market.MONDAY_NOON + second * SECOND
        events = [happened.Quote(now, "EURUSD", 1.0999, 1.1001, feed=feed) for feed in (0, 1) if up[feed]]
        seen = [second if up[feed] else seen[feed] for feed in (0, 1)]
        state, said = market.run(engine, state, [*events, happened.Heartbeat(now)])
        turned = [one for one in said if isinstance(one, FailOver)]
        if turned:
            assert second - last_switch >= PAUSE
            last_switch, count = second, count + len(turned)
        feed = int(state.feed)
        stuck = second - seen[feed] > PATIENCE and seen[1 - feed] > seen[feed]
        assert not stuck or second - last_switch < PAUSE
    assert count > 5
