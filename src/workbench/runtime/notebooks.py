"""Run a notebook by papermill, strictly: the tag must be there, every parameter must be known, time is limited."""

import importlib
import json
import math
import os
import time
import warnings
from pathlib import Path
from typing import Any

from workbench.data.files import write_atomically
from workbench.domain import errors
from workbench.domain.errors import ConfigError, ExecutionError, WorkbenchError

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
    import papermill

    if not notebook.is_file():
        raise ConfigError(f"notebook {notebook} does not exist")
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
        if len(tagged) != 1:
            raise ConfigError(f"{notebook.name} must have one cell tagged 'parameters', it has {len(tagged)}")
        found = papermill.inspect_notebook(str(notebook))
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{notebook} is not a complete Jupyter notebook: {error}") from error
    return {name: str(about["default"]) for name, about in found.items()}


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


def execute_notebook(notebook: Path, output: Path, parameters: dict[str, Any], *, seconds: int) -> None:
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

    Raises
    ------
    WorkbenchError
        The notebook's own error when it is one of ours; `ExecutionError` for any other, for a dead kernel and for a
        notebook that takes too long.
    """
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    check_parameters(notebook, parameters)
    quiet_kernels()
    # the limit is the notebook's, not a cell's: each cell gets what is left of it
    ends = time.monotonic() + seconds
    try:
        with warnings.catch_warnings():
            # papermill and nbclient warn about their own asyncio and schema details; what matters is raised
            warnings.simplefilter("ignore")
            papermill.execute_notebook(
                str(notebook),
                str(output),
                parameters=parameters,
                kernel_name="python3",
                cwd=str(notebook.parent),
                progress_bar=False,
                log_output=False,
                timeout_func=lambda _cell: max(1, math.ceil(ends - time.monotonic())),
                start_timeout=60,
            )
    except papermill.exceptions.PapermillExecutionError as error:
        raise translated(error.ename, error.evalue, notebook, output) from error
    except CellTimeoutError as error:
        raise ExecutionError(f"{notebook.name} took longer than its limit of {seconds} s and was stopped") from error
    except DeadKernelError as error:
        raise ExecutionError(f"the kernel of {notebook.name} died (out of memory, or killed); see {output}") from error
    export_html(output)


def quiet_kernels() -> None:
    """Let kernels log critical faults only.

    Their note on loopback sockets, and the closed socket they report when a run is interrupted, tell a reader nothing;
    errors of cells and dead kernels do not come by the log, they are raised.
    """
    profile = os.environ.get("IPYTHONDIR", "")
    if profile:
        config = Path(profile) / "profile_default" / "ipython_kernel_config.py"
        write_atomically(config, b"c.IPKernelApp.log_level = 50\n")


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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exporters = importlib.import_module("nbconvert.exporters")
        exporter = exporters.HTMLExporter(template_name="lab", embed_images=True)
        exporter.exclude_input_prompt = True
        exporter.exclude_output_prompt = True
        body, _ = exporter.from_filename(str(notebook))
    write_atomically(notebook.with_suffix(".html"), body.encode())
