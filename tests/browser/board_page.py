"""The risk monitor's real page in a Chromium: loops to look at, what it shows and complains of. For tests beside it."""

import importlib.util
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from workbench.data.journal.reader import JournalReader

HERE = Path(__file__).parent
READY_SECONDS = 30.0
"""On a machine that is busy with other tests; what it takes on a quiet one is a benchmark."""
WORKBENCH = str(Path(sys.executable).with_name("workbench"))


def module(path: Path) -> ModuleType:
    """A file of this or another folder of tests."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


STUB = module(HERE / "stub_page.py")


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    """A Chromium that talks to nobody, and notes what it is asked and what pages complain of."""
    driver = STUB.chromium({"browser": "ALL", "performance": "ALL"})
    driver.set_window_size(1280, 800)
    yield driver
    driver.quit()


@contextmanager
def loop_on(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A loop as far as a page can see; it never outlives the test."""
    with subprocess.Popen([sys.executable, str(HERE / "shown_loop.py"), str(folder)]) as process:
        try:
            until(lambda: (folder / "journal.sqlite").exists() and shown(folder), 30)
            yield process
        finally:
            process.kill()


@contextmanager
def real_loop(folder: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """The real loop on a random walk."""
    command = [WORKBENCH, "live", "--feed", "simulated", "--speed", "60", *options, "--folder", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def shown(folder: Path) -> dict[str, Any]:
    """The projection as the journal has it."""
    with JournalReader(folder) as reader:
        return json.loads(reader.shown("status") or "{}")


def until(claim: Callable[[], Any], seconds: float) -> float:
    """Wait for a claim to become true; the seconds it took."""
    began = time.monotonic()
    while not claim():
        assert time.monotonic() - began < seconds, f"it did not come true within {seconds} s"
        time.sleep(0.02)
    return time.monotonic() - began


def opened(browser: webdriver.Chrome, address: str) -> webdriver.Chrome:
    """The page, ready."""
    browser.get(address)
    until(lambda: state(browser) == "fresh", READY_SECONDS)
    return browser


def state(browser: webdriver.Chrome) -> str:
    """How fresh the page says it is; empty where there is no board yet."""
    script = "return document.querySelector('.risk-monitor')?.dataset.state ?? ''"
    return str(browser.execute_script(script))


def said(browser: webdriver.Chrome, key: str) -> str:
    """What stands at a place, also while the page is being loaded again: then nothing."""
    script = "return document.querySelector(`[data-key=\"${arguments[0]}\"]`)?.textContent ?? ''"
    return str(browser.execute_script(script, key))


def text(browser: webdriver.Chrome, key: str) -> str:
    """What can be seen at a place."""
    return browser.find_element(By.CSS_SELECTOR, f'[data-key="{key}"]').text


def kernels(process: int) -> set[int]:
    """Processes of the pages that are open, of a server."""
    found = subprocess.run(["pgrep", "-P", str(process)], capture_output=True, text=True, check=False)
    return {int(line) for line in found.stdout.split()}


def complaints(browser: webdriver.Chrome) -> list[dict[str, Any]]:
    """Errors, and warnings, on the page's console since it was last asked."""
    return [entry for entry in browser.get_log("browser") if entry["level"] in {"SEVERE", "WARNING"}]
