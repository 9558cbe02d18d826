"""What is said of a loop that was shut down: how it ended, and which orders may still fill; and of a failed disk."""

import asyncio
import json

import pytest

from workbench.data.inbox import Command
from workbench.data.journal.storage import JournalError
from workbench.domain.errors import ExecutionError
from workbench.monitor.control import service
from workbench.runtime.live.ending import Ending
from workbench.runtime.live.outside import Rhythm

MAY_FILL = ("SENT", "PART_FILLED", "UNKNOWN")


def shut_down(stage, person, states):
    rows = [{"id": str(place), "state": state, "reduce_only": True} for place, state in enumerate(states)]
    stage.loop.table["orders"] = rows
    return person("Dan").act("shut_down", reason="fire").json()


def test_orders_that_may_still_fill_are_counted_in_the_answer_and_on_the_page(stage, person):
    for row in stage.loop.table["book"]["positions"]:
        row["units"] = row["target"] = 0
    answer = shut_down(stage, person, (*MAY_FILL, "FILLED", "CANCELLED", "REJECTED", "REFUSED"))
    assert "3 ORDERS MAY STILL FILL AND NOTHING PROTECTS WHAT THEY OPEN" in answer["sentence"]
    assert "No position is left" not in answer["sentence"] and "in good order" in answer["sentence"]
    stage.clock.advance(2)
    source = person().http
    source.cookies.update(person("Dan").http.cookies)
    assert "3 ORDERS MAY STILL FILL" in source.get("/api/status").json()["source"]["sentence"]


def test_a_book_with_nothing_left_says_so(stage, person):
    for row in stage.loop.table["book"]["positions"]:
        row["units"] = row["target"] = 0
    answer = shut_down(stage, person, ("FILLED",))
    assert answer["sentence"].endswith("in good order. No position is left.") and answer["certain"]


def test_good_order_is_said_only_when_the_loop_has_written_its_last_word(stage, person):
    stage.loop.dies = True
    answer = shut_down(stage, person, ())
    assert answer["sentence"].startswith("The loop has ended; how is not known.") and not answer["certain"]
    assert "good order" not in answer["sentence"] and "POSITIONS REMAIN" in answer["sentence"]


PROTECTED = "no stop, no limit and no halt works until a loop runs again"


@pytest.mark.parametrize(("held", "orders", "said"), [
    ((), 0, "; no position is left and no order is on its way"),
    ((0.0, 5.0), 0, f"; 1 POSITION REMAINS AND NOTHING PROTECTS IT: {PROTECTED}"),
    ((0.0, 0.0), 1, "; 1 ORDER MAY STILL FILL AND NOTHING PROTECTS WHAT IT OPENS"),
    ((-3.0, 5.0), 2, f"; 2 POSITIONS REMAIN AND NOTHING PROTECTS THEM: {PROTECTED}; "
                     "2 ORDERS MAY STILL FILL AND NOTHING PROTECTS WHAT THEY OPEN"),
])  # fmt: skip
@pytest.mark.parametrize("planned", [True, False])
def test_the_loops_last_row_counts_what_it_leaves_whether_shut_down_or_stopped(held, orders, said, planned):
    ending, rhythm = Ending(0, Rhythm()), Rhythm()
    assert not ending.due(0, range(orders)) and ending.left == ()
    if planned:
        ending.hear(Command.made("shut_down", "dan", 1), "", 1)
        assert ending.due(1 + rhythm.last_orders_ns, range(orders))
    word = ending.last_word({str(place): units for place, units in enumerate(held)}, range(orders))
    reason = "the loop was shut down by dan" if planned else "the loop was asked to stop"
    assert word == {"kind": "stopped", "sentence": reason + said}


@pytest.mark.parametrize(("error", "kind"), [(JournalError("x"), "not-recorded"), (ExecutionError("x"), "not-done")])
def test_a_journal_that_cannot_be_written_is_told_apart_from_an_act_that_failed(error, kind):
    answer = asyncio.run(service._in_words(None, error))
    assert answer.status_code == 503 and json.loads(answer.body)["kind"] == kind
