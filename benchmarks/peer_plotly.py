"""The peer of the risk monitor's page: the same numbers in a plotly figure under Voila, renewed as often.

What one writes with plotly alone: a notebook that looks at the loop's journal twice a second and gives a FigureWidget
the equity, and the same seven lines of history in the same six charts. The rest of the page it does not have.
"""

import asyncio
import json
from pathlib import Path

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.monitor.board.series import Series, series_of
from workbench.monitor.board.source import Source

BEAT_SECONDS = 0.5
CHARTS = (
    ("equity",),
    ("drawdown",),
    ("value_at_risk_95", "expected_shortfall_975"),
    ("volatility_ratio",),
    ("stress_score",),
    ("profit",),
)


def notebook_for(folder: Path) -> str:
    """A notebook that shows the journal of a folder."""
    code = f"import sys\nsys.path.insert(0, {str(Path(__file__).parent)!r})\nfrom peer_plotly import viewer\n"
    source = f"{code}viewer({str(folder)!r})"
    cell: dict[str, object] = {"cell_type": "code", "id": "0", "metadata": {}, "outputs": [], "execution_count": None}
    cell["source"] = source
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python", "language": "python"}}
    return json.dumps({"cells": [cell], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5})


def viewer(folder: str) -> go.FigureWidget:
    """A figure that goes on by itself."""
    figure = go.FigureWidget(make_subplots(rows=3, cols=2))
    for place, names in enumerate(CHARTS):
        for name in names:
            figure.add_scatter(x=[], y=[], name=name, row=place // 2 + 1, col=place % 2 + 1)
    task = asyncio.get_running_loop().create_task(go_on(figure, Source(Path(folder))))
    task.add_done_callback(lambda ended: ended.result())
    return figure


async def go_on(figure: go.FigureWidget, source: Source) -> None:
    """Renew the figure for as long as the kernel lives."""
    while True:
        if source.look():
            renew(figure, source, series_of(source, "day", source.projection["loop"]["now_ns"]))
        await asyncio.sleep(BEAT_SECONDS)


def renew(figure: go.FigureWidget, source: Source, series: Series) -> None:
    """Give the figure what is new."""
    lines = {name: [row[place] for row in series.rows] for place, name in enumerate(series.columns)}
    profits = [[value for value in row if value is not None] for row in zip(*profits_of(lines), strict=True)]
    lines["profit"] = [sum(row) for row in profits]
    times = [time_ns // 1_000_000 for time_ns in lines.get("time_ns", [])]
    with figure.batch_update():
        for trace in figure.data:
            trace.x, trace.y = times, lines.get(trace.name, [])
        figure.layout.title.text = f"Equity {source.projection['book']['equity']:,.2f} USD"


def profits_of(lines: dict[str, list[float | None]]) -> list[list[float | None]]:
    return [values for name, values in lines.items() if name.startswith("profit:")]
