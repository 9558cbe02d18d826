"""Synthetic scenarios: each hurts as it says, for any book, on any weekday, and what is hidden stays hidden."""

from dataclasses import replace

import numpy as np
import pytest

from workbench.domain.currencies import LEGS, PAIRS, Pair
from workbench.domain.errors import ConfigError, DataError
from workbench.domain.policy.response import PairMove
from workbench.domain.trading.decisions import RaiseAlert, TargetPosition
from workbench.domain.trading.market_hours import DAY_NS, market_time_ns
from workbench.domain.trading.modes import Ladder
from workbench.engine.kernel.layout import DECISION, MOST_DECISIONS, SHOWN, STATE, WORK, EventKind, records
from workbench.engine.kernel.simulation import play_record
from workbench.engine.player import FILL_AFTER_NS
from workbench.engine.risk_engine import new_record
from workbench.engine.script import play_rows, play_script
from workbench.engine.settings import ALL
from workbench.stress import stage, stage_course
from workbench.stress.course import pair_prices
from workbench.stress.scenarios import REGISTRY, leg_moves, published_scenarios, register, synthetic_scenarios

BOOKS = {
    "one": {"EURUSD": 900_000.0},
    "short": {"USDJPY": -700_000.0, "GBPUSD": -300_000.0},
    "mixed": {"EURUSD": 500_000.0, "AUDJPY": -400_000.0, "USDCHF": 300_000.0, "EURGBP": -200_000.0},
}
AGAINST = ("legs-against", "volatility", "correlation", "combined", "spreads", "feed-outage", "crash")
SECOND = 10**9


@pytest.fixture(scope="module", params=BOOKS)
def situation(request, situation_for):
    return situation_for(BOOKS[request.param])


@pytest.fixture(scope="module")
def scenarios(policy):
    return {one.name: one for one in synthetic_scenarios(policy)}


def free(situation, course):
    return play_script(stage_course(situation, course), without=(ALL,))


def at(run, time_ns):
    """Equity at the last mark up to a time."""
    path = run.path["equity"]
    return float(path[path.index.as_unit("ns").asi8 <= time_ns].iloc[-1])


def end_of_shock(situation, name, course):
    """Last mark before the quiet month that every scenario ends with."""
    return int(course.times[-1 - len(situation.recent)])


def test_everything_is_there_under_a_name_of_its_own(policy, scenarios):
    assert set(AGAINST) == set(REGISTRY) and next(iter(scenarios)) == "yen-1998"
    assert all(one.title and one.sentence.endswith(".") and one.source for one in scenarios.values())
    with pytest.raises(ConfigError, match="'crash' is registered already"):
        register("crash", title="Again", sentence="Again.")(REGISTRY["crash"].shape)
    assert len(REGISTRY) == len(AGAINST)


@pytest.mark.parametrize("name", ["yen-1998", *AGAINST])
def test_each_scenario_is_staged_and_run_for_each_book(situation, scenarios, name):
    staged = stage(scenarios[name], situation)
    assert (staged.name, staged.synthetic, staged.quiet, staged.calm) == (name, True, None, 1.0)
    assert staged.script.held == situation.units and staged.forecast > 0.0 and staged.volatility > 0.0
    without, controlled = play_script(staged.script, without=(ALL,)), play_script(staged.script)
    assert (without.units.nunique() == 1).all() and without.path["synthetic"].all()
    assert np.isfinite(without.path["equity"]).all() and np.isfinite(controlled.path["equity"]).all()
    assert (controlled.path["gross"] <= without.path["gross"].max() + 1e-9).all()


@pytest.mark.parametrize("name", AGAINST)
def test_without_controls_the_book_loses_by_the_end_of_the_shock(situation, scenarios, name):
    course = scenarios[name].shape(situation)
    assert at(free(situation, course), end_of_shock(situation, name, course)) < situation.equity


def test_a_published_move_is_that_of_its_pair(situation, policy, scenarios):
    (move,) = policy.stress.published_moves
    course = scenarios["yen-1998"].shape(situation)
    before = pair_prices(np.array([situation.values[leg] for leg in LEGS]))
    after = pair_prices(course.values[4])
    assert after[PAIRS.index(move.pair)] / before[PAIRS.index(move.pair)] - 1 == pytest.approx(move.move, abs=1e-12)
    assert at(free(situation, course), int(course.times[4])) - situation.equity == pytest.approx(
        situation.equity * situation.weights @ leg_moves(move.pair, move.move), abs=0.01
    )


@pytest.mark.parametrize("pair", PAIRS)
def test_moves_of_legs_give_the_move_of_the_pair(pair):
    values = np.linspace(0.5, 1.5, 7)
    place = PAIRS.index(pair)
    moved = pair_prices(values * (1 + leg_moves(pair, -0.08)))
    assert moved[place] / pair_prices(values)[place] == pytest.approx(0.92)
    assert np.count_nonzero(leg_moves(pair, -0.08)) == 1


