"""The monitor's server: Voila on this machine alone, with one page, a token, and as few doors as the page needs."""

import hashlib
import logging
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.netutil import bind_sockets
from traitlets.config import Config
from voila.app import Voila

from workbench.domain.errors import ConfigError
from workbench.monitor.board import doors
from workbench.monitor.board.browser import Browser

ADDRESS = "127.0.0.1"
PORT = 8866
"""Tried first, so that the page's address stays the same."""
LARGEST_MESSAGE = 262_144
LARGEST_BODY = 4_096
PING_MILLISECONDS = 10_000
UNANSWERED_MILLISECONDS = 35_000
"""Well over three pings: jupyter_server closes the line of a page that answers every ping once both are the same."""
LONGEST_FOLDER = 36
"""Letters of a folder for temporary files in which a socket's whole path is not too long for the system."""
KEEP_ALIVE_SECONDS = 30
WEB_SETTINGS: dict[str, Any] = {
    "allow_remote_access": False,
    "local_hostnames": ["localhost"],
    "allow_unauthenticated_access": False,
    "websocket_max_message_size": LARGEST_MESSAGE,
    "ws_ping_interval": PING_MILLISECONDS,
    "ws_ping_timeout": UNANSWERED_MILLISECONDS,
    "log_function": doors.in_silence,
    "default_handler_class": doors.Stranger,
}
"""Of the web application, whatever the libraries underneath have as their defaults."""


@dataclass(frozen=True, slots=True)
class PageOrder:
    """What a server is asked for.

    Attributes
    ----------
    notebook : Path
        The page.
    token : str
        Who knows it may look.
    port : int or None
        None for the usual one, or any free one when that is taken; 0 for any.
    """

    notebook: Path
    token: str
    port: int | None = None


def bound_sockets(port: int | None) -> list[socket.socket]:
    """Sockets on this machine's own address.

    Parameters
    ----------
    port : int or None
        See `PageOrder`.

    Returns
    -------
    list of socket

    Raises
    ------
    ConfigError
        When the port is taken or not allowed.
    """
    try:
        return bind_sockets(PORT if port is None else port, ADDRESS)
    except (OSError, OverflowError) as error:
        if port is None:
            return bind_sockets(0, ADDRESS)
        raise ConfigError(
            f"port {port} cannot be used ({error.strerror or error if isinstance(error, OSError) else error}): give "
            "another one with --port, or --port 0 for any free one"
        ) from error


def settings_of(order: PageOrder) -> Config:
    """What Voila and the libraries under it are told.

    Parameters
    ----------
    order : PageOrder
        What is asked for.

    Returns
    -------
    Config
    """
    config = Config()
    config.Voila.notebook_path = str(order.notebook)
    config.Voila.root_dir = str(order.notebook.parent)
    config.Voila.token = order.token
    # logins outlive the server: the same token makes the same secret
    config.Voila.cookie_secret = hashlib.sha256(b"cookies of the risk monitor " + order.token.encode()).digest()
    config.Voila.config_file_paths = []
    config.Voila.open_browser = False
    config.Voila.ip = ADDRESS
    config.Voila.log_level = "ERROR"
    config.VoilaConfiguration.template = "workbench"
    config.VoilaConfiguration.theme = "dark"
    config.VoilaConfiguration.allow_template_override = "NO"
    config.VoilaConfiguration.allow_theme_override = "NO"
    config.VoilaConfiguration.strip_sources = True
    config.VoilaConfiguration.show_tracebacks = False
    config.VoilaConfiguration.file_allowlist = []
    config.VoilaConfiguration.extension_allowlist = list(doors.EXTENSIONS)
    config.VoilaConfiguration.http_keep_alive_timeout = KEEP_ALIVE_SECONDS
    config.IdentityProvider.cookie_options = {"samesite": "Strict", "httponly": True}
    # a kernel that has ended is reported as dead, and not started again
    config.KernelRestarter.restart_limit = 0
    config.AsyncIOLoopKernelRestarter.restart_limit = 0
    if len(tempfile.gettempdir()) <= LONGEST_FOLDER:
        # sockets in a folder of ours, not ports that every program on this machine can reach
        config.KernelManager.transport = "ipc"
    config.MappingKernelManager.buffer_offline_messages = False
    return config


