"""Telling whoever looks at the terminal must end nothing: a terminal that is gone or a full disk loses a sentence."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

LAST_REFUSAL = "WORKBENCH_LAST_REFUSAL"
"""Variable in which a supervisor that tries a process again names the file of what it said when it refused last."""


def unbroken(tell: Callable[[str], None]) -> Callable[[str], None]:
    """The same, but a sentence that cannot be told is lost, and nothing else is.

    Parameters
    ----------
    tell : callable
        Takes a sentence.

    Returns
    -------
    callable
        Raises neither OSError (terminal gone, disk full) nor ValueError (stream closed).
    """

    def told(sentence: str) -> None:
        with suppress(OSError, ValueError):
            tell(sentence)

    return told


def is_news(refusal: str) -> bool:
    """Whether a refusal is another one than this process gave when a supervisor started it last; remembered from now.

    Parameters
    ----------
    refusal : str
        The sentence.

    Returns
    -------
    bool
        True also where nobody remembers.
    """
    name = os.environ.get(LAST_REFUSAL)
    if not name:
        return True
    try:
        with Path(name).open("r+b") as file:
            before = file.read()
            file.seek(0)
            file.truncate()
            file.write(refusal.encode())
    except OSError:
        return True
    return before != refusal.encode()