def test_two_scenarios_of_one_name_are_refused(policy):
    move = policy.stress.published_moves[0]
    doubled = policy.stress.model_copy(update={"published_moves": (move, move)})
    with pytest.raises(ConfigError, match="two scenarios are named 'yen-1998'"):
        synthetic_scenarios(policy.model_copy(update={"stress": doubled}))
    one_day = PairMove(name="Day", pair="EURUSD", move=-0.1, start="2001-01-06", end="2001-01-06")
    assert published_scenarios((one_day,))[0].name == "day-2001"


@pytest.mark.parametrize("name", ["yen-1998", *AGAINST])
def test_without_controls_the_loss_of_books_together_is_the_sum_of_their_losses(situation_for, scenarios, name):
    whole = situation_for(BOOKS["mixed"])
    course = scenarios[name].shape(whole)
    parts = [replace(whole, units={pair: units}) for pair, units in whole.units.items()]
    parts += [replace(whole, units={pair: 0.5 * units for pair, units in whole.units.items()})] * 2
    gains = [free(one, course).path["equity"] - whole.equity for one in [whole, *parts]]
    np.testing.assert_allclose(sum(gains[1:5]), gains[0], atol=0.01)
    np.testing.assert_allclose(sum(gains[5:]), gains[0], atol=0.01)
    assert gains[0].abs().max() > 1_000.0


@pytest.mark.parametrize("back", range(5))
def test_every_weekday_will_do(situation_for, scenarios, back):
    situation = situation_for(BOOKS["mixed"], back=back)
    for name, scenario in scenarios.items():
        course = scenario.shape(situation)
        assert (np.diff(course.times) > 0).all() and course.times[0] > situation.time_ns, name
        open_hours = [market_time_ns(time) - market_time_ns(time - SECOND) for time in course.times.tolist()]
        assert min(open_hours) == SECOND, name
        days = np.diff(np.append(situation.time_ns, course.times[course.closes])) // DAY_NS
        assert set(days.tolist()) <= {1, 3}, name
        play_script(stage_course(situation, course))


def test_legs_against_takes_5_per_cent_of_the_gross_of_the_legs(situation, scenarios):
    course = scenarios["legs-against"].shape(situation)
    lost = situation.equity - at(free(situation, course), end_of_shock(situation, "legs-against", course))
    assert lost == pytest.approx(0.05 * np.abs(situation.weights).sum() * situation.equity, abs=0.01)


@pytest.mark.parametrize("name", ["spreads", "feed-outage"])
def test_two_standard_deviations_are_lost(situation, scenarios, name):
    course = scenarios[name].shape(situation)
    lost = situation.equity - at(free(situation, course), end_of_shock(situation, name, course))
    assert lost == pytest.approx(2.0 * situation.deviation * situation.equity, abs=0.01)


def test_a_book_without_risk_loses_nothing(situation_for, scenarios):
    base = situation_for(BOOKS["one"])
    offset = -100_000.0 * base.values["EUR"] / base.values["GBP"]
    flat = replace(base, units={"EURUSD": 100_000.0, "EURGBP": -100_000.0, "GBPUSD": offset})
    assert np.abs(flat.weights).max() < 1e-12
    for name in AGAINST:
        gained = free(flat, scenarios[name].shape(flat)).path["equity"] - flat.equity
        assert gained.abs().max() < 0.01, name


def silence(script):
    """Events of which the engine does not see the price, by number."""
    return np.flatnonzero(np.isfinite(script.broker.prices).all(axis=1))


def test_an_outage_trips_the_technical_rungs_one_after_the_other(situation, scenarios):
    run = play_script(stage_course(situation, scenarios["feed-outage"].shape(situation)))
    technical = [one for one in run.rungs if one.ladder is Ladder.TECHNICAL]
    assert [one.rung for one in technical][:3] == [1, 2, 3]
    assert [one.rung for one in technical] == sorted(one.rung for one in technical)
    seen = technical[0].time_ns - int(1e9 * technical[0].metric)
    course = scenarios["feed-outage"].shape(situation)
    hidden = course.times[~course.seen]
    assert len(hidden) == situation.policy.stress.synthetic.feed_outage_minutes
    assert set(np.diff(hidden).tolist()) == {60 * SECOND} and course.beats.all()
    assert seen <= hidden[0] and technical[2].time_ns < hidden[-1]


