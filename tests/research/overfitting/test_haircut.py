"""Haircuts against the papers' examples and statsmodels."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from workbench.domain.errors import ConfigError, DataError
from workbench.research.overfitting import adjusted_p_values, haircut_all, haircut_sharpe_ratio

SIX = [0.005, 0.009, 0.0128, 0.0135, 0.045, 0.06]
"""p-values of the example in Harvey, Liu and Zhu (2016), section 4, and in Harvey and Liu's papers."""
PUBLISHED = {
    "bonferroni": [0.0300, 0.0540, 0.0768, 0.0810, 0.2700, 0.3600],
    "holm": [0.0300, 0.0450, 0.0512, 0.0512, 0.0900, 0.0900],
    "bhy": [0.0496, 0.0496, 0.0496, 0.0496, 0.0600, 0.0600],
}
PEER = {"bonferroni": "bonferroni", "holm": "holm", "bhy": "fdr_by"}


@pytest.mark.parametrize("method", PUBLISHED)
def test_adjusted_p_values_are_the_published_ones(method: str) -> None:
    # BHY from the fifth on: the papers leave the largest p-value as it is and start there. Benjamini and Yekutieli
    # (2001), theorem 1.3, rejects it only at level/c(6), so its adjusted value is 2.45 × 0.06; ours (and statsmodels')
    # is theirs. The decisions at 5 % are the same.
    same = slice(4) if method == "bhy" else slice(None)
    found = adjusted_p_values(SIX, method=method)
    np.testing.assert_allclose(found[same], PUBLISHED[method][same], atol=5e-5)
    np.testing.assert_array_equal(found < 0.05, np.asarray(PUBLISHED[method]) < 0.05)
    assert {"bonferroni": 1, "holm": 2, "bhy": 4}[method] == np.count_nonzero(found < 0.05)


@pytest.mark.parametrize("method", PEER)
def test_adjusted_p_values_are_those_of_statsmodels(method: str) -> None:
    generator = np.random.default_rng(1)
    tied = np.round(generator.uniform(size=60), 1)
    for p_values in (np.array([0.3]), generator.uniform(size=384) ** 4, tied, np.array([0.0, 1.0, 0.0])):
        expected = multipletests(p_values, method=PEER[method])[1]
        np.testing.assert_allclose(adjusted_p_values(p_values, method=method), expected, rtol=1e-12)


@pytest.mark.parametrize("method", PEER)
@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=30))
def test_adjusting_keeps_the_order_and_never_lowers_a_p_value(method: str, p_values: list[float]) -> None:
    adjusted = adjusted_p_values(p_values, method=method)
    assert (adjusted >= np.asarray(p_values) * (1.0 - 1e-12)).all()
    assert (np.diff(adjusted[np.argsort(p_values, kind="stable")]) >= 0.0).all()


def test_haircut_of_an_annual_three_quarters_after_200_trials_is_about_60_percent() -> None:
    # Harvey and Liu (2015): 20 years of months, p = 0.0008, N = 200: adjusted p = 0.15, annual Sharpe 0.32, "60 %".
    # They take a normal tail and 1 − (1 − p)^N there; Bonferroni with Student's t is a little stricter.
    found = haircut_sharpe_ratio(
        0.75 / sqrt(12), observations=240, trial_count=200, periods_per_year=12, method="bonferroni"
    )
    assert found.haircut == pytest.approx(0.60, abs=0.01)
    single = 2 * stats.norm.sf(0.75 * sqrt(20))
    assert single == pytest.approx(0.0008, abs=5e-5)
    independent = 1 - (1 - single) ** 200
    assert independent == pytest.approx(0.15, abs=5e-3)
    assert stats.norm.isf(independent / 2) / sqrt(20) == pytest.approx(0.32, abs=5e-3)
    assert found.haircut_sharpe_ratio_annual == pytest.approx(0.32, abs=0.03)
    assert found.adjusted_p_value == pytest.approx(200 * found.p_value)


def test_a_haircut_sharpe_has_the_adjusted_p_value() -> None:
    found = haircut_sharpe_ratio(0.08, observations=1_000, trial_count=5, periods_per_year=252, method="holm")
    tail = 2 * stats.t.sf(found.haircut_sharpe_ratio * sqrt(1_000), 999)
    assert tail == pytest.approx(found.adjusted_p_value)
    assert found.sharpe_ratio_annual == pytest.approx(0.08 * sqrt(252))


def test_without_other_trials_nothing_is_cut_and_with_them_the_strictest_is_bhy() -> None:
    alone = haircut_sharpe_ratio(0.1, observations=500, trial_count=1, periods_per_year=252, method="bhy")
    assert alone.haircut == pytest.approx(0.0, abs=1e-9)
    cut = {
        method: haircut_sharpe_ratio(0.2, observations=500, trial_count=50, periods_per_year=252, method=method).haircut
        for method in PEER
    }
    assert cut["bonferroni"] == cut["holm"] < cut["bhy"] < 1.0


def test_all_trials_pay_for_each_other_and_keep_their_order() -> None:
    ratios = np.array([0.02, 0.2, -0.15, 0.0, 0.16])
    found = haircut_all(ratios, observations=500, method="holm")
    expected = multipletests(2 * stats.t.sf(np.abs(ratios) * sqrt(500), 499), method="holm")[1]
    np.testing.assert_allclose(found.adjusted_p_values, expected)
    assert found.haircut_sharpe_ratios[2] < 0.0  # moved towards 0, not through it
    assert (np.abs(found.haircut_sharpe_ratios) <= np.abs(ratios)).all()
    assert found.haircuts[3] == 0.0
    assert found.haircuts[0] > found.haircuts[4] > found.haircuts[1]
    assert "Best 5 of 5" in found._repr_html_()


def test_a_certain_sharpe_is_not_cut() -> None:
    found = haircut_sharpe_ratio(5.0, observations=10_000, trial_count=384, periods_per_year=252, method="bonferroni")
    assert (found.p_value, found.haircut) == (0.0, 0.0)
    assert "384 trials" in found._repr_html_()


def test_bad_input_is_refused() -> None:
    single = {"observations": 100, "trial_count": 5, "periods_per_year": 12.0, "method": "holm"}
    with pytest.raises(ConfigError, match="expected one of bonferroni, holm, bhy"):
        haircut_all([0.1], observations=100, method="sidak")
    with pytest.raises(DataError, match="trial 1 has nan"):
        haircut_all([0.1, float("nan")], observations=100, method="holm")
    with pytest.raises(DataError, match="at least one"):
        haircut_all([], observations=100, method="holm")
    with pytest.raises(DataError, match=r"trial 0 has 1\.2"):
        adjusted_p_values([1.2], method="holm")
    with pytest.raises(DataError, match="at least one"):
        adjusted_p_values([], method="holm")
    with pytest.raises(DataError, match="a trial and a positive"):
        haircut_sharpe_ratio(0.1, **single | {"trial_count": 0})
    with pytest.raises(DataError, match="at least 2 observations"):
        haircut_sharpe_ratio(0.1, **single | {"observations": 1})
