"""The story of the emergency controls in one crisis, as a notebook tells it."""

from dataclasses import dataclass, field

import pandas as pd

from workbench.controls.modes import NEXT_MODE, Trigger
from workbench.data.rates import DailyRates
from workbench.domain.policy import Policy
from workbench.domain.tables import Number, html_list, html_table, number, percent
from workbench.domain.trading.decisions import AnyDecision
from workbench.domain.trading.events import Heartbeat
from workbench.domain.trading.modes import Ladder, Mode, Regime
from workbench.engine.risk_engine import EngineState, RiskEngine
from workbench.portfolio.sizing import PositionSize, SizingInputs, size_position
from workbench.runtime.replay import (
    MarkPlan,
    ReplayOrder,
    ScenarioReplay,
    find_scenario,
    held_strategies,
    replay_scenario,
)
from workbench.stress.monte_carlo import MonteCarlo, PathPlan, monte_carlo
from workbench.stress.paths import garch_of

EXAMPLE_ALLOCATION, EXAMPLE_RISK = 0.1, 0.01
"""A tenth of equity, of which one per cent is lost at the stop: the strategy whose size is explained."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A piece of HTML for a notebook."""

    html: str = field(repr=False)

    def _repr_html_(self) -> str:
        return self.html


@dataclass(frozen=True, slots=True)
class ControlsStory:
    """A replayed crisis and what a reader wants to see of it."""

    policy: Policy
    replayed: ScenarioReplay

    @property
    def controlled(self) -> pd.DataFrame:
        """Path with controls."""
        return self.replayed.controlled.path

    @property
    def free(self) -> pd.DataFrame:
        """Path without controls."""
        return self.replayed.free.path

    @property
    def rungs(self) -> dict[str, list[float]]:
        """Triggers the replay figure draws."""
        ladders = self.policy.ladders
        return {
            "drawdown_rungs": [rung.trigger for rung in (ladders.drawdown.rung_1, ladders.drawdown.rung_2,
                                                         ladders.drawdown.rung_3, ladders.drawdown.rung_4)],
            "var_rungs": [rung.trigger for rung in (ladders.value_at_risk.rung_1, ladders.value_at_risk.rung_2,
                                                    ladders.value_at_risk.rung_3)],
        }  # fmt: skip

    @property
    def mode_arrows(self) -> list[tuple[str, str, str]]:
        """From, to, and the triggers that lead there, read off the mode table."""
        arrows = []
        for before in Mode:
            for after in Mode:
                triggers = [trigger.name for trigger in Trigger if NEXT_MODE[before, trigger] == after]
                if triggers and before != after:
                    arrows.append((before.name, after.name, ", ".join(triggers)))
        return arrows

    @property
    def ladders(self) -> Shown:
        """Every rung of the policy, one row each."""
        rows = []
        for ladder in Ladder:
            for place, rung in enumerate(getattr(self.policy.ladders, ladder.name.lower()).rungs, start=1):
                trigger = getattr(rung, "trigger", None) or f"{rung.trigger_seconds:g} s"
                closes = (
                    f"{rung.close_fraction:.0%} ({rung.close_order.replace('_', ' ')})" if rung.close_fraction else ""
                )
                rows.append(
                    [
                        ladder.name.lower().replace("_", " "), Number(str(place)), Number(str(trigger)),
                        number(rung.cap, ".2f"), rung.mode, closes.replace("%", " %"),
                        percent(rung.stops_tighter, 0) if rung.stops_tighter else Number("–"),
                        Number(str(rung.extra_confirmations)), Number(str(rung.alert_level)),
                        "two people" if rung.people_to_resume else "15 min calm",
                    ]
                )  # fmt: skip
        head = [
            "ladder",
            "rung",
            "above",
            "cap",
            "mode",
            "closes",
            "stops tighter",
            "confirmations",
            "alert",
            "ends by",
        ]
        return Shown(html_table(head, rows))

    @property
    def verdict(self) -> Shown:
        """What the controls did, whichever way it went."""
        with_controls, without = self.replayed.controlled.largest_drawdown, self.replayed.free.largest_drawdown
        gross = self.controlled["gross"].mean() / self.free["gross"].mean()
        ends = [path["equity"].iloc[-1] / path["equity"].iloc[0] - 1 for path in (self.controlled, self.free)]
        return Shown(
            html_list(
                [
                    f"Largest drawdown {percent(with_controls)} with controls, {percent(without)} without.",
                    f"Result {percent(ends[0])} with controls, {percent(ends[1])} without.",
                    f"Average exposure {percent(gross, 0)} of the uncontrolled book's.",
                ]
            )
        )

    @property
    def decisions(self) -> tuple[AnyDecision, ...]:
        """Everything decided with controls, in order."""
        return self.replayed.controlled.decisions

    def _size_at(self, row: pd.Series) -> PositionSize:
        inputs = SizingInputs(
            equity=float(row["equity"]),
            allocation=EXAMPLE_ALLOCATION,
            risk_per_trade=EXAMPLE_RISK,
            volatility_ratio=float(row["volatility_ratio"]),
            correlation_mean=float(row["correlation_mean"]),
            regime=Regime[str(row["regime"])],
            stress_score=float(row["stress_score"]),
            cap=float(row["cap"]),
            base_value=1.0,
        )
        return size_position(self.policy, inputs)

    @property
    def calm_size(self) -> PositionSize:
        """A position of an example strategy on the first day, in dollars."""
        return self._size_at(self.controlled.iloc[0])

    @property
    def crisis_size(self) -> PositionSize:
        """The same on the day of the highest stress score."""
        worst = int(self.controlled["stress_score"].to_numpy().argmax())
        return self._size_at(self.controlled.iloc[worst])

    def simulated(self, *, paths: int, controls: bool = True) -> MonteCarlo:
        """Twenty simulated days from the eve of the scenario.

        Parameters
        ----------
        paths : int
            How many.
        controls : bool
            Whether controls work.

        Returns
        -------
        MonteCarlo
        """
        return monte_carlo(
            self._eve(), garch_of(self.replayed.calibration), PathPlan(paths=paths, days=20), controls=controls
        )

    def _eve(self) -> EngineState:
        played = self.replayed
        engine = RiskEngine(self.policy, played.calibration, held_strategies(played.book))
        state = engine.init(played.start)
        for event in played.controlled.events:
            if isinstance(event, Heartbeat):
                break
            state, _ = engine.step(state, event)
        return engine.step(state, Heartbeat(played.start.time_ns))[0]


def tell_controls(
    rates: DailyRates, policy: Policy, scenario: str, *, volatility: float = 0.0, minutes: int = 0
) -> ControlsStory:
    """Replay a crisis and tell it.

    Parameters
    ----------
    rates : DailyRates
        All history.
    policy : Policy
        In force.
    scenario : str
        Id such as ``brexit-2016``.
    volatility : float
        Annual, of the reference book; 0 makes it just fit under the first VaR rung.
    minutes : int
        Between synthetic marks; 0 for fixes only.

    Returns
    -------
    ControlsStory

    Raises
    ------
    ConfigError, DataError
        When the scenario is not known or the data too short.
    """
    order = ReplayOrder(find_scenario(policy, scenario), MarkPlan(minutes), volatility=volatility or None)
    return ControlsStory(policy, replay_scenario(rates, policy, order))
