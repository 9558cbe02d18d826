"""One feed and its connection: tried again and again with growing pauses, and every change of it told once."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol, runtime_checkable

import numpy as np

from workbench.data.feeds.protocol import Feed, FeedDownError, RawQuote
from workbench.domain.trading.market_hours import SECOND_NS

SHORTEST_PAUSE_NS = SECOND_NS
LONGEST_PAUSE_NS = 30 * SECOND_NS
DOUBLINGS = 5
PATIENCE_NS = 30 * SECOND_NS
"""Time of trying after which a feed that has never connected is told, and a connection after which it counts as good:
one that breaks sooner goes on with longer pauses."""


class FeedNoteKind(IntEnum):
    """What people are told about a feed. Codes are stable: new ones are added at the end."""

    CONNECTED = 0
    DISCONNECTED = 1
    NEVER_CONNECTED = 2
    TROUBLE = 3
    QUALITY_LOW = 4
    DIVERGED = 5
    CONVERGED = 6
    LEVEL_REFUSED = 7
    WITHHELD = 8
    USED_AGAIN = 9


@dataclass(frozen=True, slots=True)
class FeedNote:
    """Something people should know.

    Attributes
    ----------
    kind : FeedNoteKind
        What happened.
    feed : int
        Number of the feed: 0 primary, 1 backup.
    pair : str or None
        Where it concerns one pair.
    sentence : str
        In words.
    """

    kind: FeedNoteKind
    feed: int
    pair: str | None
    sentence: str


@runtime_checkable
class TroubledFeed(Protocol):
    """A feed that can say what it could not read."""

    def troubles(self) -> Sequence[str]:
        """Sentences since the last time."""
        ...


class Connection:
    """Keeps one feed connected.

    Parameters
    ----------
    feed : Feed
        The feed.
    number : int
        0 primary, 1 backup.
    generator : numpy Generator
        Of the jitter: two feeds that went down together shall not come back in step.
    """

    def __init__(self, feed: Feed, number: int, generator: np.random.Generator) -> None:
        self.feed, self.number = feed, number
        self.connected = False
        # asked once: a run-time check of a protocol takes as long as ten quotes
        self._troubled = feed if isinstance(feed, TroubledFeed) else None
        self._generator = generator
        self._failures = 0
        self._retry_ns = 0
        self._first_try_ns: int | None = None
        self._connected_ns: int | None = None
        self._told_never = False
        self._notes: list[FeedNote] = []

    def poll(self, now_ns: int) -> Sequence[RawQuote]:
        """Connect when it is time, and read.

        Parameters
        ----------
        now_ns : int
            Nanoseconds UTC.

        Returns
        -------
        sequence of RawQuote
            Nothing while the feed is down.
        """
        if not self.connected and (now_ns < self._retry_ns or not self._connect(now_ns)):
            return ()
        try:
            quotes = self.feed.poll(now_ns)
        except FeedDownError as error:
            self._lose(now_ns, error)
            quotes = ()
        if self._troubled is not None:
            for sentence in self._troubled.troubles():
                self._note(FeedNoteKind.TROUBLE, sentence)
        return quotes

    def take_notes(self) -> list[FeedNote]:
        """Hand over what there is to tell, once."""
        notes, self._notes = self._notes, []
        return notes

    def due_ns(self) -> int | None:
        """When there is something to be done; None when the feed must be asked again and again."""
        return self.feed.due_ns() if self.connected else self._retry_ns

    def _connect(self, now_ns: int) -> bool:
        if self._first_try_ns is None:
            self._first_try_ns = now_ns
        try:
            self.feed.connect(now_ns)
        except FeedDownError as error:
            self._pause(now_ns)
            self._tell_never(now_ns - self._first_try_ns, error)
            return False
        self.connected, self._connected_ns = True, now_ns
        self._note(FeedNoteKind.CONNECTED, "is connected")
        return True

    def _tell_never(self, tried_ns: int, error: FeedDownError) -> None:
        if self._connected_ns is None and not self._told_never and tried_ns >= PATIENCE_NS:
            self._told_never = True
            seconds = tried_ns // SECOND_NS
            self._note(FeedNoteKind.NEVER_CONNECTED, f"has not connected once in {seconds} s of trying: {error}")

    def _lose(self, now_ns: int, error: FeedDownError) -> None:
        if self._connected_ns is not None and now_ns - self._connected_ns >= PATIENCE_NS:
            self._failures = 0
        self.connected = False
        self.feed.close()
        self._pause(now_ns)
        self._note(FeedNoteKind.DISCONNECTED, f"is down and will be tried again: {error}")

    def _pause(self, now_ns: int) -> None:
        """Wait twice as long each time, less up to half of it at random.

        "Equal jitter" of M. Brooker (2015), Exponential backoff and jitter, AWS Architecture Blog.
        """
        pause = min(SHORTEST_PAUSE_NS << min(self._failures, DOUBLINGS), LONGEST_PAUSE_NS)
        self._failures += 1
        self._retry_ns = now_ns + int(pause * (0.5 + 0.5 * self._generator.random()))

    def _note(self, kind: FeedNoteKind, what: str) -> None:
        self._notes.append(FeedNote(kind, self.number, None, f"feed {self.number} ({self.feed.name}) {what}"))
