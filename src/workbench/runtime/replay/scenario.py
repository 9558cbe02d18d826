"""A scenario replayed: a book, a calibration a day from what was known then, the engine, with and without controls.

The calibrations are the zero-fit default, filtered historical simulation with EWMA volatility: the race of the daily
run takes half a minute a day. They are adopted right after the fix they end on.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.rates import DailyRates
from workbench.domain.book import Book, equal_risk_book
from workbench.domain.calibration import Calibration
from workbench.domain.currencies import LEGS, PAIRS
from workbench.domain.errors import ConfigError
from workbench.domain.policy import Policy
from workbench.domain.trading.events import AnyEvent, CalibrationAdopted, Fixing, Heartbeat, PositionHeld
from workbench.domain.trading.market_hours import SECOND_NS
from workbench.domain.trading.modes import Tier
from workbench.domain.trading.strategies import Strategy
from workbench.engine.player import Played, play
from workbench.engine.risk_engine import RiskEngine, Start
from workbench.risk.correlation import correlation_path, normal_correlation
from workbench.risk.models import CONFIDENCES
from workbench.risk.models.empirical import empirical_tail
from workbench.risk.volatility import DAILY_DECAY, NORMAL_WINDOW, ewma_volatility, normal_volatility
from workbench.runtime.provenance import code_version
from workbench.runtime.replay.market import Mark, MarkPlan, Scenario, marks_between

Floats = NDArray[np.float64]

ADOPTED_AFTER_NS = SECOND_NS
RESIDUAL_DAYS = 1_000
FIXES_PER_YEAR = 256
UNDER_FIRST_RUNG = 0.9
"""VaR 95 % of the reference book over the first rung of its ladder: as large as a calm book may be without an alert."""
WARM_UP = 2_000
"""Days of history a calibration is made from: more change nothing that is still felt."""


@dataclass(frozen=True, slots=True)
class ReplayOrder:
    """What to replay.

    Attributes
    ----------
    scenario : Scenario
        From `find_scenario`.
    plan : MarkPlan
        What is put between the fixes.
    book : Book or None
        Positions put on at the first fix; None asks for the reference book at that equity (US dollars).
    equity : float
        Of the reference book.
    volatility : float or None
        Annual volatility of the reference book; None makes it as large as the first VaR rung lets a book be.
    before_days, after_days : int
        Calendar days before and after the scenario.
    """

    scenario: Scenario
    plan: MarkPlan = field(default_factory=MarkPlan)
    book: Book | None = None
    equity: float = 1e6
    volatility: float | None = None
    before_days: int = 7
    after_days: int = 30


@dataclass(frozen=True, slots=True)
class ScenarioReplay:
    """A scenario played with controls and without, by the same book at the same marks."""

    scenario: Scenario
    book: Book
    plan: MarkPlan
    start: Start
    calibration: Calibration = field(repr=False)
    controlled: Played = field(repr=False)
    free: Played = field(repr=False)

    @property
    def saved(self) -> float:
        """Share of the largest drawdown that the controls took away; negative when they made it worse."""
        loss = self.free.largest_drawdown
        return 1.0 - self.controlled.largest_drawdown / loss if loss > 0 else 0.0


def reference_book(rates: DailyRates, policy: Policy, *, equity: float, volatility: float | None) -> Book:
    """Long every pair with the same stand-alone volatility, scaled to an annual volatility or to the VaR ladder.

    Parameters
    ----------
    rates : DailyRates
        Up to the day the book is put on.
    policy : Policy
        Its VaR ladder.
    equity : float
        US dollars.
    volatility : float or None
        Annual, by EWMA; None makes VaR 95 % a little smaller than the first rung.

    Returns
    -------
    Book
        Whole units.
    """
    normal = normal_volatility(ewma_volatility(rates.pair_simple_returns().to_numpy()[-WARM_UP:]))
    pairs, values = dict(zip(PAIRS, normal.tolist(), strict=True)), rates.last_values()
    unit = equal_risk_book(pairs, values, equity=equity, gross=1.0)
    daily, residuals = own_volatility(Evening.last_of(rates), unit)
    if volatility is None:
        wanted = UNDER_FIRST_RUNG * policy.ladders.value_at_risk.rung_1.trigger / empirical_tail(-residuals)[0][0]
    else:
        wanted = volatility / np.sqrt(FIXES_PER_YEAR)
    sized = equal_risk_book(pairs, values, equity=equity, gross=float(wanted / daily))
    whole = {pair: float(round(units)) for pair, units in sized.units.items()}
    return Book(whole, equity, name=f"reference, {wanted * np.sqrt(FIXES_PER_YEAR):.1%} a year")


@dataclass(frozen=True, slots=True)
class Evening:
    """What is known on one evening.

    Attributes
    ----------
    as_of : date
        The day.
    data_hash : str
        Of all rates up to it.
    returns : ndarray, shape (days, 7)
        Simple leg returns, the last `WARM_UP` at most, oldest first.
    values : mapping of str to float
        US dollars per unit of each leg.
    """

    as_of: date
    data_hash: str
    returns: Floats = field(repr=False)
    values: Mapping[str, float] = field(repr=False)

    @classmethod
    def last_of(cls, rates: DailyRates) -> "Evening":
        """The last evening of the rates.

        Parameters
        ----------
        rates : DailyRates
            Nothing later exists.

        Returns
        -------
        Evening
        """
        returns = rates.leg_simple_returns()[list(LEGS)].to_numpy()[-WARM_UP:]
        return cls(rates.as_of, rates.content_hash, returns, rates.last_values())


def own_volatility(evening: Evening, book: Book) -> tuple[float, Floats]:
    """EWMA volatility of a book for the next day, and its standardised residuals.

    Parameters
    ----------
    evening : Evening
        When.
    book : Book
        At today's positions.

    Returns
    -------
    tuple of (float, ndarray)
        Daily fraction of equity; the last 1,000 returns over their forecast volatility.
    """
    own = evening.returns @ book.leg_weights(evening.values)
    scale = ewma_volatility(own)
    return float(scale[-1]), (own / scale[:-1])[-RESIDUAL_DAYS:]


def quick_calibration(evening: Evening, book: Book, policy: Policy) -> Calibration:
    """Calibration of one evening by the zero-fit default: EWMA volatility, empirical residuals.

    Parameters
    ----------
    evening : Evening
        When; nothing later exists.
    book : Book
        Whose residuals give the quantiles.
    policy : Policy
        In force.

    Returns
    -------
    Calibration
    """
    legs = evening.returns
    volatility = ewma_volatility(legs)
    path = correlation_path(legs[-NORMAL_WINDOW - 2 * RESIDUAL_DAYS // 10 :], decay=DAILY_DECAY)
    now, residuals = own_volatility(evening, book)
    quantiles, shortfalls = empirical_tail(-residuals)
    tails = {
        f"{level:g}": {"quantile": float(quantile), "expected_shortfall": float(max(shortfall, quantile))}
        for level, quantile, shortfall in zip(CONFIDENCES, quantiles, shortfalls, strict=True)
    }
    return Calibration.from_mapping(
        {
            "as_of": evening.as_of,
            "created": f"{evening.as_of}T18:00:00+00:00",
            "data_hash": evening.data_hash,
            "code_version": code_version(),
            "policy_hash": policy.hash,
            "legs": {
                leg: {
                    "ewma_lambda": DAILY_DECAY,
                    "volatility_daily": float(volatility[-1, place]),
                    "normal_volatility_daily": float(normal_volatility(volatility[:, place])),
                    "garch": {},
                }
                for place, leg in enumerate(LEGS)
            },
            "normal_correlation": normal_correlation(path),
            "current_correlation": path[-1],
            "residual_quantiles": tails,
            "value_at_risk": {
                "champion": "fhs-ewma",
                "book": book.name,
                "equity": book.equity,
                "portfolio_95": tails["0.95"]["quantile"] * now,
                "portfolio_99": tails["0.99"]["quantile"] * now,
                "expected_shortfall_975": tails["0.975"]["expected_shortfall"] * now,
                "backtests": {},
            },
            "regime": {"model": "volatility ratio", "parameters": {}, "labels": [], "adopted": False, "reasons": []},
            "evidence": {},
        }
    )


def held_strategies(book: Book) -> list[Strategy]:
    """One strategy for each position of a book: protected, entered by nobody.

    Parameters
    ----------
    book : Book
        At most sixteen pairs.

    Returns
    -------
    list of Strategy
    """
    return [Strategy(pair, pair, Tier.HELD) for pair in book.pairs]


def scenario_events(
    marks: list[Mark], rates: DailyRates, book: Book, policy: Policy
) -> Iterator[tuple[AnyEvent, bool]]:
    """Marks, the book at the first of them, and a calibration after every fix.

    Parameters
    ----------
    marks : list of Mark
        Oldest first, the first a fix.
    rates : DailyRates
        All history; each calibration sees it up to its own day.
    book : Book
        Put on at the first mark.
    policy : Policy
        In force.

    Yields
    ------
    tuple of (Event, bool)
        And whether it is synthetic.
    """
    first = marks[0].event
    yield Fixing(first.time_ns, first.values, closes_day=False), False
    for pair in book.pairs:
        price = first.values.get(pair[:3], 1.0) / first.values.get(pair[3:], 1.0)
        yield PositionHeld(first.time_ns, pair, book.units[pair], price), False
    yield Heartbeat(first.time_ns), False
    for mark in marks[1:]:
        yield mark.event, mark.synthetic
        if mark.event.closes_day:
            day = pd.Timestamp(mark.event.time_ns, tz="UTC").date()
            calibration = quick_calibration(Evening.last_of(rates.up_to(day)), book, policy)
            yield CalibrationAdopted(mark.event.time_ns + ADOPTED_AFTER_NS, calibration), False


def replay_scenario(rates: DailyRates, policy: Policy, order: ReplayOrder) -> ScenarioReplay:
    """Replay a scenario with and without controls.

    Parameters
    ----------
    rates : DailyRates
        All history; what is later than a moment is never used at it.
    policy : Policy
        In force.
    order : ReplayOrder
        What to replay.

    Returns
    -------
    ScenarioReplay

    Raises
    ------
    ConfigError
        When the book holds nothing.
    DataError
        When there is too little history.
    """
    scenario = order.scenario
    first, last = scenario.start - timedelta(days=order.before_days), scenario.end + timedelta(days=order.after_days)
    marks = marks_between(rates, first, last, order.plan)
    before = rates.up_to(day_of(marks[0]))
    book = (
        order.book
        if order.book is not None
        else reference_book(before, policy, equity=order.equity, volatility=order.volatility)
    )
    if not book.pairs:
        raise ConfigError(f"the {book.name} book holds no position: nothing to replay")
    events = list(scenario_events(marks, rates, book, policy))
    start = Start(marks[0].event.time_ns, book.equity)
    calibration, strategies = quick_calibration(Evening.last_of(before), book, policy), held_strategies(book)
    controlled, free = (
        play(RiskEngine(policy, calibration, strategies, controls=controls), start, events)
        for controls in (True, False)
    )
    return ScenarioReplay(scenario, book, order.plan, start, calibration, controlled, free)


def day_of(mark: Mark) -> date:
    """Calendar day of a mark, UTC.

    Parameters
    ----------
    mark : Mark
        Any.

    Returns
    -------
    date
    """
    return pd.Timestamp(mark.event.time_ns, tz="UTC").date()
