"""The figures of the stress tests show the numbers they were given."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from workbench.monitor.figures import (
    control_waterfall,
    crisis_drawdowns,
    drawdown_fan,
    equity_fan,
    reverse_distances,
)

LONG = "Synthetic: correlations to one, no liquidity!"


def texts(figure: Figure) -> list[str]:
    figure.draw_without_rendering()
    labels = [text.get_text() for axis in figure.axes for text in axis.texts]
    labels += [text.get_text() for axis in figure.axes for text in (*axis.get_xticklabels(), *axis.get_yticklabels())]
    return labels + [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def stems(axis: Axes) -> list[float]:
    """Lengths of the lines of lollipops, collection by collection; separators between rows left out."""
    found = [one for one in axis.collections if isinstance(one, LineCollection) and one.get_zorder() > 0]
    return [float(segment[1, 0] - segment[0, 0]) for one in found for segment in one.get_segments()]


@pytest.fixture
def crises() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "drawdown_with": [0.1, 0.25, 0.05],
            "drawdown_without": [0.3, 0.5, np.nan],
            "drawdown_placebo": [0.2, 0.4, 0.06],
            "survived": [True, False, True],
            "synthetic": [False, True, False],
        },
        index=["Lehman", LONG, "pandemic"],
    )


def test_crises_are_sorted_by_what_happens_without_controls_and_drawn_to_length(crises: pd.DataFrame) -> None:
    figure = crisis_drawdowns(crises, limit=0.2)
    axis = figure.axes[0]
    assert [text.get_text() for text in axis.get_yticklabels()] == [f"{LONG} ◇", "Lehman", "pandemic"]
    assert axis.get_ylim()[0] > axis.get_ylim()[1]  # the first row is the top one
    assert stems(axis) == pytest.approx([0.5, 0.3, 0.4, 0.2, 0.06, 0.25, 0.1, 0.05])
    assert {"not survived above 20 %", "◇ synthetic", "with controls, not survived"} <= set(texts(figure))
    limit = next(line for line in axis.lines if line.get_linestyle() == "--")
    assert list(np.asarray(limit.get_xdata())) == [0.2, 0.2]


def test_a_cross_marks_the_crisis_that_is_not_survived(crises: pd.DataFrame) -> None:
    crosses = [one for one in crisis_drawdowns(crises, limit=0.2).axes[0].collections
               if one.get_label() == "with controls, not survived"]  # fmt: skip
    assert np.asarray(crosses[0].get_offsets())[:, 0] == pytest.approx([0.25])


def test_no_diamond_is_explained_when_nothing_is_synthetic(crises: pd.DataFrame) -> None:
    real = crises[~crises["synthetic"]]
    assert not any("◇" in text for text in texts(crisis_drawdowns(real, limit=0.2)))


def test_thirty_crises_get_a_taller_figure(crises: pd.DataFrame) -> None:
    many = pd.concat([crises] * 10)
    low, high = crisis_drawdowns(crises, limit=0.2), crisis_drawdowns(many, limit=0.2)
    assert high.get_figheight() - low.get_figheight() == pytest.approx(27 * 0.36)


def test_crises_of_unknown_depth_and_fate_are_drawn() -> None:
    columns = ("drawdown_with", "drawdown_without", "drawdown_placebo")
    table = pd.DataFrame({name: [np.nan, np.inf] for name in columns}, index=["a", "b"])
    figure = crisis_drawdowns(table.assign(survived=[None, True], synthetic=[None, False]), limit=0.2)
    assert stems(figure.axes[0]) == []


@pytest.fixture
def effects() -> pd.DataFrame:
    return pd.DataFrame(
        {"drawdown": [0.3, -0.08, 0.02, -0.04, 0.2], "cost": [np.nan, 0.004, -0.001, 0.0, 0.003]},
        index=["without controls", "drawdown ladder", "stop-loss", "together (interaction)", "with controls"],
    )


def test_steps_of_the_waterfall_start_where_the_last_one_ended(effects: pd.DataFrame) -> None:
    upper, lower = control_waterfall(effects).axes
    assert [bar.get_height() for bar in upper.patches] == pytest.approx([0.3, -0.08, 0.02, -0.04, 0.2])
    assert [bar.get_y() for bar in upper.patches] == pytest.approx([0.0, 0.3, 0.22, 0.24, 0.0])
    assert [bar.get_height() for bar in lower.patches] == pytest.approx([0.004, -0.001, 0.0, 0.003])
    assert [text.get_text() for text in upper.texts] == ["30.0 %", "−8.0", "+2.0", "−4.0", "20.0 %"]
    assert upper.get_ylim()[1] > 0.3


def test_worse_and_together_are_told_apart_by_hatch(effects: pd.DataFrame) -> None:
    hatches = [bar.get_hatch() or "" for bar in control_waterfall(effects).axes[0].patches]
    assert hatches == ["", "", "//", "..", ""]


def test_the_waterfall_says_what_it_does_not_know(effects: pd.DataFrame) -> None:
    effects.loc["stop-loss", "drawdown"] = np.nan
    assert "not known" in texts(control_waterfall(effects))
    assert control_waterfall(effects.assign(drawdown=np.nan, cost=np.inf)).axes[1].patches[:] == []


def test_many_long_names_are_set_aslant(effects: pd.DataFrame) -> None:
    rows = pd.concat([effects.iloc[:1], *[effects.iloc[1:2].rename(index=lambda _: LONG)] * 11, effects.iloc[-1:]])
    label = control_waterfall(rows).axes[1].get_xticklabels()[1]
    assert label.get_rotation() == 40
    assert label.get_text().replace("\n", " ") == LONG


def test_intervals_run_from_the_median_to_the_last_hundredth() -> None:
    levels = pd.DataFrame(
        [("with controls", "bootstrap", 0.08, 0.12, 0.15), ("without", "bootstrap", 0.1, 0.2, 0.3),
         ("with controls", LONG, 0.07, np.nan, np.nan), ("without", LONG, np.nan, np.nan, np.inf)],
        columns=["run", "model", "p50", "p95", "p99"],
    )  # fmt: skip
    figure = drawdown_fan(levels)
    lines = figure.axes[0].lines
    assert [list(np.asarray(line.get_xdata())) for line in lines[:3]] == [[0.08, 0.12], [0.12, 0.15], [0.08]]
    assert lines[2].get_marker() == "o" and lines[8].get_marker() != "o"
    assert {"bootstrap", LONG, "15 %", "30 %", "with controls", "without"} <= set(texts(figure))
    assert "SYNTHETIC" in figure.axes[0].get_title(loc="left")


def test_fans_hang_down_and_share_an_axis() -> None:
    base = np.linspace(0.0, 1.0, 21)[:, None] * np.array([0.01, 0.02, 0.1, 0.2, 0.3])
    figure = equity_fan(base / 2.0, base)
    left, right = figure.axes
    assert (left.get_title(loc="left"), right.get_title(loc="left")) == ("with controls", "without")
    assert left.get_ylim() == right.get_ylim()
    assert [float(np.asarray(line.get_ydata())[-1]) for line in right.lines[:3]] == pytest.approx([-30, -20, -10])
    assert float(np.asarray(left.lines[0].get_ydata())[-1]) == pytest.approx(-15)
    assert {axis.get_title(loc="right") for axis in figure.axes} == {"SYNTHETIC paths"}


def test_fans_without_numbers_are_drawn() -> None:
    holes = np.full((5, 5), np.nan)
    equity_fan(holes, holes).draw_without_rendering()


def test_distances_are_drawn_to_length_and_said_in_words() -> None:
    names = ["margin call", LONG, "gone", "pegs", "lost"]
    figure = reverse_distances(
        names, np.array([4.2, 2.0, 40.0, np.inf, np.nan]), np.array([12.0, 0.05, np.inf, np.inf, np.nan])
    )
    axis = figure.axes[0]
    assert [bar.get_width() for bar in axis.patches] == pytest.approx([4.2, 2.0, 40.0, 0.0])
    assert [text.get_text() for text in axis.texts] == [
        "4.2 σ, once in 12 years if normal",
        "2.0 σ, once in 18 days if normal",
        "40.0 σ, never if normal",
        "cannot happen",
        "not known",
    ]
    assert set(names) <= set(texts(figure))


@pytest.mark.parametrize(
    ("years", "said"),
    [(0.001, "1 day"), (0.5, "6 months"), (4.2e6, "4.2 million years"), (3e19, "$10^{19}$ years"), (9_000, "9,000")],
)
def test_a_span_is_said_as_people_say_it(years: float, said: str) -> None:
    figure = reverse_distances(["rung"], np.array([1.0]), np.array([years]))
    assert f"once in {said}" in figure.axes[0].texts[0].get_text()


def test_only_impossible_and_unknown_distances_are_drawn() -> None:
    for distance in (np.inf, np.nan, 0.0):
        reverse_distances(["rung"], np.array([distance]), np.array([np.nan])).draw_without_rendering()


def test_nothing_to_show_is_said(crises: pd.DataFrame, effects: pd.DataFrame) -> None:
    columns = ["run", "model", "p50", "p95", "p99"]
    for figure in (
        crisis_drawdowns(crises.iloc[:0], limit=0.2),
        control_waterfall(effects.iloc[:1]),
        drawdown_fan(pd.DataFrame(columns=columns)),
        reverse_distances([], np.array([]), np.array([])),
    ):
        assert figure.axes[0].texts[0].get_text()
