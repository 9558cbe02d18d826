"""Aggressive: the crossing of two moving averages, 10/21 in the shipped policy."""

from workbench.strategies.protocol import register
from workbench.strategies.rules import MovingAverageCross

register(MovingAverageCross("aggressive"))
