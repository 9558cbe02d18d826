"""Conservative: the crossing of two moving averages, 50/200 in the shipped policy."""

from workbench.strategies.protocol import register
from workbench.strategies.rules import MovingAverageCross

register(MovingAverageCross("conservative"))
