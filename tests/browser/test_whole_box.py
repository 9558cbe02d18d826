"""`workbench up` with its page, and `workbench monitor --demo`, as people start them, in a real Chromium."""

import importlib.util
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.by import By

from workbench.app.environment import compiled_folder
from workbench.data.journal.storage import lock_holder

spec = importlib.util.spec_from_file_location("board_page", Path(__file__).with_name("board_page.py"))
assert spec and spec.loader
PAGE = importlib.util.module_from_spec(spec)
spec.loader.exec_module(PAGE)
browser, said, state, until = PAGE.browser, PAGE.said, PAGE.state, PAGE.until

pytestmark = pytest.mark.browser

COMPILING_SECONDS = 180.0
"""Until a loop shows something where nothing is compiled yet."""
SCREEN = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
ADDRESS = re.compile(r"The risk monitor is at (\S+)")
LIBRARIES = re.compile(r'http://127\.0\.0\.1:\d+/voila/labextensions/@\S+ \S+ "(Unsatisfied|No satisfying) version ')
"""Programs of the widgets say that the Jupyter parts Voila brings are older than they would like; nothing of ours."""
EQUITY, WORLD = "[data-key='book.equity']", "[data-key='time.utc']"


@dataclass
class Box:
    """One command that starts others, and what it says."""

    process: subprocess.Popen[bytes]
    out: Path

    @property
    def addresses(self) -> list[str]:
        """Of the page, once for each start of its server."""
        return ADDRESS.findall(self.out.read_text())

    def server(self) -> int:
        """The process of the page's server; 0 while there is none."""
        for child in PAGE.kernels(self.process.pid):
            if b"workbench.monitor.board.server" in Path(f"/proc/{child}/cmdline").read_bytes():
                return int(child)
        return 0

    def end(self) -> int:
        """End it as Ctrl-C does."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@contextmanager
def box(home: Path, *command: str) -> Iterator[Box]:
    """The command with a home of its own, and what is compiled already."""
    home.mkdir()
    kept = {name: value for name, value in os.environ.items() if name not in SCREEN}
    compiled = os.environ.get("NUMBA_CACHE_DIR") or str(compiled_folder(Path(os.environ["WORKBENCH_HOME"]) / "numba"))
    environment = kept | {"WORKBENCH_HOME": str(home), "NUMBA_CACHE_DIR": compiled, "OPENBLAS_NUM_THREADS": "1"}
    out = home / "said.txt"
    with out.open("wb") as file, subprocess.Popen(
        [PAGE.WORKBENCH, *command], env=environment, stdout=file, stderr=subprocess.STDOUT
    ) as process:  # fmt: skip
        try:
            yield Box(process, out)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(60)


def figure(browser: Any, place: str) -> float:
    """The exact value behind a number."""
    script = "return Number(document.querySelector(arguments[0])?.dataset.value || 0)"
    return float(browser.execute_script(script, place))


def is_alive(process: int) -> bool:
    return Path(f"/proc/{process}/cmdline").exists() and bool(Path(f"/proc/{process}/cmdline").read_bytes())


def assert_the_journals(browser: Any, folder: Path) -> None:
    """Stop the loop for a moment: what is shown is what the journal has."""
    loop = lock_holder(folder)
    assert loop
    os.kill(loop, signal.SIGSTOP)
    try:
        until(lambda: state(browser) == "silent", 5)
        book = PAGE.shown(folder)["book"]
        assert figure(browser, EQUITY) == pytest.approx(book["equity"], rel=1e-12)
        assert said(browser, "book.equity") == f"{book['equity']:,.2f}"
        assert said(browser, "book.mode") == book["mode"]
        for one in book["positions"]:
            shown = said(browser, f"position.{one['strategy']}.{one['pair']}.units")
            assert float(shown.replace(",", "").replace("−", "-")) == one["units"]
    finally:
        os.kill(loop, signal.SIGCONT)
    until(lambda: state(browser) == "fresh", 10)


def test_up_shows_its_page_and_starts_a_killed_server_of_it_again_and_the_open_page_comes_back(browser, tmp_path):
    folder = tmp_path / "home" / "live"
    with box(tmp_path / "home", "up", "--feed", "simulated", "--seconds", "1", "--no-control") as up:
        until(lambda: up.addresses, 60)
        browser.get(up.addresses[0])
        until(lambda: state(browser) == "fresh", COMPILING_SECONDS)
        until(lambda: len(PAGE.shown(folder).get("book", {}).get("positions", [])) > 0, 30)
        assert_the_journals(browser, folder)
        browser.execute_script("window.first = true")
        before, rows = up.server(), PAGE.shown(folder)["journal"]["sequence"]
        os.kill(before, signal.SIGKILL)
        assert until(lambda: state(browser) == "silent", 6) < 3.3
        until(lambda: browser.execute_script("return window.first === undefined"), 60)
        until(lambda: state(browser) == "fresh", PAGE.READY_SECONDS)
        assert figure(browser, "[data-key='journal.sequence']") > rows
        assert_the_journals(browser, folder)
        loop, after = lock_holder(folder), up.server()
        assert after not in {0, before}
        assert up.addresses[0] == up.addresses[-1]
        assert up.end() == 0
        assert not is_alive(loop) and not is_alive(after)
        told = up.out.read_text()
        assert "the page was ended by signal 9: starting it again" in told
        assert "Traceback" not in told and "static_path" not in told and "wrote error" not in told
    browser.get("about:blank")


def test_the_demonstration_is_ready_labelled_synthetic_and_moves(browser, tmp_path):
    folder = tmp_path / "home" / "demo"
    with box(tmp_path / "home", "monitor", "--demo", "--no-browser", "--port", "0") as demo:
        until(lambda: demo.addresses, 60)
        browser.get(demo.addresses[0])
        until(lambda: state(browser) == "fresh", COMPILING_SECONDS)
        banner = browser.find_element(By.CSS_SELECTOR, "[data-key=synthetic]")
        assert banner.is_displayed() and "SYNTHETIC" in banner.text
        assert demo.out.read_text().count("SYNTHETIC: prices between the daily fixes are made up") == 1
        began = figure(browser, WORLD), figure(browser, EQUITY)
        until(lambda: figure(browser, WORLD) > began[0] + 600e9, 30)
        until(lambda: figure(browser, EQUITY) != began[1], 30)
        assert state(browser) == "fresh"
        assert_the_journals(browser, folder)
        loop, server = lock_holder(folder), demo.server()
        assert demo.end() == 0
        assert not is_alive(loop) and not is_alive(server)
    browser.get("about:blank")


@pytest.fixture(scope="module")
def real_page(browser: Any, page_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The page of a real loop, opened anew and looked at for a while."""
    place = tmp_path_factory.mktemp("real")
    with PAGE.real_loop(place / "live"), page_server(place / "home", place / "live") as server:
        PAGE.complaints(browser)
        browser.get(server.address)
        until(lambda: state(browser) == "fresh", COMPILING_SECONDS)
        yield browser
    browser.get("about:blank")


def test_axe_finds_nothing_serious_on_the_real_page(real_page):
    real_page.execute_script((files("axe_core_python") / "axe.min.js").read_text("utf-8"))
    found = real_page.execute_async_script(
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


def test_the_real_page_complains_of_nothing(real_page):
    complaints = [one["message"] for one in PAGE.complaints(real_page)]
    assert [message for message in complaints if not LIBRARIES.match(message)] == []
