"""Run the steps of a pipeline: locked, resumable, with time limits, retries and a manifest.

A step starts when the steps it needs have ended; steps that do not need each other run side by side. Only the main
thread keeps the state and tells the watcher; a step's own thread works, and reports by a queue.
"""

import queue
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from workbench.data.files import cannot_write, write_atomically
from workbench.domain.errors import ExecutionError, WorkbenchError
from workbench.runtime.pipelines.kernels import Kernels
from workbench.runtime.pipelines.notebooks import check_parameters, execute_notebook
from workbench.runtime.pipelines.pipeline import Pipeline, Step
from workbench.runtime.pipelines.run_folder import RunFolder
from workbench.runtime.provenance import file_hash, versions
from workbench.runtime.session import as_json

Action = Callable[[Path], None]
"""Works in the folder of the run."""


class Watcher(Protocol):
    """Who is told how a run goes; steps may be under way side by side."""

    def begun(self, step: Step, folder: Path) -> None:
        """A step starts; `folder` may hold its progress.json."""
        ...

    def ended(self, step: Step, seconds: float, *, skipped: bool) -> None:
        """A step has ended well, or was finished before."""
        ...

    def failed(self, step: Step, reason: str, *, again: bool) -> None:
        """A step has failed; `again` says whether it is tried once more."""
        ...


