"""What cannot be done is said in one clear sentence, and leaves a safe state behind."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from real_processes.parting import ends_with

from workbench.app.live_parts import first_prices
from workbench.domain.book import Book
from workbench.domain.errors import DataError
from workbench.runtime.worlds.clock import VirtualClock
from workbench.runtime.worlds.world import WorldOrder, incoming_world


@pytest.fixture
def finished(command, plans, tmp_path) -> Path:
    folder = tmp_path / "finished"
    ended = command("live", "--feed", "simulated:7", "--speed", "0", "--book", plans.book, folder=folder, turns=20)
    assert ended.wait() == 0, ended.err.read_text()
    return folder


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--feed", "nowhere"), "unknown feed 'nowhere': expected replay:SCENARIO"),
        (("--feed", "replay:waterloo-1815"), "unknown scenario 'waterloo-1815'"),
        (("--feed", "simulated", "--speed", "-1"), "speed"),
        (("--feed", "simulated", "--seconds", "0"), "seconds between two quotes"),
        (("--feed", "tail:quotes.csv", "--speed", "60"), "cannot be sped up"),
        (("--feed", "simulated", "--book", "/nowhere/book.csv"), "cannot read the book"),
        (("--feed", "simulated", "--policy", "/nowhere/policy.toml"), "policy"),
        (("--feed", "simulated", "--paper", "/nowhere/paper.toml"), "paper"),
    ],
)
def test_a_loop_that_cannot_start_says_why(command, arguments, told):
    assert told in command("live", *arguments).sentence()


def test_a_paper_plan_is_refused_by_the_name_of_its_key(command, tmp_path):
    paper = tmp_path / "paper.toml"
    paper.write_text("rejection_probabilty = 0.1\n")
    assert "rejection_probabilty" in command("live", "--feed", "simulated", "--paper", str(paper)).sentence()


@pytest.mark.parametrize("arguments", [("status",), ("audit", "verify"), ("audit", "replay"), ("backup",)])
def test_without_a_journal_there_is_nothing_to_show(command, arguments):
    assert "journal" in command(*arguments).sentence()


def test_two_loops_never_write_one_journal(live, command, finished):
    first = live("--speed", "1", folder=finished)
    first.wait_until(lambda shown: shown["loop"]["priced"], "first prices")
    assert "another loop is running" in live("--speed", "1", folder=finished).sentence()
    assert "is running" in command("live", "--feed", "simulated", "--new", folder=finished).sentence()
    assert first.stop() == 0


def test_a_journal_of_a_newer_program_is_left_alone(live, finished):
    with closing(sqlite3.connect(finished / "journal.sqlite")) as journal, journal:
        journal.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")
    assert "schema 99" in live(folder=finished).sentence()


def test_a_journal_that_others_may_write_is_not_trusted(live, finished):
    (finished / "journal.sqlite").chmod(0o666)
    assert "chmod go-w" in live(folder=finished).sentence()


def test_a_journal_belongs_to_its_feed(command, plans, finished):
    told = command("live", "--feed", "replay:brexit-2016", "--book", plans.book, folder=finished).sentence()
    assert "belongs to simulated:7" in told
    assert "--new" in told


def test_new_moves_the_earlier_journal_aside(command, plans, finished):
    ended = command(
        "live", "--feed", "simulated:8", "--speed", "0", "--book", plans.book, "--new", folder=finished, turns=5
    )
    assert ended.wait() == 0, ended.err.read_text()
    assert len(list(finished.parent.glob("finished-*/journal.sqlite"))) == 1


def test_another_policy_takes_two_people(live, command, plans, finished):
    other = ("--policy", plans.breached, "--speed", "0")
    assert "takes two different people" in live(*other, folder=finished).sentence()
    alone = ("--policy-change-by", "ana", "--policy-change-approved-by", "ana")
    assert "takes two different people" in live(*other, *alone, folder=finished).sentence()
    both = ("--policy-change-by", "ana", "--policy-change-approved-by", "ben")
    changed = live(*other, *both, folder=finished, turns=20)
    assert changed.wait() == 0, changed.err.read_text()
    assert live(*other, folder=finished, turns=20).wait() == 0
    again = command("audit", "replay", folder=finished)
    assert again.wait() == 0, again.out.read_text()


def test_a_policy_changed_under_a_running_loop_is_told_and_not_followed(live, plans, tmp_path):
    policy = tmp_path / "policy.toml"
    shutil.copy(plans.breached, policy)
    loop = live("--speed", "5", "--policy", str(policy))
    before = loop.wait_until(lambda shown: shown["loop"]["priced"], "first prices")["policy"]
    shutil.copy(plans.hopeless, policy)
    table = loop.wait_until(lambda shown: any("has changed" in one["sentence"] for one in shown["notes"]), "a note")
    assert table["policy"] == before
    assert loop.stop() == 0


def test_a_copy_is_made_while_the_loop_runs_and_put_in_place_of_nothing(live, command, finished, tmp_path):
    loop = live("--speed", "5", folder=finished)
    loop.wait_until(lambda shown: shown["loop"]["priced"], "first prices")
    copy = tmp_path / "copy.sqlite"
    made = command("backup", str(copy), folder=finished)
    assert made.wait() == 0, made.err.read_text()
    assert "lock" in (held := command("restore", str(copy), folder=finished).sentence()) or "loop" in held
    assert loop.stop() == 0
    assert "--replace" in command("restore", str(copy), folder=finished).sentence()
    elsewhere = tmp_path / "elsewhere"
    restored = command("restore", str(copy), folder=elsewhere)
    assert restored.wait() == 0, restored.err.read_text()
    head = made.out.read_text().rpartition("head ")[2].strip()
    checked = command("audit", "verify", "--expect", head, folder=elsewhere)
    assert checked.wait() == 0, checked.out.read_text()


def line(pair: str, middle: float) -> str:
    return f"{datetime.now(UTC).isoformat()},{pair},{middle - 0.0001:.5f},{middle + 0.0001:.5f}\n"


def test_rubbish_in_a_file_of_quotes_does_not_stop_the_good_ones(command, tmp_path):
    quotes = tmp_path / "quotes.csv"
    loop = command("live", "--feed", f"tail:{quotes}")
    time.sleep(0.3)
    quotes.write_text("time,pair,bid,ask\n")
    table: dict = {}
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not any("lines dropped" in str(one) for one in table.get("notes", [])):
        with quotes.open("ab") as file:
            file.write(line("EURUSD", 1.1).encode() + b"\xff\xfe rubbish\n" + b"9" * 1_000_000 + b"\n")
            file.write(line("EURUSD", 1.1001).encode())
        table = loop.status()
        time.sleep(0.2)
    assert table["feeds"][0]["accepted"] > 0
    assert any(one["kind"] == "feed" and "lines dropped" in one["sentence"] for one in table["notes"]), table["notes"]
    # nothing was ever adopted, so nothing may grow
    assert table["book"]["mode"] == "REDUCING"
    assert loop.stop() == 0


def test_a_book_is_not_put_on_without_prices(tmp_path):
    order = WorldOrder(f"tail:{tmp_path / 'never.csv'}")
    world = incoming_world(order, Book({"EURUSD": 1e5}, 1e6), None, list, {"EUR": 1.1})
    from workbench.app.live_parts import supervised

    start = time.time_ns()
    with pytest.raises(DataError, match=r"no price of EUR.* within 60 s .*nothing has begun"):
        first_prices(world, supervised(world, start, {}), VirtualClock(start))


def test_a_stopped_process_does_not_take_its_own_sleep_for_silence(live):
    loop = live("--speed", "1")
    loop.wait_until(lambda shown: shown["loop"]["priced"], "first prices")
    loop.signal(signal.SIGSTOP)
    time.sleep(3.0)
    os.kill(loop.pid, signal.SIGCONT)
    turns = loop.status()["loop"]["turns"]
    table = loop.wait_until(lambda shown: shown["loop"]["turns"] > turns + 5, "further turns")
    assert not any(row["holds"] for row in table["book"]["ladders"] if row["ladder"] == "TECHNICAL")
    assert loop.stop() == 0


@pytest.fixture
def up(plans, tmp_path):
    """`workbench up` as people start it."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        program = str(Path(sys.executable).parent / "workbench")
        command = [program, "up", "--no-page", "--folder", str(tmp_path / "book"), *arguments]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            preexec_fn=ends_with(os.getpid(), signal.SIGTERM),  # noqa: PLW1509 -- one system call
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=60)


def pid_of(folder: Path, other_than: int = 0) -> int:
    """Process of the loop, once it is another one."""
    import json

    from workbench.app.live_shell import shown_or_nothing

    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        body = shown_or_nothing(folder)
        if body and (pid := int(json.loads(body)["pid"])) != other_than:
            return pid
        time.sleep(0.05)
    raise AssertionError("the loop did not come (back)")


def test_up_brings_a_killed_loop_back_and_stops_it_gracefully(up, plans, command, tmp_path):
    process = up("--feed", "simulated:7", "--book", plans.book)
    first = pid_of(tmp_path / "book")
    os.kill(first, signal.SIGKILL)
    assert pid_of(tmp_path / "book", other_than=first) != first
    process.terminate()
    told, _ = process.communicate(timeout=60)
    assert process.returncode == 0, told
    assert "was ended by signal 9: starting it again" in told
    assert "stopped: everything is on the disk" in told
    assert "3 POSITIONS REMAIN AND NOTHING PROTECTS THEM: no stop" in told
    assert command("audit", "verify", folder=tmp_path / "book").wait() == 0


def test_up_does_not_restart_what_refuses_to_run(up):
    process = up("--feed", "nowhere")
    told, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert told.count("unknown feed 'nowhere'") == 1
