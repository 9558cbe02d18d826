"""A disk in memory that loses power, fails and lies when a test says so: SQLite journals run on it, by a seed.

A connection runs on the disk with ``apsw.Connection(path, vfs=disk.name)``, and says ``PRAGMA locking_mode=EXCLUSIVE``
before ``PRAGMA journal_mode=WAL``: there is no shared memory here, and a writer that is alone needs none.

How power is lost. SQLite turns whatever a disk raises into an error of its own, so no exception can carry a power loss
out to the harness. Instead the operation that loses power fails with ``apsw.IOError``, and so does every later one of
that process: the code under test sees a disk that is gone, whatever it tries. The harness looks at ``disk.lost_power``
after each turn, drops the objects of the dead process, and calls ``disk.crash()``: the power is back, under the same
name, with what was durable and a random part of what was not. Connections of an earlier process are closed by then:
using them raises ``apsw.ConnectionClosedError``, closing or dropping them does nothing.

The disk holds every connection until its process ends, so that none is closed whenever Python drops it: code that
leaves a connection open keeps its lock, as it should expect to.

An error during COMMIT does not say that nothing was committed: the commit may be durable, and the failure that of the
checkpoint after it, of which SQLite on a plain disk would not speak. After an error, read what is there.

The disk fixes the random numbers of SQLite (the salts of the log) by the seed, for the whole Python process: one disk
at a time is deterministic, two are not.
"""

import contextlib
import itertools
from dataclasses import dataclass
from typing import Self, cast

import apsw
import numpy as np

SECTOR_BYTES = 512
"""A write can be torn only where a sector ends."""
ODDS_OF_SURVIVAL = (0.0, 0.5, 1.0)
"""Of a whole write that was not synced, one for each crash: that none survives and that all do must both happen.

A write that does not survive is as likely torn as lost.
"""
ENTRY_SYNCED_WITH_FILE = apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_SUPER_JOURNAL | apsw.SQLITE_OPEN_WAL
"""Kinds of files with which SQLite on Unix syncs their directory too, at the first sync."""
WEAKEST_LOCK_IN_THE_WAY = {
    apsw.SQLITE_LOCK_SHARED: apsw.SQLITE_LOCK_PENDING,
    apsw.SQLITE_LOCK_RESERVED: apsw.SQLITE_LOCK_RESERVED,
}
"""Of another connection, by the lock asked for; for an exclusive one any is."""

_numbers = itertools.count(1)


@dataclass(slots=True)
class DiskPlan:
    """What goes wrong, and when; a test may change it at any time.

    The counts go down with each operation and strike when they reach 0; at 0 or below they are spent.
    """

    power_in_operations: int = 0
    failure_in_writes: int = 0
    failure_in_syncs: int = 0
    capacity_bytes: int | None = None
    """A write that would make the files together larger than this finds the disk full."""
    syncs_lie: bool = False
    """Syncs succeed and make nothing durable: as if the code under test had left them out."""
    broken: bool = False
    """Every operation fails, reading too."""

    def power_at(self, operation: int) -> None:
        """Lose power inside the n-th operation from now: a write, truncation, sync, creation or deletion."""
        self.power_in_operations = operation

    def fail_write(self, write: int) -> None:
        """Fail the n-th write from now: nothing of it is written."""
        self.failure_in_writes = write

    def fail_sync(self, sync: int) -> None:
        """Fail the n-th sync from now: what it should have made durable may be lost, and no later sync mends that."""
        self.failure_in_syncs = sync

    def heal(self) -> None:
        """Let nothing go wrong any more."""
        self.power_in_operations = self.failure_in_writes = self.failure_in_syncs = 0
        self.capacity_bytes = None
        self.syncs_lie = self.broken = False


