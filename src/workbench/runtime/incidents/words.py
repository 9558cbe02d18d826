"""Durations, money and names as a report says them."""

from collections.abc import Sequence
from datetime import UTC, datetime

from workbench.domain.trading.market_hours import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS

CHANNELS = {"chat": "chat", "email": "e-mail", "sms": "text message", "call": "call", "log": "log file"}
ACTS = {
    "halt": "halt", "reduce": "reduce", "flatten": "close every position", "close_all": "close every position",
    "cancel_all": "cancel what grows a position", "resume": "resume trading", "enable": "enable a locked strategy",
    "approve": "approve a proposal", "full_halt": "halt everything", "shut_down": "shut the loop down",
    "notify_regulator": "record a notice to the regulator",
}  # fmt: skip
"""What people ask, in words."""


def moment(time_ns: int) -> str:
    """A time of day, UTC.

    Parameters
    ----------
    time_ns : int
        Nanoseconds.

    Returns
    -------
    str
        To the second.
    """
    return f"{datetime.fromtimestamp(time_ns // SECOND_NS, UTC):%H:%M:%S}"


def duration(span_ns: int) -> str:
    """How long something lasted.

    Parameters
    ----------
    span_ns : int
        Nanoseconds, not negative.

    Returns
    -------
    str
        Two units at most: ``0.4 s``, ``12 s``, ``3 min 20 s``, ``2 h 05 min``, ``3 d 4 h``.

    Examples
    --------
    >>> duration(200 * 10**9)
    '3 min 20 s'
    """
    if span_ns < 10 * SECOND_NS:
        return f"{span_ns / SECOND_NS:.1f} s"
    if span_ns < MINUTE_NS:
        return f"{span_ns / SECOND_NS:.0f} s"
    if span_ns < HOUR_NS:
        return f"{span_ns // MINUTE_NS} min {span_ns % MINUTE_NS // SECOND_NS:02d} s"
    if span_ns < DAY_NS:
        return f"{span_ns // HOUR_NS} h {span_ns % HOUR_NS // MINUTE_NS:02d} min"
    return f"{span_ns // DAY_NS} d {span_ns % DAY_NS // HOUR_NS} h"


def minutes(count: float) -> str:
    """A number of minutes of the policy.

    Parameters
    ----------
    count : float
        Minutes.

    Returns
    -------
    str
    """
    return f"{count:g} min"


def percent(fraction: float, decimals: int = 2) -> str:
    """A fraction for people.

    Parameters
    ----------
    fraction : float
        0.05 is 5 %.
    decimals : int
        After the point.

    Returns
    -------
    str
    """
    return f"{100 * fraction:.{decimals}f} %"


def counted(number: int, one: str, many: str = "") -> str:
    """A number of things.

    Parameters
    ----------
    number : int
        How many.
    one, many : str
        Words for one, and for more; empty: with an s.

    Returns
    -------
    str
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listed(names: Sequence[str]) -> str:
    """Names in a sentence.

    Parameters
    ----------
    names : sequence of str
        In order.

    Returns
    -------
    str
        ``Ada``, ``Ada and Ben``, ``Ada, Ben and Cleo``.
    """
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
