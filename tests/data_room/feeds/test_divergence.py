"""Two feeds that disagree: told once an episode, and the worse price for the book while it lasts."""

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest

from workbench.data.feeds.connection import FeedNote, FeedNoteKind
from workbench.data.feeds.divergence import Divergence
from workbench.data.feeds.protocol import Feed, RawQuote
from workbench.data.feeds.supervisor import FeedSupervisor
from workbench.domain.currencies import PAIRS
from workbench.domain.trading.events import Quote
from workbench.domain.trading.market_hours import SECOND_NS

NOW = int(datetime(2024, 1, 10, 12, tzinfo=UTC).timestamp()) * SECOND_NS
MakeFeed = Callable[..., Feed]


def quote(second: float, mid: float, feed: int, spread: float = 0.0001) -> Quote:
    return Quote(NOW + round(second * SECOND_NS), "EURUSD", mid - spread / 2, mid + spread / 2, feed)


def notes_of(gap: float, seconds: float, spread: float = 0.0001) -> list[FeedNote]:
    """Notes when both feeds quote every half second, the backup above the primary by `gap`."""
    watched, notes = Divergence(PAIRS), []
    for k in range(round(seconds * 2) + 1):
        for feed, mid in ((0, 1.0), (1, 1.0 + gap)):
            notes.append(watched.take(quote(k / 2, mid, feed, spread)))
    return [note for note in notes if note is not None]


@pytest.mark.parametrize(
    ("gap", "spread", "diverges"),
    [
        (0.0009, 0.0001, False),
        (0.0011, 0.0001, True),
        (0.0024, 0.0005, False),
        (0.0026, 0.0005, True),
        (-0.0011, 0.0001, True),
    ],
)
def test_feeds_diverge_beyond_five_spreads_and_a_tenth_of_a_per_cent(gap: float, spread: float, diverges: bool) -> None:
    assert [note.kind for note in notes_of(gap, 60, spread)] == [FeedNoteKind.DIVERGED] * diverges


@pytest.mark.parametrize(("seconds", "diverges"), [(2.0, False), (2.5, True)])
def test_a_difference_must_last_longer_than_two_seconds(seconds: float, diverges: bool) -> None:
    assert bool(notes_of(0.01, seconds)) is diverges


def test_an_old_price_is_nothing_to_compare_with() -> None:
    watched = Divergence(PAIRS)
    watched.take(quote(0, 1.0, 0))
    assert [watched.take(quote(second, 1.1, 1)) for second in np.arange(5, 30, 0.5)] == [None] * 50
    assert watched.worse(quote(30, 1.1, 1), 1e6) == quote(30, 1.1, 1)


def feeds_apart(scripted_feed: MakeFeed) -> list[Feed]:
    """Both at 1.1000, the backup at 1.1050 from 10 to 30 s, then 7 pips apart (over half of the limit) until 50 s."""

    def stream(backup: bool) -> list[RawQuote]:
        quotes = []
        for k in range(2, 160):
            second, time_ns = k / 2, NOW + k * SECOND_NS // 2
            apart = 0.0050 if 10 <= second < 30 else 0.0007 if 30 <= second < 50 else 0.0
            bid = 1.1 + (apart if backup else 0.0) + (k % 2) * 1e-5
            quotes.append(RawQuote(time_ns, "EURUSD", bid, bid + 0.0001))
        return quotes

    return [scripted_feed(NOW, stream(backup)) for backup in (False, True)]


@pytest.mark.parametrize(
    ("units", "in_use", "used"),
    [
        (1e6, 0, 1.1),
        (-1e6, 0, 1.105),
        (0.0, 0, 1.1),
        (1e6, 1, 1.1),
        (-1e6, 1, 1.105),
        (0.0, 1, 1.105),
    ],
)
def test_the_worse_price_for_the_book_is_used_while_feeds_diverge(
    scripted_feed: MakeFeed, units: float, in_use: int, used: float
) -> None:
    watched = FeedSupervisor(feeds_apart(scripted_feed), PAIRS, np.random.default_rng(1))
    watched.in_use = in_use
    bids: dict[int, list[float]] = {}
    for k in range(2, 60):
        for one in watched.poll(NOW + k * SECOND_NS // 2, {"EURUSD": units}).quotes:
            if 20 <= k / 2 < 30:
                bids.setdefault(one.feed, []).append(one.bid)
    assert watched.diverged == ("EURUSD",)
    np.testing.assert_allclose(bids[in_use], used, atol=2e-5)
    np.testing.assert_allclose(bids[1 - in_use], 1.1 if in_use else 1.105, atol=2e-5)


def test_an_episode_is_told_once_and_ends_ten_seconds_after_they_agree(scripted_feed: MakeFeed) -> None:
    watched = FeedSupervisor(feeds_apart(scripted_feed), PAIRS, np.random.default_rng(1))
    told = [
        (note.kind, note.pair, k / 2)
        for k in range(160)
        for note in watched.poll(NOW + k * SECOND_NS // 2, {}).notes
        if note.pair is not None
    ]
    assert told == [(FeedNoteKind.DIVERGED, "EURUSD", 12.5), (FeedNoteKind.CONVERGED, "EURUSD", 60.0)]
    assert watched.diverged == ()


def test_the_note_names_both_prices() -> None:
    (note,) = notes_of(0.01, 10)
    assert note.sentence.startswith("feeds ") and "EURUSD at 1 and 1.01" in note.sentence
