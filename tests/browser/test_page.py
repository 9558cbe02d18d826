"""The monitor's page alone in a real Chromium: true numbers, loud silence, inert names, no trap for the keyboard."""

import importlib.util
import time
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

pytestmark = pytest.mark.browser


def stub() -> ModuleType:
    spec = importlib.util.spec_from_file_location("stub_page", Path(__file__).with_name("stub_page.py"))
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


STUB = stub()
SCREENSHOTS = Path(__file__).parents[2] / "var" / "screenshots"
"""Kept, so that people can look at every state in every size and theme after a run."""
Opener = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    driver = STUB.chromium()
    yield driver
    driver.quit()


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Opener]:
    with STUB.served(tmp_path) as server:

        def open_page(variant: str, theme: str = "dark", size: str = "desk", wait_for: str = "fresh") -> Any:
            place = STUB.write_page(tmp_path, variant, theme)
            STUB.set_size(browser, size)
            browser.server = server
            browser.get(f"http://127.0.0.1:{server.server_port}/{place.name}/index.html")
            until(lambda: state(browser) == wait_for, 8)
            return browser

        yield open_page
        browser.get("about:blank")
        browser.get_log("browser")


def until(claim: Callable[[], Any], seconds: float) -> float:
    """Wait for a claim to become true; returns the seconds it took."""
    began = time.monotonic()
    while not claim():
        assert time.monotonic() - began < seconds, "it did not come true in time"
        time.sleep(0.02)
    return time.monotonic() - began


def state(page: Any) -> str | None:
    return page.execute_script("return document.querySelector('.risk-monitor')?.dataset.state")


def said(page: Any, key: str) -> str:
    return page.execute_script("return document.querySelector(`[data-key='${arguments[0]}']`).textContent", key)


def value(page: Any, key: str) -> str:
    return page.execute_script("return document.querySelector(`[data-key='${arguments[0]}']`).dataset.value", key)


def test_numbers_are_those_of_the_projection(opened):
    page = opened("breach")
    sections = page.execute_script("return window.stub.sections")
    book = sections["book"]
    for name in ("equity", "drawdown", "value_at_risk_95", "expected_shortfall_975", "stress_score", "cap"):
        assert float(value(page, f"book.{name}")) == book[name]
    assert said(page, "book.mode") == "REDUCING"
    assert float(value(page, "periods.week.profit")) == sections["periods"]["week"]["profit"]
    for row in book["positions"]:
        assert float(value(page, f"position.{row['strategy']}.{row['pair']}.units")) == row["units"]
    for row in book["ladders"]:
        step = page.find_element(By.CSS_SELECTOR, f"[data-key='ladder.{row['ladder']}.{row['rung']}']")
        assert step.get_attribute("data-holds") == ("yes" if row["holds"] else "no")
    assert "volatility ratio rung 3" in said(page, "mode.held")
    assert (
        said(page, "mode.next")
        .replace("\u00a0", " ")
        .startswith("Next: VaR 95 % 0.271 % of 0.3 %: rung 2, exposure at most 80 %")
    )
    assert page.find_element(By.CSS_SELECTOR, "[data-key=synthetic]").is_displayed()
    assert page.get_log("browser") == []


def test_every_beat_is_answered_and_a_changed_number_is_shown(opened):
    page = opened("calm")
    page.execute_script("const s = window.stub; s.beat({book: {...s.sections.book, equity: 123456.78}})")
    assert said(page, "book.equity") == "123,456.78"
    sent = page.execute_script("return window.stub.sent.map((one) => one.kind)")
    assert sent[0] == "hello" and set(sent[1:]) == {"here"} and len(sent) > 2


