"""Bars: when a strategy may enter, turn or leave."""

import math
from typing import Any

from workbench.domain.compiled import compiled
from workbench.domain.trading.modes import Condition, Mode, Regime, Tier
from workbench.domain.trading.reasons import Reason
from workbench.engine.kernel.desk import Desk, decide
from workbench.engine.kernel.layout import CURRENCY_OF_BASE, LADDERS, RUNGS, DecisionKind
from workbench.engine.kernel.positions import (
    base_units_of,
    give_up,
    product_of_factors,
    room_for,
    set_target,
)
from workbench.portfolio.sizing import whole_units

ENTRY_REFUSED, REGIME = int(DecisionKind.ENTRY_REFUSED), int(DecisionKind.REGIME)
INPUT_REFUSED = int(DecisionKind.INPUT_REFUSED)
ACTIVE, HELD = int(Mode.ACTIVE), int(Tier.HELD)
ENTRY, SIGNAL_GONE, SIGNAL_TURNED = int(Reason.ENTRY), int(Reason.SIGNAL_GONE), int(Reason.SIGNAL_TURNED)
WAITS, WAITS_FOR_TIMEFRAME = int(Reason.WAITS_FOR_CONFIRMATION), int(Reason.WAITS_FOR_TIMEFRAME)
MINIMUM_HOLD, ENTRIES_STOPPED = int(Reason.MINIMUM_HOLD), int(Reason.ENTRIES_STOPPED)
NOT_ACTIVE, NOT_DEFENSIVE = int(Reason.NOT_ACTIVE), int(Reason.NOT_DEFENSIVE)
PAIR_BLOCKED, SIZE_IS_ZERO = int(Reason.PAIR_BLOCKED), int(Reason.SIZE_IS_ZERO)
IS_LOCKED, NOT_A_NUMBER = int(Reason.STRATEGY_IS_LOCKED), int(Reason.QUOTE_NOT_A_NUMBER)
REGIME_CHANGED = int(Reason.REGIME_CHANGED)
HIGH_VOLATILITY, CRISIS = int(Regime.HIGH_VOLATILITY), int(Regime.CRISIS)
RECOVERY = int(Regime.RECOVERY)
ELEVATED_ROW, HIGH_ROW, EXTREME_ROW = int(Condition.NORMAL), int(Condition.ELEVATED), int(Condition.HIGH)


@compiled
def entries_stopped(desk: Desk) -> bool:
    """Whether no position may grow now."""
    return bool(desk.state.mode != ACTIVE or desk.state.caution == 1 or desk.state.not_computable != 0)


@compiled
def take_bar(desk: Desk, event: Any) -> None:
    """Take the signal of a closed bar: leave, turn, enter, or say why not."""
    settings, state, slot = desk.settings, desk.state, event.place
    if not math.isfinite(event.first):
        refused = decide(desk, INPUT_REFUSED, NOT_A_NUMBER, slot)
        refused.level = 1
        refused.first = event.first
        return
    side = 1 if event.first > 0.0 else (-1 if event.first < 0.0 else 0)
    state.held_bars[slot] += 1 if state.units[slot] != 0.0 else 0
    state.agreeing[slot] = state.agreeing[slot] + 1 if side == state.signal[slot] else 1
    state.signal[slot] = side
    if side != state.spent[slot]:
        state.spent[slot] = 0
    if settings.tier[slot] == HELD:
        return
    if state.wanted[slot] != 0 and side != state.wanted[slot]:
        if state.units[slot] != 0.0 and state.held_bars[slot] < settings.minimum_hold[state.regime]:
            decide(desk, ENTRY_REFUSED, MINIMUM_HOLD, slot)
            return
        give_up(desk, slot, SIGNAL_GONE if side == 0 else SIGNAL_TURNED)
        state.spent[slot] = 0
    if side != 0 and state.wanted[slot] == 0 and state.spent[slot] == 0:
        _enter(desk, slot, side)


