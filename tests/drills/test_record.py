"""The record of drills: kept whole and private, and stated in a sentence when it is rotten."""

import json
import os
from pathlib import Path

import pytest
from drill_room import DAY, NOON

from workbench.domain.errors import ConfigError
from workbench.response.drills.record import KEPT, RECORD_FILE, Drilled, Record, recorded


def halt(time_ns: int = NOON, *, passed: bool = True) -> Drilled:
    return Drilled(kind="control", name="halt", time_ns=time_ns, passed=passed, sentence="done", seconds=0.1)


def write(folder: Path, content: bytes, mode: int = 0o600) -> Path:
    path = folder / RECORD_FILE
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_what_is_written_is_read_again_by_its_owner_alone(tmp_path: Path) -> None:
    assert Record.read(tmp_path).drills == ()
    one, other = halt(), Drilled(kind="channel", name="sms", time_ns=NOON + 1, passed=False, sentence="refused")
    recorded(tmp_path, [one])
    recorded(tmp_path, [other])
    assert list(Record.read(tmp_path).drills) == [one, other]
    assert (tmp_path / RECORD_FILE).stat().st_mode & 0o777 == 0o600


def test_only_the_last_drills_of_each_thing_stay(tmp_path: Path) -> None:
    record = Record().with_more([halt(NOON + day * DAY) for day in range(100)])
    assert len(record.drills) == KEPT and record.drills[-1].time_ns == NOON + 99 * DAY


def test_a_failed_drill_is_the_newest_and_no_passed_one(tmp_path: Path) -> None:
    record = Record([halt(NOON), halt(NOON + DAY, passed=False)])
    assert record.passed_ns(NOON + 2 * DAY) == {("control", "halt"): NOON}
    assert not record.newest("control")["halt"].passed


def test_a_drill_from_the_future_does_not_count() -> None:
    assert Record([halt(NOON + 400 * DAY)]).passed_ns(NOON) == {}


GOOD = json.loads(halt().model_dump_json(exclude_none=True))


def of(**changes: object) -> bytes:
    return json.dumps({"format": "workbench drills 1", "drills": [{**GOOD, **changes}]}).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[]",
        b"null",
        b"[" * 100_000,
        b'{"drills": []} trailing',
        b'{"format": "another", "drills": []}',
        of(seconds=float("nan")),
        of(seconds=-1.0),
        of(time_ns=2**70),
        of(time_ns=-1),
        of(time_ns=1.5),
        of(passed="yes"),
        of(name="\x1b[31mhalt"),
        of(name="x" * 10_000),
        of(kind="ritual"),
        of(sentence="x" * 10_000),
        of(extra=1),
    ],
    ids=range(19),
)
def test_a_rotten_record_is_a_sentence_and_is_not_written_over(tmp_path: Path, content: bytes) -> None:
    path = write(tmp_path, content)
    for act in (lambda: Record.read(tmp_path), lambda: recorded(tmp_path, [halt()])):
        with pytest.raises(ConfigError, match=r"is no record of drills: .*move it away") as refused:
            act()
        assert "\x1b" not in str(refused.value) and len(str(refused.value)) < 1_000
    assert path.read_bytes() == content


def test_a_record_others_may_open_or_that_is_no_file_is_refused(tmp_path: Path) -> None:
    write(tmp_path, of(), 0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        Record.read(tmp_path)
    (tmp_path / RECORD_FILE).unlink()
    os.mkfifo(tmp_path / RECORD_FILE, 0o600)
    with pytest.raises(ConfigError, match="plain file"):
        Record.read(tmp_path)
    (tmp_path / RECORD_FILE).unlink()
    (tmp_path / "elsewhere").write_bytes(of())
    (tmp_path / RECORD_FILE).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="expected a plain file of your own"):
        Record.read(tmp_path)
