"""Another policy at the same events: one rule for the fills of both, closed numbers, refusals."""

import pytest

from workbench.data.policy_file import read_policy
from workbench.domain.errors import ConfigError
from workbench.domain.trading.decisions import TargetPosition
from workbench.runtime.review.course import Market
from workbench.runtime.review.journal_days import moment_of, survey_of
from workbench.runtime.review.stepping import step_window
from workbench.runtime.review.what_if import amended, differences, what_if

SOONER = {"ladders.drawdown.rung_1.trigger": 0.01, "ladders.drawdown.rung_2.trigger": 0.02}


@pytest.fixture(scope="module")
def whole(fallen, quiet):
    return step_window(fallen, survey_of(fallen).day("2026-10-30"), quiet)


@pytest.fixture(scope="module")
def sooner(fallen, whole, quiet):
    return what_if(fallen, whole, lambda policy: amended(policy, SOONER), quiet)


def test_the_same_policy_gives_the_same_run(fallen, whole, quiet):
    same = what_if(fallen, whole, lambda policy: policy, quiet)
    assert same.ours.course.totals == same.other.course.totals
    assert same.ours.course.state.digest == same.other.course.state.digest
    assert (same.changes, same.apart) == ([], None)


def test_fills_by_the_same_rule_as_the_recorded_ones_give_the_recorded_run(whole, sooner):
    simulated, recorded = sooner.ours.course.totals, whole.course.totals
    assert (simulated.ends, simulated.cost, simulated.drawdown) == (recorded.ends, recorded.cost, recorded.drawdown)
    assert tuple(sooner.ours.decisions) == whole.decisions


def test_a_tighter_rung_acts_earlier_and_the_numbers_are_those_worked_by_hand(sooner):
    ours, other = (
        next(one for one in run.decisions if isinstance(one, TargetPosition)) for run in (sooner.ours, sooner.other)
    )
    assert other.time_ns < ours.time_ns
    minutes = (other.time_ns - moment_of("2026-10-30 12:20")) / 60e9
    sold_at = 1.10 - 0.066 * minutes / 10 - 0.0001
    expected = 1e6 - 225_000 * (1.10 - sold_at) - 675_000 * 0.066
    assert sooner.other.course.totals.ends == pytest.approx(expected, abs=1e-6)
    assert sooner.other.course.totals.drawdown < sooner.ours.course.totals.drawdown


def test_what_differs_is_said(sooner):
    assert sooner.changes == [
        ("ladders.drawdown.rung_1.trigger", 0.03, 0.01), ("ladders.drawdown.rung_2.trigger", 0.05, 0.02),
    ]  # fmt: skip
    assert sooner.apart is not None
    assert sooner.apart[1].time_ns < sooner.apart[0].time_ns


def test_a_mode_of_another_policy_is_timed(fallen, whole, quiet):
    halted = what_if(fallen, whole, lambda policy: amended(policy, SOONER | {
        "ladders.drawdown.rung_2.mode": "REDUCING", "ladders.drawdown.rung_3.mode": "REDUCING",
    }), quiet)  # fmt: skip
    totals = halted.other.course.totals
    assert totals.in_mode_ns["REDUCING"] > 0
    assert sum(totals.in_mode_ns.values()) == sum(halted.ours.course.totals.in_mode_ns.values())


def test_a_policy_put_in_force_on_the_way_comes_in_both_runs_and_given_keys_keep_their_values(changed_midway, quiet):
    window = survey_of(changed_midway).day("2026-10-30")
    done = step_window(changed_midway, window, quiet)
    assert done.comparison.different == done.comparison.missing == 0
    found = what_if(
        changed_midway, done, lambda policy: amended(policy, {"ladders.drawdown.rung_1.trigger": 0.01}), quiet
    )
    ours, other = (run.policy.ladders.drawdown for run in (found.ours, found.other))
    assert (ours.rung_1.trigger, ours.rung_2.trigger) == (0.015, 0.02)
    assert (other.rung_1.trigger, other.rung_2.trigger) == (0.01, 0.02)
    assert found.changes == [("ladders.drawdown.rung_1.trigger", 0.015, 0.01)]
    cuts = [next(one for one in run.decisions if isinstance(one, TargetPosition)) for run in (found.ours, found.other)]
    assert (cuts[0].time_ns, cuts[0].units) == (cuts[1].time_ns, cuts[1].units), (
        "the rung that cuts is the one of the policy that came on the way"
    )
    minutes = (cuts[0].time_ns - moment_of("2026-10-30 12:20")) / 60e9
    assert minutes == pytest.approx(10 * 0.02 * 1e6 / (900_000 * 0.066), abs=0.2)


def test_an_order_meets_the_recorded_mid_half_the_spread_against_it(whole):
    market = Market(whole.before)
    market.see(next(step.event for step in whole.steps if getattr(step.event, "bid", 0.0)))
    assert market.price("EURUSD", +1.0) == pytest.approx(1.1001)
    assert market.price("EURUSD", -1.0) == pytest.approx(1.0999)


def test_an_unknown_key_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match=r"no value 'ladders.drawdown.2.trigger': the nearest are ladders.drawdown"):
        amended(read_policy(None), {"ladders.drawdown.2.trigger": 0.04})
    with pytest.raises(ConfigError, match=r"the nearest are ladders.drawdown.rung_2.cap, "):
        amended(read_policy(None), {"ladders.drawdown.rung_2": 0.04})


def test_a_value_the_policy_cannot_have_is_refused():
    with pytest.raises(ConfigError, match=r"the policy is refused: ladders.drawdown"):
        amended(read_policy(None), {"ladders.drawdown.rung_2.trigger": 0.5})


def test_a_changed_policy_differs_in_what_was_changed_only():
    policy = read_policy(None)
    assert differences(policy, amended(policy, {})) == []
    assert [key for key, _, _ in differences(policy, amended(policy, SOONER))] == list(SOONER)