class SimulatedDisk:
    """Files in memory, the processes that use them one after the other, and what happens to both.

    Parameters
    ----------
    generator : numpy.random.Generator
        Decides what a crash leaves.
    plan : DiskPlan
        What goes wrong; by default nothing.
    """

    def __init__(self, generator: np.random.Generator, plan: DiskPlan | None = None) -> None:
        self.generator = generator
        self.plan = plan or DiskPlan()
        self.name = f"simulated-disk-{next(_numbers)}"
        self.lost_power = False
        self.operations = 0
        """Writes, truncations, syncs, creations and deletions so far; `DiskPlan.power_at` counts the same."""
        self.files: dict[str, _Content] = {}
        self._durable_files: dict[str, _Content] = {}
        self._process = self._started()
        apsw.connection_hooks.append(self._hold)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.unregister()

    def unregister(self) -> None:
        """Take the disk away from SQLite, and give SQLite its own random numbers back."""
        apsw.connection_hooks.remove(self._hold)
        self._process.end()
        apsw.randomness(0)

    def crash(self) -> None:
        """Lose power and come back: each write since the last sync of its file is kept, lost or torn."""
        odds = self.generator.choice(ODDS_OF_SURVIVAL)
        kept: dict[str, _Content] = {}
        for path in dict.fromkeys((*self._durable_files, *self.files)):
            source = self.files if self.generator.random() < odds else self._durable_files
            if path in source:
                kept[path] = source[path]
        for content in kept.values():
            content.settle(self.generator, odds)
            content.data[:] = content.durable
        self.files, self._durable_files = kept, dict(kept)
        self.kill()

    def kill(self) -> None:
        """End the process that uses the disk, without power loss: all it has written is there for the next one."""
        self._process.end()
        for content in self.files.values():
            content.locks.clear()
        self.lost_power = False
        self._process = self._started()

    def flip(self, path: str, byte: int, bit: int) -> None:
        """Turn one bit over at rest: the next to read it sees the other value."""
        content = self.files[path]
        content.data[byte] ^= 1 << bit
        if byte < len(content.durable):
            content.durable[byte] ^= 1 << bit

    def image(self) -> dict[str, bytes]:
        """Every file as it reads now."""
        return {path: bytes(content.data) for path, content in self.files.items()}

    def used_bytes(self) -> int:
        """Size of all files together, against `DiskPlan.capacity_bytes`."""
        return sum(len(content.data) for content in self.files.values())

    def has_room(self, growth_bytes: int) -> bool:
        """Whether the files may grow by that much."""
        limit = self.plan.capacity_bytes
        return limit is None or growth_bytes <= 0 or self.used_bytes() + growth_bytes <= limit

    def sync_directory(self) -> None:
        """Make creations and deletions durable."""
        self._durable_files = dict(self.files)

    def count_operation(self) -> bool:
        """Count one operation; true when the power goes in it."""
        self.operations += 1
        self.plan.power_in_operations -= 1
        if self.plan.power_in_operations == 0:
            self.lost_power = True
        return self.lost_power

    def _hold(self, connection: apsw.Connection) -> None:
        if connection.open_vfs == self.name:
            self._process.connections.append(connection)

    def _started(self) -> "_Process":
        seed = _Seed(self.generator)
        apsw.randomness(0)  # forget the state, then seed anew: from the default VFS, which is ours for a moment
        apsw.randomness(1)
        seed.unregister()
        return _Process(self)


class _Content:
    """The bytes of one file: as they read, as they are durable, and the changes between the two, oldest first."""

    __slots__ = ("data", "durable", "locks", "pending")

    def __init__(self) -> None:
        self.data = bytearray()
        self.durable = bytearray()
        self.pending: list[tuple[int, bytes | None]] = []
        self.locks: dict[_OpenFile, int] = {}

    def change(self, offset: int, written: bytes | None) -> None:
        _apply(self.data, offset, written)
        self.pending.append((offset, written))

    def sync(self) -> None:
        for offset, written in self.pending:
            _apply(self.durable, offset, written)
        self.pending.clear()

    def settle(self, generator: np.random.Generator, odds: float) -> None:
        """Make a random part of the pending changes durable, and forget the rest."""
        for offset, written in self.pending:
            survives = generator.random() < odds
            torn = not survives and written is not None and generator.random() < 0.5
            if survives:
                _apply(self.durable, offset, written)
            elif torn:
                _apply(self.durable, offset, _torn(offset, written or b"", generator))
        self.pending.clear()


def _apply(buffer: bytearray, offset: int, written: bytes | None) -> None:
    """Write at an offset, or make the offset the file's size when nothing is written."""
    if len(buffer) < offset:
        buffer.extend(bytes(offset - len(buffer)))
    if written is None:
        del buffer[offset:]
    else:
        buffer[offset : offset + len(written)] = written


def _torn(offset: int, written: bytes, generator: np.random.Generator) -> bytes:
    """Return the sectors at the beginning of a write, none if it lies in one."""
    ends = range(-offset % SECTOR_BYTES, len(written), SECTOR_BYTES)
    return written[: ends[generator.integers(len(ends))]] if ends else b""


class _Process(apsw.VFS):
    """The disk as one process knows it, until that process dies: a later one has its own, under the same name."""

    def __init__(self, disk: SimulatedDisk) -> None:
        super().__init__(disk.name, "")
        self.disk = disk
        self.dead = False
        self.connections: list[apsw.Connection] = []

    def end(self) -> None:
        """Die; closing the connections then, where errors are expected, spares a noisy end when they are dropped."""
        self.dead = True
        self.unregister()
        for connection in self.connections:
            with contextlib.suppress(apsw.Error):
                connection.close()

    def expect_reach(self, code: int) -> None:
        """Refuse an operation of a process that is dead or lost power, or on a broken disk."""
        if self.dead or self.disk.lost_power or self.disk.plan.broken:
            raise apsw.exception_for(code)

    def spend(self, code: int) -> None:
        """Count an operation that changes the disk, and fail when the power goes in it."""
        if self.disk.count_operation():
            raise apsw.exception_for(code)

    def xSleep(self, microseconds: int) -> int:
        """Wait for a lock without waiting: whoever holds it runs in the same thread."""
        return microseconds

    def xFullPathname(self, name: str) -> str:
        return name

    def xAccess(self, pathname: str, flags: int) -> bool:
        self.expect_reach(apsw.SQLITE_IOERR_ACCESS)
        return pathname in self.disk.files

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        self.expect_reach(apsw.SQLITE_CANTOPEN)
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        new = path is not None and path not in self.disk.files
        if new and not flags[0] & apsw.SQLITE_OPEN_CREATE:
            raise apsw.exception_for(apsw.SQLITE_CANTOPEN)
        # a file without a name is SQLite's scratch paper, and never outlives its handle
        content = _Content() if path is None else self.disk.files.setdefault(path, _Content())
        if new:
            self.spend(apsw.SQLITE_CANTOPEN)
        flags[1] = flags[0]
        syncs_entry = new and bool(flags[0] & ENTRY_SYNCED_WITH_FILE)
        # apsw asks for the methods only; its own VFSFile is a file of another VFS
        return cast("apsw.VFSFile", _OpenFile(self, content, syncs_entry=syncs_entry))

    def xDelete(self, filename: str, syncdir: bool) -> None:
        self.expect_reach(apsw.SQLITE_IOERR_DELETE)
        if filename not in self.disk.files:
            raise apsw.exception_for(apsw.SQLITE_IOERR_DELETE_NOENT)
        del self.disk.files[filename]
        self.spend(apsw.SQLITE_IOERR_DELETE)
        if syncdir and not self.disk.plan.syncs_lie:
            self.disk.sync_directory()


