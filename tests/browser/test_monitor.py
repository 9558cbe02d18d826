"""The risk monitor whole, in a real Chromium: loop, journal, server, kernel and page; and each of them killed."""

import importlib.util
import json
import os
import re
import signal
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from workbench.data.inbox import Command, Inbox
from workbench.monitor.board.starting import Starting
from workbench.response.alerts.watchdog_file import ServiceBeat

spec = importlib.util.spec_from_file_location("board_page", Path(__file__).with_name("board_page.py"))
assert spec and spec.loader
PAGE = importlib.util.module_from_spec(spec)
spec.loader.exec_module(PAGE)
browser, READY_SECONDS = PAGE.browser, PAGE.READY_SECONDS
loop_on, real_loop, opened = PAGE.loop_on, PAGE.real_loop, PAGE.opened
served = PAGE.STUB.served
said, shown, state, text, until = PAGE.said, PAGE.shown, PAGE.state, PAGE.text, PAGE.until

pytestmark = pytest.mark.browser

OPEN_SECONDS = 70.0
"""More than twice what the server's library takes as the time within which a page must answer."""
WATCHED = """
window.seen = {states: [], longest: 0};
let before = performance.now();
new MutationObserver(() => {
  window.seen.longest = Math.max(window.seen.longest, performance.now() - before);
  before = performance.now();
}).observe(document.querySelector('[data-key="book.equity"]'), {childList: true, characterData: true, subtree: true});
const board = document.querySelector('.risk-monitor');
new MutationObserver(() => window.seen.states.push(board.dataset.state))
  .observe(board, {attributes: true, attributeFilter: ['data-state']});
"""
HOSTILE = (
    '<img src=x onerror="window.harmed=1">', '"><script>window.harmed=1</script>', "\u202egnorts\u202c \u200fabc",
    "🚀🔥 moon 💎",
)  # fmt: skip
LISTENED_TO = """
const seen = [];
new MutationObserver(() => seen.push([performance.now(), arguments[0].textContent]))
  .observe(arguments[0], {childList: true, characterData: true, subtree: true});
setTimeout(() => arguments[1](seen), 4000);
"""


@pytest.fixture(scope="module")
def scene(page_server, tmp_path_factory) -> Iterator[Any]:
    """A loop, and the server of its page."""
    place = tmp_path_factory.mktemp("monitor")
    with loop_on(place / "live") as loop, page_server(place / "home", place / "live") as server:
        yield loop, server, place / "live"


@pytest.fixture
def page(browser, scene) -> Iterator[webdriver.Chrome]:
    """The page, opened anew and ready."""
    browser.get_log("browser")
    browser.get_log("performance")
    yield opened(browser, scene[1].address)
    browser.get("about:blank")


def number(browser: webdriver.Chrome, key: str) -> float:
    return float(re.sub(r"[^\d.-]", "", text(browser, key).replace("−", "-")))


def kernels(server: Any) -> set[int]:
    """Processes of the pages that are open."""
    return PAGE.kernels(server.process.pid)


def test_the_page_is_ready_and_nothing_complains(page):
    assert page.title.startswith("ACTIVE")
    assert "token" not in page.current_url
    assert text(page, "book.mode") == "ACTIVE"
    assert [entry for entry in page.get_log("browser") if entry["level"] == "SEVERE"] == []
    assert page.find_elements(By.ID, "loading") == []


def test_the_address_followed_as_a_link_of_another_site_opens_the_page(browser, scene, tmp_path):
    address = scene[1].address
    (tmp_path / "index.html").write_text(f'<!doctype html><title>elsewhere</title><a href="{address}">the monitor</a>')
    with served(tmp_path) as other:
        browser.get(f"http://localhost:{other.server_port}/index.html")
        browser.find_element(By.TAG_NAME, "a").click()
        until(lambda: state(browser) == "fresh", READY_SECONDS)
        assert "token" not in browser.current_url
    browser.get("about:blank")


def test_no_request_leaves_this_machine(page, scene):
    time.sleep(2.0)
    events = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    asked = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    asked += [event["params"]["url"] for event in events if event["method"] == "Network.webSocketCreated"]
    assert len(asked) > 20
    own = re.compile(rf"(http|ws)://127\.0\.0\.1:{scene[1].port}/|blob:http://127\.0\.0\.1:|data:|about:blank")
    assert [url for url in asked if not own.match(url)] == []


def test_numbers_are_renewed_at_least_once_a_second(page):
    place = page.find_element(By.CSS_SELECTOR, '[data-key="book.equity"]')
    page.set_script_timeout(10)
    seen = [at for at, _ in page.execute_async_script(LISTENED_TO, place)]
    assert len(seen) >= 4
    assert max(after - before for before, after in pairwise(seen)) < 1_000.0


