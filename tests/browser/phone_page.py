"""Somebody with a phone: a Chromium of 360 × 740 in front of a staged control service. For the tests beside it."""

import importlib.util
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By

from workbench.response.incidents.alert import Alert

HERE = Path(__file__).parent
SIZE = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}


def module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


STAGE = module(HERE.parent / "monitor" / "control" / "stage.py")
STUB = module(HERE / "stub_page.py")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    driver = STUB.chromium()
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", SIZE)
    driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
    yield driver
    driver.quit()


class Phone:
    """Somebody with a phone in front of a stage."""

    def __init__(self, browser: Any, stage: Any, address: str, line: ExitStack) -> None:
        self.browser, self.stage, self.address, self.line = browser, stage, address, line
        self.taps = 0

    def hang_up(self) -> None:
        """Stop the control service."""
        self.line.close()

    def call_again(self) -> None:
        """Start it again where it was."""
        self.line.enter_context(self.stage.running(int(self.address.rpartition(":")[2])))

    def open(self) -> None:
        self.browser.get(self.address)
        self.until(lambda: self.find("#phone .controls"))

    def find(self, selector: str) -> Any:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def tap(self, selector: str) -> None:
        self.until(lambda: self.find(selector).is_displayed())
        found = self.find(selector)
        self.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", found)
        found.click()
        self.taps += 1

    def type(self, selector: str, text: str) -> None:
        self.find(selector).send_keys(text)

    def text(self, selector: str) -> str:
        return str(self.find(selector).text)

    @property
    def state(self) -> str:
        return str(self.find("#phone").get_attribute("data-state"))

    def log_in(self, name: str) -> None:
        self.open()
        self.until(lambda: self.find(".login").is_displayed())
        self.type("#login-name", name)
        self.type("#login-password", STAGE.WORDS)
        self.type("#login-code", self.stage.keys.code(name))
        self.find("[data-key='login.press']").click()
        self.until(lambda: self.state == "fresh")
        self.until(lambda: not self.find(".login").is_displayed())

    def until(self, claim: Callable[[], Any], seconds: float = 8.0) -> None:
        end = time.monotonic() + seconds
        while True:
            try:
                if claim():
                    return
            except WebDriverException as error:  # the page is being built, or rebuilt
                last: object = error
            else:
                last = "it did not come true in time"
            assert time.monotonic() < end, last
            time.sleep(0.03)

    def picture(self, name: str) -> None:
        folder = os.environ.get("WORKBENCH_PICTURES")
        if folder:
            self.browser.save_screenshot(str(Path(folder) / f"phone-{name}.png"))


@pytest.fixture
def phone(browser: Any, tmp_path: Path) -> Iterator[Phone]:
    with STAGE.staged(tmp_path) as stage, ExitStack() as line:
        address = line.enter_context(stage.running())
        yield from held(browser, stage, address, line)


def held(browser: Any, stage: Any, address: str, line: ExitStack) -> Iterator[Phone]:
    """A phone, and afterwards a browser that knows nothing of it."""
    yield Phone(browser, stage, address, line)
    browser.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": address, "storageTypes": "all"})
    browser.get("about:blank")
    browser.get_log("browser")


def complaints(phone: Phone) -> list[str]:
    return [one["message"] for one in phone.browser.get_log("browser") if "/api/me" not in one["message"]]


@pytest.fixture
def troubled(browser: Any, tmp_path: Path) -> Iterator[Phone]:
    """A book in trouble, an incident with script in its words, and people who must come."""
    with STAGE.staged(tmp_path, "breach") as stage:
        now = stage.clock()
        facts = {"did": "closed a quarter of the positions", "waits": "a person"}
        hostile = "<img src=x onerror=document.title='owned'> volatility ratio 3.2 is above 3.0, rung 3"
        stage.service.dispatcher.raise_alert(Alert("a:1", 4, "volatility", now, hostile, facts, 3, lasts=True), now)
        with ExitStack() as line:
            yield from held(browser, stage, line.enter_context(stage.running()), line)
