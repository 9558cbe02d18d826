"""Figures one can question: a choice above, the picture below. For JupyterLab; reports use the static ones."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

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
DAYS_A_YEAR = 256


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


def walk_forward_explorer(lines: Mapping[str, pd.Series]) -> Any:
    """Returns after the choice, summed: one line at a time, the first one kept beside it.

    Parameters
    ----------
    lines : mapping of str to Series
        Daily returns of walk-forwards by name.

    Returns
    -------
    VBox
        A choice and a plotly figure that follows it.
    """
    import ipywidgets
    import plotly.graph_objects as go

    names = list(lines)
    line = ipywidgets.Dropdown(options=names, value=names[-1], description="choice", layout={"width": "320px"})
    first, shown = lines[names[0]], lines[line.value]
    figure = go.FigureWidget(
        data=[
            go.Scatter(x=list(first.index), y=_curve(first), mode="lines", line={"color": GREY}, name=names[0]),
            go.Scatter(x=list(shown.index), y=_curve(shown), mode="lines", line={"color": BLUE}, name="shown"),
        ],
        layout=_layout("Chosen before, traded after", height=400) | {"yaxis": {"title": "% of capital, summed"}},
    )

    def draw(_change: Any = None) -> None:
        values = lines[line.value]
        yearly = values.mean() / values.std() * np.sqrt(DAYS_A_YEAR) if values.std() > 0 else 0.0
        with figure.batch_update():
            figure.data[1].x, figure.data[1].y = list(values.index), _curve(values)
            figure.layout.title.text = f"Chosen before, traded after: {line.value}, Sharpe ratio {yearly:+.2f}"

    return _shown([line], draw, figure)


def regime_explorer(table: pd.DataFrame, parts: Sequence[str]) -> Any:
    """Annual Sharpe ratios of one configuration in parts of history, beside the mean of the grid.

    Parameters
    ----------
    table : DataFrame
        One row a configuration.
    parts : sequence of str
        Columns shown: regimes or decades.

    Returns
    -------
    VBox
        A choice and a plotly figure that follows it.
    """
    import ipywidgets
    import plotly.graph_objects as go

    names = [str(name) for name in table.index]
    name = ipywidgets.Combobox(
        options=names, value=names[0], description="strategy", ensure_option=True, layout={"width": "420px"}
    )
    figure = go.FigureWidget(
        data=[
            go.Bar(x=list(parts), y=table.loc[names[0], list(parts)], marker={"color": BLUE}, name="strategy"),
            go.Bar(x=list(parts), y=table[list(parts)].mean(), marker={"color": GREY}, name="mean of the grid"),
        ],
        layout=_layout(names[0], height=360) | {"yaxis": {"title": "annual Sharpe ratio"}, "barmode": "group"},
    )

    def draw(_change: Any = None) -> None:
        if name.value in table.index:
            with figure.batch_update():
                figure.data[0].y = table.loc[name.value, list(parts)]
                figure.layout.title.text = name.value

    return _shown([name], draw, figure)


class Splits(Protocol):
    """What the explorer needs of a cross-validation."""

    @property
    def probability(self) -> float:
        """Share of splits at or below the median."""
        ...

    @property
    def logits(self) -> Any:
        """Of the relative rank out of sample, one a split."""
        ...

    @property
    def in_sample(self) -> Any:
        """Sharpe ratio of the chosen per period, one a split."""
        ...

    @property
    def out_of_sample(self) -> Any:
        """The same on the other half."""
        ...


def overfitting_explorer(panels: Mapping[str, Splits]) -> Any:
    """Logits of the rank, and the best against itself on other days, of one panel at a time.

    Parameters
    ----------
    panels : mapping of str to Splits
        Cross-validations by the name of their panel.

    Returns
    -------
    VBox
        A choice and a plotly figure that follows it.
    """
    import ipywidgets
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    panel = ipywidgets.Dropdown(options=list(panels), description="panel", layout={"width": "380px"})
    titles = ("logit of the rank on the other half", "best in one half (x), the same in the other (y)")
    figure = go.FigureWidget(make_subplots(cols=2, subplot_titles=titles))
    figure.add_trace(go.Histogram(x=[], xbins={"size": 0.2}, marker={"color": BLUE}), row=1, col=1)
    figure.add_trace(go.Scattergl(mode="markers", marker={"size": 4, "color": BLUE, "opacity": 0.4}), row=1, col=2)
    figure.add_vline(x=0.0, row=1, col=1)
    figure.add_hline(y=0.0, row=1, col=2)
    figure.update_layout(**_layout("", height=420), showlegend=False)

    def draw(_change: Any = None) -> None:
        splits, scale = panels[panel.value], np.sqrt(DAYS_A_YEAR)
        with figure.batch_update():
            figure.data[0].x = splits.logits
            figure.data[1].x, figure.data[1].y = splits.in_sample[::6] * scale, splits.out_of_sample[::6] * scale
            chance = f"{100 * splits.probability:.0f} %"
            figure.layout.title.text = f"{panel.value}: probability of backtest overfitting {chance}"

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
