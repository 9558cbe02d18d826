"""A stepper: a slider and buttons through events while a kernel answers, and one event, still, where none does."""

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import anywidget
import ipywidgets
import pandas as pd

from workbench.domain.tables import Number, Unbroken, html_table
from workbench.monitor.decisions import line_of
from workbench.monitor.figures.review import STRIP_LEFT, STRIP_RIGHT, strip
from workbench.monitor.review import CAREFUL, Moment, Piece, banner, moment_table, stamp, words_of

DOTS_PER_INCH = 144
NEAR_BEFORE, NEAR_AFTER = 4, 6
"""Events listed around the one that is shown."""
WIDEST = "980px"
STILL = (
    "This is one event, as a picture. To step through the others, open the review with workbench review, or run this "
    "notebook."
)
HERE = "export default { render({ model }) { model.send({ here: true }); } };"
"""A browser with a kernel behind it says so; a page that was exported says it to nobody."""


class Present(anywidget.AnyWidget):
    """Nothing to see: it tells the kernel that somebody looks."""

    _esm = HERE


@dataclass(frozen=True, slots=True)
class Steps:
    """A stepper as a notebook shows it: still, and alive as soon as a browser answers.

    Attributes
    ----------
    still : Piece
        Hidden by the live one.
    live : VBox
        Hidden until a browser answers.
    """

    still: Piece = field(repr=False)
    live: Any = field(repr=False)

    def _ipython_display_(self) -> None:
        from IPython.display import display

        for one in (self.still, self.live):
            display(one)  # type: ignore[no-untyped-call]


class _Scene:
    """What is drawn of a list of moments."""

    def __init__(self, moments: Sequence[Moment], rungs: Mapping[str, Sequence[float]]) -> None:
        self.moments, self.rungs = moments, rungs
        self.weighty = [place for place, moment in enumerate(moments) if moment.decisions]
        times = pd.DatetimeIndex(pd.to_datetime([moment.event.time_ns for moment in moments], utc=True))
        drawn = io.BytesIO()
        strip(times, [moment.book.equity for moment in moments], self.weighty).savefig(
            drawn, format="png", dpi=DOTS_PER_INCH
        )
        self._png = base64.b64encode(drawn.getvalue()).decode()

    def place_of(self, at_ns: int | None) -> int:
        """Where to begin."""
        if at_ns is None:
            return self.weighty[0] if self.weighty else 0
        places = range(len(self.moments))
        return min(places, key=lambda one: (abs(self.moments[one].event.time_ns - at_ns), one not in self.weighty))

    def picture(self, name: str) -> str:
        """Equity over all moments, with a line over it."""
        return (
            '<div style="position:relative"><img style="display:block;width:100%" alt="Equity, decisions marked" '
            f'src="data:image/png;base64,{self._png}"><div class="review-cursor-{name}" '
            'style="position:absolute;top:14%;bottom:22%;width:2px;margin-left:-1px;background:#111827"></div></div>'
        )

    def cursor(self, place: int, name: str) -> str:
        """Where the line stands: a style, so that the picture is sent once."""
        first, last, now = (self.moments[one].event.time_ns for one in (0, -1, place))
        share = (now - first) / (last - first) if last > first else 0.0
        left = 100 * (STRIP_LEFT + min(max(share, 0.0), 1.0) * (STRIP_RIGHT - STRIP_LEFT))
        return f"<style>.review-cursor-{name}{{left:{left:.3f}%}}</style>"

    def table(self, place: int) -> str:
        """A moment, and the events around it."""
        around = range(max(place - NEAR_BEFORE, 0), min(place + NEAR_AFTER + 1, len(self.moments)))
        rows = [self._row(one, chosen=one == place) for one in around]
        near = html_table(["", "time (UTC)", "journal row", "event", "decided"], rows, caption="Events around it")
        shown = f"{moment_table(self.moments[place], self.rungs)}<div style='height:10px'></div>{near}"
        return f'<div style="line-height:1.4">{shown}</div>'

    def _row(self, place: int, *, chosen: bool) -> list[str]:
        moment = self.moments[place]
        said = "; ".join(line_of(one).what for one in moment.decisions[:3])
        more = f"; {len(moment.decisions) - 3:,} more" if len(moment.decisions) > 3 else ""
        row = Number(f"{moment.sequence:,}")
        return [
            "▶" if chosen else "",
            Unbroken(stamp(moment.event.time_ns)),
            row,
            Unbroken(words_of(moment.event)),
            said + more,
        ]

    @property
    def counted(self) -> str:
        """How many there are."""
        return f"{len(self.moments):,} events here, {len(self.weighty):,} of them led to decisions"

    def still(self, place: int, name: str) -> Piece:
        """One moment for a page without a kernel."""
        return Piece(
            f'<div class="review-still-{name}" style="max-width:{WIDEST};color:#16181d;background:#fff">'
            f'<p style="margin:4px 0;color:#4b5563">{escape(STILL)} {escape(self.counted)}.</p>'
            f"{self.cursor(place, name)}{self.picture(name)}{self.table(place)}</div>"
        )


