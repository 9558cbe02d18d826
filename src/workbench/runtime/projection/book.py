"""Tables of the book: ladders, what forces mode and cap, positions, correlations. Numbers are the engine's own."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.domain.currencies import LEGS, PAIRS
from workbench.domain.trading.modes import Condition, Ladder, Mode, ScorePart
from workbench.engine.kernel.desk import Desk
from workbench.engine.kernel.layout import DECISION, WORK, records, same_records
from workbench.engine.kernel.readings import read_score, read_volatility
from workbench.engine.risk_engine import EngineState
from workbench.engine.settings import Settings
from workbench.runtime.projection.series import known
from workbench.runtime.projection.since import Since
from workbench.runtime.projection.words import action_of, metric_of, not_computable_words

Floats = NDArray[np.float64]
DECIMALS = 3
"""Of a correlation."""
TAIL_99 = "0.99"
NO_DECISIONS = records(1, DECISION)


def read_again(state: EngineState) -> tuple[Floats, Floats]:
    """Let the engine's own readings fill a scratch paper, on a copy of the state.

    Parameters
    ----------
    state : EngineState
        Now; it is not changed.

    Returns
    -------
    tuple of (ndarray, ndarray)
        How full each part of the stress score is, in [0, 1], NaN where it is missing; and the covariance of the legs
        with today's return so far.
    """
    copy, work = same_records(state.record), records(1, WORK)
    desk = Desk(state.settings.numbers[0], copy[0], work[0], NO_DECISIONS)
    read_score(desk)
    read_volatility(desk, copy["value"][0], float(copy["equity"][0]))
    return work["parts"][0], work["now"][0]


def has_readings(state: EngineState) -> bool:
    """Whether there were prices and a calibration to read risk by.

    Parameters
    ----------
    state : EngineState
        Now.

    Returns
    -------
    bool
    """
    return bool(state.priced == 1 and state.settings.numbers["calibrated"][0] == 1)


def score_parts(state: EngineState, fullness: Floats) -> list[dict[str, Any]]:
    """Parts of the stress score.

    Parameters
    ----------
    state : EngineState
        Now.
    fullness : ndarray, shape (5,)
        From `read_again`.

    Returns
    -------
    list of dict
        ``points`` out of ``most``; the score is 100 × all points ÷ the most of the parts that are not missing.
    """
    most = state.settings.numbers["score_points"][0]
    points = fullness * most if has_readings(state) else np.full(most.shape, math.nan)
    return [
        {
            "name": part.name.lower(),
            "points": known(float(points[part]), 4),
            "most": float(most[part]),
            "missing": bool(np.isnan(points[part])),
        }
        for part in ScorePart
    ]


def correlation_table(state: EngineState, covariance: Floats) -> dict[str, Any] | None:
    """Leg correlations now, as the engine reads them, and as the calibration says is normal.

    Parameters
    ----------
    state : EngineState
        Now.
    covariance : ndarray, shape (7, 7)
        From `read_again`.

    Returns
    -------
    dict or None
        None before the first prices, or without a calibration.
    """
    scale = np.sqrt(np.diag(covariance))
    if not has_readings(state) or not (np.isfinite(covariance).all() and (scale > 0.0).all()):
        return None
    now, normal = covariance / np.outer(scale, scale), state.settings.numbers["normal_correlation"][0]
    return {
        "legs": list(LEGS),
        "now": np.round(now, DECIMALS).tolist(),
        "normal": np.round(normal, DECIMALS).tolist(),
    }


def value_at_risk_99(state: EngineState) -> float | None:
    """One-day value at risk at 99 %: the calibration's tail times the engine's volatility, as the engine does at 95 %.

    Parameters
    ----------
    state : EngineState
        Now.

    Returns
    -------
    float or None
        Fraction of equity; None without such a tail, or before the first prices.
    """
    calibration = state.settings.calibration
    if calibration is None or TAIL_99 not in calibration.residual_quantiles or not has_readings(state):
        return None
    return known(calibration.residual_quantiles[TAIL_99].quantile * float(state.volatility), 12)


def rungs_of(settings: Settings) -> list[tuple[Ladder, int, dict[str, Any]]]:
    """What of every rung the policy says.

    Parameters
    ----------
    settings : Settings
        Of the engine.

    Returns
    -------
    list of tuple of (Ladder, int, dict)
        Ladder, rung from 0, and the row without what changes.
    """
    numbers, rungs = settings.numbers.view(np.ndarray)[0], []
    for ladder in Ladder:
        for rung, trigger in enumerate(numbers["trigger"][ladder].tolist()):
            if math.isfinite(trigger):
                name, unit = metric_of(ladder, rung)
                cap = float(numbers["cap"][ladder, rung])
                row = {
                    "ladder": ladder.name, "rung": rung + 1, "trigger": trigger, "metric_name": name, "unit": unit,
                    "does": action_of(settings, ladder, rung), "cap": cap if cap < 1.0 else None,
                    "people": int(numbers["people"][ladder, rung]),
                    "mode": Mode(int(numbers["rung_mode"][ladder, rung])).name,
                }  # fmt: skip
                rungs.append((ladder, rung, row))
    return rungs


def ladders(state: EngineState, rungs: list[tuple[Ladder, int, dict[str, Any]]], since: Since) -> list[dict[str, Any]]:
    """Every rung: its trigger, its metric, what it does, whether it holds, since when, and who lets it go.

    Parameters
    ----------
    state : EngineState
        Now.
    rungs : list
        From `rungs_of` its settings.
    since : Since
        Up to now.

    Returns
    -------
    list of dict
    """
    metric, tripped = state.metric.tolist(), state.tripped.tolist()
    rows = []
    for ladder, rung, row in rungs:
        holds = bool(tripped[ladder][rung])
        changing = {
            "metric": metric[ladder][rung],
            "holds": holds,
            "since_ns": since.rungs.get((ladder, rung + 1)) if holds else None,
            "latched": holds and row["people"] > 0,
        }
        rows.append({**row, **changing})
    return rows


def positions(state: EngineState) -> list[dict[str, Any]]:
    """Every strategy: what it holds, what it should hold, what it has made and what it risks.

    Parameters
    ----------
    state : EngineState
        Now.

    Returns
    -------
    list of dict
    """
    fields = ("units", "target", "base_units", "price", "profit", "component", "locked")
    columns = [state.record[name][0].tolist() for name in fields]
    marks = dict(zip(PAIRS, state.good.tolist(), strict=True))
    rows = []
    for strategy, (units, target, full, price, profit, component, locked) in zip(
        state.settings.strategies, zip(*columns, strict=True), strict=False
    ):
        row = {
            "strategy": strategy.name, "pair": strategy.pair, "tier": strategy.tier.name, "units": units,
            "target": target, "full": full, "price": price, "mark": marks[strategy.pair], "profit": profit,
            "component_value_at_risk": component, "locked": bool(locked),
        }  # fmt: skip
        rows.append(row)
    return rows


def held_by(state: EngineState, since: Since, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What forces the mode: people first, then rungs of that very mode.

    Parameters
    ----------
    state : EngineState
        Now.
    since : Since
        Up to now.
    rows : list of dict
        From `ladders`.

    Returns
    -------
    list of dict
        ``kind`` is ``person``, ``rung``, or ``past`` where nothing of what halted holds any more but nobody has
        resumed; empty while the mode is ACTIVE.
    """
    mode = Mode(int(state.mode))
    if mode is Mode.ACTIVE:
        return []
    causes = [*_people(state, since), *_rungs(state, since, rows, mode)]
    return causes or [{"kind": "past", "since_ns": since.mode_ns}]


