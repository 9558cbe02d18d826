"""Worlds a loop can live in: a recorded scenario, a simulated market, or quotes that come in now."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.data.calendar import fix_times
from workbench.data.feeds.market import SimulatedMarket
from workbench.data.feeds.paths import Fixes, QuotePlan
from workbench.data.feeds.protocol import Feed
from workbench.data.feeds.recorded import FileTail
from workbench.data.rates import DailyRates
from workbench.domain.book import Book
from workbench.domain.calibration import Calibration
from workbench.domain.currencies import LEGS, PAIRS
from workbench.domain.errors import ConfigError, DataError
from workbench.domain.policy import Policy
from workbench.domain.trading.events import AnyEvent, Fixing, Heartbeat, PositionHeld
from workbench.domain.trading.market_hours import SECOND_NS
from workbench.risk.volatility import ewma_covariance
from workbench.runtime.replay.market import HISTORY_DAYS, Scenario
from workbench.runtime.replay.scenario import (
    ADOPTED_AFTER_NS,
    Evening,
    quick_calibration,
    reference_book,
)
from workbench.runtime.worlds.clock import Clock, ScaledClock, VirtualClock, WallClock
from workbench.runtime.worlds.scenario_feed import ScenarioFeed, hourly
from workbench.runtime.worlds.sources import DayEnds, EventSource, RecordedCalibrations

SIMULATED_SEED = 0
GRAIN_NS = SECOND_NS // 10
"""What happens within a tenth of a second is taken in together when time is jumped over."""
AFTER_DAYS = 7
"""Calendar days a replay goes on after its scenario."""


@dataclass(frozen=True, slots=True)
class WorldOrder:
    """What kind of world is wanted.

    Attributes
    ----------
    feed : str
        ``replay:SCENARIO``, ``simulated`` or ``simulated:SEED``, or ``tail:FILE``.
    backup : str
        ``tail:FILE``; a replay and a simulated market have a backup of their own, ``none`` leaves it out.
    speed : float
        Seconds of that world in one of ours; 0 is as fast as possible. Quotes that come in now know only 1.
    seconds : float
        Between two made-up quotes of one pair.
    seed : int
        Of made-up prices.
    """

    feed: str
    backup: str = ""
    speed: float = 1.0
    seconds: float = 2.0
    seed: int = SIMULATED_SEED


@dataclass(frozen=True, slots=True)
class World:
    """Where a loop lives.

    Attributes
    ----------
    label : str
        What the prices are; says when they are made up.
    synthetic : bool
        Whether they are.
    book : Book
        Positions at the start.
    calibration : Calibration or None
        In force at the start.
    begins : callable
        Start of a new book, UTC nanoseconds.
    ends_ns : int or None
        When there will be no more prices.
    clock, feeds, sources : callable
        Made for a start at some moment, the first or any later one.
    opening : tuple of Event
        First prices and the positions that are there.
    mids : mapping of str to float
        Price of each pair as last known before the start.
    """

    label: str
    synthetic: bool
    book: Book
    calibration: Calibration | None
    begins_ns: int
    ends_ns: int | None
    clock: Callable[[int], Clock]
    feeds: Callable[[int], Sequence[Feed]]
    sources: Callable[[int], Sequence[EventSource]]
    opening: tuple[AnyEvent, ...] = field(repr=False, default=())
    mids: Mapping[str, float] = field(repr=False, default_factory=dict)


def clock_at(speed: float) -> Callable[[int], Clock]:
    """A clock for a made-up world.

    Parameters
    ----------
    speed : float
        0 jumps over all waiting.

    Returns
    -------
    callable
        Takes the start.
    """
    if speed == 0:
        return lambda start_ns: VirtualClock(start_ns, GRAIN_NS)
    return lambda start_ns: ScaledClock(start_ns, speed)


def spreads_of(policy: Policy) -> dict[str, float]:
    """Full spread of every pair, pips.

    Parameters
    ----------
    policy : Policy
        Its costs.

    Returns
    -------
    dict of str to float
    """
    return {pair: 2.0 * policy.costs.of(pair).half_spread_pips for pair in PAIRS}


def mids_from(values: Mapping[str, float]) -> dict[str, float]:
    """Price of every pair.

    Parameters
    ----------
    values : mapping of str to float
        US dollars per unit of each leg.

    Returns
    -------
    dict of str to float
    """
    return {pair: values.get(pair[:3], 1.0) / values.get(pair[3:], 1.0) for pair in PAIRS}


def opening_of(book: Book, values: Mapping[str, float], time_ns: int) -> tuple[AnyEvent, ...]:
    """First prices, the positions at these prices, and a heartbeat that judges them.

    Parameters
    ----------
    book : Book
        Positions.
    values : dict of str to float
        US dollars per unit of each leg.
    time_ns : int
        UTC.

    Returns
    -------
    tuple of Event
    """
    mids = mids_from(values)
    held = [PositionHeld(time_ns, pair, book.units[pair], mids[pair]) for pair in book.pairs]
    return (Fixing(time_ns, values, closes_day=False), *held, Heartbeat(time_ns))


def scenario_world(
    rates: DailyRates, policy: Policy, scenario: Scenario, order: WorldOrder, book: Book | float
) -> World:
    """A scenario of the policy, from its first fix, or the one before a single day, to a week after it.

    Parameters
    ----------
    rates : DailyRates
        All history; nothing later than a moment is used at it, but for the fixes its prices run towards.
    policy : Policy
        In force.
    scenario : Scenario
        From `find_scenario`.
    order : WorldOrder
        Speed, backup, seed.
    book : Book or float
        Yours, or the equity (US dollars) of a reference book.

    Returns
    -------
    World

    Raises
    ------
    DataError
        When there are too few fixes, or too little history before.
    """
    last = pd.Timestamp(scenario.end) + timedelta(days=AFTER_DAYS)
    rows = np.flatnonzero((rates.dates >= pd.Timestamp(scenario.start)) & (rates.dates <= last))
    if rows.size < 1 or rows[0] < HISTORY_DAYS + 1:
        raise DataError(f"{scenario.id} needs fixes between {scenario.start} and {last:%Y-%m-%d} and history before it")
    # the move of a scenario of one day is that from the fix before it
    rows = np.arange(rows[0] - (scenario.start == scenario.end), rows[-1] + 1)
    times_ns = fix_times(rates.dates[rows]).as_unit("ns").asi8
    values, returns = rates.leg_values[list(LEGS)].to_numpy(), rates.leg_log_returns()[list(LEGS)].to_numpy()
    covariances = np.array([ewma_covariance(returns[row - 1 - HISTORY_DAYS : row - 1]) for row in rows[1:]])
    fixes = hourly(Fixes(times_ns, values[rows], covariances), order.seed)
    before = rates.up_to(rates.dates[int(rows[0])].date())
    held = reference_book(before, policy, equity=book, volatility=None) if isinstance(book, float) else book
    plan, label = QuotePlan(spreads_of(policy), order.seconds), f"{scenario.name}: ECB fixes, SYNTHETIC quotes between"

    def feeds(start_ns: int) -> Sequence[Feed]:
        names = [("primary", label), ("backup", f"{label}, a fifth of a second later")]
        wanted = names[:1] if order.backup == "none" else names
        return [
            ScenarioFeed(name, fixes, plan, seed=order.seed, start_ns=start_ns, echo=place > 0)
            for place, name in enumerate(wanted)
        ]

    def calibration(place: int) -> Calibration:
        return quick_calibration(Evening.last_of(rates.up_to(rates.dates[int(rows[1 + place])].date())), held, policy)

    begins = int(times_ns[0]) + ADOPTED_AFTER_NS
    return World(
        label,
        synthetic=True,
        book=held,
        calibration=quick_calibration(Evening.last_of(before), held, policy),
        begins_ns=begins,
        ends_ns=int(times_ns[-1]),
        clock=clock_at(order.speed),
        feeds=feeds,
        sources=lambda since: [
            RecordedCalibrations((times_ns[1:] + ADOPTED_AFTER_NS).tolist(), calibration, since),
            DayEnds(since),
        ],
        opening=opening_of(held, before.last_values(), begins),
        mids=mids_from(before.last_values()),
    )


def simulated_world(rates: DailyRates, policy: Policy, order: WorldOrder, book: Book | float) -> World:
    """A market of random walks that begins at the last fix of the rates, with a fresh calibration every day.

    Parameters
    ----------
    rates : DailyRates
        History up to the start.
    policy : Policy
        In force.
    order : WorldOrder
        Speed, seed.
    book : Book or float
        Yours, or the equity (US dollars) of a reference book.

    Returns
    -------
    World
    """
    held = reference_book(rates, policy, equity=book, volatility=None) if isinstance(book, float) else book
    begins = int(fix_times(rates.dates[-1:]).as_unit("ns").asi8[0]) + ADOPTED_AFTER_NS
    values = np.array([rates.last_values()[leg] for leg in LEGS])
    covariance = ewma_covariance(rates.leg_log_returns()[list(LEGS)].to_numpy()[-HISTORY_DAYS:])
    plan = QuotePlan(spreads_of(policy), order.seconds)
    seed = int(order.feed.partition(":")[2] or order.seed)

    def feeds(start_ns: int) -> Sequence[Feed]:
        market = SimulatedMarket(seed, values, covariance, plan, begins)
        market.poll(start_ns)
        return [market]

    return World(
        f"SYNTHETIC: a random walk with seed {seed} from the rates of {rates.as_of}, no real price",
        synthetic=True,
        book=held,
        calibration=quick_calibration(Evening.last_of(rates), held, policy),
        begins_ns=begins,
        ends_ns=None,
        clock=clock_at(order.speed),
        feeds=feeds,
        sources=lambda since: [DayEnds(since)],
        opening=opening_of(held, rates.last_values(), begins),
        mids=mids_from(rates.last_values()),
    )


def tail_of(name: str) -> FileTail:
    """A file of quotes, from its end on: what was in it before is old.

    Parameters
    ----------
    name : str
        Path.

    Returns
    -------
    FileTail
    """
    path = Path(name).expanduser()
    return FileTail(path, f"quotes as they come in from {path}", skip_existing=True)


def incoming_world(
    order: WorldOrder,
    book: Book,
    calibration: Calibration | None,
    slow: Callable[[], Sequence[EventSource]],
    values: Mapping[str, float],
) -> World:
    """Quotes that come in now, from files that grow.

    Parameters
    ----------
    order : WorldOrder
        Names the files.
    book : Book
        Positions at the start; they are put on at the first prices.
    calibration : Calibration or None
        Adopted; without one nothing may be entered.
    slow : callable
        Sources beside the end of the day.
    values : mapping of str to float
        Last known US dollars per unit of each leg.

    Returns
    -------
    World

    Raises
    ------
    ConfigError
        When a name is not ``tail:FILE`` or the speed is not 1.
    """
    if order.speed != 1.0:
        raise ConfigError(f"quotes that come in now cannot be sped up: expected --speed 1, got {order.speed:g}")
    names = [name for name in (order.feed, order.backup) if name not in ("", "none")]
    for name in names:
        if not name.startswith("tail:") or name == "tail:":
            raise ConfigError(f"unknown feed {name!r}: expected replay:SCENARIO, simulated, or tail:FILE")
    clock = WallClock()
    return World(
        "quotes as they come in from " + " and ".join(name.removeprefix("tail:") for name in names),
        synthetic=False,
        book=book,
        calibration=calibration,
        begins_ns=clock.now_ns(),
        ends_ns=None,
        clock=lambda _start: clock,
        feeds=lambda _start: [tail_of(name.removeprefix("tail:")) for name in names],
        sources=lambda since: [*slow(), DayEnds(since)],
        mids=mids_from(values),
    )
