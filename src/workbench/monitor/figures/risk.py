"""Figures of the VaR step."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray
from scipy import stats

from workbench.monitor.figures.style import BLUE, GREEN, GREY, ORANGE, RED, finished, house_style

YEARS_SHOWN = 3


def value_at_risk(path: pd.DataFrame, *, title: str) -> Figure:
    """Returns against VaR with every exceedance marked: the last years large, the whole race small.

    Parameters
    ----------
    path : DataFrame, shape (days, 3)
        ``return``, ``value_at_risk``, ``expected_shortfall``, oldest first.
    title : str
        Heading.

    Returns
    -------
    Figure
    """
    with house_style():
        figure, axes = plt.subplots(2, 1, figsize=(10.5, 6.2), height_ratios=[3, 2])
        recent = path[path.index >= path.index[-1] - pd.DateOffset(years=YEARS_SHOWN)]
        _against(axes[0], recent, marker=46, width=1.2)
        axes[0].set_title(title)
        axes[0].legend(loc="upper left", ncols=4)
        _against(axes[1], path, marker=12, width=0.6)
        axes[1].set_title(f"Since {path.index[0]:%Y}", fontsize=10)
    return finished(figure)


def _against(axis: Any, path: pd.DataFrame, *, marker: int, width: float) -> None:
    beyond = path["return"] < -path["value_at_risk"]
    # one collection of lines: a bar chart makes a patch of each of 6,000 days, which takes three seconds
    axis.vlines(path.index, 0, path["return"], colors="#b6bcc6", lw=width, label="return of the book")
    axis.plot(path.index, -path["value_at_risk"], color=BLUE, lw=1.2, label="−VaR")
    axis.plot(path.index, -path["expected_shortfall"], color=BLUE, lw=0.8, ls="--", label="−expected shortfall")
    label = f"exceedances: {int(beyond.sum())} in {len(path)} days"
    axis.scatter(path.index[beyond], path["return"][beyond], s=marker, color=RED, marker="v", zorder=3, label=label)
    axis.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=1))
    axis.set_ylabel("share of equity")


def model_race(race: pd.DataFrame, *, benchmark: str) -> Figure:
    """Mean FZ0 loss of each model against the benchmark; members of the confidence set filled.

    Parameters
    ----------
    race : DataFrame
        Indexed by model, with ``mean_fz0`` and ``in_mcs``.
    benchmark : str
        Model the losses are measured from.

    Returns
    -------
    Figure
    """
    loss = race["mean_fz0"].astype(float)
    gain = (loss - float(loss[benchmark])).sort_values(ascending=False)
    inside = race["in_mcs"].reindex(gain.index)
    with house_style():
        figure, axis = plt.subplots(figsize=(10.5, 0.36 * len(gain) + 1.4))
        colours = [BLUE if member else "white" for member in inside]
        axis.barh(gain.index, gain, color=colours, edgecolor=BLUE)
        axis.axvline(0, color=GREY, lw=1)
        axis.set_xlabel(f"mean FZ0 loss minus that of {benchmark} (left is better)")
        axis.set_title("Filled: inside the 90 % model confidence set, not told apart from the best")
    return finished(figure)


def residual_quantiles(residuals: NDArray[np.float64], *, nu: float) -> Figure:
    """Q–Q plot of standardised returns against the normal and a unit-variance Student t.

    Parameters
    ----------
    residuals : ndarray, shape (days,)
        Returns over their volatility forecast.
    nu : float
        Degrees of freedom of the t.

    Returns
    -------
    Figure
    """
    ordered = np.sort(residuals)
    levels = (np.arange(ordered.size) + 0.5) / ordered.size
    student = stats.t.ppf(levels, nu) * np.sqrt((nu - 2) / nu)
    with house_style():
        figure, axes = plt.subplots(1, 2, figsize=(10.5, 4.4), sharey=True)
        for axis, theory, name, colour in (
            (axes[0], stats.norm.ppf(levels), "normal", ORANGE),
            (axes[1], student, f"Student t, ν = {nu:.1f}", BLUE),
        ):
            span = [min(theory[0], ordered[0]), max(theory[-1], ordered[-1])]
            axis.plot(span, span, color=GREY, lw=1)
            axis.scatter(theory, ordered, s=9, color=colour)
            axis.set_title(f"Against {name}")
            axis.set_xlabel("quantile of the law, standard deviations")
        axes[0].set_ylabel("standardised return")
    return finished(figure)


def volatility(frame: pd.DataFrame) -> Figure:
    """Annualised volatility paths of the book.

    Parameters
    ----------
    frame : DataFrame, shape (days, models)
        Fractions a year, oldest first.

    Returns
    -------
    Figure
    """
    with house_style():
        figure, axis = plt.subplots(figsize=(10.5, 3.4))
        for name, colour in zip(frame.columns, (BLUE, ORANGE), strict=False):
            axis.plot(frame.index, frame[name], color=colour, lw=1.2, label=name)
        axis.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=1))
        axis.set_ylabel("a year, share of equity")
        axis.set_title("Volatility of the book at today's positions")
        axis.legend(loc="upper left", ncols=2)
    return finished(figure)


def contributions(parts: pd.DataFrame) -> Figure:
    """Component VaR and component shortfall by pair: who carries the risk, who takes it off.

    Parameters
    ----------
    parts : DataFrame
        ``component_99`` and ``component_shortfall_975``, share of equity by pair, largest first.

    Returns
    -------
    Figure
    """
    with house_style():
        figure, axis = plt.subplots(figsize=(10.5, 3.4))
        value_at_risk, shortfall = parts["component_99"], parts["component_shortfall_975"]
        colours = [RED if part > 0 else GREEN for part in value_at_risk]
        axis.bar(parts.index, value_at_risk, color=colours, label="component VaR 99 %")
        axis.plot(parts.index, shortfall, "D", color=BLUE, ms=5, label="historical component shortfall 97.5 %")
        axis.legend()
        axis.axhline(0, color=GREY, lw=1)
        axis.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=3))
        axis.tick_params(axis="x", rotation=45)
        axis.set_ylabel("share of equity")
        sums = f"{value_at_risk.sum():.3%} and {shortfall.sum():.3%}"
        axis.set_title(f"Component VaR 99 % and shortfall 97.5 %, sums {sums}; below zero is a hedge")
    return finished(figure)
