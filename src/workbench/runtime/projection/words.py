"""Words of the projection: what a rung does, what its metric is, what lets go, why a resume was refused."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from workbench.domain.trading.decisions import ResumeRefused
from workbench.domain.trading.market_hours import MINUTE_NS
from workbench.domain.trading.modes import CloseOrder, Ladder, Mode
from workbench.domain.trading.reasons import Reason
from workbench.engine.risk_engine import EngineState
from workbench.engine.settings import Settings
from workbench.runtime.projection.since import Since

METRICS = {
    (Ladder.DRAWDOWN, None): ("drawdown from peak equity", "fraction"),
    (Ladder.VOLATILITY, None): ("volatility over normal", "ratio"),
    (Ladder.VALUE_AT_RISK, None): ("one-day value at risk at 95 % over equity", "fraction"),
    (Ladder.CORRELATION, 0): ("mean change of the leg correlations from normal", "correlation"),
    (Ladder.CORRELATION, 1): ("mean absolute leg correlation, 1 when enough held legs have moved", "correlation"),
    (Ladder.TECHNICAL, 0): ("silence of the feed in use", "seconds"),
    (Ladder.TECHNICAL, 1): ("silence of every feed", "seconds"),
    (Ladder.TECHNICAL, 2): ("silence of every feed or of the broker", "seconds"),
}
"""Name and unit of what a rung watches; without a rung, of every rung of the ladder."""
MODES = {
    Mode.ACTIVE: "",
    Mode.REDUCING: "no new entries, positions only shrink",
    Mode.HALTED: "trading halted",
}
CLOSES = {
    CloseOrder.EVERY_POSITION_ALIKE: "of every position closed at once",
    CloseOrder.MOST_VOLATILE_POSITIONS: "of the positions closed at once, the most volatile first",
    CloseOrder.LARGEST_VALUE_AT_RISK: "of the exposure closed at once, the largest value at risk first",
}


SHORT = {
    Ladder.DRAWDOWN.name: "drawdown", Ladder.VOLATILITY.name: "volatility ratio",
    Ladder.VALUE_AT_RISK.name: "VaR 95 %",
}  # fmt: skip
"""Ladders whose rungs all watch the same; what the others watch is named by rung."""


def metric_of(ladder: Ladder, rung: int) -> tuple[str, str]:
    """What a rung watches.

    Parameters
    ----------
    ladder : Ladder
        Its ladder.
    rung : int
        From 0.

    Returns
    -------
    tuple of (str, str)
        Name, and unit: ``fraction``, ``ratio``, ``correlation`` or ``seconds``.
    """
    return METRICS.get((ladder, rung)) or METRICS[ladder, None]


def action_of(settings: Settings, ladder: Ladder, rung: int) -> str:
    """What a rung does, by the numbers the engine acts on.

    Parameters
    ----------
    settings : Settings
        Of the engine.
    ladder : Ladder
        Its ladder.
    rung : int
        From 0.

    Returns
    -------
    str
        For example ``exposure at most 75 %, stops 20 % tighter, alert level 3``.
    """
    place, numbers = (ladder, rung), settings.numbers.view(np.ndarray)[0]
    people, level = int(numbers["people"][place]), int(numbers["alert_level"][place])
    parts = [
        "the other feed takes over" if ladder is Ladder.TECHNICAL and numbers["fail_over"][rung] else "",
        _closing(numbers, place),
        MODES[Mode(int(numbers["rung_mode"][place]))],
        _cap(float(numbers["cap"][place])),
        _tighter(float(numbers["stops_tighter"][place])),
        _confirmations(int(numbers["extra_confirmations"][place])),
        "only defensive strategies may enter" if numbers["defensive_only"][place] else "",
        f"alert level {level}",
        f"{people} people must resume" if people else "",
    ]
    return ", ".join(part for part in parts if part)


def _closing(numbers: Any, place: tuple[Ladder, int]) -> str:
    fraction, order = float(numbers["close_fraction"][place]), CloseOrder(int(numbers["close_order"][place]))
    if fraction == 0.0 or order is CloseOrder.NOTHING:
        return ""
    return "every position closed at once" if fraction == 1.0 else f"{percent(fraction)} {CLOSES[order]}"


def _cap(cap: float) -> str:
    if cap >= 1.0:
        return ""
    return "no exposure" if cap == 0.0 else f"exposure at most {percent(cap)}"


def _tighter(share: float) -> str:
    return f"stops {percent(share)} tighter" if share else ""


def _confirmations(count: int) -> str:
    return f"{count} more confirmation{'s' if count > 1 else ''}" if count else ""


def percent(fraction: float) -> str:
    """A fraction for people.

    Parameters
    ----------
    fraction : float
        0.75 is 75 %.

    Returns
    -------
    str
    """
    return f"{100.0 * fraction:.6g} %"


def refusal_of(refused: ResumeRefused) -> str:
    """Why trading was not resumed, with the numbers.

    Parameters
    ----------
    refused : ResumeRefused
        Decision of the engine.

    Returns
    -------
    str
    """
    if refused.ladder is None:
        return refused.reason.sentence
    ladder = refused.ladder.name.lower().replace("_", " ")
    return f"{refused.reason.sentence} ({ladder}: {refused.metric:.4g}, the trigger is {refused.trigger:.4g})"


def not_computable_words(state: EngineState, since: Since) -> str:
    """Why risk cannot be computed now.

    Parameters
    ----------
    state : EngineState
        Now.
    since : Since
        Up to now; it knows what the book and the broker differ about.

    Returns
    -------
    str
        Empty while it can.
    """
    reason, differ = int(state.not_computable), since.unreconciled
    if int(state.unreconciled) == 1 and differ is not None and reason == Reason.RISK_NOT_COMPUTABLE:
        return f"{differ.strategy}: {differ.reason.sentence}" if differ.strategy else differ.reason.sentence
    return Reason(reason).sentence if reason else ""


def entries_stopped(state: EngineState, since: Since) -> str:
    """Why no position may grow now.

    Parameters
    ----------
    state : EngineState
        Now.
    since : Since
        Up to now.

    Returns
    -------
    str
        Empty while positions may grow.
    """
    if int(state.mode) != Mode.ACTIVE:
        return f"the book is {Mode(int(state.mode)).name}"
    return Reason.FIRST_READING.sentence if int(state.caution) == 1 else not_computable_words(state, since)


def lets_go(state: EngineState, rows: Sequence[dict[str, Any]]) -> str:
    """What has to happen for the mode to become a milder one.

    Parameters
    ----------
    state : EngineState
        Now.
    rows : sequence of dict
        From `book.ladders`.

    Returns
    -------
    str
        Sentences; empty while the mode is ACTIVE.
    """
    mode, held = Mode(int(state.mode)), [row for row in rows if row["holds"]]
    if mode is Mode.ACTIVE:
        return ""
    reducing = [row for row in held if row["mode"] == Mode.REDUCING.name and not row["people"]]
    if mode is Mode.HALTED:
        left = f" Then REDUCING until {_all_calm(state, reducing)}." if reducing else ""
        return _people_words(held) + left
    parts = [_people_words(held)] if any(row["people"] for row in held) else []
    parts += [f"{'And when' if parts else 'when'} {_all_calm(state, reducing)}."] if reducing else []
    return " ".join(parts)


def _people_words(held: Sequence[dict[str, Any]]) -> str:
    """What two people need: the loop refuses a resume while a rung that waits for them is beyond its trigger."""
    beyond = [row for row in held if row["people"] and not row["metric"] <= row["trigger"]]
    if not beyond:
        return "two people must resume; no limit stands against it now."
    peak = " or they start the peak anew" if all(row["ladder"] == Ladder.DRAWDOWN.name for row in beyond) else ""
    limits = " and ".join(f"{_watched(row)} is at most {_value(row, row['trigger'])}" for row in beyond)
    now = ", ".join(_value(row, row["metric"]) for row in beyond)
    return f"two people must resume; refused until {limits} (now {now}){peak}."


def _all_calm(state: EngineState, rows: Sequence[dict[str, Any]]) -> str:
    """What lets rungs go by themselves."""
    numbers = state.settings.numbers.view(np.ndarray)[0]
    share, minutes = float(numbers["release_fraction"]), int(numbers["dwell_ns"]) / MINUTE_NS
    parts = [
        f"{_watched(row)} is under {_value(row, share * row['trigger'])}"
        if math.isfinite(row["metric"])
        else "what stops risk from being computed is mended"
        for row in rows
    ]
    return f"{' and '.join(dict.fromkeys(parts))} for {minutes:g} minutes of market time"


def _watched(row: dict[str, Any]) -> str:
    return str(SHORT.get(row["ladder"], row["metric_name"]))


def _value(row: dict[str, Any], value: float) -> str:
    """A value of a rung's metric with its unit."""
    if not math.isfinite(value):
        return "not known"
    if row["unit"] == "fraction":
        return f"{100.0 * value:.4g} %"
    return f"{value:.4g} s" if row["unit"] == "seconds" else f"{value:.4g}"
