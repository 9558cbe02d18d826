"""What the benchmark of the risk monitor is played on: the real loop, the real server, and a real Chromium."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from peer_plotly import notebook_for
from selenium import webdriver
from selenium.common.exceptions import WebDriverException

from workbench.data.journal.reader import JournalReader
from workbench.domain.errors import DataError

ARGUMENTS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run", "--window-size=1280,800",
    "--remote-debugging-pipe",
)  # fmt: skip
"""Over a pipe Chromium ends with its driver, whatever ends that."""
PATIENCE_SECONDS = 120.0
RECORDER = """
window.recorded = [];
const KEYS = new Set(["journal.sequence", "book.mode"]);
// a message sent from a frame's callback is taken up once that frame is painted
const painted = (act) => requestAnimationFrame(() => {
  const channel = new MessageChannel();
  channel.port1.onmessage = act;
  channel.port2.postMessage(null);
});
new MutationObserver((changes) => {
  for (const { target, attributeName } of changes) {
    const key = attributeName === "data-state" ? "state" : target.dataset.key;
    if (key !== "state" && !KEYS.has(key)) continue;
    const value = target.getAttribute(attributeName);
    painted(() => window.recorded.push([key, value, Date.now()]));
  }
}).observe(document, { subtree: true, attributes: true, attributeFilter: ["data-value", "data-state"] });
"""
"""Notes what a painted frame shows and when; this machine's clock is the server's and the browser's."""


class StageError(RuntimeError):
    """Something of the stage did not come up."""


def until(claim: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS) -> Any:
    """Wait until something is there."""
    ends = time.monotonic() + seconds
    while not (found := claim()):
        if time.monotonic() > ends:
            raise StageError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.02)
    return found


def ended(process: subprocess.Popen[Any], number: int) -> None:
    """End a process of ours; it has half a minute to put things in order."""
    if process.poll() is not None:
        return
    process.send_signal(number)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def command_of(*words: str) -> list[str]:
    """A command of the workbench."""
    return [str(Path(sys.executable).with_name("workbench")), *words]


# ------------------------------------------------------------------------------------------------------------ the loop


@dataclass
class Loop:
    """A live loop in a process of its own."""

    process: subprocess.Popen[bytes]
    folder: Path

    def shown(self) -> dict[str, Any]:
        """What it shows; nothing before it has shown anything itself."""
        try:
            with JournalReader(self.folder) as reader:
                table = json.loads(reader.shown("status") or "{}")
        except DataError:
            return {}
        return table if table.get("pid") == self.process.pid else {}


@contextmanager
def loop_on(folder: Path, feed: str, *options: str, record: Path | None = None) -> Iterator[Loop]:
    """Run a loop; it is there once it has prices. Asked to, it leaves a record of every duration."""
    words = ("live", "--feed", feed, "--folder", str(folder), *options)
    recorded = [sys.executable, str(Path(__file__).with_name("recorded_loop.py")), str(record), *words]
    command = command_of(*words) if record is None else recorded
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        loop = Loop(process, folder)
        try:
            until(lambda: loop.shown().get("loop", {}).get("priced") or process.poll(), "the loop has prices")
            if process.poll() is not None:
                raise StageError(f"the loop ended at once with {process.poll()}")
            yield loop
        finally:
            ended(process, signal.SIGTERM)


# ---------------------------------------------------------------------------------------------------------- the server


@dataclass
class Server:
    """A server of pages in a process of its own."""

    process: subprocess.Popen[str]
    address: str

    def kernels(self) -> list[psutil.Process]:
        """Processes of the pages that are open."""
        return list(psutil.Process(self.process.pid).children())


@contextmanager
def server_on(folder: Path) -> Iterator[Server]:
    """Run the monitor's server."""
    token = folder.with_name("token")
    words = ("monitor", "--no-browser", "--port", "0", "--token-file", str(token), "--folder", str(folder))
    with serving(command_of(*words), lambda line: "http://" in line) as server:
        yield server


