"""Rungs: every ladder on every mark. What trips acts at once, what is calm lets go after its dwell time."""

import math

from workbench.controls.ladders import calm_since, may_release
from workbench.controls.modes import NEXT_MODE, Trigger
from workbench.domain.compiled import compiled
from workbench.domain.trading.market_hours import SECOND_NS
from workbench.domain.trading.modes import Ladder, Mode
from workbench.domain.trading.reasons import Reason
from workbench.engine.kernel.desk import Desk, alert, decide
from workbench.engine.kernel.layout import CONDITIONS, LADDERS, RUNGS, SLOTS, DecisionKind
from workbench.engine.kernel.prices import all_settled, silence
from workbench.engine.kernel.readings import (
    read_contributions,
    read_correlation,
    read_score,
    read_turbulence,
    read_volatility,
)

TECHNICAL = int(Ladder.TECHNICAL)
ACTIVE, REDUCING, HALTED = int(Mode.ACTIVE), int(Mode.REDUCING), int(Mode.HALTED)
NOTHING, REDUCE, HALT = int(Trigger.NOTHING), int(Trigger.REDUCE), int(Trigger.HALT)
RUNG_RELEASED, MODE = int(DecisionKind.RUNG_RELEASED), int(DecisionKind.MODE)
CONDITION, CAUTION = int(DecisionKind.CONDITION), int(DecisionKind.CAUTION)
CANCEL_ALL = int(DecisionKind.CANCEL_ALL)
TRIPPED, RELEASED = int(Reason.RUNG_TRIPPED), int(Reason.RUNG_RELEASED)
FIRST_READING, READING_CLEARED = int(Reason.FIRST_READING), int(Reason.READING_CLEARED)
CONDITION_CHANGED, MODE_CHANGED = int(Reason.CONDITION_CHANGED), int(Reason.MODE_CHANGED)
NOT_COMPUTABLE, STALE = int(Reason.RISK_NOT_COMPUTABLE), int(Reason.CALIBRATION_STALE)
NO_CALIBRATION = int(Reason.CALIBRATION_MISSING)
RUNG_PLACE = 8
"""A rung's place in a decision: ladder × 8 + rung."""


@compiled
def read_metrics(desk: Desk, repriced: bool) -> None:
    """Every ladder's metric by the good prices; drawdown, volatility and VaR also by the last ones."""
    settings, state = desk.settings, desk.state
    if repriced:
        _read_drawdown(desk)
    if repriced and state.priced == 1 and settings.calibrated == 1:
        _read_raw(desk)
        state.volatility, state.ratio, state.fast_wins = read_volatility(desk, state.value, state.equity)
        state.value_at_risk = settings.quantile_95 * state.volatility
        state.shortfall = settings.shortfall_975 * state.volatility
        read_contributions(desk)
        moved = read_correlation(desk)
        read_turbulence(desk)
        for rung in range(RUNGS):
            state.metric[1, rung] = state.ratio
            state.metric[2, rung] = state.value_at_risk
        state.metric[3, 0] = state.correlation_drift
        # enough held legs that are high and have moved count as correlation one
        state.metric[3, 1] = 1.0 if moved >= settings.moved_count else state.correlation_mean
    if state.priced == 1 and settings.calibrated == 1:
        read_score(desk)
    _read_silence(desk)
    _fail_closed(desk)


@compiled
def _read_drawdown(desk: Desk) -> None:
    """Money lost since the peak: it takes no calibration, so a book without one is still cut when it falls."""
    state, settled = desk.state, all_settled(desk)
    for rung in range(RUNGS):
        state.metric[0, rung] = 1.0 - state.equity / state.peak
        state.raw_metric[0, rung] = math.nan if settled else 1.0 - state.raw_equity / state.peak


