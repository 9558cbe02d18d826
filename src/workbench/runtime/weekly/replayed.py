"""Chosen strategies through the risk engine: the same events as live, on the recorded fixes.

A signal is traded at the first fix after its bar has closed, stops are looked at on every fix before that: the order of
the sweep, so that with controls off the engine and vectorbt make the same trades.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.calendar import fix_times
from workbench.data.rates import DailyRates
from workbench.domain.book import Book, equal_risk_book
from workbench.domain.calibration import Calibration
from workbench.domain.currencies import LEGS, PAIRS
from workbench.domain.errors import DataError
from workbench.domain.policy import Policy
from workbench.domain.trading.events import (
    AnyEvent,
    BarClosed,
    CalibrationAdopted,
    Fill,
    Fixing,
    OperatorEnable,
    OperatorResume,
    RegimeRead,
)
from workbench.domain.trading.market_hours import DAY_NS, SECOND_NS
from workbench.domain.trading.modes import Regime
from workbench.domain.trading.strategies import Strategy
from workbench.engine.player import Played, play
from workbench.engine.risk_engine import EngineState, RiskEngine, Start
from workbench.research import ResearchMarket
from workbench.risk.volatility import ewma_volatility, normal_volatility
from workbench.runtime.replay.scenario import ADOPTED_AFTER_NS, WARM_UP, Evening, quick_calibration
from workbench.strategies import Configuration, side_at_marks

Floats = NDArray[np.float64]

LEAST_HISTORY = 1_000
"""Fixes before the first one traded: a calibration needs them."""
ASSUMED = "weekly review (assumed)"
SECOND = f"{ASSUMED}, second person"
SIGNALS_AFTER_NS = 2 * SECOND_NS
SIGNAL_APART_NS = SECOND_NS


@dataclass(frozen=True, slots=True)
class StrategyReplay:
    """Strategies replayed with and without controls.

    Attributes
    ----------
    configurations : tuple of Configuration
        In the order of their slots.
    strategies : tuple of Strategy
        As the engine ran them.
    free : Played
        Without controls.
    controlled : Played or None
        With controls; None when that was not asked for.
    """

    configurations: tuple[Configuration, ...] = field(repr=False)
    strategies: tuple[Strategy, ...] = field(repr=False)
    free: Played
    controlled: Played | None

    def trades(self) -> pd.DataFrame:
        """Trades of the run without controls, from its fills.

        Returns
        -------
        DataFrame
            configuration, entry, exit (dates), side, units, entry_price, exit_price, profit (units of the quote
            currency), is_open; in the order of the strategies, then of entries. An open trade has the last price.
        """
        rows = []
        for strategy in self.strategies:
            opened: tuple[pd.Timestamp, float, float] | None = None
            for event in self.free.events:
                if isinstance(event, Fill) and event.strategy == strategy.name:
                    day = pd.Timestamp(event.time_ns).normalize()
                    held = opened[1] if opened is not None else 0.0
                    if opened is not None:
                        rows.append(_trade(strategy.name, opened, day, event.price, is_open=False))
                    left = held + event.units
                    opened = (day, left, event.price) if abs(left) > 0.0 else None
            if opened is not None:
                price = float(self.free.final.good[PAIRS.index(strategy.pair)])
                rows.append(_trade(strategy.name, opened, pd.Timestamp(self.free.path.index[-1].date()), price,
                                   is_open=True))  # fmt: skip
        return pd.DataFrame(rows)


def _trade(
    name: str, opened: tuple[pd.Timestamp, float, float], day: pd.Timestamp, price: float, *, is_open: bool
) -> dict[str, object]:
    entry, units, paid = opened
    return {
        "configuration": name,
        "entry": entry,
        "exit": day,
        "side": int(np.sign(units)),
        "units": abs(units),
        "entry_price": paid,
        "exit_price": price,
        "profit": units * (price - paid),
        "is_open": is_open,
    }


@dataclass(frozen=True, slots=True)
class ReplaySpan:
    """What part of history is replayed, and with how much money.

    Attributes
    ----------
    first, last : date or None
        Days included; None means as early as a calibration allows, and the last fix.
    equity : float
        US dollars.
    review_days : int
        Days between two reviews at which people are taken to enable what is locked and to resume what is halted, where
        the engine lets them; 0 for never. A replay has no people: without them the first lock is for ever.
    """

    first: date | None = None
    last: date | None = None
    equity: float = 1e6
    review_days: int = 7


class WeeklyReview:
    """What people are assumed to do: look once a week, enable what is locked, resume what waits for them.

    Parameters
    ----------
    days : int
        Days between two reviews; 0 for never.
    """

    def __init__(self, days: int) -> None:
        self._every_ns, self._next_ns = days * DAY_NS, 0

    def __call__(self, state: EngineState, time_ns: int) -> Iterator[AnyEvent]:
        """Acts of people after an event.

        Parameters
        ----------
        state : EngineState
            As the event left it.
        time_ns : int
            When they act.

        Yields
        ------
        Event
            Nothing between two reviews.
        """
        if self._every_ns == 0 or time_ns < self._next_ns:
            return
        self._next_ns = time_ns + self._every_ns
        for slot, strategy in enumerate(state.settings.strategies):
            if int(state.locked[slot]) != 0:
                yield OperatorEnable(time_ns, ASSUMED, strategy.name, SECOND)
        if bool((np.asarray(state.tripped) * state.settings.numbers["people"][0]).any()):
            yield OperatorResume(time_ns, ASSUMED, SECOND)


def replay_strategies(
    market: ResearchMarket,
    rates: DailyRates,
    policy: Policy,
    chosen: Sequence[tuple[Configuration, Strategy]],
    span: ReplaySpan,
    *,
    controls: bool = True,
) -> StrategyReplay:
    """Replay strategies through the engine.

    Parameters
    ----------
    market : ResearchMarket
        Closes of the same fixes, and the regime known at each.
    rates : DailyRates
        The same fixes as legs.
    policy : Policy
        In force.
    chosen : sequence of (Configuration, Strategy)
        At most sixteen.
    span : ReplaySpan
        Days and equity.
    controls : bool
        Whether a run with controls is made beside the one without; both are calibrated anew every day.

    Returns
    -------
    StrategyReplay

    Raises
    ------
    DataError
        When there are fewer than a thousand fixes before the first day, or less than two in the span.
    """
    rows = span_rows(rates, span)
    strategies = tuple(strategy for _, strategy in chosen)
    times = fix_times(rates.dates).as_unit("ns").asi8
    start = Start(int(times[rows[0]]), span.equity)
    book = _unit_book(rates.up_to(rates.dates[int(rows[0])]), span.equity)
    calibration = quick_calibration(Evening.last_of(rates.up_to(rates.dates[int(rows[0])])), book, policy)
    signals = [side_at_marks(one, policy, market.marks(one.pair)) for one, _ in chosen]
    calls = Calls(tuple(strategy.name for strategy in strategies), signals, market.regimes)
    values = rates.leg_values[list(LEGS)].to_numpy()
    events = list(strategy_events(times, values, rows, calls, calibrations_of(rates, rows, book, policy)))
    free = play(RiskEngine(policy, calibration, strategies, controls=False), start, events)
    reviewed = WeeklyReview(span.review_days)
    controlled = play(RiskEngine(policy, calibration, strategies), start, events, people=reviewed) if controls else None
    return StrategyReplay(tuple(one for one, _ in chosen), strategies, free, controlled)


def span_rows(rates: DailyRates, span: ReplaySpan) -> NDArray[np.int64]:
    """Rows of the fixes in a span.

    Parameters
    ----------
    rates : DailyRates
        All history.
    span : ReplaySpan
        Days.

    Returns
    -------
    ndarray of int
        Consecutive.

    Raises
    ------
    DataError
        When there is too little history before, or less than two fixes in the span.
    """
    inside = np.ones(len(rates), dtype=bool)
    inside[:LEAST_HISTORY] = span.first is not None
    inside &= (rates.dates >= pd.Timestamp(span.first)) if span.first is not None else True
    inside &= (rates.dates <= pd.Timestamp(span.last)) if span.last is not None else True
    rows = np.flatnonzero(inside)
    if len(rows) < 2 or rows[0] < LEAST_HISTORY:
        raise DataError(
            f"a replay of strategies needs two fixes and {LEAST_HISTORY} before them: have {len(rows)} fixes from "
            f"{span.first or 'the start'} to {span.last or 'the end'}, {rows[0] if len(rows) else len(rates)} before"
        )
    return rows


@dataclass(frozen=True, slots=True)
class Calls:
    """What the strategies say at every mark: their names, sides and new bars, and the regime."""

    names: tuple[str, ...]
    signals: list[tuple[Floats, NDArray[np.bool_]]] = field(repr=False)
    regimes: NDArray[np.int64] = field(repr=False)


def strategy_events(
    times: NDArray[np.int64],
    values: Floats,
    rows: NDArray[np.int64],
    calls: Calls,
    calibrations: Sequence[Calibration],
) -> Iterator[tuple[AnyEvent, bool]]:
    """Fixes, regimes, closed bars and calibrations in the order they become known.

    Parameters
    ----------
    times : ndarray of int, shape (days,)
        Nanoseconds of the fixes, UTC.
    values : ndarray, shape (days, 7)
        US dollars per unit of each leg.
    rows : ndarray of int
        Which fixes.
    calls : Calls
        Sides of the last closed bars as known at each fix, and regimes.
    calibrations : sequence of Calibration
        One for each row, adopted after its fix.

    Yields
    ------
    tuple of (Event, bool)
        And that it is not synthetic.
    """
    for place, row in enumerate(rows.tolist()):
        now = int(times[row])
        yield Fixing(now, dict(zip(LEGS, values[row].tolist(), strict=True))), False
        yield RegimeRead(now + SECOND_NS, Regime(int(calls.regimes[row]))), False
        for slot, (name, (side, starts)) in enumerate(zip(calls.names, calls.signals, strict=True)):
            if place > 0 and starts[row]:
                yield BarClosed(now + SIGNALS_AFTER_NS + slot * SIGNAL_APART_NS, name, float(side[row])), False
        after = SIGNALS_AFTER_NS + len(calls.names) * SIGNAL_APART_NS + ADOPTED_AFTER_NS
        yield CalibrationAdopted(now + after, calibrations[place]), False


def calibrations_of(rates: DailyRates, rows: NDArray[np.int64], book: Book, policy: Policy) -> list[Calibration]:
    """A calibration for the evening of every row, by the zero-fit default; each sees its own past only.

    Parameters
    ----------
    rates : DailyRates
        All history.
    rows : ndarray of int
        Evenings.
    book : Book
        Whose residuals give the quantiles.
    policy : Policy
        In force.

    Returns
    -------
    list of Calibration
    """
    return [quick_calibration(Evening.last_of(rates.up_to(rates.dates[row])), book, policy) for row in rows.tolist()]


def _unit_book(rates: DailyRates, equity: float) -> Book:
    """All pairs at equal stand-alone volatility: what the residuals of a book nobody knows yet are taken from."""
    normal = normal_volatility(ewma_volatility(rates.pair_simple_returns().to_numpy()[-WARM_UP:]))
    pairs = dict(zip(PAIRS, normal.tolist(), strict=True))
    return equal_risk_book(pairs, rates.last_values(), equity=equity, gross=1.0)
