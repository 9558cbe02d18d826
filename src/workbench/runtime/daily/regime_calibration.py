"""The regime step of the daily run: Markov switching tested against EWMA, correlations and turbulence watched."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.rates import DailyRates
from workbench.domain.currencies import LEGS
from workbench.domain.tables import html_table, number, percent
from workbench.regimes import (
    Adoption,
    MarkovFit,
    MarkovParameters,
    RegimePath,
    StateLabels,
    fit_markov,
    regime_adoption,
    volatility_regime_path,
)
from workbench.risk.correlation import (
    BlockPlan,
    absorption_ratio,
    absorption_shift_threshold,
    block_bootstrap_threshold,
    breakdown_alarms,
    correlation_drift,
    correlation_path,
    next_day_turbulence_threshold,
    normal_correlation,
    standardised_shift,
    turbulence,
    turbulence_quantile_threshold,
)
from workbench.risk.volatility import DAILY_DECAY, NORMAL_WINDOW

Floats = NDArray[np.float64]

STATES = 3
CHALLENGER_STATES = 2
INDEX_NAME = "seven-leg index"
"""Mean log return of the seven legs: what the US dollar loses against them, the market all pairs share."""
THRESHOLD_LEVEL = 0.99
RECENT_DAYS = 60
"""Rows drawn for one bootstrap correlation matrix: about the memory of the EWMA correlation it is compared with."""
BOOTSTRAP_DRAWS = 400
LEAVE_SHARE, DWELL_DAYS = 0.8, 5
"""The alarm ends after five days under 80 % of its threshold."""


@dataclass(frozen=True, slots=True)
class CorrelationState:
    """Leg correlations now against normal, with the alarm thresholds that the calm past gives.

    `drift_path`, `turbulence_path` and `absorption_path` end on the as-of date; the drift is measured from today's
    normal. All thresholds are from block bootstraps of the normal window: `drift_threshold` and
    `absorption_threshold` 99 % quantiles, `turbulence_threshold` the upper bound of the 99 % quantile of the path,
    `turbulence_normal_threshold` the 99 % quantile of a day against the window's own estimates, as the engine reads it.
    """

    current: Floats
    normal: Floats
    mean_absolute: float
    drift: float
    drift_max: float
    drift_threshold: float
    moved_pairs: int
    drift_path: pd.Series
    turbulence_path: pd.Series
    turbulence_threshold: float
    turbulence_normal_threshold: float
    absorption_path: pd.Series
    absorption_shift_path: pd.Series
    absorption_threshold: float
    breakdown: bool

    def summary(self) -> dict[str, Any]:
        """The ``correlation`` part of summary.json."""
        return {
            "mean_absolute": self.mean_absolute,
            "drift": self.drift,
            "drift_max": self.drift_max,
            "drift_threshold": self.drift_threshold,
            "moved_pairs": self.moved_pairs,
            "turbulence": float(self.turbulence_path.iloc[-1]),
            "turbulence_threshold": self.turbulence_threshold,
            "turbulence_normal_threshold": self.turbulence_normal_threshold,
            "absorption_ratio": float(self.absorption_path.iloc[-1]),
            "absorption_shift": float(self.absorption_shift_path.iloc[-1]),
            "absorption_threshold": self.absorption_threshold,
            "breakdown": self.breakdown,
        }

    def _repr_html_(self) -> str:
        turbulence_now = float(self.turbulence_path.iloc[-1])
        rows = [
            ["mean absolute correlation of the legs", number(self.mean_absolute), "–"],
            ["mean absolute change from normal", number(self.drift), number(self.drift_threshold)],
            ["largest change of one pair of legs", number(self.drift_max), "–"],
            [
                "turbulence (about 7 on an ordinary day)",
                number(turbulence_now, ".1f"),
                number(self.turbulence_threshold, ".1f"),
            ],
            ["absorption ratio, one factor", number(float(self.absorption_path.iloc[-1])), "–"],
            [
                "its 15-day shift, deviations",
                number(float(self.absorption_shift_path.iloc[-1]), "+.2f"),
                number(self.absorption_threshold, "+.2f"),
            ],
        ]
        caption = f"Correlation: {'BREAKDOWN, above its threshold' if self.breakdown else 'no breakdown'}"
        return html_table(["measure", "now", "99 % threshold"], rows, caption=caption)


@dataclass(frozen=True)
class RegimeCalibration:
    """Everything the regime notebook shows and the calibration takes over."""

    rates: DailyRates
    index_returns: pd.Series
    fit: MarkovFit
    two_state_log_likelihood: float
    labels: StateLabels
    names: tuple[str, ...]
    adoption: Adoption
    fallback: RegimePath
    correlation: CorrelationState

    @property
    def model(self) -> str:
        """What carries the regime: the Markov model if adopted, else the volatility ratio."""
        return f"markov-{STATES}" if self.adoption.adopted else "volatility-ratio"

    @property
    def markov_state(self) -> tuple[str, float]:
        """Most probable Markov state of the last day and its filtered probability."""
        last = self.fit.filtered_probability[-1]
        state = int(np.argmax(last))
        return self.names[state], float(last[state])

    @property
    def state(self) -> tuple[str, float]:
        """Regime of the last day and its probability, from what carries the regime."""
        if self.adoption.adopted:
            return self.markov_state
        return self.fallback.now.name, self.fallback.now.probability

    @property
    def legs(self) -> tuple[str, ...]:
        """Names of the correlation axes."""
        return LEGS

    @property
    def ratio_series(self) -> pd.Series:
        """Volatility of the index over normal by day, oldest first."""
        return pd.Series(self.fallback.ratio, index=self.index_returns.index[self.fallback.first_row :])

    @property
    def volatility_ratio(self) -> float:
        """Current over normal volatility of the index."""
        return float(self.fallback.ratio[-1])

    def summary(self) -> dict[str, Any]:
        """The ``regime`` part of summary.json."""
        name, probability = self.state
        markov_name, markov_probability = self.markov_state
        test = self.adoption
        return {
            "model": self.model,
            "state": name,
            "probability": probability,
            "adopted": test.adopted,
            "reasons": list(test.reasons),
            "series": INDEX_NAME,
            "volatility_ratio": self.volatility_ratio,
            "markov": {
                "states": STATES,
                "state": markov_name,
                "probability": markov_probability,
                "log_likelihood": self.fit.log_likelihood,
                "log_likelihood_two_states": self.two_state_log_likelihood,
                "converged": self.fit.converged,
                "density_gain": test.density_gain,
                "t_statistic": test.t_statistic,
                "p_value": test.p_value,
                "auc": test.markov.auc,
                "auc_jump_model": test.jump.auc,
                "auc_ewma": test.ewma_auc,
                "switches_per_year": test.markov.switches_per_year,
                "mean_dwell_days": test.markov.mean_dwell_days,
                "crisis_share": test.markov.crisis_share,
            },
        }

    def _repr_html_(self) -> str:
        name, probability = self.state
        markov_name, markov_probability = self.markov_state
        rows = [
            ["carried by", self.model],
            ["regime", f"{name}, probability {percent(probability, 1)}"],
            ["Markov model says", f"{markov_name}, {percent(markov_probability, 1)}"],
            ["volatility over normal", number(self.volatility_ratio, ".2f")],
        ]
        verdict = "adopted" if self.adoption.adopted else "not adopted: it does not beat EWMA"
        return html_table(["regime", "now"], rows, caption=f"Regime of the {INDEX_NAME}; Markov model {verdict}")


def calibrate_regime(rates: DailyRates, *, labels: StateLabels | None, seed: int) -> RegimeCalibration:
    """Run the whole regime step.

    Parameters
    ----------
    rates : DailyRates
        Data up to the as-of date.
    labels : StateLabels, optional
        Frozen labels of the calibration before; None freezes new ones.
    seed : int
        Of the block bootstrap.

    Returns
    -------
    RegimeCalibration

    Raises
    ------
    DataError
        When the data is too short.
    """
    legs = rates.leg_log_returns()[list(LEGS)]
    index = legs.mean(axis=1).rename(INDEX_NAME)
    values = index.to_numpy()
    fit = fit_markov(values, states=STATES)
    frozen = labels if labels is not None else StateLabels.freeze(fit.parameters)
    return RegimeCalibration(
        rates=rates,
        index_returns=index,
        fit=fit,
        two_state_log_likelihood=fit_markov(values, states=CHALLENGER_STATES).log_likelihood,
        labels=frozen,
        names=frozen.match(fit.parameters).names,
        adoption=regime_adoption(values, index.index.to_numpy()),
        fallback=volatility_regime_path(values),
        correlation=correlation_state(legs, seed=seed),
    )


def correlation_state(legs: pd.DataFrame, *, seed: int) -> CorrelationState:
    """Correlations, turbulence and absorption of the legs, with thresholds from the normal window.

    Parameters
    ----------
    legs : DataFrame, shape (days, legs)
        Log returns, oldest first.
    seed : int
        Of the block bootstrap.

    Returns
    -------
    CorrelationState
    """
    values, days = legs.to_numpy(), legs.index
    path = correlation_path(values, decay=DAILY_DECAY)
    normal = normal_correlation(path)
    current = path[-1]
    drift = correlation_drift(path, normal)
    window = values[-NORMAL_WINDOW:]
    plan = BlockPlan(draws=BOOTSTRAP_DRAWS, length_days=RECENT_DAYS)
    generator = np.random.default_rng(seed)
    last = correlation_drift(current, normal)

    def drift_of(rows: Floats) -> float:
        return float(correlation_drift(correlation_path(rows)[-1], normal).mean_absolute_change)

    threshold = block_bootstrap_threshold(window, drift_of, generator=generator, level=THRESHOLD_LEVEL, plan=plan)
    turbulent = turbulence(values)
    absorbed = absorption_ratio(values)
    shift = standardised_shift(absorbed)
    alarms = breakdown_alarms(
        drift.mean_absolute_change,
        enter=threshold.threshold,
        leave=LEAVE_SHARE * threshold.threshold,
        dwell_days=DWELL_DAYS,
    )
    return CorrelationState(
        current=current,
        normal=normal,
        mean_absolute=float(last.mean_absolute),
        drift=float(last.mean_absolute_change),
        drift_max=float(last.largest_change),
        drift_threshold=threshold.threshold,
        moved_pairs=int(last.moved_pairs),
        drift_path=pd.Series(drift.mean_absolute_change, index=days[-len(drift.mean_absolute_change) :]),
        turbulence_path=pd.Series(turbulent, index=days[-len(turbulent) :]),
        turbulence_threshold=turbulence_quantile_threshold(turbulent[-NORMAL_WINDOW:], generator=generator),
        turbulence_normal_threshold=next_day_turbulence_threshold(window, generator=generator),
        absorption_path=pd.Series(absorbed, index=days[-len(absorbed) :]),
        absorption_shift_path=pd.Series(shift, index=days[-len(shift) :]),
        absorption_threshold=absorption_shift_threshold(window, generator=generator),
        breakdown=bool(alarms[-1]),
    )


def labels_from(parameters: Mapping[str, Any]) -> StateLabels:
    """Frozen labels as a calibration keeps them.

    Parameters
    ----------
    parameters : mapping
        ``regime.parameters`` of a calibration.

    Returns
    -------
    StateLabels
    """
    return StateLabels.from_dict(parameters["frozen_labels"])


def regime_parameters(regime: RegimeCalibration) -> dict[str, Any]:
    """What the calibration keeps of the regime model.

    Parameters
    ----------
    regime : RegimeCalibration
        Result of the step.

    Returns
    -------
    dict
        Markov parameters and the frozen labels, plain lists.
    """
    parameters: MarkovParameters = regime.fit.parameters
    return {"markov": parameters.to_dict(), "frozen_labels": regime.labels.to_dict(), "series": INDEX_NAME}
