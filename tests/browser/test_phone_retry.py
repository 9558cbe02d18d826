"""Pressing again on the phone: at once where the loop was not reached, as another request; and what is not known."""

import importlib.util
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

spec = importlib.util.spec_from_file_location("phone_page", Path(__file__).with_name("phone_page.py"))
assert spec is not None
assert spec.loader is not None
PAGE = importlib.util.module_from_spec(spec)
spec.loader.exec_module(PAGE)
browser, phone = PAGE.browser, PAGE.phone
pytestmark = pytest.mark.browser

LOSE_ONE = """
const truly = window.fetch;
window.fetch = async (path, rest) => {
  const answer = await truly(path, rest);
  if (path !== "/api/act") return answer;
  window.fetch = truly;
  return new Response("<html>Bad Gateway</html>", { status: 502 });
};
"""


@pytest.fixture
def deaf() -> Iterator[None]:
    """The loop of the stage is in this process, which a signal to halt is not for."""
    before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGUSR1, before)


def blocked(phone: Any) -> Path:
    """The loop's inbox, in the place of which there is a file; the loop is gone, so that no signal helps."""
    phone.stage.loop.stop()
    inbox = phone.stage.loop.folder / "inbox"
    shutil.rmtree(inbox, ignore_errors=True)
    inbox.write_text("in the way")
    return inbox


@pytest.mark.parametrize("late", [False, True], ids=["within the minute of a code", "when another code is due"])
def test_a_halt_the_loop_was_not_reached_with_is_pressed_again_in_the_same_dialog(phone, late):
    phone.log_in("Ada")
    phone.until(lambda: phone.find("button.halt").is_enabled())
    inbox = blocked(phone)
    phone.tap("button.halt")
    phone.tap("[data-key=press]")
    phone.until(lambda: phone.find("[data-key=refused]").is_displayed())
    said = phone.text("[data-key=refused]")
    assert said.startswith("Not done: ") and said.endswith(
        "Nothing was sent. The button is ready: press again to try anew."
    )
    assert phone.find("[data-key=press]").is_enabled() and phone.text("[data-key=press]") == "Halt now"
    inbox.unlink()
    if late:
        phone.stage.clock.advance(61)
        phone.tap("[data-key=press]")
        phone.until(lambda: "code" in phone.text("[data-key=refused]"))
        assert phone.stage.sent() == []
        return
    phone.tap("[data-key=press]")
    phone.until(lambda: phone.find("[data-key=became]").is_displayed())
    assert "on the disk" in phone.text("[data-key=became] p")
    assert [one.act for one in phone.stage.sent()] == ["halt"]


def test_a_halt_of_which_nothing_is_shown_is_pressed_again_at_once_and_is_another_request(phone, deaf):
    phone.log_in("Ada")
    phone.stage.loop.stuck.set()
    phone.tap("button.halt:enabled")
    phone.browser.execute_script(LOSE_ONE)
    phone.tap("[data-key=press]")
    phone.until(lambda: phone.find("[data-key=refused]").is_displayed(), 12.0)
    phone.tap("[data-key=press]")
    phone.until(lambda: phone.text("[data-key=became] strong") == "Not known")
    assert "to ask anew, press again: to halt twice is to halt once" in phone.text("[data-key=became] p")
    phone.stage.loop.stuck.clear()
    phone.until(lambda: phone.text("[data-key=became] strong") == "Entries stopped")
    phone.until(lambda: not phone.find("[data-key=press]").is_displayed())
    assert [one.act for one in phone.stage.sent()] == ["halt"]


def test_a_loop_that_dies_while_it_is_shut_down_is_not_told_as_ended_in_good_order(phone):
    phone.stage.loop.dies = True
    phone.log_in("Dan")
    phone.tap("[data-key=more]")
    phone.tap("dialog.more [data-act=shut_down]")
    phone.tap("[data-key=press]")
    phone.until(lambda: phone.text("[data-key=became] strong") == "Ended: how is not known", 15.0)
    assert phone.find("[data-key=became]").get_attribute("data-good") == "no"


FOLLOWED = """
const [outcome, source, back] = arguments;
const state = { sections: {}, source, verdict: { level: "dead" } };
import("/outcome.js").then(({ followed, shownOutcome }) => {
  const node = document.createElement("div");
  const became = followed(outcome, state);
  shownOutcome(node, became);
  back([became.certain, node.textContent]);
});
"""


def test_what_the_page_cannot_see_of_a_loop_that_is_gone_it_does_not_claim(phone):
    phone.open()
    outcome = {"act": "shut_down", "nonce": "", "stage": "shutting down", "certain": True, "sentence": ""}
    certain, said = phone.browser.execute_async_script(FOLLOWED, outcome, {"state": "no-loop"})
    assert certain is False
    assert said.startswith("Ended: how is not known") and "Orders on their way may still fill." in said
