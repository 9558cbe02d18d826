"""Words of the projection: what a rung does, what its metric is, why a resume was refused."""

from typing import Any

import numpy as np

from workbench.domain.trading.decisions import ResumeRefused
from workbench.domain.trading.modes import CloseOrder, Ladder, Mode
from workbench.engine.settings import Settings

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