def test_a_beat_without_changes_touches_nothing_but_the_clock(opened):
    page = opened("breach")
    page.execute_script(
        "window.touched = []; new MutationObserver((list) => list.forEach((one) => window.touched.push("
        "(one.target.nodeType === 3 ? one.target.parentElement : one.target).closest('section, nav')?.id)))"
        ".observe(document.querySelector('main'), "
        "{subtree: true, childList: true, characterData: true, attributes: true})"
    )
    page.execute_script("for (let i = 0; i < 5; i += 1) window.stub.beat(structuredClone(window.stub.sections))")
    assert set(page.execute_script("return window.touched")) <= {"alerts"}


def test_a_silent_kernel_turns_the_page_red_within_three_seconds_and_is_named(opened):
    page = opened("calm")
    page.execute_script("window.stub.stop()")
    assert until(lambda: state(page) == "silent", 4) <= 3.0
    until(lambda: "kernel does not answer" in said(page, "silence.sentence"), 1.5)
    assert page.find_element(By.CSS_SELECTOR, "[data-key=silence]").is_displayed()
    assert "OLD" in said(page, "state") and "kernel" in said(page, "spoken")
    page.execute_script("window.stub.go()")
    until(lambda: state(page) == "fresh", 2)
    assert not page.find_element(By.CSS_SELECTOR, "[data-key=silence]").is_displayed()


def test_a_server_that_is_gone_is_named(opened):
    page = opened("calm")
    page.server.shutdown()
    page.server.server_close()
    page.execute_script("window.stub.stop()")
    assert until(lambda: state(page) == "silent", 4) <= 3.0
    until(lambda: "network or the monitor's server is gone" in said(page, "silence.sentence"), 2.5)


def test_a_page_whose_program_hangs_covers_itself(opened):
    page = opened("calm")
    opacity = "return getComputedStyle(document.querySelector('.frozen')).opacity"
    time.sleep(4.5)
    assert page.execute_script(opacity) == "0"
    page.execute_script("window.stub.stop(); for (let timer = 0; timer < 9999; timer += 1) clearInterval(timer)")
    until(lambda: page.execute_script(opacity) == "1", 6)


def test_a_lost_beat_asks_for_everything_again(opened):
    page = opened("calm")
    hellos = "return window.stub.sent.filter((one) => one.kind === 'hello').length"
    assert page.execute_script(hellos) == 1
    page.execute_script("window.stub.lose()")
    until(lambda: page.execute_script(hellos) == 2, 2)
    time.sleep(1.2)
    assert page.execute_script(hellos) == 2


@pytest.mark.parametrize(
    ("variant", "level", "words"),
    [
        ("no-loop", "silent", "No process holds the journal"),
        ("stuck", "silent", "shows nothing new"),
        ("no-journal", "notice", "no journal in this folder"),
        ("empty", "notice", "not shown anything yet"),
        ("unreadable", "notice", "cannot be read"),
        ("other-version", "notice", "another version"),
        ("starting", "starting", "compiled for this machine, once: about 25 s on an idle machine, 12 s so far"),
    ],
)
def test_every_state_of_the_source_is_said(opened, variant, level, words):
    page = opened(variant, wait_for=level)
    assert words in said(page, "silence.sentence")
    assert said(page, "state") != "live"


def test_missing_numbers_and_empty_tables_are_said(opened):
    page = opened("empty", wait_for="notice")
    assert said(page, "book.equity") == "not known" and said(page, "book.mode") == "NOT KNOWN"
    for part in ("orders", "alerts", "positions", "decisions", "ladders", "charts"):
        assert "not known" in page.find_element(By.ID, part).text, part


def test_a_pair_nobody_knows_is_said(opened):
    page = opened("unknown-pair")
    assert said(page, "position.AUDUSD.XAUUSD.pair") == "XAUUSD (unknown pair)"
    assert "a position has no price" in page.find_element(By.ID, "health").text


def test_a_wrong_clock_of_the_viewer_is_said_and_not_believed(opened):
    page = opened("skew")
    assert "this computer's clock is 1 h 00 min fast" in said(page, "time.skew").replace("\u00a0", " ")
    assert float(value(page, "book.equity")) > 0 and said(page, "state") == "live"


