"""A file is the old one or the new one, whatever happens while it is written."""

import errno
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.data.files import cannot_write, make_room, write_atomically
from workbench.domain.errors import ExecutionError

ENDLESS = """
import sys
from pathlib import Path
from workbench.data.files import write_atomically
print("writing", flush=True)
while True:
    for letter in (b"a", b"b"):
        write_atomically(Path(sys.argv[1]), letter * 200_000)
"""


def test_a_file_is_written_with_its_folders_and_replaced(tmp_path):
    path = tmp_path / "a" / "b" / "file.json"
    write_atomically(path, b"first")
    write_atomically(path, b"")
    write_atomically(path, b"second")
    assert path.read_bytes() == b"second"
    assert [one.name for one in path.parent.iterdir()] == ["file.json"]


def test_others_may_read_what_the_umask_lets_them(tmp_path):
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "index.html", b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "index.html").stat().st_mode) == 0o640


def test_a_full_disk_leaves_the_old_file_and_no_rest(tmp_path, full_disk):
    path = tmp_path / "file.json"
    write_atomically(path, b"old")
    refused = pytest.raises(ExecutionError, match=r"cannot write .*file\.json: .*; what was there before is unchanged")
    with full_disk(4_096), refused:
        write_atomically(path, b"x" * 10_000)
    assert path.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["file.json"]


def test_a_path_through_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    for path in (tmp_path / "file" / "below", tmp_path / "file" / "far" / "below"):
        with pytest.raises(ExecutionError, match="a part of the path is a file, not a folder"):
            write_atomically(path, b"x")
    assert (tmp_path / "file").read_bytes() == b"old"


def test_a_target_that_is_a_folder_is_refused(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(ExecutionError, match=r"cannot write .*folder: "):
        write_atomically(tmp_path / "folder", b"x")
    assert [one.name for one in tmp_path.iterdir()] == ["folder"]


def test_a_kill_in_the_middle_never_leaves_half_a_file(tmp_path):
    path = tmp_path / "file.bin"
    with subprocess.Popen([sys.executable, "-c", ENDLESS, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        while not path.exists():
            assert process.poll() is None
        seen = {path.read_bytes() for _ in range(200)}
        process.send_signal(signal.SIGKILL)
    seen.add(path.read_bytes())
    assert seen <= {b"a" * 200_000, b"b" * 200_000}


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EROFS, "the file system is read-only"),
        (errno.EACCES, "permission is denied"),
        (errno.EDQUOT, "the disk quota is used up"),
        (errno.EIO, os.strerror(errno.EIO)),
    ],
)
def test_the_sentence_says_why_and_that_nothing_is_lost(code, why):
    error = cannot_write(Path("runs"), OSError(code, os.strerror(code)))
    assert str(error) == f"cannot write runs: {why}; what was there before is unchanged"


def test_an_error_without_a_number_keeps_its_own_words():
    assert "odd" in str(cannot_write(Path("runs"), OSError("odd")))


def test_room_is_made_with_blocks_on_the_disk_and_nothing_else(tmp_path):
    file = tmp_path / "log"
    file.touch()
    make_room(file, 3_000_001)
    assert file.read_bytes() == bytes(3_000_001)
    assert file.stat().st_blocks * 512 >= 3_000_001


def test_where_there_is_no_room_the_file_is_empty_again(tmp_path, full_disk):
    file = tmp_path / "log"
    file.touch()
    with full_disk(1_500_000), pytest.raises(ExecutionError, match="larger than is allowed"):
        make_room(file, 3_000_000)
    assert file.stat().st_size == 0
