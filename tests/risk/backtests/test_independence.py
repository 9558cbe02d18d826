"""Christoffersen's tests: published examples, brute force over all sequences, size and power by simulation."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from workbench.risk.backtests import (
    christoffersen_conditional_coverage,
    christoffersen_independence,
    kupiec,
    markov_hits,
    simulated_power,
)
from workbench.risk.backtests.independence import chain_rates, independence_ratio, transition_counts


def series(*, runs: int, hits: int, days: int) -> np.ndarray:
    """Hits in `runs` runs, calm at both ends."""
    longest = hits - runs + 1
    lengths = [longest] + [1] * (runs - 1)
    pieces = [piece for length in lengths for piece in ([0], [1] * length)]
    body = [value for piece in pieces for value in piece]
    return np.array(body + [0] * (days - len(body)), dtype=bool)


def test_jorions_jp_morgan_example() -> None:
    # Jorion (2007), section 6.2.5: of 252 transitions T00 218, T01 14, T10 14, T11 6; LR_ind 9.53, LR_cc 13.44.
    hits = series(runs=14, hits=20, days=253)
    assert transition_counts(hits.astype(float)) == (218, 14, 14, 6)
    assert round(christoffersen_independence(hits).statistic, 2) == 9.53
    assert round(kupiec(hits[1:], confidence=0.95).statistic + christoffersen_independence(hits).statistic, 2) == 13.44


def test_documented_output_of_another_implementation() -> None:
    # MathWorks, Risk Management Toolbox, varbacktest/cc: N00 932, N10 53, N01 53, N11 4.
    hits = series(runs=53, hits=57, days=1043)
    assert transition_counts(hits.astype(float)) == (932, 53, 53, 4)
    independence = christoffersen_independence(hits)
    joint = christoffersen_conditional_coverage(hits, confidence=0.95)
    assert independence.statistic == pytest.approx(0.25866, abs=5e-6)
    assert independence.p_value == pytest.approx(0.61104, abs=5e-6)
    assert joint.statistic == pytest.approx(0.72013, abs=5e-6)
    assert joint.p_value == pytest.approx(0.69763, abs=5e-6)


def test_exact_p_values_equal_enumeration_of_every_sequence() -> None:
    days, rate = 10, 0.1
    every = [np.array(hits, dtype=float) for hits in itertools.product((0, 1), repeat=days)]
    counts = np.array([hits.sum() for hits in every])
    ratios = np.array([float(independence_ratio(*transition_counts(hits))) for hits in every])
    coverage = np.array([kupiec(hits, confidence=1 - rate).statistic for hits in every])
    mass = rate**counts * (1 - rate) ** (days - counts)
    for index in range(0, len(every), 17):
        alike = counts == counts[index]
        exact = (ratios[alike] >= ratios[index] - 1e-10).mean()
        joint = mass[ratios + coverage >= ratios[index] + coverage[index] - 1e-10].sum()
        assert christoffersen_independence(every[index]).exact_p_value == pytest.approx(exact)
        got = christoffersen_conditional_coverage(every[index], confidence=1 - rate).exact_p_value
        assert got == pytest.approx(joint)


def test_stated_power_is_what_simulation_finds() -> None:
    days, rate = 500, 0.05
    generator = np.random.default_rng(11)
    hits = markov_hits(generator, series=700, days=days, rate=0.075, odds_ratio=5.0)
    stated = christoffersen_conditional_coverage(hits[0], confidence=0.95).power
    seen = np.mean(
        [christoffersen_conditional_coverage(row, confidence=1 - rate).exact_p_value <= 0.05 for row in hits]
    )
    assert stated == pytest.approx(seen, abs=0.05)
    results = [christoffersen_independence(row) for row in hits]
    powers, rejected = np.mean([r.power for r in results]), np.mean([r.exact_p_value <= 0.05 for r in results])
    assert powers == pytest.approx(rejected, abs=0.05)


def test_exact_tests_keep_their_size() -> None:
    hits = markov_hits(np.random.default_rng(5), series=1000, days=250, rate=0.05, odds_ratio=1.0)
    independence = [christoffersen_independence(row).exact_p_value <= 0.05 for row in hits]
    joint = [christoffersen_conditional_coverage(row, confidence=0.95).exact_p_value <= 0.05 for row in hits]
    margin = 3 * np.sqrt(0.05 * 0.95 / 1000)
    assert np.mean(independence) < 0.05 + margin
    assert np.mean(joint) < 0.05 + margin


@pytest.mark.parametrize(("days", "rate", "size"), [(250, 0.01, 0.014), (250, 0.05, 0.017), (1000, 0.05, 0.082)])
def test_size_of_the_asymptotic_test_wanders(days: int, rate: float, size: float) -> None:
    hits = markov_hits(np.random.default_rng(6), series=6000, days=days, rate=rate, odds_ratio=1.0).astype(float)
    ratios = independence_ratio(*np.array([transition_counts(row) for row in hits]).T)
    assert np.mean(ratios > stats.chi2.isf(0.05, 1)) == pytest.approx(size, abs=4 * np.sqrt(size / 6000))


@pytest.mark.parametrize("hits", [np.zeros(250), np.ones(250), np.zeros(1), np.ones(1)])
def test_without_two_kinds_of_days_nothing_is_said(hits: np.ndarray) -> None:
    result = christoffersen_independence(hits)
    assert (result.statistic, result.p_value, result.exact_p_value, result.power) == (0.0, 1.0, 1.0, 0.0)
    joint = christoffersen_conditional_coverage(hits, confidence=0.99)
    assert joint.statistic == pytest.approx(kupiec(hits, confidence=0.99).statistic)


@pytest.mark.parametrize(("rate", "ratio"), [(0.01, 5.0), (0.3, 5.0), (0.05, 1.0), (0.05, 0.2)])
def test_chain_has_its_rate_and_odds_ratio(rate: float, ratio: float) -> None:
    calm, stay = chain_rates(rate, ratio)
    assert calm / (1 - stay + calm) == pytest.approx(rate)
    assert stay / (1 - stay) * (1 - calm) / calm == pytest.approx(ratio)
    hits = markov_hits(np.random.default_rng(1), series=400, days=1000, rate=rate, odds_ratio=ratio)
    assert hits.mean() == pytest.approx(rate, rel=0.05)
    assert hits[:, 1:][hits[:, :-1]].mean() == pytest.approx(stay, abs=0.02)


@given(st.lists(st.booleans(), min_size=2, max_size=120))
@settings(max_examples=60, deadline=None)
def test_time_reversal_changes_nothing(hits: list[bool]) -> None:
    forward, backward = christoffersen_independence(hits), christoffersen_independence(hits[::-1])
    assert forward.exact_p_value == pytest.approx(backward.exact_p_value)
    assert 0.0 <= forward.exact_p_value <= 1.0
    assert 0.0 <= forward.power <= 1.0


def test_simulated_power_of_a_uniform_p_value_is_the_size() -> None:
    power = simulated_power(lambda generator: generator.random(), generator=np.random.default_rng(2), replications=4000)
    assert power == pytest.approx(0.05, abs=0.011)
