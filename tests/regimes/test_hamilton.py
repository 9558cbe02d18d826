"""The filter against published fits, against the sum over all paths, and on the edge of what floats can hold."""

import ast
from importlib.util import find_spec
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import norm

from workbench.domain.errors import DataError, ModelError
from workbench.regimes import expand_chain, hamilton_filter, stationary_distribution
from workbench.regimes.hamilton import filter_forward


def published_series(module: str, name: str) -> np.ndarray:
    """Literal list in a test module of statsmodels; read, not imported, because its pytest marks are not ours."""
    source = Path(find_spec(f"statsmodels.tsa.regime_switching.tests.{module}").origin).read_text(encoding="utf-8")
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) == name:
            return np.array(ast.literal_eval(node.value))
    raise LookupError(f"{name} is no longer in {module}")


# Hamilton (1989), Econometrica 57(2), section 4: AR(4) with a switching mean on quarterly growth of US GNP, 1952-1984
# (Bureau of Economic Analysis, public domain; the series is in statsmodels' tests). The digits are EViews' fit of that
# model to that series, from the same tests: an expansion goes on with probability 0.9041, a recession with 0.7547.
GROWTH = published_series("test_markov_autoregression", "rgnp")
PUBLISHED_LOG_LIKELIHOOD = -181.26339
PUBLISHED = {
    "q": 0.754673,
    "1-p": 0.095915,
    "mean low": -0.358811,
    "mean high": 1.163516,
    "sigma": float(np.exp(-0.262658)),
    "phi": (0.013486, -0.057521, -0.246983, -0.212923),
}


def gnp_filter(transition, means, sigma, phi):
    chain, histories, initial = expand_chain(transition, order=4)
    deviation = GROWTH[:, np.newaxis, np.newaxis] - means[histories]
    errors = deviation[4:, :, 0].copy()
    for lag, coefficient in enumerate(phi, start=1):
        errors -= coefficient * deviation[4 - lag : len(GROWTH) - lag, :, lag]
    return hamilton_filter(norm.logpdf(errors, scale=sigma), chain, initial), histories


def published_gnp():
    transition = np.array([[PUBLISHED["q"], 1 - PUBLISHED["q"]], [PUBLISHED["1-p"], 1 - PUBLISHED["1-p"]]])
    means = np.array([PUBLISHED["mean low"], PUBLISHED["mean high"]])
    return gnp_filter(transition, means, PUBLISHED["sigma"], PUBLISHED["phi"])


def test_log_likelihood_of_hamilton_1989_is_the_published_one():
    filtered, _ = published_gnp()
    assert filtered.log_likelihood == pytest.approx(PUBLISHED_LOG_LIKELIHOOD, abs=1e-5)


def test_filtered_probabilities_of_hamilton_1989_are_the_published_ones():
    filtered, histories = published_gnp()
    published = published_series("test_markov_autoregression", "hamilton_ar4_filtered")
    expansion = filtered.filtered_probability[:, histories[:, 0] == 1].sum(axis=1)
    assert np.allclose(expansion, published, rtol=0.0, atol=1e-5)