@compiled
def _read_raw(desk: Desk) -> None:
    """Risk by the last prices: a first reading, not yet confirmed."""
    settings, state = desk.settings, desk.state
    if all_settled(desk):
        return
    volatility, ratio, _ = read_volatility(desk, state.raw_value, state.raw_equity)
    for rung in range(RUNGS):
        state.raw_metric[1, rung] = ratio
        state.raw_metric[2, rung] = settings.quantile_95 * volatility


@compiled
def _read_silence(desk: Desk) -> None:
    """Seconds of market time without a price, without both feeds, without a broker."""
    state = desk.state
    both = state.market_ns - max(state.feed_seen[0], state.feed_seen[1])
    broker = state.market_ns - state.broker_lost if state.broker_lost > 0 else 0
    state.metric[TECHNICAL, 0] = silence(desk, state.feed)
    state.metric[TECHNICAL, 1] = both / SECOND_NS
    state.metric[TECHNICAL, 2] = max(both, broker) / SECOND_NS


@compiled
def _fail_closed(desk: Desk) -> None:
    """What cannot be computed, or a calibration that is missing or stale, is a breach of a technical rung."""
    settings, state = desk.settings, desk.state
    held = False
    for slot in range(settings.strategies):
        held = held or state.units[slot] != 0.0
    reason = 0
    if settings.calibrated == 0:
        reason = NO_CALIBRATION
    elif state.time_ns > settings.stale_after_ns:
        reason = STALE
    # before the first prices a flat book has no risk to compute; it cannot enter either
    finite = (
        math.isfinite(state.metric[0, 0]) and math.isfinite(state.metric[1, 0]) and math.isfinite(state.metric[2, 0])
    )
    if reason == 0 and (state.unreconciled == 1 or (not finite and (held or state.priced == 1))):
        reason = NOT_COMPUTABLE
    state.not_computable = reason
    if reason in (NO_CALIBRATION, STALE):
        state.metric[TECHNICAL, settings.stale_rung] = math.inf
    elif reason != 0:
        state.metric[TECHNICAL, settings.fail_closed_rung] = math.inf


@compiled
def climb(desk: Desk) -> int:
    """Trip and release rungs; returns how many tripped, their places are on the scratch paper."""
    settings, state, count = desk.settings, desk.state, 0
    for ladder in range(LADDERS):
        for rung in range(RUNGS):
            trigger, metric = settings.trigger[ladder, rung], state.metric[ladder, rung]
            if math.isinf(trigger):
                continue
            if state.tripped[ladder, rung] == 0:
                if metric > trigger:
                    _trip(desk, ladder, rung)
                    desk.work.tripped[count] = ladder * RUNG_PLACE + rung
                    count += 1
                continue
            since = calm_since(
                metric, settings.release_fraction * trigger, state.calm_since[ladder, rung], state.market_ns
            )
            state.calm_since[ladder, rung] = since
            if settings.people[ladder, rung] == 0 and may_release(since, state.market_ns, settings.dwell_ns):
                release(desk, ladder, rung, RELEASED)
    return count


@compiled
def _trip(desk: Desk, ladder: int, rung: int) -> None:
    settings, state = desk.settings, desk.state
    state.tripped[ladder, rung] = 1
    state.calm_since[ladder, rung] = 0
    reason = TRIPPED
    if ladder == TECHNICAL and math.isinf(state.metric[ladder, rung]):
        reason = state.not_computable
    place = ladder * RUNG_PLACE + rung
    level = settings.alert_level[ladder, rung]
    raised = alert(desk, reason, place, level, state.metric[ladder, rung], settings.trigger[ladder, rung])
    raised.number = 1
    raised.third = settings.due_seconds[ladder, rung]


@compiled
def release(desk: Desk, ladder: int, rung: int, reason: int) -> None:
    """Let a rung go."""
    state = desk.state
    state.tripped[ladder, rung] = 0
    state.calm_since[ladder, rung] = 0
    freed = decide(desk, RUNG_RELEASED, reason, ladder * RUNG_PLACE + rung)
    freed.first = state.metric[ladder, rung]


