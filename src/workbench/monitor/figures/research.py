"""Figures of research: the grid, the walk-forward, how much of the best is luck."""

from typing import Any, Protocol

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from workbench.monitor.figures.style import BLUE, GREEN, GREY, ORANGE, RED, finished, house_style

Floats = NDArray[np.float64]

BIN = 0.2
"""Width of a bar of logits; a bar ends at 0, where the median is."""
PROFILES = ("conservative", "moderate", "aggressive")
TIER_COLOURS = {"core": BLUE, "growth": GREEN, "tactical": ORANGE, "cash": GREY}


def grid_table(table: pd.DataFrame, measure: str = "sharpe", profile: str = "all") -> pd.DataFrame:
    """The grid as a rectangle: pairs down, timeframes and signals across.

    Parameters
    ----------
    table : DataFrame
        One row a configuration: pair, timeframe, signal, profile and the measure.
    measure : str
        Column shown.
    profile : str
        One risk profile, or ``all`` for the mean over them.

    Returns
    -------
    DataFrame, shape (pairs, timeframes × signals)
    """
    rows = table if profile == "all" else table[table["profile"] == profile]
    columns = (rows["timeframe"] + " " + rows["signal"]).rename("rule")
    wide = rows.assign(rule=columns).pivot_table(index="pair", columns="rule", values=measure, aggfunc="mean")
    order = list(dict.fromkeys(columns.sort_index(kind="stable")))
    ranked = sorted(order, key=lambda rule: (rule.split()[0], rule.split()[1]))
    return wide.reindex(columns=ranked)


def grid(table: pd.DataFrame) -> Figure:
    """Heat map of annual Sharpe ratios, mean over the risk profiles.

    Parameters
    ----------
    table : DataFrame
        As for `grid_table`.

    Returns
    -------
    Figure
    """
    wide = grid_table(table)
    with house_style():
        figure, axis = plt.subplots(figsize=(10.5, 0.34 * len(wide) + 1.9))
        values = wide.to_numpy(dtype=float)
        limit = max(float(np.nanmax(np.abs(values))), 0.1)
        drawn = axis.imshow(values, cmap="PuOr_r", vmin=-limit, vmax=limit, aspect="auto")
        axis.set_xticks(range(len(wide.columns)), [name.replace(" ", "\n") for name in wide.columns], fontsize=8.5)
        axis.set_yticks(range(len(wide)), wide.index, fontsize=9)
        axis.grid(visible=False)
        for row, column in np.ndindex(values.shape):
            if np.isfinite(values[row, column]):
                dark = abs(values[row, column]) > 0.6 * limit
                axis.text(column, row, f"{values[row, column]:+.2f}", ha="center", va="center", fontsize=8,
                          color="white" if dark else "#111827")  # fmt: skip
        figure.colorbar(drawn, ax=axis, label="annual Sharpe ratio after costs", shrink=0.8)
        axis.set_title("Every rule on every pair, mean over the three risk profiles")
        return finished(figure)


def walk_forward(stitched: pd.Series, *, whole: pd.Series | None = None) -> Figure:
    """What choosing in training and trading afterwards would have earned, beside the same choice made with hindsight.

    Parameters
    ----------
    stitched : Series
        Daily returns of the tests, fractions of constant capital.
    whole : Series, optional
        Returns of what is chosen today, over the same days: hindsight.

    Returns
    -------
    Figure
    """
    with house_style():
        figure, (upper, lower) = plt.subplots(2, 1, sharex=True, height_ratios=(3, 1), figsize=(10.5, 4.8))
        line = 100.0 * stitched.cumsum()
        upper.plot(line.index, line, color=BLUE, label="walk-forward: chosen before, traded after")
        if whole is not None:
            seen = 100.0 * whole.reindex(stitched.index).fillna(0.0).cumsum()
            upper.plot(seen.index, seen, color=GREY, linestyle="--", label="chosen today: hindsight, nobody earned it")
        upper.axhline(0.0, color=GREY, linewidth=0.8)
        upper.set_ylabel("% of capital, summed")
        upper.set_title("The one line that counts: returns after the choice was made")
        upper.legend(loc="upper left")
        fall = line - np.maximum(line.cummax(), 0.0)
        lower.fill_between(fall.index, fall, 0.0, color=RED, alpha=0.5, linewidth=0)
        lower.set_ylabel("drawdown, %")
        return finished(figure)


class Splits(Protocol):
    """What the figures need of a cross-validation."""

    @property
    def probability(self) -> float:
        """Share of splits at or below the median."""
        ...

    @property
    def interval(self) -> tuple[float, float]:
        """Of that share."""
        ...

    @property
    def slope(self) -> float:
        """Of out-of-sample on in-sample Sharpe ratios."""
        ...

    @property
    def logits(self) -> Floats:
        """Of the relative rank out of sample, one a split."""
        ...

    @property
    def in_sample(self) -> Floats:
        """Sharpe ratio of the chosen per period, one a split."""
        ...

    @property
    def out_of_sample(self) -> Floats:
        """The same on the other half."""
        ...


