"""The phone on a bad line: a closed dialog sends nothing; an act whose answer was lost is done once, and told so."""

import importlib.util
import time
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.by import By

spec = importlib.util.spec_from_file_location("phone_page", Path(__file__).with_name("phone_page.py"))
assert spec is not None
assert spec.loader is not None
PAGE = importlib.util.module_from_spec(spec)
spec.loader.exec_module(PAGE)
browser, phone = PAGE.browser, PAGE.phone
pytestmark = pytest.mark.browser

SLOW_CODE = """
const truly = window.fetch;
window.fetch = async (path, rest) => {
  const answer = await truly(path, rest);
  if (path === "/api/step-up") await new Promise((go) => { window.letGo = go; });
  return answer;
};
"""
LOSE_ONE = """
const truly = window.fetch, lost = arguments[0];
const answers = {
  proxy: () => new Response("<html>Bad Gateway</html>", { status: 502 }),
  cut: () => new Response(new ReadableStream({ start: (body) => body.error(new TypeError("cut")) }), { status: 200 }),
  foreign: () => Response.json({ error: "no upstream" }, { status: 404 }),
  failing: () => Response.json({ refused: "the journal is full", kind: "not-recorded" }, { status: 503 }),
};
window.fetch = async (path, rest) => {
  const answer = await truly(path, rest);
  if (path !== "/api/act") return answer;
  window.fetch = truly;
  return answers[lost]();
};
"""


def with_a_code_on_a_slow_line(phone: Any, act: str) -> None:
    """Ask with a code, the answer to which hangs; close the dialog."""
    phone.log_in("Ada")
    phone.stage.clock.advance(61)
    phone.open()
    phone.browser.execute_script(SLOW_CODE)
    phone.tap(f"button.{act}:enabled")
    phone.until(lambda: phone.find("#ask-code").is_displayed())
    if act == "reduce":
        phone.find("[data-share='0.75']").find_element(By.XPATH, "..").click()
    phone.type("#ask-code", phone.stage.keys.code("Ada"))
    phone.tap("[data-key=press]")
    phone.until(lambda: phone.browser.execute_script("return Boolean(window.letGo)"))
    phone.tap("[data-key=close]")


@pytest.mark.parametrize("act", ["reduce", "halt"])
def test_a_dialog_closed_while_its_code_was_checked_sends_nothing_and_the_next_one_does_what_it_says(phone, act):
    with_a_code_on_a_slow_line(phone, act)
    phone.tap("button.halt:enabled")
    phone.browser.execute_script("window.letGo()")
    phone.until(lambda: not phone.find("#ask-code").is_displayed())
    time.sleep(0.5)
    assert phone.stage.sent() == []
    assert phone.text("[data-key=press]") == "Halt now"
    phone.tap("[data-key=press]")
    phone.until(lambda: phone.text("[data-key=became] strong") == "Entries stopped")
    assert "first try" not in phone.text("[data-key=became]")
    assert [one.act for one in phone.stage.sent()] == ["halt"]


def lost_once(phone: Any, lost: str) -> None:
    """Press in the open dialog, and lose the answer."""
    phone.browser.execute_script(LOSE_ONE, lost)
    phone.tap("[data-key=press]")
    phone.until(lambda: phone.find("[data-key=refused]").is_displayed())


@pytest.mark.parametrize("lost", ["proxy", "cut", "foreign", "failing"])
def test_an_act_whose_answer_was_lost_is_done_once_however_often_it_is_asked(phone, lost):
    phone.log_in("Ada")
    phone.tap("button.reduce:enabled")
    lost_once(phone, lost)
    said = phone.text("[data-key=refused]")
    phone.tap("[data-key=press]")
    phone.until(lambda: phone.text("[data-key=became] strong") == "Reduced")
    assert "The first try had arrived; what became of it:" in phone.text("[data-key=became] p")
    assert [one.act for one in phone.stage.sent()] == ["reduce"]
    assert "It is not known whether this was done. Press again: it is done once" in said


@pytest.mark.parametrize(
    ("shown", "title", "words"),
    [({"refused": "it is too old"}, "Refused by the loop", "what became of it: it is too old"),
     ({"act": "halt"}, "Not known", "nothing is shown of it here")],
)  # fmt: skip
def test_what_became_of_a_first_try_is_told_from_what_the_loop_shows_of_that_very_act(phone, shown, title, words):
    phone.log_in("Ada")
    phone.tap("button.reduce:enabled")
    lost_once(phone, "proxy")
    phone.stage.loop.table["commands"][0].update(shown)
    time.sleep(1.2)  # the page has heard it
    phone.tap("[data-key=press]")
    phone.until(lambda: phone.text("[data-key=became] strong") == title)
    assert words in phone.text("[data-key=became] p")


def test_a_first_try_that_the_service_itself_refused_is_not_told_as_done(phone):
    phone.log_in("Dan")
    phone.tap("[data-key=more]")
    phone.tap("dialog.more [data-act=notify_regulator]")
    lost_once(phone, "proxy")
    phone.tap("[data-key=press]")
    phone.until(lambda: phone.text("[data-key=became] strong") == "Not known")
    assert "may have been done or refused" in phone.text("[data-key=became] p")
    assert phone.find("[data-key=became]").get_attribute("data-good") == "no"
    assert phone.stage.sent() == []
