"""The README's pictures of the risk monitor: a real loop through a crisis, a real page, a real Chromium.

``make pictures`` runs the demonstration until the book is cut, and photographs what a viewer sees then.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stub_page import chromium, set_size

from workbench.app.environment import home_folder
from workbench.app.live_shell import shown_or_nothing

IMAGES = Path(__file__).parents[2] / "docs" / "images"
PICTURES = {
    "monitor.png": ("desk", "dark"),
    "monitor-light.png": ("desk", "light"),
    "monitor-phone.png": ("phone", "dark"),
}
PATIENCE_SECONDS = 600.0
"""The first start after an update compiles the engine."""
SETTLED_SECONDS = 0.6


def until(claim: Callable[[], Any], what: str) -> Any:
    """Wait until something holds, and give it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := claim()):
        if time.monotonic() > deadline:
            raise SystemExit(f"in vain: {what}")
        time.sleep(0.05)
    return found


@contextmanager
def demonstration() -> Iterator[str]:
    """The address of the page of a demonstration, which ends with the block."""
    command = [sys.executable, "-c", "from workbench.cli import main; main()", "monitor", "--demo", "--no-browser"]
    with subprocess.Popen([*command, "--port", "0"], stdout=subprocess.PIPE, text=True, env=os.environ) as process:
        try:
            assert process.stdout is not None
            lines = iter(process.stdout.readline, "")
            yield next(line.split()[-1] for line in lines if "http://127.0.0.1" in line)
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)


def is_cut() -> bool:
    """Whether positions have been cut by a rung."""
    body = shown_or_nothing(home_folder() / "demo")
    if not body:
        return False
    book = json.loads(body)["book"]
    return book["mode"] == "REDUCING" and all(abs(row["units"]) < abs(row["full"]) for row in book["positions"])


def choose_theme(driver: Any, theme: str) -> None:
    """Press the theme's button where the page is in the other one."""
    for button in driver.find_elements("css selector", "#choices button.theme"):
        if button.text.lower().startswith(theme):
            button.click()
            return


def main() -> None:
    """Photograph."""
    with demonstration() as address, chromium() as driver:
        set_size(driver, "desk")
        driver.get(address)
        until(is_cut, "a book that is cut")
        for name, (size, theme) in PICTURES.items():
            set_size(driver, size)
            choose_theme(driver, theme)
            driver.execute_script("window.scrollTo(0, 0)")  # pressing a button at the foot has moved the page
            time.sleep(SETTLED_SECONDS)
            driver.save_screenshot(str(IMAGES / name))
            print(IMAGES / name)  # noqa: T201


if __name__ == "__main__":
    main()
