"""The rarer acts on the phone, by level and in two steps; the duty to tell L2; a demonstration that says so."""

import importlib.util
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from selenium.webdriver.common.by import By

pytestmark = pytest.mark.browser
HERE = Path(__file__).parent


def module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


PAGE = module(HERE / "phone_page.py")
STAGE, complaints = PAGE.STAGE, PAGE.complaints
browser, phone, troubled = PAGE.browser, PAGE.phone, PAGE.troubled


def chosen(phone: Any, act: str) -> None:
    phone.tap("[data-key=more]")
    phone.tap(f"dialog.more [data-act={act}]")


def offered(phone: Any) -> list[str]:
    if not phone.find("[data-key=more]").is_displayed():
        return []
    phone.tap("[data-key=more]")
    phone.until(lambda: phone.find("dialog.more").is_displayed())
    phone.picture("more")
    found = phone.browser.find_elements(By.CSS_SELECTOR, "dialog.more [data-act]")
    acts = [one.get_attribute("data-act") for one in found if one.is_displayed()]
    phone.tap("[data-key='more.close']")
    return acts


@pytest.mark.parametrize(
    ("name", "acts"),
    [("Ada", []), ("Ben", ["full_halt", "cancel_all"]),
     ("Dan", ["full_halt", "cancel_all", "shut_down", "notify_regulator"])],
)  # fmt: skip
def test_the_rarer_acts_are_offered_by_level(phone, name, acts):
    phone.log_in(name)
    phone.until(lambda: phone.find("button.halt").is_enabled())
    assert offered(phone) == acts


def test_a_full_halt_is_asked_in_two_steps_and_told_when_all_is_cancelled(phone):
    phone.log_in("Ben")
    chosen(phone, "full_halt")
    phone.picture("full-halt")
    phone.tap("[data-key=press]")
    phone.until(lambda: phone.text("[data-key=became] strong") == "Halted in full")
    phone.tap("[data-key=close]")
    chosen(phone, "cancel_all")
    phone.tap("[data-key=press]")
    phone.until(lambda: phone.text("[data-key=became] strong") == "Cancelled")
    assert [one.act for one in phone.stage.sent()] == ["full_halt", "cancel_all"]
    assert complaints(phone) == []


def test_a_shut_down_says_before_and_after_that_positions_remain(phone):
    phone.log_in("Dan")
    chosen(phone, "shut_down")
    assert "POSITIONS REMAIN AT THE BROKER AND NOTHING PROTECTS THEM" in phone.text("#ask-words")
    phone.type("#shut_down-reason", "the room is on fire")
    phone.picture("shut-down")
    phone.tap("[data-key=press]")
    phone.until(lambda: phone.text("[data-key=became] strong") == "Shut down: positions remain", 15.0)
    phone.picture("shut-down-done")
    phone.tap("[data-key=close]")
    phone.until(lambda: "POSITIONS REMAIN AND NOTHING PROTECTS THEM" in phone.text("[data-key='silence.sentence']"))
    phone.picture("shut-down-after")
    (command,) = phone.stage.sent()
    assert (command.act, command.reason) == ("shut_down", "the room is on fire")


def test_a_notice_to_the_regulator_takes_words(phone):
    phone.log_in("Dan")
    chosen(phone, "notify_regulator")
    phone.tap("[data-key=press]")
    phone.until(lambda: "recorded in your words" in phone.text("[data-key=refused]"))
    phone.type("#notify_regulator-reason", "the authority, by telephone")
    phone.picture("notice")
    phone.tap("[data-key=press]")
    phone.until(lambda: phone.text("[data-key=became] strong") == "Recorded")
    assert phone.stage.sent() == []


def test_whoever_of_l1_has_an_incident_is_reminded_to_tell_l2(troubled):
    troubled.log_in("Ada")
    troubled.tap("#incidents .acknowledge")
    troubled.until(lambda: "Tell L2 within" in troubled.text("#incidents .due"))
    troubled.picture("duty")


def test_a_demonstration_says_so_before_anybody_has_logged_in(browser, tmp_path):
    with STAGE.staged(tmp_path, demo=True) as stage, ExitStack() as line:
        for phone in PAGE.held(browser, stage, line.enter_context(stage.running()), line):
            phone.open()
            shown = "return getComputedStyle(document.getElementById('phone'), '::before').content"
            assert "DEMO: made-up people" in phone.browser.execute_script(shown)
            phone.picture("demo-login")
            phone.log_in("Ada")
            assert "DEMO: made-up people" in phone.browser.execute_script(shown)
            phone.picture("demo")
