"""The page alone, when its kernel or server goes away: it opens itself anew, not in a loop, and is red until then."""

import importlib.util
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytestmark = pytest.mark.browser


def module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec and spec.loader
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


BOARD = module("board_page")
STUB, said, state, until = BOARD.STUB, BOARD.said, BOARD.state, BOARD.until
NOTE = "return JSON.parse(sessionStorage.getItem('risk-monitor-anew'))"
WORLD = "return Number(document.querySelector('[data-key=\"time.utc\"]').dataset.value)"
Opener = Callable[[str], Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    driver = STUB.chromium()
    yield driver
    driver.quit()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where the page is."""
    return STUB.write_page(tmp_path, "calm")


@pytest.fixture
def page(browser: Any, place: Path) -> Iterator[Any]:
    """A page without loop and kernel; the file `alive.txt` stands for its kernel."""
    with STUB.served(place.parent) as server:
        STUB.set_size(browser, "desk")
        browser.server = server
        browser.get(f"http://127.0.0.1:{server.server_port}/{place.name}/index.html")
        until(lambda: state(browser) == "fresh", 8)
        yield browser
        browser.get("about:blank")


def silence(page: Any, place: Path, *, mute: bool = False) -> None:
    """No beat any more, and no kernel; a mute one gives no numbers to the page that opens anew."""
    scenario = json.loads((place / "scenario.json").read_text())
    (place / "scenario.json").write_text(json.dumps(scenario | {"mute": mute}))
    (place / "alive.txt").unlink()
    page.execute_script("window.first = true; window.stub.model.set('theme', 'light'); window.stub.stop()")


def opened_anew(page: Any) -> bool:
    return page.execute_script("return window.first === undefined && document.readyState === 'complete'")


def test_a_page_whose_kernel_is_gone_says_so_and_opens_itself_anew_with_what_was_chosen(page, place):
    silence(page, place)
    until(lambda: "kernel ended: this page opens itself anew in" in said(page, "silence.sentence"), 5)
    assert said(page, "silence.title") == "The kernel is silent" and state(page) == "silent"
    until(lambda: opened_anew(page), 8)
    until(lambda: state(page) == "fresh", 5)
    assert page.execute_script("return window.stub.model.get('theme')") == "light"
    assert "light" in page.execute_script("return document.querySelector('.risk-monitor').className")
    note = page.execute_script(NOTE)
    assert (note["tries"], note["since"], note["choices"]) == (1, None, None)


def test_until_there_are_new_numbers_the_page_that_opened_anew_is_red_and_counts_on(page, place):
    silence(page, place, mute=True)
    until(lambda: opened_anew(page), 12)
    (place / "alive.txt").touch()
    until(lambda: state(page) == "silent", 2)
    ages = []
    for _ in range(7):
        ages.append(float(page.execute_script("return document.querySelector('[data-key=age]').dataset.value")))
        time.sleep(0.6)
        assert state(page) == "silent"
    assert ages[0] > 4.0 and ages == sorted(set(ages))
    assert said(page, "silence.sentence") == "This page's kernel does not answer."
    assert said(page, "silence.seconds").startswith("everything shown is")


def test_a_page_that_never_hears_a_word_waits_longer_each_time_before_it_opens_anew(page, place):
    silence(page, place, mute=True)
    until(lambda: opened_anew(page), 12)
    assert page.execute_script(NOTE)["tries"] == 1
    page.execute_script("window.first = true")
    began = time.monotonic()
    until(lambda: "opens itself anew in" in said(page, "silence.sentence"), 5)
    until(lambda: page.execute_script(NOTE)["tries"] == 2, 14)
    assert 8.0 < time.monotonic() - began < 12.0


def test_a_server_that_was_gone_and_is_back_without_the_kernel_is_named(page, place):
    port = page.server.server_port
    page.server.shutdown()
    page.server.server_close()
    silence(page, place)
    until(lambda: "network or the monitor's server is gone" in said(page, "silence.sentence"), 5)
    assert said(page, "silence.title") == "The server is silent"
    time.sleep(4.0)
    assert page.execute_script("return window.first"), "it does not leave for a server that is not there"
    with STUB.served(place.parent, port):
        until(lambda: "has been started again: this page opens itself anew" in said(page, "silence.sentence"), 4)
        assert said(page, "silence.title") == "The server is silent"
        until(lambda: opened_anew(page), 8)
        until(lambda: state(page) == "fresh", 5)


def test_a_server_that_is_back_with_the_kernel_needs_no_new_page(page, place):
    silence(page, place)
    until(lambda: "kernel ended" in said(page, "silence.sentence"), 5)
    (place / "alive.txt").touch()
    until(lambda: said(page, "silence.sentence") == "This page's kernel does not answer.", 4)
    time.sleep(3.5)
    assert page.execute_script("return window.first")
    page.execute_script("window.stub.go()")
    until(lambda: state(page) == "fresh", 2)


def test_the_worlds_clock_stands_still_where_nobody_turns_it(page, place):
    ended = STUB.write_page(place.parent, "no-loop")
    page.get(f"http://127.0.0.1:{page.server.server_port}/{ended.name}/index.html")
    until(lambda: state(page) == "silent", 8)
    last = page.execute_script("window.stub.stop(); return window.stub.sections.loop.now_ns")
    for _ in range(5):
        time.sleep(0.5)
        assert page.execute_script(WORLD) == last


def test_the_worlds_clock_runs_on_no_longer_than_until_the_page_is_red(page):
    time.sleep(1.2)
    last = page.execute_script("window.stub.stop(); return window.stub.sections.loop.now_ns")
    speed = page.execute_script("return window.stub.sections.loop.speed")
    until(lambda: state(page) == "silent", 4)
    time.sleep(1.5)
    ahead = (page.execute_script(WORLD) - last) / 1e9 / speed
    assert ahead == pytest.approx(2.5, abs=1e-3)


def test_the_worlds_clock_goes_as_fast_as_the_loop_manages_and_never_back(page):
    page.execute_script("window.stub.pace = 20")
    time.sleep(1.2)
    shown, known = [], "return window.stub.sections.loop.now_ns"
    for _ in range(40):
        shown.append(page.execute_script(WORLD))
        assert (shown[-1] - page.execute_script(known)) / 1e9 < 20.0, (
            "not ahead by a second of its pace, 60 by the plan"
        )
        time.sleep(0.05)
    assert shown == sorted(shown) and len(set(shown)) > 10
