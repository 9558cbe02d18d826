"""Volatility and correlation shocks: exact in size, never milder than today, and always a matrix that can be."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from workbench.domain.currencies import LEGS, PAIRS
from workbench.domain.errors import ConfigError, DataError
from workbench.stress import Situation
from workbench.stress.scenarios import REGISTRY, adverse_correlation, projected
from workbench.stress.scenarios.correlation import LEAST_EIGENVALUE, recoloured

SOME = settings(max_examples=200, deadline=None, derandomize=True)
SIZES = st.floats(-5.0, 5.0)
UNITS = st.dictionaries(
    st.sampled_from(PAIRS), st.integers(-500_000, 500_000).filter(bool).map(float), min_size=1, max_size=6
)


def correlation_of(seed, factors, own):
    """Random correlations of the legs: few factors and little of one's own make them nearly singular."""
    random = np.random.default_rng(seed)
    loadings = random.normal(size=(7, factors)) * random.exponential(1.0, factors)
    covariance = loadings @ loadings.T + own * np.eye(7)
    scale = np.sqrt(np.diag(covariance))
    matrix = covariance / np.outer(scale, scale)
    np.fill_diagonal(matrix, 1.0)
    return (matrix + matrix.T) / 2.0


MATRICES = st.builds(correlation_of, st.integers(0, 2**32 - 1), st.integers(1, 8), st.sampled_from([1e-3, 1e-1, 1.0]))


def risk(weights, volatility, correlation):
    scaled = weights * volatility
    return float(np.sqrt(max(scaled @ correlation @ scaled, 0.0)))


@SOME
@given(
    correlation=MATRICES,
    weights=st.lists(st.one_of(st.just(0.0), st.sampled_from([-1e-3, 1e-3]), SIZES), min_size=7, max_size=7),
    volatility=st.lists(st.floats(0.002, 0.02), min_size=7, max_size=7),
    to=st.sampled_from([0.5, 0.9, 0.99]),
)
@example(  # the nearest valid matrix lowers what hurts most to make room for a leg hardly held
    correlation=np.array(
        [[1.0, -0.954, -0.972, -0.919, 0.91, -0.923, -0.965], [-0.954, 1.0, 0.923, 0.931, -0.75, 0.792, 0.99],
         [-0.972, 0.923, 1.0, 0.924, -0.889, 0.866, 0.908], [-0.919, 0.931, 0.924, 1.0, -0.759, 0.736, 0.9],
         [0.91, -0.75, -0.889, -0.759, 1.0, -0.978, -0.79], [-0.923, 0.792, 0.866, 0.736, -0.978, 1.0, 0.846],
         [-0.965, 0.99, 0.908, 0.9, -0.79, 0.846, 1.0]]
    ),
    weights=[-4.8166, 0.0, 9.0502, 0.0, -0.0005, 0.0, 0.0],
    volatility=[0.005] * 7,
    to=0.9,
)  # fmt: skip
def test_adverse_correlations_never_lower_the_risk_of_the_book(correlation, weights, volatility, to):
    held, sizes = np.array(weights), np.array(volatility)
    before = projected(correlation).matrix
    found = adverse_correlation(before, held, to)
    assert np.linalg.eigvalsh(found.matrix)[0] > 0.0 and (np.diag(found.matrix) == 1.0).all()
    assert risk(held, sizes, found.matrix) >= risk(held, sizes, before) * (1 - 1e-9)


@SOME
@given(correlation=MATRICES, weights=st.lists(st.one_of(st.just(0.0), SIZES), min_size=7, max_size=7))
def test_adverse_correlations_have_the_sign_that_hurts(correlation, weights):
    held = np.array(weights)
    found = adverse_correlation(projected(correlation).matrix, held, 0.9)
    hurting = np.outer(np.sign(held), np.sign(held)) * found.matrix
    apart = ~np.eye(7, dtype=bool) & (np.outer(held, held) != 0.0)
    assert (hurting[apart] >= 0.9 - found.moved - 1e-5).all()


def test_correlations_that_hurt_already_stay():
    matrix = np.full((7, 7), 0.95) + 0.05 * np.eye(7)
    found = adverse_correlation(matrix, np.ones(7), 0.9)
    np.testing.assert_allclose(found.matrix, matrix, atol=1e-12)
    np.testing.assert_allclose(adverse_correlation(np.eye(7), np.zeros(7), 0.9).matrix, np.eye(7))


@SOME
@given(matrix=MATRICES)
def test_a_valid_matrix_is_left_alone(matrix):
    found = projected(matrix)
    if np.linalg.eigvalsh(matrix)[0] >= LEAST_EIGENVALUE:
        assert found.moved == 0.0 and found.matrix.tobytes() == matrix.tobytes()