def test_orders_in_the_silence_are_filled_at_prices_nobody_sees(situation_for, scenarios):
    situation = situation_for(BOOKS["one"])
    script = stage_course(situation, scenarios["feed-outage"].shape(situation))
    hidden, run = silence(script), play_script(script)
    times, place = script.events["time_ns"], PAIRS.index("EURUSD")
    last, first = times[hidden[-1]], times[hidden[0]]
    orders = [one for one in run.decisions if isinstance(one, TargetPosition)]
    assert [one for one in orders if first <= one.time_ns <= last]
    price_at = dict(zip(times[hidden].tolist(), script.broker.prices[hidden, place].tolist(), strict=True))
    units = run.units["EURUSD"]
    rows = units.index.as_unit("ns").asi8
    half = situation.policy.costs.of("EURUSD").half_spread_pips * Pair.parse("EURUSD").pip
    begun, gain = situation.values["EUR"], 0.0
    for row in np.flatnonzero((rows >= first) & (rows <= last)):
        sold = units.iloc[row - 1] - units.iloc[row]
        gain += sold * (price_at[int(rows[row])] - np.sign(sold) * half - begun)
    end = int(np.flatnonzero(rows == last)[0])
    sold = units.iloc[0] - units.iloc[end]
    assert sold > 0.0 and units.iloc[0] == units.iloc[int(np.searchsorted(rows, first)) - 1]
    marked = units.iloc[end] * (situation.values["EUR"] - begun)
    # the book came under the cap of the first reading, at its cost, before the silence
    profits = run.profits["EURUSD"]
    assert profits.iloc[end] - profits.iloc[0] == pytest.approx(gain + marked, abs=0.01)


def test_wide_spreads_come_as_quotes_around_the_same_prices(situation, scenarios):
    course = scenarios["spreads"].shape(situation)
    script = stage_course(situation, course)
    quotes = script.events[script.events["kind"] == EventKind.QUOTE]
    width = (quotes["second"] - quotes["first"]) / [
        2 * situation.policy.costs.of(PAIRS[k]).half_spread_pips * Pair.parse(PAIRS[k]).pip for k in quotes["place"]
    ]
    np.testing.assert_allclose(width[:16], 1.0, rtol=1e-6)
    np.testing.assert_allclose(width[16:], 10.0, rtol=1e-6)
    assert len(quotes) == 16 * (1 + int((course.spread_times > 1.0).sum()))
    assert set(script.broker.spread_times.tolist()) == {1.0, 10.0}


def test_a_dead_process_gets_nothing(situation, scenarios):
    course = scenarios["crash"].shape(situation)
    dead, script = course.times[4:7], stage_course(situation, course)
    assert not course.seen[4:7].any() and not course.beats[4:7].any() and course.seen.sum() == len(course.seen) - 3
    times = script.events["time_ns"]
    within = (times > course.times[3] + DAY_NS // 2) & (times < course.times[7] - 1)
    assert not within.any() and not np.isin(dead, times).any() and not len(silence(script))
    path = play_script(script).path
    assert not np.isin(dead, path.index.as_unit("ns").asi8).any()
    np.testing.assert_array_equal(course.values, scenarios["volatility"].shape(situation).values)


def test_a_run_split_at_the_crash_goes_on_to_the_same_bytes(situation, scenarios):
    course = scenarios["crash"].shape(situation)
    script = stage_course(situation, course)
    cut = int(np.searchsorted(script.events["time_ns"], course.times[4]))
    shown, log = play_rows(script)
    record, rows, told = new_record(script.start, script.settings[0]), [], []
    numbers = np.concatenate([one.numbers for one in script.settings])
    for part in (slice(None, cut), slice(cut, None)):
        marks = int(np.isin(script.events[part]["kind"], [EventKind.FIXING, EventKind.HEARTBEAT]).sum())
        noted, said = records(marks, SHOWN), records(10_000, DECISION)
        text = (
            script.events[part].view(type(noted)),
            script.in_force[part],
            script.broker.spread_times[part],
            script.broker.prices[part],
        )
        desks = (numbers, record, records(1, WORK), records(MOST_DECISIONS, DECISION))
        count = play_record(desks, text, FILL_AFTER_NS, noted, said)
        rows.append(noted.tobytes())
        told.append(said[:count].tobytes())
        # the process dies here: only bytes are left
        record = np.frombuffer(record.tobytes(), STATE).copy()
    assert b"".join(rows) == shown.tobytes() and b"".join(told) == log.tobytes()
    assert all(told)


def test_alerts_of_rungs_are_read_in_order(situation, scenarios):
    run = play_script(stage_course(situation, scenarios["combined"].shape(situation)))
    assert run.rungs and all(isinstance(one, RaiseAlert) for one in run.rungs)
    assert [one.time_ns for one in run.rungs] == sorted(one.time_ns for one in run.rungs)


def test_calm_windows_forecast_and_volatility_are_those_of_the_book(situation, scenarios):
    calm = np.random.default_rng(0).normal(0, 0.004, (60, 7))
    staged = stage(scenarios["legs-against"], situation, calm=calm)
    own = calm @ situation.weights
    days = int(scenarios["legs-against"].shape(situation).closes.sum())
    windows = [1 + own[k : k + days].sum() for k in range(61 - days)]
    assert staged.calm == pytest.approx(np.mean(windows))
    variance = situation.weights @ situation.covariance @ situation.weights
    assert staged.volatility == pytest.approx(np.sqrt(256 * variance))
    tail = situation.calibration.residual_quantiles["0.975"].expected_shortfall
    assert staged.forecast == pytest.approx(tail * np.sqrt(variance))
    assert staged.times_for(0.3) == pytest.approx(0.3 / staged.volatility)
    with pytest.raises(DataError, match="no size gives it a volatility"):
        replace(staged, volatility=0.0).times_for(0.15)
