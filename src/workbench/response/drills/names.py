"""What there is to drill: every control has one name, here and in the record, on the terminal and on the page."""

from typing import Final

LADDER_CONTROLS = (
    "drawdown 1", "drawdown 2", "drawdown 3", "drawdown 4",
    "volatility 1", "volatility 2", "volatility 3",
    "value at risk 1", "value at risk 2", "value at risk 3",
    "correlation 1", "correlation 2", "correlation 2 of held legs",
    "technical 1", "technical 2", "technical 3 without prices", "technical 3 without broker",
)  # fmt: skip
"""Rungs by ladder and number; a rung that can trip in two ways is there twice."""
CONDITION_CONTROLS = ("market elevated", "market high", "market extreme", "market crisis")
PEOPLE_CONTROLS = (
    "halt", "halt by signal", "full halt", "cancel all", "reduce by half", "close all", "resume by two", "shut down",
)  # fmt: skip
CONTROL_NAMES = (*LADDER_CONTROLS, *CONDITION_CONTROLS, "book mismatch", *PEOPLE_CONTROLS)
CONTROL: Final = "control"
CHANNEL: Final = "channel"
PERSON: Final = "person"
"""Kinds of what is drilled."""
UNHEARD = "log"
"""A channel nobody reads while they sleep: a page there has reached nobody."""
