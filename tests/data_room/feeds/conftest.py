"""Feeds that do what a test says: through the same door as a real one."""

from collections.abc import Iterable, Sequence

import pytest

from workbench.data.feeds.protocol import FeedDownError, RawQuote
from workbench.domain.trading.market_hours import SECOND_NS


class ScriptedFeed:
    """Gives quotes at their event times; down in the spans of time it is told, in seconds from `start_ns`."""

    label, synthetic = "a test", True

    def __init__(self, start_ns: int, quotes: Iterable[RawQuote], down: Sequence[tuple[float, float]] = ()) -> None:
        self.name = "scripted"
        self.tries: list[float] = []
        self.closed = 0
        self._start_ns, self._down = start_ns, down
        self._quotes = sorted(quotes, key=lambda raw: raw.event_ns)

    def _refuse_when_down(self, now_ns: int) -> None:
        seconds = (now_ns - self._start_ns) / SECOND_NS
        if any(first <= seconds < last for first, last in self._down):
            raise FeedDownError(f"the line is cut at {seconds:g} s")

    def connect(self, now_ns: int) -> None:
        self.tries.append((now_ns - self._start_ns) / SECOND_NS)
        self._refuse_when_down(now_ns)

    def poll(self, now_ns: int) -> Sequence[RawQuote]:
        self._refuse_when_down(now_ns)
        due = [raw for raw in self._quotes if raw.event_ns <= now_ns]
        self._quotes = self._quotes[len(due) :]
        return due

    def due_ns(self) -> int | None:
        return self._quotes[0].event_ns if self._quotes else None

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def scripted_feed() -> type[ScriptedFeed]:
    return ScriptedFeed
