"""Orders and people: fills, rejections and unknown outcomes; halt, reduce, cancel, resume, enable."""

import math
from typing import Any

from workbench.controls.modes import NEXT_MODE, Trigger
from workbench.domain.compiled import compiled
from workbench.domain.trading.modes import Ladder, Tier
from workbench.domain.trading.reasons import Reason
from workbench.engine.kernel.desk import Desk, alert, decide
from workbench.engine.kernel.layout import CURRENCY_OF_QUOTE, LADDERS, RUNGS, SLOTS, DecisionKind
from workbench.engine.kernel.positions import ROUNDING, shrink
from workbench.engine.kernel.rungs import CANCEL_ALL, RUNG_PLACE, enter_mode, release

INPUT_REFUSED, ENABLED = int(DecisionKind.INPUT_REFUSED), int(DecisionKind.ENABLED)
RESUME_REFUSED = int(DecisionKind.RESUME_REFUSED)
FILL_UNKNOWN, FILL_NOT_A_NUMBER = int(Reason.FILL_UNKNOWN), int(Reason.FILL_NOT_A_NUMBER)
ORDER_REJECTED, ORDER_UNKNOWN = int(Reason.ORDER_REJECTED), int(Reason.ORDER_UNKNOWN)
HALTED_BY_PERSON, REDUCED, RESUMED = int(Reason.OPERATOR_HALT), int(Reason.OPERATOR_REDUCE), int(Reason.OPERATOR_RESUME)
ENABLED_BY_PERSON, BOOK_MISMATCH = int(Reason.OPERATOR_ENABLE), int(Reason.BOOK_MISMATCH)
REPEATED_INTENTS, CANCELLED = int(Reason.REPEATED_INTENTS), int(Reason.OPERATOR_CANCEL)
STILL_BREACHED, NOTHING_LATCHED = int(Reason.RESUME_STILL_BREACHED), int(Reason.RESUME_NOTHING_LATCHED)
DRAWDOWN, RESUME, HELD = int(Ladder.DRAWDOWN), int(Trigger.RESUME), int(Tier.HELD)
WARNING, URGENT, EMERGENCY = 2, 3, 4


@compiled
def take_fill(desk: Desk, event: Any) -> bool:
    """Book a fill, or refuse it and stop entries until positions are reconciled; whether it was booked."""
    state, slot = desk.state, event.place
    reason = 0
    if not (math.isfinite(event.first) and math.isfinite(event.second) and event.second > 0.0 and event.first != 0.0):
        reason = FILL_NOT_A_NUMBER
    elif event.number < 1 or event.number > state.intent[slot]:
        reason = FILL_UNKNOWN
    if reason != 0:
        refused = decide(desk, INPUT_REFUSED, reason, slot)
        refused.level = 1
        refused.first = event.first
        alert(desk, reason, slot, EMERGENCY, event.first, event.second)
        state.unreconciled = 1
        return False
    if state.unknown_intent[slot] > 0 and event.number >= state.unknown_intent[slot]:
        state.unknown_intent[slot] = 0
    book(desk, slot, event.first, event.second)
    return True


@compiled
def book(desk: Desk, slot: int, units: float, price: float) -> None:
    """Change a position: what closes is realised at today's value of the quote currency, the rest is averaged in."""
    state = desk.state
    held = state.units[slot]
    if held == 0.0 or (held > 0.0) == (units > 0.0):
        state.price[slot] = (abs(held) * state.price[slot] + abs(units) * price) / (abs(held) + abs(units))
    else:
        closed = -held if abs(units) >= abs(held) else units
        gain = -closed * (price - state.price[slot]) * state.value[CURRENCY_OF_QUOTE[desk.settings.pair[slot]]]
        state.cash += gain
        state.realised[slot] += gain
        if abs(units) > abs(held):
            state.price[slot] = price
    if held == 0.0 or abs(units) > abs(held):
        state.held_bars[slot] = 0
    state.units[slot] = held + units


@compiled
def take_held(desk: Desk, event: Any) -> None:
    """Take a position over that was there before; it is the full size of its strategy."""
    state, slot = desk.state, event.place
    pair = desk.settings.pair[slot]
    if math.isnan(state.good[pair]):
        state.good[pair] = event.second
        state.recent[pair, 0] = event.second
    state.units[slot] = event.first
    state.price[slot] = event.second
    state.target[slot] = event.first
    state.base_units[slot] = abs(event.first)
    state.entry_multiplier[slot] = 1.0
    state.wanted[slot] = 1 if event.first > 0.0 else -1
    state.signal[slot] = state.wanted[slot]
    if desk.settings.tier[slot] != HELD:
        state.stop[slot] = desk.settings.stop_distance[state.regime]
        state.goal[slot] = state.stop[slot] * desk.settings.reward_to_risk[slot]


@compiled
def take_rejection(desk: Desk, event: Any) -> None:
    """The broker rejected an order: the target stands, people hear of it."""
    state, slot = desk.state, event.place
    if state.unknown_intent[slot] > 0 and event.number >= state.unknown_intent[slot]:
        state.unknown_intent[slot] = 0
    alert(desk, ORDER_REJECTED, slot, WARNING, event.number, 0.0)


