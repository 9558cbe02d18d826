"""Quality of one feed: how many of the quotes it should have given came in and were good, and how fresh they are.

::

    score = 100 × capture × (1 − refused share) × freshness

* capture: quotes accepted over quotes expected, at most 1. Expected is market time times a rate: the one given, or the
  feed's own. A feed's own rate of a pair is what it gives while the pair is not silent; silence is a gap of more than
  ten seconds and ten mean gaps. A pair that has never come is held to the mean of the others, a feed that has never
  given anything to one quote a pair every ten seconds.
* refused share: refused over all judged.
* freshness: 1 up to 5 s of market time since the last accepted quote, falling to 0 at 30 s, the first two rungs of the
  technical ladder.

While the market is closed a quote is neither expected nor missed: all durations are market time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from workbench.data.feeds.guard import Guard, Refusal
from workbench.domain.errors import ConfigError
from workbench.domain.trading.market_hours import SECOND_NS, market_time_ns

SILENCE_NS = 10 * SECOND_NS
SILENCE_GAPS = 10
FRESH_SECONDS, DEAD_SECONDS = 5.0, 30.0


@dataclass(frozen=True, slots=True)
class FeedQuality:
    """What the status page shows of a feed.

    Attributes
    ----------
    name, label : str
        Of the feed.
    connected : bool
        Whether it is, now.
    accepted : int
        Quotes accepted while the market was open.
    expected : float
        Quotes that should have come since the start.
    capture_rate : float
        In [0, 1]; 1 when nothing was expected yet.
    refused_shares : mapping of Refusal to float
        Of all quotes judged; only reasons that occurred.
    spikes : int
        Accepted quotes with an unusually large move.
    last_accepted_ns : mapping of str to int
        When the last good quote of each pair was received; pairs without one are missing.
    silence_seconds, longest_silence_seconds : float
        Market time without any accepted quote, now and at worst.
    score : float
        0 to 100; see the module.
    """

    name: str
    label: str
    connected: bool
    accepted: int
    expected: float
    capture_rate: float
    refused_shares: Mapping[Refusal, float] = field(repr=False)
    spikes: int
    last_accepted_ns: Mapping[str, int] = field(repr=False)
    silence_seconds: float
    longest_silence_seconds: float
    score: float


class _Ledger:
    """Account of one pair, in market time: the wait for its first quote, then its gaps, less what counts as silence."""

    __slots__ = ("accepted", "last_market_ns", "last_ns", "live_ns", "silent_ns", "waited_ns")

    def __init__(self, market_ns: int) -> None:
        self.accepted, self.waited_ns, self.live_ns, self.silent_ns = 0, 0, 0, 0.0
        self.last_market_ns = market_ns
        self.last_ns: int | None = None

    def accept(self, market_ns: int) -> None:
        """Enter a quote."""
        gap_ns = market_ns - self.last_market_ns
        if self.accepted == 0:
            self.waited_ns = gap_ns
        elif gap_ns > SILENCE_NS and self.silence_ns(gap_ns) > 0.0:
            self.silent_ns += self.silence_ns(gap_ns)
        else:
            self.live_ns += gap_ns
        self.accepted += 1
        self.last_market_ns = market_ns

    def silence_ns(self, gap_ns: int) -> float:
        """What a gap has more than the mean one, when it is long enough to be a silence; else nothing."""
        mean_ns = self.live_ns / (self.accepted - 1) if self.accepted > 1 else SILENCE_NS
        return gap_ns - mean_ns if gap_ns > max(SILENCE_NS, SILENCE_GAPS * mean_ns) else 0.0

    def expected(self, market_ns: int, elapsed_ns: int) -> float:
        """Quotes there would have been without the silences."""
        now_ns = self.silence_ns(market_ns - self.last_market_ns)
        silent_ns = self.silent_ns + self.silence_ns(self.waited_ns) + now_ns
        return self.accepted * max(elapsed_ns, SILENCE_NS) / max(elapsed_ns - silent_ns, SILENCE_NS)


class QualityMeter:
    """Keeps the account of one feed.

    Parameters
    ----------
    guard : Guard
        Of the feed: it counts the refusals.
    universe : iterable of str
        Pairs that are expected.
    start_ns : int
        From when quotes are expected.
    quotes_per_second : float or None
        Expected of each pair; None takes the feed's own rate.
    """

    def __init__(
        self, guard: Guard, universe: Iterable[str], start_ns: int, quotes_per_second: float | None = None
    ) -> None:
        if quotes_per_second is not None and not quotes_per_second > 0.0:
            raise ConfigError(f"quotes expected per second and pair must be positive, got {quotes_per_second}")
        self._guard, self._rate = guard, quotes_per_second
        self._start_market_ns = self._market_ns = self._last_market_ns = market_time_ns(start_ns)
        self._ledgers = {pair: _Ledger(self._market_ns) for pair in universe}
        self._now_ns, self._is_open = start_ns, True
        self._longest_ns = 0

    def begin(self, now_ns: int) -> None:
        """Set the time of what is accepted next: once a poll, not once a quote.

        Parameters
        ----------
        now_ns : int
            Nanoseconds UTC.
        """
        self._now_ns, self._market_ns = now_ns, market_time_ns(now_ns)
        self._is_open = market_time_ns(now_ns + 1) > self._market_ns

    def accept(self, pair: str) -> None:
        """Enter an accepted quote.

        Parameters
        ----------
        pair : str
            Of the universe.
        """
        ledger, market_ns = self._ledgers[pair], self._market_ns
        ledger.last_ns = self._now_ns
        if not self._is_open:
            return
        ledger.accept(market_ns)
        if market_ns - self._last_market_ns > self._longest_ns:
            self._longest_ns = market_ns - self._last_market_ns
        self._last_market_ns = market_ns

    def snapshot(self, name: str, label: str, *, connected: bool) -> FeedQuality:
        """Quality at the time of the last `begin`.

        Parameters
        ----------
        name, label : str
            Of the feed.
        connected : bool
            Whether it is, now.

        Returns
        -------
        FeedQuality
        """
        accepted = sum(ledger.accepted for ledger in self._ledgers.values())
        expected = self._expected()
        silence_ns = self._market_ns - self._last_market_ns
        refused = {reason: count for reason, count in self._guard.refused.items() if count}
        judged = self._guard.accepted + sum(refused.values())
        capture = min(1.0, accepted / expected) if expected > 0.0 else 1.0
        share = sum(refused.values()) / judged if judged else 0.0
        return FeedQuality(
            name=name,
            label=label,
            connected=connected,
            accepted=accepted,
            expected=expected,
            capture_rate=capture,
            refused_shares={reason: count / judged for reason, count in refused.items()},
            spikes=self._guard.spikes,
            last_accepted_ns={p: one.last_ns for p, one in self._ledgers.items() if one.last_ns is not None},
            silence_seconds=silence_ns / SECOND_NS,
            longest_silence_seconds=max(self._longest_ns, silence_ns) / SECOND_NS,
            score=100.0 * capture * (1.0 - share) * freshness(silence_ns / SECOND_NS),
        )

    def _expected(self) -> float:
        """Quotes of all pairs since the start."""
        elapsed_ns, pairs = self._market_ns - self._start_market_ns, len(self._ledgers)
        if self._rate is not None:
            return self._rate * pairs * elapsed_ns / SECOND_NS
        heard = [one.expected(self._market_ns, elapsed_ns) for one in self._ledgers.values() if one.accepted]
        if not heard:
            return pairs * elapsed_ns / SILENCE_NS
        # a pair may come a little later than the others: none is missed before it counts as silent
        missing = pairs - len(heard) if elapsed_ns > SILENCE_NS else 0
        return sum(heard) + missing * sum(heard) / len(heard)


def freshness(silence_seconds: float) -> float:
    """How fresh a feed is after a silence.

    Parameters
    ----------
    silence_seconds : float
        Market time since the last accepted quote.

    Returns
    -------
    float
        In [0, 1].
    """
    return min(1.0, max(0.0, (DEAD_SECONDS - silence_seconds) / (DEAD_SECONDS - FRESH_SECONDS)))
