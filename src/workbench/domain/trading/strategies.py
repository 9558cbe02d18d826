"""What the engine must know of a strategy: where it trades, how much it may risk, and what its record is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.domain.currencies import PAIRS
from workbench.domain.errors import ConfigError
from workbench.domain.trading.modes import Tier

TIMEFRAMES: tuple[str, ...] = ("4h", "daily", "weekly")
STRATEGY_SLOTS = 16
"""Most strategies one engine runs."""


@dataclass(frozen=True, slots=True)
class StrategyRecord:
    """History a strategy is judged by; what is not known is NaN, and a strategy without a record is not eligible.

    Attributes
    ----------
    drawdown : float
        Largest historical drawdown, fraction of its capital, ≥ 0; a live one of 120 % of it locks the strategy.
    stress_survival, walk_forward, robustness : float
        Fractions; robustness orders the strategies.
    negative_conditions : tuple of int
        Market conditions in which it lost money.
    """

    drawdown: float = float("nan")
    stress_survival: float = float("nan")
    walk_forward: float = float("nan")
    robustness: float = float("nan")
    negative_conditions: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Strategy:
    """One deployed strategy.

    Attributes
    ----------
    name : str
        For people.
    pair : str
        One of the universe.
    tier : Tier
        HELD for a position a person put on: it is protected, and comes back in steps after a reduction; no signal
        enters or leaves it.
    allocation : float
        Share of equity it works with, > 0.
    risk_per_trade : float
        Share of its capital lost when the stop is reached.
    reward_to_risk : float
        Distance of the profit target over that of the stop; 0 for none.
    timeframe : str
        Of its bars, one of `TIMEFRAMES`.
    defensive : bool
        Whether it may enter while only defensive strategies may.
    record : StrategyRecord
        What it is judged by.
    """

    name: str
    pair: str
    tier: Tier = Tier.CORE
    allocation: float = 0.1
    risk_per_trade: float = 0.01
    reward_to_risk: float = 2.0
    timeframe: str = "daily"
    defensive: bool = False
    record: StrategyRecord = StrategyRecord()

    def __post_init__(self) -> None:
        """Refuse what cannot be traded."""
        if self.pair not in PAIRS:
            raise ConfigError(f"strategy {self.name!r}: unknown pair {self.pair!r}, expected one of {', '.join(PAIRS)}")
        for key in ("allocation", "risk_per_trade"):
            value = getattr(self, key)
            if not (np.isfinite(value) and value > 0):
                raise ConfigError(f"strategy {self.name!r}: {key} must be a positive number, got {value!r}")
        if self.timeframe not in TIMEFRAMES:
            expected = ", ".join(TIMEFRAMES)
            raise ConfigError(f"strategy {self.name!r}: unknown timeframe {self.timeframe!r}, expected {expected}")
        if not (np.isfinite(self.reward_to_risk) and self.reward_to_risk >= 0):
            raise ConfigError(f"strategy {self.name!r}: reward_to_risk must be at least 0, got {self.reward_to_risk!r}")


def check_strategies(strategies: Sequence[Strategy]) -> None:
    """Refuse a set the engine has no room for, or names given twice.

    Parameters
    ----------
    strategies : sequence of Strategy
        In the order of their slots.

    Raises
    ------
    ConfigError
        When there are more than sixteen, or two have one name.
    """
    if len(strategies) > STRATEGY_SLOTS:
        raise ConfigError(f"an engine runs at most {STRATEGY_SLOTS} strategies, got {len(strategies)}")
    names = [strategy.name for strategy in strategies]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise ConfigError(f"two strategies have the name {name!r}: give each a name of its own")
