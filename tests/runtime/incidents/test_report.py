"""The report of an incident: what happened in words, from both journals, and what is said where one is missing."""

import json

import pytest

from workbench.data.journal.codec import encode_table
from workbench.data.journal.rows import Row, RowKind
from workbench.domain.errors import DataError
from workbench.runtime.incidents.clocks import Clocks
from workbench.runtime.incidents.words import duration, listed

SECOND, MINUTE = 1_000_000_000, 60_000_000_000


def answered(play):
    play.breach()
    play.turn(0.2)
    play.turn(40)
    play.acknowledge("ann")


def test_the_summary_says_what_happened_who_answered_how_it_ended_and_what_it_cost(play):
    answered(play)
    play.turn(20)
    play.release()
    said = " ".join(play.report().summary)
    assert "Drawdown rung 1: 6.00 % against a trigger of 5.00 %" in said
    assert "The system by itself: " in said and "mode went ACTIVE → REDUCING" in said
    assert "It made 1 order, all filled" in said
    assert "ann acknowledged it 40 s after it opened, in time" in said
    assert "No person acted on the book from the page" in said
    assert "It closed after 1 min 00 s" in said
    assert "from 998,000 to 997,500 USD, −500 USD (−0.05 %)" in said and "worst drawdown was 0.25 %" in said


def test_an_open_incident_is_reported_as_far_as_it_has_gone(play):
    play.breach()
    play.turn(0.2)
    report = play.report()
    assert (
        report.is_open
        and "still open" in " ".join(report.summary)
        and "Nobody has acknowledged it" in report.summary[5]
    )
    assert any("still open" in note for note in report.notes)


def test_the_timeline_has_both_journals_in_one_order(play):
    answered(play)
    play.tick("first_response", 0)
    play.tick("first_response", 1)
    play.release()
    told = [(one.kind, one.by) for one in play.report().timeline]
    kinds = [kind for kind, _ in told]
    assert kinds.index("decision") < kinds.index("orders") < kinds.index("alert") < kinds.index("page")
    assert ("answer", "ann") in told and told.count(("check", "ann")) == 1 and kinds[-1] == "course"
    times = [one.time_ns for one in play.report().timeline]
    assert times == sorted(times)
    page = next(one for one in play.report().timeline if one.kind == "page")
    assert "chat handed over" in page.why and "text message to ann, ben, cara and dan handed over" in page.why


def test_orders_have_state_fill_and_slippage(play):
    answered(play)
    [order] = play.report().orders
    assert (order.pair, order.units, order.filled, order.state) == ("EURUSD", -5_000.0, -5_000.0, "filled")
    assert order.slippage_pips == pytest.approx(2.0) and order.done_seconds == 1.0


def test_an_order_that_is_filled_after_the_end_is_followed(play):
    play.breach()
    play.turn(0.1)
    play.acknowledge("ann")
    play.desk.say(play.module.released(1, time_ns=play.now_ns))
    play.turn(0.1)
    report = play.report()
    assert report.closed_ns is not None and report.closed_ns < play.module.NOON + SECOND
    assert [one.state for one in report.orders] == ["filled"]


def test_a_tick_taken_back_is_a_line_of_its_own_and_the_step_says_who(play):
    answered(play)
    play.tick("stabilise", 2, person="ben")
    play.turn(5)
    play.tick("stabilise", 2, done=False, person="cara")
    step = play.report().checklists[1].steps[2]
    assert (step.done, step.person) == (False, "cara")
    assert any(one.by == "cara" and "takes back" in one.what for one in play.report().timeline)


def test_lessons_are_kept_with_person_time_and_way_also_after_the_end(play):
    answered(play)
    play.release()
    play.turn(3600)
    play.note(kind="lessons", incident="I1", person="dan", text="look\nsooner", via="page")
    play.note(kind="lessons", incident="I2", person="dan", text="of another one", via="page")
    [lesson] = play.report().lessons
    assert (lesson.person, lesson.text, lesson.via, lesson.time_ns) == ("dan", "look\nsooner", "page", play.now_ns)


