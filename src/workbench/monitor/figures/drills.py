"""Figures of drills: how fast every control was, and how long everything is still good for."""

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from workbench.monitor.figures.research import nothing
from workbench.monitor.figures.style import BLUE, GREY, RED, finished, house_style

INK, PALE = "#111827", "#d1d5db"
QUICKEST_SECONDS = 0.01
"""Left edge of the axis: anything faster is drawn there."""


def drill_times(table: pd.DataFrame) -> Figure:
    """Seconds every control took, and those the policy allows, on a logarithmic axis.

    Parameters
    ----------
    table : DataFrame
        Indexed by control: ``seconds``, ``target`` (both seconds), ``passed``.

    Returns
    -------
    Figure
    """
    if table.empty:
        return nothing("No control has been drilled")
    took = np.maximum(table["seconds"].to_numpy(dtype=float), QUICKEST_SECONDS)
    allowed = np.maximum(table["target"].to_numpy(dtype=float), QUICKEST_SECONDS)
    passed, places = table["passed"].to_numpy(dtype=bool), np.arange(len(table), dtype=np.float64)
    with house_style():
        figure, axis = plt.subplots(figsize=(10.5, 0.26 * len(table) + 1.6))
        axis.hlines(places, took, allowed, color=PALE, linewidth=3.0, zorder=1)
        axis.scatter(allowed, places, marker="|", s=150, color=INK, linewidths=1.8, zorder=2, label="allowed")
        axis.scatter(took[passed], places[passed], s=42, color=BLUE, zorder=3, label="took, passed")
        if not passed.all():
            axis.scatter(took[~passed], places[~passed], marker="X", s=70, color=RED, zorder=3, label="took, FAILED")
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_yticks(places, [str(name) for name in table.index])
        axis.set_ylim(len(table) - 0.4, -0.6)
        axis.grid(visible=False, axis="y")
        axis.set_xlabel("seconds from what fires it to its end, logarithmic")
        axis.set_title("Every control: what it took, and what the policy allows", x=0.0)
        figure.legend(loc="outside lower center", ncols=3)
        return finished(figure)


def drill_due(table: pd.DataFrame) -> Figure:
    """How long everything is still good for: from when it last passed to when it must have passed again.

    Parameters
    ----------
    table : DataFrame
        Indexed by name: ``last`` (NaN for never) and ``due``, days from now; ``late``.

    Returns
    -------
    Figure
    """
    last, due = table["last"].to_numpy(dtype=float), table["due"].to_numpy(dtype=float)
    late, never = table["late"].to_numpy(dtype=bool), np.isnan(last)
    begins = np.where(never, np.minimum(due, 0.0), last)
    places = np.arange(len(table), dtype=np.float64)
    with house_style():
        figure, axis = plt.subplots(figsize=(10.5, 0.4 * len(table) + 1.7))
        for chosen, colour, label in (
            (~late & ~never, BLUE, "passed"), (~late & never, GREY, "never drilled, time left"),
            (late, RED, "overdue or failed"),
        ):  # fmt: skip
            if chosen.any():
                axis.barh(places[chosen], (due - begins)[chosen], 0.5, begins[chosen], color=colour, label=label)
                axis.scatter(due[chosen], places[chosen], s=46, color=colour, edgecolors="white", zorder=3)
        widest = float(np.max(np.abs([*begins, *due])))
        axis.set_xlim(min(float(begins.min()), 0.0) - 0.05 * widest, max(float(due.max()), 0.0) + 0.05 * widest)
        axis.axvline(0.0, color=INK, linewidth=1.4, linestyle="--", label="today")
        axis.set_yticks(places, [str(name) for name in table.index])
        axis.set_ylim(len(table) - 0.4, -0.6)
        axis.grid(visible=False, axis="y")
        axis.set_xlabel("days from today; the dot is the day by which it must have passed again")
        axis.set_title("What is drilled, and until when that holds", x=0.0)
        figure.legend(loc="outside lower center", ncols=4)
        return finished(figure)
