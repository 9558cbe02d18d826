"""A user's own scenarios: what each key does, what is refused in which words, and files of them."""

import os
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.data.policy_file import read_policy
from workbench.data.rates import DailyRates
from workbench.data.scenario_file import LARGEST_BYTES, read_scenarios
from workbench.domain.book import Book
from workbench.domain.currencies import LEGS
from workbench.domain.errors import ConfigError
from workbench.domain.trading.market_hours import DAY_NS, MINUTE_NS
from workbench.runtime.crises.staging import History, situation_of
from workbench.stress import Course, Situation, run_scenario, stage
from workbench.stress.course import next_weekday
from workbench.stress.scenarios.own import own_scenario

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "own_scenario.toml"
JPY, AUD, EUR, GBP = (LEGS.index(leg) for leg in ("JPY", "AUD", "EUR", "GBP"))


@pytest.fixture(scope="module")
def friday(ecb: DailyRates) -> Situation:
    """The last evening of the rates: a week-end is in the way of what needs an open night."""
    return situation_of(History(ecb, read_policy(None), Book({"EURUSD": 1e5, "AUDJPY": -5e4}, 1e6)))


@pytest.fixture(scope="module")
def evening(friday: Situation) -> Situation:
    """The same on a Monday."""
    return replace(friday, time_ns=next_weekday(friday.time_ns))


def own(**keys):
    return own_scenario({"name": "mine", **keys}, source="mine.toml")


def course(situation: Situation, **keys) -> Course:
    return own(**{"after_days": 0, **keys}).shape(situation)


def total(situation: Situation, made: Course) -> np.ndarray:
    """Simple return of each leg over the whole course."""
    return made.values[-1] / np.array([situation.values[leg] for leg in LEGS]) - 1.0


def returns(situation: Situation, made: Course) -> np.ndarray:
    start = np.array([[situation.values[leg] for leg in LEGS]])
    return np.diff(np.concatenate([start, made.values[made.closes]]), axis=0) / np.concatenate(
        [start, made.values[made.closes][:-1]]
    )


def refusal(**keys) -> str:
    with pytest.raises(ConfigError) as caught:
        own(**keys)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500
    return str(caught.value).removeprefix("mine.toml: the scenario is refused: ")


# --- moves


def test_a_leg_moves_alone_within_a_day_by_the_half_hour(evening):
    made = course(evening, moves={"JPY": 0.08})
    assert total(evening, made) == pytest.approx(0.08 * (np.arange(7) == JPY), abs=1e-12)
    assert len(made.times) == 48 and set(np.diff(made.times)) == {30 * MINUTE_NS}
    assert made.closes.sum() == 1 and made.seen.all() and (made.spread_times == 1.0).all()


def test_pairs_and_legs_say_the_same(evening):
    by_leg = course(evening, moves={"JPY": 0.08, "AUD": -0.02})
    by_pair = course(evening, moves={"AUDJPY": 0.98 / 1.08 - 1.0, "USDJPY": 1.0 / 1.08 - 1.0})
    assert by_pair.values == pytest.approx(by_leg.values, rel=1e-12)
    both = course(evening, moves={"JPY": 0.08, "AUDJPY": 0.98 / 1.08 - 1.0, "AUD": -0.02, "JPYUSD": 0.08})
    assert both.values == pytest.approx(by_leg.values, rel=1e-12)


def test_a_cross_alone_moves_its_base(evening):
    found = total(evening, course(evening, moves={"EURGBP": 0.1}))
    assert found == pytest.approx(0.1 * (np.arange(7) == EUR), abs=1e-12)
    chain = total(evening, course(evening, moves={"EURGBP": 0.1, "GBPJPY": 0.2, "AUD": 0.3}))
    assert chain[[EUR, GBP, JPY, AUD]] == pytest.approx([0.1, 0.0, 1 / 1.2 - 1, 0.3])


@given(st.lists(st.floats(-0.5, 1.0), min_size=7, max_size=7), st.permutations(("EURGBP", "GBPJPY", "AUDJPY", "CHF")))
def test_what_legs_imply_is_accepted_in_any_order(sizes, order):
    legs = dict(zip(LEGS, sizes, strict=True)) | {"USD": 0.0}
    implied = {name: (1.0 + legs[name[:3]]) / (1.0 + (legs[name[3:]] if name[3:] else 0.0)) - 1.0 for name in order}
    own(moves={**implied, "EUR": legs["EUR"]}, spreads={"times": 2.0})


