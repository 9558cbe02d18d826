"""The console says what forces the mode and the cap, who halted and why, and what lets go."""

import io
import json
from typing import Any

import pytest
from rich.console import Console

from workbench.monitor.live_console import also_sentence, cap_words, held_sentence, status_screen
from workbench.monitor.live_screen import Screen

AT_NS = 1_466_745_123 * 10**9


def rung(ladder: str, number: int, mode: str = "ACTIVE", *, holds: bool = True) -> dict[str, Any]:
    return {"ladder": ladder, "rung": number, "mode": mode, "holds": holds, "trigger": 1.5, "people": 0, "cap": None}


PERSON = {"kind": "person", "since_ns": AT_NS, "actor": "maria", "act": "full_halt", "reason": "[red]fills[/red]"}
FORCED = {"kind": "rung", "since_ns": AT_NS, "ladder": "DRAWDOWN", "rung": 4, "why": ""}


def book(mode: str = "HALTED", **changes: Any) -> dict[str, Any]:
    ladders = [rung("VOLATILITY", 1), rung("VALUE_AT_RISK", 1, holds=False)]
    numbers = dict.fromkeys(("equity", "peak", "drawdown", "volatility_ratio", "value_at_risk_95"), 1.0)
    numbers |= dict.fromkeys(("correlation_drift", "stress_score"), 1.0)
    return {
        "mode": mode, "time_ns": AT_NS, "held_by": [PERSON], "lets_go": "two people must resume.", "ladders": ladders,
        "cap": 0.8, "cap_allowed": 0.8, "cap_by": [{"kind": "condition", "condition": "ELEVATED", "cap": 0.8}],
        "condition": "ELEVATED", "regime": "NORMAL", "positions": [], **numbers, **changes,
    }  # fmt: skip


def projection(**changes: Any) -> dict[str, Any]:
    empty = dict.fromkeys(("alerts", "decisions", "notes", "commands", "orders", "feeds"), ())
    return {
        "book": book(**changes), **empty, "loop": {"now_ns": AT_NS}, "latency": {}, "broker": "paper",
        "feed_in_use": 0, "journal": {"sequence": 1, "digest": "a" * 64, "epoch": 1},
    }  # fmt: skip


def test_a_persons_halt_is_named_first_with_who_since_when_and_why():
    said = held_sentence(book(held_by=[PERSON, FORCED]))
    assert said.startswith("held by full halt by maria since 2016-06-24 05:12:03 UTC, reason: [red]fills[/red]; ")
    assert said.endswith("drawdown rung 4 since 2016-06-24 05:12:03 UTC")


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (PERSON | {"actor": "", "reason": ""}, "by a person whose name is not known"),
        (PERSON | {"reason": ""}, "no reason given"),
        (
            FORCED | {"why": "there is no calibration"},
            "drawdown rung 4 since 2016-06-24 05:12:03 UTC, there is no calib",
        ),
        (FORCED | {"since_ns": None}, "since when is not known"),
        ({"kind": "past", "since_ns": AT_NS}, "it holds no more, but nobody has resumed"),
    ],
)
def test_every_kind_of_cause_has_words(cause, words):
    assert words in held_sentence(book(held_by=[cause]))


def test_rungs_that_do_not_force_the_mode_are_told_apart():
    rungs = [rung("VOLATILITY", 1), rung("DRAWDOWN", 4, "HALTED"), rung("CORRELATION", 1, holds=False)]
    assert also_sentence(book(held_by=[FORCED], ladders=rungs)) == "also active: volatility rung 1"
    assert also_sentence(book(held_by=[FORCED], ladders=rungs[1:])) == ""
    assert held_sentence(book(mode="ACTIVE", held_by=[])) == "no rung or person restricts the mode"


def test_the_cap_is_told_with_its_cause():
    assert cap_words(book()) == "by condition elevated"
    both = [
        {"kind": "condition", "condition": "HIGH", "cap": 0.6},
        {"kind": "rung", "ladder": "CORRELATION", "rung": 2},
    ]
    assert cap_words(book(cap_by=both)) == "by condition high, correlation rung 2"
    assert cap_words(book(cap=1.0, cap_allowed=1.0, cap_by=[])) == "nothing caps it"
    assert cap_words(book(cap=0.6, cap_allowed=1.0, cap_by=[])) == "returns to 100 % in steps"
    assert cap_words(book(cap=0.6)) == "returns to 80 % in steps, by condition elevated"


def test_the_status_says_all_of_it_on_its_first_lines_and_takes_words_of_people_literally():
    screen = Console(width=160, record=True, file=io.StringIO())
    screen.print(status_screen(projection(), 0.1, alive=True))
    lines = screen.export_text().splitlines()
    assert "HALTED   held by full halt by maria" in lines[0] and "[red]fills[/red]" in lines[0]
    assert lines[1] == "also active: volatility rung 1" and lines[2] == "to let go: two people must resume."
    assert "by condition elevated" in next(line for line in lines if line.startswith("exposure cap"))


def test_up_tells_who_halted_and_what_lets_go():
    told: list[str] = []
    Screen(lambda: json.dumps(projection()), told.append).refresh()
    at = next(place for place, line in enumerate(told) if "the book is HALTED" in line)
    assert "held by full halt by maria" in told[at]
    assert told[at + 1] == "to let go: two people must resume."
