"""Roster and secrets that are broken when the service starts: the copy of the last good ones stands in, restricting."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from workbench.app.control.service import opened
from workbench.app.control.sessions import LOOK_AT_FILES_SECONDS
from workbench.app.control.watching import run_watchdog
from workbench.domain.errors import ConfigError
from workbench.response.alerts.conditions import ROSTER
from workbench.response.people.credentials import SECRETS_FILE, Credentials, strike_out
from workbench.response.people.duty import Shift
from workbench.response.people.private_files import last_good, read_private, write_private
from workbench.response.people.roster import ROSTER_FILE, Roster

CANARY = "canary7Q2w9ZxLp"
BROKEN = f"# mine\n\n[[people]\nname = {CANARY}\n"
DAY_SECONDS = 86_400


def files_of(stage: Any) -> tuple[Path, Path]:
    return stage.home / "control" / ROSTER_FILE, stage.home / "control" / SECRETS_FILE


def broken(path: Path) -> bytes:
    """Break a file; returns what was in it."""
    before = path.read_bytes()
    path.write_text(BROKEN)
    return before


def look_again(stage: Any) -> None:
    """As after the time between two looks at the files."""
    stage.service.files._looked_at -= LOOK_AT_FILES_SECONDS
    stage.service.turn()


def troubles(person: Any) -> str:
    return " ".join(person.http.get("/api/status").json()["people"]["troubles"])


@pytest.mark.parametrize("which", [0, 1], ids=[ROSTER_FILE, SECRETS_FILE])
def test_a_service_that_starts_on_a_broken_file_pages_names_the_line_and_ends_the_trouble_when_it_is_mended(
    stage: Any, somebody: Any, which: int
) -> None:
    path = files_of(stage)[which]
    before = broken(path)
    with stage.again() as later:
        later.service.turn()
        told = later.service.dispatcher.incidents.of_cause(ROSTER)
        assert told.level == 3 and told.rungs
        assert f"{path} is not valid TOML in UTF-8, at line 3" in told.worst.sentence
        assert "last-good.toml, the copy of the last good one" in told.worst.sentence
        ada = somebody(later, "Ada").log_in()
        assert "at line 3" in troubles(ada) and CANARY not in f"{troubles(ada)}{told.worst.sentence}"
        assert ada.act("halt").status_code == 200
        path.write_bytes(before)
        look_again(later)
        assert not later.service.dispatcher.incidents.of_cause(ROSTER).rungs and not later.service.files.trouble


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.chmod(0o644)], ids=["gone", "others may open it"])
def test_a_roster_that_is_gone_or_open_to_others_is_stood_in_for_too(stage: Any, harm: Callable[[Path], None]) -> None:
    harm(files_of(stage)[0])
    with stage.again() as later:
        assert "Ada" in later.service.files.roster.people and later.service.files.unread


def test_the_copies_are_their_owners_alone_and_without_them_a_broken_file_is_refused(
    stage: Any, request_of: Any
) -> None:
    stage.closing.close()
    for path in files_of(stage):
        assert last_good(path).stat().st_mode & 0o777 == 0o600
        before, copy = broken(path), last_good(path).read_bytes()
        last_good(path).unlink()
        with pytest.raises(ConfigError, match="at line 3"), opened(request_of(stage.home)):
            pass
        write_private(path, before.decode())
        write_private(last_good(path), copy.decode())


@pytest.mark.parametrize("by_hand", [True, False], ids=["while the service runs", "by a command, nothing runs"])
def test_who_was_removed_does_not_come_back_through_the_copies(stage: Any, somebody: Any, *, by_hand: bool) -> None:
    roster, secrets = files_of(stage)
    if by_hand:
        kept = Roster.read(roster.parent)
        left = {name: one for name, one in kept.people.items() if name != "Ada"}
        write_private(roster, replace(kept, people=left, shifts=_without(kept.shifts)).text())
        # the secrets are broken before the roster was looked at: it counts all the same
        broken(secrets)
        look_again(stage)
        assert "Ada" not in stage.service.files.roster.people
    else:
        stage.closing.close()
        kept = Roster.read(roster.parent)
        replace(kept, shifts=_without(kept.shifts)).write(roster.parent)
        strike_out(roster.parent, "Ada", stage.clock())
        broken(secrets)
    broken(roster)
    with stage.again() as later:
        assert later.service.files.roster.people and "Ada" not in later.service.files.roster.people
        if not by_hand:
            assert "Ada" not in later.service.files.credentials.by_name
        body = {"name": "Ada", "password": "several words are easy", "code": later.keys.code("Ada")}
        assert somebody(later, "Ada").post("/api/login", **body).status_code == 401


def _without(shifts: Any) -> tuple[Shift, ...]:
    return tuple(one for one in shifts if one.person != "Ada")


def test_dormant_and_disabled_people_are_so_in_the_copy_too(stage: Any, somebody: Any) -> None:
    folder = stage.home / "control"
    kept = Roster.read(folder)
    kept.with_person(kept.people["Vic"].switched_off()).write(folder)
    broken(files_of(stage)[0])
    with stage.again() as later:
        assert [name for name, one in later.service.files.roster.people.items() if one.disabled] == ["Vic"]
        somebody(later, "Ben").log_in()
        later.clock.advance(91 * DAY_SECONDS)
        look_again(later)
        assert later.service.files.roster.people["Ada"].disabled
        # who is paged is asked of the same people
        assert later.service.dispatcher._roster.current.people["Ada"].disabled


def test_nothing_is_loosened_by_a_copy_and_a_proposal_that_waits_can_be_approved_when_the_file_is_right(
    stage: Any, somebody: Any
) -> None:
    path = files_of(stage)[0]
    before = broken(path)
    with stage.again() as later:
        ben, cleo = somebody(later, "Ben").log_in(), somebody(later, "Cleo").log_in()
        assert ben.act("halt").status_code == 200
        answer = ben.ask("/api/propose", act="resume")
        assert answer.status_code == 403 and "nothing is loosened while the roster cannot be read" in answer.text
        path.write_bytes(before)
        look_again(later)
        answer = ben.ask("/api/propose", act="resume")
        assert answer.status_code == 200, answer.text
        (waiting,) = later.service.parts.rules.proposals()
        assert not waiting["void_because"]
        broken(path)
        look_again(later)
        (waiting,) = later.service.parts.rules.proposals()
        assert "nothing is loosened" in waiting["void_because"]
        assert cleo.ask("/api/approve", proposal=waiting["id"]).status_code == 403


def test_made_up_people_on_a_real_book_stay_refused_whatever_the_copy_says(stage: Any, request_of: Any) -> None:
    stage.closing.close()
    roster = files_of(stage)[0]
    write_private(roster, replace(Roster.read(roster.parent), demo=True).text())
    with pytest.raises(ConfigError, match="made up"), opened(request_of(stage.home)):
        pass
    assert not Roster.read(roster.parent, last_good(roster).name).demo
    broken(roster)
    write_private(last_good(roster), replace(Roster.read(roster.parent, last_good(roster).name), demo=True).text())
    with pytest.raises(ConfigError, match="at line 3"), opened(request_of(stage.home)):
        pass


def test_the_watchdog_starts_from_the_copy_and_complains_once(stage: Any, request_of: Any) -> None:
    broken(files_of(stage)[0])
    complaints, told, until = list[str](), list[str](), time.monotonic() + 1.0
    run_watchdog(
        request_of(stage.home), lambda: time.monotonic() > until, told.append, halt=False, complain=complaints.append
    )
    (sentence,) = complaints
    assert "at line 3" in sentence and CANARY not in sentence and not [one for one in told if "roster" in one]


def test_a_copy_that_cannot_be_written_is_said_and_ends_nothing(stage: Any) -> None:
    roster, secrets = files_of(stage)
    stage.closing.close()
    last_good(roster).unlink()
    last_good(roster).mkdir()
    (last_good(roster) / "something").touch()
    with stage.again() as later:
        assert "roster.last-good.toml" in later.service.files.trouble and not later.service.files.unread
    assert Credentials.read(secrets.parent, last_good(secrets).name).by_name


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"a = 1\n\xff = 2\n", "at line 2"), (b"a = 1\nb = secret\n", "at line 2"), (b"a = [1,\n", "at its end"),
        (b"x = " + b"[" * 5_000, "somewhere"),
    ],
)  # fmt: skip
def test_the_place_of_a_malformed_file_is_named_and_nothing_of_it(tmp_path: Path, content: bytes, place: str) -> None:
    path = tmp_path / ROSTER_FILE
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ConfigError) as refused:
        read_private(path)
    assert f"UTF-8, {place} (what stands there" in str(refused.value) and "= secret" not in str(refused.value)
