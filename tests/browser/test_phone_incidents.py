"""The list of incidents says what still holds, who did what and how often, and what became of it."""

import importlib.util
from pathlib import Path

import pytest

from workbench.response.incidents.alert import Alert, Gone

spec = importlib.util.spec_from_file_location("phone_page", Path(__file__).with_name("phone_page.py"))
assert spec is not None
assert spec.loader is not None
PAGE = importlib.util.module_from_spec(spec)
spec.loader.exec_module(PAGE)
browser, phone, complaints = PAGE.browser, PAGE.phone, PAGE.complaints
pytestmark = pytest.mark.browser

REFUSES = """
const truly = window.fetch;
const said = { refused: "the loop is not seen running: nothing was sent; use real people", kind: "not-done" };
window.fetch = (path, rest) => (String(path).endsWith("/api/act")
  ? Promise.resolve(new Response(JSON.stringify(said), { status: 503 })) : truly(path, rest));
"""


def test_what_no_longer_holds_says_so_and_is_not_told_as_standing(phone):
    dispatcher, now = phone.stage.service.dispatcher, phone.stage.clock()
    facts = {"did": "uses what can be used: log", "waits": "a file without faults"}
    dispatcher.raise_alert(Alert("c:1", 3, "made up", now, "[chat] left out", facts, 1, lasts=True), now)
    name = dispatcher.incidents.of_cause("made up").id
    card = f"#incidents [data-incident='{name}']"
    phone.log_in("Ada")
    phone.until(lambda: "It waits for: a file without faults" in phone.text(card))
    dispatcher.raise_alert(Gone("made up", now), now)
    phone.until(lambda: "It no longer holds; somebody still has to acknowledge." in phone.text(card))
    assert "waits for" not in phone.text(card) and "The system, while it held: uses" in phone.text(card)
    phone.picture("no-longer-holds")
    phone.tap(f"{card} .acknowledge")
    phone.until(lambda: "Over." in phone.text(card))
    assert "still has to acknowledge" not in phone.text(card) and complaints(phone) == []


def test_acts_by_hand_are_counted_once_each_and_say_what_became_of_them(phone):
    phone.log_in("Ada")
    for button in ("reduce", "halt"):
        phone.tap(f"button.{button}:enabled")
        phone.tap("[data-key=press]")
        phone.until(lambda: phone.text("[data-key=became] strong") in ("Reduced", "Entries stopped"))
        phone.tap("[data-key=close]")
    phone.until(lambda: "the loop has taken it in: the book is HALTED" in phone.text("#incidents"))
    assert "2 acts by hand, the weightiest is" in phone.text("#incidents")
    assert "Ada halts the book" in phone.text("#incidents")


def test_that_nothing_was_sent_is_said_once(phone):
    phone.log_in("Ada")
    phone.browser.execute_script(REFUSES)
    phone.tap("button.halt:enabled")
    phone.tap("[data-key=press]")
    phone.until(lambda: "press again to try anew" in phone.text("[data-key=refused]"))
    assert phone.text("[data-key=refused]").lower().count("nothing was sent") == 1
    assert phone.stage.sent() == []
