"""What people ask of a loop: it happens, or they are told in one sentence why not."""

import json
import math
import shutil
import time

import pytest

from workbench.data.inbox import Command, Inbox
from workbench.data.journal.rows import RowKind


def mode(table: dict) -> str:
    return table["book"]["mode"]


def test_halt_is_obeyed_within_a_second_and_takes_two_people_to_undo(live, command, bodies, tmp_path):
    loop = live("--speed", "1")
    loop.wait_until(lambda shown: shown["loop"]["priced"], "first prices")
    asked = time.monotonic()
    halts = command("halt", "--as", "ana", "--reason", "drill")
    loop.wait_until(lambda shown: mode(shown) == "HALTED", "a halted book")
    assert time.monotonic() - asked < 1.5  # of which the command itself takes some
    assert halts.wait() == 0 and halts.out.read_text() == "halt: done: the book is HALTED\n"
    again = command("halt", "--as", "ben")
    assert again.wait() == 0 and "done: the book is HALTED" in again.out.read_text()

    alone = command("resume", "--as", "ana", "--approver", "ana").sentence()
    assert "two different people" in alone and "'ana'" in alone
    resumed = command("resume", "--as", "ana", "--approver", "ben")
    assert resumed.wait() == 0, resumed.err.read_text()
    assert "the book is ACTIVE" in resumed.out.read_text()
    rows = bodies(tmp_path / "book", RowKind.COMMAND)
    said = [(row["act"], row["actor"], row["approver"], row["refused"]) for row in rows]
    assert said == [("halt", "ana", "", ""), ("halt", "ben", "", ""), ("resume", "ana", "ben", "")]
    assert loop.stop() == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("reduce", "0"), "fraction"),
        (("reduce", "1.5"), "fraction"),
        (("reduce", "nan"), "fraction"),
        (("reduce", "inf"), "fraction"),
        (("enable", "", "--as", "ana", "--approver", "ben"), "name"),
        (("enable", "EURUSD", "--as", "ana", "--approver", "ana"), "to enable takes two different people, got 'ana'"),
        (("enable", "EURUSD", "--as", "ana", "--approver", ""), "two different people, got 'ana' and ''"),
        (("halt", "--as", "x" * 81), "actor"),
        (("halt", "--as", "a\nb"), "actor"),
        (("halt", "--reason", "x" * 2_001), "reason"),
    ],
)
def test_a_message_that_makes_no_sense_never_reaches_the_loop(command, tmp_path, arguments, told):
    assert told in command(*arguments).sentence()
    assert not (tmp_path / "book" / "inbox").exists()


