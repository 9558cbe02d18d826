"""What people ask reaches the loop's inbox, is on record before, and comes back as what the loop did."""

import json
import time
from typing import Any

import pytest

from workbench.data.inbox import Command, Inbox
from workbench.data.journal.codec import decode_table
from workbench.data.journal.reader import JournalReader
from workbench.data.journal.rows import RowKind
from workbench.monitor.control.loop import Loop
from workbench.response.incidents.alert import Alert


def rows(stage: Any) -> list[dict[str, Any]]:
    with JournalReader(stage.home / "control") as reader:
        return [decode_table(row.body) for row in reader.rows(kinds=(RowKind.COMMAND, RowKind.NOTE))]


def test_a_halt_reaches_the_inbox_and_comes_back_as_entries_stopped(stage, person):
    answer = person("Ada").act("halt", reason="spread explodes")
    assert answer.status_code == 200, answer.text
    assert answer.json()["stage"] == "entries stopped" and answer.json()["certain"]
    (command,) = stage.sent()
    assert (command.act, command.actor, command.reason) == ("halt", "Ada", "spread explodes")
    assert command.nonce == answer.json()["nonce"]


def test_an_act_is_on_record_before_the_loop_hears_of_it(stage, person):
    person("Ada").act("halt")
    kinds = [row.get("kind", "asked") for row in rows(stage)]
    assert kinds == ["login", "asked", "incident", "acted", "sent", "outcome"]


def test_a_reduction_is_reported_by_the_positions(stage, person):
    answer = person("Ada").act("reduce", fraction=0.25).json()
    assert answer["stage"] == "reduced"
    assert stage.sent()[0].fraction == 0.25


def test_closing_all_says_that_the_book_is_flat_only_when_it_is(stage, person):
    stage.loop.slow_to_close = True
    ben = person("Ben")
    assert ben.act("close_all").json()["stage"] == "flattening"
    stage.loop.slow_to_close = False
    ben.step_up()
    assert ben.act("close_all").json()["stage"] == "flat"
    assert [one.act for one in stage.sent()] == ["flatten", "flatten"]


def test_without_a_loop_the_message_waits_and_the_answer_says_so(stage, person):
    ada = person("Ada")
    stage.loop.stop()
    answer = ada.act("halt").json()
    assert (answer["stage"], answer["certain"]) == ("waiting", True)
    assert "no loop is running" in answer["sentence"].lower()
    assert [one.act for one in stage.sent()] == ["halt"]


def test_three_quarters_in_two_steps_are_the_most_a_first_responder_takes(stage, person):
    ada = person("Ada")
    assert ada.act("reduce", fraction=0.5).status_code == 200
    assert ada.act("reduce", fraction=0.75).status_code == 403
    assert ada.act("reduce", fraction=0.5).status_code == 200
    refused = ada.act("reduce", fraction=0.01)
    assert refused.status_code == 403 and "75 %" in refused.json()["refused"]
    assert [one.fraction for one in stage.sent()] == [0.5, 0.5]


def test_a_dangerous_act_needs_a_fresh_code(stage, person):
    ada = person("Ada")
    stage.clock.advance(61)
    refused = ada.act("halt")
    assert refused.status_code == 403 and refused.json()["kind"] == "step-up"
    assert stage.sent() == []
    assert ada.post("/api/step-up", code="000000").status_code in (403, 200)
    assert ada.step_up().status_code == 200
    assert ada.act("halt").status_code == 200


def test_a_code_is_taken_once(stage, person):
    ada = person("Ada")
    code = stage.keys.code("Ada")
    assert ada.post("/api/step-up", code=code).status_code == 200
    assert ada.post("/api/step-up", code=code).status_code == 403


def test_a_replayed_nonce_is_refused_also_after_a_restart(stage, person):
    ada = person("Ada")
    nonce = "0" * 32
    assert ada.post("/api/act", nonce=nonce, act="halt").status_code == 200
    again = ada.post("/api/act", nonce=nonce, act="reduce", fraction=0.5)
    assert again.status_code == 409 and again.json()["kind"] == "replayed"
    assert len(stage.sent()) == 1
    assert "replayed" in [row.get("kind") for row in rows(stage)]


def test_to_resume_takes_two_people_the_same_state_and_a_quarter_of_an_hour(stage, person):
    ben, cleo = person("Ben"), person("Cleo")
    ben.act("halt")
    proposal = ben.ask("/api/propose", act="resume", rebaseline_peak=True).json()["rows"][0]
    own = ben.ask("/api/approve", proposal=proposal["id"])
    assert own.status_code == 403 and "two different people" in own.json()["refused"]
    answer = cleo.ask("/api/approve", proposal=proposal["id"])
    assert answer.status_code == 200 and answer.json()["stage"] == "resumed"
    resumed = stage.sent()[-1]
    assert (resumed.act, resumed.actor, resumed.approver, resumed.rebaseline_peak) == ("resume", "Ben", "Cleo", True)
    assert cleo.ask("/api/approve", proposal=proposal["id"]).status_code == 403