@pytest.mark.parametrize("size", ["desk", "wall", "phone"])
def test_hostile_names_are_inert_and_keep_the_layout(opened, size):
    page = opened("hostile", size=size)
    time.sleep(0.5)
    assert page.execute_script("return window.harmed === undefined")
    assert page.find_elements(By.CSS_SELECTOR, ".risk-monitor :is(img, script, iframe)") == []
    assert page.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    names = [cell.get_attribute("textContent") for cell in page.find_elements(By.CSS_SELECTOR, "#positions tbody th")]
    assert any(name.startswith("<img src=x onerror=") for name in names) and any("🚀" in name for name in names)
    tallest = page.execute_script(
        "return Math.max(...[...document.querySelectorAll('#positions tbody tr')].map((row) => row.offsetHeight))"
    )
    shortest = page.execute_script(
        "return Math.min(...[...document.querySelectorAll('#positions tbody tr')].map((row) => row.offsetHeight))"
    )
    assert tallest <= 1.4 * shortest
    wide = "const s = document.querySelector('#positions .scroll'); return s.scrollWidth > s.clientWidth"
    assert size == "phone" or not page.execute_script(wide), "no column is pushed out of sight"
    assert page.get_log("browser") == []


def test_a_part_that_cannot_be_drawn_is_said_and_the_others_go_on(opened):
    page = opened("calm")
    page.execute_script("window.stub.beat({orders: 7, book: {...window.stub.sections.book, equity: 5}})")
    assert "Orders" in said(page, "troubles")
    assert page.find_element(By.CSS_SELECTOR, "#orders .trouble").is_displayed()
    assert said(page, "book.equity") == "5.00"
    page.execute_script("window.stub.beat({orders: []})")
    assert not page.find_element(By.CSS_SELECTOR, "[data-key=troubles]").is_displayed()


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", ["desk", "wall", "phone"])
@pytest.mark.parametrize(
    ("variant", "shown"),
    [
        ("calm", "fresh"), ("breach", "fresh"), ("halted", "fresh"), ("stale", "silent"), ("no-loop", "silent"),
        ("starting", "starting"),
    ],
)  # fmt: skip
def test_axe_finds_nothing_serious(opened, variant, shown, size, theme):
    page = opened(variant, theme, size, shown)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    assert page.save_screenshot(str(SCREENSHOTS / f"{variant}-{size}-{theme}.png"))
    page.execute_script((files("axe_core_python") / "axe.min.js").read_text("utf-8"))
    found = page.execute_async_script(
        "const done = arguments[0];"
        "axe.run(document).then((all) => done(all.violations), (error) => done(String(error)))"
    )
    assert isinstance(found, list), found
    grave = [
        (one["id"], one["help"], [node["html"][:160] for node in one["nodes"]][:4])
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]
    assert grave == []
    assert page.execute_script("return document.documentElement.scrollWidth <= innerWidth")


def test_tab_reaches_buttons_then_choices_then_tables(opened):
    page = opened("breach")
    reached = []
    for _ in range(16):
        page.switch_to.active_element.send_keys(Keys.TAB)
        active = (
            "const a = document.activeElement;"
            "return a.textContent.slice(0, 12) + '|' + (a.name || a.getAttribute('aria-label') || '')"
        )
        reached.append(page.execute_script(active))
    assert [one.split("|")[0] for one in reached[:4]] == ["Halt…", "Reduce…", "Close all…", "Resume…"]
    assert [one.split("|")[1] for one in reached[4:7]] == ["period", "strategy", "pair"]
    assert reached[7].startswith("Light theme")
    assert any("Positions" in one for one in reached[8:])


def test_a_button_explains_closes_on_escape_and_gives_the_focus_back(opened):
    page = opened("calm")
    button = page.find_element(By.CSS_SELECTOR, ".acts button")
    button.send_keys(Keys.ENTER)
    dialog = page.find_element(By.ID, "explain")
    assert (
        dialog.is_displayed() and 'workbench halt --reason "why"' in dialog.text and "can change nothing" in dialog.text
    )
    page.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert not dialog.is_displayed()
    assert page.switch_to.active_element == button
    assert set(page.execute_script("return window.stub.sent.map((one) => one.kind)")) == {"hello", "here"}


