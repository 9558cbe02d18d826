"""The stress validation: two books, every scenario, a verdict that can refuse, sentences that follow from numbers."""

import json

import numpy as np
import pytest

from workbench.data.policy_file import read_policy
from workbench.domain.book import Book
from workbench.domain.errors import ConfigError, DataError
from workbench.runtime.crises.running import opened, validate_stress
from workbench.runtime.crises.staging import History, situation_of
from workbench.runtime.crises.validation import NOT_CALIBRATED, StressOrder, reason_of
from workbench.runtime.daily.session import DailySession
from workbench.runtime.replay.scenario import reference_book
from workbench.stress import PathPlan, monte_carlo, run_scenario, stage
from workbench.stress.runs import daily_returns
from workbench.stress.scenarios import synthetic_scenarios

POLICY = read_policy(None)
SHORT = StressOrder(paths=400, days=20)
FEW = StressOrder(paths=0, scenarios=("brexit-2016", "swiss-2015", "legs-against"))


@pytest.fixture(scope="module")
def book(ecb):
    return reference_book(ecb, POLICY, equity=1e6, volatility=None)


@pytest.fixture(scope="module")
def found(ecb, book):
    return validate_stress(ecb, POLICY, book, order=SHORT)


def test_every_scenario_of_the_policy_is_run_with_both_books(found):
    named = list(found.as_is.table()["title"])
    wanted = [one.name for one in POLICY.stress.historical] + [one.name for one in POLICY.stress.gap_paths]
    wanted += [one.title for one in synthetic_scenarios(POLICY)]
    assert named == wanted == list(found.reference.table()["title"]) and len(named) == 23
    assert found.as_is.left_out == ()


def test_the_reference_book_has_its_volatility_on_every_eve(found):
    for one in found.reference.runs:
        assert one.staged.volatility * one.times == pytest.approx(0.15)


def test_the_summary_has_the_keys_and_is_plain_json(found):
    told = json.loads(json.dumps(found.summary(), allow_nan=False))
    for key in ("survival_rate", "degradation", "amplification", "resilience", "premium", "lock_in_rate"):
        assert isinstance(told[key], float) and isinstance(told["reference"][key], float)
    first = told["scenarios"][0]
    assert {"name", "drawdown_with", "drawdown_without", "drawdown_placebo", "survived"} <= set(first)
    assert len(told["monte_carlo"]) == 8 and [one["paths"] for one in told["monte_carlo"]] == [20] * 4 + [80] * 4
    assert told["survival_rate"] == sum(one["survived"] for one in told["scenarios"]) / told["count"]


def test_the_small_book_passes_and_the_reasons_say_what_the_numbers_say(found):
    assert found.verdict == "pass" and found.sentence.startswith("the book of today survives 23 of 23 scenarios")
    told = " | ".join(found.reasons)
    assert "reference book at 15 % a year: targets missed: recovery within 24 market hours" in told
    for table in (found.as_is, found.reference):
        assert reason_of(table) in told
    assert reason_of(found.reference).endswith("of 23 scenarios")
    assert found.as_is.skill().sentence in told and found.reference.skill().sentence in told
    assert found.tuning is not None and found.tuning.sentence in told


def test_a_book_ten_times_too_large_fails_and_says_so_first(ecb):
    large = validate_stress(ecb, POLICY, reference_book(ecb, POLICY, equity=1e6, volatility=1.5),
                            order=StressOrder(paths=0))  # fmt: skip
    assert large.verdict == "fail"
    assert large.reasons[0].startswith("book of today: DOES NOT SURVIVE")
    assert "Stress verdict: FAIL" in large._repr_html_()


def test_simulated_paths_are_milder_with_controls(found):
    levels = found.drawdown_levels.set_index(["model", "run"])["p99"].unstack()
    assert len(levels) == 4 and (levels["with controls"] < levels["without"]).all()
    with pytest.raises(ConfigError, match="no paths of 'crystal ball': there are block bootstrap"):
        found.simulation("crystal ball")


def test_the_same_again_is_the_same_to_the_last_digit(ecb, book, found):
    again = validate_stress(ecb, POLICY, book, order=SHORT)
    assert json.dumps(again.summary()) == json.dumps(found.summary())


def test_scenarios_are_chosen_by_id_and_unknown_ones_refused(ecb, book):
    few = validate_stress(ecb, POLICY, book, order=FEW)
    assert [one.staged.name for one in few.as_is.runs] == ["swiss-2015", "brexit-2016", "legs-against"]
    assert few.simulations == ()
    alone = validate_stress(ecb, POLICY, book, order=StressOrder(paths=0, scenarios=("spreads",)))
    assert alone.tuning is None and alone.as_is.survival().total == 1
    with pytest.raises(ConfigError, match="unknown scenario 'atlantis': expected one of lehman-2008"):
        validate_stress(ecb, POLICY, book, order=StressOrder(scenarios=("atlantis",)))


