"""The monitor's page stands still, in every light and on paper: room for sentences, contrast, dates, choices."""

import importlib.util
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

pytestmark = pytest.mark.browser
HERE = Path(__file__).parent
CUT = (HERE / "text_cut.js").read_text("utf-8")
HOUR_NS = 3600 * 10**9
WATCH_LABELS = """
const write = CanvasRenderingContext2D.prototype.fillText, clear = CanvasRenderingContext2D.prototype.clearRect;
CanvasRenderingContext2D.prototype.clearRect = function (...place) { this.labels = []; clear.apply(this, place); };
CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
  if (/rung/.test(text)) (this.labels ??= []).push({ text, x, y, width: this.measureText(text).width });
  write.call(this, text, x, y);
};
"""
LABELS = "return document.querySelector(`#chart-${arguments[0]} canvas`).getContext('2d').labels"
NEAREST = """
const s = window.stub;
const held = { DRAWDOWN: 3, VOLATILITY: 2, VALUE_AT_RISK: 2, CORRELATION: 1, TECHNICAL: 1 };
const ladders = s.sections.book.ladders.map((one) => {
  const near = one.ladder === arguments[0] ? 0.97 : 0.3;
  return { ...one, holds: one.rung <= held[one.ladder], metric: near * one.trigger };
});
s.beat({ book: { ...s.sections.book, ladders } });
"""
HEIGHT = "return document.querySelector('.why').getBoundingClientRect().height"
Opener = Callable[..., Any]


def stub() -> ModuleType:
    spec = importlib.util.spec_from_file_location("stub_page", HERE / "stub_page.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


STUB = stub()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    driver = STUB.chromium()
    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH_LABELS})
    yield driver
    driver.quit()


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Opener]:
    with STUB.served(tmp_path) as server:

        def open_page(variant: str, size: str = "desk", wait_for: str = "fresh") -> Any:
            place = STUB.write_page(tmp_path, variant)
            STUB.set_size(browser, size)
            browser.get(f"http://127.0.0.1:{server.server_port}/{place.name}/index.html")
            wait(browser, wait_for)
            return browser

        yield open_page
        browser.get("about:blank")
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
        browser.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "UTC"})


def wait(page: Any, state: str) -> None:
    deadline = time.monotonic() + 8
    while page.execute_script("return document.querySelector('.risk-monitor')?.dataset.state") != state:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.4)


def said(page: Any, key: str) -> str:
    script = "return document.querySelector(`[data-key='${arguments[0]}']`).textContent"
    return str(page.execute_script(script, key)).replace("\u00a0", " ")


@pytest.mark.parametrize("size", ["desk", "wall", "phone"])
def test_the_bar_is_as_high_whatever_comes_next(opened, size):
    page = opened("calm", size)
    heights, sentences = set(), set()
    for ladder in ("CORRELATION", "VOLATILITY", "VALUE_AT_RISK", "TECHNICAL", "DRAWDOWN"):
        page.execute_script(NEAREST, ladder)
        sentences.add(said(page, "mode.next"))
        heights.add(page.execute_script(HEIGHT))
        assert page.execute_script(CUT) == []
    assert len(sentences) == 5
    assert len(heights) == 1


def test_the_bar_does_not_shrink_again_when_less_holds_until_the_window_is_another(opened):
    page = opened("breach")
    before = page.execute_script(HEIGHT)
    page.execute_script("const s = window.stub; s.beat({book: {...s.sections.book, mode: 'ACTIVE', ladders: []}})")
    assert said(page, "mode.also") != "" and said(page, "mode.next") == "Next: every rung holds, none is further up"
    assert page.execute_script(HEIGHT) == before
    STUB.set_size(page, "wall")
    time.sleep(0.6)
    STUB.set_size(page, "desk")
    time.sleep(0.6)
    assert page.execute_script(HEIGHT) < before


