"""Path models: every input that is no model is refused with its sentence."""

import numpy as np
import pytest

from workbench.domain.errors import ConfigError, DataError
from workbench.stress.paths import (
    BlockBootstrap,
    GarchT,
    JumpDiffusion,
    RegimeSwitching,
    jump_diffusion_of,
    regime_switching_of,
)

ONES = np.ones(7)
HISTORY = np.random.default_rng(1).normal(size=(30, 7)) * 0.005


def garch(**changes):
    usual = {"omega": 1e-6 * ONES, "alpha": 0.05 * ONES, "beta": 0.85 * ONES, "degrees": 5.0, "variance": 1e-5 * ONES,
             "correlation": np.eye(7)}  # fmt: skip
    return GarchT(**usual | changes)


def jumps(**changes):
    usual = {"covariance": np.eye(7) * 1e-5, "intensity": 0.1, "jump_covariance": np.eye(7) * 1e-4}
    return JumpDiffusion(**usual | changes)


def regimes(**changes):
    usual = {"transition": np.array([[0.97, 0.03], [0.1, 0.9]]), "initial": np.array([0.2, 0.8]),
             "covariances": np.stack([np.eye(7) * 1e-5, np.eye(7) * 1e-4])}  # fmt: skip
    return RegimeSwitching(**usual | changes)


@pytest.mark.parametrize("build", [lambda: BlockBootstrap(HISTORY), garch, jumps, regimes])
@pytest.mark.parametrize("size", [(0, 5), (5, 0), (-1, 5)])
def test_nothing_to_draw_is_refused(build, size):
    with pytest.raises(ConfigError, match="at least one path of one day"):
        build().returns(np.random.default_rng(0), *size)


NOT_FINITE, SHORT = np.where(np.arange(7) == 2, np.nan, 0.01), np.ones(6)
LOPSIDED, NEGATIVE = np.eye(7) + np.triu(np.ones((7, 7)), 1), np.eye(7) - 0.5
BAD_HISTORIES = [
    (np.zeros(7), r"axes \(days, 7 legs\), got shape \(7,\)"),
    (np.zeros((30, 6)), r"axes \(days, 7 legs\), got shape \(30, 6\)"),
    (np.zeros((1, 7)), "needs at least . days, got 1"),
    (np.tile(NOT_FINITE, (30, 1)), "must be finite, row 0"),
    (np.full((30, 7), -1.0), "simple returns above -1, row 0"),
]


@pytest.mark.parametrize(("history", "sentence"), BAD_HISTORIES)
@pytest.mark.parametrize("build", [BlockBootstrap, jump_diffusion_of, lambda rows: regime_switching_of(None, rows)])
def test_a_malformed_history_is_refused(build, history, sentence):
    with pytest.raises(DataError, match=sentence):
        build(history)


@pytest.mark.parametrize("mean_block", [0.5, -1.0, np.nan, np.inf])
def test_a_block_shorter_than_a_day_is_refused(mean_block):
    with pytest.raises(ConfigError, match="mean block must be a finite number of days of at least 1"):
        BlockBootstrap(HISTORY, mean_block)


@pytest.mark.parametrize("name", ["omega", "alpha", "beta", "variance"])
@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (SHORT, r"one number for each of the 7 legs, got shape \(6,\)"),
        (NOT_FINITE, "finite and at least 0 for each"),
        (-ONES, "finite and at least 0 for each"),
    ],
)
def test_numbers_that_are_not_for_seven_legs_are_refused(name, values, sentence):
    with pytest.raises(DataError, match=f"{name} must .*{sentence}"):
        garch(**{name: values})


@pytest.mark.parametrize("degrees", [2.0, 1.0, np.nan, np.inf])
def test_a_student_t_without_variance_is_refused(degrees):
    with pytest.raises(ConfigError, match="degrees of freedom must be finite and above 2"):
        garch(degrees=degrees)


def test_a_garch_that_explodes_stands_still_or_does_not_correlate_is_refused():
    with pytest.raises(DataError, match=r"must not exceed 1 or it explodes, NZD has 1\.01"):
        garch(alpha=np.where(np.arange(7) == 6, 0.16, 0.05))
    with pytest.raises(DataError, match="variance must be positive"):
        garch(variance=np.zeros(7))
    with pytest.raises(DataError, match="correlation must have ones on its diagonal"):
        garch(correlation=2.0 * np.eye(7))


@pytest.mark.parametrize("intensity", [-0.1, np.nan, np.inf, 1e9])
def test_an_intensity_that_is_no_rate_is_refused(intensity):
    with pytest.raises(ConfigError, match="intensity must be between 0 and 1000 jumps a day"):
        jumps(intensity=intensity)


@pytest.mark.parametrize(
    ("matrix", "sentence"),
    [
        (np.eye(6), r"7 × 7, one axis of legs each, got shape \(6, 6\)"),
        (np.full((7, 7), np.inf), "must be finite"),
        (LOPSIDED, "must be symmetric"),
        (NEGATIVE, "must be positive semi-definite, its smallest eigenvalue is -2.5"),
    ],
)
def test_a_matrix_that_is_no_covariance_is_refused(matrix, sentence):
    for build in (
        lambda: jumps(covariance=matrix),
        lambda: jumps(jump_covariance=matrix),
        lambda: garch(correlation=matrix),
        lambda: regimes(covariances=np.stack([matrix, matrix])),
    ):
        with pytest.raises(DataError, match=sentence):
            build()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"covariances": np.eye(7)}, r"axes \(states, 7, 7\), got shape \(7, 7\)"),
        ({"covariances": np.empty((0, 7, 7))}, r"axes \(states, 7, 7\), got shape \(0, 7, 7\)"),
        ({"transition": np.eye(3)}, r"expected 2 states, got transition \(3, 3\)"),
        ({"initial": np.array([1.0])}, r"expected 2 states, got transition \(2, 2\) and initial \(1,\)"),
        ({"transition": np.array([[0.9, 0.2], [0.1, 0.9]])}, "rows of transition must be probabilities"),
        ({"transition": np.array([[1.1, -0.1], [0.1, 0.9]])}, "rows of transition must be probabilities"),
        ({"initial": np.array([np.nan, 1.0])}, "rows of initial must be probabilities"),
    ],
)
def test_a_chain_that_is_none_is_refused(changes, sentence):
    with pytest.raises(DataError, match=sentence):
        regimes(**changes)
