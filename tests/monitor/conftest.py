"""A journal as a loop writes it, for what only looks at it."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from workbench.data.journal.chain import Signer
from workbench.data.journal.journal import Journal

MINUTE_NS = 60 * 10**9
BEGIN_NS = 1_466_640_000 * 10**9
"""2016-06-23 00:00 UTC."""


def projection(**changes: Any) -> dict[str, Any]:
    """A small projection, written now."""
    book = {"mode": "ACTIVE", "equity": 1e6, "positions": [{"strategy": "carry", "pair": "EURUSD"}]}
    loop = {"now_ns": BEGIN_NS, "wall_ns": time.time_ns()}
    return {"version": 3, "loop": loop, "book": book, "alerts": [], "label": "made up", **changes}


def minutes(hour: int, columns: tuple[str, ...] = ("time_ns", "equity", "mode")) -> dict[str, str]:
    """An hour of minutes under its key; equity is the number of the minute."""
    rows = [[BEGIN_NS + (60 * hour + m) * MINUTE_NS, 60.0 * hour + m, 0][: len(columns)] for m in range(60)]
    day, rest = divmod(hour, 24)
    key = f"series/minute/2016-06-{23 + day:02d}T{rest:02d}"
    return {key: json.dumps({"columns": list(columns), "rows": rows, "strategies": []})}


class Writer:
    """Holds the lock and writes what a loop would show."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = Journal(folder, Signer.open(folder))

    def show(self, body: dict[str, Any] | None = None, **more: str) -> None:
        """Show a projection, and whatever else."""
        status = {} if body is None else {"status": json.dumps(body)}
        self.journal.write([], {**status, **more})

    def end(self) -> None:
        """Let go of the journal."""
        self.journal.close(BEGIN_NS)


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Callable[..., Writer]]:
    """Start a writer on a folder; all of them end with the test."""
    with ExitStack() as ends:

        def start(folder: Path = tmp_path / "live") -> Writer:
            made = Writer(folder)
            ends.callback(made.end)
            return made

        yield start


@pytest.fixture(scope="session")
def made_up() -> Callable[..., dict[str, Any]]:
    """See `projection`."""
    return projection


@pytest.fixture(scope="session")
def hour_of_minutes() -> Callable[..., dict[str, str]]:
    """See `minutes`."""
    return minutes
