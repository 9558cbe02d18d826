"""Orders: what is asked of a broker, what became of it, and what the broker says it has executed.

::

    INTENT ──> SENT ──> ACKNOWLEDGED ──> FILLED        executed in full, or in part and the rest is gone
       │         │            │     └──> CANCELLED     nothing more will be executed
       │         │            └────────> REJECTED      the broker will not execute it
       │         └──> UNKNOWN ─────────> any of the four above, once the broker has answered for certain
       ├──> UNKNOWN                                    a restart found it: it may or may not have been sent
       └──> REFUSED                                    never sent: a pre-trade limit stood against it

An INTENT is on the disk before the order is sent. An order id is used once; nothing is ever sent again under it.
"""

from dataclasses import dataclass
from enum import IntEnum


class OrderState(IntEnum):
    """Where an order stands. Codes are stable."""

    INTENT = 0
    SENT = 1
    ACKNOWLEDGED = 2
    FILLED = 3
    CANCELLED = 4
    REJECTED = 5
    UNKNOWN = 6
    REFUSED = 7
    PART_FILLED = 8

    @property
    def is_final(self) -> bool:
        """Whether nothing more can happen to the order."""
        return self in (OrderState.FILLED, OrderState.CANCELLED, OrderState.REJECTED, OrderState.REFUSED)


@dataclass(frozen=True, slots=True)
class Order:
    """One market order.

    Attributes
    ----------
    id : str
        Of this order alone, for ever.
    strategy, pair : str
        Whose position it changes; the broker keeps a position for each strategy.
    units : float
        Signed: + buys base units.
    intent : int
        The engine's number of the target it serves.
    reduce_only : bool
        It may only bring the strategy's position towards zero; a broker executes less rather than turn it.
    price : float
        What the market asked for when it was made, quote units per base unit; reference of collar and slippage.
    valid_until_ns : int
        A broker that gets it later refuses it, so that an order nobody has heard of by then is known to be dead.
    """

    id: str
    strategy: str
    pair: str
    units: float
    intent: int
    reduce_only: bool
    price: float
    valid_until_ns: int


@dataclass(frozen=True, slots=True)
class Execution:
    """What a broker has executed: its number counts up by one for the whole account and never changes."""

    number: int
    order: str
    strategy: str
    pair: str
    units: float
    price: float
    time_ns: int


@dataclass(frozen=True, slots=True)
class OrderNote:
    """A step in the life of an order, as it is written into the journal.

    Attributes
    ----------
    time_ns : int
        When we knew.
    state : OrderState
        From now on.
    order : Order
        In full, so that one note needs no other.
    execution : Execution or None
        With PART_FILLED and FILLED; none when it was noted before, and only now it is known that no other follows.
    reason : str
        Why it was refused, rejected, cancelled, or is unknown.
    """

    time_ns: int
    state: OrderState
    order: Order
    execution: Execution | None = None
    reason: str = ""
