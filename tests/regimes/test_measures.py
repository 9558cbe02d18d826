"""Each yardstick against hand arithmetic or an independent library."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student
from statsmodels.regression.linear_model import OLS

from workbench.domain.errors import DataError
from workbench.regimes import Crisis, ewma_variance, volatility_ratio
from workbench.regimes.measures import (
    area_under_curve,
    count_switches,
    crisis_delays,
    density_gain,
    fit_degrees_of_freedom,
    student_log_density,
)
from workbench.regimes.series import finite_series, rising_dates


def test_auc_equals_the_share_of_pairs_in_the_right_order():
    rng = np.random.default_rng(1)
    score, event = rng.integers(0, 5, 60).astype(float), rng.random(60) < 0.3
    gaps = score[event][:, np.newaxis] - score[~event]
    assert area_under_curve(score, event) == pytest.approx(np.mean((gaps > 0) + 0.5 * (gaps == 0)))


def test_auc_without_events_is_refused():
    with pytest.raises(DataError, match="got 0 of 3"):
        area_under_curve([1.0, 2.0, 3.0], [False] * 3)


def test_switches_are_counted_between_days():
    assert count_switches([0, 0, 1, 1, 0, 2]) == 3
    assert count_switches([1, 1]) == 0


def test_t_statistic_equals_the_newey_west_of_statsmodels():
    rng = np.random.default_rng(2)
    difference = np.convolve(rng.normal(0.02, 1.0, 805), np.ones(6) / 6, mode="valid")
    mean, statistic = density_gain(difference)
    lags = int(4 * (len(difference) / 100) ** (2 / 9))
    oracle = OLS(difference, np.ones(len(difference))).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False}
    )
    assert mean == pytest.approx(oracle.params[0])
    assert statistic == pytest.approx(oracle.tvalues[0])


def test_equal_densities_are_nothing_to_compare():
    with pytest.raises(DataError, match="the same on every day"):
        density_gain(np.zeros(100))


def test_student_density_equals_scipy_at_unit_variance_scale():
    returns, variance = np.array([-0.01, 0.0, 0.03]), np.array([1e-4, 2e-4, 1e-4])
    oracle = student.logpdf(returns, 5.0, scale=np.sqrt(variance * 3.0 / 5.0))
    assert student_log_density(returns, variance, 5.0) == pytest.approx(oracle)


def test_degrees_of_freedom_are_recovered():
    rng = np.random.default_rng(3)
    variance = np.exp(rng.normal(-9.0, 0.4, 20_000))
    returns = rng.standard_t(6.0, 20_000) * np.sqrt(variance * 4.0 / 6.0)
    assert fit_degrees_of_freedom(returns, variance) == pytest.approx(6.0, rel=0.1)


def test_ewma_variance_equals_pandas_and_ignores_later_rows(eurusd_log):
    oracle = pd.Series(eurusd_log**2).ewm(alpha=0.06, adjust=True).mean().to_numpy()
    assert ewma_variance(eurusd_log) == pytest.approx(oracle, rel=1e-10)
    garbage = eurusd_log.copy()
    garbage[1000:] = 5.0
    assert np.array_equal(ewma_variance(garbage)[:1000], ewma_variance(eurusd_log)[:1000])


def test_volatility_ratio_equals_pandas_rolling_median(eurusd_log):
    volatility = pd.Series(np.sqrt(ewma_variance(eurusd_log)))
    oracle = (volatility / volatility.rolling(500).median()).to_numpy()[499:]
    assert volatility_ratio(eurusd_log) == pytest.approx(oracle)


def test_a_peg_without_movement_has_no_volatility_ratio():
    with pytest.raises(DataError, match="normal volatility is zero"):
        volatility_ratio(np.zeros(600))


def test_delays_are_counted_in_trading_days_and_watched_a_while_longer():
    dates = np.arange("2020-01-01", "2020-04-10", dtype="datetime64[D]")
    on = np.zeros(len(dates), dtype=bool)
    on[12:20] = True
    crises = [
        Crisis("late", "2020-01-11", "2020-01-30"),
        Crisis("running", "2020-01-15", "2020-01-16"),
        Crisis("missed", "2020-02-10", "2020-02-11"),
        Crisis("outside", "2019-02-10", "2019-02-11"),
        Crisis("after", "2021-02-10", "2021-02-11"),
    ]
    late, running, missed = crisis_delays(on, dates, crises)
    assert (late.detected, late.delay_days, late.on_before) == (True, 2, False)
    assert (running.detected, running.delay_days, running.on_before) == (True, 0, True)
    assert (missed.detected, missed.delay_days) == (False, 21)


def test_messages_name_the_row_that_is_wrong():
    with pytest.raises(DataError, match="got nan in row 1"):
        finite_series([0.0, np.nan, 1.0])
    with pytest.raises(DataError, match="2020-01-01 in row 1 follows 2020-01-02"):
        rising_dates(["2020-01-02", "2020-01-01"], 2)
    with pytest.raises(DataError, match="expected 3 dates"):
        rising_dates(["2020-01-02", "2020-01-03"], 3)