def test_maximum_of_hamilton_1989_is_at_the_published_parameters():
    def unpack(packed):
        stay = 1.0 / (1.0 + np.exp(-packed[:2]))
        transition = np.array([[stay[0], 1 - stay[0]], [1 - stay[1], stay[1]]])
        return transition, packed[2:4], float(np.exp(packed[4])), packed[5:]

    start = np.array([1.0, 2.0, -0.5, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    found = minimize(lambda packed: -gnp_filter(*unpack(packed))[0].log_likelihood, start, method="BFGS")
    transition, means, sigma, phi = unpack(found.x)
    assert -found.fun == pytest.approx(PUBLISHED_LOG_LIKELIHOOD, abs=1e-4)
    assert transition[1, 1] == pytest.approx(1 - PUBLISHED["1-p"], abs=1e-3)
    assert transition[0, 0] == pytest.approx(PUBLISHED["q"], abs=1e-3)
    assert means == pytest.approx([PUBLISHED["mean low"], PUBLISHED["mean high"]], abs=1e-3)
    assert sigma == pytest.approx(PUBLISHED["sigma"], abs=1e-3)
    assert phi == pytest.approx(PUBLISHED["phi"], abs=1e-3)


def test_log_likelihood_of_two_stata_models_is_the_published_one():
    # Stata 14 time-series manual, entry mswitch (fed funds rate with a switching mean; an autoregression with switching
    # variance); series and digits from statsmodels' tests
    funds = published_series("test_markov_regression", "fedfunds")
    density = norm.logpdf(funds[:, np.newaxis], [3.70877, 9.556793], 2.107562)
    chain = np.array([[0.9820939, 1 - 0.9820939], [0.0503587, 1 - 0.0503587]])
    one = hamilton_filter(density, chain, stationary_distribution(chain))
    assert one.log_likelihood == pytest.approx(-508.63592, abs=1e-4)

    returns = published_series("test_markov_regression", "areturns")
    mean = np.array([0.7641424, 1.972771]) + np.outer(returns[:-1], [0.0790744, 0.527953])
    density = norm.logpdf(returns[1:, np.newaxis], mean, [0.5895792, 1.605333])
    chain = np.array([[0.7530865, 1 - 0.7530865], [0.6825357, 1 - 0.6825357]])
    two = hamilton_filter(density, chain, stationary_distribution(chain))
    assert two.log_likelihood == pytest.approx(-745.7977, abs=1e-4)


def test_likelihood_is_the_sum_over_all_paths_of_states():
    rng = np.random.default_rng(3)
    density = rng.normal(size=(6, 3))
    chain, initial = rng.dirichlet(np.ones(3), size=3), rng.dirichlet(np.ones(3))
    total, ending = 0.0, np.zeros(3)
    for path in product(range(3), repeat=6):
        weight = initial[path[0]] * np.exp(sum(density[t, s] for t, s in enumerate(path)))
        weight *= np.prod([chain[a, b] for a, b in pairwise(path)])
        total += weight
        ending[path[-1]] += weight
    filtered = hamilton_filter(density, chain, initial)
    assert filtered.log_likelihood == pytest.approx(np.log(total), abs=1e-12)
    assert filtered.filtered_probability[-1] == pytest.approx(ending / total, abs=1e-12)
    assert filtered.predicted_probability == pytest.approx(ending / total @ chain, abs=1e-12)


def test_compiled_filter_equals_plain_python_to_the_last_bit():
    rng = np.random.default_rng(4)
    density, chain = rng.normal(size=(300, 3)), rng.dirichlet(np.ones(3), size=3)
    plain = (np.full(3, 1 / 3), np.empty_like(density), np.empty(300))
    plain_filter = getattr(filter_forward, "py_func", filter_forward)
    plain_filter(density, chain, *plain)
    compiled = hamilton_filter(density, chain, np.full(3, 1 / 3))
    assert np.array_equal(compiled.filtered_probability, plain[1])
    assert np.array_equal(compiled.log_density, plain[2])
    assert np.array_equal(compiled.predicted_probability, plain[0])


def test_a_move_of_a_thousand_deviations_does_not_underflow():
    density = np.array([[-0.1, -0.3], [-5e5, -4.9e5], [-0.1, -0.3]])
    filtered = hamilton_filter(density, [[0.9, 0.1], [0.1, 0.9]], [0.5, 0.5])
    assert np.isfinite(filtered.log_density).all()
    assert filtered.filtered_probability[1] == pytest.approx([0.0, 1.0])


def test_an_unreachable_state_does_not_hide_a_reachable_one():
    # the better density belongs to a state the chain cannot be in
    filtered = hamilton_filter([[-1e4, 0.0]], [[1.0, 0.0], [0.0, 1.0]], [1.0, 0.0])
    assert filtered.filtered_probability[0].tolist() == [1.0, 0.0]
    assert filtered.log_density[0] == pytest.approx(-1e4)


def test_an_observation_impossible_everywhere_is_an_error_with_its_row():
    with pytest.raises(ModelError, match="observation 1 is impossible"):
        hamilton_filter([[0.0, 0.0], [-np.inf, -np.inf]], np.eye(2), [0.5, 0.5])


@pytest.mark.parametrize(
    ("density", "chain", "initial"),
    [
        ([[0.0, np.nan]], np.eye(2), [0.5, 0.5]),
        ([[0.0, 0.0]], [[0.9, 0.2], [0.1, 0.9]], [0.5, 0.5]),
        ([[0.0, 0.0]], [[1.1, -0.1], [0.1, 0.9]], [0.5, 0.5]),
        ([[0.0, 0.0]], [[np.nan, 1.0], [0.1, 0.9]], [0.5, 0.5]),
        ([[0.0, 0.0]], np.eye(3), [0.5, 0.5]),
        ([[0.0, 0.0]], np.eye(2), [0.7, 0.7]),
        (np.empty((0, 2)), np.eye(2), [0.5, 0.5]),
        ([0.0, 0.0], np.eye(2), [0.5, 0.5]),
    ],
)
def test_filter_refuses_what_is_no_probability_or_no_density(density, chain, initial):
    with pytest.raises(DataError):
        hamilton_filter(density, chain, initial)


def test_stationary_distribution_is_left_fixed_by_the_chain():
    chain = np.random.default_rng(5).dirichlet(np.ones(4), size=4)
    share = stationary_distribution(chain)
    assert share @ chain == pytest.approx(share, abs=1e-14)
    assert share.sum() == pytest.approx(1.0)


def test_a_chain_with_two_closed_classes_has_no_stationary_distribution():
    with pytest.raises(ModelError, match="no unique stationary"):
        stationary_distribution(np.eye(2))


def test_expanded_chain_is_a_chain_with_the_stationary_start():
    chain, histories, initial = expand_chain([[0.9, 0.1], [0.3, 0.7]], order=2)
    assert histories.shape == (8, 3)
    assert chain.sum(axis=1) == pytest.approx(np.ones(8))
    assert initial.sum() == pytest.approx(1.0)
    assert initial @ chain == pytest.approx(initial)
