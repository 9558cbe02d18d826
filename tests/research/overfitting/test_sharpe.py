"""Sharpe statistics against the papers' own examples; figures no source at hand could confirm are marked as such."""

from math import e, inf, log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from workbench.domain.errors import DataError
from workbench.research.overfitting import (
    deflated_both,
    deflated_sharpe_ratio,
    expected_max_sharpe_ratio,
    minimum_backtest_length,
    minimum_track_record_length,
    probabilistic_sharpe_ratio,
)

HEDGE_FUND = {"skewness": -2.448, "kurtosis": 10.164}
DAYS = 250
PAPER = {"observations": 5 * DAYS, "trial_variance": 0.5 / DAYS}


@pytest.mark.parametrize(
    ("observations", "moments", "published"),
    [
        (24, {"skewness": 0.0, "kurtosis": 3.0}, 0.982),
        (24, HEDGE_FUND, 0.913),
        (36, HEDGE_FUND, 0.953),
    ],
)
def test_probabilistic_sharpe_is_the_papers(observations: int, moments: dict[str, float], published: float) -> None:
    # Bailey and López de Prado (2012), numerical example: monthly Sharpe 0.458
    found = probabilistic_sharpe_ratio(0.458, observations=observations, **moments)
    assert found == pytest.approx(published, abs=6e-4)


def test_deflated_sharpe_is_the_papers_worked_example() -> None:
    # Bailey and López de Prado (2014), p. 10 of the working paper: SR0 ≈ 0.1132, DSR ≈ 0.9004
    hurdle = expected_max_sharpe_ratio(100, trial_variance=PAPER["trial_variance"])
    assert hurdle == pytest.approx(0.1132, abs=5e-5)
    found = deflated_sharpe_ratio(2.5 / sqrt(DAYS), skewness=-3.0, kurtosis=10.0, trial_count=100, **PAPER)
    assert found == pytest.approx(0.9004, abs=5e-5)


@pytest.mark.parametrize(
    ("trial_count", "moments"),
    [(46, {"skewness": -3.0, "kurtosis": 10.0}), (88, {"skewness": 0.0, "kurtosis": 3.0})],
)
def test_deflated_sharpe_crosses_95_percent_after_the_papers_number_of_trials(
    trial_count: int, moments: dict[str, float]
) -> None:
    # the same example: 0.9505 after 46 trials, and after 88 had the returns been normal; one trial more is too many
    kept = deflated_sharpe_ratio(2.5 / sqrt(DAYS), trial_count=trial_count, **moments, **PAPER)
    lost = deflated_sharpe_ratio(2.5 / sqrt(DAYS), trial_count=trial_count + 1, **moments, **PAPER)
    assert kept == pytest.approx(0.9505, abs=5e-5)
    assert lost < 0.95 < kept


def test_expected_maximum_is_the_papers_at_ten_trials_and_close_to_the_integral() -> None:
    # Bailey, Borwein, López de Prado and Zhu (2014): 1.57 for ten
    assert expected_max_sharpe_ratio(10, trial_variance=1.0) == pytest.approx(1.57, abs=6e-3)
    for trials in (5, 45, 384):
        grid = np.linspace(-8.0, 8.0, 20_001)
        density = trials * stats.norm.pdf(grid) * stats.norm.cdf(grid) ** (trials - 1)
        exact = float(np.trapezoid(grid * density, grid))
        assert expected_max_sharpe_ratio(trials, trial_variance=1.0) == pytest.approx(exact, rel=0.03)


def test_expected_maximum_of_one_trial_is_nothing_and_scales_with_the_deviation() -> None:
    assert expected_max_sharpe_ratio(1, trial_variance=9.0) == 0.0
    one, nine = (expected_max_sharpe_ratio(50, trial_variance=variance) for variance in (1.0, 9.0))
    assert nine == pytest.approx(3.0 * one)


def test_minimum_backtest_length_is_five_years_at_45_trials_and_two_at_7() -> None:
    # Bailey, Borwein, López de Prado and Zhu (2014): with five years no more than 45 configurations may be tried, with
    # two years no more than seven
    assert minimum_backtest_length(45) == pytest.approx(5.0, abs=0.005)
    assert minimum_backtest_length(46) > 5.0
    assert minimum_backtest_length(7) < 2.0 < minimum_backtest_length(8)


@given(st.integers(2, 10_000), st.floats(0.2, 5.0))
def test_minimum_backtest_length_is_below_the_papers_bound(trials: int, sharpe_ratio: float) -> None:
    years = minimum_backtest_length(trials, sharpe_ratio=sharpe_ratio)
    assert 0.0 < years < 2.0 * log(trials) / sharpe_ratio**2
    assert minimum_backtest_length(trials) == pytest.approx(years * sharpe_ratio**2)


def test_minimum_track_record_of_an_annual_two_against_one_is_2_73_years_of_normal_days() -> None:
    # Bailey and López de Prado (2012) give 2.73 years; cited from memory, no source at hand confirms it
    daily = 252**-0.5
    found = minimum_track_record_length(2 * daily, skewness=0.0, kurtosis=3.0, benchmark=daily)
    assert found / 252 == pytest.approx(2.73, abs=5e-3)


