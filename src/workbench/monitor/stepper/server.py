"""The server of an incident review: the monitor's, with the same few doors, and a page that is worked out in parts."""

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

from traitlets.config import Config

from workbench.domain.errors import ConfigError
from workbench.monitor.board.browser import Browser
from workbench.monitor.board.server import MonitorServer, PageOrder, bound_sockets, settings_of

LONGEST_PART_SECONDS = 3_600
"""A journal of many days is stepped for minutes."""


def review_settings(order: PageOrder) -> Config:
    """What Voila and the libraries under it are told: the monitor's settings, another frame, refusals in words.

    Parameters
    ----------
    order : PageOrder
        What is asked for.

    Returns
    -------
    Config
    """
    config = settings_of(order)
    config.VoilaConfiguration.template = "review"
    config.VoilaConfiguration.theme = "light"
    # whoever has the token may read what was refused; the frame shows the sentence and no trace
    config.VoilaConfiguration.show_tracebacks = True
    config.VoilaExecutor.timeout = LONGEST_PART_SECONDS
    # Voila's signs of life are scripts within the page, which its headers forbid; the frame counts by itself
    config.VoilaConfiguration.http_keep_alive_timeout = LONGEST_PART_SECONDS
    return config


def serve_review(order: PageOrder, ready: Callable[[str], None]) -> None:
    """Serve a review until a signal ends it, and end its kernels.

    Parameters
    ----------
    order : PageOrder
        What is asked for.
    ready : callable
        Told the address of the page once it answers.

    Raises
    ------
    ConfigError
        When the port is taken.
    """
    for noisy in ("tornado.general", "traitlets"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    server = MonitorServer(bound_sockets(order.port), ready, config=review_settings(order))
    server.initialize([])
    server.start()


def main() -> None:
    """Serve what the environment asks for, in the words of `workbench.monitor.board.server`."""
    port = os.environ["WORKBENCH_MONITOR_PORT"]
    kept = Path(os.environ["WORKBENCH_MONITOR_TOKEN_FILE"])
    notebook = Path(os.environ["WORKBENCH_MONITOR_NOTEBOOK"])
    order = PageOrder(notebook, kept.read_text(encoding="ascii"), int(port) if port else None)
    browser = Browser.taken_from(os.environ, kept.with_name("open_review.html"))

    def ready(address: str) -> None:
        print(f"The incident review is at {address}", flush=True)  # noqa: T201
        browser.open(address)

    try:
        serve_review(order, ready)
    except ConfigError as error:
        print(f"workbench: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(1)
