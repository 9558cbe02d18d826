"""Killed anywhere, started again: the same reduction ends at the same targets, and nothing is executed twice."""

import json
import signal
from pathlib import Path

import pytest

from workbench.app.live_shell import audit_replay, read_status
from workbench.data.inbox import Command, Inbox
from workbench.data.journal import codec
from workbench.data.journal.reader import JournalReader
from workbench.data.journal.rows import Head, RowKind
from workbench.data.journal.verification import verify
from workbench.domain.trading.orders import OrderNote, OrderState

OPENING = {"EURUSD": 300_000.0, "USDJPY": -250_000.0, "EURCHF": 90_000.0}
SECONDS, RECOVERED = 4.5, 15.0
"""Of the loop's clock: by then the breach is over, without a kill and with some; doubts take six seconds to settle."""


@pytest.fixture
def script(nursery, plans, tmp_path):
    """A breach at the first prices, and two people who ask for more: run it in a folder, dying on the way or not."""

    def run(name: str, seconds: float = SECONDS, **task):
        folder = tmp_path / name
        request = {
            "feed": "simulated:7", "speed": 0.0, "seconds": 5.0, "folder": str(folder), "book_file": plans.book,
            "policy_file": plans.breached, "paper_file": plans.slow_paper,
        }  # fmt: skip
        return nursery.start(folder, request=request, seconds=seconds, heads=str(tmp_path / f"{name}.heads"), **task)

    return run


MOMENTS = ("within", "after", "before")


def ask(folder: Path) -> None:
    """Two messages that wait for the first start."""
    inbox = Inbox(folder / "inbox")
    inbox.send(Command.made("reduce", "ana", 1, fraction=0.5))
    inbox.send(Command.made("halt", "ben", 2, reason="drill"))


def order_notes(folder: Path) -> list[OrderNote]:
    with JournalReader(folder) as reader:
        return [codec.decode_note(row.body, row.time_ns) for row in reader.rows(kinds=(RowKind.ORDER,))]


def table_of(folder: Path) -> dict:
    return json.loads(read_status(folder).body)


def assert_sound(folder: Path, heads: Path, books) -> dict[str, float]:
    """Every promise that a crash may not break; gives the positions."""
    sequence, _, digest = heads.read_text().splitlines()[-1].partition(":")
    assert verify(folder, Head(int(sequence), digest)).intact, "an acknowledged row is gone, or the chain is broken"
    assert audit_replay(folder, lambda _: None).same
    ids, done = books(folder)
    assert len(set(ids)) == len(ids), "an order was sent twice"
    intents = {note.order.id for note in order_notes(folder) if note.state is OrderState.INTENT}
    assert set(ids) <= intents, "an order at the broker without an intent before it"
    held = dict(OPENING)
    for execution in done:
        before = held[execution["strategy"]]
        held[execution["strategy"]] += execution["units"]
        assert before * held[execution["strategy"]] >= 0, "a position flipped"
        assert abs(held[execution["strategy"]]) <= abs(before), "a position grew"
    return held


def assert_over(folder: Path, held: dict[str, float]) -> dict[str, float]:
    """The breach is over, the latch is there; gives the targets."""
    table = table_of(folder)
    assert table["book"]["mode"] == "HALTED"
    assert [one["refused"] for one in table["commands"]] in ([], ["", ""])
    rows = {row["strategy"]: row for row in table["book"]["positions"]}
    for name, units in held.items():
        assert rows[name]["units"] == rows[name]["target"] == units
    return {name: rows[name]["target"] for name in held}


@pytest.fixture
def expected(script, tmp_path, executions):
    """Targets without any crash, and how many writes there are until they are reached."""
    folder = tmp_path / "whole"
    ask(folder)
    script("whole").wait()
    held = assert_sound(folder, tmp_path / "whole.heads", executions)
    targets = assert_over(folder, held)
    return targets


def test_a_kill_at_every_write_changes_nothing_of_a_reduction(script, expected, tmp_path, executions):
    number, killed = 0, True
    while killed:
        number += 1
        name = f"killed-{number}"
        ask(tmp_path / name)
        killed = script(name, kill_at=number, moment=MOMENTS[number % len(MOMENTS)]).wait() == -signal.SIGKILL
        if number % 4 == 0:  # a start is killed like anything else
            script(name, kill_at=1 + number // 4, moment="after").wait()
        assert script(name, RECOVERED).wait() == 0
        held = assert_sound(tmp_path / name, tmp_path / f"{name}.heads", executions)
        assert assert_over(tmp_path / name, held) == expected, name
    assert number > 40
