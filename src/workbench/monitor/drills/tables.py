"""Drills for notebooks: the verdict and a table of each kind, escaped; and the numbers behind the pictures."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from workbench.monitor.drills.words import KINDS, Standing, rows_of, verdict_of
from workbench.response.drills.names import CHANNEL, CONTROL, PERSON

HEADS = {
    CONTROL: ("name", "state", "decided", "first order", "took", "policy", "last", "due", "what happened"),
    CHANNEL: ("name", "state", "took", "policy", "last", "due", "what happened"),
    PERSON: ("name", "state", "took", "policy", "last", "certified until", "what happened"),
}
LEFT = Markup('style="text-align:left"')
ON_ONE_LINE = Markup('style="text-align:left;white-space:nowrap"')


@dataclass(frozen=True, slots=True)
class Html:
    """A part of a page."""

    html: str

    def _repr_html_(self) -> str:
        """The part, for a notebook."""
        return self.html


def verdict_shown(standing: Standing) -> Html:
    """The verdict, then a line for each kind.

    Parameters
    ----------
    standing : Standing
        How everything stands.

    Returns
    -------
    Html
    """
    css, sentence, counts = verdict_of(rows_of(standing))
    mark = {"calm": "✓", "watch": "△", "act": "✗"}[css]
    lines = Markup().join(Markup("<li>{}</li>").format(line) for line in (*counts, *standing.left))
    return Html(Markup("<p><strong>{} {}</strong></p><ul>{}</ul>").format(mark, sentence, lines))


def table_shown(standing: Standing, kind: str) -> Html:
    """Everything of one kind.

    Parameters
    ----------
    standing : Standing
        How everything stands.
    kind : str
        Control, channel or person.

    Returns
    -------
    Html
        A sentence where there is nothing.
    """
    rows, steps = rows_of(standing)[kind], kind == CONTROL
    if not rows:
        return Html(f"<p>{KINDS[kind]}: there are none.</p>")
    cells = [
        (row.name, f"{row.mark} {row.state}", *((row.decided, row.sent) if steps else ()),
         row.seconds, row.target, row.last, row.due, row.sentence)
        for row in rows
    ]  # fmt: skip
    head = Markup().join(Markup("<th {}>{}</th>").format(LEFT, name) for name in HEADS[kind])
    body = Markup().join(Markup("<tr>{}</tr>").format(_cells(one)) for one in cells)
    return Html(Markup("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>").format(head, body))


def _cells(row: Sequence[str]) -> Markup:
    last = len(row) - 1
    return Markup().join(
        Markup("<td {}>{}</td>").format(LEFT if place == last else ON_ONE_LINE, text) for place, text in enumerate(row)
    )


def control_times(standing: Standing) -> pd.DataFrame:
    """Seconds of every control against the policy's.

    Parameters
    ----------
    standing : Standing
        How everything stands.

    Returns
    -------
    DataFrame
        Indexed by control: ``seconds``, ``target``, ``passed``; what has never been timed is left out.
    """
    newest = standing.record.newest(CONTROL)
    rows = [(one.name, one.seconds, one.target_seconds, one.passed) for one in newest.values()]
    table = pd.DataFrame(rows, columns=["name", "seconds", "target", "passed"]).set_index("name")
    known = [row.name for row in rows_of(standing)[CONTROL] if row.name in table.index]
    return table.loc[known].dropna(subset=["seconds", "target"])


def due_days(standing: Standing) -> pd.DataFrame:
    """Days from now: when each thing last passed, and when it must have passed again.

    Parameters
    ----------
    standing : Standing
        How everything stands.

    Returns
    -------
    DataFrame
        Indexed by name: ``last`` (NaN for never), ``due``, ``late``; controls are one row, that of the first due.
    """
    soonest = min((one for one in standing.duties if one.kind == CONTROL), key=lambda one: (not one.failed, one.due_ns))
    others = [one for one in standing.duties if one.kind != CONTROL]
    day = 86_400e9
    rows = [
        (
            f"all controls, first {soonest.name}" if one is soonest else f"{one.kind}: {one.name}",
            float("nan") if one.last_ns is None else (one.last_ns - standing.now_ns) / day,
            (one.due_ns - standing.now_ns) / day,
            one.overdue(standing.now_ns),
        )
        for one in (soonest, *others)
    ]
    return pd.DataFrame(rows, columns=["name", "last", "due", "late"]).set_index("name")
