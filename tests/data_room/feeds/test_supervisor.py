"""The supervisor: faults of every kind go in, only good quotes come out, and people are told once."""

import math
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from workbench.data.feeds.connection import FeedNote, FeedNoteKind
from workbench.data.feeds.guard import Refusal
from workbench.data.feeds.market import SimulatedMarket
from workbench.data.feeds.paths import QuotePlan
from workbench.data.feeds.protocol import Feed, RawQuote
from workbench.data.feeds.recorded import FileTail
from workbench.data.feeds.supervisor import ASK_AGAIN_NS, FeedSupervisor
from workbench.domain.currencies import PAIRS
from workbench.domain.errors import ConfigError
from workbench.domain.trading.events import Quote
from workbench.domain.trading.market_hours import SECOND_NS

NOW = int(datetime(2024, 1, 10, 12, tzinfo=UTC).timestamp()) * SECOND_NS
MakeFeed = Callable[..., Feed]


def raw(second: float, bid: float, pair: str = "EURUSD", ask: float | None = None) -> RawQuote:
    return RawQuote(NOW + round(second * SECOND_NS), pair, bid, bid + 0.0001 if ask is None else ask)


def supervisor(*feeds: Feed, seed: int = 1) -> FeedSupervisor:
    return FeedSupervisor(feeds, PAIRS, np.random.default_rng(seed), {"EURUSD": 1.1})


def run(
    watched: FeedSupervisor, seconds: float, exposure: Mapping[str, float] | None = None, step: float = 0.25
) -> tuple[list[Quote], list[FeedNote]]:
    """Poll from `NOW` on, every quarter of a second."""
    quotes: list[Quote] = []
    notes: list[FeedNote] = []
    for k in range(round(seconds / step) + 1):
        batch = watched.poll(NOW + round(k * step * SECOND_NS), exposure or {})
        quotes += batch.quotes
        notes += batch.notes
    return quotes, notes


def told(notes: list[FeedNote], *kinds: FeedNoteKind) -> list[FeedNoteKind]:
    return [note.kind for note in notes if not kinds or note.kind in kinds]


# --- faults in the prices