@compiled
def take_unknown(desk: Desk, event: Any) -> None:
    """Nobody knows what became of an order: its pair is blocked for entries."""
    desk.state.unknown_intent[event.place] = max(event.number, 1)
    alert(desk, ORDER_UNKNOWN, event.place, URGENT, event.number, 0.0)


@compiled
def take_mismatch(desk: Desk, event: Any) -> None:
    """The broker holds other units than we do: risk cannot be known, so nothing grows until that is reconciled."""
    desk.state.unreconciled = 1
    alert(desk, BOOK_MISMATCH, event.place, EMERGENCY, event.first, event.second)


@compiled
def reconcile(desk: Desk) -> None:
    """Positions and orders agree with the broker again."""
    desk.state.unreconciled = 0
    for slot in range(SLOTS):
        desk.state.unknown_intent[slot] = 0


@compiled
def halt(desk: Desk) -> None:
    """A person halts."""
    if desk.state.operator_halt == 0:
        desk.state.operator_halt = 1
        alert(desk, HALTED_BY_PERSON, -1, URGENT, 0.0, 0.0)


@compiled
def reduce_all(desk: Desk, fraction: float) -> None:
    """A person reduces every position; what is left is its full size from now on.

    The share is taken of what is held, or of the target where that is smaller: what is being closed already is not
    counted again, so that a half and then a half leave a quarter, however slow the fills of the first are.
    """
    state, step = desk.state, desk.settings.unit_step
    for slot in range(desk.settings.strategies):
        if state.units[slot] != 0.0 or state.target[slot] != 0.0:
            left = min(abs(state.units[slot]), abs(state.target[slot]))
            kept = math.floor(left * (1.0 - fraction) / step + ROUNDING) * step
            shrink(desk, slot, kept, REDUCED)
            keep_as_full_size(desk, slot)
    alert(desk, REDUCED, -1, URGENT, fraction, 0.0)


@compiled
def cancel_all(desk: Desk) -> None:
    """A person cancels what grows positions: what is held is the full size from now on, also after a resume."""
    state = desk.state
    for slot in range(desk.settings.strategies):
        before = state.target[slot]
        shrink(desk, slot, abs(state.units[slot]), CANCELLED)
        if state.target[slot] != before:
            keep_as_full_size(desk, slot)
    decide(desk, CANCEL_ALL, CANCELLED, 0)
    alert(desk, CANCELLED, -1, URGENT, 0.0, 0.0)


@compiled
def keep_as_full_size(desk: Desk, slot: int) -> None:
    """What is wanted now is the full size; a position left for good does not come back on the signal it had."""
    state = desk.state
    state.base_units[slot] = abs(state.target[slot])
    state.entry_multiplier[slot] = 1.0
    if state.target[slot] == 0.0:
        state.wanted[slot] = 0
        state.spent[slot] = state.signal[slot]


@compiled
def resume(desk: Desk, rebaseline: bool) -> None:
    """Two people resume: latched rungs go if their metric is back under the trigger, or the peak starts anew."""
    settings, state, latched = desk.settings, desk.state, state_latched(desk)
    for ladder in range(LADDERS):
        for rung in range(RUNGS):
            if state.tripped[ladder, rung] == 0 or settings.people[ladder, rung] == 0:
                continue
            forgiven = ladder == DRAWDOWN and rebaseline
            if not forgiven and not state.metric[ladder, rung] <= settings.trigger[ladder, rung]:
                refused = decide(desk, RESUME_REFUSED, STILL_BREACHED, ladder * RUNG_PLACE + rung)
                refused.number = 1
                refused.first = state.metric[ladder, rung]
                refused.second = settings.trigger[ladder, rung]
                return
    if not latched:
        decide(desk, RESUME_REFUSED, NOTHING_LATCHED, 0)
        return
    if rebaseline and math.isfinite(state.equity):
        state.peak = state.equity
        for rung in range(RUNGS):
            state.metric[DRAWDOWN, rung] = 0.0
    for ladder in range(LADDERS):
        for rung in range(RUNGS):
            if state.tripped[ladder, rung] == 1 and settings.people[ladder, rung] > 0:
                release(desk, ladder, rung, RESUMED)
    state.operator_halt = 0
    enter_mode(desk, NEXT_MODE[state.mode, RESUME], RESUMED)


@compiled
def state_latched(desk: Desk) -> bool:
    """Whether anything waits for people."""
    if desk.state.operator_halt == 1:
        return True
    for ladder in range(LADDERS):
        for rung in range(RUNGS):
            if desk.state.tripped[ladder, rung] == 1 and desk.settings.people[ladder, rung] > 0:
                return True
    return False


@compiled
def enable(desk: Desk, slot: int) -> None:
    """A person enables a locked strategy: its losses so far are forgiven, its peak starts anew."""
    state = desk.state
    if state.locked[slot] != 0:
        if state.locked[slot] == REPEATED_INTENTS:
            # what it could not get comes back in steps, like all that controls took
            state.restoring_since = state.market_ns
        state.locked[slot] = 0
        state.stops[slot] = 0
        state.profit_peak[slot] = state.profit[slot]
        tier = desk.settings.tier[slot]
        if tier != HELD:
            state.tier_peak[tier] = 0.0
            for other in range(desk.settings.strategies):
                if desk.settings.tier[other] == tier:
                    state.tier_peak[tier] += state.profit[other]
        decide(desk, ENABLED, ENABLED_BY_PERSON, slot)
