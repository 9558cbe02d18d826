"""The store of market history: one Parquet file per pair and timeframe, replaced whole or not at all.

::

    WORKBENCH_HOME/market/EURUSD/1h.parquet

A file is written beside its final place, forced to the disk, then renamed over the old one: whoever reads sees the old
content or the new one, also after a full disk or a crash. The content hash travels in the file's metadata.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.data.calendar import FIX, TIMEFRAMES
from workbench.data.files import write_atomically
from workbench.data.rates import DailyRates
from workbench.data.sources.protocol import BarsSeries
from workbench.domain.currencies import PAIRS, Pair
from workbench.domain.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

_METADATA = b"workbench"


@dataclass(frozen=True, slots=True)
class StoredSeries:
    """One file of the store.

    Attributes
    ----------
    pair, timeframe, source : str
        What it holds and which file it came from.
    rows : int
        Number of rows.
    first, last : Timestamp
        Times of the first and the last row, UTC.
    content_hash : str
        SHA-256 over times and values.
    path : Path
        Where it lies.
    """

    pair: str
    timeframe: str
    source: str
    rows: int
    first: pd.Timestamp
    last: pd.Timestamp
    content_hash: str
    path: Path


def frame_hash(frame: pd.DataFrame) -> str:
    """Fingerprint of a frame: equal exactly when times, column names and values are equal.

    Parameters
    ----------
    frame : DataFrame, shape (rows, columns)
        Numeric columns, indexed by time.

    Returns
    -------
    str
        SHA-256 in hexadecimal.
    """
    digest = hashlib.sha256(pd.DatetimeIndex(frame.index).as_unit("ns").asi8.astype("<i8").tobytes())
    for name in sorted(frame.columns):
        digest.update(name.encode())
        digest.update(frame[name].to_numpy(dtype="<f8").tobytes())
    return digest.hexdigest()


class Store:
    """Parquet files below one folder.

    Parameters
    ----------
    root : Path
        Usually ``WORKBENCH_HOME/market``; made when something is first written.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, pair: str, timeframe: str) -> Path:
        """Where a series lies, whether or not it exists.

        Parameters
        ----------
        pair : str
            One of the sixteen pairs.
        timeframe : str
            One of `TIMEFRAMES`, or ``fix``.

        Returns
        -------
        Path
        """
        if timeframe != FIX and timeframe not in TIMEFRAMES:
            raise DataError(f"unknown timeframe {timeframe!r}: expected one of {', '.join((*TIMEFRAMES, FIX))}")
        return self.root / Pair.parse(pair).name / f"{timeframe}.parquet"

    def write(self, series: BarsSeries) -> StoredSeries:
        """Replace a series.

        Parameters
        ----------
        series : BarsSeries
            At least one row.

        Returns
        -------
        StoredSeries

        Raises
        ------
        DataError
            When the series has no rows.
        ExecutionError
            When the disk is full or may not be written; what was there before is untouched.
        """
        if series.frame.empty:
            raise DataError(f"{series.pair} {series.timeframe} has no rows to store")
        path = self.path(series.pair, series.timeframe)
        write_atomically(path, _parquet(series))
        return self.describe(series.pair, series.timeframe)

    def append(self, series: BarsSeries) -> StoredSeries:
        """Add new rows to a series, or begin it; rows already there must agree.

        Parameters
        ----------
        series : BarsSeries
            May overlap with what is stored, and may fill holes in it.

        Returns
        -------
        StoredSeries
            Unchanged when every row was already there.

        Raises
        ------
        DataError
            When a stored row has another value, or the columns differ.
        ExecutionError
            When the disk is full or may not be written; what was there before is untouched.
        """
        if not self.path(series.pair, series.timeframe).exists():
            return self.write(series)
        stored = self.read(series.pair, series.timeframe)
        old, new = stored.frame, series.frame
        label = f"{series.pair} {series.timeframe}"
        if set(old.columns) != set(new.columns):
            raise DataError(
                f"{label} is stored with the columns {', '.join(old.columns)}; "
                f"{series.source} has {', '.join(new.columns)}"
            )
        _refuse_conflicts(old, new, f"{series.source} disagrees with the stored {label}")
        fresh = new.loc[~new.index.isin(old.index), old.columns]
        if fresh.empty:
            return self.describe(series.pair, series.timeframe)
        merged = pd.concat([old, fresh]).sort_index()
        return self.write(BarsSeries(series.pair, series.timeframe, merged, series.source))

    def write_fixes(self, rates: DailyRates) -> tuple[StoredSeries, ...]:
        """Store the daily fixes of all sixteen pairs, so that queries find them beside the user's bars.

        Parameters
        ----------
        rates : DailyRates
            Days, oldest first.

        Returns
        -------
        tuple of StoredSeries
            In the order of the pairs; files whose content is already the same are left alone.
        """
        table = rates.pairs_table()
        table.index = rates.dates.tz_localize("UTC")
        done = []
        for pair in PAIRS:
            series = BarsSeries(pair, FIX, table[[pair]].rename(columns={pair: "close"}), rates.source)
            known = self.describe(pair, FIX) if self.path(pair, FIX).exists() else None
            same = known is not None and known.content_hash == frame_hash(series.frame)
            done.append(known if known is not None and same else self.write(series))
        return tuple(done)

    def read(self, pair: str, timeframe: str, *, as_of: date | None = None) -> BarsSeries:
        """Read a series and check it against its hash.

        Parameters
        ----------
        pair, timeframe : str
            Which one.
        as_of : date, optional
            Last UTC day that may be seen.

        Returns
        -------
        BarsSeries

        Raises
        ------
        DataError
            When there is no such series, the file cannot be read, or its content is not what was written.
        """
        path = self.path(pair, timeframe)
        frame, about = _read(path)
        if frame_hash(frame) != about["content_hash"]:
            raise DataError(f"{path} does not match its own content hash: it was damaged; ingest the series again")
        series = BarsSeries(about["pair"], about["timeframe"], frame, about["source"])
        return series if as_of is None else series.up_to(as_of)

    def describe(self, pair: str, timeframe: str) -> StoredSeries:
        """Describe a series from its metadata, without reading its rows.

        Parameters
        ----------
        pair, timeframe : str
            Which one.

        Returns
        -------
        StoredSeries
        """
        path = self.path(pair, timeframe)
        from pyarrow import parquet

        about = _about(_opened(parquet.read_schema, path), path)
        first, last = pd.Timestamp(about["first"]), pd.Timestamp(about["last"])
        return StoredSeries(
            about["pair"], about["timeframe"], about["source"], about["rows"], first, last, about["content_hash"], path
        )

    def catalogue(self) -> tuple[StoredSeries, ...]:
        """Everything stored, in the order of the pairs, then of the timeframes."""
        frames = (*TIMEFRAMES, FIX)
        there = [(pair, frame) for pair in PAIRS for frame in frames if self.path(pair, frame).exists()]
        return tuple(self.describe(pair, frame) for pair, frame in there)

    def query(self, sql: str) -> pd.DataFrame:
        """Ask DuckDB; every series is a view named like ``eurusd_1h`` with a column ``time``.

        Parameters
        ----------
        sql : str
            One statement. It can read the store and nothing else on the machine.

        Returns
        -------
        DataFrame
            What the statement returns.

        Raises
        ------
        DataError
            When DuckDB refuses the statement.

        Examples
        --------
        ``store.query("select min(close) from eurchf_fix where time >= '2015-01-15'")``
        """
        import duckdb

        with duckdb.connect(":memory:") as connection:
            connection.execute("SET TimeZone = 'UTC'")
            for series in self.catalogue():
                name = f"{series.pair}_{series.timeframe}".lower()
                connection.read_parquet(str(series.path.resolve())).create_view(name)
            folder = str(self.root.resolve()).replace("'", "''")
            connection.execute(f"SET allowed_directories = ['{folder}/']")
            connection.execute("SET enable_external_access = false")
            try:
                return pd.DataFrame(connection.execute(sql).df())
            except duckdb.Error as error:
                raise DataError(f"the query failed: {str(error).splitlines()[0]}") from error


