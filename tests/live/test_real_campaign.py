"""The campaigns with real processes: what is broken is counted, and what they do to the program breaks nothing."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from real_processes.breach import HALT_WAITS, OPENING, ScriptedBreach
from real_processes.company import crowds, disconnected_after
from real_processes.damage import flipped_bits
from real_processes.deaths import failed_syncs, full_disks
from real_processes.promises import broken_promises
from real_processes.tally import RealTally, real_table


@pytest.fixture(scope="module")
def sound(warm_process, plans, tmp_path_factory) -> ScriptedBreach:
    """A breach that nothing has disturbed."""
    breach = ScriptedBreach(warm_process, plans, tmp_path_factory.mktemp("sound"))
    assert breach.broken(breach.undisturbed) == []
    return breach


def execution(books: sqlite3.Connection, number: int) -> dict:
    [(content,)] = books.execute("SELECT content FROM executions WHERE number = ?", (number,))
    return json.loads(content)


def add_execution(books: sqlite3.Connection, one: dict) -> None:
    [(last,)] = books.execute("SELECT MAX(number) FROM executions")
    books.execute("INSERT INTO executions VALUES (?, ?)", (last + 1, json.dumps({**one, "number": last + 1})))


def execute_twice(books: sqlite3.Connection) -> None:
    books.execute("INSERT INTO entries SELECT number + 1000, id, ended, content FROM entries WHERE number = 1")
    add_execution(books, execution(books, 1))


def grow(books: sqlite3.Connection) -> None:
    one = execution(books, 1)
    add_execution(books, {**one, "units": -0.1 * one["units"]})


def turn(books: sqlite3.Connection) -> None:
    one = execution(books, 1)
    add_execution(books, {**one, "units": -2.0 * OPENING[one["strategy"]]})


def leave_unfinished(books: sqlite3.Connection) -> None:
    books.execute("DELETE FROM executions WHERE number = (SELECT MAX(number) FROM executions)")


def order_without_intent(books: sqlite3.Connection) -> None:
    books.execute("INSERT INTO entries SELECT number + 1000, 'nobody-1', ended, content FROM entries WHERE number = 1")


def cut_off(journal: sqlite3.Connection) -> None:
    journal.execute("DELETE FROM journal WHERE sequence > (SELECT MAX(sequence) - 3 FROM journal)")


def rewrite(journal: sqlite3.Connection) -> None:
    journal.execute("UPDATE journal SET time_ns = time_ns + 1 WHERE sequence = 5")


def let_go(journal: sqlite3.Connection) -> None:
    [(body,)] = journal.execute("SELECT body FROM shown WHERE key = 'status'")
    table = json.loads(body)
    table["book"]["mode"] = "ACTIVE"
    journal.execute("UPDATE shown SET body = ? WHERE key = 'status'", (json.dumps(table),))


PLANTED = [
    ("paper.sqlite", execute_twice, "I1"),
    ("paper.sqlite", order_without_intent, "I2"),
    ("paper.sqlite", grow, "I3"),
    ("paper.sqlite", turn, "I3"),
    ("journal.sqlite", let_go, "I4"),
    ("journal.sqlite", cut_off, "I5"),
    ("journal.sqlite", rewrite, "I5"),
    ("paper.sqlite", leave_unfinished, "I6"),
    ("paper.sqlite", leave_unfinished, "I8"),
]


@pytest.mark.parametrize(("file", "doctor", "promise"), PLANTED)
def test_a_promise_broken_in_the_files_is_counted(sound, tmp_path: Path, file, doctor, promise):
    folder = tmp_path / "doctored"
    shutil.copytree(sound.undisturbed, folder)
    shutil.copy(f"{sound.undisturbed}.heads", f"{folder}.heads")
    with closing(sqlite3.connect(folder / file)) as database, database:
        doctor(database)
    broken = broken_promises(folder, OPENING, sound.targets, HALT_WAITS)
    assert promise in {one.split()[0] for one in broken}, broken


def test_a_lost_latch_of_a_rung_is_counted(sound):
    broken = sound.broken(sound.undisturbed, {(0, 3)})
    assert broken == ["I4 DRAWDOWN 4 did not survive"]


def test_the_table_says_what_was_done_how_often_and_what_was_broken():
    tally = RealTally("killed at every write", "I1")
    tally.counts["killed"] = 2
    tally.add("first", [])
    tally.add("second", ["I1 the broker was sent order 1 2 times"])
    text = real_table([tally], "abc")
    assert "2 breaches lived through, **1 broken promises**" in text
    assert "| killed at every write | 2 | 2 killed | I1 | 1 |" in text
    assert "- second: I1 the broker was sent order 1 2 times" in text


@pytest.mark.parametrize(
    ("campaign", "size"), [(failed_syncs, 25), (full_disks, 150_000), (flipped_bits, 1)], ids=lambda one: str(one)[:24]
)
def test_a_disk_that_fails_breaks_no_promise(breach, campaign, size):
    tally = campaign(breach, size)
    assert tally.violations == []
    assert tally.runs >= 2


def test_only_one_of_several_loops_runs(breach):
    tally = crowds(breach, runs=1, rounds=2)
    assert tally.violations == []
    assert (tally.counts["starts refused"], tally.counts["loops that ran"]) == (4, 2)


@pytest.mark.parametrize("restarted", [False, True])
def test_a_broker_that_is_away_in_the_middle_of_a_reduction_delays_it(breach, restarted):
    tally = RealTally("away", "all")
    disconnected_after(breach, 2, tally, restarted=restarted)
    assert tally.violations == []
