"""The server of an incident review: the monitor's, with the same few doors, and a page that is worked out in parts."""

import logging

from traitlets.config import Config

from workbench.monitor.board.server import PageOrder, serve_what_is_asked, settings_of

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


def main() -> None:
    """Serve an incident review."""
    logging.getLogger("traitlets").setLevel(logging.ERROR)
    serve_what_is_asked("The incident review", "open_review.html", review_settings)
