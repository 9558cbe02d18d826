"""The lock of a journal's folder, as others see it who only ask."""

import fcntl
import os
from pathlib import Path

from workbench.data.journal.storage import LOCK, lock_holder, locked


def test_who_holds_the_lock_is_known_while_it_is_held_and_nobody_after(tmp_path: Path) -> None:
    assert lock_holder(tmp_path) is None
    with locked(tmp_path):
        assert lock_holder(tmp_path) == os.getpid()
    assert lock_holder(tmp_path) is None


def test_two_who_ask_at_once_do_not_take_each_other_for_the_holder(tmp_path: Path) -> None:
    with locked(tmp_path):
        pass
    # the other one, at the moment between its question and its answer
    with (tmp_path / LOCK).open("rb") as asking:
        fcntl.flock(asking, fcntl.LOCK_SH)
        assert (tmp_path / LOCK).read_text() == str(os.getpid())
        assert lock_holder(tmp_path) is None


def test_who_asks_keeps_nobody_from_taking_the_lock_for_long(tmp_path: Path) -> None:
    for _ in range(200):
        lock_holder(tmp_path)
        with locked(tmp_path):
            assert lock_holder(tmp_path) == os.getpid()
