"""The log of the loop: one JSON object a line for machines, and nothing secret in it."""

import json
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from workbench.data.files import cannot_write, reason_of
from workbench.runtime.live.outside import Log

METRICS_SECONDS, LONG_SECONDS = 5.0, 60.0
LONGEST_LOG = 50_000_000
"""Bytes; a larger file is moved to ``.1`` at the next start."""


def open_log(path: Path) -> tuple[Log, BinaryIO]:
    """Open the log file; nothing is kept back in memory, so a line that fails is lost alone.

    Parameters
    ----------
    path : Path
        Appended to.

    Returns
    -------
    tuple of (Log, BinaryIO)
        How to write a line, and the file to close.

    Raises
    ------
    ExecutionError
        When it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > LONGEST_LOG:
            path.replace(path.with_name(path.name + ".1"))
        file = path.open("ab", buffering=0)
    except OSError as error:
        raise cannot_write(path, error) from error
    failing = False

    def write(level: str, what: str, /, **fields: object) -> None:
        nonlocal failing
        line = {"time": datetime.now(UTC).isoformat(), "severity": level, "event": what, **fields}
        try:
            file.write(json.dumps(line, default=str).encode() + b"\n")
            failing = False
        except OSError as error:
            # a log that cannot be written must not stop the loop: the journal is the record
            if not failing:
                sys.stderr.write(f"workbench: cannot write the log {path}: {reason_of(error)}; the loop goes on\n")
            failing = True

    return write, file


class Metrics:
    """Figures of the loop in the text format of Prometheus, as a file a node exporter collects.

    The loop has no web server inside: a file is as good, and cannot be attacked.

    Parameters
    ----------
    path : Path
        Replaced as a whole.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._registry = path, CollectorRegistry()
        self._gauges: dict[str, Gauge] = {}
        self._again_at = 0.0

    def publish(self, status: str) -> None:
        """Write all figures, at most every five seconds.

        Parameters
        ----------
        status : str
            Projection of the loop, JSON.
        """
        if time.monotonic() < self._again_at:
            return
        self._again_at = time.monotonic() + METRICS_SECONDS
        for name, value in figures_of(json.loads(status)).items():
            if name not in self._gauges:
                self._gauges[name] = Gauge(f"workbench_{name}", name.replace("_", " "), registry=self._registry)
            self._gauges[name].set(value)
        try:
            write_to_textfile(str(self._path), self._registry)
        except OSError:
            # figures for a dashboard must not stop the loop: the journal is the record
            self._again_at += LONG_SECONDS


def figures_of(table: Mapping[str, Any]) -> dict[str, float]:
    """Figures of a projection.

    Parameters
    ----------
    table : mapping
        From `status_table`, read as JSON.

    Returns
    -------
    dict of str to float
        Equity, risk, mode, latency and the journal; what is missing is left out.
    """
    book = table["book"]
    modes = {"ACTIVE": 0.0, "REDUCING": 1.0, "HALTED": 2.0}
    figures: dict[str, float | None] = {
        "equity_usd": book["equity"],
        "drawdown_ratio": book["drawdown"],
        "value_at_risk_95_ratio": book["value_at_risk_95"],
        "volatility_ratio": book["volatility_ratio"],
        "stress_score": book["stress_score"],
        "exposure_cap_ratio": book["cap"],
        "mode": modes[book["mode"]],
        "journal_sequence": table["journal"]["sequence"],
        "turns": table["loop"]["turns"],
    }
    for stage, summary in table["latency"].items():
        if summary["count"]:
            figures[f"{stage}_p99_seconds"] = summary["p99"] / 1e3
            figures[f"{stage}_max_seconds"] = summary["max"] / 1e3
    return {name: float(value) for name, value in figures.items() if value is not None}