@compiled
def read_caution(desk: Desk) -> None:
    """Entries stop at a first reading above a trigger that acts; they go on when the reading is settled."""
    settings, state = desk.settings, desk.state
    caution, metric = 0, 0.0
    if not math.isnan(state.raw_metric[0, 0]):
        for ladder in range(3):
            for rung in range(RUNGS):
                acts = settings.rung_mode[ladder, rung] != ACTIVE or settings.cap[ladder, rung] < 1.0
                above = state.raw_metric[ladder, rung] > settings.trigger[ladder, rung]
                if acts and above and state.tripped[ladder, rung] == 0:
                    caution, metric = 1, state.raw_metric[ladder, rung]
    if caution != state.caution:
        state.caution = caution
        changed = decide(desk, CAUTION, FIRST_READING if caution == 1 else READING_CLEARED, 0)
        changed.number = caution
        changed.first = metric


@compiled
def read_condition(desk: Desk) -> bool:
    """The worse of two readings, volatility ratio and stress score; better only after the dwell time; did it change."""
    settings, state = desk.settings, desk.state
    worst = 0
    for reading in range(2):
        value = state.ratio if reading == 0 else state.score
        for k in range(CONDITIONS - 1):
            bound = settings.condition_ratio[k] if reading == 0 else settings.condition_score[k]
            # a ratio on the bound is beyond it, a score on the bound is not
            beyond = value >= bound if reading == 0 else value > bound
            if beyond:
                state.condition_tripped[reading, k] = 1
            since = calm_since(
                value, settings.release_fraction * bound, state.condition_calm[reading, k], state.market_ns
            )
            state.condition_calm[reading, k] = since
            if may_release(since, state.market_ns, settings.dwell_ns):
                state.condition_tripped[reading, k] = 0
            if state.condition_tripped[reading, k] == 1:
                worst = max(worst, k + 1)
    if worst == state.condition:
        return False
    changed = decide(desk, CONDITION, CONDITION_CHANGED, 0)
    changed.level = state.condition
    changed.number = worst
    active = 0
    for slot in range(SLOTS):
        active += settings.active[worst, slot]
    changed.first = active
    changed.second = settings.condition_cap[worst]
    changed.third = settings.condition_confirmations[worst]
    state.condition = worst
    return True


@compiled
def required_cap(desk: Desk) -> float:
    """The most restrictive of all caps that hold; caps are never multiplied."""
    settings, state = desk.settings, desk.state
    cap = settings.condition_cap[state.condition]
    for ladder in range(LADDERS):
        for rung in range(RUNGS):
            if state.tripped[ladder, rung] == 1 and settings.cap[ladder, rung] < cap:
                cap = settings.cap[ladder, rung]
    return float(cap)


@compiled
def turn_mode(desk: Desk) -> bool:
    """Apply the mode table to the most severe thing that holds; whether the mode changed."""
    settings, state = desk.settings, desk.state
    trigger = HALT if state.operator_halt == 1 else NOTHING
    for ladder in range(LADDERS):
        for rung in range(RUNGS):
            if state.tripped[ladder, rung] == 1:
                if settings.rung_mode[ladder, rung] == HALTED:
                    trigger = HALT
                elif settings.rung_mode[ladder, rung] == REDUCING and trigger == NOTHING:
                    trigger = REDUCE
    return enter_mode(desk, NEXT_MODE[state.mode, trigger], MODE_CHANGED)


@compiled
def enter_mode(desk: Desk, mode: int, reason: int) -> bool:
    """Change the mode, and cancel what waits at the broker when entries stop; whether it changed."""
    state = desk.state
    if mode == state.mode:
        return False
    changed = decide(desk, MODE, reason, 0)
    changed.level = state.mode
    changed.number = mode
    if mode > state.mode:
        decide(desk, CANCEL_ALL, reason, 0)
    state.mode = mode
    return True
