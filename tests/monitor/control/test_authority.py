"""Who may do what by the page, alone and at once: refused, or resolved to the most restrictive; no more is sent."""

import asyncio
import secrets
from typing import Any

import httpx
import pytest

from workbench.app.control.rules import in_words
from workbench.response.incidents.alert import MANUAL_ACT
from workbench.response.people.authority import Act

ACTS = ("halt", "reduce", "full_halt", "close_all", "cancel_all", "shut_down", "notify_regulator")
MAY = {
    "": "", "Vic": "", "Ada": "halt reduce", "Ben": "halt reduce full_halt close_all cancel_all",
    "Cleo": "halt reduce full_halt close_all cancel_all", "Dan": " ".join(ACTS),
}  # fmt: skip
SENT_AS = {"close_all": "flatten", "notify_regulator": ""}
STAGES = {
    "halt": "entries stopped", "reduce": "reduced", "full_halt": "halted in full", "close_all": "flat",
    "cancel_all": "cancelled", "shut_down": "shut down", "notify_regulator": "recorded",
}  # fmt: skip


def body(act: str, **more: Any) -> dict[str, Any]:
    given = {"fraction": 0.5} if act == "reduce" else {}
    return {"nonce": secrets.token_hex(16), "act": act, "reason": "a drill of the rules", **given, **more}


def at_once(*asked: tuple[Any, str, dict[str, Any]]) -> list[httpx.Response]:
    """What several people send within a few milliseconds, in this order."""

    async def all_of_them() -> list[httpx.Response]:
        return await asyncio.gather(*(who.http.client.post(path, json=table) for who, path, table in asked))

    return asyncio.run(all_of_them())


@pytest.mark.parametrize("name", MAY)
@pytest.mark.parametrize("act", ACTS)
def test_each_level_may_do_what_the_policy_says_and_nothing_more(stage, person, name, act):
    answer = person(name).post("/api/act", **body(act))
    if act in MAY[name].split():
        assert (answer.status_code, answer.json()["stage"]) == (200, STAGES[act]), answer.text
        assert [one.act for one in stage.sent()] == [one for one in [SENT_AS.get(act, act)] if one]
    else:
        assert answer.status_code == (403 if name else 401)
        assert stage.sent() == []


@pytest.mark.parametrize("name", ["Vic", "Ada", "Ben", "Dan"])
def test_the_page_is_told_which_acts_a_person_has(person, name):
    told = person(name).http.get("/api/me").json()["may"]
    assert [act for act in told if act in ACTS] == [act for act in ACTS if act in MAY[name].split()]


REDUCTIONS = [
    # first, second, what is sent
    (("Ada", "reduce", 0.25), ("Ben", "reduce", 0.5), ("reduce", 0.5, "Ben")),
    (("Ben", "reduce", 0.5), ("Ada", "reduce", 0.25), ("reduce", 0.5, "Ben")),
    (("Ada", "reduce", 0.5), ("Ben", "reduce", 0.5), ("reduce", 0.5, "Ada")),
    (("Ada", "reduce", 0.25), ("Cleo", "close_all", 1.0), ("flatten", 1.0, "Cleo")),
    (("Ben", "close_all", 1.0), ("Cleo", "close_all", 1.0), ("flatten", 1.0, "Ben")),
    (("Ben", "reduce", 0.25), ("Ada", "reduce", 0.75), ("reduce", 0.75, "Ada")),
]


@pytest.mark.parametrize(("first", "second", "sent"), REDUCTIONS)
def test_of_two_reductions_at_once_the_larger_is_done_once(patient, stage, person, first, second, sent):
    asked = [(person(who), "/api/act", body(act, fraction=fraction)) for who, act, fraction in (first, second)]
    answers = at_once(*asked)
    assert [one.status_code for one in answers] == [200, 200], [one.text for one in answers]
    assert [(one.act, one.fraction, one.actor) for one in stage.sent()] == [sent]
    told = [one.json()["sentence"] for one in answers]
    assert sum("at the same moment: the larger of the two is done, once" in one for one in told) == 1
    reductions = stage.service.parts.records.records.reductions
    assert [one.person for one in reductions] == [sent[2]], "what was merged counts for nobody"
    assert stage.service.parts.records.records.unsettled == {}


def test_what_came_at_once_counts_once_for_the_cap(patient, stage, person):
    ada, ben = person("Ada"), person("Ben")
    halves = [(ada, "/api/act", body("reduce")), (ben, "/api/act", body("reduce", fraction=0.25))]
    assert [one.status_code for one in at_once(*halves)] == [200, 200]
    assert ada.act("reduce", fraction=0.5).status_code == 200, "0.5 + 0.5 × 0.5 = 0.75"
    assert ada.act("reduce", fraction=0.1).status_code == 403


@pytest.mark.parametrize("halting", ["halt", "full_halt", "reduce", "cancel_all"])
def test_an_approval_that_comes_at_once_with_what_restricts_is_refused(stage, person, halting):
    ben, cleo, dan = person("Ben"), person("Cleo"), person("Dan")
    ben.act("halt")
    proposal = ben.ask("/api/propose", act="resume").json()["rows"][0]["id"]
    approval = {"nonce": secrets.token_hex(16), "proposal": proposal}
    answers = at_once((dan, "/api/act", body(halting)), (cleo, "/api/approve", approval))
    assert [one.status_code for one in answers] == [200, 403]
    assert "resume" not in [one.act for one in stage.sent()]


