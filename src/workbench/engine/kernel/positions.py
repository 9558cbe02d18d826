"""Positions: how large, and what makes them smaller. Targets are absolute units: one said twice changes nothing."""

import math

import numpy as np
from numpy.typing import NDArray

from workbench.domain.compiled import compiled
from workbench.domain.trading.modes import CloseOrder, Mode, Tier
from workbench.domain.trading.reasons import Reason
from workbench.engine.kernel.desk import Desk, alert, decide
from workbench.engine.kernel.layout import (
    CURRENCY_OF_BASE,
    CURRENCY_OF_QUOTE,
    LADDERS,
    RUNGS,
    TIERS,
    DecisionKind,
)
from workbench.engine.kernel.prices import tier_profit
from workbench.portfolio.sizing import (
    base_notional,
    correlation_factor,
    kept_multiplier,
    stress_factor,
    volatility_factor,
    whole_units,
)

Floats = NDArray[np.float64]

TARGET, LOCKED = int(DecisionKind.TARGET), int(DecisionKind.LOCKED)
ACTIVE, HELD = int(Mode.ACTIVE), int(Tier.HELD)
ALIKE, MOST_VOLATILE = int(CloseOrder.EVERY_POSITION_ALIKE), int(CloseOrder.MOST_VOLATILE_POSITIONS)
CAP_LOWERED, CLOSED_BY_RUNG, RESTORED = int(Reason.CAP_LOWERED), int(Reason.CLOSED_BY_RUNG), int(Reason.RESTORED)
STOP_REACHED, TARGET_REACHED = int(Reason.STOP_REACHED), int(Reason.TARGET_REACHED)
ENTRIES_STOPPED, DEACTIVATED = int(Reason.ENTRIES_STOPPED), int(Reason.STRATEGY_DEACTIVATED)
STRATEGY_DRAWDOWN, REPEATED_STOPS = int(Reason.STRATEGY_DRAWDOWN), int(Reason.REPEATED_STOPS)
TIER_DRAWDOWN, REPEATED_INTENTS = int(Reason.TIER_DRAWDOWN), int(Reason.REPEATED_INTENTS)
SCOPE_ALERT = 3
"""A locked strategy or tier is urgent: a person has to look at it before it trades again."""
WHOLE = 0.01
"""A gap below this share is closed at once: steps of a quarter of what is left would never end."""
ROUNDING = 1e-9


@compiled
def set_target(desk: Desk, slot: int, units: float, reason: int) -> None:
    """Want so many units from now on."""
    state = desk.state
    before = state.target[slot]
    if units == before:
        return
    state.target[slot] = units
    state.intent[slot] += 1
    wanted = decide(desk, TARGET, reason, slot)
    wanted.number = state.intent[slot]
    wanted.first = units
    wanted.second = before


@compiled
def shrink(desk: Desk, slot: int, size: float, reason: int) -> None:
    """Hold at most `size` units (≥ 0) on the side held now; never grows a position, never turns it.

    The side is that of the units held; a target on the other side, an unfinished turn, is given up.
    """
    state = desk.state
    held, target = state.units[slot], state.target[slot]
    side = _sign(held) if held != 0.0 else _sign(target)
    wanted = abs(target) if _sign(target) == side else 0.0
    set_target(desk, slot, side * min(wanted, size), reason)


@compiled
def _sign(value: float) -> float:
    return 1.0 if value > 0.0 else (-1.0 if value < 0.0 else 0.0)


@compiled
def give_up(desk: Desk, slot: int, reason: int) -> None:
    """Leave a position for good: it does not come back until its signal has changed."""
    state = desk.state
    state.wanted[slot] = 0
    state.spent[slot] = state.signal[slot]
    shrink(desk, slot, 0.0, reason)


@compiled
def stop_growing(desk: Desk) -> None:
    """Give up entries that are not filled yet: no position grows or turns while entries are stopped."""
    state = desk.state
    for slot in range(desk.settings.strategies):
        shrink(desk, slot, abs(state.units[slot]), ENTRIES_STOPPED)


