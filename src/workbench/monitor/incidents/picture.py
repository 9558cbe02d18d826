"""The book over an incident as an inline picture: equity above, the metric of its cause below, decisions as letters."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from markupsafe import Markup

from workbench.response.incidents.report import Curve

WIDTH, HEIGHT = 1140, 400
LEFT, RIGHT, TOP = 92, 14, 34
PANELS = ((TOP, 196), (226, 366))
"""Upper and lower edge of both panels."""
MOST_POINTS = 600
SECOND_NS = 1_000_000_000
FAR = 3.0
"""A rung so many times above the highest reading is not drawn."""
LETTER_ROWS = 8
APART = 15
"""Pixels between two letters; closer ones stand on another line."""


def letters(count: int) -> list[str]:
    """Names of marks.

    Parameters
    ----------
    count : int
        How many.

    Returns
    -------
    list of str
        A, B, C, …
    """
    return [chr(ord("A") + place % 26) for place in range(count)]


def drawn(curve: Curve) -> Markup:
    """Draw it.

    Parameters
    ----------
    curve : Curve
        At least two points.

    Returns
    -------
    Markup
        An ``svg`` element; its colours are the page's, it holds no text but numbers, times and our own words.
    """
    kept = thinned(curve.reading)
    times = [curve.times_ns[place] for place in kept]
    across = Scale((times[0], times[-1]), (LEFT, WIDTH - RIGHT))
    equity, reading = ([values[place] for place in kept] for values in (curve.equity, curve.reading))
    shown = triggers_shown(curve.triggers, max(reading))
    low = 0.0 if curve.unit == "fraction" else min([*reading, *shown])
    parts = [
        _span(across, curve),
        *_panel(across, PANELS[0], (times, equity), bounds(equity), "Equity, USD", "money"),
        *_panel(across, PANELS[1], (times, reading), bounds([low, *reading, *shown]), _title(curve), curve.unit),
        *_rungs(bounds([low, *reading, *shown]), shown, curve),
        *_times(across, times),
        *_marks(across, curve),
    ]
    words = f"Equity and {curve.name} over the incident; letters are decisions of the timeline"
    return Markup(  # noqa: S704 -- numbers and words of this file
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{words}">{"".join(parts)}</svg>'
    )


def triggers_shown(triggers: Sequence[float], highest: float) -> list[float]:
    """Rungs that were reached, and the next one unless it is so far away that it would flatten the line.

    Parameters
    ----------
    triggers : sequence of float
        Rising.
    highest : float
        Of the readings.

    Returns
    -------
    list of float
    """
    reached = sum(one <= highest for one in triggers)
    return [one for one in triggers[: reached + 1] if one <= FAR * highest]


def _title(curve: Curve) -> str:
    return f"{curve.name}{', % ' if curve.unit == 'fraction' else ''}".rstrip()


class Scale:
    """From values to pixels.

    Parameters
    ----------
    values, pixels : tuple of (float, float)
        First and last.
    """

    def __init__(self, values: tuple[float, float], pixels: tuple[float, float]) -> None:
        self._values, self._pixels = values, pixels

    def __call__(self, value: float) -> float:
        """Where a value is."""
        (low, high), (first, last) = self._values, self._pixels
        share = (value - low) / (high - low) if high > low else 0.5
        return round(first + min(max(share, 0.0), 1.0) * (last - first), 1)


def thinned(values: Sequence[float]) -> list[int]:
    """Places of the points that are drawn: of each stretch the highest, and the first and last of all.

    Parameters
    ----------
    values : sequence of float
        What must not lose its peaks.

    Returns
    -------
    list of int
        Rising.
    """
    stride = math.ceil(len(values) / MOST_POINTS)
    stretches = (range(begin, min(begin + stride, len(values))) for begin in range(0, len(values), stride))
    highest = {max(stretch, key=lambda place: values[place]) for stretch in stretches}
    return sorted({0, len(values) - 1} | highest)


def bounds(values: Sequence[float]) -> tuple[float, float]:
    """Lower and upper end of an axis, with a little air.

    Parameters
    ----------
    values : sequence of float
        All that is shown.

    Returns
    -------
    tuple of (float, float)
    """
    low, high = min(values), max(values)
    air = (high - low) * 0.06 or abs(high) * 0.01 or 1.0
    return (low if low == 0.0 else low - air), high + air


def ticks(low: float, high: float, most: int = 4) -> list[float]:
    """Round numbers between two.

    Parameters
    ----------
    low, high : float
        Ends of the axis.
    most : int
        About how many.

    Returns
    -------
    list of float
    """
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * times for times in (1, 2, 2.5, 5, 10) if power * times >= rough)
    first = math.ceil(low / step)
    return [place * step for place in range(first, math.floor(high / step) + 1)]


def _panel(
    across: Scale,
    edges: tuple[int, int],
    line: tuple[Sequence[int], Sequence[float]],
    ends: tuple[float, float],
    title: str,
    unit: str,
) -> list[str]:
    up = Scale(ends, (edges[1], edges[0]))
    marks = [
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{up(one)}" y2="{up(one)}"/>'
        f'<text class="tick" x="{LEFT - 8}" y="{up(one) + 4}" text-anchor="end">{_number(one, ends, unit)}</text>'
        for one in ticks(*ends)
    ]
    points = " ".join(f"{across(time_ns)},{up(value)}" for time_ns, value in zip(*line, strict=True))
    kind = "equity" if unit == "money" else "reading"
    name = f'<text class="title" x="{LEFT}" y="{edges[0] - 7}">{title}</text>'
    return [*marks, f'<polyline class="{kind}" points="{points}"/>', name]


def _number(value: float, ends: tuple[float, float], unit: str) -> str:
    if unit == "money":
        return f"{value:,.0f}"
    if unit == "fraction":
        return f"{100 * value:.{2 if ends[1] - ends[0] < 0.02 else 1}f} %"
    return f"{value:.2f}"


def _rungs(ends: tuple[float, float], shown: Sequence[float], curve: Curve) -> list[str]:
    up = Scale(ends, (PANELS[1][1], PANELS[1][0]))
    return [
        f'<line class="rung" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{up(one)}" y2="{up(one)}"/>'
        f'<text class="tick" x="{WIDTH - RIGHT}" y="{up(one) - 4}" text-anchor="end">'
        f"rung {place + 1} at {_number(one, ends, curve.unit)}</text>"
        for place, one in enumerate(curve.triggers)
        if one in shown
    ]


def _span(across: Scale, curve: Curve) -> str:
    begins, ends = across(curve.begins_ns), across(curve.ends_ns)
    width = max(ends - begins, 1.0)
    return f'<rect class="span" x="{begins}" y="{TOP}" width="{width}" height="{PANELS[1][1] - TOP}"/>'


def _times(across: Scale, times: Sequence[int]) -> list[str]:
    span = (times[-1] - times[0]) / SECOND_NS
    steps = (60, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 604800, 2592000)
    step = next((one for one in steps if span / one <= 8), 31536000)
    first = -(-times[0] // SECOND_NS // step) * step
    form = "%H:%M" if step < 86400 else "%d %b"
    return [
        f'<text class="tick" x="{across(moment * SECOND_NS)}" y="{PANELS[1][1] + 18}" text-anchor="middle">'
        f"{datetime.fromtimestamp(moment, tz=UTC):{form}}</text>"
        for moment in range(first, times[-1] // SECOND_NS + 1, step)
        if LEFT + 10 < across(moment * SECOND_NS) < WIDTH - RIGHT - 10
    ]


def _marks(across: Scale, curve: Curve) -> list[str]:
    """A line through both panels for each letter; letters too close to each other stand on lines of their own."""
    before, row = -math.inf, 0
    parts = []
    for name, (time_ns, _) in zip(letters(len(curve.marks)), curve.marks, strict=True):
        where = across(time_ns)
        row = (row + 1) % LETTER_ROWS if where - before < APART else 0
        before = where
        parts.append(
            f'<line class="mark" x1="{where}" x2="{where}" y1="{TOP}" y2="{PANELS[1][1]}"/>'
            f'<text class="letter" x="{where + 2}" y="{TOP + 12 + 14 * row}">{name}</text>'
        )
    return parts
