"""Path models: moments in closed form, and plain twins of the kernels; what they refuse is in `test_paths_refused`."""

from copy import deepcopy

import numpy as np
import pytest
from scipy.stats import kstest
from scipy.stats import t as student

from workbench.domain.calibration import Calibration
from workbench.domain.currencies import LEGS
from workbench.domain.errors import DataError
from workbench.regimes.markov import MarkovParameters
from workbench.risk.models.garch import fit_garch
from workbench.stress.paths import (
    FLOOR,
    BlockBootstrap,
    GarchT,
    JumpDiffusion,
    RegimeSwitching,
    garch_of,
    jump_diffusion_of,
    regime_switching_of,
)

ONES = np.ones(7)
CALM, WILD = np.array([0.97, 0.03]), np.array([0.1, 0.9])


def generator_of(seed):
    return np.random.default_rng(seed)


def covariance_of(seed, scale=0.005):
    factors = generator_of(seed).normal(size=(7, 7)) * scale / np.sqrt(7)
    return factors @ factors.T + 1e-6 * np.eye(7)


def correlation_of(seed):
    covariance = covariance_of(seed)
    deviation = np.sqrt(np.diag(covariance))
    return covariance / np.outer(deviation, deviation)


def history_of(seed, days=600):
    return generator_of(seed).standard_t(4, size=(days, 7)) @ np.linalg.cholesky(covariance_of(seed)).T


def garch(**changes):
    usual = {
        "omega": 1e-6 * np.linspace(0.5, 2.0, 7),
        "alpha": np.linspace(0.03, 0.09, 7),
        "beta": np.linspace(0.93, 0.85, 7),
        "degrees": 8.0,
        "variance": 1e-4 * np.linspace(1.0, 0.05, 7),
        "correlation": correlation_of(3),
    }
    return GarchT(**usual | changes)


def jumps(**changes):
    usual = {"covariance": covariance_of(1), "intensity": 0.1, "jump_covariance": covariance_of(2, 0.01)}
    return JumpDiffusion(**usual | changes)


def regimes(**changes):
    usual = {
        "transition": np.array([CALM, WILD]),
        "initial": np.array([0.2, 0.8]),
        "covariances": np.stack([covariance_of(4), covariance_of(5, 0.02)]),
    }
    return RegimeSwitching(**usual | changes)


MODELS = {
    "block bootstrap": lambda: BlockBootstrap(history_of(1)),
    "GARCH-t": garch,
    "jump-diffusion": jumps,
    "regime-switching": regimes,
}


def agrees(samples, expected, *, errors=4.5):
    """Mean over the first axis of independent samples, within so many of its standard errors of what is expected."""
    error = samples.std(axis=0) / np.sqrt(len(samples))
    assert np.all(np.abs(samples.mean(axis=0) - expected) <= errors * error + 1e-18)
    assert np.all(error <= 0.1 * np.abs(samples).mean(axis=0))  # the comparison says something


def products(rows):
    return np.einsum("ni,nj->nij", rows, rows)


# --- all of them


@pytest.mark.parametrize("name", MODELS)
def test_a_seed_gives_its_paths(name):
    model = MODELS[name]()
    one, again, other = (model.returns(generator_of(seed), 30, 20) for seed in (7, 7, 8))
    assert model.name == name
    assert one.shape == (30, 20, 7) and one.dtype == np.float64
    assert np.array_equal(one, again) and not np.array_equal(one, other)
    assert np.array_equal(deepcopy(model).returns(generator_of(7), 30, 20), one)  # as a worker process gets it


@pytest.mark.parametrize("name", MODELS)
def test_the_mean_is_zero_on_every_day(name):
    drawn = MODELS[name]().returns(generator_of(11), 20_000, 5)
    assert np.all(np.abs(drawn.mean(axis=0)) < 4.5 * drawn.std(axis=0) / np.sqrt(20_000))


def test_no_leg_loses_more_than_the_floor():
    huge = 4.0 * np.eye(7)
    rows = np.full((3, 7), 3.0)
    rows[0] = -0.95
    for model in (
        BlockBootstrap(rows),
        garch(variance=4.0 * ONES),
        jumps(covariance=huge),
        regimes(covariances=np.stack([huge, huge])),
    ):
        drawn = model.returns(generator_of(1), 200, 3)
        assert drawn.min() == FLOOR


def test_two_legs_that_move_as_one_do_so():
    singular = covariance_of(1)
    singular[1], singular[:, 1] = singular[0], singular[:, 0]
    singular[1, 1] = singular[0, 0]
    for model in (jumps(covariance=singular, intensity=0.0), regimes(covariances=np.stack([singular, singular]))):
        drawn = model.returns(generator_of(1), 50, 4)
        assert drawn[..., 0] == pytest.approx(drawn[..., 1], abs=1e-8)
        assert drawn.std() > 1e-3


