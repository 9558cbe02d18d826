"""Figures one can question: a choice above, the picture below. For JupyterLab; reports use the static ones."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from workbench.monitor.figures.research import PROFILES, grid_table
from workbench.monitor.figures.style import BLUE, GREY, ORANGE

MEASURES: Mapping[str, str] = {
    "Sharpe ratio": "sharpe",
    "return a year": "annual_return",
    "largest drawdown": "drawdown",
    "trades": "trades",
}
HEIGHT = 460


def grid_explorer(tables: Mapping[str, pd.DataFrame]) -> Any:
    """Heat map of the grid with choices of costs, measure and risk profile.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Summary of the sweep by the name of its costs, such as ``1×``.

    Returns
    -------
    VBox
        Choices and a plotly figure that follows them.
    """
    import ipywidgets
    import plotly.graph_objects as go

    costs = ipywidgets.Dropdown(options=list(tables), description="costs")
    measure = ipywidgets.Dropdown(options=list(MEASURES), description="measure")
    profile = ipywidgets.Dropdown(options=["all", *PROFILES], description="risk profile")
    # built complete before it is shown: changes between making and showing are lost
    first = grid_table(tables[costs.value])
    figure = go.FigureWidget(
        data=[
            go.Heatmap(
                z=first.to_numpy(), x=list(first.columns), y=list(first.index), colorscale="PuOr", reversescale=True,
                zmid=0.0, hovertemplate="%{y} %{x}<br>%{z:.3f}<extra></extra>",
            )
        ],
        layout=_layout("Every rule on every pair") | {"yaxis": {"autorange": "reversed"}},
    )  # fmt: skip

    def draw(_change: Any = None) -> None:
        wide = grid_table(tables[costs.value], MEASURES[measure.value], profile.value)
        with figure.batch_update():
            figure.data[0].z = wide.to_numpy()
            figure.layout.title.text = f"{measure.value}, {profile.value} profiles, costs {costs.value}"

    return _shown([costs, measure, profile], draw, figure)


def curve_explorer(returns: pd.DataFrame, regimes: "np.ndarray[tuple[int], np.dtype[np.str_]]") -> Any:
    """Cumulated return of one configuration, its days in a chosen regime marked.

    Parameters
    ----------
    returns : DataFrame, shape (days, configurations)
        Net, fractions of constant capital.
    regimes : ndarray of str, shape (days,)
        Known on the evening before each day.

    Returns
    -------
    VBox
        Choices and a plotly figure that follows them.
    """
    import ipywidgets
    import plotly.graph_objects as go

    name = ipywidgets.Combobox(
        options=list(returns.columns), value=str(returns.columns[0]), description="strategy", ensure_option=True,
        layout={"width": "420px"},
    )  # fmt: skip
    known = sorted(set(regimes.tolist()))
    regime = ipywidgets.Dropdown(options=known, value="normal" if "normal" in known else known[0], description="regime")
    index = list(returns.index)
    figure = go.FigureWidget(
        data=[
            go.Scatter(x=index, y=_curve(returns[name.value]), mode="lines", line={"color": GREY}, name="all days"),
            go.Scatter(x=index, y=_marked(returns[name.value], regimes, regime.value), mode="lines",
                       line={"color": ORANGE, "width": 3}, name="in the regime"),
        ],
        layout=_layout(name.value, height=380) | {"yaxis": {"title": "% of capital, summed"}},
    )  # fmt: skip

    def draw(_change: Any = None) -> None:
        if name.value not in returns:
            return
        inside = returns[name.value].to_numpy()[regimes == regime.value]
        with figure.batch_update():
            figure.data[0].y = _curve(returns[name.value])
            figure.data[1].y = _marked(returns[name.value], regimes, regime.value)
            figure.layout.title.text = (
                f"{name.value}: {100 * inside.sum():+.1f} % on {len(inside)} days of {regime.value}"
            )

    return _shown([name, regime], draw, figure)


def scatter_explorer(panels: Mapping[str, tuple[Any, Any]]) -> Any:
    """In-sample against out-of-sample Sharpe ratios of several panels, one at a time.

    Parameters
    ----------
    panels : mapping of str to (array, array)
        In-sample and out-of-sample annual Sharpe ratios over the splits.

    Returns
    -------
    VBox
        A choice and a plotly figure that follows it.
    """
    import ipywidgets
    import plotly.graph_objects as go

    panel = ipywidgets.Dropdown(options=list(panels), description="panel")
    x, y = panels[panel.value]
    layout = _layout("What is left of the best on other days", height=420)
    layout |= {"xaxis": {"title": "best in one half"}, "yaxis": {"title": "the same in the other half"}}
    figure = go.FigureWidget(
        data=[go.Scattergl(x=x, y=y, mode="markers", marker={"size": 4, "color": BLUE, "opacity": 0.4})], layout=layout
    )

    def draw(_change: Any = None) -> None:
        with figure.batch_update():
            figure.data[0].x, figure.data[0].y = panels[panel.value]

    return _shown([panel], draw, figure)


def _shown(choices: list[Any], draw: Callable[..., None], figure: Any) -> Any:
    import ipywidgets

    for choice in choices:
        choice.observe(draw, names="value")
    draw()
    return ipywidgets.VBox([ipywidgets.HBox(choices), figure])


def _layout(title: str, height: int = HEIGHT) -> dict[str, Any]:
    return {
        "title": title,
        "height": height,
        "template": "plotly_white",
        "margin": {"l": 80, "r": 20, "t": 50, "b": 40},
    }


def _curve(series: pd.Series) -> Any:
    return 100.0 * series.cumsum().to_numpy()


def _marked(series: pd.Series, regimes: Any, chosen: str) -> Any:
    return np.where(regimes == chosen, _curve(series), np.nan)
