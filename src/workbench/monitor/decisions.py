"""Decisions in words: what was decided, and why, for logs, replays and pages."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from workbench.domain.tables import html_table
from workbench.domain.trading import decisions as said
from workbench.domain.trading.modes import Ladder

if TYPE_CHECKING:
    import pandas as pd

LADDER_NAMES = {
    Ladder.DRAWDOWN: "drawdown",
    Ladder.VOLATILITY: "volatility over normal",
    Ladder.VALUE_AT_RISK: "VaR 95 %",
    Ladder.CORRELATION: "correlation",
    Ladder.TECHNICAL: "technical",
}
SHARES = (Ladder.DRAWDOWN, Ladder.VALUE_AT_RISK)
"""Ladders whose metric is a fraction, shown in per cent."""


@dataclass(frozen=True, slots=True)
class Line:
    """One decision as a person reads it; `weight` 0 to 4 says how much it matters."""

    time: "pd.Timestamp"
    what: str
    why: str
    weight: int


def reading(ladder: Ladder | None, value: float) -> str:
    """A metric in its own unit.

    Parameters
    ----------
    ladder : Ladder or None
        Which metric.
    value : float
        Its reading.

    Returns
    -------
    str
    """
    if ladder in SHARES:
        return f"{value:.2%}".replace("%", " %")
    if ladder is Ladder.TECHNICAL:
        return f"{value:,.0f} s" if value < float("inf") else "not computable"
    return f"{value:.2f}"


def line_of(decision: said.AnyDecision) -> Line:
    """Put a decision in words.

    Parameters
    ----------
    decision : Decision
        Any but a snapshot.

    Returns
    -------
    Line
    """
    import pandas as pd

    what, weight = words_of(decision)
    return Line(pd.Timestamp(decision.time_ns, tz="UTC"), what, decision.reason.sentence, weight)


def words_of(decision: said.AnyDecision) -> tuple[str, int]:
    """What was decided, without pandas: for processes that stay small.

    Parameters
    ----------
    decision : Decision
        Any but a snapshot.

    Returns
    -------
    tuple of (str, int)
        In words, and how much it matters, 0 to 4.
    """
    return _WORDS[type(decision)](decision)


@dataclass(frozen=True, slots=True)
class DecisionTable:
    """Decisions as a notebook shows them."""

    lines: tuple[Line, ...]

    def _repr_html_(self) -> str:
        rows = [[f"{line.time:%Y-%m-%d %H:%M:%S}", line.what, line.why] for line in self.lines]
        return html_table(["time (UTC)", "decision", "because"], rows)


def decision_table(decisions: Iterable[said.AnyDecision], *, weight: int = 2) -> DecisionTable:
    """Decisions that matter at least so much, in words.

    Parameters
    ----------
    decisions : iterable of Decision
        In order; no snapshots.
    weight : int
        0 shows all, 2 leaves single orders out.

    Returns
    -------
    DecisionTable
    """
    lines = (line_of(decision) for decision in decisions)
    return DecisionTable(tuple(line for line in lines if line.weight >= weight))


def _target(one: said.TargetPosition) -> tuple[str, int]:
    act = "close" if one.units == 0 else ("reduce" if abs(one.units) < abs(one.before) else "hold")
    whose = "" if one.strategy == one.pair else f" of {one.strategy}"
    return f"{act} {one.pair}{whose}: {one.before:+,.0f} → {one.units:+,.0f}", 1


def _alert(one: said.RaiseAlert) -> tuple[str, int]:
    if one.ladder is None:
        return f"alert level {one.level}{f', {one.strategy}' if one.strategy else ''}", one.level
    shown = f"{reading(one.ladder, one.metric)} against {reading(one.ladder, one.trigger)}"
    return f"alert level {one.level}: {LADDER_NAMES[one.ladder]} rung {one.rung}, {shown}", one.level


def _released(one: said.RungReleased) -> tuple[str, int]:
    return f"{LADDER_NAMES[one.ladder]} rung {one.rung} lets go at {reading(one.ladder, one.metric)}", 1


def plain_name(code: IntEnum) -> str:
    """A condition or regime as people say it.

    Parameters
    ----------
    code : Condition or Regime
        Any.

    Returns
    -------
    str
        Such as ``high volatility``.
    """
    return code.name.replace("_", " ").lower()


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _condition(one: said.ConditionChanged) -> tuple[str, int]:
    active = f", {one.strategies} strategies active" if one.strategies else ""
    cap = f"{one.exposure_cap:.0%}".replace("%", " %")
    rules = f"exposure at most {cap}, {_counted(one.confirmations, 'confirmation')}{active}"
    return f"market {plain_name(one.before)} → {plain_name(one.after)}: {rules}", 2


def _regime(one: said.RegimeChanged) -> tuple[str, int]:
    rules = f"stops {one.stop_distance:.1%} away, held at least {one.minimum_hold_bars} bars".replace("%", " %")
    return f"regime {plain_name(one.before)} → {plain_name(one.after)}: {rules}", 1


def _locked(one: said.ScopeLocked) -> tuple[str, int]:
    return f"lock {one.scope}: {one.metric:.3g} against {one.limit:.3g}", 3


def _resume_refused(one: said.ResumeRefused) -> tuple[str, int]:
    if one.ladder is None:
        return "not resumed", 2
    shown = f"{reading(one.ladder, one.metric)} against {reading(one.ladder, one.trigger)}"
    return f"not resumed: {LADDER_NAMES[one.ladder]} {shown}", 3


_WORDS: dict[type, Callable[[Any], tuple[str, int]]] = {
    said.TargetPosition: _target,
    said.EntryRefused: lambda one: (f"no entry of {one.strategy} in {one.pair}", 0),
    said.CancelAll: lambda one: ("cancel every waiting order", 2),
    said.RaiseAlert: _alert,
    said.RungReleased: _released,
    said.ModeChanged: lambda one: (f"mode {one.before.name} → {one.after.name}", 4),
    said.ConditionChanged: _condition,
    said.RegimeChanged: _regime,
    said.CautionChanged: lambda one: ("entries stop" if one.stopped else "entries go on", 2),
    said.ScopeLocked: _locked,
    said.ScopeEnabled: lambda one: (f"enable {one.scope}", 2),
    said.InputRefused: lambda one: (f"input not used: {one.what}, {one.value:g}", 1),
    said.FailOver: lambda one: (f"prices from feed {one.feed}", 2),
    said.ResumeRefused: _resume_refused,
}
