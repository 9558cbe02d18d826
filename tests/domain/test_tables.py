"""Tables: every text is escaped, numbers are aligned right, what does not exist is a dash."""

import math
import re
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.tables import Number, html_list, html_table, number, percent


class Reader(HTMLParser):
    """Tags and texts as a browser sees them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.cells: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag in {"td", "th", "caption"}:
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        self.cells[-1] += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader


HOSTILE = "<script>alert('\"&')</script>"


def test_head_cells_and_caption_are_escaped():
    html = html_table([HOSTILE], [[HOSTILE], [Number(HOSTILE)]], caption=HOSTILE)
    assert "<script" not in html
    reader = read(html)
    assert reader.cells == [HOSTILE] * 4
    assert set(reader.tags) == {"table", "caption", "thead", "tbody", "tr", "th", "td"}


@given(st.lists(st.text(), min_size=1, max_size=3), st.text(min_size=1))
def test_no_text_becomes_a_tag(cells, caption):
    html = html_table(["head"], [[cell] for cell in cells], caption=caption)
    inside = re.findall(r"<td[^>]*>(.*?)</td>", html, flags=re.DOTALL)
    assert [unescape(text) for text in inside] == cells
    assert html.count("<") == html.count(">") == 12 + 4 * len(cells)


def test_columns_of_numbers_are_aligned_right_and_columns_of_text_left():
    html = html_table(["name", "n", "shown", "mixed"], [["a", 1, number(0.5), 1], ["b", 2.0, percent(0.1), "x"]])
    assert re.findall(r'<th style="text-align:(\w+)', html) == ["left", "right", "right", "left"]
    assert re.findall(r'<td style="text-align:(\w+)', html) == ["left", "right", "right", "left"] * 2


def test_a_list_escapes_its_sentences_and_is_nothing_without_any():
    assert html_list(["a < b", "c"]) == "<ul><li>a &lt; b</li><li>c</li></ul>"
    assert html_list([]) == ""


def test_a_table_without_rows_or_caption_is_still_a_table():
    html = html_table(["name"], [])
    assert read(html).tags == ["table", "thead", "tr", "th", "tbody"]


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (number(1.23456), "1.235"),
        (number(-0.5, "+.1f"), "-0.5"),
        (number(math.nan), "–"),
        (percent(0.05), "5.00 %"),
        (percent(0.004161, 3), "0.416 %"),
        (percent(0.05, 0), "5 %"),
        (percent(math.nan), "–"),
    ],
)
def test_numbers_are_formatted(shown, text):
    assert isinstance(shown, Number)
    assert shown == text
