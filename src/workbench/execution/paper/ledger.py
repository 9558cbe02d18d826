"""The paper broker's own books: what it has accepted and executed, in memory or in a file that survives a kill."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import apsw

from workbench.domain.errors import DataError, ExecutionError
from workbench.domain.trading.orders import Execution, Order, OrderState


@dataclass(frozen=True, slots=True)
class Entry:
    """An order in the broker's books; an id sent twice makes two of them.

    Attributes
    ----------
    number : int
        Counts what was accepted.
    order : Order
        As sent.
    due_ns : int
        When it is executed next.
    state : OrderState
        As the broker sees it.
    executed : float
        Signed units so far.
    reason : str
        Why it was rejected or cancelled.
    """

    number: int
    order: Order
    due_ns: int
    state: OrderState = OrderState.ACKNOWLEDGED
    executed: float = 0.0
    reason: str = ""


class Ledger(Protocol):
    """Where a paper broker keeps its books. What a method has written is durable when it returns."""

    def write(self, entry: Entry, execution: Execution | None = None) -> None:
        """Write an entry in place of the one with its number, together with what was executed of it."""
        ...

    def pending(self) -> Sequence[Entry]:
        """Entries that have not ended, oldest first."""
        ...

    def latest(self, order_id: str) -> Entry | None:
        """The last entry of an order id."""
        ...

    def next_entry(self) -> int:
        """Number for the next entry, from 1."""
        ...

    def next_execution(self) -> int:
        """Number for the next execution, from 1."""
        ...

    def executions(self, after: int) -> Sequence[Execution]:
        """Executions with a number above `after`, in order."""
        ...

    def positions(self) -> Mapping[str, float]:
        """Signed units executed by strategy."""
        ...


class MemoryLedger:
    """Books in memory: they outlive the broker object, not the process."""

    def __init__(self) -> None:
        self._entries: dict[int, Entry] = {}
        self._pending: dict[int, Entry] = {}
        self._latest: dict[str, int] = {}
        self._executions: list[Execution] = []
        self._positions: dict[str, float] = {}

    def write(self, entry: Entry, execution: Execution | None = None) -> None:
        """Write an entry, together with what was executed of it."""
        self._entries[entry.number] = entry
        self._latest[entry.order.id] = max(entry.number, self._latest.get(entry.order.id, 0))
        if entry.state.is_final:
            self._pending.pop(entry.number, None)
        else:
            self._pending[entry.number] = entry
        if execution is not None:
            self._executions.append(execution)
            _add(self._positions, execution)

    def pending(self) -> Sequence[Entry]:
        """Entries that have not ended, oldest first."""
        return tuple(self._pending.values())

    def latest(self, order_id: str) -> Entry | None:
        """The last entry of an order id."""
        number = self._latest.get(order_id)
        return None if number is None else self._entries[number]

    def next_entry(self) -> int:
        """Number for the next entry, from 1."""
        return len(self._entries) + 1

    def next_execution(self) -> int:
        """Number for the next execution, from 1."""
        return len(self._executions) + 1

    def executions(self, after: int) -> Sequence[Execution]:
        """Executions with a number above `after`, in order."""
        return tuple(self._executions[after:])

    def positions(self) -> Mapping[str, float]:
        """Signed units executed by strategy."""
        return dict(self._positions)


_TABLES = """
CREATE TABLE IF NOT EXISTS entries (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL, ended INTEGER NOT NULL, content TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS entries_by_id ON entries (id, number);
CREATE INDEX IF NOT EXISTS entries_that_live ON entries (number) WHERE ended = 0;
CREATE TABLE IF NOT EXISTS executions (number INTEGER PRIMARY KEY, content TEXT NOT NULL);
"""

_LAST = {
    "entries": "SELECT COALESCE(MAX(number), 0) FROM entries",
    "executions": "SELECT COALESCE(MAX(number), 0) FROM executions",
}


class FileLedger:
    """Books in a SQLite file of their own; every entry is on the disk before the broker answers.

    Parameters
    ----------
    path : Path
        Usually ``paper.sqlite``; made when missing.

    Raises
    ------
    DataError
        When the file is not such a ledger or is damaged.
    ExecutionError
        When it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = apsw.Connection(str(path))
            self._file.set_busy_timeout(5000)
            self._file.execute("PRAGMA journal_mode = WAL")
            self._file.execute("PRAGMA synchronous = FULL")
            self._file.execute(_TABLES)
            self._pending = {entry.number: entry for entry in self._living()}
            self._positions: dict[str, float] = {}
            for execution in self.executions(0):
                _add(self._positions, execution)
            self._entries, self._executed = self._last("entries"), self._last("executions")
        except (apsw.NotADBError, apsw.CorruptError) as error:
            raise DataError(
                f"{path} is not a ledger of the paper broker, or is damaged ({error}): move it away"
            ) from error
        except (apsw.Error, OSError) as error:
            raise ExecutionError(f"cannot open the ledger {path}: {error}") from error

    def _living(self) -> list[Entry]:
        rows = self._file.execute("SELECT content FROM entries WHERE ended = 0 ORDER BY number")
        return [_entry(row[0]) for row in rows]

    def _last(self, table: str) -> int:
        return int(next(iter(self._file.execute(_LAST[table])))[0])

    def write(self, entry: Entry, execution: Execution | None = None) -> None:
        """Write an entry, together with what was executed of it, in one transaction."""
        row = (entry.number, entry.order.id, int(entry.state.is_final), json.dumps(asdict(entry)))
        try:
            with self._file:
                self._file.execute("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?)", row)
                if execution is not None:
                    content = json.dumps(asdict(execution))
                    self._file.execute("INSERT INTO executions VALUES (?, ?)", (execution.number, content))
        except apsw.Error as error:
            raise ExecutionError(f"cannot write the ledger {self._path}: {error}; stop, then start again") from error
        self._entries = max(self._entries, entry.number)
        self._pending[entry.number] = entry
        if entry.state.is_final:
            del self._pending[entry.number]
        if execution is not None:
            self._executed = execution.number
            _add(self._positions, execution)

    def pending(self) -> Sequence[Entry]:
        """Entries that have not ended, oldest first."""
        return tuple(self._pending.values())

    def latest(self, order_id: str) -> Entry | None:
        """The last entry of an order id."""
        query = "SELECT content FROM entries WHERE id = ? ORDER BY number DESC LIMIT 1"
        row = next(iter(self._file.execute(query, (order_id,))), None)
        return None if row is None else _entry(row[0])

    def next_entry(self) -> int:
        """Number for the next entry, from 1."""
        return self._entries + 1

    def next_execution(self) -> int:
        """Number for the next execution, from 1."""
        return self._executed + 1

    def executions(self, after: int) -> Sequence[Execution]:
        """Executions with a number above `after`, in order."""
        rows = self._file.execute("SELECT content FROM executions WHERE number > ? ORDER BY number", (after,))
        return tuple(Execution(**json.loads(row[0])) for row in rows)

    def positions(self) -> Mapping[str, float]:
        """Signed units executed by strategy."""
        return dict(self._positions)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _entry(content: str) -> Entry:
    table: dict[str, Any] = json.loads(content)
    order, state = Order(**table.pop("order")), OrderState(table.pop("state"))
    return replace(Entry(**table, order=order), state=state)


def _add(positions: dict[str, float], execution: Execution) -> None:
    positions[execution.strategy] = positions.get(execution.strategy, 0.0) + execution.units