def test_reduce_flatten_and_enable_do_what_they_say_or_say_why_not(live, command, tmp_path):
    loop = live("--speed", "5")

    def under_the_cap(shown) -> bool:
        rows = shown["book"]["positions"]
        return all(row["units"] == row["target"] != row["full"] for row in rows)

    loop.wait_until(under_the_cap, "a book under the cap of its first reading")
    units = {row["strategy"]: row["units"] for row in loop.status()["book"]["positions"]}
    halves = command("reduce", "0.5", "--as", "ana")
    assert halves.wait() == 0, halves.err.read_text()

    def held() -> dict[str, float]:
        return {row["strategy"]: row["units"] for row in loop.status()["book"]["positions"]}

    wanted = {name: math.copysign(abs(one) // 2, one) for name, one in units.items()}
    loop.wait_until(lambda _: held() == wanted, "halves")
    assert "nobody" in command("enable", "nobody", "--as", "ana", "--approver", "ben").sentence()
    said = command("enable", "EURUSD", "--as", "ana", "--approver", "ben").sentence()
    assert said == "the loop refused: the strategy EURUSD is not locked: there is nothing to enable"
    assert command("flatten", "--as", "ana").wait() == 0
    loop.wait_until(lambda _: not any(held().values()), "a flat book")
    assert loop.stop() == 0


def test_resume_is_refused_while_the_limit_is_still_broken(live, command, plans):
    loop = live("--speed", "1", "--policy", plans.hopeless)
    loop.wait_until(lambda shown: mode(shown) != "ACTIVE", "the breach")
    said = command("resume", "--as", "ana", "--approver", "ben").sentence()
    assert said.startswith("the loop refused: ") and "still breached (value at risk: " in said, said
    assert mode(loop.status()) == "REDUCING"
    assert loop.stop() == 0


def test_a_halt_waits_for_a_loop_and_comes_before_anything_else(live, command, tmp_path):
    halts = command("halt", "--as", "ana")
    assert halts.wait() == 0
    assert "no loop is running: the message is on the disk" in halts.out.read_text()
    loop = live("--speed", "1")
    assert mode(loop.wait_until(lambda shown: shown["loop"]["priced"], "first prices")) == "HALTED"
    assert loop.stop() == 0
    assert not list((tmp_path / "book" / "inbox").glob("*.json"))


def test_a_halt_that_finds_no_inbox_comes_as_a_signal_and_is_not_told_as_lasting(live, command, tmp_path, bodies):
    loop = live("--speed", "1")
    loop.wait_until(lambda shown: shown["loop"]["priced"], "first prices")
    inbox = tmp_path / "book" / "inbox"
    shutil.rmtree(inbox)
    inbox.write_text("in the way")
    halts = command("halt", "--as", "ana")
    assert halts.wait() == 3
    said = halts.out.read_text()
    assert "the loop was sent a signal: it halts now, but the halt is not yet on disk" in said
    loop.wait_until(lambda shown: mode(shown) == "HALTED", "a halted book")
    assert loop.stop() == 0
    assert bodies(tmp_path / "book", RowKind.COMMAND)[0]["actor"] == "signal"


def test_rubbish_in_the_inbox_is_set_aside_and_told(live, tmp_path):
    loop = live("--speed", "1")
    loop.wait_until(lambda shown: shown["loop"]["priced"], "first prices")
    inbox = tmp_path / "book" / "inbox"
    inbox.mkdir(exist_ok=True)
    (inbox / "1.json").write_text("{")
    (inbox / "2.json").write_bytes(b"\xff" * 20_000)
    (inbox / "3.json").write_text(json.dumps({"act": "halt", "actor": "eve", "nonce": "1" * 32, "made_ns": 1, "x": 1}))
    table = loop.wait_until(lambda shown: sum(n["kind"] == "refused" for n in shown["notes"]) == 3, "three refusals")
    said = {note["sentence"].partition(":")[0] + ":" + note["sentence"].rpartition(":")[2] for note in table["notes"]}
    assert all(sentence.count("\n") == 0 for sentence in said)
    assert mode(table) == "ACTIVE"
    assert sorted(path.name for path in (inbox / "refused").iterdir()) == ["1.json", "2.json", "3.json"]
    assert loop.stop() == 0


def test_what_restricts_takes_one_person_in_a_shell_too(live, command, bodies, tmp_path):
    loop = live("--speed", "1")
    loop.wait_until(lambda shown: shown["loop"]["priced"], "first prices")
    cancels = command("cancel-all", "--as", "ana")
    assert cancels.wait() == 0, cancels.err.read_text()
    assert cancels.out.read_text().startswith("cancel-all: cancelled: No order that grows a position waits; ")
    assert mode(loop.status()) == "ACTIVE"
    halts = command("full-halt", "--as", "ana")
    assert halts.wait() == 0, halts.err.read_text()
    assert halts.out.read_text().startswith("full-halt: halted in full: The book is HALTED, no order that grows ")
    ends = command("shut-down", "--as", "ana", "--reason", "drill")
    assert ends.wait() == 0, ends.err.read_text()
    said = ends.out.read_text()
    assert said.startswith("shut-down: the loop has halted, cancelled and ended in good order. "), said
    assert "AND NOTHING PROTECTS THEM" in said
    assert loop.wait() == 0, loop.err.read_text()
    rows = bodies(tmp_path / "book", RowKind.COMMAND)
    assert [(row["act"], row["actor"]) for row in rows] == [
        ("cancel_all", "ana"), ("full_halt", "ana"), ("shut_down", "ana"),
    ]  # fmt: skip
    ends = command("shut-down", "--as", "ana")
    assert ends.wait() == 0 and "no loop is running" in ends.out.read_text()
    assert "it halts and goes on" in ends.out.read_text()
    assert mode(live("--speed", "1").wait_until(lambda shown: shown["commands"], "the halt")) == "HALTED"


@pytest.mark.parametrize("act", ["full-halt", "shut-down"])
def test_of_a_full_halt_that_finds_no_disk_the_halt_comes_as_a_signal(live, command, tmp_path, act):
    loop = live("--speed", "1")
    loop.wait_until(lambda shown: shown["loop"]["priced"], "first prices")
    inbox = tmp_path / "book" / "inbox"
    inbox.rename(tmp_path / "book" / "earlier")
    inbox.write_text("in the way")
    asked = command(act, "--as", "ana")
    assert asked.wait() == 3
    said = asked.out.read_text()
    assert said.startswith(f"{act}: the disk takes no more than a halt, which is all that was asked; halt: ")
    assert "signal" in said
    loop.wait_until(lambda shown: mode(shown) == "HALTED", "a halted book")
    assert loop.stop() == 0


def put(folder, act: str, **fields: object) -> Command:
    """Leave a message as the control service does."""
    command = Command.made(act, "dan", time.time_ns(), **fields)
    Inbox(folder / "inbox").send(command)
    return command


def taken(shown: dict, command: Command) -> bool:
    return any(row["nonce"] == command.nonce and not row["refused"] for row in shown["commands"])


def test_a_full_halt_halts_and_cancels_and_cancelling_alone_leaves_the_mode(live, tmp_path):
    loop = live("--speed", "1")
    loop.wait_until(lambda shown: shown["loop"]["priced"], "first prices")
    cancelled = put(tmp_path / "book", "cancel_all")
    table = loop.wait_until(lambda shown: taken(shown, cancelled), "what was asked")
    assert mode(table) == "ACTIVE"
    assert "CancelAll" in {row["kind"] for row in table["decisions"]}
    full = put(tmp_path / "book", "full_halt")
    table = loop.wait_until(lambda shown: taken(shown, full), "a full halt")
    assert mode(table) == "HALTED"
    assert all(row["reduce_only"] for row in table["orders"] if row["state"] in ("SENT", "ACKNOWLEDGED"))
    assert loop.stop() == 0


def test_a_loop_that_is_shut_down_ends_in_good_order_and_leaves_the_book_as_it_is(live, tmp_path, bodies):
    loop = live("--speed", "1")
    shown = loop.wait_until(lambda shown: shown["loop"]["priced"], "first prices")
    put(tmp_path / "book", "shut_down")
    assert loop.wait() == 0, loop.err.read_text()
    last = loop.status()
    assert mode(last) == "HALTED" and last["commands"][0]["act"] == "shut_down"
    assert [row["units"] != 0 for row in last["book"]["positions"]] == [
        row["units"] != 0 for row in shown["book"]["positions"]
    ]
    notes = bodies(tmp_path / "book", RowKind.NOTE)
    said = [row["sentence"] for row in notes if row.get("kind") == "stopped"]
    assert len(said) == 1 and said[0].startswith("the loop was shut down by dan; 3 POSITIONS REMAIN AND NOTHING ")


def test_a_shut_down_that_finds_no_loop_halts_the_next_one_and_does_not_end_it(live, tmp_path):
    asked = put(tmp_path / "book", "shut_down")
    loop = live("--speed", "1")
    table = loop.wait_until(lambda shown: taken(shown, asked), "what was asked")
    assert mode(table) == "HALTED"
    turns = table["loop"]["turns"]
    loop.wait_until(lambda shown: shown["loop"]["turns"] > turns + 20, "a loop that goes on")
    assert loop.stop() == 0
