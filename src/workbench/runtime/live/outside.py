"""What the loop touches: every door to the world, so that tests and simulations come in through the same ones."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from workbench.data.feeds.supervisor import FeedSupervisor
from workbench.data.inbox import Command
from workbench.data.journal.journal import Journal
from workbench.data.journal.rows import Row
from workbench.domain.errors import DataError
from workbench.domain.trading.events import AnyEvent, Quote
from workbench.domain.trading.market_hours import MINUTE_NS, SECOND_NS
from workbench.domain.trading.orders import OrderNote
from workbench.execution.broker import Broker
from workbench.execution.limits import PreTradeLimits
from workbench.runtime.projection.health import nothing_known
from workbench.runtime.worlds.clock import Clock
from workbench.runtime.worlds.sources import EventSource


class Messages(Protocol):
    """Where people's messages wait: `data.inbox.Inbox`, or one in memory."""

    def waiting(self) -> Sequence[tuple[Any, Command | DataError]]:
        """Messages, oldest first, with the handle to remove them by."""
        ...

    def done(self, path: Any) -> None:
        """Remove one that has been acted on."""
        ...

    def set_aside(self, path: Any) -> None:
        """Put one that is no message out of the way."""
        ...

    def leave_halt(self, reason: str) -> None:
        """Leave a halt for the next start."""
        ...


class Log(Protocol):
    """Where the loop tells what it does."""

    def __call__(self, level: str, what: str, /, **fields: object) -> None:
        """One line."""
        ...


def nobody(_status: str) -> None:
    """Publish a projection to nobody.

    Parameters
    ----------
    _status : str
        JSON.
    """


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often things are done, nanoseconds of the loop's clock; the projection by the stopwatch."""

    heartbeat_ns: int = SECOND_NS
    inbox_ns: int = SECOND_NS // 20
    shown_ns: int = SECOND_NS // 4
    snapshot_ns: int = MINUTE_NS
    figures_ns: int = MINUTE_NS
    first_price_ns: int = 5 * SECOND_NS
    stopped_ns: int = 2 * SECOND_NS  # of the stopwatch between two turns: no wait is that long
    stop_again_ns: int = MINUTE_NS
    last_orders_ns: int = 5 * SECOND_NS  # for orders on their way when a person shuts the loop down


@dataclass(frozen=True, slots=True)
class Outside:
    """Everything the loop touches; tests and simulations give other ones through the same door.

    `wall_ns` is this machine's clock, `speed` the seconds of the loop's clock in one of it, 0 for as fast as possible.
    """

    clock: Clock
    stopwatch: Callable[[], int]
    journal: Journal
    feeds: FeedSupervisor
    broker: Broker
    limits: PreTradeLimits
    inbox: Messages
    sources: Sequence[EventSource]
    log: Log
    about: Mapping[str, Any] = field(default_factory=dict)
    publish: Callable[[str], None] = nobody
    health: Callable[[], Mapping[str, int | None]] = nothing_known
    wall_ns: Callable[[], int] = time.time_ns
    speed: float = 1.0


@dataclass(slots=True)
class Gathered:
    """What one turn found, before anything of it has been acted on."""

    events: list[AnyEvent] = field(default_factory=list)
    quotes: tuple[Quote, ...] = ()
    notes: list[OrderNote] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    commands: list[tuple[Any, Command, str]] = field(default_factory=list)
