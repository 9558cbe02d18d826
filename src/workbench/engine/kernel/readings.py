"""Readings: volatility on two clocks, VaR and ES, who carries it, correlation, turbulence, stress score.

Volatility and covariance are the larger of two readings. Slow: the daily EWMA state, and the same with today's return
so far taken in. Fast: what was realised over the last hour of one-minute marks, times the hours of a day (a flat
profile over the day). VaR and ES are multiples of volatility from the calibration, positive fractions of equity.
"""

import math

import numpy as np
from numpy.typing import NDArray

from workbench.controls.stress_score import FULL_SPREAD, fullness, stress_score
from workbench.domain.compiled import compiled
from workbench.domain.trading.market_hours import MINUTE_NS, SECOND_NS
from workbench.engine.kernel.desk import Desk
from workbench.engine.kernel.layout import CURRENCY_OF_BASE, CURRENCY_OF_QUOTE, LEG_COUNT, MINUTES, PAIR_COUNT, RUNGS

Floats = NDArray[np.float64]

HOURS_PER_DAY = 24.0
FLAT = 1e-9
"""Volatility below which a book has no risk to speak of; a ratio of two such numbers means nothing."""


@compiled
def start_day(desk: Desk) -> None:
    """Today's return counts from here."""
    for leg in range(LEG_COUNT):
        desk.state.day_start[leg] = desk.state.value[leg + 1]


@compiled
def close_day(desk: Desk) -> None:
    """Keep what this event has read of the whole day, covariance and turbulence, and start the next day."""
    desk.state.covariance[:, :] = desk.work.now
    desk.state.closed_turbulence = desk.work.distance
    start_day(desk)


@compiled
def sample_minute(desk: Desk) -> None:
    """Take the return of the minutes that are over into the last hour; a longer gap empties it.

    So does a closed market: the gap of a week-end is no minute's return.
    """
    state = desk.state
    minute = state.market_ns // MINUTE_NS
    passed = minute - state.minute
    closed = (state.time_ns - state.minute_time) // MINUTE_NS - passed >= MINUTES
    if state.priced == 0 or (passed == 0 and not closed):
        return
    if math.isnan(state.minute_start[0]) or passed >= MINUTES or closed:
        state.fast[:, :] = 0.0
        state.minute_returns[:, :] = 0.0
        state.minute_place = 0
    else:
        # a gap of some minutes is one return, and empty minutes after it
        for k in range(passed):
            _push_minute(desk, k == 0)
    for leg in range(LEG_COUNT):
        state.minute_start[leg] = state.value[leg + 1]
    state.minute = minute
    state.minute_time = state.time_ns


@compiled
def _push_minute(desk: Desk, moved: bool) -> None:
    state, place = desk.state, desk.state.minute_place
    for leg in range(LEG_COUNT):
        fresh = state.value[leg + 1] / state.minute_start[leg] - 1.0 if moved else 0.0
        desk.work.row[leg] = fresh
    for i in range(LEG_COUNT):
        for j in range(LEG_COUNT):
            old = state.minute_returns[place, i] * state.minute_returns[place, j]
            state.fast[i, j] += desk.work.row[i] * desk.work.row[j] - old
    for leg in range(LEG_COUNT):
        state.minute_returns[place, leg] = desk.work.row[leg]
    state.minute_place = (place + 1) % MINUTES
    if state.minute_place == 0:
        _sum_hour(desk)


@compiled
def _sum_hour(desk: Desk) -> None:
    """Sum the hour anew, so that rounding cannot add up."""
    state = desk.state
    for i in range(LEG_COUNT):
        for j in range(LEG_COUNT):
            total = 0.0
            for k in range(MINUTES):
                total += state.minute_returns[k, i] * state.minute_returns[k, j]
            state.fast[i, j] = total


