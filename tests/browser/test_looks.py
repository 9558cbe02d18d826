"""How the monitor's page looks in a real Chromium: nothing cut, nothing jumps, charts and silence that can be read."""

import importlib.util
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from selenium.webdriver.common.by import By

pytestmark = pytest.mark.browser
HERE = Path(__file__).parent
CUT = (HERE / "text_cut.js").read_text("utf-8")
LARGEST_SHIFT = 0.1
"""Where a page that jumps begins to disturb a reader, by the measure browsers use."""
WATCH_SHIFTS = """
window.shift = 0;
new PerformanceObserver((list) => list.getEntries().forEach((one) => { window.shift += one.value; }))
  .observe({ type: "layout-shift", buffered: true });
"""
WATCH_TICKS = """
const write = CanvasRenderingContext2D.prototype.fillText, clear = CanvasRenderingContext2D.prototype.clearRect;
CanvasRenderingContext2D.prototype.clearRect = function (...place) { this.texts = []; clear.apply(this, place); };
CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
  (this.texts ??= []).push(text);
  write.call(this, text, ...place);
};
"""
TICKS = """return [...document.querySelectorAll(".plot canvas")].map((one) => one.getContext("2d").texts)"""
HISTORY = """
window.stub.say({ kind: "series", period: "day", first: true, marks: [],
  columns: ["time_ns", "equity", "drawdown", "value_at_risk_95", "expected_shortfall_975", "volatility_ratio",
    "stress_score", "profit:EURUSD"], rows: arguments[0] });
"""
NOON_NS, MINUTE_NS = 1_466_769_600_000_000_000, 60 * 10**9


def stub() -> ModuleType:
    spec = importlib.util.spec_from_file_location("stub_page", HERE / "stub_page.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


STUB = stub()
Opener = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    driver = STUB.chromium()
    for watch in (WATCH_SHIFTS, WATCH_TICKS):
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": watch})
    yield driver
    driver.quit()


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Opener]:
    with STUB.served(tmp_path) as server:

        def open_page(variant: str, size: str = "desk", wait_for: str = "fresh") -> Any:
            place = STUB.write_page(tmp_path, variant)
            STUB.set_size(browser, size)
            browser.get(f"http://127.0.0.1:{server.server_port}/{place.name}/index.html")
            deadline = time.monotonic() + 8
            while browser.execute_script("return document.querySelector('.risk-monitor')?.dataset.state") != wait_for:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            time.sleep(0.6)
            return browser

        yield open_page
        browser.get("about:blank")


def minutes(count: int, equity: float = 1_000_000.0) -> list[list[float]]:
    return [[NOON_NS + n * MINUTE_NS, equity + n / 4, 0.0, 0.0018, 0.0037, 1.2, 31.0, n / 100] for n in range(count)]


def seen(page: Any, selector: str) -> list[str]:
    return [node.text for node in page.find_elements(By.CSS_SELECTOR, selector) if node.is_displayed()]


@pytest.mark.parametrize("size", ["desk", "wall", "phone"])
@pytest.mark.parametrize(
    ("variant", "shown"),
    [("wordy", "fresh"), ("calm", "fresh"), ("stale", "silent"), ("no-loop", "silent"), ("starting", "starting")],
)
def test_no_text_of_the_page_is_cut_or_under_another_thing(opened, variant, shown, size):
    page = opened(variant, size, shown)
    assert page.execute_script(CUT) == []
    assert size == "phone" or seen(page, ".beside") == [], "no column is pushed out of sight"


def test_the_longest_sentences_of_ladders_are_shown(opened):
    shown = seen(opened("wordy"), "#ladders :is(.holds, .ahead)")
    assert any("only defensive strategies may enter" in text for text in shown)
    assert any("every position closed at once, trading halted" in text for text in shown)


@pytest.mark.parametrize("size", ["desk", "wall", "phone"])
@pytest.mark.parametrize(
    "style",
    [
        "#regime .body { max-height: 3rem; overflow: hidden; }",
        "#charts .chart { width: 6rem; }",
        "#stress .parts { margin-left: -3rem; }",
        "#alerts .below { display: none; }",
        ".fresh .state { margin-left: -9rem; }",
    ],
)
def test_a_text_that_is_cut_is_found(opened, style, size):
    page = opened("wordy", size)
    # so many alerts that they do not fit anywhere
    page.execute_script(
        "const s = window.stub; const one = s.sections.alerts[0];"
        "s.beat({alerts: Array.from({length: 60}, (_n, place) => ({...one, time_ns: one.time_ns - place * 1e9}))})"
    )
    time.sleep(0.3)
    assert page.execute_script(CUT) == []
    add = "document.head.append(Object.assign(document.createElement('style'), {textContent: arguments[0]}))"
    page.execute_script(add, f".risk-monitor {style}")
    assert page.execute_script(CUT) != []


