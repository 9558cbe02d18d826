"""An alert: something people are told. It is what an incident is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field

INFORMATION, WARNING, URGENT, EMERGENCY = 1, 2, 3, 4
MANUAL_ACT = "manual act"
"""Cause of what people do by hand; the loop's own word of what people asked joins it."""
SYSTEM_ACT = "act of the system"
"""Cause of what the system asks of the loop by itself, as a halt when nobody can be told."""
ACT = "act:"
"""How the id of an alert begins that tells of a message to the loop; its nonce follows. Told twice, it counts once."""


@dataclass(frozen=True, slots=True)
class Alert:
    """What happened.

    Attributes
    ----------
    id : str
        Its own for ever: where it came from and its place there.
    level : int
        1 information, 2 warning, 3 urgent, 4 emergency.
    cause : str
        Alerts of one cause belong to one incident.
    time_ns : int
        UTC nanoseconds of the clock where it came from; the loop's may be another than ours.
    sentence : str
        What happened.
    facts : mapping of str to str
        ``did``: what the system did by itself; ``waits``: what it waits for; anything else by its name.
    rung : int
        Severity within the cause; a higher one is a worsening.
    lasts : bool
        Whether it holds until it is said that it is gone; the others are over when they are told.
    """

    id: str
    level: int
    cause: str
    time_ns: int
    sentence: str
    facts: Mapping[str, str] = field(default_factory=dict)
    rung: int = 0
    lasts: bool = False


@dataclass(frozen=True, slots=True)
class Gone:
    """A cause, or one rung of it, no longer holds; rung 0 is all of it."""

    cause: str
    time_ns: int
    rung: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of something that was told: facts that take the place of those in the alert of this id."""

    id: str
    cause: str
    facts: Mapping[str, str]
