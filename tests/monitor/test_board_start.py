"""Starting the page: a demonstration of its own, a clean environment, a browser that is not told the token aloud."""

import os
import time
from pathlib import Path

import pytest
from jupyter_server.base.websocket import WebSocketMixin

from workbench.app.live_start import engine_is_compiled, starting
from workbench.app.monitor.page import PageRequest, demo_folder, page_environment
from workbench.domain.errors import ConfigError, ExecutionError
from workbench.monitor.board.browser import Browser
from workbench.monitor.board.server import WEB_SETTINGS
from workbench.monitor.board.starting import left_in

ADDRESS = "http://127.0.0.1:8866/?token=0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_demonstration_begins_with_nothing_of_an_earlier_one(home, writer):
    loop = writer(home / "demo")
    with pytest.raises(ExecutionError, match="a demonstration is running"):
        demo_folder()
    loop.end()
    assert demo_folder() == home / "demo"
    assert not (home / "demo").exists()


def test_the_environment_of_the_page_is_a_list_of_what_it_may_see(home):
    surroundings = {"PATH": "/bin", "LANG": "C", "AWS_SECRET": "x", "PYTHONPATH": "/x", "DISPLAY": ":1", "HOME": "/h"}
    quiet = page_environment(PageRequest(folder="/somewhere", port=9000, browser=False), surroundings)
    assert {name for name in quiet if name in surroundings} == {"PATH", "LANG"}
    assert (quiet["WORKBENCH_MONITOR_FOLDER"], quiet["WORKBENCH_MONITOR_PORT"]) == ("/somewhere", "9000")
    token = (home / "monitor" / "token").read_text()
    assert token not in quiet.values()
    loud = page_environment(PageRequest(), surroundings)
    assert {name for name in loud if name in surroundings} == {"PATH", "LANG", "DISPLAY", "HOME"}


def test_what_only_a_browser_needs_is_taken_away_before_a_kernel_could_inherit_it(tmp_path):
    environment = {"PATH": "/bin", "DISPLAY": ":1", "HOME": "/h", "WORKBENCH_MONITOR_BROWSER": "yes"}
    browser = Browser.taken_from(environment, tmp_path / "open.html")
    assert environment == {"PATH": "/bin"}
    assert browser.variables == {"PATH": "/bin", "DISPLAY": ":1", "HOME": "/h"}


@pytest.mark.parametrize("environment", [{"DISPLAY": ":1"}, {"WORKBENCH_MONITOR_BROWSER": "yes", "HOME": "/h"}])
def test_no_browser_is_opened_where_none_is_wanted_or_nobody_could_see_it(tmp_path, environment, monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    browser = Browser.taken_from(environment, tmp_path / "open.html")
    browser.open(ADDRESS)
    assert list(tmp_path.iterdir()) == []


def test_the_browser_is_given_a_file_for_our_eyes_that_leads_to_the_page(tmp_path):
    seen = tmp_path / "seen"
    program = tmp_path / "looks"
    program.write_text(f'#!/bin/sh\necho "$1" > {seen}.new && mv {seen}.new {seen}\n')
    program.chmod(0o755)
    variables = {"PATH": os.environ["PATH"], "DISPLAY": ":1", "BROWSER": str(program)}
    browser = Browser(variables, tmp_path / "open.html")
    browser.open(ADDRESS)
    assert browser.opened[0].wait(20) == 0
    deadline = time.monotonic() + 20
    while not seen.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert seen.read_text().strip() == (tmp_path / "open.html").as_uri()
    assert (tmp_path / "open.html").stat().st_mode & 0o777 == 0o600
    assert ADDRESS in (tmp_path / "open.html").read_text()


class Line(WebSocketMixin):
    """A page's line as the library sees it."""

    settings = WEB_SETTINGS


def test_a_page_that_answers_every_ping_is_not_taken_for_one_that_is_gone():
    line = Line()
    assert line.ping_interval == 10_000
    assert line.ping_timeout > 3 * line.ping_interval, "the library measures from the answer to the ping before"


@pytest.fixture
def compiled_there(tmp_path, monkeypatch) -> Path:
    """Folder of compiled kernels, with the last one of the engine in it."""
    kept = tmp_path / "numba"
    (kept / "kernel_0").mkdir(parents=True)
    (kept / "kernel_0" / "step.step_alone-119.py311.nbi").touch()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(kept))
    return kept


def test_whether_the_engine_is_compiled_is_seen_by_its_last_kernel(compiled_there):
    assert engine_is_compiled()
    (compiled_there / "kernel_0" / "step.step_alone-119.py311.nbi").unlink()
    assert not engine_is_compiled()


def test_a_start_is_noted_beside_the_journal_and_the_note_goes_with_it(compiled_there, tmp_path):
    said, folder = [], tmp_path / "live"
    with starting(folder, said.append):
        found = left_in(folder)
        (folder / "kept").touch()
    assert (found.process, found.compiling, said) == (os.getpid(), False, [])
    assert left_in(folder) is None
    assert (folder / "kept").exists()


def test_a_start_that_fails_leaves_no_folder(compiled_there, tmp_path):
    with pytest.raises(ExecutionError), starting(tmp_path / "live", print):
        raise ExecutionError("no price")
    assert not (tmp_path / "live").exists()


def test_a_start_on_a_disk_that_refuses_goes_on_untold(compiled_there, tmp_path):
    (tmp_path / "file").touch()
    with starting(tmp_path / "file" / "live", print):
        assert left_in(tmp_path / "file" / "live") is None


def test_the_page_is_told_where_the_control_service_would_be_and_under_which_names(home):
    usual = page_environment(PageRequest(browser=False), {})
    assert usual["WORKBENCH_MONITOR_CONTROL"] == str(home / "control")
    assert usual["WORKBENCH_MONITOR_CONTROL_NAMES"] == ""
    asked = page_environment(PageRequest(browser=False, control="/people", control_names=("Risk.example.org",)), {})
    assert asked["WORKBENCH_MONITOR_CONTROL"] == "/people"
    assert asked["WORKBENCH_MONITOR_CONTROL_NAMES"] == "risk.example.org"


@pytest.mark.parametrize("name", ["", "a b", "http://x", "x/y", "x:1", "-x", "é.org", "x" * 300])
def test_a_name_that_is_none_of_a_host_is_refused(name):
    with pytest.raises(ConfigError, match="expected a host name"):
        PageRequest(control_names=(name,))