def overfitting(splits: Splits | None) -> Figure:
    """Where the best of one half of history ranks in the other.

    Parameters
    ----------
    splits : Splits or None
        The cross-validation; None draws a note.

    Returns
    -------
    Figure
    """
    if splits is None:
        return nothing("No probability of backtest overfitting: there is nothing to rank")
    logits, (low, high) = splits.logits, splits.interval
    with house_style():
        figure, axis = plt.subplots()
        edges = BIN * np.arange(np.floor(logits.min() / BIN), np.ceil(logits.max() / BIN) + 1.5)
        counts, _ = np.histogram(logits, bins=edges)
        for below, colour, hatch in ((True, ORANGE, "//"), (False, BLUE, "")):
            side = (edges[:-1] < 0.0) == below
            axis.bar(edges[:-1][side], counts[side], np.diff(edges)[side], align="edge", color=colour, hatch=hatch,
                     edgecolor="white", linewidth=0.4)  # fmt: skip
        axis.axvline(0.0, color="#111827", linewidth=1.2)
        axis.set_xlabel("logit of the rank out of sample  (left of 0: below the median, hatched)")
        axis.set_ylabel("splits")
        chance = f"{100 * splits.probability:.0f} %, 90 % interval {100 * low:.0f} to {100 * high:.0f} %"
        axis.set_title(f"Probability of backtest overfitting {chance}")
        return finished(figure)