def test_a_contradiction_is_told_with_what_the_others_give():
    told = "moves.AUDJPY: AUDJPY -12.00 % contradicts AUD and JPY, which give -9.26 %"
    assert refusal(moves={"JPY": 0.08, "AUDJPY": -0.12, "AUD": -0.02}) == told
    told = "moves.USDJPY: USDJPY +5.00 % contradicts JPY, which gives -7.41 %"
    assert refusal(moves={"USDJPY": 0.05, "JPY": 0.08}) == told
    told = "moves.EURJPY: EURJPY +10.00 % contradicts EURGBP and GBPJPY, which give +21.00 %"
    assert refusal(moves={"EURGBP": 0.1, "GBPJPY": 0.1, "EURJPY": 0.1}) == told
    told = "moves.AUDJPY: AUDJPY -9.260 % contradicts AUD and JPY, which give -9.259 %"
    assert refusal(moves={"JPY": 0.08, "AUD": -0.02, "AUDJPY": -0.0926}) == told
    own(moves={"JPY": 0.08, "AUD": -0.02, "AUDJPY": -0.0925926})


def test_days_spread_a_move_over_weekdays(friday):
    made = course(friday, moves={"JPY": 0.08}, days=4)
    assert returns(friday, made)[:, JPY] == pytest.approx([1.08**0.25 - 1.0] * 4)
    assert made.times[0] - friday.time_ns == 3 * DAY_NS and made.closes.all()
    crash = course(friday, moves={"JPY": -0.9999}, days=2)  # no floor under what was asked for
    assert total(friday, crash)[JPY] == pytest.approx(-0.9999)


def test_the_last_month_follows_again_and_again(evening):
    made = course(evening, moves={"JPY": 0.08}, after_days=45)
    expected = np.concatenate([evening.recent, evening.recent, evening.recent[:5]])
    assert returns(evening, made)[1:] == pytest.approx(expected)
    assert len(returns(evening, own(moves={"JPY": 0.08}).shape(evening))) == 21


# --- the month after


def test_volatility_makes_the_month_larger_and_against_the_book(evening):
    month = returns(evening, course(evening, volatility={"times": 3.0}, after_days=2))
    assert len(month) == 22
    assert np.abs(month[:20]) == pytest.approx(3.0 * np.abs(evening.recent))
    assert (month[:20] @ evening.weights).sum() <= 0.0
    assert month[20:] == pytest.approx(evening.recent[:2])
    after = returns(evening, course(evening, volatility={"times": 3.0}, moves={"JPY": 0.08}))
    assert after[1:] == pytest.approx(month[:20]) and after[0, JPY] == pytest.approx(0.08)


def test_correlations_go_where_they_are_sent(evening):
    held = evening.weights != 0.0
    before = np.corrcoef(evening.recent[:, held].T)
    wanted = np.sign(np.outer(evening.weights[held], evening.weights[held]))
    found = np.corrcoef(returns(evening, course(evening, correlation={"to": 0.95}))[:, held].T)
    assert np.abs(found - wanted).max() < 0.5 * np.abs(before - wanted).max()
    entry = course(evening, correlation={"EUR-GBP": 0.3})
    low, high = (np.corrcoef(one[:, EUR], one[:, GBP])[0, 1] for one in (returns(evening, entry), evening.recent))
    assert low < high - 0.2
    same = evening.correlation[EUR, GBP]
    unchanged = returns(evening, course(evening, correlation={"GBP-EUR": float(same)}))
    assert np.abs(unchanged) == pytest.approx(np.abs(evening.recent), abs=1e-12)


def test_an_impossible_matrix_is_mended_and_told_or_refused(evening):
    mended = stage(own(correlation={"EUR-GBP": -0.9}), evening)
    assert mended.corrected == "correlations were projected to the nearest valid matrix, largest change 0.40"
    assert stage(own(correlation={"EUR-GBP": 0.5}), evening).corrected == ""
    assert stage(own(moves={"JPY": 0.1}), evening).corrected == ""
    bad = own(correlation={"EUR-GBP": 1.0, "GBP-CHF": 1.0, "EUR-CHF": -1.0})
    with pytest.raises(ConfigError, match=r"EUR-CHF -1 is impossible: the nearest valid .* an entry by 0\.58$"):
        stage(bad, evening)


# --- spreads and silence


