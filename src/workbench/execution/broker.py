"""The protocol of a broker: what the gateway asks, and the two ways in which asking can fail."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from workbench.domain.errors import ExecutionError
from workbench.domain.trading.events import Quote
from workbench.domain.trading.orders import Execution, Order, OrderState


class BrokerUnreachableError(ExecutionError):
    """The broker cannot be reached: what was asked has certainly not been done."""


class OutcomeUnknownError(ExecutionError):
    """The broker did not answer: what was asked may have been done or not."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a broker says of an order by itself; it may come late, twice, or never.

    Attributes
    ----------
    order : str
        Id.
    state : OrderState
        ACKNOWLEDGED, PART_FILLED, FILLED, CANCELLED or REJECTED.
    execution : Execution or None
        With the two fills.
    reason : str
        With the two refusals.
    """

    order: str
    state: OrderState
    execution: Execution | None = None
    reason: str = ""


class Broker(Protocol):
    """An account at a broker.

    Every method may raise `BrokerUnreachableError`; `submit` and `cancel` also `OutcomeUnknownError`. A broker does
    not promise that an id sent twice is executed once: whoever sends must not.
    """

    name: str

    def submit(self, order: Order, now_ns: int) -> None:
        """Send an order; what becomes of it is reported."""
        ...

    def cancel(self, order_id: str, now_ns: int) -> None:
        """Ask that nothing more of an order be executed; what becomes of it is reported."""
        ...

    def reports(self, now_ns: int) -> Sequence[Report]:
        """What has been reported since the last time."""
        ...

    def executions(self, after: int, now_ns: int) -> Sequence[Execution]:
        """Everything executed with a number above `after`, in order: the account's own books."""
        ...

    def state_of(self, order_id: str, now_ns: int) -> Report | None:
        """What became of an order, from the account's own books; None when it has never heard of it."""
        ...

    def positions(self, now_ns: int) -> Mapping[str, float]:
        """Signed units held for each strategy; those that hold nothing may be left out."""
        ...

    def watch(self, quotes: Sequence[Quote]) -> None:
        """Prices of the market; a simulated broker executes at these, a real one does nothing."""
        ...

    def due_ns(self) -> int | None:
        """When it will next have something to report, if it can tell."""
        ...