def test_a_page_stays_open_and_is_renewed_for_longer_than_any_patience_of_the_server(page):
    page.execute_script(WATCHED)
    time.sleep(OPEN_SECONDS)
    seen = page.execute_script("return window.seen")
    events = [json.loads(entry["message"])["message"]["method"] for entry in page.get_log("performance")]
    assert events.count("Network.webSocketCreated") == 1
    assert events.count("Network.webSocketClosed") == 0
    assert seen["states"] == [], "it was never anything but fresh"
    assert seen["longest"] < 2_500.0


def test_buttons_lead_to_a_control_service_of_this_journal_while_it_speaks(page, scene):
    _, server, folder = scene
    control = server.home / "control"
    control.mkdir(mode=0o700)
    beat = ServiceBeat(control, "http://127.0.0.1:8870/", folder)

    def led() -> bool:
        beat.tell(time.time_ns())
        return bool(page.find_elements(By.CSS_SELECTOR, ".acts a"))

    until(led, 5)
    [*links] = page.find_elements(By.CSS_SELECTOR, ".acts a")
    assert [(link.get_attribute("href"), link.get_attribute("rel")) for link in links] == [
        ("http://127.0.0.1:8870/", "noopener noreferrer")
    ] * 4
    beat.end(time.time_ns())
    until(lambda: not page.find_elements(By.CSS_SELECTOR, ".acts a"), 5)
    assert len(page.find_elements(By.CSS_SELECTOR, ".acts button")) == 4


def test_what_people_write_into_the_real_loop_is_shown_as_it_is_and_harms_nothing(browser, page_server, tmp_path):
    folder = tmp_path / "live"
    with real_loop(folder), page_server(tmp_path / "home", folder) as server:
        browser.get(server.address)
        until(lambda: state(browser) == "fresh", 180)
        inbox = Inbox(folder / "inbox")
        for place, name in enumerate(HOSTILE):
            inbox.send(Command.made("halt", name, time.time_ns(), reason=name))
            inbox.send(Command.made("enable", "ann", time.time_ns(), strategy=name * 6, approver="ben", reason=name))
            (folder / "inbox" / f"{place}{name}.json".replace("/", " ")).write_text(name)
        inbox.send(Command.made("halt", "x" * 80, time.time_ns(), reason="x" * 2_000))
        shown = lambda: browser.find_element(By.ID, "decisions").get_attribute("textContent")  # noqa: E731
        until(lambda: "x" * 80 in shown(), 20)
        assert text(browser, "book.mode") == "HALTED"
        found = shown()
        assert HOSTILE[0] in found and HOSTILE[1] in found and HOSTILE[3] in found
        assert "gnorts" in found, "the right-to-left override before it is gone"
        assert not re.search("[\u202a-\u202e]", browser.execute_script("return document.body.textContent"))
        assert browser.execute_script("return window.harmed === undefined")
        assert browser.find_elements(By.CSS_SELECTOR, ".risk-monitor :is(img, script, iframe)") == []
        for width, height in ((1280, 800), (3840, 2160), (390, 844)):
            metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
            assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []
    browser.get("about:blank")


def test_two_viewers_agree_with_each_other_and_with_the_journal(page, scene):
    _, server, folder = scene
    first = page.current_window_handle
    page.switch_to.new_window("window")
    second = opened(page, server.address).current_window_handle
    assert len(kernels(server)) >= 2, "every page has a kernel of its own"
    for _ in range(5):
        moving = []
        for window in (first, second, first):
            page.switch_to.window(window)
            moving.append(number(page, "book.equity"))
        # an update is half a second, two showings; reading takes a moment too
        assert moving[0] - 2 <= moving[1] <= moving[2] + 2
        assert shown(folder)["book"]["equity"] - moving[2] <= 4
        time.sleep(0.3)
    (folder / "hold").touch()
    time.sleep(1.0)
    book = shown(folder)["book"]
    for window in (first, second):
        page.switch_to.window(window)
        assert number(page, "book.equity") == pytest.approx(book["equity"], abs=0.005)
        assert number(page, "book.drawdown") == pytest.approx(100 * book["drawdown"], abs=0.005)
        assert text(page, "book.mode") == book["mode"]
    (folder / "hold").unlink()
    page.switch_to.window(second)
    page.close()
    page.switch_to.window(first)


def test_a_stopped_loop_turns_the_page_red_within_three_seconds_and_back(page, scene):
    loop = scene[0]
    loop.send_signal(signal.SIGSTOP)
    try:
        assert until(lambda: state(page) == "silent", 5) < 3.0
        assert "loop" in text(page, "silence.title").lower()
        assert page.find_element(By.CSS_SELECTOR, '[data-key="silence"]').is_displayed()
    finally:
        loop.send_signal(signal.SIGCONT)
    until(lambda: state(page) == "fresh", 5)
    assert not page.find_element(By.CSS_SELECTOR, '[data-key="silence"]').is_displayed()


def old_age(page: webdriver.Chrome) -> float:
    """How old the page says its numbers are, whether the board is there or on its way; 0 while it says nothing."""
    script = """
    const cover = document.getElementById('loading_old'), age = document.querySelector('[data-key="age"]');
    return Number(age?.dataset.value || cover?.textContent.match(/[\\d.]+/)?.[0] || 0)"""
    return float(page.execute_script(script))


