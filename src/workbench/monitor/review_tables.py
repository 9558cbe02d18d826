"""Tables of an incident review: rungs of a policy, what differs between two, and two runs side by side."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from workbench.domain.policy import Policy
from workbench.domain.tables import Number, html_table
from workbench.domain.trading.decisions import AnyDecision
from workbench.domain.trading.market_hours import HOUR_NS
from workbench.domain.trading.modes import Ladder, Mode
from workbench.monitor.decisions import LADDER_NAMES, line_of
from workbench.monitor.report import triggers_of

APART = "<div style='height:10px'></div>"


class RunTotals(Protocol):
    """A run in a few numbers."""

    @property
    def ends(self) -> float:
        """Equity at the end, US dollars."""
        ...

    @property
    def profit(self) -> float:
        """US dollars."""
        ...

    @property
    def drawdown(self) -> float:
        """Largest, fraction."""
        ...

    @property
    def in_mode_ns(self) -> dict[str, int]:
        """Time in each mode."""
        ...

    @property
    def exposure(self) -> float:
        """Average, times equity."""
        ...

    @property
    def fills(self) -> int:
        """Executions."""
        ...

    @property
    def traded(self) -> float:
        """Turnover, US dollars."""
        ...

    @property
    def cost(self) -> float:
        """Against the mid, US dollars."""
        ...


def rungs_of(policy: "Policy") -> dict[str, tuple[float, ...]]:
    """Triggers of the ladders by the reading they are compared with.

    Parameters
    ----------
    policy : Policy
        In force.

    Returns
    -------
    dict of str to tuple of float
    """
    ladders = policy.ladders
    return {
        "drawdown": triggers_of(ladders.drawdown),
        "value_at_risk": triggers_of(ladders.value_at_risk),
        "volatility_ratio": triggers_of(ladders.volatility),
        "correlation_drift": (float(ladders.correlation.rung_1.trigger),),
        "correlation_mean": (float(ladders.correlation.rung_2.trigger),),
    }


def rungs_in_words(rungs: Mapping[Ladder, int]) -> str:
    """The highest rung of each ladder.

    Parameters
    ----------
    rungs : mapping of Ladder to int
        Those that tripped.

    Returns
    -------
    str
    """
    return ", ".join(f"{LADDER_NAMES[ladder]} rung {rung}" for ladder, rung in rungs.items()) or "none"


def first_words(apart: tuple[AnyDecision | None, AnyDecision | None] | None) -> list[str]:
    """Where two runs part, in words.

    Parameters
    ----------
    apart : tuple of (Decision or None, Decision or None), or None
        The first decisions that differ; None when there is none.

    Returns
    -------
    list of str
        One sentence, or none.
    """
    if apart is None:
        return []
    said = [line_of(one) if one is not None else None for one in apart]
    words = [f"{one.time:%Y-%m-%d %H:%M:%S} {one.what}" if one is not None else "nothing more" for one in said]
    return [f"First different decision. Journal's policy: {words[0]}. Other policy: {words[1]}."]


def changes_table(changes: Sequence[tuple[str, object, object]]) -> str:
    """Values in which two policies differ.

    Parameters
    ----------
    changes : sequence of (str, object, object)
        Dotted key, the journal's value, the other one.

    Returns
    -------
    str
        HTML.
    """
    rows = [[key, Number(str(ours)), Number(str(other))] for key, ours, other in changes]
    return (
        html_table(["changed in the policy", "journal's", "other"], rows or [["nothing", Number(""), Number("")]])
        + APART
    )


def totals_table(runs: tuple[RunTotals, RunTotals, RunTotals], decisions: tuple[int, int, int]) -> str:
    """Three runs side by side: as it happened, and under both policies with simulated fills.

    Parameters
    ----------
    runs : tuple of RunTotals
        Recorded, the journal's policy, the other policy.
    decisions : tuple of int
        How many each made.

    Returns
    -------
    str
        HTML.
    """

    def row(words: str, form: str, values: Sequence[Any]) -> list[str]:
        cells = [format(one, form) for one in values]
        return [words, *map(Number, cells), Number(format(values[2] - values[1], f"+{form}"))]

    gap = runs[1].ends - runs[0].ends
    caption = (
        f"With simulated fills the journal's policy ends {abs(gap):,.2f} USD {'above' if gap >= 0 else 'below'} what "
        "happened: differences smaller than that mean nothing"
    )
    titles = [
        "", "as it happened, recorded fills", "journal's policy, simulated fills", "other policy, simulated fills",
        "other less journal's",
    ]  # fmt: skip
    rows = [
        row("profit, USD", ",.0f", [one.profit for one in runs]),
        row("largest drawdown in the window, %", ".3f", [100 * one.drawdown for one in runs]),
        *[row(f"hours {mode.name}", ",.2f", [one.in_mode_ns[mode.name] / HOUR_NS for one in runs]) for mode in Mode],
        row("average exposure, times equity", ".3f", [one.exposure for one in runs]),
        row("fills", ",", [one.fills for one in runs]),
        row("traded, USD", ",.0f", [one.traded for one in runs]),
        row("cost against the mid, USD", ",.2f", [one.cost for one in runs]),
        row("decisions", ",", decisions),
    ]
    return html_table(titles, rows, caption=caption)