@compiled
def _enter(desk: Desk, slot: int, side: int) -> None:
    settings, state = desk.settings, desk.state
    reason = _objection(desk, slot, side)
    if reason != 0:
        decide(desk, ENTRY_REFUSED, reason, slot)
        return
    multiplier = min(product_of_factors(desk), state.cap)
    value = state.value[CURRENCY_OF_BASE[settings.pair[slot]]]
    base = base_units_of(desk, slot)
    notional = min(base * multiplier * value, room_for(desk, slot, float(side)))
    units = whole_units(notional, value, settings.unit_step)
    if not units > 0.0:
        decide(desk, ENTRY_REFUSED, SIZE_IS_ZERO, slot)
        return
    state.base_units[slot] = base
    # what the limits held back is not owed: a restoration never grows beyond the size entered
    state.entry_multiplier[slot] = min(multiplier, units / base)
    state.wanted[slot] = side
    state.stop[slot] = settings.stop_distance[state.regime]
    state.goal[slot] = state.stop[slot] * settings.reward_to_risk[slot]
    set_target(desk, slot, side * units, ENTRY)


@compiled
def _objection(desk: Desk, slot: int, side: int) -> int:
    """Why a strategy may not enter now; 0 when it may."""
    settings, state = desk.settings, desk.state
    confirmations, defensive_only = settings.condition_confirmations[state.condition], 0
    extra = 0
    for ladder in range(LADDERS):
        for rung in range(RUNGS):
            if state.tripped[ladder, rung] == 1:
                extra = max(extra, settings.extra_confirmations[ladder, rung])
                defensive_only = max(defensive_only, settings.defensive_only[ladder, rung])
    reason = 0
    if state.locked[slot] != 0:
        reason = IS_LOCKED
    elif defensive_only == 1 and settings.defensive[slot] == 0:
        reason = NOT_DEFENSIVE
    elif entries_stopped(desk):
        reason = ENTRIES_STOPPED
    elif settings.active[state.condition, slot] == 0:
        reason = NOT_ACTIVE
    elif pair_blocked(desk, settings.pair[slot]):
        reason = PAIR_BLOCKED
    elif state.agreeing[slot] < confirmations + extra:
        reason = WAITS
    elif _timeframes(desk, slot, side) < settings.condition_timeframes[state.condition]:
        reason = WAITS_FOR_TIMEFRAME
    return reason


@compiled
def pair_blocked(desk: Desk, pair: int) -> bool:
    """Whether an order in this pair has an unknown outcome."""
    for slot in range(desk.settings.strategies):
        if desk.settings.pair[slot] == pair and desk.state.unknown_intent[slot] > 0:
            return True
    return False


@compiled
def _timeframes(desk: Desk, slot: int, side: int) -> int:
    """Timeframes on which strategies of the same pair see the same side."""
    settings, seen, count = desk.settings, 0, 0
    for other in range(settings.strategies):
        bit = 1 << settings.timeframe[other]
        same = settings.pair[other] == settings.pair[slot] and desk.state.signal[other] == side
        if same and seen & bit == 0:
            seen |= bit
            count += 1
    return count


@compiled
def read_regime(desk: Desk) -> None:
    """Regime of the moment: the volatility bands go before what slow work has read of calm times.

    Bands and their hysteresis are those of the market condition's volatility reading: high volatility from "elevated"
    on, crisis from "extreme" on, recovery for a quarter after "high" has ended.
    """
    settings, state = desk.settings, desk.state
    if state.condition_tripped[0, HIGH_ROW] == 1:
        state.recovery_until = state.market_ns + settings.recovery_ns
    regime = state.calm_regime
    if state.condition_tripped[0, EXTREME_ROW] == 1:
        regime = CRISIS
    elif state.condition_tripped[0, ELEVATED_ROW] == 1:
        regime = HIGH_VOLATILITY
    elif state.market_ns < state.recovery_until:
        regime = RECOVERY
    if regime != state.regime:
        changed = decide(desk, REGIME, REGIME_CHANGED, 0)
        changed.level = state.regime
        changed.number = regime
        changed.first = settings.stop_distance[regime]
        changed.second = settings.minimum_hold[regime]
        state.regime = regime