@SOME
@given(entries=st.lists(st.floats(-1.0, 1.0), min_size=21, max_size=21))
def test_what_is_no_correlation_is_made_one(entries):
    given_matrix = np.eye(7)
    given_matrix[np.triu_indices(7, 1)] = entries
    given_matrix = np.triu(given_matrix, 1) + np.triu(given_matrix, 1).T + np.eye(7)
    found = projected(given_matrix)
    assert np.linalg.eigvalsh(found.matrix)[0] >= LEAST_EIGENVALUE * 0.99
    np.testing.assert_allclose(found.matrix, found.matrix.T, atol=1e-12)
    np.testing.assert_allclose(np.diag(found.matrix), 1.0, atol=1e-12)
    assert np.abs(found.matrix).max() <= 1.0 + 1e-12
    assert found.moved == pytest.approx(np.abs(found.matrix - given_matrix).max(), abs=1e-15)
    np.linalg.cholesky(found.matrix)


@pytest.mark.parametrize(
    ("entry", "value", "message"), [((0, 1), 0.5, "symmetric"), ((0, 0), 0.9, "diagonal"), (None, 1.5, "between")]
)
def test_what_cannot_be_projected_is_refused(entry, value, message):
    matrix = np.eye(7)
    for place in [entry] if entry else [(0, 1), (1, 0)]:
        matrix[place] = value
    with pytest.raises(DataError, match=message):
        projected(matrix)


@SOME
@given(seed=st.integers(0, 2**32 - 1), before=MATRICES, after=MATRICES)
def test_recoloured_returns_have_the_correlation_asked_for(seed, before, after):
    old, new = projected(before).matrix, projected(after).matrix
    random = np.random.default_rng(seed)
    volatility = random.uniform(0.002, 0.02, 7)
    rows = random.normal(size=(60, 7))
    rows -= rows.mean(axis=0)
    white = np.linalg.solve(np.linalg.cholesky(np.cov(rows.T, bias=True)), rows.T).T
    returns = (white @ np.linalg.cholesky(old).T) * volatility
    found = recoloured(returns, old, new, volatility)
    np.testing.assert_allclose(np.cov(found.T, bias=True), np.outer(volatility, volatility) * new, atol=1e-9)
    np.testing.assert_allclose(recoloured(returns, old, old, volatility), returns, atol=1e-9)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(units=UNITS)
def test_five_times_the_volatility_is_five_times_the_risk(situation_for, units):
    situation = replace(situation_for({"EURUSD": 1.0}), units=units)
    course = REGISTRY["volatility"].shape(situation)
    path = np.vstack([[situation.values[leg] for leg in LEGS], course.values[:20]])
    moved, calm = path[1:] / path[:-1] - 1.0, situation.recent
    for weights in (situation.weights, np.ones(7), np.arange(7.0)):
        before, after = (float(np.sqrt(weights @ np.cov(rows.T) @ weights)) for rows in (calm, moved))
        assert after == pytest.approx(5.0 * before, rel=1e-9)
    assert float((moved @ situation.weights).sum()) <= 0.0
    np.testing.assert_allclose(np.abs(moved), 5.0 * np.abs(calm), rtol=1e-9, atol=1e-15)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(units=UNITS)
def test_the_correlation_scenario_keeps_the_volatility_and_turns_against_the_book(situation_for, units):
    situation = replace(situation_for({"EURUSD": 1.0}), units=units)
    course = REGISTRY["correlation"].shape(situation)
    path = np.vstack([[situation.values[leg] for leg in LEGS], course.values[:20]])
    moved = path[1:] / path[:-1] - 1.0
    assert float((moved @ situation.weights).sum()) <= 1e-12
    after = adverse_correlation(situation.correlation, situation.weights, 0.9).matrix
    expected = recoloured(situation.recent, situation.correlation, after, situation.volatility)
    np.testing.assert_allclose(np.abs(moved), np.abs(expected), rtol=1e-9, atol=1e-12)


def test_a_situation_without_a_book_or_with_bad_returns_is_refused(situation_for):
    good = situation_for({"EURUSD": 100_000.0})
    with pytest.raises(ConfigError, match="nothing to stress"):
        replace(good, units={})
    for bad in (good.recent[0], good.recent[:, :6], np.full((20, 7), np.nan)):
        with pytest.raises(DataError, match="finite recent returns of 7 legs"):
            replace(good, recent=bad)


def test_weights_are_those_of_the_legs(situation_for):
    good: Situation = situation_for({"EURGBP": 100_000.0, "USDJPY": 50_000.0})
    euros = 0.1 * good.values["EUR"]
    expected = {"EUR": euros, "GBP": -euros, "JPY": -0.05}
    assert good.weights.tolist() == pytest.approx([expected.get(leg, 0.0) for leg in LEGS])
    assert good.deviation == pytest.approx(np.sqrt(good.weights @ good.covariance @ good.weights))
    moves = np.full((3, 7), 0.01)
    turned = good.against(moves)
    assert (turned @ good.weights).sum() <= 0.0 and np.abs(turned).tolist() == moves.tolist()