def test_what_is_passed_in_may_change_afterwards():
    covariance = covariance_of(1)
    model = jumps(covariance=covariance)
    covariance[:] = np.nan
    assert np.isfinite(model.covariance).all()


# --- block bootstrap


def rows_drawn(history, drawn):
    """Row of the history without its means that each day is, found by its first leg."""
    table = history - history.mean(axis=0)
    order = np.argsort(table[:, 0])
    places = order[np.searchsorted(table[order, 0], drawn[..., 0])]
    assert np.array_equal(table[places], drawn)  # all seven legs of that day
    return places


@pytest.mark.parametrize("mean_block", [1.0, 4.0, 10.0])
def test_days_are_those_of_the_history_and_follow_each_other_in_blocks(mean_block):
    history = history_of(2, days=50)
    places = rows_drawn(history, BlockBootstrap(history, mean_block).returns(generator_of(5), 4_000, 20))
    follows = places[:, 1:] == (places[:, :-1] + 1) % 50
    stop = 1.0 / mean_block
    expected = 1.0 - stop + stop / 50  # a new block may start on the next day by chance
    assert abs(follows.mean() - expected) < 3.0 * np.sqrt(expected * (1.0 - expected) / follows.size) + 1e-12
    wraps = places[:, :-1] == 49
    assert abs(follows[wraps].mean() - expected) < 4.0 * np.sqrt(expected * (1.0 - expected) / wraps.sum())
    counts = np.bincount(places[:, 0], minlength=50)
    assert ((counts - 80.0) ** 2 / 80.0).sum() < 85.4  # chi-square with 49 degrees, 0.1 %


def test_the_covariance_is_that_of_the_history():
    history = history_of(3)
    drawn = BlockBootstrap(history).returns(generator_of(6), 20_000, 3)[:, -1]
    agrees(products(drawn), np.cov(history.T, ddof=0))


def test_a_long_block_runs_through_the_history_and_around():
    history = history_of(4, days=9)
    places = rows_drawn(history, BlockBootstrap(history, 1e12).returns(generator_of(7), 20, 30))
    assert np.array_equal(places, (places[:, :1] + np.arange(30)) % 9)


# --- GARCH


def test_the_variance_reverts_to_the_long_run_at_the_closed_rate():
    model = garch()
    drawn = model.returns(generator_of(8), 60_000, 40)
    persistence = model.alpha + model.beta
    long_run = model.omega / (1.0 - persistence)
    for day in (0, 1, 9, 39):
        agrees(drawn[:, day] ** 2, long_run + persistence**day * (model.variance - long_run))
    far = garch(variance=long_run).returns(generator_of(9), 20_000, 60)[:, -1]
    agrees(far**2, long_run)


def test_innovations_are_a_student_t_of_unit_variance_with_the_correlation():
    model = garch(variance=ONES * 1e-4, degrees=5.0)
    first = model.returns(generator_of(10), 60_000, 1)[:, 0] / 1e-2
    agrees(products(first), model.correlation)
    unit = student(5.0, scale=np.sqrt(3.0 / 5.0))
    assert min(kstest(first[:20_000, leg], unit.cdf).pvalue for leg in range(7)) > 1e-3


def test_the_kernel_is_the_plain_recursion():
    model = garch(degrees=3.0, variance=ONES * 0.04)
    drawn = model.returns(generator_of(12), 50, 30)
    generator = generator_of(12)
    normals = generator.standard_normal((50, 30, 7)) @ np.linalg.cholesky(model.correlation).T
    shocks = normals * np.sqrt(1.0 / generator.chisquare(3.0, (50, 30)))[:, :, np.newaxis]
    variance = np.tile(model.variance, (50, 1))
    for day in range(30):
        expected = np.maximum(np.sqrt(variance) * shocks[:, day], FLOOR)
        assert drawn[:, day] == pytest.approx(expected, rel=1e-11, abs=1e-14)
        variance = model.omega + model.alpha * expected**2 + model.beta * variance
    assert drawn.min() == FLOOR  # the recursion went through the floor


