"""Events: everything that can happen to the engine. Time comes with the event, UTC nanoseconds; silence is one too."""

from collections.abc import Mapping
from dataclasses import dataclass

from workbench.domain.calibration import Calibration
from workbench.domain.policy import Policy
from workbench.domain.trading.modes import Regime


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at `time_ns` (nanoseconds since 1970-01-01 UTC)."""

    time_ns: int


@dataclass(frozen=True, slots=True)
class Quote(Event):
    """A price of one pair; `feed` 0 is the primary, 1 the backup."""

    pair: str
    bid: float
    ask: float
    feed: int = 0


@dataclass(frozen=True, slots=True)
class Fixing(Event):
    """One agreed price per currency, in US dollars, such as a daily reference rate.

    Agreed among many, it needs no second reading. With `closes_day` it ends the day: daily volatility and correlation
    take the day's return in.
    """

    values: Mapping[str, float]
    closes_day: bool = True


@dataclass(frozen=True, slots=True)
class DayClosed(Event):
    """The trading day is over: daily volatility and correlation take its return in, at the last good prices."""


@dataclass(frozen=True, slots=True)
class Heartbeat(Event):
    """Time has passed; the loop sends one a second, whatever else happens."""


@dataclass(frozen=True, slots=True)
class BarClosed(Event):
    """A bar of a strategy is complete and this is its signal: the sign is the side wanted, in [-1, 1], 0 is flat."""

    strategy: str
    signal: float


@dataclass(frozen=True, slots=True)
class RegimeRead(Event):
    """Slow work has read the regime of calm times; a volatility crisis seen by the engine itself goes before it."""

    regime: Regime


@dataclass(frozen=True, slots=True)
class ScheduledRisk(Event):
    """A scheduled release: raises the turbulence part of the stress score to at least `level`, in [0, 1]."""

    level: float
    until_ns: int


@dataclass(frozen=True, slots=True)
class Fill(Event):
    """Units bought (+) or sold (−) for a strategy at a price, for the order with this intent number."""

    strategy: str
    intent: int
    units: float
    price: float


@dataclass(frozen=True, slots=True)
class PositionHeld(Event):
    """A position that was there before: signed units at their average price; the next other event judges the book."""

    strategy: str
    units: float
    price: float


@dataclass(frozen=True, slots=True)
class OrderRejected(Event):
    """The broker rejected the order of this intent; the target stands."""

    strategy: str
    intent: int


@dataclass(frozen=True, slots=True)
class OrderUnknown(Event):
    """Nobody knows what became of the order: no new entries in its pair until it is filled, rejected or reconciled."""

    strategy: str
    intent: int


@dataclass(frozen=True, slots=True)
class Reconciled(Event):
    """Positions and orders agree with the broker: unknown orders are settled."""


@dataclass(frozen=True, slots=True)
class BookMismatch(Event):
    """The broker holds other units for a strategy than we do: entries stop until reconciled.

    `strategy` is empty for units at the broker that belong to none of ours.
    """

    strategy: str
    ours: float
    theirs: float


@dataclass(frozen=True, slots=True)
class RepeatedIntent(Event):
    """The same entry was tried too often without a fill: the strategy is locked until two people enable it.

    What it holds it keeps, under its stops, its signal and every control: only growing is the trouble.
    """

    strategy: str


@dataclass(frozen=True, slots=True)
class BrokerStatus(Event):
    """Whether the broker can be reached."""

    connected: bool


@dataclass(frozen=True, slots=True)
class CalibrationAdopted(Event):
    """The registry has adopted a calibration."""

    calibration: Calibration


@dataclass(frozen=True, slots=True)
class PolicyChanged(Event):
    """The policy is another one from now on: a change two people made, or a what-if in a replay."""

    policy: Policy


@dataclass(frozen=True, slots=True)
class OperatorHalt(Event):
    """A person halts: positions may only shrink until two people resume."""

    actor: str


@dataclass(frozen=True, slots=True)
class OperatorReduce(Event):
    """A person reduces every position by a fraction in (0, 1]; 1 flattens."""

    actor: str
    fraction: float


@dataclass(frozen=True, slots=True)
class OperatorResume(Event):
    """Two people resume; the peak of equity starts anew only if both say so."""

    proposer: str
    approver: str
    rebaseline_peak: bool = False


@dataclass(frozen=True, slots=True)
class OperatorEnable(Event):
    """Two people enable a locked strategy again.

    Journals from before this took two people have no approver; they are stepped again to the same decisions.
    """

    actor: str
    strategy: str
    approver: str = ""


@dataclass(frozen=True, slots=True)
class OperatorCancel(Event):
    """A person cancels what waits at the broker to grow a position; what closes positions goes on."""

    actor: str


AnyEvent = (
    Quote
    | Fixing
    | DayClosed
    | Heartbeat
    | BarClosed
    | RegimeRead
    | ScheduledRisk
    | Fill
    | PositionHeld
    | OrderRejected
    | OrderUnknown
    | Reconciled
    | BookMismatch
    | RepeatedIntent
    | BrokerStatus
    | CalibrationAdopted
    | PolicyChanged
    | OperatorHalt
    | OperatorReduce
    | OperatorResume
    | OperatorEnable
    | OperatorCancel
)
"""The closed union `RiskEngine.step` takes."""
