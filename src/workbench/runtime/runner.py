"""Run the steps of a pipeline in order: locked, resumable, with time limits, retries and a manifest."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from workbench.data.files import cannot_write, write_atomically
from workbench.domain.errors import ExecutionError, WorkbenchError
from workbench.runtime.daily import as_json
from workbench.runtime.notebooks import check_parameters, execute_notebook
from workbench.runtime.pipeline import Pipeline, Step
from workbench.runtime.provenance import file_hash, versions
from workbench.runtime.run_folder import RunFolder

Action = Callable[[Path], None]
"""Works in the folder of the run."""


class Watcher(Protocol):
    """Who is told how a run goes."""

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
            for step in self.pipeline.steps:
                if step.name in state["steps"]:
                    self.watcher.ended(step, state["steps"][step.name]["seconds"], skipped=True)
                    continue
                state["steps"][step.name] = self._attempt(step)
                self.folder.save(state)
            self._write_manifest(state)
            self.folder.publish()
        return self.folder.final

    def _fingerprint(self) -> dict[str, Any]:
        """Inputs and parameters; a run is only resumed with the same ones."""
        steps = {step.name: step.parameters for step in self.pipeline.steps if step.parameters}
        return {**self.inputs, "parameters": steps}

    def _attempt(self, step: Step) -> dict[str, Any]:
        for attempt in range(1, step.retries + 2):
            self.watcher.begun(step, self.folder.partial)
            started = time.monotonic()
            try:
                self._work(step)
            except ExecutionError as error:
                again = attempt <= step.retries
                self.watcher.failed(step, str(error), again=again)
                if not again:
                    raise self._named(step, error) from error
            except WorkbenchError as error:
                # data, parameters and models refuse for a reason that a second try does not change
                self.watcher.failed(step, str(error), again=False)
                raise self._named(step, error) from error
            else:
                seconds = time.monotonic() - started
                self.watcher.ended(step, seconds, skipped=False)
                return {"seconds": round(seconds, 2), "attempts": attempt}
        raise ExecutionError(f"step {step.name!r} has no attempt left")

    def _named(self, step: Step, error: WorkbenchError) -> WorkbenchError:
        return type(error)(f"step {step.name!r} failed: {error}\nwhen that is mended, go on with --resume")

    def _work(self, step: Step) -> None:
        try:
            if step.notebook is None:
                self.actions[str(step.action)](self.folder.partial)
                return
            source = self.notebooks / step.notebook
            output = self.folder.partial / source.name
            execute_notebook(source, output, self.parameters(step), seconds=step.seconds or 0)
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
