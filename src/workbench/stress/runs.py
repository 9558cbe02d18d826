"""One scenario, three runs of the same book: with controls, without, and a placebo of equal exposure.

A scenario comes staged: written as a script for the engine, with what was known on its eve. Where a quiet window of the
same length is staged beside it, the run through that says what the controls cost when nothing happens: the premium.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.domain.currencies import LEGS
from workbench.domain.errors import DataError
from workbench.engine.kernel.layout import EventKind
from workbench.engine.script import Script, ScriptRun, play_script
from workbench.engine.settings import ALL
from workbench.stress.evaluation.comparison import control_saving, placebo, placebo_scale, whipsaw
from workbench.stress.evaluation.measures import amplification, degradation, recovery_hours, wealth

Floats = NDArray[np.float64]

WITH, WITHOUT, PLACEBO = RUNS = ("with controls", "without", "placebo")
DAYS_PER_YEAR = 256
NO_RISK = 1e-9
"""Annual volatility under which a book whose positions cancel out has none but rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class Staged:
    """A scenario ready to be run.

    Attributes
    ----------
    name, title, sentence, source : str
        Its id, what it is called, what happens in it, and where its marks come from.
    script : Script
        The book put on, and everything after.
    synthetic : bool
        Whether any mark is not recorded data.
    calm : float
        Wealth ratio the book leaves in calm windows of equal length.
    forecast : float
        Expected shortfall 97.5 % of the book on the eve, positive fraction of equity, one day.
    volatility : float
        Annual volatility of the book on the eve, fraction of equity.
    quiet : Script or None
        The same book in the window of equal length just before; None for a scenario that has no past of its own.
    corrected : str
        What was mended of a user's scenario, in words; empty when nothing was.
    """

    name: str
    title: str
    sentence: str
    source: str
    script: Script = field(repr=False)
    synthetic: bool
    calm: float
    forecast: float
    volatility: float
    quiet: Script | None = field(default=None, repr=False)
    corrected: str = ""

    def times_for(self, volatility: float) -> float:
        """How many times as large the book must be to have an annual volatility.

        Parameters
        ----------
        volatility : float
            Annual, positive.

        Returns
        -------
        float

        Raises
        ------
        DataError
            When the book has no risk.
        """
        if not self.volatility > NO_RISK:
            raise DataError("the book has no risk: no size gives it a volatility")
        return volatility / self.volatility


