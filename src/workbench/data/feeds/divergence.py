"""Two feeds that disagree: told once an episode, and while it lasts the price that is worse for the book is used.

Nobody can tell from two prices which one is right; risk is judged as if the less pleasant one were.
"""

from collections.abc import Iterable

from workbench.data.feeds.connection import FeedNote, FeedNoteKind
from workbench.domain.trading.events import Quote
from workbench.domain.trading.market_hours import SECOND_NS

FRESH_NS = 5 * SECOND_NS
"""First rung of the technical ladder."""
LARGEST_SPREADS, LARGEST_SHARE = 5.0, 0.001
DIVERGED_AFTER_NS = 2 * SECOND_NS
CONVERGED_AFTER_NS = 10 * SECOND_NS
CONVERGED_SHARE = 0.5


class _PairWatch:
    """Last quotes of both feeds in one pair, and how they stand."""

    __slots__ = ("diverged", "last", "since_ns")

    def __init__(self) -> None:
        self.last: list[Quote | None] = [None, None]
        self.diverged = False
        # since when the state is contradicted: apart while together, or close while diverged
        self.since_ns: int | None = None


class Divergence:
    """Watches the mids of both feeds, pair by pair.

    Parameters
    ----------
    universe : iterable of str
        Pairs.
    """

    def __init__(self, universe: Iterable[str]) -> None:
        self._watches = {pair: _PairWatch() for pair in universe}

    def take(self, quote: Quote) -> FeedNote | None:
        """Take an accepted quote in.

        Parameters
        ----------
        quote : Quote
            With its feed and the time it was received.

        Returns
        -------
        FeedNote or None
            When the feeds have diverged or converged.
        """
        watch = self._watches[quote.pair]
        watch.last[quote.feed] = quote
        other = watch.last[1 - quote.feed]
        if other is None or quote.time_ns - other.time_ns >= FRESH_NS:
            # nothing to compare with: neither agreement nor disagreement goes on
            watch.since_ns = None
            return None
        gap, limit = _gap_and_limit(quote, other)
        contradicted = gap < CONVERGED_SHARE * limit if watch.diverged else gap > limit
        if not contradicted:
            watch.since_ns = None
            return None
        if watch.since_ns is None:
            watch.since_ns = quote.time_ns
        lasted_ns = quote.time_ns - watch.since_ns
        if lasted_ns < CONVERGED_AFTER_NS if watch.diverged else lasted_ns <= DIVERGED_AFTER_NS:
            return None
        watch.diverged, watch.since_ns = not watch.diverged, None
        return _note(watch.diverged, quote, other)

    def worse(self, quote: Quote, exposure: float) -> Quote:
        """Replace a quote by the one of the other feed while they diverge and that one is worse for the position.

        Parameters
        ----------
        quote : Quote
            Of the feed in use, taken in already.
        exposure : float
            Net position in the pair, signed base units: long is hurt by the lower price, short by the higher one.

        Returns
        -------
        Quote
            Still in the name of the feed in use.
        """
        watch = self._watches[quote.pair]
        other = watch.last[1 - quote.feed]
        if not watch.diverged or other is None or quote.time_ns - other.time_ns >= FRESH_NS:
            return quote
        if exposure * (_twice_mid(other) - _twice_mid(quote)) >= 0.0:
            return quote
        return Quote(quote.time_ns, quote.pair, other.bid, other.ask, quote.feed)

    def diverged(self) -> tuple[str, ...]:
        """Name the pairs in which the feeds disagree now."""
        return tuple(pair for pair, watch in self._watches.items() if watch.diverged)


def _note(diverged: bool, quote: Quote, other: Quote) -> FeedNote:
    prices = f"{quote.pair} at {_twice_mid(quote) / 2:.6g} and {_twice_mid(other) / 2:.6g}"
    feeds = f"feeds {quote.feed} and {other.feed}"
    if diverged:
        sentence = f"{feeds} disagree on {prices}: the worse price for the book is used while they do"
        return FeedNote(FeedNoteKind.DIVERGED, quote.feed, quote.pair, sentence)
    return FeedNote(FeedNoteKind.CONVERGED, quote.feed, quote.pair, f"{feeds} agree again on {prices}")


def _twice_mid(quote: Quote) -> float:
    return quote.bid + quote.ask


def _gap_and_limit(one: Quote, other: Quote) -> tuple[float, float]:
    """Distance of the mids, and how far they may be apart: the wider of the two spreads counts."""
    spread = max(one.ask - one.bid, other.ask - other.bid)
    return 0.5 * abs(_twice_mid(one) - _twice_mid(other)), max(
        LARGEST_SPREADS * spread, LARGEST_SHARE * 0.5 * _twice_mid(one)
    )
