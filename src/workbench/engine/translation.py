"""Events into numbers, numbers into decisions: the typed side of the compiled step."""

import math
from dataclasses import dataclass
from typing import Any

from workbench.domain.currencies import LEGS, PAIRS
from workbench.domain.errors import DataError
from workbench.domain.policy import Policy
from workbench.domain.trading import decisions as said
from workbench.domain.trading import events as heard
from workbench.domain.trading.modes import Condition, Ladder, Mode, Regime
from workbench.domain.trading.reasons import Reason
from workbench.engine.kernel.layout import FEEDS, DecisionKind, EventKind
from workbench.engine.kernel.rungs import RUNG_PLACE
from workbench.engine.settings import Settings

NO_VALUES = (math.nan,) * len(LEGS)
PAIR_PLACES = {pair: place for place, pair in enumerate(PAIRS)}


@dataclass(slots=True)
class Numbers:
    """An event as numbers: kind, place, number; first and second; values of the legs, NaN but for a fixing."""

    kind: int
    place: int = 0
    number: int = 0
    first: float = 0.0
    second: float = 0.0
    values: tuple[float, ...] = NO_VALUES


def as_numbers(event: heard.AnyEvent, settings: Settings) -> Numbers:
    """Translate an event.

    Parameters
    ----------
    event : Event
        Any of the closed union.
    settings : Settings
        Knows the strategies.

    Returns
    -------
    Numbers

    Raises
    ------
    DataError
        When the event names a pair, feed or strategy nobody knows, or a fraction out of range.
    """
    translate = WRITERS.get(type(event))
    if translate is None:
        raise DataError(f"unknown event {type(event).__name__}: expected one of {', '.join(sorted(NAMES))}")
    numbers: Numbers = translate(event, settings)
    return numbers


def _quote(event: heard.Quote, settings: Settings) -> Numbers:
    place = PAIR_PLACES.get(event.pair)
    if place is None:
        raise DataError(f"quote of unknown pair {event.pair!r}: expected one of {', '.join(PAIRS)}")
    if not 0 <= event.feed < FEEDS:
        raise DataError(f"quote of {event.pair} from feed {event.feed}: expected 0 (primary) or 1 (backup)")
    return Numbers(EventKind.QUOTE, place, event.feed, event.bid, event.ask)


def _fixing(event: heard.Fixing, settings: Settings) -> Numbers:
    missing = [leg for leg in LEGS if leg not in event.values]
    if missing or len(event.values) != len(LEGS):
        raise DataError(f"a fixing gives US dollars for {', '.join(LEGS)}, got {', '.join(event.values) or 'nothing'}")
    values = tuple(event.values[leg] for leg in LEGS)
    return Numbers(EventKind.FIXING, number=int(event.closes_day), values=values)


def _slot(name: str, settings: Settings) -> int:
    slot = settings.slots.get(name)
    if slot is None:
        known = ", ".join(settings.slots) or "none"
        raise DataError(f"unknown strategy {name!r}: this engine runs {known}")
    return slot


def _bar(event: heard.BarClosed, settings: Settings) -> Numbers:
    return Numbers(EventKind.BAR_CLOSED, _slot(event.strategy, settings), first=event.signal)


def _fill(event: heard.Fill, settings: Settings) -> Numbers:
    return Numbers(EventKind.FILL, _slot(event.strategy, settings), event.intent, event.units, event.price)


def _held(event: heard.PositionHeld, settings: Settings) -> Numbers:
    if not (math.isfinite(event.units) and event.units != 0 and math.isfinite(event.price) and event.price > 0):
        raise DataError(
            f"position held by {event.strategy!r}: expected units other than 0 and a positive price, got "
            f"{event.units!r} at {event.price!r}"
        )
    return Numbers(EventKind.POSITION_HELD, _slot(event.strategy, settings), 0, event.units, event.price)


def _rejected(event: heard.OrderRejected, settings: Settings) -> Numbers:
    return Numbers(EventKind.ORDER_REJECTED, _slot(event.strategy, settings), event.intent)


def _unknown(event: heard.OrderUnknown, settings: Settings) -> Numbers:
    return Numbers(EventKind.ORDER_UNKNOWN, _slot(event.strategy, settings), event.intent)


def _mismatch(event: heard.BookMismatch, settings: Settings) -> Numbers:
    # units nobody claims are no strategy's
    slot = _slot(event.strategy, settings) if event.strategy else -1
    return Numbers(EventKind.BOOK_MISMATCH, slot, first=event.ours, second=event.theirs)


def _repeated(event: heard.RepeatedIntent, settings: Settings) -> Numbers:
    return Numbers(EventKind.REPEATED_INTENT, _slot(event.strategy, settings))


