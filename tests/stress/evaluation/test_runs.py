"""Three runs of each scenario: every number again by plain pandas from the paths, and sentences that match them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from workbench.domain.errors import ConfigError, DataError
from workbench.domain.trading.market_hours import market_time_ns
from workbench.engine.kernel.layout import EventKind
from workbench.engine.settings import ALL, CONTROLS, FACTORS
from workbench.runtime.crises.staging import (
    History,
    gap_scenarios,
    recorded_scenarios,
    situation_of,
    stage_recorded,
)
from workbench.runtime.replay.scenario import reference_book
from workbench.stress import RUNS, StressTable, ablate, resilience, run_scenario, stage, survival
from workbench.stress.evaluation.ablation import END, START, TOGETHER
from workbench.stress.evaluation.table import Estimate
from workbench.stress.runs import PLACEBO, WITH, WITHOUT, daily_returns
from workbench.stress.scenarios import synthetic_scenarios

SOME = ("swiss-2015", "brexit-2016", "pandemic-2020", "yen-2024", "gap-eurchf-2015")


@pytest.fixture(scope="module")
def history(ecb, policy):
    return History(ecb, policy, reference_book(ecb, policy, equity=1e6, volatility=0.15))


@pytest.fixture(scope="module")
def staged(history, policy):
    recorded = [stage_recorded(history, one, plan) for one, plan in recorded_scenarios(policy) if one.id in SOME]
    situation = situation_of(history)
    return [
        *recorded,
        *(stage(one, situation, calm=history.returns[-500:]) for one in synthetic_scenarios(policy)),
    ]


def tabled(staged, policy, volatility):
    runs = tuple(run_scenario(one, times=one.times_for(volatility)) for one in staged)
    return StressTable(runs, ("Nowhere 1900 is left out: no data",), policy)


@pytest.fixture(scope="module")
def table(staged, policy):
    return tabled(staged, policy, 0.15)


@pytest.fixture(scope="module")
def large(staged, policy):
    return tabled(staged, policy, 1.5)


def falls(equity):
    """Largest fall from the peak of a path of marks."""
    return float((1 - equity / equity.cummax()).max())


def test_drawdowns_are_those_of_the_paths(table):
    for one in table.runs:
        for run in (WITHOUT, PLACEBO):
            assert one.drawdown(run) == pytest.approx(falls(one.path(run)["equity"]), abs=1e-12)
        # the account has a peak of its own between two marks, when orders are filled
        own = falls(one.path(WITH)["equity"])
        assert own - 1e-12 <= one.drawdown(WITH) <= own + 2e-3
    lost = replace(table.runs[0].free, path=table.runs[0].free.path.assign(drawdown=np.nan))
    assert replace(table.runs[0], free=lost).drawdown(WITHOUT) == 1.0 == lost.largest_drawdown


def test_the_placebo_holds_what_the_controls_held_on_average(table):
    for one in table.runs:
        clock = [market_time_ns(time.value) for time in one.free.path.index.as_unit("ns")]
        spent = np.append(np.diff(clock), 0)
        money = [((one.path(run)["gross"] * one.path(run)["equity"]) * spent).sum() for run in (WITH, WITHOUT)]
        assert one.scale == pytest.approx(money[0] / money[1]) and 0.0 < one.scale <= 1.0
        gained = one.free.path["equity"] - one.free.path["equity"].iloc[0]
        np.testing.assert_allclose(one.placebo_path["equity"] - one.free.path["equity"].iloc[0], one.scale * gained)
        assert one.drawdown(PLACEBO) <= one.drawdown(WITHOUT)


def test_degradation_is_what_is_left_against_the_calm_windows(table):
    for one in table.runs:
        for run in RUNS:
            equity = one.path(run)["equity"]
            size = one.times * (one.scale if run == PLACEBO else 1.0)
            calm = 1 + size * (one.staged.calm - 1)
            assert one.degradation(run) == pytest.approx(1 - equity.iloc[-1] / 1e6 / calm)


def test_amplification_is_the_worst_days_over_the_forecast_of_the_eve(table):
    for one in table.runs:
        assert len(one.staged.script.synthetic) >= 20
        events = one.staged.script.events
        fixes = events["time_ns"][(events["kind"] == EventKind.FIXING) & (events["number"] == 1)]
        for run in RUNS:
            # from fix to fix, whatever the hour: a ramp from one fix to the next is one day's loss
            equity = one.path(run)["equity"]
            closes = equity[[time.value in set(fixes.tolist()) for time in equity.index.as_unit("ns")]]
            returns = np.diff(np.concatenate([[1e6], closes])) / np.concatenate([[1e6], closes])[:-1]
            np.testing.assert_allclose(daily_returns(one.path(run), one.staged.script), returns, atol=1e-14)
            worst = np.sort(returns)[: int(np.ceil(0.025 * len(returns) - 1e-9))].mean()
            size = one.times * (one.scale if run == PLACEBO else 1.0)
            assert one.amplification(run) == pytest.approx(max(-worst, 0) / size / one.staged.forecast)


def test_a_book_is_made_as_volatile_as_asked_for(table, large):
    for one, ten in zip(table.runs, large.runs, strict=True):
        assert one.times * one.staged.volatility == pytest.approx(0.15) and ten.times == pytest.approx(10 * one.times)
        held = pd.Series(one.staged.script.held)
        assert (one.free.units.iloc[-1] - one.times * held).abs().max() <= 0.5 + 1e-6


def test_the_premium_is_the_return_given_up_in_the_quiet_windows(table):
    known = [one for one in table.runs if one.staged.quiet is not None]
    assert len(known) == 4 and all(np.isnan(one.premium) for one in table.runs if one.staged.quiet is None)
    years = [(len(set(one.free.path.index.date)) - 1) / 256 for one in known]
    assert table.premium == pytest.approx(sum(one.premium for one in known) / sum(years))
    only = StressTable(tuple(one for one in table.runs if one.staged.quiet is None), (), table.policy)
    assert np.isnan(only.premium) and "premium: no quiet window was replayed" in only.findings


def small_run(table, units):
    one = table.runs[0]
    rows = len(next(iter(units.values())))
    frame = pd.DataFrame(0.0, one.controlled.path.index[:rows], one.free.units.columns)
    for name, values in units.items():
        frame[name] = values
    whole = frame.copy()
    whole.loc[:] = frame.iloc[0].to_numpy()
    return replace(one, controlled=replace(one.controlled, units=frame), free=replace(one.free, units=whole))


def test_turnover_by_hand(table):
    # 50 out and 30 back of 100; a short of 40 halved; nothing was held of the others
    run = small_run(table, {"USDJPY": [100.0, 50.0, 80.0], "USDCAD": [-40.0, -20.0, -20.0]})
    assert run.turnover == pytest.approx((80.0 + 20.0) / 140.0)
    assert small_run(table, {"USDJPY": [0.0, 0.0]}).turnover == 0.0
    # what is cut before the first mark is traded too
    held = pd.DataFrame(0.0, run.free.units.index, run.free.units.columns).assign(USDJPY=200.0)
    assert replace(run, free=replace(run.free, units=held)).turnover == pytest.approx((100.0 + 80.0 + 60.0) / 200.0)


def test_the_table_has_a_row_for_each_scenario(table, policy):
    rows = table.table()
    assert list(rows.index) == [one.staged.name for one in table.runs]
    hard = [one.drawdown(WITH) < 0.2 for one in table.runs]
    assert rows["survived"].tolist() == hard and policy.success.technical.survival_drawdown_below == 0.2
    assert rows["drawdown_with"].tolist() == [one.drawdown(WITH) for one in table.runs]
    assert rows.loc["swiss-2015", "synthetic"] == False and rows.loc["gap-eurchf-2015", "synthetic"] == True  # noqa: E712
    assert rows.loc["volatility", "synthetic"] and rows["exposure"].between(0, 1).all()
    assert table._repr_html_().count("(SYNTHETIC)") == int(rows["synthetic"].sum())
    assert rows.loc["gap-eurchf-2015", "drawdown_without"] > rows.loc["swiss-2015", "drawdown_without"]


def test_survival_and_resilience_are_those_of_the_rows(table, policy):
    rows, weights = table.table(), policy.stress.resilience
    rate = table.survival()
    assert rate == survival(rows["drawdown_with"].tolist(), drawdown_below=0.2)
    assert rate.survived == int(rows["survived"].sum()) and rate.interval[0] <= rate.rate <= rate.interval[1]
    score = table.resilience()
    back = (rows["recovery_hours"] <= policy.success.technical.recovery_hours).mean()
    expected = (
        weights.survival * rate.rate
        + weights.degradation * np.clip(1 - rows["degradation"].mean() / weights.degradation_scale, 0, 1)
        + weights.amplification * np.clip(1 - (rows["amplification"].mean() - 1) / weights.amplification_scale, 0, 1)
        + weights.recovery * back
    )
    assert score.score == pytest.approx(expected)
    for run in RUNS:
        low, high = table.resilience_interval(run)
        assert low <= table.resilience(run).score <= high and table.survival(run).total == len(table.runs)
    assert table.resilience(WITHOUT).recovery == 1.0


def test_the_interval_of_the_score_draws_whole_scenarios(table, large, policy):
    weights, hours = policy.stress.resilience, policy.success.technical.recovery_hours
    for one in (table, large):
        rows, scores = one.table(), []
        parts = pd.DataFrame(
            {
                "kept": rows["survived"].astype(float),
                "worse": rows["degradation"],
                "louder": rows["amplification"],
                "back": (rows["recovery_hours"] <= hours).astype(float),
            }
        ).to_numpy()
        drawn = np.random.Generator(np.random.PCG64(0)).integers(0, len(rows), (2_000, len(rows)))
        for kept, worse, louder, back in parts[drawn].mean(axis=1):
            scores.append(
                resilience(
                    survival_rate=kept, degradation=worse, amplification=louder, recovered=back, weights=weights
                ).score
            )
        assert one.resilience_interval() == pytest.approx(tuple(np.quantile(scores, [0.05, 0.95])))


def test_estimates_are_means_of_what_there_is(table):
    found = table.estimate(lambda one: one.turnover)
    assert found.value == pytest.approx(np.mean([one.turnover for one in table.runs]))
    assert found.interval[0] <= found.value <= found.interval[1]
    premium = table.estimate(lambda one: one.premium)
    assert premium.value == pytest.approx(np.nanmean([one.premium for one in table.runs]))
    assert table.estimate(lambda _one: 3.0) == Estimate(3.0, (3.0, 3.0))
    nothing = table.estimate(lambda _one: float("inf"))
    assert np.isnan(nothing.value) and np.isnan(nothing.interval).all()


def test_skill_has_the_sign_of_the_savings(table):
    rows = table.table()
    gained = (rows["drawdown_placebo"] - rows["drawdown_with"]) / rows["drawdown_without"]
    found = table.skill()
    assert found.difference == pytest.approx(gained.mean()) and found.scenarios == len(rows)
    assert found.interval[0] <= found.difference <= found.interval[1]


def test_findings_are_the_numbers(table):
    told, rate = table.findings, table.survival()
    assert f"{rate.survived} of {rate.total} scenarios survived with controls" in told[0]
    low, high = rate.interval
    assert f"90 % interval {100 * low:.0f} to {100 * high:.0f} %" in told[0] and "DOES NOT" not in told[0]
    assert told[1] == f"targets missed: {', '.join(table.missed)}"
    bounds = table.resilience_interval()
    for run in RUNS:
        assert f"{run} {table.resilience(run).score:.2f}" in told[2]
    assert f"interval {bounds[0]:.2f} to {bounds[1]:.2f}, {rate.total} scenarios" in told[2]
    rows = table.table()
    assert told[3].startswith(f"degradation {100 * rows['degradation'].mean():.1f} %")
    assert f"amplification {rows['amplification'].mean():.2f} (" in told[3]
    assert told[4] == table.skill().sentence and f"{table.skill().difference:+.2f}" in told[4]
    words = f"{'cost' if table.premium >= 0 else 'earned'} {100 * abs(table.premium):.1f} % a year"
    assert f"premium: the controls {words}" in told[5]
    assert told[6].startswith(f"{100 * table.lock_in_rate:.0f} % of the scenarios end with the book still frozen")
    assert told[7] == "Nowhere 1900 is left out: no data"
    assert any(line in table._repr_html_() for line in told[2:])


def test_a_book_ten_times_too_large_does_not_survive_and_says_so_first(large, policy):
    assert large.survival().rate < policy.success.technical.survival_above
    assert large.findings[0].startswith(f"DOES NOT SURVIVE: {large.survival().survived} of {len(large.runs)} scenarios")
    assert large.missed[0] == f"survival {100 * large.survival().rate:.0f} %"
    assert large.resilience().score < 0.8 and np.isfinite(large.resilience_interval()).all()


def test_an_empty_book_loses_nothing_and_is_no_proof(staged, policy):
    runs = tuple(run_scenario(one, times=0.0) for one in staged)
    for one in runs:
        assert [one.drawdown(run) for run in RUNS] == [0.0] * 3 and [one.amplification(run) for run in RUNS] == [
            0.0
        ] * 3
        assert [one.degradation(run) for run in RUNS] == [0.0] * 3
        assert (one.turnover, one.whipsaw, one.scale) == (0.0, 0.0, 1.0) and np.isnan(one.saving).all()
    told = StressTable(runs, (), policy).findings
    assert any("nothing controls could have saved" in line for line in told)


def test_a_book_of_one_position_is_run_too(ecb, policy):
    book = replace(reference_book(ecb, policy, equity=1e6, volatility=0.15), units={"EURCHF": 500_000.0})
    history = History(ecb, policy, book)
    runs = tuple(run_scenario(stage_recorded(history, one, plan)) for one, plan in gap_scenarios(policy))
    table = StressTable(runs, (), policy)
    assert list(table.runs[0].free.units) == ["EURCHF"] and len(table.findings) == 7
    assert table.table()["drawdown_without"].idxmax() == "gap-eurchf-2015"


def test_what_cannot_be_run_or_told_is_refused(staged, policy):
    with pytest.raises(DataError, match="no scenario could be run: none was given"):
        StressTable((), (), policy)
    with pytest.raises(DataError, match="left out: no data"):
        StressTable((), ("Nowhere 1900 is left out: no data",), policy)
    with pytest.raises(ConfigError, match="unknown control 'belt'"):
        run_scenario(staged[0], without=("belt",))
    with pytest.raises(DataError, match="at least 0"):
        run_scenario(staged[0], times=-1.0)
    with pytest.raises(DataError, match="at least one scenario"):
        ablate([])


@pytest.fixture(scope="module")
def ablation(staged):
    return ablate(staged, times=lambda one: one.times_for(0.15))


def test_effects_lead_from_the_run_without_controls_to_the_run_with(ablation, table):
    effects = ablation.effects
    single = [*CONTROLS, *FACTORS]
    assert list(effects.index) == [START, *single, TOGETHER, END]
    for measure in ("drawdown", "cost"):
        way = effects.loc[START, measure] + effects.loc[[*single, TOGETHER], measure].sum()
        assert way == pytest.approx(effects.loc[END, measure], abs=1e-12)
    rows = table.table()
    assert effects.loc[START, "drawdown"] == pytest.approx(rows["drawdown_without"].mean(), abs=1e-12)
    assert effects.loc[END, "drawdown"] == pytest.approx(rows["drawdown_with"].mean(), abs=1e-12)
    assert ablation.names == tuple(rows.index) and effects.loc[START, "cost"] == 0.0


def test_a_control_taken_away_is_the_scenario_run_without_it(ablation, staged):
    for name in ("value at risk ladder", "market conditions", "stress factor"):
        for one in staged[:3] + staged[-3:]:
            run = run_scenario(one, times=one.times_for(0.15), without=(name,))
            assert ablation.drawdowns.loc[one.name, name] == run.drawdown(WITH)
            assert ablation.drawdowns.loc[one.name, ALL] == run.drawdown(WITHOUT)
        difference = ablation.drawdowns["none"] - ablation.drawdowns[name]
        assert ablation.effects.loc[name, "drawdown"] == pytest.approx(difference.mean(), abs=1e-12)


def test_the_cost_of_all_controls_is_the_premium(ablation, table):
    # the table counts from the first mark on, after the book has been cut to what may be held: a spread less
    assert ablation.effects.loc[END, "cost"] == pytest.approx(table.premium, abs=0.005)


def test_one_thread_or_two_give_the_same_effects(ablation, staged):
    again = ablate(staged, times=lambda one: one.times_for(0.15), workers=1)
    assert again.effects.equals(ablation.effects) and again.drawdowns.equals(ablation.drawdowns)


def test_the_culprit_is_the_dearest_control_of_all(ablation):
    effects = ablation.effects.copy()
    single = effects.drop([START, END, TOGETHER])
    assert ablation.culprit("drawdown") == single["drawdown"].idxmax() or single["drawdown"].max() <= 1e-9
    effects.loc["locks", "cost"] = 5.0
    effects.loc[[TOGETHER, END], "cost"] = 9.0
    assert replace(ablation, effects=effects).culprit() == "locks"
    effects["cost"] = 0.0
    assert replace(ablation, effects=effects).culprit() == ""
