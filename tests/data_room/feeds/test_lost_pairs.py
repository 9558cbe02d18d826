"""A pair of which only impossible prices come: its feed is silent for the engine when the book is judged by it."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import numpy as np
import pytest

from workbench.data.feeds.connection import FeedNote, FeedNoteKind
from workbench.data.feeds.protocol import Feed, RawQuote
from workbench.data.feeds.supervisor import FeedSupervisor
from workbench.domain.currencies import PAIRS
from workbench.domain.trading.events import Quote
from workbench.domain.trading.market_hours import SECOND_NS

NOW = int(datetime(2024, 1, 10, 12, tzinfo=UTC).timestamp()) * SECOND_NS
BEFORE = {"EURUSD": 1.1, "GBPUSD": 1.3, "EURCHF": 0.95}
MakeFeed = Callable[..., Feed]


def stream(moved: str, start: float = 10.0, end: float = 60.0, factor: float = 1.8) -> list[RawQuote]:
    """A minute of quotes; within a part of it one pair is far away."""
    return [
        RawQuote(NOW + second * SECOND_NS, pair, price * (1 + second / 1e5), price * (1 + second / 1e5))
        for second in range(1, 61)
        for pair, known in BEFORE.items()
        for price in [known * factor if pair == moved and start <= second < end else known]
    ]


def heard(
    feeds: list[Feed], exposure: Mapping[str, float] | None = None
) -> tuple[dict[tuple[int, str], set[int]], list[FeedNote]]:
    """Seconds at which the engine gets a quote, by feed and pair, and what people are told."""
    watched = FeedSupervisor(feeds, PAIRS, np.random.default_rng(1), BEFORE)
    seconds: dict[tuple[int, str], set[int]] = {(feed, pair): set() for feed in range(len(feeds)) for pair in BEFORE}
    notes: list[FeedNote] = []
    for half in range(122):
        batch = watched.poll(NOW + half * SECOND_NS // 2, exposure or {})
        notes += batch.notes
        for quote in batch.quotes:
            assert isinstance(quote, Quote)
            seconds[quote.feed, quote.pair].add((quote.time_ns - NOW) // SECOND_NS)
    kinds = (FeedNoteKind.WITHHELD, FeedNoteKind.USED_AGAIN)
    return seconds, [note for note in notes if note.kind in kinds]


@pytest.mark.parametrize(
    ("moved", "exposure"), [("EURCHF", {"EURCHF": -1.0}), ("GBPUSD", {}), ("EURUSD", {"EURCHF": 1})]
)
def test_without_a_price_that_the_book_needs_the_whole_feed_is_silent_and_people_are_told_once(
    scripted_feed: MakeFeed, moved: str, exposure: Mapping[str, float]
) -> None:
    seconds, notes = heard([scripted_feed(NOW, stream(moved))], exposure)
    others = set(range(1, 16)) | {60}
    assert seconds == {(0, pair): (set(range(1, 10)) | {60} if pair == moved else others) for pair in BEFORE}
    assert [(note.kind, note.pair) for note in notes] == [
        (FeedNoteKind.WITHHELD, moved),
        (FeedNoteKind.USED_AGAIN, None),
    ]
    assert notes[0].sentence.startswith(f"feed 0 (scripted) counts as silent: of {moved}, last good at ")
    assert "more than half away" in notes[0].sentence and "counts again" in notes[1].sentence


def test_a_cross_that_is_not_held_silences_nothing(scripted_feed: MakeFeed) -> None:
    seconds, notes = heard([scripted_feed(NOW, stream("EURCHF"))])
    assert notes == [] and seconds[0, "EURUSD"] == set(range(1, 61))


def test_a_cross_that_is_lost_silences_its_feed_as_soon_as_it_is_held(scripted_feed: MakeFeed) -> None:
    watched = FeedSupervisor([scripted_feed(NOW, stream("EURCHF"))], PAIRS, np.random.default_rng(1), BEFORE)
    given = [
        len(watched.poll(NOW + second * SECOND_NS, {"EURCHF": 1.0} if second >= 30 else {}).quotes)
        for second in range(1, 61)
    ]
    assert given == [3] * 9 + [2] * 20 + [0] * 30 + [3]


def test_a_feed_that_was_bad_for_a_moment_goes_on(scripted_feed: MakeFeed) -> None:
    seconds, notes = heard([scripted_feed(NOW, stream("EURUSD", 10, 15))])
    assert notes == [] and seconds[0, "GBPUSD"] == set(range(1, 61))


def test_the_other_feed_goes_on(scripted_feed: MakeFeed) -> None:
    seconds, notes = heard([scripted_feed(NOW, stream("EURUSD")), scripted_feed(NOW, stream("none"))])
    assert all(seconds[1, pair] == set(range(1, 61)) for pair in BEFORE)
    assert seconds[0, "GBPUSD"] == set(range(1, 16)) | {60}
    assert {note.feed for note in notes} == {0}
