"""Since when mode, condition, regime and each rung are as they are: read off the engine's decisions."""

from dataclasses import dataclass, field
from typing import Self

from workbench.domain.trading.decisions import (
    AnyDecision,
    ConditionChanged,
    ModeChanged,
    RaiseAlert,
    RegimeChanged,
    RungReleased,
)
from workbench.domain.trading.modes import Ladder


@dataclass(slots=True)
class Since:
    """UTC nanoseconds of the loop's clock; a rung that does not hold has none. Rungs count from 1, as in decisions."""

    mode_ns: int
    condition_ns: int
    regime_ns: int
    rungs: dict[tuple[Ladder, int], int] = field(default_factory=dict)

    @classmethod
    def start(cls, time_ns: int) -> Self:
        """Everything is as it began.

        Parameters
        ----------
        time_ns : int
            When the book began.

        Returns
        -------
        Since
        """
        return cls(time_ns, time_ns, time_ns)

    def decided(self, decision: AnyDecision) -> None:
        """Take a decision in.

        Parameters
        ----------
        decision : Decision
            Any; most change nothing here.
        """
        if isinstance(decision, ModeChanged):
            self.mode_ns = decision.time_ns
        elif isinstance(decision, ConditionChanged):
            self.condition_ns = decision.time_ns
        elif isinstance(decision, RegimeChanged):
            self.regime_ns = decision.time_ns
        elif isinstance(decision, RaiseAlert) and decision.ladder is not None:
            self.rungs[decision.ladder, decision.rung] = decision.time_ns
        elif isinstance(decision, RungReleased):
            self.rungs.pop((decision.ladder, decision.rung), None)
