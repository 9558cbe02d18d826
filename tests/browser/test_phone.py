"""The phone page at 360 × 740 in a real Chromium: a halt in two taps and a code, stream cut or not; honest offline."""

import importlib.util
import time
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

pytestmark = pytest.mark.browser
HERE = Path(__file__).parent


def module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


PAGE = module(HERE / "phone_page.py")
complaints = PAGE.complaints
browser, phone, troubled = PAGE.browser, PAGE.phone, PAGE.troubled


def test_a_halt_takes_two_taps_and_a_code_and_less_than_ten_seconds_from_opening(phone):
    phone.log_in("Ada")
    phone.stage.clock.advance(61)  # the code given at the login is no longer fresh
    code = phone.stage.keys.code("Ada")
    began = time.monotonic()
    phone.open()
    phone.tap("button.halt:enabled")
    phone.until(lambda: phone.find("#ask-code").is_displayed())
    phone.picture("halt")
    phone.type("#ask-code", code)
    phone.tap("[data-key=press]")
    phone.until(lambda: phone.text("[data-key=became] strong") == "Entries stopped")
    seconds = time.monotonic() - began
    assert (phone.taps, seconds < 10) == (2, True), seconds
    assert [one.act for one in phone.stage.sent()] == ["halt"]
    phone.picture("halted")
    phone.until(lambda: phone.text("[data-key='book.mode']") == "HALTED")
    assert complaints(phone) == []


def test_with_the_stream_cut_the_page_stays_fresh_and_halts(phone):
    phone.browser.execute_cdp_cmd("Network.enable", {})
    phone.browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/api/events"]})
    try:
        phone.log_in("Ada")
        ages = []
        for _ in range(8):
            time.sleep(0.5)
            assert phone.state == "fresh"
            ages.append(float(phone.find("[data-key=age]").get_attribute("data-value")))
        assert max(ages) < 3.0
        phone.tap("button.halt:enabled")
        phone.tap("[data-key=press]")
        phone.until(lambda: phone.text("[data-key=became] strong") == "Entries stopped")
    finally:
        phone.browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})


def test_offline_it_opens_with_the_last_known_state_greyed_out_and_its_age_counting(phone):
    phone.log_in("Ada")
    phone.until(lambda: phone.browser.execute_script("return Boolean(navigator.serviceWorker.controller)"))
    colour = "return getComputedStyle(document.querySelector(\"[data-key='book.equity']\")).color"
    live = phone.browser.execute_script(colour)
    phone.hang_up()
    phone.until(lambda: phone.state == "silent", 4.0)
    phone.browser.refresh()
    phone.until(lambda: phone.state == "silent", 6.0)
    first = float(phone.find("[data-key=age]").get_attribute("data-value"))
    assert phone.browser.execute_script(colour) != live
    assert phone.text("[data-key=state]") == "OLD" and phone.text("[data-key='book.mode']") == "ACTIVE"
    assert "last known" in phone.text("[data-key='silence.sentence']")
    phone.picture("offline")
    time.sleep(1.2)
    assert float(phone.find("[data-key=age]").get_attribute("data-value")) > first + 0.8
    phone.call_again()
    phone.until(lambda: phone.state == "fresh", 10.0)


def test_a_loop_that_stands_still_turns_the_page_red_within_four_seconds(phone):
    phone.log_in("Ada")
    phone.stage.loop.stuck.set()
    phone.until(lambda: phone.state == "silent", 4.0)
    assert phone.text("[data-key='silence.title']") == "The loop is silent"
    assert phone.find("button.halt").is_enabled()
    phone.picture("silent")
    phone.stage.loop.stuck.clear()
    phone.until(lambda: phone.state == "fresh", 4.0)


def test_a_reduction_is_chosen_asked_and_followed_until_the_broker_has_filled_it(phone):
    phone.log_in("Ada")
    phone.stage.loop.slow_to_close = True
    phone.tap("button.reduce:enabled")
    phone.find("[data-share='0.25']").find_element(By.XPATH, "..").click()
    assert phone.text("[data-key=press]") == "Reduce by 25 % now"
    phone.picture("reduce")
    phone.tap("[data-key=press]")
    phone.until(lambda: phone.text("[data-key=became] strong") == "Reducing")
    for row in phone.stage.loop.table["book"]["positions"]:
        row["units"] = row["target"]
    phone.until(lambda: phone.text("[data-key=became] strong") == "Reduced")
    assert phone.stage.sent()[0].fraction == 0.25
    assert not phone.find("button.close_all").is_enabled(), "close all is for L2"