@pytest.mark.parametrize("size", ["desk", "wall", "phone"])
@pytest.mark.parametrize("variant", ["calm", "breach", "halted", "wordy"])
def test_the_page_does_not_jump_when_the_first_numbers_come(opened, variant, size):
    assert opened(variant, size).execute_script("return window.shift") < LARGEST_SHIFT


def test_a_history_of_one_point_says_when_it_begins_and_two_points_are_a_line(opened):
    page = opened("calm")
    page.execute_script(HISTORY, minutes(1))
    assert seen(page, ".chart .empty") == ["begins 2016-06-24 12:00 UTC: no line yet"] * 6
    assert seen(page, ".plot") == []
    page.execute_script(HISTORY, minutes(2))
    assert seen(page, ".chart .empty") == []
    assert len(seen(page, ".plot")) == 6


@pytest.mark.parametrize("count", [2, 3, 60])
def test_no_chart_has_the_same_tick_twice(opened, count):
    page = opened("calm")
    page.execute_script(HISTORY, minutes(count))
    time.sleep(0.3)
    charts = page.execute_script(TICKS)
    assert len(charts) == 6
    for texts in charts:
        assert len(texts) > 3
        assert len(texts) == len(set(texts)), texts


def test_the_last_reading_of_a_chart_is_that_of_the_tiles_and_tells_its_time(opened):
    page = opened("calm")
    page.execute_script("const s = window.stub; s.beat({book: {...s.sections.book, value_at_risk_95: 0.00199}})")
    (tile,) = seen(page, "[data-key='book.value_at_risk_95']")
    (chart,) = seen(page, "[data-key='chart.risk']")
    assert tile.replace("\u00a0", " ") == "0.199 %"
    assert chart.replace("\u00a0", " ").startswith("05:12") and "VaR 0.199 %" in chart.replace("\u00a0", " ")


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_silence_leaves_every_text_readable_and_marks_every_part_as_old(opened, size):
    page = opened("stale", size, "silent")
    struck = (
        "return [...document.querySelectorAll('.risk-monitor *')]"
        ".filter((one) => getComputedStyle(one).textDecorationLine !== 'none').length"
    )
    assert page.execute_script(struck) == 0
    badges = "return [...document.querySelectorAll('.head h2')].map((one) => getComputedStyle(one, '::after').content)"
    assert set(page.execute_script(badges)) == {'"OLD"'}
    over = "return getComputedStyle(document.querySelector('.risk-monitor'), '::after').backgroundImage"
    assert page.execute_script(over) == "none", "nothing is drawn over the numbers"


def test_ladders_of_several_metrics_name_each_of_them(opened):
    assert seen(opened("calm"), ".watched") == [
        "mean |change|", "mean |correlation|", "feed in use", "every feed", "feeds or broker",
    ]  # fmt: skip


def test_value_at_risk_of_a_position_is_in_dollars_and_adds_up(opened):
    page = opened("calm")
    cells = """[...document.querySelectorAll("[data-key$='.value_at_risk']")]"""
    book = page.execute_script("return window.stub.sections.book")
    expected = [row["component_value_at_risk"] * book["equity"] for row in book["positions"]]
    assert page.execute_script(f"return {cells}.map((one) => Number(one.dataset.value))") == pytest.approx(expected)


def test_a_pair_whose_prices_have_stopped_while_others_go_on_says_since_when(opened):
    page = opened("breach")
    state = "return document.querySelectorAll('#positions tbody tr')[arguments[0]].cells[9].textContent"
    assert "old" not in "".join(page.execute_script(state, place) for place in range(16))
    late = "const s = window.stub; s.beat({quoted: {...s.sections.quoted, [arguments[0]]: %s}})"
    page.execute_script(late % "s.sections.quoted.EURUSD - 95e9", "GBPUSD")
    assert page.execute_script(state, 1).replace("\u00a0", " ") == "price 1 min 35 s old"
    page.execute_script("const { USDJPY, ...others } = window.stub.sections.quoted; window.stub.beat({quoted: others})")
    assert page.execute_script(state, 4) == "no price since the start"
    assert page.execute_script(CUT) == []


def test_bars_of_the_parts_compare_positions_with_the_largest(opened):
    page = opened("calm")
    rows = page.execute_script("return window.stub.sections.book.positions.map((one) => one.component_value_at_risk)")
    bars = page.execute_script(
        "return [...document.querySelectorAll('#positions .share')].map((one) => one.style.width)"
    )
    assert len(bars) == len(rows)
    largest = max(abs(part) for part in rows)
    assert [float(bar.rstrip("%")) for bar in bars] == pytest.approx(
        [100 * abs(one) / largest for one in rows], abs=0.1
    )


def test_an_order_that_was_rejected_has_no_price_to_wait_for(opened):
    rows = seen(opened("breach"), "#orders tbody tr")
    rejected = [row for row in rows if "rejected" in row]
    assert rejected and all("not filled" in row and "yet" not in row for row in rejected)
    assert all("not yet" in row for row in rows if "sent" in row)
