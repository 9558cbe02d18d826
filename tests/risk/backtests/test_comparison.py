"""Diebold–Mariano and the model confidence set: published outputs, twins, size and power."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from workbench.domain.errors import DataError
from workbench.risk.backtests import diebold_mariano, model_confidence_set
from workbench.risk.backtests.comparison import long_run_variance


def sample_without_replacement(count: int) -> list[int]:
    """The draw of Python 2's random.sample from range(count), which the published example used."""
    pool, drawn = list(range(count)), []
    for taken in range(count):
        index = int(random.random() * (count - taken))  # noqa: S311 - the published draw
        drawn.append(pool[index])
        pool[index] = pool[count - taken - 1]
    return drawn


def test_diebold_mariano_gives_a_published_output() -> None:
    # J. Tsang, Diebold-Mariano-Test (MIT), README: three shuffles of 0…99 from seed 123, horizon 1, with the
    # Harvey–Leybourne–Newbold correction.
    random.seed(123)
    actual, one, other = (np.array(sample_without_replacement(100)) for _ in range(3))
    published = {1: (1.3275742446369585, 0.18737195617455585), 2: (1.2112523589452902, 0.22868210381769466)}
    for power, (statistic, p_value) in published.items():
        loss_a, loss_b = np.abs(actual - one) ** power, np.abs(actual - other) ** power
        result = diebold_mariano(loss_a, loss_b, lags=0)
        assert result.statistic == pytest.approx(statistic, rel=1e-9)
        assert result.p_value == pytest.approx(p_value, rel=1e-9)


def test_long_run_variance_equals_its_plain_twin() -> None:
    series = np.cumsum(np.random.default_rng(1).normal(size=60))
    n, mean = series.size, series.mean()
    total = sum((x - mean) ** 2 for x in series) / n
    for lag in range(1, 6):
        total += 2 * (1 - lag / 6) * sum((series[t] - mean) * (series[t - lag] - mean) for t in range(lag, n)) / n
    assert long_run_variance(series, 5) == pytest.approx(total)


def test_small_sample_correction_is_harvey_leybourne_and_newbolds() -> None:
    loss_a, loss_b = np.random.default_rng(2).normal(size=(2, 40))
    n, horizon = 40, 4
    raw = (loss_a - loss_b).mean() / np.sqrt(long_run_variance(loss_a - loss_b, 3) / n)
    factor = np.sqrt((n + 1 - 2 * horizon + horizon * (horizon - 1) / n) / n)
    result = diebold_mariano(loss_a, loss_b, lags=3)
    assert result.statistic == pytest.approx(factor * raw)
    assert result.p_value == pytest.approx(2 * stats.t.sf(abs(factor * raw), n - 1))


def test_size_and_stated_power_hold() -> None:
    generator = np.random.default_rng(3)
    losses = generator.normal(size=(2000, 500))
    null = [diebold_mariano(row, np.zeros(500), lags=0) for row in losses]
    other = [diebold_mariano(row + 0.1, np.zeros(500), lags=0) for row in losses]
    assert np.mean([r.p_value <= 0.05 for r in null]) == pytest.approx(0.05, abs=0.015)
    assert np.mean([r.p_value <= 0.05 for r in other]) == pytest.approx(null[0].power, abs=0.035)


def test_default_lags_are_newey_and_wests_rule() -> None:
    loss = np.random.default_rng(4).normal(size=(2, 4000))
    assert diebold_mariano(*loss).lags == int(4 * 40 ** (2 / 9)) == 9


def test_equal_losses_are_not_told_apart_and_constant_differences_are_refused() -> None:
    loss = np.random.default_rng(5).normal(size=100)
    result = diebold_mariano(loss, loss)
    assert (result.statistic, result.p_value) == (0.0, 1.0)
    with pytest.raises(DataError, match="without variance"):
        diebold_mariano(np.ones(100), np.zeros(100))
    with pytest.raises(DataError, match="more days than lags"):
        diebold_mariano([1.0, 2.0], [1.0, 3.0], lags=2)


@given(st.integers(0, 10_000), st.floats(1e-3, 1e3))
@settings(max_examples=40, deadline=None)
def test_diebold_mariano_is_antisymmetric_and_free_of_units(seed: int, unit: float) -> None:
    loss_a, loss_b = np.random.default_rng(seed).normal(size=(2, 80))
    one, swapped = diebold_mariano(loss_a, loss_b), diebold_mariano(loss_b, loss_a)
    scaled = diebold_mariano(unit * loss_a, unit * loss_b)
    assert one.statistic == pytest.approx(-swapped.statistic)
    assert one.statistic == pytest.approx(scaled.statistic)
    assert 0.0 <= one.p_value <= 1.0


def test_confidence_set_keeps_the_equals_and_drops_the_worse() -> None:
    generator = np.random.default_rng(6)
    losses = generator.normal(size=(1500, 5)) + np.array([0.0, 0.01, 0.0, 0.3, 0.4])
    names = ["fhs", "garch", "evt", "normal", "cornish"]
    result = model_confidence_set(losses, names)
    assert set(result.members) == {"fhs", "garch", "evt"}
    assert result.p_values["normal"] < 0.10
    assert max(result.p_values.values()) == 1.0
    assert [result.mean_losses[name] for name in result.members] == sorted(
        result.mean_losses[name] for name in result.members
    )


def test_confidence_set_is_repeatable_and_follows_its_columns() -> None:
    generator = np.random.default_rng(7)
    losses = generator.normal(size=(400, 4)) + np.array([0.0, 0.1, 0.2, 0.0])
    names = ["a", "b", "c", "d"]
    order = [2, 0, 3, 1]
    one, again = model_confidence_set(losses, names), model_confidence_set(losses, names)
    moved = model_confidence_set(losses[:, order], [names[i] for i in order])
    assert one == again
    assert moved.members == one.members
    assert moved.p_values == pytest.approx(one.p_values)


def test_confidence_set_contains_the_best_model_as_often_as_promised() -> None:
    generator = np.random.default_rng(8)
    inside = [
        "best"
        in model_confidence_set(
            generator.normal(size=(250, 4)) + np.array([0.0, 0.05, 0.05, 0.1]),
            ["best", "x", "y", "z"],
            replications=200,
            block=1,
            seed=seed,
        ).members
        for seed in range(60)
    ]
    assert np.mean(inside) >= 0.90 - 3 * np.sqrt(0.09 / 60)


def test_one_model_is_its_own_confidence_set() -> None:
    result = model_confidence_set(np.ones((10, 1)), ["only"])
    assert result.members == ("only",)
    assert result.p_values == {"only": 1.0}


def test_confidence_set_refuses_bad_input_with_the_name() -> None:
    losses = np.ones((10, 2))
    losses[3, 1] = np.nan
    with pytest.raises(DataError, match="evt has nan in row 3"):
        model_confidence_set(losses, ["fhs", "evt"])
    with pytest.raises(DataError, match="name of its own"):
        model_confidence_set(np.ones((10, 2)), ["fhs", "fhs"])
    with pytest.raises(DataError, match="shape"):
        model_confidence_set(np.ones((10, 2)), ["fhs"])
    with pytest.raises(DataError, match=r"size 1\.5"):
        model_confidence_set(np.ones((10, 2)), ["fhs", "evt"], size=1.5)
