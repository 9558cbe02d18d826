"""Figures of a replay: the book with controls and without, its drawdown and VaR against the rungs, its mode."""

from collections.abc import Sequence
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from workbench.monitor.figures.style import BLUE, GREY, ORANGE, RED, finished, house_style

MODE_COLOURS = {"REDUCING": ORANGE, "HALTED": RED}


def replay(
    controlled: pd.DataFrame, free: pd.DataFrame, *, drawdown_rungs: Sequence[float], var_rungs: Sequence[float]
) -> Figure:
    """Equity, drawdown, VaR and exposure of a replay.

    Parameters
    ----------
    controlled, free : DataFrame
        With and without controls, by time: equity, drawdown, value_at_risk, gross, mode, synthetic.
    drawdown_rungs, var_rungs : sequence of float
        Triggers, drawn where the readings come near them.

    Returns
    -------
    Figure
    """
    with house_style():
        figure, axes = plt.subplots(4, 1, figsize=(10.5, 9.2), sharex=True, height_ratios=(3, 2, 2, 2))
        for axis, column, title in zip(
            axes,
            ("equity", "drawdown", "value_at_risk", "gross"),
            ("Equity, start = 100", "Drawdown from peak", "VaR 95 %, one day", "Gross exposure over equity"),
            strict=True,
        ):
            scale = 100 / controlled["equity"].iloc[0] if column == "equity" else 1.0
            axis.plot(free.index, scale * free[column], color=GREY, lw=1.1, label="without controls")
            axis.plot(controlled.index, scale * controlled[column], color=BLUE, lw=1.4, label="with controls")
            axis.set_title(title, fontsize=10)
            _shade_modes(axis, controlled["mode"])
        axes[0].legend(loc="best")
        axes[-1].xaxis.set_major_formatter(ConciseDateFormatter(axes[-1].xaxis.get_major_locator()))  # type: ignore[no-untyped-call]
        spikes = pd.concat([controlled["value_at_risk"], free["value_at_risk"]])
        axes[2].set_ylim(0, max(1.2 * float(spikes.quantile(0.99)), 1.05 * float(controlled["value_at_risk"].max())))
        for axis, rungs in ((axes[1], drawdown_rungs), (axes[2], var_rungs)):
            _rungs(axis, rungs)
            axis.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=1))
        if controlled["synthetic"].any():
            figure.suptitle("Marks between the daily fixes are SYNTHETIC", x=0.99, ha="right", color=RED, fontsize=9)
    return finished(figure)


def _rungs(axis: Axes, rungs: Sequence[float]) -> None:
    top = axis.get_ylim()[1]
    for number, rung in enumerate(rungs, start=1):
        if rung <= 1.3 * top:
            axis.axhline(rung, color=RED, lw=0.8, ls="--")
            axis.annotate(f"rung {number}", (0.005, rung), xycoords=("axes fraction", "data"), fontsize=7, va="bottom")


def _shade_modes(axis: Axes, mode: pd.Series) -> None:
    changes = np.flatnonzero(mode.to_numpy()[1:] != mode.to_numpy()[:-1]) + 1
    edges = [0, *changes.tolist(), len(mode) - 1]
    for start, end in pairwise(edges):
        colour = MODE_COLOURS.get(str(mode.iloc[start]))
        if colour and end > start:
            axis.axvspan(mode.index[start], mode.index[end], color=colour, alpha=0.13, lw=0)


def modes(arrows: Sequence[tuple[str, str, str]]) -> Figure:
    """The mode table as a diagram: boxes and the triggers that lead from one to the next.

    Parameters
    ----------
    arrows : sequence of (str, str, str)
        From, to, triggers.

    Returns
    -------
    Figure
    """
    places = {"ACTIVE": 0.0, "REDUCING": 1.0, "HALTED": 2.0}
    colours = {"ACTIVE": BLUE, **MODE_COLOURS}
    with house_style():
        figure, axis = plt.subplots(figsize=(10.5, 3.4))
        axis.axis("off")
        axis.set(xlim=(-0.4, 2.4), ylim=(-1.3, 1.3))
        for name, x in places.items():
            box = {"boxstyle": "round,pad=0.6", "facecolor": "white", "edgecolor": colours[name], "linewidth": 2}
            axis.text(x, 0, name, ha="center", va="center", fontweight="bold", bbox=box)
        for before, after, triggers in arrows:
            start, end = places[before], places[after]
            side = 1 if end > start else -1
            far = abs(end - start) > 1
            bend, height = (0.32, 1.12 * side) if far else (0.3, 0.34 * side)
            arrow = {
                "arrowstyle": "->",
                "color": GREY,
                "connectionstyle": f"arc3,rad={-bend}",
                "shrinkA": 38,
                "shrinkB": 38,
            }
            axis.annotate("", (end, 0.06 * side), (start, 0.06 * side), arrowprops=arrow)
            axis.text((start + end) / 2, height, triggers, ha="center", va="center", fontsize=9)
        axis.set_title("Modes and what leads from one to the next")
    return finished(figure)
