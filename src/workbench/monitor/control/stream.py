"""What the page shows, made once and given to everybody: on request, and as a stream of server-sent events."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from workbench.data.journal.storage import JournalError
from workbench.domain.errors import WorkbenchError
from workbench.monitor.control.answers import as_bytes
from workbench.monitor.control.parts import Table

LOOK_SECONDS = 0.25
BETWEEN_SECONDS = 0.5
"""At most twice a second something new, and once a second a sign of life."""
BEAT_SECONDS = 1.0
YOUNG_SECONDS = 0.2
MOST_STREAMS = 300


class Bulletin:
    """Composes what is shown and tells all who follow.

    Parameters
    ----------
    look : callable
        Takes in what is new, says whether there is anything.
    compose : callable
        Everything the page shows.
    """

    def __init__(self, look: Callable[[], bool], compose: Callable[[], Table]) -> None:
        self._look, self._compose = look, compose
        self._body, self._made_at = b"", -BEAT_SECONDS
        self._news = asyncio.Event()
        self._changed = False
        self.followers = 0
        self.closed = False

    def now(self) -> bytes:
        """What is shown now, in JSON."""
        if time.monotonic() - self._made_at > YOUNG_SECONDS:
            self._look()
            self._make()
        return self._body

    def touch(self) -> None:
        """Something has changed: tell it at the next opportunity."""
        self._changed = True

    async def run(self) -> None:
        """Tell all who follow, until cancelled; what cannot be composed is not told, and who follows notices that."""
        while True:
            with suppress(WorkbenchError, JournalError):
                self._turn()
            await asyncio.sleep(LOOK_SECONDS)

    def _turn(self) -> None:
        self._changed |= self._look()
        since = time.monotonic() - self._made_at
        if since >= BEAT_SECONDS or (self._changed and since >= BETWEEN_SECONDS):
            self._changed = False
            self._make()
            self._tell()

    def close(self) -> None:
        """End every stream."""
        self.closed = True
        self._tell()

    async def follow(self, still: Callable[[], bool]) -> AsyncIterator[bytes]:
        """Server-sent events.

        Parameters
        ----------
        still : callable
            Asked before each event whether this follower may still look.

        Yields
        ------
        bytes
            An event.
        """
        self.followers += 1
        try:
            yield b"retry: 1000\n\nevent: state\ndata: " + self.now() + b"\n\n"
            while True:
                news = self._news
                await news.wait()
                if self.closed:
                    return
                if not still():
                    yield b"event: over\ndata: {}\n\n"
                    return
                yield b"event: state\ndata: " + self._body + b"\n\n"
        finally:
            self.followers -= 1

    def _make(self) -> None:
        self._body, self._made_at = as_bytes(self._compose()), time.monotonic()

    def _tell(self) -> None:
        """Wake everybody who waits; who comes later waits for the next."""
        news, self._news = self._news, asyncio.Event()
        news.set()
