"""SPA, reality check and StepM beside arch, and how often they are wrong on noise."""

import numpy as np
import pytest
from arch.bootstrap import SPA, StationaryBootstrap, StepM
from scipy import stats

from workbench.domain.errors import ConfigError, DataError
from workbench.research.overfitting import multiple_testing as module
from workbench.research.overfitting import step_m, superior_predictive_ability

PANELS = 100
MOST = int(stats.binom.isf(0.005, PANELS, 0.05))
"""A test of size 0.05 rejects more often than this in 100 panels once in 200 times."""


def edge(seed: int, *, periods: int = 600, strategies: int = 12, planted: tuple[int, ...] = (), by: float = 0.2):
    returns = np.random.default_rng(seed).normal(size=(periods, strategies))
    returns[:, list(planted)] += by
    return returns


def alike(returns: np.ndarray, block: float) -> np.ndarray:
    """The same panel with equal standard errors: arch does not studentise, so only then must it agree."""
    centred = returns - returns.mean(axis=0)
    return returns / np.sqrt(module.stationary_variance(centred, block))


def arch_samples(returns: np.ndarray, block: int, samples: int) -> np.ndarray:
    """How often arch's bootstrap draws each period, shape (samples, periods)."""
    bootstrap = StationaryBootstrap(block, returns, seed=7)
    return np.array(
        [np.bincount(bootstrap.index, minlength=len(returns)) for _ in bootstrap.bootstrap(samples)], dtype=float
    )


@pytest.mark.parametrize(("shift", "seed"), [(0.0, 1), (-0.06, 2), (0.05, 3)])
def test_p_values_are_those_of_arch_on_the_same_samples(shift: float, seed: int) -> None:
    block = 6
    returns = edge(seed, periods=300, strategies=10)
    returns[:, :5] += shift
    returns[:, 9] -= 0.5
    returns = alike(returns, block)
    peer = SPA(np.zeros(300), -returns, block_size=block, reps=400, seed=7)
    peer.compute()
    mean = returns.mean(axis=0)
    centred = returns - mean
    error = np.sqrt(module.stationary_variance(centred, block) / 300)
    deviations = arch_samples(-returns, block, 400) @ centred / 300 / error
    found = module._p_values(module._Resampled(mean, error, deviations, np.ones(10, dtype=bool), block), 300)
    assert found == pytest.approx(peer.pvalues.to_dict())


def test_p_values_agree_with_arch_when_each_draws_its_own_samples() -> None:
    block = 5
    returns = alike(edge(4, periods=400, strategies=8, planted=(2,), by=0.08), block)
    peer = SPA(np.zeros(400), -returns, block_size=block, reps=4_000, seed=1)
    peer.compute()
    found = superior_predictive_ability(returns, generator=np.random.default_rng(2), bootstraps=4_000, block=block)
    error = 4 * np.sqrt(2 * 0.25 / 4_000)
    assert (found.lower, found.consistent, found.upper) == pytest.approx(tuple(peer.pvalues), abs=error)
    assert found.reality_check == pytest.approx(peer.pvalues["upper"], abs=error)


def test_standard_errors_are_those_of_the_plain_sum() -> None:
    centred = np.random.default_rng(5).normal(size=(101, 3))
    centred -= centred.mean(axis=0)
    for periods in (100, 101):
        part = centred[:periods] - centred[:periods].mean(axis=0)
        for block in (1.0, 4.5, 100.0):
            stay = 1.0 - 1.0 / block
            expected = np.square(part).sum(axis=0) / periods
            for lag in range(1, periods):
                share = lag / periods
                weight = (1 - share) * stay**lag + share * stay ** (periods - lag)
                expected += 2 * weight * (part[:-lag] * part[lag:]).sum(axis=0) / periods
            np.testing.assert_allclose(module.stationary_variance(part, block), expected, rtol=1e-9, atol=1e-14)


def test_samples_are_stationary_blocks_around_the_circle() -> None:
    counts = module._stationary_counts(np.random.default_rng(6), 4_000, 50, 4.0)
    assert (counts.sum(axis=1) == 50).all()
    np.testing.assert_allclose(counts.mean(axis=0), 1.0, atol=0.12)
    returns = np.sin(np.arange(50.0))[:, np.newaxis]
    returns -= returns.mean(axis=0)
    drawn = (counts @ returns / 50)[:, 0]
    assert drawn.var() * 50 == pytest.approx(module.stationary_variance(returns, 4.0)[0], rel=0.1)


def test_the_ends_are_right_when_the_answer_is_plain() -> None:
    bad = superior_predictive_ability(edge(7) - 0.5, generator=np.random.default_rng(0), bootstraps=200)
    assert (bad.lower, bad.consistent, bad.upper, bad.statistic) == (1.0, 1.0, 1.0, 0.0)
    good = superior_predictive_ability(
        edge(8, planted=(5,), by=0.4), generator=np.random.default_rng(0), bootstraps=200
    )
    assert (good.lower, good.consistent, good.upper, good.reality_check, good.best) == (0.0, 0.0, 0.0, 0.0, 5)
    assert "reality check" in good._repr_html_()