@compiled
def _weigh(desk: Desk, value: Floats, equity: float) -> bool:
    """Exposure to each leg over equity; whether any position is held."""
    settings, state, weights = desk.settings, desk.state, desk.work.weights
    held = False
    for leg in range(LEG_COUNT):
        weights[leg] = 0.0
    for slot in range(settings.strategies):
        units = state.units[slot]
        if units != 0.0:
            held = True
            base, quote = CURRENCY_OF_BASE[settings.pair[slot]], CURRENCY_OF_QUOTE[settings.pair[slot]]
            weight = units * value[base] / equity
            if base > 0:
                weights[base - 1] += weight
            if quote > 0:
                weights[quote - 1] -= weight
    return held


@compiled
def _quadratic(matrix: Floats, weights: Floats) -> float:
    total = 0.0
    for i in range(LEG_COUNT):
        if weights[i] != 0.0:
            row = 0.0
            for j in range(LEG_COUNT):
                row += matrix[i, j] * weights[j]
            total += weights[i] * row
    return total


@compiled
def read_volatility(desk: Desk, value: Floats, equity: float) -> tuple[float, float, int]:
    """Portfolio volatility, its ratio to normal, and whether the fast reading is the larger one.

    The ratio is the larger of the book's own and the mean of the legs': a flat book sees the market, a held one itself.
    Leaves the exposure and the covariance with today's return so far on the scratch paper.
    """
    settings, state, work = desk.settings, desk.state, desk.work
    held = _weigh(desk, value, equity)
    day, minute = work.day_return, work.minute_return
    started = not math.isnan(state.day_start[0])
    sampled = not math.isnan(state.minute_start[0])
    along_minute = 0.0
    for leg in range(LEG_COUNT):
        day[leg] = value[leg + 1] / state.day_start[leg] - 1.0 if started else 0.0
        minute[leg] = value[leg + 1] / state.minute_start[leg] - 1.0 if sampled else 0.0
        along_minute += work.weights[leg] * minute[leg]
    legs = 0.0
    for i in range(LEG_COUNT):
        for j in range(i, LEG_COUNT):
            decay = settings.decay[i, j]
            work.now[i, j] = decay * state.covariance[i, j] + (1.0 - decay) * day[i] * day[j]
            work.now[j, i] = work.now[i, j]
        fast = HOURS_PER_DAY * (max(state.fast[i, i], 0.0) + minute[i] * minute[i])
        legs += math.sqrt(max(state.covariance[i, i], work.now[i, i], fast)) / settings.normal_volatility[i]
    ratio = legs / LEG_COUNT
    if not held:
        return 0.0, ratio, 0
    slow = max(_quadratic(state.covariance, work.weights), _quadratic(work.now, work.weights))
    fast = HOURS_PER_DAY * (_quadratic(state.fast, work.weights) + along_minute * along_minute)
    volatility = math.sqrt(max(slow, fast))
    normal = math.sqrt(max(_quadratic(settings.normal_covariance, work.weights), 0.0))
    if normal > FLAT:
        ratio = max(ratio, volatility / normal)
    return volatility, ratio, 1 if fast > slow else 0


@compiled
def read_contributions(desk: Desk) -> None:
    """Component VaR of each position under the covariance that gave the volatility; the sum is the book's VaR."""
    settings, state, work = desk.settings, desk.state, desk.work
    held_more = _quadratic(state.covariance, work.weights) >= _quadratic(work.now, work.weights)
    along = 0.0
    for leg in range(LEG_COUNT):
        along += work.weights[leg] * work.minute_return[leg]
    variance = 0.0
    for i in range(LEG_COUNT):
        row = 0.0
        for j in range(LEG_COUNT):
            if state.fast_wins == 1:
                row += HOURS_PER_DAY * state.fast[i, j] * work.weights[j]
            elif held_more:
                row += state.covariance[i, j] * work.weights[j]
            else:
                row += work.now[i, j] * work.weights[j]
        if state.fast_wins == 1:
            row += HOURS_PER_DAY * work.minute_return[i] * along
        work.row[i] = row
        variance += work.weights[i] * row
    for slot in range(settings.strategies):
        units = state.units[slot]
        part = 0.0
        if units != 0.0 and variance > FLAT * FLAT:
            base, quote = CURRENCY_OF_BASE[settings.pair[slot]], CURRENCY_OF_QUOTE[settings.pair[slot]]
            marginal = (work.row[base - 1] if base > 0 else 0.0) - (work.row[quote - 1] if quote > 0 else 0.0)
            part = units * state.value[base] / state.equity * marginal / variance * state.value_at_risk
        state.component[slot] = part


