"""What people asked, in full and after a death too, and the charts' marks, from a journal that a book really wrote."""

import json

import pytest

from workbench.data.inbox import Command
from workbench.monitor.board.messages import History
from workbench.monitor.board.series import series_of
from workbench.monitor.board.source import Source
from workbench.runtime.projection.recent import Recent
from workbench.runtime.projection.since import LONGEST_REASON


def asked(rows) -> list[dict]:
    """Messages without what every one has."""
    return [{name: row[name] for name in row if name not in {"nonce", "time_ns", "refused"}} for row in rows]


def test_what_people_asked_is_shown_in_full_where_given_and_a_death_forgets_nothing(journaled, desk):
    life = journaled("people")
    for event in desk.market(2, daily=0.001):
        life.take(event)
    life.ask(Command.made("halt", "Ann", 1, reason="the broker\nis silent"))
    life.ask(Command.made("reduce", "Bob", 2, fraction=0.5))
    life.ask(Command.made("resume", "Ann", 3, approver="Bob", reason="all fine", rebaseline_peak=True))
    life.ask(Command.made("enable", "Ann", 4, approver="Bob", strategy="EURUSD"), "it is not locked")
    expected = [
        {"act": "enable", "actor": "Ann", "approver": "Bob", "strategy": "EURUSD"},
        {"act": "resume", "actor": "Ann", "approver": "Bob", "reason": "all fine", "rebaseline_peak": True},
        {"act": "reduce", "actor": "Bob", "fraction": 0.5},
        {"act": "halt", "actor": "Ann", "reason": "the broker is silent"},
    ]
    before = json.loads(life.show())["commands"]
    assert asked(before) == expected
    assert before[0]["refused"] == "it is not locked" and before[1]["refused"].startswith("not resumed")
    life.die()
    assert json.loads(life.show())["commands"] == before


def test_words_of_people_are_bounded_and_a_message_of_an_older_journal_is_read():
    recent = Recent()
    recent.commanded({"nonce": "0", "act": "reduce", "actor": "Bob"}, 1, "")
    recent.commanded({"nonce": "1", "act": "halt", "actor": "Bob", "reason": "x" * 2_000}, 2, "")
    long, old = json.loads(recent.texts()["commands"])
    assert old == {"nonce": "0", "act": "reduce", "actor": "Bob", "time_ns": 1, "refused": ""}
    assert len(long["reason"]) == LONGEST_REASON + 1


@pytest.fixture
def halted(journaled, desk):
    """A market in which rungs cut, then a person's halt, and rows after it."""
    life = journaled("marked")
    events = list(desk.market(62))
    for event in events[:-34]:
        life.take(event)
    life.ask(Command.made("halt", "Ann", 1, reason="enough"))
    life.ask(Command.made("reduce", "Bob", 2, fraction=0.5))
    for event in events[-34:]:
        life.take(event)
    life.show()
    source = Source(life.journal.folder)
    source.look()
    yield life, source
    source.close()


def test_changes_of_mode_and_condition_are_marked_from_the_rows_a_book_wrote(halted):
    life, source = halted
    found = series_of(source, "all", int(life.state.time_ns))
    words = [mark["words"] for mark in found.marks]
    assert words.count("mode REDUCING to HALTED") == 1
    assert any(one.startswith("condition ") and one.endswith(" to crisis") for one in words)
    assert {mark["level"] for mark in found.marks} == {0}


def test_the_page_is_told_decisions_and_alerts_each_once_and_cuts_by_the_moment(halted):
    _, source = halted
    marks = History(source).all("all", 0.0)["marks"]
    words = [mark["words"] for mark in marks]
    assert words.count("mode REDUCING to HALTED") == 1
    assert "alert level 3: a person halted trading" in words
    reduced = [row for row in source.projection["decisions"] if row.get("reason") == "OPERATOR_REDUCE"]
    assert len(reduced) > 1
    assert [one for one in words if one.startswith("a person")] == [f"a person closes part of {len(reduced)} positions"]
    source.projection["decisions"].clear()
    assert "mode REDUCING to HALTED" in {mark["words"] for mark in History(source).all("all", 0.0)["marks"]}