def calibration(garch_by_leg):
    tail = {"quantile": 2.0, "expected_shortfall": 3.0}
    legs = {
        leg: {"ewma_lambda": 0.94, "volatility_daily": 0.004 + 0.001 * k, "normal_volatility_daily": 0.006,
              "garch": garch_by_leg.get(leg, {})}
        for k, leg in enumerate(LEGS)
    }  # fmt: skip
    return Calibration.from_mapping({
        "as_of": "2026-10-30", "created": "2026-10-30T18:00:00+00:00", "data_hash": "d", "code_version": "c",
        "policy_hash": "p", "legs": legs, "normal_correlation": np.eye(7), "current_correlation": correlation_of(4),
        "residual_quantiles": {"0.95": tail}, "evidence": {},
        "value_at_risk": {"champion": "one", "book": "one", "equity": 1e6, "portfolio_95": 0.01, "portfolio_99": 0.02,
                          "expected_shortfall_975": 0.02, "backtests": {}},
        "regime": {"model": "one", "parameters": {}, "labels": (), "adopted": False, "reasons": ()},
    })  # fmt: skip


def test_a_calibration_gives_its_garch_in_daily_fractions():
    fits = {leg: fit_garch(history_of(20 + k)[:, k], distribution="t") for k, leg in enumerate(LEGS)}
    model = garch_of(calibration({leg: fit.parameters for leg, fit in fits.items()}))
    for key in ("omega", "alpha", "beta"):
        assert getattr(model, key).tolist() == [fits[leg].parameters[key] for leg in LEGS]
    assert model.degrees == np.median([fit.parameters["nu"] for fit in fits.values()])
    assert np.sqrt(model.variance) == pytest.approx(0.004 + 0.001 * np.arange(7))
    assert model.correlation == pytest.approx(correlation_of(4), abs=1e-12)


def test_a_leg_without_garch_follows_its_ewma():
    model = garch_of(calibration({}))
    assert model.omega.tolist() == [0.0] * 7
    assert model.alpha == pytest.approx(0.06) and model.beta.tolist() == [0.94] * 7
    assert model.degrees == 5.0
    # an integrated GARCH without omega expects tomorrow's variance for ever
    agrees(model.returns(generator_of(13), 40_000, 5)[:, -1] ** 2, model.variance)


def test_degrees_of_freedom_are_kept_where_there_is_a_variance():
    heavy = {"mu": 0.0, "omega": 1e-6, "alpha": 0.05, "beta": 0.9, "nu": 2.05}
    assert garch_of(calibration(dict.fromkeys(LEGS, heavy))).degrees == 2.5


@pytest.mark.parametrize(
    ("fitted", "sentence"),
    [
        ({"omega": 1e-6, "alpha": 0.05}, "GARCH of EUR lacks beta, nu"),
        ({"omega": 1e-6, "alpha": 0.05, "beta": 0.9, "nu": 5.0, "gamma": 0.1}, "GARCH of EUR is asymmetric"),
        ({"omega": 1e-6, "alpha": 0.15, "beta": 0.9, "nu": 5.0}, "must not exceed 1 or it explodes, EUR has 1.05"),
    ],
)
def test_a_calibration_that_cannot_be_drawn_from_is_refused(fitted, sentence):
    with pytest.raises(DataError, match=sentence):
        garch_of(calibration({"EUR": fitted}))


# --- jump-diffusion


def test_covariance_and_kurtosis_of_the_jumps_are_the_closed_forms():
    model = jumps()
    drawn = model.returns(generator_of(14), 400_000, 1)[:, 0]
    total = model.covariance + model.intensity * model.jump_covariance
    agrees(products(drawn), total)
    variance, jump = np.diag(total), np.diag(model.jump_covariance)
    excess = 3.0 * model.intensity * jump**2 / variance**2
    assert excess.max() > 1.0
    agrees(drawn**4 / variance**2, 3.0 + excess)


def test_without_jumps_it_is_normal():
    drawn = jumps(intensity=0.0).returns(generator_of(15), 20_000, 1)[:, 0] / np.sqrt(np.diag(covariance_of(1)))
    assert min(kstest(drawn[:, leg], "norm").pvalue for leg in range(7)) > 1e-3


def test_rare_large_jumps_are_found_again():
    true = JumpDiffusion(covariance_of(1), 0.01, 400.0 * covariance_of(1))
    history = true.returns(generator_of(16), 1, 40_000)[0]
    found = jump_diffusion_of(history)
    assert found.intensity == pytest.approx(0.01, rel=0.15)
    assert np.diag(found.covariance) == pytest.approx(np.diag(true.covariance), rel=0.05)
    assert np.diag(found.jump_covariance) == pytest.approx(np.diag(true.jump_covariance), rel=0.25)
    total = found.covariance + found.intensity * found.jump_covariance
    assert total == pytest.approx(history.T @ history / len(history), rel=1e-9, abs=1e-12)


