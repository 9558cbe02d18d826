"""What is said to force mode and cap is what forces them in the engine: people by name, rungs, the condition."""

import json

import pytest

from workbench.data.inbox import Command
from workbench.domain.trading.events import BookMismatch, Heartbeat, OperatorHalt, OperatorResume, Quote, Reconciled
from workbench.domain.trading.market_hours import MINUTE_NS, SECOND_NS
from workbench.engine.risk_engine import RiskEngine, Start
from workbench.runtime.live.rows import command_row
from workbench.runtime.projection.memory import STATUS, Memory
from workbench.runtime.projection.since import LONGEST_REASON, MOST_HALTS
from workbench.runtime.projection.status import Projection
from workbench.runtime.replay.scenario import held_strategies

REASON = "the broker confirms fills\nwe never \u202easked\x1b[31m for"
ON_ONE_LINE = "the broker confirms fills we never asked [31m for"


class Told:
    """A life without a journal, in which people speak."""

    def __init__(self, desk, events):
        self.desk, self.events = desk, list(events)
        self.state, self.memory = desk.lived(self.events)

    def hear(self, *events):
        for event in events:
            self.memory.watch(self.state, event.time_ns)
            self.state, decisions = self.desk.engine.step(self.state, event)
            for decision in decisions:
                self.memory.decided(decision, {})

    def ask(self, act, actor, **fields):
        now = int(self.state.time_ns) + SECOND_NS
        command = Command.made(act, actor, now, **fields)
        self.hear(*command.events(now))
        self.memory.commanded(command.model_dump(), now, "")
        return now

    @property
    def book(self):
        return json.loads(Projection(self.memory, self.state).status(self.state, {}))["book"]


@pytest.fixture
def calm(small_desk):
    """No rung holds."""
    return Told(small_desk, small_desk.market(2, daily=0.001))


@pytest.fixture
def large(desk):
    """Positions that cost much when the market falls."""
    return Told(desk, desk.market(2, daily=0.001))


@pytest.fixture
def wild(desk):
    """Rungs of several ladders hold."""
    return Told(desk, desk.market(60))


def test_a_persons_halt_is_what_holds_though_rungs_hold_too(wild):
    assert [row for row in wild.book["ladders"] if row["holds"]]
    now = wild.ask("halt", "maria", reason=REASON)
    book = wild.book
    assert book["mode"] == "HALTED"
    person = {"kind": "person", "since_ns": now, "actor": "maria", "act": "halt", "reason": ON_ONE_LINE}
    assert book["held_by"][0] == person
    halting = {(row["ladder"], row["rung"]) for row in book["ladders"] if row["holds"] and row["mode"] == "HALTED"}
    assert {(one["ladder"], one["rung"]) for one in book["held_by"][1:]} == halting
    assert book["lets_go"].startswith("two people must resume") and book["entries_stopped"] == "the book is HALTED"


def test_an_active_book_is_held_by_nothing(calm):
    book = calm.book
    assert (book["mode"], book["held_by"], book["lets_go"], book["entries_stopped"]) == ("ACTIVE", [], "", "")


def test_only_rungs_of_the_mode_hold_it(wild):
    book = wild.book
    assert book["mode"] == "REDUCING"
    forcing = {(one["ladder"], one["rung"]) for one in book["held_by"]}
    held = [row for row in book["ladders"] if row["holds"]]
    assert forcing == {(row["ladder"], row["rung"]) for row in held if "positions only shrink" in row["does"]}
    assert len(forcing) < len(held)
    assert all(one["since_ns"] for one in book["held_by"])


def test_everybody_who_halted_is_named_up_to_a_bound_and_a_resume_forgets_them(calm):
    calm.ask("halt", "maria", reason="first")
    for number in range(MOST_HALTS + 2):
        calm.ask("full_halt", f"other {number}", reason="x" * 900)
    causes = calm.book["held_by"]
    assert [one["actor"] for one in causes] == ["maria", *(f"other {n}" for n in range(MOST_HALTS - 1))]
    assert causes[1]["act"] == "full_halt" and causes[1]["reason"] == "x" * LONGEST_REASON + "…"
    calm.hear(OperatorResume(int(calm.state.time_ns) + SECOND_NS, "one", "two", rebaseline_peak=False))
    assert calm.book["mode"] == "ACTIVE" and calm.book["held_by"] == []
    calm.ask("halt", "jonas")
    assert [(one["actor"], one["reason"]) for one in calm.book["held_by"]] == [("jonas", "")]


def test_a_halt_that_no_message_asked_for_is_a_persons_whose_name_is_not_known(calm):
    now = int(calm.state.time_ns) + SECOND_NS
    calm.hear(OperatorHalt(now, "maria"))
    assert calm.book["held_by"] == [{"kind": "person", "since_ns": now, "actor": "", "act": "halt", "reason": ""}]


def test_a_message_that_was_refused_or_does_not_halt_is_no_cause(calm):
    now = int(calm.state.time_ns)
    for act, refused in (("halt", "no"), ("reduce", ""), ("cancel_all", "")):
        calm.memory.commanded({"nonce": "0", "act": act, "actor": "eve", "reason": ""}, now, refused)
    calm.ask("halt", "maria")
    assert [one["actor"] for one in calm.book["held_by"]] == ["maria"]


def crash(life, times):
    """Every pair a part away, to the side that hurts the position in it, read as often as it takes to be believed."""
    rows = [
        (row["pair"], row["mark"] * (1 - times if row["units"] > 0 else 1 + times)) for row in life.book["positions"]
    ]
    for _ in range(4):
        now = int(life.state.time_ns) + SECOND_NS
        life.hear(*(Quote(now, pair, mid * (1 - 1e-5), mid * (1 + 1e-5), 0) for pair, mid in rows), Heartbeat(now))


