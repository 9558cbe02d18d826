"""A malformed file of channels or people stops neither the service nor the watchdog: it is told, and mended at work."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from workbench.app.control.sessions import LOOK_AT_FILES_SECONDS
from workbench.app.control.watching import run_watchdog
from workbench.data.journal.chain import Signer
from workbench.data.journal.journal import Journal
from workbench.response.alerts.conditions import CHANNEL_TROUBLE, CHANNELS, ROSTER
from workbench.response.alerts.watchdog_file import Heartbeat, silence_alert
from workbench.response.incidents.incident import opened
from workbench.response.people.roster import ROSTER_FILE

CANARY = "canary7Q2w9ZxLp"
UNREACHABLE = '[sms]\nurls = ["json://127.0.0.1:9/?to={to}"]\n'
BROKEN = {
    "a bad URL": f'{UNREACHABLE}[email]\nurls = ["{CANARY}"]\n',
    "not TOML": f'{UNREACHABLE}[email]\nurls = ["{CANARY}\n',
    "an unknown key": f'{UNREACHABLE}[{CANARY}]\nurls = ["json://127.0.0.1/"]\n',
    "nothing that is right": f'urls = ["{CANARY}"',
}


def write_channels(home: Path, text: str, mode: int = 0o600) -> None:
    path = home / "control" / "channels.toml"
    path.write_text(text)
    path.chmod(mode)


def incident(stage: Any, cause: str) -> Any:
    return stage.service.dispatcher.incidents.of_cause(cause)


def troubles(person: Any) -> str:
    return " ".join(person.http.get("/api/status").json()["people"]["troubles"])


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_the_service_starts_says_what_is_wrong_and_halts_all_the_same(stage, somebody, text):
    write_channels(stage.home, text)
    with stage.again() as later:
        for _ in range(3):
            later.service.turn()
        told = incident(later, CHANNEL_TROUBLE)
        assert told.level == 3 and "channels.toml, from line" in told.worst.sentence
        assert (incident(later, CHANNELS) is not None) == (text == BROKEN["nothing that is right"])
        assert set(later.service.channels) == ({"log", "sms"} if UNREACHABLE in text else {"log"})
        outbox = later.service.dispatcher.outbox
        paged = {page.channel for page in (*outbox.waiting(), *outbox.ended()) if page.incident == told.id}
        assert paged == set(later.service.channels)
        ada = somebody(later, "Ada").log_in()
        assert "from line" in troubles(ada)
        assert ada.act("halt").status_code == 200
        shown = f"{troubles(ada)}{ada.http.get('/api/incidents').text}{(later.home / 'control/alerts.log').read_text()}"
        assert CANARY not in shown and "left out" in shown


def test_a_file_that_is_mended_at_work_ends_the_trouble_and_is_used(stage, somebody):
    write_channels(stage.home, BROKEN["nothing that is right"])
    for _ in range(2):
        stage.service.turn()
    assert incident(stage, CHANNEL_TROUBLE).rungs and [*stage.service.channels] == ["log"]
    assert incident(stage, CHANNELS).rungs
    write_channels(stage.home, UNREACHABLE.replace("sms", "email") + UNREACHABLE)
    stage.service.turn()
    assert not incident(stage, CHANNEL_TROUBLE).rungs
    assert not incident(stage, CHANNELS).rungs, "what has not been tried may work"
    assert {"email", "sms", "log"} == set(stage.service.channels)
    names = [row["name"] for row in stage.service.dispatcher.shown()["channels"]]
    assert names == ["email", "sms", "log"]


def test_a_file_that_others_may_read_is_a_warning_and_is_used(stage, somebody):
    write_channels(stage.home, UNREACHABLE, 0o644)
    stage.service.turn()
    told = incident(stage, CHANNEL_TROUBLE)
    assert told.level == 2 and "chmod 600" in told.worst.sentence and "sms" in stage.service.channels
    assert "chmod 600" in troubles(somebody(stage, "Ada").log_in())
    write_channels(stage.home, BROKEN["a bad URL"])
    stage.service.turn()
    assert incident(stage, CHANNEL_TROUBLE).level == 3, "it has become worse"


def test_no_channel_by_a_malformed_file_halts_by_policy_only_when_something_waits(stage):
    write_channels(stage.home, BROKEN["nothing that is right"])
    stage.service.turn()
    stage.clock.advance(3_600)
    stage.service.turn()
    assert not [one for one in stage.sent() if one.act == "halt"], "a file without faults is all that is wanted"
    stage.loop.dies = True
    stage.loop.stop()
    damage_journal(stage)
    for _ in range(2):
        stage.service.turn()
        stage.clock.advance(3_600)
    assert [one.act for one in stage.sent()] == ["halt"]


def damage_journal(stage: Any) -> None:
    """The loop's journal is damaged: an emergency that is none of the channels'."""
    for path in stage.loop.folder.glob("journal.sqlite*"):
        path.unlink()
    (stage.loop.folder / "journal.sqlite").write_bytes(b"nothing of the kind" * 300)


def silent_journal(stage: Any) -> None:
    """The loop is gone without a good-bye."""
    stage.closing.close()
    stage.loop.dies = True
    stage.loop.stop()
    journal = Journal(stage.home / "live", Signer.open(stage.home / "live"))
    journal.write([], {"status": json.dumps(stage.loop.table)})
    journal.close(stage.clock())


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_the_watchdog_starts_complains_once_and_halts_a_silent_loop(stage, request_of, text):
    silent_journal(stage)
    now_ns = time.time_ns()
    # an earlier watchdog has told people of a planned end: this one finds it silent at its first look
    before = silence_alert("the loop was asked to stop", now_ns, on_purpose=True, halts=False)
    Heartbeat(now_ns, 1, "the loop was asked to stop", opened("W1", before, now_ns)).write(stage.home / "control")
    write_channels(stage.home, text)
    complaints, told = list[str](), list[str]()
    until = time.monotonic() + 8

    def over() -> bool:
        return time.monotonic() > until or bool(stage.sent())

    run_watchdog(request_of(stage.home), over, told.append, halt=True, complain=complaints.append)
    assert [one.act for one in stage.sent()] == ["halt"]
    (sentence,) = complaints
    assert "from line" in sentence and "used now: log" in sentence and CANARY not in f"{sentence}{told}"


def test_the_real_roster_files_raise_the_incident_and_end_it(stage, somebody):
    path = stage.home / "control" / ROSTER_FILE
    kept = shutil.copy2(path, stage.home / "kept.toml")
    path.write_text("[[people]\n")
    look_again(stage)
    told = incident(stage, ROSTER)
    assert told.level == 3 and told.rungs
    assert "the roster cannot be read, the last one is used" in told.worst.sentence
    assert "roster.toml is not valid TOML" in told.worst.sentence
    ada = somebody(stage, "Ada").log_in()
    assert "The roster cannot be read, the earlier one holds" in troubles(ada)
    path.write_bytes(Path(kept).read_bytes())
    look_again(stage)
    assert not incident(stage, ROSTER).rungs and not stage.service.files.trouble


def test_the_very_file_put_back_with_its_old_date_ends_the_trouble_too(stage):
    path = stage.home / "control" / ROSTER_FILE
    path.rename(stage.home / "kept.toml")
    look_again(stage)
    assert incident(stage, ROSTER).rungs and "there is no roster" in stage.service.files.trouble
    (stage.home / "kept.toml").rename(path)
    look_again(stage)
    assert not incident(stage, ROSTER).rungs and not stage.service.files.trouble


@pytest.mark.parametrize("text", ["x = " + "[" * 5_000, "x = " + "9" * 5_000, "\ud800"])
def test_no_roster_however_odd_ends_the_service(stage, text):
    path = stage.home / "control" / ROSTER_FILE
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    look_again(stage)
    assert incident(stage, ROSTER).rungs and "Ada" in stage.service.files.roster.people


def look_again(stage: Any) -> None:
    """As after the time between two looks at the files."""
    stage.service.files._looked_at -= LOOK_AT_FILES_SECONDS
    stage.service.turn()
