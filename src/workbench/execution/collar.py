"""The price collar's memory: the last good middle of each pair, and one a second over the window of the collar."""

import math
from collections import deque

SECOND_NS = 1_000_000_000


class PriceMemory:
    """Good middles of every pair, at most one a second; older than the window they are forgotten.

    Parameters
    ----------
    window_ns : int
        How far back the collar looks.
    """

    def __init__(self, window_ns: int) -> None:
        self._window_ns = window_ns
        self._last: dict[str, float] = {}
        self._samples: dict[str, deque[tuple[int, float]]] = {}

    def see(self, pair: str, middle: float, now_ns: int) -> None:
        """Take in a good price; what is no positive number is left out.

        Parameters
        ----------
        pair : str
            Six letters, base first.
        middle : float
            Quote units per base unit.
        now_ns : int
            When it was seen.
        """
        if not (math.isfinite(middle) and middle > 0.0):
            return
        self._last[pair] = middle
        samples = self._samples.setdefault(pair, deque())
        if not samples or now_ns - samples[-1][0] >= SECOND_NS:
            samples.append((now_ns, middle))
            self._forget(samples, now_ns)

    def last(self, pair: str) -> float | None:
        """The last good middle.

        Parameters
        ----------
        pair : str
            Six letters, base first.

        Returns
        -------
        float or None
            None when no price has been seen.
        """
        return self._last.get(pair)

    def furthest(self, pair: str, price: float, now_ns: int) -> float:
        """The middle of the window that lies furthest from a price.

        Parameters
        ----------
        pair : str
            Six letters, base first.
        price : float
            Quote units per base unit.
        now_ns : int
            End of the window.

        Returns
        -------
        float
            The price itself when the window is empty.
        """
        samples = self._samples.get(pair, deque())
        self._forget(samples, now_ns)
        return max((middle for _, middle in samples), key=lambda middle: abs(price / middle - 1.0), default=price)

    def _forget(self, samples: deque[tuple[int, float]], now_ns: int) -> None:
        while samples and now_ns - samples[0][0] > self._window_ns:
            samples.popleft()
