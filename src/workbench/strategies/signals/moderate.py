"""Moderate: the crossing of two moving averages, 20/50 in the shipped policy."""

from workbench.strategies.protocol import register
from workbench.strategies.rules import MovingAverageCross

register(MovingAverageCross("moderate"))
