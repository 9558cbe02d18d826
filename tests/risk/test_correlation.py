"""Correlation measures against closed forms, published matrices, brute force and 27 years of fixes."""

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import mahalanobis
from scipy.stats import chi2

from workbench.domain.currencies import PAIRS, pair_leg_matrix
from workbench.domain.errors import DataError, ModelError
from workbench.risk.correlation import (
    absorption_ratio,
    alarm_skill,
    breakdown_alarms,
    correlation_drift,
    correlation_of,
    correlation_path,
    covariance_path,
    nearest_correlation,
    normal_correlation,
    standardised_shift,
    turbulence,
)


@pytest.fixture(scope="module")
def legs(ecb):
    """Daily log returns of the seven legs, up to the day the tests were written for."""
    return ecb.up_to("2026-10-30").leg_log_returns()


@pytest.fixture(scope="module")
def returns(legs) -> np.ndarray:
    return legs.to_numpy()


def spoilt(returns, row):
    garbage = returns.copy()
    garbage[row:] = np.random.default_rng(0).normal(0.0, 3.0, garbage[row:].shape)
    return garbage


# nearest correlation matrix


def test_nearest_matrix_of_higham_2002_is_the_published_one():
    # Higham (2002), section 4: entries 0.7607 and 0.1573, distance 0.5278
    given = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
    found = nearest_correlation(given)
    expected = [[1.0, 0.7607, 0.1573], [0.7607, 1.0, 0.7607], [0.1573, 0.7607, 1.0]]
    assert np.allclose(found, expected, rtol=0.0, atol=5e-5)
    assert np.linalg.norm(found - given) == pytest.approx(0.5278, abs=5e-5)


def test_nearest_matrix_of_the_tridiagonal_example_is_the_published_one():
    # Higham's (2002) tridiagonal matrix as solved by another method, a Newton iteration: NAG Library manual Mark 30.3,
    # example of g02aac, five digits and distance 2.134
    given = 2.0 * np.eye(4) - np.eye(4, k=1) - np.eye(4, k=-1)
    found = nearest_correlation(given)
    expected = [
        [1.0, -0.80841, 0.19159, 0.10678],
        [-0.80841, 1.0, -0.65623, 0.19159],
        [0.19159, -0.65623, 1.0, -0.80841],
        [0.10678, 0.19159, -0.80841, 1.0],
    ]
    assert np.allclose(found, expected, rtol=0.0, atol=5e-6)
    assert np.linalg.norm(found - given) == pytest.approx(2.134, abs=5e-4)


def test_a_valid_matrix_is_its_own_nearest(returns):
    valid = correlation_of(np.cov(returns.T))
    assert np.allclose(nearest_correlation(valid), valid, rtol=0.0, atol=1e-12)


def test_no_valid_matrix_is_nearer():
    rng = np.random.default_rng(1)
    shocked = 0.9 * np.sign(rng.normal(size=(7, 7)))
    shocked = np.triu(shocked, 1) + np.triu(shocked, 1).T + np.eye(7)
    found = nearest_correlation(shocked)
    assert np.linalg.eigvalsh(found)[0] > -1e-9
    for _ in range(300):
        factor = rng.normal(size=(7, 7)) * 0.05 + np.linalg.cholesky(found + 1e-6 * np.eye(7))
        other = correlation_of(factor @ factor.T)
        assert np.linalg.norm(other - shocked) >= np.linalg.norm(found - shocked) - 1e-9


def test_the_least_eigenvalue_is_kept_above_its_floor():
    found = nearest_correlation([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]], least_eigenvalue=0.05)
    assert np.linalg.eigvalsh(found)[0] == pytest.approx(0.05, abs=1e-9)
    assert np.diag(found).tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("bad", [[[1.0, 0.5]], [[1.0, 0.5], [0.4, 1.0]], [[1.0, np.nan], [np.nan, 1.0]]])
def test_what_is_no_symmetric_matrix_has_no_nearest(bad):
    with pytest.raises(DataError):
        nearest_correlation(bad)


# paths and drift


def test_covariance_path_equals_pandas(legs):
    path = covariance_path(legs.to_numpy(), decay=0.94)
    oracle = (legs["EUR"] * legs["JPY"]).ewm(alpha=0.06, adjust=True).mean().to_numpy()
    assert path[:, 0, 1] == pytest.approx(oracle, rel=1e-9, abs=1e-18)


