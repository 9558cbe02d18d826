"""One session of the daily run: what a notebook asks for in a cell, and what it leaves for the next step."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.data.book import read_book
from workbench.domain.book import Book, equal_risk_book
from workbench.domain.calibration import Calibration
from workbench.domain.currencies import LEGS, PAIRS
from workbench.domain.errors import ConfigError
from workbench.risk.models.garch_models import CONVERGED
from workbench.risk.volatility import DAILY_DECAY, ewma_volatility, normal_volatility
from workbench.runtime.calibrations import CalibrationRegistry
from workbench.runtime.calibrations.proposal import CALIBRATED, candidate_of, read_results
from workbench.runtime.crises.running import validate_stress
from workbench.runtime.crises.validation import InForce, StressOrder, StressValidation
from workbench.runtime.daily.forecast_store import ForecastStore
from workbench.runtime.daily.regime_calibration import (
    RegimeCalibration,
    calibrate_regime,
    labels_from,
    regime_parameters,
)
from workbench.runtime.daily.risk_calibration import RaceSettings, RiskCalibration, calibrate_risk
from workbench.runtime.session import Session
from workbench.runtime.weekly.registry import StrategySetRegistry

DEFAULT_GROSS = 0.5
"""Gross exposure of the default book over equity: small enough that its VaR 95 % lies under the first rung."""


@dataclass
class DailySession(Session):
    """What the notebooks of the daily run call."""

    def book(self, book_file: str, equity: float) -> Book:
        """The user's book, or the default one: long all pairs, equal stand-alone volatility.

        Parameters
        ----------
        book_file : str
            CSV with the columns pair, units; empty asks for the default book.
        equity : float
            US dollars.

        Returns
        -------
        Book
        """
        if book_file:
            return read_book(Path(book_file), equity=equity)
        returns = self.rates.pair_simple_returns()
        normal = normal_volatility(ewma_volatility(returns.to_numpy()))
        volatility = dict(zip(PAIRS, normal.tolist(), strict=True))
        return equal_risk_book(volatility, self.rates.last_values(), equity=equity, gross=DEFAULT_GROSS)

    def calibrate_risk(
        self, *, book_file: str = "", equity: float = 1e6, race_start: str = "2005-01-03", race_pairs: int = len(PAIRS)
    ) -> RiskCalibration:
        """Race the VaR models for the book and the pairs.

        Parameters
        ----------
        book_file : str
            As in `book`.
        equity : float
            US dollars.
        race_start : str
            First day forecast, ISO date.
        race_pairs : int
            How many pairs, in the order of the universe, are forecast beside the book.

        Returns
        -------
        RiskCalibration

        Raises
        ------
        ConfigError
            When the number of pairs is out of range.
        """
        if not 0 <= race_pairs <= len(PAIRS):
            raise ConfigError(f"race_pairs must lie between 0 and {len(PAIRS)}, got {race_pairs}")
        gates = self.policy.calibration
        settings = RaceSettings(race_start, PAIRS[:race_pairs], gates.backtest_days, 1 - gates.model_confidence_set)
        store = ForecastStore(self.home / "forecasts")
        risk = calibrate_risk(self.rates, self.book(book_file, equity), settings, store, self.progress)
        self.keep("value_at_risk", risk_result(risk))
        return risk

    def calibrate_regime(self, *, seed: int = 0) -> RegimeCalibration:
        """Fit and judge the regime model, watch correlations.

        Parameters
        ----------
        seed : int
            Of the block bootstrap.

        Returns
        -------
        RegimeCalibration
        """
        before = CalibrationRegistry(self.home).predecessor(self.rates.as_of)
        labels = labels_from(before.regime.parameters) if before else None
        regime = calibrate_regime(self.rates, labels=labels, seed=seed)
        self.keep("regime", regime_result(regime))
        return regime

    def candidate(self) -> Calibration | None:
        """The calibration the steps before have made, or the one in force where they have not run.

        Returns
        -------
        Calibration or None
            None on the first day without either.
        """
        if all((self.folder / "results" / f"{name}.json").is_file() for name in CALIBRATED):
            return candidate_of(read_results(self.folder, CALIBRATED), self.policy, datetime.now(UTC))
        return CalibrationRegistry(self.home).predecessor(self.rates.as_of)

    def validate_stress(
        self, *, book_file: str = "", equity: float = 1e6, paths: int = 10_000, days: int = 250, seed: int = 0
    ) -> StressValidation:
        """Run every scenario with today's book and the reference book, and judge the candidate.

        Parameters
        ----------
        book_file : str
            As in `book`.
        equity : float
            US dollars.
        paths, days, seed : int
            Of the Monte Carlo, all models together.

        Returns
        -------
        StressValidation
        """
        book = self.book(book_file, equity)
        in_force = InForce(self.candidate(), StrategySetRegistry(self.home).adopted())
        order = StressOrder(paths=paths, days=days, seed=seed)
        found = validate_stress(
            self.rates,
            self.policy,
            book,
            in_force=in_force,
            order=order,
            tell=self.progress,
        )
        self.keep("stress", found.summary())
        return found


def risk_result(risk: RiskCalibration) -> dict[str, Any]:
    """What the VaR step leaves behind.

    Parameters
    ----------
    risk : RiskCalibration
        Result of the step.

    Returns
    -------
    dict
        ``summary``, ``gates``, and the ``calibration`` parts that come from it.
    """
    champion = risk.race.champion
    unconverged = [f"GARCH of {leg}" for leg, state in risk.legs.items() if not state.garch.converged]
    for key, rows in risk.forecasts.estimates.items():
        if champion.name.startswith(key) and key.startswith(("garch", "gjr")) and not rows[-1][CONVERGED]:
            unconverged.append(f"{key} of the book")
    return {
        "summary": risk.summary(),
        "gates": {
            "recent": {f"{c:g}": asdict(check) for c, check in champion.recent.items()},
            "coverage": {f"{c:g}": asdict(check) for c, check in champion.coverage.items()},
            "members": [score.name for score in risk.race.scores if score.in_mcs],
            "shortfall_p": champion.shortfall.p,
            "unconverged": unconverged,
        },
        "calibration": {
            "legs": {
                leg: {
                    "ewma_lambda": DAILY_DECAY,
                    "volatility_daily": state.current,
                    "normal_volatility_daily": state.normal,
                    "garch": state.garch.parameters,
                }
                for leg, state in risk.legs.items()
            },
            "residual_quantiles": {
                level: {"quantile": quantile, "expected_shortfall": shortfall}
                for level, (quantile, shortfall) in risk.residual_quantiles.items()
            },
        },
    }


def regime_result(regime: RegimeCalibration) -> dict[str, Any]:
    """What the regime step leaves behind.

    Parameters
    ----------
    regime : RegimeCalibration
        Result of the step.

    Returns
    -------
    dict
        ``summary``, ``correlation``, ``gates``, and the ``calibration`` parts that come from it.
    """
    state = regime.correlation
    return {
        "summary": regime.summary(),
        "correlation": state.summary(),
        "gates": {"unconverged": [] if regime.fit.converged or not regime.adoption.adopted else ["Markov model"]},
        "calibration": {
            "legs": list(LEGS),
            "normal_correlation": state.normal.tolist(),
            "current_correlation": state.current.tolist(),
            "regime": {
                "model": regime.model,
                "parameters": regime_parameters(regime),
                "labels": list(regime.names),
                "adopted": regime.adoption.adopted,
                "reasons": list(regime.adoption.reasons),
            },
        },
    }