def test_a_first_responder_may_not_propose_to_resume(stage, person):
    assert person("Ada").ask("/api/propose", act="resume").status_code == 403


@pytest.mark.parametrize("change", ["late", "another state", "a new breach", "a halt in between"])
def test_a_proposal_is_void_once_anything_is_different(stage, person, change):
    ben, cleo = person("Ben"), person("Cleo")
    ben.act("halt")
    proposal = ben.ask("/api/propose", act="resume").json()["rows"][0]
    if change == "late":
        stage.clock.advance(15 * 60 + 1)
        cleo.step_up()
    elif change == "another state":
        stage.loop.mode("REDUCING")
    elif change == "a new breach":
        stage.loop.table["alerts"].insert(0, {"time_ns": stage.clock(), "level": 4, "ladder": "VOLATILITY", "rung": 3})
    else:
        cleo.act("halt")
    settle(stage)
    refused = cleo.ask("/api/approve", proposal=proposal["id"])
    assert refused.status_code == 403, refused.text
    assert "resume" not in [one.act for one in stage.sent()]


def settle(stage: Any) -> None:
    """Until the loop has shown what it is now."""
    time.sleep(0.6)


def test_a_halt_from_a_shell_that_waits_voids_a_proposal(stage, person):
    ben, cleo = person("Ben"), person("Cleo")
    ben.act("halt")
    proposal = ben.ask("/api/propose", act="resume").json()["rows"][0]
    stage.loop.stuck.set()
    Inbox(stage.loop.folder / "inbox").send(Command.made("halt", "a shell", stage.clock()))
    assert cleo.ask("/api/approve", proposal=proposal["id"]).status_code in (403, 503)
    stage.loop.stuck.clear()


def test_an_approval_tells_the_loop_up_to_which_row_it_was_judged(stage, person):
    ben, cleo = person("Ben"), person("Cleo")
    ben.act("halt")
    proposal = ben.ask("/api/propose", act="resume").json()["rows"][0]
    assert cleo.ask("/api/approve", proposal=proposal["id"]).status_code == 200
    halt, resume = stage.sent()
    assert (halt.seen, resume.seen) == (0, stage.loop.table["journal"]["sequence"])


class Overtaken(Loop):
    """The loop takes every message that waits just after it was looked at, and has not shown that yet."""

    def look(self) -> bool:
        news = super().look()
        for path, _ in self.inbox.waiting():
            self.inbox.done(path)
        return news


def test_a_halt_that_is_taken_while_the_loop_is_looked_at_changes_what_a_proposal_is_bound_to(stage):
    loop = Overtaken(stage.loop.folder, lambda: False)
    stage.loop.stuck.set()
    before = loop.state()
    assert loop.state() == before
    loop.inbox.send(Command.made("halt", "a shell", stage.clock()))
    assert loop.state() != before


def test_nothing_is_loosened_while_the_loop_is_not_seen(stage, person):
    ben = person("Ben")
    stage.loop.stop()
    stage.clock.advance(5)
    assert ben.ask("/api/propose", act="resume").status_code == 503


def test_ticks_are_kept_with_person_and_time(stage, person):
    ada = person("Ada")
    found = ada.ask("/api/procedure", procedure="first_response", step=1, done=True).json()["rows"]
    step = found[0]["steps"][1]
    assert (step["done"], step["person"]) == (True, "Ada")
    assert person("Vic").ask("/api/procedure", procedure="first_response", step=1, done=False).status_code == 403
    assert ada.ask("/api/procedure", procedure="first_response", step=77, done=True).status_code == 409


def test_an_alert_becomes_an_incident_that_is_acknowledged(stage, person):
    ada = person("Ada")
    stage.service.dispatcher.raise_alert(
        Alert("made:1", 3, "made up", stage.clock(), "the <b>spread</b> explodes", lasts=True), stage.clock()
    )
    (incident,) = ada.http.get("/api/incidents").json()["rows"]
    assert incident["sentence"] == "the <b>spread</b> explodes"
    answer = ada.ask("/api/acknowledge", incident=incident["id"])
    assert answer.status_code == 200 and answer.json()["rows"][0]["acknowledged"]
    assert ada.ask("/api/acknowledge", incident="I99").status_code == 409


def test_what_is_shown_holds_no_secret(stage, person):
    ada = person("Ada")
    ada.act("halt")
    shown = json.dumps([ada.http.get(path).json() for path in ("/api/status", "/api/contacts", "/api/procedures")])
    kept = json.dumps(rows(stage))
    for secret in ("several words are easy", stage.keys.secrets["Ada"], ada.http.cookies["workbench_session"]):
        assert secret not in shown and secret not in kept
