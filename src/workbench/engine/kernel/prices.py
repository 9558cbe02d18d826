"""Prices: what is refused, what is believed, and what it makes the book worth.

A price is believed as far as the last readings of its pair agree: the good price moves to the nearest of the last n
readings when all of them lie on one side of it (for n = 2 that is the median of the good price and the last two), or
to the newest reading once that has stood uncontradicted for the deadline. So one bad tick moves nothing but caution.
"""

import math
from typing import Any

from workbench.domain.compiled import compiled
from workbench.domain.trading.market_hours import SECOND_NS
from workbench.domain.trading.modes import Ladder
from workbench.domain.trading.reasons import Reason
from workbench.engine.kernel.desk import Desk, decide
from workbench.engine.kernel.layout import (
    CURRENCY_OF_BASE,
    CURRENCY_OF_QUOTE,
    FEEDS,
    LEG_COUNT,
    LEG_PAIR,
    LEG_POWER,
    PAIR_COUNT,
    PRIMARY,
    RUNGS,
    TIERS,
    DecisionKind,
)

NOT_A_NUMBER, NOT_POSITIVE = int(Reason.QUOTE_NOT_A_NUMBER), int(Reason.QUOTE_NOT_POSITIVE)
CROSSED = int(Reason.QUOTE_CROSSED)
INPUT_REFUSED, FAIL_OVER = int(DecisionKind.INPUT_REFUSED), int(DecisionKind.FAIL_OVER)
FAILED_OVER, RETURNED_TO_PRIMARY = int(Reason.FAILED_OVER), int(Reason.RETURNED_TO_PRIMARY)
TECHNICAL = int(Ladder.TECHNICAL)
SPREAD_MEMORY = 0.001
"""Weight of one quote in the normal spread: a memory of about a thousand quotes of the pair."""
SWITCH_PAUSE_NS = 30 * SECOND_NS
"""Market time between two switches of feeds, at least: two failing feeds must not make the prices jump to and fro."""


@compiled
def take_quote(desk: Desk, event: Any) -> bool:
    """Take a quote in, or refuse it; returns whether prices may have changed."""
    state, pair, bid, ask = desk.state, event.place, event.first, event.second
    reason = 0
    if not (math.isfinite(bid) and math.isfinite(ask)):
        reason = NOT_A_NUMBER
    elif bid <= 0.0 or ask <= 0.0:
        reason = NOT_POSITIVE
    elif bid > ask:
        reason = CROSSED
    if reason != 0:
        refused = decide(desk, INPUT_REFUSED, reason, pair)
        refused.first = bid if reason != CROSSED else bid - ask
        return False
    # to leave the primary takes a gap, so its first price after that sets the time
    if event.number == PRIMARY and state.feed != PRIMARY and silence(desk, PRIMARY) > feed_patience(desk):
        state.primary_since = state.market_ns
    state.feed_seen[event.number] = state.market_ns
    if event.number != state.feed:
        return False
    middle = 0.5 * (bid + ask)
    spread = (ask - bid) / middle
    state.spread[pair] = spread
    if math.isnan(state.normal_spread[pair]):
        state.normal_spread[pair] = spread
    else:
        state.normal_spread[pair] += SPREAD_MEMORY * (spread - state.normal_spread[pair])
    _believe(desk, pair, middle)
    return True


@compiled
def silence(desk: Desk, feed: int) -> float:
    """Seconds of market time since a feed gave its last good price."""
    return float((desk.state.market_ns - desk.state.feed_seen[feed]) / SECOND_NS)


@compiled
def feed_patience(desk: Desk) -> float:
    """Seconds of silence of the feed in use before the other one is used; infinite when no rung fails over."""
    settings, patience = desk.settings, math.inf
    for rung in range(RUNGS):
        if settings.fail_over[rung] == 1:
            patience = min(patience, settings.trigger[TECHNICAL, rung])
    return patience


@compiled
def choose_feed(desk: Desk) -> None:
    """Leave a silent feed for one heard later; go back to the primary once it has been good for the dwell time."""
    state, patience = desk.state, feed_patience(desk)
    if math.isinf(patience) or state.market_ns - state.switched_ns < SWITCH_PAUSE_NS:
        return
    if silence(desk, state.feed) > patience:
        freshest = state.feed
        for feed in range(FEEDS):
            if state.feed_seen[feed] > state.feed_seen[freshest]:
                freshest = feed
        if freshest != state.feed:
            _use_feed(desk, freshest, FAILED_OVER)
    elif state.feed != PRIMARY and _primary_is_good(desk, patience):
        _use_feed(desk, PRIMARY, RETURNED_TO_PRIMARY)


@compiled
def _primary_is_good(desk: Desk, patience: float) -> bool:
    """Whether the primary is fresh, has been so for the dwell time, and no rung that fails over holds."""
    settings, state = desk.settings, desk.state
    for rung in range(RUNGS):
        if settings.fail_over[rung] == 1 and state.tripped[TECHNICAL, rung] == 1:
            return False
    return bool(silence(desk, PRIMARY) <= patience and state.market_ns - state.primary_since >= settings.dwell_ns)