def test_spreads_are_wide_while_the_moves_happen(evening, friday):
    made = course(evening, spreads={"times": 10.0}, moves={"JPY": 0.08}, days=2, after_days=3)
    assert made.spread_times.tolist() == [10.0] * 49 + [1.0] * 3
    quiet_first = course(friday, spreads={"times": 10.0})
    assert quiet_first.spread_times.tolist() == [1.0] + [10.0] * 48
    assert total(friday, quiet_first) == pytest.approx(np.zeros(7), abs=1e-12)


@pytest.mark.parametrize("minutes", [1, 29, 30, 31, 600, 1200])
def test_an_outage_hides_so_many_minutes_in_the_middle_of_the_first_day(evening, minutes):
    made = course(evening, outage={"minutes": minutes}, moves={"JPY": 0.08}, days=2)
    hidden = made.times[~made.seen]
    assert len(hidden) == minutes and made.beats.all()
    assert set(np.diff(hidden)) <= {MINUTE_NS} and (np.diff(made.times) > 0).all()
    middle = (hidden[0] + hidden[-1]) / 2 - evening.time_ns
    assert middle == pytest.approx(DAY_NS / 2, abs=MINUTE_NS)
    first, last = np.flatnonzero(~made.seen)[[0, -1]]
    assert made.times[last + 1] - made.times[first - 1] == (minutes + 1) * MINUTE_NS
    smooth = course(evening, moves={"JPY": 0.08}, days=2)
    assert made.values[made.closes] == pytest.approx(smooth.values)


def test_the_example_runs_from_file_to_result(friday):
    found = read_scenarios(EXAMPLE)
    scenario = own_scenario(**found[0])
    assert (scenario.name, scenario.source) == ("taiwan-strait", "own_scenario.toml")
    staged = stage(scenario, friday)
    run = run_scenario(staged)
    assert staged.synthetic and staged.corrected == ""
    assert 0.0 < run.drawdown("without") < 1.0 and np.isfinite(run.controlled.path["equity"]).all()


def test_words_are_made_where_there_are_none():
    mine = own(moves={"JPY": 0.08}, volatility={"times": 3.0}, outage={"minutes": 30})
    assert mine.title == "mine" and mine.sentence == (
        "JPY +8.00 % within a day, 30 minutes of silent feeds on the first day; then the last month again with moves 3 "
        "times as large, turned so that the book loses; then 20 days as in the last month."
    )
    mine = own(correlation={"to": 0.9}, after_days=0, title=" A  day\n", sentence="Bad.")
    assert (mine.title, mine.sentence) == ("A day", "Bad.")
    assert own(correlation={"to": 0.9}, after_days=0).sentence.startswith("The last month again under correlations of")


# --- refusals

