"""Figures of the data and regime steps."""

from collections.abc import Sequence
from typing import Protocol

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from workbench.monitor.figures.style import BLUE, GREEN, GREY, ORANGE, RED, finished, house_style

STATE_COLOURS = (GREEN, ORANGE, RED)
REGIME_YEARS = 8


def leg_values(values: pd.DataFrame, flagged: list[dict[str, object]]) -> Figure:
    """Value of each currency in US dollars since the first fix, flagged days marked.

    Parameters
    ----------
    values : DataFrame, shape (days, legs)
        US dollars per unit, oldest first.
    flagged : list of dict
        With ``date`` and ``reason``.

    Returns
    -------
    Figure
    """
    scaled = 100 * values / values.iloc[0]
    days = sorted({str(flag["date"]) for flag in flagged if flag["date"]})
    with house_style():
        figure, axis = plt.subplots()
        for name in scaled.columns:
            axis.plot(scaled.index, scaled[name], lw=1)
            axis.annotate(name, (scaled.index[-1], scaled[name].iloc[-1]), xytext=(4, -3), textcoords="offset points")
        for number, day in enumerate(days):
            label = f"flagged ({len(days)})" if number == 0 else "_"
            axis.axvline(np.datetime64(day), color=RED, lw=1, ls=":", label=label)  # type: ignore[arg-type]
        axis.set_ylabel(f"US dollars per unit, {values.index[0]:%d %b %Y} = 100")
        axis.set_title("Seven USD legs, ECB reference rates")
        if days:
            axis.legend(loc="upper left")
    return finished(figure)


def largest_moves(returns: pd.DataFrame, *, shown: int = 20) -> Figure:
    """The largest one-day moves of the pairs: real, kept, to be survived.

    Parameters
    ----------
    returns : DataFrame, shape (days, pairs)
        Simple returns, oldest first.
    shown : int
        How many.

    Returns
    -------
    Figure
    """
    values = returns.to_numpy()
    places = np.argsort(np.abs(values), axis=None)[-shown:]
    rows, columns = np.unravel_index(places, values.shape)
    chosen = values[rows, columns]
    labels = [
        f"{str(returns.index[row])[:10]}  {returns.columns[column]}" for row, column in zip(rows, columns, strict=True)
    ]
    with house_style():
        figure, axis = plt.subplots(figsize=(10.5, 0.26 * shown + 1.2))
        axis.barh(labels, chosen, color=[RED if move < 0 else BLUE for move in chosen])
        axis.xaxis.set_major_formatter(PercentFormatter(1.0))
        axis.set_title("Largest one-day moves between fixes")
    return finished(figure)


def regimes(index_returns: pd.Series, probability: NDArray[np.float64], names: tuple[str, ...]) -> Figure:
    """Filtered state probabilities under the index they were read from.

    Parameters
    ----------
    index_returns : Series, shape (days,)
        Log returns, oldest first.
    probability : ndarray, shape (days, states)
        Filtered: row t saw rows up to t only.
    names : tuple of str
        Of the states.

    Returns
    -------
    Figure
    """
    since = index_returns.index[-1] - pd.DateOffset(years=REGIME_YEARS)
    rows = index_returns.index >= since
    level = 100 * np.exp(index_returns[rows].cumsum())
    with house_style():
        figure, axes = plt.subplots(2, 1, figsize=(10.5, 5.6), sharex=True, height_ratios=[3, 2])
        axes[0].plot(level.index, level, color="black", lw=1)
        axes[0].set_ylabel(f"{index_returns.name}, 100 at start")
        axes[0].set_title("Value of the seven currencies in US dollars")
        axes[1].stackplot(level.index, probability[rows].T, labels=names, colors=STATE_COLOURS, alpha=0.85, lw=0)
        axes[1].set_ylim(0, 1)
        axes[1].yaxis.set_major_formatter(PercentFormatter(1.0))
        axes[1].set_title("Filtered probability of each Markov state", fontsize=10)
        axes[1].legend(loc="upper left", ncols=3, framealpha=0.9, frameon=True)
    return finished(figure)


def volatility_ratio(ratio: pd.Series, *, rungs: tuple[float, ...]) -> Figure:
    """Current over normal volatility against the rungs of the policy.

    Parameters
    ----------
    ratio : Series
        Oldest first.
    rungs : tuple of float
        Triggers of the volatility ladder.

    Returns
    -------
    Figure
    """
    with house_style():
        figure, axis = plt.subplots(figsize=(10.5, 3.0))
        axis.plot(ratio.index, ratio, color=BLUE, lw=0.9)
        for number, rung in enumerate(rungs, start=1):
            axis.axhline(rung, color=STATE_COLOURS[min(number - 1, 2)], lw=1, ls="--")
            axis.annotate(f"rung {number}", (ratio.index[0], rung), xytext=(2, 3), textcoords="offset points")
        axis.set_ylabel("times normal")
        axis.set_title("Volatility of the seven-leg index over its 500-day median")
    return finished(figure)


