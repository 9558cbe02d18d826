"""The regime step on a slice of real fixes: honest verdict, labels that last, blind to what comes after."""

import dataclasses
import json
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from workbench.data.rates import DailyRates
from workbench.domain.currencies import LEGS
from workbench.domain.errors import DataError
from workbench.regimes.volatility import REGIMES
from workbench.runtime.daily.regime_calibration import (
    RegimeCalibration,
    calibrate_regime,
    labels_from,
    regime_parameters,
)

AS_OF, EARLIER = "2026-06-30", "2026-05-29"


@pytest.fixture(scope="module")
def rates(ecb) -> DailyRates:
    """Six and a half years: 1,280 days before the first out-of-sample day and more than a year after it."""
    return DailyRates(ecb.leg_values.loc["2020-01-01":"2026-07-31"], "ECB")


@pytest.fixture(scope="module")
def regime(rates) -> RegimeCalibration:
    return calibrate_regime(rates.up_to(AS_OF), labels=None, seed=1)


@pytest.fixture(scope="module")
def earlier(rates) -> RegimeCalibration:
    return calibrate_regime(rates.up_to(EARLIER), labels=None, seed=1)


def text(regime: RegimeCalibration) -> str:
    return json.dumps(
        [regime.summary(), regime.correlation.summary(), regime_parameters(regime)], allow_nan=False, sort_keys=True
    )


def test_the_summary_has_what_is_promised_and_no_nan(regime):
    summary, correlation, _ = json.loads(text(regime))
    assert summary.keys() >= {"model", "state", "probability", "adopted", "reasons"}
    assert correlation.keys() >= {"mean_absolute", "drift_max"}
    assert 0 < summary["probability"] <= 1


def test_a_model_that_is_not_adopted_gives_way_to_the_volatility_ratio_with_reasons(regime):
    summary = regime.summary()
    assert not summary["adopted"]
    assert summary["model"] == "volatility-ratio"
    assert summary["reasons"]
    assert all(reason.endswith(".") for reason in summary["reasons"])
    assert (summary["state"], summary["probability"]) == (regime.fallback.now.name, regime.fallback.now.probability)
    assert summary["state"] in REGIMES
    assert "not adopted" in regime._repr_html_()


def test_an_adopted_model_carries_the_regime(regime):
    adopted = dataclasses.replace(regime, adoption=dataclasses.replace(regime.adoption, adopted=True))
    summary = adopted.summary()
    assert summary["model"] == "markov-3"
    assert (summary["state"], summary["probability"]) == regime.markov_state
    assert summary["state"] in regime.names
    assert "Markov model adopted" in adopted._repr_html_()


def test_the_markov_state_is_the_most_probable_one_by_the_filter(regime):
    name, probability = regime.markov_state
    last = regime.fit.filtered_probability[-1]
    assert probability == last.max()
    assert name == regime.names[int(last.argmax())]


def test_the_index_is_the_mean_of_the_seven_legs(regime):
    legs = regime.rates.leg_log_returns()
    assert list(legs.columns) == list(LEGS)
    assert np.allclose(regime.index_returns, legs.to_numpy().mean(axis=1), rtol=0, atol=1e-16)
    assert regime.index_returns.index[-1] == pd.Timestamp(AS_OF)


def test_three_states_are_never_less_likely_than_two(regime):
    assert regime.fit.log_likelihood >= regime.two_state_log_likelihood


def test_the_same_seed_gives_the_same_digits(rates, regime):
    assert text(calibrate_regime(rates.up_to(AS_OF), labels=None, seed=1)) == text(regime)


def test_another_seed_moves_the_bootstrap_thresholds_only(rates, regime):
    other = calibrate_regime(rates.up_to(AS_OF), labels=None, seed=2)
    assert other.summary() == regime.summary()
    ours, theirs = regime.correlation.summary(), other.correlation.summary()
    moved = {key for key in ours if ours[key] != theirs[key]}
    assert moved == {key for key in ours if key.endswith("_threshold")}
    assert theirs["drift_threshold"] == pytest.approx(ours["drift_threshold"], rel=0.2)


def test_labels_last_over_a_refit(rates, regime, earlier):
    kept = labels_from(json.loads(json.dumps(regime_parameters(earlier))))
    refit = calibrate_regime(rates.up_to(AS_OF), labels=kept, seed=1)
    assert regime_parameters(refit)["frozen_labels"] == regime_parameters(earlier)["frozen_labels"]
    assert regime_parameters(refit)["frozen_labels"] != regime_parameters(regime)["frozen_labels"]
    assert sorted(refit.names) == sorted(earlier.names)
    assert refit.fit.parameters.to_dict() == regime.fit.parameters.to_dict()


def test_frozen_labels_name_states_by_what_they_were_not_by_their_order(rates, earlier):
    kept = regime_parameters(earlier)["frozen_labels"]
    again = calibrate_regime(rates.up_to(EARLIER), labels=labels_from({"frozen_labels": kept}), seed=1)
    assert again.names == earlier.names
    assert text(again) == text(earlier)


def test_garbage_after_the_as_of_date_changes_not_one_digit(rates, regime):
    garbage = rates.leg_values.copy()
    garbage.loc[garbage.index > AS_OF] = 1e12
    assert text(calibrate_regime(DailyRates(garbage, "ECB").up_to(AS_OF), labels=None, seed=1)) == text(regime)


PATHS: dict[str, Callable[[RegimeCalibration], np.ndarray]] = {
    "turbulence": lambda one: one.correlation.turbulence_path.to_numpy(),
    "absorption": lambda one: one.correlation.absorption_path.to_numpy(),
    "volatility ratio": lambda one: one.fallback.ratio,
    "regime": lambda one: one.fallback.code,
    "probability": lambda one: one.fallback.probability,
}


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_a_path_seen_earlier_is_the_beginning_of_the_path_seen_later(regime, earlier, path):
    before, after = path(earlier), path(regime)
    assert before.size < after.size
    assert np.array_equal(before, after[: before.size])


def test_correlations_are_valid_and_the_figures_follow_from_them(regime):
    state = regime.correlation
    upper = np.triu_indices(len(LEGS), 1)
    for matrix in (state.current, state.normal):
        assert matrix.shape == (7, 7)
        assert np.allclose(matrix, matrix.T)
        assert np.allclose(np.diag(matrix), 1.0)
        assert np.linalg.eigvalsh(matrix)[0] > -1e-10
    moved = np.abs(state.current - state.normal)[upper]
    assert state.mean_absolute == pytest.approx(np.abs(state.current[upper]).mean())
    assert state.drift == pytest.approx(moved.mean())
    assert state.drift_max == pytest.approx(moved.max())
    assert state.drift_path.iloc[-1] == pytest.approx(state.drift)
    assert all(
        path.index[-1] == pd.Timestamp(AS_OF)
        for path in (state.drift_path, state.turbulence_path, state.absorption_path)
    )
    assert state.breakdown or state.drift < state.drift_threshold


@pytest.mark.parametrize(("days", "least"), [(2, 150), (300, 1536), (1536, 1536)])
def test_data_that_is_too_short_is_refused_with_what_is_needed(rates, days, least):
    short = DailyRates(rates.leg_values.iloc[:days], "ECB")
    with pytest.raises(DataError, match=f"needs at least {least} rows, got {days - 1}: use a longer history"):
        calibrate_regime(short, labels=None, seed=1)
