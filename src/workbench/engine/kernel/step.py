"""The step: one event in, decisions out, for a live event, a million replayed ones and simulated paths alike.

With the compiler off the same source runs as plain Python.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.domain.compiled import compiled
from workbench.domain.trading.market_hours import market_time_ns
from workbench.domain.trading.modes import Mode
from workbench.engine.kernel.bars import entries_stopped, read_regime, take_bar
from workbench.engine.kernel.desk import Desk
from workbench.engine.kernel.layout import LEG_COUNT, EventKind
from workbench.engine.kernel.orders import (
    cancel_all,
    enable,
    halt,
    reconcile,
    reduce_all,
    resume,
    take_fill,
    take_held,
    take_mismatch,
    take_rejection,
    take_unknown,
)
from workbench.engine.kernel.positions import (
    WHOLE,
    close_by_rung,
    deactivate,
    lock_growth,
    lower_to_cap,
    restore_step,
    stop_growing,
    watch_exits,
    watch_scopes,
)
from workbench.engine.kernel.prices import choose_feed, mark_money, mark_values, settle_waiting, take_fixing, take_quote
from workbench.engine.kernel.readings import close_day, sample_minute, start_day
from workbench.engine.kernel.rungs import (
    RUNG_PLACE,
    climb,
    read_caution,
    read_condition,
    read_metrics,
    required_cap,
    turn_mode,
)

ACTIVE = int(Mode.ACTIVE)
QUOTE, FIXING, DAY_CLOSED = int(EventKind.QUOTE), int(EventKind.FIXING), int(EventKind.DAY_CLOSED)
BAR_CLOSED, REGIME_READ = int(EventKind.BAR_CLOSED), int(EventKind.REGIME_READ)
SCHEDULED_RISK, FILL, POSITION_HELD = int(EventKind.SCHEDULED_RISK), int(EventKind.FILL), int(EventKind.POSITION_HELD)
REJECTED, UNKNOWN = int(EventKind.ORDER_REJECTED), int(EventKind.ORDER_UNKNOWN)
RECONCILED, BROKER_STATUS = int(EventKind.RECONCILED), int(EventKind.BROKER_STATUS)
RENEWED, OPERATOR_HALT = int(EventKind.RENEWED), int(EventKind.OPERATOR_HALT)
OPERATOR_REDUCE, OPERATOR_RESUME = int(EventKind.OPERATOR_REDUCE), int(EventKind.OPERATOR_RESUME)
OPERATOR_ENABLE, OPERATOR_CANCEL = int(EventKind.OPERATOR_ENABLE), int(EventKind.OPERATOR_CANCEL)
BOOK_MISMATCH, REPEATED_INTENT = int(EventKind.BOOK_MISMATCH), int(EventKind.REPEATED_INTENT)
OUT_OF_ORDER = -1
BOOK_PUT_ON = 2
"""What is held was not decided here: it is judged as a whole, and comes under the cap that holds."""


@compiled
def step(desk: Desk, event: Any) -> int:
    """Take one event in.

    Parameters
    ----------
    desk : Desk
        Its state is changed in place; decisions are in its tray.
    event : record
        EVENT.

    Returns
    -------
    int
        Number of decisions, or OUT_OF_ORDER when the event is older than the last one; nothing was changed then.
    """
    state, kind = desk.state, event.kind
    desk.work.count = 0
    if event.time_ns < state.time_ns:
        return OUT_OF_ORDER
    state.time_ns = event.time_ns
    state.market_ns = market_time_ns(event.time_ns)
    priced_before = state.priced
    repriced = settle_waiting(desk)
    if kind == QUOTE:
        repriced = take_quote(desk, event) or repriced
    elif kind == FIXING:
        repriced = take_fixing(desk, event) or repriced
    else:
        repriced = _take_other(desk, event, kind) or repriced
    if repriced:
        _mark(desk)
    if kind == POSITION_HELD:  # a book is put on as a whole: the next event judges it
        state.unread = BOOK_PUT_ON
        return int(desk.work.count)
    closes = kind == DAY_CLOSED or (kind == FIXING and event.number == 1)
    put_on = state.unread == BOOK_PUT_ON
    repriced = repriced or state.unread > 0 or closes
    state.unread = 0
    read_metrics(desk, repriced)
    _control(desk, put_on)
    if repriced:
        watch_scopes(desk)
        watch_exits(desk)
    if kind == BAR_CLOSED:
        take_bar(desk, event)
    elif closes and priced_before == 1 and desk.settings.calibrated == 1:
        close_day(desk)
    return int(desk.work.count)


@compiled
def step_alone(
    desks: tuple[Any, Any, Any, Any],
    events: Any,
    head: tuple[int, int, int, int],
    numbers: tuple[float, float],
    values: NDArray[np.float64],
) -> int:
    """Take one event in that comes as plain numbers: the door of the typed engine.

    Parameters
    ----------
    desks : tuple
        Arrays of one SETTINGS, STATE and WORK; and the DECISION tray.
    events : ndarray of EVENT, shape (1,)
        Scratch.
    head : tuple of int
        Time, kind, place, number of the event.
    numbers : tuple of float
        Its first and second.
    values : ndarray, shape (7,)
        Values of the legs.

    Returns
    -------
    int
        As `step`.
    """
    event = events[0]
    event.time_ns, event.kind, event.place, event.number = head
    event.first, event.second = numbers
    for leg in range(LEG_COUNT):
        event.values[leg] = values[leg]
    return step(Desk(desks[0][0], desks[1][0], desks[2][0], desks[3]), event)


@compiled
def _take_other(desk: Desk, event: Any, kind: int) -> bool:
    """Events that are no prices; whether they may have changed money or risk."""
    state = desk.state
    if kind == FILL:
        return take_fill(desk, event)
    if kind == POSITION_HELD:
        take_held(desk, event)
        return True
    if kind == RENEWED:
        if event.number == 1:
            state.covariance[:, :] = desk.settings.covariance
        return True
    if kind == REGIME_READ:
        state.calm_regime = event.number
    elif kind == SCHEDULED_RISK:
        state.scheduled_level = event.first
        state.scheduled_until = event.number
    elif kind == BROKER_STATUS:
        state.broker_lost = 0 if event.number == 1 else (state.broker_lost or state.market_ns)
    elif kind == REJECTED:
        take_rejection(desk, event)
    elif kind == UNKNOWN:
        take_unknown(desk, event)
    elif kind == RECONCILED:
        reconcile(desk)
    elif kind == BOOK_MISMATCH:
        take_mismatch(desk, event)
    elif kind == REPEATED_INTENT:
        lock_growth(desk, event.place)
    else:
        _take_order_of_a_person(desk, event, kind)
    return False


@compiled
def _take_order_of_a_person(desk: Desk, event: Any, kind: int) -> None:
    if kind == OPERATOR_HALT:
        halt(desk)
    elif kind == OPERATOR_REDUCE:
        reduce_all(desk, event.first)
    elif kind == OPERATOR_CANCEL:
        cancel_all(desk)
    elif kind == OPERATOR_RESUME:
        resume(desk, event.number == 1)
    elif kind == OPERATOR_ENABLE:
        enable(desk, event.place)


@compiled
def _mark(desk: Desk) -> None:
    state, priced = desk.state, desk.state.priced
    mark_values(desk)
    mark_money(desk)
    if priced == 0 and state.priced == 1:
        start_day(desk)
        for leg in range(LEG_COUNT):
            state.minute_start[leg] = state.value[leg + 1]
    sample_minute(desk)


@compiled
def _control(desk: Desk, put_on: bool) -> None:
    """Caution, rungs, condition, regime, mode, cap: from what was read to what may be held."""
    state = desk.state
    read_caution(desk)
    tripped = climb(desk)
    choose_feed(desk)
    for k in range(tripped):
        close_by_rung(desk, desk.work.tripped[k] // RUNG_PLACE, desk.work.tripped[k] % RUNG_PLACE)
        state.restoring_since = state.market_ns
    if read_condition(desk):
        deactivate(desk)
        state.restoring_since = state.market_ns
    read_regime(desk)
    before = state.mode
    turn_mode(desk)
    if state.mode > before:
        stop_growing(desk)
    cap = required_cap(desk)
    if cap < state.cap:
        state.cap = cap
        lower_to_cap(desk, cap)
        state.restoring_since = state.market_ns
    elif put_on:  # a book put on while a cap holds comes under it like any other
        lower_to_cap(desk, cap)
    _restore(desk, cap)


@compiled
def _restore(desk: Desk, cap: float) -> None:
    """One step of the way back each dwell time, while nothing stops entries."""
    settings, state = desk.settings, desk.state
    if entries_stopped(desk):
        if state.restoring_since > 0:
            state.restoring_since = state.market_ns
        return
    if state.restoring_since == 0:
        if cap > state.cap:
            state.restoring_since = state.market_ns
        return
    if state.market_ns - state.restoring_since < settings.dwell_ns:
        return
    state.cap = cap if cap - state.cap <= WHOLE else state.cap + settings.restoration_step * (cap - state.cap)
    left = restore_step(desk, cap)
    state.restoring_since = state.market_ns if left or state.cap < cap else 0
