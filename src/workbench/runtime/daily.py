"""One session of the daily run: what a notebook asks for in a cell, and what it leaves for the next step."""

import io
import json
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from workbench.data.book import read_book
from workbench.data.files import write_atomically
from workbench.data.quality import AcceptanceLog, QualityLimits, QualityReport, quality_report
from workbench.data.rates import DailyRates
from workbench.data.store import Store
from workbench.domain.book import Book, equal_risk_book
from workbench.domain.currencies import LEGS, PAIRS
from workbench.domain.errors import ConfigError
from workbench.domain.policy import Policy
from workbench.risk.models.garch_models import CONVERGED
from workbench.risk.volatility import DAILY_DECAY, ewma_volatility, normal_volatility
from workbench.runtime.calibrations import CalibrationRegistry
from workbench.runtime.forecast_store import ForecastStore
from workbench.runtime.regime_calibration import (
    RegimeCalibration,
    calibrate_regime,
    labels_from,
    regime_parameters,
)
from workbench.runtime.risk_calibration import RaceSettings, RiskCalibration, calibrate_risk

DEFAULT_GROSS = 0.5
"""Gross exposure of the default book over equity: small enough that its VaR 95 % lies under the first rung."""
PROGRESS_EVERY = 0.2
DOTS_PER_INCH, SHOWN_PER_INCH = 130, 80
"""Pictures are drawn finer than they are shown, for sharp screens."""


class Figure(Protocol):
    """What `DailySession.show` needs of a picture."""

    def savefig(self, fname: Any, **options: Any) -> None:
        """Write the picture to a file."""
        ...


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as a notebook shows it."""

    name: str
    png: bytes = field(repr=False)

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """The picture, and its width on the page."""
        return self.png, {"width": int.from_bytes(self.png[16:20], "big") * SHOWN_PER_INCH // DOTS_PER_INCH}


@dataclass
class DailySession:
    """Data up to the as-of date, the policy, and the folder results go to."""

    rates: DailyRates
    policy: Policy
    home: Path
    folder: Path
    _told: float = field(default=0.0, repr=False)

    def keep(self, name: str, result: dict[str, Any]) -> None:
        """Leave a result for later steps.

        Parameters
        ----------
        name : str
            Of the step.
        result : dict
            Plain JSON.
        """
        write_atomically(self.folder / "results" / f"{name}.json", as_json(result))

    def show(self, name: str, figure: Figure) -> "Picture":
        """Draw a picture once: for the report, and for the notebook.

        Parameters
        ----------
        name : str
            File name without ending.
        figure : Figure
            A matplotlib figure.

        Returns
        -------
        Picture
            What the notebook shows.
        """
        drawn = io.BytesIO()
        figure.savefig(drawn, format="png", dpi=DOTS_PER_INCH)
        picture = Picture(name, drawn.getvalue())
        write_atomically(self.folder / "figures" / f"{name}.png", picture.png)
        return picture

    def progress(self, what: str, done: int, total: int) -> None:
        """Tell the runner how far a long computation is.

        Parameters
        ----------
        what : str
            What is being computed.
        done, total : int
            Units of work.
        """
        now = time.monotonic()
        if now - self._told > PROGRESS_EVERY or done >= total:
            self._told = now
            note = json.dumps({"what": what, "done": done, "total": total})
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / "progress.json").write_text(note, encoding="utf-8")

    def check_data(self, *, accepted_by: str = "") -> QualityReport:
        """Judge the data; with a name, accept on the record what is flagged.

        Parameters
        ----------
        accepted_by : str
            Person who accepts the open flags; empty accepts nothing.

        Returns
        -------
        QualityReport
        """
        limits = QualityLimits(
            capture_rate=self.policy.calibration.minimum_intraday_capture,
            recent_days=self.policy.calibration.flagged_window_days,
        )
        log, store = AcceptanceLog(self.home / "acceptances.jsonl"), Store(self.home / "market")
        report = quality_report(self.rates, store=store, acceptances=log, limits=limits)
        if accepted_by:
            log.record(report.findings, who=accepted_by, when=datetime.now(UTC))
            report = quality_report(self.rates, store=store, acceptances=log, limits=limits)
        self.keep("data_quality", quality_result(report, self.rates))
        return report

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


def as_json(content: dict[str, Any]) -> bytes:
    """Readable, sorted JSON with all digits and no NaN.

    Parameters
    ----------
    content : dict
        Plain JSON.

    Returns
    -------
    bytes
        UTF-8.
    """
    return (json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()


def quality_result(report: QualityReport, rates: DailyRates) -> dict[str, Any]:
    """What the data step leaves behind.

    Parameters
    ----------
    report : QualityReport
        Of the data.
    rates : DailyRates
        The data.

    Returns
    -------
    dict
        ``summary`` for summary.json, ``gates`` for the decision.
    """
    flagged = report.flagged()
    refusals = [finding.reason for finding in report.findings if finding.severity == "refusal"]
    crooked = [f"{', '.join(check.pairs)} do not multiply out" for check in report.triangles if not check.holds]
    return {
        "summary": {
            "pairs": len(PAIRS),
            "days": len(rates),
            "first": rates.dates[0].date().isoformat(),
            "last": rates.as_of.isoformat(),
            "source": rates.source,
            "capture_rate": report.capture_rate,
            "flagged": flagged,
            "extremes": len(report.extremes),
            "passed": report.gate.passed,
            "reasons": list(report.gate.reasons),
            "content_hash": rates.content_hash,
        },
        "gates": {
            "coverage": min(one.capture_rate for one in report.series if one.timeframe == "fix"),
            "captured": {
                f"{one.pair} {one.timeframe}": one.capture_rate for one in report.series if one.timeframe != "fix"
            },
            "unaccepted": [
                [flag["pair"], flag["date"], flag["reason"]]
                for flag in flagged
                if flag["date"] and not flag["accepted"]
            ],
            "refusals": refusals + crooked,
        },
    }


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
