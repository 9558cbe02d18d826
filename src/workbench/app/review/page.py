"""An incident review as a page: the notebook with what was chosen, and the server that shows it to this machine."""

import json
import os
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from workbench.app.environment import home_folder, project_root
from workbench.app.live_shell import live_folder
from workbench.app.monitor.page import FOLDER, SERVER, PageRequest, page_environment
from workbench.domain.errors import ConfigError

NOTEBOOK = Path("notebooks/monitor/incident_review.ipynb")
REVIEW_SERVER = SERVER.replace("workbench.monitor.board.server", "workbench.monitor.stepper.server")


def become_review(request: PageRequest, chosen: Mapping[str, Any]) -> NoReturn:
    """Become the server of a review: this process is replaced by it.

    Parameters
    ----------
    request : PageRequest
        Journal, port, token and browser.
    chosen : mapping of str to value
        Parameters of the notebook that are not as it comes.

    Raises
    ------
    ConfigError
        When the notebook or a safe token is missing.
    """
    place = home_folder() / FOLDER / f"review-{os.getpid()}"
    _remove_old(place.parent)
    journal = {"folder": str(live_folder(request.folder)) if request.folder else ""}
    notebook = chosen_notebook(place, journal | dict(chosen))
    environment = page_environment(request, os.environ) | {"WORKBENCH_MONITOR_NOTEBOOK": str(notebook)}
    command = [sys.executable, "-c", REVIEW_SERVER]
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(command[0], command, environment)  # noqa: S606 -- our own command line


def _remove_old(folder: Path) -> None:
    """Notebooks of servers that are gone: a server cannot remove its own when it is killed."""
    for notebook in folder.glob(f"review-*/{NOTEBOOK.name}"):
        if not Path(f"/proc/{notebook.parent.name.removeprefix('review-')}").exists():
            notebook.unlink()
            notebook.parent.rmdir()


def chosen_notebook(place: Path, chosen: Mapping[str, Any]) -> Path:
    """The notebook with parameters set, in a cell after its own.

    Parameters
    ----------
    place : Path
        Folder it is left in.
    chosen : mapping of str to value
        Plain literals by name.

    Returns
    -------
    Path

    Raises
    ------
    ConfigError
        When the notebook is missing.
    """
    path = project_root() / NOTEBOOK
    if not path.is_file():
        raise ConfigError(f"the review {path} is missing: expected a whole checkout; run `git checkout -- {NOTEBOOK}`")
    notebook = json.loads(path.read_text(encoding="utf-8"))
    tagged = next(
        number for number, cell in enumerate(notebook["cells"]) if "parameters" in cell["metadata"].get("tags", [])
    )
    own = notebook["cells"][tagged]
    # of the same cell: a page counts its parts
    own["source"] = [*own["source"], "\n", *(f"{name} = {value!r}\n" for name, value in chosen.items())]
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    left = place / NOTEBOOK.name
    left.write_text(json.dumps(notebook), encoding="utf-8")
    return left


def changes_of(words: Sequence[str]) -> dict[str, Any]:
    """Values of a policy from a command line.

    Parameters
    ----------
    words : sequence of str
        Such as ``ladders.drawdown.rung_2.trigger=0.04``; the value as TOML writes it.

    Returns
    -------
    dict of str to value

    Raises
    ------
    ConfigError
        When one is not of this form.
    """
    changes = {}
    for word in words:
        key, _, value = word.partition("=")
        try:
            changes[key.strip()] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"--set: expected key=value, a TOML value, got {word!r} ({error})") from error
    return changes
