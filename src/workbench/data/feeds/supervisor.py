"""One or two feeds, connected, guarded, compared and measured: what comes out goes to the engine as it is.

Which feed the book lives by is the engine's decision (its technical ladder fails over); the loop writes it into
`FeedSupervisor.in_use`. The supervisor never switches. A feed that has lost a price the book is judged by is withheld
as a whole: to the engine it is silent, so its technical ladder fails over, stops growth and at last flattens. The other
prices alone would make it look fresh, and the book would be judged by a price that is no longer one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from workbench.data.feeds.connection import Connection, FeedNote, FeedNoteKind
from workbench.data.feeds.divergence import Divergence
from workbench.data.feeds.guard import LOST_AFTER_NS, Guard, Mark, Refusal
from workbench.data.feeds.protocol import Feed, RawQuote
from workbench.data.feeds.quality import FeedQuality, QualityMeter
from workbench.domain.errors import ConfigError
from workbench.domain.trading.events import Quote
from workbench.domain.trading.market_hours import SECOND_NS, market_time_ns

MOST_FEEDS = 2
ASK_AGAIN_NS = 5_000_000
"""Pause before a feed that cannot tell is asked again."""
QUALITY_EVERY_NS = SECOND_NS
QUALITY_FROM_NS = 60 * SECOND_NS
"""Open market time before quality is judged: shorter than that says little."""
LOW_SCORE, GOOD_SCORE = 80.0, 90.0
WORDS = {
    Refusal.NOT_A_NUMBER: "not a number",
    Refusal.NOT_POSITIVE: "zero or less",
    Refusal.CROSSED: "bid above ask",
    Refusal.IMPLAUSIBLE: "more than half away, or no price any pair ever had",
}


@dataclass(frozen=True, slots=True)
class FeedBatch:
    """What one poll brought.

    Attributes
    ----------
    quotes : tuple of Quote
        For the engine, of all feeds, in the order they happened; `time_ns` is when they were received.
    notes : tuple of FeedNote
        For people.
    """

    quotes: tuple[Quote, ...]
    notes: tuple[FeedNote, ...]


class _Line:
    """A feed with everything that is kept about it."""

    __slots__ = ("connection", "guard", "is_low", "meter", "withheld")

    def __init__(self, connection: Connection, guard: Guard, meter: QualityMeter) -> None:
        self.connection, self.guard, self.meter = connection, guard, meter
        self.is_low, self.withheld = False, False

    def quality(self) -> FeedQuality:
        feed = self.connection.feed
        return self.meter.snapshot(feed.name, feed.label, connected=self.connection.connected)


class FeedSupervisor:
    """Runs the feeds.

    Parameters
    ----------
    feeds : sequence of Feed
        The primary, and a backup where there is one.
    universe : sequence of str
        Pairs that are expected.
    generator : numpy Generator
        Of the jitter of reconnecting.
    known_mids : mapping of str to float
        Prices known beforehand, such as the last fixes; see `Guard`.
    quotes_per_second : float or None
        Expected of each pair of each feed; None takes each feed's own rate.

    Attributes
    ----------
    in_use : int
        The feed the engine lives by; written by the loop.
    """

    def __init__(
        self,
        feeds: Sequence[Feed],
        universe: Sequence[str],
        generator: np.random.Generator,
        known_mids: Mapping[str, float] = MappingProxyType({}),
        quotes_per_second: float | None = None,
    ) -> None:
        if not 1 <= len(feeds) <= MOST_FEEDS:
            raise ConfigError(f"expected one feed, or a primary and a backup, got {len(feeds)}")
        self._universe, self._rate = tuple(universe), quotes_per_second
        self._connections = [Connection(feed, number, generator) for number, feed in enumerate(feeds)]
        self._guards = [Guard(universe, known_mids) for _ in feeds]
        self._lines: list[_Line] = []
        self._divergence = Divergence(universe) if len(feeds) == MOST_FEEDS else None
        self._start_market_ns = 0
        self._quality_ns = 0
        self.in_use = 0

    @property
    def diverged(self) -> tuple[str, ...]:
        """Pairs in which the feeds disagree now."""
        return self._divergence.diverged() if self._divergence else ()

    def poll(self, now_ns: int, exposure: Mapping[str, float]) -> FeedBatch:
        """Connect, read, guard and compare; never waits.

        Parameters
        ----------
        now_ns : int
            Nanoseconds UTC.
        exposure : mapping of str to float
            Net position of each pair, signed base units; a pair that is missing is flat.

        Returns
        -------
        FeedBatch
        """
        if not self._lines:
            self._start(now_ns)
        notes: list[FeedNote] = []
        good: list[tuple[int, int, RawQuote]] = []
        for number, line in enumerate(self._lines):
            raws = line.connection.poll(now_ns)
            notes += line.connection.take_notes()
            line.meter.begin(now_ns)
            heard = [(raw.event_ns, number, raw) for raw in raws if self._is_good(line, raw, now_ns, notes)]
            if not self._is_withheld(line, exposure, notes):
                good += heard
        if self._divergence:
            good.sort(key=lambda entry: entry[0])
        quotes = tuple(self._compared(number, raw, now_ns, exposure, notes) for _, number, raw in good)
        if now_ns >= self._quality_ns:
            self._quality_ns = now_ns + QUALITY_EVERY_NS
            notes += self._judged_quality(now_ns)
        return FeedBatch(quotes, tuple(notes))

    def due_ns(self, now_ns: int) -> int:
        """Earliest moment at which something is to be done.

        Parameters
        ----------
        now_ns : int
            Nanoseconds UTC.

        Returns
        -------
        int
            Not before `now_ns`; soon when a feed cannot tell.
        """
        dues = (connection.due_ns() for connection in self._connections)
        return max(now_ns, min(now_ns + ASK_AGAIN_NS if due is None else due for due in dues))

    def quality(self, now_ns: int) -> tuple[FeedQuality, ...]:
        """Quality of each feed.

        Parameters
        ----------
        now_ns : int
            Nanoseconds UTC.

        Returns
        -------
        tuple of FeedQuality
            In the order of the feeds; none before the first poll.
        """
        for line in self._lines:
            line.meter.begin(now_ns)
        return tuple(line.quality() for line in self._lines)

    def close(self) -> None:
        """Close all feeds."""
        for connection in self._connections:
            connection.feed.close()

    def _start(self, now_ns: int) -> None:
        """Begin to expect quotes."""
        self._start_market_ns = market_time_ns(now_ns)
        for connection, guard in zip(self._connections, self._guards, strict=True):
            meter = QualityMeter(guard, self._universe, now_ns, self._rate)
            self._lines.append(_Line(connection, guard, meter))

    def _is_good(self, line: _Line, raw: RawQuote, now_ns: int, notes: list[FeedNote]) -> bool:
        verdict = line.guard.judge(raw, now_ns)
        if verdict.refusal is None:
            line.meter.accept(raw.pair)
            return True
        if verdict.mark == Mark.NEW_LEVEL:
            notes.append(_level_refused(line, raw))
        return False

    def _is_withheld(self, line: _Line, exposure: Mapping[str, float], notes: list[FeedNote]) -> bool:
        """Whether the feed has lost the price of a dollar pair, which values every other, or of one that is held."""
        lost = [pair for pair in line.guard.lost if "USD" in pair or exposure.get(pair, 0.0) != 0.0]
        if lost and not line.withheld:
            notes.append(_withheld(line, lost[0]))
        elif line.withheld and not lost:
            notes.append(_used_again(line))
        line.withheld = bool(lost)
        return line.withheld

    def _compared(
        self, number: int, raw: RawQuote, now_ns: int, exposure: Mapping[str, float], notes: list[FeedNote]
    ) -> Quote:
        quote = Quote(now_ns, raw.pair, raw.bid, raw.ask, number)
        if self._divergence is None:
            return quote
        note = self._divergence.take(quote)
        if note is not None:
            notes.append(note)
        return self._divergence.worse(quote, exposure.get(raw.pair, 0.0)) if number == self.in_use else quote

    def _judged_quality(self, now_ns: int) -> list[FeedNote]:
        """Tell when the score of a feed falls below the line; it must recover clearly before it can be told again."""
        if market_time_ns(now_ns) - self._start_market_ns < QUALITY_FROM_NS:
            return []
        notes = []
        for line in self._lines:
            quality = line.quality()
            if not line.is_low and quality.score < LOW_SCORE:
                notes.append(_quality_low(line.connection.number, quality))
            line.is_low = quality.score < (GOOD_SCORE if line.is_low else LOW_SCORE)
        return notes


def _level_refused(line: _Line, raw: RawQuote) -> FeedNote:
    number, level = line.connection.number, 0.5 * (raw.bid + raw.ask)
    sentence = (
        f"feed {number} ({line.connection.feed.name}) insists on {raw.pair} at {level:.6g}, more than half away from "
        f"the last good {line.guard.last_mid(raw.pair):.6g}: it stays refused; compare with another source, and if it "
        "is real, close the positions and begin a new journal from rates that have it"
    )
    return FeedNote(FeedNoteKind.LEVEL_REFUSED, number, raw.pair, sentence)


def _withheld(line: _Line, pair: str) -> FeedNote:
    number, refusal = line.connection.number, line.guard.lost[pair]
    sentence = (
        f"feed {number} ({line.connection.feed.name}) counts as silent: of {pair}, last good at "
        f"{line.guard.last_mid(pair):.6g}, it has sent nothing for {LOST_AFTER_NS // SECOND_NS} s that can be its "
        f"price ({WORDS[refusal]}), so the book cannot be judged by it"
    )
    return FeedNote(FeedNoteKind.WITHHELD, number, pair, sentence)


def _used_again(line: _Line) -> FeedNote:
    number = line.connection.number
    sentence = f"feed {number} ({line.connection.feed.name}) counts again: it has a price of every pair that is needed"
    return FeedNote(FeedNoteKind.USED_AGAIN, number, None, sentence)


def _quality_low(number: int, quality: FeedQuality) -> FeedNote:
    refused = sum(quality.refused_shares.values())
    sentence = (
        f"feed {number} ({quality.name}) scores {quality.score:.0f} of 100: {quality.capture_rate:.2%} of the expected "
        f"quotes came, {refused:.2%} of all were refused, the last good one {quality.silence_seconds:.1f} s ago"
    )
    return FeedNote(FeedNoteKind.QUALITY_LOW, number, None, sentence)
