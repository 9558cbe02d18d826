"""Where prices come from. A new source is one file here and one line in `SOURCES`."""

from collections.abc import Callable

from workbench.data.sources.bars import BarsFile, SeriesSpec
from workbench.data.sources.ecb import EcbHistory
from workbench.data.sources.protocol import BarsSeries, Source

SOURCES: dict[str, Callable[..., Source]] = {
    "ecb": EcbHistory,
    "bars": BarsFile,
}
"""Every registered source by name; the battery in the tests runs over all of them."""

__all__ = ["SOURCES", "BarsFile", "BarsSeries", "EcbHistory", "SeriesSpec", "Source"]
