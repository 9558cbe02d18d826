"""The incident review whole, in a real Chromium: the command, the notebook's process, and a stepper that steps."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

pytestmark = pytest.mark.browser

ARGUMENTS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
)  # fmt: skip
READY_SECONDS = 240.0
"""A crisis is played and stepped, on a machine that is busy with other tests."""
COMMAND = ("review", "--no-browser", "--port", "0")
STARTED = "import signal; signal.signal(signal.SIGINT, signal.SIG_DFL); from workbench.cli import main; main()"


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> Iterator[str]:
    """The command on an empty home: a demonstration is played."""
    environment = {**os.environ, "WORKBENCH_HOME": str(tmp_path_factory.mktemp("review")), "OPENBLAS_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", STARTED, *COMMAND], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("The incident review is at "), line
            yield line.split()[-1]
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)


@pytest.fixture(scope="module")
def page(address) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    binary = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")
    assert binary, "no Chromium or Chrome found: .ci/run installs Debian's"
    options.binary_location = binary
    options.page_load_strategy = "none"
    for argument in ARGUMENTS:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    driver.set_window_size(1280, 1000)
    try:
        driver.get(address)
        until(lambda: len(steppers(driver)) == 2 and not driver.find_elements(By.ID, "loading"), READY_SECONDS)
        yield driver
    finally:
        driver.quit()


def until(claim: Callable[[], Any], seconds: float) -> None:
    began = time.monotonic()
    while not claim():
        assert time.monotonic() - began < seconds, f"it did not come true within {seconds} s"
        time.sleep(0.1)


def steppers(page: webdriver.Chrome) -> list[list[Any]]:
    """Buttons of every stepper that can be seen."""
    try:
        found = page.find_elements(By.TAG_NAME, "button")
        seen = [one for one in found if one.is_displayed() and one.text.strip("◀▶ ") in ("decision", "event")]
    except StaleElementReferenceException:
        return []
    return [seen[place : place + 4] for place in range(0, len(seen), 4)]


def shown(page: webdriver.Chrome) -> str:
    """The moment the first stepper shows: its heading and its tables."""
    script = "return document.querySelector('.widget-html-content h4')?.parentElement.innerText ?? ''"
    return str(page.execute_script(script))


def pressed(page: webdriver.Chrome, press: Callable[[], Any]) -> str:
    before = shown(page)
    press()
    until(lambda: shown(page) != before, 10)
    return shown(page)


def row(text: str) -> int:
    found = re.search(r"journal row ([\d,]+)", text)
    assert found, text
    return int(found[1].replace(",", ""))


def test_the_buttons_and_the_slider_go_through_events_and_decisions(page):
    before, back, on, after = steppers(page)[0]
    first = shown(page)
    assert "no rule asked for anything" not in first
    second = pressed(page, after.click)
    assert row(second) > row(first)
    assert "no rule asked for anything" not in second
    assert pressed(page, before.click) == first
    assert row(pressed(page, on.click)) > row(first)
    assert pressed(page, back.click) == first
    slider = page.find_element(By.CSS_SELECTOR, ".widget-slider [tabindex], .widget-slider .noUi-handle")
    assert row(pressed(page, lambda: slider.send_keys(Keys.ARROW_RIGHT))) > row(first)


def test_what_stands_still_is_hidden_by_what_answers(page):
    still = page.find_elements(By.CSS_SELECTOR, "[class^=review-still]")
    assert len(still) == 2
    assert not any(one.is_displayed() for one in still)


def test_nothing_complains_and_no_request_leaves_this_machine(page):
    assert [one for one in page.get_log("browser") if one["level"] == "SEVERE"] == []
    events = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    asked = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    assert len(asked) > 10
    assert [url for url in asked if not re.match(r"(http|ws)://127\.0\.0\.1:|blob:http://127|data:|about:", url)] == []
    assert page.find_elements(By.CSS_SELECTOR, ".trouble:not(noscript *), #loading") == []
