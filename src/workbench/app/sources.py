"""Data, registries and stores of the home folder."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.app.environment import home_folder

if TYPE_CHECKING:
    from workbench.data.rates import DailyRates
    from workbench.data.store import Store
    from workbench.runtime.calibrations import CalibrationRegistry


def load_rates(as_of: str = "", ecb_file: str = "") -> "DailyRates":
    """ECB rates up to a day.

    Parameters
    ----------
    as_of : str
        ISO date; empty means the last fix in the data.
    ecb_file : str
        The user's own eurofxref-hist zip or CSV; empty reads the embedded one.

    Returns
    -------
    DailyRates

    Raises
    ------
    ConfigError, DataError
        When the date is in the future or before the data, or the file cannot be used.
    """
    from workbench.data.calendar import parse_as_of
    from workbench.data.sources import EcbHistory

    day = parse_as_of(as_of or None, today=today())
    return EcbHistory(Path(ecb_file) if ecb_file else None).load(as_of=day)


def today() -> date:
    """Calendar day, UTC.

    Returns
    -------
    date
    """
    return datetime.now(UTC).date()


def registry() -> "CalibrationRegistry":
    """Calibration registry of the home folder.

    Returns
    -------
    CalibrationRegistry
    """
    from workbench.runtime.calibrations import CalibrationRegistry

    return CalibrationRegistry(home_folder())


def market_store() -> "Store":
    """Store of market history of the home folder.

    Returns
    -------
    Store
    """
    from workbench.data.store import Store

    return Store(home_folder() / "market")
