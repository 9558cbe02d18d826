"""Walk-forward: choose in a training window only, trade the months after it, move on; stitch what was traded.

Purge: a trade that is still open when training ends has its profit in the test, so it does not count in training, from
its entry on. Embargo: besides, the last marks before the test are not looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.domain.errors import ConfigError, DataError
from workbench.domain.tables import html_table, number, percent
from workbench.research.market import periods_per_year
from workbench.research.overfitting.panel import sharpe_ratios
from workbench.research.performance import largest_drawdowns

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Schedule:
    """Lengths of a walk-forward.

    Attributes
    ----------
    train_months, test_months, step_months : int
        Three years to choose in, half a year to trade, half a year to the next choice.
    embargo_marks : int
        Marks before the test that training does not see.
    """

    train_months: int = 36
    test_months: int = 6
    step_months: int = 6
    embargo_marks: int = 5

    def __post_init__(self) -> None:
        """Refuse windows without length, and tests that overlap."""
        for key in ("train_months", "test_months", "step_months"):
            if getattr(self, key) < 1:
                raise ConfigError(f"{key} must be at least 1, got {getattr(self, key)}")
        if self.embargo_marks < 0:
            raise ConfigError(f"embargo_marks must be at least 0, got {self.embargo_marks}")
        if self.step_months < self.test_months:
            raise ConfigError(
                f"step_months ({self.step_months}) must be at least test_months ({self.test_months}): a day is traded "
                "once"
            )

    def windows(self, index: pd.DatetimeIndex) -> "tuple[Window, ...]":
        """Windows over an index, oldest first.

        Parameters
        ----------
        index : DatetimeIndex
            Rising.

        Returns
        -------
        tuple of Window
            The last one may test fewer months than a whole window, never less than half.

        Raises
        ------
        DataError
            When there is too little history for one window.
        """
        found, start = [], index[0]
        last = index[-1] + pd.Timedelta(days=1)
        while True:
            split = start + pd.DateOffset(months=self.train_months)
            end = split + pd.DateOffset(months=self.test_months)
            if last < split + (end - split) / 2:
                break
            rows = [int(index.searchsorted(edge)) for edge in (start, split, end)]
            found.append(Window(rows[0], max(rows[1] - self.embargo_marks, rows[0]), rows[1], rows[2]))
            start += pd.DateOffset(months=self.step_months)
        if not found:
            months = (index[-1] - index[0]) / pd.Timedelta(days=30.44)
            raise DataError(
                f"too little history for a window: {self.train_months} months of training and {self.test_months} of "
                f"test were asked for, there are {months:.1f} months of data"
            )
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Group:
    """Series of one kind, of which only a few may be chosen.

    Attributes
    ----------
    labels : tuple of str, length series
        Kind of each series, in the order of the columns.
    most : int
        How many of one kind may be chosen.
    """

    labels: tuple[str, ...]
    most: int


@dataclass(frozen=True, slots=True)
class Window:
    """Rows of one window: training is [start, train_end), the test [test_start, test_end)."""

    start: int
    train_end: int
    test_start: int
    test_end: int


@dataclass(frozen=True, slots=True, eq=False)
class WalkForward:
    """What a walk-forward found.

    Attributes
    ----------
    windows : tuple of Window
        Oldest first.
    names : tuple of str
        Of the series.
    groups : tuple of Group
        Limits the choice was made under.
    train_sharpe, test_sharpe : ndarray, shape (windows, series)
        Per period; 0 for a series that never moved.
    test_return : ndarray, shape (windows, series)
        Sum of the test's returns.
    chosen : ndarray of int, shape (windows, places)
        Columns chosen in each window, best first; -1 for a place nobody filled.
    stitched : Series
        Returns of what was chosen, in the tests only: the one headline.
    """

    windows: tuple[Window, ...] = field(repr=False)
    names: tuple[str, ...] = field(repr=False)
    groups: tuple[Group, ...] = field(repr=False)
    train_sharpe: Floats = field(repr=False)
    test_sharpe: Floats = field(repr=False)
    test_return: Floats = field(repr=False)
    chosen: Integers = field(repr=False)
    stitched: pd.Series = field(repr=False)

    @property
    def positive_share(self) -> pd.Series:
        """Share of the tests in which a series earned, out of those in which it traded; 0 when it never did."""
        traded = (self.test_sharpe != 0.0).sum(axis=0)
        earned = (self.test_return > 0).sum(axis=0)
        return pd.Series(earned / np.maximum(traded, 1), index=list(self.names))

    @property
    def sharpe(self) -> float:
        """Annual Sharpe ratio of the stitched returns."""
        rate = periods_per_year(pd.DatetimeIndex(self.stitched.index))
        return float(sharpe_ratios(self.stitched.to_numpy()[:, None])[0] * np.sqrt(rate))

    @property
    def drawdown(self) -> float:
        """Largest drawdown of the stitched returns, fraction of constant capital."""
        return float(largest_drawdowns(self.stitched.to_numpy()[:, None])[0])

    @property
    def correlation_of_ranks(self) -> float:
        """Mean over the windows of the rank correlation between training and test Sharpe ratios; 0 is no memory."""
        train, test = (pd.DataFrame(values).rank(axis=1).to_numpy() for values in (self.train_sharpe, self.test_sharpe))
        train, test = (values - values.mean(axis=1, keepdims=True) for values in (train, test))
        size = np.sqrt((train**2).sum(axis=1) * (test**2).sum(axis=1))
        return float(np.mean((train * test).sum(axis=1)[size > 0] / size[size > 0])) if (size > 0).any() else 0.0

    def _repr_html_(self) -> str:
        index = self.stitched.index
        rate = periods_per_year(pd.DatetimeIndex(index))
        rows = [
            ["windows", number(len(self.windows), ".0f")],
            ["traded", f"{index[0].date()} to {index[-1].date()}"],
            ["return a year", percent(float(self.stitched.mean() * rate))],
            ["Sharpe ratio, annual", number(self.sharpe, ".2f")],
            ["largest drawdown", percent(self.drawdown, 1)],
            ["tests that earned money", percent(float(np.mean(self._earned())), 0)],
            ["rank correlation of training and test", number(self.correlation_of_ranks, "+.3f")],
        ]
        return html_table(["walk-forward", "value"], rows, caption="Chosen in training, traded in the test")

    def _earned(self) -> list[bool]:
        """Whether what was chosen earned money, by window."""
        lengths = [window.test_end - window.test_start for window in self.windows]
        edges = np.cumsum([0, *lengths])
        values = self.stitched.to_numpy()
        return [bool(values[a:b].sum() > 0) for a, b in pairwise(edges)]


def walk_forward(
    returns: pd.DataFrame,
    *,
    schedule: Schedule = Schedule(),
    weights: Sequence[float] = (0.1,) * 10,
    open_since: Integers | None = None,
    likeness: float = 0.7,
    groups: Sequence[Group] = (),
) -> WalkForward:
    """Choose in training, trade in the test.

    Parameters
    ----------
    returns : DataFrame, shape (periods, series)
        Net returns, finite, oldest first, indexed by time.
    schedule : Schedule, optional
        Lengths of the windows.
    weights : sequence of float
        Share of capital of each place, best first; what a place nobody fills would have had stays in cash.
    open_since : ndarray of int, shape (periods, series), optional
        Row at which the position held after each period was entered (`Sweep.open_since`); without it nothing is purged
        but the embargo.
    likeness : float
        Two series whose returns correlate more than this in training are the same idea; the better one is taken.
    groups : sequence of Group
        Limits on how many of one kind are chosen.

    Returns
    -------
    WalkForward

    Raises
    ------
    DataError
        When a return is not finite, or there is too little history for one window.
    """
    values = finite_returns(returns)
    index = pd.DatetimeIndex(returns.index)
    windows = schedule.windows(index)
    sums = np.vstack([np.zeros(values.shape[1]), np.cumsum(values, axis=0)])
    squares = np.vstack([np.zeros(values.shape[1]), np.cumsum(values**2, axis=0)])
    trains, tests, earned, picked, stitched = [], [], [], [], []
    for window in windows:
        ends = np.full(values.shape[1], window.train_end)
        if open_since is not None and window.train_end > window.start:
            ends = np.clip(open_since[window.train_end - 1], window.start, window.train_end)
        train = _window_sharpe(sums, squares, np.full_like(ends, window.start), ends)
        columns = choose(values[window.start : window.train_end], train, len(weights), likeness, groups)
        test = slice(window.test_start, window.test_end)
        trains.append(train)
        tests.append(sharpe_ratios(values[test]))
        earned.append(sums[min(window.test_end, len(values))] - sums[window.test_start])
        picked.append(np.pad(columns, (0, len(weights) - len(columns)), constant_values=-1))
        stitched.append(values[test][:, columns] @ np.asarray(weights)[: len(columns)])
    rows = np.concatenate([np.arange(one.test_start, min(one.test_end, len(values))) for one in windows])
    line = pd.Series(np.concatenate(stitched), index=index[rows], name="walk-forward")
    return WalkForward(
        windows,
        tuple(str(name) for name in returns.columns),
        tuple(groups),
        np.array(trains),
        np.array(tests),
        np.array(earned),
        np.array(picked),
        line,
    )


def _window_sharpe(sums: Floats, squares: Floats, starts: Integers, ends: Integers) -> Floats:
    """Sharpe ratio of each column over its own rows; 0 where it did not move."""
    columns = np.arange(sums.shape[1])
    counts = (ends - starts).astype(float)
    total, square = sums[ends, columns] - sums[starts, columns], squares[ends, columns] - squares[starts, columns]
    enough = counts > 1
    mean = total / np.where(enough, counts, 1.0)
    variance = np.maximum(square - counts * mean**2, 0.0) / np.where(enough, counts - 1.0, 1.0)
    # sums of 27 years carry rounding errors of the order of 1e-15: what is below is no movement
    moves = enough & (variance > 1e-14)
    return np.where(moves, mean / np.sqrt(np.where(moves, variance, 1.0)), 0.0)


def choose(returns: Floats, score: Floats, places: int, likeness: float, groups: Sequence[Group] = ()) -> Integers:
    """Best columns by score, no two of them alike; only scores above 0.

    Parameters
    ----------
    returns : ndarray, shape (periods, series)
        By which likeness is judged.
    score : ndarray, shape (series,)
        Larger is better; equals are taken in the order of the columns.
    places : int
        How many at most.
    likeness : float
        Largest correlation with one already chosen.
    groups : sequence of Group
        Limits on how many of one kind are chosen.

    Returns
    -------
    ndarray of int, shape (chosen,)
        Best first; fewer than `places` when there are no more.
    """
    order = np.argsort(-score, kind="stable")
    chosen: list[int] = []
    centred = returns - returns.mean(axis=0)
    size = np.sqrt((centred**2).sum(axis=0))
    for column in order[score[order] > 0]:
        if len(chosen) == places:
            break
        full = any(sum(group.labels[one] == group.labels[column] for one in chosen) >= group.most for group in groups)
        alike = centred[:, chosen].T @ centred[:, column] > likeness * size[chosen] * size[column]
        if size[column] > 0 and not full and not alike.any():
            chosen.append(int(column))
    return np.array(chosen, dtype=np.int64)


def finite_returns(returns: pd.DataFrame) -> Floats:
    """Values of a table of returns.

    Parameters
    ----------
    returns : DataFrame, shape (periods, series)
        Indexed by time, rising.

    Returns
    -------
    ndarray, shape (periods, series)

    Raises
    ------
    DataError
        When there is no series, no time, or a value that is not finite.
    """
    if not isinstance(returns.index, pd.DatetimeIndex) or not returns.index.is_monotonic_increasing:
        raise DataError("returns must be indexed by rising times")
    values = returns.to_numpy(dtype=float)
    if values.ndim != 2 or values.shape[1] == 0 or values.shape[0] < 2:
        raise DataError(f"expected returns of shape (periods ≥ 2, series ≥ 1), got {values.shape}")
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        row, column = bad[0]
        raise DataError(f"returns must be finite: {returns.columns[column]} at {returns.index[row]} is not")
    return values