def correlations(current: NDArray[np.float64], normal: NDArray[np.float64], legs: tuple[str, ...]) -> Figure:
    """Heat maps: correlations of the legs now, normally, and the change.

    Parameters
    ----------
    current, normal : ndarray, shape (legs, legs)
        Correlation matrices.
    legs : tuple of str
        Names of the axes.

    Returns
    -------
    Figure
    """
    with house_style():
        figure, axes = plt.subplots(1, 3, figsize=(10.5, 3.9))
        for axis, matrix, title in zip(
            axes, (current, normal, current - normal), ("Now", "Normal (500-day median)", "Change"), strict=True
        ):
            image = axis.imshow(matrix, cmap="RdBu_r", vmin=-1, vmax=1)
            axis.set_xticks(range(len(legs)), legs, fontsize=8)
            axis.set_yticks(range(len(legs)), legs, fontsize=8)
            axis.grid(visible=False)
            axis.set_title(title, fontsize=10)
            for row in range(len(legs)):
                for column in range(len(legs)):
                    value = matrix[row, column]
                    ink = "white" if abs(value) > 0.6 else "black"
                    axis.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=7, color=ink)
        figure.colorbar(image, ax=axes, shrink=0.8, label="correlation of log returns")
    return finished(figure)


class AlarmState(Protocol):
    """What the alarms figure needs: three paths, oldest first, each with its threshold."""

    @property
    def drift_path(self) -> pd.Series:
        """Mean absolute change of correlations."""
        ...

    @property
    def drift_threshold(self) -> float:
        """Of the block bootstrap."""
        ...

    @property
    def turbulence_path(self) -> pd.Series:
        """Squared Mahalanobis distance."""
        ...

    @property
    def turbulence_threshold(self) -> float:
        """Upper bound of the 99 % quantile of the normal window, by block bootstrap."""
        ...

    @property
    def absorption_shift_path(self) -> pd.Series:
        """Shift of the absorption ratio, in deviations of its last year."""
        ...

    @property
    def absorption_threshold(self) -> float:
        """Of the block bootstrap."""
        ...


def alarms(state: AlarmState) -> Figure:
    """Correlation drift, turbulence and absorption shift of the last two years against their thresholds.

    Parameters
    ----------
    state : AlarmState
        Paths and thresholds.

    Returns
    -------
    Figure
    """
    since = state.drift_path.index[-1] - pd.DateOffset(years=2)
    with house_style():
        figure, axes = plt.subplots(3, 1, figsize=(10.5, 6.6), sharex=True)
        for axis, series, threshold, title in (
            (axes[0], state.drift_path, state.drift_threshold, "Mean absolute change of leg correlations from normal"),
            (axes[1], state.turbulence_path, state.turbulence_threshold, "Turbulence of the legs (7 on average)"),
            (axes[2], state.absorption_shift_path, state.absorption_threshold, "Shift of the absorption ratio"),
        ):
            recent = series[series.index >= since]
            axis.plot(recent.index, recent, color=BLUE, lw=1)
            axis.axhline(threshold, color=RED, lw=1, ls="--", label=f"block bootstrap, 99 %: {threshold:.2f}")
            axis.set_title(title, fontsize=10)
            axis.legend(loc="upper left")
    return finished(figure)


class JudgedAlarm(Protocol):
    """What the early-warning figure needs of an alarm: its reading and threshold by day."""

    @property
    def name(self) -> str:
        """Of the alarm."""
        ...

    @property
    def reading(self) -> pd.Series:
        """What is watched."""
        ...

    @property
    def threshold(self) -> pd.Series:
        """Above it the alarm is on."""
        ...


def early_warning(alarms: Sequence[JudgedAlarm], events: Sequence[pd.Timestamp]) -> Figure:
    """Readings of the alarms against their thresholds, with the days they should have warned of.

    Parameters
    ----------
    alarms : sequence of JudgedAlarm
        One panel each.
    events : sequence of Timestamp
        The worst days.

    Returns
    -------
    Figure
    """
    with house_style():
        figure, axes = plt.subplots(len(alarms), 1, figsize=(10.5, 1.9 * len(alarms)), sharex=True)
        for axis, alarm in zip(np.atleast_1d(axes), alarms, strict=True):
            axis.plot(alarm.reading.index, alarm.reading, color=BLUE, lw=0.7)
            axis.plot(alarm.threshold.index, alarm.threshold, color=RED, lw=1, ls="--")
            for day in events:
                axis.axvline(np.datetime64(day), color=ORANGE, lw=1, alpha=0.8)
            axis.set_ylim(0 if alarm.reading.min() >= 0 else None, float(alarm.reading.quantile(0.999)))
            axis.set_title(alarm.name, fontsize=10)
        figure.suptitle("Alarms (blue), thresholds (red) and the worst days (orange)", x=0.01, ha="left", fontsize=12)
    return finished(figure)


def warning_skill(frame: pd.DataFrame) -> Figure:
    """Hit rate of each alarm beside what an alarm of its shape reaches by chance.

    Parameters
    ----------
    frame : DataFrame
        One row an alarm, with the columns ``hit rate`` and ``by chance``.

    Returns
    -------
    Figure
    """
    places = np.arange(len(frame))
    with house_style():
        figure, axis = plt.subplots(figsize=(10.5, 3.0))
        axis.barh(
            places - 0.18, frame["hit rate"], height=0.36, color=BLUE, label="worst days with the alarm on before"
        )
        axis.barh(places + 0.18, frame["by chance"], height=0.36, color=GREY, label="reached by chance")
        axis.set_yticks(places, frame.index)
        axis.invert_yaxis()
        axis.set_xlim(0, 1)
        axis.xaxis.set_major_formatter(PercentFormatter(1.0))
        axis.set_title("Do the alarms warn?")
        axis.legend(loc="lower right")
    return finished(figure)
