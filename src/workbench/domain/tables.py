"""Small HTML tables and lists for notebooks; every text in them is escaped here and nowhere else."""

from collections.abc import Iterable, Sequence
from html import escape

_TABLE, _HEAD_TEXT, _HEAD_NUMBER, _TEXT, _NUMBER = (
    "border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:13px",
    "text-align:left;padding:4px 10px;border-bottom:2px solid #8a8f98",
    "text-align:right;padding:4px 10px;border-bottom:2px solid #8a8f98",
    "text-align:left;padding:3px 10px;border-bottom:1px solid #d9dce1",
    "text-align:right;padding:3px 10px;border-bottom:1px solid #d9dce1;white-space:nowrap",
)
_UNBROKEN = f"{_TEXT};white-space:nowrap"


def html_table(head: Sequence[str], rows: Iterable[Sequence[object]], *, caption: str = "") -> str:
    """A table; columns whose cells are not all text are aligned right.

    Parameters
    ----------
    head : sequence of str
        Column titles.
    rows : iterable of sequence
        Cells; anything but `str` counts as a number, already rounded strings may be passed as `Number`.
    caption : str
        Sentence above the table.

    Returns
    -------
    str
        HTML without script, all text escaped.

    Examples
    --------
    >>> "&lt;b&gt;" in html_table(["name"], [["<b>"]])
    True
    """
    body = [list(row) for row in rows]
    numeric = [
        bool(body) and all(isinstance(row[i], Number) or not isinstance(row[i], str) for row in body)
        for i in range(len(head))
    ]
    cells = [
        f'<th style="{_HEAD_NUMBER if numeric[i] else _HEAD_TEXT}" scope="col">{escape(title)}</th>'
        for i, title in enumerate(head)
    ]
    lines = [f'<table style="{_TABLE}">']
    if caption:
        lines.append(f'<caption style="text-align:left;padding:4px 0;font-weight:600">{escape(caption)}</caption>')
    lines.append(f"<thead><tr>{''.join(cells)}</tr></thead><tbody>")
    for row in body:
        shown = "".join(
            f'<td style="{_style_of(cell, number=numeric[i])}">{escape(str(cell))}</td>' for i, cell in enumerate(row)
        )
        lines.append(f"<tr>{shown}</tr>")
    return "".join([*lines, "</tbody></table>"])


def _style_of(cell: object, *, number: bool) -> str:
    if number:
        return _NUMBER
    return _UNBROKEN if isinstance(cell, Unbroken) else _TEXT


def html_list(sentences: Iterable[str]) -> str:
    """A list of sentences.

    Parameters
    ----------
    sentences : iterable of str
        Plain text.

    Returns
    -------
    str
        HTML without script, all text escaped; empty when there is none.
    """
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f"<ul>{items}</ul>" if items else ""


class Unbroken(str):
    """Text that stays on one line, such as a date."""

    __slots__ = ()


class Number(str):
    """Text that is a formatted number, so that its column is aligned right."""

    __slots__ = ()


def number(value: float, form: str = ".3f") -> Number:
    """Format a number; an en dash stands for "does not exist here".

    Parameters
    ----------
    value : float
        NaN means there is no such number.
    form : str
        Format specification.

    Returns
    -------
    Number
    """
    return Number("–" if value != value else format(value, form))


def percent(fraction: float, digits: int = 2) -> Number:
    """Format a fraction in per cent.

    Parameters
    ----------
    fraction : float
        0.05 is five per cent.
    digits : int
        Digits after the point.

    Returns
    -------
    Number
    """
    return number(fraction * 100, f".{digits}f") if fraction != fraction else Number(f"{fraction * 100:.{digits}f} %")