@compiled
def product_of_factors(desk: Desk) -> float:
    """Volatility × correlation × regime × stress, kept between the limits; 0 when one is missing."""
    settings, state = desk.settings, desk.state
    product = volatility_factor(state.ratio, settings.volatility_full)
    product *= correlation_factor(state.correlation_mean, settings.correlation_full, settings.correlation_at_one)
    product *= settings.regime_factor[state.regime]
    product *= stress_factor(state.score, settings.stress_scores, settings.stress_factors, settings.stress_knots)
    return kept_multiplier(product, settings.multiplier_minimum, settings.multiplier_maximum)


@compiled
def base_units_of(desk: Desk, slot: int) -> float:
    """Units of a strategy at multiplier 1."""
    settings, state = desk.settings, desk.state
    value = state.value[CURRENCY_OF_BASE[settings.pair[slot]]]
    stop = settings.stop_distance[state.regime]
    notional = base_notional(state.equity, settings.allocation[slot], settings.risk_per_trade[slot], stop)
    return whole_units(notional, value, settings.unit_step)


@compiled
def room_for(desk: Desk, slot: int, side: float) -> float:
    """US dollars a position on this side may be worth under the limits on orders, gross and net exposure."""
    settings, state = desk.settings, desk.state
    base, quote = CURRENCY_OF_BASE[settings.pair[slot]], CURRENCY_OF_QUOTE[settings.pair[slot]]
    gross, net_base, net_quote = 0.0, 0.0, 0.0
    for other in range(settings.strategies):
        if other == slot:
            continue
        of_base, of_quote = CURRENCY_OF_BASE[settings.pair[other]], CURRENCY_OF_QUOTE[settings.pair[other]]
        worth = state.target[other] * state.value[of_base]
        gross += abs(worth)
        net_base += worth if of_base == base else (-worth if of_quote == base else 0.0)
        net_quote += worth if of_base == quote else (-worth if of_quote == quote else 0.0)
    held = state.units[slot] * state.value[base] * side
    room = min(settings.order_limit * state.equity + held, settings.gross_limit * state.equity - gross)
    room = min(room, settings.net_limit * state.equity - side * net_base)
    room = min(room, settings.net_limit * state.equity + side * net_quote)
    return max(room, 0.0) if math.isfinite(room) else 0.0


@compiled
def lower_to_cap(desk: Desk, cap: float) -> None:
    """Bring every position under the cap on its multiplier."""
    state, step = desk.state, desk.settings.unit_step
    for slot in range(desk.settings.strategies):
        allowed = math.floor(state.base_units[slot] * cap / step + ROUNDING) * step
        if state.base_units[slot] > 0.0 and abs(state.target[slot]) > allowed:
            shrink(desk, slot, allowed, CAP_LOWERED)


@compiled
def close_by_rung(desk: Desk, ladder: int, rung: int) -> None:
    """Close what a rung closes, once: the targets are stored."""
    settings, state, work = desk.settings, desk.state, desk.work
    fraction, order = settings.close_fraction[ladder, rung], settings.close_order[ladder, rung]
    step = settings.unit_step
    if fraction == 0.0:
        return
    if order == ALIKE:
        for slot in range(settings.strategies):
            kept = math.floor(abs(state.units[slot]) * (1.0 - fraction) / step + ROUNDING) * step
            shrink(desk, slot, kept, CLOSED_BY_RUNG)
        return
    positions, gross = 0, 0.0
    for slot in range(settings.strategies):
        base = CURRENCY_OF_BASE[settings.pair[slot]]
        worth = abs(state.units[slot]) * state.value[base]
        positions += 1 if worth > 0.0 else 0
        gross += worth
        work.key[slot] = pair_variance(desk, slot) if order == MOST_VOLATILE else state.component[slot]
    rank(desk)
    left = math.ceil(fraction * positions - ROUNDING) if order == MOST_VOLATILE else fraction * gross
    for place in range(settings.strategies):
        slot = work.order[place]
        worth = abs(state.units[slot]) * state.value[CURRENCY_OF_BASE[settings.pair[slot]]]
        if worth == 0.0 or left <= 0.0:
            continue
        if order == MOST_VOLATILE:
            shrink(desk, slot, 0.0, CLOSED_BY_RUNG)
            left -= 1.0
        else:
            kept = math.floor(abs(state.units[slot]) * (1.0 - min(left / worth, 1.0)) / step + ROUNDING) * step
            shrink(desk, slot, kept, CLOSED_BY_RUNG)
            left -= worth