@given(
    st.floats(0.02, 0.5),
    st.floats(-2.0, 1.0),
    st.floats(0.0, 8.0),
    st.floats(0.55, 0.99),
)
def test_after_the_minimum_track_record_the_probability_is_the_confidence(
    sharpe_ratio: float, skewness: float, spare: float, confidence: float
) -> None:
    moments = {"skewness": skewness, "kurtosis": 1.0 + skewness**2 + spare}
    length = minimum_track_record_length(sharpe_ratio, **moments, confidence=confidence)
    below, above = (
        probabilistic_sharpe_ratio(sharpe_ratio, observations=max(2, count), **moments)
        for count in (int(length), int(length) + 1)
    )
    assert below <= confidence + 1e-9 or length < 2
    assert above >= confidence - 1e-9


def test_no_track_record_is_long_enough_for_a_sharpe_at_the_benchmark() -> None:
    assert minimum_track_record_length(0.1, skewness=0.0, kurtosis=3.0, benchmark=0.1) == inf
    assert minimum_track_record_length(-0.1, skewness=0.0, kurtosis=3.0) == inf


def test_probabilistic_sharpe_is_the_share_of_samples_that_are_lucky() -> None:
    # gamma returns with a true Sharpe of 0.1: the share of estimates whose PSR against 0.1 is below p must be about p
    generator = np.random.default_rng(3)
    shape, periods = 4.0, 400
    returns = generator.gamma(shape, size=(2_000, periods)) / sqrt(shape) - sqrt(shape) + 0.1
    ratios = returns.mean(axis=1) / returns.std(axis=1, ddof=1)
    moments = {"skewness": 2.0 / sqrt(shape), "kurtosis": 3.0 + 6.0 / shape}
    found = [
        probabilistic_sharpe_ratio(float(ratio), observations=periods, benchmark=0.1, **moments) for ratio in ratios
    ]
    for level in (0.05, 0.5, 0.95):
        assert np.mean(np.asarray(found) < level) == pytest.approx(level, abs=0.03)


def test_both_conventions_use_the_columns_own_moments() -> None:
    returns = np.random.default_rng(5).standard_t(5, size=(600, 12)) * 0.01
    returns[:, 4] += 0.002
    found = deflated_both(returns, 4, trial_count=30)
    ratios = returns.mean(axis=0) / returns.std(axis=0, ddof=1)
    shared = {
        "observations": 600,
        "skewness": float(stats.skew(returns[:, 4])),
        "kurtosis": float(stats.kurtosis(returns[:, 4], fisher=False)),
        "trial_count": 30,
    }
    assert found.across_trials == deflated_sharpe_ratio(
        float(ratios[4]), trial_variance=float(ratios.var(ddof=1)), **shared
    )
    assert found.sampling == deflated_sharpe_ratio(float(ratios[4]), trial_variance=1.0 / 599, **shared)
    assert "30 trials" in found._repr_html_()
    assert deflated_both(returns, 4).trial_count == 12


def test_on_noise_the_two_conventions_agree() -> None:
    returns = np.random.default_rng(6).normal(size=(2_000, 300))
    found = deflated_both(returns, 0)
    assert found.variance_across_trials == pytest.approx(found.sampling_variance, rel=0.2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kurtosis": 0.2}, "raw kurtosis, 3 for a normal"),
        ({"skewness": -3.0, "kurtosis": 7.0}, "at least 1 \\+ skewness² = 10"),
        ({"observations": 1}, "at least 2 observations"),
        ({"sharpe_ratio": float("nan")}, "sharpe_ratio must be a finite number"),
        ({"skewness": inf}, "skewness must be a finite number"),
    ],
)
def test_impossible_input_is_refused(arguments: dict[str, float], message: str) -> None:
    whole = {"sharpe_ratio": 0.1, "observations": 100, "skewness": 0.0, "kurtosis": 3.0} | arguments
    with pytest.raises(DataError, match=message):
        probabilistic_sharpe_ratio(whole.pop("sharpe_ratio"), **whole)


def test_trials_and_columns_that_do_not_exist_are_refused() -> None:
    returns = np.random.default_rng(0).normal(size=(50, 3))
    with pytest.raises(DataError, match="a trial and a variance"):
        expected_max_sharpe_ratio(0, trial_variance=1.0)
    with pytest.raises(DataError, match="an annual Sharpe ratio above 0"):
        minimum_backtest_length(10, sharpe_ratio=0.0)
    with pytest.raises(DataError, match=r"between 0\.5 and 1"):
        minimum_track_record_length(0.1, skewness=0.0, kurtosis=3.0, confidence=95.0)
    with pytest.raises(DataError, match="a column from 0 to 2"):
        deflated_both(returns, 3)
    with pytest.raises(DataError, match="at least as many trials"):
        deflated_both(returns, 0, trial_count=2)
    with pytest.raises(DataError, match="strategy 1 never moves"):
        deflated_both(returns * [1.0, 0.0, 1.0], 1)
    with pytest.raises(DataError, match="single surviving strategy"):
        deflated_both(returns[:, :1], 0)


def test_the_expected_maximum_is_the_closed_form() -> None:
    euler = 0.5772156649015329
    quantiles = stats.norm.ppf([1 - 1 / 384, 1 - 1 / (384 * e)])
    expected = (1 - euler) * quantiles[0] + euler * quantiles[1]
    assert expected_max_sharpe_ratio(384, trial_variance=1.0) == pytest.approx(expected, rel=1e-12)