@dataclass(frozen=True, eq=False)
class ScenarioRun:
    """One scenario that has been run.

    Attributes
    ----------
    staged : Staged
        What was run.
    times : float
        Size of the book, times the one staged.
    controlled, free : ScriptRun
        With controls and without.
    placebo_path : DataFrame
        The run without controls at the average exposure of the controlled one.
    scale : float
        That exposure over the one without controls.
    premium : float
        Return given up in the quiet window: without controls less with them; NaN where there is no such window.
    """

    staged: Staged
    times: float
    controlled: ScriptRun = field(repr=False)
    free: ScriptRun = field(repr=False)
    placebo_path: pd.DataFrame = field(repr=False)
    scale: float
    premium: float

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
        return {WITH: self.controlled.path, WITHOUT: self.free.path, PLACEBO: self.placebo_path}[run]

    def drawdown(self, run: str) -> float:
        """Largest drawdown of a run, fraction of the peak; 1 when equity was not a number.

        Parameters
        ----------
        run : str
            One of `RUNS`.

        Returns
        -------
        float
        """
        worst = float(self.path(run)["drawdown"].to_numpy().max())
        return worst if np.isfinite(worst) else 1.0

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
        size = self.times * (self.scale if run == PLACEBO else 1.0)
        calm = max(1.0 + size * (self.staged.calm - 1.0), 0.0)
        return degradation(_left(self.path(run), self.staged.script.start.equity), calm)

    def amplification(self, run: str) -> float:
        """Realised expected shortfall over the one forecast on the eve; of the placebo its own, smaller forecast.

        Parameters
        ----------
        run : str
            One of `RUNS`.

        Returns
        -------
        float
            0 for a book whose forecast is 0.
        """
        size = self.times * (self.scale if run == PLACEBO and self.scale > 0.0 else 1.0)
        forecast = size * self.staged.forecast
        daily = daily_returns(self.path(run), self.staged.script)
        return amplification(daily, forecast) if forecast > 0.0 else 0.0

    @cached_property
    def recovery_hours(self) -> float:
        """Market hours from the last rung or cut of the cap to full exposure, ACTIVE; infinite when not back."""
        path = self.controlled.path
        lowered = path.index[np.diff(path["cap"].to_numpy(), prepend=1.0) < 0.0]
        last = [pd.Timestamp(one.time_ns, tz="UTC") for one in self.controlled.rungs] + list(lowered[-1:])
        return recovery_hours(path, max(last)) if last else 0.0

    @property
    def turnover(self) -> float:
        """What the controls traded over the exposure put on, in US dollars of then: 1 is the whole book once."""
        script = self.staged.script
        values = dict(zip(LEGS, script.events["values"][0].tolist(), strict=True))
        dollars = np.array([values.get(one.pair[:3], 1.0) for one in script.settings[0].strategies])
        held = self.free.units.iloc[0].to_numpy()
        traded = np.abs(np.diff(np.vstack([held, self.controlled.units.to_numpy()]), axis=0)).sum(axis=0)
        exposure = float(np.abs(held) @ dollars)
        return float(traded @ dollars) / exposure if exposure > 0.0 else 0.0

    @property
    def saving(self) -> tuple[float, float]:
        """Share of the peak loss taken away by the controls, and by the placebo; NaN when nothing was lost."""
        lost = self.drawdown(WITHOUT)
        return control_saving(self.drawdown(WITH), lost), control_saving(self.drawdown(PLACEBO), lost)

    @property
    def whipsaw(self) -> float:
        """Rebound missed by being small, fraction of starting equity."""
        return whipsaw(self.controlled.path, self.free.path)

    @property
    def years(self) -> float:
        """Length of the scenario, and of its quiet window."""
        return max(len(daily_returns(self.free.path, self.staged.script)), 1) / DAYS_PER_YEAR


def _left(path: pd.DataFrame, start: float) -> float:
    """Wealth ratio from the start on, what the first cut costs included."""
    return wealth(np.array([start, float(path["equity"].iloc[-1])]))


def daily_returns(path: pd.DataFrame, script: Script) -> Floats:
    """Returns from one fix that closes a day to the next, the first over the start, the last mark as a close.

    Parameters
    ----------
    path : DataFrame
        equity, indexed by time.
    script : Script
        Its start and its fixes: the first mark may have cut the book already.

    Returns
    -------
    ndarray
    """
    events = script.events
    fixes = events["time_ns"][(events["kind"] == EventKind.FIXING) & (events["number"] == 1)]
    closes = np.isin(pd.DatetimeIndex(path.index).as_unit("ns").asi8, fixes)
    closes[-1] = True
    whole = np.concatenate([[script.start.equity], path["equity"].to_numpy()[closes]])
    return np.asarray(whole[1:] / whole[:-1] - 1.0, dtype=np.float64)


def run_scenario(staged: Staged, *, times: float = 1.0, without: tuple[str, ...] = ()) -> ScenarioRun:
    """Run a scenario with controls, without, and with the placebo.

    Parameters
    ----------
    staged : Staged
        From a scenario and a book.
    times : float
        Size of the book, times the one staged, in whole units.
    without : tuple of str
        Controls or factors switched off in the run with the rest of them (`workbench.engine.settings.CONTROLS`).

    Returns
    -------
    ScenarioRun

    Raises
    ------
    ConfigError
        When a control is not known.
    DataError
        When the size is not a number ≥ 0.
    """
    script = staged.script if times == 1.0 else staged.script.sized(times)
    controlled, free = play_script(script, without=without), play_script(script, without=(ALL,))
    scale = placebo_scale(controlled.path, free.path)
    premium = float("nan")
    if staged.quiet is not None:
        quiet = staged.quiet if times == 1.0 else staged.quiet.sized(times)
        kept, given = (_left(play_script(quiet, without=names).path, quiet.start.equity) for names in (without, (ALL,)))
        premium = given - kept
    return ScenarioRun(staged, times, controlled, free, placebo(free.path, scale), scale, premium)
