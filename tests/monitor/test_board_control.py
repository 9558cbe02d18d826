"""Where the page's buttons lead: to the control service of this very journal, and to nothing else whoever writes it."""

import json
import os
import time

import pytest

from workbench.monitor.board.control_room import ControlRoom, allowed_link
from workbench.response.alerts.watchdog_file import Heartbeat, ServiceBeat

LINK = "http://127.0.0.1:8870/"


@pytest.fixture
def people(tmp_path):
    """Folder of the people; its service watches ``live``."""
    folder = tmp_path / "control"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def service(tmp_path, people) -> ControlRoom:
    return ControlRoom(people, tmp_path / "live")


def leave(people, **changes) -> None:
    """A heartbeat as the service writes it, but for the changes."""
    ServiceBeat(people, LINK, people.parent / "live").tell(time.time_ns())
    path = people / "service.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_the_heartbeat_of_the_service_that_watches_this_journal_leads_there(service, people):
    assert service.told()["link"] == ""
    leave(people)
    assert service.told()["link"] == LINK


@pytest.mark.parametrize(("name", "quoted"), [("live", "{}/live"), ("my book; rm x", "'{}/my book; rm x'")])
def test_the_folder_is_told_as_a_shell_takes_it_so_that_commands_reach_this_book(people, tmp_path, name, quoted):
    for room in (ControlRoom(people, tmp_path / name), ControlRoom(None, tmp_path / name)):
        assert room.told()["folder"] == quoted.format(os.path.realpath(tmp_path))


def test_a_service_that_has_ended_is_none(service, people):
    beat = ServiceBeat(people, LINK, people.parent / "live")
    beat.tell(time.time_ns())
    beat.end(time.time_ns())
    assert service.told()["link"] == ""


def test_a_service_that_is_silent_for_five_seconds_is_none(tmp_path, people):
    leave(people)
    for seconds, found in ((4, LINK), (6, ""), (-6, "")):
        late = ControlRoom(people, tmp_path / "live", clock_ns=lambda s=seconds: time.time_ns() + s * 10**9)
        assert late.told()["link"] == found


def test_a_service_of_another_journal_is_none(people, tmp_path):
    leave(people)
    assert ControlRoom(people, tmp_path / "demo").told()["link"] == ""
    (tmp_path / "live").mkdir()
    (tmp_path / "alias").symlink_to(tmp_path / "live")
    assert ControlRoom(people, tmp_path / "alias").told()["link"] == LINK


def test_what_others_may_write_is_not_believed(service, people):
    leave(people)
    for path in (people / "service.json", people):
        mode = path.stat().st_mode
        path.chmod(0o777)
        assert service.told()["link"] == ""
        path.chmod(mode)
    assert service.told()["link"] == LINK


def test_what_is_no_plain_file_is_not_opened(service, people, tmp_path):
    leave(people)
    path = people / "service.json"
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert service.told()["link"] == ""
    path.unlink()
    os.mkfifo(path)
    assert service.told()["link"] == ""


@pytest.mark.parametrize(
    "content", ["", "[]", "[[1]]", "{}", "null", "7", '"x"', "[" * 4_000, '{"time_ns": NaN}', "{" + " " * 9_000 + "}"]
)
def test_what_is_no_heartbeat_leads_nowhere(service, people, content):
    (people / "service.json").write_text(content)
    assert service.told()["link"] == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"link": ""}, {"link": None}, {"link": 7}, {"link": [LINK]}, {"time_ns": "now"}, {"time_ns": None},
        {"folder": ""}, {"folder": None}, {"folder": "\x00"}, {"ended": 0}, {"ended": None}, {"ended": "no"},
    ],
)  # fmt: skip
def test_a_heartbeat_with_a_wrong_field_leads_nowhere(service, people, changes):
    leave(people, **changes)
    assert service.told()["link"] == ""


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "ftp://127.0.0.1:21/", "//127.0.0.1:8870/",
        "http://evil.example:8870/", "http://127.0.0.1.evil.example:8870/", "http://127.0.0.1@evil.example:8870/",
        "http://evil.example#127.0.0.1:8870/", "http://user:word@127.0.0.1:8870/", "http://127.0.0.1:8870/halt",
        "http://127.0.0.1:8870/?x", "http://127.0.0.1:8870/\"><script>", "http://127.0.0.1:8870\\@evil.example/",
        "http://127.0.0.1:99999/", "http://127.0.0.1:0/", "http://127.0.0.1/", "http://[::1/", "http://[fe80::1]:1/",
        "http://127.0.0.1:88\n70/", " http://127.0.0.1:8870/", "http://１２７.0.0.1:8870/", "http://risk.example.org:1/",
        "https://other.example.org:8870/", "http://127.1:8870/", "HTTP://127.0.0.1:8870/", "http://" + "1" * 300,
    ],
)  # fmt: skip
def test_a_link_to_anywhere_else_is_refused(service, people, link):
    leave(people, link=link)
    named = ControlRoom(people, service.watched, frozenset({"risk.example.org"}))
    assert named.told()["link"] == ""


@pytest.mark.parametrize(
    ("link", "found"),
    [
        ("http://localhost:1/", "http://localhost:1/"),
        ("https://127.0.0.1:8870", "https://127.0.0.1:8870/"),
        ("http://[::1]:8870/", "http://[::1]:8870/"),
        ("https://risk.example.org:8870/", "https://risk.example.org:8870/"),
        ("https://Risk.Example.ORG:8870/", "https://risk.example.org:8870/"),
    ],
)
def test_this_machine_and_names_that_were_given_are_allowed(link, found):
    assert allowed_link(link, frozenset({"risk.example.org"})) == found


def test_the_page_of_an_environment_that_names_nothing_leads_nowhere(tmp_path):
    assert ControlRoom.named_in({}, tmp_path).told()["link"] == ""
    assert ControlRoom.named_in({}, tmp_path).told()["watchdog"] is None


def test_what_the_watchdog_of_this_journal_says_is_told_while_it_is_fresh(service, people, tmp_path):
    assert {**service.told(), "folder": ""} == {"link": "", "watchdog": "", "folder": ""}
    Heartbeat(time.time_ns(), 1, "the loop is well <img>", folder=str(tmp_path / "live")).write(people)
    assert {**service.told(), "folder": ""} == {"link": "", "watchdog": "the loop is well <img>", "folder": ""}
    Heartbeat(time.time_ns(), 1, "x" * 9_000, folder=str(tmp_path / "live")).write(people)
    assert service.told()["watchdog"] == "x" * 300
    Heartbeat(time.time_ns(), 1, "the loop is well", folder=str(tmp_path / "other")).write(people)
    assert service.told()["watchdog"] == ""
    Heartbeat(time.time_ns() - 6 * 10**9, 1, "the loop is well", folder=str(tmp_path / "live")).write(people)
    assert service.told()["watchdog"] == ""
