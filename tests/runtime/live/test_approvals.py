"""An approval stands only while nothing has restricted the book since; a message that cannot be read is not lost."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from workbench.app import live_shell
from workbench.data.inbox import Command, Inbox
from workbench.data.policy_file import read_policy
from workbench.engine.risk_engine import RiskEngine
from workbench.runtime.drills import stagings
from workbench.runtime.drills.market import TRIGGER_NS
from workbench.runtime.drills.stage import Climate, Stage, Staging, opened_stage

CALM = Staging(Climate(volatility=1.0, normal_volatility=1.0, correlation=0.0, quantile=1e-4))
TURNS = 40
LATE = "came after what the approver was shown"


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., AbstractContextManager[Stage]]:
    """A loop in this process, on a clock that jumps; the second one goes on with the journal of the first."""

    def begin(staging: Staging = CALM) -> AbstractContextManager[Stage]:
        return opened_stage(tmp_path, read_policy(), staging, RiskEngine)

    return begin


@pytest.fixture
def stage(opened: Callable[..., AbstractContextManager[Stage]]) -> Iterator[Stage]:
    with opened() as begun:
        run(begun)
        yield begun


def turn(stage: Stage) -> None:
    stage.loop.turn()
    stage.clock.wait_until(stage.loop.due_ns())


def run(stage: Stage) -> None:
    for _ in range(TURNS):
        turn(stage)


def shown(stage: Stage) -> dict[str, Any]:
    table: dict[str, Any] = json.loads(stage.loop.status(stage.clock.now_ns()))
    return table


def say(stage: Stage, act: str, **fields: object) -> Command:
    command = Command.made(act, "ana", stage.clock.now_ns(), **fields)
    stage.inbox.send(command)
    return command


def approve(stage: Stage, seen: int) -> Command:
    return say(stage, "resume", approver="ben", rebaseline_peak=True, seen=seen)


def refusal(stage: Stage, command: Command) -> str:
    (said,) = (row["refused"] for row in shown(stage)["commands"] if row["nonce"] == command.nonce)
    return str(said)


@pytest.mark.parametrize("act", ["halt", "full_halt", "reduce", "flatten", "cancel_all"])
def test_an_approval_does_not_undo_what_came_after_it_was_judged(stage, act):
    say(stage, "halt")
    run(stage)
    judged = shown(stage)["journal"]["sequence"]
    say(stage, act)
    run(stage)
    late = approve(stage, judged)
    run(stage)
    assert LATE in refusal(stage, late)
    assert shown(stage)["book"]["mode"] == "HALTED"
    again = approve(stage, shown(stage)["journal"]["sequence"])
    run(stage)
    assert refusal(stage, again) == ""
    assert shown(stage)["book"]["mode"] == "ACTIVE"


def test_an_approval_stands_when_nothing_but_prices_came_since(stage):
    say(stage, "halt")
    run(stage)
    judged = shown(stage)["journal"]["sequence"]
    run(stage)
    assert shown(stage)["journal"]["sequence"] > judged
    approved = approve(stage, judged)
    run(stage)
    assert refusal(stage, approved) == ""


def test_of_messages_found_together_the_most_restrictive_stands(stage):
    say(stage, "halt")
    run(stage)
    say(stage, "halt")
    stage.clock.wait_until(stage.clock.now_ns() + 1)
    later = approve(stage, shown(stage)["journal"]["sequence"])
    run(stage)
    assert shown(stage)["book"]["mode"] == "HALTED"
    assert refusal(stage, later) == ""


def test_an_approval_given_before_a_start_or_on_another_journal_is_refused(opened):
    with opened() as first:
        run(first)
        say(first, "halt")
        run(first)
        judged = shown(first)["journal"]["sequence"]
        first.loop.end()
    with opened() as second:
        late = approve(second, judged)
        never = approve(second, 10**9)
        run(second)
        assert LATE in refusal(second, late)
        assert LATE in refusal(second, never)
        assert shown(second)["book"]["mode"] == "HALTED"
        second.loop.end()


def test_an_approval_is_refused_in_the_very_turn_of_an_urgent_alert(opened):
    with opened(stagings.drawdown_staging(read_policy(), 4)) as stage:
        asked = list[Command]()
        while shown(stage)["book"]["mode"] == "ACTIVE" and stage.clock.now_ns() < TRIGGER_NS + 10**10:
            asked.append(approve(stage, shown(stage)["journal"]["sequence"]))
            turn(stage)
        assert shown(stage)["book"]["mode"] == "HALTED"
        assert refusal(stage, asked[-2]) == "not resumed: nothing waits for people"
        assert LATE in refusal(stage, asked[-1])


def test_a_halt_that_cannot_be_read_now_stays_is_told_once_and_halts_when_it_can_be_read(stage):
    halt = Command.made("halt", "ana", stage.clock.now_ns())
    path = stage.inbox.send(halt)
    content = path.read_bytes()
    path.unlink()
    path.symlink_to("/proc/self/mem")  # a file whose first byte the system answers with an input/output error
    run(stage)
    assert path.is_symlink() and not (path.parent / "refused").exists()
    told = [note["sentence"] for note in shown(stage)["notes"] if path.name in note["sentence"]]
    assert len(told) == 1 and "it stays where it is" in told[0]
    path.unlink()
    path.write_bytes(content)
    run(stage)
    assert not path.exists() and refusal(stage, halt) == ""
    assert shown(stage)["book"]["mode"] == "HALTED"


def test_what_is_read_and_is_no_message_is_still_set_aside(stage):
    stage.inbox.folder.mkdir(exist_ok=True)
    (stage.inbox.folder / "1.json").write_text("{")
    run(stage)
    assert [path.name for path in (stage.inbox.folder / "refused").iterdir()] == ["1.json"]


def test_the_shell_does_not_call_a_message_taken_that_the_loop_does_not_show(tmp_path, monkeypatch):
    monkeypatch.setattr(live_shell, "PATIENCE_SECONDS", 0.1)
    sentence, certain = live_shell.outcome_of(tmp_path, Command.made("halt", "ana", 1))
    assert sentence.startswith("not confirmed: ") and "has taken" not in sentence
    assert not certain


def test_a_message_nobody_can_read_now_still_counts_as_waiting(tmp_path):
    (tmp_path / "1.json").symlink_to("/proc/self/mem")
    assert [path.name for path, _ in Inbox(tmp_path).waiting()] == ["1.json"]


def test_a_strategy_is_enabled_when_it_is_locked_and_refused_when_it_is_not(opened):
    with opened(Staging(CALM.climate, weights={"EURUSD": 0.1})) as stage:
        run(stage)

        def enabled() -> str:
            say(stage, "enable", approver="ben", strategy="EURUSD")
            run(stage)
            return str(shown(stage)["commands"][0]["refused"])

        assert enabled() == "the strategy EURUSD is not locked: there is nothing to enable"
        stage.loop.state.record[0]["locked"][0] = 1
        assert enabled() == ""
        assert stage.loop.state.record[0]["locked"][0] == 0