def _refuse_conflicts(old: pd.DataFrame, new: pd.DataFrame, what: str) -> None:
    common = old.index.intersection(new.index)
    before, after = old.loc[common], new.loc[common, old.columns]
    differs = ~np.isclose(before, after, rtol=1e-12, atol=0.0, equal_nan=True).all(axis=1)
    if differs.any():
        when = common[int(np.flatnonzero(differs)[0])]
        raise DataError(
            f"{what} in {int(differs.sum())} row(s), first at {when}: stored {before.loc[when].to_dict()}, "
            f"got {after.loc[when].to_dict()}; correct the file, or delete the stored series to start it anew"
        )


def _parquet(series: BarsSeries) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    frame = series.frame.rename_axis(index="time")
    about = {
        "pair": series.pair,
        "timeframe": series.timeframe,
        "source": series.source,
        "rows": len(frame),
        "first": frame.index[0].isoformat(),
        "last": frame.index[-1].isoformat(),
        "content_hash": frame_hash(frame),
    }
    table = pa.Table.from_pandas(frame.reset_index(), preserve_index=False)
    sink = pa.BufferOutputStream()
    parquet.write_table(
        table.replace_schema_metadata({_METADATA: json.dumps(about).encode()}), sink, compression="zstd"
    )
    return bytes(sink.getvalue())


def _read(path: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    from pyarrow import parquet

    table = _opened(parquet.read_table, path)
    about = _about(table.schema, path)
    frame = table.to_pandas().set_index("time")
    frame.index = pd.DatetimeIndex(frame.index).as_unit("ns")
    return frame, about


def _about(schema: "pa.Schema", path: Path) -> dict[str, Any]:
    metadata = (schema.metadata or {}).get(_METADATA)
    if metadata is None:
        raise DataError(f"{path} was not written by the workbench: ingest the original file instead of copying it here")
    about: dict[str, Any] = json.loads(metadata)
    return about


def _opened(read: Callable[[Path], Any], path: Path) -> Any:
    import pyarrow as pa

    if not path.exists():
        raise DataError(
            f"nothing is stored for {path.parent.name} at {path.stem}: ingest a file first with workbench data ingest"
        )
    try:
        return read(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"cannot read {path}: {str(error).splitlines()[0]}; ingest the series again") from error