def test_correlation_path_is_valid_on_every_day(returns):
    path = correlation_path(returns)
    assert path.shape == (len(returns) - 59, 7, 7)
    assert np.all(np.diagonal(path, axis1=1, axis2=2) == 1.0)
    assert np.linalg.eigvalsh(path).min() > -1e-12


def test_drift_counts_and_means_by_hand():
    now = np.array([[1.0, 0.9, -0.85], [0.9, 1.0, 0.1], [-0.85, 0.1, 1.0]])
    calibrated = np.array([[1.0, 0.5, -0.8], [0.5, 1.0, 0.5], [-0.8, 0.5, 1.0]])
    drift = correlation_drift(now, calibrated)
    assert float(drift.mean_absolute_change) == pytest.approx((0.4 + 0.05 + 0.4) / 3)
    assert float(drift.mean_absolute) == pytest.approx((0.9 + 0.85 + 0.1) / 3)
    assert float(drift.largest_change) == pytest.approx(0.4)
    # 0.9 moved by 0.4; -0.85 is high but did not move; 0.1 moved but is not high
    assert int(drift.moved_pairs) == 1
    assert int(correlation_drift(now, calibrated, held=[True, False, True]).moved_pairs) == 0


def test_drift_of_a_path_equals_drift_of_its_days(returns):
    path = correlation_path(returns)[-50:]
    reference = normal_correlation(correlation_path(returns)[:-50])
    drift = correlation_drift(path, reference)
    single = correlation_drift(path[7], reference)
    assert drift.mean_absolute_change[7] == pytest.approx(float(single.mean_absolute_change))
    assert drift.moved_pairs[7] == single.moved_pairs


def test_normal_correlation_is_a_valid_matrix(returns):
    normal = normal_correlation(correlation_path(returns))
    assert np.linalg.eigvalsh(normal)[0] > -1e-9
    assert np.diag(normal).tolist() == [1.0] * 7


def test_base_rates_of_the_correlation_ladder_are_those_of_the_policy(returns):
    # calibration of each day: median of the 500 days before it. The policy quotes 3.9 %, 5.1 % and 1.0 %; its 5.1 %
    # counts all days of the path, the first 500 without a calibration too; on the days that have one it is 5.5 %
    path = correlation_path(returns)
    first, moved = 0, 0
    for stop in range(500, len(path), 250):
        days = np.arange(stop, min(stop + 250, len(path)))
        past = np.lib.stride_tricks.sliding_window_view(path[days[0] - 500 : days[-1]], 500, axis=0)
        drift = correlation_drift(path[days], np.median(past, axis=-1))
        first += int(np.sum(drift.mean_absolute_change > 0.3))
        moved += int(np.sum(drift.moved_pairs >= 3))
    level = correlation_drift(path, path).mean_absolute > 0.7
    assert first / (len(path) - 500) == pytest.approx(0.0388, abs=0.0005)
    assert moved / (len(path) - 500) == pytest.approx(0.0104, abs=0.0005)
    assert level.mean() == pytest.approx(0.0515, abs=0.0005)
    assert level[500:].mean() == pytest.approx(0.0554, abs=0.0005)


def test_a_leg_that_does_not_move_has_no_correlation():
    with pytest.raises(DataError, match="does not move"):
        correlation_of([[1.0, 0.0], [0.0, 0.0]])


# turbulence and absorption


def test_frozen_turbulence_equals_scipy(returns):
    mean, covariance = returns[:1000].mean(axis=0), np.cov(returns[:1000].T)
    inverse = np.linalg.inv(covariance)
    ours = turbulence(returns[1000:1050], mean=mean, covariance=covariance)
    oracle = [mahalanobis(row, mean, inverse) ** 2 for row in returns[1000:1050]]
    assert ours == pytest.approx(oracle, rel=1e-9)


def test_expanding_turbulence_judges_each_day_by_the_days_before(returns):
    ours = turbulence(returns, warm_up=500)
    for row in (500, 501, 3000, len(returns) - 1):
        past = returns[:row]
        oracle = mahalanobis(returns[row], past.mean(axis=0), np.linalg.inv(np.cov(past.T))) ** 2
        assert ours[row - 500] == pytest.approx(oracle, rel=1e-8)


