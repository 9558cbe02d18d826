"""One observation at a time equals the whole history, and names never move."""

import json

import numpy as np
import pytest

from workbench.domain.errors import DataError, ModelError
from workbench.regimes import (
    FilterState,
    MarkovFilter,
    MarkovParameters,
    StateLabels,
    filter_series,
    fit_markov,
)


@pytest.fixture(scope="session")
def yearly_fits(eurusd_log) -> list[MarkovParameters]:
    """A fit on the rows up to the end of every second year."""
    return [fit_markov(eurusd_log[:days], states=3).parameters for days in range(1280, 7125, 512)]


def with_volatilities(parameters, volatilities):
    states = len(volatilities)
    chain = np.full((states, states), 0.1 / (states - 1)) + (0.9 - 0.1 / (states - 1)) * np.eye(states)
    return MarkovParameters(np.zeros(states), np.array(volatilities), chain, np.full(states, 1 / states))


def test_online_steps_equal_the_batch_to_the_last_bit(eurusd_log, yearly_fits):
    parameters = yearly_fits[-1]
    batch, filter_ = filter_series(eurusd_log, parameters), MarkovFilter(parameters)
    state, probabilities, densities = filter_.init(), [], []
    for value in eurusd_log:
        state, reading = filter_.step(state, value)
        probabilities.append(reading.filtered_probability)
        densities.append(reading.log_density)
    assert np.array_equal(np.stack(probabilities), batch.filtered_probability)
    assert np.array_equal(np.array(densities), batch.log_density)
    assert np.array_equal(state.predicted_probability, batch.predicted_probability)
    assert state.days == len(eurusd_log)


def test_a_filter_restarted_from_json_goes_on_to_the_last_bit(eurusd_log, yearly_fits):
    filter_ = MarkovFilter(yearly_fits[0])
    state = filter_.init()
    for value in eurusd_log[:100]:
        state, _ = filter_.step(state, value)
    woken = MarkovFilter(MarkovParameters.from_dict(json.loads(json.dumps(yearly_fits[0].to_dict()))))
    other = FilterState.from_dict(json.loads(json.dumps(state.to_dict())))
    for value in eurusd_log[100:200]:
        state, reading = filter_.step(state, value)
        other, twin = woken.step(other, value)
        assert np.array_equal(reading.filtered_probability, twin.filtered_probability)


def test_a_step_does_not_change_the_state_it_was_given(two_states):
    filter_ = MarkovFilter(two_states)
    state = filter_.init()
    before = state.predicted_probability.copy()
    filter_.step(state, 0.03)
    assert np.array_equal(state.predicted_probability, before)
    assert np.array_equal(filter_.init().predicted_probability, before)


def test_a_step_refuses_nan_and_a_foreign_state(two_states):
    filter_ = MarkovFilter(two_states)
    with pytest.raises(DataError, match="must be finite"):
        filter_.step(filter_.init(), float("nan"))
    with pytest.raises(DataError, match="start again with init"):
        filter_.step(FilterState(np.full(3, 1 / 3), 5), 0.0)


def test_refits_over_22_years_keep_every_name(yearly_fits):
    labels = StateLabels.freeze(yearly_fits[0])
    stored = json.dumps(labels.to_dict())
    for refit in yearly_fits:
        match = StateLabels.from_dict(json.loads(stored)).match(refit)
        assert match.names == ("low volatility", "normal", "high volatility")
        assert match.positions == (0, 1, 2)


def test_the_map_says_how_far_a_state_moved_since_it_was_named(yearly_fits):
    labels = StateLabels.freeze(yearly_fits[0])
    moves = [labels.match(refit).largest_move for refit in yearly_fits]
    assert moves[0] == 0.0
    # the states of 27 years are a third calmer than those of the five turbulent years in which they were named
    assert 0.3 < labels.match(yearly_fits[-1]).largest_move < 0.5
    assert max(moves) < 1.0


def test_a_refit_maps_by_nearest_variance_when_a_state_is_gone(two_states):
    labels = StateLabels(("low volatility", "normal", "high volatility"), (0.003, 0.005, 0.010))
    assert labels.match(with_volatilities(two_states, [0.0029, 0.011])).names == ("low volatility", "high volatility")
    assert labels.match(with_volatilities(two_states, [0.0048, 0.011])).names == ("normal", "high volatility")
    assert labels.match(with_volatilities(two_states, [0.0029, 0.0052])).names == ("low volatility", "normal")


def test_names_do_not_swap_however_far_the_volatilities_move(two_states):
    labels = StateLabels(("a", "b", "c"), (0.003, 0.005, 0.010))
    for volatilities in ([0.02, 0.03, 0.04], [0.001, 0.0012, 0.0014], [0.0029, 0.02, 0.03]):
        assert labels.match(with_volatilities(two_states, volatilities)).names == ("a", "b", "c")


def test_a_new_state_needs_a_person_to_name_it(two_states):
    labels = StateLabels.freeze(two_states)
    with pytest.raises(ModelError, match="freeze new labels on purpose"):
        labels.match(with_volatilities(two_states, [0.003, 0.005, 0.010]))


@pytest.mark.parametrize(
    ("names", "anchors"),
    [(("a", "a"), (0.1, 0.2)), (("a", "b"), (0.2, 0.1)), (("a", "b"), (0.1,)), (("a", "b"), (0.0, 0.1)), ((), ())],
)
def test_labels_that_could_be_confused_are_refused(names, anchors):
    with pytest.raises(DataError):
        StateLabels(names, anchors)


def test_stored_labels_with_an_unknown_key_are_refused():
    with pytest.raises(DataError, match="names, volatilities"):
        StateLabels.from_dict({"names": ["a"], "volatilities": [0.1], "colour": "red"})


def test_freezing_four_states_needs_four_names(two_states):
    four = with_volatilities(two_states, [0.001, 0.002, 0.003, 0.004])
    with pytest.raises(DataError, match="expected 4 names"):
        StateLabels.freeze(four)
    assert StateLabels.freeze(four, ("a", "b", "c", "d")).names == ("a", "b", "c", "d")
