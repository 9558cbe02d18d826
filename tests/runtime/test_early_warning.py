"""The study of the alarms: events by hand, no later row, and its verdict on 27 years of fixes."""

import numpy as np
import pandas as pd
import pytest

from workbench.data.policy_file import read_policy
from workbench.data.rates import DailyRates
from workbench.domain.errors import DataError
from workbench.runtime.studies.early_warning import EarlyWarningStudy, early_warning, trailing_correlation, worst_days


@pytest.fixture(scope="module")
def study(ecb) -> EarlyWarningStudy:
    return early_warning(ecb.up_to("2026-10-30"), read_policy(None))


def test_worst_days_keep_their_distance():
    days = pd.date_range("2020-01-01", periods=10)
    returns = pd.Series([0.0, -5.0, -4.0, 0.0, 0.0, 0.0, -1.0, -3.0, 0.0, 0.0], index=days)
    assert worst_days(returns, count=3, apart_days=3) == (days[1], days[4], days[7])


def test_no_alarm_warns_and_the_verdict_says_so_first(study):
    assert study.verdict.startswith("No alarm warns")
    assert study.verdict in study._repr_html_()
    assert (study.frame["p"] > 0.05).all()
    assert (study.frame["hit rate"] > study.frame["by chance"]).all()
    assert study.frame.loc["turbulence", "hit rate"] == pytest.approx(0.3)


def test_base_rates_of_the_rungs(study):
    # product figures: drift rung on 3.9 % of days, level 5.5 %, moved correlations 1.0 %
    rates = study.base_rates
    assert rates["correlation drift above 0.3"] == pytest.approx(0.039, abs=0.001)
    assert rates["mean absolute correlation above 0.7"] == pytest.approx(0.055, abs=0.001)
    assert rates["3 or more high correlations that moved"] == pytest.approx(0.010, abs=0.001)
    assert rates["volatility above 1.5 times normal"] == pytest.approx(0.083, abs=0.001)
    assert rates["volatility above 2 times normal"] == pytest.approx(0.025, abs=0.001)
    assert "3.9" in study.base_rate_table._repr_html_()


def test_a_reading_is_made_from_rows_up_to_its_day(ecb, study):
    early = early_warning(ecb.up_to("2016-06-22"), read_policy(None))
    for short, whole in zip(early.alarms, study.alarms, strict=True):
        np.testing.assert_allclose(short.reading, whole.reading[short.reading.index], rtol=1e-9)
        np.testing.assert_allclose(short.threshold, whole.threshold[short.threshold.index], rtol=1e-9)


def test_trailing_normal_is_yesterdays(ecb):
    legs = ecb.up_to("2010-12-31").leg_log_returns()
    shocked = legs.copy()
    shocked.iloc[-1] = 0.2
    before, after = trailing_correlation(legs), trailing_correlation(shocked)
    pd.testing.assert_frame_equal(before.iloc[:-1], after.iloc[:-1])
    assert after["drift"].iloc[-1] > before["drift"].iloc[-1]


def test_too_little_history_is_refused(ecb):
    with pytest.raises(DataError, match="days to judge"):
        early_warning(DailyRates(ecb.leg_values.iloc[:1300], ecb.source), read_policy(None))
