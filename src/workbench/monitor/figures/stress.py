"""Figures of the stress tests: crises with and without controls, what each control saves, how far ruin is."""

import textwrap

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from workbench.monitor.figures.research import nothing
from workbench.monitor.figures.style import BLUE, GREEN, GREY, ORANGE, RED, finished, house_style

Floats = NDArray[np.float64]

INK = "#111827"
TOGETHER = "together (interaction)"
SYNTHETIC = "SYNTHETIC paths"
_MARKS = (
    ("drawdown_without", "without controls", GREY, "s", -0.24),
    ("drawdown_placebo", "placebo", ORANGE, "^", 0.0),
    ("drawdown_with", "with controls", BLUE, "o", 0.24),
)
"""Column, label, colour, marker and place within the row, downwards."""
_RUNS = (("with controls", BLUE, "o", -0.17), ("without", GREY, "s", 0.17))
_CROWD = 10
"""Bars beyond which their names are set aslant."""


def crisis_drawdowns(table: pd.DataFrame, *, limit: float) -> Figure:
    """Largest drawdown in each crisis without controls, with them and with a placebo, worst without at the top.

    Parameters
    ----------
    table : DataFrame
        Indexed by scenario: ``drawdown_with``, ``drawdown_without``, ``drawdown_placebo`` (positive fractions),
        ``survived`` and ``synthetic``.
    limit : float
        Drawdown above which a scenario is not survived, fraction.

    Returns
    -------
    Figure
    """
    if table.empty:
        return nothing("No crisis was replayed")
    ordered = table.sort_values("drawdown_without", ascending=False, na_position="last", kind="stable")
    synthetic = ordered["synthetic"].astype("boolean").fillna(value=False)
    survived = ordered["survived"].astype("boolean").fillna(value=True).to_numpy(dtype=bool)
    names = [f"{name} ◇" if made else str(name) for name, made in zip(ordered.index, synthetic, strict=True)]
    with house_style():
        figure, axis = plt.subplots(figsize=(10.5, 0.36 * len(ordered) + 2.0))
        for column, label, colour, marker, place in _MARKS:
            values = ordered[column].to_numpy(dtype=float)
            rows = np.arange(len(ordered), dtype=np.float64) + place
            _lollipops(axis, rows, values, label, (colour, marker))
            if column == "drawdown_with" and not survived.all():
                axis.scatter(values[~survived], rows[~survived], marker="X", s=62, color=RED, edgecolors="white",
                             linewidths=0.6, zorder=4, label="with controls, not survived")  # fmt: skip
        axis.axvline(limit, color=INK, linestyle="--", linewidth=1.2, zorder=1,
                     label=f"not survived above {100 * limit:.3g} %")  # fmt: skip
        _rows(axis, names)
        axis.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axis.set_xlim(0.0, 1.06 * _largest(ordered[[mark[0] for mark in _MARKS]].to_numpy(dtype=float), limit))
        axis.set_xlabel("largest drawdown, % of the peak")
        axis.set_title("Every crisis, worst without controls first", x=0.0)
        note = [Line2D([], [], linestyle="", label="◇ synthetic")] if synthetic.any() else []
        handles = [*axis.get_legend_handles_labels()[0], *note]
        figure.legend(handles=handles, loc="outside lower center", ncols=3)
        return finished(figure)


def _lollipops(axis: Axes, rows: Floats, values: Floats, label: str, look: tuple[str, str]) -> None:
    colour, marker = look
    known = np.isfinite(values)
    axis.hlines(rows[known], 0.0, values[known], colors=colour, linewidth=1.6, alpha=0.75)
    axis.scatter(values[known], rows[known], s=30, color=colour, marker=marker, edgecolors="white", linewidths=0.5,
                 zorder=3, label=label)  # fmt: skip


def _rows(axis: Axes, names: list[str]) -> None:
    """Names down the left side, the first at the top, and no lines across but between rows."""
    axis.set_yticks(range(len(names)), names, fontsize=9)
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.grid(visible=False, axis="y")
    axis.tick_params(axis="y", length=0)
    axis.hlines(np.arange(len(names) - 1) + 0.5, 0.0, 1.0, transform=axis.get_yaxis_transform(), colors="#e5e7eb",
                linewidth=0.8, zorder=0)  # fmt: skip


