"""The risk monitor: how soon its page is ready, what a viewer costs, how old a painted frame is, what the loop feels.

Everything of the real thing is there: `workbench live` with its journal on this disk, `workbench monitor` with its
kernels, and a headless Chromium. ``make bench ARGS="--only monitor --minutes 60"`` watches the browser's memory for an
hour instead of ten minutes.
"""

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil
from measure import Row, row, run_alone
from monitor_stage import (
    Browser,
    Loop,
    Server,
    StageError,
    browser_processes,
    browser_with,
    chromium,
    loop_on,
    metered,
    plotly_server_on,
    server_on,
    until,
)

from workbench.app import live_shell
from workbench.data.inbox import Inbox
from workbench.data.journal import codec
from workbench.data.journal.reader import JournalReader
from workbench.data.journal.rows import RowKind
from workbench.domain.trading.events import Quote
from workbench.monitor.board.widget import BEAT_SECONDS

CALM = "simulated"
WEEK = "replay:greek-2010"
"""Begins on a Monday, so that an hour at speed 60 meets no weekend."""
MINUTES = 10.0
WORLD_SPEED = 60.0
BEATS_A_SECOND = 1.0 / BEAT_SECONDS
QUOTED_SECONDS = 0.25
"""Between two quotes of one pair while viewers look on: the most OANDA streams."""
FELT = ("quote_to_decision", "turn")
MOST_SLOWED = 1.2
SAMPLES = 60
SETTLING_SECONDS = 5.0
"""Until whatever is drawn for the first time is drawn."""
PEER = "plotly FigureWidget under Voila"
MIB = 2**20


class Showing(NamedTuple):
    """Something the loop has shown: the newest row it knew, its own time, and this machine's when it was written."""

    sequence: int
    now_ns: int
    wall_ns: int


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    openings: int = 3
    watched_seconds: float = 120.0
    halts: int = 20
    peer_seconds: float = 30.0
    viewers: int = 10
    phases: str = "ABABABA"
    phase_seconds: float = 60.0
    memory_seconds: float = 60.0 * MINUTES


SMALL = Size(1, 3.0, 1, 2.0, viewers=2, phases="AB", phase_seconds=2.0, memory_seconds=2.0)


@dataclass(slots=True)
class Seen:
    """What one page has shown, and what its kernel has cost meanwhile."""

    ready_seconds: list[float] = field(default_factory=list)
    resident: float = 0.0
    own: float = 0.0
    share: float = 0.0
    browser_share: float = 0.0
    peer_resident: float = 0.0
    peer_share: float = 0.0
    peer_browser_share: float = 0.0
    quotes: list[float] = field(default_factory=list)
    shown: list[float] = field(default_factory=list)
    halts: list[float] = field(default_factory=list)


# --------------------------------------------------------------------------------------------------- opening, watching


@contextmanager
def page_on(loop: Loop) -> Iterator[tuple[Browser, Server, float]]:
    """A new server, a new browser and the page in it; the seconds from asking for it to its first true frame."""
    with server_on(loop.folder) as server, browser_with() as browser:
        browser.record()
        asked = browser.open(server.address)
        fresh = until(lambda: [at for value, at in browser.recorded("state") if value == "fresh"], "a painted frame")
        yield browser, server, fresh[0] - asked


def one_viewer(folder: Path, size: Size) -> Seen:
    """A page opened several times, then watched."""
    seen = Seen()
    with loop_on(folder, CALM) as loop:
        for _ in range(size.openings - 1):
            with page_on(loop) as (_, _, ready):
                seen.ready_seconds.append(ready)
        with page_on(loop) as (browser, server, ready):
            seen.ready_seconds.append(ready)
            watch(seen, (loop, browser, server), size.watched_seconds)
            seen.halts = [halted(loop, browser) for _ in range(size.halts)]
        seen.peer_resident, seen.peer_share, seen.peer_browser_share = plotly_viewer(loop, size.peer_seconds)
    return seen