@contextmanager
def serving(command: list[str], announced: Callable[[str], bool]) -> Iterator[Server]:
    """Run a server that prints its address as the last word of a line."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if announced(line):
                    yield Server(process, line.split()[-1])
                    return
            raise StageError(f"{command[0]} told no address and ended with {process.wait()}")
        finally:
            if process.poll() is None:
                children = psutil.Process(process.pid).children()
                ended(process, signal.SIGINT)
                for child in psutil.wait_procs(children, 30)[1]:
                    child.kill()


@contextmanager
def plotly_server_on(folder: Path) -> Iterator[Server]:
    """Run Voila as it comes, with the peer's notebook."""
    notebook = folder.with_name("peer.ipynb")
    notebook.write_text(notebook_for(folder), encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "voila", str(notebook), "--no-browser", f"--port={port}", "--Voila.ip=127.0.0.1"]
    with serving(command, lambda line: "http://" in line) as server:
        yield server


# --------------------------------------------------------------------------------------------------------- the browser


def chromium() -> str | None:
    """Where a browser is; None when there is none, or no driver for it."""
    found = [shutil.which(name) for name in ("chromium", "google-chrome", "chrome")]
    return next(filter(None, found), None) if shutil.which("chromedriver") else None


class Browser:
    """A Chromium that is driven."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def ask(self, script: str) -> Any:
        """Run a line in the page."""
        return self.driver.execute_script(f"return {script}")

    def told(self, name: str, **parameters: Any) -> Any:
        """Ask the browser itself."""
        return self.driver.execute_cdp_cmd(name, parameters)

    def record(self) -> None:
        """Have every page of this tab noted from its first moment."""
        self.told("Page.enable")
        self.told("Page.addScriptToEvaluateOnNewDocument", source=RECORDER)

    def recorded(self, key: str) -> list[tuple[str, float]]:
        """Values a painted frame has shown, each with the second it was."""
        return [(value, at / 1e3) for name, value, at in self.ask("window.recorded") if name == key]

    def open(self, address: str) -> float:
        """Open a page and wait until its numbers are there; the moment it was asked for."""
        asked = time.time()
        self.driver.get(address)
        until(self.is_fresh, "the page is ready")
        return asked

    def is_fresh(self) -> bool:
        """Whether the page shows numbers, and shows them as true now."""
        return bool(self.ask("document.querySelector('.risk-monitor')?.dataset.state === 'fresh'"))

    def kept(self) -> tuple[float, int]:
        """Megabytes of what a page keeps after rubbish was collected, and how many nodes it has."""
        self.told("HeapProfiler.collectGarbage")
        figures = {one["name"]: one["value"] for one in self.told("Performance.getMetrics")["metrics"]}
        return figures["JSHeapUsedSize"] / 2**20, int(figures["Nodes"])


@contextmanager
def browser_with(*arguments: str) -> Iterator[Browser]:
    """A browser with a profile of its own, gone afterwards with every process of it."""
    options = webdriver.ChromeOptions()
    options.binary_location = chromium() or ""
    for argument in (*ARGUMENTS, *arguments):
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    processes = psutil.Process(driver.service.process.pid).children(recursive=True)
    try:
        driver.set_script_timeout(PATIENCE_SECONDS)
        yield Browser(driver)
    finally:
        try:
            driver.quit()
        except (WebDriverException, OSError) as error:
            print(f"the browser did not end by itself: {error}", file=sys.stderr)
        for process in psutil.wait_procs(processes, 10)[1]:
            process.kill()


def seconds_of(processes: list[psutil.Process]) -> float:
    """Processor seconds they have used."""
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def metered(found: Callable[[], list[psutil.Process]]) -> Callable[[], float]:
    """Share of a core that processes take from now on, until asked."""
    began, used = time.perf_counter(), seconds_of(found())
    return lambda: (seconds_of(found()) - used) / (time.perf_counter() - began)


def browser_processes() -> list[psutil.Process]:
    """Every process of the browsers we drive."""
    own = psutil.Process(os.getpid()).children(recursive=True)
    return [process for process in own if "chrom" in process.name()]
