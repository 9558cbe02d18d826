"""Thresholds by block bootstrap: the chi-square's on independent normal rows, higher on real ones."""

import numpy as np
import pytest
from scipy.stats import chi2

from workbench.risk.correlation import (
    absorption_ratio,
    absorption_shift_threshold,
    next_day_turbulence_threshold,
    standardised_shift,
    turbulence,
    turbulence_quantile_threshold,
)


@pytest.fixture(scope="module")
def normal_rows() -> np.ndarray:
    return np.random.default_rng(3).standard_normal((500, 7)) * 0.005


def test_on_normal_rows_the_thresholds_are_about_chi_square(normal_rows):
    known = chi2(7).ppf(0.99)
    next_day = next_day_turbulence_threshold(normal_rows, generator=np.random.default_rng(1))
    assert next_day == pytest.approx(known, rel=0.2)
    distances = turbulence(normal_rows, mean=np.zeros(7), covariance=np.eye(7) * 0.005**2)
    upper = turbulence_quantile_threshold(distances, generator=np.random.default_rng(1))
    assert known < upper < 1.5 * known


def test_the_upper_bound_lies_above_the_quantile_it_bounds(ecb):
    window = turbulence(ecb.up_to("2026-10-30").leg_log_returns().to_numpy())[-500:]
    assert turbulence_quantile_threshold(window, generator=np.random.default_rng(0)) > np.quantile(window, 0.99)


def test_fat_tails_and_clusters_raise_the_threshold_of_the_next_day(ecb):
    window = ecb.up_to("2026-10-30").leg_log_returns().to_numpy()[-500:]
    found = next_day_turbulence_threshold(window, generator=np.random.default_rng(0))
    assert found > 1.5 * chi2(7).ppf(0.99)


def test_while_nothing_changes_the_absorption_shift_passes_its_threshold_about_once_in_a_hundred(normal_rows):
    threshold = absorption_shift_threshold(normal_rows, generator=np.random.default_rng(1))
    fresh = np.random.default_rng(8)
    last = [standardised_shift(absorption_ratio(fresh.standard_normal((749, 7)), warm_up=500))[-1] for _ in range(400)]
    assert np.mean(np.array(last) > threshold) < 0.05


def test_the_same_seed_gives_the_same_threshold(normal_rows):
    first, second = (absorption_shift_threshold(normal_rows, generator=np.random.default_rng(5)) for _ in range(2))
    assert first == second
