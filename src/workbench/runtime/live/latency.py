"""Latency inside the loop: histograms on a logarithmic scale, so that a slow one in a million is seen.

Twenty buckets a decade from one microsecond to a thousand seconds: a quantile is exact to 12 %, the largest exactly.
"""

import math
from collections.abc import Iterable

BUCKETS_A_DECADE = 20
SHORTEST_NS, DECADES = 1_000, 9
BUCKETS = BUCKETS_A_DECADE * DECADES
STAGES = (
    "quote_to_decision",
    "quote_to_intent_durable",
    "quote_to_sent",
    "quote_to_acknowledged",
    "sent_to_acknowledged",
    "journal_write",
    "turn",
)
"""What is measured: from the moment a quote was taken from its feed; the others for themselves."""


class Histogram:
    """Counts of durations."""

    def __init__(self) -> None:
        self.counts = [0] * BUCKETS
        self.count, self.longest_ns, self.total_ns = 0, 0, 0

    def add(self, duration_ns: int, times: int = 1) -> None:
        """Count a duration.

        Parameters
        ----------
        duration_ns : int
            Nanoseconds; below a microsecond counts as one.
        times : int
            How often it was seen.
        """
        place = int(math.log10(max(duration_ns, SHORTEST_NS) / SHORTEST_NS) * BUCKETS_A_DECADE)
        self.counts[min(place, BUCKETS - 1)] += times
        self.count += times
        self.total_ns += duration_ns * times
        self.longest_ns = max(self.longest_ns, duration_ns)

    def quantile_ns(self, share: float) -> float:
        """Duration that a share of all stays under.

        Parameters
        ----------
        share : float
            In (0, 1].

        Returns
        -------
        float
            Upper edge of the bucket, never above the longest one; NaN when nothing was counted.
        """
        if self.count == 0:
            return math.nan
        wanted, seen = share * self.count, 0
        for place, count in enumerate(self.counts):
            seen += count
            if seen >= wanted:
                edge = SHORTEST_NS * 10 ** ((place + 1) / BUCKETS_A_DECADE)
                return float(min(edge, self.longest_ns))
        return float(self.longest_ns)

    def summary(self) -> dict[str, float]:
        """Count, mean and quantiles.

        Returns
        -------
        dict
            ``count``, and milliseconds ``mean``, ``p50``, ``p99``, ``max``; only the count when it is 0.
        """
        if self.count == 0:
            return {"count": 0}
        return {
            "count": self.count,
            "mean": self.total_ns / self.count / 1e6,
            "p50": self.quantile_ns(0.5) / 1e6,
            "p99": self.quantile_ns(0.99) / 1e6,
            "max": self.longest_ns / 1e6,
        }


class Latencies:
    """One histogram a stage."""

    def __init__(self, stages: Iterable[str] = STAGES) -> None:
        self.stages = {stage: Histogram() for stage in stages}

    def add(self, stage: str, duration_ns: int, times: int = 1) -> None:
        """Count a duration.

        Parameters
        ----------
        stage : str
            One of `STAGES`.
        duration_ns : int
            Nanoseconds.
        times : int
            How often.
        """
        self.stages[stage].add(duration_ns, times)

    def summary(self) -> dict[str, dict[str, float]]:
        """All stages.

        Returns
        -------
        dict
            `Histogram.summary` by stage.
        """
        return {stage: histogram.summary() for stage, histogram in self.stages.items()}


class OrderTimes:
    """Follows each order from the quote that caused it to its acknowledgement.

    Parameters
    ----------
    latencies : Latencies
        Where durations are counted.
    """

    def __init__(self, latencies: Latencies) -> None:
        self._latencies = latencies
        self._caused: dict[str, int] = {}
        self._sent: dict[str, int] = {}

    def durable(self, orders: Iterable[str], caused_ns: int, now_ns: int) -> None:
        """Intents are on the disk.

        Parameters
        ----------
        orders : iterable of str
            Their ids.
        caused_ns, now_ns : int
            By the stopwatch: when the quote came that caused them, and now.
        """
        for order in orders:
            self._caused[order] = caused_ns
            self._latencies.add("quote_to_intent_durable", now_ns - caused_ns)

    def sent(self, order: str, now_ns: int) -> None:
        """An order was sent.

        Parameters
        ----------
        order : str
            Id.
        now_ns : int
            By the stopwatch.
        """
        self._sent[order] = now_ns
        if order in self._caused:
            self._latencies.add("quote_to_sent", now_ns - self._caused[order])

    def answered(self, order: str, now_ns: int) -> None:
        """The broker has said something of an order; only the first answer counts.

        Parameters
        ----------
        order : str
            Id.
        now_ns : int
            By the stopwatch.
        """
        sent, caused = self._sent.pop(order, None), self._caused.pop(order, None)
        if sent is not None:
            self._latencies.add("sent_to_acknowledged", now_ns - sent)
        if caused is not None:
            self._latencies.add("quote_to_acknowledged", now_ns - caused)