def _largest(values: Floats, least: float) -> float:
    """Largest finite value, or the least that is wanted."""
    return max(float(np.max(values, where=np.isfinite(values), initial=least)), least)


def control_waterfall(effects: pd.DataFrame) -> Figure:
    """From the drawdown without controls to that with them, one control a step, and what each costs in calm years.

    Parameters
    ----------
    effects : DataFrame
        Indexed by control, first ``without controls`` and last ``with controls``. ``drawdown``: mean largest drawdown,
        the level in the first and last row and the change (negative: saved) between. ``cost``: calm return given up,
        fraction a year. A row ``together (interaction)`` is drawn grey.

    Returns
    -------
    Figure
    """
    if len(effects) < 2:
        return nothing("No control was tried on its own")
    names = [str(name) for name in effects.index]
    with house_style():
        figure, (upper, lower) = plt.subplots(2, 1, sharex=True, height_ratios=(2.6, 1), figsize=(10.5, 6.0))
        _steps(upper, names, effects["drawdown"].to_numpy(dtype=float))
        upper.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        upper.set_ylabel("mean largest drawdown")
        upper.set_title("What each control saves, in percentage points of drawdown")
        upper.legend(handles=[Patch(facecolor=GREEN, label="saves"),
                              Patch(facecolor=RED, hatch="//", edgecolor="white", label="makes it worse")],
                     loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, borderaxespad=0.2)  # fmt: skip
        _costs(lower, effects["cost"].to_numpy(dtype=float))
        for axis in (upper, lower):
            axis.grid(visible=False, axis="x")
            axis.tick_params(axis="x", length=0)
        if len(names) > _CROWD:
            wrapped = [textwrap.fill(name, 24) for name in names]
            lower.set_xticks(range(len(names)), wrapped, rotation=40, ha="right", rotation_mode="anchor", fontsize=8.5)
        else:
            wrapped = [textwrap.fill(name, max(100 // len(names), 10), break_long_words=False) for name in names]
            lower.set_xticks(range(len(names)), wrapped, fontsize=8.5)
        return finished(figure)


def _steps(axis: Axes, names: list[str], values: Floats) -> None:
    """Bars of the waterfall: levels from zero, changes from where the one before ended."""
    level, lowest, highest, last = 0.0, 0.0, 0.01, len(values) - 1
    for place, (name, value) in enumerate(zip(names, np.nan_to_num(values, posinf=0.0, neginf=0.0), strict=True)):
        ends = place in {0, last}
        bottom = 0.0 if ends else level
        face, hatch = _step_look(name, value, place, last)
        axis.bar(place, value, 0.7, bottom=bottom, color=face, hatch=hatch, edgecolor="white", linewidth=0.0)
        text = f"{100 * value:.1f} %" if ends else f"{100 * value:+.1f}".replace("-", "−")
        axis.annotate(text if np.isfinite(values[place]) else "not known", (place, max(bottom, bottom + value)),
                      (0, 3), textcoords="offset points", ha="center", fontsize=9,
                      fontweight="bold" if ends else "normal")  # fmt: skip
        level = bottom + value
        lowest, highest = min(lowest, level), max(highest, level)
        if place < last:
            axis.hlines(level, place + 0.35, place + 0.65, colors=INK, linewidth=0.8)
    axis.axhline(0.0, color=INK, linewidth=0.8)
    axis.set_ylim(1.1 * lowest, 1.12 * highest)


def _step_look(name: str, value: float, place: int, last: int) -> tuple[str, str]:
    if place in {0, last}:
        return (GREY, "") if place == 0 else (BLUE, "")
    if name == TOGETHER:
        return "#9ca3af", ".."
    return (GREEN, "") if value <= 0 else (RED, "//")


def _costs(axis: Axes, cost: Floats) -> None:
    for place, value in enumerate(cost):
        if not np.isfinite(value):
            continue
        paid = value >= 0
        axis.bar(place, value, 0.7, color=ORANGE if paid else GREEN, hatch="" if paid else "\\\\", edgecolor="white",
                 linewidth=0.0)  # fmt: skip
        text, side = f"{100 * value:.2f}".replace("-", "−"), "bottom" if paid else "top"
        axis.annotate(text, (place, value), (0, 3 if paid else -3), textcoords="offset points", ha="center", va=side,
                      fontsize=8.5)  # fmt: skip
    axis.axhline(0.0, color=INK, linewidth=0.8)
    axis.margins(y=0.3)
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.3g}".replace("-", "−")))
    axis.set_ylabel("% a year")
    axis.set_title("Premium: calm return given up (hatched: earned instead)", fontsize=10)


def drawdown_fan(levels: pd.DataFrame) -> Figure:
    """Median, 95 % and 99 % of the largest drawdown for each path model, with controls and without.

    Parameters
    ----------
    levels : DataFrame
        One row a run and model: ``run`` (``with controls`` or ``without``), ``model``, ``p50``, ``p95``, ``p99``
        as positive fractions.

    Returns
    -------
    Figure
    """
    if levels.empty:
        return nothing("No paths were drawn")
    models = list(dict.fromkeys(levels["model"]))
    with house_style():
        figure, axis = plt.subplots(figsize=(10.5, 0.62 * len(models) + 2.0))
        for run, colour, marker, place in _RUNS:
            rows = levels[levels["run"] == run]
            for _, row in rows.iterrows():
                quantiles = row[["p50", "p95", "p99"]].to_numpy(dtype=float)
                _interval(axis, models.index(row["model"]) + place, quantiles, (colour, marker))
        _rows(axis, [str(model) for model in models])
        axis.set_xlim(0.0, 1.1 * _largest(levels[["p50", "p95", "p99"]].to_numpy(dtype=float), 0.01))
        axis.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axis.set_xlabel("largest drawdown, % of the peak:  marker the median, ticks 95 % and 99 % of paths")
        axis.set_title(f"Largest drawdown by path model: {SYNTHETIC}", x=0.0)
        handles = [Line2D([], [], color=colour, marker=marker, linewidth=1.6, label=run)
                   for run, colour, marker, _ in _RUNS]  # fmt: skip
        figure.legend(handles=handles, loc="outside lower center", ncols=2)
        return finished(figure)


def _interval(axis: Axes, place: float, quantiles: Floats, look: tuple[str, str]) -> None:
    """A marker at the median, a line to 95 %, a thinner one to 99 %, ticks at both, the last in figures."""
    colour, marker = look
    median, high, highest = quantiles
    axis.plot([median, high], [place, place], color=colour, linewidth=2.4, solid_capstyle="butt")
    axis.plot([high, highest], [place, place], color=colour, linewidth=1.0)
    axis.plot([median], [place], color=colour, marker=marker, markersize=7, markeredgecolor="white")
    axis.scatter([high, highest], [place, place], s=100, color=colour, marker="|", linewidths=1.6)
    if np.isfinite(highest):
        axis.annotate(f"{100 * highest:.0f} %", (highest, place), (6, 0), textcoords="offset points", va="center",
                      fontsize=8.5, color=INK)  # fmt: skip


def equity_fan(with_controls: Floats, without: Floats) -> Figure:
    """Quantiles of the drawdown from the peak, day by day, with controls beside without.

    Parameters
    ----------
    with_controls, without : ndarray, shape (days + 1, 5)
        1, 5, 50, 95 and 99 % quantiles over the paths, positive fractions.

    Returns
    -------
    Figure
    """
    with house_style():
        figure, axes = plt.subplots(1, 2, sharey=True, figsize=(10.5, 4.6))
        for axis, values, title, colour in (
            (axes[0], with_controls, "with controls", BLUE),
            (axes[1], without, "without", GREY),
        ):
            days, depth = np.arange(len(values)), -100.0 * np.asarray(values, dtype=float)
            axis.fill_between(days, depth[:, 0], depth[:, 4], color=colour, alpha=0.2, linewidth=0)
            axis.fill_between(days, depth[:, 1], depth[:, 3], color=colour, alpha=0.35, linewidth=0)
            for column, style, width in ((4, ":", 1.3), (3, "--", 1.2), (2, "-", 2.0)):
                axis.plot(days, depth[:, column], color=colour, linestyle=style, linewidth=width)
            axis.axhline(0.0, color=INK, linewidth=0.8)
            axis.set_title(title)
            axis.set_title(SYNTHETIC, loc="right", fontsize=9, fontweight="normal", color=RED)
            axis.set_xlabel("day")
            axis.margins(x=0.0)
        axes[0].set_ylabel("drawdown from the peak, %")
        handles = [Line2D([], [], color=INK, linewidth=2.0, label="median"),
                   Line2D([], [], color=INK, linestyle="--", label="1 in 20 deeper (band: 5 to 95 %)"),
                   Line2D([], [], color=INK, linestyle=":", label="1 in 100 deeper (band: 1 to 99 %)")]  # fmt: skip
        figure.legend(handles=handles, loc="outside lower center", ncols=3)
        return finished(figure)


def reverse_distances(names: list[str], distances: Floats, limit_years: Floats) -> Figure:
    """How far from ordinary the mildest ruinous move is, rung by rung, and how seldom a normal law would bring it.

    Parameters
    ----------
    names : list of str
        Rungs, the first at the top.
    distances : ndarray, shape (rungs,)
        Mahalanobis distance, standard deviations; infinite if no move reaches the rung.
    limit_years : ndarray, shape (rungs,)
        Years between such moves were the law normal.

    Returns
    -------
    Figure
    """
    if not names:
        return nothing("No rung was searched for")
    distances, limit_years = np.asarray(distances, dtype=float), np.asarray(limit_years, dtype=float)
    with house_style():
        figure, axis = plt.subplots(figsize=(10.5, 0.44 * len(names) + 1.4))
        longest = _largest(distances, 1.0 if not np.isfinite(distances).any() else 0.0) or 1.0
        for place, (distance, years) in enumerate(zip(distances, limit_years, strict=True)):
            end = float(np.nan_to_num(distance, nan=0.0, posinf=longest))
            if np.isposinf(distance):
                axis.plot([0.0, end], [place, place], color=GREY, linestyle=":", linewidth=1.6)
                axis.plot([end], [place], color=GREY, marker=">", markersize=7)
            else:
                axis.barh(place, end, 0.62, color=BLUE)
            axis.annotate(_seldom(distance, years), (end, place), (8, 0), textcoords="offset points", va="center",
                          fontsize=9)  # fmt: skip
        _rows(axis, names)
        ticks = np.asarray(MaxNLocator(6).tick_values(0.0, longest))
        axis.set_xticks(ticks[(ticks >= 0.0) & (ticks <= longest)])
        axis.set_xlim(0.0, 1.85 * longest)
        axis.set_xlabel("Mahalanobis distance of the mildest such move, standard deviations (σ)")
        axis.set_title("How far from ordinary is ruin", x=0.0)
        return finished(figure)


def _seldom(distance: float, years: float) -> str:
    if np.isnan(distance):
        return "not known"
    if np.isposinf(distance):
        return "cannot happen"
    far = f"{distance:.1f} σ"
    if np.isnan(years):
        return far
    return f"{far}, never if normal" if np.isposinf(years) else f"{far}, once in {_span(years)} if normal"


def _span(years: float) -> str:
    """A span of time as people say it."""
    for unit, length in (("day", 1 / 365.25), ("month", 1 / 12)):
        count = years / length
        if count < {"day": 45, "month": 18}[unit]:
            return f"1 {unit}" if count < 1.5 else f"{count:.0f} {unit}s"
    if years < 10_000:
        return f"{years:,.0f} years"
    for name, size in (("thousand", 1e3), ("million", 1e6), ("billion", 1e9)):
        if years < 999.5 * size:
            return f"{years / size:,.3g} {name} years"
    return f"$10^{{{int(np.floor(np.log10(years)))}}}$ years"
