"""One crisis: three runs of the same book, and what the measures say of each."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.rates import DailyRates
from workbench.domain.currencies import LEGS
from workbench.domain.trading.decisions import AnyDecision, RaiseAlert
from workbench.engine.player import Played
from workbench.runtime.replay.market import Scenario
from workbench.runtime.replay.scenario import ScenarioReplay
from workbench.stress import amplification, degradation, placebo, placebo_scale, recovery_hours, wealth

Floats = NDArray[np.float64]

CALM_DAYS = 500
"""Days before a crisis that its calm windows are taken from."""
RUNS: tuple[str, ...] = ("with controls", "without", "placebo")


@dataclass(frozen=True, slots=True, eq=False)
class Crisis:
    """One scenario, three runs of the same book at the same fixes.

    Attributes
    ----------
    scenario : Scenario
        Its days.
    replayed : ScenarioReplay
        With controls and without.
    placebo_path : DataFrame
        The run without controls at the average exposure of the controlled one.
    scale : float
        That exposure over the one without controls.
    calm : float
        Mean wealth ratio of the held book over windows of equal length in the five hundred days before.
    forecast : float
        Expected shortfall 97.5 % of the book on the eve, positive fraction of equity, one day.
    """

    scenario: Scenario
    replayed: ScenarioReplay = field(repr=False)
    placebo_path: pd.DataFrame = field(repr=False)
    scale: float
    calm: float
    forecast: float

    def path(self, run: str) -> pd.DataFrame:
        """Path of one of the three runs.

        Parameters
        ----------
        run : str
            One of `RUNS`.

        Returns
        -------
        DataFrame
        """
        paths = {RUNS[0]: self.replayed.controlled.path, RUNS[1]: self.replayed.free.path, RUNS[2]: self.placebo_path}
        return paths[run]

    def drawdown(self, run: str) -> float:
        """Largest drawdown of a run, fraction.

        Parameters
        ----------
        run : str
            One of `RUNS`.

        Returns
        -------
        float
        """
        return float(self.path(run)["drawdown"].max())

    def degradation(self, run: str) -> float:
        """How much less the crisis left than calm windows of its length; scaled with the placebo.

        Parameters
        ----------
        run : str
            One of `RUNS`.

        Returns
        -------
        float
        """
        calm = 1.0 + self.scale * (self.calm - 1.0) if run == RUNS[2] else self.calm
        return degradation(wealth(self.path(run)["equity"].to_numpy()), calm)

    def amplification(self, run: str) -> float:
        """Realised expected shortfall over the one forecast on the eve; of the placebo its own, smaller forecast.

        Parameters
        ----------
        run : str
            One of `RUNS`.

        Returns
        -------
        float
        """
        daily = np.asarray(self.path(run)["equity"].pct_change().dropna(), dtype=np.float64)
        forecast = self.forecast * (self.scale if run == RUNS[2] and self.scale > 0.0 else 1.0)
        return amplification(daily, forecast)

    @property
    def recovery_hours(self) -> float:
        """Market hours from the last alert of a rung to full exposure and ACTIVE mode; infinite when not back."""
        last = last_trigger(self.replayed.controlled)
        return 0.0 if last is None else recovery_hours(self.replayed.controlled.path, last)


def last_trigger(played: Played) -> pd.Timestamp | None:
    """When the last rung that caps, closes or halts spoke.

    Parameters
    ----------
    played : Played
        A replay.

    Returns
    -------
    Timestamp or None
        UTC; None when none did.
    """
    spoken = [one.time_ns for one in played.decisions if _is_rung(one)]
    return pd.Timestamp(max(spoken), tz="UTC") if spoken else None


def _is_rung(one: AnyDecision) -> bool:
    return isinstance(one, RaiseAlert) and one.ladder is not None


def measured(replayed: ScenarioReplay, rates: DailyRates) -> Crisis:
    """What the measures need beside a replay: the placebo, the calm before, the forecast of the eve.

    Parameters
    ----------
    replayed : ScenarioReplay
        With controls and without.
    rates : DailyRates
        All history.

    Returns
    -------
    Crisis
    """
    controlled, free = replayed.controlled.path, replayed.free.path
    scale = placebo_scale(controlled, free)
    before = rates.up_to(free.index[0].date())
    weights = replayed.book.leg_weights(before.last_values())
    daily = before.leg_simple_returns()[list(LEGS)].to_numpy()[-CALM_DAYS:] @ weights
    length = min(len(free) - 1, len(daily))
    # a held book is units, not a share of equity: its profits add up
    ends = np.cumsum(np.concatenate([[0.0], daily]))
    calm = float(np.maximum(1.0 + ends[length:] - ends[:-length], 0.0).mean())
    forecast = replayed.calibration.value_at_risk.expected_shortfall_975
    return Crisis(replayed.scenario, replayed, placebo(free, scale), scale, calm, forecast)
