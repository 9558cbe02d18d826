"""What a real loop shows survives its death: since when things hold, what profit counts from, rows, recent things."""

import json
import signal
from pathlib import Path
from typing import Any

from workbench.app.live_shell import read_status
from workbench.data.journal.reader import JournalReader


def rows_of(folder: Path) -> dict[str, dict[int, list[Any]]]:
    """Rows of every series by their time."""
    with JournalReader(folder) as reader:
        tables = {key: json.loads(reader.shown(key) or "") for key in reader.shown_keys("series/")}
    return {key: {row[0]: row for row in table["rows"]} for key, table in tables.items()}


def since_of(table: dict[str, Any]) -> tuple[Any, ...]:
    """What a death may not change."""
    book = table["book"]
    rungs = [row["since_ns"] for row in book["ladders"] if row["latched"]]
    begun = [(one["since_ns"], one["equity"]) for one in table["periods"].values()]
    return book["mode"], book["mode_since_ns"], rungs, begun


def test_a_killed_loop_shows_the_same_past_when_it_is_started_again(live, plans, tmp_path):
    folder, arguments = tmp_path / "book", ("--speed", "60", "--policy", plans.breached)

    def is_breached_for_minutes(shown: dict[str, Any]) -> bool:
        return shown["book"]["mode"] != "ACTIVE" and any(len(rows) > 3 for rows in rows_of(folder).values())

    loop = live(*arguments)
    loop.wait_until(is_breached_for_minutes, "a breach, and some minutes after it")
    loop.signal(signal.SIGKILL)
    loop.wait()
    before, rows = json.loads(read_status(folder).body), rows_of(folder)
    again = live(*arguments)
    after = again.wait_until(lambda shown: shown["loop"]["priced"], "first prices")
    assert since_of(after) == since_of(before)
    assert before["alerts"] and all(one in after["alerts"] for one in before["alerts"])
    assert all(one in after["decisions"] for one in before["decisions"][:20])
    later = rows_of(folder)
    for key, earlier in rows.items():
        over = sorted(earlier)[:-1]
        assert [later[key][time] for time in over] == [earlier[time] for time in over]
    deadlines = {one["level"]: one["deadline_ns"] for one in after["alerts"]}
    assert all(deadline is not None for level, deadline in deadlines.items() if level > 1)
    assert after["loop"]["speed"] == 60.0 and after["health"]["memory_bytes"] > 1e7
    assert again.stop() == 0


def test_who_halted_and_why_is_shown_first_and_again_after_a_death(live, command, tmp_path):
    def held(shown: dict[str, Any]) -> list[dict[str, Any]]:
        return list(shown["book"]["held_by"])

    loop = live("--speed", "60")
    loop.wait_until(lambda shown: shown["loop"]["priced"], "first prices")
    assert command("halt", "--as", "ana", "--reason", "the broker is silent").wait() == 0
    before = held(loop.wait_until(held, "a halt that is shown"))
    assert (before[0]["kind"], before[0]["actor"], before[0]["act"]) == ("person", "ana", "halt")
    assert before[0]["reason"] == "the broker is silent"
    loop.signal(signal.SIGKILL)
    loop.wait()
    status = command("status")
    assert status.wait() == 0
    first = status.out.read_text().splitlines()[0]
    assert first.startswith(" HALTED   held by halt by ana since ") and "reason: the broker is silent" in first
    again = live("--speed", "60")
    assert held(again.wait_until(lambda shown: shown["loop"]["priced"], "first prices"))[0] == before[0]
    assert again.stop() == 0