class _Seed(apsw.VFS):
    """The default VFS for a moment, from which SQLite seeds its random numbers."""

    def __init__(self, generator: np.random.Generator) -> None:
        super().__init__("simulated-seed", "", makedefault=True)
        self.generator = generator

    def xRandomness(self, numbytes: int) -> bytes:
        return self.generator.bytes(numbytes)


class _OpenFile:
    """A handle on a file, with the methods SQLite calls."""

    __slots__ = ("content", "process", "syncs_entry")

    def __init__(self, process: _Process, content: _Content, *, syncs_entry: bool) -> None:
        self.process = process
        self.content = content
        self.syncs_entry = syncs_entry

    def xRead(self, amount: int, offset: int) -> bytes:
        self.process.expect_reach(apsw.SQLITE_IOERR_READ)
        return bytes(self.content.data[offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:
        process, plan = self.process, self.process.disk.plan
        process.expect_reach(apsw.SQLITE_IOERR_WRITE)
        plan.failure_in_writes -= 1
        if plan.failure_in_writes == 0:
            raise apsw.exception_for(apsw.SQLITE_IOERR_WRITE)
        if not process.disk.has_room(offset + len(data) - len(self.content.data)):
            raise apsw.exception_for(apsw.SQLITE_FULL)
        # before the power goes: a crash then keeps, loses or tears this write as any other that was not synced
        self.content.change(offset, bytes(data))
        process.spend(apsw.SQLITE_IOERR_WRITE)

    def xTruncate(self, newsize: int) -> None:
        self.process.expect_reach(apsw.SQLITE_IOERR_TRUNCATE)
        self.content.change(newsize, None)
        self.process.spend(apsw.SQLITE_IOERR_TRUNCATE)

    def xSync(self, flags: int) -> None:
        disk = self.process.disk
        self.process.expect_reach(apsw.SQLITE_IOERR_FSYNC)
        self.process.spend(apsw.SQLITE_IOERR_FSYNC)
        disk.plan.failure_in_syncs -= 1
        if disk.plan.failure_in_syncs == 0:
            # as Linux does: what it could not write it marks as clean, so that the next sync succeeds without it
            self.content.settle(disk.generator, disk.generator.choice(ODDS_OF_SURVIVAL))
            raise apsw.exception_for(apsw.SQLITE_IOERR_FSYNC)
        if disk.plan.syncs_lie:
            return
        self.content.sync()
        if self.syncs_entry:
            disk.sync_directory()
            self.syncs_entry = False

    def xFileSize(self) -> int:
        self.process.expect_reach(apsw.SQLITE_IOERR_FSTAT)
        return len(self.content.data)

    def xLock(self, level: int) -> None:
        self.process.expect_reach(apsw.SQLITE_IOERR_LOCK)
        if self._strongest_other_lock() >= WEAKEST_LOCK_IN_THE_WAY.get(level, apsw.SQLITE_LOCK_SHARED):
            raise apsw.exception_for(apsw.SQLITE_BUSY)
        self.content.locks[self] = level

    def xUnlock(self, level: int) -> None:
        if not self.process.dead:
            self.content.locks[self] = level

    def xCheckReservedLock(self) -> bool:
        return self._strongest_other_lock() >= apsw.SQLITE_LOCK_RESERVED

    def xClose(self) -> None:
        self.content.locks.pop(self, None)

    def xFileControl(self, op: int, ptr: int) -> bool:
        return False

    def xDeviceCharacteristics(self) -> int:
        """Promise, as SQLite's own VFS does on Unix, that a torn write harms no byte outside it."""
        return apsw.SQLITE_IOCAP_POWERSAFE_OVERWRITE

    def xSectorSize(self) -> int:
        return 4096

    def _strongest_other_lock(self) -> int:
        return max((level for holder, level in self.content.locks.items() if holder is not self), default=0)