@compiled
def read_correlation(desk: Desk) -> int:
    """Mean and drift of the leg correlations; returns how many among the held legs are high and have moved."""
    settings, state, work = desk.settings, desk.state, desk.work
    mean, drift, moved = 0.0, 0.0, 0
    for i in range(LEG_COUNT):
        work.row[i] = 1.0 / math.sqrt(work.now[i, i])
    for i in range(LEG_COUNT):
        for j in range(i):
            correlation = work.now[i, j] * work.row[i] * work.row[j]
            change = abs(correlation - settings.normal_correlation[i, j])
            mean += abs(correlation)
            drift += change
            high = abs(correlation) > settings.high_correlation and change > settings.moved_correlation
            if high and work.weights[i] != 0.0 and work.weights[j] != 0.0:
                moved += 1
    count = LEG_COUNT * (LEG_COUNT - 1) // 2
    state.correlation_mean, state.correlation_drift = mean / count, drift / count
    return moved


@compiled
def read_turbulence(desk: Desk) -> None:
    """Squared Mahalanobis distance over the number of legs, 1 on average: of today so far, or of the last full day.

    The larger of the two, so that a day that was closed a minute ago is not forgotten.
    """
    day, precision, distance = desk.work.day_return, desk.settings.normal_precision, 0.0
    for i in range(LEG_COUNT):
        row = 0.5 * precision[i, i] * day[i]
        for j in range(i):
            row += precision[i, j] * day[j]
        distance += 2.0 * day[i] * row
    desk.work.distance = distance / LEG_COUNT
    desk.state.turbulence = max(desk.work.distance, desk.state.closed_turbulence)


@compiled
def read_score(desk: Desk) -> None:
    """Stress score over the parts that have a reading."""
    settings, state, parts = desk.settings, desk.state, desk.work.parts
    last = 0.0
    for rung in range(RUNGS):
        if math.isfinite(settings.trigger[1, rung]):
            last = settings.trigger[1, rung]
    parts[0] = fullness(state.ratio, 1.0, max(last, 1.0 + FLAT))
    level = fullness(state.correlation_mean, 0.0, settings.trigger[3, 1])
    drift = fullness(state.correlation_drift, 0.0, settings.trigger[3, 0])
    # a level is only stress when the correlations have moved too: the legs are close in calm times
    parts[1] = max(drift, level if level >= 1.0 else 0.0) if not math.isnan(drift) else math.nan
    parts[2] = fullness(state.turbulence, 1.0, max(settings.turbulence_full, 1.0 + FLAT))
    if state.time_ns < state.scheduled_until and not parts[2] >= state.scheduled_level:
        parts[2] = state.scheduled_level
    parts[3] = _illiquidity(desk)
    parts[4] = settings.absorption
    state.score, state.score_missing = stress_score(parts, settings.score_points)


@compiled
def _illiquidity(desk: Desk) -> float:
    """The worse of the mean spread over normal and the staleness of prices; NaN when no spread is known."""
    settings, state = desk.settings, desk.state
    total, count = 0.0, 0
    for pair in range(PAIR_COUNT):
        if state.normal_spread[pair] > 0.0 and not math.isnan(state.spread[pair]):
            total += state.spread[pair] / state.normal_spread[pair]
            count += 1
    if count == 0:
        return math.nan
    age = (state.market_ns - state.feed_seen[state.feed]) / SECOND_NS
    return max(fullness(total / count, 1.0, FULL_SPREAD), fullness(age, 0.0, settings.trigger[4, 1]))
