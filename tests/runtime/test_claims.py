"""The claims against EWMA volatility alone: AUC by hand, planted signals, no later row, the engine's own score."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy.stats import mannwhitneyu

from workbench.data.policy_file import read_policy
from workbench.data.rates import DailyRates
from workbench.domain.currencies import LEGS
from workbench.domain.errors import DataError
from workbench.domain.trading.events import CalibrationAdopted, PositionHeld
from workbench.engine.player import play
from workbench.engine.risk_engine import RiskEngine, Start
from workbench.runtime.replay.market import MarkPlan, marks_between
from workbench.runtime.replay.scenario import reference_book, scenario_events
from workbench.runtime.studies.claims import BENCHMARK, SCORE, ClaimsStudy, claims, engine_readings, race, readings

POLICY = read_policy(None)


@pytest.fixture(scope="module")
def study(ecb) -> ClaimsStudy:
    return claims(ecb.up_to("2026-10-30"), POLICY)


@pytest.fixture(scope="module")
def planted() -> tuple[pd.DataFrame, pd.Series]:
    generator = np.random.default_rng(1)
    days = pd.bdate_range("2000-01-03", periods=3000)
    happened = pd.Series(generator.random(3000) < 0.1, index=days)
    noise = generator.standard_normal((3000, 2))
    read = pd.DataFrame({BENCHMARK: noise[:, 0], "noise": noise[:, 1]}, index=days)
    return read.assign(signal=5.0 * happened + 0.5 * noise[:, 1], coarse=np.round(noise[:, 1])), happened


def test_a_planted_signal_is_found_and_noise_is_not(planted):
    table = race(*planted, bootstraps=100)
    assert table.loc["signal", "AUC"] > 0.99
    assert table.loc["signal", "low"] > 0.4
    assert table.loc["noise", "AUC"] == pytest.approx(0.5, abs=0.05)
    assert table.loc["noise", "low"] < 0.0 < table.loc["noise", "high"]
    assert table.loc["noise", "AUC low"] < 0.5 < table.loc["noise", "AUC high"]
    assert table.loc[BENCHMARK, ["difference", "low", "high"]].isna().all()


def test_auc_is_the_mann_whitney_statistic_ties_too(planted):
    read, happened = planted
    table = race(read, happened, bootstraps=1)
    for name in read:
        statistic = mannwhitneyu(read.loc[happened, name], read.loc[~happened, name]).statistic
        assert table.loc[name, "AUC"] == pytest.approx(statistic / (happened.sum() * (~happened).sum()), abs=1e-12)


def test_intervals_hold_the_auc_and_come_again_with_the_seed(planted):
    one, again, other = (race(*planted, bootstraps=50, seed=seed) for seed in (3, 3, 4))
    pd.testing.assert_frame_equal(one, again)
    assert not one.equals(other)
    # drawn as weights of days, ties and all: the middle of the draws is the value of the sample
    middle = (one["AUC low"] + one["AUC high"]) / 2.0
    assert (middle - one["AUC"]).abs().max() < 0.01


def test_no_reading_knows_a_later_row(ecb):
    day = pd.Timestamp("2003-12-15")
    values = ecb.up_to("2004-12-31").leg_values.copy()
    later = values.index > day
    values.loc[later] *= np.exp(np.random.default_rng(0).normal(0.0, 0.05, (int(later.sum()), values.shape[1])))
    honest = readings(ecb.up_to("2004-12-31"), POLICY)
    corrupt = readings(DailyRates(values, ecb.source), POLICY)
    assert honest.index[0] < pd.Timestamp("2002-06-01")
    pd.testing.assert_frame_equal(honest[:day], corrupt[:day], check_exact=True)
    assert not honest[day:].iloc[1:].equals(corrupt[day:].iloc[1:])


def test_the_score_is_the_engines(ecb):
    first, last = date(2016, 6, 17), date(2016, 7, 1)
    marks, before = marks_between(ecb, first, last, MarkPlan()), ecb.up_to(first)
    book = reference_book(before, POLICY, equity=1e6, volatility=None)
    flat = [pair for pair in scenario_events(marks, ecb, book, POLICY) if not isinstance(pair[0], PositionHeld)]
    calibration = next(event.calibration for event, _ in flat if isinstance(event, CalibrationAdopted))
    # the first fix is no day's return, and only after the third had the engine's day before its own calibration
    path = play(RiskEngine(POLICY, calibration, []), Start(marks[0].event.time_ns, 1e6), flat).path.iloc[3:]
    days = path.index.tz_convert(None).normalize()
    mirrored = engine_readings(ecb.leg_simple_returns()[list(LEGS)], POLICY).loc[days]
    assert len(days) == 8
    # a calibration is made from the last 2,000 days, the study from all: nothing that is felt
    np.testing.assert_allclose(mirrored["score"], path["stress_score"], rtol=0.0, atol=1e-3)
    np.testing.assert_allclose(mirrored["ratio"], path["volatility_ratio"], rtol=1e-6)
    assert path["stress_score"].max() > 70.0 > 30.0 > path["stress_score"].min()


def test_the_verdict_of_27_years(study):
    assert study.verdict.startswith("The stress score leads losses worse than EWMA volatility alone")
    assert study.verdict in study._repr_html_()
    frame = study.frame
    assert frame.loc[BENCHMARK, "losses: AUC"] == pytest.approx(0.686, abs=0.005)
    assert frame.loc[SCORE, "losses: AUC"] == pytest.approx(0.644, abs=0.005)
    assert frame.loc[SCORE, "losses: high"] < 0.0
    assert (frame["losses: low"].dropna() < 0.0).all()
    assert (frame["median lead days"] <= 20).all()


def test_too_little_history_is_refused(ecb):
    with pytest.raises(DataError, match="more than 1018 days"):
        readings(DailyRates(ecb.leg_values.iloc[:1000], ecb.source), POLICY)
    with pytest.raises(DataError, match="days to judge"):
        claims(ecb.up_to("2004-06-30"), POLICY, bootstraps=1)
    with pytest.raises(DataError, match="horizon"):
        claims(ecb.up_to("2004-06-30"), POLICY, horizon=0)
