"""The daily report in a real Chromium: whole, silent, alone, and readable at every width."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

pytestmark = pytest.mark.browser

ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    binary = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")
    assert binary, "no Chromium or Chrome found: .ci/run installs Debian's"
    options.binary_location = binary
    for argument in ARGUMENTS:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    yield driver
    driver.quit()


@pytest.fixture
def page(browser: webdriver.Chrome, daily_folder: Path) -> webdriver.Chrome:
    browser.set_window_size(1280, 900)
    browser.get((daily_folder / "index.html").as_uri())
    return browser


def test_verdict_and_figures_are_there(page):
    assert page.find_element(By.CSS_SELECTOR, ".verdict strong").text.split()[1] == "Calibration"
    assert len(page.find_elements(By.CSS_SELECTOR, ".card")) == 8
    pictures = page.find_elements(By.CSS_SELECTOR, "figure img")
    assert len(pictures) == 14
    assert all(page.execute_script("return arguments[0].naturalWidth > 400", picture) for picture in pictures)


def test_nothing_is_loaded_and_nothing_complains(page):
    loaded = page.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
    assert [name for name in loaded if not name.startswith("data:")] == []
    assert page.get_log("browser") == []


@pytest.mark.parametrize("width", [1280, 768, 500])
def test_page_does_not_scroll_sideways(page, width):
    page.set_window_size(width, 900)
    overflow = page.execute_script("return document.documentElement.scrollWidth - window.innerWidth")
    assert overflow <= 0


def test_links_lead_to_files_of_the_run(page, daily_folder):
    for link in page.find_elements(By.CSS_SELECTOR, "a"):
        assert (daily_folder / link.get_dom_attribute("href")).is_file()