FAULTS: dict[str, tuple[list[RawQuote], Refusal | None]] = {
    "dropped": ([], None),
    "duplicate": ([raw(2, 1.1002)], Refusal.DUPLICATE),
    "not a number": ([raw(3, math.nan)], Refusal.NOT_A_NUMBER),
    "infinite": ([raw(3, math.inf)], Refusal.NOT_A_NUMBER),
    "zero": ([raw(3, 0.0)], Refusal.NOT_POSITIVE),
    "negative": ([raw(3, -1.1)], Refusal.NOT_POSITIVE),
    "crossed": ([raw(3, 1.1, ask=1.0999)], Refusal.CROSSED),
    "ten times": ([raw(3, 11.0)], Refusal.IMPLAUSIBLE),
    "a zero lost": ([raw(3, 0.11)], Refusal.IMPLAUSIBLE),
    "wrong instrument": ([raw(3, 1.1, pair="XAUUSD")], Refusal.WRONG_INSTRUMENT),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_changes_nothing_but_the_counts(scripted_feed: MakeFeed, fault: str) -> None:
    rubbish, refusal = FAULTS[fault]
    good = [raw(second, 1.1 + second / 10_000) for second in (1, 2, 4, 5)]
    watched = supervisor(scripted_feed(NOW, good[:2] + rubbish + good[2:]))
    quotes, _ = run(watched, 6)
    assert quotes == [Quote(one.event_ns, "EURUSD", one.bid, one.ask, 0) for one in good]
    (quality,) = watched.quality(NOW + 6 * SECOND_NS)
    assert quality.refused_shares == ({} if refusal is None else {refusal: 1 / 5})


def test_quotes_out_of_order_late_and_early_are_refused() -> None:
    class Shuffled:
        name, label, synthetic = "shuffled", "a test", True
        sent = (raw(10, 1.1), raw(9, 1.1001), raw(4, 1.1, "GBPUSD"), raw(13, 1.1002), raw(11, 1.1003))

        def connect(self, now_ns: int) -> None: ...
        def poll(self, now_ns: int) -> tuple[RawQuote, ...]:
            return self.sent

        def due_ns(self) -> None: ...
        def close(self) -> None: ...

    watched = supervisor(Shuffled())
    batch = watched.poll(NOW + 10 * SECOND_NS, {})
    assert [(quote.time_ns, quote.bid) for quote in batch.quotes] == [
        (NOW + 10 * SECOND_NS, 1.1),
        (NOW + 10 * SECOND_NS, 1.1003),
    ]
    refused = watched.quality(NOW + 10 * SECOND_NS)[0].refused_shares
    assert set(refused) == {Refusal.REORDERED, Refusal.OUTDATED, Refusal.FROM_THE_FUTURE}


def test_a_real_gap_of_three_per_cent_gets_through_at_once(scripted_feed: MakeFeed) -> None:
    calm = [raw(second, 1.1 + (second % 3) / 10_000) for second in range(1, 100)]
    watched = supervisor(scripted_feed(NOW, [*calm, raw(100, 1.067)]))
    quotes, _ = run(watched, 100)
    assert (quotes[-1].time_ns, quotes[-1].bid) == (NOW + 100 * SECOND_NS, 1.067)
    assert watched.quality(NOW + 100 * SECOND_NS)[0].spikes == 1


def test_stale_repeats_stop_counting_as_fresh(scripted_feed: MakeFeed) -> None:
    frozen = [raw(second, 1.1) for second in range(1, 41)]
    moving = [raw(second, 1.3 + second / 10_000, "GBPUSD") for second in range(1, 41)]
    quotes, _ = run(supervisor(scripted_feed(NOW, frozen + moving)), 41)
    assert Counter(quote.pair for quote in quotes) == {"EURUSD": 21, "GBPUSD": 40}


def test_a_burst_comes_out_whole_and_in_order(scripted_feed: MakeFeed) -> None:
    burst = [raw(1 + k / 1e6, 1.1 + (k % 7) / 100_000, PAIRS[0]) for k in range(20_000)]
    quotes, _ = run(supervisor(scripted_feed(NOW, burst)), 2)
    assert [quote.bid for quote in quotes] == [one.bid for one in burst]


def test_heartbeats_are_no_prices_and_huge_lines_no_danger(tmp_path: Path) -> None:
    path = tmp_path / "quotes.jsonl"
    watched = supervisor(FileTail(path, "a test"))
    path.write_text('{"type": "HEARTBEAT", "time": "2024-01-10T12:00:00Z"}\n' + "x" * 1_000_000 + "\n")
    quotes, notes = run(watched, 70, step=1.0)
    assert quotes == [] and watched.quality(NOW + 70 * SECOND_NS)[0].score == 0.0
    assert told(notes) == [FeedNoteKind.CONNECTED, FeedNoteKind.TROUBLE, FeedNoteKind.QUALITY_LOW]
    assert "1 that cannot be read" in notes[1].sentence and "1 of more than 4096 bytes" in notes[1].sentence
    with path.open("a") as file:
        file.write('{"time": "2024-01-10T12:01:11Z", "pair": "EURUSD", "bid": 1.1, "ask": 1.1001}\n')
    assert [quote.bid for quote in watched.poll(NOW + 71 * SECOND_NS, {}).quotes] == [1.1]


def test_a_level_that_insists_is_told_and_stays_out(scripted_feed: MakeFeed) -> None:
    quotes, notes = run(supervisor(scripted_feed(NOW, [raw(second, 2.2) for second in range(1, 41)])), 41)
    assert quotes == [] and told(notes) == [
        FeedNoteKind.CONNECTED,
        FeedNoteKind.LEVEL_REFUSED,
        FeedNoteKind.WITHHELD,
    ]
    assert "EURUSD at 2.20005" in notes[1].sentence and "last good 1.1" in notes[1].sentence


# --- connections


def test_a_feed_that_never_connects_is_tried_with_growing_pauses_and_told_once(scripted_feed: MakeFeed) -> None:
    feed = scripted_feed(NOW, [], down=[(0, 1e9)])
    quotes, notes = run(supervisor(feed), 300, step=0.05)
    assert quotes == [] and told(notes, FeedNoteKind.NEVER_CONNECTED, FeedNoteKind.CONNECTED) == [
        FeedNoteKind.NEVER_CONNECTED
    ]
    assert "has not connected once in" in notes[0].sentence and "the line is cut" in notes[0].sentence
    pauses = np.diff(feed.tries)
    longest = np.minimum(2.0 ** np.arange(pauses.size), 30.0)
    assert feed.tries[0] == 0.0 and np.all(pauses <= longest + 0.1) and np.all(pauses >= longest / 2)
    assert feed.tries[7] >= 30.0 and len(set(np.round(pauses[5:], 2))) > 1


def test_the_primary_dies_and_comes_back_while_the_backup_goes_on(scripted_feed: MakeFeed) -> None:
    stream = [raw(second, 1.1 + (second % 9) / 10_000) for second in range(1, 120)]
    primary = scripted_feed(NOW, stream, down=[(40, 60)])
    quotes, notes = run(supervisor(primary, scripted_feed(NOW, stream)), 120)
    heard = [{round((q.time_ns - NOW) / SECOND_NS) for q in quotes if q.feed == feed} for feed in (0, 1)]
    assert heard[1] == set(range(1, 120)) and heard[0] >= set(range(1, 40)) | set(range(76, 120))
    lost = [note for note in notes if note.kind in {FeedNoteKind.CONNECTED, FeedNoteKind.DISCONNECTED}]
    assert [(note.kind, note.feed) for note in lost] == [
        (FeedNoteKind.CONNECTED, 0),
        (FeedNoteKind.CONNECTED, 1),
        (FeedNoteKind.DISCONNECTED, 0),
        (FeedNoteKind.CONNECTED, 0),
    ]
    assert "the line is cut at 40 s" in lost[2].sentence and primary.closed == 1
    assert 40.5 <= primary.tries[1] <= 41.25


def test_a_feed_that_flaps_is_tried_less_and_less_often(scripted_feed: MakeFeed) -> None:
    flaps = [(k, k + 0.5) for k in range(1, 200)]
    feed = scripted_feed(NOW, [], down=flaps)
    watched = supervisor(feed)
    run(watched, 120)
    assert len(feed.tries) < 16
    closed = feed.closed
    watched.close()
    assert feed.closed == closed + 1


def test_due_is_the_next_quote_the_next_try_or_soon(scripted_feed: MakeFeed, tmp_path: Path) -> None:
    watched = supervisor(scripted_feed(NOW, [raw(7, 1.1)]))
    assert watched.due_ns(NOW) == NOW
    watched.poll(NOW, {})
    assert watched.due_ns(NOW) == NOW + 7 * SECOND_NS
    watched.poll(NOW + 7 * SECOND_NS, {})
    assert watched.due_ns(NOW + 7 * SECOND_NS) == NOW + 7 * SECOND_NS + ASK_AGAIN_NS
    missing = supervisor(FileTail(tmp_path / "missing", "a test"))
    missing.poll(NOW, {})
    assert NOW + SECOND_NS // 2 <= missing.due_ns(NOW) <= NOW + SECOND_NS


def test_a_poor_feed_is_told_once_until_it_has_recovered(scripted_feed: MakeFeed) -> None:
    stream = [raw(second, 1.1 + (second % 9) / 10_000, pair) for second in range(1, 900) for pair in PAIRS]
    gone = [one for one in stream if not NOW + 100 * SECOND_NS < one.event_ns < NOW + 140 * SECOND_NS]
    _, notes = run(FeedSupervisor([scripted_feed(NOW, gone)], PAIRS, np.random.default_rng(1)), 900, step=0.5)
    (low,) = [note for note in notes if note.kind is FeedNoteKind.QUALITY_LOW]
    assert low.sentence.startswith("feed 0 (scripted) scores ") and "were refused, the last good one" in low.sentence


@pytest.mark.parametrize("count", [0, 3])
def test_there_are_one_or_two_feeds(scripted_feed: MakeFeed, count: int) -> None:
    with pytest.raises(ConfigError, match=f"got {count}"):
        supervisor(*[scripted_feed(NOW, []) for _ in range(count)])


# --- two feeds


def test_quotes_of_two_feeds_come_out_in_the_order_they_happened(scripted_feed: MakeFeed) -> None:
    feeds = [scripted_feed(NOW, [raw(k + offset, 1.1 + k / 1e4) for k in (0.1, 0.5, 0.8)]) for offset in (0.0, 0.2)]
    quotes, _ = run(supervisor(*feeds), 2, step=2.0)
    assert [quote.feed for quote in quotes] == [0, 1, 0, 1, 0, 1]
    assert {quote.time_ns for quote in quotes} == {NOW + 2 * SECOND_NS}


def test_the_same_seed_gives_the_same_batches(scripted_feed: MakeFeed) -> None:
    values = np.array([1.10, 0.0068, 1.27, 1.17, 0.67, 0.75, 0.62])
    plan = QuotePlan(dict.fromkeys(PAIRS, 1.0), 1.0)

    def once(seed: int) -> tuple[list[Quote], list[FeedNote]]:
        market = SimulatedMarket(seed, values, 0.005**2 * np.eye(7), plan, NOW)
        return run(supervisor(market, scripted_feed(NOW, [], down=[(0, 50)]), seed=seed), 60)

    assert once(3) == once(3)
    assert once(3) != once(4)
