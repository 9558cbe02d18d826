"""A panel of strategy returns, checked once for every statistic of this room."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.domain.errors import DataError

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

FLAT = 1e-12
"""A column whose standard deviation is below this fraction of its largest absolute return does not move: a constant
leaves rounding of about 1e-16 of itself behind."""


def finite_panel(returns: ArrayLike, *, least_rows: int, least_columns: int = 1) -> FloatArray:
    """Return the returns as a float matrix.

    Parameters
    ----------
    returns : array_like of float, shape (periods, strategies)
        Simple returns of each strategy, a fraction per period, oldest first; NaN is refused.
    least_rows, least_columns : int
        Fewest periods and strategies the caller can work with.

    Returns
    -------
    ndarray of float, shape (periods, strategies)
        A view where it can be one; not to be written to.

    Raises
    ------
    DataError
        If the panel is misshapen, too small or not finite.
    """
    panel = np.asarray(returns, dtype=np.float64)
    if panel.ndim != 2:
        raise DataError(f"returns of shape (periods, strategies) expected, a column a strategy; got {panel.shape}")
    rows, columns = panel.shape
    if columns < least_columns:
        alone = ": a single surviving strategy has no rank among others" if columns == 1 else ""
        raise DataError(f"at least {least_columns} strategies expected, got {columns}{alone}; widen the grid")
    if rows < least_rows:
        raise DataError(f"at least {least_rows} periods expected, got {rows}; use a longer history")
    if not np.isfinite(panel).all():
        row, column = np.argwhere(~np.isfinite(panel))[0]
        raise DataError(
            f"returns must be finite; strategy {column} has {panel[row, column]} in row {row}: "
            "cut the panel to the periods all strategies have, or fill days without a position with 0"
        )
    return panel


def moving_columns(panel: FloatArray) -> BoolArray:
    """Say which strategies move at all.

    Parameters
    ----------
    panel : ndarray of float, shape (periods, strategies)
        Finite returns.

    Returns
    -------
    ndarray of bool, shape (strategies,)
        False where every return is the same, as for a strategy that never traded.
    """
    moving: BoolArray = panel.std(axis=0) > FLAT * np.abs(panel).max(axis=0)
    return moving


def sharpe_ratios(panel: FloatArray) -> FloatArray:
    """Return the Sharpe ratio per period of each strategy; 0 for one that never moves.

    Parameters
    ----------
    panel : ndarray of float, shape (periods, strategies)
        Finite returns in excess of cash.

    Returns
    -------
    ndarray of float, shape (strategies,)
        Mean over standard deviation (one degree of freedom lost).
    """
    moving = moving_columns(panel)
    ratios = np.zeros(panel.shape[1])
    ratios[moving] = panel[:, moving].mean(axis=0) / panel[:, moving].std(axis=0, ddof=1)
    return ratios
