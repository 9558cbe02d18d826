"""Many steps in a row: a file of events, a script with fills, or simulated paths filled at the price of the mark.

A simulated fill pays half the policy's spread. It happens right after the step that asked for it, at the same mark: a
gap is suffered in full before anything can be sold.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.domain.compiled import compiled
from workbench.domain.currencies import PAIRS, Pair
from workbench.engine.kernel.desk import Desk
from workbench.engine.kernel.layout import CURRENCY_OF_BASE, LEG_COUNT, EventKind
from workbench.engine.kernel.orders import book, state_latched
from workbench.engine.kernel.prices import mark_money
from workbench.engine.kernel.step import OUT_OF_ORDER, step

Floats = NDArray[np.float64]

FIXING, HEARTBEAT = int(EventKind.FIXING), int(EventKind.HEARTBEAT)
FILL, HELD = int(EventKind.FILL), int(EventKind.POSITION_HELD)
RESUME = int(EventKind.OPERATOR_RESUME)
MOST_ROUNDS = 3
"""A fill may lead to another target; what is wanted after so many turns waits for the next mark."""
PIP = np.array([Pair.parse(pair).pip for pair in PAIRS])


@compiled
def take_events(desk: Desk, events: Any, log: Any, first: int) -> tuple[int, int]:
    """Take events in until all are in, or the log has no room for one more.

    Parameters
    ----------
    desk : Desk
        Its state is changed.
    events : ndarray of EVENT
        In order of time.
    log : ndarray of DECISION
        Takes the decisions; longer than the tray.
    first : int
        Event to begin with.

    Returns
    -------
    tuple of int
        Event to go on with, decisions written; a negative count means that event is out of time order.
    """
    written = 0
    for place in range(first, events.shape[0]):
        if written + desk.out.shape[0] > log.shape[0]:
            return place, written
        count = step(desk, events[place])
        if count == OUT_OF_ORDER:
            return place, OUT_OF_ORDER
        for k in range(count):
            log[written + k] = desk.out[k]
        written += count
    return events.shape[0], written


@compiled
def fill_price(desk: Desk, slot: int, units: float) -> float:
    """Price at which units are bought (+) or sold (−): the good price and half the spread against us."""
    pair = desk.settings.pair[slot]
    half = desk.settings.half_spread_pips[pair] * PIP[pair]
    return float(desk.state.good[pair] + (half if units > 0.0 else -half))


@compiled
def fill_targets(desk: Desk) -> None:
    """Fill what the engine wants at the mark, all at one moment; the next event judges the book that is left.

    Parameters
    ----------
    desk : Desk
        Its state is changed.
    """
    state, filled = desk.state, False
    for slot in range(desk.settings.strategies):
        units = state.target[slot] - state.units[slot]
        if units != 0.0:
            book(desk, slot, units, fill_price(desk, slot, units))
            filled = True
    if filled:
        mark_money(desk)
        state.unread = 1


@compiled
def walk_path(desk: Desk, event: Any, returns: Floats, times: tuple[int, int], equity: Floats) -> None:
    """Walk one simulated path of fixings, each closing a day.

    Parameters
    ----------
    desk : Desk
        Its state begins priced and is changed.
    event : record
        EVENT to write into.
    returns : ndarray, shape (steps, legs)
        Simple leg returns.
    times : tuple of int
        Nanoseconds between two marks, and from a mark to the review by people, who resume what the engine lets them; 0
        for no people.
    equity : ndarray, shape (steps,)
        Filled with the equity after each mark and its fills.
    """
    state, (step_ns, review_ns) = desk.state, times
    for place in range(returns.shape[0]):
        for leg in range(LEG_COUNT):
            event.values[leg] = state.value[leg + 1] * (1.0 + returns[place, leg])
        event.time_ns = begun = state.time_ns + step_ns
        event.kind = FIXING
        event.number = 1
        step(desk, event)
        fill_targets(desk)
        if review_ns > 0 and state_latched(desk):
            event.time_ns, event.kind, event.number = begun + review_ns, RESUME, 0
            step(desk, event)
            fill_targets(desk)
            state.time_ns = begun
        equity[place] = state.equity


@compiled
def walk_paths(
    desks: tuple[Any, Any, Any, Any], events: Any, returns: Floats, times: tuple[int, int], equity: Floats
) -> None:
    """Walk paths one after the other, each in its own state; the same compiled code as a single path.

    Parameters
    ----------
    desks : tuple
        SETTINGS array of one; STATE, WORK and DECISION tray: one state a path, one of the others.
    events : ndarray of EVENT, shape (1,)
        Scratch.
    returns : ndarray, shape (paths, steps, legs)
        Simple leg returns.
    times : tuple of int
        As of `walk_path`.
    equity : ndarray, shape (paths, steps)
        Filled.
    """
    settings, states, work, out = desks
    for path in range(returns.shape[0]):
        desk = Desk(settings[0], states[path], work[0], out)
        walk_path(desk, events[0], returns[path], times, equity[path])


@compiled
def drawdown_of(equity: Floats, start: float) -> float:
    """Largest fall from the peak so far, fraction of the peak; 1 when equity is not a number.

    Parameters
    ----------
    equity : ndarray, shape (steps,)
        US dollars.
    start : float
        Equity before the first step.

    Returns
    -------
    float
    """
    peak, worst = start, 0.0
    for value in equity:
        if math.isnan(value):
            return 1.0
        peak = max(peak, value)
        worst = max(worst, 1.0 - value / peak)
    return worst


@compiled
def play_record(
    desks: tuple[Any, Any, Any, Any], script: tuple[Any, Any, Any, Any], fill_after_ns: int, shown: Any, log: Any
) -> int:
    """Play a written script of events, fill what is wanted, and note every mark.

    Parameters
    ----------
    desks : tuple
        SETTINGS, one for each calibration of the script; STATE of one, changed; WORK of one; DECISION tray.
    script : tuple
        EVENT array; number of the settings in force at each; times the half spread paid after each; prices at which
        fills are made after each, shape (events, pairs), the good price where not a number.
    fill_after_ns : int
        Nanoseconds from a decision to its fill.
    shown : ndarray of SHOWN
        One row for each fixing and heartbeat, filled in order.
    log : ndarray of DECISION
        Takes the decisions.

    Returns
    -------
    int
        Decisions written; −1 when the log is too short, −2 when an event is out of time order.
    """
    settings, states, work, out = desks
    events, in_force, spread_times, true_prices = script
    scratch, written, row = np.zeros_like(events[:1]), 0, 0
    for place in range(events.shape[0]):
        desk = Desk(settings[in_force[place]], states[0], work[0], out)
        count = step(desk, events[place])
        if count < 0:
            return -2
        if written + count > log.shape[0]:
            return -1
        written = _write(desk, count, log, written)
        kind = events[place].kind
        for turn in range(1, 1 if kind == HELD else MOST_ROUNDS + 1):
            before = written
            now, market = events[place].time_ns + turn * fill_after_ns, (spread_times[place], true_prices[place])
            filled, written = _fill_round(desk, scratch[0], now, market, log, written)
            if written < before:
                return written
            if not filled:
                break
        if kind in (FIXING, HEARTBEAT):
            _show(desk, events[place].time_ns, shown[row])
            row += 1
    return written


@compiled
def _write(desk: Desk, count: int, log: Any, written: int) -> int:
    for k in range(count):
        log[written + k] = desk.out[k]
    return written + count


@compiled
def _fill_round(
    desk: Desk, event: Any, time_ns: int, market: tuple[float, Floats], log: Any, written: int
) -> tuple[bool, int]:
    """Fill all that is missing now, at the prices of now; whether there was any, and decisions written."""
    state, settings = desk.state, desk.settings
    times, true_price = market
    missing, price, some = np.zeros(settings.strategies), np.zeros(settings.strategies), False
    for slot in range(settings.strategies):
        units, pair = state.target[slot] - state.units[slot], settings.pair[slot]
        missing[slot] = units
        if units != 0.0:
            some = True
            half = times * settings.half_spread_pips[pair] * PIP[pair]
            middle = true_price[pair] if not math.isnan(true_price[pair]) else state.good[pair]
            price[slot] = middle + (half if units > 0.0 else -half)
    for slot in range(settings.strategies):
        if missing[slot] == 0.0:
            continue
        event.time_ns, event.kind, event.place, event.number = time_ns, FILL, slot, state.intent[slot]
        event.first, event.second = missing[slot], price[slot]
        count = step(desk, event)
        if count < 0:
            return some, -2
        if written + count > log.shape[0]:
            return some, -1
        written = _write(desk, count, log, written)
    return some, written


@compiled
def _show(desk: Desk, time_ns: int, row: Any) -> None:
    state, settings, gross = desk.state, desk.settings, 0.0
    for slot in range(settings.strategies):
        gross += abs(state.units[slot]) * state.value[CURRENCY_OF_BASE[settings.pair[slot]]]
        row.units[slot], row.profits[slot] = state.units[slot], state.profit[slot]
    row.time_ns, row.equity, row.drawdown = time_ns, state.equity, 1.0 - state.equity / state.peak
    row.value_at_risk, row.volatility_ratio, row.cap = state.value_at_risk, state.ratio, state.cap
    row.correlation_mean, row.correlation_drift = state.correlation_mean, state.correlation_drift
    row.stress_score, row.gross = state.score, gross / state.equity
    row.mode, row.condition, row.regime = state.mode, state.condition, state.regime
