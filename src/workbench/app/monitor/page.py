"""The page's server: what it is asked for, the clean surroundings it is started in, and its demonstration."""

import os
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import NoReturn

from workbench.app.environment import home_folder, project_root
from workbench.app.live_shell import live_folder
from workbench.app.monitor.token import keep_token
from workbench.domain.errors import ConfigError, ExecutionError

NOTEBOOK = Path("notebooks/monitor/risk_monitor.ipynb")
FOLDER, CONTROL_FOLDER = "monitor", "control"
DEMO = "demo"
HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?", re.ASCII | re.IGNORECASE)
SERVER = """
import signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
sys.modules["rfc3987_syntax"] = None
from workbench.monitor.board.server import main
main()
"""
"""Ctrl-C ends it also while it imports; checkers of web addresses nobody asks for stay out, they cost a second."""
KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV", "WORKBENCH_HOME")
"""All that the page's server and its kernels see of the surroundings: whatever else is there may be a secret."""
SCREEN_VARIABLES = (
    "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "BROWSER", "HOME",
)  # fmt: skip
"""What a browser needs besides; the server takes them out before it starts a kernel."""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What the command line asks of a page; empty strings mean the default.

    Attributes
    ----------
    folder : str
        Of the journal that is shown.
    port : int or None
        None: the usual one, or any free one when that is taken.
    token_file : str
        Where the token is kept, so that the page's address stays the same.
    browser : bool
        Open one when there is a display.
    control : str
        Folder of the people, where a control service says where it is.
    control_names : tuple of str
        Hosts besides this machine under which people reach it.
    """

    folder: str = ""
    port: int | None = None
    token_file: str = ""
    browser: bool = True
    control: str = ""
    control_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is no host's name."""
        for name in self.control_names:
            if not HOST_NAME.fullmatch(name):
                raise ConfigError(f"--control-name: expected a host name, got {name!r}")


def become_page(request: PageRequest) -> NoReturn:
    """Become the page's server: this process is replaced by it, so that nothing is left that could outlive it.

    Parameters
    ----------
    request : PageRequest
        From the command line.

    Raises
    ------
    ConfigError
        When the page or a safe token is missing.
    """
    command = [sys.executable, "-c", SERVER]
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(command[0], command, page_environment(request, os.environ))  # noqa: S606 -- our own command line


def page_environment(request: PageRequest, surroundings: Mapping[str, str]) -> dict[str, str]:
    """Variables of the page's server.

    Parameters
    ----------
    request : PageRequest
        From the command line.
    surroundings : mapping of str to str
        Variables of this process.

    Returns
    -------
    dict of str to str
        Names, folders and the page; no secret.

    Raises
    ------
    ConfigError
        When the page or a safe token is missing.
    """
    own = home_folder() / FOLDER
    control = Path(request.control).expanduser().resolve() if request.control else home_folder() / CONTROL_FOLDER
    token = Path(request.token_file).expanduser().resolve() if request.token_file else own / "token"
    keep_token(token)
    kept = {name: surroundings[name] for name in KEPT_VARIABLES if name in surroundings}
    screen = {name: surroundings[name] for name in SCREEN_VARIABLES if name in surroundings}
    shown = {
        "WORKBENCH_MONITOR_FOLDER": str(live_folder(request.folder)),
        "WORKBENCH_MONITOR_NOTEBOOK": str(page_notebook()),
        "WORKBENCH_MONITOR_TOKEN_FILE": str(token),
        "WORKBENCH_MONITOR_PORT": "" if request.port is None else str(request.port),
        "WORKBENCH_MONITOR_BROWSER": "yes" if request.browser else "",
        "WORKBENCH_MONITOR_CONTROL": str(control),
        "WORKBENCH_MONITOR_CONTROL_NAMES": " ".join(request.control_names).lower(),
    }
    libraries = {
        "IPYTHONDIR": str(own / "ipython"),
        "JUPYTER_CONFIG_DIR": str(own / "config"),
        "JUPYTER_DATA_DIR": str(own / "data"),
        "JUPYTER_RUNTIME_DIR": str(own / "runtime"),
        "JUPYTER_NO_CONFIG": "1",
        "JUPYTER_PATH": str(files("workbench.monitor.board") / "frame"),
        "OPENBLAS_NUM_THREADS": "1",
    }
    return kept | (screen if request.browser else {}) | shown | libraries


def page_notebook() -> Path:
    """The page.

    Returns
    -------
    Path

    Raises
    ------
    ConfigError
        When it is missing.
    """
    path = project_root() / NOTEBOOK
    if not path.is_file():
        raise ConfigError(f"the page {path} is missing: expected a whole checkout; run `git checkout -- {NOTEBOOK}`")
    return path


def demo_folder() -> Path:
    """An empty folder for a demonstration; what an earlier one has left is removed.

    Returns
    -------
    Path
        In the home folder.

    Raises
    ------
    ExecutionError
        When a demonstration is running on it.
    """
    from workbench.data.journal.storage import lock_holder

    folder = home_folder() / DEMO
    if lock_holder(folder) is not None:
        raise ExecutionError(f"a demonstration is running on {folder}: stop it first (Ctrl-C in its terminal)")
    if folder.exists():
        shutil.rmtree(folder)
    return folder