@pytest.mark.parametrize("size", ["desk", "wall", "phone"])
@pytest.mark.parametrize("variant", ["calm", "breach", "halted", "wordy"])
def test_no_text_is_cut_where_periods_began_on_one_date_and_the_viewer_is_on_another(opened, browser, variant, size):
    browser.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "America/Los_Angeles"})
    page = opened(variant, size)
    page.execute_script(
        "const s = window.stub, p = s.sections.periods, at = p.day.since_ns - arguments[0];"
        "s.beat({periods: {day: p.day, week: {...p.week, since_ns: at}, month: {...p.month, since_ns: at}}})",
        8 * HOUR_NS,
    )
    time.sleep(0.3)
    notes = page.execute_script("return [...document.querySelectorAll('.period .note')].map((one) => one.textContent)")
    assert [note.replace("\u00a0", " ").split("since ")[1] for note in notes] == [
        "06-23 21:12", "06-23 13:12", "06-23 13:12",
    ]  # fmt: skip
    assert said(page, "time.local").startswith("06-23 22:1")
    assert page.execute_script(CUT) == []


def test_a_period_that_began_on_a_date_of_its_own_is_told_without_the_hour(opened):
    page = opened("calm")
    note = page.execute_script("return document.querySelector('.period .note').textContent")
    assert note.replace("\u00a0", " ").endswith("since 06-23")


def test_the_viewers_own_time_has_its_day_only_where_it_is_another(opened, browser):
    browser.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "Asia/Kolkata"})
    assert said(opened("calm"), "time.local").startswith("10:4")
    browser.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "America/Los_Angeles"})
    assert said(opened("calm"), "time.local").startswith("06-23 22:1")


def test_means_of_correlations_are_called_what_they_are(opened):
    aside = opened("calm").execute_script("return document.querySelector('#correlation .aside').textContent")
    assert aside == "mean of absolute values 0.44 · of absolute changes 0.11"


