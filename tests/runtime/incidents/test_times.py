"""Times of an incident against the policy: met, missed, or not judged yet."""

import pytest

from workbench.domain.trading.orders import OrderState

CHECKLISTS = {"first_response": 5, "stabilise": 4, "recover": 5}


def judged(play, beginning):
    return [(one.took, one.met) for one in play.timed(beginning)]


def test_what_went_well_is_met_from_the_first_reading_to_the_last_tick(play):
    play.breach()
    play.turn(0.5)
    play.turn(70)
    play.acknowledge("ann")
    for name, count in CHECKLISTS.items():
        for step in range(count):
            play.tick(name, step)
    play.release()
    report = play.report()
    assert [(one.what, one.took) for one in report.times] == [
        ("First reading above the trigger → decision", "2.0 s"),
        ("Drawdown rung 1: decision → every order filled", "1.0 s"),
        ("Level 3 alert → the first channel has it", "0.5 s"),
        ("Level 3 acknowledged", "1 min 10 s"),
        ("Checklist: First response", "1 min 10 s"),
        ("Checklist: Stabilise", "1 min 10 s"),
        ("Checklist: Recover", "1 min 10 s"),
    ]
    assert {one.met for one in report.times} == {True} and report.closed_ns is not None


@pytest.mark.parametrize("state", [OrderState.REJECTED, OrderState.UNKNOWN, OrderState.CANCELLED])
def test_an_order_that_was_not_filled_misses_the_target(play, state):
    play.breach(state=state)
    play.turn(0.5)
    assert judged(play, "Drawdown rung 1") == [("1 of 1 not filled", False)]


def test_a_rung_that_trips_again_is_judged_by_its_worst_time(play):
    play.breach()
    play.turn(1)
    again = play.module.rung(3, 1, time_ns=play.now_ns)
    play.desk.say(again)
    play.turn(1)
    [found] = play.timed("Drawdown rung 1")
    assert found.took == "1.0 s" and "tripped 2 times" in found.note


def test_missed_targets_stand_first(play):
    play.breach()
    play.turn(0.5)
    play.turn(400)
    verdicts = [one.met for one in play.report().times]
    assert verdicts[0] is False and verdicts == sorted(verdicts, key=lambda one: one is not False)


def test_an_order_that_was_filled_too_late_misses_the_target(play):
    play.breach(due_seconds=0.5)
    play.turn(0.5)
    assert judged(play, "Drawdown rung 1") == [("1.0 s", False)]


def test_a_page_that_no_channel_took_misses_the_target(new_play):
    play = new_play(channels={})
    play.breach()
    play.turn(0.5)
    [other] = [one for one in play.control.incidents.open() if one.cause == "drawdown"]
    [found] = [one for one in play.report(other.id).times if one.what.startswith("Level 3 alert")]
    assert (found.took, found.met) == ("no channel took it", False)


def test_a_dispatcher_that_comes_late_is_late_from_the_decision_of_the_loop(play):
    play.breach()
    play.turn(6)
    assert judged(play, "Level 3 alert") == [("6.0 s", False)]


def test_an_answer_after_the_deadline_is_missed_and_a_receipt_of_a_viewer_is_none(play):
    play.breach()
    play.turn(0.1)
    play.acknowledge("vera")
    assert judged(play, "Level 3 acknowledged") == [("not yet", None)]
    play.turn(301)
    assert judged(play, "Level 3 acknowledged") == [("nobody did", False)]
    play.acknowledge("cara")
    assert judged(play, "Level 3 acknowledged") == [("5 min 01 s", False)]


def test_an_escalation_is_judged_to_the_second(new_play):
    for late, took in ((0, ("on time", True)), (3, ("3.0 s late", False))):
        play = new_play()
        play.breach()
        play.turn(0.0)
        play.turn(300 + late)
        assert judged(play, "Escalation, step 2") == [took]


def test_what_l1_did_not_pass_on_is_missed_and_l2_answers_for_it(play):
    play.breach()
    play.turn(0.0)
    play.acknowledge("ann")
    play.turn(0.1)
    minutes = play.desk.policy.people.roles.L1.escalates_within_minutes
    play.turn(minutes * 60)
    assert judged(play, "L1 tells L2") == [("L1 did not: L2 was paged", False)]
    assert judged(play, "Level 3 acknowledged by L2") == [("not yet", None)]
    play.acknowledge("cara")
    assert judged(play, "Level 3 acknowledged by L2")[0][1] is True


def test_a_checklist_is_open_until_its_time_is_over_and_then_missed(play):
    play.breach()
    play.turn(0.0)
    play.tick("first_response", 0)
    play.tick("first_response", 1)
    play.tick("first_response", 1, done=False)
    assert judged(play, "Checklist: First") == [("4 of 5 steps open", None)]
    play.turn(301)
    assert judged(play, "Checklist: First") == [("4 of 5 steps open", False)]
    for step in range(5):
        play.tick("first_response", step)
    assert judged(play, "Checklist: First") == [("5 min 01 s", False)]
    assert judged(play, "Checklist: Stabilise") == [("4 of 4 steps open", None)]


def test_what_people_asked_is_timed_to_the_answer_of_the_loop(play):
    play.breach()
    play.turn(0.1)
    play.ask("a", "ann", "halt")
    play.note(kind="sent", nonce="a")
    play.ask("b", "ann", "close_all")
    play.note(kind="refused", nonce="b", because="close_all takes L2")
    play.ask("c", "cara", "reduce", fraction=0.5)
    play.note(kind="sent", nonce="c")
    play.turn(2)
    play.note(kind="outcome", nonce="a", person="ann", stage="entries stopped", sentence="The book is HALTED.")
    found = [(one.what, one.took, one.met) for one in play.report().times if "the loop acted" in one.what]
    assert found == [
        ("cara: reduce → the loop acted", "no answer from the loop", False),
        ("ann: halt → the loop acted", "2.0 s", True),
    ]
    told = {one.what: one.good for one in play.report().timeline if one.kind == "act"}
    assert told == {"asks to halt": True, "asks to close every position": False, "asks to reduce by 50 %": None}
