"""Reversion: fade two standard deviations from the average of twenty bars, in the shipped policy."""

from workbench.strategies.protocol import register
from workbench.strategies.rules import Reversion

register(Reversion("reversion"))