def test_what_was_asked_in_a_shell_is_told_and_what_came_from_the_page_is_told_once(play):
    play.breach()
    play.turn(2)
    play.ask("a" * 32, "ann", "halt")
    shell = {
        "nonce": "b" * 32,
        "act": "reduce",
        "fraction": 0.5,
        "actor": "root",
        "reason": "in a hurry",
        "refused": "",
    }
    page = {"nonce": "a" * 32, "act": "halt", "actor": "ann", "reason": "", "refused": ""}
    play.desk.loop.write([Row(RowKind.COMMAND, play.now_ns, encode_table(one)) for one in (shell, page)])
    acts = [(one.by, one.what, one.why) for one in play.report().timeline if one.kind == "act"]
    assert ("root", "asks the loop to reduce by 50 %", "in a hurry") in acts and len(acts) == 2


def test_another_journal_of_the_loop_is_said_and_the_people_are_still_told(play):
    answered(play)
    play.desk.loop.close(play.now_ns)
    for path in (play.desk.folder / "live").glob("journal*"):
        path.unlink()
    play.desk.loop = play.module.Journal(play.desk.folder / "live", play.module.ONE_KEY)
    world = {"world": {"feed": "tail:x", "label": "Another"}}
    play.desk.loop.write([Row(RowKind.START, play.now_ns, encode_table(world))])
    report = play.report()
    assert "another journal" in report.notes[0] and report.curve is None and not report.orders
    assert any(one.kind == "answer" for one in report.timeline)


def test_without_a_journal_of_the_loop_the_report_says_so(play):
    answered(play)
    play.desk.loop.close(play.now_ns)
    for path in (play.desk.folder / "live").glob("journal*"):
        path.unlink()
    assert "cannot be read" in play.report().notes[0]
    play.desk.loop = play.module.Journal(play.desk.folder / "live", play.module.ONE_KEY)


def test_an_incident_that_does_not_exist_is_refused_with_where_to_look(play):
    with pytest.raises(DataError, match="workbench incident list"):
        play.report("I77")


def test_a_clock_of_the_loops_own_is_turned_into_ours_and_said(new_play):
    play = new_play(feed="replay:brexit-2016")
    answered(play)
    now = {"loop": {"wall_ns": play.now_ns, "now_ns": play.module.NOON + 60 * 40 * SECOND, "speed": 60.0}}
    play.desk.loop.write([], {"status": json.dumps(now)})
    report = play.report()
    decision = next(one for one in report.timeline if one.decision is not None)
    assert decision.loop_ns is not None and any("clock of its own" in note for note in report.notes)
    assert abs(decision.time_ns - play.module.NOON) < 2 * SECOND
    assert report.curve is not None and report.curve.clock != "UTC"


def test_times_between_two_meetings_are_in_proportion_and_beyond_them_at_the_speed():
    clocks = Clocks.met([(100, 1_000), (200, 3_000), (150, 900)], 60.0)
    assert [clocks.ours(one) for one in (1_000, 2_000, 3_000, 3_600)] == [100, 150, 200, 210]
    assert [clocks.loops(one) for one in (90, 150, 210)] == [400, 2_000, 3_600]
    assert Clocks().ours(5) == Clocks().loops(5) == 5
    assert Clocks.met([(100, 1_000)], 0.0).ours(9_000) == 100


@pytest.mark.parametrize(
    ("span_ns", "said"),
    [(0, "0.0 s"), (400_000_000, "0.4 s"), (12 * SECOND, "12 s"), (200 * SECOND, "3 min 20 s"),
     (125 * MINUTE, "2 h 05 min"), (76 * 60 * MINUTE, "3 d 4 h")],
)  # fmt: skip
def test_durations_have_two_units_at_most(span_ns, said):
    assert duration(span_ns) == said
    assert listed(["a", "b", "c"]) == "a, b and c" and listed(["a"]) == "a" and listed([]) == ""