def _scheduled(event: heard.ScheduledRisk, settings: Settings) -> Numbers:
    if not 0.0 <= event.level <= 1.0:
        raise DataError(f"the level of a scheduled risk lies between 0 and 1, got {event.level!r}")
    return Numbers(EventKind.SCHEDULED_RISK, 0, event.until_ns, event.level)


def _reduce(event: heard.OperatorReduce, settings: Settings) -> Numbers:
    if not 0.0 < event.fraction <= 1.0:
        raise DataError(f"a reduction is a fraction above 0 and up to 1, got {event.fraction!r}")
    return Numbers(EventKind.OPERATOR_REDUCE, first=event.fraction)


def _resume(event: heard.OperatorResume, settings: Settings) -> Numbers:
    if not event.proposer or not event.approver or event.proposer == event.approver:
        raise DataError(
            f"to resume takes two different people, got {event.proposer!r} and {event.approver!r}: ask a second one"
        )
    return Numbers(EventKind.OPERATOR_RESUME, number=int(event.rebaseline_peak))


def _enable(event: heard.OperatorEnable, settings: Settings) -> Numbers:
    # none: a journal from before this took two people
    if event.approver == event.actor:
        raise DataError(
            f"to enable takes two different people, got {event.actor!r} and {event.approver!r}: ask a second one"
        )
    return Numbers(EventKind.OPERATOR_ENABLE, _slot(event.strategy, settings))


def _plain(kind: EventKind, key: str = "", number: int = 0) -> Any:
    def translate(event: Any, settings: Settings) -> Numbers:
        return Numbers(kind, number=int(getattr(event, key)) if key else number)

    return translate


WRITERS: dict[type, Any] = {
    heard.Quote: _quote,
    heard.Fixing: _fixing,
    heard.DayClosed: _plain(EventKind.DAY_CLOSED),
    heard.Heartbeat: _plain(EventKind.HEARTBEAT),
    heard.BarClosed: _bar,
    heard.RegimeRead: _plain(EventKind.REGIME_READ, "regime"),
    heard.ScheduledRisk: _scheduled,
    heard.Fill: _fill,
    heard.PositionHeld: _held,
    heard.OrderRejected: _rejected,
    heard.OrderUnknown: _unknown,
    heard.Reconciled: _plain(EventKind.RECONCILED),
    heard.BookMismatch: _mismatch,
    heard.RepeatedIntent: _repeated,
    heard.BrokerStatus: _plain(EventKind.BROKER_STATUS, "connected"),
    heard.CalibrationAdopted: _plain(EventKind.RENEWED, number=1),
    heard.PolicyChanged: _plain(EventKind.RENEWED),
    heard.OperatorHalt: _plain(EventKind.OPERATOR_HALT),
    heard.OperatorReduce: _reduce,
    heard.OperatorResume: _resume,
    heard.OperatorEnable: _enable,
    heard.OperatorCancel: _plain(EventKind.OPERATOR_CANCEL),
}
NAMES = tuple(kind.__name__ for kind in WRITERS)


