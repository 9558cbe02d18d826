"""Rolling forecasts kept between runs, so that the next morning computes only the new day.

One file a series under ``WORKBENCH_HOME/forecasts``. Nothing in it is trusted beyond the returns it was made from:
`rolling_forecasts` compares those with today's, to the last bit, and takes over only what rests on equal ones.
"""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from workbench.data.files import write_atomically
from workbench.domain.errors import DataError
from workbench.risk.rolling import RollingForecasts, Schedule

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
            None when there are none, or the file is damaged: it only saves time and is made anew.
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
