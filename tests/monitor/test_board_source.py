"""The monitor's source: what it says of a journal in every state, and that it changes nothing."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from workbench.domain.errors import DataError
from workbench.monitor.board.source import OtherVersionError, Source, understood
from workbench.monitor.board.starting import BEGAN, FILE, Starting, began_ticks, forget_start, left_in


class Clocks:
    """A clock that can be set back, and a stopwatch that cannot."""

    def __init__(self) -> None:
        self.wall_ns, self.seconds = time.time_ns(), 100.0

    def pass_by(self, seconds: float) -> None:
        self.wall_ns += round(seconds * 1e9)
        self.seconds += seconds


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def source(tmp_path, clocks) -> Source:
    return Source(tmp_path / "live", clock_ns=lambda: clocks.wall_ns, stopwatch=lambda: clocks.seconds)


def state(source: Source, clocks: Clocks) -> str:
    clocks.pass_by(1.0)
    source.look()
    return source.condition.state


def shown_at(made_up, clocks, **changes):
    body = made_up(**changes)
    body["loop"]["wall_ns"] = clocks.wall_ns
    return body


def test_a_folder_without_journal_is_told_and_one_that_appears_is_picked_up(source, clocks, writer, made_up):
    assert state(source, clocks) == "no-journal"
    assert str(source.folder) in source.condition.sentence
    loop = writer()
    assert state(source, clocks) == "empty"
    loop.show(shown_at(made_up, clocks))
    assert source.look()
    assert source.condition.state == "ok"
    assert source.projection["label"] == "made up"


def test_a_loop_that_holds_its_journal_and_shows_nothing_is_stuck_within_two_seconds(source, clocks, writer, made_up):
    loop = writer()
    loop.show(shown_at(made_up, clocks))
    source.look()
    for seconds, expected in ((0.9, "ok"), (1.0, "ok"), (0.2, "stuck")):
        clocks.pass_by(seconds)
        assert not source.look()
        assert source.condition.state == expected
    loop.show(shown_at(made_up, clocks))
    source.look()
    assert source.condition.state == "ok"


def test_a_loop_that_has_ended_is_told_as_soon_as_its_last_word_is_a_second_old(source, clocks, writer, made_up):
    loop = writer()
    loop.show(shown_at(made_up, clocks))
    source.look()
    loop.end()
    clocks.pass_by(1.1)
    source.look()
    assert source.condition.state == "no-loop"
    assert source.condition.age_seconds == pytest.approx(1.1)


def test_a_clock_set_back_makes_nothing_look_young(source, clocks, writer, made_up):
    writer().show(shown_at(made_up, clocks))
    source.look()
    clocks.pass_by(5.0)
    clocks.wall_ns -= 3_600 * 10**9
    assert source.condition.state == "stuck"
    assert source.condition.age_seconds == pytest.approx(5.0)


def test_a_journal_moved_aside_is_let_go_and_its_successor_opened(source, clocks, writer, made_up):
    first = writer()
    first.show(shown_at(made_up, clocks, label="first"))
    source.look()
    first.end()
    source.folder.rename(source.folder.with_name("aside"))
    assert state(source, clocks) == "no-journal"
    assert source.projection == {}
    second = writer(source.folder)
    second.show(shown_at(made_up, clocks, label="second"))
    clocks.pass_by(1.0)
    source.look()
    assert source.projection["label"] == "second"


def test_a_journal_replaced_between_two_looks_is_noticed(source, clocks, writer, made_up):
    first = writer()
    first.show(shown_at(made_up, clocks, label="first"))
    source.look()
    first.end()
    source.folder.rename(source.folder.with_name("aside"))
    writer(source.folder).show(shown_at(made_up, clocks, label="second"))
    clocks.pass_by(1.0)
    source.look()
    assert source.projection["label"] == "second"


def test_a_file_that_is_no_journal_is_told_and_tried_again(source, clocks, writer, made_up):
    source.folder.mkdir()
    database = source.folder / "journal.sqlite"
    database.write_bytes(b"hello " * 1_000)
    assert state(source, clocks) == "unreadable"
    assert "journal" in source.condition.sentence
    database.unlink()
    writer(source.folder).show(shown_at(made_up, clocks))
    assert state(source, clocks) == "ok"


def test_a_journal_of_a_newer_program_is_another_version(source, clocks, writer):
    writer().end()
    with sqlite3.connect(source.folder / "journal.sqlite") as database:
        database.execute("UPDATE meta SET value='99' WHERE key='schema'")
    database.close()
    assert state(source, clocks) == "other-version"
    assert "schema 99" in source.condition.sentence


@pytest.mark.parametrize("version", [None, 2, 4, "3", [3]])
def test_a_projection_of_another_version_is_refused_by_its_number(made_up, version):
    body = made_up(version=version)
    with pytest.raises(OtherVersionError, match="version 3"):
        understood(json.dumps(body))


def test_the_projection_of_an_older_loop_is_told_and_what_was_shown_is_not_taken_for_new(source, clocks, writer):
    writer().show({"book": {"mode": "ACTIVE"}, "loop": {"now_ns": 1}})
    assert state(source, clocks) == "other-version"
    assert source.projection == {}


@pytest.mark.parametrize(
    "body",
    [
        "", "{", "[" * 100_000, '{"version": 3}', '{"version": 3, "loop": []}',
        '{"version": 3, "loop": {"wall_ns": "1"}}', '{"version": 3, "loop": {"wall_ns": NaN}}',
        '{"version": 3, "loop": {"wall_ns": 1}, "book": {"equity": Infinity}}',
    ],
)  # fmt: skip
def test_what_is_no_projection_is_refused_in_a_sentence(body):
    with pytest.raises(DataError, match="what the loop shows"):
        understood(body)


def test_looking_changes_no_file_and_takes_no_lock(source, clocks, writer, made_up, digests):
    loop = writer()
    loop.show(shown_at(made_up, clocks))
    before = {name: digest for name, digest in digests(source.folder).items() if not name.endswith("-shm")}
    for _ in range(20):
        clocks.pass_by(0.5)
        source.look()
        assert source.condition.state in {"ok", "stuck"}
    after = {name: digest for name, digest in digests(source.folder).items() if not name.endswith("-shm")}
    assert before == after
    source.close()


def begun(source, clocks, seconds, process=None, *, compiling=True):
    """Leave a note of a start that began so many seconds ago."""
    began_ns = clocks.wall_ns - round(seconds * 1e9)
    Starting(os.getpid() if process is None else process, began_ns, compiling).leave(source.folder)


def test_a_loop_that_compiles_its_engine_is_told_with_the_seconds_so_far(source, clocks, writer, made_up):
    begun(source, clocks, 12.4)
    assert state(source, clocks) == "starting"
    assert source.condition.sentence == (
        "The engine is being compiled for this machine, once: about 25 s on an idle machine, 13 s so far."
    )
    loop = writer()
    assert state(source, clocks) == "starting"
    forget_start(source.folder)
    assert state(source, clocks) == "empty"
    loop.show(shown_at(made_up, clocks))
    assert source.look()
    assert source.condition.state == "ok"


def test_a_start_without_compiling_is_told_as_that(source, clocks):
    begun(source, clocks, 2.0, compiling=False)
    assert state(source, clocks) == "starting"
    assert source.condition.sentence == "The loop is starting: 3 s so far."


def test_numbers_from_before_a_start_keep_their_age_and_are_told_to_be_old(source, clocks, writer, made_up):
    loop = writer()
    loop.show(shown_at(made_up, clocks))
    source.look()
    loop.end()
    begun(source, clocks, 0.0)
    assert state(source, clocks) == "ok", "a second is not yet old"
    assert state(source, clocks) == "starting"
    assert source.condition.age_seconds == pytest.approx(2.0)
    assert source.condition.sentence.endswith("What is shown is how the book was before.")


def test_a_hanging_loop_is_not_excused_by_the_start_of_another_one(source, clocks, writer, made_up):
    writer().show(shown_at(made_up, clocks))
    source.look()
    begun(source, clocks, 0.0, process=os.getppid())
    clocks.pass_by(3.0)
    assert state(source, clocks) == "stuck"


def test_a_start_whose_process_has_ended_is_none(source, clocks):
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    begun(source, clocks, 1.0, process=process.pid)
    assert state(source, clocks) == "no-journal"


def test_a_process_that_has_the_number_of_one_that_ended_is_not_taken_for_it(source, clocks):
    begun(source, clocks, 1.0)
    assert state(source, clocks) == "starting"
    note = source.folder / FILE
    table = json.loads(note.read_text())
    assert table[BEGAN] == began_ticks(os.getpid()) > 0
    note.write_text(json.dumps({**table, BEGAN: table[BEGAN] - 1}))
    assert state(source, clocks) == "no-journal"
    del table[BEGAN]
    note.write_text(json.dumps(table))
    assert state(source, clocks) == "no-journal"


def test_when_a_process_began_is_read_whatever_it_calls_itself():
    rename = "import ctypes, sys; ctypes.CDLL(None).prctl(15, b') R 1 (x'); print('ready', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", rename], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        assert ") R 1 (x" in Path(f"/proc/{process.pid}/stat").read_text()
        hertz, uptime = os.sysconf("SC_CLK_TCK"), float(Path("/proc/uptime").read_text().split()[0])
        age = uptime - began_ticks(process.pid) / hertz
        process.communicate(b"\n")
    assert 0 <= age < 30
    assert began_ticks(process.pid) == 0


@pytest.mark.parametrize(
    "content",
    [
        "", "[]", "{}", '{"process": "1", "began_ns": 1, "compiling": true}', "[" * 900, "x" * 100_000,
        '{"process": 1e3, "began_ns": 1, "compiling": true}', '{"process": true, "began_ns": 1, "compiling": true}',
        '{"process": 99999999999999999999, "began_ns": 1, "compiling": true}',
        '{"process": 1, "began_ns": 1, "compiling": "<img src=x>"}',
        '{"process": -1, "began_ns": 1, "compiling": true}',
    ],
)  # fmt: skip
def test_a_damaged_note_of_a_start_is_none(tmp_path, content):
    (tmp_path / FILE).write_text(content.replace("}", f', "{BEGAN}": {began_ticks(1)}}}'))
    assert left_in(tmp_path) is None
