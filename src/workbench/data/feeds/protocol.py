"""The protocol of a feed, and what it hands over before anybody has looked at it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from workbench.domain.errors import DataError


class FeedDownError(DataError):
    """The feed cannot be reached or has ended its stream: try again later."""


@dataclass(frozen=True, slots=True)
class RawQuote:
    """A price as a feed gave it: anything may be wrong with it.

    Attributes
    ----------
    event_ns : int
        When the feed says it happened, nanoseconds since 1970-01-01 UTC.
    pair : str
        What the feed says it is of.
    bid, ask : float
        Quote units per base unit.
    """

    event_ns: int
    pair: str
    bid: float
    ask: float


class Feed(Protocol):
    """A source of prices.

    Attributes
    ----------
    name : str
        For people.
    label : str
        What the prices are and whom to name; says so when they are synthetic.
    synthetic : bool
        Whether any price is made up.
    """

    name: str
    label: str
    synthetic: bool

    def connect(self, now_ns: int) -> None:
        """Open the stream, or raise `FeedDownError`."""
        ...

    def poll(self, now_ns: int) -> Sequence[RawQuote]:
        """What has come in since the last time, up to `now_ns`; never waits; raises `FeedDownError` when it is gone."""
        ...

    def due_ns(self) -> int | None:
        """When there will next be something, if the feed can tell; None when it must be asked again and again."""
        ...

    def close(self) -> None:
        """Let go of files and sockets."""
        ...