NOTHING = "it does nothing: give it moves, volatility, correlation, spreads or an outage"
BAD = [
    ({}, NOTHING),
    ({"moves": {"JPY": 0.0}, "after_days": 30}, NOTHING),
    ({"move": {"JPY": 0.1}}, "move: unknown key, did you mean 'moves'?"),
    ({"volatility": {"times": 2.0, "time": 3}}, "volatility.time: unknown key, did you mean 'times'?"),
    ({"volatility": {}}, "volatility.times: expected a value, got nothing (the key is missing)"),
    ({"volatility": {"times": 1.0}}, "volatility.times: expected greater than 1, got 1.0"),
    ({"spreads": 10}, "spreads: "),
    ({"spreads": {"times": float("inf")}}, "spreads.times: "),
    ({"outage": {"minutes": 30.5}}, "outage.minutes: expected a valid integer, got 30.5"),
    ({"outage": {"minutes": 0}}, "outage.minutes: expected greater than or equal to 1, got 0"),
    ({"outage": {"minutes": 1201}}, "outage.minutes: "),
    ({"moves": {"JPY": float("nan")}}, "moves.JPY: expected a finite number, got nan"),
    ({"moves": {"JPY": -1.0}}, "moves.JPY: expected greater than -1, got -1.0"),
    ({"moves": {"JPY": "0.1"}}, "moves.JPY: expected a valid number, got '0.1'"),
    ({"moves": {"JPY": True}}, "moves.JPY: expected a valid number, got True"),
    ({"moves": {"JPY": 10**400}}, "moves.JPY: "),
    ({"moves": [0.1]}, "moves: expected a valid dictionary, got [0.1]"),
    ({"moves": {"USD": 0.1}}, "moves: expected legs (EUR, "),
    ({"moves": {"jpy": 0.1}}, "moves: expected legs (EUR, "),
    ({"moves": {"JPYJPY": 0.1}}, "moves: expected legs (EUR, "),
    ({"correlation": {}}, "correlation: expected either to or entries such as EUR-GBP, got []"),
    ({"correlation": {"to": 0.9, "EUR-GBP": 0.1}}, "correlation: expected either to or entries"),
    ({"correlation": {"to": 1.0}}, "correlation.to: expected more than 0 and less than 1, got 1.0"),
    ({"correlation": {"EUR-GBP": 1.1}}, "correlation.EUR-GBP: expected less than or equal to 1, got 1.1"),
    ({"correlation": {"EUR-USD": 0.1}}, "correlation: expected to, or entries of two legs"),
    ({"correlation": {"EUR-EUR": 0.1}}, "correlation: expected to, or entries of two legs"),
    ({"correlation": {"EUR-GBP": 0.1, "GBP-EUR": 0.1}}, "correlation: expected every two legs once, got 'GBP-EUR'"),
    ({"days": 0, "moves": {"JPY": 0.1}}, "days: "),
    ({"days": True, "moves": {"JPY": 0.1}}, "days: expected a valid integer, got True"),
    (
        {"days": 3, "volatility": {"times": 2.0}},
        "days: expected moves, spreads or outage to happen in these days, got 3",
    ),
    ({"after_days": 61, "moves": {"JPY": 0.1}}, "after_days: expected less than or equal to 60, got 61"),
    ({"title": "\x1b[31m", "moves": {"JPY": 0.1}}, "title: expected 1 to 600 printable characters"),
    ({"sentence": "x" * 1_000_000, "moves": {"JPY": 0.1}}, "sentence: "),
    ({f"key {k}\n": k for k in range(1000)}, "'key 0\\n': unknown key"),
]


@pytest.mark.parametrize(("keys", "told"), BAD, ids=range(len(BAD)))
def test_what_is_wrong_is_refused_with_its_key(keys, told):
    assert refusal(**keys).startswith(told)


@pytest.mark.parametrize("name", ["", "A", "two words", "../up", "a/b", "a\\b", "-a", "ä", "a\n", "a" * 61, 7, None])
def test_a_name_is_fit_for_a_file(name):
    assert refusal(name=name, moves={"JPY": 0.1}).startswith("name: ")
    own(name="a-1", moves={"JPY": 0.1})


# --- files


def test_a_folder_gives_its_scenarios_in_order(tmp_path):
    for name in ("b.toml", "a.toml", ".hidden.toml", "notes.txt"):
        (tmp_path / name).write_text(f'name = "{name[0]}"', encoding="utf-8")
    assert read_scenarios(tmp_path) == [
        {"table": {"name": "a"}, "source": "a.toml"},
        {"table": {"name": "b"}, "source": "b.toml"},
    ]
    (tmp_path / "c.toml").write_text('name = "a"', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"c\.toml: a\.toml has the name 'a' too"):
        read_scenarios(tmp_path)


FILES = {
    "not TOML": (b"name = ", "expected TOML, got "),
    "not UTF-8": (b'name = "\xff"', "expected UTF-8 text, got byte 0xff at 8"),
    "a number without end": (b"a = " + b"9" * 5000, "expected TOML, got "),
    "brackets without end": (b"a = " + b"[" * 200_000, "expected TOML, got "),
    "over 1 MB": (b"#" * (LARGEST_BYTES + 1), "is over 1 MB"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_bad_file_is_refused_in_a_sentence(tmp_path, case):
    content, told = FILES[case]
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_scenarios(path)
    assert "mine.toml" in str(caught.value) and told in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_that_is_not_there_or_holds_nothing(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot read the scenario file .*none\.toml: there is no such file"):
        read_scenarios(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match=r"holds no \*\.toml file"):
        read_scenarios(tmp_path)
    (tmp_path / "empty.toml").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"empty\.toml: the scenario is refused: name: expected a value"):
        own_scenario(**read_scenarios(tmp_path)[0])
    with pytest.raises(ConfigError, match="over 1 MB"):
        read_scenarios(Path(os.devnull).with_name("zero"))
    (tmp_path / "large.toml").write_bytes(b"#" * LARGEST_BYTES)
    assert read_scenarios(tmp_path / "large.toml")[0]["table"] == tomllib.loads("")
