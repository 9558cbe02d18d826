"""The fit against statsmodels, finite differences, random restarts and known truth."""

import numpy as np
import pytest
from statsmodels.tsa.regime_switching.markov_regression import MarkovRegression

import workbench.regimes
from workbench.domain.errors import DataError
from workbench.regimes import MarkovFit, MarkovParameters, filter_series, fit_markov
from workbench.regimes.estimation import Candidate, _pack, _score, _unpack, em_steps, expected_statistics, quasi_newton


@pytest.fixture(scope="session")
def three(eurusd_log) -> MarkovFit:
    return fit_markov(eurusd_log, states=3)


def statsmodels_filter(series, fit):
    """The oracle at our parameters; it orders transitions by column (from), last row left out."""
    model = MarkovRegression(series, k_regimes=fit.states, switching_variance=True)
    moves = fit.transition.T[:-1].ravel()
    return model.filter(np.concatenate([moves, fit.means, fit.volatilities**2]))


def test_log_likelihood_and_filtered_probabilities_equal_statsmodels(eurusd_log, three):
    oracle = statsmodels_filter(eurusd_log, three)
    assert three.log_likelihood == pytest.approx(oracle.llf, abs=1e-6)
    assert np.allclose(three.filtered_probability, oracle.filtered_marginal_probabilities, rtol=0.0, atol=1e-8)


def test_fit_converges_on_27_years_to_the_best_known_likelihood(three):
    # statsmodels 0.15 reaches 27167.461 on this series (scaled by 100) and says it did not converge
    assert three.converged
    assert three.log_likelihood > 27167.461
    assert three.log_likelihood == pytest.approx(27167.691, abs=0.01)


def test_likelihood_is_not_below_a_statsmodels_fit(eurusd_log):
    sample = eurusd_log[-2500:] * 100.0
    oracle = MarkovRegression(sample, k_regimes=2, switching_variance=True).fit(disp=False)
    ours = fit_markov(sample, states=2)
    assert ours.log_likelihood >= oracle.llf - 1e-6
    assert ours.converged


@pytest.mark.parametrize("pair", ["EURCHF", "USDCHF", "AUDJPY"])
def test_no_random_restart_finds_a_better_maximum(pair_returns, pair):
    values = pair_returns[pair].to_numpy()
    ours = fit_markov(values, states=3)
    scaled, rng = (values - values.mean()) / values.std(), np.random.default_rng(11)
    for _ in range(4):
        chain = np.full((3, 3), 0.01) + 0.97 * np.eye(3)
        start = Candidate(rng.normal(0.0, 0.3, 3), np.exp(rng.normal(-0.2, 0.8, 3)), chain)
        rival = quasi_newton(scaled, em_steps(scaled, start, 40))
        assert rival.log_likelihood - len(values) * np.log(values.std()) <= ours.log_likelihood + 0.01


def test_score_equals_finite_differences(simulated):
    scaled = (simulated[:400] - simulated.mean()) / simulated.std()
    rng = np.random.default_rng(7)
    point = Candidate(rng.normal(0.0, 0.1, 3), np.array([0.5, 0.8, 1.7]), rng.dirichlet([3.0, 2.0, 1.0], size=3))
    packed, step = _pack(point), 1e-6
    score = _score(expected_statistics(scaled, point), point)
    for place in range(packed.size):
        ends = []
        for sign in (1.0, -1.0):
            moved = packed.copy()
            moved[place] += sign * step
            ends.append(expected_statistics(scaled, _unpack(moved, 3)).log_likelihood)
        assert score[place] == pytest.approx((ends[0] - ends[1]) / (2.0 * step), abs=2e-5)


def test_em_climbs(simulated):
    scaled = (simulated - simulated.mean()) / simulated.std()
    point = Candidate(np.zeros(2), np.array([0.5, 1.5]), np.array([[0.8, 0.2], [0.2, 0.8]]))
    heights = []
    for _ in range(6):
        heights.append(expected_statistics(scaled, point).log_likelihood)
        point = em_steps(scaled, point, 1)
    assert np.all(np.diff(heights) > 0.0)


def test_fit_recovers_the_parameters_it_was_simulated_from(simulated, two_states):
    fit = fit_markov(simulated, states=2)
    assert fit.volatilities == pytest.approx(two_states.volatilities, rel=0.05)
    assert fit.means == pytest.approx(two_states.means, abs=8e-4)
    assert fit.transition == pytest.approx(two_states.transition, abs=0.015)
    assert fit.log_likelihood >= filter_series(simulated, two_states).log_likelihood