class MonitorServer(Voila):  # type: ignore[misc]
    """Voila, with most of its doors shut.

    Parameters
    ----------
    sockets : list of socket
        To listen on.
    ready : callable
        Told the address of the page once it answers.
    **options : object
        Of Voila.
    """

    def __init__(self, sockets: list[socket.socket], ready: Callable[[str], None], **options: Any) -> None:
        super().__init__(**options)
        self._sockets, self._ready = sockets, ready

    def init_settings(self) -> dict[str, Any]:
        """Settings of the web application.

        Returns
        -------
        dict
        """
        settings: dict[str, Any] = super().init_settings()
        self.kernel_manager.allowed_message_types = list(doors.MESSAGES)
        return settings | WEB_SETTINGS

    init_handlers = doors.none_for_everybody

    def listen(self) -> None:
        """Answer until stopped."""
        self.app.add_handlers(doors.HOSTS, doors.doors_of(self))
        self.app.transforms.append(doors.SafeHeaders)
        self.port = self._sockets[0].getsockname()[1]
        server = HTTPServer(self.app, max_body_size=LARGEST_BODY)
        server.add_sockets(self._sockets)
        self.ioloop = IOLoop.current()
        signal.signal(signal.SIGINT, self._handle_signal_stop)
        self.ioloop.add_callback(self._ready, f"http://{ADDRESS}:{self.port}/?token={self.token}")
        try:
            self.ioloop.start()
        finally:
            server.stop()
            self.stop()


def serve(order: PageOrder, config: Config, ready: Callable[[str], None]) -> None:
    """Serve the page until a signal ends it, and end its kernels.

    Parameters
    ----------
    order : PageOrder
        What is asked for.
    config : Config
        What Voila and the libraries under it are told.
    ready : callable
        Told the address of the page once it answers.

    Raises
    ------
    ConfigError
        When the port is taken.
    """
    logging.getLogger("tornado.general").setLevel(logging.ERROR)  # every browser that is closed, in the terminal
    server = MonitorServer(bound_sockets(order.port), ready, config=config)
    server.initialize([])
    server.start()


def serve_what_is_asked(title: str, opener: str, settings: Callable[[PageOrder], Config]) -> None:
    """Serve what the environment asks for; the token is not in the command line, which everybody on a machine can see.

    ``WORKBENCH_MONITOR_NOTEBOOK``, ``WORKBENCH_MONITOR_TOKEN_FILE``, ``WORKBENCH_MONITOR_PORT`` and
    ``WORKBENCH_MONITOR_BROWSER`` say what.

    Parameters
    ----------
    title : str
        What the page is, with a capital letter.
    opener : str
        Name of the file beside the token's that hands the address to a browser.
    settings : callable
        What Voila is told.
    """
    port = os.environ["WORKBENCH_MONITOR_PORT"]
    kept = Path(os.environ["WORKBENCH_MONITOR_TOKEN_FILE"])
    notebook = Path(os.environ["WORKBENCH_MONITOR_NOTEBOOK"])
    order = PageOrder(notebook, kept.read_text(encoding="ascii"), int(port) if port else None)
    browser = Browser.taken_from(os.environ, kept.with_name(opener))

    def ready(address: str) -> None:
        print(f"{title} is at {address}", flush=True)  # noqa: T201
        browser.open(address)

    try:
        serve(order, settings(order), ready)
    except ConfigError as error:
        print(f"workbench: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(1)


def main() -> None:
    """Serve the risk monitor."""
    serve_what_is_asked("The risk monitor", "open.html", settings_of)