@compiled
def _use_feed(desk: Desk, feed: int, reason: int) -> None:
    state = desk.state
    state.feed = feed
    state.switched_ns = state.market_ns
    changed = decide(desk, FAIL_OVER, reason, feed)
    changed.number = feed


@compiled
def _believe(desk: Desk, pair: int, middle: float) -> None:
    """Move the good price as far as the last readings agree."""
    state, readings = desk.state, desk.settings.agreeing_readings
    recent = state.recent[pair]
    for k in range(readings - 1, 0, -1):
        recent[k] = recent[k - 1]
    recent[0] = middle
    good = state.good[pair]
    lowest, highest = middle, middle
    for k in range(1, readings):
        # a reading that is not there yet is not a number: neither side can agree
        lowest = recent[k] if not recent[k] >= lowest else lowest
        highest = recent[k] if not recent[k] <= highest else highest
    if math.isnan(good):
        if not math.isnan(lowest):
            state.good[pair] = middle
    elif lowest > good:
        state.good[pair] = lowest
    elif highest < good:
        state.good[pair] = highest
    state.waiting_since[pair] = state.time_ns if state.good[pair] != middle else 0


@compiled
def settle_waiting(desk: Desk) -> bool:
    """Believe every reading that nothing has contradicted within the deadline; whether a good price changed."""
    state, changed = desk.state, False
    for pair in range(PAIR_COUNT):
        since = state.waiting_since[pair]
        if since > 0 and state.time_ns - since >= desk.settings.agreement_ns:
            _set_price(desk, pair, state.recent[pair, 0])
            changed = True
    return changed


@compiled
def _set_price(desk: Desk, pair: int, price: float) -> None:
    desk.state.good[pair] = price
    desk.state.waiting_since[pair] = 0
    for k in range(desk.settings.agreeing_readings):
        desk.state.recent[pair, k] = price


@compiled
def take_fixing(desk: Desk, event: Any) -> bool:
    """Take agreed values of all legs in; refuses the fixing as a whole when one is not a positive number."""
    for leg in range(LEG_COUNT):
        value = event.values[leg]
        if not (math.isfinite(value) and value > 0.0):
            refused = decide(desk, INPUT_REFUSED, NOT_POSITIVE if math.isfinite(value) else NOT_A_NUMBER, -1 - leg)
            refused.first = value
            return False
    for pair in range(PAIR_COUNT):
        base, quote = CURRENCY_OF_BASE[pair], CURRENCY_OF_QUOTE[pair]
        price = event.values[base - 1] if base > 0 else 1.0
        if quote > 0:
            price /= event.values[quote - 1]
        _set_price(desk, pair, price)
        desk.state.spread[pair] = math.nan
    desk.state.feed_seen[desk.state.feed] = desk.state.market_ns
    return True


@compiled
def mark_values(desk: Desk) -> None:
    """US dollars per unit of each currency, by the good prices and by the last ones."""
    state, priced = desk.state, 1
    for leg in range(LEG_COUNT):
        pair = LEG_PAIR[leg]
        good, last = state.good[pair], state.recent[pair, 0]
        if LEG_POWER[leg] > 0:
            state.value[leg + 1], state.raw_value[leg + 1] = good, last
        else:
            state.value[leg + 1], state.raw_value[leg + 1] = 1.0 / good, 1.0 / last
        if math.isnan(good):
            priced = 0
    state.priced = priced


@compiled
def mark_money(desk: Desk) -> None:
    """Equity, profit of each strategy and the peaks, by the good prices; equity also by the last ones."""
    settings, state = desk.settings, desk.state
    equity = raw = state.cash
    for slot in range(settings.strategies):
        units, pair = state.units[slot], settings.pair[slot]
        open_profit = 0.0
        if units != 0.0:
            quote = CURRENCY_OF_QUOTE[pair]
            open_profit = units * (state.good[pair] - state.price[slot]) * state.value[quote]
            raw += units * (state.recent[pair, 0] - state.price[slot]) * state.raw_value[quote]
        equity += open_profit
        state.profit[slot] = state.realised[slot] + open_profit
        # a profit that is not a number leaves the peak where it is
        if state.profit[slot] > state.profit_peak[slot]:
            state.profit_peak[slot] = state.profit[slot]
    state.equity, state.raw_equity = equity, raw
    if equity > state.peak:
        state.peak = equity
    for tier in range(TIERS):
        profit = tier_profit(desk, tier)
        if profit > state.tier_peak[tier]:
            state.tier_peak[tier] = profit


@compiled
def tier_profit(desk: Desk, tier: int) -> float:
    """Profit of all strategies of a tier, US dollars."""
    profit = 0.0
    for slot in range(desk.settings.strategies):
        if desk.settings.tier[slot] == tier:
            profit += desk.state.profit[slot]
    return profit


@compiled
def all_settled(desk: Desk) -> bool:
    """Whether no reading waits to be confirmed, so that last and good prices are the same."""
    waiting = 0
    for pair in range(PAIR_COUNT):
        waiting += 1 if desk.state.waiting_since[pair] > 0 else 0
    return waiting == 0
