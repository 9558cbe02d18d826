"""Probability of backtest overfitting: by hand, by a plain loop, on noise and on planted edges."""

from itertools import combinations
from math import log, sqrt

import numpy as np
import pytest
from scipy import stats

from workbench.domain.errors import ConfigError, DataError
from workbench.research.overfitting import probability_of_backtest_overfitting

BY_HAND = [[2.0, 3.0], [0.0, 1.0], [2.0, 3.0], [0.0, 1.0], [2.0, -1.0], [0.0, -3.0], [2.0, -1.0], [0.0, -3.0]]
"""Four blocks of two rows. The first strategy earns 1 ± 1 throughout, the second 2 ± 1 in two blocks, −2 ± 1 in two."""


def plain(returns: np.ndarray, blocks: int) -> tuple[list[float], list[float], list[float]]:
    """CSCV as the paper tells it, one split at a time, with the ranks of scipy."""
    parts = np.split(np.arange(len(returns)), blocks)
    logits, inside, outside = [], [], []
    for taken in combinations(range(blocks), blocks // 2):
        rows = np.concatenate([parts[block] for block in taken])
        others = np.concatenate([parts[block] for block in range(blocks) if block not in taken])
        first, second = (returns[part].mean(axis=0) / returns[part].std(axis=0, ddof=1) for part in (rows, others))
        best = int(np.argmax(first))
        relative = stats.rankdata(second)[best] / (returns.shape[1] + 1)
        logits.append(log(relative / (1 - relative)))
        inside.append(float(first[best]))
        outside.append(float(second[best]))
    return logits, inside, outside


def test_reference_matrix_worked_by_hand() -> None:
    found = probability_of_backtest_overfitting(BY_HAND, blocks=4)
    # blocks 1 and 2 choose the second strategy, 3 and 4 the first, which is then beaten; the other four splits choose
    # the first, and it stays ahead: overfit in 2 of 6. Four rows ± 1 have a standard deviation of 2/√3.
    low, high = log(1 / 2), log(2 / 1)
    np.testing.assert_allclose(found.logits, [low, high, high, high, high, low])
    np.testing.assert_allclose(found.in_sample, np.array([2, 1, 1, 1, 1, 1]) * sqrt(3) / 2)
    np.testing.assert_allclose(found.out_of_sample, np.array([-2, 1, 1, 1, 1, 1]) * sqrt(3) / 2)
    assert found.chosen.tolist() == [1, 0, 0, 0, 0, 0]
    assert found.probability == pytest.approx(2 / 6)
    assert found.slope == pytest.approx(-3.0)  # from (√3, −√3) to (√3/2, √3/2)
    assert found.probability_of_loss == pytest.approx(1 / 6)


@pytest.mark.parametrize(("rows", "columns", "blocks"), [(8, 4, 4), (12, 5, 2), (60, 7, 6), (64, 10, 8)])
def test_every_split_is_that_of_the_plain_loop(rows: int, columns: int, blocks: int) -> None:
    returns = np.random.default_rng(rows).normal(0.002, 0.01, size=(rows, columns))
    logits, inside, outside = plain(returns, blocks)
    found = probability_of_backtest_overfitting(returns, blocks=blocks)
    np.testing.assert_allclose(found.logits, logits, atol=1e-12)
    np.testing.assert_allclose(found.in_sample, inside, rtol=1e-10)
    np.testing.assert_allclose(found.out_of_sample, outside, rtol=1e-10)
    assert found.slope == pytest.approx(np.polyfit(inside, outside, 1)[0], rel=1e-9)
    assert found.probability == np.mean(np.asarray(logits) <= 0.0)


def test_chunks_of_splits_do_not_change_the_result() -> None:
    returns = np.random.default_rng(9).normal(size=(400, 300))  # 252 splits in chunks of 666, 12,870 in twenty
    logits, _, _ = plain(returns, 10)
    np.testing.assert_allclose(probability_of_backtest_overfitting(returns, blocks=10).logits, logits, atol=1e-12)
    whole = probability_of_backtest_overfitting(returns, blocks=16)
    np.testing.assert_allclose(whole.in_sample.size, 12_870)
    taken = list(combinations(range(16), 8))
    parts = np.split(np.arange(400), 16)
    for split in (0, 667, 6_434, 12_869):
        rows = np.concatenate([parts[block] for block in taken[split]])
        ratios = returns[rows].mean(axis=0) / returns[rows].std(axis=0, ddof=1)
        assert whole.in_sample[split] == pytest.approx(ratios.max(), rel=1e-10)
        assert whole.chosen[split] == np.argmax(ratios)


def test_scale_and_order_of_the_strategies_do_not_matter() -> None:
    generator = np.random.default_rng(11)
    returns = generator.normal(0.0, 0.01, size=(300, 9))
    order = generator.permutation(9)
    first = probability_of_backtest_overfitting(returns, blocks=8)
    second = probability_of_backtest_overfitting((returns * generator.uniform(0.1, 9.0, size=9))[:, order], blocks=8)
    np.testing.assert_allclose(first.logits, second.logits)
    assert (order[second.chosen] == first.chosen).all()
    assert first.interval == pytest.approx(second.interval)


def test_equal_strategies_share_the_average_rank() -> None:
    one = np.random.default_rng(12).normal(size=(80, 1))
    found = probability_of_backtest_overfitting(one * [1.0, 2.0, 0.5], blocks=4)
    np.testing.assert_array_equal(found.logits, np.zeros(6))  # rank 2 of 3
    assert found.probability == 1.0  # a logit of 0 counts as overfit
    assert (found.chosen == 0).all()


def test_strategies_that_never_move_have_a_sharpe_of_zero_and_are_counted() -> None:
    returns = np.random.default_rng(13).normal(size=(200, 3))
    returns[:, 1] = 1e-4  # interest on cash, no position
    returns[:100, 2] = 0.0  # no trade in the first half
    returns[:100, 0] -= 0.5
    found = probability_of_backtest_overfitting(returns, blocks=4)
    assert found.flat == 1
    assert (found.chosen[0], found.in_sample[0], found.out_of_sample[0]) == (1, 0.0, 0.0)  # nothing else but a loss
    assert "never move" in found._repr_html_()


def test_rows_that_do_not_fill_the_blocks_are_used() -> None:
    returns = np.random.default_rng(14).normal(size=(103, 6))
    returns[-1] = [9.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    moved = returns.copy()
    moved[-1, 0] = -9.0
    first, second = (probability_of_backtest_overfitting(panel, blocks=8) for panel in (returns, moved))
    assert not np.array_equal(first.in_sample, second.in_sample)


def test_a_lasting_edge_is_not_overfit_and_a_reversing_one_is() -> None:
    generator = np.random.default_rng(15)
    lasting, reversing = generator.normal(size=(2, 1_000, 30))
    lasting[:, 3] += 0.25
    reversing[:500, :15] += 0.3
    reversing[500:, :15] -= 0.3
    good = probability_of_backtest_overfitting(lasting, blocks=10)
    bad = probability_of_backtest_overfitting(reversing, blocks=2)
    assert good.probability == 0.0
    assert good.interval[0] == 0.0
    assert good.interval[1] < 0.45
    assert (good.chosen == 3).all()
    assert bad.probability == 1.0
    assert bad.slope != 0.0


def test_the_interval_covers_one_half_on_noise_though_the_probability_scatters() -> None:
    # the docstring's 89 to 94 %; a binomial interval over the splits would cover about 2 to 5 %
    found = [
        probability_of_backtest_overfitting(np.random.default_rng(seed).normal(size=(1_000, 20)), blocks=10)
        for seed in range(200)
    ]
    probabilities = np.array([result.probability for result in found])
    covered = np.mean([result.interval[0] <= 0.5 <= result.interval[1] for result in found])
    assert probabilities.mean() == pytest.approx(0.5, abs=0.04)
    assert probabilities.min() < 0.2 < 0.8 < probabilities.max()
    assert 0.86 <= covered <= 0.98
    assert all(result.interval[0] <= result.probability <= result.interval[1] for result in found)


def test_related_strategies_leave_fewer_effective_splits() -> None:
    generator = np.random.default_rng(16)
    different = generator.normal(size=(800, 60))
    related = generator.normal(size=(800, 3)) @ generator.normal(size=(3, 60))
    counts = [probability_of_backtest_overfitting(panel, blocks=12).effective_splits for panel in (different, related)]
    assert 1.0 <= counts[1] < counts[0] < 30.0


@pytest.mark.parametrize("blocks", [1, 0, 7, 22])
def test_impossible_numbers_of_blocks_are_refused(blocks: int) -> None:
    with pytest.raises(ConfigError, match="even number of blocks from 2 to 20"):
        probability_of_backtest_overfitting(np.zeros((100, 3)), blocks=blocks)


def test_panels_without_a_ranking_are_refused() -> None:
    returns = np.random.default_rng(17).normal(size=(40, 3))
    with pytest.raises(DataError, match="single surviving strategy has no rank"):
        probability_of_backtest_overfitting(returns[:, :1], blocks=4)
    with pytest.raises(DataError, match="at least 32 periods"):
        probability_of_backtest_overfitting(returns[:31], blocks=16)
    with pytest.raises(DataError, match="none of the 3 strategies"):
        probability_of_backtest_overfitting(returns * 0.0, blocks=4)
    with pytest.raises(DataError, match="best strategy never moves in any split"):
        probability_of_backtest_overfitting(np.abs(returns) * [-1.0, -1.0, 0.0], blocks=4)
    with pytest.raises(DataError, match="there is no slope"):
        probability_of_backtest_overfitting(np.tile([[1.0, 0.5], [2.0, -0.5]], (8, 1)), blocks=4)
    returns[7, 2] = np.nan
    with pytest.raises(DataError, match="strategy 2 has nan in row 7"):
        probability_of_backtest_overfitting(returns, blocks=4)
    with pytest.raises(DataError, match="a column a strategy"):
        probability_of_backtest_overfitting(returns[0], blocks=2)
