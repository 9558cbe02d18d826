"""Prepared quotes in the order of time: held as arrays, made into objects only when handed over."""

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