def _people(state: EngineState, since: Since) -> Iterator[dict[str, Any]]:
    if int(state.operator_halt) == 0:
        return
    standing = [one for one in since.halts if one.time_ns >= since.halted_ns]
    for one in standing:
        yield {"kind": "person", "since_ns": one.time_ns, "actor": one.actor, "act": one.act, "reason": one.reason}
    if not standing:
        # halted by an event that no message asked for
        yield {"kind": "person", "since_ns": since.halted_ns or since.mode_ns, "actor": "", "act": "halt", "reason": ""}


def _rungs(state: EngineState, since: Since, rows: list[dict[str, Any]], mode: Mode) -> Iterator[dict[str, Any]]:
    for row in rows:
        if row["holds"] and row["mode"] == mode.name:
            unread = row["ladder"] == Ladder.TECHNICAL.name and math.isinf(row["metric"])
            why = not_computable_words(state, since) if unread else ""
            yield {
                "kind": "rung", "since_ns": row["since_ns"], "ladder": row["ladder"], "rung": row["rung"], "why": why,
            }  # fmt: skip


def cap_by(state: EngineState, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Which of the caps that hold is the most restrictive one: they are never multiplied.

    Parameters
    ----------
    state : EngineState
        Now.
    rows : list of dict
        From `ladders`.

    Returns
    -------
    dict
        ``cap_allowed``, and under ``cap_by`` whatever sets it; the book's own cap is lower while exposure returns in
        steps.
    """
    condition = Condition(int(state.condition))
    allowed = float(state.settings.numbers["condition_cap"][0, condition])
    caps: list[dict[str, Any]] = [{"kind": "condition", "condition": condition.name, "cap": allowed}]
    caps += [
        {"kind": "rung", "ladder": row["ladder"], "rung": row["rung"], "cap": row["cap"]}
        for row in rows
        if row["holds"] and row["cap"] is not None
    ]
    least = min(one["cap"] for one in caps)
    return {"cap_allowed": least, "cap_by": [one for one in caps if one["cap"] == least < 1.0]}