def test_bars_are_seen_where_the_system_forces_its_colours(opened, browser):
    forced = [{"name": "forced-colors", "value": "active"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": forced})
    page = opened("breach")
    grounds = """return [arguments[0], 'body'].map((one) => {
      const style = getComputedStyle(document.querySelector(one));
      return style.backgroundImage === 'none' ? style.backgroundColor : style.backgroundImage;
    })"""
    for bar in (".step[data-holds=yes] .fill", ".step[data-holds=no] .fill", ".gauge i", ".share", ".dot"):
        own, ground = page.execute_script(grounds, bar)
        assert own != ground, bar
    panel = "return getComputedStyle(document.querySelector('.risk-monitor')).getPropertyValue('--panel').trim()"
    assert page.execute_script(panel) == "#131920"
    assert page.execute_script(grounds, ".plot")[0] == "rgb(19, 25, 32)", "the ground the lines were chosen for"


CURVE = """
const noon = 1466769600e9;
const rows = Array.from({ length: 60 }, (_none, n) => [noon + n * 60e9, 1e6, 0.02, 0.001, arguments[0](n), 1, 31, 0]);
window.stub.say({ kind: "series", period: "day", first: true, marks: [], rows, columns: ["time_ns", "equity",
  "drawdown", "value_at_risk_95", "expected_shortfall_975", "volatility_ratio", "stress_score", "profit:EURUSD"] });
"""


@pytest.mark.parametrize(("low", "middle"), [(0, False), (30, True)])
def test_a_label_stands_where_no_curve_is(opened, low, middle):
    page = opened("calm")
    shape = f"(n) => (n >= {low} && n < {low + 15}) || n === 59 ? 0.002 : 0.0012"
    page.execute_script(CURVE.replace("arguments[0](n)", f"({shape})(n)"))
    time.sleep(0.3)
    (label,) = [one for one in page.execute_script(LABELS, "risk") if one["text"].endswith("VaR rung 1")]
    area = "const c = document.querySelector('#chart-risk .u-over'); return [c.offsetLeft, c.offsetWidth]"
    left, width = page.execute_script(area)
    start, end = ((one - left) / width * 59 for one in (label["x"], label["x"] + label["width"]))
    assert end < low or start > low + 14
    assert (start > 15) is not middle


def test_what_the_keyboard_reaches_is_never_under_the_bar(opened):
    page = opened("breach")
    page.execute_script("scrollTo(0, document.documentElement.scrollHeight)")
    page.execute_script("[...document.querySelectorAll('#health .scroll, #models, main .scroll')].at(-1).focus()")
    where = """const active = document.activeElement, box = active.getBoundingClientRect();
      return [active.getAttribute('aria-label'), box.top, document.querySelector('.bar').getBoundingClientRect().bottom]
    """
    reached = []
    for _ in range(5):
        page.switch_to.active_element.send_keys(Keys.SHIFT, Keys.TAB)
        time.sleep(0.2)
        name, top, bar = page.execute_script(where)
        reached.append(name)
        assert top >= bar, name
    assert {"Decisions and notes, newest first", "Orders, newest first"} <= set(reached)


@pytest.mark.parametrize("variant", ["calm", "breach", "halted", "wordy"])
def test_a_page_four_times_as_large_is_no_wider_than_the_window(opened, variant):
    page = opened(variant, "phone")
    narrow = {"width": 320, "height": 600, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", narrow)
    time.sleep(0.5)
    assert page.execute_script("return document.documentElement.scrollWidth") == 320
    assert page.execute_script(CUT) == []


def test_on_paper_every_list_is_whole(opened):
    page = opened("breach")
    hints = "return [...document.querySelectorAll('.below')].filter((one) => one.checkVisibility()).length"
    assert page.execute_script(hints) > 0
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    time.sleep(0.3)
    assert page.execute_script(hints) == 0
    hidden = "return [...document.querySelectorAll('.rows')].map((one) => one.scrollHeight - one.clientHeight)"
    assert max(page.execute_script(hidden)) <= 1
    assert page.execute_script("return getComputedStyle(document.querySelector('.bar')).position") == "static"


CHOSEN = "return ['period', 'strategy', 'pair', 'theme'].map((name) => window.stub.model.get(name))"
KEPT = "risk-monitor-choices"


def reloaded(page: Any) -> list[str]:
    page.refresh()
    wait(page, "fresh")
    return page.execute_script(CHOSEN)


def test_what_was_chosen_is_still_chosen_when_the_page_is_loaded_again(opened):
    page = opened("calm")
    page.execute_script(
        "const m = window.stub.model; m.set('theme', 'light'); m.set('period', 'week'); m.set('pair', 'EURUSD');"
        "m.set('strategy', 'EURUSD')"
    )
    assert reloaded(page) == ["week", "EURUSD", "EURUSD", "light"]
    assert page.execute_script("return document.querySelector('input[name=period]:checked').value") == "week"
    assert page.execute_script("return document.querySelector('.risk-monitor').classList.contains('light')")


@pytest.mark.parametrize("kept", ["{", "null", "7", '{"period": "century", "theme": 7, "strategy": null, "x": 1}'])
def test_what_was_kept_and_cannot_be_chosen_is_passed_over(opened, kept):
    page = opened("calm")
    page.execute_script("sessionStorage.setItem(arguments[0], arguments[1])", KEPT, kept)
    assert reloaded(page) == ["day", "", "", "dark"]
    assert page.get_log("browser") == []


def test_a_browser_that_keeps_nothing_shows_the_page_all_the_same(opened):
    page = opened("calm")
    refuse = "Object.defineProperty(window, 'sessionStorage', { get() { throw new DOMException('no') } })"
    added = page.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": refuse})
    try:
        assert reloaded(page) == ["day", "", "", "dark"]
        page.execute_script("window.stub.model.set('theme', 'light')")
        assert page.execute_script("return document.querySelector('.risk-monitor').classList.contains('light')")
        assert page.get_log("browser") == []
    finally:
        page.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)
