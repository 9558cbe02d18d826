"""Figures of an incident: what the market did, what the book went through, what was decided; and two policies at it."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from workbench.monitor.figures.style import BLUE, GREEN, GREY, ORANGE, RED, finished, house_style

MODE_COLOURS = {"ACTIVE": GREEN, "REDUCING": ORANGE, "HALTED": RED}
MODE_HATCHES = {"ACTIVE": "", "REDUCING": "////", "HALTED": "xxxx"}
PAIR_COLOURS = (BLUE, ORANGE, GREEN, RED)
OUR_COLOUR, OTHER_COLOUR = BLUE, ORANGE
NARROWEST_NAME = 0.05
"""Share of the width from which on a mode is named inside its bar."""
SECONDS_A_DAY = 86_400.0
NEAR = 0.03
"""Share of the width."""
BESIDE = 1.005
"""Where names stand, right of the axis."""
STRIP_LEFT, STRIP_RIGHT = 0.085, 0.985


def incident(
    path: pd.DataFrame,
    prices: pd.DataFrame,
    letters: Sequence[tuple[pd.Timestamp, str]],
    rungs: Mapping[str, Sequence[float]],
    note: str = "",
) -> Figure:
    """A window of a journal: prices, equity, the readings against their rungs, exposure and cap, with decisions marked.

    Parameters
    ----------
    path : DataFrame
        By time: equity, drawdown, value_at_risk, volatility_ratio, gross, cap, mode.
    prices : DataFrame
        By time, one column a pair; few enough to tell apart.
    letters : sequence of (Timestamp, str)
        Decisions to mark, explained beside the figure.
    rungs : mapping of str to sequence of float
        Triggers of drawdown, value_at_risk and volatility_ratio.
    note : str
        Said on the figure: that prices are made up.

    Returns
    -------
    Figure
    """
    with house_style():
        figure, axes = plt.subplots(
            8, 1, figsize=(10.5, 14), sharex=True, height_ratios=(0.45, 2, 2, 1.6, 1.6, 1.6, 1.4, 1.2)
        )
        _modes(axes[0], [("mode", path["mode"])])
        _prices(axes[1], prices)
        _line(axes[2], path["equity"] / 1e3, "Equity, thousand US dollars")
        _line(axes[3], 100 * path["drawdown"], "Drawdown from the peak, % of the peak")
        _rungs(axes[3], [100 * rung for rung in rungs["drawdown"]], " %")
        _line(axes[4], 100 * path["value_at_risk"], "Value at risk, one day, 95 %, % of equity")
        _rungs(axes[4], [100 * rung for rung in rungs["value_at_risk"]], " %")
        _line(axes[5], path["volatility_ratio"], "Volatility of the book over normal, times")
        _rungs(axes[5], rungs["volatility_ratio"])
        _line(axes[6], path["gross"], "Exposure held, times equity")
        axes[6].set_ylim(bottom=0)
        _line(axes[7], path["cap"], "Cap on exposure, share of the full size", steps=True)
        axes[7].set_ylim(0, 1.1)
        for axis in axes[1:]:
            _marks(axis, letters, named=axis is axes[1])
        _time_axis(axes[-1], path.index, note)
    return finished(figure)


def two_policies(ours: pd.DataFrame, other: pd.DataFrame, apart: pd.Timestamp | None, note: str = "") -> Figure:
    """The same events under two policies.

    Parameters
    ----------
    ours, other : DataFrame
        By time: equity, drawdown, gross, cap, mode; under the journal's policy and under the other one.
    apart : Timestamp or None
        From when on they decide differently; None when they never do.
    note : str
        Said on the figure: that prices are made up.

    Returns
    -------
    Figure
    """
    runs = (("journal's policy", ours, OUR_COLOUR, "-"), ("other policy", other, OTHER_COLOUR, "--"))
    with house_style():
        figure, axes = plt.subplots(5, 1, figsize=(10.5, 10.5), sharex=True, height_ratios=(0.9, 2.4, 2, 1.6, 1.4))
        _modes(axes[0], [(name, path["mode"]) for name, path, _, _ in runs])
        for name, path, colour, style in runs:
            look = {"color": colour, "ls": style, "lw": 1.7, "label": name}
            axes[1].plot(path.index, path["equity"] - path["equity"].iloc[0], **look)
            axes[2].plot(path.index, 100 * path["drawdown"], **look)
            axes[3].plot(path.index, path["gross"], **look)
            axes[4].step(path.index, path["cap"], where="post", **look)
        titles = (
            "Profit since the window began, US dollars", "Drawdown from the peak, % of the peak",
            "Exposure held, times equity", "Cap on exposure, share of the full size",
        )  # fmt: skip
        for axis, title in zip(axes[1:], titles, strict=True):
            axis.set_title(title, fontsize=10)
            if apart is not None:
                axis.axvline(_date_number(apart), color=GREY, lw=0.9, ls=":")
        axes[1].axhline(0, color=GREY, lw=0.8)
        axes[1].yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:+,.0f}"))
        axes[1].legend(loc="best")
        axes[4].set_ylim(0, 1.1)
        if apart is not None:
            told = f"dotted line: first different decision, {apart:%d %b %H:%M:%S}"
            axes[1].set_title(told, loc="right", fontsize=8, fontweight="normal", color=GREY)
        _time_axis(axes[-1], ours.index, note)
    return finished(figure)


def strip(times: pd.DatetimeIndex, equity: Sequence[float], decided: Sequence[int]) -> Figure:
    """Equity over the events one can step through; its axis stands still, so that a page can lay a cursor over it.

    Parameters
    ----------
    times : DatetimeIndex
        Of the events.
    equity : sequence of float
        After them, US dollars.
    decided : sequence of int
        Places of those that led to decisions.

    Returns
    -------
    Figure
        Its axis reaches from `STRIP_LEFT` to `STRIP_RIGHT` of its width.
    """
    with house_style():
        figure = plt.figure(figsize=(10.5, 2.3), layout="none")
        axis = figure.add_axes((STRIP_LEFT, 0.22, STRIP_RIGHT - STRIP_LEFT, 0.64))
        axis.plot(times, equity, color=BLUE, lw=1.4)
        axis.plot(times[list(decided)], [equity[place] for place in decided], ls="", marker="D", ms=5,
                  color=ORANGE, mec="#111827", mew=0.7, zorder=3)  # fmt: skip
        axis.set_title("Equity, US dollars; diamonds are decisions", fontsize=10)
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axis.yaxis.set_major_locator(MaxNLocator(4))
        _time_axis(axis, times, "")
    return finished(figure)


def _date_number(moment: pd.Timestamp) -> float:
    """A moment as matplotlib counts: days since 1970."""
    return moment.timestamp() / SECONDS_A_DAY


def _line(axis: Axes, values: pd.Series, title: str, *, steps: bool = False) -> None:
    axis.plot(values.index, values, color=BLUE, lw=1.4, drawstyle="steps-post" if steps else "default")
    axis.set_title(title, fontsize=10)
    axis.ticklabel_format(axis="y", useOffset=False, style="plain")


def _prices(axis: Axes, prices: pd.DataFrame) -> None:
    ends = []
    for colour, pair in zip(PAIR_COLOURS, prices.columns, strict=False):
        moved = 100 * (prices[pair] / prices[pair].dropna().iloc[0] - 1)
        axis.plot(moved.index, moved, color=colour, lw=1.3)
        ends.append((float(moved.iloc[-1]), str(pair), colour))
    axis.set_title("Prices, % since the window began: the held pairs that moved most", fontsize=10)
    low, high = axis.get_ylim()
    apart, level = 0.11 * (high - low), -np.inf
    for value, pair, colour in sorted(ends):
        level = max(value, level + apart)
        axis.text(BESIDE, level, f"{pair} {value:+.1f}", transform=axis.get_yaxis_transform(), color=colour, fontsize=9,
                  va="center")  # fmt: skip


def _rungs(axis: Axes, rungs: Sequence[float], unit: str = "") -> None:
    """Rungs the reading reached, and the next one if it is not far."""
    bottom, top = axis.get_ylim()
    shown = [rung for rung in rungs if rung <= top]
    shown += [rung for rung in rungs if top < rung <= 1.6 * top][:1]
    for rung in shown:
        axis.axhline(rung, color=RED, lw=0.9, ls="--")
        name = f"rung {list(rungs).index(rung) + 1}: {rung:g}{unit}"
        axis.text(BESIDE, rung, name, transform=axis.get_yaxis_transform(), color=RED, fontsize=8, va="center")
    axis.set_ylim(min(bottom, 0), max(top, *(1.08 * rung for rung in shown)) if shown else top)
    if not shown and rungs:
        far = f"rung 1: {rungs[0]:g}{unit},\nfar above"
        axis.text(BESIDE, top, far, transform=axis.get_yaxis_transform(), color=RED, fontsize=8, va="top")


def _look_of(mode: str) -> dict[str, Any]:
    """Colour and hatching: a mode is told without its colour too."""
    colour = MODE_COLOURS[mode]
    return {"facecolor": (*to_rgb(colour), 0.35), "edgecolor": colour, "hatch": MODE_HATCHES[mode], "linewidth": 0.0}


def _modes(axis: Axes, rows: Sequence[tuple[str, pd.Series]]) -> None:
    """A bar a run: its mode over time, named and coloured."""
    for place, (_, mode) in enumerate(rows):
        changes = np.flatnonzero(mode.to_numpy()[1:] != mode.to_numpy()[:-1]) + 1
        whole = (mode.index[-1] - mode.index[0]) or pd.Timedelta(seconds=1)
        for start, end in pairwise([0, *changes.tolist(), len(mode) - 1]):
            word, width = str(mode.iloc[start]), mode.index[end] - mode.index[start]
            axis.barh(-place, width, left=mode.index[start], height=0.8, **_look_of(word))
            if width / whole > NARROWEST_NAME:
                axis.text(mode.index[start] + width / 2, -place, word, ha="center", va="center", fontsize=8)
    axis.set_yticks([-place for place in range(len(rows))], [name for name, _ in rows], fontsize=8)
    axis.set_ylim(0.5 - len(rows), 0.5)
    seen = [word for word in MODE_COLOURS if any((mode == word).any() for _, mode in rows)]
    axis.legend(
        [Patch(**_look_of(word)) for word in seen], seen, loc="lower right", bbox_to_anchor=(1.0, 1.0), fontsize=8,
        ncols=len(seen), frameon=False, borderaxespad=0.0,
    )  # fmt: skip
    axis.grid(visible=False)
    axis.spines[["left", "bottom"]].set_visible(False)
    axis.tick_params(length=0)


def _marks(axis: Axes, letters: Sequence[tuple[pd.Timestamp, str]], *, named: bool) -> None:
    for moment in dict.fromkeys(moment for moment, _ in letters):
        axis.axvline(_date_number(moment), color=GREY, lw=0.8, ls=":")
    if not named:
        return
    for moment, name in _together(letters, axis):
        axis.annotate(
            name, (moment, 0.9), xycoords=("data", "axes fraction"), ha="center", fontsize=8, fontweight="bold",
            bbox={"boxstyle": "round,pad=0.25", "facecolor": "white", "edgecolor": GREY, "lw": 0.8},
        )  # fmt: skip


def _together(letters: Sequence[tuple[pd.Timestamp, str]], axis: Axes) -> list[tuple[pd.Timestamp, str]]:
    """Letters too close to stand apart share one label."""
    low, high = axis.get_xlim()
    near = pd.Timedelta(days=NEAR * (high - low))
    shown: list[tuple[pd.Timestamp, str]] = []
    for moment, letter in letters:
        if shown and moment - shown[-1][0] < near:
            shown[-1] = (shown[-1][0], f"{shown[-1][1]} {letter}")
        else:
            shown.append((moment, letter))
    return shown


def _time_axis(axis: Axes, index: pd.Index, note: str) -> None:
    if index[-1] > index[0]:
        axis.set_xlim(index[0], index[-1])
    locator = AutoDateLocator()  # type: ignore[no-untyped-call]
    axis.xaxis.set_major_locator(locator)
    axis.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axis.set_xlabel("time, UTC")
    if note:
        figure = axis.figure
        figure.suptitle(note, x=0.99, ha="right", color=RED, fontsize=9, fontweight="bold")
