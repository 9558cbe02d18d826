"""The phone page's files: whatever one of them asks for is given away too."""

import re

import pytest

from workbench.monitor.control.pages import page_files

FILES = page_files()
SCRIPTS = sorted(path for path in FILES if path.endswith(".js"))


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_asks_for_no_file_the_service_does_not_give(script):
    wanted = re.findall(r'(?:from|import)\s*\(?\s*"\./([^"]+)"', FILES[script].content.decode())
    assert {f"/{name}" for name in wanted} <= FILES.keys()


def test_scripts_ask_for_one_another_at_all():
    assert sum('from "./' in FILES[script].content.decode() for script in SCRIPTS) > 5


def test_the_page_asks_for_no_file_the_service_does_not_give():
    wanted = re.findall(r'(?:src|href)="(/?[\w.-]+\.(?:js|css|svg|webmanifest))"', FILES["/"].content.decode())
    assert wanted and {f"/{name.lstrip('/')}" for name in wanted} <= FILES.keys()


def test_the_worker_keeps_every_file_for_when_the_network_is_gone():
    kept = set(re.findall(r'"(/[\w.-]*)"', FILES["/worker.js"].content.decode()))
    assert FILES.keys() - {"/worker.js", "/icon-mask.svg"} <= kept, "but for what only an installation asks for"