def test_turbulence_of_normal_rows_is_chi_square():
    rng = np.random.default_rng(2)
    factor = rng.normal(size=(4, 4))
    distance = turbulence(rng.normal(size=(20_000, 4)) @ factor.T, warm_up=5000)
    assert distance.mean() == pytest.approx(4.0, rel=0.03)
    assert np.mean(distance > chi2.ppf(0.99, 4)) == pytest.approx(0.01, abs=0.003)


def test_turbulence_sees_the_known_shocks(legs, returns):
    distance = pd.Series(turbulence(returns), index=legs.index[500:])
    worst = set(distance.nlargest(5).index.strftime("%Y-%m-%d"))
    assert "2015-01-15" in worst
    assert distance["2016-06-24"] > distance.quantile(0.999)


def test_pairs_instead_of_legs_are_refused_as_singular(returns):
    pairs = returns @ pair_leg_matrix(PAIRS).T
    with pytest.raises(ModelError, match="pass the seven legs"):
        turbulence(pairs)


def test_absorption_of_equal_correlations_is_the_closed_form():
    # all correlations ρ and equal variances: the first factor explains (1 + (n - 1) ρ)/n
    rng = np.random.default_rng(3)
    common, own = rng.normal(size=(40_000, 1)), rng.normal(size=(40_000, 5))
    rows = np.sqrt(0.4) * common + np.sqrt(0.6) * own
    ratio = absorption_ratio(rows, half_life=np.inf, warm_up=40_000)
    assert ratio[-1] == pytest.approx((1 + 4 * 0.4) / 5, abs=0.01)


def test_absorption_equals_the_largest_eigenvalue_share(returns):
    ratio = absorption_ratio(returns[:700], components=2)
    weights = 0.5 ** (np.arange(700)[::-1] / 250.0)
    eigenvalues = np.linalg.eigvalsh((returns[:700] * weights[:, np.newaxis]).T @ returns[:700])
    assert ratio[-1] == pytest.approx(eigenvalues[-2:].sum() / eigenvalues.sum())
    assert len(ratio) == 201


def test_standardised_shift_by_hand():
    ratio = np.array([0.5, 0.5, 0.6, 0.7])
    year = np.array([0.5, 0.6, 0.7])
    by_hand = (0.65 - year.mean()) / year.std()
    assert standardised_shift(ratio, short=2, long=3)[-1] == pytest.approx(by_hand)


def test_nothing_looks_ahead(returns):
    garbage, cut = spoilt(returns, 4000), 4000
    frozen = {"mean": np.zeros(7), "covariance": np.cov(returns[:1000].T)}
    readings = [
        (correlation_path, 59),
        (turbulence, 500),
        (lambda rows: turbulence(rows, **frozen), 0),
        (absorption_ratio, 499),
        (lambda rows: standardised_shift(absorption_ratio(rows)), 499 + 249),
        (lambda rows: breakdown_alarms(turbulence(rows), enter=30.0, leave=15.0, dwell_days=5), 500),
    ]
    for reading, first in readings:
        clean, dirty = reading(returns), reading(garbage)
        assert np.array_equal(clean[: cut - first], dirty[: cut - first])
        assert not np.array_equal(clean, dirty)


@pytest.mark.parametrize(
    "call",
    [
        lambda rows: turbulence(np.where(np.arange(len(rows))[:, np.newaxis] == 3, np.nan, rows)),
        lambda rows: turbulence(rows[:400]),
        lambda rows: turbulence(rows, mean=np.zeros(7)),
        lambda rows: turbulence(rows, mean=np.zeros(6), covariance=np.eye(6)),
        lambda rows: absorption_ratio(rows, components=7),
        lambda rows: absorption_ratio(rows[:300]),
        lambda rows: standardised_shift(np.full(300, 0.5)),
        lambda rows: correlation_path(rows[:50]),
        lambda rows: normal_correlation(correlation_path(rows[:300])),
        lambda rows: covariance_path(rows, decay=1.1),
        lambda rows: correlation_drift(np.eye(3), np.eye(4)),
        lambda rows: correlation_drift(np.eye(3), np.eye(3), held=[True]),
        lambda rows: breakdown_alarms([0.1, np.nan], enter=0.3, leave=0.2, dwell_days=1),
        lambda rows: breakdown_alarms([0.1], enter=0.2, leave=0.3, dwell_days=1),
        lambda rows: alarm_skill([True, False], [False, False], horizon_days=1),
    ],
)
def test_what_cannot_be_computed_is_refused(returns, call):
    with pytest.raises(DataError):
        call(returns)