def test_a_page_whose_kernel_is_killed_turns_red_says_so_and_opens_itself_anew_once(page, scene):
    _, server, folder = scene
    page.find_element(By.CSS_SELECTOR, "input[value=week] + span").click()
    page.execute_script("window.first = true")
    for process in (before := kernels(server)):
        os.kill(process, signal.SIGKILL)
    assert until(lambda: state(page) == "silent", 6) < 3.3
    assert "does not answer" in text(page, "silence.sentence") or "kernel ended" in text(page, "silence.sentence")
    until(lambda: "kernel ended: this page opens itself anew in" in said(page, "silence.sentence"), 8)
    until(lambda: page.execute_script("return window.first === undefined"), 10)
    until(lambda: old_age(page) > 3.0, 5)
    until(lambda: state(page) == "fresh", READY_SECONDS)
    assert not before & kernels(server)
    assert page.execute_script("return document.querySelector('input[value=week]').checked"), "choices are kept"
    page.execute_script("window.second = true")
    time.sleep(5.0)
    assert state(page) == "fresh"
    assert page.execute_script("return window.second"), "it was opened anew once"
    equity = shown(folder)["book"]["equity"]
    assert number(page, "book.equity") == pytest.approx(equity, abs=4)


def test_a_kernel_that_is_stopped_does_not_answer_and_comes_back_when_it_goes_on(page, scene):
    page.execute_script("window.first = true")
    stopped = kernels(scene[1])
    for process in stopped:
        os.kill(process, signal.SIGSTOP)
    try:
        assert until(lambda: state(page) == "silent", 6) < 3.3
        until(lambda: "kernel does not answer" in text(page, "silence.sentence"), 5)
        time.sleep(3.0)
        assert "kernel does not answer" in text(page, "silence.sentence")
    finally:
        for process in stopped:
            os.kill(process, signal.SIGCONT)
    until(lambda: state(page) == "fresh", 5)
    assert page.execute_script("return window.first")


def test_a_closed_page_leaves_no_kernel_after_thirty_seconds(page, scene):
    server = scene[1]
    assert kernels(server)
    page.get("about:blank")
    until(lambda: not kernels(server), 30.0)


def test_an_engine_that_is_being_compiled_is_told_at_once_and_not_in_red(browser, page_server, tmp_path):
    folder = tmp_path / "live"
    Starting(os.getpid(), time.time_ns(), compiling=True).leave(folder)
    with page_server(tmp_path / "home", folder) as server:
        browser.get(server.address)
        until(lambda: state(browser) == "starting", READY_SECONDS)
        assert re.search(
            r"compiled for this machine, once: about \d+ s .*, \d+ s so far", text(browser, "silence.sentence")
        )
        assert text(browser, "state") == "starting"
        with loop_on(folder):
            until(lambda: state(browser) == "fresh", 5)
    browser.get("about:blank")


def test_a_killed_loop_a_late_journal_and_a_killed_server_are_told(browser, page_server, tmp_path):
    folder = tmp_path / "live"
    with page_server(tmp_path / "home", folder) as server:
        browser.get(server.address)
        until(lambda: state(browser) == "notice", READY_SECONDS)
        assert str(folder) in text(browser, "silence.sentence")
        with loop_on(folder) as loop:
            until(lambda: state(browser) == "fresh", 5)
            loop.kill()
            assert until(lambda: state(browser) == "silent", 5) < 3.0
            assert "not running" in text(browser, "silence.title")
        left = kernels(server)
        server.process.kill()
        until(lambda: "server is gone" in text(browser, "silence.sentence"), 6)
        assert state(browser) == "silent"
        assert text(browser, "silence.title") == "The server is silent"
        until(lambda: not any(Path(f"/proc/{process}").exists() for process in left), 30.0)
    browser.get("about:blank")


def test_a_killed_server_that_is_started_again_brings_the_page_back_with_new_numbers(browser, page_server, tmp_path):
    home, folder = tmp_path / "home", tmp_path / "live"
    with loop_on(folder):
        with page_server(home, folder) as server:
            opened(browser, server.address)
            before, port = number(browser, "book.equity"), server.port
            server.process.kill()
            assert until(lambda: state(browser) == "silent", 6) < 3.3
            until(lambda: "server is gone" in text(browser, "silence.sentence"), 6)
            time.sleep(6.0)
            assert state(browser) == "silent"
        with page_server(home, folder, port) as server:
            until(lambda: "has been started again" in said(browser, "silence.sentence"), 6)
            until(lambda: state(browser) != "silent" or old_age(browser) > 9.0, 20)
            until(lambda: state(browser) == "fresh", READY_SECONDS)
            assert number(browser, "book.equity") > before + 20
            assert number(browser, "book.equity") == pytest.approx(shown(folder)["book"]["equity"], abs=4)
            assert "token" not in browser.current_url
            server.end()
            heard = server.process.stdout.read()
            assert heard == "", "nothing of the old page's questions is told in the terminal"
    browser.get("about:blank")
