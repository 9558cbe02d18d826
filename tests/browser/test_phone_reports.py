"""Reports, lessons and overdue checklists on the phone page, in a real Chromium."""

import importlib.util
from pathlib import Path

import pytest

from workbench.response.incidents.alert import Alert

spec = importlib.util.spec_from_file_location("phone_page", Path(__file__).with_name("phone_page.py"))
assert spec is not None
assert spec.loader is not None
PAGE = importlib.util.module_from_spec(spec)
spec.loader.exec_module(PAGE)
browser, troubled = PAGE.browser, PAGE.troubled
pytestmark = pytest.mark.browser


def test_a_lesson_needs_no_code_and_stands_in_the_report_which_is_styled_and_runs_nothing(troubled):
    troubled.log_in("Ada")
    troubled.stage.clock.advance(61)  # the code given at the login is no longer fresh
    troubled.tap("#incidents .afterwards .lesson")
    troubled.until(lambda: troubled.find("#lesson-text").is_displayed())
    assert not troubled.find("#ask-code").is_displayed()
    troubled.type("#lesson-text", "look sooner <script>document.title='owned'</script>")
    troubled.picture("lesson")
    troubled.tap("[data-key=press]")
    troubled.until(lambda: not troubled.find("#ask").is_displayed())
    address = troubled.find("#incidents .afterwards a").get_attribute("href")
    troubled.browser.get(address)
    troubled.until(lambda: "look sooner <script>" in troubled.text(".lesson"))
    troubled.picture("report")
    assert troubled.browser.title == "Incident I1, volatility"
    assert "volatility ratio 3.2" in troubled.text(".verdict")
    weight = troubled.browser.execute_script(
        "return getComputedStyle(document.querySelector('.verdict')).borderLeftWidth"
    )
    assert weight == "8px", "the policy of the answer lets its own style through"
    wide = troubled.browser.execute_script("return document.documentElement.scrollWidth")
    assert wide <= 360
    assert PAGE.complaints(troubled) == []


def test_a_checklist_says_what_is_left_and_when_it_is_overdue_and_new_incidents_appear(troubled):
    troubled.log_in("Ada")
    troubled.tap("[data-tab=procedures]")
    troubled.until(lambda: "left, by" in troubled.text("#procedures [data-due]"))
    troubled.stage.clock.advance(6 * 60)
    troubled.until(lambda: "✗ Overdue for" in troubled.text("#procedures [data-due]"))
    assert "owned" not in troubled.browser.title
    now = troubled.stage.clock()
    another = Alert("b:1", 3, "drawdown", now, "the book falls", {}, 1, lasts=True)
    troubled.stage.service.dispatcher.raise_alert(another, now)
    name = troubled.stage.service.dispatcher.incidents.of_cause("drawdown").id
    troubled.until(lambda: "the book falls" in troubled.text(f"#procedures [data-incident={name}]"), 12.0)
    troubled.picture("overdue")
    assert PAGE.complaints(troubled) == []
