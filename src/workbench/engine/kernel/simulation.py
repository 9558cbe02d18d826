"""Many steps in a row: a file of events, or simulated paths whose orders are filled at once at the price of the mark.

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
from workbench.engine.kernel.layout import LEG_COUNT, EventKind
from workbench.engine.kernel.orders import book
from workbench.engine.kernel.prices import mark_money
from workbench.engine.kernel.step import OUT_OF_ORDER, step

Floats = NDArray[np.float64]

FIXING = int(EventKind.FIXING)
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
def walk_path(desk: Desk, event: Any, returns: Floats, step_ns: int, equity: Floats) -> None:
    """Walk one simulated path of fixings, each closing a day.

    Parameters
    ----------
    desk : Desk
        Its state begins priced and is changed.
    event : record
        EVENT to write into.
    returns : ndarray, shape (steps, legs)
        Simple leg returns.
    step_ns : int
        Nanoseconds between two marks.
    equity : ndarray, shape (steps,)
        Filled with the equity after each mark and its fills.
    """
    state = desk.state
    for place in range(returns.shape[0]):
        for leg in range(LEG_COUNT):
            event.values[leg] = state.value[leg + 1] * (1.0 + returns[place, leg])
        event.time_ns = state.time_ns + step_ns
        event.kind = FIXING
        event.number = 1
        step(desk, event)
        fill_targets(desk)
        equity[place] = state.equity


@compiled
def walk_paths(desks: tuple[Any, Any, Any, Any], events: Any, returns: Floats, step_ns: int, equity: Floats) -> None:
    """Walk paths one after the other, each in its own state; the same compiled code as a single path.

    Parameters
    ----------
    desks : tuple
        SETTINGS array of one; STATE, WORK and DECISION tray: one state a path, one of the others.
    events : ndarray of EVENT, shape (1,)
        Scratch.
    returns : ndarray, shape (paths, steps, legs)
        Simple leg returns.
    step_ns : int
        Nanoseconds between two marks.
    equity : ndarray, shape (paths, steps)
        Filled.
    """
    settings, states, work, out = desks
    for path in range(returns.shape[0]):
        desk = Desk(settings[0], states[path], work[0], out)
        walk_path(desk, events[0], returns[path], step_ns, equity[path])


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
