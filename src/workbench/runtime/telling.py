"""Telling whoever looks at the terminal must end nothing: a terminal that is gone or a full disk loses a sentence."""

from collections.abc import Callable
from contextlib import suppress


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