def stepper(moments: Sequence[Moment], rungs: Mapping[str, Sequence[float]], at_ns: int | None = None) -> Any:
    """Go through events one by one: a slider, buttons to the event and the decision before and after, and a picture.

    Parameters
    ----------
    moments : sequence of Moment
        In order.
    rungs : mapping of str to sequence of float
        Triggers by field of the book.
    at_ns : int, optional
        The moment to begin at, UTC: the event nearest to it, one with a decision first; without it the first decision.

    Returns
    -------
    Steps or Piece
        A sentence when there is nothing to step.
    """
    if not moments:
        return banner("There is no event in this part of the journal.", CAREFUL)
    scene = _Scene(moments, rungs)
    first = scene.place_of(at_ns)
    box = _live(scene, first)
    return Steps(scene.still(first, box.model_id), box)


def _live(scene: _Scene, first: int) -> Any:
    last = len(scene.moments) - 1
    slider = ipywidgets.IntSlider(first, 0, last, description="event", layout={"width": "100%"})
    buttons = ipywidgets.HBox(
        [*_buttons(scene, slider), ipywidgets.HTML(f'<span style="padding-left:10px">{scene.counted}</span>')],
        layout={"flex_flow": "row wrap"},
    )
    cursor, table, hiding, present = ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML(), Present()
    picture = ipywidgets.HTML(scene.picture(cursor.model_id))
    # shown once somebody answers: in a page without a kernel its buttons would do nothing
    box = ipywidgets.VBox(
        [slider, buttons, picture, table, cursor, hiding, present], layout={"max_width": WIDEST, "display": "none"}
    )

    def draw(_change: Any = None) -> None:
        cursor.value, table.value = scene.cursor(slider.value, cursor.model_id), scene.table(slider.value)

    def seen(_widget: Any, _content: Any, _buffers: Any) -> None:
        hiding.value = f"<style>.review-still-{box.model_id}{{display:none}}</style>"
        box.layout.display = None

    slider.observe(draw, names="value")
    present.on_msg(seen)
    draw()
    return box


def _buttons(scene: _Scene, slider: Any) -> list[Any]:
    weighty, last = scene.weighty, len(scene.moments) - 1
    moves: list[tuple[str, str, Callable[[int], int | None]]] = [
        (
            "◀ decision",
            "to the decision before",
            lambda now: next((one for one in reversed(weighty) if one < now), None),
        ),
        ("◀ event", "to the event before", lambda now: now - 1),
        ("event ▶", "to the next event", lambda now: now + 1),
        ("decision ▶", "to the next decision", lambda now: next((one for one in weighty if one > now), None)),
    ]

    def button(name: str, says: str, move: Callable[[int], int | None]) -> Any:
        made = ipywidgets.Button(description=name, tooltip=says, layout={"width": "110px"})

        def jump(_button: Any) -> None:
            place = move(slider.value)
            if place is not None:
                slider.value = min(max(place, 0), last)

        made.on_click(jump)
        return made

    return [button(*one) for one in moves]
