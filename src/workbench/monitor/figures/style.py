"""One look for every figure: colours that survive colour blindness, thin axes, units on the labels."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#6b7280"
"""Okabe and Ito (2008): told apart under every common colour blindness."""

_SETTINGS: dict[Any, Any] = {
    "figure.figsize": (10.5, 4.2),
    "figure.constrained_layout.use": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.grid": True,
    "grid.color": "#e5e7eb",
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "font.size": 10,
    "legend.frameon": False,
}


@contextmanager
def house_style() -> Iterator[None]:
    """Draw with the settings of the house; they end with the block.

    Yields
    ------
    None
    """
    with mpl.rc_context(_SETTINGS):
        yield


def finished(figure: Figure) -> Figure:
    """Take a figure out of pyplot's hands, so that a notebook shows it once and memory is freed.

    Parameters
    ----------
    figure : Figure
        Drawn.

    Returns
    -------
    Figure
        The same.
    """
    plt.close(figure)
    return figure
