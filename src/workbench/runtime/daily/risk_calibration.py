"""The VaR step of the daily run: forecasts of every series, the race for the book, the numbers of the calibration."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.rates import DailyRates
from workbench.domain.book import Book
from workbench.domain.currencies import LEGS, pair_leg_matrix
from workbench.domain.errors import DataError
from workbench.domain.tables import html_table, number, percent
from workbench.risk.champion import ChampionTests, champion_tests
from workbench.risk.contributions import Contributions, component_expected_shortfall, component_var
from workbench.risk.models import CONFIDENCES
from workbench.risk.models.garch import GarchFit, fit_garch
from workbench.risk.race import Race, fz0_of, run_race
from workbench.risk.rolling import RollingForecasts
from workbench.risk.volatility import DAILY_DECAY, ewma_covariance, ewma_volatility, normal_volatility
from workbench.runtime.daily.forecast_store import (
    ForecastStore,
    Progress,
    merged_counts,
    race_schedule,
    series_forecasts,
)
from workbench.runtime.daily.risk_rows import backtest_row, race_row

Floats = NDArray[np.float64]

LEG_GARCH_DAYS = 1000
DAYS_PER_YEAR = 256  # ECB fixes: 7,125 returns in 27.8 years
FLAT = 1e-12
"""Exposure to every leg, as a share of gross, under which positions cancel out but for rounding."""


@dataclass(frozen=True, slots=True)
class RaceSettings:
    """How the race is run; the limits come from the policy."""

    start: str
    pairs: tuple[str, ...]
    recent_days: int
    mcs_size: float
    seed: int = 0


@dataclass(frozen=True, slots=True)
class LegVolatility:
    """Volatility state of one leg, daily fractions."""

    current: float
    normal: float
    garch: GarchFit

    @property
    def ratio(self) -> float:
        """Current over normal volatility."""
        return self.current / self.normal


@dataclass(frozen=True, slots=True)
class PairLine:
    """One pair: its own champion by mean loss and how that one did in the last days."""

    pair: str
    champion: str
    value_at_risk_99: float
    exceedances: int
    days: int


@dataclass(frozen=True)
class RiskCalibration:
    """Everything the VaR notebook shows and the calibration takes over; VaR and ES are positive loss fractions."""

    rates: DailyRates
    book: Book
    race: Race
    forecasts: RollingForecasts
    legs: dict[str, LegVolatility]
    pair_lines: tuple[PairLine, ...]
    contributions: Contributions
    covariance: Floats
    volatility_ratio: float
    champion_tests: ChampionTests
    component_shortfall: Floats
    cold_starts: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def dates(self) -> pd.DatetimeIndex:
        """Days of the realised returns of the race, oldest first."""
        return pd.DatetimeIndex(self.rates.dates[1:][self.forecasts.schedule.first :])

    def next_day(self, confidence: float) -> tuple[float, float]:
        """VaR and ES of the champion for the next day.

        Parameters
        ----------
        confidence : float
            A forecast level.

        Returns
        -------
        tuple of float
            Positive loss fractions.
        """
        value_at_risk, shortfall = self.forecasts.of(self.race.champion.name, confidence)
        return float(value_at_risk[-1]), float(shortfall[-1])

    def path(self, confidence: float) -> pd.DataFrame:
        """Realised returns of the book beside the champion's forecasts.

        Parameters
        ----------
        confidence : float
            A forecast level.

        Returns
        -------
        DataFrame, shape (days, 3)
            ``return``, ``value_at_risk``, ``expected_shortfall`` by day, oldest first.
        """
        value_at_risk, shortfall = self.forecasts.of(self.race.champion.name, confidence)
        columns = {
            "return": self.forecasts.realised,
            "value_at_risk": value_at_risk[:-1],
            "expected_shortfall": shortfall[:-1],
        }
        return pd.DataFrame(columns, index=self.dates)

    @property
    def book_garch(self) -> GarchFit:
        """GARCH-t of the book over the last 1,000 days, for the eye; the race has its own fits."""
        return fit_garch(self.forecasts.returns[-LEG_GARCH_DAYS:], distribution="t")

    @property
    def volatility_frame(self) -> pd.DataFrame:
        """Annualised volatility of the book, GARCH-t and EWMA, over the last 1,000 days."""
        days = self.rates.dates[1:][-LEG_GARCH_DAYS:]
        columns = {
            "GARCH-t": self.book_garch.conditional_volatility,
            "EWMA 0.94": ewma_volatility(self.forecasts.returns)[:-1][-LEG_GARCH_DAYS:],
        }
        scale = float(np.sqrt(DAYS_PER_YEAR))
        return pd.DataFrame({name: scale * daily for name, daily in columns.items()}, index=days)

    @property
    def standardised_residuals(self) -> Floats:
        """Returns of the book over their EWMA volatility, last 1,000 days."""
        volatility = ewma_volatility(self.forecasts.returns)[:-1]
        return self.forecasts.returns[-LEG_GARCH_DAYS:] / volatility[-LEG_GARCH_DAYS:]

    @property
    def contribution_frame(self) -> pd.DataFrame:
        """Component VaR 99 % and historical component shortfall 97.5 % by pair, share of equity, largest VaR first."""
        columns = {"component_99": self.contributions.component, "component_shortfall_975": self.component_shortfall}
        return pd.DataFrame(columns, index=list(self.book.pairs)).sort_values("component_99", ascending=False)

    @property
    def race_frame(self) -> pd.DataFrame:
        """The race as a table, one row a model, best first."""
        return pd.DataFrame([race_row(score) for score in self.race.scores]).set_index("model")

    @property
    def portfolio_volatility(self) -> float:
        """EWMA volatility of the book for the next day."""
        return float(ewma_volatility(self.forecasts.returns)[-1])

    @property
    def residual_quantiles(self) -> dict[str, tuple[float, float]]:
        """Level → champion's VaR and ES in units of the book's EWMA volatility: what a live VaR multiplies."""
        scale = self.portfolio_volatility
        return {
            f"{confidence:g}": (self.next_day(confidence)[0] / scale, self.next_day(confidence)[1] / scale)
            for confidence in CONFIDENCES
        }

    def summary(self) -> dict[str, Any]:
        """The ``value_at_risk`` part of summary.json."""
        return {
            "champion": self.race.champion.name,
            "confidence": 0.99,
            "book": self.book.name,
            "equity": self.book.equity,
            "portfolio_95": self.next_day(0.95)[0],
            "portfolio_99": self.next_day(0.99)[0],
            "expected_shortfall_975": self.next_day(0.975)[1],
            "volatility_ratio": self.volatility_ratio,
            "days": self.race.days,
            "race": [race_row(score) for score in self.race.scores],
            "refused": self.race.refused,
            "champion_tests": [backtest_row(line) for line in self.champion_tests],
            "positions": [
                {"pair": pair, "units": self.book.units[pair], **self.contribution_frame.loc[pair].to_dict()}
                for pair in self.book.pairs
            ],
            "pairs": [asdict(line) for line in self.pair_lines],
            "cold_starts": self.cold_starts,
        }

    def _repr_html_(self) -> str:
        champion = self.race.champion
        rows = [
            ["VaR 95 %", percent(self.next_day(0.95)[0], 3)],
            ["VaR 99 %", percent(self.next_day(0.99)[0], 3)],
            ["Expected shortfall 97.5 %", percent(self.next_day(0.975)[1], 3)],
            ["EWMA volatility of the book", percent(self.portfolio_volatility, 3)],
            ["Volatility over normal", number(self.volatility_ratio, ".2f")],
        ]
        caption = f"Next day, {self.book.name} book, share of equity; champion {champion.title}"
        return html_table(["measure", "value"], rows, caption=caption)


def calibrate_risk(
    rates: DailyRates, book: Book, settings: RaceSettings, store: ForecastStore, progress: Progress
) -> RiskCalibration:
    """Run the whole VaR step.

    Parameters
    ----------
    rates : DailyRates
        Data up to the as-of date; nothing later exists here.
    book : Book
        Positions the portfolio figures are for.
    settings : RaceSettings
        Start of the race, pairs, limits.
    store : ForecastStore
        Forecasts of earlier runs.
    progress : callable
        Called with (what, done, total).

    Returns
    -------
    RiskCalibration

    Raises
    ------
    DataError
        When the book holds nothing, its positions cancel out, or the data is too short.
    """
    exposure, weights = book.leg_weights(rates.last_values()), book.pair_weights(rates.last_values())
    if not book.pairs:
        raise DataError(f"the {book.name} book holds no position: nothing to calibrate a VaR for")
    if np.abs(exposure).max() <= FLAT * np.abs(weights).sum():
        raise DataError(f"the positions of the {book.name} book cancel out in every currency: it has no risk to race")
    leg_returns = rates.leg_simple_returns()[list(LEGS)].to_numpy()
    book_returns = leg_returns @ exposure
    pair_returns = rates.pair_simple_returns(settings.pairs) if settings.pairs else pd.DataFrame()
    series = {"book": book_returns} | {pair: pair_returns[pair].to_numpy() for pair in settings.pairs}
    forecasts = series_forecasts(series, race_schedule(rates, settings.start), store, progress)
    own = forecasts["book"]
    race = run_race(own, recent_days=settings.recent_days, mcs_size=settings.mcs_size, seed=settings.seed)
    volatility = ewma_volatility(leg_returns)
    normal = normal_volatility(volatility)
    legs = {
        leg: LegVolatility(
            float(volatility[-1, i]),
            float(normal[i]),
            fit_garch(leg_returns[-LEG_GARCH_DAYS:, i], distribution="t"),
        )
        for i, leg in enumerate(LEGS)
    }
    covariance = ewma_covariance(leg_returns, decay=DAILY_DECAY)
    matrix = pair_leg_matrix(book.pairs)
    champion_var = float(own.of(race.champion.name, 0.99)[0][-1])
    book_volatility = ewma_volatility(book_returns)
    return RiskCalibration(
        rates=rates,
        book=book,
        race=race,
        forecasts=own,
        legs=legs,
        pair_lines=tuple(pair_line(pair, forecasts[pair], settings.recent_days) for pair in settings.pairs),
        contributions=component_var(
            weights,
            matrix @ covariance @ matrix.T,
            confidence=0.99,
            quantile=champion_var / float(book_volatility[-1]),
        ),
        covariance=covariance,
        volatility_ratio=float(book_volatility[-1] / normal_volatility(book_volatility)),
        champion_tests=champion_tests(own, race.champion.name),
        component_shortfall=component_expected_shortfall(
            rates.pair_simple_returns(book.pairs).to_numpy()[-LEG_GARCH_DAYS:] * weights, confidence=0.975
        ),
        cold_starts=merged_counts([result.cold_starts() for result in forecasts.values()]),
    )


def pair_line(pair: str, forecasts: RollingForecasts, recent_days: int) -> PairLine:
    """Champion of one pair by mean loss, and its recent exceedances at 99 %.

    Parameters
    ----------
    pair : str
        Its name.
    forecasts : RollingForecasts
        Of the pair.
    recent_days : int
        Days counted.

    Returns
    -------
    PairLine
    """
    running = [name for name in forecasts.names if name not in forecasts.refused]
    champion = min(running, key=lambda name: float(fz0_of(forecasts, name).mean()))
    value_at_risk = forecasts.of(champion, 0.99)[0]
    recent = forecasts.realised[-recent_days:]
    exceedances = int(np.sum(recent < -value_at_risk[:-1][-recent_days:]))
    return PairLine(pair, champion, float(value_at_risk[-1]), exceedances, int(recent.size))
