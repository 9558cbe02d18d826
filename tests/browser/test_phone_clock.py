"""A phone whose clock is minutes off: ages are true all the same, it halts, and silence still turns it red."""

import importlib.util
import time
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.browser
AHEAD = """
const truly = Date.now.bind(Date), minutes = %d;
Date.now = () => truly() + minutes * 60000;
globalThis.Date = new Proxy(Date, {
  construct: (kind, given) => given.length ? new kind(...given) : new kind(truly() + minutes * 60000),
});
"""


def module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


PAGE = module(Path(__file__).parent / "phone_page.py")
browser, phone = PAGE.browser, PAGE.phone


@pytest.mark.parametrize("minutes", [7, -7])
def test_a_phone_whose_clock_is_minutes_off_shows_true_ages_and_halts(phone, minutes):
    script = phone.browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": AHEAD % minutes})
    try:
        phone.log_in("Ada")
        off = phone.browser.execute_script("return Date.now()") / 1e3 - time.time()
        assert abs(off - minutes * 60) < 5
        for _ in range(4):
            time.sleep(0.5)
            assert phone.state == "fresh"
            assert 0 <= float(phone.find("[data-key=age]").get_attribute("data-value")) < 2.5
        phone.tap("button.halt:enabled")
        phone.tap("[data-key=press]")
        phone.until(lambda: phone.text("[data-key=became] strong") == "Entries stopped")
        phone.stage.loop.stuck.set()
        phone.until(lambda: phone.state == "silent", 4.0)
    finally:
        phone.browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)