def test_a_bad_crowd_weakens_the_reality_check_more_than_the_consistent_test() -> None:
    returns = edge(9, periods=500, strategies=60)
    returns[:, 0] += 2.7 / np.sqrt(500) - returns[:, 0].mean()
    returns[:, 1:] = returns[:, 1:] * 5.0 - 2.0
    found = superior_predictive_ability(returns, generator=np.random.default_rng(1))
    assert found.lower <= found.consistent < 0.05 < found.upper < found.reality_check


def test_a_benchmark_is_subtracted() -> None:
    returns = edge(10, planted=(1,), by=0.3)
    benchmark = np.random.default_rng(11).normal(0.05, 0.1, size=len(returns))
    first = superior_predictive_ability(
        returns, generator=np.random.default_rng(3), bootstraps=200, block=2, benchmark=benchmark
    )
    second = superior_predictive_ability(
        returns - benchmark[:, np.newaxis], generator=np.random.default_rng(3), bootstraps=200, block=2
    )
    assert first == second


def test_step_m_finds_what_was_planted_as_arch_does() -> None:
    planted = (3, 7, 11)
    returns = alike(edge(12, planted=planted, by=0.3), 5)
    peer = StepM(np.zeros(len(returns)), -returns, size=0.05, block_size=5, reps=500, seed=1)
    peer.compute()
    found = step_m(returns, generator=np.random.default_rng(1), bootstraps=500, block=5)
    assert found.tolist() == list(planted) == peer.superior_models


def test_step_m_steps_down() -> None:
    # the last strategy has a t-ratio of 2.5: enough when 200 strong ones have left the maximum, not among 200 of noise
    generator = np.random.default_rng(14)
    returns = np.hstack([generator.normal(0.5, 1.0, size=(400, 200)), generator.normal(size=(400, 1))])
    returns[:, -1] += 2.5 / 20.0 - returns[:, -1].mean()
    found = step_m(returns, generator=np.random.default_rng(1), bootstraps=500, block=1)
    assert found.tolist() == list(range(201))
    crowd = np.hstack([generator.normal(size=(400, 200)), returns[:, -1:]])
    assert 200 not in step_m(crowd, generator=np.random.default_rng(1), bootstraps=500, block=1)


def test_strategies_that_never_move_are_never_superior() -> None:
    returns = edge(13, planted=(4,), by=0.4)
    returns[:, 0], returns[:, 1] = 0.0, 0.01
    assert step_m(returns, generator=np.random.default_rng(0), bootstraps=200).tolist() == [4]
    found = superior_predictive_ability(returns, generator=np.random.default_rng(0), bootstraps=200)
    assert (found.flat, found.best, found.strategies) == (2, 4, 12)


def test_the_same_generator_gives_the_same_answer() -> None:
    returns = edge(15, planted=(1,), by=0.1)
    first, second = (superior_predictive_ability(returns, generator=np.random.default_rng(4)) for _ in range(2))
    assert first == second
    assert 1.0 <= first.block < 5.0


def test_familywise_error_on_noise_is_the_nominal_one_and_planted_edges_are_found() -> None:
    rejected = selected = 0
    found = []
    for seed in range(PANELS):
        noise = edge(1_000 + seed, periods=300, strategies=30)
        test = superior_predictive_ability(noise, generator=np.random.default_rng(seed), bootstraps=300)
        rejected += test.consistent < 0.05
        selected += step_m(noise, generator=np.random.default_rng(seed), bootstraps=300).size > 0
        noise[:, [2, 20]] += 0.3
        found.append(step_m(noise, generator=np.random.default_rng(seed), bootstraps=300).tolist())
    assert 1 <= rejected <= MOST
    assert selected <= MOST
    assert np.mean([{2, 20} <= set(columns) for columns in found]) > 0.9
    assert np.mean([set(columns) <= {2, 20} for columns in found]) > 1.0 - MOST / PANELS


def test_bad_input_is_refused() -> None:
    returns, generator = edge(16, periods=50), np.random.default_rng(0)
    with pytest.raises(ConfigError, match="at least 100 bootstraps"):
        superior_predictive_ability(returns, generator=generator, bootstraps=10)
    with pytest.raises(ConfigError, match="from 1 to 50 periods expected, got 51"):
        superior_predictive_ability(returns, generator=generator, block=51)
    with pytest.raises(ConfigError, match=r"a size between 0 and 0\.5"):
        step_m(returns, generator=generator, size=5.0)
    with pytest.raises(DataError, match="at least 20 periods"):
        step_m(returns[:19], generator=generator)
    with pytest.raises(DataError, match=r"benchmark of shape \(50,\)"):
        step_m(returns, generator=generator, benchmark=np.zeros(49))
    with pytest.raises(DataError, match="row 3 is nan"):
        step_m(returns, generator=generator, benchmark=np.where(np.arange(50) == 3, np.nan, 0.0))
    with pytest.raises(DataError, match="none of the 2 strategies"):
        step_m(np.zeros((50, 2)), generator=generator)
