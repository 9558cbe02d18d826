"""Every control fires on a paper account and is timed; one that does not, or is late, fails its drill."""

import os
import signal
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from workbench.data.journal import codec
from workbench.data.journal.reader import JournalReader
from workbench.data.journal.rows import RowKind
from workbench.domain.policy import Policy
from workbench.domain.policy.risk import CONDITIONS
from workbench.domain.trading.decisions import RaiseAlert
from workbench.domain.trading.modes import Ladder
from workbench.engine.risk_engine import RiskEngine
from workbench.response.drills.names import CONTROL_NAMES
from workbench.runtime.drills.controls import Control, all_controls
from workbench.runtime.drills.rehearsal import Timed, rehearse


@pytest.fixture(scope="module")
def controls(policy: Policy) -> Mapping[str, Control]:
    return all_controls(policy)


def changed(policy: Policy, ladder: str, rung: str, **values: object) -> Policy:
    """A policy that is not validated: what a program with a fault in it might have."""
    rungs = getattr(policy.ladders, ladder)
    other = rungs.model_copy(update={rung: getattr(rungs, rung).model_copy(update=values)})
    return policy.model_copy(update={"ladders": policy.ladders.model_copy(update={ladder: other})})


def of_policy(other: Policy) -> partial[RiskEngine]:
    """An engine that goes by another policy than the drill."""
    return lambda _policy, calibration, strategies: RiskEngine(other, calibration, strategies)


def alerts_in(folder: Path) -> set[tuple[Ladder, int]]:
    with JournalReader(folder) as reader:
        said = [codec.decode_decision(row.body, row.time_ns) for row in reader.rows(kinds=(RowKind.DECISION,))]
    return {(one.ladder, one.rung) for one in said if isinstance(one, RaiseAlert) and one.ladder is not None}


def test_the_names_are_every_rung_every_condition_and_what_people_do(controls, policy: Policy) -> None:
    rungs = [
        f"{ladder.name.lower().replace('_', ' ')} {number}"
        for ladder in Ladder
        for number in range(1, len(getattr(policy.ladders, ladder.name.lower()).rungs) + 1)
    ]
    assert all(any(name.startswith(rung) for name in CONTROL_NAMES) for rung in rungs)
    assert [name for name in CONTROL_NAMES if name.startswith("market ")] == [f"market {one}" for one in CONDITIONS[1:]]
    assert tuple(controls) == CONTROL_NAMES and len(set(CONTROL_NAMES)) == len(CONTROL_NAMES)


@pytest.mark.parametrize("name", CONTROL_NAMES)
def test_each_control_fires_in_time_and_no_other_ladder_speaks(name: str, controls, policy, tmp_path: Path) -> None:
    timed = rehearse(controls[name], tmp_path / "account", policy)
    assert timed.passed, timed.sentence
    assert timed.decided is not None and timed.judged is not None and timed.done is not None
    assert 0.0 <= timed.decided <= timed.done and timed.judged <= timed.target_seconds
    alert = controls[name].alert
    ladder, number = alert if isinstance(alert, tuple) else (None, 0)
    spoken = alerts_in(tmp_path / "account")
    if ladder is None:
        # a ratio beyond the condition's bound is beyond rungs of the volatility ladder too
        assert {one for one, _ in spoken} <= ({Ladder.VOLATILITY} if name.startswith("market") else set())
    else:
        assert (ladder, number) in spoken
        assert all(one is ladder and rung <= number for one, rung in spoken)


def test_orders_reach_the_paper_broker_and_what_needs_none_says_so(controls, policy, tmp_path: Path) -> None:
    halving = rehearse(controls["drawdown 4"], tmp_path / "one", policy)
    assert halving.sent is not None and halving.decided is not None and halving.done is not None
    assert halving.decided <= halving.sent < halving.done
    telling = rehearse(controls["drawdown 1"], tmp_path / "two", policy)
    assert telling.sent is None and telling.passed


def test_without_broker_the_decision_is_timed_and_the_end_from_its_return(controls, policy, tmp_path: Path) -> None:
    timed = rehearse(controls["technical 3 without broker"], tmp_path / "account", policy)
    assert timed.judged is not None and timed.judged < 2 < 5 < (timed.done or 0)
    assert timed.after_return is not None and 0 < timed.after_return < 20
    assert "after its return" in timed.sentence