@dataclass(frozen=True, slots=True)
class Report:
    """What the thread of a step has to say: it has ended, or it failed and tries again."""

    step: Step
    ended: Future[dict[str, Any]] | None = None
    again: ExecutionError | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """Everything one run needs."""

    pipeline: Pipeline
    folder: RunFolder
    notebooks: Path
    inputs: Mapping[str, Any]
    actions: Mapping[str, Action]
    watcher: Watcher

    def parameters(self, step: Step) -> dict[str, Any]:
        """Values for the notebook of a step: the inputs it names, its own literals, the folder.

        Parameters
        ----------
        step : Step
            A notebook step.

        Returns
        -------
        dict
        """
        chosen = {name: self.inputs[name] for name in step.inputs}
        return {**chosen, **step.parameters, "folder": str(self.folder.partial)}

    def check(self) -> None:
        """Refuse an unknown parameter or action before anything is touched.

        Raises
        ------
        ConfigError
            With the misspelt name.
        ExecutionError
            When an action is not registered.
        """
        for step in self.pipeline.steps:
            if step.notebook is not None:
                check_parameters(self.notebooks / step.notebook, self.parameters(step))
            elif step.action not in self.actions:
                raise ExecutionError(f"step {step.name!r} names the unknown action {step.action!r}")

    def execute(self, *, resume: bool) -> Path:
        """Run every step that is not finished, then publish the folder.

        Parameters
        ----------
        resume : bool
            Continue an unfinished run.

        Returns
        -------
        Path
            The finished run.

        Raises
        ------
        WorkbenchError
            The error of the step that failed, with the step's name; earlier results are untouched.
        """
        self.check()
        with self.folder.locked():
            state = self.folder.begin(self._fingerprint(), resume=resume)
            if resume and not self.folder.partial.exists():
                return self.folder.final
            with Kernels(self.pipeline.imports) as kernels:
                self._run_steps(state, kernels)
            self._write_manifest(state)
            self.folder.publish()
        return self.folder.final

    def _fingerprint(self) -> dict[str, Any]:
        """Inputs and parameters; a run is only resumed with the same ones."""
        steps = {step.name: step.parameters for step in self.pipeline.steps if step.parameters}
        return {**self.inputs, "parameters": steps}

    def _run_steps(self, state: dict[str, Any], kernels: Kernels) -> None:
        """Start what can start, wait for what ends; after a failure start nothing new and let the rest end."""
        waiting = []
        for step in self.pipeline.steps:
            if step.name in state["steps"]:
                self.watcher.ended(step, state["steps"][step.name]["seconds"], skipped=True)
                continue
            waiting.append(step)
            if step.notebook is not None:
                kernels.prepare(step.name, (self.notebooks / step.notebook).parent)
        reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
        working: set[str] = set()
        failure: WorkbenchError | None = None
        with ThreadPoolExecutor(self.pipeline.at_once) as pool, ExitStack() as interrupted:
            # with their kernels gone the threads end by themselves
            interrupted.callback(kernels.end)
            while working or (waiting and failure is None):
                room = self.pipeline.at_once - len(working) if failure is None else 0
                for step in [one for one in waiting if set(one.needs) <= set(state["steps"])][:room]:
                    waiting.remove(step)
                    working.add(step.name)
                    self.watcher.begun(step, self.folder.partial)
                    future = pool.submit(self._attempt, step, kernels, reports)
                    future.add_done_callback(partial(_report_end, reports, step))
                report = reports.get()
                if report.again is not None:
                    self.watcher.failed(report.step, str(report.again), again=True)
                    self.watcher.begun(report.step, self.folder.partial)
                    continue
                working.remove(report.step.name)
                failure = self._settle(report, state) or failure
            interrupted.pop_all()
        if failure is not None:
            raise failure

    def _settle(self, report: Report, state: dict[str, Any]) -> WorkbenchError | None:
        """Keep the record of a step that ended well, or hand on why it failed."""
        try:
            record = report.ended.result() if report.ended else {}
        except WorkbenchError as error:
            self.watcher.failed(report.step, str(error), again=False)
            return self._named(report.step, error)
        state["steps"][report.step.name] = record
        self.folder.save(state)
        self.watcher.ended(report.step, record["seconds"], skipped=False)
        return None

    def _attempt(self, step: Step, kernels: Kernels, reports: queue.SimpleQueue[Report]) -> dict[str, Any]:
        """Work at a step until it succeeds; a refusal of data, parameters or models is final at once."""
        for attempt in range(1, step.retries + 2):
            started = time.monotonic()
            try:
                self._work(step, kernels)
            except ExecutionError as error:
                if attempt > step.retries:
                    raise
                reports.put(Report(step, again=error))
            else:
                return {"seconds": round(time.monotonic() - started, 2), "attempts": attempt}
        raise ExecutionError(f"step {step.name!r} has no attempt left")

    def _named(self, step: Step, error: WorkbenchError) -> WorkbenchError:
        return type(error)(f"step {step.name!r} failed: {error}\nwhen that is mended, go on with --resume")

    def _work(self, step: Step, kernels: Kernels) -> None:
        try:
            if step.notebook is None:
                self.actions[str(step.action)](self.folder.partial)
                return
            source = self.notebooks / step.notebook
            output = self.folder.partial / source.name
            kernel = kernels.take(step.name, source.parent)
            execute_notebook(source, output, self.parameters(step), seconds=step.seconds or 0, kernel=kernel)
        except OSError as error:
            raise cannot_write(self.folder.partial, error) from error

    def _write_manifest(self, state: dict[str, Any]) -> None:
        files = sorted(path for path in self.folder.partial.rglob("*") if path.is_file())
        scratch = {"state.json", "progress.json"}
        manifest = {
            "pipeline": self.pipeline.name,
            "date": self.folder.date,
            "inputs": state["inputs"],
            "steps": state["steps"],
            "versions": versions(),
            "notebooks": {
                step.notebook: file_hash(self.notebooks / step.notebook)
                for step in self.pipeline.steps
                if step.notebook is not None
            },
            "files": {
                path.relative_to(self.folder.partial).as_posix(): file_hash(path)
                for path in files
                if path.name not in scratch
            },
        }
        write_atomically(self.folder.partial / "manifest.json", as_json(manifest))


def _report_end(reports: queue.SimpleQueue[Report], step: Step, ended: Future[dict[str, Any]]) -> None:
    reports.put(Report(step, ended))
