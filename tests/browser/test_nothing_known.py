"""The monitor's page alone when its journal goes away, and when a choice hides rows: nothing old, nothing concealed."""

import importlib.util
import json
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
PANELS = ("ladders", "stress", "charts", "alerts", "positions", "orders", "regime", "feeds", "models", "health")
GONE = ("no-journal", "empty", "unreadable", "other-version", "starting")
EMPTIED = """
const s = window.stub; s.stop(); s.formerly = { ...s.sections };
const none = Object.fromEntries(Object.keys(s.sections).map((name) => [name, null]));
for (const name of Object.keys(s.sections)) delete s.sections[name];
Object.assign(s.source, { state: arguments[0], sentence: "", age_seconds: null });
s.beat(arguments[1] ? none : {});
"""
BACK = """
const s = window.stub; Object.assign(s.source, { state: "ok", age_seconds: 0.3 });
s.beat({ ...s.formerly, ...arguments[0] });
"""
TITLES = "return [...document.querySelectorAll('#charts [title], #charts [aria-label]')].length"
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
    yield driver
    driver.quit()


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Opener]:
    with STUB.served(tmp_path) as server:

        def open_page(variant: str, size: str = "desk") -> Any:
            place = STUB.write_page(tmp_path, variant)
            # the state of the source can be changed while the page is open
            script = (place / "stub_page.js").read_text("utf-8").replace("const stub = {", "const stub = {\n  source,")
            (place / "stub_page.js").write_text(script, "utf-8")
            STUB.set_size(browser, size)
            browser.get(f"http://127.0.0.1:{server.server_port}/{place.name}/index.html")
            deadline = time.monotonic() + 8
            while browser.execute_script("return document.querySelector('.risk-monitor')?.dataset.state") != "fresh":
                assert time.monotonic() < deadline
                time.sleep(0.02)
            time.sleep(0.4)
            return browser

        yield open_page
        browser.get("about:blank")


def seen(page: Any, selector: str) -> list[str]:
    found = [node for node in page.find_elements(By.CSS_SELECTOR, selector) if node.is_displayed()]
    return [node.text.replace("\u00a0", " ") for node in found]


def aside(page: Any, panel: str) -> str:
    script = "return document.querySelector(`#${arguments[0]} .aside`).textContent"
    return page.execute_script(script, panel).replace("\u00a0", " ")


def said(page: Any, key: str) -> str:
    script = "return document.querySelector(`[data-key='${arguments[0]}']`).textContent"
    return page.execute_script(script, key).replace("\u00a0", " ")


def choose(page: Any, **choices: str) -> None:
    for name, value in choices.items():
        page.execute_script("window.stub.model.set(arguments[0], arguments[1])", name, value)


def values_left(page: Any) -> list[str]:
    """Figures that are still somewhere in a panel, the watchdog's aside: it is not told by the journal."""
    script = (
        "return arguments[0].flatMap((id) => [...document.querySelectorAll(`#${id} [data-value]`)])"
        ".filter((one) => one.dataset.value !== '' && one.dataset.key !== 'health.watchdog')"
        ".map((one) => `${one.dataset.key} ${one.textContent}`)"
    )
    return page.execute_script(script, PANELS)


@pytest.mark.parametrize("emptied", [True, False], ids=["sections emptied", "sections left as they were"])
@pytest.mark.parametrize("state", GONE)
def test_where_nothing_is_known_any_more_no_old_figure_stays(opened, state, emptied):
    page = opened("breach")
    assert len(values_left(page)) > 100 and len(seen(page, ".plot")) == 6 and page.execute_script(TITLES) >= 12
    page.execute_script(EMPTIED, state, emptied)
    assert values_left(page) == []
    assert seen(page, "#ladders .ladder") == [] and seen(page, ".plot") == []
    assert seen(page, "#ladders .empty") == ["not known"] and aside(page, "ladders") == ""
    assert (
        "".join(page.execute_script("return [...document.querySelectorAll('.readout')].map((x) => x.textContent)"))
        == ""
    )
    assert seen(page, ".chart .empty") == ["not known"] * 6
    assert page.execute_script(TITLES) == 0, "no old figure in a title either"
    assert seen(page, ":is(#positions, #orders, #alerts, #feeds, #health) .empty") == ["not known"] * 5
    assert [aside(page, name) for name in ("positions", "orders", "alerts", "feeds", "health")] == [""] * 5
    assert seen(page, ":is(#positions, #orders, #alerts, #feeds, #health) tbody tr") == []
    assert said(page, "charts.marks") == "decisions and alerts: not known"
    assert said(page, "book.condition") == "Condition: not known"
    assert seen(page, "#stress .parts li") == [] and seen(page, "#regime .parts li") == []
    assert said(page, "book.stress_score") == "not known" and said(page, "regime.now") == "not known"
    assert said(page, "calibration.id") == "not known" and said(page, "loop.turns") == "not known"
    assert page.execute_script("return document.querySelectorAll('#stress [aria-current]').length") == 0


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_a_page_that_knows_nothing_any_more_has_no_text_cut(opened, size):
    page = opened("breach", size)
    page.execute_script(EMPTIED, "no-journal", "emptied")
    time.sleep(0.3)
    assert page.execute_script(CUT) == []