def test_a_command_names_the_folder_of_the_book_that_is_shown(opened):
    page = opened("calm")
    page.execute_script("window.stub.control = {link: '', folder: \"'/books/my <i>book'\"}; window.stub.beat()")
    commands = []
    for button in page.find_elements(By.CSS_SELECTOR, ".acts button"):
        button.click()
        commands.append(page.find_element(By.CSS_SELECTOR, "#explain code").text)
        page.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert [command.split(" --")[0] for command in commands] == [
        "workbench halt", "workbench reduce 0.5", "workbench flatten", "workbench resume",
    ]  # fmt: skip
    assert all(" --folder '/books/my <i>book' --" in command for command in commands)


LEADING = "return [...document.querySelectorAll('.acts a')].map((a) => [a.textContent, a.href, a.target, a.rel])"


def test_buttons_lead_to_the_control_service_while_one_runs(opened):
    page = opened("calm")
    page.execute_script("window.stub.control = {link: 'https://risk.example.org:8870/'}; window.stub.beat()")
    address = "https://risk.example.org:8870/"
    names = ["Halt ↗", "Reduce ↗", "Close all ↗", "Resume ↗"]
    assert page.execute_script(LEADING) == [[name, address, "_blank", "noopener noreferrer"] for name in names]
    assert page.find_elements(By.CSS_SELECTOR, ".acts button") == []
    page.execute_script("window.stub.control = {link: ''}; window.stub.beat()")
    assert page.execute_script(LEADING) == []
    assert len(page.find_elements(By.CSS_SELECTOR, ".acts button")) == 4
    page.find_element(By.CSS_SELECTOR, ".acts button").click()
    assert "workbench control" in page.find_element(By.ID, "explain").text


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)", "data:text/html,<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", 7,
        "file:///etc/passwd", "http://user:word@127.0.0.1:1/", None, {"a": 1}, "//", "about:blank",
    ],
)  # fmt: skip
def test_a_hostile_address_of_the_control_service_is_no_link(opened, address):
    page = opened("calm")
    page.execute_script("window.stub.control = {link: arguments[0]}; window.stub.beat()", address)
    assert page.execute_script(LEADING) == []
    assert len(page.find_elements(By.CSS_SELECTOR, ".acts button")) == 4
    assert not page.find_element(By.CSS_SELECTOR, "[data-key=troubles]").is_displayed()


def test_choices_are_kept_in_step_with_the_kernel(opened):
    page = opened("breach")
    page.find_element(By.CSS_SELECTOR, "input[value=week] + span").click()
    assert page.execute_script("return window.stub.model.get('period')") == "week"
    page.execute_script("window.stub.model.set('pair', 'EURUSD'); window.stub.model.set('theme', 'light')")
    assert len(page.find_elements(By.CSS_SELECTOR, "#positions tbody tr")) == 1
    assert "light" in page.find_element(By.CSS_SELECTOR, ".risk-monitor").get_attribute("class")


def test_nothing_is_left_when_the_page_is_closed(opened):
    page = opened("calm")
    page.execute_script("window.stub.stop(); window.stub.end()")
    assert page.find_elements(By.CSS_SELECTOR, ".risk-monitor, .uplot") == []
    assert page.execute_script("return [...window.stub.listeners.values()].flat().length") == 0
    time.sleep(0.6)
    assert page.get_log("browser") == []


def test_nothing_is_asked_of_anybody_but_this_machine(opened):
    page = opened("hostile")
    loaded = page.execute_script("return performance.getEntriesByType('resource').map((one) => one.name)")
    assert [name for name in loaded if not name.startswith(("http://127.0.0.1:", "data:"))] == []
