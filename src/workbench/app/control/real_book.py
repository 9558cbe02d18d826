"""Keeps people of a demonstration, whose passwords were printed, away from a real book."""

from collections.abc import Callable
from pathlib import Path

from workbench.data.inbox import Command, Inbox
from workbench.domain.errors import ConfigError
from workbench.monitor.board.source import Source

MADE_UP_FEEDS = ("replay", "simulated")


def is_made_up(folder: Path) -> bool | None:
    """Whether the loop in a folder shows that its prices are made up.

    Parameters
    ----------
    folder : Path
        Of its journal.

    Returns
    -------
    bool or None
        None while it shows nothing that can be read.
    """
    source = Source(folder)
    try:
        source.look()
        return source.projection.get("synthetic") is True if source.projection else None
    finally:
        source.close()


def refuse_real_book(folder: Path) -> None:
    """Refuse a demonstration on the folder of a real book.

    Parameters
    ----------
    folder : Path
        Of the loop's journal.

    Raises
    ------
    ConfigError
        When the loop shows that its prices are not made up.
    """
    if is_made_up(folder) is False:
        raise ConfigError(
            "--demo is for a loop with made-up prices, because passwords of its people were printed, and the one in "
            f"{folder} does not show that its prices are made up: leave --demo out, or give another --folder"
        )


def refuse_real_feed(feed: str, backup: str) -> None:
    """Refuse a demonstration with prices that are not made up.

    Parameters
    ----------
    feed, backup : str
        As on the command line.

    Raises
    ------
    ConfigError
        When one of them comes from outside.
    """
    for given in (feed, backup):
        if given not in ("", "none") and given.partition(":")[0] not in MADE_UP_FEEDS:
            raise ConfigError(
                "--demo is for made-up prices, because passwords of its people were printed, and the feed is "
                f"{given}: leave --demo out, or give --feed replay:SCENARIO or simulated"
            )


class GuardedInbox(Inbox):
    """An inbox that asks before every message.

    Parameters
    ----------
    folder : Path
        Of the messages.
    allowed : callable
        Raises an ExecutionError when nothing may be sent.
    """

    def __init__(self, folder: Path, allowed: Callable[[], None]) -> None:
        super().__init__(folder)
        self._allowed = allowed

    def send(self, command: Command) -> Path:
        """Put a message in if that is allowed.

        Parameters
        ----------
        command : Command
            See `Inbox`.

        Returns
        -------
        Path
            Gone once the loop has acted.

        Raises
        ------
        ExecutionError
            When nothing may be sent, or the folder cannot be written.
        """
        self._allowed()
        return super().send(command)
