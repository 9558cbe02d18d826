"""The race on simulated returns whose true model is known: who wins, who is missing, what is counted."""

import dataclasses
from statistics import NormalDist

import numpy as np
import pytest

from workbench.domain.errors import ModelError
from workbench.risk.models import BENCHMARK, COMBINATION, CONFIDENCES, MEMBERS, MODELS
from workbench.risk.race import (
    SCORE_CONFIDENCE,
    Race,
    coverage_check,
    fz0_of,
    recent_coverage,
    run_race,
    title_of,
)
from workbench.risk.rolling import RollingForecasts, Schedule

FIRST, DAYS = 1000, 3000
TRUE, TIMID, BOLD = "garch-normal", BENCHMARK, "historical"
SCALES = {TRUE: 1.0, TIMID: 1.5, BOLD: 0.7}


def simulated_garch(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns of a GARCH(1,1) with normal innovations, and its true volatility, one day longer."""
    shocks = np.random.default_rng(seed).standard_normal(DAYS)
    variance, returns = np.empty(DAYS + 1), np.empty(DAYS)
    variance[0] = 2.5e-5
    for t in range(DAYS):
        returns[t] = np.sqrt(variance[t]) * shocks[t]
        variance[t + 1] = 2.5e-7 + 0.08 * returns[t] ** 2 + 0.91 * variance[t]
    return returns, np.sqrt(variance)


def forecasts_of(scales: dict[str, float], refused: dict[str, tuple[int, str]] | None = None) -> RollingForecasts:
    """Forecasts that know the true volatility, each multiplied by its scale."""
    returns, volatility = simulated_garch(11)
    normal = NormalDist()
    quantile = np.array([normal.inv_cdf(c) for c in CONFIDENCES])
    tail = np.array([normal.pdf(normal.inv_cdf(c)) / (1 - c) for c in CONFIDENCES])
    scaled = volatility[FIRST:, None] * np.array(list(scales.values()))
    numbers = [scaled[:, :, None] * multiple for multiple in (quantile, tail)]
    for name, (day, _) in (refused or {}).items():
        for values in numbers:
            values[day - FIRST :, list(scales).index(name)] = np.nan
    return RollingForecasts(returns, Schedule(FIRST), tuple(scales), numbers[0], numbers[1], {}, refused or {})


@pytest.fixture(scope="module")
def forecasts() -> RollingForecasts:
    return forecasts_of(SCALES)


@pytest.fixture(scope="module")
def race(forecasts) -> Race:
    return run_race(forecasts, recent_days=500, mcs_size=0.1)


def test_the_true_model_has_the_lowest_loss_and_wins(race):
    assert race.scores[0].name == race.champion.name == TRUE
    assert race.score(TRUE).mcs_p == 1.0


def test_the_true_model_passes_its_tests_and_a_mis_scaled_one_does_not(race):
    true, bold = race.score(TRUE).coverage, race.score(BOLD).coverage
    assert min(true[0.95].kupiec_p, true[0.99].kupiec_p, true[0.95].dynamic_quantile_p) > 0.05
    assert max(bold[0.95].kupiec_p, bold[0.99].kupiec_p, bold[0.95].exact_p) < 0.001
    assert race.score(BOLD).recent[0.99].zone == "red"
    assert race.score(TRUE).recent[0.99].zone == "green"


def test_a_mis_scaled_model_is_told_apart_and_left_out_of_the_set(race):
    assert not race.score(TIMID).in_mcs
    assert not race.score(BOLD).in_mcs
    assert race.score(TRUE).dm_p < 0.001
    assert race.score(TRUE).mean_fz0 < min(race.score(TIMID).mean_fz0, race.score(BOLD).mean_fz0)


def test_shortfall_that_is_too_low_is_seen(race):
    assert race.score(BOLD).shortfall.p < 0.01 < race.score(TRUE).shortfall.p
    assert race.score(BOLD).shortfall.z2 < 0
    assert race.score(TRUE).shortfall.days == 500


def test_scores_are_sorted_by_mean_loss(race, forecasts):
    losses = [score.mean_fz0 for score in race.scores]
    assert losses == sorted(losses)
    assert losses == [float(fz0_of(forecasts, score.name).mean()) for score in race.scores]


def test_the_loss_is_the_published_formula(forecasts):
    # Patton, Ziegel and Chen (2019), eq. 6, with v = −VaR and e = −ES
    value_at_risk, shortfall = (values[:-1] for values in forecasts.of(TRUE, SCORE_CONFIDENCE))
    y, v, e, alpha = forecasts.realised, -value_at_risk, -shortfall, 1 - SCORE_CONFIDENCE
    loss = -np.where(y <= v, v - y, 0.0) / (alpha * e) + v / e + np.log(-e) - 1
    assert fz0_of(forecasts, TRUE) == pytest.approx(loss, rel=1e-12)


def test_the_benchmark_against_itself_has_p_one(race):
    assert race.score(BENCHMARK).dm_p == 1.0
    assert all(0 < score.dm_p < 1 for score in race.scores if score.name != BENCHMARK)


def test_the_champion_is_the_first_inside_the_set_even_when_it_is_not_the_first(race):
    outside = dataclasses.replace(race.scores[0], in_mcs=False)
    inside = dataclasses.replace(race.scores[1], in_mcs=True)
    assert Race((outside, inside, race.scores[2]), {}, race.days).champion is inside


def test_the_champion_of_a_close_race_has_the_smallest_mean_loss_inside_the_set():
    close = run_race(forecasts_of({TRUE: 1.0, TIMID: 1.02, BOLD: 0.99, "caviar": 1.4}), recent_days=250, mcs_size=0.1)
    inside = [score for score in close.scores if score.in_mcs]
    assert len(inside) >= 3
    assert close.champion is min(inside, key=lambda score: score.mean_fz0)
    assert not close.score("caviar").in_mcs


def test_the_same_seed_gives_the_same_race(forecasts, race):
    assert run_race(forecasts, recent_days=500, mcs_size=0.1) == race


def test_every_count_is_what_a_hand_would_count(race, forecasts):
    assert race.days == DAYS - FIRST
    for score in race.scores:
        for confidence in (0.95, 0.99):
            below = forecasts.realised < -forecasts.of(score.name, confidence)[0][:-1]
            whole, recent = score.coverage[confidence], score.recent[confidence]
            assert (whole.days, whole.exceedances) == (2000, below.sum())
            assert (recent.days, recent.exceedances) == (500, below[-500:].sum())
            assert whole.expected == pytest.approx((1 - confidence) * 2000)
            assert recent.expected == pytest.approx((1 - confidence) * 500)


def test_the_traffic_light_looks_at_250_days_however_many_the_gate_looks_at():
    returns, value_at_risk = np.zeros(500), np.ones(500)
    returns[:10] = -2.0
    assert recent_coverage(returns, value_at_risk, 0.99).zone == "green"
    assert recent_coverage(returns[::-1], value_at_risk, 0.99).zone == "red"
    assert recent_coverage(returns, value_at_risk, 0.99).exceedances == 10


def test_a_loss_that_just_reaches_value_at_risk_is_no_exceedance():
    returns = np.full(300, -0.01)
    assert coverage_check(returns, np.full(300, 0.01) + 1e-4 * (np.arange(300) % 2), 0.99).exceedances == 0


def test_a_refused_model_is_absent_and_named(forecasts):
    refused = run_race(forecasts_of(SCALES, {BOLD: (1500, "no tail on 2015-01-15")}), recent_days=250, mcs_size=0.1)
    assert [score.name for score in refused.scores] == [TRUE, TIMID]
    assert refused.refused == {BOLD: "no tail on 2015-01-15"}
    with pytest.raises(ModelError, match=f"'{BOLD}' is not in the race: have {TRUE}, {TIMID}"):
        refused.score(BOLD)


def test_a_combination_that_lost_a_member_is_absent_and_named():
    member = next(name for name in MEMBERS if name != BENCHMARK)
    race = run_race(forecasts_of({**SCALES, member: 1.0}, {member: (1500, "why")}), recent_days=250, mcs_size=0.1)
    assert race.refused == {member: "why", COMBINATION: f"its member {member} was refused"}


def test_a_race_without_its_benchmark_is_refused():
    with pytest.raises(ModelError, match=f"the benchmark {BENCHMARK} was refused: no reason"):
        run_race(forecasts_of(SCALES, {BENCHMARK: (1500, "no reason")}), recent_days=250, mcs_size=0.1)


def test_every_model_has_a_title():
    titles = [title_of(name) for name in (*MODELS, COMBINATION)]
    assert all(titles)
    assert len(set(titles)) == len(titles)
