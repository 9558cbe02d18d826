"""Modes, ladders, regimes and conditions as numbers: the codes every compiled rule, journal and chart shares.

Codes are stable: a number is never given a second meaning, new ones are added at the end.
"""

from enum import IntEnum


class Mode(IntEnum):
    """What the book may do. REDUCING: positions may shrink, never grow or flip. HALTED: so until people resume."""

    ACTIVE = 0
    REDUCING = 1
    HALTED = 2


class Ladder(IntEnum):
    """The five automatic ladders; position of their rows in every table."""

    DRAWDOWN = 0
    VOLATILITY = 1
    VALUE_AT_RISK = 2
    CORRELATION = 3
    TECHNICAL = 4


class CloseOrder(IntEnum):
    """Which positions a rung closes first."""

    NOTHING = 0
    EVERY_POSITION_ALIKE = 1
    MOST_VOLATILE_POSITIONS = 2
    LARGEST_VALUE_AT_RISK = 3


class Condition(IntEnum):
    """Market condition, calm first."""

    NORMAL = 0
    ELEVATED = 1
    HIGH = 2
    EXTREME = 3
    CRISIS = 4


class Regime(IntEnum):
    """Regime that sizes positions and adapts strategies."""

    NORMAL = 0
    LOW_VOLATILITY = 1
    HIGH_VOLATILITY = 2
    TRENDING = 3
    RANGING = 4
    CRISIS = 5
    RECOVERY = 6


class Tier(IntEnum):
    """Tier of a strategy; HELD positions belong to no tier: a person put them on and they never enter by themselves."""

    CORE = 0
    GROWTH = 1
    TACTICAL = 2
    HELD = 3


class ScorePart(IntEnum):
    """Parts of the stress score; a set bit in a mask of missing parts."""

    VOLATILITY = 0
    CORRELATION = 1
    TURBULENCE = 2
    LIQUIDITY = 3
    UNCERTAINTY = 4