def watch(seen: Seen, stage: tuple[Loop, Browser, Server], seconds: float) -> None:
    """Look on for a while: cost of the kernel, and from each quote to the frame that knows of it."""
    loop, browser, server = stage
    (kernel,) = server.kernels()
    time.sleep(min(SETTLING_SECONDS, seconds))
    share, browser_share = metered(server.kernels), metered(browser_processes)
    first = loop.shown()["journal"]["sequence"]
    shown = showings(loop.folder, seconds)
    seen.share, seen.browser_share = share(), browser_share()
    memory = kernel.memory_full_info()
    seen.resident, seen.own = memory.rss / MIB, memory.uss / MIB
    until(lambda: painted_rows(browser)[-1][0] >= shown[-1].sequence, "a frame that knows of the last quote")
    painted = painted_rows(browser)
    seen.quotes = waits(*quote_times(loop.folder, first, shown), painted)
    told = [one for one in shown if one.sequence > first]
    seen.shown = waits([one.sequence for one in told], [one.wall_ns / 1e9 for one in told], painted)


def plotly_viewer(loop: Loop, seconds: float) -> tuple[float, float, float]:
    """Megabytes and share of a core of the peer's kernel, and the share its browser takes."""
    with plotly_server_on(loop.folder) as server, browser_with() as browser:
        browser.driver.get(server.address)
        until(lambda: browser.ask("document.querySelector('.js-plotly-plot .trace') !== null"), "the peer's figure")
        (kernel,) = server.kernels()
        time.sleep(min(SETTLING_SECONDS, seconds))
        share, browser_share = metered(server.kernels), metered(browser_processes)
        time.sleep(seconds)
        return kernel.memory_info().rss / MIB, share(), browser_share()


def showings(folder: Path, seconds: float) -> list[Showing]:
    """Everything the loop has shown in these seconds."""
    found, ends, changes = [], time.monotonic() + seconds, 0
    with JournalReader(folder) as reader:
        while time.monotonic() < ends:
            if reader.changes != changes:
                changes = reader.changes
                table = json.loads(reader.shown("status") or "")
                found.append(Showing(table["journal"]["sequence"], table["loop"]["now_ns"], table["loop"]["wall_ns"]))
            time.sleep(0.05)
    return found


def painted_rows(browser: Browser) -> list[tuple[int, float]]:
    """Newest row of the journal that a painted frame knew of, and when that was."""
    return [(int(value), at) for value, at in browser.recorded("journal.sequence") if value]


def quote_times(folder: Path, after: int, shown: list[Showing]) -> tuple[list[int], list[float]]:
    """Rows of the quotes up to the last showing, and when each came by this machine's clock.

    The loop's clock runs as this one does, and stands still when the machine does not let it run: how far it lies
    behind can only grow. A showing is written a little after the time it names, so the least of all later ones counts.
    """
    behind = np.minimum.accumulate([one.wall_ns - one.now_ns for one in reversed(shown)])[::-1]
    times = [one.now_ns for one in shown]
    rows, moments = [], []
    with JournalReader(folder) as reader:
        for found in reader.rows(after, (RowKind.TICK,), shown[-1].sequence):
            if isinstance(codec.decode_event(found.body, found.time_ns), Quote):
                place = min(int(np.searchsorted(times, found.time_ns)), len(times) - 1)
                rows.append(found.sequence)
                moments.append((found.time_ns + int(behind[place])) / 1e9)
    return rows, moments


def waits(rows: list[int], moments: list[float], painted: list[tuple[int, float]]) -> list[float]:
    """Seconds from each row's moment to the first painted frame that knew of it."""
    frames = np.searchsorted([row for row, _ in painted], rows)
    return [painted[frame][1] - moment for frame, moment in zip(frames.tolist(), moments, strict=True)]


def halted(loop: Loop, browser: Browser) -> float:
    """Seconds from writing a person's message to the painted word; two people resume afterwards."""
    inbox = Inbox(loop.folder / "inbox")
    time.sleep(1.0 + time.time_ns() % 500 / 1e3)  # at any moment between two beats

    def asked(act: str, actor: str, **fields: object) -> tuple[float, float]:
        modes = len(browser.recorded("book.mode"))
        began = time.time()
        inbox.send(live_shell.command_of(act, actor, **fields))
        shown = until(lambda: browser.recorded("book.mode")[modes:], f"{act} is painted")
        if (shown[0][0] == "HALTED") != (act == "halt"):
            raise StageError(f"after {act} the page shows {shown[0][0]}")
        return began, shown[0][1]

    began, painted = asked("halt", "ann")
    asked("resume", "ann", approver="bob")
    return painted - began


# ------------------------------------------------------------------------------------------- what the loop feels of it


