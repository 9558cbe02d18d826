"""Prepared quotes, played in the order of time: held as arrays, made into objects only when handed over."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.data.feeds.protocol import RawQuote
from workbench.domain.currencies import PAIRS
from workbench.domain.errors import DataError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class QuoteTape:
    """Quotes as four arrays of the same length, oldest first; a day may have a million.

    Attributes
    ----------
    times_ns : ndarray of int64
        Nanoseconds since 1970-01-01 UTC, never falling.
    pairs : ndarray of int64
        Places in `PAIRS`.
    bids, asks : ndarray of float
        Quote units per base unit; nothing is checked, a tape may hold bad prices on purpose.
    """

    times_ns: Integers
    pairs: Integers
    bids: Floats
    asks: Floats

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit together."""
        sizes = {array.size for array in (self.times_ns, self.pairs, self.bids, self.asks)}
        if len(sizes) != 1:
            raise DataError(f"a tape of quotes needs four arrays of one length, got lengths {sorted(sizes)}")
        if np.any(np.diff(self.times_ns) < 0):
            place = int(np.argmax(np.diff(self.times_ns) < 0)) + 1
            raise DataError(f"a tape of quotes must be sorted by time: quote {place} is older than the one before")
        if self.pairs.size and not 0 <= int(self.pairs.min()) <= int(self.pairs.max()) < len(PAIRS):
            raise DataError(f"a tape of quotes names pairs by their place, 0 to {len(PAIRS) - 1}, got another number")

    def __len__(self) -> int:
        return int(self.times_ns.size)

    def quotes(self, first: int, end: int) -> list[RawQuote]:
        """Some of the quotes as objects.

        Parameters
        ----------
        first, end : int
            Places, `end` not included.

        Returns
        -------
        list of RawQuote
        """
        rows = zip(
            self.times_ns[first:end].tolist(),
            self.pairs[first:end].tolist(),
            self.bids[first:end].tolist(),
            self.asks[first:end].tolist(),
            strict=True,
        )
        return [RawQuote(time_ns, PAIRS[pair], bid, ask) for time_ns, pair, bid, ask in rows]


class ReplayFeed:
    """Plays a tape; a reconnect goes on where it was.

    Parameters
    ----------
    name : str
        For people.
    tape : QuoteTape
        What is played.
    label : str
        What the prices are and whom to name.
    synthetic : bool
        Whether any price is made up.
    start_ns : int or None
        Quotes before this are skipped; None plays all.
    """

    def __init__(self, name: str, tape: QuoteTape, label: str, *, synthetic: bool, start_ns: int | None = None) -> None:
        self.name, self.label, self.synthetic = name, label, synthetic
        self._tape = tape
        self._next = 0 if start_ns is None else int(np.searchsorted(tape.times_ns, start_ns, side="left"))

    @property
    def ended(self) -> bool:
        """Whether everything has been handed over."""
        return self._next >= len(self._tape)

    def connect(self, now_ns: int) -> None:
        """Nothing to open."""

    def poll(self, now_ns: int) -> Sequence[RawQuote]:
        """Hand over everything up to `now_ns` that has not been handed over yet."""
        due = self.due_ns()
        if due is None or due > now_ns:
            return ()
        first = self._next
        self._next = int(np.searchsorted(self._tape.times_ns, now_ns, side="right"))
        return self._tape.quotes(first, self._next)

    def due_ns(self) -> int | None:
        """Time of the next quote; None at the end."""
        return None if self.ended else int(self._tape.times_ns[self._next])

    def close(self) -> None:
        """Nothing to let go of."""
