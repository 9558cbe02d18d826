"""Rolling forecasts: resumed equals anew, cut equals never known, nothing looks ahead."""

import numpy as np
import pytest

from workbench.domain.errors import DataError, ModelError
from workbench.risk.models import COMBINATION, MEMBERS
from workbench.risk.rolling import Schedule, rolling_forecasts

SCHEDULE = Schedule(first=1100, window=1000, refit_every=20)


@pytest.fixture(scope="module")
def returns(eurusd):
    return eurusd[:1255]


@pytest.fixture(scope="module")
def whole(returns):
    return rolling_forecasts(returns, SCHEDULE)


def same(a, b):
    return (
        np.array_equal(a.value_at_risk, b.value_at_risk, equal_nan=True)
        and np.array_equal(a.expected_shortfall, b.expected_shortfall, equal_nan=True)
        and a.estimates.keys() == b.estimates.keys()
        and all(np.array_equal(a.estimates[key], b.estimates[key]) for key in a.estimates)
        and a.refused == b.refused
        and a.names == b.names
    )


@pytest.mark.parametrize("known", [1100, 1119, 1120, 1121, 1239, 1240, 1254])
def test_resumed_run_equals_a_new_one_to_the_last_bit(returns, whole, known):
    earlier = rolling_forecasts(returns[:known], SCHEDULE)
    assert same(rolling_forecasts(returns, SCHEDULE, stored=earlier), whole)


@pytest.mark.parametrize("known", [1100, 1140, 1141, 1200])
def test_cutting_days_off_equals_never_having_known_them(returns, whole, known):
    assert same(whole.cut(known), rolling_forecasts(returns[:known], SCHEDULE))


def test_changed_history_is_computed_again_from_the_change_on(returns, whole):
    changed = returns.copy()
    changed[1150] = 0.02
    assert same(rolling_forecasts(changed, SCHEDULE, stored=whole), rolling_forecasts(changed, SCHEDULE))


def test_no_forecast_moves_when_later_returns_are_garbage(returns, whole):
    garbage = returns.copy()
    garbage[1180:] = 0.3
    dirty = rolling_forecasts(garbage, SCHEDULE)
    rows = 1180 - 1100 + 1
    assert np.array_equal(dirty.value_at_risk[:rows], whole.value_at_risk[:rows], equal_nan=True)


def test_last_row_is_for_the_day_after_the_last_return(returns, whole):
    assert whole.rows == returns.size - 1100 + 1
    assert whole.realised.size == whole.rows - 1


def test_combination_is_the_mean_of_its_members(whole):
    members = np.mean([whole.of(name, 0.99)[0] for name in MEMBERS], axis=0)
    assert whole.of(COMBINATION, 0.99)[0] == pytest.approx(members)


def test_progress_counts_every_day_once(returns, whole):
    seen = []
    rolling_forecasts(returns, SCHEDULE, progress=seen.append)
    assert sum(seen) == whole.rows
    seen.clear()
    rolling_forecasts(returns, SCHEDULE, stored=whole, progress=seen.append)
    assert sum(seen) == whole.rows


def test_cold_starts_are_counted(whole):
    counts = whole.cold_starts()["garch-t"]
    assert counts["refits"] == 8
    assert 2 <= counts["cold tried"] <= 8
    assert counts["cold better"] <= counts["cold tried"]


def test_a_refused_model_is_named_with_day_and_reason(ecb):
    eurchf = ecb.pair_simple_returns(("EURCHF",))["EURCHF"].to_numpy()
    peg = int(np.argmin(eurchf))
    result = rolling_forecasts(eurchf[: peg + 60], Schedule(first=peg - 40))
    day, reason = result.refused["cornish-fisher"]
    assert day >= peg - 40
    assert "monotone domain" in reason
    assert np.isfinite(result.of("garch-evt", 0.99)[0]).all()


def test_bad_requests_are_refused(returns, whole):
    with pytest.raises(DataError, match="need 1000 returns before the first day"):
        Schedule(first=900)
    with pytest.raises(DataError, match="finite returns up to day 1100, got 50"):
        rolling_forecasts(returns[:50], SCHEDULE)
    with pytest.raises(ModelError, match="no forecasts of 'magic'"):
        whole.of("magic", 0.99)