def test_numbers_of_a_loop_that_has_ended_stay_with_their_age(opened):
    page = opened("breach")
    page.execute_script(
        "const s = window.stub; s.stop(); Object.assign(s.source, {state: 'no-loop', age_seconds: 9}); s.beat()"
    )
    assert len(seen(page, "#ladders .ladder")) == 5 and len(seen(page, ".plot")) == 6
    page.execute_script("Object.assign(window.stub.source, {state: 'starting', age_seconds: 12}); window.stub.beat()")
    assert len(seen(page, "#ladders .ladder")) == 5 and len(seen(page, ".plot")) == 6


def test_the_same_journal_that_is_back_shows_everything_again(opened):
    page = opened("breach")
    before = seen(page, "#ladders .ladder h3"), len(values_left(page))
    page.execute_script(EMPTIED, "unreadable", "emptied")
    page.execute_script(BACK, {})
    assert (seen(page, "#ladders .ladder h3"), len(values_left(page))) == before
    assert len(seen(page, ".plot")) == 6 and "last of" in said(page, "charts.marks")


def test_the_history_of_a_journal_that_was_begun_anew_does_not_come_back(opened):
    page = opened("breach")
    page.execute_script(EMPTIED, "empty", "emptied")
    page.execute_script(BACK, {"journal": {"sequence": 3, "digest": "ab", "epoch": 1}})
    assert len(seen(page, "#ladders .ladder")) == 5
    assert seen(page, ".plot") == [] and seen(page, ".chart .empty") == ["no history yet"] * 6
    series = STUB.series("breach")
    later = [[row[0] + 3600 * 10**9, *row[1:]] for row in series["rows"][-2:]]
    page.execute_script("window.stub.say(arguments[0])", series | {"first": False, "rows": later, "marks": []})
    assert len(seen(page, ".plot")) == 6
    points = "return document.querySelector('#chart-equity .plot').getAttribute('aria-label')"
    assert ": 2 points" in page.execute_script(points)
    page.execute_script("window.stub.say(arguments[0])", series)
    assert ": 720 points" in page.execute_script(points)


def test_that_nothing_was_decided_is_said_only_of_a_history_that_has_come(opened, tmp_path):
    page = opened("calm")
    scenario = tmp_path / "calm-dark" / "scenario.json"
    told = json.loads(scenario.read_text())
    scenario.write_text(json.dumps(told | {"series": told["series"] | {"rows": []}}))
    page.refresh()
    time.sleep(1.0)
    assert said(page, "charts.marks") == "decisions and alerts of this period: not known yet"
    page.execute_script("window.stub.say(arguments[0])", told["series"] | {"marks": []})
    assert said(page, "charts.marks") == "no decision and no alert in this period"


def test_a_choice_that_leaves_nothing_over_says_how_many_there_are(opened):
    page = opened("breach")
    choose(page, strategy="GBPJPY", pair="EURUSD")
    assert seen(page, "#positions .empty") == ["none for this choice (16 in all)"]
    assert seen(page, "#orders .empty") == ["none for this choice (16 in all)"]
    assert aside(page, "positions") == "0 of 16 shown · 15 of 16 held in all"
    page.execute_script("window.stub.beat({orders: [], alerts: []})")
    assert seen(page, "#orders .empty") == ["no orders yet"] and seen(page, "#alerts .empty") == ["no alerts yet"]


