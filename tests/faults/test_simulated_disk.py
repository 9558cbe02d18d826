"""The simulated disk: it keeps what SQLite was promised, loses the rest, and finds a journal that does not sync."""

import contextlib
import gc
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import apsw
import numpy as np
import pytest

DATABASE = "/journal.db"
ROWS = 5
"""Of one transaction."""
LIVES = 3
"""Of one disk, each ended by a crash."""


def load_simulated_disk() -> ModuleType:
    path = Path(__file__).with_name("simulated_disk.py")
    spec = importlib.util.spec_from_file_location("simulated_disk", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SIMULATION = load_simulated_disk()


def new_disk(seed: int) -> Any:
    return SIMULATION.SimulatedDisk(np.random.default_rng(seed), SIMULATION.DiskPlan())


@pytest.fixture
def disk() -> Iterator[Any]:
    with new_disk(7) as made:
        yield made


def opened(disk: Any) -> apsw.Connection:
    """Open a journal of one table; a checkpoint comes every few transactions, so that crashes meet it too."""
    connection = apsw.Connection(DATABASE, vfs=disk.name)
    for setting in ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=12"):
        connection.execute(f"PRAGMA {setting}").fetchall()
    assert connection.execute("PRAGMA journal_mode").get == "wal"
    connection.execute("CREATE TABLE IF NOT EXISTS entries (id INTEGER PRIMARY KEY, batch INTEGER, body TEXT)")
    return connection


def commit(connection: apsw.Connection, batch: int, rows: int = ROWS) -> None:
    connection.execute("BEGIN IMMEDIATE")
    body = f"batch {batch} " * 60
    connection.executemany("INSERT INTO entries (batch, body) VALUES (?, ?)", [(batch, body)] * rows)
    connection.execute("COMMIT")


def rows_by_batch(connection: apsw.Connection) -> dict[int, int]:
    return dict(connection.execute("SELECT batch, count(*) FROM entries GROUP BY batch ORDER BY batch"))


def integrity(connection: apsw.Connection) -> str:
    return str(connection.execute("PRAGMA integrity_check").get)


def live(disk: Any, first: int, batches: int = 8) -> int:
    """Commit batches until the disk dies; return the number of the first that was not acknowledged."""
    batch = first
    with contextlib.suppress(apsw.Error):
        connection = opened(disk)
        for _ in range(batches):
            commit(connection, batch)
            batch += 1
    return batch


def crash_within(disk: Any, generator: np.random.Generator, first: int) -> int:
    """Live until a crash inside an operation, at any of those of a life, or between two once the life is over."""
    disk.plan.power_at(int(generator.integers(1, 120)))
    acknowledged = live(disk, first)
    disk.plan.power_at(0)
    disk.crash()
    return acknowledged


def batches_lost(seed: int, *, syncs_lie: bool = False) -> set[int]:
    """Return the acknowledged batches that are missing after a crash, or -1 where nothing can be read at all."""
    with new_disk(seed) as disk:
        disk.plan.syncs_lie = syncs_lie
        acknowledged = crash_within(disk, np.random.default_rng(seed), 0)
        try:
            return set(range(acknowledged)) - set(rows_by_batch(opened(disk)))
        except apsw.Error:
            return {-1}


@pytest.mark.parametrize("start", range(0, 300, 50))
def test_what_was_committed_survives_and_the_rest_is_all_or_nothing(start: int) -> None:
    crashes_inside, unfinished_kept, unfinished_lost = 0, 0, 0
    for seed in range(start, start + 50):
        generator = np.random.default_rng(seed)
        first, expected = 0, dict[int, int]()
        with new_disk(seed) as disk:
            for _ in range(LIVES):
                acknowledged = crash_within(disk, generator, first)
                connection = opened(disk)
                found = rows_by_batch(connection)
                assert integrity(connection) == "ok", seed
                connection.close()
                expected |= dict.fromkeys(range(first, acknowledged), ROWS)
                unfinished = found.keys() - expected.keys()
                assert found == expected | dict.fromkeys(unfinished & {acknowledged}, ROWS), seed
                crashes_inside += acknowledged < first + 8
                unfinished_kept += bool(unfinished)
                unfinished_lost += acknowledged < first + 8 and not unfinished
                expected, first = found, acknowledged + 1
    assert min(crashes_inside, unfinished_kept, unfinished_lost) > 3


def test_an_open_transaction_leaves_nothing_behind() -> None:
    for seed in range(20):
        with new_disk(seed) as disk:
            connection = opened(disk)
            commit(connection, 0)
            before = disk.used_bytes()
            connection.execute("PRAGMA cache_size=1; BEGIN")
            connection.executemany("INSERT INTO entries (batch, body) VALUES (1, ?)", [("x" * 3000,)] * 50)
            assert disk.used_bytes() > before + 100_000  # it has spilled into the log
            disk.crash()
            assert rows_by_batch(opened(disk)) == {0: ROWS}


def test_a_write_that_was_not_synced_is_kept_lost_or_torn_where_a_sector_ends() -> None:
    survived = set()
    for seed in range(60):
        with new_disk(seed) as disk:
            file = disk._process.xOpen("/file", [apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_WAL, 0])
            file.xWrite(b"a" * 2048, 0)
            file.xSync(apsw.SQLITE_SYNC_NORMAL)
            file.xWrite(b"b" * 2000, 24)
            disk.crash()
            left = disk.image()["/file"]
            survived.add(left.count(b"b"))
            assert left == b"a" * 24 + b"b" * left.count(b"b") + b"a" * (2024 - left.count(b"b"))
    assert survived == {0, 488, 1000, 1512, 2000}


def test_a_file_whose_directory_was_not_synced_may_be_gone_or_back() -> None:
    outcomes = set()
    for seed in range(60):
        with new_disk(seed) as disk:
            flags = [apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_WAL, 0]
            disk._process.xOpen("/old", flags).xSync(apsw.SQLITE_SYNC_NORMAL)
            disk._process.xDelete("/old", syncdir=False)
            disk._process.xOpen("/new", flags)
            disk.crash()
            outcomes.add(tuple(sorted(disk.image())))
    assert outcomes == {(), ("/new",), ("/old",), ("/new", "/old")}


def test_a_sync_that_lies_is_found_within_fifty_seeds() -> None:
    losses = [seed for seed in range(50) if batches_lost(seed, syncs_lie=True)]
    assert losses
    assert not any(batches_lost(seed) for seed in losses)


@pytest.mark.parametrize("fault", ["write", "sync"])
def test_a_failed_operation_is_an_error_and_what_was_committed_stays(fault: str) -> None:
    for number in range(1, 40):
        with new_disk(number) as disk:
            commit(opened(disk), 0)
            disk.kill()
            getattr(disk.plan, f"fail_{fault}")(number)
            acknowledged = live(disk, first=1, batches=30)
            failed = acknowledged < 31
            disk.crash()
            connection = opened(disk)
            assert failed, number
            assert set(range(acknowledged)) <= set(rows_by_batch(connection)) <= set(range(acknowledged + 1)), number
            assert integrity(connection) == "ok", number


def test_a_connection_that_goes_on_after_a_failed_operation_loses_nothing_it_acknowledged() -> None:
    spoke_too_soon = 0
    for number in range(1, 80):
        with new_disk(number) as disk:
            connection = opened(disk)
            disk.plan.fail_write(number)
            disk.plan.fail_sync(number // 2)
            acknowledged = set()
            for batch in range(30):
                with contextlib.suppress(apsw.Error):
                    commit(connection, batch)
                    acknowledged.add(batch)
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            spoke_too_soon += set(rows_by_batch(connection)) > acknowledged
            disk.crash()
            connection = opened(disk)
            assert acknowledged <= set(rows_by_batch(connection)), number
            assert integrity(connection) == "ok", number
    assert spoke_too_soon  # an error of COMMIT that was only the checkpoint's


def test_a_full_disk_refuses_and_takes_up_again_when_there_is_room(disk: Any) -> None:
    connection = opened(disk)
    commit(connection, 0)
    disk.plan.capacity_bytes = disk.used_bytes()
    with pytest.raises(apsw.FullError):
        commit(connection, 1, rows=500)
    disk.plan.heal()
    commit(connection, 2)
    disk.crash()
    connection = opened(disk)
    assert rows_by_batch(connection) == {0: ROWS, 2: ROWS}
    assert integrity(connection) == "ok"


def test_a_broken_disk_refuses_everything_until_it_is_healed(disk: Any) -> None:
    connection = opened(disk)
    commit(connection, 0)
    disk.plan.broken = True
    with pytest.raises(apsw.IOError):
        commit(connection, 1)
    with pytest.raises(apsw.Error):
        opened(disk)
    disk.plan.heal()
    disk.crash()
    assert rows_by_batch(opened(disk)) == {0: ROWS}


def images(seed: int) -> list[dict[str, bytes]]:
    generator = np.random.default_rng(seed)
    first, left = 0, []
    with new_disk(seed) as disk:
        for _ in range(LIVES):
            first = crash_within(disk, generator, first) + 1
            left.append(disk.image())
    return left


def test_the_seed_decides_every_byte() -> None:
    assert images(3) == images(3)
    assert images(3) != images(4)


def test_a_bit_flipped_at_rest_is_read(disk: Any) -> None:
    connection = opened(disk)
    commit(connection, 0, rows=1)
    connection.close()
    disk.flip(DATABASE, disk.image()[DATABASE].index(b"batch 0"), 0)
    assert str(opened(disk).execute("SELECT body FROM entries").get).startswith("catch 0 batch 0 ")
    with pytest.raises(IndexError):
        disk.flip(DATABASE, 10**9, 0)


def test_a_process_that_lost_power_can_do_no_more(disk: Any) -> None:
    connection = opened(disk)
    commit(connection, 0)
    disk.plan.power_at(2)
    with pytest.raises(apsw.IOError):
        commit(connection, 1)
    assert disk.lost_power
    with pytest.raises(apsw.Error):
        opened(disk)
    disk.crash()
    assert not disk.lost_power
    before = disk.image()
    with pytest.raises(apsw.Error):
        commit(connection, 2)
    with contextlib.suppress(apsw.Error):
        connection.close()
    assert disk.image() == before


def test_a_dead_connection_is_dropped_in_silence(disk: Any, capfd: pytest.CaptureFixture[str]) -> None:
    connection = opened(disk)
    commit(connection, 0)
    connection.execute("BEGIN; INSERT INTO entries (batch) VALUES (1)")
    disk.crash()
    before = disk.image()
    del connection
    gc.collect()
    assert disk.image() == before
    assert capfd.readouterr() == ("", "")


def test_a_killed_process_loses_nothing_it_wrote(disk: Any) -> None:
    disk.plan.syncs_lie = True
    connection = opened(disk)
    commit(connection, 0)
    disk.kill()
    with pytest.raises(apsw.Error):
        commit(connection, 1)
    assert rows_by_batch(opened(disk)) == {0: ROWS}


def test_a_second_writer_is_refused(disk: Any) -> None:
    first = opened(disk)
    commit(first, 0)
    with pytest.raises(apsw.BusyError):
        opened(disk)
    first.close()
    assert rows_by_batch(opened(disk)) == {0: ROWS}


def test_disks_leave_no_names_behind() -> None:
    before = apsw.vfs_names()
    for seed in range(20):
        with new_disk(seed) as disk:
            commit(opened(disk), 0)
            disk.crash()
            assert disk.name in apsw.vfs_names()
    assert apsw.vfs_names() == before
