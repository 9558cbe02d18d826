"""Steps run when what they need has ended, side by side where they may, and nothing is lost when one fails."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from workbench.domain.errors import DataError, ExecutionError, WorkbenchError
from workbench.runtime.pipelines.pipeline import Pipeline, Step
from workbench.runtime.pipelines.run_folder import RunFolder
from workbench.runtime.pipelines.runner import Run

DATE = "2026-10-30"
TIMEOUT = 20.0


class Told:
    """Writes down what a run tells its watcher, and on which thread."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self.threads: set[int] = set()

    def note(self, what: str, step: Step) -> None:
        self.lines.append((what, step.name))
        self.threads.add(threading.get_ident())

    def begun(self, step: Step, folder: Path) -> None:
        self.note("begun", step)

    def ended(self, step: Step, seconds: float, *, skipped: bool) -> None:
        self.note("skipped" if skipped else "ended", step)

    def failed(self, step: Step, reason: str, *, again: bool) -> None:
        self.note("again" if again else "failed", step)


def step(name: str, *needs: str, retries: int = 0) -> Step:
    return Step(name=name, title=name, action=name, needs=needs, retries=retries)


def build(tmp_path: Path, steps: list[Step], actions: dict[str, Callable[[Path], None]], *, at_once: int = 2) -> Run:
    pipeline = Pipeline(name="test", title="Test", at_once=at_once, steps=tuple(steps))
    folder = RunFolder(tmp_path / "runs", DATE)
    return Run(pipeline, folder, tmp_path / "notebooks", {"as_of": DATE}, actions, Told())


def nothing(_folder: Path) -> None:
    """Work that is done at once."""


def broken(_folder: Path) -> None:
    raise DataError("EURUSD is empty")


def test_steps_that_do_not_need_each_other_run_side_by_side(tmp_path):
    meeting = threading.Barrier(2, timeout=TIMEOUT)  # breaks, and fails the run, unless both are there at once
    actions = {"var": lambda _: meeting.wait(), "regime": lambda _: meeting.wait(), "data": nothing}
    run = build(tmp_path, [step("data"), step("var", "data"), step("regime", "data")], actions)
    run.execute(resume=False)
    assert run.watcher.lines[:4] == [("begun", "data"), ("ended", "data"), ("begun", "var"), ("begun", "regime")]


def test_no_more_steps_run_at_once_than_the_pipeline_says(tmp_path):
    under_way, most = [0], [0]

    def work(_folder: Path) -> None:
        under_way[0] += 1
        most[0] = max(most[0], under_way[0])
        time.sleep(0.05)
        under_way[0] -= 1

    names = ("a", "b", "c", "d")
    for at_once in (1, 3):
        most[0] = 0
        build(tmp_path, [step(n) for n in names], dict.fromkeys(names, work), at_once=at_once).execute(resume=False)
        assert most[0] == at_once


def test_a_step_waits_for_everything_it_needs(tmp_path):
    order: list[str] = []
    actions = {name: lambda _, name=name: order.append(name) for name in ("data", "var", "regime", "report")}
    steps = [step("data"), step("var", "data"), step("regime", "data"), step("report", "var", "regime")]
    run = build(tmp_path, steps, actions)
    run.execute(resume=False)
    assert (order[0], set(order[1:3]), order[3]) == ("data", {"var", "regime"}, "report")
    assert run.watcher.threads == {threading.get_ident()}


def test_when_a_step_fails_its_neighbour_may_end_and_resume_does_only_what_is_missing(tmp_path):
    ran: list[str] = []

    def slow(_folder: Path) -> None:
        for _ in range(int(TIMEOUT / 0.01)):
            if ("failed", "fails") in run.watcher.lines:
                break
            time.sleep(0.01)
        ran.append("slow")

    steps = [step("slow"), step("fails"), step("after", "slow")]
    run = build(tmp_path, steps, {"slow": slow, "fails": broken, "after": nothing})
    with pytest.raises(DataError, match=r"^step 'fails' failed: EURUSD is empty\nwhen that is mended, .*--resume"):
        run.execute(resume=False)
    assert ("begun", "after") not in run.watcher.lines
    assert not run.folder.final.exists()
    again = build(tmp_path, steps, {"slow": slow, "fails": nothing, "after": nothing})
    again.execute(resume=True)
    assert ran == ["slow"]
    assert again.watcher.lines[0] == ("skipped", "slow")
    assert set(json.loads((again.folder.final / "manifest.json").read_text())["steps"]) == {"slow", "fails", "after"}


def test_an_unexpected_failure_is_tried_again_and_a_refusal_is_not(tmp_path):
    tries = {"flaky": 0, "refused": 0}

    def flaky(_folder: Path) -> None:
        tries["flaky"] += 1
        if tries["flaky"] == 1:
            raise ExecutionError("the kernel died")

    def refused(folder: Path) -> None:
        tries["refused"] += 1
        broken(folder)

    run = build(
        tmp_path, [step("flaky", retries=1), step("refused", "flaky", retries=3)], {"flaky": flaky, "refused": refused}
    )
    with pytest.raises(DataError):
        run.execute(resume=False)
    assert tries == {"flaky": 2, "refused": 1}
    assert run.watcher.lines[:4] == [("begun", "flaky"), ("again", "flaky"), ("begun", "flaky"), ("ended", "flaky")]


def test_an_error_that_is_not_ours_is_neither_hidden_nor_waited_for(tmp_path):
    def bug(_folder: Path) -> None:
        raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError, match="a bug"):
        build(tmp_path, [step("bug")], {"bug": bug}).execute(resume=False)


def notebook_step(tmp_path: Path, name: str, code: str) -> Step:
    cell = new_code_cell('folder = ""', metadata={"tags": ["parameters"]})
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    (tmp_path / "notebooks").mkdir(exist_ok=True)
    nbformat.write(
        new_notebook(cells=[cell, new_code_cell(code)], metadata=metadata), tmp_path / f"notebooks/{name}.ipynb"
    )
    return Step(name=name, title=name, notebook=f"{name}.ipynb", seconds=60)


@pytest.fixture
def listening() -> Iterator[None]:
    """Ctrl-C raises, also where a shell has told its background jobs to ignore it, which is inherited."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("listening")
def test_an_interrupted_run_ends_all_its_kernels_at_once(tmp_path):
    imports, note = "import os, time\nfrom pathlib import Path\n", "Path(folder, '{}.pid').write_text(str(os.getpid()))"
    write = f"{imports}{note}\ntime.sleep(50)"
    steps = [notebook_step(tmp_path, name, write.format(name)) for name in ("one", "two")]
    run = build(tmp_path, steps, {})
    notes = [run.folder.partial / f"{name}.pid" for name in ("one", "two")]

    def interrupt() -> None:
        for _ in range(int(TIMEOUT / 0.1)):
            if all(note.is_file() and note.read_text() for note in notes):
                break
            time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGINT)

    killer = threading.Thread(target=interrupt)
    killer.start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run.execute(resume=False)
    killer.join()
    assert time.monotonic() - started < 2 * TIMEOUT
    for note in notes:
        with pytest.raises(ProcessLookupError):
            os.kill(int(note.read_text()), 0)


def test_an_error_of_ours_in_a_notebook_is_the_run_s_error(tmp_path):
    code = "from workbench.domain.errors import DataError\nraise DataError('EURUSD is empty: repair the file')"
    run = build(tmp_path, [notebook_step(tmp_path, "one", code)], {})
    with pytest.raises(WorkbenchError, match="step 'one' failed: EURUSD is empty: repair the file"):
        run.execute(resume=False)