def test_a_panel_says_that_a_choice_is_in_force(opened):
    page = opened("breach")
    whole = aside(page, "positions"), aside(page, "orders"), aside(page, "alerts")
    assert whole[0].startswith("15 of 16 held · ") and not any("shown" in text for text in whole)
    choose(page, strategy="EURUSD")
    (cell,) = seen(page, "#positions [data-key$='.profit']")
    assert aside(page, "positions") == f"1 of 16 shown · their P&L {cell} USD · 15 of 16 held in all"
    assert aside(page, "orders") == f"1 of 16 shown · {whole[1].replace(' open', ' open in all')}"
    choose(page, strategy="")
    assert (aside(page, "positions"), aside(page, "orders"), aside(page, "alerts")) == whole


@pytest.mark.parametrize(
    ("choices", "shown"),
    [
        ({"strategy": "EURUSD"}, ["EURUSD", "GBPUSD"]),
        ({"pair": "EURUSD"}, ["EURUSD", "GBPUSD", "a strategy of yesterday"]),
        ({"strategy": "USDJPY", "pair": "EURUSD"}, ["GBPUSD"]),
    ],
)
def test_a_choice_never_hides_an_overdue_alert_nor_lowers_their_count(opened, choices, shown):
    page = opened("calm")
    names = {"EURUSD": 1e12, "GBPUSD": -1e12, "AUDUSD": 1e12, "a strategy of yesterday": 1e12}
    page.execute_script(
        "const s = window.stub, now = s.sections.loop.now_ns; s.stop();"
        "s.beat({alerts: arguments[0].map(([strategy, left], place) => ({kind: 'RaiseAlert', time_ns: now - place,"
        "  reason: 'x', level: 3, metric: 1, trigger: 1, ladder: null, rung: 0, strategy, sentence: 'why',"
        "  deadline_ns: now + left}))})",
        list(names.items()),
    )
    assert aside(page, "alerts") == "1 overdue of 4"
    choose(page, **choices)
    rows = seen(page, "#alerts tbody tr")
    assert [name for name in names if any(name in row for row in rows)] == shown and len(rows) == len(shown)
    assert aside(page, "alerts") == f"1 overdue of 4 · {len(shown)} of 4 shown"


@pytest.mark.parametrize(("speed", "said_so"), [(1.0, False), (None, False), (60.0, True), (0.0, True)])
def test_whose_time_a_latency_is_of_is_said_where_the_world_runs_at_another_speed(opened, speed, said_so):
    page = opened("breach")
    page.execute_script(
        "const s = window.stub; s.stop(); s.sections.loop = {...s.sections.loop, speed: arguments[0]};"
        "s.beat({loop: s.sections.loop, orders: s.sections.orders})",
        speed,
    )
    assert aside(page, "orders").endswith(" · took: of the world's time") is said_so
    assert aside(page, "health").endswith(" · latency on this machine") is said_so


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((0, 16, 16), "No strategy enters by itself: all 16 are held positions; no position may grow now: the first"),
        ((0, 16, 10), "0 of 16 strategies may enter in this condition; 10 held positions never enter; no position may "
         "grow now: the first"),
        ((3, 16, 10), "3 of 16 strategies may enter in this condition; none enters now: the first; 10 held positions "
         "never enter"),
    ],
)  # fmt: skip
def test_why_no_position_may_grow_is_said_also_of_held_positions(opened, counts, words):
    page = opened("calm")
    page.execute_script(
        "const s = window.stub, [strategies_active, strategies_total, strategies_held] = arguments[0];"
        "s.beat({book: {...s.sections.book, strategies_active, strategies_total, strategies_held,"
        " entries_stopped: 'the first'}})",
        counts,
    )
    assert said(page, "book.strategies_active") == words


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_what_a_choice_adds_is_not_cut(opened, size):
    page = opened("wordy", size)
    choose(page, strategy="GBPJPY")
    time.sleep(0.3)
    assert page.execute_script(CUT) == []
    choose(page, pair="EURUSD")
    time.sleep(0.3)
    assert page.execute_script(CUT) == []