def test_a_normal_history_has_one_jump_day_in_a_thousand():
    history = jumps(intensity=0.0).returns(generator_of(17), 1, 100_000)[0]
    assert abs(jump_diffusion_of(history).intensity - 1e-3) < 4.0 * np.sqrt(1e-3 / 1e5)


def test_a_history_without_a_jump_has_none():
    days = np.vstack([np.eye(7), -np.eye(7)]) * 0.01
    found = jump_diffusion_of(days)
    assert (found.intensity, np.abs(found.jump_covariance).max()) == (0.0, 0.0)
    assert found.covariance == pytest.approx(np.eye(7) * 2e-4 / 14)


def test_a_history_in_which_two_legs_are_one_is_refused():
    rows = history_of(5)
    rows[:, 3] = rows[:, 2]
    with pytest.raises(DataError, match="two legs move as one"):
        jump_diffusion_of(rows)


# --- regime switching


def power_iteration(chain):
    share = np.ones(len(chain)) / len(chain)
    for _ in range(2_000):
        share = share @ chain
    return share


def test_the_chain_starts_dwells_and_settles_as_its_matrix_says():
    chain = np.array([[0.9, 0.08, 0.02], [0.1, 0.8, 0.1], [0.0, 0.3, 0.7]])
    first = np.array([0.5, 0.0, 0.5])
    model = regimes(transition=chain, initial=first, covariances=np.stack([covariance_of(k) for k in range(3)]))
    states = model.states(generator_of(17), 20_000, 60)
    agrees(np.eye(3)[states[:, 0]][:, [0, 2]], first[[0, 2]])
    assert not (states[:, 0] == 1).any()
    agrees(np.eye(3)[states[:, 1]], first @ chain)
    agrees(np.eye(3)[states[:, -1]], power_iteration(chain))
    long = model.states(generator_of(18), 1, 400_000)[0]
    ends = np.flatnonzero(np.diff(long))
    stays, kinds = np.diff(ends), long[ends[1:]]
    for state in range(3):
        agrees(stays[kinds == state].astype(float), 1.0 / (1.0 - chain[state, state]))
    assert not ((long[:-1] == 2) & (long[1:] == 0)).any()


def test_each_state_has_its_covariance():
    model = regimes()
    states = model.states(generator_of(19), 50_000, 2)
    drawn = model.returns(generator_of(19), 50_000, 2)  # the same seed: the same states
    for state in range(2):
        agrees(products(drawn[states == state]), model.covariances[state])
    weights = model.initial @ model.transition
    agrees(products(drawn[:, 1]), np.einsum("k,kij->ij", weights, model.covariances))


def test_states_of_a_markov_model_get_the_covariances_of_the_legs():
    true = regimes()
    visited = true.states(generator_of(20), 1, 20_000)[0]
    history = true.returns(generator_of(20), 1, 20_000)[0]
    index = np.log1p(history).mean(axis=1)
    deviations = [index[visited == state].std() for state in range(2)]
    parameters = MarkovParameters(np.zeros(2), np.array(deviations), true.transition, power_iteration(true.transition))
    found = regime_switching_of(parameters, history)
    weights = plain_filter(index, parameters)
    seen = weights.sum(axis=0)
    for state in range(2):
        expected = (history * weights[:, [state]]).T @ history / seen[state]
        assert found.covariances[state] == pytest.approx(expected, rel=1e-9, abs=1e-15)
    assert found.initial == pytest.approx(weights[-1] @ parameters.transition, rel=1e-9)
    assert np.trace(found.covariances[1]) > 5.0 * np.trace(found.covariances[0])
    given = regime_switching_of(parameters, history, index)
    assert np.array_equal(given.covariances, found.covariances)


def plain_filter(index, parameters):
    """Hamilton's filter, as the textbook has it."""
    density = np.exp(-0.5 * (index[:, np.newaxis] / parameters.volatilities) ** 2) / parameters.volatilities
    predicted, rows = parameters.initial, []
    for day in density:
        joint = predicted * day
        rows.append(joint / joint.sum())
        predicted = rows[-1] @ parameters.transition
    return np.array(rows)


def test_an_index_or_a_state_that_does_not_belong_to_the_history_is_refused():
    chain = np.array([[1.0, 0.0], [0.5, 0.5]])
    parameters = MarkovParameters(np.zeros(2), np.array([0.003, 0.01]), chain, np.array([1.0, 0.0]))
    with pytest.raises(DataError, match="one value for each of the 600 days, got 3"):
        regime_switching_of(parameters, history_of(1), np.zeros(3))
    with pytest.raises(DataError, match="state 1 was at work for 0 days of the history"):
        regime_switching_of(parameters, history_of(1))