def resume(life, *, anew):
    life.hear(OperatorResume(int(life.state.time_ns) + SECOND_NS, "one", "two", rebaseline_peak=anew))


def test_what_must_be_true_first_is_what_the_engine_refuses_a_resume_for(large, policy):
    crash(large, 0.15)
    book = large.book
    rung = policy.ladders.drawdown.rung_4
    assert book["mode"] == "HALTED" and book["drawdown"] > rung.trigger
    assert [(one["ladder"], one["rung"]) for one in book["held_by"]] == [("DRAWDOWN", 4)]
    said, now = book["lets_go"], f"{100 * book['drawdown']:.4g} %"
    assert said.startswith("two people must resume; refused until drawdown is at most 15 %") and now in said
    resume(large, anew=False)
    assert large.book["mode"] == "HALTED"


def test_a_halted_book_that_may_be_resumed_says_so_and_is_resumed(calm):
    calm.ask("halt", "maria")
    assert calm.book["lets_go"] == "two people must resume; no limit stands against it now."
    resume(calm, anew=False)
    assert calm.book["mode"] == "ACTIVE"


def test_a_rung_that_falls_by_itself_says_at_which_value_and_after_how_long(wild, policy):
    dwell, share = policy.ladders.rules.dwell_market_minutes, policy.ladders.rules.release_fraction
    forcing = [(one["ladder"], one["rung"]) for one in wild.book["held_by"]]
    assert ("VOLATILITY", 3) in forcing
    release = f"volatility ratio is under {share * policy.ladders.volatility.rung_3.trigger:.4g}"
    assert release in wild.book["lets_go"] and f"for {dwell:g} minutes of market time" in wild.book["lets_go"]


def test_a_book_that_differs_from_the_brokers_is_said_to_and_for_which_strategy(calm):
    now = int(calm.state.time_ns) + SECOND_NS
    calm.hear(BookMismatch(now, "EURUSD", 1.0, 2.0), Heartbeat(now))
    book = calm.book
    assert book["mode"] == "REDUCING"
    cause = book["held_by"][0]
    assert (cause["kind"], cause["ladder"]) == ("rung", "TECHNICAL")
    assert cause["why"].startswith("EURUSD: the broker holds other units than we do")
    assert "what stops risk from being computed is mended" in book["lets_go"]
    calm.hear(Reconciled(now + SECOND_NS), Heartbeat(now + SECOND_NS))
    book = calm.book
    assert book["held_by"][0]["why"] == "" and "silence of every feed is under 24 s for 15 minutes" in book["lets_go"]


def test_a_book_without_a_calibration_says_that_this_is_why(policy, desk):
    engine = RiskEngine(policy, None, held_strategies(desk.book))
    state = engine.init(Start(desk.begins_ns, 1e6))
    memory = Memory.begun(state)
    state, decisions = engine.step(state, Heartbeat(desk.begins_ns + MINUTE_NS))
    for decision in decisions:
        memory.decided(decision, {})
    book = json.loads(Projection(memory, state).status(state, {}))["book"]
    assert book["mode"] == "REDUCING"
    assert [one["why"] for one in book["held_by"]] == ["there is no calibration"]


def test_a_cap_of_the_condition_alone_is_said_to_be_its(calm):
    book = calm.book
    assert not [row for row in book["ladders"] if row["holds"]]
    assert book["condition"] == "ELEVATED" and book["cap"] == book["cap_allowed"] == 0.8
    assert book["cap_by"] == [{"kind": "condition", "condition": "ELEVATED", "cap": 0.8}]


def test_the_cap_comes_from_whatever_allows_least(wild):
    book = wild.book
    assert book["cap"] == book["cap_allowed"] < 1.0
    caps = [row["cap"] for row in book["ladders"] if row["holds"] and row["cap"] is not None]
    condition = float(wild.state.settings.numbers["condition_cap"][0, int(wild.state.condition)])
    assert book["cap_allowed"] == min(*caps, condition)
    assert {one["cap"] for one in book["cap_by"]} == {book["cap_allowed"]}
    assert any(one["kind"] == "condition" for one in book["cap_by"]) == (condition <= min(caps))


def test_held_positions_are_counted_apart_from_what_may_enter(calm):
    book = calm.book
    assert (book["strategies_active"], book["strategies_held"], book["strategies_total"]) == (0, 16, 16)


def test_a_death_does_not_forget_who_halted_however_many_messages_came_since(journaled, desk):
    life = journaled("halted")
    for event in desk.market(2, daily=0.001):
        life.take(event)
    now = int(life.state.time_ns) + SECOND_NS
    halt = Command.made("halt", "maria", now, reason=REASON)
    life.journal.write([command_row(halt, now, "")])
    for event in halt.events(now):
        life.take(event)
    for _ in range(60):
        life.journal.write([command_row(Command.made("cancel_all", "jonas", now), now, "")])
    life.die()
    cause = json.loads(life.show())["book"]["held_by"][0]
    assert (cause["actor"], cause["reason"], cause["since_ns"]) == ("maria", ON_ONE_LINE, now)


def test_periods_that_the_version_before_has_shown_are_gone_on_with(journaled, desk):
    life = journaled("before")
    for event in desk.market(3):
        life.take(event)
    life.keep_snapshot()
    table = json.loads(life.show())
    table["periods"]["day"]["equity"] = 123.0
    life.journal.write([], {STATUS: json.dumps(table | {"version": 2})})
    life.die()
    assert json.loads(life.show())["periods"]["day"]["equity"] == 123.0