@compiled
def pair_variance(desk: Desk, slot: int) -> float:
    """Daily variance of a strategy's pair, slow reading."""
    base = CURRENCY_OF_BASE[desk.settings.pair[slot]] - 1
    quote = CURRENCY_OF_QUOTE[desk.settings.pair[slot]] - 1
    covariance, variance = desk.state.covariance, 0.0
    if base >= 0:
        variance += covariance[base, base]
    if quote >= 0:
        variance += covariance[quote, quote]
    if base >= 0 and quote >= 0:
        variance -= 2.0 * covariance[base, quote]
    return float(variance)


@compiled
def rank(desk: Desk) -> None:
    """Slots by their key, largest first; equal keys in the order of the slots."""
    settings, work = desk.settings, desk.work
    for place in range(settings.strategies):
        work.order[place] = place
    for place in range(1, settings.strategies):
        slot, back = work.order[place], place
        while back > 0 and work.key[slot] > work.key[work.order[back - 1]]:
            work.order[back] = work.order[back - 1]
            back -= 1
        work.order[back] = slot


@compiled
def stops_tighter(desk: Desk) -> float:
    """Share by which stop distances shrink: the most of all rungs that hold."""
    share = 0.0
    for ladder in range(LADDERS):
        for rung in range(RUNGS):
            if desk.state.tripped[ladder, rung] == 1:
                share = max(share, desk.settings.stops_tighter[ladder, rung])
    return share


@compiled
def watch_exits(desk: Desk) -> None:
    """Leave positions whose stop or profit target the good price has reached."""
    settings, state = desk.settings, desk.state
    tighter = stops_tighter(desk)
    for slot in range(settings.strategies):
        side = _sign(state.units[slot])
        if side == 0.0 or state.target[slot] == 0.0 or state.stop[slot] == 0.0:
            continue
        move = side * (state.good[settings.pair[slot]] / state.price[slot] - 1.0)
        if move <= -state.stop[slot] * (1.0 - tighter):
            state.stops[slot] += 1
            give_up(desk, slot, STOP_REACHED)
            if state.stops[slot] >= settings.repeated_stops:
                _lock(desk, slot, REPEATED_STOPS, state.stops[slot], settings.repeated_stops)
        elif state.goal[slot] > 0.0 and move >= state.goal[slot]:
            state.stops[slot] = 0
            give_up(desk, slot, TARGET_REACHED)


@compiled
def _lock(desk: Desk, slot: int, reason: int, metric: float, limit: float) -> None:
    desk.state.locked[slot] = reason
    written = decide(desk, LOCKED, reason, slot)
    written.first = metric
    written.second = limit
    alert(desk, reason, slot, SCOPE_ALERT, metric, limit)
    give_up(desk, slot, reason)


@compiled
def lock_growth(desk: Desk, slot: int) -> None:
    """Lock a strategy whose entry is tried again and again without a fill; what it holds it keeps.

    Other locks are about losses, so they sell; here only buying more is the trouble. The position stays under its
    stops, its signal and every control, and may still be locked for its losses. With nothing held the entry is given up
    until its signal has changed; a position a person put on is still wanted, and comes back once it is enabled.
    """
    settings, state = desk.settings, desk.state
    if state.locked[slot] != 0:
        return
    state.locked[slot] = REPEATED_INTENTS
    written = decide(desk, LOCKED, REPEATED_INTENTS, slot)
    written.first = state.target[slot]
    written.second = state.units[slot]
    alert(desk, REPEATED_INTENTS, slot, SCOPE_ALERT, state.target[slot], state.units[slot])
    if state.units[slot] == 0.0 and settings.tier[slot] != HELD:
        give_up(desk, slot, REPEATED_INTENTS)
    else:
        shrink(desk, slot, abs(state.units[slot]), REPEATED_INTENTS)


@compiled
def _may_be_locked(desk: Desk, slot: int) -> bool:
    """Whether a lock for losses has something to do: one that only stops growing does not stand in its way."""
    return bool(desk.state.locked[slot] == 0 or desk.state.locked[slot] == REPEATED_INTENTS)