def degradation(splits: Splits | None, *, periods_per_year: float = 256.0) -> Figure:
    """Sharpe ratio of the best of one half against its own in the other half.

    Parameters
    ----------
    splits : Splits or None
        The cross-validation; None draws a note.
    periods_per_year : float
        For annual figures.

    Returns
    -------
    Figure
    """
    if splits is None:
        return nothing("No other half to look at: there is nothing to rank")
    scale = np.sqrt(periods_per_year)
    step = max(len(splits.in_sample) // 2_000, 1)
    x, y = splits.in_sample[::step] * scale, splits.out_of_sample[::step] * scale
    with house_style():
        figure, axis = plt.subplots(figsize=(10.5, 4.6))
        axis.scatter(x, y, s=9, color=BLUE, alpha=0.35, linewidths=0)
        ends = np.array([x.min(), x.max()])
        line = splits.out_of_sample.mean() * scale + splits.slope * (ends - splits.in_sample.mean() * scale)
        axis.plot(ends, line, color=RED, label=f"slope {splits.slope:+.2f}")
        axis.plot(ends, ends, color=GREY, linestyle=":", label="as good as in sample")
        axis.axhline(0.0, color="#111827", linewidth=0.8)
        axis.set_xlabel("best annual Sharpe ratio in one half")
        axis.set_ylabel("its Sharpe ratio in the other half")
        axis.set_title("What is left of the best when it meets other days")
        axis.legend(loc="best")
        return finished(figure)


def nothing(why: str) -> Figure:
    """A figure that says why there is none.

    Parameters
    ----------
    why : str
        A sentence.

    Returns
    -------
    Figure
    """
    with house_style():
        figure, axis = plt.subplots(figsize=(10.5, 1.2))
        axis.set_axis_off()
        axis.text(0.0, 0.5, why, fontsize=12, color=GREY, va="center")
        return finished(figure)


def by_part(table: pd.DataFrame, *, title: str) -> Figure:
    """Annual Sharpe ratios of a few strategies in parts of history: decades or regimes.

    Parameters
    ----------
    table : DataFrame, shape (strategies, parts)
        Annual Sharpe ratios.
    title : str
        What the parts are.

    Returns
    -------
    Figure
    """
    if table.empty:
        return nothing(f"{title}: no strategy was chosen")
    with house_style():
        figure, axis = plt.subplots(figsize=(10.5, 0.36 * len(table) + 1.7))
        values = table.to_numpy(dtype=float)
        limit = max(float(np.nanmax(np.abs(values))), 0.1)
        drawn = axis.imshow(values, cmap="PuOr_r", vmin=-limit, vmax=limit, aspect="auto")
        axis.set_xticks(range(table.shape[1]), list(table.columns))
        axis.set_yticks(range(len(table)), list(table.index), fontsize=9)
        axis.grid(visible=False)
        for row, column in np.ndindex(values.shape):
            dark = abs(values[row, column]) > 0.6 * limit
            axis.text(column, row, f"{values[row, column]:+.2f}", ha="center", va="center", fontsize=8.5,
                      color="white" if dark else "#111827")  # fmt: skip
        figure.colorbar(drawn, ax=axis, label="annual Sharpe ratio")
        axis.set_title(title)
        return finished(figure)


def engine_equity(free: pd.DataFrame, controlled: pd.DataFrame) -> Figure:
    """The chosen strategies through the engine, with controls and without.

    Parameters
    ----------
    free, controlled : DataFrame
        Paths of two replays: equity and gross.

    Returns
    -------
    Figure
    """
    with house_style():
        figure, (upper, lower) = plt.subplots(2, 1, sharex=True, height_ratios=(3, 1), figsize=(10.5, 4.8))
        _equity(upper, free, GREY, "without controls", "--")
        _equity(upper, controlled, BLUE, "with controls", "-")
        upper.set_ylabel("equity, million USD")
        upper.set_title("The chosen strategies through the risk engine")
        upper.legend(loc="upper left")
        lower.plot(free.index, free["gross"], color=GREY, linewidth=0.6, linestyle="--")
        lower.plot(controlled.index, controlled["gross"], color=BLUE, linewidth=0.6)
        lower.set_ylabel("exposure / equity")
        return finished(figure)


def _equity(axis: Axes, path: pd.DataFrame, colour: str, label: str, style: str) -> None:
    axis.plot(path.index, path["equity"] / 1e6, color=colour, label=label, linestyle=style)


def control_effects(effects: pd.Series) -> Figure:
    """What each kind of decision added to the profit or took from it.

    Parameters
    ----------
    effects : Series
        US dollars by reason.

    Returns
    -------
    Figure
    """
    if effects.empty:
        return nothing("The controls changed nothing")
    ordered = effects.sort_values()
    with house_style():
        figure, axis = plt.subplots(figsize=(10.5, 0.4 * max(len(ordered), 2) + 1.3))
        colours = [RED if value < 0 else GREEN for value in ordered]
        axis.barh(range(len(ordered)), ordered / 1e3, color=colours)
        axis.set_yticks(range(len(ordered)), list(ordered.index), fontsize=9)
        axis.axvline(0.0, color="#111827", linewidth=0.8)
        axis.set_xlabel("thousand USD  (right: the controls earned or saved)")
        axis.set_title(f"With controls less without: {ordered.sum() / 1e3:+,.0f} thousand USD in all")
        return finished(figure)


def tier_weights(weights: pd.DataFrame, tiers: dict[str, str]) -> Figure:
    """Weights of the strategies through time, by tier.

    Parameters
    ----------
    weights : DataFrame, shape (days, strategies)
        Shares of capital.
    tiers : dict of str to str
        Tier of each strategy.

    Returns
    -------
    Figure
    """
    if weights.shape[1] == 0:
        return nothing("No strategy was chosen: all of the capital is cash")
    names = sorted(weights.columns, key=lambda name: list(TIER_COLOURS).index(tiers[str(name)]))
    with house_style():
        figure, axis = plt.subplots()
        stacked = axis.stackplot(
            weights.index, 100.0 * weights[names].to_numpy().T, linewidth=0.3, edgecolor="white",
            colors=[TIER_COLOURS[tiers[str(name)]] for name in names],
        )  # fmt: skip
        shown: dict[str, Any] = {}
        for name, drawn in zip(names, stacked, strict=True):
            shown.setdefault(tiers[str(name)], drawn)
        axis.legend(list(shown.values()), list(shown), loc="lower left", ncols=3, frameon=True, framealpha=0.95)
        axis.set_ylim(0.0, 100.0)
        axis.set_ylabel("% of capital")
        axis.set_title("Weights by the tier rule")
        return finished(figure)


def scatter_of_probabilities(table: pd.DataFrame) -> Figure:
    """The probability of backtest overfitting over many synthetic panels.

    Parameters
    ----------
    table : DataFrame
        One row a panel: kind, overfitting.

    Returns
    -------
    Figure
    """
    kinds = list(dict.fromkeys(table["kind"]))
    with house_style():
        figure, axis = plt.subplots(figsize=(10.5, 0.7 * len(kinds) + 1.5))
        for place, (kind, colour) in enumerate(zip(kinds, (GREY, BLUE, ORANGE), strict=False)):
            values = np.sort(table.loc[table["kind"] == kind, "overfitting"].to_numpy(dtype=float))
            spread = np.where(np.arange(len(values)) % 2 == 0, 0.12, -0.12)
            axis.scatter(values, place + spread, s=26, color=colour, alpha=0.8, linewidths=0)
        axis.axvline(0.5, color="#111827", linewidth=0.8)
        axis.set_yticks(range(len(kinds)), kinds)
        axis.set_ylim(-0.6, len(kinds) - 0.4)
        axis.set_xlim(-0.02, 1.02)
        axis.set_xlabel("probability of backtest overfitting (synthetic panels, one dot each)")
        axis.set_title("One panel of noise can look anything")
        return finished(figure)


def backtest_length(years: pd.Series) -> Figure:
    """Years of data so many trials ask for.

    Parameters
    ----------
    years : Series
        Minimum backtest length by number of trials.

    Returns
    -------
    Figure
    """
    with house_style():
        figure, axis = plt.subplots(figsize=(10.5, 3.4))
        axis.plot(years.index, years, color=BLUE)
        axis.set_xscale("log")
        axis.set_xlabel("trials")
        axis.set_ylabel("years")
        for trials in (45, 384, 576):
            if trials in years.index:
                axis.annotate(f"{trials} trials: {years[trials]:.1f} years", (trials, years[trials]), (8, -14),
                              textcoords="offset points", fontsize=9)  # fmt: skip
                axis.scatter([trials], [years[trials]], color=RED, zorder=3)
        axis.set_title("Years before the best of N trials without an edge stays under a Sharpe ratio of 1")
        return finished(figure)
