"""Walk-forward: choices see only their training, purge and embargo hold, and the stitched line is what was traded."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from workbench.domain.errors import ConfigError, DataError
from workbench.research import Schedule, noise_panel, plant_edge, walk_forward
from workbench.research.walk_forward import Group, choose

SHORT = Schedule(12, 6, 6, embargo_marks=5)


def panel(seed=0, days=1_600, trials=24):
    return noise_panel(np.random.default_rng(seed), days=days, trials=trials)


def test_windows_of_27_years_are_50_of_36_and_6_months():
    index = pd.bdate_range("1999-01-04", "2026-10-30")
    windows = Schedule().windows(index)
    assert len(windows) == 50
    for before, after in pairwise(windows):
        assert before.test_end == after.test_start
    for one in windows:
        assert one.start < one.train_end == one.test_start - 5 < one.test_end
    first = windows[0]
    assert index[first.test_start] == pd.Timestamp("2002-01-04")


def test_garbage_after_a_training_window_changes_no_choice_and_no_earlier_return():
    returns = panel()
    clean = walk_forward(returns, schedule=SHORT)
    for number in (0, 2, 5):
        window = clean.windows[number]
        dirty = returns.copy()
        dirty.iloc[window.train_end :] = np.random.default_rng(9).normal(0, 1.0, dirty.iloc[window.train_end :].shape)
        again = walk_forward(dirty, schedule=SHORT)
        assert np.array_equal(clean.chosen[: number + 1], again.chosen[: number + 1])
        assert np.array_equal(clean.train_sharpe[: number + 1], again.train_sharpe[: number + 1])
        until = returns.index[window.train_end]
        pd.testing.assert_series_equal(clean.stitched[: until - pd.Timedelta(days=1)],
                                       again.stitched[: until - pd.Timedelta(days=1)])  # fmt: skip


def test_the_stitched_line_is_the_weighted_sum_of_the_chosen_in_their_tests():
    returns, weights = panel(1), (0.5, 0.3)
    walked = walk_forward(returns, schedule=SHORT, weights=weights)
    for number, window in enumerate(walked.windows):
        rows = returns.iloc[window.test_start : window.test_end]
        expected = sum(
            weight * rows.iloc[:, column]
            for weight, column in zip(weights, walked.chosen[number], strict=True)
            if column >= 0
        )
        np.testing.assert_allclose(walked.stitched[rows.index], expected, rtol=0, atol=1e-15)


def test_training_sharpe_is_that_of_the_training_rows():
    returns = panel(2)
    walked = walk_forward(returns, schedule=SHORT)
    window = walked.windows[3]
    rows = returns.iloc[window.start : window.train_end]
    np.testing.assert_allclose(walked.train_sharpe[3], rows.mean() / rows.std(ddof=1), rtol=1e-9)
    tested = returns.iloc[window.test_start : window.test_end]
    np.testing.assert_allclose(walked.test_return[3], tested.sum(), rtol=0, atol=1e-12)


def test_a_trade_open_at_the_end_of_training_does_not_count_from_its_entry():
    returns = panel(3)
    window = SHORT.windows(pd.DatetimeIndex(returns.index))[0]
    since = np.tile(np.arange(1, len(returns) + 1)[:, None], returns.shape[1])
    entry = window.train_end - 40
    since[entry:, 0] = entry
    loud = returns.copy()
    loud.iloc[entry : window.train_end, 0] = 0.5
    plain, purged = (walk_forward(loud, schedule=SHORT, open_since=one) for one in (None, since))
    assert plain.chosen[0, 0] == 0
    rows = returns.iloc[window.start : entry, 0]
    assert purged.train_sharpe[0, 0] == pytest.approx(rows.mean() / rows.std(ddof=1), rel=1e-9)
    assert purged.train_sharpe[0, 0] < plain.train_sharpe[0, 0] / 5


def test_a_planted_edge_is_found_and_noise_has_no_memory():
    edge = plant_edge(panel(4, 3_000), [3, 11], sharpe_annual=3.0)
    walked = walk_forward(edge, weights=(0.5, 0.5))
    found = [set(row) == {3, 11} for row in walked.chosen]
    assert np.mean(found) > 0.8 and walked.sharpe > 2.0
    ranks = [walk_forward(panel(seed), schedule=SHORT).correlation_of_ranks for seed in range(30)]
    assert abs(np.mean(ranks)) < 0.05


def test_alike_series_and_full_groups_are_passed_over():
    generator = np.random.default_rng(5)
    one, other = generator.normal(size=(2, 500))
    returns = np.column_stack([one, 2.0 * one + 0.01 * other, other, np.zeros(500)])
    score = np.array([1.0, 3.0, 2.0, 9.0])
    assert choose(returns, score, 4, 0.7).tolist() == [1, 2]
    assert choose(returns, score, 4, 0.7, [Group(("a", "b", "b", "c"), 1)]).tolist() == [1]
    assert choose(returns, -score, 4, 0.7).tolist() == []


def test_share_of_windows_counts_only_windows_with_a_trade():
    returns = panel(6)
    returns.iloc[:, 0] = 0.0
    returns.iloc[-60:, 0] = 0.001 + returns.iloc[-60:, 1] * 1e-3
    walked = walk_forward(returns, schedule=SHORT)
    assert walked.positive_share.iloc[0] == 1.0
    returns.iloc[:, 0] = 0.0
    assert walk_forward(returns, schedule=SHORT).positive_share.iloc[0] == 0.0


def test_too_little_history_is_refused_with_the_months_there_are():
    with pytest.raises(DataError, match=r"36 months of training and 6 of test were asked for, there are 10.9 months"):
        walk_forward(panel(days=240))


def test_what_is_not_finite_or_has_no_time_is_refused():
    returns = panel()
    returns.iloc[77, 3] = np.nan
    with pytest.raises(DataError, match="synthetic 003 at 2000-04-19"):
        walk_forward(returns)
    with pytest.raises(DataError, match="indexed by rising times"):
        walk_forward(panel().reset_index(drop=True))
    with pytest.raises(DataError, match="series ≥ 1"):
        walk_forward(panel().iloc[:, :0])


@pytest.mark.parametrize(
    ("lengths", "sentence"),
    [
        ((0, 6, 6), "train_months must be at least 1"),
        ((36, 6, 3), "a day is traded once"),
        ((36, 6, 6, -1), "embargo_marks must be at least 0"),
    ],
)
def test_schedules_that_cannot_be_are_refused(lengths, sentence):
    with pytest.raises(ConfigError, match=sentence):
        Schedule(*lengths)