def test_whichever_is_first_a_halt_and_an_approval_leave_the_book_halted(stage, person):
    ben, cleo, ada = person("Ben"), person("Cleo"), person("Ada")
    ben.act("halt")
    proposal = ben.ask("/api/propose", act="resume").json()["rows"][0]["id"]
    approval = {"nonce": secrets.token_hex(16), "proposal": proposal}
    answers = at_once((cleo, "/api/approve", approval), (ada, "/api/act", body("halt")))
    assert [one.status_code for one in answers] == [200, 200]
    assert [one.act for one in stage.sent()] == ["halt", "resume", "halt"]
    assert stage.loop.table["book"]["mode"] == "HALTED"


def test_a_halt_waits_for_nobody(patient, stage, person):
    ada, ben = person("Ada"), person("Ben")
    answers = at_once((ada, "/api/act", body("reduce")), (ben, "/api/act", body("halt")))
    assert [one.status_code for one in answers] == [200, 200]
    assert [one.act for one in stage.sent()] == ["halt", "reduce"], "the reduction had to wait, the halt had not"


def manual(stage: Any) -> list[Any]:
    return [one for one in stage.service.dispatcher.incidents.all() if one.cause == MANUAL_ACT]


def test_an_act_opens_an_incident_of_its_own_before_it_is_counted(stage, person):
    person("Ada").act("reduce", fraction=0.25, reason="the spread explodes")
    (incident,) = manual(stage)
    (done,) = stage.service.parts.records.records.reductions
    assert incident.level == 3 and incident.paging_ns is not None and incident.opened_ns <= done.time_ns
    assert incident.worst.sentence == "Ada reduces every position by 25 %: the spread explodes"
    assert incident.table()["facts"]["waits"].startswith("somebody else to look at it")


def test_a_weightier_act_pages_again_and_a_milder_one_joins(stage, person):
    ben = person("Ben")
    ben.act("halt")
    first = manual(stage)[0].worst
    ben.act("cancel_all")
    assert manual(stage)[0].worst == first
    ben.act("close_all")
    (incident,) = manual(stage)
    assert (incident.count, incident.worst.sentence) == (3, "Ben closes every position")


def test_whoever_acknowledges_what_they_did_themselves_does_not_begin_anew(stage, person):
    ada, ben = person("Ada"), person("Ben")
    assert ada.act("reduce", fraction=0.75).status_code == 200
    assert ada.ask("/api/acknowledge", incident=manual(stage)[0].id).status_code == 200
    assert manual(stage)[0].closed_ns is not None
    assert ada.act("reduce", fraction=0.1).status_code == 403
    assert ada.act("halt").status_code == 200, "it opens another incident"
    assert ben.ask("/api/acknowledge", incident=manual(stage)[0].id).status_code == 200
    assert ada.act("reduce", fraction=0.1).status_code == 200, "somebody from L2 has seen it"


def test_what_nobody_of_l2_has_seen_lasts_a_day_for_the_cap(stage, person):
    ada = person("Ada")
    assert ada.act("reduce", fraction=0.75).status_code == 200
    ada.ask("/api/acknowledge", incident=manual(stage)[0].id)
    stage.clock.advance(23 * 3600)
    ada.log_in()
    assert ada.act("reduce", fraction=0.1).status_code == 403
    stage.clock.advance(3601)
    ada.log_in()
    assert ada.act("reduce", fraction=0.1).status_code == 200


def test_a_shut_down_says_plainly_that_positions_remain_and_is_shown_afterwards(stage, person):
    dan = person("Dan")
    left = sum(row["units"] != 0 for row in stage.loop.table["book"]["positions"])
    answer = dan.act("shut_down", reason="the machine room is on fire").json()
    assert answer["stage"] == "shut down" and answer["certain"]
    assert f"{left} POSITIONS REMAIN AND NOTHING PROTECTS THEM" in answer["sentence"]
    stage.clock.advance(2)
    source = dan.http.get("/api/status").json()["source"]
    assert source["state"] == "no-loop" and "Dan shut it down" in source["sentence"]
    assert f"{left} POSITIONS REMAIN" in source["sentence"]
    (incident,) = manual(stage)
    assert incident.level == 4
    again = dan.act("shut_down")
    assert again.status_code == 409 and "nothing to shut down" in again.json()["refused"]
    assert [one.act for one in stage.sent()] == ["shut_down"] and manual(stage)[0].count == 1


def test_a_full_halt_is_told_only_when_nothing_that_grows_waits(stage, person):
    order = {"id": "o", "state": "SENT", "reduce_only": False}
    closing = {"id": "p", "state": "SENT", "reduce_only": True}
    stage.loop.table["orders"] = [order, closing]
    answer = person("Ben").act("full_halt").json()
    assert answer["stage"] == "halted in full" and order["state"] == "CANCELLED"
    assert closing["state"] == "SENT", "what closes positions goes on"


def test_a_notice_to_the_regulator_is_recorded_in_words_and_sent_to_nobody(stage, person):
    dan = person("Dan")
    assert dan.act("notify_regulator").status_code == 409
    answer = dan.act("notify_regulator", reason="told the authority by telephone at 14:02").json()
    assert answer["stage"] == "recorded" and "Nothing was sent" in answer["sentence"]
    assert stage.sent() == [] and manual(stage) == []


def test_an_act_in_words():
    assert in_words("Ada", Act("reduce", 0.125)) == "Ada reduces every position by 12.5 %"
    assert in_words("Dan", Act("shut_down"), "fire") == (
        "Dan SHUTS THE SYSTEM DOWN: positions remain and nothing protects them: fire"
    )
