"""The crises of the policy staged: from what was known then and nothing later, the same every time."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from workbench.data.policy_file import read_policy
from workbench.data.rates import DailyRates
from workbench.domain.book import Book
from workbench.domain.currencies import LEGS
from workbench.domain.errors import ConfigError, DataError
from workbench.engine.kernel.layout import EventKind
from workbench.engine.script import play_script
from workbench.runtime.crises.staging import (
    CALM_DAYS,
    DAYS_AFTER,
    DAYS_BEFORE,
    RECENT_DAYS,
    History,
    gap_scenarios,
    recorded_scenarios,
    situation_of,
    stage_recorded,
)
from workbench.runtime.replay.market import MarkPlan, Scenario
from workbench.runtime.replay.scenario import Evening, quick_calibration, reference_book
from workbench.stress import Staged

POLICY = read_policy(None)
KNOWN = {one.id: (one, plan) for one, plan in recorded_scenarios(POLICY)}


def history_of(rates, book=None):
    held = book if book is not None else reference_book(rates, POLICY, equity=1e6, volatility=0.15)
    return History(rates, POLICY, held)


@pytest.fixture(scope="module")
def history(ecb):
    return history_of(ecb)


@pytest.fixture(scope="module")
def staged(history) -> dict[str, Staged]:
    return {name: stage_recorded(history, *both) for name, both in KNOWN.items()}


def parts(script):
    """Everything a script is, as bytes."""
    return (
        script.start,
        script.events.tobytes(),
        script.in_force.tobytes(),
        script.synthetic.tobytes(),
        [one.numbers.tobytes() for one in script.settings],
        [one.calibration for one in script.settings],
        script.broker.spread_times.tobytes(),
        script.broker.prices.tobytes(),
    )


def test_every_historical_scenario_and_gap_path_is_staged(staged):
    titles = [one.name for one in POLICY.stress.historical] + [one.name for one in POLICY.stress.gap_paths]
    assert [one.title for one in staged.values()] == titles and list(staged) == [one.name for one in staged.values()]
    assert len(staged) == 15
    gaps = [scenario.id for scenario, _ in gap_scenarios(POLICY)]
    for name, one in staged.items():
        assert one.synthetic == (name in gaps) == bool(one.script.synthetic.any()) and one.corrected == ""
        assert (one.quiet is None) == (name in gaps)
        assert 0.5 < one.calm < 1.5 and one.forecast > 0.0 and one.volatility > 0.0
        assert "ECB" in one.source and ("gap_paths" in one.source) == (name in gaps)


def test_a_gap_is_three_synthetic_marks_and_nothing_else(staged):
    for gap, day in (("gap-gbpusd-2016", "sterling-2016"), ("gap-audjpy-2019", "yen-2019"),
                     ("gap-eurchf-2015", "swiss-2015")):  # fmt: skip
        assert int(staged[gap].script.synthetic.sum()) == 3 and not staged[day].script.synthetic.any()
        fixes = staged[gap].script.events
        assert len(fixes) > 50 and "SYNTHETIC" in staged[gap].sentence and "SYNTHETIC" not in staged[day].sentence
    franc = [play_script(staged[name].script, without=("all",)) for name in ("gap-eurchf-2015", "swiss-2015")]
    assert franc[0].largest_drawdown > franc[1].largest_drawdown


def test_marks_are_the_recorded_fixes_with_a_calibration_and_a_review_each(history, staged):
    for name, one in staged.items():
        scenario, _ = KNOWN[name]
        events = one.script.events
        first = pd.Timestamp(scenario.start) - pd.Timedelta(days=DAYS_BEFORE)
        last = pd.Timestamp(scenario.end) + pd.Timedelta(days=DAYS_AFTER)
        rows = np.flatnonzero((history.rates.dates >= first) & (history.rates.dates <= last))
        closes = events[(events["kind"] == EventKind.FIXING) & (events["number"] == 1)]
        assert closes["time_ns"].tolist() == history.times[rows[1:]].tolist()
        np.testing.assert_array_equal(closes["values"], history.values[rows[1:]])
        for kind in (EventKind.RENEWED, EventKind.OPERATOR_RESUME):
            assert int((events["kind"] == kind).sum()) == len(closes)
        days = [one.calibration.as_of for one in one.script.settings]
        assert days == [history.rates.dates[row].date() for row in rows]
        assert (np.diff(events["time_ns"]) >= 0).all()


def test_the_quiet_window_is_as_long_and_ends_where_the_crisis_begins(history, staged):
    for one in staged.values():
        if one.quiet is not None:
            fixes = [script.events[script.events["kind"] == EventKind.FIXING] for script in (one.quiet, one.script)]
            assert len(fixes[0]) == len(fixes[1]) and fixes[0]["time_ns"][-1] == one.script.start.time_ns
            assert one.quiet.held == one.script.held


def altered(rates, after, factor=3.0):
    """The same rates up to a day, garbage later."""
    values = rates.leg_values.copy()
    random = np.random.default_rng(1)
    later = values.index > pd.Timestamp(after)
    values.loc[later, list(LEGS)] *= factor * random.uniform(0.5, 1.5, (int(later.sum()), len(LEGS)))
    return replace(rates, leg_values=values)


@pytest.mark.parametrize("name", ["october-2008", "swiss-2015", "brexit-2016", "gap-gbpusd-2016"])
@pytest.mark.parametrize("own", [True, False])
def test_what_comes_later_changes_nothing(ecb, name, own):
    scenario, plan = KNOWN[name]
    end = pd.Timestamp(scenario.end) + pd.Timedelta(days=DAYS_AFTER)
    book = reference_book(ecb, POLICY, equity=1e6, volatility=0.15) if own else None
    found = [
        stage_recorded(History(rates, POLICY, book), scenario, plan)
        for rates in (ecb, altered(ecb, end), ecb.up_to(end.date()))
    ]
    for other in found[1:]:
        assert parts(other.script) == parts(found[0].script)
        assert (other.calm, other.forecast, other.volatility) == (found[0].calm, found[0].forecast, found[0].volatility)
        if found[0].quiet is not None:
            assert parts(other.quiet) == parts(found[0].quiet)


@pytest.mark.parametrize("name", ["swiss-2015", "brexit-2016"])
def test_what_is_known_on_the_eve_does_not_know_the_crisis(ecb, name):
    scenario, plan = KNOWN[name]
    book = reference_book(ecb, POLICY, equity=1e6, volatility=0.15)
    eve = pd.Timestamp(scenario.start) - pd.Timedelta(days=1)
    plain, other = (stage_recorded(History(rates, POLICY, book), scenario, plan) for rates in (ecb, altered(ecb, eve)))
    assert (other.calm, other.forecast, other.volatility) == (plain.calm, plain.forecast, plain.volatility)
    assert parts(other.quiet) == parts(plain.quiet) and other.script.held == plain.script.held
    cut = int(np.searchsorted(plain.script.events["time_ns"], eve.tz_localize("UTC").as_unit("ns").value))
    assert cut > 10 and other.script.events[:cut].tobytes() == plain.script.events[:cut].tobytes()
    assert other.script.events.tobytes() != plain.script.events.tobytes()


def test_calibrations_are_those_of_what_was_known_on_their_evening(ecb, history):
    for day in ("2011-09-06", "2015-01-15", "2016-06-24", "2026-10-01"):
        row = history.row_of(pd.Timestamp(day))
        known = Evening.last_of(ecb.up_to(pd.Timestamp(day).date()))
        found, plain = history.calibration(row, history.book), quick_calibration(known, history.book, POLICY)
        assert found.data_hash != plain.data_hash
        assert found.model_copy(update={"data_hash": plain.data_hash}) == plain
        evening = history.evening(row)
        assert evening.returns.tobytes() == known.returns.tobytes() and dict(evening.values) == dict(known.values)
        assert evening.as_of == known.as_of
    assert history.calibration(row, history.book) is found


def test_a_hash_is_of_everything_before_and_nothing_later(ecb, history):
    row = history.row_of(pd.Timestamp("2016-06-24"))
    known = history.evening(row).data_hash
    changed = history_of(altered(ecb, ecb.dates[row]), history.book)
    assert changed.evening(row).data_hash == known and len(known) == 64
    assert changed.evening(row + 1).data_hash != history.evening(row + 1).data_hash
    before = history_of(altered(ecb, ecb.dates[row - 1]), history.book)
    assert before.evening(row).data_hash != known


def test_rows_are_those_of_the_last_fix(history):
    friday = history.row_of(pd.Timestamp("2026-10-30"))
    assert history.row_of(pd.Timestamp("2026-10-31")) == friday and history.row_of(pd.Timestamp("1990-01-01")) == -1


def test_the_same_again_is_the_same_to_the_last_byte(ecb, staged):
    again = history_of(ecb)
    for name in ("lehman-2008", "yen-2024", "gap-eurchf-2015"):
        other = stage_recorded(again, *KNOWN[name])
        assert parts(other.script) == parts(staged[name].script)
        assert (other.calm, other.forecast, other.volatility) == tuple(
            getattr(staged[name], key) for key in ("calm", "forecast", "volatility")
        )
        assert play_script(other.script).log.tobytes() == play_script(staged[name].script).log.tobytes()


def test_without_a_book_the_reference_book_of_each_eve_is_held(ecb):
    both = [stage_recorded(History(ecb, POLICY), *KNOWN[name]) for name in ("swiss-2015", "yen-2024")]
    assert both[0].script.held != both[1].script.held and all(one.script.start.equity == 1e6 for one in both)
    first = ecb.up_to(pd.Timestamp(both[0].script.start.time_ns).date())
    expected = reference_book(first, POLICY, equity=1e6, volatility=None)
    assert both[0].script.held == {pair: expected.units[pair] for pair in expected.pairs}


def test_scenarios_outside_the_data_are_refused(ecb, history):
    for start, end in (("1998-01-05", "1998-02-05"), ("2030-01-05", "2030-02-05"), ("2000-06-01", "2000-06-05")):
        scenario = Scenario("gone", "Gone", pd.Timestamp(start).date(), pd.Timestamp(end).date())
        with pytest.raises(DataError):
            stage_recorded(history, scenario, MarkPlan())
    early = Scenario("early", "Early", ecb.dates[CALM_DAYS + 15].date(), ecb.dates[CALM_DAYS + 15].date())
    with pytest.raises(DataError, match="too little history before"):
        stage_recorded(history, early, MarkPlan())


def test_an_empty_book_is_refused(ecb):
    with pytest.raises(ConfigError, match="nothing to stress"):
        stage_recorded(history_of(ecb, Book({}, 1e6)), *KNOWN["brexit-2016"])
    with pytest.raises(ConfigError, match="nothing to stress"):
        situation_of(history_of(ecb, Book({"EURUSD": 0.0}, 1e6)))


def test_the_situation_is_the_last_evening(ecb: DailyRates, history):
    found = situation_of(history)
    assert dict(found.values) == dict(ecb.last_values()) and found.calibration.as_of == ecb.as_of
    assert found.time_ns == history.times[-1] and found.recent.shape == (RECENT_DAYS, 7)
    np.testing.assert_array_equal(found.recent[-1], history.returns[-1])
    np.testing.assert_allclose(found.weights, history.book.leg_weights(found.values))
    other = found.calibration.model_copy(update={"code_version": "judged"})
    assert situation_of(history, other).calibration is other
