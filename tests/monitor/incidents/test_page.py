"""The page of an incident report: self-contained, escaped, and never by colour alone."""

import base64
import hashlib
import re
import time
from dataclasses import replace

import pytest

from workbench.domain.trading.decisions import ModeChanged
from workbench.domain.trading.modes import Mode
from workbench.domain.trading.reasons import Reason
from workbench.monitor.incidents.page import local, page_of, policy_of, utc
from workbench.monitor.incidents.picture import bounds, drawn, letters, thinned, ticks, triggers_shown
from workbench.response.incidents.checklists import Checklist, Step
from workbench.response.incidents.report import Curve, Entry, Lesson, OrderLine, Report, Timed

SECOND, MINUTE = 1_000_000_000, 60_000_000_000
NOON = 1_795_780_800 * SECOND
HOSTILE = "<img src=x onerror=alert(1)>\"'&</td><script>"
TURNED = ModeChanged(NOON, Reason.MODE_CHANGED, "p", "c", Mode.ACTIVE, Mode.HALTED)


def curve(count: int = 30) -> Curve:
    times = tuple(NOON + (place - 10) * MINUTE for place in range(count))
    fall = tuple(0.002 * place for place in range(count))
    equity = tuple(1e6 * (1 - one) for one in fall)
    return Curve(times, equity, fall, "Drawdown from the peak", "fraction", (0.03, 0.05, 0.5),
                 ((NOON, TURNED),), NOON, NOON + 10 * MINUTE, "UTC")  # fmt: skip


def report(text: str = "plain", **changes: object) -> Report:
    done = Checklist(
        "first_response", text, 5.0, "I7", NOON + 5 * MINUTE, (Step(text, done=True, person=text, time_ns=NOON),)
    )
    left = Checklist(
        "stabilise",
        text,
        30.0,
        "I7",
        NOON + 30 * MINUTE,
        (Step(text, done=False, person=text, time_ns=NOON), Step(text, done=False)),
    )
    order = OrderLine(
        id=text, strategy=text, pair="EURUSD", units=-5_000.0, filled=0.0, reduce_only=True, state="rejected",
        reason=text, made_ns=NOON, loop_ns=None, done_seconds=None, price=None, slippage_pips=None,
    )  # fmt: skip
    made = Report(
        "I7", text, text, 4, NOON, NOON + 40 * MINUTE, NOON + 3600 * SECOND, (text, text), ((text, text, text),),
        (Timed(text, text, text, text, met=True), Timed(text, text, text, met=False), Timed(text, text, text)),
        (Entry(NOON, "act", text, text, text, good=False), Entry(NOON, "decision", decision=TURNED)),
        (order,),
        (done, left), (Lesson(NOON, text, text, "shell"),), curve(), (text,), ((text, text),),
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def test_every_text_of_strangers_is_escaped_wherever_it_stands():
    page = page_of(report(HOSTILE))
    assert HOSTILE not in page and "<img" not in page and "<script" not in page.lower()
    assert page.count("&lt;img src=x onerror=alert(1)&gt;") > 15


def test_it_needs_nothing_from_anywhere_and_runs_nothing():
    page = page_of(report())
    assert not re.search(r"(src|href|action)\s*=|url\(|@import|javascript:|\son\w+=", page.replace("http-equiv", ""))
    assert "default-src 'none'" in page and " style=" not in page


def test_the_policy_of_the_answer_allows_its_own_style_and_nothing_else():
    [style] = re.findall(r"<style>(.*?)</style>", page_of(report()), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy_of() and "default-src 'none'" in policy_of()


def test_met_missed_and_open_are_words_and_signs_besides_the_colour():
    page = page_of(report())
    for sign in ("✓ met", "✗ missed", "○ open", "✗ overdue, 2 of 2 not ticked", "✗ rejected", "not ticked by anybody"):
        assert sign in page, sign
    assert "took the tick back" in page


def test_decisions_are_in_words_and_carry_the_letter_of_the_picture():
    page = page_of(report())
    assert "Mode ACTIVE → HALTED" in page and '<span class="mark">[A]</span>' in page
    assert ">A</text>" in page and "rung 2 at 5.0 %" in page and "rung 3" not in page


def test_a_report_without_a_book_orders_or_lessons_says_so():
    page = page_of(report(curve=None, orders=(), lessons=(), closed_ns=None))
    assert "<svg" not in page and "No order was made while it was open" in page
    assert "Nobody has written any yet" in page and "still open" in page


@pytest.fixture
def berlin(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_times_are_utc_and_local_with_the_offset_of_that_day(berlin):
    summer = 1_782_734_400 * SECOND
    assert (utc(summer), local(summer)) == ("2026-06-29 12:00:00", "14:00:00 CEST")
    assert (utc(NOON), local(NOON)) == ("2026-11-27 12:00:00", "13:00:00 CET")
    assert "13:00:00 CET" in page_of(report())
    assert utc(None) == "–" and local(None) == ""


def test_where_local_time_is_utc_it_is_not_told_twice(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    assert local(NOON) == ""
    monkeypatch.undo()
    time.tzset()


def test_thinning_keeps_the_worst_reading_and_both_ends():
    values = [0.0] * 5_000
    values[3_333] = 1.0
    kept = thinned(values)
    assert 3_333 in kept and kept[0] == 0 and kept[-1] == 4_999 and len(kept) < 700


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.05), (998_000.0, 1_000_100.0), (-3.0, 4.0), (1.0, 1.0 + 1e-9)])
def test_ticks_lie_within_the_axis_and_are_few(low, high):
    found = ticks(low, high)
    assert 1 <= len(found) <= 9
    assert all(low - 1e-9 <= one <= high + 1e-9 for one in found)


@pytest.mark.parametrize("value", [0.0, 5.0, -2.0])
def test_a_line_that_does_not_move_has_an_axis_all_the_same(value):
    low, high = bounds([value, value])
    assert low < high or (low == 0.0 and high > 0.0)
    flat = replace(curve(), equity=(value,) * 30, reading=(value,) * 30, triggers=())
    assert "polyline" in drawn(flat)


def test_a_rung_that_is_far_away_does_not_flatten_the_line():
    assert triggers_shown((1.5, 2.0, 3.0), 1.9) == [1.5, 2.0]
    assert triggers_shown((0.03, 0.05), 0.001) == []
    assert letters(27)[25:] == ["Z", "A"]
