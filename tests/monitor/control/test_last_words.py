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


@pytest.mark.parametrize(("orders", "said"), [
    (0, "positions remain as they are"),
    (1, "; 1 ORDER MAY STILL FILL AND NOTHING PROTECTS WHAT IT OPENS"),
    (2, "; 2 ORDERS MAY STILL FILL AND NOTHING PROTECTS WHAT THEY OPEN"),
])  # fmt: skip
def test_the_loops_last_row_counts_the_orders_it_leaves(orders, said):
    ending, rhythm = Ending(0, Rhythm()), Rhythm()
    assert not ending.due(0, range(2)) and ending.sentence == "the loop was asked to stop"
    ending.hear(Command.made("shut_down", "dan", 1), "", 1)
    assert ending.due(1 + rhythm.last_orders_ns, range(orders))
    assert ending.sentence.startswith("the loop was shut down by dan") and ending.sentence.endswith(said)


@pytest.mark.parametrize(("error", "kind"), [(JournalError("x"), "not-recorded"), (ExecutionError("x"), "not-done")])
def test_a_journal_that_cannot_be_written_is_told_apart_from_an_act_that_failed(error, kind):
    answer = asyncio.run(service._in_words(None, error))
    assert answer.status_code == 503 and json.loads(answer.body)["kind"] == kind