def test_empty_flat_and_single_books_get_clear_answers(ecb):
    with pytest.raises(ConfigError, match="holds no position"):
        validate_stress(ecb, POLICY, Book({}, 1e6), order=FEW)
    rate = ecb.pair_rates("EURGBP").iloc[-1]
    flat = Book({"EURUSD": 1e5, "EURGBP": -1e5, "GBPUSD": -1e5 * rate}, 1e6, name="flat")
    with pytest.raises(DataError, match="has no risk"):
        validate_stress(ecb, POLICY, flat, order=StressOrder(paths=0, scenarios=("legs-against",)))
    single = validate_stress(ecb, POLICY, Book({"USDJPY": -2e5}, 1e6), order=FEW)
    assert single.as_is.survival().total == 3


@pytest.mark.parametrize(("order", "words"), [({"paths": -1}, "at least 0 paths"), ({"days": 0}, "at least 1 day"),
                                              ({"reference_volatility": 0.0}, "must be positive")])  # fmt: skip
def test_orders_that_make_no_sense_are_refused(order, words):
    with pytest.raises(ConfigError, match=words):
        StressOrder(**order)


def test_a_session_without_a_calibration_uses_the_zero_fit_one(ecb, tmp_path):
    session = DailySession(rates=ecb, policy=POLICY, home=tmp_path, folder=tmp_path / "run")
    assert session.candidate() is None
    found = session.validate_stress(paths=0)
    assert NOT_CALIBRATED in found.notes and found.calibration == ""
    kept = json.loads((tmp_path / "run" / "results" / "stress.json").read_text(encoding="utf-8"))
    assert kept["verdict"] == found.verdict == "pass" and kept["count"] == 23


def test_the_command_prints_a_verdict_and_keeps_every_figure(tmp_path, workbench):
    ended = workbench(
        tmp_path, "stress", "--paths", "40", "--days", "5", "--scenario", "swiss-2015", "--scenario", "combined"
    )
    assert ended.returncode == 0, ended.stderr
    assert "STRESS PASS: the book of today survives 2 of 2 scenarios" in ended.stdout
    assert "swiss-2015" in ended.stdout and "drawdown rung 4" in ended.stdout
    rows = (tmp_path / "stress" / "scenarios.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 3 and "drawdown_with_reference" in rows[0]


def test_a_book_that_fails_ends_with_exit_code_one(tmp_path, workbench):
    (tmp_path / "large.csv").write_text("pair,units\nEURCHF,3000000\n", encoding="utf-8")
    ended = workbench(
        tmp_path, "stress", "--paths", "0", "--scenario", "swiss-2015", "--book", str(tmp_path / "large.csv")
    )
    assert ended.returncode == 1 and "STRESS FAIL" in ended.stdout


def test_what_cannot_be_read_is_one_sentence(tmp_path, workbench, one_sentence):
    assert "nobody.csv" in one_sentence(workbench(tmp_path, "stress", "--book", "nobody.csv"))
    assert "atlantis" in one_sentence(workbench(tmp_path, "stress", "--scenario", "atlantis"))
    assert "nowhere.toml" in one_sentence(workbench(tmp_path, "stress", "--own", "nowhere.toml"))


class Still:
    """Days on which nothing moves."""

    name = "still"

    def returns(self, _generator, paths, days):
        return np.zeros((paths, days, 7))


def test_simulated_paths_without_controls_are_not_cut_by_what_controls_saw_before(ecb):
    large = reference_book(ecb, POLICY, equity=1e6, volatility=0.6)
    situation = situation_of(History(ecb, POLICY, large))
    free, kept = (
        monte_carlo(opened(situation, 1.0), Still(), PathPlan(3, 12), controls=controls) for controls in (False, True)
    )
    np.testing.assert_allclose(free.final, 1.0, atol=1e-12)
    # with them the book is cut at the first mark, and pays half a spread
    assert (kept.final < 1.0 - 1e-6).all()


def test_a_book_that_is_still_capped_has_not_recovered(found):
    for table in (found.as_is, found.reference):
        for one in table.runs:
            end = one.controlled.path.iloc[-1]
            assert np.isfinite(one.recovery_hours) == (end["cap"] >= 1.0 and end["mode"] == "ACTIVE")


def test_a_bad_day_is_one_day_whatever_the_weekday(ecb):
    scenario = next(one for one in synthetic_scenarios(POLICY) if one.name == "legs-against")
    worst = []
    for day in ("2026-10-28", "2026-10-29", "2026-10-30"):
        rates = ecb.up_to(day)
        history = History(rates, POLICY, Book({"EURUSD": 1e5}, 1e6))
        run = run_scenario(stage(scenario, situation_of(history)))
        worst.append(daily_returns(run.free.path, run.staged.script).min() / run.staged.script.events["values"][0][0])
    assert worst == pytest.approx([-0.05 * 1e5 / 1e6] * 3, rel=1e-6)
