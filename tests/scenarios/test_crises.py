"""Four crises on recorded rates: every alert, mode and release, at its exact time.

The book is the reference one, as large as the first VaR rung lets a calm book be; marks are the daily fixes alone.
"""

import pytest

from workbench.data.policy_file import read_policy
from workbench.domain.trading.decisions import ModeChanged, RaiseAlert, RungReleased
from workbench.monitor.decisions import line_of
from workbench.runtime.replay import ReplayOrder, ScenarioReplay, find_scenario, replay_scenario

CRISES = {
    "swiss-2015": [
        ("2015-01-15 13:15", "alert level 2: volatility over normal rung 1, 5.53 against 1.50"),
        ("2015-01-15 13:15", "alert level 3: volatility over normal rung 2, 5.53 against 2.00"),
        ("2015-01-15 13:15", "alert level 4: volatility over normal rung 3, 5.53 against 3.00"),
        ("2015-01-15 13:15", "alert level 2: VaR 95 % rung 1, 0.98 % against 0.20 %"),
        ("2015-01-15 13:15", "alert level 3: VaR 95 % rung 2, 0.98 % against 0.30 %"),
        ("2015-01-15 13:15", "alert level 4: VaR 95 % rung 3, 0.98 % against 0.50 %"),
        ("2015-01-15 13:15", "mode ACTIVE → REDUCING"),
        ("2015-01-16 13:15", "volatility over normal rung 3 lets go at 2.37"),
        ("2015-01-16 13:15", "VaR 95 % rung 1 lets go at 0.03 %"),
        ("2015-01-16 13:15", "VaR 95 % rung 2 lets go at 0.03 %"),
    ],
    "brexit-2016": [
        ("2016-06-20 12:15", "alert level 2: volatility over normal rung 1, 1.56 against 1.50"),
        ("2016-06-24 12:15", "alert level 3: volatility over normal rung 2, 3.53 against 2.00"),
        ("2016-06-24 12:15", "alert level 4: volatility over normal rung 3, 3.53 against 3.00"),
        ("2016-06-24 12:15", "alert level 2: correlation rung 1, 0.45 against 0.30"),
        ("2016-06-24 12:15", "mode ACTIVE → REDUCING"),
        ("2016-06-27 12:15", "volatility over normal rung 3 lets go at 1.84"),
        ("2016-06-27 12:15", "mode REDUCING → ACTIVE"),
        ("2016-06-29 12:15", "alert level 4: volatility over normal rung 3, 3.03 against 3.00"),
        ("2016-06-29 12:15", "mode ACTIVE → REDUCING"),
        ("2016-06-30 12:15", "volatility over normal rung 3 lets go at 1.73"),
        ("2016-06-30 12:15", "mode REDUCING → ACTIVE"),
        ("2016-07-05 12:15", "volatility over normal rung 2 lets go at 1.60"),
        ("2016-07-11 12:15", "alert level 3: volatility over normal rung 2, 2.07 against 2.00"),
    ],
    "october-2008": [
        ("2008-09-23 12:15", "alert level 2: volatility over normal rung 1, 2.00 against 1.50"),
        ("2008-09-23 12:15", "alert level 3: volatility over normal rung 2, 2.05 against 2.00"),
        ("2008-10-14 12:15", "alert level 4: volatility over normal rung 3, 3.13 against 3.00"),
        ("2008-10-14 12:15", "mode ACTIVE → REDUCING"),
        ("2008-10-24 12:15", "alert level 2: correlation rung 1, 0.31 against 0.30"),
        ("2008-11-27 13:15", "volatility over normal rung 3 lets go at 2.37"),
        ("2008-11-27 13:15", "mode REDUCING → ACTIVE"),
    ],
    "pandemic-2020": [
        ("2020-03-09 13:15", "alert level 2: volatility over normal rung 1, 1.53 against 1.50"),
        ("2020-03-09 13:15", "alert level 2: correlation rung 1, 0.30 against 0.30"),
        ("2020-03-13 13:15", "correlation rung 1 lets go at 0.19"),
        ("2020-03-16 13:15", "alert level 3: volatility over normal rung 2, 2.10 against 2.00"),
        # three held correlations that are high and have moved count as a level of one
        ("2020-03-18 13:15", "alert level 4: correlation rung 2, 1.00 against 0.70"),
        ("2020-03-30 12:15", "correlation rung 2 lets go at 0.51"),
        ("2020-04-03 12:15", "alert level 4: correlation rung 2, 1.00 against 0.70"),
        ("2020-04-07 12:15", "correlation rung 2 lets go at 0.54"),
    ],
}
DRAWDOWNS = {
    "swiss-2015": (0.028, 0.046),
    "brexit-2016": (0.004, 0.014),
    "october-2008": (0.006, 0.022),
    "pandemic-2020": (0.005, 0.011),
}
"""Largest drawdown with controls and without."""


@pytest.fixture(scope="module")
def played(ecb) -> dict[str, ScenarioReplay]:
    policy = read_policy(None)
    return {name: replay_scenario(ecb, policy, ReplayOrder(find_scenario(policy, name))) for name in CRISES}


@pytest.mark.parametrize("name", CRISES)
def test_every_alert_mode_and_release_comes_at_its_time(name, played):
    lines = [
        line_of(one)
        for one in played[name].controlled.decisions
        if isinstance(one, RaiseAlert | ModeChanged | RungReleased)
    ]
    assert [(f"{line.time:%Y-%m-%d %H:%M}", line.what) for line in lines] == CRISES[name]


@pytest.mark.parametrize("name", CRISES)
def test_drawdowns_with_and_without_controls(name, played):
    replayed = played[name]
    found = (replayed.controlled.largest_drawdown, replayed.free.largest_drawdown)
    assert found == pytest.approx(DRAWDOWNS[name], abs=0.0006)


@pytest.mark.parametrize("name", CRISES)
def test_without_controls_nothing_is_decided(name, played):
    assert not [one for one in played[name].free.decisions if isinstance(one, RaiseAlert | ModeChanged)]


def test_a_replay_sees_nothing_later_than_its_day(ecb):
    policy = read_policy(None)
    order = ReplayOrder(find_scenario(policy, "brexit-2016"), after_days=4)
    whole = replay_scenario(ecb, policy, order)
    cut = replay_scenario(ecb.up_to("2016-06-28"), policy, order)
    assert cut.controlled.decisions == whole.controlled.decisions
    assert cut.controlled.final.digest == whole.controlled.final.digest
