"""Controls against the placebo: by hand, and as properties."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.errors import DataError
from workbench.stress import control_saving, lock_in_rate, placebo, placebo_scale, skill, whipsaw


def path(equity, gross=1.0, mode="ACTIVE"):
    values = np.asarray(equity, dtype=float)
    index = pd.date_range("2026-10-27", periods=len(values), freq="D", tz="UTC")
    peak = np.maximum.accumulate(values)
    return pd.DataFrame({"equity": values, "drawdown": 1 - values / peak, "gross": gross, "mode": mode}, index)


EQUITY = st.lists(st.floats(50.0, 200.0), min_size=2, max_size=20)


def test_saving_is_the_share_of_the_loss_taken_away():
    assert control_saving(0.05, 0.20) == pytest.approx(0.75)
    assert control_saving(0.25, 0.20) == pytest.approx(-0.25)
    assert np.isnan(control_saving(0.0, 0.0))


@given(EQUITY)
def test_a_placebo_of_full_size_is_the_free_run_and_of_none_is_cash(equity):
    free = path(equity)
    whole, none = placebo(free, 1.0), placebo(free, 0.0)
    np.testing.assert_allclose(whole["equity"], free["equity"])
    np.testing.assert_allclose(whole["drawdown"], free["drawdown"], atol=1e-12)
    assert (none["equity"] == equity[0]).all() and (none["drawdown"] == 0.0).all() and (none["gross"] == 0.0).all()


@given(EQUITY, st.floats(0.0, 1.0))
def test_a_smaller_placebo_never_falls_further(equity, scale):
    free = path(equity)
    assert placebo(free, scale)["drawdown"].max() <= free["drawdown"].max() + 1e-12


def test_the_placebo_has_the_average_exposure_of_the_controlled_run():
    free = path([100, 90, 95], gross=[1.0, 1.0, 1.0])
    controlled = path([100, 96, 97], gross=[1.0, 0.5, 0.0])
    scale = placebo_scale(controlled, free)
    # in US dollars, each until the next mark: 100 + 48 held, of 100 + 90
    assert scale == pytest.approx(148 / 190)
    held = placebo(free, scale)["gross"] * free["equity"]
    assert held.iloc[:2].mean() == pytest.approx((controlled["gross"] * controlled["equity"]).iloc[:2].mean())
    assert placebo(free, 0.5)["equity"].tolist() == [100.0, 95.0, 97.5]
    assert placebo_scale(free, free) == 1.0
    assert placebo_scale(controlled, path([100, 100, 100], gross=0.0)) == 1.0
    with pytest.raises(DataError, match="at least 0"):
        placebo(free, float("nan"))


def test_a_run_that_ends_halted_or_empty_is_frozen():
    free = [path([100, 101])] * 4
    runs = [
        path([100, 101]),
        path([100, 101], mode="HALTED"),
        path([100, 101], gross=0.05),
        path([100, 101], gross=0.2),
    ]
    assert lock_in_rate(runs, free) == 0.5
    with pytest.raises(DataError, match="got 1 and 4"):
        lock_in_rate(runs[:1], free)
    with pytest.raises(DataError, match="got 0 and 0"):
        lock_in_rate([], [])


def test_whipsaw_is_the_rebound_that_was_missed():
    free = path([100, 80, 95])
    assert whipsaw(path([100, 85, 88]), free) == pytest.approx((15 - 3) / 100)
    assert whipsaw(path([100, 85, 105]), free) == 0.0
    assert whipsaw(free, free) == 0.0


def test_skill_is_the_difference_with_an_interval_over_scenarios():
    generator = np.random.default_rng(0)
    clear = skill([0.6, 0.7, 0.65, 0.62] * 2, [0.3, 0.2, 0.25, 0.31] * 2, generator=generator)
    assert clear.difference == pytest.approx(np.mean([0.3, 0.5, 0.4, 0.31])) and clear.interval[0] > 0.25
    assert clear.sentence.startswith("controls save more") and "8 scenarios" in clear.sentence
    none = skill([0.6, 0.1] * 3 + [np.nan], [0.3, 0.4] * 3 + [0.5], generator=generator)
    assert none.scenarios == 6 and none.sentence.startswith("it cannot be told")
    one = skill([0.6, np.nan], [0.3, 0.1], generator=generator)
    assert one.scenarios == 1 and one.sentence.startswith("too few scenarios to tell")
    worse = skill([0.1] * 6, [0.4] * 6, generator=generator)
    assert worse.sentence.startswith("a smaller book would have saved more")
    with pytest.raises(DataError, match="nothing controls could have saved"):
        skill([np.nan], [np.nan], generator=generator)
