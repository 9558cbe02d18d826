"""Effective number of trials on panels whose answer is known."""

import numpy as np
import pytest

from workbench.domain.errors import DataError
from workbench.research.overfitting import effective_trials


def test_copies_count_once_and_independent_strategies_each() -> None:
    generator = np.random.default_rng(1)
    different = generator.normal(size=(20_000, 16))
    grid = np.repeat(different, 24, axis=1) * generator.uniform(0.5, 2.0, size=384)
    assert float(effective_trials(different)) == pytest.approx(16.0, rel=0.01)
    assert float(effective_trials(grid)) == pytest.approx(16.0, rel=0.01)
    assert float(effective_trials(grid[:, :24])) == pytest.approx(1.0)


def test_participation_ratio_is_that_of_the_eigenvalues() -> None:
    returns = np.random.default_rng(2).normal(size=(200, 9)) @ np.random.default_rng(3).normal(size=(9, 9))
    found = effective_trials(returns)
    correlations = np.corrcoef(returns.T)
    eigenvalues = np.linalg.eigvalsh(correlations)
    assert found.participation_ratio == pytest.approx(eigenvalues.sum() ** 2 / np.square(eigenvalues).sum())
    mean = (correlations.sum() - 9) / 72
    assert found.mean_correlation == pytest.approx(mean)
    assert found.average_correlation == pytest.approx(mean + (1 - mean) * 9)


def test_opposite_strategies_hide_from_the_average_correlation_only() -> None:
    trend = np.random.default_rng(4).normal(size=(1_000, 1))
    found = effective_trials(np.hstack([trend, trend, -trend, -trend]))
    assert found.participation_ratio == pytest.approx(1.0)
    assert found.average_correlation > 4.0


def test_strategies_that_never_move_are_left_out_and_counted() -> None:
    returns = np.random.default_rng(5).normal(size=(500, 6))
    returns[:, [1, 4]] = [0.0, 1e-4]
    found = effective_trials(returns)
    assert (found.trials, found.flat) == (4, 2)
    assert found.participation_ratio == pytest.approx(effective_trials(returns[:, [0, 2, 3, 5]]).participation_ratio)
    assert "never move" in found._repr_html_()


def test_one_strategy_is_one_trial_and_none_is_refused() -> None:
    one = effective_trials(np.random.default_rng(6).normal(size=(50, 1)))
    assert (one.participation_ratio, one.average_correlation) == (pytest.approx(1.0), 1.0)
    with pytest.raises(DataError, match="none of the 3 strategies ever moves"):
        effective_trials(np.zeros((50, 3)))
    with pytest.raises(DataError, match="at least 3 periods"):
        effective_trials(np.ones((2, 3)))