def test_one_proposes_and_another_approves(phone):
    phone.log_in("Ben")
    phone.tap("button.halt:enabled")
    phone.tap("[data-key=press]")
    phone.until(lambda: phone.text("[data-key='book.mode']") == "HALTED")
    phone.tap("[data-key=close]")
    phone.tap("button.resume:enabled")
    phone.tap("[data-key=press]")
    phone.until(lambda: "Somebody else has to approve it." in phone.text("#proposals"))
    phone.picture("proposed")
    phone.tap("[data-key=logout]")
    phone.log_in("Cleo")
    phone.tap("#proposals .approve")
    phone.tap("[data-key=press]")
    phone.until(lambda: phone.text("[data-key=became] strong") == "Resumed")
    assert [one.act for one in phone.stage.sent()] == ["halt", "resume"]


def test_a_refusal_is_said_in_words_and_another_code_may_be_given(phone):
    phone.log_in("Ada")
    phone.stage.clock.advance(61)
    phone.open()
    phone.tap("button.halt:enabled")
    phone.until(lambda: phone.find("#ask-code").is_displayed())
    phone.type("#ask-code", "000000")
    phone.tap("[data-key=press]")
    phone.until(lambda: phone.text("[data-key=refused]").startswith("Refused: the code is not right"))
    phone.picture("refused")
    assert phone.stage.sent() == []
    phone.type("#ask-code", phone.stage.keys.code("Ada") + Keys.ENTER)
    phone.until(lambda: phone.text("[data-key=became] strong") == "Entries stopped")


def test_an_incident_is_told_as_text_and_acknowledged_with_one_tap(troubled):
    troubled.log_in("Ada")
    troubled.until(lambda: "<img src=x" in troubled.text("#incidents"))
    troubled.picture("incident")
    troubled.tap("#incidents .acknowledge")
    troubled.until(lambda: "Ada" in troubled.text("#incidents .has-it"))
    assert "owned" not in troubled.browser.title
    assert complaints(troubled) == []


def test_checklists_are_ticked_and_contacts_are_called(troubled):
    troubled.log_in("Ada")
    troubled.tap("[data-tab=procedures]")
    troubled.tap("[id$='-first_response-0']")
    troubled.until(lambda: "Ada" in troubled.text("#procedures"))
    troubled.picture("checklists")
    troubled.tap("[data-tab=contacts]")
    links = troubled.browser.find_elements(By.CSS_SELECTOR, "#contacts a")
    addresses = [one.get_attribute("href") for one in links]
    assert "tel:+4930123456" in addresses and "mailto:somebody@example.org" in addresses
    troubled.picture("contacts")


@pytest.mark.parametrize("place", ["login", "now", "procedures", "contacts", "dialog", "more", "silent"])
def test_axe_finds_nothing_serious_and_nothing_is_wider_than_the_phone(troubled, place):
    if place == "login":
        troubled.open()
        troubled.until(lambda: troubled.find(".login").is_displayed())
    else:
        troubled.log_in("Ben")
    if place in ("procedures", "contacts"):
        troubled.tap(f"[data-tab={place}]")
    if place == "dialog":
        troubled.tap("button.reduce:enabled")
    if place == "more":
        troubled.tap("[data-key=more]")
    if place == "silent":
        troubled.stage.loop.stuck.set()
        troubled.until(lambda: troubled.state == "silent", 5.0)
    troubled.picture(f"axe-{place}")
    assert not troubled.find("[data-key=troubles]").is_displayed(), troubled.text("[data-key=troubles]")
    grave = axe(troubled.browser)
    troubled.stage.loop.stuck.clear()
    assert grave == []
    assert troubled.browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")


def axe(browser: Any) -> list[Any]:
    script = (files("axe_core_python") / "axe.min.js").read_text("utf-8")
    browser.execute_cdp_cmd("Runtime.evaluate", {"expression": script})
    found = browser.execute_async_script(
        "const done = arguments[0];"
        "const failed = (error) => done([{impact: 'serious', help: String(error), nodes: []}]);"
        "axe.run(document).then((all) => done(all.violations), failed)"
    )
    return [
        (one.get("id"), one["help"], [node["html"][:160] for node in one["nodes"]][:4])
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]
