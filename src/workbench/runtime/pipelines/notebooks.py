"""Run a notebook by papermill, strictly: the tag must be there, every parameter must be known, time is limited."""

import ast
import functools
import importlib
import json
import math
import time
from pathlib import Path
from typing import Any

from workbench.data.files import write_atomically
from workbench.domain import errors
from workbench.domain.errors import ConfigError, ExecutionError, WorkbenchError
from workbench.runtime.pipelines.kernels import Kernels

REMEMBERED = 300
"""Characters of an unexpected error that are shown; the executed notebook has all of it."""


def declared_parameters(notebook: Path) -> dict[str, str]:
    """Parameters of a notebook with their defaults as written.

    Parameters
    ----------
    notebook : Path
        The file.

    Returns
    -------
    dict
        Name → default, as source text.

    Raises
    ------
    ConfigError
        When the notebook is missing, is none, or has no single cell tagged ``parameters``.
    """
    if not notebook.is_file():
        raise ConfigError(f"notebook {notebook} does not exist")
    try:
        content = json.loads(notebook.read_text(encoding="utf-8"))
        kernel = content["metadata"].get("kernelspec", {}).get("name", "")
        tagged = [cell for cell in content["cells"] if "parameters" in cell["metadata"].get("tags", [])]
        if len(tagged) != 1:
            raise ConfigError(f"{notebook.name} must have one cell tagged 'parameters', it has {len(tagged)}")
        source = "".join(tagged[0]["source"])
        lines = [line for line in ast.parse(source).body if isinstance(line, ast.Assign)]
    except (ValueError, KeyError, TypeError, AttributeError, SyntaxError) as error:
        raise ConfigError(f"{notebook} is not a complete Jupyter notebook: {error}") from error
    if not kernel:
        raise ConfigError(f"{notebook} is not a complete Jupyter notebook: it names no kernel")
    names = [(target.id, line.value) for line in lines for target in line.targets if isinstance(target, ast.Name)]
    return {name: ast.get_source_segment(source, value) or "" for name, value in names}


def check_parameters(notebook: Path, parameters: dict[str, Any]) -> None:
    """Refuse a parameter the notebook does not declare.

    Parameters
    ----------
    notebook : Path
        The file.
    parameters : dict
        Values to be passed.

    Raises
    ------
    ConfigError
        With the misspelt name and the known ones.
    """
    known = declared_parameters(notebook)
    for name in parameters:
        if name not in known:
            raise ConfigError(f"{notebook.name} has no parameter {name!r}: it has {', '.join(known)}")


def execute_notebook(
    notebook: Path, output: Path, parameters: dict[str, Any], *, seconds: int, kernel: Any = None
) -> None:
    """Execute a notebook and keep the executed copy and its HTML.

    Parameters
    ----------
    notebook : Path
        Source; it is not changed.
    output : Path
        Executed copy; the HTML goes beside it with the ending ``.html``.
    parameters : dict
        Values for its ``parameters`` cell.
    seconds : int
        Time limit of the whole notebook.
    kernel : KernelManager, optional
        A fresh kernel, started in the notebook's folder; it is ended with the notebook. Left out, one is started.

    Raises
    ------
    WorkbenchError
        The notebook's own error when it is one of ours; `ExecutionError` for any other, for a dead kernel and for a
        notebook that takes too long.
    """
    check_parameters(notebook, parameters)
    if kernel is None:
        with Kernels() as own:
            kernel = own.take(notebook.name, notebook.parent)
            execute_notebook(notebook, output, parameters, seconds=seconds, kernel=kernel)
            return
    # imported here: it takes a second, which a kernel started ahead uses
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    # the limit is the notebook's, not a cell's: each cell gets what is left of it
    ends = time.monotonic() + seconds
    try:
        papermill.execute_notebook(
            str(notebook),
            str(output),
            engine_name=started_kernel_engine(),
            parameters=parameters,
            kernel_name="python3",
            progress_bar=False,
            log_output=False,
            timeout_func=lambda _cell: max(1, math.ceil(ends - time.monotonic())),
            start_timeout=60,
            km=kernel,
        )
    except papermill.exceptions.PapermillExecutionError as error:
        raise translated(error.ename, error.evalue, notebook, output) from error
    except CellTimeoutError as error:
        raise ExecutionError(f"{notebook.name} took longer than its limit of {seconds} s and was stopped") from error
    except DeadKernelError as error:
        raise ExecutionError(f"the kernel of {notebook.name} died (out of memory, or killed); see {output}") from error
    check_all_ran(output)
    export_html(output)


def check_all_ran(executed: Path) -> None:
    """Refuse a notebook that was left before its end: papermill takes `sys.exit()` in a cell for a success.

    Parameters
    ----------
    executed : Path
        Executed copy.

    Raises
    ------
    ExecutionError
        Names the cell that left, or the first one that did not run.
    """
    cells = [cell for cell in json.loads(executed.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    for place, cell in enumerate(cells, start=1):
        left = any(output["output_type"] == "error" for output in cell["outputs"])
        if left or ("".join(cell["source"]).strip() and cell.get("execution_count") is None):
            where = "in" if left else "before"
            raise ExecutionError(
                f"{executed.name} was left {where} its code cell {place} of {len(cells)}: a notebook runs to its end, "
                "take exit(), quit() or sys.exit() out of it"
            )


@functools.cache
def started_kernel_engine() -> str:
    """Register, once, a papermill engine that uses a kernel started before, and ends it with the notebook.

    Returns
    -------
    str
        Its name.
    """
    engines = importlib.import_module("papermill.engines")
    client = importlib.import_module("papermill.clientwrap").PapermillNotebookClient
    loops = importlib.import_module("jupyter_core.utils")

    class StartedKernelEngine(engines.Engine):  # type: ignore[misc, name-defined]
        """Papermill's own engine never ends a kernel that it was given."""

        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> None:
            wanted = ("timeout_func", "km")
            chosen = {name: options[name] for name in wanted}
            runner = client(nb_man, kernel_name=kernel_name, startup_timeout=options["start_timeout"], **chosen)
            try:
                runner.execute(cleanup_kc=True)
            finally:
                # each thread gets a loop of its own, and nobody else closes it
                loops.ensure_event_loop().close()

    engines.papermill_engines.register("started-kernel", StartedKernelEngine)
    return "started-kernel"


def translated(name: str, message: str, notebook: Path, output: Path) -> WorkbenchError:
    """The error of a notebook as one of ours.

    Parameters
    ----------
    name, message : str
        Class and text of the error in the kernel.
    notebook, output : Path
        Where it came from, where the executed copy is.

    Returns
    -------
    WorkbenchError
        The same class when it is one of ours, else an `ExecutionError`.
    """
    kind = getattr(errors, name, None)
    if isinstance(kind, type) and issubclass(kind, WorkbenchError):
        return kind(message)
    return ExecutionError(f"{notebook.name} failed with {name}: {message[:REMEMBERED]}; see {output}")


def export_html(notebook: Path) -> None:
    """Write the HTML of an executed notebook beside it; code cells are folded away from the reader.

    Parameters
    ----------
    notebook : Path
        Executed notebook.
    """
    exporters = importlib.import_module("nbconvert.exporters")
    exporter = exporters.HTMLExporter(template_name="lab", embed_images=True)
    exporter.exclude_input_prompt = True
    exporter.exclude_output_prompt = True
    body, _ = exporter.from_filename(str(notebook))
    write_atomically(notebook.with_suffix(".html"), body.encode())
