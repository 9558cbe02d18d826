"""Rolling forecasts kept between runs, so that the next morning computes only the new day.

One file a series under ``WORKBENCH_HOME/forecasts``. Nothing in it is trusted beyond the returns it was made from:
`rolling_forecasts` compares those with today's, to the last bit, and takes over only what rests on equal ones.
"""

import hashlib
import io
import json
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.data.files import write_atomically
from workbench.data.rates import DailyRates
from workbench.domain.errors import ConfigError, DataError
from workbench.risk.rolling import RollingForecasts, Schedule, rolling_forecasts
from workbench.runtime.provenance import code_version

Floats = NDArray[np.float64]
Progress = Callable[[str, int, int], None]

HISTORY_BEFORE_RACE = 1100
"""Returns before the first forecast: the window of 1,000 days and a hundred for the EWMA to forget its start."""
DIGEST_BYTES = 32
"""A SHA-256 goes before the archive: the checksums inside it do not cover its own directory."""


class ForecastStore:
    """Forecasts by series name in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, series: str) -> Path:
        """File of one series.

        Parameters
        ----------
        series : str
            A pair, or the name of a book.

        Returns
        -------
        Path
        """
        safe = "".join(character if character.isalnum() else "-" for character in series)
        return self.folder / f"{safe}.forecasts"

    def save(self, series: str, forecasts: RollingForecasts) -> None:
        """Replace the file of a series atomically.

        Parameters
        ----------
        series : str
            Its name.
        forecasts : RollingForecasts
            What to keep.

        Raises
        ------
        ExecutionError
            When the file cannot be written.
        """
        schedule = forecasts.schedule
        about = {
            "code": code_version(),
            "schedule": [schedule.first, schedule.window, schedule.refit_every],
            "names": forecasts.names,
            "refused": forecasts.refused,
        }
        arrays: dict[str, Any] = {f"estimate:{key}": values for key, values in forecasts.estimates.items()}
        arrays |= {
            "about": np.frombuffer(json.dumps(about).encode(), dtype=np.uint8),
            "returns": forecasts.returns,
            "value_at_risk": forecasts.value_at_risk,
            "expected_shortfall": forecasts.expected_shortfall,
        }
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        content = buffer.getvalue()
        write_atomically(self.path(series), hashlib.sha256(content).digest() + content)

    def load(self, series: str) -> RollingForecasts | None:
        """Read the forecasts of a series.

        Parameters
        ----------
        series : str
            Its name.

        Returns
        -------
        RollingForecasts or None
            None when there are none, other code made them, or the file is damaged; they only save time.
        """
        path = self.path(series)
        if not path.is_file():
            return None
        try:
            written = path.read_bytes()
            digest, content = written[:DIGEST_BYTES], written[DIGEST_BYTES:]
            if hashlib.sha256(content).digest() != digest:
                return None
            with np.load(io.BytesIO(content), allow_pickle=False) as stored:
                about = json.loads(stored["about"].tobytes())
                if about["code"] != code_version():
                    return None
                return RollingForecasts(
                    returns=stored["returns"],
                    schedule=Schedule(*about["schedule"]),
                    names=tuple(about["names"]),
                    value_at_risk=stored["value_at_risk"],
                    expected_shortfall=stored["expected_shortfall"],
                    estimates={
                        name.removeprefix("estimate:"): stored[name]
                        for name in stored.files
                        if name.startswith("estimate:")
                    },
                    refused={name: (int(day), why) for name, (day, why) in about["refused"].items()},
                )
        except (OSError, KeyError, TypeError, ValueError, DataError):  # unreadable, or of another version
            return None


def race_schedule(rates: DailyRates, start: str) -> Schedule:
    """Schedule whose first forecast is the first day at or after `start` with enough history.

    Parameters
    ----------
    rates : DailyRates
        Data up to the as-of date.
    start : str
        ISO date.

    Returns
    -------
    Schedule

    Raises
    ------
    ConfigError
        When `start` is not a date.
    DataError
        When the data is too short for a race.
    """
    try:
        opening = np.datetime64(date.fromisoformat(start))
    except ValueError as error:
        raise ConfigError(f"the race start must be an ISO date such as 2005-01-03, got {start!r}") from error
    days = rates.dates[1:]
    first = max(int(np.searchsorted(days.to_numpy(), opening)), HISTORY_BEFORE_RACE)
    needed = first + 250
    if len(days) < needed:
        raise DataError(
            f"a calibration needs {HISTORY_BEFORE_RACE + 250} daily returns and 250 days after {start}, "
            f"but up to {rates.as_of} there are {len(days)}; choose a later as-of date or an earlier race start"
        )
    return Schedule(first)


def series_forecasts(
    series: Mapping[str, Floats], schedule: Schedule, store: ForecastStore, progress: Progress
) -> dict[str, RollingForecasts]:
    """Forecasts of several series, in threads: the kernels release the interpreter lock.

    Parameters
    ----------
    series : mapping of str to ndarray
        Simple returns per name, oldest first, all of one length.
    schedule : Schedule
        Common to all.
    store : ForecastStore
        Where earlier forecasts are taken from and these are kept.
    progress : callable
        Called with (what, done, total) in days.

    Returns
    -------
    dict
        In the order of `series`.
    """
    total = sum(values.size + 1 - schedule.first for values in series.values())
    done = 0

    def advance(days: int) -> None:
        nonlocal done
        done += days
        progress("rolling forecasts", done, total)

    def one(name: str) -> RollingForecasts:
        stored = store.load(name)
        result = rolling_forecasts(series[name], schedule, stored=stored, progress=advance)
        # a run for an earlier day must not throw away what later days have already computed
        if stored is None or result.returns.size >= stored.returns.size:
            store.save(name, result)
        return result

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return dict(zip(series, pool.map(one, series), strict=True))


def merged_counts(counts: list[dict[str, dict[str, int]]]) -> dict[str, dict[str, int]]:
    """Sum the start counts of several series.

    Parameters
    ----------
    counts : list of dict
        Of `RollingForecasts.cold_starts`.

    Returns
    -------
    dict
        Estimator → {"refits", "cold tried", "cold better"}.
    """
    merged: dict[str, dict[str, int]] = {}
    for one in counts:
        for key, row in one.items():
            into = merged.setdefault(key, dict.fromkeys(row, 0))
            for name, value in row.items():
                into[name] += value
    return merged