@compiled
def watch_scopes(desk: Desk) -> None:
    """Lock a strategy, or all of a tier, that has lost more than its history allows."""
    settings, state = desk.settings, desk.state
    for tier in range(TIERS):
        capital = 0.0
        for slot in range(settings.strategies):
            if settings.tier[slot] == tier:
                capital += settings.allocation[slot] * state.peak
        if capital > 0.0:
            lost = (state.tier_peak[tier] - tier_profit(desk, tier)) / capital
            if lost > settings.tier_limit[tier]:
                _lock_tier(desk, tier, lost)
    for slot in range(settings.strategies):
        lost = (state.profit_peak[slot] - state.profit[slot]) / (settings.allocation[slot] * state.peak)
        if lost > settings.drawdown_limit[slot] and _may_be_locked(desk, slot):
            _lock(desk, slot, STRATEGY_DRAWDOWN, lost, settings.drawdown_limit[slot])


@compiled
def _lock_tier(desk: Desk, tier: int, lost: float) -> None:
    for slot in range(desk.settings.strategies):
        if desk.settings.tier[slot] == tier and _may_be_locked(desk, slot):
            _lock(desk, slot, TIER_DRAWDOWN, lost, desk.settings.tier_limit[tier])


@compiled
def deactivate(desk: Desk) -> None:
    """Wind down strategies that are not among the active ones in this condition."""
    settings, state = desk.settings, desk.state
    for slot in range(settings.strategies):
        if settings.active[state.condition, slot] == 0 and settings.tier[slot] != HELD and state.target[slot] != 0.0:
            shrink(desk, slot, 0.0, DEACTIVATED)


@compiled
def full_multiplier(desk: Desk, slot: int, limit: float) -> float:
    """Multiplier a position may come back to: what it was entered with, up to what sizing and the caps give now."""
    settings, state = desk.settings, desk.state
    if state.wanted[slot] == 0 or state.locked[slot] != 0 or state.base_units[slot] <= 0.0:
        return 0.0
    if settings.tier[slot] != HELD and settings.active[state.condition, slot] == 0:
        return 0.0
    return float(min(state.entry_multiplier[slot], limit))


@compiled
def restore_step(desk: Desk, cap: float) -> bool:
    """Give back one step of the exposure that controls took, smallest risk first; whether anything is left to give."""
    settings, state, work = desk.settings, desk.state, desk.work
    limit, total = min(product_of_factors(desk), cap), 0.0
    for slot in range(settings.strategies):
        worth = state.base_units[slot] * state.value[CURRENCY_OF_BASE[settings.pair[slot]]]
        work.gap[slot] = _gap(desk, slot, limit) * worth
        total += work.gap[slot]
        # the smallest risk first: the largest key is the least negative one
        work.key[slot] = -worth * worth * pair_variance(desk, slot)
    if total == 0.0:
        return False
    rank(desk)
    budget = total if total <= WHOLE * state.equity else settings.restoration_step * total
    given = budget
    for place in range(settings.strategies):
        slot = work.order[place]
        if work.gap[slot] > 0.0 and budget > 0.0:
            _give_back(desk, slot, _gap(desk, slot, limit) * min(budget / work.gap[slot], 1.0))
            budget -= work.gap[slot]
    return given < total


@compiled
def _gap(desk: Desk, slot: int, limit: float) -> float:
    full = full_multiplier(desk, slot, limit)
    if full == 0.0:
        return 0.0
    return float(max(full - abs(desk.state.target[slot]) / desk.state.base_units[slot], 0.0))


@compiled
def _give_back(desk: Desk, slot: int, part: float) -> None:
    settings, state = desk.settings, desk.state
    side, step = float(state.wanted[slot]), settings.unit_step
    value = state.value[CURRENCY_OF_BASE[settings.pair[slot]]]
    size = abs(state.target[slot]) + part * state.base_units[slot]
    size = min(size, room_for(desk, slot, side) / value)
    size = math.floor(size / step + ROUNDING) * step
    if size > abs(state.target[slot]):
        set_target(desk, slot, side * size, RESTORED)
