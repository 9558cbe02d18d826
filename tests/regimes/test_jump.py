"""The jump model against jumpmodels (Shu, Yu, Mulvey), brute force and its two limits."""

from itertools import product

import numpy as np
import pytest
from jumpmodels.jump import JumpModel as Reference
from jumpmodels.jump import dp

from workbench.domain.errors import DataError
from workbench.regimes import fit_jump, volatility_features
from workbench.regimes.jump import cheapest_path, forward_costs, half_squared_distance


@pytest.fixture(scope="session")
def features(eurusd_log) -> np.ndarray:
    return volatility_features(eurusd_log)


def standardised(features, model):
    return (features - model.location) / model.scale


@pytest.mark.parametrize(("states", "penalty"), [(2, 50.0), (3, 50.0), (3, 5.0)])
def test_objective_is_not_above_that_of_jumpmodels(features, states, penalty):
    rows = features[:2500]
    ours = fit_jump(rows, states=states, jump_penalty=penalty)
    oracle = Reference(n_components=states, jump_penalty=penalty, n_init=5, random_state=0)
    oracle.fit(standardised(rows, ours), sort_by=None)
    assert ours.objective <= oracle.val_ * (1.0 + 1e-9)
    assert ours.converged


def test_online_labels_equal_jumpmodels_at_its_own_centres(features):
    rows = features[:2500]
    ours = fit_jump(rows, states=3, jump_penalty=30.0)
    oracle = Reference(n_components=3, jump_penalty=30.0, n_init=3, random_state=0)
    oracle.fit(standardised(rows, ours), sort_by=None)
    loss = half_squared_distance(standardised(features, ours), oracle.centers_)
    labels = np.empty(len(loss), dtype=np.int64)
    forward_costs(loss, 30.0, np.zeros(3), labels)
    assert np.array_equal(labels, oracle.predict_online(standardised(features, ours)))


def test_cheapest_path_equals_jumpmodels_and_brute_force():
    rng = np.random.default_rng(8)
    for penalty in (0.0, 0.3, 2.0):
        loss = rng.exponential(size=(8, 3))
        path = np.empty(8, dtype=np.int64)
        cost = cheapest_path(loss, penalty, path)
        costs = [
            sum(loss[t, s] for t, s in enumerate(p)) + penalty * np.count_nonzero(np.diff(p))
            for p in product(range(3), repeat=8)
        ]
        assert cost == pytest.approx(min(costs))
        assert loss[np.arange(8), path].sum() + penalty * np.count_nonzero(np.diff(path)) == pytest.approx(cost)
        labels, value = dp(loss, penalty * (np.ones((3, 3)) - np.eye(3)))
        assert value == pytest.approx(cost)
        assert np.array_equal(labels, path)


def test_online_label_is_the_end_of_the_cheapest_path_so_far():
    rng = np.random.default_rng(9)
    loss = rng.exponential(size=(40, 3))
    online = np.empty(40, dtype=np.int64)
    forward_costs(loss, 0.8, np.zeros(3), online)
    for stop in range(1, 41):
        path = np.empty(stop, dtype=np.int64)
        cheapest_path(loss[:stop], 0.8, path)
        assert path[-1] == online[stop - 1]


def test_steps_equal_the_batch(features):
    model = fit_jump(features[:2000], states=3, jump_penalty=50.0)
    state, labels = model.init(), []
    for row in features:
        state, label = model.step(state, row)
        labels.append(label)
    assert labels == model.online_labels(features).tolist()
    assert state.days == len(features)


def test_a_free_jump_picks_the_nearest_centre_and_a_dear_one_the_least_loss_so_far(features):
    free = fit_jump(features[:2000], states=2, jump_penalty=0.0)
    nearest = np.argmin(half_squared_distance(standardised(features, free), free.centres), axis=1)
    assert np.array_equal(free.online_labels(features), nearest)
    dear = fit_jump(features[:2000], states=2, jump_penalty=1e9)
    # no path jumps; the label may still change, when another state has become the cheaper one for all rows so far
    total = np.cumsum(half_squared_distance(standardised(features, dear), dear.centres), axis=0)
    assert np.array_equal(dear.online_labels(features), np.argmin(total, axis=1))


def test_a_larger_penalty_never_jumps_more_often(features):
    switches = [
        np.count_nonzero(np.diff(fit_jump(features, states=3, jump_penalty=p).online_labels(features)))
        for p in (1.0, 10.0, 50.0, 200.0)
    ]
    assert switches == sorted(switches, reverse=True)


def test_states_come_in_order_of_volatility(features):
    assert np.all(np.diff(fit_jump(features, states=3, jump_penalty=50.0).centres[:, 0]) > 0.0)


def test_labels_and_features_ignore_later_rows(eurusd_log, features):
    garbage = eurusd_log.copy()
    garbage[3000:] = 123.0
    spoilt = volatility_features(garbage)
    model = fit_jump(features[:2000], states=3, jump_penalty=50.0)
    assert np.array_equal(spoilt[:3000], features[:3000])
    assert np.array_equal(model.online_labels(spoilt)[:3000], model.online_labels(features)[:3000])


def test_nothing_in_the_model_holds_the_path_through_the_sample(features):
    model = fit_jump(features[:500], states=2, jump_penalty=50.0)
    held = [name for name in model.__slots__ if np.size(getattr(model, name)) == 500]
    assert held == []


@pytest.mark.parametrize(
    ("rows", "states", "penalty"),
    [
        (np.full((100, 2), np.nan), 2, 1.0),
        (np.ones((100, 2)), 2, 1.0),
        (np.random.default_rng(1).normal(size=(19, 2)), 2, 1.0),
        (np.random.default_rng(1).normal(size=100), 2, 1.0),
        (np.random.default_rng(1).normal(size=(100, 2)), 1, 1.0),
        (np.random.default_rng(1).normal(size=(100, 2)), 2, -1.0),
        (np.random.default_rng(1).normal(size=(100, 2)), 2, np.nan),
    ],
)
def test_fit_refuses_what_it_cannot_use(rows, states, penalty):
    with pytest.raises(DataError):
        fit_jump(rows, states=states, jump_penalty=penalty)


def test_labels_refuse_other_features(features):
    model = fit_jump(features[:500], states=2, jump_penalty=50.0)
    with pytest.raises(DataError, match="expected 3 features"):
        model.online_labels(features[:, :2])


def test_a_series_that_starts_flat_has_no_features():
    with pytest.raises(DataError, match="start the series at its first move"):
        volatility_features([0.0, 0.0, 0.01])
