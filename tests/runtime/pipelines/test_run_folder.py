"""The folder of one run: one process at a time, published whole, and nothing lost on the way."""

import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from workbench.domain.errors import ConfigError, ExecutionError
from workbench.runtime.pipelines.run_folder import RunFolder

DATE = "2026-10-30"
INPUTS = {"as_of": DATE, "book_file": "", "equity": 1e6, "parameters": {"var": {"race_pairs": 16}}}
HOLDER = """
import sys
from pathlib import Path
from workbench.runtime.pipelines.run_folder import RunFolder
with RunFolder(Path(sys.argv[1]), sys.argv[2]).locked():
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "runs", DATE)


@pytest.fixture
def published(folder: RunFolder) -> RunFolder:
    run(folder, "old")
    return folder


def run(folder: RunFolder, text: str) -> None:
    with folder.locked():
        folder.begin(INPUTS, resume=False)
        (folder.partial / "summary.json").write_text(text, encoding="utf-8")
        folder.publish()


def summary(folder: RunFolder) -> str:
    return (folder.final / "summary.json").read_text(encoding="utf-8")


@contextmanager
def other_process(folder: RunFolder) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", HOLDER, str(folder.runs), folder.date]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "locked\n"
            yield process
        finally:
            process.kill()


@contextmanager
def no_room() -> Iterator[None]:
    """Let the system refuse to grow any file of this process, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def names(folder: RunFolder) -> set[str]:
    return {path.name for path in folder.runs.iterdir()}


def test_the_second_run_says_who_has_the_date_and_leaves_without_touching_anything(published):
    with other_process(published) as process:
        before = names(published)
        said = rf"another run for {DATE} is under way .*process {process.pid}\); this one leaves"
        with pytest.raises(ExecutionError, match=said), published.locked():
            pytest.fail("both have the date")
        assert (names(published), summary(published)) == (before, "old")
        with RunFolder(published.runs, "2026-10-29").locked():
            pass  # another date is free


def test_a_killed_run_leaves_no_lock_behind(folder):
    with other_process(folder) as process:
        process.kill()
        process.wait()
        with folder.locked():
            assert (folder.runs / f".{DATE}.lock").read_text(encoding="utf-8") != str(process.pid)


def test_a_published_run_is_whole_and_nothing_else_is_left(published):
    assert names(published) == {DATE, f".{DATE}.lock"}
    assert {path.name for path in published.final.iterdir()} == {"summary.json", "results", "figures"}


def test_a_new_run_takes_the_place_of_the_earlier_one(published):
    run(published, "new")
    assert summary(published) == "new"
    assert names(published) == {DATE, f".{DATE}.lock"}


def test_a_failed_run_leaves_the_earlier_one_untouched(published):
    def break_down() -> None:
        with published.locked():
            published.begin(INPUTS, resume=False)
            (published.partial / "summary.json").write_text("half", encoding="utf-8")
            raise ExecutionError("step broke")

    with pytest.raises(ExecutionError, match="step broke"):
        break_down()
    assert summary(published) == "old"
    assert (published.partial / "summary.json").is_file()


def test_a_crash_between_the_two_renames_is_undone_by_the_next_run(published):
    published.final.rename(published.runs / f".{DATE}.replaced")
    published.partial.mkdir()
    assert not published.final.exists()
    with published.locked():
        assert summary(published) == "old"
        assert published.partial.exists()
    assert f".{DATE}.replaced" not in names(published)


def test_a_crash_after_the_two_renames_is_finished_by_the_next_run(published):
    (published.runs / f".{DATE}.replaced").mkdir()
    with published.locked():
        assert summary(published) == "old"
    assert names(published) == {DATE, f".{DATE}.lock"}


def test_an_earlier_run_comes_back_when_the_new_one_cannot_take_its_place(published):
    with pytest.raises(ExecutionError, match="unchanged"), published.locked():
        published.publish()  # there is no partial folder
    assert summary(published) == "old"


def test_resume_with_the_same_inputs_keeps_finished_steps(folder):
    with folder.locked():
        state = folder.begin(INPUTS, resume=False)
        state["steps"]["data_quality"] = {"seconds": 1.5, "attempts": 1}
        folder.save(state)
    with folder.locked():
        assert folder.begin(INPUTS, resume=True) == state


def test_starting_anew_forgets_finished_steps(folder):
    with folder.locked():
        state = folder.begin(INPUTS, resume=False)
        (folder.partial / "left.txt").write_text("x", encoding="utf-8")
        folder.save({**state, "steps": {"data_quality": {}}})
        assert folder.begin(INPUTS, resume=False)["steps"] == {}
    assert not (folder.partial / "left.txt").exists()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"equity": 2e6}, "equity = 1000000.0, now equity = 2000000.0"),
        ({"parameters": {"var": {"race_pairs": 2}}}, "parameters = .*16.* now parameters = .*2"),
        ({"unheard": 1}, "unheard = None, now unheard = 1"),
    ],
)
def test_resume_with_other_inputs_is_refused(folder, changed, said):
    with folder.locked():
        folder.begin(INPUTS, resume=False)
        with pytest.raises(ConfigError, match=f"cannot resume {DATE}: it was begun with {said}"):
            folder.begin({**INPUTS, **changed}, resume=True)


def test_a_finished_run_is_not_passed_off_as_one_with_other_inputs(published):
    (published.final / "manifest.json").write_text('{"inputs": {"as_of": "2026-10-30"}}', encoding="utf-8")
    assert published.begin({"as_of": DATE}, resume=True)["steps"] == {}
    with pytest.raises(ConfigError, match=r"begun with book_file = None, now book_file = 'mine\.csv'"):
        published.begin({"as_of": DATE, "book_file": "mine.csv"}, resume=True)


def test_nothing_to_resume_is_refused_and_makes_nothing(folder):
    with folder.locked(), pytest.raises(ConfigError, match=f"nothing to resume for {DATE} .*without --resume"):
        folder.begin(INPUTS, resume=True)
    assert names(folder) == {f".{DATE}.lock"}


def test_a_finished_run_may_be_resumed_and_is_not_begun_again(published):
    with published.locked():
        assert published.begin(INPUTS, resume=True)["steps"] == {}
    assert not published.partial.exists()
    assert summary(published) == "old"


def test_a_runs_folder_that_is_a_file_is_one_sentence(tmp_path):
    (tmp_path / "runs").write_text("a file", encoding="utf-8")
    said = "cannot write .*runs.*: a part of the path is a file, not a folder; what was there before is unchanged"
    for runs in (tmp_path / "runs", tmp_path / "runs" / "deeper"):
        with pytest.raises(ExecutionError, match=said), RunFolder(runs, DATE).locked():
            pytest.fail("locked a file")


def test_a_folder_that_cannot_be_written_is_one_sentence():
    # /proc refuses new files whoever asks, root too
    with (
        pytest.raises(ExecutionError, match="cannot write /proc/self/runs: "),
        RunFolder(Path("/proc/self/runs"), DATE).locked(),
    ):
        pytest.fail("wrote to /proc")


def test_a_full_disk_is_one_sentence_and_the_earlier_run_stays(published):
    said = r"cannot write .*; what was there before is unchanged"
    with no_room(), pytest.raises(ExecutionError, match=said), published.locked():
        pytest.fail("the lock could not be written")
    with published.locked(), no_room(), pytest.raises(ExecutionError, match=r"cannot write .*state\.json"):
        published.begin(INPUTS, resume=False)
    assert summary(published) == "old"
    run(published, "new")
    assert summary(published) == "new"