def felt(folder: Path, size: Size) -> dict[str, list[dict[str, float]]]:
    """Latencies of a loop without viewers (A) and with all of them (B), one after the other."""
    found: dict[str, list[dict[str, float]]] = {"A": [], "B": []}
    busy, record = (CALM, "--seconds", str(QUOTED_SECONDS)), folder.with_name("durations.json")
    for phase in size.phases:
        with ExitStack() as open_pages:
            kernels: Callable[[], list[psutil.Process]] = list
            with loop_on(folder, *busy) as loop:
                if phase == "B":
                    tabs, kernels = crowd(loop, size.viewers, open_pages)
            # the loop is started again, so that nothing is compiled while it is watched; the pages stay
            with loop_on(folder, *busy, record=record) as loop:
                if phase == "B":
                    until(tabs.is_fresh, "the page shows the loop that was started again")
                time.sleep(min(SETTLING_SECONDS, size.phase_seconds))
                began_ns = time.monotonic_ns()
                browser_share, kernels_share = metered(browser_processes), metered(kernels)
                time.sleep(size.phase_seconds)
                shares = {"browser": browser_share(), "kernels": kernels_share()}
                real_time = float(loop.shown()["health"]["real_time"] or 0)
        found[phase].append({**durations(record, began_ns), **shares, "real time": real_time})
    return found


def durations(record: Path, began_ns: int) -> dict[str, float]:
    """Milliseconds of each stage the loop has recorded since a moment: mean, and quantile of 99 %."""
    figures = {}
    for stage, rows in json.loads(record.read_text()).items():
        if stage in FELT:
            milliseconds = [duration_ns / 1e6 for moment_ns, duration_ns in rows if moment_ns >= began_ns]
            figures[f"{stage} mean"] = float(np.mean(milliseconds))
            figures[f"{stage} p99"] = float(np.quantile(milliseconds, 0.99))
    return figures


def crowd(loop: Loop, viewers: int, open_pages: ExitStack) -> tuple[Browser, Callable[[], list[psutil.Process]]]:
    """Pages in tabs of one browser, each with a kernel of its own."""
    server = open_pages.enter_context(server_on(loop.folder))
    browser = open_pages.enter_context(browser_with())
    for place in range(viewers):
        if place:
            browser.driver.switch_to.new_window("tab")
        browser.open(server.address)
    if len(server.kernels()) != viewers:
        raise StageError(f"{viewers} pages are open, but {len(server.kernels())} kernels run")
    return browser, server.kernels


# ---------------------------------------------------------------------------------------------------- browser's memory


def memory_over(folder: Path, seconds: float) -> tuple[list[float], list[int], list[float]]:
    """What a page and its kernel keep, in time: megabytes of the page, its nodes, megabytes of the kernel."""
    world = (WEEK, "--speed", str(WORLD_SPEED), "--seconds", "10")
    heap, nodes, kernel = [], [], []
    with loop_on(folder, *world) as loop, server_on(folder) as server, browser_with() as browser:
        browser.told("Performance.enable")
        browser.open(server.address)
        time.sleep(min(10.0, seconds))
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            megabytes, count = browser.kept()
            heap.append(megabytes)
            nodes.append(count)
            kernel.append(server.kernels()[0].memory_info().rss / MIB)
            time.sleep(seconds / SAMPLES)
        if not browser.is_fresh() or not loop.shown():
            raise StageError("the page or the loop was silent at the end")
    return heap, nodes, kernel


