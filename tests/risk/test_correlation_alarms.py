"""Alarms by hand, thresholds by bootstrap, and what they are worth on 27 years of fixes."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import binomtest, chi2

from workbench.domain.errors import DataError
from workbench.risk.correlation import (
    BlockPlan,
    absorption_ratio,
    alarm_skill,
    block_bootstrap_threshold,
    breakdown_alarms,
    correlation_drift,
    standardised_shift,
)
from workbench.risk.correlation.breakdown import _indices


@pytest.fixture(scope="module")
def legs(ecb):
    """Daily log returns of the seven legs, up to the day the tests were written for."""
    return ecb.up_to("2026-10-30").leg_log_returns()


@pytest.fixture(scope="module")
def returns(legs) -> np.ndarray:
    return legs.to_numpy()


# alarms


def test_an_alarm_leaves_only_after_calm_days_in_a_row():
    metric = [0.1, 0.31, 0.25, 0.1, 0.25, 0.1, 0.1, 0.29, 0.35]
    alarms = breakdown_alarms(metric, enter=0.3, leave=0.2, dwell_days=2)
    assert alarms.tolist() == [False, True, True, True, True, True, False, False, True]


def test_lead_times_false_alarms_and_chance_by_hand():
    alarms = np.zeros(100, dtype=bool)
    events = np.zeros(100, dtype=bool)
    alarms[[10, 11, 40, 70]] = True
    events[[14, 70, 90]] = True
    skill = alarm_skill(alarms, events, horizon_days=5, days_per_year=50.0)
    assert (skill.events, skill.hits, skill.lead_days) == (3, 1, (4,))
    # the alarm of day 40 has no event; that of day 70 came with its event: no warning, but not false either
    assert (skill.alarms, skill.false_alarms) == (3, 1)
    assert skill.false_alarms_per_year == pytest.approx(0.5)
    assert skill.alarm_share == pytest.approx(0.04)
    # days 11-16, 41-45 and 71-75 have an alarm in the five days before
    assert skill.chance_hit_rate == pytest.approx(16 / 100)
    assert skill.skill == pytest.approx(1 / 3 - 0.16)


def test_an_alarm_that_is_always_on_has_no_skill():
    events = np.zeros(500, dtype=bool)
    events[[100, 300]] = True
    skill = alarm_skill(np.ones(500, dtype=bool), events, horizon_days=10)
    assert skill.hit_rate == 1.0
    assert skill.skill == pytest.approx(0.002)


def test_absorption_shift_is_no_early_warning_worth_its_false_alarms(returns):
    # out of sample since 2002: the ten worst days of the equal-weighted legs, at least 60 days apart, against a shift
    # of one deviation (the reference's own alarm) on at least one of the 20 days before
    shift = standardised_shift(absorption_ratio(returns))
    basket = returns.mean(axis=1)[-len(shift) :]
    events, taken = np.zeros(len(shift), dtype=bool), []
    for row in np.argsort(basket):
        if len(taken) < 10 and all(abs(int(row) - other) >= 60 for other in taken):
            taken.append(int(row))
    events[taken] = True
    skill = alarm_skill(breakdown_alarms(shift, enter=1.0, leave=0.5, dwell_days=5), events, horizon_days=20)
    # seven of ten "predicted", but the alarm is on 44 % of the time and chance alone reaches 48 %; with ten events the
    # gap is not significant (one-sided binomial p = 0.15), and not one of the fourteen alarms began within the horizon
    assert (skill.events, skill.hits) == (10, 7)
    assert skill.alarm_share == pytest.approx(0.443, abs=0.002)
    assert skill.chance_hit_rate == pytest.approx(0.485, abs=0.002)
    assert (skill.alarms, skill.false_alarms) == (14, 14)
    assert binomtest(skill.hits, skill.events, skill.chance_hit_rate, alternative="greater").pvalue > 0.1


# bootstrap


def test_bootstrap_quantile_of_a_mean_is_the_normal_one():
    rng = np.random.default_rng(4)
    rows = rng.standard_normal((4000, 1))
    for stationary in (False, True):
        found = block_bootstrap_threshold(
            rows,
            lambda sample: float(sample.mean()),
            generator=np.random.default_rng(5),
            level=0.95,
            plan=BlockPlan(block_days=5, draws=2000, stationary=stationary),
        )
        centred = found.threshold - rows.mean()
        assert centred == pytest.approx(1.645 / np.sqrt(4000), rel=0.1)
        assert found.p_value(found.threshold) == pytest.approx(0.05, abs=0.002)


def test_blocks_keep_neighbours_and_wrap_around():
    fixed = _indices(50, 45, BlockPlan(block_days=10), np.random.default_rng(1))
    assert len(fixed) == 45
    assert np.all(np.diff(fixed.reshape(-1)[:40].reshape(4, 10), axis=1) % 50 == 1)
    geometric = _indices(50, 20_000, BlockPlan(block_days=10, stationary=True), np.random.default_rng(1))
    follows = np.diff(geometric) % 50 == 1
    # a new block follows by chance one time in fifty
    assert follows.mean() == pytest.approx(0.9 + 0.1 / 50, abs=0.01)


def test_same_generator_same_threshold(returns):
    def threshold(seed):
        return block_bootstrap_threshold(
            returns[:600],
            lambda rows: float(np.abs(np.corrcoef(rows.T)).mean()),
            generator=np.random.default_rng(seed),
            level=0.9,
            plan=BlockPlan(draws=100),
        ).threshold

    assert threshold(1) == threshold(1)
    assert threshold(1) != threshold(2)


def jennrich(one, other):
    """Jennrich (1970), JASA 65: chi-square test that two correlation matrices are equal; the test we do not use."""
    first, second = np.corrcoef(one.T), np.corrcoef(other.T)
    n1, n2 = len(one), len(other)
    pooled = (n1 * first + n2 * second) / (n1 + n2)
    inverse = np.linalg.inv(pooled)
    z = np.sqrt(n1 * n2 / (n1 + n2)) * inverse @ (first - second)
    weights = np.eye(len(pooled)) + pooled * inverse
    statistic = 0.5 * np.trace(z @ z) - np.diag(z) @ np.linalg.solve(weights, np.diag(z))
    return float(chi2.sf(statistic, len(pooled) * (len(pooled) - 1) / 2))


def test_jennrich_rejects_calm_years_too_which_is_why_thresholds_are_bootstrapped(legs):
    years = [legs.loc[str(year)].to_numpy() for year in range(2000, 2026)]
    rejected = [jennrich(before, after) < 0.01 for before, after in pairwise(years)]
    calm = [legs.loc[str(year)].to_numpy() for year in (2005, 2006, 2013, 2014)]
    assert np.mean(rejected) > 0.9
    assert jennrich(calm[0], calm[1]) < 0.01
    assert jennrich(calm[2], calm[3]) < 0.01


def test_bootstrap_threshold_of_drift_lets_calm_samples_pass(legs):
    # two calm years as calibration; resamples of 33 days, the effective length of the EWMA with decay 0.94
    sample = legs.loc["2013":"2014"].to_numpy()
    calibrated = np.corrcoef(sample.T)

    def drift(rows):
        return float(correlation_drift(np.corrcoef(rows.T), calibrated).mean_absolute_change)

    found = block_bootstrap_threshold(
        sample,
        drift,
        generator=np.random.default_rng(7),
        level=0.99,
        plan=BlockPlan(block_days=10, draws=500, length_days=33),
    )
    windows = [drift(sample[start : start + 33]) for start in range(0, len(sample) - 33, 33)]
    assert np.mean(np.array(windows) > found.threshold) <= 0.1
    assert 0.1 < found.threshold < 0.4


@pytest.mark.parametrize(
    ("level", "plan"),
    [(1.0, None), (0.999, BlockPlan(draws=100)), (0.9, BlockPlan(block_days=601)), (0.9, BlockPlan(length_days=0))],
)
def test_a_bootstrap_that_cannot_be_run_is_refused(returns, level, plan):
    with pytest.raises(DataError):
        block_bootstrap_threshold(
            returns[:600],
            lambda rows: float(rows.mean()),
            generator=np.random.default_rng(1),
            level=level,
            plan=plan,
        )


def test_a_statistic_that_is_not_finite_is_refused(returns):
    with pytest.raises(DataError, match="not finite on a resample"):
        block_bootstrap_threshold(
            returns[:100],
            lambda rows: float("nan"),
            generator=np.random.default_rng(1),
            level=0.9,
            plan=BlockPlan(draws=20),
        )
