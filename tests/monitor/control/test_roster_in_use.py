"""The roster as the service uses it: dormant accounts are nobody's, and made-up people are labelled or refused."""

import json
import time
from dataclasses import replace
from typing import Any

import pytest
from typer.testing import CliRunner

from workbench.app.control.demo import LABEL, labelled
from workbench.app.control.service import opened
from workbench.app.control.sessions import LOOK_AT_FILES_SECONDS
from workbench.app.control.watching import LastLogins
from workbench.cli import cli
from workbench.data.journal.codec import decode_table
from workbench.data.journal.reader import JournalReader
from workbench.data.journal.rows import RowKind
from workbench.domain.errors import ConfigError
from workbench.response.alerts.channels import LogChannel
from workbench.response.alerts.messages import Letter
from workbench.response.people.roster import Roster

DAY_SECONDS = 86_400


def roster_files(stage: Any) -> Any:
    return stage.service.files


def test_an_account_nobody_has_used_for_ninety_days_is_disabled_and_said(stage, somebody):
    stage.clock.advance(60 * DAY_SECONDS)
    somebody(stage, "Ben").log_in()
    stage.clock.advance(31 * DAY_SECONDS)
    with stage.again() as later:
        assert [name for name, one in roster_files(later).roster.people.items() if one.disabled] == [
            "Vic", "Ada", "Cleo", "Dan",
        ]  # fmt: skip
        ada = somebody(later, "Ada")
        body = {"name": "Ada", "password": "several words are easy", "code": later.keys.code("Ada")}
        assert ada.post("/api/login", **body).status_code == 401
        ben = somebody(later, "Ben").log_in()
        troubles = ben.http.get("/api/status").json()["people"]["troubles"]
        assert any("Unused for 90 days and disabled: Vic, Ada, Cleo, Dan" in one for one in troubles), troubles
        assert [row["name"] for row in ben.http.get("/api/contacts").json()["rows"]] == ["Ben"]
        reasons = [row.get("because", "") for row in rows(later)]
        assert "the account is dormant: nobody has used or reviewed it for 90 days" in reasons
        assert LastLogins(later.home / "control").known().keys() == {"Ben"}


def test_who_becomes_dormant_while_logged_in_is_out_and_a_review_wakes_the_account_up(stage, somebody):
    ada = somebody(stage, "Ada").log_in()
    stage.clock.advance(91 * DAY_SECONDS)
    time.sleep(LOOK_AT_FILES_SECONDS + 0.1)
    stage.service.turn()
    assert roster_files(stage).roster.people["Ada"].disabled
    assert ada.act("halt").status_code == 401
    folder = stage.home / "control"
    roster = Roster.read(folder)
    reviewed = replace(roster.people["Ada"], reviewed_ns=stage.clock(), reviewed_by="Ben")
    roster.with_person(reviewed).write(folder)
    with stage.again() as later:
        assert somebody(later, "Ada").log_in().act("halt").status_code == 200


def test_a_changed_roster_ends_sessions_whoever_has_read_it_first(stage, somebody):
    ada = somebody(stage, "Ada").log_in()
    folder = stage.home / "control"
    roster = Roster.read(folder)
    roster.with_person(roster.people["Ada"].switched_off()).write(folder)
    time.sleep(LOOK_AT_FILES_SECONDS + 0.1)
    roster_files(stage).current()  # as the dispatcher does
    stage.service.turn()
    assert ada.act("halt").status_code == 401


def test_what_an_editor_leaves_beside_the_roster_ends_nothing(stage):
    (stage.home / "control" / ".#roster.toml").symlink_to("nobody@nowhere.1234:5678")
    time.sleep(LOOK_AT_FILES_SECONDS + 0.1)
    stage.service.turn()
    assert not roster_files(stage).trouble and "Ada" in roster_files(stage).current().people


def rows(stage: Any) -> list[dict[str, Any]]:
    with JournalReader(stage.home / "control") as reader:
        return [decode_table(row.body) for row in reader.rows(kinds=(RowKind.NOTE,))]


@pytest.fixture
def made_up(stage: Any) -> Any:
    """The same people, now labelled as made up; the service is not running."""
    stage.closing.close()
    folder = stage.home / "control"
    replace(Roster.read(folder), demo=True).write(folder)
    return stage


def test_a_made_up_roster_is_refused_unless_it_is_a_demonstration(made_up, request_of):
    with (
        pytest.raises(ConfigError, match="made up: its passwords and codes were printed"),
        opened(request_of(made_up.home)),
    ):
        pass
    with opened(request_of(made_up.home, demo=True), "", made_up.clock) as service:
        assert service.parts.responders.health()["demo"] is True


@pytest.mark.parametrize("command", ["control", "watchdog"])
def test_the_commands_refuse_made_up_people_without_demo(made_up, command):
    folders = ["--folder", str(made_up.home / "live"), "--control", str(made_up.home / "control")]
    ended = CliRunner().invoke(cli, [command, *folders, *(["--port", "0"] if command == "control" else [])])
    assert isinstance(ended.exception, ConfigError) and "give --demo for a demonstration" in str(ended.exception)


def test_a_real_roster_is_refused_for_a_demonstration(stage, request_of):
    stage.closing.close()
    with pytest.raises(ConfigError, match="leave --demo out"), opened(request_of(stage.home, demo=True)):
        pass


def test_a_roster_that_becomes_made_up_while_it_runs_is_not_taken_over(stage):
    folder = stage.home / "control"
    replace(Roster.read(folder), demo=True).write(folder)
    time.sleep(LOOK_AT_FILES_SECONDS + 0.1)
    stage.service.turn()
    assert not roster_files(stage).roster.demo and "made up" in roster_files(stage).trouble


def test_every_message_of_a_demonstration_says_so(tmp_path):
    (channel,) = labelled([LogChannel(tmp_path / "alerts.log")], demo=True)
    letter = Letter("log", "", 4, "EMERGENCY I1", "the book falls")
    assert channel.hand_over(letter, 1.0).handed
    line = json.loads((tmp_path / "alerts.log").read_text())
    assert line["title"] == f"{LABEL}EMERGENCY I1" and line["text"].startswith(LABEL)
    real = [LogChannel(tmp_path / "other.log")]
    assert labelled(real, demo=False) is real
