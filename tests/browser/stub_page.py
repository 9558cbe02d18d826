"""The monitor's page in a browser without loop and kernel; also a program that takes screenshots of every state.

Run by hand: ``python tests/browser/stub_page.py FOLDER [variant ...]``.
"""

import importlib.util
import json
import math
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path
from threading import Thread
from typing import Any

from workbench.monitor.board.joining import page_script, page_style

HERE = Path(__file__).parent
_spec = importlib.util.spec_from_file_location("stub_projection", HERE / "stub_projection.py")
assert _spec and _spec.loader
_made_up = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_made_up)

SIZES = {"desk": (1280, 800), "wall": (3840, 2160), "phone": (390, 844)}
STATES = ("starting", "no-loop", "stuck", "no-journal", "empty", "unreadable", "other-version")
AGES = {"starting": None, "no-journal": None, "empty": None, "no-loop": 754.2}
SENTENCES = {
    "starting": "The engine is being compiled for this machine, once: about 25 s on an idle machine, 12 s so far."
}
VARIANTS = (
    "calm", "breach", "halted", "person", "wordy", "stale", "starting", "no-loop", "no-journal", "empty",
    "unknown-pair", "hostile", "skew",
)  # fmt: skip
HTML = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>risk monitor</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<link rel="stylesheet" href="page.css"></head><body><div id="place"></div>
<script type="module" src="stub_page.js"></script></body></html>"""
BROWSER_ARGUMENTS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run", "--force-device-scale-factor=1",
    "--hide-scrollbars",
)  # fmt: skip


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        return


def series(variant: str) -> dict[str, Any]:
    """A day of minutes, ending at the projection's numbers."""
    sections = _made_up.projection(variant)
    if not sections:
        return {"kind": "series", "period": "day", "columns": ["time_ns"], "rows": [], "marks": [], "first": True}
    found = sections["book"]
    names = [row["strategy"] for row in found["positions"]]
    rows = []
    for step in range(720):
        way = (1 + math.exp(-159 / 40)) / (1 + math.exp(-(step - 560) / 40))
        ripple = (
            (math.sin(step / 9) * 0.04 + math.sin(step / 31) * 0.07 + math.sin(step / 2.3) * 0.012) * (719 - step) / 400
        )
        drawdown = max(0.0, found["drawdown"] * (way + ripple * (0.4 + way)))
        profits = [(row["profit"] or 0.0) * (way + ripple) for row in found["positions"]]
        rows.append(
            [
                _made_up.NOW_NS - (719 - step) * _made_up.MINUTE_NS,
                1_000_000 * (1 - drawdown),
                drawdown,
                found["value_at_risk_95"] * (0.7 + 0.3 * way + ripple / 2),
                found["expected_shortfall_975"] * (0.7 + 0.3 * way + ripple),
                1.0 + (found["volatility_ratio"] - 1) * way + ripple,
                found["stress_score"] * (0.4 + 0.6 * way + ripple),
                *profits,
            ]
        )
    marks = [
        {
            "time_ns": row["time_ns"],
            "words": f"alert level {row['level']}: {row['ladder'] or row['strategy']}",
            "level": row["level"],
        }
        for row in sections["alerts"]
    ]
    marks += [{"time_ns": row["time_ns"], "words": row["sentence"], "level": 0} for row in sections["decisions"][:3]]
    columns = [
        "time_ns",
        "equity",
        "drawdown",
        "value_at_risk_95",
        "expected_shortfall_975",
        "volatility_ratio",
        "stress_score",
        *(f"profit:{name}" for name in names),
    ]
    return {"kind": "series", "period": "day", "columns": columns, "rows": rows, "marks": marks, "first": True}


def write_page(folder: Path, variant: str, theme: str = "dark") -> Path:
    """Write a page that shows one variant; returns its folder."""
    place = folder / f"{variant}-{theme}"
    place.mkdir(parents=True, exist_ok=True)
    state = variant if variant in STATES else "ok"
    scenario = {
        "sections": _made_up.projection(variant), "series": series(variant), "theme": theme,
        "source": {"state": state, "sentence": SENTENCES.get(state, ""), "age_seconds": AGES.get(state, 0.3)},
        "skewSeconds": 3600 if variant == "skew" else 0, "silentAfter": 1.0 if variant == "stale" else None,
    }  # fmt: skip
    (place / "scenario.json").write_text(json.dumps(scenario), "utf-8")
    (place / "page.js").write_text(page_script(), "utf-8")
    (place / "page.css").write_text(page_style(), "utf-8")
    (place / "index.html").write_text(HTML, "utf-8")
    (place / "alive.txt").write_text("", "utf-8")
    shutil.copy(HERE / "stub_page.js", place)
    return place


@contextmanager
def served(folder: Path, port: int = 0) -> Iterator[ThreadingHTTPServer]:
    """Serve a folder on a port of this machine, any free one when none is given."""
    server = ThreadingHTTPServer(("127.0.0.1", port), partial(Quiet, directory=str(folder)))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def chromium(logs: Mapping[str, str] = {"browser": "ALL"}) -> Any:
    """Start a Chromium that talks to nobody; logs are those it keeps."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    binary = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")
    assert binary, "no Chromium or Chrome found: .ci/run installs Debian's"
    options.binary_location = binary
    for argument in BROWSER_ARGUMENTS:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", dict(logs))
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))


def set_size(driver: Any, size: str) -> None:
    width, height = SIZES[size]
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def screenshots(folder: Path, variants: tuple[str, ...], sizes: tuple[str, ...], themes: tuple[str, ...]) -> None:
    """Take a picture of every variant, size and theme."""
    driver = chromium()
    try:
        with served(folder) as server:
            for variant, theme, size in product(variants, themes, sizes):
                place = write_page(folder, variant, theme)
                set_size(driver, size)
                driver.get(f"http://127.0.0.1:{server.server_port}/{place.name}/index.html")
                time.sleep(4.5 if variant == "stale" else 1.2)
                driver.save_screenshot(str(folder / f"{variant}-{size}-{theme}.png"))
                sys.stdout.write(f"{variant} {size} {theme} {driver.get_log('browser') or 'no complaint'}\n")
    finally:
        driver.quit()


if __name__ == "__main__":
    asked = sys.argv[2:]
    picked = tuple(one for one in asked if one in VARIANTS) or VARIANTS
    screenshots(
        Path(sys.argv[1]).resolve(), picked,
        tuple(one for one in asked if one in SIZES) or tuple(SIZES),
        tuple(one for one in asked if one in {"dark", "light"}) or ("dark", "light"),
    )  # fmt: skip