def growth(values: list[float] | list[int]) -> float:
    """From the mean of the first quarter to that of the last."""
    quarter = max(1, len(values) // 4)
    return float(np.mean(values[-quarter:]) - np.mean(values[:quarter]))


# --------------------------------------------------------------------------------------------------------------- rows


def viewer_rows(seen: Seen, size: Size) -> list[Row]:
    """Rows of one viewer."""
    ready = ", ".join(f"{one:.1f}" for one in seen.ready_seconds)
    quotes, halts = np.array(seen.quotes), np.array(seen.halts)
    middle = (
        f"{quotes.size:,} quotes in {size.watched_seconds:.0f} s, median {np.median(quotes):.2f} s, longest "
        f"{quotes.max():.2f} s; of that from the loop's showing on: 99th percentile {quantile(seen.shown):.2f} s"
    )
    peers = 100 * seen.peer_browser_share
    rhythm = f"beats {BEATS_A_SECOND:g} times a second over {size.watched_seconds:.0f} s"
    return [
        row("monitor: page ready, new browser and new server", float(np.median(seen.ready_seconds)), "s", target=8,
            note=f"median of {ready} s, from the request to the first true frame"),
        row("monitor: memory of a viewer's kernel", seen.resident, "MB", target=100,
            peer=PEER, peer_value=seen.peer_resident, note=f"resident; {seen.own:.0f} MB are its own alone"),
        row("monitor: processor of a viewer's kernel, as it beats", 100 * seen.share, "% of a core",
            peer=PEER, peer_value=100 * seen.peer_share,
            note=f"{rhythm}; its browser took {100 * seen.browser_share:.0f} %, the peer's {peers:.0f} %"),
        row("monitor: the same at one beat a second", 100 * seen.share / BEATS_A_SECOND, "% of a core", target=2,
            note="worked out: the measured share over the beats a second"),
        row("monitor: quote to painted frame, p99", quantile(seen.quotes), "s", target=1, note=middle),
        row("monitor: a person's halt to painted HALTED, p99", quantile(seen.halts), "s", target=1,
            note=f"{halts.size} times, median {np.median(halts):.2f} s, longest {halts.max():.2f} s"),
    ]  # fmt: skip


def quantile(values: list[float]) -> float:
    return float(np.quantile(values, 0.99))


def felt_rows(found: dict[str, list[dict[str, float]]], size: Size) -> list[Row]:
    """Rows of what the loop feels: milliseconds with viewers, beside those without."""
    rows = []
    for stage in FELT:
        name = f"{stage} p99"
        without, within = ([one[name] for one in found[phase]] for phase in "AB")
        means = [np.mean([one[f"{stage} mean"] for one in found[phase]]) for phase in "AB"]
        note = (
            f"{size.phases} of {size.phase_seconds:.0f} s, {16 / QUOTED_SECONDS:.0f} quotes/s; without: "
            f"{', '.join(f'{one:.2f}' for one in without)}; with: {', '.join(f'{one:.2f}' for one in within)}; means "
            f"{means[0]:.2f} and {means[1]:.2f} ms; the loop ran "
            f"{'in real time' if all(one['real time'] for one in (*found['A'], *found['B'])) else 'among others'}"
        )
        if stage == FELT[-1]:
            browser, kernels = (100 * np.mean([one[name] for one in found["B"]]) for name in ("browser", "kernels"))
            note += f"; all kernels took {kernels:.0f} % of a core, their browser {browser:.0f} %"
        title = f"monitor: loop's {stage.replace('_', ' ')} p99, {size.viewers} viewers"
        rows.append(
            row(title, float(np.median(within)), "ms", peer="the loop alone", peer_value=float(np.median(without)),
                target=round(1 / MOST_SLOWED, 3), target_is_ratio=True, note=note)
        )  # fmt: skip
    return rows


def memory_rows(found: tuple[list[float], list[int], list[float]], seconds: float) -> list[Row]:
    """Rows of the memory in time."""
    heap, nodes, kernel = found
    note = (
        f"{len(heap)} looks in {seconds / 60:.0f} minutes at speed {WORLD_SPEED:g}, rubbish collected before each; "
        f"{heap[0]:.1f} MB and {nodes[0]:,} nodes at first, {heap[-1]:.1f} MB and {nodes[-1]:,} at last"
    )
    return [
        row("monitor: page's memory, first quarter to last", growth(heap), "MB", target=1, note=note),
        row("monitor: kernel's memory, first quarter to last", growth(kernel), "MB",
            note=f"resident, {kernel[0]:.0f} MB at first, {kernel[-1]:.0f} MB at last"),
    ]  # fmt: skip


def bench(*, smoke: bool, minutes: float = MINUTES) -> list[Row]:
    """Rows of the risk monitor; none where there is no browser."""
    if chromium() is None:
        print("the risk monitor is not measured: no Chromium with its chromedriver found", file=sys.stderr)
        return []
    size = SMALL if smoke else Size(memory_seconds=60.0 * minutes)
    with tempfile.TemporaryDirectory(dir=Path(__file__).parent) as name:
        folder = Path(name)
        rows = viewer_rows(one_viewer(folder / "one" / "live", size), size)
        rows += felt_rows(felt(folder / "felt" / "live", size), size)
        rows += memory_rows(memory_over(folder / "memory" / "live", size.memory_seconds), size.memory_seconds)
    return rows


def main() -> None:
    """Measure; asked to end, end everything that was started."""
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    chosen, sys.argv[1:] = parser.parse_known_args()
    run_alone(partial(bench, minutes=chosen.minutes))


if __name__ == "__main__":
    main()