@pytest.mark.parametrize("name", ["drawdown 4", "volatility 3", "technical 2", "market crisis", "book mismatch"])
def test_a_control_that_never_fires_fails_its_drill(name: str, controls, policy, tmp_path: Path) -> None:
    timed = rehearse(controls[name], tmp_path / "account", policy, partial(RiskEngine, controls=False))
    assert not timed.passed and timed.done is None and "FAILED" in timed.sentence


def test_a_shut_down_after_which_the_loop_goes_on_fails(controls, policy, tmp_path: Path) -> None:
    timed = rehearse(replace(controls["shut down"], act=controls["halt"].act), tmp_path / "account", policy)
    assert not timed.passed and "the loop went on" in timed.sentence


def test_a_cancelling_nobody_is_told_of_fails(controls, policy, tmp_path: Path) -> None:
    timed = rehearse(replace(controls["full halt"], act=controls["halt"].act), tmp_path / "account", policy)
    assert not timed.passed and "no alert was raised" in timed.sentence


def test_a_rung_that_cannot_be_reached_fails_and_its_neighbour_does_not(controls, policy, tmp_path: Path) -> None:
    broken = of_policy(changed(policy, "volatility", "rung_3", trigger=50.0))
    timed = rehearse(controls["volatility 3"], tmp_path / "one", policy, broken)
    assert not timed.passed and "did not trip" in timed.sentence
    assert rehearse(controls["volatility 2"], tmp_path / "two", policy, broken).passed


def test_a_rung_that_trips_and_closes_too_little_fails(controls, policy, tmp_path: Path) -> None:
    broken = of_policy(changed(policy, "value_at_risk", "rung_3", close_fraction=0.05))
    timed = rehearse(controls["value at risk 3"], tmp_path / "account", policy, broken)
    assert not timed.passed and timed.decided is not None and "20 % is closed, not 30 %" in timed.sentence


def test_a_control_later_than_its_policy_fails_with_both_times(policy: Policy, tmp_path: Path) -> None:
    hasty = changed(policy, "drawdown", "rung_2", done_within_seconds=0.5)
    timed = rehearse(all_controls(hasty)["drawdown 2"], tmp_path / "account", hasty)
    assert not timed.passed and timed.judged is not None and timed.judged > 1.0
    assert "TOO LATE" in timed.sentence and "the policy allows 0.5 s" in timed.sentence


def test_prices_follow_the_triggers_of_another_policy(policy: Policy, tmp_path: Path) -> None:
    other = policy
    for rung, trigger in (("rung_1", 0.01), ("rung_2", 0.02), ("rung_3", 0.04), ("rung_4", 0.07)):
        other = changed(other, "drawdown", rung, trigger=trigger)
    other = changed(other, "technical", "rung_2", trigger_seconds=11)
    known = all_controls(other)
    for name in ("drawdown 1", "drawdown 3", "drawdown 4", "technical 2"):
        timed = rehearse(known[name], tmp_path / name, other)
        assert timed.passed, timed.sentence
    assert alerts_in(tmp_path / "drawdown 3") == {(Ladder.DRAWDOWN, 1), (Ladder.DRAWDOWN, 2), (Ladder.DRAWDOWN, 3)}


def test_a_drill_leaves_the_signals_of_its_process_alone(controls, policy, tmp_path: Path) -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, _frame: heard.append(number))
    try:
        assert rehearse(controls["halt by signal"], tmp_path / "account", policy).passed
        assert heard == []
        os.kill(os.getpid(), signal.SIGUSR1)
        assert heard == [signal.SIGUSR1]
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_a_late_drill_is_never_a_passed_one() -> None:
    late = Timed("halt", "w", 1.0, 0.1, None, 2.0, None, 2.0, "")
    assert not late.passed and Timed("halt", "w", 1.0, 0.1, None, 0.9, None, 0.9, "").passed
    assert not Timed("halt", "w", 1.0, None, None, None, None, None, "").passed