def test_states_come_in_order_of_variance_and_rows_sum_to_one(three):
    assert np.all(np.diff(three.volatilities) > 0.0)
    assert three.transition.sum(axis=1) == pytest.approx(np.ones(3))
    assert three.filtered_probability.sum(axis=1) == pytest.approx(np.ones(7125))
    assert three.initial @ three.transition == pytest.approx(three.initial)
    assert three.log_density.sum() == pytest.approx(three.log_likelihood)


@pytest.mark.parametrize(("scale", "shift"), [(1e-6, 0.0), (1e4, 0.0), (1.0, 0.5)])
def test_likelihood_is_in_the_units_of_the_input(eurusd_log, three, scale, shift):
    moved = fit_markov(eurusd_log * scale + shift, states=3)
    assert moved.log_likelihood == pytest.approx(three.log_likelihood - 7125 * np.log(scale), abs=1e-3)
    assert moved.volatilities == pytest.approx(three.volatilities * scale, rel=1e-3)
    assert np.allclose(moved.filtered_probability, three.filtered_probability, rtol=0.0, atol=2e-3)


def test_fit_is_deterministic(eurusd_log, three):
    again = fit_markov(eurusd_log, states=3)
    assert again.log_likelihood == three.log_likelihood
    assert np.array_equal(again.filtered_probability, three.filtered_probability)


def test_a_near_start_can_only_raise_the_likelihood(eurusd_log, three):
    earlier = fit_markov(eurusd_log[:6000], states=3)
    warm = fit_markov(eurusd_log, states=3, near=earlier.parameters)
    assert warm.log_likelihood >= three.log_likelihood - 1e-3


def test_no_state_settles_on_repeated_fixes(pair_returns):
    # EURGBP repeats its fix on 58 days; a state on those zeros would have an unbounded likelihood
    values = pair_returns["EURGBP"].to_numpy()
    fit = fit_markov(values, states=3)
    assert fit.volatilities[0] > 0.2 * values.std()


def test_filtered_history_given_parameters_ignores_later_rows(eurusd_log, three):
    garbage = eurusd_log.copy()
    garbage[4000:] = 0.7
    before = filter_series(eurusd_log, three.parameters)
    after = filter_series(garbage, three.parameters)
    assert np.array_equal(before.filtered_probability[:4000], after.filtered_probability[:4000])
    assert np.array_equal(before.log_density[:4000], after.log_density[:4000])


def test_nothing_public_is_smoothed(three):
    names = [*workbench.regimes.__all__, *dir(three), *dir(three.parameters)]
    assert not [name for name in names if "smooth" in name.lower()]


def test_parameters_survive_a_round_trip_through_plain_lists(three):
    copy = MarkovParameters.from_dict(three.parameters.to_dict())
    for name in ("means", "volatilities", "transition", "initial"):
        assert np.array_equal(getattr(copy, name), getattr(three.parameters, name))


@pytest.mark.parametrize("change", [{"volatilities": [0.0, 1.0]}, {"means": [0.0, np.nan]}, {"extra": [1.0]}])
def test_stored_parameters_that_are_no_model_are_refused(two_states, change):
    with pytest.raises(DataError):
        MarkovParameters.from_dict({**two_states.to_dict(), **change})


@pytest.mark.parametrize(
    ("series", "states"),
    [
        (np.full(500, np.nan), 2),
        (np.append(np.random.default_rng(1).normal(size=400), np.inf), 2),
        (np.zeros(500), 2),
        (np.full(500, 0.3), 2),
        (np.random.default_rng(1).normal(size=99), 2),
        (np.random.default_rng(1).normal(size=(300, 2)), 2),
        (np.random.default_rng(1).normal(size=500), 1),
        (np.random.default_rng(1).normal(size=500), 2.0),
    ],
)
def test_fit_refuses_what_it_cannot_use(series, states):
    with pytest.raises(DataError):
        fit_markov(series, states=states)


def test_expected_dwell_and_predictive_variance_are_those_of_hand_arithmetic(two_states):
    assert two_states.expected_dwell_days == pytest.approx([50.0, 20.0])
    half = two_states.predictive_variance(np.array([0.5, 0.5]))
    second = 0.5 * (0.004**2 + 0.0004**2) + 0.5 * (0.012**2 + 0.001**2)
    assert half == pytest.approx(second - (-0.0003) ** 2)


def test_a_fit_shows_itself_as_a_table(three):
    html = three._repr_html_()
    assert html.count("<tr>") == 4
    assert "converged" in html