class DecisionReader:
    """Reads DECISION records under one policy, calibration and set of strategies."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.under = (settings.policy.hash[:12], settings.calibration.id if settings.calibration else "")

    def head(self, record: Any) -> tuple[int, Reason, str, str]:
        """What every decision begins with.

        Parameters
        ----------
        record : record
            DECISION.

        Returns
        -------
        tuple
            Time, reason, policy hash, calibration id.
        """
        return int(record["time_ns"]), Reason(int(record["reason"])), *self.under

    def read(self, record: Any) -> said.AnyDecision:
        """One decision.

        Parameters
        ----------
        record : record
            DECISION.

        Returns
        -------
        Decision
        """
        decision: said.AnyDecision = READERS[int(record["kind"])](self, record)
        return decision

    def name(self, slot: int) -> str:
        """Name of the strategy in a slot.

        Parameters
        ----------
        slot : int
            Negative for none.

        Returns
        -------
        str
            Empty for none.
        """
        return self._settings.strategies[slot].name if slot >= 0 else ""

    def pair(self, slot: int) -> str:
        """Pair of the strategy in a slot.

        Parameters
        ----------
        slot : int
            From 0.

        Returns
        -------
        str
        """
        return self._settings.strategies[slot].pair

    @property
    def policy(self) -> Policy:
        """Policy decided under."""
        return self._settings.policy


def _target(reader: DecisionReader, one: Any) -> said.TargetPosition:
    slot = int(one["place"])
    units, before = float(one["first"]), float(one["second"])
    return said.TargetPosition(
        *reader.head(one), reader.name(slot), reader.pair(slot), units, before, int(one["number"])
    )


def _entry_refused(reader: DecisionReader, one: Any) -> said.EntryRefused:
    return said.EntryRefused(*reader.head(one), reader.name(int(one["place"])), reader.pair(int(one["place"])))


def _cancel(reader: DecisionReader, one: Any) -> said.CancelAll:
    return said.CancelAll(*reader.head(one))


def _alert(reader: DecisionReader, one: Any) -> said.RaiseAlert:
    about = (int(one["level"]), float(one["first"]), float(one["second"]), float(one["third"]))
    if one["number"] == 1:
        ladder, rung = divmod(int(one["place"]), RUNG_PLACE)
        return said.RaiseAlert(*reader.head(one), *about, Ladder(ladder), rung + 1)
    return said.RaiseAlert(*reader.head(one), *about, strategy=reader.name(int(one["place"])))


def _released(reader: DecisionReader, one: Any) -> said.RungReleased:
    ladder, rung = divmod(int(one["place"]), RUNG_PLACE)
    return said.RungReleased(*reader.head(one), Ladder(ladder), rung + 1, float(one["first"]))


def _mode(reader: DecisionReader, one: Any) -> said.ModeChanged:
    return said.ModeChanged(*reader.head(one), Mode(int(one["level"])), Mode(int(one["number"])))


def _condition(reader: DecisionReader, one: Any) -> said.ConditionChanged:
    before, after = Condition(int(one["level"])), Condition(int(one["number"]))
    return said.ConditionChanged(
        *reader.head(one), before, after, int(one["first"]), float(one["second"]), int(one["third"])
    )


def _regime(reader: DecisionReader, one: Any) -> said.RegimeChanged:
    before, after = Regime(int(one["level"])), Regime(int(one["number"]))
    return said.RegimeChanged(
        *reader.head(one), before, after, float(one["first"]), int(one["second"]), adapted_windows(reader.policy, after)
    )


def adapted_windows(policy: Policy, regime: Regime) -> tuple[tuple[str, int, int], ...]:
    """Moving-average windows of each signal in a regime.

    Parameters
    ----------
    policy : Policy
        Signals and their adaptation.
    regime : Regime
        NORMAL and RANGING leave a signal its own windows, as does a signal that does not adapt.

    Returns
    -------
    tuple of (str, int, int)
        Signal, short and long window in bars.
    """
    windows = []
    for name in ("conservative", "moderate", "aggressive"):
        own = getattr(policy.strategies.signals, name).windows
        adapted = getattr(policy.adaptation.moving_averages, name, None)
        if adapted is not None and regime not in (Regime.NORMAL, Regime.RANGING):
            own = getattr(adapted, regime.name.lower())
        windows.append((name, *own))
    return tuple(windows)


def _caution(reader: DecisionReader, one: Any) -> said.CautionChanged:
    return said.CautionChanged(*reader.head(one), bool(one["number"]), float(one["first"]))


def _locked(reader: DecisionReader, one: Any) -> said.ScopeLocked:
    return said.ScopeLocked(
        *reader.head(one), reader.name(int(one["place"])), float(one["first"]), float(one["second"])
    )


def _enabled(reader: DecisionReader, one: Any) -> said.ScopeEnabled:
    return said.ScopeEnabled(*reader.head(one), reader.name(int(one["place"])))


def _input_refused(reader: DecisionReader, one: Any) -> said.InputRefused:
    place = int(one["place"])
    source = PAIRS[place] if place >= 0 else f"{LEGS[-1 - place]} of a fixing"
    what = reader.name(place) if one["level"] == 1 else source
    return said.InputRefused(*reader.head(one), what, float(one["first"]))


def _fail_over(reader: DecisionReader, one: Any) -> said.FailOver:
    return said.FailOver(*reader.head(one), int(one["number"]))


def _resume_refused(reader: DecisionReader, one: Any) -> said.ResumeRefused:
    ladder = Ladder(int(one["place"]) // RUNG_PLACE) if one["number"] == 1 else None
    return said.ResumeRefused(*reader.head(one), ladder, float(one["first"]), float(one["second"]))


READERS: dict[int, Any] = {
    DecisionKind.TARGET: _target,
    DecisionKind.ENTRY_REFUSED: _entry_refused,
    DecisionKind.CANCEL_ALL: _cancel,
    DecisionKind.ALERT: _alert,
    DecisionKind.RUNG_RELEASED: _released,
    DecisionKind.MODE: _mode,
    DecisionKind.CONDITION: _condition,
    DecisionKind.REGIME: _regime,
    DecisionKind.CAUTION: _caution,
    DecisionKind.LOCKED: _locked,
    DecisionKind.ENABLED: _enabled,
    DecisionKind.INPUT_REFUSED: _input_refused,
    DecisionKind.FAIL_OVER: _fail_over,
    DecisionKind.RESUME_REFUSED: _resume_refused,
}
