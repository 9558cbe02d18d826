"""The page in a real Chromium names first what forces the mode, and tells apart what is active beside it."""

import importlib.util
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytestmark = pytest.mark.browser


def stub() -> ModuleType:
    spec = importlib.util.spec_from_file_location("stub_page", Path(__file__).with_name("stub_page.py"))
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


STUB = stub()
SHOWN_SECONDS = 8.0
Opener = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    driver = STUB.chromium()
    yield driver
    driver.quit()


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Opener]:
    with STUB.served(tmp_path) as server:

        def open_page(variant: str, size: str = "desk") -> Any:
            place = STUB.write_page(tmp_path, variant)
            STUB.set_size(browser, size)
            browser.get(f"http://127.0.0.1:{server.server_port}/{place.name}/index.html")
            end = time.monotonic() + SHOWN_SECONDS
            while not said(browser, "mode.held"):
                assert time.monotonic() < end, "the page shows nothing"
                time.sleep(0.02)
            return browser

        yield open_page
        browser.get("about:blank")


def said(page: Any, key: str) -> str:
    text = "return document.querySelector(`[data-key='${arguments[0]}']`)?.textContent ?? ''"
    return str(page.execute_script(text, key)).replace("\u00a0", " ").replace("\u2068", "").replace("\u2069", "")


def beat(page: Any, **changes: Any) -> None:
    """Show the book with some things changed."""
    page.execute_script("const s = window.stub; s.beat({book: {...s.sections.book, ...arguments[0]}})", changes)


def test_a_persons_halt_is_what_holds_and_rungs_that_only_cap_are_also_active(opened):
    page = opened("person")
    assert said(page, "mode.held") == (
        "Held by: halt by maria since 05:07:03 UTC, “the broker confirms fills we never asked for”"
    )
    also = said(page, "mode.also")
    assert "Also active: volatility ratio rung 1 (at most 85 %), VaR 95 % rung 1 (alert only)" in also
    assert said(page, "mode.next") == "To let go: two people must resume; no limit stands against it now."
    assert said(page, "mode.release") == ""


def test_a_rung_that_halts_is_what_holds_and_what_must_be_true_first_is_said(opened):
    page = opened("halted")
    held, next_line = said(page, "mode.held"), said(page, "mode.next")
    assert held.startswith("Held by: drawdown rung 4 since ") and "volatility" not in held and "VaR" not in held
    assert next_line.startswith(
        "To let go: two people must resume; refused until drawdown is at most 15 % (now 15.33 %)"
    )
    assert "Next:" not in next_line and "alert level 2" not in next_line


def test_a_reducing_book_says_what_lets_go_and_what_comes_next(opened):
    page = opened("breach")
    assert said(page, "mode.held").startswith("Held by: volatility ratio rung 3 since ")
    assert said(page, "mode.release").startswith("To let go: when volatility ratio is under 2.4 for 15 minutes")
    assert said(page, "mode.next").startswith("Next: ")
    assert "drawdown rung 2 (at most 75 %)" in said(page, "mode.also")


def test_an_active_book_is_held_by_nobody(opened):
    page = opened("calm")
    assert said(page, "mode.held") == "No rung and no person restricts the mode"
    assert said(page, "mode.also") == "Exposure at most 100 %: no cap"


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        ({"kind": "person", "since_ns": None, "actor": "", "act": "full_halt", "reason": ""},
         "full halt by a person whose name is not known, no reason given"),
        ({"kind": "rung", "since_ns": None, "ladder": "TECHNICAL", "rung": 2, "why": "there is no calibration"},
         "technical rung 2, there is no calibration"),
        ({"kind": "past", "since_ns": None}, "what halted it: it holds no more, but nobody has resumed"),
    ],
)  # fmt: skip
def test_every_kind_of_cause_has_words(opened, cause, words):
    page = opened("person")
    beat(page, held_by=[cause])
    assert said(page, "mode.held") == f"Held by: {words}"
    beat(page, held_by=[])
    assert said(page, "mode.held") == "Held by: not known"


def test_the_tile_of_the_cap_names_its_cause(opened):
    page = opened("person")
    note = (
        "return document.querySelector('[data-key=\"book.cap\"]').closest('.tile').querySelector('.note').textContent"
    )
    assert page.execute_script(note) == "by condition elevated"
    assert said(page, "mode.also").startswith("Exposure at most 80 %: by condition elevated")
    assert said(page, "book.condition").endswith("exposure at most 80 %: by condition elevated")
    beat(page, cap=0.4, cap_allowed=1, cap_by=[])
    assert page.execute_script(note).replace("\u00a0", " ") == "returns to 100 % in steps"
    beat(page, cap=0.4, cap_allowed=0.4, cap_by=[{"kind": "rung", "ladder": "VOLATILITY", "rung": 3, "cap": 0.4}])
    assert page.execute_script(note) == "by volatility ratio rung 3"


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((0, 16, 16, ""), "No strategy enters by itself: all 16 are held positions"),
        ((3, 16, 10, ""), "3 of 16 strategies may enter in this condition; 10 held positions never enter"),
        ((3, 10, 0, "the book is HALTED"),
         "3 of 10 strategies may enter in this condition; none enters now: the book is HALTED"),
        ((0, 10, 0, "the book is HALTED"), "0 of 10 strategies may enter in this condition"),
        ((None, None, None, ""), "Strategies that may enter: not known"),
    ],
)  # fmt: skip
def test_how_many_strategies_may_enter_is_said_as_it_is(opened, counts, words):
    page = opened("calm")
    names = ("strategies_active", "strategies_total", "strategies_held", "entries_stopped")
    beat(page, **dict(zip(names, counts, strict=True)))
    assert said(page, "book.strategies_active") == words


def test_hostile_words_of_a_person_are_text(opened):
    page = opened("hostile")
    assert said(page, "mode.held").startswith('Held by: halt by "><script>window.harmed=1</script> since ')
    assert page.execute_script("return window.harmed === undefined")


@pytest.mark.parametrize("size", ["desk", "wall", "phone"])
@pytest.mark.parametrize("variant", ["person", "halted", "wordy"])
def test_no_sentence_of_the_bar_is_cut(opened, variant, size):
    page = opened(variant, size)
    cut = "return [...document.querySelectorAll('.why p')].filter((p) => p.scrollHeight > p.clientHeight + 1).length"
    assert page.execute_script(cut) == 0
